/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of the expression text. */
#pragma once
#include "base/buf.h"

enum expr_token_kind {
	EXPR_TOKEN_END,
	EXPR_TOKEN_NUMBER, /* 0.5, 1e9, 0x10, 5m (seconds), 10MiB (bytes), Inf, NaN */
	EXPR_TOKEN_NAME,   /* also and, or, by, bool, … */
	EXPR_TOKEN_STRING, /* slice with its quotes */
	EXPR_TOKEN_SIGN,   /* one or two characters */
	EXPR_TOKEN_BAD,	   /* error says why */
};
struct expr_token {
	enum expr_token_kind kind;
	struct slice text;
	unsigned column; /* from 1 */
	double number;
	const char *error;
};
struct expr_lexer {
	const char *text;
	size_t pos;
};
struct expr_token expr_lex(struct expr_lexer *l);
/* What the quotes enclose, into dst; NULL or why not. */
const char *expr_lex_string(struct slice quoted, char *dst, size_t size);
/* The text up to the closing bracket, which is consumed; -EINVAL: there is none. */
int expr_lex_bracket(struct expr_lexer *l, struct slice *ret) MUST_CHECK;
