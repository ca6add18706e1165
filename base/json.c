/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/cbor.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define OPEN_BYTES 0x5f
#define OPEN_TEXT  0x7f

struct json {
	struct buf *out;
	struct cbor_reader in;
	unsigned indent;
	struct {
		uint64_t items;
		bool map;
	} level[CBOR_DEPTH_MAX + 1];
};

static void
put_ascii(struct buf *out, uint8_t c)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *at = c ? strchr(escaped, c) : NULL;

	if (at)
		buf_printf(out, "\\%c", letter[at - escaped]);
	else if (c < 0x20 || c == 0x7f)
		buf_printf(out, "\\u%04x", c);
	else
		buf_put_u8(out, c);
}

/* What would steer a terminal or turn the direction of a text (S-31): the value is the same. 0: not. */
static unsigned
steering(const uint8_t *c, size_t n)
{
	unsigned code = n == 2 ? (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu)
	    : n == 3 ? (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu)
		     : 0;
	bool steers = (code >= 0x80 && code <= 0x9f) || code == 0x61c || code == 0x200e ||
	    code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069);

	return steers ? code : 0;
}

static void
put_characters(struct buf *out, struct slice text)
{
	while (text.len > 0) {
		size_t n = slice_utf8_char(text);
		if (n == 0) {
			buf_puts(out, "\xef\xbf\xbd");
			n = 1;
		} else if (n == 1) {
			put_ascii(out, text.data[0]);
		} else if (steering(text.data, n)) {
			buf_printf(out, "\\u%04x", steering(text.data, n));
		} else {
			buf_put(out, text.data, n);
		}
		text.data += n;
		text.len -= n;
	}
}

void
json_put_text(struct buf *out, struct slice text)
{
	buf_put_u8(out, '"');
	put_characters(out, text);
	buf_put_u8(out, '"');
}

void
json_put_double(struct buf *out, double v)
{
	char text[32];
	/* Up to 15 digits always survive, so no shorter try is needed; subnormal numbers have
	 * fewer. */
	int digits = fabs(v) < DBL_MIN ? 1 : DBL_DIG;

	if (!isfinite(v)) {
		buf_puts(out, "null");
		return;
	}
	do
		snprintf(text, sizeof text, "%.*g", digits, v);
	while (digits++ < DBL_DECIMAL_DIG && strtod(text, NULL) != v);
	buf_puts(out, text);
}

static void
put_hex(struct buf *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		buf_printf(out, "%02x", bytes.data[i]);
}

/* Between its first and last byte a chunked string is a sequence of whole ones. */
static void
put_string(struct json *j, bool text)
{
	struct slice raw = rd_raw(&j->in);
	struct cbor_reader parts;

	if (raw.len > 0 && raw.data[0] == (text ? OPEN_TEXT : OPEN_BYTES))
		raw = (struct slice){ raw.data + 1, raw.len - 2 };
	rd_init(&parts, raw, UINT32_MAX);
	buf_put_u8(j->out, '"');
	while (rd_more(&parts)) {
		if (text)
			put_characters(j->out, rd_text(&parts));
		else
			put_hex(j->out, rd_bytes(&parts));
	}
	buf_put_u8(j->out, '"');
}

static void
put_line(struct json *j)
{
	if (j->indent == 0)
		return;
	buf_put_u8(j->out, '\n');
	for (unsigned n = j->indent * j->in.depth; n > 0; n--)
		buf_put_u8(j->out, ' ');
}

/* A key that is no string is shown as its diagnostic notation: 1 becomes "1". */
static void
put_odd_key(struct json *j)
{
	struct slice raw = rd_raw(&j->in);
	struct buf text;

	buf_init(&text, j->out->max);
	cbor_diag(&text, raw);
	json_put_text(j->out, buf_slice(&text));
	if (text.err && !j->out->err)
		j->out->err = text.err;
	buf_done(&text);
}

static void
put_key(struct json *j)
{
	enum rd_type type = rd_peek(&j->in);

	if (type == RD_TEXT || type == RD_BYTES)
		put_string(j, type == RD_TEXT);
	else
		put_odd_key(j);
	buf_puts(j->out, j->indent ? ": " : ":");
}

static void
open_level(struct json *j, bool map)
{
	if (map)
		rd_enter_map(&j->in);
	else
		rd_enter_array(&j->in);
	j->level[j->in.depth].items = 0;
	j->level[j->in.depth].map = map;
	buf_put_u8(j->out, map ? '{' : '[');
}

static void
close_level(struct json *j)
{
	bool map = j->level[j->in.depth].map, empty = j->level[j->in.depth].items == 0;

	rd_leave(&j->in);
	if (!empty)
		put_line(j);
	buf_put_u8(j->out, map ? '}' : ']');
}

static void
put_value(struct json *j)
{
	while (rd_peek(&j->in) == RD_TAG)
		rd_tag(&j->in);
	switch (rd_peek(&j->in)) {
	case RD_UINT:
	case RD_NEGINT:
	case RD_BOOL:
	case RD_NULL:
		cbor_diag(j->out, rd_raw(&j->in)); /* the same in both notations */
		return;
	case RD_BYTES:
		put_string(j, false);
		return;
	case RD_TEXT:
		put_string(j, true);
		return;
	case RD_ARRAY:
		open_level(j, false);
		return;
	case RD_MAP:
		open_level(j, true);
		return;
	case RD_FLOAT:
		json_put_double(j->out, rd_number(&j->in));
		return;
	case RD_UNDEFINED:
	case RD_SIMPLE:
	case RD_TAG:
	case RD_NONE:
		rd_skip(&j->in);
		buf_puts(j->out, "null");
		return;
	}
}

static void
put_member(struct json *j)
{
	if (j->in.depth > 0) {
		if (j->level[j->in.depth].items++ > 0)
			buf_put_u8(j->out, ',');
		put_line(j);
		if (j->level[j->in.depth].map)
			put_key(j);
	}
	put_value(j);
}

int
json_put_cbor(struct buf *out, struct slice item, unsigned indent)
{
	struct json j = { .out = out, .indent = indent };

	if (!cbor_well_formed(item))
		return -EBADMSG;
	rd_init(&j.in, item, UINT32_MAX);
	while (!out->err && !j.in.err && (j.in.depth > 0 || j.in.pos < j.in.size)) {
		if (rd_more(&j.in))
			put_member(&j);
		else
			close_level(&j);
	}
	return out->err ? out->err : rd_done(&j.in);
}
