/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_lex.h"
#include "base/clock.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *suffix;
	double factor;
} sizes[] = {
	{ "KiB", 0x1p10 },
	{ "MiB", 0x1p20 },
	{ "GiB", 0x1p30 },
	{ "TiB", 0x1p40 },
	{ "kB", 1e3 },
	{ "MB", 1e6 },
	{ "GB", 1e9 },
	{ "TB", 1e12 },
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == ':';
}

static void
skip_blanks(struct expr_lexer *l)
{
	for (;;) {
		l->pos += strspn(l->text + l->pos, " \t\r\n");
		if (l->text[l->pos] != '#')
			return;
		l->pos += strcspn(l->text + l->pos, "\n");
	}
}

/* The length of 12, 1.5, .5, 1e9, 1.5e-3 at p. */
static size_t
measure_decimal(const char *p)
{
	size_t n = strspn(p, "0123456789"), exponent;

	if (p[n] == '.')
		n += 1 + strspn(p + n + 1, "0123456789");
	if (p[n] == 'e' || p[n] == 'E') {
		exponent = 1 + (p[n + 1] == '+' || p[n + 1] == '-');
		if (isdigit((unsigned char)p[n + exponent]))
			n += exponent + strspn(p + n + exponent, "0123456789");
	}
	return n;
}

/* What follows the digits: nothing, a size, or the rest of a duration. */
static const char *
apply_suffix(struct slice word, size_t digits, double *number)
{
	char text[32];
	int64_t ms;

	if (slice_copy(word, text, sizeof text) < 0)
		return "too long for a number";
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (strcmp(text + digits, sizes[i].suffix) == 0) {
			*number *= sizes[i].factor;
			return NULL;
		}
	if (clock_parse_span(text, &ms) < 0)
		return "no number, duration (5m) or size (10MiB)";
	*number = (double)ms / 1000;
	return NULL;
}

static void
lex_number(struct expr_lexer *l, struct expr_token *t)
{
	const char *p = l->text + l->pos;
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	size_t n = hex ? 2 + strspn(p + 2, "0123456789abcdefABCDEF") : measure_decimal(p);
	size_t digits = n;

	while (is_word(p[n]))
		n++;
	t->text = (struct slice){ (const uint8_t *)p, n };
	l->pos += n;
	t->kind = EXPR_TOKEN_NUMBER;
	t->number = hex ? (double)strtoull(p, NULL, 16) : strtod(p, NULL);
	if (!hex && digits > 1 && p[0] == '0' && strspn(p, "0123456789") == digits)
		t->error =
		    "a leading 0 is octal to some and decimal to others: leave it out";
	else if (hex && (digits == 2 || digits > 18 || n != digits))
		t->error = "no hexadecimal number";
	else if (n != digits)
		t->error = apply_suffix(t->text, digits, &t->number);
	if (t->error)
		t->kind = EXPR_TOKEN_BAD;
}

static void
lex_name(struct expr_lexer *l, struct expr_token *t)
{
	const char *p = l->text + l->pos;
	size_t n = 0;

	while (is_word(p[n]))
		n++;
	t->text = (struct slice){ (const uint8_t *)p, n };
	l->pos += n;
	t->kind = EXPR_TOKEN_NAME;
	if (n != 3 || (strncasecmp(p, "inf", n) != 0 && strncasecmp(p, "nan", n) != 0))
		return;
	t->kind = EXPR_TOKEN_NUMBER;
	t->number = strncasecmp(p, "inf", n) == 0 ? INFINITY : NAN;
}

static void
lex_string(struct expr_lexer *l, struct expr_token *t)
{
	const char *p = l->text + l->pos;
	size_t n = 1;

	while (p[n] && p[n] != p[0] && p[n] != '\n')
		n += p[0] != '`' && p[n] == '\\' && p[n + 1] ? 2 : 1;
	if (p[n] != p[0]) {
		t->kind = EXPR_TOKEN_BAD;
		t->error = "the string has no end";
		return;
	}
	t->kind = EXPR_TOKEN_STRING;
	t->text = (struct slice){ (const uint8_t *)p, n + 1 };
	if (!slice_is_utf8(t->text)) {
		t->kind = EXPR_TOKEN_BAD;
		t->error = "the string is not UTF-8";
	}
	l->pos += n + 1;
}

static void
lex_sign(struct expr_lexer *l, struct expr_token *t)
{
	static const char *const two[] = { "==", "!=", "<=", ">=", "=~", "!~" };
	const char *p = l->text + l->pos;
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(two); i++)
		if (strncmp(p, two[i], 2) == 0)
			n = 2;
	t->text = (struct slice){ (const uint8_t *)p, n };
	t->kind = EXPR_TOKEN_SIGN;
	if (n == 1 && !strchr("+-*/%^<>=(){}[],@", p[0])) {
		t->kind = EXPR_TOKEN_BAD;
		t->error = "this character has no meaning here";
	}
	l->pos += n;
}

struct expr_token
expr_lex(struct expr_lexer *l)
{
	struct expr_token t = { .kind = EXPR_TOKEN_END };
	char c;

	skip_blanks(l);
	t.column = (unsigned)l->pos + 1;
	t.text = (struct slice){ (const uint8_t *)l->text + l->pos, 0 };
	c = l->text[l->pos];
	if (c == '\0')
		return t;
	if (isdigit((unsigned char)c) ||
	    (c == '.' && isdigit((unsigned char)l->text[l->pos + 1])))
		lex_number(l, &t);
	else if (is_word(c))
		lex_name(l, &t);
	else if (c == '"' || c == '\'' || c == '`')
		lex_string(l, &t);
	else
		lex_sign(l, &t);
	return t;
}

const char *
expr_lex_string(struct slice quoted, char *dst, size_t size)
{
	const char *p = (const char *)quoted.data + 1;
	const char *end = (const char *)quoted.data + quoted.len - 1;
	bool raw = quoted.data[0] == '`';
	size_t n = 0;

	for (; p < end; p++) {
		char c = *p;

		if (c == '\\' && !raw) {
			c = *++p;
			if (!strchr("\\\"'nt", c))
				return "in a string only \\\\ \\\" \\' \\n \\t may "
				       "follow \\";
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		if (n + 1 >= size)
			return "the string is too long";
		dst[n++] = c;
	}
	dst[n] = '\0';
	return NULL;
}

int
expr_lex_bracket(struct expr_lexer *l, struct slice *ret)
{
	const char *p = l->text + l->pos;
	size_t n = strcspn(p, "]");

	if (p[n] != ']')
		return -EINVAL;
	l->pos += n + 1;
	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	while (n > 0 && isspace((unsigned char)*p)) {
		p++;
		n--;
	}
	*ret = (struct slice){ (const uint8_t *)p, n };
	return 0;
}
