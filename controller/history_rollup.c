/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/history_rollup.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "base/mem.h"

void
rollup_done(struct rollup *r)
{
	free(r->span);
	*r = (struct rollup){ 0 };
}

static struct rollup_span *
add_span(struct rollup *r, int64_t start_ms)
{
	struct rollup_span *s;

	if (r->len == r->room) {
		uint32_t room = r->room + r->room / 2 + 16;

		s = realloc(r->span, room * sizeof *s);
		if (!s)
			return NULL;
		r->span = s;
		r->room = room;
	}
	s = &r->span[r->len++];
	*s = (struct rollup_span){
		.start_ms = start_ms, .edge = NAN, .min = NAN, .max = NAN
	};
	return s;
}

/* Neumaier's sum, as the evaluator's: *c carries what rounding has lost. */
static void
add_exactly(double inc, double *sum, double *c)
{
	double t = *sum + inc;

	if (isfinite(t))
		*c += fabs(*sum) >= fabs(inc) ? (*sum - t) + inc : (inc - t) + *sum;
	*sum = t;
}

static double
lesser(double a, double b)
{
	return b < a || isnan(a) ? b : a;
}

static double
greater(double a, double b)
{
	return b > a || isnan(a) ? b : a;
}

int
rollup_make(struct rollup *r, const struct sample *sample, uint32_t n, int64_t span_ms)
{
	struct rollup_span *s = NULL;
	double c = 0;

	r->len = 0;
	for (uint32_t i = 0; i < n; i++) {
		int64_t start_ms = span_start(sample[i].time_ms, span_ms);
		double v = sample[i].value;

		if (series_is_stale(v))
			continue;
		if (!s || s->start_ms != start_ms) {
			if (s)
				s->sum += c;
			c = 0;
			s = add_span(r, start_ms);
			if (!s)
				return -ENOMEM;
		}
		if (sample[i].time_ms == start_ms) {
			s->edge = v;
			s->has_edge = true;
			continue;
		}
		s->min = lesser(s->min, v);
		s->max = greater(s->max, v);
		s->count++;
		add_exactly(v, &s->sum, &c);
	}
	if (s)
		s->sum += c;
	return 0;
}

static void
join_values(struct rollup_span *into, double min, double max, double sum, uint32_t count)
{
	if (!count)
		return;
	into->min = lesser(into->min, min);
	into->max = greater(into->max, max);
	into->sum += sum;
	into->count += count;
}

/* What stood at the start of a shorter span is in the middle of the longer one. */
void
rollup_widen(struct rollup *r, int64_t span_ms)
{
	struct rollup_span *to = NULL;
	uint32_t len = 0;

	for (uint32_t i = 0; i < r->len; i++) {
		struct rollup_span s = r->span[i];
		int64_t start_ms = span_start(s.start_ms, span_ms);

		if (!to || to->start_ms != start_ms) {
			to = &r->span[len++];
			*to = (struct rollup_span){
				.start_ms = start_ms, .edge = NAN, .min = NAN, .max = NAN
			};
		}
		if (s.has_edge && s.start_ms == start_ms) {
			to->edge = s.edge;
			to->has_edge = true;
		} else if (s.has_edge) {
			join_values(to, s.edge, s.edge, s.edge, 1);
		}
		join_values(to, s.min, s.max, s.sum, s.count);
	}
	r->len = len;
}

static int
compare_spans(const void *a, const void *b)
{
	const struct rollup_span *x = a, *y = b;

	return (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

static struct rollup_span *
find_span(struct rollup *r, uint32_t len, int64_t start_ms)
{
	const struct rollup_span key = { .start_ms = start_ms };

	return len ? bsearch(&key, r->span, len, sizeof key, compare_spans) : NULL;
}

int
rollup_merge(struct rollup *a, const struct rollup *b, bool together)
{
	uint32_t len = a->len;

	for (uint32_t i = 0; i < b->len; i++) {
		const struct rollup_span *from = &b->span[i];
		struct rollup_span *to = find_span(a, len, from->start_ms);

		if (to && together) {
			join_values(to, from->min, from->max, from->sum, from->count);
			if (from->has_edge)
				to->edge = from->edge;
			to->has_edge |= from->has_edge;
			continue;
		}
		if (!to)
			to = add_span(a, from->start_ms);
		if (!to)
			return -ENOMEM;
		*to = *from;
	}
	if (a->len > len && len)
		qsort(a->span, a->len, sizeof *a->span, compare_spans);
	return 0;
}

/* --- columns -------------------------------------------------------------------------------- */

static double
value_of(const struct rollup_span *s, enum rollup_column column)
{
	switch (column) {
	case ROLLUP_EDGE:
		return s->edge;
	case ROLLUP_MIN:
		return s->min;
	case ROLLUP_MAX:
		return s->max;
	case ROLLUP_SUM:
		return s->sum;
	case ROLLUP_COUNT:
	case ROLLUP_COLUMNS:
		break;
	}
	return s->count;
}

static bool
has_column(const struct rollup_span *s, int column)
{
	return column == ROLLUP_EDGE ? s->has_edge : s->count > 0;
}

int
rollup_put(const struct rollup *r, uint32_t number, struct columns *c)
{
	for (int k = 0; k < ROLLUP_COLUMNS && r->len; k++) {
		struct sample *to = columns_room(c, r->len);
		uint32_t n = 0;

		for (uint32_t i = 0; i < r->len && to; i++)
			if (has_column(&r->span[i], k))
				to[n++] = (struct sample){ r->span[i].start_ms,
					value_of(&r->span[i], (enum rollup_column)k) };
		columns_add(c, (uint64_t)number * ROLLUP_KEYS + (unsigned)k, n);
	}
	return c->err;
}

static void
set_value(struct rollup_span *s, enum rollup_column column, double v)
{
	switch (column) {
	case ROLLUP_EDGE:
		s->edge = v;
		s->has_edge = true;
		return;
	case ROLLUP_MIN:
		s->min = v;
		return;
	case ROLLUP_MAX:
		s->max = v;
		return;
	case ROLLUP_SUM:
		s->sum = v;
		return;
	case ROLLUP_COUNT:
		s->count = v >= 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
		return;
	case ROLLUP_COLUMNS:
		return;
	}
}

static int
take_column(
    struct rollup *r, enum rollup_column column, const struct sample *s, uint32_t n)
{
	uint32_t len = r->len;

	for (uint32_t i = 0; i < n; i++) {
		struct rollup_span *span = find_span(r, len, s[i].time_ms);

		if (!span)
			span = add_span(r, s[i].time_ms);
		if (!span)
			return -ENOMEM;
		set_value(span, column, s[i].value);
	}
	if (r->len > len && len)
		qsort(r->span, r->len, sizeof *r->span, compare_spans);
	return 0;
}

int
rollup_get(const struct columns *c, uint32_t *at, int64_t from_ms, int64_t to_ms,
    struct rollup *ret)
{
	uint64_t number = c->column[*at].key / ROLLUP_KEYS;
	int err = 0;

	ret->len = 0;
	for (; *at < c->len && c->column[*at].key / ROLLUP_KEYS == number; ++*at) {
		const struct column *from = &c->column[*at];
		const struct sample *s;
		uint32_t n = columns_within(c, from, from_ms, to_ms, &s);

		if (!err && from->key % ROLLUP_KEYS < ROLLUP_COLUMNS)
			err = take_column(
			    ret, (enum rollup_column)(from->key % ROLLUP_KEYS), s, n);
	}
	return err;
}

/* --- whole sets ----------------------------------------------------------------------------- */

int
columns_rollup(const struct columns *values, int64_t span_ms, struct columns *to)
{
	struct rollup r = { 0 };
	int err = 0;

	for (uint32_t i = 0; i < values->len && !err; i++) {
		const struct column *c = &values->column[i];

		err = rollup_make(&r, &values->sample[c->at], c->len, span_ms);
		if (!err)
			err = rollup_put(&r, (uint32_t)c->key, to);
	}
	rollup_done(&r);
	return err;
}

int
columns_widen(const struct columns *spans, int64_t from_ms, int64_t to_ms,
    int64_t span_ms, struct columns *to)
{
	struct rollup r = { 0 };
	int err = 0;

	for (uint32_t at = 0; at < spans->len && !err;) {
		uint32_t number = (uint32_t)(spans->column[at].key / ROLLUP_KEYS);

		err = rollup_get(spans, &at, from_ms, to_ms, &r);
		if (err)
			break;
		rollup_widen(&r, span_ms);
		err = rollup_put(&r, number, to);
	}
	rollup_done(&r);
	return err;
}

static uint64_t
number_at(const struct columns *c, uint32_t at)
{
	return at < c->len ? c->column[at].key / ROLLUP_KEYS : UINT64_MAX;
}

int
columns_merge(
    const struct columns *a, const struct columns *b, bool together, struct columns *to)
{
	struct rollup x = { 0 }, y = { 0 };
	uint32_t i = 0, j = 0;
	int err = 0;

	while (!err && (i < a->len || j < b->len)) {
		uint64_t na = number_at(a, i), nb = number_at(b, j);

		x.len = y.len = 0;
		if (na <= nb)
			err = rollup_get(a, &i, INT64_MIN, INT64_MAX, &x);
		if (!err && nb <= na)
			err = rollup_get(b, &j, INT64_MIN, INT64_MAX, &y);
		if (!err)
			err = rollup_merge(&x, &y, together);
		if (!err)
			err = rollup_put(&x, (uint32_t)(na < nb ? na : nb), to);
	}
	rollup_done(&x);
	rollup_done(&y);
	return err;
}
