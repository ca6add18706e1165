/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/reporting.h"
#include "tests/support/test.h"

#include <string.h>

static const struct requirement voltage = { .threshold = 3.2,
	.low = 2.6,
	.high = 4.2,
	.period_ms = 500,
	.candidate_period_ms = 5000 };

static struct plan_item
merged(struct plan_item a, struct plan_item b)
{
	reporting_merge(&a, &b);
	return a;
}

static struct plan_item
of(const struct requirement *r, bool host)
{
	struct plan_item i;

	reporting_of(r, host, &i);
	return i;
}

static const struct plan_item every_10_s = { .period_ms = 10000, .mode = PLAN_PERIODIC };

static void
a_requirement_reports_what_its_prediction_needs(void **state)
{
	struct plan_item i = of(&voltage, true);

	(void)state;
	assert_int_equal(i.mode, PLAN_SUPPRESSED);
	assert_int_equal(i.period_ms, 500);
	assert_int_equal(i.heartbeat_ms, 30000);
	assert_int_equal(i.thresholds, 1);
	assert_true(i.threshold[0] == 3.2);
	assert_true(i.deadband > 0 && i.deadband < 0.1);
	assert_int_equal(of(&voltage, false).period_ms, 5000);
}

/* With 16 mV, the mean of a battery that empties at 2 mV a second was known eight seconds late. */
static void
the_last_steps_to_the_bound_are_small_PRD_03(void **state)
{
	struct requirement slow = voltage;

	(void)state;
	assert_true(of(&voltage, true).deadband < 0.004);
	slow.longest_period_ms = 5000;
	assert_true(of(&slow, true).deadband > 0.01); /* else it would not sample less */
}

static void
a_requirement_may_report_everything_and_slow_down(void **state)
{
	struct requirement r = voltage;
	struct plan_item i;

	(void)state;
	r.report = REPORTING_PERIODIC;
	r.longest_period_ms = 2000;
	i = of(&r, true);
	assert_int_equal(i.mode, PLAN_PERIODIC);
	assert_int_equal(i.period_max_ms, 2000);
	assert_int_equal(of(&r, false).period_max_ms, 0); /* slower than that already */
}

static void
who_wants_every_value_of_a_longer_period_gets_a_heartbeat(void **state)
{
	const struct plan_item fine = of(&voltage, true);

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct plan_item i =
		    turn ? merged(every_10_s, fine) : merged(fine, every_10_s);

		assert_int_equal(i.mode, PLAN_SUPPRESSED);
		assert_int_equal(i.period_ms, 500);
		assert_int_equal(i.heartbeat_ms, 10000);
		assert_int_equal(i.thresholds, 1);
	}
}

static void
two_thresholds_are_both_watched_and_too_many_are_told_everything(void **state)
{
	struct requirement r = voltage;
	struct plan_item i = of(&voltage, true);

	(void)state;
	i = merged(i, of(&voltage, false));
	assert_int_equal(i.thresholds, 1);
	assert_int_equal(i.period_ms, 500);
	for (unsigned n = 1; n < PLAN_THRESHOLDS_MAX; n++) {
		r.threshold = 3.2 + n;
		i = merged(i, of(&r, true));
		assert_int_equal(i.thresholds, n + 1);
	}
	r.threshold = 17;
	i = merged(i, of(&r, true));
	assert_int_equal(i.mode, PLAN_PERIODIC);
	assert_int_equal(i.thresholds, 0);
	assert_int_equal(i.heartbeat_ms, 0);
}

static void
modes_that_do_not_go_together_tell_everything(void **state)
{
	const struct plan_item change = {
		.period_ms = 1000, .mode = PLAN_ON_CHANGE, .deadband = 2
	};
	struct plan_item i = merged(of(&voltage, true), change);

	(void)state;
	assert_int_equal(i.mode, PLAN_PERIODIC);
	assert_int_equal(i.period_ms, 500);
	assert_true(i.deadband == 0);
	i = merged(change, change);
	assert_int_equal(i.mode, PLAN_ON_CHANGE);
	assert_true(reporting_is(&i, &change));
}

static void
the_strictest_class_counts(void **state)
{
	struct plan_item urgent = every_10_s, lossy = every_10_s;

	(void)state;
	urgent.flags = PLAN_URGENT;
	lossy.flags = PLAN_LOSSY;
	assert_int_equal(merged(urgent, lossy).flags, PLAN_URGENT);
	assert_int_equal(merged(every_10_s, lossy).flags, 0);
	assert_int_equal(merged(lossy, lossy).flags, PLAN_LOSSY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_requirement_reports_what_its_prediction_needs),
		TEST(the_last_steps_to_the_bound_are_small_PRD_03),
		TEST(a_requirement_may_report_everything_and_slow_down),
		TEST(who_wants_every_value_of_a_longer_period_gets_a_heartbeat),
		TEST(two_thresholds_are_both_watched_and_too_many_are_told_everything),
		TEST(modes_that_do_not_go_together_tell_everything),
		TEST(the_strictest_class_counts),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
