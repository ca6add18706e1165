/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "metrics/expr_evaluation.h"
#include "metrics/expr_range.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct metric_labels no_labels;

void
expr_explain(struct expr_operand *o, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(o->reason, sizeof o->reason, fmt, args);
	va_end(args);
}

struct expr_operand *
expr_push(struct expr_evaluation *ev, char type)
{
	struct expr_operand *o = &ev->stack[ev->depth++];

	*o = (struct expr_operand){ .type = type };
	return o;
}

static int
push_number(struct expr_evaluation *ev, double v)
{
	struct expr_operand *o = expr_push(ev, 's');
	int err = expr_operand_room(&ev->space, o, 1);

	if (err < 0)
		return err;
	o->literal = true;
	o->len = 1;
	o->element[0] = (struct expr_element){ .labels = &no_labels, .value = v };
	return 0;
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

/* Room for the longest of the ranges. */
static double *
make_scratch(const struct expr_evaluation *ev, const struct expr_operand *o)
{
	uint32_t longest = 0;

	for (size_t i = 0; i < o->len; i++)
		longest = o->element[i].len > longest ? o->element[i].len : longest;
	return expr_memory_take(ev->space.memory, longest, sizeof(double));
}

/* The most samples that any series had tells best how far from enough it was. */
static void
explain_too_few(const struct expr_function *f, struct expr_operand *o, size_t best)
{
	char span[CLOCK_TEXT_MAX];

	clock_format_span(o->window_ms, span);
	if (best == 0)
		expr_explain_no_sample(o);
	else if (best < f->needs)
		expr_explain(o, "%s needs %u samples of %s in %s, there %s %zu", f->name,
		    f->needs, o->metric, span, best == 1 ? "is" : "are", best);
	else
		expr_explain(o, "%s of %s: %s", f->name, o->metric, f->help);
}

static int
call_over(struct expr_evaluation *ev, const struct expr_function *f, const double *scalar,
    struct expr_operand *o)
{
	double *scratch = make_scratch(ev, o);
	size_t kept = 0, best = 0;

	if (!scratch)
		return -ENOMEM;
	for (size_t i = 0; i < o->len; i++) {
		struct expr_element e = o->element[i];
		struct expr_range range = { .start_ms = ev->now_ms - o->window_ms,
			.end_ms = ev->now_ms,
			.scratch = scratch };

		range.len =
		    f->ends ? e.len : drop_marks(ev->scratch->sample + e.first, e.len);
		range.sample = ev->scratch->sample + e.first;
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
		expr_explain(o, "%s: %s", f->name, f->help);
	o->len = kept;
	return 0;
}

/* scalar(): anything but exactly one value is no number. */
static int
make_scalar(const struct expr_evaluation *ev, struct expr_operand *o)
{
	if (o->len == 1) {
		o->element[0].mask = 0;
		return 0;
	}
	if (o->len > 1)
		expr_explain(o, "scalar got %zu values instead of one", o->len);
	if (expr_operand_room(&ev->space, o, 1) < 0)
		return -ENOMEM;
	o->element[0] = (struct expr_element){ .labels = &no_labels, .value = NAN };
	o->len = 1;
	return 0;
}

static int
run_call(struct expr_evaluation *ev, const struct expr_step *s)
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
	ev->depth -= arguments - 1;
	*argument = subject;
	if (f->gives == 's')
		err = make_scalar(ev, argument);
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
run_binary(struct expr_evaluation *ev, const struct expr_step *s)
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
	err = expr_vector_binary(&ev->space, s, left, right);
	ev->depth--;
	left->type = scalars ? 's' : 'v';
	left->literal = literal;
	snprintf(left->unit, sizeof left->unit, "%s", unit);
	return err;
}

static int
run_aggregate(struct expr_evaluation *ev, const struct expr_step *s)
{
	struct expr_operand *o = &ev->stack[ev->depth - 1];
	double parameter = 0;

	if (expr_aggregation_has_parameter(s->what)) {
		parameter = o[-1].element[0].value;
		o[-1] = *o;
		ev->depth--;
		o--;
	}
	if (s->what >= EXPR_TOPK && isnan(parameter)) {
		expr_explain(o, "%s needs to know how many, and got what is no number",
		    expr_aggregation_text(s->what));
		return -ECANCELED;
	}
	return expr_vector_aggregate(&ev->space, s, parameter, o);
}

static int
run_negate(struct expr_evaluation *ev)
{
	struct expr_operand *o = &ev->stack[ev->depth - 1];

	for (size_t i = 0; i < o->len; i++)
		o->element[i].value = -o->element[i].value;
	return 0;
}

static int
run_step(struct expr_evaluation *ev, const struct expr_step *s)
{
	switch (s->op) {
	case EXPR_SELECT:
		return expr_run_select(ev, s);
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
run_program(struct expr_evaluation *ev, struct slice program)
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
		if (err == 0 && ev->work > ev->space.bounds->work)
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
fill_result(const struct expr_evaluation *ev, struct expr_result *ret)
{
	const struct expr_operand *o = &ev->stack[ev->depth - 1];
	bool number = false;

	*ret = (struct expr_result){ .len = o->len, .scratch = ev->scratch };
	if (expr_result_room(ret, ev->scratch, o->len) < 0)
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
tell_bound(const struct expr_evaluation *ev, struct expr_result *ret)
{
	*ret = (struct expr_result){ .len = 0 };
	const struct expr_bounds *bounds = ev->space.bounds;

	if (ev->too_many)
		snprintf(ret->unknown, sizeof ret->unknown,
		    "the windows hold more than %zu samples: make them shorter",
		    bounds->samples);
	else if (ev->work > bounds->work)
		snprintf(ret->unknown, sizeof ret->unknown,
		    "more than %zu values to compute: make it simpler", bounds->work);
	else
		snprintf(ret->unknown, sizeof ret->unknown,
		    "more than %zu series at once: select some by their labels",
		    bounds->series);
	return 0;
}

static int
evaluate(struct expr_evaluation *ev, struct slice program, struct expr_result *ret)
{
	int err = run_program(ev, program);

	if (err == -ECANCELED) /* as good as empty: the reason is on top */
		ev->stack[ev->depth - 1].len = 0;
	if (err == 0 || err == -ECANCELED)
		err = fill_result(ev, ret);
	else if (err == -E2BIG)
		err = tell_bound(ev, ret);
	if (err == 0)
		ret->cost = ev->work + ev->samples;
	expr_scratch_trim(ev->scratch);
	return err;
}

int
expr_eval_scope(struct expr_scratch *scratch, struct slice program,
    const struct expr_scope *scope, int64_t now_ms, struct expr_result *ret)
{
	static const struct expr_bounds bounds[] = { { EXPR_VECTOR_MAX, EXPR_WORK_MAX,
							 EXPR_SAMPLES_MAX },
		{ EXPR_WIDE_VECTOR_MAX, EXPR_WIDE_WORK_MAX, EXPR_WIDE_SAMPLES_MAX } };
	struct expr_scratch own = { 0 }, *used = scratch ? scratch : &own;
	struct expr_evaluation ev = { .scope = scope,
		.now_ms = now_ms,
		.space = { &used->memory, &bounds[scope->wide || scope->len > 1] },
		.scratch = used };
	char ignored[128];
	int err = expr_check(program, NULL, NULL, ignored, sizeof ignored);

	if (err < 0)
		return err;
	err = evaluate(&ev, program, ret);
	if (err == 0 && !scratch)
		ret->scratch = NULL;
	expr_scratch_done(&own);
	return err;
}

int
expr_eval_in(struct expr_scratch *scratch, struct slice program, struct series_set *set,
    int64_t now_ms, struct expr_result *ret)
{
	const struct expr_part part = { .set = set };
	const struct expr_scope scope = { .len = 1, .part = &part };

	return expr_eval_scope(scratch, program, &scope, now_ms, ret);
}

int
expr_eval(
    struct slice program, struct series_set *set, int64_t now_ms, struct expr_result *ret)
{
	return expr_eval_in(NULL, program, set, now_ms, ret);
}
