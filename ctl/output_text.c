/* SPDX-License-Identifier: Apache-2.0
 *
 * For people: tables whose columns are as wide as they need to be, streams with fixed ones, and one
 * line a key for a single thing. A table is kept until its end, because only then its widths
 * are known; cells stand in `pending` one after the other, each closed by a NUL. */
#include "base/cbor.h"
#include "ctl/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ITEMS_MAX 100000
#define CELL_MAX  65536

static bool
right_aligned(const struct column *c)
{
	return c->kind == COLUMN_NUMBER || c->kind == COLUMN_BYTES ||
	    c->kind == COLUMN_RATIO || c->kind == COLUMN_SECONDS;
}

static void
put_spaces(FILE *to, unsigned n)
{
	fprintf(to, "%*s", (int)n, "");
}

/* --- table ----------------------------------------------------------------------------------- */

/* part: a map inside item whose members come first. */
static void
keep_row(struct printer *p, struct slice item, struct slice part)
{
	for (unsigned i = 0; i < command_columns(p->command); i++) {
		const char *key = p->command->column[i].key;
		struct slice value = item_member(part, key);

		if (!value.len)
			value = item_member(item, key);
		if (value.len)
			cell_put(&p->pending, p->command->column[i].kind, value);
		buf_put_u8(&p->pending, 0);
	}
}

typedef void row_f(struct printer *p, struct slice item, struct slice part);

/* A row for each part of the item, or for the item itself. */
static void
expand(struct printer *p, struct slice item, row_f *row)
{
	struct slice parts = { 0 };
	struct cbor_reader r;
	bool any = false;

	if (p->command->expand)
		parts = item_member(item, p->command->expand);
	rd_init(&r, parts, ITEMS_MAX);
	if (parts.len && rd_peek(&r) == RD_ARRAY) {
		rd_enter_array(&r);
		while (rd_more(&r)) {
			row(p, item, rd_raw(&r));
			any = true;
		}
	}
	if (!any)
		row(p, item, (struct slice){ 0 });
}

static void
print_cell(FILE *to, const struct column *c, const char *text, unsigned width, bool last)
{
	unsigned pad = width - cell_width(slice_text(text));

	if (right_aligned(c))
		put_spaces(to, pad);
	fputs(text, to);
	if (!last && !right_aligned(c))
		put_spaces(to, pad);
	fputs(last ? "\n" : "  ", to);
}

/* A column in which nothing stands is left out if it is sparse or has no heading, the others are always
 * there. */
static void
print_table(struct printer *p)
{
	unsigned n = command_columns(p->command), width[COMMAND_COLUMNS_MAX] = { 0 },
		 last = 0;
	const char *end = (const char *)p->pending.data + p->pending.pos;

	unsigned i = 0;
	for (const char *s = (const char *)p->pending.data; s < end; s += strlen(s) + 1) {
		unsigned w = cell_width(slice_text(s));

		width[i % n] = w > width[i % n] ? w : width[i % n];
		i++;
	}
	for (i = 0; i < n && p->header; i++) {
		const struct column *c = &p->command->column[i];
		unsigned w = cell_width(slice_text(c->title));

		if (w > width[i] && (width[i] || c->width != COLUMN_SPARSE))
			width[i] = w;
	}
	for (i = 0; i < n; i++)
		last = width[i] ? i : last;
	for (i = 0; i <= last && p->header; i++)
		if (width[i])
			print_cell(p->to, &p->command->column[i],
			    p->command->column[i].title, width[i], i == last);
	i = 0;
	for (const char *s = (const char *)p->pending.data; s < end;
	     s += strlen(s) + 1, i++)
		if (width[i % n])
			print_cell(p->to, &p->command->column[i % n], s, width[i % n],
			    i % n == last);
}

/* --- stream, lines ---------------------------------------------------------------------------- */

static void
print_row(struct printer *p, struct slice item, struct slice part)
{
	unsigned n = command_columns(p->command);
	struct buf cell;

	buf_init(&cell, CELL_MAX);
	for (unsigned i = 0; i < n; i++) {
		const char *key = p->command->column[i].key;
		struct slice value = item_member(part, key);
		unsigned width = p->command->column[i].width;

		if (!value.len)
			value = item_member(item, key);

		buf_reset(&cell);
		if (value.len)
			cell_put(&cell, p->command->column[i].kind, value);
		unsigned used = cell_width(buf_slice(&cell));
		print_cell(p->to, &p->command->column[i], buf_text(&cell),
		    used > width ? used : width, i + 1 == n);
	}
	buf_done(&cell);
	fflush(p->to);
}

/* --- one thing --------------------------------------------------------------------------------- */

static enum column_kind
kind_of(const struct command *c, struct slice key)
{
	for (unsigned i = 0; i < command_columns(c); i++)
		if (slice_is(key, c->column[i].key))
			return c->column[i].kind;
	return COLUMN_LIST;
}

static bool
is_list_of_maps(struct slice value)
{
	struct cbor_reader r;

	rd_init(&r, value, ITEMS_MAX);
	if (rd_peek(&r) != RD_ARRAY)
		return false;
	rd_enter_array(&r);
	return rd_more(&r) && rd_peek(&r) == RD_MAP;
}

static void
print_sublist(struct printer *p, struct slice value)
{
	struct cbor_reader r;
	struct buf text;

	buf_init(&text, CELL_MAX);
	rd_init(&r, value, ITEMS_MAX);
	rd_enter_array(&r);
	while (rd_more(&r)) {
		buf_reset(&text);
		cell_put(&text, COLUMN_LIST, rd_raw(&r));
		fprintf(p->to, "  %s\n", buf_text(&text));
	}
	buf_done(&text);
}

/* Only what somebody reads is coloured. */
static void
print_value(
    struct printer *p, enum column_kind kind, struct slice value, const char *text)
{
	struct cbor_reader r;
	bool red;

	rd_init(&r, value, ITEMS_MAX);
	red = kind == COLUMN_ALARM && rd_peek(&r) == RD_TEXT && isatty(fileno(p->to));
	fprintf(p->to, red ? "\033[1;31m%s\033[0m\n" : "%s\n", text);
}

/* A time stands alone there, not in a column of its kind: it is said in full, date and zone. */
static enum column_kind
kind_of_thing(const struct command *c, struct slice key)
{
	enum column_kind kind = kind_of(c, key);

	return kind == COLUMN_TIME ? COLUMN_TEXT : kind;
}

static int
print_thing(struct printer *p, struct slice item)
{
	struct cbor_reader r;
	struct slice key;
	struct buf text;

	if (p->items)
		fputc('\n', p->to);
	buf_init(&text, CELL_MAX);
	rd_init(&r, item, ITEMS_MAX);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key)) {
		enum column_kind kind = kind_of_thing(p->command, key);
		unsigned width;

		buf_reset(&text);
		cell_put_escaped(&text, key);
		buf_puts(&text, ":");
		width = cell_width(buf_slice(&text));
		fputs(buf_text(&text), p->to);
		struct slice value = rd_raw(&r);
		if (is_list_of_maps(value)) {
			fputc('\n', p->to);
			print_sublist(p, value);
			continue;
		}
		put_spaces(p->to, width < 18 ? 18 - width : 1);
		buf_reset(&text);
		cell_put(&text, kind, value);
		print_value(p, kind, value, buf_text(&text));
	}
	rd_leave(&r);
	buf_done(&text);
	return rd_done(&r);
}

/* A line of the daemon's own text keeps its line ends; everything else is escaped. */
static void
print_lines(struct printer *p, struct slice item)
{
	struct cbor_reader r;
	struct slice text;
	struct buf line;

	rd_init(&r, item, ITEMS_MAX);
	text = rd_text(&r);
	buf_init(&line, CELL_MAX);
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t n = end ? (size_t)(end - text.data) : text.len;

		buf_reset(&line);
		cell_put_escaped(&line, (struct slice){ text.data, n });
		fprintf(p->to, "%s\n", buf_text(&line));
		n += end != NULL;
		text = (struct slice){ text.data + n, text.len - n };
	}
	buf_done(&line);
}

/* --- the output -------------------------------------------------------------------------------- */

static enum shape
text_shape(const struct printer *p)
{
	return p->command->expand && p->shape != SHAPE_STREAM ? SHAPE_LIST : p->shape;
}

static int
begin(struct printer *p)
{
	(void)p;
	return 0;
}

static int
item(struct printer *p, struct slice in)
{
	switch (text_shape(p)) {
	case SHAPE_LIST:
		expand(p, in, keep_row);
		return p->pending.err;
	case SHAPE_ONE:
		return print_thing(p, in);
	case SHAPE_STREAM:
		expand(p, in, print_row);
		return 0;
	case SHAPE_LINES:
		print_lines(p, in);
		return 0;
	}
	return -EINVAL;
}

static int
end(struct printer *p)
{
	if (text_shape(p) == SHAPE_LIST && p->items)
		print_table(p);
	else if (!p->items && p->command->empty)
		fprintf(p->to, "%s\n", p->command->empty);
	return ferror(p->to) ? -EIO : 0;
}

const struct output output_text = { NULL, begin, item, end };
