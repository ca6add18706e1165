/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program reads: the series of a metric in all parts of the scope. */
#include "metrics/expr_evaluation.h"
#include "base/clock.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SAMPLES_START 512
static bool
meets(const struct expr_matcher *m, const char *value)
{
	switch ((enum expr_match)m->match) {
	case EXPR_EQUAL:
		return strcmp(value, m->value) == 0;
	case EXPR_NOT_EQUAL:
		return strcmp(value, m->value) != 0;
	case EXPR_REGEX:
		return expr_pattern_matches(m->value, value);
	case EXPR_NOT_REGEX:
		return !expr_pattern_matches(m->value, value);
	}
	return false;
}

static bool
is_of_part(const struct expr_matcher *m, const struct expr_part *part)
{
	return part->label && strcmp(part->label, m->label) == 0;
}

/* May the part have series of the step at all? */
static bool
part_is_selected(const struct expr_step *s, const struct expr_part *part)
{
	for (unsigned i = 0; i < s->matchers; i++)
		if (is_of_part(&s->matcher[i], part) &&
		    !meets(&s->matcher[i], part->value))
			return false;
	return true;
}

static const char *
find_label(const struct expr_part *part, const struct series *series, const char *name)
{
	const char *own = metric_labels_get(series->labels, name);

	return *own || !part->more ? own : metric_labels_get(part->more, name);
}

static bool
is_selected(
    const struct expr_step *s, const struct expr_part *part, const struct series *series)
{
	for (unsigned i = 0; i < s->matchers; i++)
		if (!is_of_part(&s->matcher[i], part) &&
		    !meets(&s->matcher[i], find_label(part, series, s->matcher[i].label)))
			return false;
	return true;
}

/* A label without a value is, for matching, no label. */
static uint8_t
mask_all(const struct metric_labels *labels)
{
	uint8_t mask = 0;

	for (unsigned i = 0; i < labels->len; i++)
		if (labels->pair[i].value[0])
			mask |= (uint8_t)(1u << i);
	return mask;
}

static int
add_labels(struct metric_labels *to, const struct expr_part *part)
{
	const struct metric_labels *more = part->more;
	int err = part->label ? metric_labels_set(to, part->label, part->value) : 0;

	for (unsigned i = 0; more && i < more->len && !err; i++)
		if (!*metric_labels_get(to, more->pair[i].name))
			err = metric_labels_set(
			    to, more->pair[i].name, more->pair[i].value);
	return err;
}

/* With the label of the part it is of, which hides one of its own of that name. */
static int
make_element(struct expr_evaluation *ev, const struct expr_part *part,
    const struct series *s, struct expr_element *ret)
{
	const struct metric_labels *labels = s->labels;
	struct metric_labels *made;

	if (part->label || part->more) {
		made = expr_memory_take(ev->space.memory, 1, sizeof *made);
		if (!made)
			return -ENOMEM;
		*made = *labels;
		if (add_labels(made, part) < 0)
			return -ENOSPC;
		labels = made;
	}
	*ret = (struct expr_element){ .labels = labels, .mask = mask_all(labels) };
	return 1;
}

/* The newest value, unless it is too old or the series has ended: then 0, else 1. */
static int
select_newest(struct expr_evaluation *ev, const struct expr_part *part,
    const struct series *s, struct expr_element *ret)
{
	struct sample newest;
	int err;

	if (!series_newest_at(s, ev->now_ms, &newest) ||
	    newest.time_ms < ev->now_ms - EXPR_LOOKBACK_MS ||
	    series_is_stale(newest.value))
		return 0;
	err = make_element(ev, part, s, ret);
	ret->value = newest.value;
	ret->samples = 1;
	ret->newest_ms = ret->oldest_ms = newest.time_ms;
	return err;
}

/* Both ends of a window belong to it (Prometheus before 3.0). -E2BIG: more than may be read. */
static int
select_range(struct expr_evaluation *ev, const struct expr_part *part,
    const struct series *s, const struct expr_operand *o, int64_t step_ms,
    struct expr_element *ret)
{
	uint32_t n, room;
	int err;

	for (;;) {
		struct sample *dst;

		room = (uint32_t)(ev->scratch->samples_room - ev->samples);
		dst = room ? ev->scratch->sample + ev->samples : NULL;
		n = step_ms > 1
		    ? series_read_every(
			  s, ev->now_ms - o->window_ms, ev->now_ms, step_ms, dst, room)
		    : series_read(s, ev->now_ms - o->window_ms, ev->now_ms, dst, room);
		if (ev->samples + n > ev->space.bounds->samples)
			return -E2BIG;
		if (n < room)
			break;
		if (expr_scratch_samples(
			ev->scratch, 2 * ev->scratch->samples_room + SAMPLES_START) < 0)
			return -ENOMEM;
	}
	if (n == 0)
		return 0;
	err = make_element(ev, part, s, ret);
	ret->first = (uint32_t)ev->samples;
	ret->len = n;
	ev->samples += n;
	return err;
}

static int
refuse_lost(struct expr_operand *o, const struct series *s)
{
	char span[CLOCK_TEXT_MAX] = "nothing";
	struct sample last;

	if (series_last(s, &last))
		clock_format_span(last.time_ms - series_oldest_ms(s), span);
	expr_explain(o,
	    "the memory for history holds only %s of %s: raise its bound or ask for less",
	    span, o->metric);
	return -ECANCELED;
}

void
expr_explain_no_sample(struct expr_operand *o)
{
	char span[CLOCK_TEXT_MAX];

	clock_format_span(o->window_ms ? o->window_ms : EXPR_LOOKBACK_MS, span);
	expr_explain(o, "no sample of %s in the last %s", o->metric, span);
}

static int
select_of_part(struct expr_evaluation *ev, const struct expr_step *s,
    const struct expr_part *part, int64_t step_ms, struct expr_operand *o)
{
	struct series *series = series_first(part->set, s->metric);
	int got;

	for (; series; series = series_next(part->set, series)) {
		struct expr_element *e = &o->element[o->len];

		if (!is_selected(s, part, series))
			continue;
		if (s->window_ms && series->lost_ms >= ev->now_ms - s->window_ms)
			return refuse_lost(o, series);
		snprintf(o->unit, sizeof o->unit, "%s", series->metric->unit);
		got = s->window_ms ? select_range(ev, part, series, o, step_ms, e)
				   : select_newest(ev, part, series, e);
		if (got == -ENOSPC) {
			expr_explain(o, "%s has too many labels to get %s as well",
			    o->metric, part->label ? part->label : "more");
			return -ECANCELED;
		}
		if (got < 0)
			return got;
		o->len += (size_t)got;
	}
	return 0;
}

/* One vector, or ranges read at every step_ms. */
static int
select_all(struct expr_evaluation *ev, const struct expr_step *s, int64_t step_ms,
    struct expr_operand *o)
{
	int err = 0;

	o->len = 0;
	for (size_t i = 0; err == 0 && i < ev->scope->len; i++)
		if (part_is_selected(s, &ev->scope->part[i]))
			err = select_of_part(ev, s, &ev->scope->part[i], step_ms, o);
	return err;
}

/* How far apart samples must be for all ranges of a step to fit what is left of the bound. */
static int64_t
choose_step(const struct expr_evaluation *ev, const struct expr_step *s, size_t series)
{
	int64_t left = (int64_t)(ev->space.bounds->samples - ev->samples);
	int64_t each = left / (int64_t)series - 2; /* the first, and the last of all */

	return each > 0 ? (s->window_ms + each - 1) / each : INT64_MAX;
}

/* A day of seconds is more than an evaluation may read (S-22): it is read less finely. What is
 * sampled faster than each second is not: there the window can be shorter. */
static int
select_ranges(struct expr_evaluation *ev, const struct expr_step *s, size_t series,
    struct expr_operand *o)
{
	size_t before = ev->samples;
	int64_t step_ms;
	int err = select_all(ev, s, 1, o);

	if (err != -E2BIG)
		return err;
	ev->samples = before;
	step_ms = choose_step(ev, s, series);
	if (step_ms >= EXPR_COARSE_MS && step_ms <= s->window_ms / 2)
		err = select_all(ev, s, step_ms, o);
	ev->too_many = err == -E2BIG;
	return err;
}

static size_t
count_selected(const struct expr_evaluation *ev, const struct expr_step *s)
{
	size_t n = 0;

	for (size_t i = 0; i < ev->scope->len; i++) {
		const struct expr_part *part = &ev->scope->part[i];

		if (!part_is_selected(s, part))
			continue;
		for (struct series *k = series_first(part->set, s->metric); k;
		     k = series_next(part->set, k))
			n += is_selected(s, part, k);
	}
	return n;
}

int
expr_run_select(struct expr_evaluation *ev, const struct expr_step *s)
{
	struct expr_operand *o = expr_push(ev, s->window_ms ? 'r' : 'v');
	size_t room = count_selected(ev, s);
	int err;

	snprintf(o->metric, sizeof o->metric, "%s", s->metric);
	o->window_ms = s->window_ms;
	err = expr_operand_room(&ev->space, o, room);
	if (err < 0)
		return err;
	err = s->window_ms ? select_ranges(ev, s, room, o) : select_all(ev, s, 1, o);
	if (err == 0 && o->len == 0)
		expr_explain_no_sample(o);
	return err;
}
