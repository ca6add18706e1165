/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-metrics(7) names the metrics and functions that there are. */
#include "metrics/expr.h"
#include "metrics/sampler.h"
#include "metrics/source.h"
#include "tests/support/manual.h"
#include "tests/support/test.h"

static char *page;

static int
load_page(void **state)
{
	(void)state;
	page = manual_load("fogwatch-metrics.7");
	return page ? 0 : -1;
}

static int
free_page(void **state)
{
	(void)state;
	free(page);
	return 0;
}

static unsigned
count_entries(const char *beginning)
{
	char line[MANUAL_LINE_MAX];
	unsigned n = 0;

	for (const char *at = page; (at = manual_next_line(at, beginning, line));)
		n++;
	return n;
}

static void
every_metric_has_an_entry_and_every_entry_a_metric(void **state)
{
	char line[MANUAL_LINE_MAX];
	unsigned metrics = 0;

	(void)state;
	for (const struct source *const *s = sources; *s; s++)
		metrics += (unsigned)(*s)->metrics_len;
	for (const char *at = page; (at = manual_next_line(at, ".It Va ", line));)
		if (!sources_metric(line + strlen(".It Va "), NULL))
			fail_msg("no source knows of \"%s\"", line);
	assert_int_equal(count_entries(".It Va "), metrics);
}

/* "q, range" → .It Fn quantile_over_time "q" "range"; what may be left out counts as well. */
static void
put_head(const struct expr_function *f, char head[MANUAL_LINE_MAX])
{
	size_t n = (size_t)snprintf(head, MANUAL_LINE_MAX, ".It Fn %s", f->name);
	char arguments[64], *rest = arguments, *one;

	snprintf(arguments, sizeof arguments, "%s", f->arguments);
	while ((one = strsep(&rest, ", []")))
		if (*one)
			n += (size_t)snprintf(
			    head + n, MANUAL_LINE_MAX - n, " \"%s\"", one);
}

static void
every_function_has_an_entry_with_its_arguments(void **state)
{
	char head[MANUAL_LINE_MAX];
	unsigned functions = 0;

	(void)state;
	for (const struct expr_function *f = expr_functions; f->name; f++) {
		put_head(f, head);
		if (!manual_has_line(page, head))
			fail_msg("the manual has no line '%s'", head);
		functions++;
	}
	assert_int_equal(count_entries(".It Fn "), functions);
}

static bool
is_metric(const void *arg, const char *name)
{
	(void)arg;
	return sources_metric(name, NULL) != NULL;
}

static void
the_examples_are_expressions_over_metrics_that_there_are(void **state)
{
	char *section = manual_section(page, "EXAMPLES"), line[MANUAL_LINE_MAX], why[200];
	unsigned examples = 0;
	struct buf program;

	(void)state;
	assert_non_null(section);
	buf_init(&program, EXPR_PROGRAM_MAX);
	for (const char *at = section; (at = manual_next_line(at, ".It Ql ", line));) {
		const char *text = line + strlen(".It Ql ");

		buf_reset(&program);
		if (expr_parse(text, &program, why, sizeof why) < 0 ||
		    expr_check(buf_slice(&program), is_metric, NULL, why, sizeof why) < 0)
			fail_msg("%s: %s", text, why);
		examples++;
	}
	assert_true(examples > 2);
	buf_done(&program);
	free(section);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_metric_has_an_entry_and_every_entry_a_metric),
		TEST(every_function_has_an_entry_with_its_arguments),
		TEST(the_examples_are_expressions_over_metrics_that_there_are),
	};

	return RUN_TESTS(tests, load_page, free_page);
}
