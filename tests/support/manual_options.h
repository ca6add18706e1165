/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a section of a manual name the options of a table, with their defaults and choices, and
 * no others? The head of an entry is ".It Va NAME" or ".It Va NAME Pq DEFAULT". */
#pragma once
#include "base/conf.h"
#include "tests/support/manual.h"
#include "tests/support/test.h"

static inline void
manual_option_head(const struct conf_option *o, char head[MANUAL_LINE_MAX])
{
	bool preset = o->preset && *o->preset;

	snprintf(head, MANUAL_LINE_MAX, ".It Va %s%s%s", o->name, preset ? " Pq " : "",
	    preset ? o->preset : "");
}

/* The words of a choice stand in its entry. */
static inline void
manual_expect_choices(const char *section, const struct conf_option *o)
{
	char head[MANUAL_LINE_MAX], *entry;
	const char *begin, *end;

	manual_option_head(o, head);
	begin = strstr(section, head);
	assert_non_null(begin);
	end = strstr(begin + 1, "\n.It ");
	entry = strndup(begin, end ? (size_t)(end - begin) : strlen(begin));
	for (const char *const *c = o->choices; *c; c++)
		if (!manual_has_word(entry, ".Ql ", *c))
			fail_msg("the entry of %s does not name %s", o->name, *c);
	free(entry);
}

static inline bool
manual_options_expected(const char *section, const struct conf_option *table, size_t len)
{
	char head[MANUAL_LINE_MAX];
	bool all = true;

	for (size_t i = 0; i < len; i++) {
		manual_option_head(&table[i], head);
		if (!manual_has_line(section, head)) {
			print_message("# no line \"%s\"\n", head);
			all = false;
		} else if (table[i].type == CONF_CHOICE) {
			manual_expect_choices(section, &table[i]);
		}
	}
	return all;
}

/* Is each entry of the section an option of the table? */
static inline bool
manual_options_known(const char *section, const struct conf_option *table, size_t len)
{
	char line[MANUAL_LINE_MAX], head[MANUAL_LINE_MAX];
	bool all = true;

	for (const char *at = section; (at = manual_next_line(at, ".It Va ", line));) {
		bool known = false;

		for (size_t i = 0; i < len && !known; i++) {
			manual_option_head(&table[i], head);
			known = strcmp(head, line) == 0;
		}
		if (!known)
			print_message("# nothing is known of \"%s\"\n", line);
		all &= known;
	}
	return all;
}

/* The sections, one after the other; second may be NULL. */
static inline void
manual_compare_options(const char *page_name, const char *first, const char *second,
    const struct conf_option *table, size_t len)
{
	char *page = manual_load(page_name), *one, *two, *both = NULL;

	assert_non_null(page);
	one = manual_section(page, first);
	two = second ? manual_section(page, second) : strdup("");
	assert_non_null(one);
	assert_non_null(two);
	assert_true(asprintf(&both, "%s\n%s\n", one, two) > 0);
	assert_true(manual_options_expected(both, table, len));
	assert_true(manual_options_known(both, table, len));
	free(both);
	free(two);
	free(one);
	free(page);
}
