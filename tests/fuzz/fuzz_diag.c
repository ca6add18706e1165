/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostic notation both ways: arbitrary text becomes one well-formed item or is refused with a
 * reason, and what an item is written as reads as the same. */
#include "base/cbor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char text[1 << 17];
static uint8_t first[1 << 16], second[1 << 16];

static int
parse(struct slice in, struct buf *out)
{
	char err[64];
	int r = cbor_parse(in, out, err, sizeof err);

	assert(r == 0 || r == -EBADMSG || r == -ENOSPC);
	assert(r != -EBADMSG || strncmp(err, "column ", 7) == 0);
	assert(strlen(err) < sizeof err);
	return r;
}

/* One notation, then that of what it reads as: they do not differ. */
static void
go_round(struct slice item)
{
	struct buf diag, again, out;

	buf_init_fixed(&diag, text, sizeof text / 2);
	buf_init_fixed(&again, text + sizeof text / 2, sizeof text / 2);
	buf_init_fixed(&out, second, sizeof second);
	cbor_diag_wide(&diag, item);
	if (diag.err)
		return;
	assert(parse(buf_slice(&diag), &out) == 0);
	cbor_diag_wide(&again, buf_slice(&out));
	assert(slice_equal(buf_slice(&diag), buf_slice(&again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice in = { data, len };
	struct buf out;

	if (len > INPUT_MAX)
		return 0;
	buf_init_fixed(&out, first, sizeof first);
	if (parse(in, &out) == 0) {
		assert(cbor_well_formed(buf_slice(&out)));
		go_round(buf_slice(&out));
	} else {
		assert(out.err || out.pos == 0);
	}
	if (cbor_well_formed(in))
		go_round(in);
	return 0;
}
