/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of metrics by name, and what the tables say of their labels. */
#include "metrics/catalogue.h"
#include "tests/support/capture.h"

#include <errno.h>

static void
assert_list(const char *text, const char *pattern)
{
	char got[LIST_PATTERN_MAX + 1], err[160] = "";
	int rc = list_parse(text, got, err, sizeof err);

	if (rc != 1 || strcmp(got, pattern) != 0)
		fail_msg("%s: %d \"%s\" (%s)", text, rc, rc == 1 ? got : "", err);
}

static void
lists_are_told_from_expressions_RPT_01(void **state)
{
	char got[LIST_PATTERN_MAX + 1], err[160];
	static const char *const expressions[] = { "node_load1", "node_load1*2", "a * b",
		"node_load1{device=\"*\"}", "", "node_load1 *", "2*node_load1" };

	(void)state;
	assert_list("node_network_*", "node_network_.*");
	assert_list("*_bytes", ".*_bytes");
	assert_list("*a*b*", ".*a.*b.*");
	assert_list("{__name__=~\"node_.+\"}", "node_.+");
	assert_list(" { __name__ =~ 'node_a|node_b' } ", "node_a|node_b");
	assert_list("{__name__=\"node_load1\"}", "node_load1");
	for (size_t i = 0; i < ARRAY_LEN(expressions); i++)
		assert_int_equal(list_parse(expressions[i], got, err, sizeof err), 0);
}

static void
a_list_that_cannot_be_used_says_why(void **state)
{
	static const char *const wrong[] = { "{__name__=~\"a\",device=\"e0\"}",
		"{__name__=~\"(a|b)\"}", "{__name__=~\"\"}", "{__name__=~\"a\"",
		"{__name__!=\"a\"}", "{__name__=\"a.b\"}", "{__name__=~\"a\"} + 1" };
	char got[LIST_PATTERN_MAX + 1], err[160], longest[2 * LIST_PATTERN_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		err[0] = '\0';
		assert_int_equal(list_parse(wrong[i], got, err, sizeof err), -EINVAL);
		assert_string_not_equal(err, "");
	}
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 2] = '*';
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(list_parse(longest, got, err, sizeof err), -EINVAL);
}

static void
count_metric(void *arg, const struct source *s, const struct metric *m)
{
	unsigned *n = arg;

	assert_non_null(s);
	assert_non_null(m);
	(*n)++;
}

static void
the_catalogue_is_selected_by_part_of_a_name_or_list(void **state)
{
	char pattern[LIST_PATTERN_MAX + 1], err[160];
	unsigned one = 0, some = 0, all = 0;

	(void)state;
	assert_int_equal(catalogue_pattern("load15", pattern, err, sizeof err), 0);
	catalogue_each(pattern, count_metric, &one);
	assert_int_equal(catalogue_pattern("node_load*", pattern, err, sizeof err), 0);
	catalogue_each(pattern, count_metric, &some);
	assert_int_equal(catalogue_pattern("", pattern, err, sizeof err), 0);
	catalogue_each(pattern, count_metric, &all);
	assert_int_equal(one, 1);
	assert_int_equal(some, 3);
	assert_true(all > some);
	assert_int_equal(catalogue_pattern("a b", pattern, err, sizeof err), -EINVAL);
}

/* Each label that a value carries is among those that the table names. */
static void
check_labels(const struct source *s, const struct capture *c)
{
	for (size_t i = 0; i < c->len; i++) {
		char text[256], *rest = text + 1, *pair;
		const char *told = catalogue_labels(s, c->put[i].metric);

		snprintf(text, sizeof text, "%s", c->put[i].labels);
		while (*text && (pair = strsep(&rest, ","))) {
			char *equal = strchr(pair, '=');

			if (!equal) /* a comma in a value */
				continue;
			*equal = '\0';
			if (!strstr(told, pair))
				fail_msg(
				    "%s has the label %s, its source tells of \"%s\": "
				    "see struct source_labels",
				    c->put[i].metric->name, pair, told);
		}
	}
}

static void
labels_are_those_that_the_sources_tell_of(void **state)
{
	static const struct source_env env[] = {
		{ .proc = ROBOT "/proc", .sys = ROBOT "/sys" },
		{ .proc = "/proc", .sys = "/sys" },
	};
	static struct capture c;
	unsigned labelled = 0;

	(void)state;
	for (size_t e = 0; e < ARRAY_LEN(env); e++)
		for (const struct source *const *s = sources; *s; s++) {
			if (capture_once(&c, *s, &env[e]) < 0)
				continue;
			check_labels(*s, &c);
			labelled += (*s)->labels != NULL && c.len;
		}
	assert_true(labelled > 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_are_told_from_expressions_RPT_01),
		TEST(a_list_that_cannot_be_used_says_why),
		TEST(the_catalogue_is_selected_by_part_of_a_name_or_list),
		TEST(labels_are_those_that_the_sources_tell_of),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
