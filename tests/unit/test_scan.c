/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/scan.h"
#include "base/mem.h"
#include "tests/support/test.h"
#include <string.h>

static void
numbers_are_what_strtod_makes_of_them(void **state)
{
	static const char *const text[] = { "0", "1", "12345.67", "0.52", "  18446744",
		"\t7", "1234567890123456789", "9007199254740993", "0.000000001",
		"100.00" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		const char *at = text[i];
		double v;

		assert_true(scan_number(&at, &v));
		assert_true(v == strtod(text[i], NULL));
		assert_int_equal(*at, '\0');
	}
}

static void
what_no_kernel_writes_is_garbage(void **state)
{
	static const char *const text[] = { "", " ", "-1", "+1", "1e5", "0x10", "nan",
		"inf", "1.", ".5", "1.2.3", "12345678901234567890", "1,5", "5kB",
		"\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		const char *at = text[i];
		double v = 42;

		if (scan_number(&at, &v))
			fail_msg("\"%s\" was taken for %g", text[i], v);
		assert_ptr_equal(at, text[i]);
		assert_true(v == 42);
	}
}

static void
columns_are_read_one_after_the_other(void **state)
{
	const char *at = "  1 2.5\t3\n4";
	double v[4];

	(void)state;
	assert_true(scan_number(&at, &v[0]) && scan_number(&at, &v[1]) &&
	    scan_number(&at, &v[2]));
	assert_true(v[0] == 1 && v[1] == 2.5 && v[2] == 3);
	assert_false(scan_number(&at, &v[3])); /* another line */
}

static void
a_line_that_was_cut_off_is_none(void **state)
{
	char text[] = "one\n\ntwo\nthr", *rest = text;

	(void)state;
	assert_string_equal(scan_line(&rest), "one");
	assert_string_equal(scan_line(&rest), "");
	assert_string_equal(scan_line(&rest), "two");
	assert_null(scan_line(&rest));
}

static void
words_are_beginnings(void **state)
{
	(void)state;
	assert_string_equal(scan_word("cpu0 1", "cpu"), "0 1");
	assert_null(scan_word("cp", "cpu"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_are_what_strtod_makes_of_them),
		TEST(what_no_kernel_writes_is_garbage),
		TEST(columns_are_read_one_after_the_other),
		TEST(a_line_that_was_cut_off_is_none),
		TEST(words_are_beginnings),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
