// SPDX-License-Identifier: Apache-2.0
//
// What is read as COSE_Sign1 is written again byte for byte: there is one encoding for one meaning. As a
// datagram the input goes through a guard that knows nobody: it never passes.
#include "tests/fuzz/guarded.h"
#include "trust/cose.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_sign1(struct slice in)
{
	uint8_t header[COSE_PROTECTED_MAX];
	struct cose_sign1 s;
	struct buf again, protected;

	if (cose_sign1_read(in, &s) < 0)
		return;
	buf_init(&again, in.len);
	cose_sign1_put(&s, &again);
	assert(again.err == 0 && slice_equal(buf_slice(&again), in));
	buf_done(&again);
	buf_init_fixed(&protected, header, sizeof header);
	cose_protected_write(&s.header, &protected);
	assert(slice_equal(buf_slice(&protected), s.protected));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = { data, size };
	ssize_t len = cbor_item_length(in, size);

	check_sign1(in);
	if (len > 0)
		check_sign1((struct slice){ data + len, size - (size_t)len });
	assert(guarded_hear(GUARD_SIGNED, in) != GRASP_PASS);
	return 0;
}
