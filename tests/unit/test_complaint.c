/* SPDX-License-Identifier: Apache-2.0 */
#include "base/complaint.h"

#include <string.h>

#include "tests/support/test.h"

static struct complaints c;

static int
set_up(void **state)
{
	(void)state;
	complaints_init(&c);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	complaints_done(&c);
	return 0;
}

static char *
print(void)
{
	static char text[256 * 1024];
	FILE *f = fmemopen(text, sizeof text, "w");

	assert_non_null(f);
	complaints_print(&c, f);
	fclose(f);
	return text;
}

static void
a_complaint_says_file_line_column_key_and_why(void **state)
{
	(void)state;
	complain(&c, "agent.yaml", 7, 3, "period", "%d is below 100 ms", 0);
	assert_string_equal(print(), "agent.yaml:7:3: period: 0 is below 100 ms\n");
	assert_int_equal(c.errors, 1);
	assert_int_equal(c.warnings, 0);
}

static void
parts_that_are_unknown_are_left_out(void **state)
{
	(void)state;
	complain(&c, "agent.yaml", 0, 0, "", "empty");
	complain(&c, NULL, 9, 9, NULL, "no memory");
	assert_string_equal(print(), "agent.yaml: empty\nno memory\n");
}

static void
warnings_are_counted_apart(void **state)
{
	(void)state;
	complain_warning(&c, "a", 1, 2, "k", "old name");
	assert_string_equal(print(), "a:1:2: warning: k: old name\n");
	assert_int_equal(c.errors, 0);
	assert_int_equal(c.warnings, 1);
}

static void
control_characters_neither_break_lines_nor_reach_the_terminal(void **state)
{
	(void)state;
	complain(&c, "a\nb", 1, 1, "k\x1b[31m", "\x7f%s", "Straße\r");
	assert_string_equal(print(), "a\\x0ab:1:1: k\\x1b[31m: \\x7fStraße\\x0d\n");
}

static void
after_a_hundred_the_rest_is_only_counted(void **state)
{
	unsigned lines = 0;

	(void)state;
	for (int i = 0; i < 130; i++)
		complain(&c, "f", 1, 1, "k", "%d", i);
	for (const char *p = print(); (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, COMPLAINTS_MAX + 1);
	assert_non_null(strstr(print(), "k: 99\n30 more are not shown\n"));
	assert_int_equal(c.errors, 130);
}

static void
a_long_complaint_is_cut_and_the_next_one_still_has_room(void **state)
{
	static char large[5000];

	(void)state;
	memset(large, 'x', sizeof large - 1);
	for (int i = 0; i < COMPLAINTS_MAX; i++)
		complain(
		    &c, large, 1, 1, large, "%s", i == COMPLAINTS_MAX - 1 ? "" : large);
	assert_int_equal(c.text.err, 0);
	assert_int_equal(c.text.data[c.text.pos - 1], '\n');
	assert_true(c.text.pos > COMPLAINTS_MAX * 1000);
}

#define COMPLAINT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		COMPLAINT_TEST(a_complaint_says_file_line_column_key_and_why),
		COMPLAINT_TEST(parts_that_are_unknown_are_left_out),
		COMPLAINT_TEST(warnings_are_counted_apart),
		COMPLAINT_TEST(
		    control_characters_neither_break_lines_nor_reach_the_terminal),
		COMPLAINT_TEST(after_a_hundred_the_rest_is_only_counted),
		COMPLAINT_TEST(a_long_complaint_is_cut_and_the_next_one_still_has_room),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
