/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/watch_view.h"
#include "base/cbor.h"
#include "ctl/output.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ITEMS_MAX 100000
#define TEXT_MAX  8192
#define NUMBER	  12 /* columns of a number */
#define NUMBERS	  4
#define NAME	  8  /* at least */
#define COURSE	  12 /* at least */

void
watch_view_done(struct watch_view *v)
{
	while (v->len) {
		struct watch_series *s = v->series[--v->len];

		free(s->key);
		free(s->expression);
		free(s->name);
		free(s);
	}
}

/* --- series -------------------------------------------------------------------------------------- */
static char *
make_key(struct slice node, struct slice expression, struct slice labels)
{
	struct buf b;
	char *key;

	buf_init(&b, TEXT_MAX);
	cell_put_raw(&b, node);
	buf_puts(&b, "\n");
	cell_put_raw(&b, expression);
	buf_puts(&b, "\n");
	cell_put_raw(&b, labels);
	key = b.err ? NULL : strdup(buf_text(&b));
	buf_done(&b);
	return key;
}

/* A {device=e0} */
static char *
make_name(struct slice node, struct slice labels)
{
	struct buf b, pairs;
	char *name;

	buf_init(&b, TEXT_MAX);
	buf_init(&pairs, TEXT_MAX);
	cell_put(&b, COLUMN_TEXT, node);
	if (labels.len)
		cell_put(&pairs, COLUMN_LIST, labels);
	if (pairs.pos)
		buf_printf(&b, " {%s}", buf_text(&pairs));
	name = b.err ? NULL : strdup(buf_text(&b));
	buf_done(&pairs);
	buf_done(&b);
	return name;
}

static char *
make_text(struct slice item)
{
	struct buf b;
	char *text;

	buf_init(&b, TEXT_MAX);
	cell_put(&b, COLUMN_TEXT, item);
	text = b.err ? NULL : strdup(buf_text(&b));
	buf_done(&b);
	return text;
}

static struct watch_series *
add_series(struct watch_view *v, char *key, struct slice node, struct slice expression,
    struct slice labels)
{
	struct watch_series *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->now = NAN;
	s->expression = make_text(expression);
	s->name = make_name(node, labels);
	if (!s->expression || !s->name) {
		free(s->expression);
		free(s->name);
		free(s);
		return NULL;
	}
	s->key = key;
	v->series[v->len++] = s;
	return s;
}

static struct watch_series *
find_series(
    struct watch_view *v, struct slice node, struct slice expression, struct slice labels)
{
	char *key = make_key(node, expression, labels);
	struct watch_series *s = NULL;

	for (size_t i = 0; key && i < v->len && !s; i++)
		if (strcmp(v->series[i]->key, key) == 0)
			s = v->series[i];
	if (key && !s && v->len < WATCH_SERIES_MAX)
		s = add_series(v, key, node, expression, labels);
	else if (key && !s)
		v->left_out++;
	if (!s || s->key != key)
		free(key);
	return s;
}

static void
append(struct watch_series *s, double value)
{
	if (s->len == WATCH_VALUES_MAX)
		memmove(s->value, s->value + 1, --s->len * sizeof *s->value);
	s->value[s->len++] = value;
}

/* --- turns --------------------------------------------------------------------------------------- */
void
watch_turn(struct watch_view *v)
{
	v->left_out = 0;
	v->turns++;
	for (size_t i = 0; i < v->len; i++) {
		v->series[i]->seen = false;
		v->series[i]->unknown[0] = '\0';
	}
}

void
watch_turn_end(struct watch_view *v)
{
	for (size_t i = 0; i < v->len; i++)
		if (!v->series[i]->seen) {
			v->series[i]->now = NAN;
			append(v->series[i], NAN);
		}
}

static double
read_number(struct slice item)
{
	struct cbor_reader r;
	double v;

	rd_init(&r, item, 2);
	if (!item.len || rd_peek(&r) == RD_NULL)
		return NAN;
	v = rd_number(&r);
	return rd_done(&r) ? NAN : v;
}

static void
copy_text(struct slice item, char *dst, size_t size)
{
	struct buf b;

	dst[0] = '\0';
	if (!item.len)
		return;
	buf_init(&b, TEXT_MAX);
	cell_put_raw(&b, item);
	snprintf(dst, size, "%s", buf_text(&b));
	utf8_trim(dst);
	buf_done(&b);
}

static int
take_one(struct watch_view *v, struct slice item, struct slice part)
{
	struct slice labels = item_member(part.len ? part : item, "labels");
	struct watch_series *s = find_series(
	    v, item_member(item, "node"), item_member(item, "expression"), labels);

	if (!s)
		return v->left_out ? 0 : -ENOMEM;
	s->seen = true;
	s->now = read_number(item_member(part.len ? part : item, "value"));
	append(s, s->now);
	copy_text(item_member(item, "unit"), s->unit, sizeof s->unit);
	copy_text(item_member(item, "unknown"), s->unknown, sizeof s->unknown);
	return 0;
}

int
watch_take(struct watch_view *v, struct slice item)
{
	struct slice series = item_member(item, "series");
	struct cbor_reader r;
	bool any = false;
	int err = 0;

	rd_init(&r, series, ITEMS_MAX);
	if (series.len && rd_peek(&r) == RD_ARRAY) {
		rd_enter_array(&r);
		for (; !err && rd_more(&r); any = true)
			err = take_one(v, item, rd_raw(&r));
	}
	return any ? err : take_one(v, item, (struct slice){ 0 });
}

int
watch_take_past(struct watch_view *v, const struct course *c)
{
	struct watch_series *s;
	struct buf node, expression;
	int err = 0;

	buf_init(&node, TEXT_MAX);
	buf_init(&expression, TEXT_MAX);
	wr_text(&node, c->node);
	wr_text(&expression, c->expression);
	s = c->len ? find_series(v, buf_slice(&node), buf_slice(&expression), c->labels)
		   : NULL;
	if (s)
		for (size_t i = 0; i < c->len; i++)
			append(s, c->value[i]);
	err = node.err ? node.err : expression.err;
	buf_done(&expression);
	buf_done(&node);
	return err;
}

/* --- the page ------------------------------------------------------------------------------------ */

/* At most so many columns of a text. */
static void
put_cut(struct buf *out, const char *text, unsigned columns)
{
	struct slice rest = slice_text(text);
	unsigned width = cell_width(rest);

	if (width <= columns) {
		buf_puts(out, text);
		return;
	}
	for (unsigned i = 0; i + 1 < columns && rest.len; i++) {
		size_t n = slice_utf8_char(rest);

		n = n ? n : 1;
		buf_put(out, rest.data, n);
		rest = (struct slice){ rest.data + n, rest.len - n };
	}
	if (columns)
		buf_puts(out, "…");
}

static void
put_padded(struct buf *out, const char *text, unsigned columns)
{
	unsigned width = cell_width(slice_text(text));

	put_cut(out, text, columns);
	for (; width < columns; width++)
		buf_puts(out, " ");
}

static void
put_number(struct buf *out, double v)
{
	if (isnan(v))
		buf_printf(out, "%*s", NUMBER, "-");
	else
		buf_printf(out, "%*.6g", NUMBER, v == 0 ? 0.0 : v);
}

/* How the columns of the window are shared out. */
struct layout {
	unsigned name, course, numbers;
};

static void
put_series(struct buf *out, const struct watch_series *s, const struct layout *l)
{
	unsigned name = l->name, course = l->course;
	size_t shown = s->len < course ? s->len : course;
	const double *from = s->value + s->len - shown;
	struct spark_span span;

	put_padded(out, s->name, name);
	buf_puts(out, " ");
	if (s->unknown[0]) {
		buf_puts(out, "unknown: ");
		put_cut(out, s->unknown, course + l->numbers * NUMBER - 9);
		buf_puts(out, "\n");
		return;
	}
	spark_measure(from, shown, &span);
	for (size_t i = shown; i < course; i++)
		buf_puts(out, " ");
	spark_put(out, from, shown, course, &span);
	put_number(out, s->now);
	if (l->numbers > 1) {
		put_number(out, span.known ? span.min : NAN);
		put_number(out, span.known ? span.sum / (double)span.known : NAN);
		put_number(out, span.known ? span.max : NAN);
	}
	buf_puts(out, "\n");
}

static void
put_heading(struct buf *out, const struct watch_series *s, const struct layout *l)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_printf(&text, "%s%s%s%s", s->expression, s->unit[0] ? " (" : "", s->unit,
	    s->unit[0] ? ")" : "");
	put_padded(out, buf_text(&text), l->name + 1 + l->course);
	buf_printf(out, "%*s", NUMBER, "NOW");
	if (l->numbers > 1)
		buf_printf(out, "%*s%*s%*s", NUMBER, "MIN", NUMBER, "AVG", NUMBER, "MAX");
	buf_puts(out, "\n");
	buf_done(&text);
}

static unsigned
name_width(const struct watch_view *v, unsigned most)
{
	unsigned width = NAME;

	for (size_t i = 0; i < v->len; i++) {
		unsigned w = cell_width(slice_text(v->series[i]->name));

		width = w > width ? w : width;
	}
	return width < most ? width : most;
}

/* A narrow window has the value now alone; a very narrow one is left to the terminal. */
static struct layout
share_out(const struct watch_view *v, unsigned columns)
{
	struct layout l = {
		.numbers = columns > NUMBERS * NUMBER + NAME + COURSE + 2 ? NUMBERS : 1
	};
	unsigned room = columns > l.numbers * NUMBER + 2 + NAME + COURSE
	    ? columns - l.numbers * NUMBER - 2
	    : NAME + COURSE;

	l.name = name_width(v, room > 3 * COURSE ? room / 2 : NAME);
	l.course = room - l.name < WATCH_VALUES_MAX ? room - l.name : WATCH_VALUES_MAX;
	return l;
}

void
watch_page(const struct watch_view *v, const char *title, unsigned columns, unsigned rows,
    struct buf *out)
{
	struct layout l = share_out(v, columns);
	const char *before = "";
	unsigned line = 1;
	size_t i = 0;

	put_cut(out, title, columns);
	buf_puts(out, "\n");
	for (; i < v->len && line + 3 < rows; i++) {
		const struct watch_series *s = v->series[i];

		if (strcmp(s->expression, before) != 0) {
			put_heading(out, s, &l);
			line++;
		}
		before = s->expression;
		put_series(out, s, &l);
		line++;
	}
	if (i < v->len || v->left_out)
		buf_printf(out,
		    "%zu series more: make the window larger, or select some\n",
		    v->len - i + v->left_out);
}
