/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "base/cbor_head.h"

#include <cbor.h>
#include <math.h>

#define HEAD_MAX 9

void
wr_uint(struct buf *b, uint64_t v)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_uint(v, head, sizeof head));
}

void
wr_int(struct buf *b, int64_t v)
{
	uint8_t head[HEAD_MAX];

	if (v >= 0)
		wr_uint(b, (uint64_t)v);
	else
		buf_put(
		    b, head, cbor_encode_negint((uint64_t)(-1 - v), head, sizeof head));
}

/* libcbor rounds silently, to zero or infinity too: what comes back decides. */
static bool
keeps_value(const uint8_t *head, size_t len, double v)
{
	struct cbor_head h;

	return cbor_head_decode((struct slice){ head, len }, &h) > 0 && h.number == v;
}

void
wr_double(struct buf *b, double v)
{
	uint8_t head[HEAD_MAX];
	size_t len;

	if (isnan(v)) { /* one NaN for all: RFC 8949 §4.2.2 */
		buf_put(b, "\xf9\x7e\x00", 3);
		return;
	}
	len = cbor_encode_half((float)v, head, sizeof head);
	if (!keeps_value(head, len, v))
		len = cbor_encode_single((float)v, head, sizeof head);
	if (!keeps_value(head, len, v))
		len = cbor_encode_double(v, head, sizeof head);
	buf_put(b, head, len);
}

void
wr_bool(struct buf *b, bool v)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_bool(v, head, sizeof head));
}

void
wr_null(struct buf *b)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_null(head, sizeof head));
}

void
wr_tag(struct buf *b, uint64_t tag)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_tag(tag, head, sizeof head));
}

void
wr_bytes(struct buf *b, const void *data, size_t len)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_bytestring_start(len, head, sizeof head));
	buf_put(b, data, len);
}

void
wr_text(struct buf *b, const char *text)
{
	wr_text_slice(b, slice_text(text));
}

void
wr_text_slice(struct buf *b, struct slice text)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_string_start(text.len, head, sizeof head));
	buf_put_slice(b, text);
}

void
wr_raw(struct buf *b, struct slice item)
{
	buf_put_slice(b, item);
}

void
wr_array(struct buf *b, uint64_t n)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_array_start(n, head, sizeof head));
}

void
wr_map(struct buf *b, uint64_t pairs)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_map_start(pairs, head, sizeof head));
}

void
wr_open_array(struct buf *b)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_indef_array_start(head, sizeof head));
}

void
wr_open_map(struct buf *b)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_indef_map_start(head, sizeof head));
}

void
wr_close(struct buf *b)
{
	uint8_t head[HEAD_MAX];

	buf_put(b, head, cbor_encode_break(head, sizeof head));
}

void
wr_key_text(struct buf *b, const char *key, const char *text)
{
	wr_text(b, key);
	if (text)
		wr_text(b, text);
	else
		wr_null(b);
}

void
wr_key_int(struct buf *b, const char *key, int64_t v)
{
	wr_text(b, key);
	wr_int(b, v);
}

void
wr_key_double(struct buf *b, const char *key, double v)
{
	wr_text(b, key);
	if (isnan(v))
		wr_null(b);
	else
		wr_double(b, v);
}

void
wr_key_bool(struct buf *b, const char *key, bool v)
{
	wr_text(b, key);
	wr_bool(b, v);
}
