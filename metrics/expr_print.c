/* SPDX-License-Identifier: Apache-2.0
 *
 * A program back to text: each step takes the texts of its operands from a stack and leaves its
 * own. Parentheses only where the parser would otherwise read something else. */
#include "metrics/expr_program.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PRINT_MAX 16384
#define ATOM	  9 /* precedence of what needs no parentheses */

struct printed {
	struct buf text;
	int precedence;
};
struct printer {
	struct printed stack[EXPR_STACK_MAX];
	unsigned depth;
};

static void
print_number(double v, struct buf *out)
{
	char text[32];

	if (isnan(v) || isinf(v)) {
		buf_puts(out, isnan(v) ? "NaN" : v > 0 ? "Inf" : "-Inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_puts(out, text);
}

static void
print_span(int64_t ms, struct buf *out)
{
	static const struct {
		const char *name;
		int64_t ms;
	} unit[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 },
		{ "ms", 1 } };

	for (size_t i = 0; i < ARRAY_LEN(unit); i++) {
		if (ms >= unit[i].ms)
			buf_printf(
			    out, "%lld%s", (long long)(ms / unit[i].ms), unit[i].name);
		ms %= unit[i].ms;
	}
}

static void
print_matchers(const struct expr_step *s, struct buf *out)
{
	static const char *const sign[] = { "=", "!=", "=~", "!~" };

	for (unsigned i = 0; i < s->matchers; i++) {
		const struct expr_matcher *m = &s->matcher[i];

		buf_printf(out, "%s%s%s\"", i ? "," : "{", m->label, sign[m->match]);
		for (const char *p = m->value; *p; p++) {
			if (*p == '"' || *p == '\\')
				buf_put_u8(out, '\\');
			if (*p == '\n')
				buf_puts(out, "\\n");
			else
				buf_put_u8(out, (uint8_t)*p);
		}
		buf_put_u8(out, '"');
	}
	if (s->matchers)
		buf_put_u8(out, '}');
}

static void
print_grouping(const char *word, const struct expr_step *s, struct buf *out)
{
	buf_printf(out, " %s (", word);
	for (unsigned i = 0; i < s->labels; i++)
		buf_printf(out, "%s%s", i ? ", " : "", s->label[i]);
	buf_puts(out, ") ");
}

static void
push(struct printer *p, struct buf *text, int precedence)
{
	p->stack[p->depth++] = (struct printed){ *text, precedence };
}

/* The operand's text, in parentheses if it binds less than needed. */
static void
put_operand(struct buf *out, struct printed *operand, int needed)
{
	bool parentheses = operand->precedence < needed;

	buf_puts(out, parentheses ? "(" : "");
	buf_put_slice(out, buf_slice(&operand->text));
	buf_puts(out, parentheses ? ")" : "");
	buf_done(&operand->text);
}

static void
print_call(struct printer *p, const char *name, unsigned arguments, struct buf *out)
{
	buf_printf(out, "%s(", name);
	p->depth -= arguments;
	for (unsigned i = 0; i < arguments; i++) {
		buf_puts(out, i ? ", " : "");
		put_operand(out, &p->stack[p->depth + i], 0);
	}
	buf_put_u8(out, ')');
}

static void
print_binary(struct printer *p, const struct expr_step *s, struct buf *out)
{
	int own = expr_operator_precedence(s->what);
	bool from_right = own == EXPR_PRECEDENCE_POW;

	p->depth -= 2;
	put_operand(out, &p->stack[p->depth], from_right ? own + 1 : own);
	buf_printf(out, " %s%s", expr_operator_text(s->what), s->boolean ? " bool" : "");
	if (s->grouping)
		print_grouping(s->grouping == EXPR_ON ? "on" : "ignoring", s, out);
	else
		buf_put_u8(out, ' ');
	put_operand(out, &p->stack[p->depth + 1], from_right ? own : own + 1);
}

static void
print_aggregate(struct printer *p, const struct expr_step *s, struct buf *out)
{
	struct buf head;

	buf_init(&head, PRINT_MAX);
	buf_puts(&head, expr_aggregation_text(s->what));
	if (s->grouping)
		print_grouping(s->grouping == EXPR_ON ? "by" : "without", s, &head);
	print_call(
	    p, buf_text(&head), expr_aggregation_has_parameter(s->what) ? 2 : 1, out);
	buf_done(&head);
}

static void
print_step(struct printer *p, const struct expr_step *s)
{
	const struct expr_function *f;
	int precedence = ATOM;
	struct buf out;

	buf_init(&out, PRINT_MAX);
	switch (s->op) {
	case EXPR_SELECT:
		buf_puts(&out, s->metric);
		print_matchers(s, &out);
		if (s->window_ms) {
			buf_put_u8(&out, '[');
			print_span(s->window_ms, &out);
			buf_put_u8(&out, ']');
		}
		break;
	case EXPR_NUMBER:
		print_number(s->number, &out);
		if (signbit(s->number) && !isnan(s->number))
			precedence = EXPR_PRECEDENCE_NEGATE;
		break;
	case EXPR_CALL:
		f = expr_function_by_opcode(s->what);
		print_call(p, f->name, (unsigned)strlen(f->types), &out);
		break;
	case EXPR_BINARY:
		print_binary(p, s, &out);
		precedence = expr_operator_precedence(s->what);
		break;
	case EXPR_NEGATE:
		buf_put_u8(&out, '-');
		put_operand(&out, &p->stack[--p->depth], EXPR_PRECEDENCE_POW);
		precedence = EXPR_PRECEDENCE_NEGATE;
		break;
	case EXPR_AGGREGATE:
		print_aggregate(p, s, &out);
		break;
	}
	push(p, &out, precedence);
}

void
expr_print(struct slice program, struct buf *text)
{
	struct printer p = { .depth = 0 };
	struct cbor_reader r;
	struct expr_step s;
	char err[128];

	if (expr_check(program, NULL, NULL, err, sizeof err) < 0) {
		buf_printf(text, "(not a program: %s)", err);
		return;
	}
	rd_init(&r, program, EXPR_PROGRAM_MAX);
	rd_enter_array(&r);
	while (rd_more(&r)) {
		expr_step_decode(&r, &s);
		print_step(&p, &s);
	}
	put_operand(text, &p.stack[0], 0);
}
