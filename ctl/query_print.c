/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/query_print.h"
#include "base/cbor.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl/screen.h"
#include "ctl/spark.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROW_MAX	     65536
#define ITEMS_MAX    1000
#define COURSE_WIDTH 48
#define COURSE_LEAST 16
#define OTHERS_WIDTH 80 /* of a terminal's columns, about what the rest of a row takes */

/* The table of a range; its items are made here. */
static const struct command range_table = {
	.name = "query",
	.shape = SHAPE_LIST,
	.column = {
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "labels", "LABELS", COLUMN_LIST, 0 },
		{ "min", "MIN", COLUMN_NUMBER, 0 },
		{ "avg", "AVG", COLUMN_NUMBER, 0 },
		{ "max", "MAX", COLUMN_NUMBER, 0 },
		{ "last", "LAST", COLUMN_NUMBER, 0 },
		{ "unit", "UNIT", COLUMN_TEXT, 0 },
		{ "points", "POINTS", COLUMN_NUMBER, 0 },
		{ "from", "FROM", COLUMN_TIME, 0 },
		{ "to", "TO", COLUMN_TIME, 0 },
		{ "course", "COURSE", COLUMN_TEXT, 0 },
		{ "unknown", "", COLUMN_WHY, 0 },
	},
};

void
range_begin(struct range_printer *r, struct printer *p)
{
	*r = (struct range_printer){ .printer = p, .before = p->command };
	buf_init(&r->warnings, ROW_MAX);
	if (p->output == &output_text)
		p->command = &range_table;
	p->shape = SHAPE_LIST;
}

/* --- text --------------------------------------------------------------------------------------- */
static unsigned
course_width(FILE *to)
{
	unsigned columns = screen_columns(to);

	if (!columns)
		return COURSE_WIDTH;
	return columns > OTHERS_WIDTH + COURSE_LEAST ? columns - OTHERS_WIDTH
						     : COURSE_LEAST;
}

static void
put_time(struct buf *b, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	wr_key_text(b, key, clock_format(ms, text));
}

static void
put_measures(struct buf *b, const struct course *c, FILE *to)
{
	struct spark_span s;
	struct buf line;

	spark_measure(c->value, c->len, &s);
	wr_key_double(b, "min", s.known ? s.min : NAN);
	wr_key_double(b, "avg", s.known ? s.sum / (double)s.known : NAN);
	wr_key_double(b, "max", s.known ? s.max : NAN);
	wr_key_double(b, "last", s.last);
	wr_key_int(b, "points", (int64_t)s.known);
	put_time(b, "from", c->start_ms);
	put_time(b, "to", c->start_ms + (int64_t)(c->len - 1) * c->step_ms);
	buf_init(&line, ROW_MAX);
	spark_put(&line, c->value, c->len, course_width(to), &s);
	wr_key_text(b, "course", buf_text(&line));
	buf_done(&line);
}

static int
print_row(struct range_printer *r, const struct course *c)
{
	struct printer *p = r->printer;
	struct buf b;
	int err;

	buf_init(&b, ROW_MAX);
	wr_open_map(&b);
	wr_key_text(&b, "node", c->node);
	if (c->labels.len) {
		wr_text(&b, "labels");
		wr_raw(&b, c->labels);
	}
	if (c->unit[0])
		wr_key_text(&b, "unit", c->unit);
	if (c->unknown[0])
		wr_key_text(&b, "unknown", c->unknown);
	if (c->len)
		put_measures(&b, c, p->to);
	wr_close(&b);
	err = b.err ? b.err : p->output->item(p, buf_slice(&b));
	buf_done(&b);
	p->items++;
	return err;
}

/* --- what Prometheus would answer ------------------------------------------------------------------ */
static void
put_string(FILE *to, const char *text)
{
	struct buf b;

	buf_init(&b, ROW_MAX);
	json_put_text(&b, slice_text(text));
	fputs(buf_text(&b), to);
	buf_done(&b);
}

/* node_load1 and node_network_up{device="e0"} have a name, what is computed has none. */
static void
put_name(FILE *to, const struct course *c)
{
	size_t len = strspn(c->expression,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
	const char *rest = c->expression + len;
	char name[65];

	if (!len || len >= sizeof name ||
	    (*rest && (*rest != '{' || strchr(rest, '}') != rest + strlen(rest) - 1)))
		return;
	snprintf(name, sizeof name, "%.*s", (int)len, c->expression);
	fputs("\"__name__\":", to);
	put_string(to, name);
	fputc(',', to);
}

static void
put_labels(FILE *to, const struct course *c)
{
	struct cbor_reader r;
	struct slice key;
	struct buf b;

	put_name(to, c);
	fputs("\"node\":", to);
	put_string(to, c->node);
	rd_init(&r, c->labels, ITEMS_MAX);
	rd_enter_map(&r);
	buf_init(&b, ROW_MAX);
	while (rd_next_text_key(&r, &key)) {
		struct slice value = rd_text(&r);

		if (slice_is(key, "node"))
			continue;
		buf_puts(&b, ",");
		json_put_text(&b, key);
		buf_puts(&b, ":");
		json_put_text(&b, value);
	}
	fputs(buf_text(&b), to);
	buf_done(&b);
}

static void
put_value(FILE *to, double v)
{
	struct buf b;

	buf_init(&b, 64);
	if (isinf(v))
		buf_puts(&b, v > 0 ? "+Inf" : "-Inf");
	else
		cbor_diag_double(&b, v == rint(v) && fabs(v) < 1e15 ? v + 0.0 : v);
	fprintf(to, "\"%s\"", buf_text(&b));
	buf_done(&b);
}

static void
put_pairs(FILE *to, const struct course *c)
{
	const char *between = "";

	for (size_t i = 0; i < c->len; i++) {
		int64_t ms = c->start_ms + (int64_t)i * c->step_ms;

		if (isnan(c->value[i]))
			continue;
		fprintf(to, "%s[%lld.%03lld,", between, (long long)(ms / 1000),
		    (long long)(ms % 1000));
		put_value(to, c->value[i]);
		fputc(']', to);
		between = ",";
	}
}

static void
open_matrix(struct range_printer *r)
{
	if (!r->printer->items++)
		fputs("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\","
		      "\"result\":[",
		    r->printer->to);
}

static void
print_matrix(struct range_printer *r, const struct course *c)
{
	FILE *to = r->printer->to;

	open_matrix(r);
	if (c->unknown[0]) {
		char why[300];

		snprintf(why, sizeof why, "%s: %s", c->node, c->unknown);
		buf_puts(&r->warnings, r->warnings.pos ? "," : "");
		json_put_text(&r->warnings, slice_text(why));
		return;
	}
	fputs(r->series++ ? ",\n{\"metric\":{" : "\n{\"metric\":{", to);
	put_labels(to, c);
	fputs("},\"values\":[", to);
	put_pairs(to, c);
	fputs("]}", to);
}

/* --- rows of values --------------------------------------------------------------------------------- */
static void
put_field(FILE *to, const char *text)
{
	struct buf b;

	buf_init(&b, ROW_MAX);
	cell_put_escaped(&b, slice_text(text));
	csv_put_field(to, buf_slice(&b), false);
	buf_done(&b);
}

static void
print_values(struct range_printer *r, const struct course *c)
{
	FILE *to = r->printer->to;
	char time[CLOCK_TEXT_MAX];
	struct buf labels, value;

	if (!r->printer->items++ && r->printer->header)
		fputs("time,node,labels,unit,value\r\n", to);
	buf_init(&labels, ROW_MAX);
	if (c->labels.len)
		cell_put_raw(&labels, c->labels);
	for (size_t i = 0; i < c->len; i++) {
		if (isnan(c->value[i]))
			continue;
		put_field(to, clock_format(c->start_ms + (int64_t)i * c->step_ms, time));
		put_field(to, c->node);
		csv_put_field(to, buf_slice(&labels), false);
		put_field(to, c->unit);
		buf_init(&value, 64);
		cbor_diag_double(&value, c->value[i]);
		csv_put_field(to, buf_slice(&value), true);
		buf_done(&value);
	}
	buf_done(&labels);
	if (c->unknown[0])
		fprintf(stderr, "fogctl: %s: %s\n", c->node, c->unknown);
}

/* --- all of them ------------------------------------------------------------------------------------ */
int
range_item(struct range_printer *r, struct slice item)
{
	struct printer *p = r->printer;
	struct course c;
	int err;

	if (p->output == &output_cbor) {
		p->items++;
		return p->output->item(p, item);
	}
	err = course_read(item, &c);
	if (err)
		return err;
	if (p->output == &output_json)
		print_matrix(r, &c);
	else if (p->output == &output_csv)
		print_values(r, &c);
	else
		err = print_row(r, &c);
	course_done(&c);
	return err;
}

/* Nothing is left to be printed by whoever prints the ends of other commands. */
static int
print_nothing(struct printer *p)
{
	(void)p;
	return 0;
}
static const struct output printed = { NULL, print_nothing, NULL, print_nothing };

int
range_end(struct range_printer *r)
{
	struct printer *p = r->printer;
	int err = 0;

	if (p->output == &output_json) {
		open_matrix(r);
		fputs("]}", p->to);
		if (r->warnings.pos)
			fprintf(p->to, ",\"warnings\":[%s]", buf_text(&r->warnings));
		fputs("}\n", p->to);
	} else {
		err = p->output->end(p);
	}
	buf_done(&r->warnings);
	p->command = r->before;
	p->output = &printed;
	return err ? err : ferror(p->to) ? -EIO : 0;
}
