/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions for tests: text to program, with a message that shows what is wrong. */
#pragma once
#include "metrics/expr.h"
#include "tests/support/test.h"

/* Overwritten by the next call. */
static inline struct slice
program_of(const char *text)
{
	static uint8_t memory[EXPR_PROGRAM_MAX + 8];
	struct buf program;
	char err[256];

	buf_init_fixed(&program, memory, sizeof memory);
	if (expr_parse(text, &program, err, sizeof err) < 0)
		fail_msg("%s: %s", text, err);
	return buf_slice(&program);
}
