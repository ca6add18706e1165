/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl(1) and the command table name the same commands, options and keys. */
#include "ctl/command.h"
#include "tests/support/manual.h"
#include "tests/support/test.h"

#include <string.h>

static char *page;

static int
load_page(void **state)
{
	(void)state;
	page = manual_load("fogctl.1");
	return page ? 0 : -1;
}

static int
free_page(void **state)
{
	(void)state;
	free(page);
	return 0;
}

/* The head of a command's entry, as the table has it. */
static void
put_head(struct buf *out, const struct command *c)
{
	buf_printf(out, ".It Ic %s", c->name);
	for (size_t i = 0; i < COMMAND_WORDS_MAX && c->word[i].title; i++)
		buf_printf(out,
		    c->word[i].kind == WORD_OPTIONAL   ? " Oo Ar %s Oc"
			: c->word[i].kind == WORD_MANY ? " Ar %s ..."
						       : " Ar %s",
		    c->word[i].title);
	for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->option[i].name; i++) {
		const struct option_row *o = &c->option[i];

		buf_printf(out, " Oo Fl %s", o->name + 1);
		if (o->title)
			buf_printf(out, " Ar %s", o->title);
		buf_puts(out, " Oc");
	}
}

static void
every_command_has_an_entry_with_its_arguments_and_options(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->name; c++) {
		struct buf head;

		buf_init(&head, 1024);
		put_head(&head, c);
		if (!manual_has_line(page, buf_text(&head)))
			fail_msg("the manual has no line \"%s\"", buf_text(&head));
		buf_done(&head);
	}
}

static bool
is_a_head(const char *line)
{
	if (strncmp(line, ".It Ic completion ", 18) == 0 ||
	    strncmp(line, ".It Ic help ", 12) == 0)
		return true; /* of fogctl itself, not asked of a daemon */
	for (const struct command *c = commands; c->name; c++) {
		struct buf head;
		bool same;

		buf_init(&head, 1024);
		put_head(&head, c);
		same = strcmp(line, buf_text(&head)) == 0;
		buf_done(&head);
		if (same)
			return true;
	}
	return false;
}

static void
every_entry_is_a_command(void **state)
{
	char line[MANUAL_LINE_MAX];
	unsigned entries = 0;

	(void)state;
	for (const char *at = page; (at = manual_next_line(at, ".It Ic ", line));) {
		entries++;
		if (!is_a_head(line))
			fail_msg("fogctl knows nothing of \"%s\"", line);
	}
	assert_true(entries > 2);
}

static const struct option_row *
find_global(const char *name)
{
	for (const struct option_row *o = global_options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

/* ".It Fl -socket Ar PATH" or ".It Fl h , Fl -help": the last option is the long one. */
static void
global_options_are_the_same_in_both(void **state)
{
	char line[MANUAL_LINE_MAX], name[MANUAL_LINE_MAX];
	unsigned entries = 0, rows = 0;

	(void)state;
	for (const char *at = page; (at = manual_next_line(at, ".It Fl ", line));) {
		const char *dash = strstr(line, " -");
		const struct option_row *o;

		assert_non_null(dash);
		snprintf(
		    name, sizeof name, "-%.*s", (int)strcspn(dash + 1, " "), dash + 1);
		o = find_global(name);
		if (!o)
			fail_msg("fogctl has no option \"%s\"", name);
		assert_true(!o->title == !strstr(line, " Ar "));
		entries++;
	}
	for (const struct option_row *o = global_options; o->name; o++)
		rows++;
	assert_int_equal(entries, rows);
}

static void
every_key_of_the_tables_is_told(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->name; c++)
		for (size_t i = 0; i < COMMAND_COLUMNS_MAX && c->column[i].key; i++)
			if (!manual_has_word(page, ".Va ", c->column[i].key))
				fail_msg("%s: the manual does not name the key %s",
				    c->name, c->column[i].key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_command_has_an_entry_with_its_arguments_and_options),
		TEST(every_entry_is_a_command),
		TEST(global_options_are_the_same_in_both),
		TEST(every_key_of_the_tables_is_told),
	};

	return RUN_TESTS(tests, load_page, free_page);
}
