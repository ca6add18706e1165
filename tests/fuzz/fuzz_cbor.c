/* SPDX-License-Identifier: Apache-2.0
 *
 * base/cbor and base/json on arbitrary bytes. Beside not crashing, four things must hold:
 * scanning in pieces and at once agree; whatever is accepted libcbor accepts, too; what was
 * read and written again reads the same; and getters in any order end. */
#include "base/cbor.h"
#include "base/json.h"

#include <assert.h>
#include <cbor.h>
#include <errno.h>
#include <string.h>

#define ITEM_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char text[1 << 16];

static void
scan_in_pieces(struct slice in, ssize_t length)
{
	struct cbor_scan s;
	ssize_t n = 0;

	cbor_scan_init(&s, ITEM_MAX);
	for (size_t len = 0; len <= in.len && n == 0; len++)
		n = cbor_scan_item(&s, (struct slice){ in.data, len });
	assert(n == length);
}

/* libcbor 0.8 refuses tags 6 to 20 and simple values, both of which are well-formed. */
static bool
is_known_to_libcbor(struct slice item)
{
	struct cbor_reader r;
	bool known = true;

	rd_init(&r, item, UINT32_MAX);
	while (known && !r.err && (r.depth > 0 || r.pos < r.size)) {
		if (!rd_more(&r)) {
			rd_leave(&r);
			continue;
		}
		switch (rd_peek(&r)) {
		case RD_TAG:
			known = r.data[r.pos] < 0xc6 || r.data[r.pos] > 0xd4;
			rd_tag(&r);
			break;
		case RD_SIMPLE:
			known = false;
			break;
		case RD_ARRAY:
			rd_enter_array(&r);
			break;
		case RD_MAP:
			rd_enter_map(&r);
			break;
		case RD_UINT:
		case RD_NEGINT:
		case RD_BYTES:
		case RD_TEXT:
		case RD_BOOL:
		case RD_NULL:
		case RD_UNDEFINED:
		case RD_FLOAT:
		case RD_NONE:
			rd_skip(&r);
			break;
		}
	}
	assert(!known || rd_done(&r) == 0);
	return known;
}

static void
compare_with_libcbor(struct slice item)
{
	struct cbor_load_result result;

	if (!is_known_to_libcbor(item))
		return;
	cbor_item_t *loaded = cbor_load(item.data, item.len, &result);
	assert(loaded && result.error.code == CBOR_ERR_NONE);
	assert(result.read == item.len);
	cbor_decref(&loaded);
}

/* Containers are opened without a length, so that no count need be known. */
static void
copy_item(struct cbor_reader *r, struct buf *out)
{
	enum rd_type type = rd_peek(r);

	if (type == RD_ARRAY || type == RD_MAP) {
		if (type == RD_ARRAY) {
			rd_enter_array(r);
			wr_open_array(out);
		} else {
			rd_enter_map(r);
			wr_open_map(out);
		}
	} else if (type == RD_TAG) {
		wr_tag(out, rd_tag(r));
	} else if (type == RD_UINT) {
		wr_uint(out, rd_uint(r));
	} else if (type == RD_FLOAT) {
		wr_double(out, rd_number(r));
	} else {
		wr_raw(out, rd_raw(r));
	}
}

static void
copy(struct slice item, struct buf *out)
{
	struct cbor_reader r;

	rd_init(&r, item, UINT32_MAX);
	while (!r.err && (r.depth > 0 || r.pos < r.size)) {
		if (rd_more(&r)) {
			copy_item(&r, out);
		} else {
			rd_leave(&r);
			wr_close(out);
		}
	}
	assert(rd_done(&r) == 0);
}

static void
write_again(struct slice item)
{
	static uint8_t first[1 << 16], second[1 << 16];
	struct buf once, twice;

	buf_init_fixed(&once, first, sizeof first);
	buf_init_fixed(&twice, second, sizeof second);
	copy(item, &once);
	assert(once.err == 0);
	assert(cbor_well_formed(buf_slice(&once)));
	copy(buf_slice(&once), &twice);
	assert(slice_equal(buf_slice(&once), buf_slice(&twice)));
}

static void
show(struct slice item)
{
	struct buf out;
	struct cbor_reader r;

	buf_init_fixed(&out, text, sizeof text);
	cbor_diag(&out, item);
	assert(out.err == 0);
	buf_reset(&out);
	assert(json_put_cbor(&out, item, 0) == 0);
	/* What json_put_text() makes of anything is text again. */
	assert(slice_is_utf8(buf_slice(&out)));
	rd_init(&r, item, UINT32_MAX);
	assert(slice_equal(rd_raw(&r), item));
	assert(rd_done(&r) == 0);
}

/* One getter per byte of the script. */
static void
call_getter(struct cbor_reader *r, uint8_t which)
{
	char small[8];
	int64_t key = -1;
	struct slice name;

	switch (which % 16) {
	case 0:
		rd_uint(r);
		break;
	case 1:
		rd_int(r);
		break;
	case 2:
		rd_number(r);
		break;
	case 3:
		rd_bool(r);
		break;
	case 4:
		rd_null(r);
		break;
	case 5:
		rd_tag(r);
		break;
	case 6:
		rd_bytes(r);
		break;
	case 7:
		rd_text(r);
		break;
	case 8:
		rd_text_copy(r, small, sizeof small);
		break;
	case 9:
		rd_bytes_copy(r, small, sizeof small);
		break;
	case 10:
		rd_skip(r);
		break;
	case 11:
		rd_enter_array(r);
		break;
	case 12:
		rd_enter_map(r);
		break;
	case 13:
		if (r->depth > 0)
			rd_leave(r);
		break;
	case 14:
		rd_next_key(r, &key);
		break;
	case 15:
		rd_next_text_key(r, &name);
		break;
	}
}

/* The first half is the script, the second half the input. */
static void
read_in_any_order(const uint8_t *data, size_t len)
{
	struct cbor_reader r;
	size_t half = len / 2;

	rd_init(&r, (struct slice){ data + half, len - half }, 100);
	for (size_t i = 0; i < half; i++) {
		size_t pos = r.pos;
		enum rd_type type = rd_peek(&r);
		int err = r.err;
		call_getter(&r, data[i]);
		assert(r.pos >= pos && r.pos <= r.size);
		assert(r.depth <= CBOR_DEPTH_MAX);
		assert(!err || (r.err == err && r.pos == pos && type == RD_NONE));
	}
	int done = rd_done(&r);
	assert(done == 0 || done == -EBADMSG || done == -EINVAL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice in = { data, len };
	struct buf out;

	if (len > ITEM_MAX)
		return 0;
	ssize_t length = cbor_item_length(in, ITEM_MAX);
	assert(length <= (ssize_t)len);
	assert(length >= 0 || length == -EBADMSG || length == -EMSGSIZE);
	assert(cbor_well_formed(in) == (length > 0 && (size_t)length == len));
	scan_in_pieces(in, length);
	if (length > 0) {
		in.len = (size_t)length;
		show(in);
		write_again(in);
		compare_with_libcbor(in);
	} else {
		buf_init_fixed(&out, text, sizeof text);
		assert(json_put_cbor(&out, in, 2) == -EBADMSG);
	}
	read_in_any_order(data, len);
	return 0;
}
