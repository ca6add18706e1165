/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"

#include <cbor.h>
#include <float.h>
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

/* The bits of v as a half float, if it is one. By hand, because cbor_encode_half() of libcbor
 * 0.8 loses the low bits of subnormal numbers and rounds what is too large to infinity. */
static bool
make_half(double v, uint16_t *ret)
{
	double size = fabs(v), mantissa;
	int exponent;
	uint16_t bits;

	if (isinf(v)) {
		bits = 0x7c00;
	} else if (size < 0x1p-14) {
		mantissa = size * 0x1p24;
		bits = (uint16_t)mantissa;
		if (mantissa != bits)
			return false;
	} else {
		mantissa = frexp(size, &exponent) * 0x1p11; /* 1024 to 2048 */
		if (exponent > 16 || mantissa != floor(mantissa))
			return false;
		bits = (uint16_t)((exponent + 14) << 10 | ((int)mantissa - 1024));
	}
	*ret = signbit(v) ? bits | 0x8000 : bits;
	return true;
}

static bool
is_single(double v)
{
	return fabs(v) <= (double)FLT_MAX && (double)(float)v == v;
}

void
wr_double(struct buf *b, double v)
{
	uint8_t head[HEAD_MAX];
	uint16_t half = 0x7e00; /* one NaN for all: RFC 8949 §4.2.2 */

	if (isnan(v) || make_half(v, &half)) {
		const uint8_t bytes[] = { 0xf9, (uint8_t)(half >> 8), (uint8_t)half };
		buf_put(b, bytes, sizeof bytes);
	} else if (is_single(v)) {
		buf_put(b, head, cbor_encode_single((float)v, head, sizeof head));
	} else {
		buf_put(b, head, cbor_encode_double(v, head, sizeof head));
	}
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
