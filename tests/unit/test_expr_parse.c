/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_program.h"
#include "tests/support/alloc.h"
#include "tests/support/program.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
text_becomes_steps_in_postfix_order(void **state)
{
	static const struct {
		const char *text, *program;
	} cases[] = {
		{ "node_load1", "[[1, \"node_load1\", 0]]" },
		{ "avg_over_time(node_load1[5m])",
		    "[[1, \"node_load1\", 300000], [3, 2]]" },
		{ "x{a=\"1\", b!='2', c=~`3.*`, d!~\"4|5\",}",
		    "[[1, \"x\", 0, [[0, \"a\", \"1\"], [1, \"b\", \"2\"], [2, \"c\", "
		    "\"3.*\"], "
		    "[3, \"d\", \"4|5\"]]]]" },
		{ "x{}", "[[1, \"x\", 0]]" },
		{ "a:b:c", "[[1, \"a:b:c\", 0]]" },
		{ "quantile_over_time(0.95, x[1h30m])",
		    "[[2, 0.95], [1, \"x\", 5400000], [3, 9]]" },
		{ "time_to(x[5m], 0.2)", "[[1, \"x\", 300000], [2, 0.2], [3, 21]]" },
		{ "round(x)", "[[1, \"x\", 0], [2, 1.0], [3, 35]]" },
		{ "round(x, 5)", "[[1, \"x\", 0], [2, 5.0], [3, 35]]" },
		{ "a + b * c",
		    "[[1, \"a\", 0], [1, \"b\", 0], [1, \"c\", 0], [4, 3], [4, 1]]" },
		{ "a * b + c",
		    "[[1, \"a\", 0], [1, \"b\", 0], [4, 3], [1, \"c\", 0], [4, 1]]" },
		{ "a - b - c",
		    "[[1, \"a\", 0], [1, \"b\", 0], [4, 2], [1, \"c\", 0], [4, 2]]" },
		{ "a ^ b ^ c",
		    "[[1, \"a\", 0], [1, \"b\", 0], [1, \"c\", 0], [4, 6], [4, 6]]" },
		{ "-a ^ b", "[[1, \"a\", 0], [1, \"b\", 0], [4, 6], [5]]" },
		{ "-a % b", "[[1, \"a\", 0], [5], [1, \"b\", 0], [4, 5]]" },
		{ "-2", "[[2, -2.0]]" },
		{ "--2", "[[2, 2.0]]" },
		{ "+-+x", "[[1, \"x\", 0], [5]]" },
		{ "2 ^ -1", "[[2, 2.0], [2, -1.0], [4, 6]]" },
		{ "a or b and c",
		    "[[1, \"a\", 0], [1, \"b\", 0], [1, \"c\", 0], [4, 13], [4, 14]]" },
		{ "a > bool 1", "[[1, \"a\", 0], [2, 1.0], [4, 11, 1]]" },
		{ "a / on (x, y) b",
		    "[[1, \"a\", 0], [1, \"b\", 0], [4, 4, 0, 1, [\"x\", \"y\"]]]" },
		{ "a == bool ignoring(x) b",
		    "[[1, \"a\", 0], [1, \"b\", 0], [4, 7, 1, 2, [\"x\"]]]" },
		{ "sum(x)", "[[1, \"x\", 0], [6, 1]]" },
		{ "sum by (a) (x)", "[[1, \"x\", 0], [6, 1, 1, [\"a\"]]]" },
		{ "sum(x) by (a)", "[[1, \"x\", 0], [6, 1, 1, [\"a\"]]]" },
		{ "max without () (x)", "[[1, \"x\", 0], [6, 4, 2, []]]" },
		{ "quantile(0.5, x)", "[[2, 0.5], [1, \"x\", 0], [6, 8]]" },
		{ "sum", "[[1, \"sum\", 0]]" }, /* a metric may be called so */
		{ "x # a comment\n + y", "[[1, \"x\", 0], [1, \"y\", 0], [4, 1]]" },
		{ "(((x)))", "[[1, \"x\", 0]]" },
		{ "x{a=\"\\\"\\\\\\n\"}",
		    "[[1, \"x\", 0, [[0, \"a\", \"\\\"\\\\\\n\"]]]]" },
	};
	char text[4096];
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice program = program_of(cases[i].text);

		buf_init_fixed(&out, text, sizeof text);
		cbor_diag(&out, program);
		if (strcmp(buf_text(&out), cases[i].program) != 0)
			fail_msg("%s gives %s", cases[i].text, buf_text(&out));
	}
}

static void
numbers_may_carry_a_time_or_a_size(void **state)
{
	static const struct {
		const char *text;
		double value;
	} cases[] = { { "1", 1 }, { ".5", 0.5 }, { "1.", 1 }, { "1e3", 1000 },
		{ "1.5E-3", 0.0015 }, { "0x1F", 31 }, { "0", 0 }, { "0.25", 0.25 },
		{ "5m", 300 }, { "1h30m", 5400 }, { "250ms", 0.25 }, { "2d", 172800 },
		{ "1kB", 1000 }, { "10MiB", 10485760 }, { "1.5GiB", 1610612736 },
		{ "2TB", 2e12 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cbor_reader r;
		struct expr_step s;

		rd_init(&r, program_of(cases[i].text), 0);
		rd_enter_array(&r);
		expr_step_decode(&r, &s);
		rd_leave(&r);
		assert_int_equal(rd_done(&r), 0);
		if (s.op != EXPR_NUMBER || s.number != cases[i].value)
			fail_msg("%s is %.17g", cases[i].text, s.number);
	}
}

static void
errors_name_the_column_and_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "",
		    "column 1: the expression ends where a metric, a number or a "
		    "function is" },
		{ "a +", "column 4: the expression ends where a metric" },
		{ "a b", "column 3: an operator is expected here, not b" },
		{ "a + * b",
		    "column 5: a metric, a number or a function is expected here, not "
		    "*" },
		{ "(a", "column 1: the ( that opens here has no )" },
		{ "a)", "column 2: this ) closes nothing" },
		{ "()", "column 2: a metric" },
		{ "a, b", "column 2: a comma has no place here" },
		{ "(a, b)", "column 3: a comma has no place here" },
		{ "foo(a)", "column 1: unknown function foo" },
		{ "1 + foo(a)", "column 5: unknown function foo" },
		{ "rate(a)",
		    "column 1: argument 1 of rate must be a range (name[5m]), not "
		    "values" },
		{ "abs(a[5m])",
		    "column 1: argument 1 of abs must be values (name), not a range" },
		{ "abs(1)",
		    "column 1: argument 1 of abs must be values (name), not a number" },
		{ "rate(a[5m], 1)", "column 1: rate(range) takes 1 argument, not 2" },
		{ "clamp(a, 1)",
		    "column 1: clamp(values, min, max) takes 3 arguments, not 2" },
		{ "round()",
		    "column 7: a metric, a number or a function is expected here" },
		{ "sum(a, b)", "column 1: sum takes 1 argument, not 2" },
		{ "quantile(a)", "column 1: quantile takes 2 arguments, not 1" },
		{ "sum by a (b)", "column 8: ( is expected here, not a" },
		{ "sum by (a (b)", "column 11: , or ) is expected here" },
		{ "sum by (__name__) (b)", "column 9: __name__ cannot be matched" },
		{ "a[5m]", "column 1: a range is no result: put a function around it" },
		{ "a[5m", "column 2: the [ has no ]" },
		{ "a[5]", "column 2: [5] is no window such as [30s], [5m]" },
		{ "a[0s]", "column 2: [0s] is no window" },
		{ "a[25h]", "column 2: [25h] is longer than [24h]" },
		{ "rate(a[5m:1m])", "column 7: subqueries ([5m:1m]) are not supported" },
		{ "rate((a)[5m])", "column 9: a window goes behind a metric's name" },
		{ "a offset 5m", "column 3: offset and @ are not supported" },
		{ "a @ 5", "column 3: offset and @ are not supported" },
		{ "a / on (x) group_left b",
		    "column 12: group_left and group_right are not" },
		{ "a[5m] + 1", "column 7: + cannot have a range as operand" },
		{ "-a[5m]", "column 1: - cannot have a range as operand" },
		{ "1 == 2", "column 3: a comparison of numbers needs bool: == bool" },
		{ "a + bool b", "column 3: bool goes with comparisons only, not with +" },
		{ "a and 1", "column 3: and needs values on both sides, not a number" },
		{ "a + on (x) 1",
		    "column 3: on and ignoring need values on both sides of +" },
		{ "{a=\"b\"}", "column 1: a metric's name is expected before {" },
		{ "a{b}", "column 4: =, !=, =~ or !~ is expected here, not }" },
		{ "a{b=c}", "column 5: a string is expected here, not c" },
		{ "a{b=\"\xd1x\"}", "column 5: the string is not UTF-8" },
		{ "a{b=\"c}", "column 5: the string has no end" },
		{ "a{b=\"\\x\"}", "column 5: in a string only" },
		{ "a{b=~\"(c)\"}",
		    "column 6: in a pattern only letters, . .* .+ | and \\. are" },
		{ "a{b=\"c\" d=\"e\"}", "column 9: , or } is expected here, not d" },
		{ "007", "column 1: a leading 0 is octal to some" },
		{ "5x", "column 1: no number, duration (5m) or size (10MiB)" },
		{ "0xyz", "column 1: no hexadecimal number" },
		{ "a & b", "column 3: this character has no meaning here" },
		{ "a ! b", "column 3: this character has no meaning here" },
		{ "a \xff", "column 3: this character has no meaning here" },
		{ "\"text\"",
		    "column 1: a metric, a number or a function is expected here" },
		{ "avg_over_tim(a[5m])",
		    "column 1: unknown function avg_over_tim (did you mean "
		    "avg_over_time?)" },
		{ "summ(a)", "column 1: unknown function summ (did you mean sum?)" },
		{ "count_values(\"v\", a)", "column 1: unknown function count_values" },
		{ "topk(a)", "column 1: topk takes 2 arguments, not 1" },
	};
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char err[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init_fixed(&program, memory, sizeof memory);
		assert_int_equal(
		    expr_parse(cases[i].text, &program, err, sizeof err), -EINVAL);
		if (strncmp(err, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%s: %s", cases[i].text, err);
		assert_int_equal(program.pos, 0);
	}
}

static int
parse_repeated(const char *head, const char *middle, unsigned n, const char *tail,
    char *err, size_t err_size)
{
	char text[EXPR_TEXT_MAX * 4];
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program, out;

	buf_init_fixed(&out, text, sizeof text);
	buf_puts(&out, head);
	while (n-- > 0)
		buf_puts(&out, middle);
	buf_puts(&out, tail);
	buf_init_fixed(&program, memory, sizeof memory);
	return expr_parse(buf_text(&out), &program, err, err_size);
}

/* S-22 */
static void
what_is_too_long_or_too_deep_is_refused(void **state)
{
	char err[256];

	(void)state;
	assert_int_equal(parse_repeated("", "x", 2000, "", err, sizeof err), -EINVAL);
	assert_string_equal(err, "longer than 1024 characters");
	assert_int_equal(parse_repeated("", "(", 64, "x", err, sizeof err), -EINVAL);
	assert_int_equal(parse_repeated("", "(", 65, "x", err, sizeof err), -EINVAL);
	assert_non_null(strstr(err, "nested deeper than 64"));
	assert_int_equal(parse_repeated("", "-", 70, "x", err, sizeof err), -EINVAL);
	assert_non_null(strstr(err, "nested deeper than 64"));
	assert_int_equal(parse_repeated("x", "^1", 31, "", err, sizeof err), 0);
	assert_int_equal(parse_repeated("x", "^1", 32, "", err, sizeof err), -EINVAL);
	assert_non_null(strstr(err, "nested deeper than 32"));
	assert_int_equal(parse_repeated("x", "+1", 127, "", err, sizeof err), 0);
	assert_int_equal(parse_repeated("x", "+1", 128, "", err, sizeof err), -EINVAL);
	assert_non_null(strstr(err, "more than 256 steps"));
	assert_int_equal(parse_repeated("x", "", 0,
			     "{a=\"0123456789012345678901234567890123456789"
			     "0123456789012345678901234\"}",
			     err, sizeof err),
	    -EINVAL);
	assert_non_null(strstr(err, "the string is too long"));
	assert_int_equal(
	    parse_repeated("x{", "a=\"1\",", 9, "}", err, sizeof err), -EINVAL);
	assert_non_null(strstr(err, "more than 8 matchers"));
}

static void
a_program_that_has_no_room_is_refused(void **state)
{
	uint8_t memory[8];
	struct buf program;
	char err[256];

	(void)state;
	buf_init_fixed(&program, memory, sizeof memory);
	assert_int_equal(
	    expr_parse("node_load1 + 1", &program, err, sizeof err), -EINVAL);
}

/* What is printed must be read as the very same program. */
static void
printing_and_parsing_again_gives_the_same_program(void **state)
{
	static const char *const cases[] = {
		"a - (b - c)",
		"(a - b) - c",
		"a ^ (b ^ c)",
		"(a ^ b) ^ c",
		"(-a) ^ 2",
		"-a ^ 2",
		"(-1) ^ 2",
		"2 ^ -1 * 3",
		"-(a + b)",
		"-(-a)",
		"a - -1",
		"a * (b + c)",
		"(a or b) and c",
		"a or b and c",
		"a > bool (b > bool c)",
		"(a > b) > c",
		"a / on (x, y) (b + c)",
		"sum by (a, b) (rate(x{q=\"1\"}[90s])) * 0.1",
		"quantile without () (0.9, x)",
		"0.1 + 1e300 + 5e-324 + 123456789.123",
		"Inf - NaN",
		"-Inf ^ a",
		"x{a=\"\\\"\\\\\\n\",b=~\"a.*|\\\\.\"}",
		"rate(x[1d]) + rate(x[1ms])",
		"clamp(a, -1, 1)",
		"scalar(a) + 1",
		"a unless ignoring (x) b",
	};
	uint8_t first[EXPR_PROGRAM_MAX];
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice program = program_of(cases[i]);
		struct buf out;

		memcpy(first, program.data, program.len);
		buf_init_fixed(&out, text, sizeof text);
		expr_print((struct slice){ first, program.len }, &out);
		if (!slice_equal(
			program_of(buf_text(&out)), (struct slice){ first, program.len }))
			fail_msg("%s is printed as %s", cases[i], buf_text(&out));
	}
}

static void
every_failed_allocation_is_survived(void **state)
{
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char err[256];
	int result = -1;

	(void)state;
	if (!alloc_fail(0))
		skip();
	for (size_t n = 1; result != 0; n++) {
		assert_in_range(n, 1, 20);
		buf_init_fixed(&program, memory, sizeof memory);
		alloc_fail(n);
		result = expr_parse("sum(rate(x[5m])) > -5", &program, err, sizeof err);
		alloc_fail(0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(text_becomes_steps_in_postfix_order),
		TEST(numbers_may_carry_a_time_or_a_size),
		TEST(errors_name_the_column_and_what_is_wrong),
		TEST(what_is_too_long_or_too_deep_is_refused),
		TEST(a_program_that_has_no_room_is_refused),
		TEST(printing_and_parsing_again_gives_the_same_program),
		TEST(every_failed_allocation_is_survived),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
