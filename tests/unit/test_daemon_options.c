/* SPDX-License-Identifier: Apache-2.0 */
#include "base/daemon_options.h"
#include "tests/support/test.h"

#include <getopt.h>

static struct daemon_options options;

static int
parse(int argc, const char *const *argv)
{
	optind = 0; /* getopt starts anew */
	options = (struct daemon_options){ 0 };
	return daemon_options(
	    argc, (char **)argv, "fogwatch-test", "/etc/fogwatch/test.yaml", &options);
}
#define PARSE(...)                                                      \
	parse(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
	    (const char *[]){ __VA_ARGS__, NULL })

static void
without_arguments_all_is_as_configured(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x"), -1);
	assert_null(options.config);
	assert_null(options.debug);
	assert_false(options.check || options.print);
}

static void
short_and_long_options_mean_the_same(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x", "-c", "a.yaml", "-nv", "-d", "plan"), -1);
	assert_string_equal(options.config, "a.yaml");
	assert_string_equal(options.debug, "plan");
	assert_true(options.check && options.print);
	assert_int_equal(
	    PARSE("x", "--config", "a.yaml", "--check", "--verbose", "--debug=plan"), -1);
	assert_string_equal(options.config, "a.yaml");
	assert_string_equal(options.debug, "plan");
	assert_true(options.check && options.print);
}

static void
wrong_usage_ends_with_two(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x", "-q"), DAEMON_EXIT_USAGE);
	assert_int_equal(PARSE("x", "-c"), DAEMON_EXIT_USAGE);
	assert_int_equal(PARSE("x", "start"), DAEMON_EXIT_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_arguments_all_is_as_configured),
		TEST(short_and_long_options_mean_the_same),
		TEST(wrong_usage_ends_with_two),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
