/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-metrics(7) names every metric and every function, and none that there is not. */
#include "metrics/expr_program.h"
#include "metrics/source.h"
#include "tests/support/test.h"
#include <stdio.h>
#include <string.h>

#define MANUAL SRCDIR "/man/fogwatch-metrics.7.in"

/* Calls each() with the first word behind macro in every line that begins with it. */
static size_t
read_manual(const char *macro, void (*each)(const char *word))
{
	FILE *f = fopen(MANUAL, "r");
	size_t n = 0, len = strlen(macro);
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		if (strncmp(line, macro, len) != 0)
			continue;
		line[len + strcspn(line + len, " \n")] = '\0';
		each(line + len);
		n++;
	}
	fclose(f);
	return n;
}

static void
find_metric(const char *name)
{
	if (!sources_metric(name, NULL))
		fail_msg("the manual names %s, which there is not", name);
}

static void
the_manual_names_each_metric_once(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct source *const *s = sources; *s; s++)
		n += (*s)->metrics_len;
	assert_int_equal(read_manual(".It Va ", find_metric), n);
}

static void
find_function(const char *name)
{
	if (!expr_function_by_name(slice_text(name)))
		fail_msg("the manual names %s(), which there is not", name);
}

static void
the_manual_names_each_function_once(void **state)
{
	size_t n = 0;

	(void)state;
	while (expr_functions[n].name)
		n++;
	assert_int_equal(read_manual(".It Fn ", find_function), n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_manual_names_each_metric_once),
		TEST(the_manual_names_each_function_once),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
