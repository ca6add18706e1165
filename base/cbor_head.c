/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads are decoded by libcbor's streaming decoder, with exceptions. These were measured on
 * libcbor 0.8:
 *  - of a definite string it wants every byte present before it tells the length, and the sum
 *    it reports as required overflows for lengths near 2^64;
 *  - it refuses the tags 6 to 20 (COSE uses 16 to 18) as malformed;
 *  - it gives counts as size_t, which cuts 64 bits to 32 on small machines;
 *  - it refuses every simple value but false, true, null and undefined.
 * The first three, and negative integers, have their argument encoded just like an unsigned integer,
 * so they are shown to libcbor as one, unless the first byte holds the argument: most heads of GRASP
 * are such, and a call of libcbor for each took more time than all the rest. */
#include "base/cbor_head.h"

#include <cbor.h>
#include <errno.h>
#include <string.h>

enum {
	MAJOR_UINT,
	MAJOR_NEGINT,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG,
	MAJOR_SIMPLE,
};
enum { INFO_ONE_BYTE = 24, INFO_INDEFINITE = 31 };
#define HEAD_MAX 9

static void
set(void *head, enum rd_type type, uint64_t arg)
{
	struct cbor_head *h = head;

	h->type = type;
	h->arg = arg;
}

static void
set_indefinite(void *head, enum rd_type type)
{
	struct cbor_head *h = head;

	h->type = type;
	h->indefinite = true;
}

static void
set_number(void *head, double number)
{
	struct cbor_head *h = head;

	h->type = RD_FLOAT;
	h->number = number;
}

static void
on_uint8(void *h, uint8_t v)
{
	set(h, RD_UINT, v);
}

static void
on_uint16(void *h, uint16_t v)
{
	set(h, RD_UINT, v);
}

static void
on_uint32(void *h, uint32_t v)
{
	set(h, RD_UINT, v);
}

static void
on_uint64(void *h, uint64_t v)
{
	set(h, RD_UINT, v);
}

static void
on_bool(void *h, bool v)
{
	set(h, RD_BOOL, v);
}

static void
on_null(void *h)
{
	set(h, RD_NULL, 0);
}

static void
on_undefined(void *h)
{
	set(h, RD_UNDEFINED, 0);
}

static void
on_break(void *h)
{
	set(h, RD_NONE, 0);
}

static void
on_open_array(void *h)
{
	set_indefinite(h, RD_ARRAY);
}

static void
on_open_map(void *h)
{
	set_indefinite(h, RD_MAP);
}

static void
on_open_bytes(void *h)
{
	set_indefinite(h, RD_BYTES);
}

static void
on_open_text(void *h)
{
	set_indefinite(h, RD_TEXT);
}

static void
on_float(void *h, float v)
{
	set_number(h, v);
}

static void
on_double(void *h, double v)
{
	set_number(h, v);
}

/* What has an argument has no callback but the integers': it is not shown as such. */
static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.byte_string_start = on_open_bytes,
	.string_start = on_open_text,
	.indef_array_start = on_open_array,
	.indef_map_start = on_open_map,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.boolean = on_bool,
	.null = on_null,
	.undefined = on_undefined,
	.indef_break = on_break,
};

static int
decode(const uint8_t *data, size_t len, struct cbor_head *h)
{
	struct cbor_decoder_result r = cbor_stream_decode(data, len, &callbacks, h);

	switch (r.status) {
	case CBOR_DECODER_FINISHED:
		h->len = (uint8_t)r.read;
		return h->len;
	case CBOR_DECODER_NEDATA:
		return 0;
	case CBOR_DECODER_ERROR:
		break;
	}
	return -EBADMSG;
}

/* The head with major type 0 in place of its own. */
static int
decode_as_uint(struct slice in, enum rd_type type, struct cbor_head *h)
{
	uint8_t head[HEAD_MAX];
	size_t len = in.len < sizeof head ? in.len : sizeof head;

	memcpy(head, in.data, len);
	head[0] &= 0x1f;
	int n = decode(head, len, h);
	h->type = type;
	return n;
}

/* Simple values 0..19 are their own head; 32..255 follow it (below 32: RFC 8949 §3.3). */
static int
decode_simple(struct slice in, uint8_t info, struct cbor_head *h)
{
	if (info < INFO_ONE_BYTE) {
		set(h, RD_SIMPLE, info);
		return h->len = 1;
	}
	if (in.len < 2)
		return 0;
	if (in.data[1] < 32)
		return -EBADMSG;
	set(h, RD_SIMPLE, in.data[1]);
	return h->len = 2;
}

/* By major type; those of the last one have no argument. */
static const enum rd_type types[] = {
	[MAJOR_UINT] = RD_UINT,
	[MAJOR_NEGINT] = RD_NEGINT,
	[MAJOR_BYTES] = RD_BYTES,
	[MAJOR_TEXT] = RD_TEXT,
	[MAJOR_ARRAY] = RD_ARRAY,
	[MAJOR_MAP] = RD_MAP,
	[MAJOR_TAG] = RD_TAG,
	[MAJOR_SIMPLE] = RD_NONE,
};

static bool
may_be_indefinite(uint8_t major)
{
	return major >= MAJOR_BYTES && major <= MAJOR_MAP;
}

int
cbor_head_decode(struct slice in, struct cbor_head *ret)
{
	*ret = (struct cbor_head){ .type = RD_NONE };
	if (in.len == 0)
		return 0;
	uint8_t major = in.data[0] >> 5, info = in.data[0] & 0x1f;

	if (major == MAJOR_SIMPLE && (info < 20 || info == INFO_ONE_BYTE))
		return decode_simple(in, info, ret);
	if (major == MAJOR_SIMPLE ||
	    (info == INFO_INDEFINITE && may_be_indefinite(major)))
		return decode(in.data, in.len, ret);
	if (info >= INFO_ONE_BYTE)
		return decode_as_uint(in, types[major], ret);
	set(ret, types[major], info);
	return ret->len = 1;
}
