/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor_parse_string.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *opens;
	const char *digits; /* of its alphabet, upper case where case does not matter */
	unsigned bits;	    /* per digit */
	char closes;
} strings[] = {
	[CBOR_STRING_TEXT] = { "\"", NULL, 0, '"' },
	[CBOR_STRING_PLAIN] = { "'", NULL, 0, '\'' },
	[CBOR_STRING_HEX] = { "h'", "0123456789ABCDEF", 4, '\'' },
	[CBOR_STRING_B64] = { "b64'",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, '\'' },
	[CBOR_STRING_B32] = { "b32'", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, '\'' },
	[CBOR_STRING_H32] = { "h32'", "0123456789ABCDEFGHIJKLMNOPQRSTUV", 5, '\'' },
};

void
cbor_text_fail(struct cbor_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->failed)
		return;
	t->failed = true;
	n = snprintf(t->err, t->err_size, "column %zu: ", t->at + 1);
	if (n < 0 || (size_t)n >= t->err_size)
		return;
	va_start(ap, fmt);
	vsnprintf(t->err + n, t->err_size - (size_t)n, fmt, ap);
	va_end(ap);
}

int
cbor_text_peek(const struct cbor_text *t)
{
	return t->at < t->text.len ? t->text.data[t->at] : -1;
}

static bool
begins(const struct cbor_text *t, const char *token)
{
	size_t len = strlen(token);

	return t->text.len - t->at >= len &&
	    memcmp(t->text.data + t->at, token, len) == 0;
}

bool
cbor_text_take(struct cbor_text *t, const char *token)
{
	if (!begins(t, token))
		return false;
	t->at += strlen(token);
	return true;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Up to and with the closing mark; a line comment may also end with the text. */
static void
skip_comment(struct cbor_text *t, int closes)
{
	size_t start = t->at++;

	while (cbor_text_peek(t) >= 0)
		if (t->text.data[t->at++] == closes)
			return;
	if (closes == '\n')
		return;
	t->at = start;
	cbor_text_fail(t, "the comment does not end");
}

void
cbor_text_blank(struct cbor_text *t)
{
	while (!t->failed) {
		int c = cbor_text_peek(t);

		if (c == '/' || c == '#')
			skip_comment(t, c == '/' ? '/' : '\n');
		else if (is_blank(c))
			t->at++;
		else
			return;
	}
}

enum cbor_string
cbor_text_string_begins(const struct cbor_text *t)
{
	for (unsigned i = CBOR_STRING_TEXT; i < ARRAY_LEN(strings); i++)
		if (begins(t, strings[i].opens))
			return (enum cbor_string)i;
	return CBOR_STRING_NONE;
}

/* --- escapes ---------------------------------------------------------------------------------- */

static void
put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_put_u8(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_put_u8(out, (uint8_t)(0xc0 | c >> 6));
		buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_put_u8(out, (uint8_t)(0xe0 | c >> 12));
		buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_put_u8(out, (uint8_t)(0xf0 | c >> 18));
		buf_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

static int
digit_of(const char *digits, int c, bool fold)
{
	const char *at;

	if (fold && c >= 'a' && c <= 'z')
		c -= 'a' - 'A';
	at = c > 0 ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static uint32_t
read_hex4(struct cbor_text *t)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int d =
		    digit_of(strings[CBOR_STRING_HEX].digits, cbor_text_peek(t), true);

		if (d < 0) {
			cbor_text_fail(t, "\\u takes four hexadecimal digits");
			return 0;
		}
		v = v << 4 | (uint32_t)d;
		t->at++;
	}
	return v;
}

/* Characters beyond 16 bits come as a pair, as in JSON. */
static void
put_unicode(struct cbor_text *t, struct buf *out)
{
	uint32_t c = read_hex4(t), low = 0;

	if (c >= 0xd800 && c < 0xdc00 && cbor_text_take(t, "\\u"))
		low = read_hex4(t);
	if (low >= 0xdc00 && low < 0xe000)
		c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
	else if (low || (c >= 0xd800 && c < 0xe000))
		cbor_text_fail(t, "half a character: \\ud8xx needs \\udcxx behind it");
	put_utf8(out, c);
}

static void
put_escape(struct cbor_text *t, struct buf *out)
{
	static const char letter[] = "\"\\/'bfnrt", meant[] = "\"\\/'\b\f\n\r\t";
	int c = cbor_text_peek(t);
	const char *at = c > 0 ? strchr(letter, c) : NULL;

	if (c == 'u') {
		t->at++;
		put_unicode(t, out);
	} else if (at) {
		t->at++;
		buf_put_u8(out, (uint8_t)meant[at - letter]);
	} else {
		cbor_text_fail(t, "there is no such escape");
	}
}

static void
put_characters(struct cbor_text *t, int closes, struct buf *out)
{
	while (!t->failed) {
		int c = cbor_text_peek(t);

		if (c < 0) {
			cbor_text_fail(
			    t, "a %c is missing at the end of the text", closes);
			return;
		}
		t->at++;
		if (c == closes)
			return;
		if (c == '\\')
			put_escape(t, out);
		else
			buf_put_u8(out, (uint8_t)c);
	}
}

/* --- digits ----------------------------------------------------------------------------------- */

static int
find_digit(enum cbor_string type, int c)
{
	if (type == CBOR_STRING_B64 && (c == '-' || c == '_'))
		c = c == '-' ? '+' : '/'; /* the alphabet of base64url */
	return digit_of(strings[type].digits, c, type != CBOR_STRING_B64);
}

/* Blanks and comments may stand between digits; = fills up at the end and says nothing. */
static void
put_digits(struct cbor_text *t, enum cbor_string type, struct buf *out)
{
	unsigned bits = 0, have = 0;
	bool filled = false;

	for (;;) {
		int c = cbor_text_peek(t), d = find_digit(type, c);

		if (d >= 0 && !filled) {
			bits = bits << strings[type].bits | (unsigned)d;
			have += strings[type].bits;
			t->at++;
			if (have >= 8)
				buf_put_u8(out, (uint8_t)(bits >> (have -= 8)));
		} else if (c == '=' && strings[type].bits != 4) {
			filled = true;
			t->at++;
		} else if (is_blank(c) || c == '#' ||
		    (c == '/' && type != CBOR_STRING_B64)) {
			cbor_text_blank(t);
		} else {
			break;
		}
		if (t->failed)
			return;
	}
	if (have >= strings[type].bits || (bits & ((1u << have) - 1)) != 0)
		cbor_text_fail(t,
		    type == CBOR_STRING_HEX ? "an odd number of hexadecimal digits"
					    : "the last digits make no whole byte");
	if (!cbor_text_take(t, "'"))
		cbor_text_fail(t,
		    cbor_text_peek(t) < 0 ? "a ' is missing at the end of %s…'"
					  : "this is no digit of %s…'",
		    strings[type].opens);
}

void
cbor_text_string(struct cbor_text *t, enum cbor_string type, struct buf *out)
{
	cbor_text_take(t, strings[type].opens);
	if (strings[type].digits)
		put_digits(t, type, out);
	else
		put_characters(t, strings[type].closes, out);
}
