/* SPDX-License-Identifier: Apache-2.0
 *
 * One evaluation under way: between expr_eval.c and expr_select.c. */
#pragma once
#include "metrics/expr_scratch.h"

struct expr_evaluation {
	const struct expr_scope *scope;
	int64_t now_ms;
	struct expr_space space;
	struct expr_operand stack[EXPR_STACK_MAX];
	unsigned depth;
	size_t work, samples; /* against the bounds */
	struct expr_scratch *scratch;
	bool too_many; /* samples */
};

void expr_explain(struct expr_operand *o, const char *fmt, ...) PRINTF(2, 3);
void expr_explain_no_sample(struct expr_operand *o);
struct expr_operand *expr_push(struct expr_evaluation *ev, char type);
/* Errors as of an evaluation: -ECANCELED: the operand says why there is no result; -E2BIG: a bound. */
int expr_run_select(struct expr_evaluation *ev, const struct expr_step *s) MUST_CHECK;
