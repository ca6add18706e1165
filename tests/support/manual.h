/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a manual as it was made in the build tree, for the tests that it says what the tables
 * say. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANUAL_LINE_MAX 512

/* The text of man/<name>, to be freed; NULL: it is not there. */
static inline char *
manual_load(const char *name)
{
	char path[512];
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/man/%s", BUILDDIR, name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	if (getdelim(&text, &len, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

/* Copies the next line that begins so and returns where to go on; NULL: there is none. */
static inline const char *
manual_next_line(const char *at, const char *beginning, char line[MANUAL_LINE_MAX])
{
	while (*at) {
		size_t len = strcspn(at, "\n");
		bool found = strncmp(at, beginning, strlen(beginning)) == 0;

		if (found)
			snprintf(line, MANUAL_LINE_MAX, "%.*s", (int)len, at);
		at += len + (at[len] == '\n');
		if (found)
			return at;
	}
	return NULL;
}

static inline bool
manual_has_line(const char *page, const char *wanted)
{
	char line[MANUAL_LINE_MAX];

	for (const char *at = page; (at = manual_next_line(at, wanted, line));)
		if (strcmp(line, wanted) == 0)
			return true;
	return false;
}

/* Is it a word of its own in a line that begins so? */
static inline bool
manual_has_word(const char *page, const char *beginning, const char *word)
{
	char line[MANUAL_LINE_MAX], *rest, *part;

	for (const char *at = page; (at = manual_next_line(at, beginning, line));) {
		rest = line + strlen(beginning);
		while ((part = strsep(&rest, " ,")))
			if (strcmp(part, word) == 0)
				return true;
	}
	return false;
}

/* What stands between the heading and the next one, to be freed; NULL: no such section. */
static inline char *
manual_section(const char *page, const char *heading)
{
	char line[MANUAL_LINE_MAX];
	const char *begin, *end;

	snprintf(line, sizeof line, ".Sh %s\n", heading);
	begin = strstr(page, line);
	if (!begin)
		return NULL;
	end = strstr(begin + 1, "\n.Sh ");
	return strndup(begin, end ? (size_t)(end - begin) : strlen(begin));
}

/* The n-th literal display (.Bd -literal) of a section, as a reader sees it, to be freed; NULL:
 * there is none. */
static inline char *
manual_example(const char *section, unsigned n)
{
	static const char begins[] = "\n.Bd -literal -offset indent\n";
	const char *begin = section, *end;
	char *text;

	do {
		begin = strstr(begin, begins);
		if (!begin)
			return NULL;
		begin += sizeof begins - 1;
	} while (n--);
	end = strstr(begin, "\n.Ed");
	text = strndup(begin, end ? (size_t)(end - begin) : strlen(begin));
	for (char *escaped; text && (escaped = strstr(text, "\\e"));)
		memmove(escaped + 1, escaped + 2, strlen(escaped + 2) + 1);
	return text;
}
