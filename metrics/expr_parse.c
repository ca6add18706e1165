/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to program by Dijkstra's shunting yard: operands go out at once, operators and calls wait
 * on a stack of their own until what binds more has gone before them. No recursion, so no text
 * can exhaust the machine's stack; types are checked as steps go out, so that an error knows its
 * column. */
#include "base/clock.h"
#include "base/nearest.h"
#include "metrics/expr_lex.h"
#include "metrics/expr_program.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FRAMES_MAX 64

enum frame_kind { FRAME_PAREN, FRAME_CALL, FRAME_AGGREGATE, FRAME_BINARY, FRAME_NEGATE };

struct frame {
	enum frame_kind kind;
	uint8_t what; /* as in a step */
	bool boolean;
	uint8_t grouping, labels;
	char label[EXPR_LABELS_MAX][METRIC_LABEL_NAME_MAX];
	unsigned column, arguments;
	unsigned steps; /* that were out when it came */
};
struct parser {
	struct expr_lexer lexer;
	struct expr_token token;
	struct buf steps;
	size_t last; /* where the last step begins */
	struct expr_typing typing;
	struct frame frame[FRAMES_MAX];
	unsigned depth;
	char *err;
	size_t err_size;
};

static int PRINTF(3, 4) refuse(struct parser *p, unsigned column, const char *fmt, ...)
{
	va_list args;
	int n = snprintf(p->err, p->err_size, "column %u: ", column);

	va_start(args, fmt);
	if (n > 0 && (size_t)n < p->err_size)
		vsnprintf(p->err + n, p->err_size - (size_t)n, fmt, args);
	va_end(args);
	return -EINVAL;
}

static int
refuse_token(struct parser *p, const char *wanted)
{
	const struct expr_token *t = &p->token;

	if (t->kind == EXPR_TOKEN_BAD)
		return refuse(p, t->column, "%s", t->error);
	if (t->kind == EXPR_TOKEN_END)
		return refuse(
		    p, t->column, "the expression ends where %s is expected", wanted);
	return refuse(p, t->column, "%s is expected here, not %.*s", wanted,
	    t->text.len < 40 ? (int)t->text.len : 40, (const char *)t->text.data);
}

static void
advance(struct parser *p)
{
	p->token = expr_lex(&p->lexer);
}

static bool
at_sign(const struct parser *p, const char *sign)
{
	return p->token.kind == EXPR_TOKEN_SIGN && slice_is(p->token.text, sign);
}

static bool
at_word(const struct parser *p, const char *word)
{
	return p->token.kind == EXPR_TOKEN_NAME && slice_is(p->token.text, word);
}

static int
emit(struct parser *p, const struct expr_step *s, unsigned column)
{
	char why[160];

	if (expr_typing_apply(&p->typing, s, why, sizeof why) < 0)
		return refuse(p, column, "%s", why);
	p->last = p->steps.pos;
	expr_step_encode(s, &p->steps);
	return 0;
}

static int
emit_number(struct parser *p, double number, unsigned column)
{
	struct expr_step s = { .op = EXPR_NUMBER, .number = number };

	return emit(p, &s, column);
}

static int
push_frame(struct parser *p, enum frame_kind kind, uint8_t what, unsigned column)
{
	if (p->depth == FRAMES_MAX)
		return refuse(p, column, "nested deeper than %d", FRAMES_MAX);
	p->frame[p->depth++] = (struct frame){
		.kind = kind, .what = what, .column = column, .steps = p->typing.steps
	};
	return 0;
}

/* --- what leaves the stack ------------------------------------------------------------- */

static int
emit_frame(struct parser *p, const struct frame *f, enum expr_op op)
{
	struct expr_step s = { .op = op,
		.what = f->what,
		.boolean = f->boolean,
		.grouping = f->grouping,
		.labels = f->labels };

	memcpy(s.label, f->label, sizeof s.label);
	return emit(p, &s, f->column);
}

/* A minus in front of nothing but a number belongs to the number. */
static int
emit_negate(struct parser *p, const struct frame *f)
{
	struct expr_step s;
	struct cbor_reader r;

	if (p->typing.steps != f->steps + 1)
		return emit_frame(p, f, EXPR_NEGATE);
	rd_init(&r, (struct slice){ p->steps.data + p->last, p->steps.pos - p->last }, 0);
	expr_step_decode(&r, &s);
	if (p->steps.err || rd_done(&r) < 0 || s.op != EXPR_NUMBER)
		return emit_frame(p, f, EXPR_NEGATE);
	p->steps.pos = p->last;
	s.number = -s.number;
	expr_step_encode(&s, &p->steps);
	return 0;
}

static bool
waits(const struct parser *p)
{
	return p->depth > 0 &&
	    (p->frame[p->depth - 1].kind == FRAME_BINARY ||
		p->frame[p->depth - 1].kind == FRAME_NEGATE);
}

static int
precedence_of(const struct frame *f)
{
	return f->kind == FRAME_NEGATE ? EXPR_PRECEDENCE_NEGATE
				       : expr_operator_precedence(f->what);
}

/* Lets go out what binds at least as much as precedence. */
static int
pop_operators(struct parser *p, int precedence)
{
	int err = 0;

	while (err == 0 && waits(p) &&
	    precedence_of(&p->frame[p->depth - 1]) >= precedence) {
		const struct frame *f = &p->frame[--p->depth];

		err = f->kind == FRAME_NEGATE ? emit_negate(p, f)
					      : emit_frame(p, f, EXPR_BINARY);
	}
	return err;
}

static int
end_call(struct parser *p, const struct frame *f)
{
	const struct expr_function *function = expr_function_by_opcode(f->what);
	size_t n = strlen(function->types);
	int err = 0;

	if (f->arguments + 1 == n && strchr("SZ", function->types[n - 1]))
		err = emit_number(p, function->types[n - 1] == 'S', f->column);
	else if (f->arguments != n)
		return refuse(p, f->column, "%s(%s) takes %zu argument%s, not %u",
		    function->name, function->arguments, n, n == 1 ? "" : "s",
		    f->arguments);
	return err < 0 ? err : emit_frame(p, f, EXPR_CALL);
}

/* --- selectors ------------------------------------------------------------------------- */

static int
copy_label(struct parser *p, char dst[METRIC_LABEL_NAME_MAX])
{
	if (p->token.kind != EXPR_TOKEN_NAME)
		return refuse_token(p, "a label");
	if (slice_copy(p->token.text, dst, METRIC_LABEL_NAME_MAX) < 0)
		return refuse(p, p->token.column,
		    "the label is longer than %d characters", METRIC_LABEL_NAME_MAX - 1);
	if (!expr_name_ok(dst, false))
		return refuse_token(p, "a label");
	if (strcmp(dst, "__name__") == 0)
		return refuse(
		    p, p->token.column, "__name__ cannot be matched: name the metric");
	advance(p);
	return 0;
}

static int
parse_matcher(struct parser *p, struct expr_matcher *m)
{
	static const char *const sign[] = { "=", "!=", "=~", "!~" };
	const char *why;
	int err = copy_label(p, m->label);

	if (err < 0)
		return err;
	for (m->match = 0; m->match < ARRAY_LEN(sign); m->match++)
		if (at_sign(p, sign[m->match]))
			break;
	if (m->match == ARRAY_LEN(sign))
		return refuse_token(p, "=, !=, =~ or !~");
	advance(p);
	if (p->token.kind != EXPR_TOKEN_STRING)
		return refuse_token(p, "a string");
	why = expr_lex_string(p->token.text, m->value, sizeof m->value);
	if (why)
		return refuse(p, p->token.column, "%s", why);
	if (m->match >= EXPR_REGEX && !expr_pattern_ok(m->value))
		return refuse(p, p->token.column,
		    "in a pattern only letters, . .* .+ | and \\. are understood");
	advance(p);
	return 0;
}

static int
parse_matchers(struct parser *p, struct expr_step *s)
{
	advance(p);
	while (!at_sign(p, "}")) {
		int err;

		if (s->matchers == EXPR_MATCHERS_MAX)
			return refuse(p, p->token.column, "more than %d matchers",
			    EXPR_MATCHERS_MAX);
		err = parse_matcher(p, &s->matcher[s->matchers++]);
		if (err < 0)
			return err;
		if (at_sign(p, ","))
			advance(p);
		else if (!at_sign(p, "}"))
			return refuse_token(p, ", or }");
	}
	advance(p);
	return 0;
}

/* At "[": the token after it has not been read, because 5m:1m is no word. */
static int
parse_window(struct parser *p, struct expr_step *s)
{
	unsigned column = p->token.column;
	struct slice span;
	char text[64];

	if (expr_lex_bracket(&p->lexer, &span) < 0)
		return refuse(p, column, "the [ has no ]");
	if (memchr(span.data, ':', span.len))
		return refuse(p, column, "subqueries ([5m:1m]) are not supported");
	if (slice_copy(span, text, sizeof text) < 0 ||
	    clock_parse_span(text, &s->window_ms) < 0)
		return refuse(p, column,
		    "[%.*s] is no window such as [30s], [5m] or [1h30m]",
		    span.len < 40 ? (int)span.len : 40, (const char *)span.data);
	if (s->window_ms > EXPR_WINDOW_MAX_MS)
		return refuse(p, column, "[%s] is longer than [%lldh]", text,
		    EXPR_WINDOW_MAX_MS / 3600000);
	advance(p);
	return 0;
}

static int
refuse_modifiers(struct parser *p)
{
	if (at_word(p, "offset") || at_sign(p, "@"))
		return refuse(p, p->token.column, "offset and @ are not supported");
	if (at_sign(p, "["))
		return refuse(p, p->token.column,
		    "a window goes behind a metric's name or its {labels}");
	return 0;
}

static int
parse_selector(struct parser *p, const struct expr_token *name)
{
	struct expr_step s = { .op = EXPR_SELECT };
	int err = 0;

	if (slice_copy(name->text, s.metric, sizeof s.metric) < 0)
		return refuse(p, name->column,
		    "the metric's name is longer than %d characters", METRIC_NAME_MAX);
	if (at_sign(p, "{"))
		err = parse_matchers(p, &s);
	if (err == 0 && at_sign(p, "["))
		err = parse_window(p, &s);
	if (err == 0)
		err = refuse_modifiers(p);
	return err < 0 ? err : emit(p, &s, name->column);
}

/* --- operands -------------------------------------------------------------------------- */

static int
parse_labels(struct parser *p, struct frame *f)
{
	if (!at_sign(p, "("))
		return refuse_token(p, "(");
	advance(p);
	while (!at_sign(p, ")")) {
		int err;

		if (f->labels == EXPR_LABELS_MAX)
			return refuse(
			    p, p->token.column, "more than %d labels", EXPR_LABELS_MAX);
		err = copy_label(p, f->label[f->labels]);
		if (err < 0)
			return err;
		f->labels++;
		if (at_sign(p, ","))
			advance(p);
		else if (!at_sign(p, ")"))
			return refuse_token(p, ", or )");
	}
	advance(p);
	return 0;
}

/* by (…) or without (…), in front of the arguments or behind them. */
static int
parse_grouping(struct parser *p, struct frame *f)
{
	bool by = at_word(p, "by");

	if (f->grouping || (!by && !at_word(p, "without")))
		return 0;
	f->grouping = by ? EXPR_ON : EXPR_IGNORING;
	advance(p);
	return parse_labels(p, f);
}

static uint8_t
find_aggregation(struct slice name)
{
	for (uint8_t i = 1; i < EXPR_AGGREGATIONS; i++)
		if (slice_is(name, expr_aggregation_text(i)))
			return i;
	return 0;
}

static int
parse_aggregation(struct parser *p, uint8_t aggregation, unsigned column)
{
	int err = push_frame(p, FRAME_AGGREGATE, aggregation, column);

	if (err < 0)
		return err;
	err = parse_grouping(p, &p->frame[p->depth - 1]);
	if (err < 0)
		return err;
	if (!at_sign(p, "("))
		return refuse_token(p, "(");
	advance(p);
	return 0;
}

/* The function or aggregation that was probably meant; NULL: none is near. */
static const char *
find_nearest(struct slice name)
{
	const char *nearest = NULL;
	char text[NEAREST_WORD_MAX];
	unsigned best = (unsigned)name.len / 3 + 1, distance;

	if (slice_copy(name, text, sizeof text) < 0)
		return NULL;
	for (const struct expr_function *f = expr_functions; f->name; f++)
		if ((distance = nearest_distance(text, f->name)) < best) {
			best = distance;
			nearest = f->name;
		}
	for (uint8_t i = 1; i < EXPR_AGGREGATIONS; i++)
		if ((distance = nearest_distance(text, expr_aggregation_text(i))) <
		    best) {
			best = distance;
			nearest = expr_aggregation_text(i);
		}
	return nearest;
}

static int
refuse_function(struct parser *p, const struct expr_token *name)
{
	int shown = name->text.len < 40 ? (int)name->text.len : 40;
	const char *nearest = find_nearest(name->text);

	return refuse(p, name->column, "unknown function %.*s%s%s%s", shown,
	    (const char *)name->text.data, nearest ? " (did you mean " : "",
	    nearest ? nearest : "", nearest ? "?)" : "");
}

/* At a name; *operand says whether an operand is complete behind it. */
static int
parse_name(struct parser *p, bool *operand)
{
	struct expr_token name = p->token;
	uint8_t aggregation = find_aggregation(name.text);
	const struct expr_function *function = expr_function_by_name(name.text);
	int err;

	advance(p);
	*operand = false;
	if (aggregation && (at_sign(p, "(") || at_word(p, "by") || at_word(p, "without")))
		return parse_aggregation(p, aggregation, name.column);
	if (at_sign(p, "(")) {
		if (!function)
			return refuse_function(p, &name);
		err = push_frame(p, FRAME_CALL, function->opcode, name.column);
		advance(p);
		return err;
	}
	*operand = true;
	return parse_selector(p, &name);
}

/* What may stand where a value begins; *operand is true when one is complete. */
static int
parse_operand(struct parser *p, bool *operand)
{
	int err = 0;

	*operand = false;
	if (p->token.kind == EXPR_TOKEN_NAME)
		return parse_name(p, operand);
	if (p->token.kind == EXPR_TOKEN_NUMBER) {
		*operand = true;
		err = emit_number(p, p->token.number, p->token.column);
	} else if (at_sign(p, "(")) {
		err = push_frame(p, FRAME_PAREN, 0, p->token.column);
	} else if (at_sign(p, "-")) {
		err = push_frame(p, FRAME_NEGATE, 0, p->token.column);
	} else if (at_sign(p, "{")) {
		return refuse(p, p->token.column, "a metric's name is expected before {");
	} else if (!at_sign(p, "+")) {
		return refuse_token(p, "a metric, a number or a function");
	}
	advance(p);
	return err;
}

/* --- operators ------------------------------------------------------------------------- */

static uint8_t
find_operator(const struct parser *p)
{
	if (p->token.kind == EXPR_TOKEN_SIGN || p->token.kind == EXPR_TOKEN_NAME)
		for (uint8_t i = 1; i < EXPR_OPERATORS; i++)
			if (slice_is(p->token.text, expr_operator_text(i)))
				return i;
	return 0;
}

static int
parse_operator_modifiers(struct parser *p, struct frame *f)
{
	int err = 0;

	if (at_word(p, "bool")) {
		f->boolean = true;
		advance(p);
	}
	if (at_word(p, "on") || at_word(p, "ignoring")) {
		f->grouping = at_word(p, "on") ? EXPR_ON : EXPR_IGNORING;
		advance(p);
		err = parse_labels(p, f);
	}
	if (err == 0 && (at_word(p, "group_left") || at_word(p, "group_right")))
		return refuse(
		    p, p->token.column, "group_left and group_right are not supported");
	return err;
}

static int
parse_operator(struct parser *p, uint8_t op)
{
	int precedence = expr_operator_precedence(op);
	int err = pop_operators(p, precedence + (precedence == EXPR_PRECEDENCE_POW));

	if (err == 0)
		err = push_frame(p, FRAME_BINARY, op, p->token.column);
	if (err < 0)
		return err;
	advance(p);
	return parse_operator_modifiers(p, &p->frame[p->depth - 1]);
}

static int
parse_comma(struct parser *p)
{
	int err = pop_operators(p, 0);

	if (err < 0)
		return err;
	if (p->depth == 0 || p->frame[p->depth - 1].kind == FRAME_PAREN)
		return refuse(p, p->token.column, "a comma has no place here");
	p->frame[p->depth - 1].arguments++;
	advance(p);
	return 0;
}

static int
end_aggregation(struct parser *p, struct frame *f)
{
	unsigned takes = expr_aggregation_has_parameter(f->what) ? 2 : 1;
	int err = parse_grouping(p, f);

	if (err < 0)
		return err;
	if (f->arguments != takes)
		return refuse(p, f->column, "%s takes %u argument%s, not %u",
		    expr_aggregation_text(f->what), takes, takes == 1 ? "" : "s",
		    f->arguments);
	return emit_frame(p, f, EXPR_AGGREGATE);
}

static int
parse_close(struct parser *p)
{
	int err = pop_operators(p, 0);
	struct frame *f;

	if (err < 0)
		return err;
	if (p->depth == 0)
		return refuse(p, p->token.column, "this ) closes nothing");
	f = &p->frame[--p->depth];
	f->arguments++;
	advance(p);
	if (f->kind == FRAME_CALL)
		err = end_call(p, f);
	else if (f->kind == FRAME_AGGREGATE)
		err = end_aggregation(p, f);
	return err < 0 ? err : refuse_modifiers(p);
}

/* What may stand behind a complete value. */
static int
parse_after_operand(struct parser *p, bool *operand)
{
	uint8_t op = find_operator(p);

	*operand = false;
	if (op)
		return parse_operator(p, op);
	if (at_sign(p, ","))
		return parse_comma(p);
	if (!at_sign(p, ")"))
		return refuse_token(p, "an operator");
	*operand = true;
	return parse_close(p);
}

static int
parse_all(struct parser *p)
{
	bool operand = false;
	char why[160];
	int err = 0;

	advance(p);
	while (err == 0 && (!operand || p->token.kind != EXPR_TOKEN_END))
		err = operand ? parse_after_operand(p, &operand)
			      : parse_operand(p, &operand);
	if (err == 0)
		err = pop_operators(p, 0);
	if (err < 0)
		return err;
	if (p->depth > 0)
		return refuse(
		    p, p->frame[p->depth - 1].column, "the ( that opens here has no )");
	if (expr_typing_end(&p->typing, why, sizeof why) < 0)
		return refuse(p, 1, "%s", why);
	return 0;
}

static int
write_program(const struct parser *p, struct buf *program)
{
	size_t before = program->pos;

	wr_array(program, p->typing.steps);
	wr_raw(program, buf_slice(&p->steps));
	if (p->steps.err || program->err || program->pos - before > EXPR_PROGRAM_MAX) {
		snprintf(p->err, p->err_size, "the program is longer than %d bytes",
		    EXPR_PROGRAM_MAX);
		return -EINVAL;
	}
	return 0;
}

int
expr_parse(const char *text, struct buf *program, char *err, size_t err_size)
{
	struct parser *p;
	int result;

	if (strlen(text) > EXPR_TEXT_MAX) {
		snprintf(err, err_size, "longer than %d characters", EXPR_TEXT_MAX);
		return -EINVAL;
	}
	p = calloc(1, sizeof *p);
	if (!p) {
		snprintf(err, err_size, "no memory");
		return -ENOMEM;
	}
	p->lexer.text = text;
	p->err = err;
	p->err_size = err_size;
	buf_init(&p->steps, EXPR_PROGRAM_MAX);
	result = parse_all(p);
	if (result == 0)
		result = write_program(p, program);
	buf_done(&p->steps);
	free(p);
	return result;
}
