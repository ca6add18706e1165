/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "base/cbor_head.h"
#include "base/json.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define OPEN_ARRAY 0x9f
#define OPEN_MAP   0xbf

/* What has been put at each level, so that separators and brackets come out right. */
struct diag {
	struct buf *out;
	struct cbor_reader in;
	bool wide;
	struct {
		uint64_t items;
		uint8_t tags; /* to be closed after the item */
		bool map;
	} level[CBOR_DEPTH_MAX + 1];
};

static void
put_hex(struct buf *out, struct slice s)
{
	buf_puts(out, "h'");
	for (size_t i = 0; i < s.len; i++)
		buf_printf(out, "%02x", s.data[i]);
	buf_puts(out, "'");
}

/* True if it was no number with digits. */
static bool
put_special(struct buf *out, double v)
{
	if (isnan(v))
		buf_puts(out, "NaN");
	else if (isinf(v))
		buf_puts(out, v > 0 ? "Infinity" : "-Infinity");
	return !isfinite(v);
}

static void
put_float(struct buf *out, double v)
{
	char text[32];
	struct buf number;

	if (put_special(out, v))
		return;
	buf_init_fixed(&number, text, sizeof text);
	json_put_double(&number, v);
	/* A float shows by its point: 1.0, 1.0e+300. */
	const char *digits = buf_text(&number);
	size_t mantissa = strcspn(digits, "e");
	buf_put(out, digits, mantissa);
	if (!memchr(digits, '.', mantissa))
		buf_puts(out, ".0");
	buf_puts(out, digits + mantissa);
}

#define FIXED_LEAST -4 /* decimal exponents that are written with a point */
#define FIXED_MOST  15

/* Next to a power of two a number may read back that is not the nearest of its length. */
static bool
nudge(char *text, double v)
{
	char *last = strchr(text, 'e') - 1, digit = *last;

	for (int step = -1; step <= 1; step += 2) {
		*last = (char)(digit + step);
		if (*last >= '0' && *last <= '9' && strtod(text, NULL) == v)
			return true;
	}
	*last = digit;
	return false;
}

void
cbor_diag_double(struct buf *out, double v)
{
	char text[32];
	int digits = 0, exponent;

	if (put_special(out, v))
		return;
	do
		snprintf(text, sizeof text, "%.*e", digits++, v);
	while (digits < DBL_DECIMAL_DIG && strtod(text, NULL) != v && !nudge(text, v));
	exponent = atoi(strchr(text, 'e') + 1);
	if (exponent < FIXED_LEAST || exponent > FIXED_MOST)
		buf_puts(out, text);
	else if (digits - 1 > exponent)
		buf_printf(out, "%.*f", digits - 1 - exponent, v);
	else
		buf_printf(out, "%.1f", v);
}

static void
put_wide_float(struct buf *out, const struct cbor_head *h)
{
	cbor_diag_double(out, h->number);
	buf_printf(out, "_%d", h->len == 3 ? 1 : h->len == 5 ? 2 : 3);
}

static void
put_string(struct buf *out, enum rd_type type, struct slice s)
{
	if (type == RD_TEXT)
		json_put_text(out, s);
	else
		put_hex(out, s);
}

/* Between its first and last byte a chunked string is a sequence of whole ones. */
static void
put_chunks(struct buf *out, enum rd_type type, struct slice raw)
{
	struct cbor_reader chunks;
	const char *comma = "";

	if (raw.len == 2) { /* (_ ) would not say of what kind */
		buf_puts(out, type == RD_TEXT ? "\"\"_" : "''_");
		return;
	}
	rd_init(&chunks, (struct slice){ raw.data + 1, raw.len - 2 }, UINT32_MAX);
	buf_puts(out, "(_ ");
	for (; rd_more(&chunks); comma = ", ") {
		buf_puts(out, comma);
		put_string(
		    out, type, type == RD_TEXT ? rd_text(&chunks) : rd_bytes(&chunks));
	}
	buf_puts(out, ")");
}

static void
put_negint(struct buf *out, uint64_t arg)
{
	if (arg == UINT64_MAX)
		buf_puts(out, "-18446744073709551616");
	else
		buf_printf(out, "-%" PRIu64, arg + 1);
}

static void
put_scalar(struct buf *out, struct slice raw, bool wide)
{
	struct cbor_head h;

	if (cbor_head_decode(raw, &h) <= 0)
		return;
	switch (h.type) {
	case RD_UINT:
		buf_printf(out, "%" PRIu64, h.arg);
		return;
	case RD_NEGINT:
		put_negint(out, h.arg);
		return;
	case RD_BYTES:
	case RD_TEXT:
		if (h.indefinite)
			put_chunks(out, h.type, raw);
		else
			put_string(out, h.type,
			    (struct slice){ raw.data + h.len, raw.len - h.len });
		return;
	case RD_BOOL:
		buf_puts(out, h.arg ? "true" : "false");
		return;
	case RD_NULL:
		buf_puts(out, "null");
		return;
	case RD_UNDEFINED:
		buf_puts(out, "undefined");
		return;
	case RD_FLOAT:
		if (wide)
			put_wide_float(out, &h);
		else
			put_float(out, h.number);
		return;
	case RD_SIMPLE:
		buf_printf(out, "simple(%" PRIu64 ")", h.arg);
		return;
	case RD_ARRAY:
	case RD_MAP:
	case RD_TAG:
	case RD_NONE:
		return;
	}
}

static void
put_separator(struct diag *d)
{
	uint64_t n = d->level[d->in.depth].items++;

	if (d->in.depth == 0 || n == 0)
		return;
	buf_puts(d->out, d->level[d->in.depth].map && n % 2 ? ": " : ", ");
}

static void
close_tags(struct diag *d)
{
	for (uint8_t *tags = &d->level[d->in.depth].tags; *tags > 0; --*tags)
		buf_puts(d->out, ")");
}

static void
open_level(struct diag *d, bool map)
{
	bool indefinite = d->in.data[d->in.pos] == (map ? OPEN_MAP : OPEN_ARRAY);

	if (map)
		rd_enter_map(&d->in);
	else
		rd_enter_array(&d->in);
	d->level[d->in.depth].items = 0;
	d->level[d->in.depth].tags = 0;
	d->level[d->in.depth].map = map;
	buf_puts(d->out, map ? "{" : "[");
	if (indefinite)
		buf_puts(d->out, "_ ");
}

static void
close_level(struct diag *d)
{
	buf_puts(d->out, d->level[d->in.depth].map ? "}" : "]");
	rd_leave(&d->in);
	close_tags(d);
}

static void
put_tags(struct diag *d)
{
	while (rd_peek(&d->in) == RD_TAG) {
		buf_printf(d->out, "%" PRIu64 "(", rd_tag(&d->in));
		d->level[d->in.depth].tags++;
	}
}

static void
put_item(struct diag *d)
{
	put_separator(d);
	put_tags(d);
	enum rd_type type = rd_peek(&d->in);
	if (type == RD_ARRAY || type == RD_MAP) {
		open_level(d, type == RD_MAP);
		return;
	}
	put_scalar(d->out, rd_raw(&d->in), d->wide);
	close_tags(d);
}

static void
put_diag(struct buf *out, struct slice item, bool wide)
{
	struct diag d = { .out = out, .wide = wide };

	if (!cbor_well_formed(item)) {
		buf_puts(out, "malformed(");
		put_hex(out, item);
		buf_puts(out, ")");
		return;
	}
	rd_init(&d.in, item, UINT32_MAX);
	while (!out->err && !d.in.err && (d.in.depth > 0 || d.in.pos < d.in.size)) {
		if (rd_more(&d.in))
			put_item(&d);
		else
			close_level(&d);
	}
}

void
cbor_diag(struct buf *out, struct slice item)
{
	put_diag(out, item, false);
}

void
cbor_diag_wide(struct buf *out, struct slice item)
{
	put_diag(out, item, true);
}
