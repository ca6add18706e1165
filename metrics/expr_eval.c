/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "metrics/expr_range.h"
#include "metrics/expr_scratch.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SAMPLES_START 512

struct evaluation {
	struct series_set *set;
	int64_t now_ms;
	struct expr_operand stack[EXPR_STACK_MAX];
	unsigned depth;
	size_t work, samples; /* against the bounds */
	struct expr_scratch *scratch;
	bool too_many; /* samples */
};

static const struct metric_labels no_labels;

static void PRINTF(2, 3) explain(struct expr_operand *o, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(o->reason, sizeof o->reason, fmt, args);
	va_end(args);
}

static struct expr_operand *
push(struct evaluation *ev, char type)
{
	struct expr_operand *o = &ev->stack[ev->depth++];

	*o = (struct expr_operand){ .type = type, .scratch = ev->scratch };
	return o;
}

static int
push_number(struct evaluation *ev, double v)
{
	struct expr_operand *o = push(ev, 's');
	int err = expr_operand_room(o, 1);

	if (err < 0)
		return err;
	o->literal = true;
	o->len = 1;
	o->element[0] = (struct expr_element){ .labels = &no_labels, .value = v };
	return 0;
}

/* --- selection ------------------------------------------------------------------------- */

static bool
meets(const struct expr_matcher *m, const struct metric_labels *labels)
{
	const char *value = metric_labels_get(labels, m->label);

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
is_selected(const struct expr_step *s, const struct series *series)
{
	for (unsigned i = 0; i < s->matchers; i++)
		if (!meets(&s->matcher[i], series->labels))
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

static struct expr_element
element_of(const struct series *s)
{
	return (struct expr_element){ .labels = s->labels, .mask = mask_all(s->labels) };
}

/* The newest value, unless it is too old or the series has ended. */
static bool
select_newest(
    const struct evaluation *ev, const struct series *s, struct expr_element *ret)
{
	struct sample newest;

	if (!series_newest_at(s, ev->now_ms, &newest) ||
	    newest.time_ms < ev->now_ms - EXPR_LOOKBACK_MS ||
	    series_is_stale(newest.value))
		return false;
	*ret = element_of(s);
	ret->value = newest.value;
	ret->samples = 1;
	ret->newest_ms = ret->oldest_ms = newest.time_ms;
	return true;
}

/* Both ends of a window belong to it (Prometheus before 3.0). -E2BIG: more than may be read. */
static int
select_range(struct evaluation *ev, const struct series *s, int64_t window_ms,
    int64_t step_ms, struct expr_element *ret)
{
	struct expr_scratch *scratch = ev->scratch;
	uint32_t n, room;

	for (;;) {
		room = (uint32_t)(scratch->samples_room - ev->samples);
		n = step_ms > 1 ? series_read_every(s, ev->now_ms - window_ms, ev->now_ms,
				      step_ms, scratch->sample + ev->samples, room)
				: series_read(s, ev->now_ms - window_ms, ev->now_ms,
				      scratch->sample + ev->samples, room);
		if (ev->samples + n > EXPR_SAMPLES_MAX)
			return -E2BIG;
		if (n < room)
			break;
		if (expr_scratch_samples(
			scratch, 2 * scratch->samples_room + SAMPLES_START) < 0)
			return -ENOMEM;
	}
	*ret = element_of(s);
	ret->first = (uint32_t)ev->samples;
	ret->len = n;
	ev->samples += n;
	return n > 0;
}

static int
refuse_lost(struct expr_operand *o, const struct series *s)
{
	char span[CLOCK_TEXT_MAX] = "nothing";
	struct sample last;

	if (series_last(s, &last))
		clock_format_span(last.time_ms - series_oldest_ms(s), span);
	explain(o,
	    "the memory for history holds only %s of %s: raise its bound or ask for less",
	    span, o->metric);
	return -ECANCELED;
}

static void
explain_no_sample(struct expr_operand *o)
{
	char span[CLOCK_TEXT_MAX];

	clock_format_span(o->window_ms ? o->window_ms : EXPR_LOOKBACK_MS, span);
	explain(o, "no sample of %s in the last %s", o->metric, span);
}

/* One vector, or ranges read at every step_ms. */
static int
select_all(struct evaluation *ev, const struct expr_step *s, int64_t step_ms,
    struct expr_operand *o)
{
	struct series *series = series_first(ev->set, s->metric);
	int got;

	for (o->len = 0; series; series = series_next(ev->set, series)) {
		struct expr_element *e = &o->element[o->len];

		if (!is_selected(s, series))
			continue;
		if (s->window_ms && series->lost_ms >= ev->now_ms - s->window_ms)
			return refuse_lost(o, series);
		snprintf(o->unit, sizeof o->unit, "%s", series->metric->unit);
		got = s->window_ms ? select_range(ev, series, s->window_ms, step_ms, e)
				   : select_newest(ev, series, e);
		if (got < 0)
			return got;
		o->len += (size_t)got;
	}
	return 0;
}

/* How far apart samples must be for all ranges of a step to fit what is left of the bound. */
static int64_t
choose_step(const struct evaluation *ev, const struct expr_step *s, size_t series)
{
	int64_t left = EXPR_SAMPLES_MAX - (int64_t)ev->samples;
	int64_t each = left / (int64_t)series - 2; /* the first, and the last of all */

	return each > 0 ? (s->window_ms + each - 1) / each : INT64_MAX;
}

/* A day of seconds is more than an evaluation may read (S-22): it is read less finely. What is
 * sampled faster than each second is not: there the window can be shorter. */
static int
select_ranges(struct evaluation *ev, const struct expr_step *s, size_t series,
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

static int
run_select(struct evaluation *ev, const struct expr_step *s)
{
	struct expr_operand *o = push(ev, s->window_ms ? 'r' : 'v');
	size_t room = 0;
	int err;

	snprintf(o->metric, sizeof o->metric, "%s", s->metric);
	o->window_ms = s->window_ms;
	for (struct series *i = series_first(ev->set, s->metric); i;
	     i = series_next(ev->set, i))
		room += is_selected(s, i);
	err = expr_operand_room(o, room);
	if (err < 0)
		return err;
	err = s->window_ms ? select_ranges(ev, s, room, o) : select_all(ev, s, 1, o);
	if (err == 0 && o->len == 0)
		explain_no_sample(o);
	return err;
}

/* --- functions ------------------------------------------------------------------------- */

static void
derive_unit(enum expr_unit rule, struct expr_operand *o)
{
	char unit[EXPR_UNIT_MAX];

	switch (rule) {
	case EXPR_UNIT_SAME:
		return;
	case EXPR_UNIT_SECONDS:
		snprintf(o->unit, sizeof o->unit, "seconds");
		return;
	case EXPR_UNIT_NONE:
		o->unit[0] = '\0';
		return;
	case EXPR_UNIT_PER_SECOND:
		break;
	}
	snprintf(unit, sizeof unit, "%s", o->unit);
	if (strcmp(unit, "seconds") == 0) /* of time per second: a share of it */
		snprintf(o->unit, sizeof o->unit, "ratio");
	else
		snprintf(o->unit, sizeof o->unit, "%.*s/s", EXPR_UNIT_MAX - 3,
		    unit[0] ? unit : "1");
}

static size_t
drop_marks(struct sample *sample, size_t len)
{
	size_t n = 0;

	while (n < len && !series_is_stale(sample[n].value))
		n++;
	for (size_t i = n; i < len; i++)
		if (!series_is_stale(sample[i].value))
			sample[n++] = sample[i];
	return n;
}

/* The most samples that any series had tells best how far from enough it was. */
static void
explain_too_few(const struct expr_function *f, struct expr_operand *o, size_t best)
{
	char span[CLOCK_TEXT_MAX];

	clock_format_span(o->window_ms, span);
	if (best == 0)
		explain_no_sample(o);
	else if (best < f->needs)
		explain(o, "%s needs %u samples of %s in %s, there %s %zu", f->name,
		    f->needs, o->metric, span, best == 1 ? "is" : "are", best);
	else
		explain(o, "%s of %s: %s", f->name, o->metric, f->help);
}

static int
call_over(struct evaluation *ev, const struct expr_function *f, const double *scalar,
    struct expr_operand *o)
{
	size_t kept = 0, best = 0;

	for (size_t i = 0; i < o->len; i++) {
		struct expr_element e = o->element[i];
		struct expr_range range = { .start_ms = ev->now_ms - o->window_ms,
			.end_ms = ev->now_ms };
		int err = expr_scratch_numbers(ev->scratch, e.len);

		if (err < 0)
			return err;
		range.len =
		    f->ends ? e.len : drop_marks(ev->scratch->sample + e.first, e.len);
		range.sample = ev->scratch->sample + e.first;
		range.scratch = ev->scratch->number;
		best = range.len > best ? range.len : best;
		if (range.len == 0 || range.len < f->needs ||
		    !f->over(&range, scalar, &e.value))
			continue;
		e.samples = (uint32_t)range.len;
		e.oldest_ms = range.sample[0].time_ms;
		e.newest_ms = range.sample[range.len - 1].time_ms;
		o->element[kept++] = e;
	}
	if (o->len > 0 && kept == 0)
		explain_too_few(f, o, best);
	o->len = kept;
	return 0;
}

static int
call_map(const struct expr_function *f, const double *scalar, struct expr_operand *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->len; i++) {
		struct expr_element e = o->element[i];

		if (f->map(e.value, scalar, &e.value))
			o->element[kept++] = e;
	}
	if (o->len > 0 && kept == 0)
		explain(o, "%s: %s", f->name, f->help);
	o->len = kept;
	return 0;
}

/* scalar(): anything but exactly one value is no number. */
static int
make_scalar(struct expr_operand *o)
{
	if (o->len == 1) {
		o->element[0].mask = 0;
		return 0;
	}
	if (o->len > 1)
		explain(o, "scalar got %zu values instead of one", o->len);
	expr_operand_done(o);
	if (expr_operand_room(o, 1) < 0)
		return -ENOMEM;
	o->element[0] = (struct expr_element){ .labels = &no_labels, .value = NAN };
	o->len = 1;
	return 0;
}

static int
run_call(struct evaluation *ev, const struct expr_step *s)
{
	const struct expr_function *f = expr_function_by_opcode(s->what);
	unsigned arguments = (unsigned)strlen(f->types), scalars = 0, main = 0;
	struct expr_operand *argument = &ev->stack[ev->depth - arguments], subject;
	double scalar[4];
	int err;

	for (unsigned i = 0; i < arguments; i++) {
		if (argument[i].type == 's' && arguments > 1)
			scalar[scalars++] = argument[i].element[0].value;
		else
			main = i;
	}
	subject = argument[main];
	argument[main].element = NULL;
	for (unsigned i = 0; i < arguments; i++)
		expr_operand_done(&argument[i]);
	ev->depth -= arguments - 1;
	*argument = subject;
	if (f->gives == 's')
		err = make_scalar(argument);
	else
		err = f->over ? call_over(ev, f, scalar, argument)
			      : call_map(f, scalar, argument);
	argument->type = f->gives;
	argument->literal = argument->literal && f->gives == 's';
	derive_unit(f->unit, argument);
	return err;
}

/* --- the rest -------------------------------------------------------------------------- */

static int
run_binary(struct evaluation *ev, const struct expr_step *s)
{
	struct expr_operand *left = &ev->stack[ev->depth - 2], *right = left + 1;
	bool scalars = left->type == 's' && right->type == 's';
	bool literal = left->literal && right->literal;
	char unit[EXPR_UNIT_MAX] = "";
	int err;

	if (!s->boolean)
		expr_unit_binary(s->what, left, right, unit);
	if (s->what == EXPR_OR && (left->len == 0 || right->len == 0))
		snprintf(unit, sizeof unit, "%s", left->len ? left->unit : right->unit);
	err = expr_vector_binary(s, left, right);
	expr_operand_done(right);
	ev->depth--;
	left->type = scalars ? 's' : 'v';
	left->literal = literal;
	snprintf(left->unit, sizeof left->unit, "%s", unit);
	return err;
}

static int
run_aggregate(struct evaluation *ev, const struct expr_step *s)
{
	struct expr_operand *o = &ev->stack[ev->depth - 1];
	double parameter = 0;

	if (s->what == EXPR_QUANTILE) {
		parameter = o[-1].element[0].value;
		expr_operand_done(&o[-1]);
		o[-1] = *o;
		o->element = NULL;
		ev->depth--;
		o--;
	}
	return expr_vector_aggregate(s, parameter, o);
}

static int
run_negate(struct evaluation *ev)
{
	struct expr_operand *o = &ev->stack[ev->depth - 1];

	for (size_t i = 0; i < o->len; i++)
		o->element[i].value = -o->element[i].value;
	return 0;
}

static int
run_step(struct evaluation *ev, const struct expr_step *s)
{
	switch (s->op) {
	case EXPR_SELECT:
		return run_select(ev, s);
	case EXPR_NUMBER:
		return push_number(ev, s->number);
	case EXPR_CALL:
		return run_call(ev, s);
	case EXPR_BINARY:
		return run_binary(ev, s);
	case EXPR_NEGATE:
		return run_negate(ev);
	case EXPR_AGGREGATE:
		return run_aggregate(ev, s);
	}
	return -EINVAL;
}

static int
run_program(struct evaluation *ev, struct slice program)
{
	struct cbor_reader r;
	struct expr_step s;
	int err = 0;

	rd_init(&r, program, EXPR_PROGRAM_MAX);
	rd_enter_array(&r);
	while (err == 0 && rd_more(&r)) {
		expr_step_decode(&r, &s);
		err = run_step(ev, &s);
		ev->work += 1 + ev->stack[ev->depth - 1].len;
		if (err == 0 && ev->work > EXPR_WORK_MAX)
			err = -E2BIG;
	}
	return err;
}

static void
fill_value(const struct expr_element *e, struct expr_value *ret)
{
	*ret = (struct expr_value){ .value = e->value,
		.samples = e->samples,
		.newest_ms = e->newest_ms,
		.oldest_ms = e->oldest_ms };
	for (unsigned i = 0; i < e->labels->len; i++)
		if (e->mask & 1u << i)
			ret->labels.pair[ret->labels.len++] = e->labels->pair[i];
}

static int
fill_result(const struct expr_operand *o, struct expr_result *ret)
{
	bool number = false;

	*ret = (struct expr_result){ .len = o->len, .scratch = o->scratch };
	if (expr_result_room(ret, o->scratch, o->len) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < o->len; i++) {
		fill_value(&o->element[i], &ret->value[i]);
		number = number || !isnan(o->element[i].value);
	}
	snprintf(ret->unit, sizeof ret->unit, "%s", o->unit);
	if (!number)
		snprintf(ret->unknown, sizeof ret->unknown, "%s",
		    o->reason[0] ? o->reason : "not a number, as 0 / 0 gives");
	return 0;
}

/* S-22: unknown rather than an error, so that whoever asked reads why. */
static int
tell_bound(const struct evaluation *ev, struct expr_result *ret)
{
	*ret = (struct expr_result){ .len = 0 };
	if (ev->too_many)
		snprintf(ret->unknown, sizeof ret->unknown,
		    "the windows hold more than %d samples: make them shorter",
		    EXPR_SAMPLES_MAX);
	else if (ev->work > EXPR_WORK_MAX)
		snprintf(ret->unknown, sizeof ret->unknown,
		    "more than %d values to compute: make it simpler", EXPR_WORK_MAX);
	else
		snprintf(ret->unknown, sizeof ret->unknown,
		    "more than %d series at once: select some by their labels",
		    EXPR_VECTOR_MAX);
	return 0;
}

static void
end_evaluation(struct evaluation *ev)
{
	while (ev->depth > 0)
		expr_operand_done(&ev->stack[--ev->depth]);
	expr_scratch_trim(ev->scratch);
}

int
expr_eval_in(struct expr_scratch *scratch, struct slice program, struct series_set *set,
    int64_t now_ms, struct expr_result *ret)
{
	struct evaluation ev = { .scratch = scratch, .set = set, .now_ms = now_ms };
	char ignored[128];
	int err = expr_check(program, NULL, NULL, ignored, sizeof ignored);

	if (err < 0)
		return err;
	err = run_program(&ev, program);
	if (err == -ECANCELED) /* as good as empty: the reason is on top */
		ev.stack[ev.depth - 1].len = 0;
	if (err == 0 || err == -ECANCELED)
		err = fill_result(&ev.stack[ev.depth - 1], ret);
	else if (err == -E2BIG)
		err = tell_bound(&ev, ret);
	if (err == 0)
		ret->cost = ev.work + ev.samples;
	end_evaluation(&ev);
	return err;
}

int
expr_eval(
    struct slice program, struct series_set *set, int64_t now_ms, struct expr_result *ret)
{
	struct expr_scratch scratch = { 0 };
	int err = expr_eval_in(&scratch, program, set, now_ms, ret);

	if (err == 0)
		ret->scratch = NULL;
	expr_scratch_done(&scratch);
	return err;
}
