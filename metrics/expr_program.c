/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_program.h"
#include "metrics/source.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- words ----------------------------------------------------------------------------- */

static const struct {
	const char *text;
	int precedence;
} operators[EXPR_OPERATORS] = {
	[EXPR_ADD] = { "+", 4 },
	[EXPR_SUB] = { "-", 4 },
	[EXPR_MUL] = { "*", 5 },
	[EXPR_DIV] = { "/", 5 },
	[EXPR_MOD] = { "%", 5 },
	[EXPR_POW] = { "^", EXPR_PRECEDENCE_POW },
	[EXPR_EQ] = { "==", 3 },
	[EXPR_NE] = { "!=", 3 },
	[EXPR_LT] = { "<", 3 },
	[EXPR_LE] = { "<=", 3 },
	[EXPR_GT] = { ">", 3 },
	[EXPR_GE] = { ">=", 3 },
	[EXPR_AND] = { "and", 2 },
	[EXPR_OR] = { "or", 1 },
	[EXPR_UNLESS] = { "unless", 2 },
};
static const char *const aggregations[EXPR_AGGREGATIONS] = {
	[EXPR_SUM] = "sum",
	[EXPR_AVG] = "avg",
	[EXPR_MIN] = "min",
	[EXPR_MAX] = "max",
	[EXPR_COUNT] = "count",
	[EXPR_STDDEV] = "stddev",
	[EXPR_STDVAR] = "stdvar",
	[EXPR_QUANTILE] = "quantile",
	[EXPR_GROUP] = "group",
	[EXPR_TOPK] = "topk",
	[EXPR_BOTTOMK] = "bottomk",
};

const char *
expr_operator_text(uint8_t op)
{
	return op < EXPR_OPERATORS ? operators[op].text : NULL;
}

int
expr_operator_precedence(uint8_t op)
{
	return op < EXPR_OPERATORS ? operators[op].precedence : 0;
}

const char *
expr_aggregation_text(uint8_t aggregation)
{
	return aggregation < EXPR_AGGREGATIONS ? aggregations[aggregation] : NULL;
}

bool
expr_aggregation_has_parameter(uint8_t aggregation)
{
	return aggregation == EXPR_QUANTILE || aggregation == EXPR_TOPK ||
	    aggregation == EXPR_BOTTOMK;
}

const struct expr_function *
expr_function_by_name(struct slice name)
{
	for (const struct expr_function *f = expr_functions; f->name; f++)
		if (slice_is(name, f->name))
			return f;
	return NULL;
}

const struct expr_function *
expr_function_by_opcode(uint8_t opcode)
{
	for (const struct expr_function *f = expr_functions; f->name; f++)
		if (f->opcode == opcode)
			return f;
	return NULL;
}

bool
expr_name_ok(const char *name, bool colons)
{
	if (!*name || isdigit((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_' &&
		    !(colons && *name == ':'))
			return false;
	return true;
}

/* --- one step on the wire -------------------------------------------------------------- */

static void
encode_labels(const struct expr_step *s, struct buf *out)
{
	wr_array(out, s->labels);
	for (unsigned i = 0; i < s->labels; i++)
		wr_text(out, s->label[i]);
}

static void
decode_labels(struct cbor_reader *r, struct expr_step *s)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (s->labels == EXPR_LABELS_MAX) {
			rd_fail(r, -EINVAL);
			return;
		}
		rd_text_copy(r, s->label[s->labels], sizeof s->label[0]);
		if (!expr_name_ok(s->label[s->labels++], false))
			rd_fail(r, -EINVAL);
	}
	rd_leave(r);
}

static void
encode_matchers(const struct expr_step *s, struct buf *out)
{
	wr_array(out, s->matchers);
	for (unsigned i = 0; i < s->matchers; i++) {
		wr_array(out, 3);
		wr_uint(out, s->matcher[i].match);
		wr_text(out, s->matcher[i].label);
		wr_text(out, s->matcher[i].value);
	}
}

static void
decode_matcher(struct cbor_reader *r, struct expr_matcher *m)
{
	rd_enter_array(r);
	m->match = (uint8_t)rd_uint_max(r, EXPR_NOT_REGEX);
	rd_text_copy(r, m->label, sizeof m->label);
	rd_text_copy(r, m->value, sizeof m->value);
	rd_leave(r);
	if (!expr_name_ok(m->label, false) ||
	    (m->match >= EXPR_REGEX && !expr_pattern_ok(m->value)))
		rd_fail(r, -EINVAL);
}

static void
decode_matchers(struct cbor_reader *r, struct expr_step *s)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (s->matchers == EXPR_MATCHERS_MAX) {
			rd_fail(r, -EINVAL);
			return;
		}
		decode_matcher(r, &s->matcher[s->matchers++]);
	}
	rd_leave(r);
}

static void
encode_select(const struct expr_step *s, struct buf *out)
{
	wr_array(out, s->matchers ? 4 : 3);
	wr_uint(out, s->op);
	wr_text(out, s->metric);
	wr_uint(out, (uint64_t)s->window_ms);
	if (s->matchers)
		encode_matchers(s, out);
}

static void
decode_select(struct cbor_reader *r, struct expr_step *s)
{
	rd_text_copy(r, s->metric, sizeof s->metric);
	s->window_ms = (int64_t)rd_uint_max(r, EXPR_WINDOW_MAX_MS);
	if (rd_more(r))
		decode_matchers(r, s);
	if (!expr_name_ok(s->metric, true))
		rd_fail(r, -EINVAL);
}

static void
encode_binary(const struct expr_step *s, struct buf *out)
{
	wr_array(out, s->grouping ? 5 : s->boolean ? 3 : 2);
	wr_uint(out, s->op);
	wr_uint(out, s->what);
	if (s->boolean || s->grouping)
		wr_uint(out, s->boolean);
	if (!s->grouping)
		return;
	wr_uint(out, s->grouping);
	encode_labels(s, out);
}

static void
decode_grouping(struct cbor_reader *r, struct expr_step *s)
{
	if (!rd_more(r))
		return;
	s->grouping = (uint8_t)rd_uint_max(r, EXPR_IGNORING);
	decode_labels(r, s);
	if (!s->grouping && s->labels)
		rd_fail(r, -EINVAL);
}

static void
decode_binary(struct cbor_reader *r, struct expr_step *s)
{
	s->what = (uint8_t)rd_uint_max(r, EXPR_OPERATORS - 1);
	if (rd_more(r))
		s->boolean = rd_uint_max(r, 1) == 1;
	decode_grouping(r, s);
}

static void
encode_aggregate(const struct expr_step *s, struct buf *out)
{
	wr_array(out, s->grouping ? 4 : 2);
	wr_uint(out, s->op);
	wr_uint(out, s->what);
	if (!s->grouping)
		return;
	wr_uint(out, s->grouping);
	encode_labels(s, out);
}

void
expr_step_encode(const struct expr_step *s, struct buf *out)
{
	switch (s->op) {
	case EXPR_SELECT:
		encode_select(s, out);
		break;
	case EXPR_NUMBER:
		wr_array(out, 2);
		wr_uint(out, s->op);
		wr_double(out, s->number);
		break;
	case EXPR_CALL:
		wr_array(out, 2);
		wr_uint(out, s->op);
		wr_uint(out, s->what);
		break;
	case EXPR_BINARY:
		encode_binary(s, out);
		break;
	case EXPR_NEGATE:
		wr_array(out, 1);
		wr_uint(out, s->op);
		break;
	case EXPR_AGGREGATE:
		encode_aggregate(s, out);
		break;
	}
}

void
expr_step_decode(struct cbor_reader *r, struct expr_step *s)
{
	memset(s, 0, sizeof *s);
	rd_enter_array(r);
	s->op = (enum expr_op)rd_uint_max(r, EXPR_AGGREGATE);
	switch (s->op) {
	case EXPR_SELECT:
		decode_select(r, s);
		break;
	case EXPR_NUMBER:
		s->number = rd_number(r);
		break;
	case EXPR_CALL:
		s->what = (uint8_t)rd_uint_max(r, UINT8_MAX);
		break;
	case EXPR_BINARY:
		decode_binary(r, s);
		break;
	case EXPR_NEGATE:
		break;
	case EXPR_AGGREGATE:
		s->what = (uint8_t)rd_uint_max(r, EXPR_AGGREGATIONS - 1);
		decode_grouping(r, s);
		break;
	}
	if (rd_more(r)) /* a parameter of a later version changes the meaning */
		rd_fail(r, -EINVAL);
	rd_leave(r);
}

/* --- types ----------------------------------------------------------------------------- */

static int PRINTF(3, 4) refuse(char *err, size_t err_size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, err_size, fmt, args);
	va_end(args);
	return -EINVAL;
}

static const char *
name_type(char type)
{
	return type == 's' ? "a number"
	    : type == 'r'  ? "a range (name[5m])"
			   : "values (name)";
}

/* Pops what types asks for ('S', 'Z': a scalar that people may leave out) and pushes result. */
static int
take_arguments(struct expr_typing *t, const char *name, const char *types, char result,
    char *err, size_t err_size)
{
	unsigned n = (unsigned)strlen(types);

	if (t->depth < n)
		return refuse(err, err_size, "%s takes %u arguments, there are %u", name,
		    n, t->depth);
	for (unsigned i = 0; i < n; i++) {
		char have = t->stack[t->depth - n + i],
		     want = types[i] == 'S' || types[i] == 'Z' ? 's' : types[i];

		if (have != want)
			return refuse(err, err_size,
			    "argument %u of %s must be %s, not %s", i + 1, name,
			    name_type(want), name_type(have));
	}
	t->depth -= n;
	t->stack[t->depth++] = result;
	return 0;
}

static int
apply_call(struct expr_typing *t, const struct expr_step *s, char *err, size_t err_size)
{
	const struct expr_function *f = expr_function_by_opcode(s->what);

	if (!f)
		return refuse(err, err_size, "unknown function number %u", s->what);
	return take_arguments(t, f->name, f->types, f->gives, err, err_size);
}

static int
apply_aggregate(
    struct expr_typing *t, const struct expr_step *s, char *err, size_t err_size)
{
	const char *name = expr_aggregation_text(s->what);

	if (!name)
		return refuse(err, err_size, "unknown aggregation number %u", s->what);
	return take_arguments(t, name,
	    expr_aggregation_has_parameter(s->what) ? "sv" : "v", 'v', err, err_size);
}

static int
apply_binary(struct expr_typing *t, const struct expr_step *s, char *err, size_t err_size)
{
	const char *name = expr_operator_text(s->what);
	bool set = s->what >= EXPR_AND, compares = s->what >= EXPR_EQ && !set;
	char left, right;

	if (!name)
		return refuse(err, err_size, "unknown operator number %u", s->what);
	if (t->depth < 2)
		return refuse(err, err_size, "%s has no two operands", name);
	left = t->stack[t->depth - 2];
	right = t->stack[t->depth - 1];
	if (left == 'r' || right == 'r')
		return refuse(err, err_size, "%s cannot have a range as operand", name);
	if (s->boolean && !compares)
		return refuse(
		    err, err_size, "bool goes with comparisons only, not with %s", name);
	if (set && (left == 's' || right == 's'))
		return refuse(
		    err, err_size, "%s needs values on both sides, not a number", name);
	if (s->labels && (left == 's' || right == 's'))
		return refuse(err, err_size,
		    "on and ignoring need values on both sides of %s", name);
	if (compares && left == 's' && right == 's' && !s->boolean)
		return refuse(
		    err, err_size, "a comparison of numbers needs bool: %s bool", name);
	t->depth--;
	t->stack[t->depth - 1] = left == 's' && right == 's' ? 's' : 'v';
	return 0;
}

static int
apply_negate(const struct expr_typing *t, char *err, size_t err_size)
{
	if (t->depth < 1 || t->stack[t->depth - 1] == 'r')
		return refuse(err, err_size, "- cannot have a range as operand");
	return 0;
}

int
expr_typing_apply(
    struct expr_typing *t, const struct expr_step *s, char *err, size_t err_size)
{
	if (++t->steps > EXPR_STEPS_MAX)
		return refuse(err, err_size, "more than %d steps", EXPR_STEPS_MAX);
	switch (s->op) {
	case EXPR_SELECT:
	case EXPR_NUMBER:
		if (t->depth == EXPR_STACK_MAX)
			return refuse(
			    err, err_size, "nested deeper than %d", EXPR_STACK_MAX);
		t->stack[t->depth++] = s->op == EXPR_NUMBER ? 's'
		    : s->window_ms			    ? 'r'
							    : 'v';
		return 0;
	case EXPR_CALL:
		return apply_call(t, s, err, err_size);
	case EXPR_BINARY:
		return apply_binary(t, s, err, err_size);
	case EXPR_NEGATE:
		return apply_negate(t, err, err_size);
	case EXPR_AGGREGATE:
		return apply_aggregate(t, s, err, err_size);
	}
	return refuse(err, err_size, "unknown step");
}

int
expr_typing_end(const struct expr_typing *t, char *err, size_t err_size)
{
	if (t->depth == 0)
		return refuse(err, err_size, "the expression is empty");
	if (t->depth > 1)
		return refuse(err, err_size, "%u values are left over", t->depth - 1);
	if (t->stack[0] == 'r')
		return refuse(err, err_size,
		    "a range is no result: put a function around it, as in "
		    "avg_over_time(…)");
	return 0;
}

/* --- whole programs -------------------------------------------------------------------- */

static void
refuse_metric(const char *metric, char *err, size_t err_size)
{
	const char *nearest = sources_nearest(metric);

	refuse(err, err_size, "unknown metric %s%s%s%s", metric,
	    nearest ? " (did you mean " : "", nearest ? nearest : "",
	    nearest ? "?)" : "");
}

int
expr_check(struct slice program, bool (*known)(const void *arg, const char *metric),
    const void *arg, char *err, size_t err_size)
{
	struct expr_typing t = { 0 };
	struct cbor_reader r;
	struct expr_step s;
	int result = 0;

	if (program.len > EXPR_PROGRAM_MAX)
		return refuse(err, err_size, "longer than %d bytes", EXPR_PROGRAM_MAX);
	rd_init(&r, program, EXPR_PROGRAM_MAX);
	rd_enter_array(&r);
	while (result == 0 && rd_more(&r)) {
		expr_step_decode(&r, &s);
		if (r.err)
			break;
		result = expr_typing_apply(&t, &s, err, err_size);
		if (result == 0 && s.op == EXPR_SELECT && known &&
		    !known(arg, s.metric)) {
			refuse_metric(s.metric, err, err_size);
			result = -ENOENT;
		}
	}
	if (result < 0)
		return result;
	rd_leave(&r);
	if (rd_done(&r) < 0)
		return refuse(err, err_size, "step %u is malformed", t.steps + 1);
	return expr_typing_end(&t, err, err_size);
}

int
expr_needs(struct slice program, void (*need)(void *arg, const struct expr_step *select),
    void *arg)
{
	struct cbor_reader r;
	struct expr_step s;

	rd_init(&r, program, EXPR_PROGRAM_MAX);
	rd_enter_array(&r);
	while (rd_more(&r)) {
		expr_step_decode(&r, &s);
		if (!r.err && s.op == EXPR_SELECT)
			need(arg, &s);
	}
	rd_leave(&r);
	return rd_done(&r) < 0 ? -EINVAL : 0;
}
