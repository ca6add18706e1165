/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/list.h"
#include "metrics/expr_program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"

static int
refuse(char *err, size_t err_size, const char *why)
{
	snprintf(err, err_size, "%s", why);
	return -EINVAL;
}

/* node_network_* → node_network_.* */
static int
parse_glob(
    const char *text, char pattern[LIST_PATTERN_MAX + 1], char *err, size_t err_size)
{
	size_t len = 0;

	for (; *text; text++) {
		if (len + 2 > LIST_PATTERN_MAX)
			return refuse(err, err_size, "the pattern is too long");
		if (*text == '*')
			pattern[len++] = '.';
		pattern[len++] = *text;
	}
	pattern[len] = '\0';
	return 1;
}

static bool
is_glob(const char *text)
{
	size_t len = strlen(text);

	return len && (text[0] == '*' || text[len - 1] == '*') &&
	    strspn(text, NAME_CHARACTERS "*") == len;
}

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t\n");
}

/* What follows the word at p, which is at blanks before; NULL: it is not there. */
static const char *
skip_word(const char *p, const char *word)
{
	p = skip_blanks(p);
	return strncmp(p, word, strlen(word)) == 0 ? p + strlen(word) : NULL;
}

/* "…" or '…' with \\ for one backslash, as PromQL writes it. NULL: it has no end. */
static const char *
read_string(const char *p, char pattern[LIST_PATTERN_MAX + 1], bool *ret_long)
{
	char quote;
	size_t len = 0;

	p = skip_blanks(p);
	quote = *p++;
	if (quote != '"' && quote != '\'')
		return NULL;
	for (; *p && *p != quote; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (len < LIST_PATTERN_MAX)
			pattern[len] = *p;
		len++;
	}
	*ret_long = len > LIST_PATTERN_MAX;
	pattern[*ret_long ? LIST_PATTERN_MAX : len] = '\0';
	return *p ? p + 1 : NULL;
}

int
list_parse(
    const char *text, char pattern[LIST_PATTERN_MAX + 1], char *err, size_t err_size)
{
	const char *p, *equal;
	bool too_long = false;

	if (is_glob(text))
		return parse_glob(text, pattern, err, err_size);
	p = skip_word(text, "{");
	p = p ? skip_word(p, "__name__") : NULL;
	if (!p)
		return 0;
	equal = skip_word(p, "=~");
	p = equal ? equal : skip_word(p, "=");
	p = p ? read_string(p, pattern, &too_long) : NULL;
	if (!p || !(p = skip_word(p, "}")) || *skip_blanks(p))
		return refuse(err, err_size,
		    "a list is {__name__=~\"PATTERN\"} and nothing else: to select by "
		    "labels, name one metric");
	if (too_long)
		return refuse(err, err_size, "the pattern is too long");
	if (!*pattern || !expr_pattern_ok(pattern) ||
	    (!equal && strspn(pattern, NAME_CHARACTERS) != strlen(pattern)))
		return refuse(err, err_size,
		    "a pattern has letters, \".\", \".*\", \".+\", \"|\" and \"\\\\.\"");
	return 1;
}
