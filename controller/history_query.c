/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions over history. What they read is loaded into series of their own, ahead of the steps, and
 * all of it goes on in slices of a few ms, since a day of a hundred nodes takes a while. */
#include "controller/history_int.h"
#include "controller/history_program.h"

#include "base/log.h"
#include "base/mem.h"
#include "grasp/io.h"
#include "metrics/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SLICE_US	10000
#define QUERY_BYTES_MAX (64 << 20)
#define QUERIES_MAX	16

/* Exact roll-ups are taken from such lengths on, although there are values. */
#define MANY_MS	     (2 * SPAN_HOUR_MS)
#define VERY_MANY_MS (7 * SPAN_DAY_MS)

enum level { LEVEL_VALUES, LEVEL_MINUTES, LEVEL_HOURS, LEVELS };
static const int64_t level_span_ms[LEVELS] = { 0, SPAN_MINUTE_MS, SPAN_HOUR_MS };
static const int64_t level_part_ms[LEVELS] = { SPAN_HOUR_MS, SPAN_DAY_MS,
	30 * SPAN_DAY_MS };
static const enum store_level level_rows[LEVELS] = { STORE_RAW, STORE_MINUTE,
	STORE_HOUR };
static const int64_t level_row_ms[LEVELS] = { SPAN_RAW_MS, SPAN_HOUR_MS, SPAN_DAY_MS };

/* A node that is read; merged_ms: from there on its roll-ups are not made yet. */
struct asked {
	struct history_node *node;
	int64_t merged_ms;
};
struct history_query {
	TAILQ_ENTRY(history_query) entry;
	struct history *history;
	struct history_query_ops ops;
	void *arg;
	struct program_needs needs;
	struct buf asked_program, program; /* as it came; as the level needs it */
	enum level level;
	bool is_planned, reaches[LEVELS];
	int64_t resolution_ms; /* as told */
	int64_t step_ms, end_ms;
	int64_t next_ms;   /* the next step */
	int64_t loaded_ms; /* all before is loaded; from which on is to be loaded next */
	bool all;
	struct asked *asked;
	size_t asked_len, at; /* at: the next one to load */
	struct series_set *set;
	struct metric_labels
	    variant[HISTORY_VARIANTS_MAX]; /* of the node that is loaded */
	unsigned variants;
	struct columns values, rows, minutes, spans;
	struct rollup rollup;
};

static void
free_query(struct history_query *q)
{
	if (!q)
		return;
	if (q->entry.tqe_prev)
		TAILQ_REMOVE(&q->history->queries, q, entry);
	series_set_free(q->set);
	columns_done(&q->values);
	columns_done(&q->rows);
	columns_done(&q->minutes);
	columns_done(&q->spans);
	rollup_done(&q->rollup);
	buf_done(&q->asked_program);
	buf_done(&q->program);
	free(q->asked);
	free(q);
}
DEFINE_FREEP(struct history_query, free_query)

/* --- what it is computed from --------------------------------------------------------------------- */

/* Which levels reach as far back as any other, or far enough. */
static void
see_reach(struct history_query *q, struct history_node *n)
{
	struct store *s = q->history->store;
	int64_t from_ms = q->next_ms - q->needs.window_ms, fresh = INT64_MAX;
	int64_t oldest[LEVELS], first = INT64_MAX;

	(void)store_blocks_next(s, &n->id, STORE_FRESH, INT64_MIN, &fresh);
	for (int l = LEVEL_VALUES; l < LEVELS; l++) {
		oldest[l] = INT64_MAX;
		(void)store_blocks_next(s, &n->id, level_rows[l], INT64_MIN, &oldest[l]);
		if (l == LEVEL_VALUES && fresh < oldest[l])
			oldest[l] = fresh;
		/* a row begins before its first value */
		if (oldest[l] != INT64_MAX && oldest[l] + level_row_ms[l] < first)
			first = oldest[l] + level_row_ms[l];
	}
	for (int l = LEVEL_VALUES; l < LEVELS; l++)
		q->reaches[l] &= oldest[l] <= from_ms || oldest[l] <= first;
}

static bool
is_exact(const struct history_query *q, enum level level)
{
	int64_t span = level_span_ms[level];

	return !span ||
	    (q->needs.sums && q->needs.borders_ms && q->needs.borders_ms % span == 0 &&
		q->next_ms % span == 0 && q->step_ms % span == 0);
}

static enum level
choose_level(const struct history_query *q)
{
	int64_t from_ms = q->next_ms - q->needs.window_ms, length = q->end_ms - from_ms;

	if (length > VERY_MANY_MS && is_exact(q, LEVEL_HOURS) && q->reaches[LEVEL_HOURS])
		return LEVEL_HOURS;
	if (length > MANY_MS && is_exact(q, LEVEL_MINUTES) && q->reaches[LEVEL_MINUTES])
		return LEVEL_MINUTES;
	for (int l = LEVEL_VALUES; l < LEVEL_HOURS; l++)
		if (q->reaches[l])
			return (enum level)l;
	return LEVEL_HOURS;
}

/* What roll-ups there are ends where values have not been merged yet. */
static void
find_merged(struct asked *a)
{
	struct store *s = a->node->history->store;
	int64_t at;

	a->merged_ms = INT64_MIN;
	if (!store_blocks_newest(s, &a->node->id, STORE_RAW, &at))
		a->merged_ms = span_start(at, SPAN_RAW_MS) + SPAN_RAW_MS;
	else if (!store_blocks_next(s, &a->node->id, STORE_FRESH, INT64_MIN, &at))
		a->merged_ms = span_start(at, SPAN_RAW_MS);
}

/* --- loading -------------------------------------------------------------------------------------- */
struct wanting {
	const struct history_query *query;
	const struct history_node *node;
	unsigned keys; /* of a series: 1, or those of a roll-up */
};

static struct history_series *
find_number(const struct history_node *n, uint64_t number)
{
	struct history_series *s = n->series;

	while (s && s->number != number)
		s = s->next;
	return s;
}

static unsigned
find_metric(const struct history_query *q, const char *name)
{
	unsigned i = 0;

	while (i < q->needs.metrics && strcmp(q->needs.metric[i], name))
		i++;
	return i;
}

static bool
is_wanted(void *arg, uint64_t key)
{
	const struct wanting *w = arg;
	const struct history_series *s = find_number(w->node, key / w->keys);

	return s &&
	    find_metric(w->query, s->series->metric->name) < w->query->needs.metrics;
}

static void
see_variants(struct history_query *q, const struct history_node *n)
{
	q->variants = 1;
	q->variant[0].len = 0;
	if (q->all)
		q->variants = history_variants(n, &q->needs, q->variant);
}

static int
add_labels(const struct history_query *q, const struct history_series *from,
    unsigned variant, struct metric_labels *to)
{
	const struct metric_labels *more = &q->variant[variant];
	int err = 0;

	if (q->all && *from->node->name)
		err = metric_labels_set(to, "node", from->node->name);
	for (unsigned i = 0; i < more->len && !err; i++)
		if (!*metric_labels_get(to, more->pair[i].name))
			err = metric_labels_set(
			    to, more->pair[i].name, more->pair[i].value);
	return err;
}

/* The series of the query that takes the values of this one; a roll-up has several. */
static struct series *
ensure_series(struct history_query *q, const struct history_series *from,
    const char *name, unsigned variant)
{
	struct metric m = *from->series->metric;
	struct metric_labels labels = *from->series->labels;
	struct series *s;

	if (name)
		m.name = name;
	if (add_labels(q, from, variant, &labels))
		return NULL; /* it has as many labels as there may be */
	s = series_ensure(q->set, &m, &labels);
	if (s)
		series_keep(s, q->needs.window_ms + level_part_ms[q->level] + q->step_ms);
	return s;
}

static int
append_column(struct history_query *q, const struct history_series *from,
    const struct sample *s, uint32_t len, unsigned variant)
{
	struct series *to = ensure_series(q, from, NULL, variant);

	for (uint32_t k = 0; k < len && to; k++)
		if (series_append(q->set, to, s[k].time_ms, s[k].value) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

static int
append_values(struct history_query *q, struct history_node *n, const struct columns *c)
{
	int err = 0;

	for (uint32_t i = 0; i < c->len; i++) {
		const struct history_series *from = find_number(n, c->column[i].key);
		const struct sample *s = &c->sample[c->column[i].at];

		for (unsigned v = 0; v < q->variants && from && !err; v++)
			err = append_column(q, from, s, c->column[i].len, v);
	}
	return err;
}

#define KINDS (PROGRAM_MEAN + 1)
static double
rollup_value(const struct rollup_span *s, enum program_rollup kind, bool edge)
{
	switch (kind) {
	case PROGRAM_MIN:
		return edge ? s->edge : s->min;
	case PROGRAM_MAX:
		return edge ? s->edge : s->max;
	case PROGRAM_SUM:
		return edge ? s->edge : s->sum;
	case PROGRAM_COUNT:
		return edge ? 1 : s->count;
	case PROGRAM_MEAN:
		break;
	}
	return edge ? s->edge : s->sum / s->count;
}

/* What stands at the start is a value of that moment, all else one in the middle of the span. */
static int
append_spans(struct history_query *q, const struct history_series *from,
    enum program_rollup kind, unsigned variant, int64_t span_ms)
{
	char name[METRIC_NAME_MAX + 1];
	struct series *to;
	int err = 0;

	program_rollup_name(find_metric(q, from->series->metric->name), kind, name);
	to = ensure_series(q, from, name, variant);
	for (uint32_t i = 0; i < q->rollup.len && to && err != -ENOMEM; i++) {
		const struct rollup_span *s = &q->rollup.span[i];

		if (s->has_edge)
			err = series_append(
			    q->set, to, s->start_ms, rollup_value(s, kind, true));
		if (s->count && err != -ENOMEM)
			err = series_append(q->set, to, s->start_ms + span_ms / 2,
			    rollup_value(s, kind, false));
	}
	return err == -ENOMEM ? err : 0;
}

static int
append_rollups(struct history_query *q, struct history_node *n, const struct columns *c,
    int64_t span_ms)
{
	int err = 0;

	for (uint32_t at = 0; at < c->len && !err;) {
		const struct history_series *from =
		    find_number(n, c->column[at].key / ROLLUP_KEYS);

		err = rollup_get(c, &at, INT64_MIN, INT64_MAX, &q->rollup);
		for (int k = 0; k < KINDS * (int)q->variants && from && !err; k++)
			err = append_spans(q, from, (enum program_rollup)(k % KINDS),
			    (unsigned)(k / KINDS), span_ms);
	}
	return err;
}

struct row_loading {
	struct history_query *query;
	struct wanting wanting;
	int err;
};

static void
load_row(void *arg, int64_t from_ms, struct slice data)
{
	struct row_loading *l = arg;
	struct history *h = l->query->history;
	int err = columns_load(
	    &l->query->rows, &h->reader, from_ms, data, is_wanted, &l->wanting);

	if (err == -EBADMSG)
		log_errorx("history", "a block of roll-ups is damaged, and left out");
	else if (err)
		l->err = err;
}

/* Spans of the level from from_ms to before to_ms as the disk has them, in q->rows. */
static int
load_rows(struct history_query *q, struct history_node *n, enum level level,
    int64_t from_ms, int64_t to_ms)
{
	struct row_loading l = { q, { q, n, ROLLUP_KEYS }, 0 };
	int err;

	columns_clear(&q->rows);
	err = store_blocks(q->history->store, &n->id, level_rows[level],
	    span_start(from_ms, level_row_ms[level]), to_ms, load_row, &l);
	if (!err)
		err = l.err ? l.err : columns_sort(&q->rows);
	return err;
}

static int64_t
lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int
load_values(
    struct history_query *q, struct history_node *n, int64_t from_ms, int64_t to_ms)
{
	struct wanting w = { q, n, 1 };

	return history_load(n, from_ms, to_ms, is_wanted, &w, &q->values);
}

/* Minutes from the disk, and those that are not there yet from values: q->minutes. */
static int
load_minutes(
    struct history_query *q, const struct asked *a, int64_t from_ms, int64_t to_ms)
{
	int64_t middle = greater(lesser(a->merged_ms, to_ms), from_ms);
	int err = 0;

	columns_clear(&q->minutes);
	columns_clear(&q->rows);
	columns_clear(&q->spans);
	columns_clear(&q->values);
	if (middle > from_ms)
		err = load_rows(q, a->node, LEVEL_MINUTES, from_ms, middle);
	if (!err)
		err = columns_widen(&q->rows, from_ms, middle, SPAN_MINUTE_MS, &q->spans);
	if (!err && to_ms > middle)
		err = load_values(q, a->node, middle, to_ms);
	columns_clear(&q->rows);
	if (!err)
		err = columns_rollup(&q->values, SPAN_MINUTE_MS, &q->rows);
	if (!err)
		err = columns_merge(&q->spans, &q->rows, false, &q->minutes);
	return err;
}

static int
load_hours(struct history_query *q, const struct asked *a, int64_t from_ms, int64_t to_ms)
{
	int64_t middle =
	    greater(lesser(span_start(a->merged_ms, SPAN_HOUR_MS), to_ms), from_ms);
	int err = 0;

	if (middle > from_ms)
		err = load_rows(q, a->node, LEVEL_HOURS, from_ms, middle);
	else
		columns_clear(&q->rows);
	columns_clear(&q->spans);
	if (!err)
		err = columns_widen(&q->rows, from_ms, middle, SPAN_HOUR_MS, &q->spans);
	if (!err)
		err = append_rollups(q, a->node, &q->spans, SPAN_HOUR_MS);
	if (err || to_ms <= middle)
		return err;
	err = load_minutes(q, a, middle, to_ms);
	columns_clear(&q->spans);
	if (!err)
		err = columns_widen(&q->minutes, middle, to_ms, SPAN_HOUR_MS, &q->spans);
	return err ? err : append_rollups(q, a->node, &q->spans, SPAN_HOUR_MS);
}

static int
load_part(struct history_query *q, const struct asked *a, int64_t from_ms, int64_t to_ms)
{
	int err = history_open(a->node);

	if (err)
		return err;
	see_variants(q, a->node);
	switch (q->level) {
	case LEVEL_VALUES:
		err = load_values(q, a->node, from_ms, to_ms);
		return err ? err : append_values(q, a->node, &q->values);
	case LEVEL_MINUTES:
		err = load_minutes(q, a, from_ms, to_ms);
		return err ? err
			   : append_rollups(q, a->node, &q->minutes, SPAN_MINUTE_MS);
	case LEVEL_HOURS:
	case LEVELS:
		break;
	}
	return load_hours(q, a, from_ms, to_ms);
}

/* Parts end on the borders of the longest spans. */
static int
load_next(struct history_query *q)
{
	int64_t part = level_part_ms[q->level];
	int64_t to_ms = span_start(q->loaded_ms, part) + part;
	int err = 0;

	if (q->at < q->asked_len)
		err = load_part(q, &q->asked[q->at++], q->loaded_ms, to_ms);
	if (q->at >= q->asked_len) {
		q->at = 0;
		q->loaded_ms = to_ms;
	}
	return err;
}

/* --- slices --------------------------------------------------------------------------------------- */

/* From the newest values alone, nothing is to be looked up. */
static bool
is_recent(const struct history_query *q)
{
	const struct history *h = q->history;

	return q->next_ms - q->needs.window_ms >= history_wall(h) - h->cfg.window_ms;
}

static int
settle_plan(struct history_query *q)
{
	struct slice program = buf_slice(&q->asked_program);
	int64_t span;
	int err = 0;

	q->at = 0;
	q->is_planned = true;
	q->level = is_recent(q) ? LEVEL_VALUES : choose_level(q);
	span = level_span_ms[q->level];
	q->resolution_ms = is_exact(q, q->level) ? 0 : span;
	q->loaded_ms = q->next_ms - q->needs.window_ms;
	if (!span)
		buf_put(&q->program, program.data, program.len);
	else
		err = program_over_rollups(program, &q->needs, span, &q->program);
	if (span)
		q->loaded_ms = span_start(q->loaded_ms, span) - span;
	return err ? err : q->program.err;
}

static int
plan_next(struct history_query *q)
{
	struct asked *a;

	if (is_recent(q) || q->at >= q->asked_len)
		return settle_plan(q);
	a = &q->asked[q->at++];
	see_reach(q, a->node);
	find_merged(a);
	return 0;
}

/* A callback may cancel any query, this one too. */
static int
evaluate_next(struct history_query *q)
{
	struct expr_result result;
	int64_t at_ms = q->next_ms;
	const struct expr_part part = { .set = q->set };
	const struct expr_scope scope = { .len = 1, .part = &part, .wide = q->all };
	int err = expr_eval_scope(NULL, buf_slice(&q->program), &scope, at_ms, &result);

	if (err)
		return err;
	q->next_ms = q->step_ms ? at_ms + q->step_ms : INT64_MAX;
	q->ops.at(q->arg, at_ms, q->resolution_ms, &result);
	expr_result_done(&result);
	return 0;
}

/* 1: there is more to do. */
static int
advance(struct history_query *q)
{
	int err;

	if (q->next_ms > q->end_ms)
		return 0;
	if (!q->is_planned)
		err = plan_next(q);
	else
		err = q->next_ms >= q->loaded_ms ? load_next(q) : evaluate_next(q);
	return err ? err : 1;
}

static const char *
explain(int err)
{
	switch (err) {
	case -ENOMEM:
		return "it needs more memory than a query may have: ask for fewer nodes, "
		       "or a shorter window";
	case -EINVAL:
	case -ENOSPC:
		return "the expression cannot be run";
	default:
		return strerror(-err);
	}
}

static void
end_query(struct history_query *q, int err)
{
	struct history_query_ops ops = q->ops;
	void *arg = q->arg;

	free_query(q);
	ops.done(arg, err, err ? explain(err) : "");
}

static int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* In turns, so that a small query does not wait for a large one. */
void
history_queries_run(void *arg)
{
	struct history *h = arg;
	int64_t until_us = clock_us() + SLICE_US;
	struct history_query *q;

	while ((q = TAILQ_FIRST(&h->queries)) && clock_us() < until_us) {
		int more;

		h->running = q;
		more = advance(q);
		if (h->running != q)
			continue; /* cancelled */
		h->running = NULL;
		TAILQ_REMOVE(&h->queries, q, entry);
		TAILQ_INSERT_TAIL(&h->queries, q, entry);
		if (more <= 0)
			end_query(q, more);
	}
	if (!TAILQ_EMPTY(&h->queries))
		h->io->ops->timer_set(h->slice, 0);
}

/* --- its beginning -------------------------------------------------------------------------------- */

static int
add_nodes(struct history_query *q, const char *name)
{
	struct history *h = q->history;

	q->all = !*name;
	q->asked = calloc(h->stats.nodes + 1, sizeof *q->asked);
	if (!q->asked)
		return -ENOMEM;
	for (struct history_node *n = h->nodes; n; n = n->next)
		if (q->all || !strcmp(n->name, name))
			q->asked[q->asked_len++].node = n;
	return 0;
}

static int
check_range(const struct history *h, const struct history_range *range, char *why,
    size_t why_size)
{
	size_t open = 0;
	const struct history_query *q;

	TAILQ_FOREACH(q, &h->queries, entry)
		open++;
	if (range->step_ms < 0 || range->end_ms < range->start_ms)
		snprintf(why, why_size, "the range ends before it starts");
	else if (range->step_ms &&
	    (range->end_ms - range->start_ms) / range->step_ms >= HISTORY_STEPS_MAX)
		snprintf(why, why_size,
		    "more than %d steps: make them longer, or the range shorter",
		    HISTORY_STEPS_MAX);
	else if (open >= QUERIES_MAX)
		snprintf(why, why_size,
		    "%zu queries are running already: try again in a moment", open);
	else
		return 0;
	return -EINVAL;
}

static int
check_program(struct slice program, struct program_needs *ret, char *why, size_t why_size)
{
	int err = expr_check(program, NULL, NULL, why, why_size);

	if (!err)
		err = program_needs(program, ret);
	if (err == -E2BIG)
		snprintf(
		    why, why_size, "it reads more than %d metrics", PROGRAM_METRICS_MAX);
	return err == -E2BIG ? -EINVAL : err;
}

int
history_query(struct history *h, const struct history_range *range,
    const struct history_query_ops *ops, void *arg, char *why, size_t why_size,
    struct history_query **ret)
{
	CLEANUP(free_query) struct history_query *q = NULL;
	int err;

	snprintf(why, why_size, "out of memory");
	err = check_range(h, range, why, why_size);
	if (err)
		return err;
	q = calloc(1, sizeof *q);
	if (!q)
		return -ENOMEM;
	buf_init(&q->asked_program, EXPR_PROGRAM_MAX);
	buf_init(&q->program, 4 * EXPR_PROGRAM_MAX);
	q->history = h;
	q->ops = *ops;
	q->arg = arg;
	q->step_ms = range->step_ms;
	q->end_ms = range->end_ms;
	q->next_ms = range->step_ms ? range->start_ms : range->end_ms;
	q->reaches[LEVEL_VALUES] = q->reaches[LEVEL_MINUTES] = q->reaches[LEVEL_HOURS] =
	    true;
	buf_put(&q->asked_program, range->program.data, range->program.len);
	err = check_program(range->program, &q->needs, why, why_size);
	if (!err)
		err = add_nodes(q, range->node);
	if (!err)
		err = series_set_new(QUERY_BYTES_MAX, &q->set);
	if (err)
		return err;
	TAILQ_INSERT_TAIL(&h->queries, q, entry);
	h->io->ops->timer_set(h->slice, 0);
	*ret = TAKE(q);
	return 0;
}

void
history_cancel(struct history_query *q)
{
	if (!q)
		return;
	if (q->history->running == q)
		q->history->running = NULL;
	free_query(q);
}

void
history_queries_stop(struct history *h)
{
	struct history_query *q;

	while ((q = TAILQ_FIRST(&h->queries)))
		free_query(q);
}

/* --- at once -------------------------------------------------------------------------------------- */

/* Of one node, whose series stand together. */
static struct history_node *
find_name(const struct history *h, const char *name)
{
	struct history_node *n = h->nodes;

	while (n && (!n->set || strcmp(n->name, name)))
		n = n->next;
	return n;
}

/* The parts of a scope: each node, as often as it has sets of labels. */
struct parts {
	struct expr_part *part;
	struct metric_labels *more;
	size_t len;
};

static int
count_parts(const struct history *h, const struct program_needs *needs, struct parts *p)
{
	struct metric_labels variant[HISTORY_VARIANTS_MAX];
	size_t n = 0;

	for (const struct history_node *node = h->nodes; node; node = node->next)
		n += node->set ? history_variants(node, needs, variant) : 0;
	p->part = calloc(n + 1, sizeof *p->part);
	p->more = needs->labels ? calloc(n + 1, sizeof *p->more) : NULL;
	return p->part && (p->more || !needs->labels) ? 0 : -ENOMEM;
}

static void
add_parts(
    struct parts *p, const struct history_node *n, const struct program_needs *needs)
{
	struct metric_labels variant[HISTORY_VARIANTS_MAX];
	unsigned variants = history_variants(n, needs, variant);

	for (unsigned v = 0; v < variants; v++) {
		struct expr_part *part = &p->part[p->len];

		*part = (struct expr_part){ .set = n->set };
		if (*n->name) {
			part->label = "node";
			part->value = n->name;
		}
		if (variant[v].len) {
			p->more[p->len] = variant[v];
			part->more = &p->more[p->len];
		}
		p->len++;
	}
}

static int
eval_all(struct history *h, struct slice program, int64_t at_ms, struct expr_result *ret)
{
	struct program_needs needs;
	struct parts p = { 0 };
	int err = program_needs(program, &needs);

	if (!err)
		err = count_parts(h, &needs, &p);
	for (const struct history_node *n = h->nodes; n && !err; n = n->next)
		if (n->set)
			add_parts(&p, n, &needs);
	if (!err)
		err = expr_eval_scope(NULL, program,
		    &(struct expr_scope){ .len = p.len, .part = p.part, .wide = true },
		    at_ms, ret);
	free(p.part);
	free(p.more);
	return err;
}

int
history_eval(struct history *h, const char *node, struct slice program, int64_t at_ms,
    struct expr_result *ret)
{
	struct history_node *n;

	if (!*node)
		return eval_all(h, program, at_ms, ret);
	n = find_name(h, node);
	return n ? expr_eval(program, n->set, at_ms, ret) : -ENOENT;
}
