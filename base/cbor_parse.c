/* SPDX-License-Identifier: Apache-2.0
 *
 * From diagnostic notation to CBOR. Items are written as they are met; the head of what has a
 * length is put in front of it when it ends, so nothing is read twice and nothing recurses. */
#include "base/cbor.h"
#include "base/cbor_parse_string.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEVELS_MAX 32 /* more than any reader of ours takes, for the better message */
#define NUMBER_MAX 128
#define BIG_MAX	   64 /* bytes of a bignum */

enum {
	MAJOR_UINT,
	MAJOR_NEGINT,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG
};

enum kind { ROOT, ARRAY, MAP, TAGGED, EMBEDDED, CHUNKS };

static const struct {
	const char *close, *name;
} kinds[] = {
	[ROOT] = { "", "" },
	[ARRAY] = { "]", "array" },
	[MAP] = { "}", "map" },
	[TAGGED] = { ")", "tag" },
	[EMBEDDED] = { ">>", "<<" },
	[CHUNKS] = { ")", "(_" },
};

struct level {
	enum kind kind;
	bool indefinite;
	size_t start; /* where its content begins in out */
	uint64_t items;
};

struct parser {
	struct cbor_text in;
	struct buf *out;
	struct level level[LEVELS_MAX];
	unsigned depth;
};

static struct level *
top_of(struct parser *p)
{
	return &p->level[p->depth];
}

/* --- heads ----------------------------------------------------------------------------------- */

/* width: additional information 24 + width; -1: the shortest. Returns the length, 0 if too wide. */
static size_t
make_head(uint8_t head[9], unsigned major, uint64_t arg, int width)
{
	int least = arg < 24	? -1
	    : arg <= UINT8_MAX	? 0
	    : arg <= UINT16_MAX ? 1
	    : arg <= UINT32_MAX ? 2
				: 3;
	size_t bytes;

	if (width < 0)
		width = least;
	if (width < least)
		return 0;
	head[0] = (uint8_t)(major << 5 | (width < 0 ? arg : 24 + (unsigned)width));
	bytes = width < 0 ? 0 : (size_t)1 << width;
	for (size_t i = 0; i < bytes; i++)
		head[1 + i] = (uint8_t)(arg >> 8 * (bytes - 1 - i));
	return 1 + bytes;
}

static void
put_head(struct parser *p, unsigned major, uint64_t arg, int width)
{
	uint8_t head[9];
	size_t n = make_head(head, major, arg, width);

	if (n == 0)
		cbor_text_fail(&p->in, "_%d is too narrow for this number", width);
	buf_put(p->out, head, n);
}

/* In front of what was put since start. */
static void
insert_head(struct parser *p, size_t start, unsigned major, uint64_t arg)
{
	uint8_t head[9];
	size_t n = make_head(head, major, arg, -1), len = p->out->pos - start;

	buf_put(p->out, head, n);
	if (p->out->err)
		return;
	memmove(p->out->data + start + n, p->out->data + start, len);
	memcpy(p->out->data + start, head, n);
}

/* --- levels ---------------------------------------------------------------------------------- */

static void
open_level(struct parser *p, enum kind kind, bool indefinite)
{
	if (p->depth + 1 == LEVELS_MAX) {
		cbor_text_fail(&p->in, "nested too deep");
		return;
	}
	p->level[++p->depth] = (struct level){ kind, indefinite, p->out->pos, 0 };
}

static void
close_level(struct parser *p)
{
	struct level l = *top_of(p);

	p->depth--;
	if (l.indefinite) {
		buf_put_u8(p->out, 0xff);
		return;
	}
	if (l.kind == ARRAY)
		insert_head(p, l.start, MAJOR_ARRAY, l.items);
	else if (l.kind == MAP)
		insert_head(p, l.start, MAJOR_MAP, l.items / 2);
	else if (l.kind == EMBEDDED)
		insert_head(p, l.start, MAJOR_BYTES, p->out->pos - l.start);
}

/* --- numbers --------------------------------------------------------------------------------- */

struct number {
	char text[NUMBER_MAX];
	size_t len;
	int width; /* of _n; -1: none */
};

static bool
is_sign_of_exponent(const struct number *n, bool hex)
{
	char last = n->len ? n->text[n->len - 1] : 0;

	return hex ? last == 'p' || last == 'P' : last == 'e' || last == 'E';
}

static bool
is_alnum(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
read_width(struct parser *p, int *ret)
{
	*ret = -1;
	if (!cbor_text_take(&p->in, "_"))
		return true;
	int c = cbor_text_peek(&p->in);
	if (c < '0' || c > '3') {
		cbor_text_fail(&p->in, "_0, _1, _2 or _3 gives a width");
		return false;
	}
	p->in.at++;
	*ret = c - '0';
	return true;
}

static bool
read_number(struct parser *p, struct number *n)
{
	bool hex = false;

	n->len = 0;
	for (;;) {
		int c = cbor_text_peek(&p->in);

		if (!is_alnum(c) && c != '.' &&
		    !((c == '+' || c == '-') && is_sign_of_exponent(n, hex)))
			break;
		if (n->len + 1 == sizeof n->text) {
			cbor_text_fail(&p->in, "the number is too long");
			return false;
		}
		n->text[n->len++] = (char)c;
		hex |= n->len == 2 && (c == 'x' || c == 'X');
		p->in.at++;
	}
	n->text[n->len] = '\0';
	if (n->len == 0) {
		cbor_text_fail(&p->in, "a number is missing");
		return false;
	}
	return read_width(p, &n->width);
}

/* Digits of a base into big-endian bytes; the number of significant ones, -1: no such number. */
static int
make_big(const char *digits, unsigned base, uint8_t big[BIG_MAX])
{
	memset(big, 0, BIG_MAX);
	if (!*digits)
		return -1;
	for (; *digits; digits++) {
		int c = *digits;
		unsigned carry =
		    c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);

		if (carry >= base)
			return -1;
		for (int i = BIG_MAX - 1; i >= 0; i--) {
			carry += big[i] * base;
			big[i] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			return -1;
	}
	for (int i = 0; i < BIG_MAX; i++)
		if (big[i])
			return BIG_MAX - i;
	return 0;
}

static void
decrement(uint8_t big[BIG_MAX])
{
	for (int i = BIG_MAX - 1; i >= 0 && big[i]-- == 0; i--)
		;
}

static uint64_t
low_64(const uint8_t big[BIG_MAX])
{
	uint64_t v = 0;

	for (int i = BIG_MAX - 8; i < BIG_MAX; i++)
		v = v << 8 | big[i];
	return v;
}

/* What 64 bits do not hold is a bignum, tag 2 or 3 (RFC 8949 §3.4.3). */
static void
put_integer(struct parser *p, const char *digits, unsigned base, bool negative, int width)
{
	uint8_t big[BIG_MAX];
	int len = make_big(digits, base, big);

	if (len < 0) {
		cbor_text_fail(&p->in, "%s is no number", digits);
		return;
	}
	negative = negative && len > 0;
	if (negative)
		decrement(big);
	while (len > 0 && big[BIG_MAX - len] == 0)
		len--;
	if (len <= 8) {
		put_head(p, negative ? MAJOR_NEGINT : MAJOR_UINT, low_64(big), width);
		return;
	}
	if (width >= 0)
		cbor_text_fail(&p->in, "a number beyond 64 bits has no width");
	put_head(p, MAJOR_TAG, negative ? 3 : 2, -1);
	put_head(p, MAJOR_BYTES, (uint64_t)len, -1);
	buf_put(p->out, big + BIG_MAX - len, (size_t)len);
}

static void
put_wide_float(struct parser *p, double v, int width)
{
	uint8_t bytes[9];
	uint64_t bits;
	float single = (float)v;
	uint32_t bits32;

	memcpy(&bits, &v, sizeof bits);
	memcpy(&bits32, &single, sizeof bits32);
	if (width == 2)
		bits = bits32;
	bytes[0] = (uint8_t)(0xf8 + width);
	for (unsigned i = 0; i < 1u << width; i++)
		bytes[1 + i] = (uint8_t)(bits >> 8 * ((1u << width) - 1 - i));
	buf_put(p->out, bytes, 1 + (1u << width));
}

static void
put_float(struct parser *p, double v, int width)
{
	size_t start = p->out->pos, len;

	if (width == 0) {
		cbor_text_fail(&p->in, "a float is _1, _2 or _3 wide");
		return;
	}
	wr_double(p->out, v);
	len = p->out->pos - start;
	if (width < 0 || p->out->err)
		return;
	if (len > 1 + ((size_t)1 << width))
		cbor_text_fail(&p->in, "_%d is too narrow for this number", width);
	else if (len < 1 + ((size_t)1 << width)) {
		p->out->pos = start;
		put_wide_float(p, v, width);
	}
}

static void
put_float_text(struct parser *p, const struct number *n, bool negative)
{
	char *end;
	double v = strtod(n->text, &end);

	if (end == n->text || *end)
		cbor_text_fail(&p->in, "%s is no number", n->text);
	else if (isinf(v))
		cbor_text_fail(&p->in, "%s is beyond what a float holds", n->text);
	else
		put_float(p, negative ? -v : v, n->width);
}

static unsigned
base_of(const char *text)
{
	if (text[0] != '0' || !text[1])
		return 10;
	switch (text[1] | 0x20) {
	case 'x':
		return 16;
	case 'o':
		return 8;
	case 'b':
		return 2;
	}
	return 10;
}

static void
put_number(struct parser *p, bool negative)
{
	struct number n;
	unsigned base;

	if (!read_number(p, &n))
		return;
	base = base_of(n.text);
	if (strpbrk(n.text, base == 16 ? ".pP" : ".eE")) {
		put_float_text(p, &n, negative);
	} else if (!negative && cbor_text_take(&p->in, "(")) {
		uint8_t big[BIG_MAX];
		int len = make_big(n.text + (base == 10 ? 0 : 2), base, big);

		if (len < 0 || len > 8)
			cbor_text_fail(&p->in, "%s is no tag", n.text);
		else
			put_head(p, MAJOR_TAG, low_64(big), n.width);
		open_level(p, TAGGED, false);
	} else {
		put_integer(p, n.text + (base == 10 ? 0 : 2), base, negative, n.width);
	}
}

/* --- words ----------------------------------------------------------------------------------- */

static void
put_simple(struct parser *p)
{
	struct number n;
	uint8_t big[BIG_MAX];

	cbor_text_blank(&p->in);
	if (!read_number(p, &n))
		return;
	int len = make_big(n.text, 10, big);
	uint64_t v = low_64(big);
	cbor_text_blank(&p->in);
	if (!cbor_text_take(&p->in, ")") || len < 0 || len > 1 || (v >= 24 && v < 32)) {
		cbor_text_fail(&p->in, "simple(n) takes 0 to 23 or 32 to 255");
		return;
	}
	if (v >= 24)
		buf_put_u8(p->out, 0xf8);
	buf_put_u8(p->out, (uint8_t)(v < 24 ? 0xe0 | v : v));
}

static void
put_special_float(struct parser *p, double v)
{
	int width;

	if (read_width(p, &width))
		put_float(p, v, width);
}

static const struct {
	const char *word;
	uint8_t byte;
} constants[] = {
	{ "false", 0xf4 },
	{ "true", 0xf5 },
	{ "null", 0xf6 },
	{ "undefined", 0xf7 },
};

static void
put_word(struct parser *p)
{
	size_t start = p->in.at, len = 0;
	const char *word = (const char *)p->in.text.data + start;

	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if (cbor_text_take(&p->in, constants[i].word)) {
			buf_put_u8(p->out, constants[i].byte);
			return;
		}
	if (cbor_text_take(&p->in, "simple("))
		put_simple(p);
	else if (cbor_text_take(&p->in, "NaN"))
		put_special_float(p, NAN);
	else if (cbor_text_take(&p->in, "Infinity"))
		put_special_float(p, INFINITY);
	else {
		while (start + len < p->in.text.len && is_alnum(word[len]))
			len++;
		cbor_text_fail(&p->in,
		    len ? "\"%.*s\" is no value; text stands in double quotes"
			: "\"%.*s\" cannot begin a value",
		    (int)(len ? len : 1), word);
	}
}

/* --- items ----------------------------------------------------------------------------------- */

/* One string, or several that stand side by side and are one (RFC 8610 G.4). */
static void
put_string(struct parser *p, enum cbor_string type)
{
	size_t start = p->out->pos;
	bool text = type == CBOR_STRING_TEXT;
	struct slice content;

	do {
		cbor_text_string(&p->in, type, p->out);
		if (top_of(p)->kind != CHUNKS)
			cbor_text_blank(&p->in);
		else
			break;
	} while (!p->in.failed &&
	    (type = cbor_text_string_begins(&p->in)) != CBOR_STRING_NONE);
	content = (struct slice){ p->out->data + start, p->out->pos - start };
	if (p->out->err)
		return;
	if (text && !slice_is_utf8(content))
		cbor_text_fail(&p->in, "the text is not UTF-8");
	if (content.len == 0 && cbor_text_take(&p->in, "_"))
		buf_put(p->out, text ? "\x7f\xff" : "\x5f\xff", 2); /* without any part */
	else
		insert_head(p, start, text ? MAJOR_TEXT : MAJOR_BYTES, content.len);
}

static void
open_chunks(struct parser *p)
{
	cbor_text_blank(&p->in);
	enum cbor_string type = cbor_text_string_begins(&p->in);
	bool text = type == CBOR_STRING_TEXT;

	if (type == CBOR_STRING_NONE) {
		cbor_text_fail(&p->in, "(_ takes strings; an empty one is ''_ or \"\"_");
		return;
	}
	buf_put_u8(p->out, text ? 0x7f : 0x5f);
	open_level(p, CHUNKS, true);
	/* Their type is that of the first one; remembered in start, which they do not need. */
	top_of(p)->start = text;
}

static bool
is_wrong_chunk(struct parser *p, enum cbor_string type)
{
	const struct level *l = top_of(p);

	return l->kind == CHUNKS &&
	    (type == CBOR_STRING_NONE || (type == CBOR_STRING_TEXT) != (bool)l->start);
}

static void
open_container(struct parser *p, enum kind kind)
{
	bool indefinite = cbor_text_take(&p->in, "_");

	if (indefinite)
		buf_put_u8(p->out, kind == ARRAY ? 0x9f : 0xbf);
	open_level(p, kind, indefinite);
}

/* True if it opened a level, whose first item comes next. */
static bool
take_item(struct parser *p)
{
	enum cbor_string type = cbor_text_string_begins(&p->in);
	unsigned depth = p->depth;
	int c = cbor_text_peek(&p->in);

	if (is_wrong_chunk(p, type))
		cbor_text_fail(&p->in, "the parts of a string are strings of one kind");
	else if (type != CBOR_STRING_NONE)
		put_string(p, type);
	else if (cbor_text_take(&p->in, "["))
		open_container(p, ARRAY);
	else if (cbor_text_take(&p->in, "{"))
		open_container(p, MAP);
	else if (cbor_text_take(&p->in, "<<"))
		open_level(p, EMBEDDED, false);
	else if (cbor_text_take(&p->in, "(_"))
		open_chunks(p);
	else if (cbor_text_take(&p->in, "-Infinity"))
		put_special_float(p, -INFINITY);
	else if (c == '-' || c == '+') {
		p->in.at++;
		put_number(p, c == '-');
	} else if (c >= '0' && c <= '9')
		put_number(p, false);
	else if (c < 0)
		cbor_text_fail(&p->in, "a value is missing");
	else
		put_word(p);
	return p->depth > depth;
}

/* Behind an item: closes what ends here. True: another item follows. */
static bool
take_separator(struct parser *p)
{
	for (;;) {
		struct level *l = top_of(p);

		cbor_text_blank(&p->in);
		if (p->in.failed || l->kind == ROOT)
			return false;
		l->items++;
		if (l->kind == MAP && l->items % 2) {
			if (!cbor_text_take(&p->in, ":"))
				cbor_text_fail(&p->in, "a : is missing behind the key");
			return true;
		}
		if (l->kind != TAGGED && cbor_text_take(&p->in, ","))
			return true;
		if (!cbor_text_take(&p->in, kinds[l->kind].close)) {
			cbor_text_fail(&p->in,
			    l->kind == TAGGED ? "%s is missing" : "%s or , is missing",
			    kinds[l->kind].close);
			return false;
		}
		close_level(p);
	}
}

/* An empty container ends where its first item would stand. */
static bool
take_empty(struct parser *p)
{
	struct level *l = top_of(p);

	if (l->kind == ROOT || l->kind == TAGGED || l->kind == CHUNKS ||
	    !cbor_text_take(&p->in, kinds[l->kind].close))
		return false;
	close_level(p);
	return true;
}

static void
parse(struct parser *p)
{
	bool opened, more = true;

	while (more && !p->in.failed && !p->out->err) {
		cbor_text_blank(&p->in);
		opened = take_item(p);
		cbor_text_blank(&p->in);
		if (opened && !p->in.failed)
			opened = !take_empty(p);
		more = opened || take_separator(p);
	}
	if (!p->in.failed && p->in.at < p->in.text.len)
		cbor_text_fail(&p->in, "something follows the value");
}

int
cbor_parse(struct slice text, struct buf *out, char *err, size_t err_size)
{
	struct parser p = { .in = { .text = text, .err = err, .err_size = err_size },
		.out = out };
	size_t start = out->pos;

	if (err_size)
		err[0] = '\0';
	parse(&p);
	if (out->err)
		return out->err;
	if (!p.in.failed &&
	    !cbor_well_formed((struct slice){ out->data + start, out->pos - start }))
		cbor_text_fail(&p.in, "nested deeper than %d", CBOR_DEPTH_MAX);
	if (!p.in.failed)
		return 0;
	out->pos = start;
	return -EBADMSG;
}
