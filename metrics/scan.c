/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/scan.h"
#include <stddef.h>
#include <string.h>

#define DIGITS_MAX 19 /* fit in 64 bits */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_end(char c)
{
	return c == '\0' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Digits beyond what a double holds are read over. */
static const char *
scan_fraction(const char *s, double *ret)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
	uint64_t n = 0;
	unsigned digits = 0;

	for (; is_digit(*s); s++)
		if (digits < sizeof power / sizeof power[0] - 1) {
			n = n * 10 + (uint64_t)(*s - '0');
			digits++;
		}
	*ret = (double)n / power[digits];
	return s;
}

bool
scan_number(const char **at, double *ret)
{
	const char *s = *at + strspn(*at, " \t"), *first = s;
	double fraction = 0;
	uint64_t n = 0;

	for (; is_digit(*s); s++)
		n = n * 10 + (uint64_t)(*s - '0');
	if (s == first || s - first > DIGITS_MAX)
		return false;
	if (*s == '.' && is_digit(s[1]))
		s = scan_fraction(s + 1, &fraction);
	if (!is_end(*s))
		return false;
	*ret = (double)n + fraction;
	*at = s;
	return true;
}

char *
scan_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line;
}

const char *
scan_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 ? line + n : NULL;
}
