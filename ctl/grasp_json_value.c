/* SPDX-License-Identifier: Apache-2.0
 *
 * Without recursion: a frame for the item, and one for each that is embedded in it by tag 24. */
#include "base/cbor.h"
#include "base/json.h"
#include "ctl/grasp_json.h"

#include <inttypes.h>

#define FRAMES_MAX   8 /* items embedded in each other; what is deeper stays bytes */
#define INTEGER_MAX  (UINT64_C(1) << 53)
#define TAG_EMBEDDED 24
#define OPEN_BYTES   0x5f
#define OPEN_TEXT    0x7f

struct level {
	uint64_t items;
	unsigned tags; /* to be closed behind the item */
	bool map;
};

struct frame {
	struct cbor_reader in;
	struct level level[CBOR_DEPTH_MAX + 1];
	uint64_t tag;	   /* the last one */
	struct buf string; /* of chunks */
};

struct writer {
	struct buf *out;
	struct frame frame[FRAMES_MAX];
	unsigned frames;
};

static struct frame *
top_of(struct writer *w)
{
	return &w->frame[w->frames - 1];
}

static struct level *
level_of(struct frame *f)
{
	return &f->level[f->in.depth];
}

static void
open_frame(struct writer *w, struct slice item)
{
	struct frame *f = &w->frame[w->frames++];

	rd_init(&f->in, item, UINT32_MAX);
	f->level[0] = (struct level){ 0 };
	buf_init(&f->string, w->out->max);
}

/* --- scalars ---------------------------------------------------------------------------------- */

static void
put_integer(struct buf *out, struct slice raw, bool beyond)
{
	buf_puts(out, beyond ? "{\"$int\":\"" : "");
	cbor_diag(out, raw);
	buf_puts(out, beyond ? "\"}" : "");
}

static bool
is_beyond(struct slice raw)
{
	struct cbor_reader r;
	double v;

	rd_init(&r, raw, 0);
	v = rd_number(&r); /* rounded, but not across 2^53 */
	if (v != (double)INTEGER_MAX && v != -(double)INTEGER_MAX)
		return v > (double)INTEGER_MAX || v < -(double)INTEGER_MAX;
	rd_init(&r, raw, 0);
	int64_t n = rd_int(&r);
	return n > (int64_t)INTEGER_MAX || n < -(int64_t)INTEGER_MAX;
}

/* The content of a string, put together if it came in chunks. */
static struct slice
whole_string(struct frame *f, struct slice raw, bool text)
{
	struct cbor_reader parts;

	buf_reset(&f->string);
	if (raw.len == 0)
		return raw;
	if (raw.data[0] == (text ? OPEN_TEXT : OPEN_BYTES))
		raw = (struct slice){ raw.data + 1, raw.len - 2 };
	rd_init(&parts, raw, UINT32_MAX);
	while (rd_more(&parts)) {
		struct slice part = text ? rd_text(&parts) : rd_bytes(&parts);

		if (parts.pos == raw.len && f->string.pos == 0)
			return part; /* all of it, where it is */
		buf_put_slice(&f->string, part);
	}
	return buf_slice(&f->string);
}

static void
put_hex(struct buf *out, struct slice s)
{
	buf_puts(out, "{\"$hex\":\"");
	for (size_t i = 0; i < s.len; i++)
		buf_printf(out, "%02x", s.data[i]);
	buf_puts(out, "\"}");
}

static void
put_float(struct buf *out, double v)
{
	buf_puts(out, "{\"$float\":\"");
	cbor_diag_double(out, v);
	buf_puts(out, "\"}");
}

static void
put_simple(struct buf *out, struct slice raw)
{
	unsigned v = raw.len > 1 ? raw.data[1] : raw.data[0] & 0x1f;

	buf_printf(out, "{\"$simple\":%u}", v);
}

/* --- items ------------------------------------------------------------------------------------- */

static void
begin_item(struct writer *w)
{
	struct level *l = level_of(top_of(w));

	if (l->items > 0)
		buf_puts(w->out, ",");
	if (l->map && l->items % 2 == 0)
		buf_puts(w->out, "[");
	l->items++;
}

static void
end_item(struct writer *w)
{
	struct level *l = level_of(top_of(w));

	for (; l->tags > 0; l->tags--)
		buf_puts(w->out, "}");
	if (l->map && l->items % 2 == 0)
		buf_puts(w->out, "]");
}

static void
open_level(struct writer *w, bool map)
{
	struct frame *f = top_of(w);

	if (map)
		rd_enter_map(&f->in);
	else
		rd_enter_array(&f->in);
	*level_of(f) = (struct level){ .map = map };
	buf_puts(w->out, map ? "{\"$map\":[" : "[");
}

static void
close_level(struct writer *w)
{
	struct frame *f = top_of(w);

	buf_puts(w->out, level_of(f)->map ? "]}" : "]");
	rd_leave(&f->in);
	end_item(w);
}

static void
put_tags(struct writer *w)
{
	struct frame *f = top_of(w);

	while (rd_peek(&f->in) == RD_TAG) {
		f->tag = rd_tag(&f->in);
		level_of(f)->tags++;
		buf_printf(w->out, "{\"$tag\":%" PRIu64 ",\"content\":", f->tag);
	}
}

/* True: the bytes are tagged as an item of their own, which comes next. */
static bool
put_bytes(struct writer *w, struct slice raw)
{
	struct frame *f = top_of(w);
	struct slice s = whole_string(f, raw, false);
	ssize_t len;

	put_hex(w->out, s);
	if (level_of(f)->tags == 0 || f->tag != TAG_EMBEDDED || w->frames == FRAMES_MAX)
		return false;
	len = cbor_item_length(s, s.len);
	if (len <= 0)
		return false;
	buf_puts(w->out, ",\"embedded\":");
	open_frame(w, (struct slice){ s.data, (size_t)len });
	return true;
}

static void
put_scalar(struct writer *w, enum rd_type type)
{
	struct frame *f = top_of(w);
	double number = 0;
	struct slice raw = { 0 };

	if (type == RD_FLOAT)
		number = rd_number(&f->in);
	else
		raw = rd_raw(&f->in);
	switch (type) {
	case RD_UINT:
	case RD_NEGINT:
		put_integer(w->out, raw, is_beyond(raw));
		break;
	case RD_BYTES:
		if (put_bytes(w, raw))
			return;
		break;
	case RD_TEXT:
		json_put_text(w->out, whole_string(f, raw, true));
		break;
	case RD_BOOL:
	case RD_NULL:
		cbor_diag(w->out, raw); /* the same in both notations */
		break;
	case RD_FLOAT:
		put_float(w->out, number);
		break;
	case RD_UNDEFINED:
	case RD_SIMPLE:
		put_simple(w->out, raw);
		break;
	case RD_ARRAY:
	case RD_MAP:
	case RD_TAG:
	case RD_NONE:
		break;
	}
	end_item(w);
}

static void
put_item(struct writer *w)
{
	enum rd_type type;

	begin_item(w);
	put_tags(w);
	type = rd_peek(&top_of(w)->in);
	if (type == RD_ARRAY || type == RD_MAP)
		open_level(w, type == RD_MAP);
	else
		put_scalar(w, type);
}

static void
close_frame(struct writer *w)
{
	buf_done(&top_of(w)->string);
	w->frames--;
	if (w->frames > 0)
		end_item(w);
}

void
grasp_json_put_value(struct buf *out, struct slice item)
{
	struct writer w = { .out = out };

	if (!cbor_well_formed(item)) {
		buf_puts(out, "null");
		return;
	}
	open_frame(&w, item);
	while (w.frames > 0) {
		struct cbor_reader *r = &top_of(&w)->in;

		if (out->err || r->err || (r->depth == 0 && r->pos == r->size))
			close_frame(&w);
		else if (rd_more(r))
			put_item(&w);
		else
			close_level(&w);
	}
}
