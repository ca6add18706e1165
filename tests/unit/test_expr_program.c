/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs as strangers send them. */
#include "metrics/expr_program.h"
#include "tests/support/hex.h"
#include "tests/support/program.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool
is_load(const void *arg, const char *metric)
{
	(void)arg;
	return strcmp(metric, "node_load1") == 0;
}

static void
programs_of_the_parser_pass(void **state)
{
	char err[128];

	(void)state;
	assert_int_equal(
	    expr_check(program_of("sum by (a) (rate(x{b=~\"c.*\"}[5m])) > bool 1"), NULL,
		NULL, err, sizeof err),
	    0);
}

static void
a_metric_that_is_not_known_here_is_named(void **state)
{
	char err[128];

	(void)state;
	assert_int_equal(
	    expr_check(program_of("node_load1 + 1"), is_load, NULL, err, sizeof err), 0);
	assert_int_equal(expr_check(program_of("node_load1 + node_load2"), is_load, NULL,
			     err, sizeof err),
	    -ENOENT);
	assert_string_equal(err, "unknown metric node_load2 (did you mean node_load1?)");
}

/* S-22 */
static void
what_is_no_program_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *hex, *error;
	} cases[] = {
		{ "", "step 1 is malformed" }, { "00", "step 1 is malformed" },
		{ "a0", "step 1 is malformed" }, { "80", "the expression is empty" },
		{ "8100", "step 1 is malformed" },
		{ "8180", "step 1 is malformed" },	     /* no opcode */
		{ "818100", "unknown step" },		     /* opcode 0 */
		{ "818107", "step 1 is malformed" },	     /* opcode 7 */
		{ "81820100", "step 1 is malformed" },	     /* name is a number */
		{ "8183016000", "step 1 is malformed" },     /* empty name */
		{ "81830162317800", "step 1 is malformed" }, /* name "1x" */
		{ "81830161780000", "step 2 is malformed" }, /* something follows */
		{ "818301617820", "step 1 is malformed" },   /* window -1 */
		{ "81830161781a05265c01",
		    "step 1 is malformed" }, /* window 24 h + 1 ms */
		{ "81830161781a05265c00", "a range is no result" }, /* window 24 h */
		{ "81840161780080", NULL }, /* no matchers, said so */
		{ "81840161780081830461616162", "step 1 is malformed" }, /* matcher 4 */
		{ "81840161780081830261616128", "step 1 is malformed" }, /* pattern "(" */
		{ "81840161780081830060206162", "step 1 is malformed" }, /* empty label */
		{ "8185016178008000", "step 1 is malformed" }, /* a parameter too many */
		{ "818302f93c0000", "step 1 is malformed" },   /* a number too many */
		{ "818202f93c00", NULL },		       /* 1.0 */
		{ "81820201", NULL },			       /* 1 */
		{ "8182026131", "step 1 is malformed" },       /* "1" */
		{ "81820302", "avg_over_time takes 1 arguments, there are 0" },
		{ "818203181f", "unknown function number 31" },
		{ "818203190100", "step 1 is malformed" }, /* function 256 */
		{ "81820401", "+ has no two operands" },
		{ "818105", "- cannot have a range as operand" },
		{ "81820601", "sum takes 1 arguments, there are 0" },
		{ "82820201820202", "1 values are left over" },
		{ "83820201820202820400", "unknown operator number 0" },
		{ "83820201820202820410", "step 3 is malformed" },   /* operator 16 */
		{ "8382020182020283040102", "step 3 is malformed" }, /* bool 2 */
		{ "83820201820202840400000381", "step 3 is malformed" },
		{ "83820201820202850401000080", NULL }, /* defaults, said so */
		{ "838202018202028504010000816161",
		    "step 3 is malformed" }, /* labels of none */
		{ "82820201820600", "unknown aggregation number 0" },
		{ "8282020182060c", "step 2 is malformed" },
		{ "9f820201ff", NULL }, /* indefinite length */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice program = hex_bytes(cases[i].hex);
		char err[128] = "";
		int result = expr_check(program, NULL, NULL, err, sizeof err);

		hex_bytes_free(program);
		if (result != (cases[i].error ? -EINVAL : 0))
			fail_msg("%s: %d %s", cases[i].hex, result, err);
		if (cases[i].error &&
		    strncmp(err, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%s: %s", cases[i].hex, err);
	}
}

static void
put_numbers(struct buf *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		wr_array(b, 2);
		wr_uint(b, EXPR_NUMBER);
		wr_uint(b, 1);
	}
}

static void
put_step(struct buf *b, enum expr_op op, unsigned what)
{
	wr_array(b, 2);
	wr_uint(b, op);
	wr_uint(b, what);
}

/* S-22 */
static void
steps_stack_and_bytes_are_bounded(void **state)
{
	static const uint8_t zeroes[3000];
	uint8_t memory[8192];
	struct buf b;
	char err[128];

	(void)state;
	buf_init_fixed(&b, memory, sizeof memory);
	wr_array(&b, 33);
	put_numbers(&b, 33);
	assert_int_equal(expr_check(buf_slice(&b), NULL, NULL, err, sizeof err), -EINVAL);
	assert_string_equal(err, "nested deeper than 32");
	buf_reset(&b);
	wr_array(&b, 257);
	put_numbers(&b, 1);
	for (unsigned i = 0; i < 128; i++) {
		put_numbers(&b, 1);
		put_step(&b, EXPR_BINARY, EXPR_ADD);
	}
	assert_int_equal(expr_check(buf_slice(&b), NULL, NULL, err, sizeof err), -EINVAL);
	assert_string_equal(err, "more than 256 steps");
	buf_reset(&b);
	wr_array(&b, 1);
	wr_array(&b, 2);
	wr_uint(&b, EXPR_NUMBER);
	wr_bytes(&b, zeroes, sizeof zeroes);
	assert_int_equal(expr_check(buf_slice(&b), NULL, NULL, err, sizeof err), -EINVAL);
	assert_string_equal(err, "longer than 2048 bytes");
}

static void
no_cut_off_program_passes(void **state)
{
	struct slice program =
	    program_of("sum by (a) (rate(x{b=~\"c.*\"}[5m])) > bool 1 + y ^ 2");
	char err[128];

	(void)state;
	for (size_t n = 0; n < program.len; n++)
		assert_int_equal(expr_check((struct slice){ program.data, n }, NULL, NULL,
				     err, sizeof err),
		    -EINVAL);
	assert_int_equal(expr_check(program, NULL, NULL, err, sizeof err), 0);
}

static void
what_is_no_program_is_not_printed_or_asked_for_needs(void **state)
{
	static const uint8_t junk[] = { 0x81, 0x00 };
	char text[128];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, text, sizeof text);
	expr_print((struct slice){ junk, sizeof junk }, &out);
	assert_string_equal(buf_text(&out), "(not a program: step 1 is malformed)");
}

static void
list_need(void *arg, const struct expr_step *select)
{
	buf_printf(arg, "%s %lld", select->metric, (long long)select->window_ms);
	for (unsigned i = 0; i < select->matchers; i++)
		buf_printf(arg, " %s %u %s", select->matcher[i].label,
		    select->matcher[i].match, select->matcher[i].value);
	buf_printf(arg, "; ");
}

static void
a_program_tells_what_it_needs(void **state)
{
	static const uint8_t junk[] = { 0x81, 0x00 };
	char text[128];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, text, sizeof text);
	assert_int_equal(expr_needs(program_of("rate(a[5m]) / b + max_over_time(a[10s])"),
			     list_need, &out),
	    0);
	assert_string_equal(buf_text(&out), "a 300000; b 0; a 10000; ");
	buf_reset(&out);
	assert_int_equal(
	    expr_needs(program_of("p{peer=\"x\",dev!=\"y\"}"), list_need, &out), 0);
	assert_string_equal(buf_text(&out), "p 0 peer 0 x dev 1 y; ");
	assert_int_equal(
	    expr_needs((struct slice){ junk, sizeof junk }, list_need, &out), -EINVAL);
}

/* The numbers are the protocol: this list may grow, but no line may change. */
static void
opcodes_stay_as_they_are(void **state)
{
	static const struct {
		uint8_t opcode;
		const char *name;
	} functions[] = { { 1, "last_over_time" }, { 2, "avg_over_time" },
		{ 3, "min_over_time" }, { 4, "max_over_time" }, { 5, "sum_over_time" },
		{ 6, "count_over_time" }, { 7, "stddev_over_time" },
		{ 8, "stdvar_over_time" }, { 9, "quantile_over_time" },
		{ 10, "present_over_time" }, { 11, "rate" }, { 12, "irate" },
		{ 13, "increase" }, { 14, "delta" }, { 15, "idelta" }, { 16, "deriv" },
		{ 17, "predict_linear" }, { 18, "changes" }, { 19, "resets" },
		{ 20, "ewma" }, { 21, "time_to" }, { 22, "holt_winters" },
		{ 24, "median_over_time" }, { 25, "hysteresis" }, { 26, "for_duration" },
		{ 27, "time_above" }, { 28, "time_below" }, { 29, "availability" },
		{ 32, "abs" }, { 33, "ceil" }, { 34, "floor" }, { 35, "round" },
		{ 36, "clamp" }, { 37, "clamp_min" }, { 38, "clamp_max" }, { 39, "sgn" },
		{ 40, "sqrt" }, { 41, "exp" }, { 42, "ln" }, { 43, "log2" },
		{ 44, "log10" }, { 45, "scalar" }, { 46, "vector" }, { 47, "score" } };
	static const char *const operators[] = { "+", "-", "*", "/", "%", "^",
		"==", "!=", "<", "<=", ">", ">=", "and", "or", "unless" };
	static const char *const aggregations[] = { "sum", "avg", "min", "max", "count",
		"stddev", "stdvar", "quantile", "group", "topk", "bottomk" };
	size_t n = 0;

	(void)state;
	for (const struct expr_function *f = expr_functions; f->name; f++, n++) {
		assert_in_range(n, 0, ARRAY_LEN(functions) - 1);
		assert_int_equal(f->opcode, functions[n].opcode);
		assert_string_equal(f->name, functions[n].name);
		assert_ptr_equal(expr_function_by_opcode(f->opcode), f);
		assert_true((f->over != NULL) != (f->map != NULL));
		assert_int_equal(strchr(f->types, 'r') != NULL, f->over != NULL);
	}
	assert_int_equal(n, ARRAY_LEN(functions));
	for (uint8_t i = 0; i < ARRAY_LEN(operators); i++)
		assert_string_equal(expr_operator_text(i + 1), operators[i]);
	for (uint8_t i = 0; i < ARRAY_LEN(aggregations); i++)
		assert_string_equal(expr_aggregation_text(i + 1), aggregations[i]);
}

static void
patterns_match_as_in_prometheus(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = { { "", "", true }, { "", "a", false }, { "a", "a", true },
		{ "a", "ab", false }, { "a", "ba", false }, { ".*", "", true },
		{ ".*", "abc", true }, { ".+", "", false }, { ".+", "a", true },
		{ "a.", "ab", true }, { "a.", "a", false }, { "a.", "abc", false },
		{ "a.*c", "ac", true }, { "a.*c", "abcbc", true },
		{ "a.*c", "abcb", false }, { "a.+c", "ac", false },
		{ "a.+c", "abc", true }, { ".*a.*b.*", "xxaxxbxx", true },
		{ ".*a.*b.*", "xxbxxaxx", false }, { "a|b", "b", true },
		{ "a|b", "c", false }, { "a|", "", true }, { "|a", "", true },
		{ "eth.*|wlan.*", "wlan0", true }, { "eth.*|wlan.*", "lo", false },
		{ "a\\.b", "a.b", true }, { "a\\.b", "axb", false },
		{ "a\\|b", "a|b", true }, { "a\\|b", "a", false },
		{ "a.c", "a\nc", false }, { ".*", "a\nb", false },
		{ "a.c",
		    "a\xc3\xa4"
		    "c",
		    true },
		{ "a..c",
		    "a\xc3\xa4"
		    "c",
		    false },
		{ ".+.+.+", "ab", false }, { ".+.+.+", "abc", true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(expr_pattern_ok(cases[i].pattern));
		if (expr_pattern_matches(cases[i].pattern, cases[i].text) !=
		    cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
	}
}

/* Refused rather than misread. */
static void
patterns_beyond_the_subset_are_refused(void **state)
{
	static const char *const cases[] = { "(a)", "[ab]", "a*", "a+", "a?", "a{2}",
		"^a", "a$", "*", "+", ".*?", ".**", ".++", "a|*", "\\d", "\\w", "a\\",
		"\\pL", ".?" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (expr_pattern_ok(cases[i]))
			fail_msg("%s passes", cases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(programs_of_the_parser_pass),
		TEST(a_metric_that_is_not_known_here_is_named),
		TEST(what_is_no_program_is_refused_with_the_reason),
		TEST(steps_stack_and_bytes_are_bounded),
		TEST(no_cut_off_program_passes),
		TEST(what_is_no_program_is_not_printed_or_asked_for_needs),
		TEST(a_program_tells_what_it_needs),
		TEST(opcodes_stay_as_they_are),
		TEST(patterns_match_as_in_prometheus),
		TEST(patterns_beyond_the_subset_are_refused),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
