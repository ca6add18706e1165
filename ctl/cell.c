/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl/output.h"

#include <math.h>
#include <string.h>

#define ITEMS_MAX 100000

/* Length of the UTF-8 character at s and its code point; 1 and the byte itself if it is none. */
static size_t
next_char(struct slice s, uint32_t *ret)
{
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	uint8_t c = s.data[0];
	size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	if (len > s.len)
		len = 1;
	*ret = len > 1 ? c & ~first[len] : c;
	for (size_t i = 1; i < len; i++)
		*ret = *ret << 6 | (s.data[i] & 0x3f);
	return len;
}

static bool
is_harmless(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && c != 0x61c &&
	    !(c >= 0x200e && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	    !(c >= 0x2066 && c <= 0x2069);
}

void
cell_put_escaped(struct buf *out, struct slice text)
{
	while (text.len) {
		uint32_t c;
		size_t n = next_char(text, &c);

		if (is_harmless(c))
			buf_put(out, text.data, n);
		else
			for (size_t i = 0; i < n; i++)
				buf_printf(out, "\\x%02x", text.data[i]);
		text.data += n;
		text.len -= n;
	}
}

unsigned
cell_width(struct slice text)
{
	unsigned width = 0;
	uint32_t c;

	for (size_t i = 0; i < text.len; width++)
		i += next_char((struct slice){ text.data + i, text.len - i }, &c);
	return width;
}

static void
put_bytes(struct buf *out, double v)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t u = 0;

	while (fabs(v) >= 1024 && u + 1 < ARRAY_LEN(unit)) {
		v /= 1024;
		u++;
	}
	buf_printf(out, u && v < 10 ? "%.1f %s" : "%.0f %s", v, unit[u]);
}

static void
put_seconds(struct buf *out, double v)
{
	char text[CLOCK_TEXT_MAX];

	if (isinf(v))
		buf_puts(out, "not in sight");
	else if (fabs(v) < 1)
		buf_printf(out, "%.0f ms", v * 1e3);
	else if (fabs(v) < 10)
		buf_printf(out, "%.3g s", v);
	else
		buf_puts(out, clock_format_span(llround(v) * 1000, text));
}

static void
put_number(struct buf *out, enum column_kind kind, double v)
{
	switch (kind) {
	case COLUMN_BYTES:
		put_bytes(out, v);
		return;
	case COLUMN_RATIO:
		buf_printf(out, "%.0f %%", v * 100);
		return;
	case COLUMN_SECONDS:
		put_seconds(out, v);
		return;
	case COLUMN_TEXT:
	case COLUMN_NUMBER:
	case COLUMN_TIME:
	case COLUMN_YES:
	case COLUMN_LIST:
	case COLUMN_WHY:
	case COLUMN_ALARM:
		break;
	}
	buf_printf(out, v == rint(v) && fabs(v) < 1e15 ? "%.0f" : "%.6g", v);
}

/* Today's times without the date; the zone is UTC and not repeated in each line. */
static void
put_time(struct buf *out, struct slice text)
{
	char now[CLOCK_TEXT_MAX];

	clock_format(clock_wall_ms(), now);
	if (text.len > 19 && memcmp(text.data, now, 11) == 0)
		text = (struct slice){ text.data + 11, text.len - 11 };
	if (text.len && text.data[text.len - 1] == 'Z')
		text.len--;
	cell_put_escaped(out, text);
}

static void put_item(struct buf *out, enum column_kind kind, struct cbor_reader *r);

/* Only two levels are walked: what is deeper is shown in diagnostic notation. */
static void
put_members(struct buf *out, struct cbor_reader *r, bool map)
{
	const char *between = "";

	if (map)
		rd_enter_map(r);
	else
		rd_enter_array(r);
	while (rd_more(r)) {
		buf_puts(out, between);
		between = ", ";
		if (map) {
			put_item(out, COLUMN_TEXT, r);
			buf_puts(out, "=");
		}
		put_item(out, COLUMN_TEXT, r);
	}
	rd_leave(r);
}

static void
put_item(struct buf *out, enum column_kind kind, struct cbor_reader *r)
{
	switch (rd_peek(r)) {
	case RD_TEXT:
		if (kind == COLUMN_WHY)
			buf_puts(out, "unknown: ");
		if (kind == COLUMN_TIME)
			put_time(out, rd_text(r));
		else
			cell_put_escaped(out, rd_text(r));
		return;
	case RD_UINT:
	case RD_NEGINT:
	case RD_FLOAT:
		put_number(out, kind, rd_number(r));
		return;
	case RD_BOOL:
		buf_puts(out, rd_bool(r) ? "yes" : "no");
		return;
	case RD_NULL:
	case RD_UNDEFINED:
		rd_skip(r);
		buf_puts(out, "-");
		return;
	case RD_ARRAY:
	case RD_MAP:
		if (kind == COLUMN_LIST) {
			put_members(out, r, rd_peek(r) == RD_MAP);
			return;
		}
		break;
	case RD_BYTES:
	case RD_TAG:
	case RD_SIMPLE:
	case RD_NONE:
		break;
	}
	cbor_diag(out, rd_raw(r));
}

void
cell_put(struct buf *out, enum column_kind kind, struct slice item)
{
	struct cbor_reader r;

	rd_init(&r, item, ITEMS_MAX);
	put_item(out, kind, &r);
}

void
cell_put_raw(struct buf *out, struct slice item)
{
	struct cbor_reader r;

	rd_init(&r, item, ITEMS_MAX);
	switch (rd_peek(&r)) {
	case RD_TEXT:
		cell_put_escaped(out, rd_text(&r));
		return;
	case RD_NULL:
	case RD_UNDEFINED:
	case RD_NONE:
		return;
	case RD_BOOL:
		buf_puts(out, rd_bool(&r) ? "true" : "false");
		return;
	case RD_FLOAT:
		cbor_diag_double(out, rd_number(&r));
		return;
	case RD_UINT:
	case RD_NEGINT:
	case RD_ARRAY:
	case RD_MAP:
	case RD_BYTES:
	case RD_TAG:
	case RD_SIMPLE:
		break;
	}
	if (json_put_cbor(out, item, 0))
		buf_puts(out, "?");
}

struct slice
item_member(struct slice map, const char *key)
{
	struct cbor_reader r;
	struct slice name, found = { 0 };

	if (!map.len)
		return found;
	rd_init(&r, map, ITEMS_MAX);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &name)) {
		bool wanted = slice_is(name, key);
		struct slice value = rd_raw(&r);

		if (wanted)
			found = value;
	}
	rd_leave(&r);
	return rd_done(&r) == 0 ? found : (struct slice){ 0 };
}
