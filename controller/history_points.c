/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as they were given, read back from the disk and from memory. */
#include "controller/history_int.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

struct loading {
	struct history_node *node;
	int64_t from_ms, to_ms;
	columns_wanted_f *wanted;
	void *arg;
	struct columns *to;
	int err;
};

/* One that cannot be read is left out: all others are worth more than it. */
static void
load_block(void *arg, int64_t from_ms, struct slice data)
{
	struct loading *l = arg;
	int err = columns_load(
	    l->to, &l->node->history->reader, from_ms, data, l->wanted, l->arg);

	if (err == -EBADMSG)
		log_errorx(
		    "history", "%s: a block is damaged, and left out", l->node->name);
	else if (err)
		l->err = err;
}

/* What is in memory as well as on the disk falls together when it is sorted. */
static void
load_memory(struct loading *l)
{
	for (struct history_series *s = l->node->series; s; s = s->next) {
		uint32_t n;
		struct sample *to;

		if (l->wanted && !l->wanted(l->arg, s->number))
			continue;
		n = series_count(s->series, l->from_ms, l->to_ms - 1);
		to = n ? columns_room(l->to, n) : NULL;
		if (to)
			columns_add(l->to, s->number,
			    series_read(s->series, l->from_ms, l->to_ms - 1, to, n));
	}
}

/* Blocks reach beyond. */
static void
cut(struct columns *c, int64_t from_ms, int64_t to_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->len; i++) {
		struct column of = c->column[i];
		const struct sample *s;
		uint32_t n = columns_within(c, &of, from_ms, to_ms, &s);

		if (!n)
			continue;
		of.at = (size_t)(s - c->sample);
		of.len = n;
		c->column[kept++] = of;
	}
	c->len = kept;
}

static bool
is_in_memory(const struct history_node *n, int64_t from_ms)
{
	const struct history *h = n->history;

	return from_ms >= n->since_ms && from_ms > n->late_ms &&
	    from_ms >= history_wall(h) - h->cfg.window_ms;
}

int
history_load(struct history_node *n, int64_t from_ms, int64_t to_ms,
    columns_wanted_f *wanted, void *arg, struct columns *ret)
{
	struct store *store = n->history->store;
	struct loading l = { n, from_ms, to_ms, wanted, arg, ret, 0 };
	int64_t first_ms = span_start(from_ms, SPAN_RAW_MS);
	int err;

	columns_clear(ret);
	load_memory(
	    &l); /* first: of two values of one moment the one on the disk came later */
	err = is_in_memory(n, from_ms)
	    ? 0
	    : store_blocks(store, &n->id, STORE_RAW, first_ms, to_ms, load_block, &l);
	if (!err && !is_in_memory(n, from_ms))
		err = store_blocks(
		    store, &n->id, STORE_FRESH, first_ms, to_ms, load_block, &l);
	history_pending(n, from_ms, to_ms, wanted, arg, ret);
	if (!err)
		err = l.err ? l.err : columns_sort(ret);
	if (!err)
		cut(ret, from_ms, to_ms);
	return err;
}

/* --- in the order of time ------------------------------------------------------------------------- */
struct reading {
	struct history_node *node;
	const char *metric; /* "": all */
	void (*point)(void *arg, const struct history_point *p);
	void *arg;
	size_t left;
	struct columns columns;
};

static struct history_series *
find_number(const struct history_node *n, uint64_t number)
{
	struct history_series *s = n->series;

	while (s && s->number != number)
		s = s->next;
	return s;
}

static bool
is_wanted(void *arg, uint64_t key)
{
	const struct reading *r = arg;
	const struct history_series *s = find_number(r->node, key);

	return s && (!*r->metric || !strcmp(s->series->metric->name, r->metric));
}

/* Of all columns the one with the oldest next value; of equal ones by metric, then as they were first seen. */
static struct column *
find_next(struct reading *r)
{
	struct columns *c = &r->columns;
	struct column *next = NULL;

	for (uint32_t i = 0; i < c->len; i++) {
		struct column *of = &c->column[i];

		if (of->len &&
		    (!next || c->sample[of->at].time_ms < c->sample[next->at].time_ms))
			next = of;
	}
	return next;
}

static int
compare_texts(const void *a, const void *b)
{
	const struct column *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* By metric and labels, which find_next() keeps for equal times. */
static void
order_columns(struct reading *r)
{
	struct columns *c = &r->columns;

	for (uint32_t i = 0; i < c->len; i++) {
		const struct history_series *s = find_number(r->node, c->column[i].key);

		c->column[i].order = 0;
		for (uint32_t k = 0; k < c->len; k++) {
			const struct history_series *other =
			    find_number(r->node, c->column[k].key);
			int before =
			    strcmp(other->series->metric->name, s->series->metric->name);

			c->column[i].order += before < 0 || (!before && k < i);
		}
	}
	if (c->len)
		qsort(c->column, c->len, sizeof *c->column, compare_texts);
}

static void
tell_columns(struct reading *r)
{
	struct columns *c = &r->columns;
	struct column *of;

	order_columns(r);
	while (r->left && (of = find_next(r))) {
		const struct history_series *s = find_number(r->node, of->key);
		const struct sample *sample = &c->sample[of->at];
		const struct history_point p = { .metric = s->series->metric->name,
			.labels = s->series->labels,
			.time_ms = sample->time_ms,
			.value = sample->value };

		r->point(r->arg, &p);
		r->left--;
		of->at++;
		of->len--;
	}
}

static int64_t
next_in_memory(const struct history_node *n, int64_t from_ms)
{
	int64_t next = INT64_MAX;
	struct sample sample;

	for (const struct history_series *s = n->series; s; s = s->next)
		if (series_read(s->series, from_ms, INT64_MAX, &sample, 1) &&
		    sample.time_ms < next)
			next = sample.time_ms;
	for (uint32_t at = 0; at < n->pending_len; at += PENDING_BYTES) {
		uint16_t slot;
		int64_t at_ms;

		memcpy(&slot, n->pending + at, sizeof slot);
		memcpy(&at_ms, n->pending + at + sizeof slot, sizeof at_ms);
		if (slot == PENDING_TIME && at_ms >= from_ms && at_ms < next)
			next = at_ms;
	}
	return next;
}

/* When a span with anything begins; INT64_MAX: never. */
static int
find_span(const struct history_node *n, int64_t from_ms, int64_t *ret_ms)
{
	int64_t next = next_in_memory(n, from_ms), at;
	int err = 0;

	for (int level = STORE_FRESH; level <= STORE_RAW && !err; level++) {
		err = store_blocks_next(
		    n->history->store, &n->id, (enum store_level)level, from_ms, &at);
		if (!err && at < next)
			next = at;
		if (err == -ENOENT)
			err = 0;
	}
	*ret_ms = next == INT64_MAX ? next : span_start(next, SPAN_RAW_MS);
	return err;
}

int
history_points(struct history *h, const struct fog_id *node, const char *metric,
    int64_t since_ms, size_t limit,
    void (*point)(void *arg, const struct history_point *p), void *arg)
{
	struct history_node *n = history_find(h, node);
	struct reading r = { n, metric, point, arg, limit, { 0 } };
	int64_t span_ms = span_start(since_ms, SPAN_RAW_MS);
	int err = n ? history_open(n) : 0;

	if (!n || err)
		return err;
	while (
	    !(err = find_span(n, span_ms, &span_ms)) && span_ms != INT64_MAX && r.left) {
		int64_t from_ms = since_ms > span_ms ? since_ms : span_ms;

		span_ms += SPAN_RAW_MS;
		err = history_load(n, from_ms, span_ms, is_wanted, &r, &r.columns);
		if (err)
			break;
		tell_columns(&r);
	}
	columns_done(&r.columns);
	return err;
}

/* --- metrics -------------------------------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	const struct metric *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int
history_metrics(const struct history *h,
    void (*each)(void *arg, const struct metric *m, size_t series), void *arg)
{
	const struct metric **m = calloc(h->stats.series + 1, sizeof *m);
	size_t len = 0, n;

	if (!m)
		return -ENOMEM;
	for (const struct history_node *node = h->nodes; node; node = node->next)
		for (const struct history_series *s = node->series; s; s = s->next)
			m[len++] = s->series->metric;
	qsort(m, len, sizeof *m, compare_names);
	for (size_t i = 0; i < len; i += n) {
		for (n = 1; i + n < len && !compare_names(&m[i], &m[i + n]);)
			n++;
		each(arg, m[i], n);
	}
	free(m);
	return 0;
}
