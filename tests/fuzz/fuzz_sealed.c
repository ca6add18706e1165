// SPDX-License-Identifier: Apache-2.0
//
// What is read as COSE_Encrypt0 is written again byte for byte. As a datagram the input goes through a
// guard whose secret is that of the vectors; what is opened is decoded and judged.
#include "tests/fuzz/guarded.h"
#include "trust/cose.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = { data, size };
	struct cose_encrypt0 e;
	struct buf again;

	(void)guarded_hear(GUARD_SEALED, in);
	if (cose_encrypt0_read(in, &e) < 0)
		return 0;
	buf_init(&again, in.len);
	cose_encrypt0_put(&e, &again);
	assert(again.err == 0 && slice_equal(buf_slice(&again), in));
	buf_done(&again);
	return 0;
}
