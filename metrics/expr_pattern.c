/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a regular expression that selectors live on. A full engine would let whoever writes
 * a plan spend our time and memory; this one takes at most length × length steps. What it does
 * not know it refuses, so that what it accepts means the same as in Prometheus. */
#include "metrics/expr_program.h"
#include <string.h>

struct atom {
	char literal; /* 0: any character */
	char repeat;  /* '*', '+' or 0 */
	const char *next;
};

static bool
parse_atom(const char *p, struct atom *ret)
{
	*ret = (struct atom){ 0 };
	if (*p == '\\') {
		if (!p[1] || !strchr("\\.+*?()|[]{}^$-/", p[1]))
			return false;
		ret->literal = *++p;
	} else if (strchr("+*?()[]{}^$", *p)) {
		return false;
	} else if (*p != '.') {
		ret->literal = *p;
	}
	p++;
	if (*p == '*' || *p == '+') {
		/* A repeated letter, and lazy or double repetition, is beyond us; so is a
		 * repeated character of several bytes. */
		if (ret->literal)
			return false;
		ret->repeat = *p++;
	}
	ret->next = p;
	return true;
}

bool
expr_pattern_ok(const char *pattern)
{
	struct atom a;

	while (*pattern) {
		if (*pattern == '|') {
			pattern++;
			continue;
		}
		if (!parse_atom(pattern, &a))
			return false;
		pattern = a.next;
	}
	return true;
}

/* The length of the character at text; a dot does not match the end or a newline. */
static size_t
next_character(const char *text)
{
	size_t n = 1;

	if (*text == '\0' || *text == '\n')
		return 0;
	while (((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* One alternative, as globs are matched: on a mismatch go back to the last star and let it
 * eat one character more. */
static bool
match_alternative(const char *p, const char *text)
{
	const char *star = NULL, *star_text = NULL;
	struct atom a;

	for (;;) {
		bool end = *p == '\0' || *p == '|';
		size_t n = next_character(text);

		if (end && *text == '\0')
			return true;
		if (!end && parse_atom(p, &a)) {
			if (a.repeat == '*' || (a.repeat == '+' && n > 0)) {
				text += a.repeat == '+' ? n : 0;
				star = p = a.next;
				star_text = text;
				continue;
			}
			if (!a.repeat && (a.literal ? *text == a.literal : n > 0)) {
				text += a.literal ? 1 : n;
				p = a.next;
				continue;
			}
		}
		n = star ? next_character(star_text) : 0;
		if (n == 0)
			return false;
		text = star_text += n;
		p = star;
	}
}

bool
expr_pattern_matches(const char *pattern, const char *text)
{
	for (;;) {
		if (match_alternative(pattern, text))
			return true;
		for (; *pattern && *pattern != '|'; pattern++)
			if (*pattern == '\\' && pattern[1])
				pattern++;
		if (!*pattern)
			return false;
		pattern++;
	}
}
