/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/worth.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PERIOD 1000

static struct plan_item spec;
static struct worth *worth;
static int64_t now;
static unsigned ended;
static char no_labels[] = "", label_a[] = "a";

static int
reset(void **state)
{
	(void)state;
	spec =
	    (struct plan_item){ .id = 7, .period_ms = PERIOD, .mode = PLAN_SUPPRESSED };
	now = 0;
	ended = 0;
	return worth_new(&spec, &worth);
}

static int
done(void **state)
{
	(void)state;
	worth_free(TAKE(worth));
	return 0;
}

static bool
look_at(const char *labels, double value)
{
	const struct report_point p = {
		.item = 7, .time_ms = now, .value = value, .labels = slice_text(labels)
	};

	return worth_look(worth, &p);
}

/* One round with one value. */
static bool
tell(double value)
{
	bool told;

	now += PERIOD;
	worth_begin(worth);
	told = look_at("", value);
	return told;
}

static void
count_end(void *arg, const struct report_point *p)
{
	char *labels = arg;

	ended++;
	assert_true(isnan(p->value));
	assert_true(slice_equal(p->labels, slice_text(labels)));
}

static void
a_periodic_item_tells_everything_RPT_02(void **state)
{
	(void)state;
	spec.mode = PLAN_PERIODIC;
	for (unsigned i = 0; i < 5; i++)
		assert_true(tell(1));
}

static void
a_steady_value_is_told_once_RPT_06(void **state)
{
	(void)state;
	spec.mode = PLAN_ON_CHANGE;
	assert_true(tell(1));
	for (unsigned i = 0; i < 100; i++)
		assert_false(tell(1));
	assert_true(tell(1.0001));
	assert_true(tell(NAN));
	assert_false(tell(NAN));
}

static void
a_heartbeat_says_that_nothing_has_changed(void **state)
{
	unsigned told = 0;

	(void)state;
	spec.heartbeat_ms = 10 * PERIOD;
	spec.deadband = 1;
	for (unsigned i = 0; i < 100; i++)
		told += tell(1);
	assert_int_equal(told, 10);
}

static void
a_condition_is_told_when_it_begins_and_when_it_ends_RPT_02(void **state)
{
	static const double value[] = { 0, 0, 1, 2, 1, 0, NAN, 0, 1, NAN };
	static const char told[] = "0010010011";

	(void)state;
	spec.mode = PLAN_ON_CONDITION;
	for (size_t i = 0; i < ARRAY_LEN(value); i++)
		assert_int_equal(tell(value[i]), told[i] == '1');
}

/* node_load1 > 2 gives no series at all when it is not so. */
static void
a_condition_that_vanishes_has_ended(void **state)
{
	(void)state;
	spec.mode = PLAN_ON_CONDITION;
	worth_begin(worth);
	assert_true(look_at("a", 3));
	assert_true(look_at("b", 3));
	worth_end(worth, now, count_end, no_labels);
	assert_int_equal(ended, 0);
	worth_begin(worth);
	assert_false(look_at("b", 3));
	worth_end(worth, now, count_end, label_a);
	assert_int_equal(ended, 1);
	worth_begin(worth);
	assert_false(look_at("b", 3));
	worth_end(worth, now, count_end, no_labels);
	assert_int_equal(ended, 1);
}

/* prediction.md §11 */
static void
suppression_is_coarse_far_from_the_threshold_and_fine_near_it(void **state)
{
	(void)state;
	spec.share = 0.3;
	spec.threshold[0] = 10;
	spec.thresholds = 1;
	assert_true(tell(100));
	assert_false(tell(74)); /* 0.3 * 90 is 27 */
	assert_true(tell(72));
	assert_true(tell(12));
	assert_false(tell(11.5)); /* 0.3 * 2 is 0.6 */
	assert_true(tell(11.3));
	spec.deadband = 5;
	assert_false(tell(12));
	assert_true(tell(10)); /* on it, not above it */
	assert_true(tell(9.9));
}

static void
what_lies_on_a_line_is_not_told_twice(void **state)
{
	unsigned told = 0;

	(void)state;
	spec.flags = PLAN_LINE;
	spec.deadband = 1;
	for (unsigned i = 0; i < 60; i++)
		told += tell(100 - 0.5 * i);
	assert_in_range(told, 2, 4); /* holding would take 20 */
}

/* Else its silence would mean that it is as it was. */
static void
a_series_that_vanishes_is_told_once(void **state)
{
	(void)state;
	spec.deadband = 1;
	worth_begin(worth);
	assert_true(look_at("a", 3));
	worth_end(worth, now, count_end, no_labels);
	for (unsigned i = 0; i < 3; i++) {
		worth_begin(worth);
		worth_end(worth, now, count_end, label_a);
	}
	assert_int_equal(ended, 1);
	worth_begin(worth);
	assert_true(look_at("a", 3));
}

static void
series_are_told_apart_and_those_quiet_longest_forgotten(void **state)
{
	char labels[8];

	(void)state;
	spec.mode = PLAN_ON_CHANGE;
	worth_begin(worth);
	for (unsigned i = 0; i < WORTH_SERIES_MAX; i++, now++) {
		snprintf(labels, sizeof labels, "%u", i);
		assert_true(look_at(labels, 1));
		assert_false(look_at(labels, 1));
	}
	assert_true(look_at("another", 1));
	assert_false(look_at("63", 1));
	assert_true(look_at("0", 1));
}

static void
an_adaptive_period_grows_while_nothing_happens_and_is_short_near_a_threshold(void **state)
{
	(void)state;
	spec.deadband = 0.5;
	spec.period_max_ms = 10 * PERIOD;
	spec.threshold[0] = 10;
	spec.thresholds = 1;
	for (unsigned i = 0; i < 20; i++)
		tell(100);
	assert_int_equal(worth_period(worth), 10 * PERIOD);
	for (unsigned i = 0; i < 20; i++)
		tell(100 - 4.5 * i);
	assert_int_equal(worth_period(worth), PERIOD);
	tell(NAN);
	assert_int_equal(worth_period(worth), PERIOD);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, reset, done)
	const struct CMUnitTest tests[] = {
		CASE(a_periodic_item_tells_everything_RPT_02),
		CASE(a_steady_value_is_told_once_RPT_06),
		CASE(a_heartbeat_says_that_nothing_has_changed),
		CASE(a_condition_is_told_when_it_begins_and_when_it_ends_RPT_02),
		CASE(a_condition_that_vanishes_has_ended),
		CASE(suppression_is_coarse_far_from_the_threshold_and_fine_near_it),
		CASE(what_lies_on_a_line_is_not_told_twice),
		CASE(a_series_that_vanishes_is_told_once),
		CASE(series_are_told_apart_and_those_quiet_longest_forgotten),
		CASE(
		    an_adaptive_period_grows_while_nothing_happens_and_is_short_near_a_threshold),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
