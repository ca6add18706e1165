/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/past.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "controller/commands.h"
#include "controller/composites.h"
#include "controller/history.h"
#include "metrics/catalogue.h"
#include "metrics/expr_program.h"
#include "metrics/labels.h"
#include "protocol/display.h"
#include "protocol/names.h"
#include "protocol/sheet.h"

#define ITEM_MAX	(256 * 1024)
#define COLUMNS_AT_ONCE 4 /* sent before the client is waited for */
#define LABELS_MAX	(QUERY_POINTS_MAX * 64)

static void
send_item(struct ctl_request *req, struct buf *item)
{
	if (!item->err)
		ctl_send(req, buf_slice(item));
	buf_done(item);
}

/* --- now ------------------------------------------------------------------------------------------- */
static void
fill_points(const struct expr_result *r, struct buf *labels, struct fog_result *ret)
{
	for (size_t i = 0; i < r->len && ret->points < QUERY_POINTS_MAX; i++) {
		const struct expr_value *v = &r->value[i];
		size_t at = labels->pos;

		labels_encode(&v->labels, labels);
		if (labels->err)
			return;
		ret->point[ret->points++] = (struct query_point){
			.labels = { labels->data + at, labels->pos - at },
			.value = v->value,
			.samples = v->samples,
			.oldest_ms = v->oldest_ms,
			.newest_ms = v->newest_ms,
		};
	}
}

static void
evaluate(struct commands *c, const char *node, struct slice program, struct buf *labels,
    struct fog_result *ret)
{
	struct expr_result r = { 0 };
	int err;

	ret->now_ms = ret->wall_ms = clock_wall_ms();
	err = history_eval(c->history, node, program, ret->now_ms, &r);
	if (err == -ENOENT)
		snprintf(ret->unknown, sizeof ret->unknown, "nothing was reported by it");
	else if (err < 0)
		snprintf(ret->unknown, sizeof ret->unknown, "%s", strerror(-err));
	else if (!r.len)
		snprintf(ret->unknown, sizeof ret->unknown, "%s", r.unknown);
	snprintf(ret->unit, sizeof ret->unit, "%s", r.unit);
	fill_points(&r, labels, ret);
	if (ret->points < r.len) {
		ret->points = 0;
		snprintf(ret->unknown, sizeof ret->unknown,
		    "too many series: select some by their labels");
	}
	expr_result_done(&r);
}

/* False: there is no value; then of a list nothing is sent. */
static bool
send_now(struct commands *c, struct ctl_request *req, const char *node, const char *text,
    struct slice program, bool list)
{
	struct fog_result *result = calloc(1, sizeof *result);
	uint8_t *memory = malloc(LABELS_MAX);
	struct buf labels, b;
	bool found = false;

	if (result && memory) {
		buf_init_fixed(&labels, memory, LABELS_MAX);
		evaluate(c, node, program, &labels, result);
		found = result->points > 0;
		if (found || !list) {
			buf_init(&b, ITEM_MAX);
			display_put_result(
			    &b, *node ? node : "all", text, result, result->wall_ms);
			send_item(req, &b);
		}
	}
	free(memory);
	free(result);
	return found;
}

struct listing {
	struct commands *commands;
	struct ctl_request *req;
	const char *node;
	unsigned found;
};

static void
list_name(struct listing *l, const char *name)
{
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char err[96];

	buf_init_fixed(&program, memory, sizeof memory);
	if (!expr_parse(name, &program, err, sizeof err))
		l->found += send_now(
		    l->commands, l->req, l->node, name, buf_slice(&program), true);
}

static void
list_metric(void *arg, const struct source *s, const struct metric *m)
{
	(void)s;
	list_name(arg, m->name);
}

/* They are of all nodes together. */
static void
list_composites(struct listing *l, const char *pattern)
{
	const char *name;

	for (size_t i = 0; (name = composites_name(l->commands->composites, i)); i++)
		if (!*l->node && expr_pattern_matches(pattern, name))
			list_name(l, name);
}

/* --- ranges ---------------------------------------------------------------------------------------- */
struct past {
	struct ctl_request *req;
	struct history_query *query; /* NULL: it has ended */
	struct sheet sheet;
	struct fog_result result;
	uint8_t program[EXPR_PROGRAM_MAX];
	char text[EXPR_TEXT_MAX + 1], node[FOG_NAME_MAX + 1];
	char unknown[128]; /* the last reason */
	unsigned next;
	bool full;
};

static void
free_past(void *arg)
{
	struct past *p = arg;

	if (p->query)
		history_cancel(p->query);
	sheet_done(&p->sheet);
	free(p);
}

static void
on_step(void *arg, int64_t time_ms, int64_t resolution_ms, const struct expr_result *r)
{
	struct past *p = arg;
	uint32_t step = (uint32_t)((time_ms - p->result.start_ms) / p->result.step_ms);

	(void)resolution_ms;
	for (size_t i = 0; i < r->len && !p->full; i++) {
		uint8_t memory[LABELS_ENCODED_MAX];
		struct buf labels;

		buf_init_fixed(&labels, memory, sizeof memory);
		labels_encode(&r->value[i].labels, &labels);
		p->full = sheet_put(&p->sheet, buf_slice(&labels), i, step,
			      r->value[i].value) < 0;
	}
	if (r->unit[0])
		snprintf(p->result.unit, sizeof p->result.unit, "%s", r->unit);
	if (r->unknown[0])
		snprintf(p->unknown, sizeof p->unknown, "%s", r->unknown);
}

static void
send_column(struct past *p)
{
	struct buf b;

	buf_init(&b, ITEM_MAX);
	display_put_column(&b, *p->node ? p->node : "all", p->text, &p->result, p->next++,
	    p->result.wall_ms);
	send_item(p->req, &b);
}

static void
send_more(void *arg)
{
	struct past *p = arg;

	for (unsigned i = 0; i < COLUMNS_AT_ONCE && p->next < p->result.columns; i++)
		send_column(p);
	if (p->next < p->result.columns)
		return;
	ctl_on_cancel(p->req, NULL, NULL);
	ctl_end(p->req);
	free_past(p);
}

static void
on_done(void *arg, int err, const char *why)
{
	struct past *p = arg;

	p->query = NULL;
	if (err || p->full) {
		ctl_on_cancel(p->req, NULL, NULL);
		ctl_fail(p->req, 1, "%s: %s", p->text,
		    p->full ? "too many series: select some by their labels" : why);
		free_past(p);
		return;
	}
	sheet_view(&p->sheet, &p->result);
	if (!p->result.columns) {
		snprintf(p->result.unknown, sizeof p->result.unknown, "%s", p->unknown);
		send_column(p);
	} else if (p->result.columns > COLUMNS_AT_ONCE) {
		ctl_stream(p->req, send_more, p);
	}
	send_more(p);
}

static int
start_past(struct commands *c, struct past *p, struct slice program,
    const struct query_range *range, char *why, size_t size)
{
	static const struct history_query_ops ops = { .at = on_step, .done = on_done };
	int64_t now = clock_wall_ms();
	struct history_range asked = { .node = p->node, .step_ms = range->step_ms };

	memcpy(p->program, program.data, program.len);
	asked.program = (struct slice){ p->program, program.len };
	asked.start_ms = now - range->start_age_ms;
	asked.end_ms = now - range->end_age_ms;
	p->result.now_ms = p->result.wall_ms = now;
	p->result.start_ms = asked.start_ms;
	p->result.step_ms = range->step_ms;
	return history_query(c->history, &asked, &ops, p, why, size, &p->query);
}

static void
query_range(struct commands *c, struct ctl_request *req, const char *node,
    const char *text, struct slice program, const struct query_range *range)
{
	struct past *p = calloc(1, sizeof *p);
	char why[160] = "";
	int err;

	if (!p) {
		ctl_fail(req, 1, "out of memory");
		return;
	}
	p->req = req;
	snprintf(p->text, sizeof p->text, "%s", text);
	snprintf(p->node, sizeof p->node, "%s", node);
	err = start_past(c, p, program, range, why, sizeof why);
	if (err) {
		free_past(p);
		ctl_fail(req, 1, "%s: %s", text, why[0] ? why : strerror(-err));
	} else {
		ctl_on_cancel(req, free_past, p);
	}
}

/* --- metrics --------------------------------------------------------------------------------------- */
struct showing {
	struct commands *commands;
	struct ctl_request *req;
	const char *pattern;
};

static void
show_metric(void *arg, const struct metric *m, size_t series)
{
	const struct showing *s = arg;
	const struct source *source = NULL;
	const struct metric *known = sources_metric(m->name, &source);
	bool composite = composites_unit(s->commands->composites, m->name) != NULL;
	struct buf b;

	if (!expr_pattern_matches(s->pattern, m->name))
		return;
	buf_init(&b, ITEM_MAX);
	wr_open_map(&b);
	catalogue_put(&b, source,
	    composite	? "composite"
		: known ? "node"
			: "plan",
	    known ? known : m);
	wr_key_int(&b, "series", (int64_t)series);
	wr_close(&b);
	send_item(s->req, &b);
}

void
past_metrics(struct commands *c, struct ctl_request *req, const char *text)
{
	char pattern[LIST_PATTERN_MAX + 1], why[160];
	struct showing s = { c, req, pattern };

	if (catalogue_pattern(text, pattern, why, sizeof why))
		ctl_fail(req, 2, "%s: %s", text, why);
	else if (history_metrics(c->history, show_metric, &s))
		ctl_fail(req, 1, "out of memory");
	else
		ctl_end(req);
}

/* --- the command ------------------------------------------------------------------------------------ */
static void
query_list(struct commands *c, struct ctl_request *req, const char *node,
    const char *text, const char *pattern)
{
	struct listing l = { c, req, node, 0 };

	catalogue_each(pattern, list_metric, &l);
	list_composites(&l, pattern);
	if (l.found)
		ctl_end(req);
	else
		ctl_fail(req, 1, "%s: no metric of these was reported", text);
}

void
past_query(struct commands *c, struct ctl_request *req, const char *node,
    const char *expression, const struct query_range *range)
{
	char pattern[LIST_PATTERN_MAX + 1], why[160] = "";
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	int list = list_parse(expression, pattern, why, sizeof why), err = list;

	if (!strcmp(node, "all"))
		node = "";
	buf_init_fixed(&program, memory, sizeof memory);
	if (!list)
		err = expr_parse(expression, &program, why, sizeof why);
	if (err < 0) {
		ctl_fail(req, 1, "%s: %s", expression, why);
	} else if (list && range->step_ms) {
		ctl_fail(req, 1, "%s: a list has no range: name one metric", expression);
	} else if (list) {
		query_list(c, req, node, expression, pattern);
	} else if (range->step_ms) {
		query_range(c, req, node, expression, buf_slice(&program), range);
	} else {
		(void)send_now(c, req, node, expression, buf_slice(&program), false);
		ctl_end(req);
	}
}
