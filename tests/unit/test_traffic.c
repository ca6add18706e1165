/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/traffic.h"
#include "tests/support/test.h"

#include <math.h>

static const struct traffic_terms terms = {
	.beat_ms = 2000, .lease_ms = 30000, .flush_ms = 10000
};

static struct traffic
reckon(const struct traffic_item *item, size_t n)
{
	struct traffic t;

	traffic_reckon(item, n, &terms, &t);
	return t;
}

static void
assert_near(double value, double expected, double share)
{
	if (!(fabs(value - expected) <= share * expected))
		fail_msg("%g is not within %g %% of %g", value, share * 100, expected);
}

/* Counted by tcpdump in front of a controller, one node: 65 s each. */
static void
what_was_counted_on_the_wire_is_reckoned_PLN_09(void **state)
{
	static const struct traffic_item built_in = { 10000, 9.3, 1 };
	struct traffic t = reckon(NULL, 0);

	(void)state;
	assert_near(t.session_bytes_s, 209.7, 0.1);
	assert_true(t.report_bytes_s == 0);
	t = reckon(&built_in, 1);
	assert_near(t.report_bytes_s + t.session_bytes_s, 166.9, 0.1);
	assert_near(t.reports_s, 0.1, 0.001);
	assert_near(t.values_s, 0.93, 0.001);
}

static void
what_is_due_together_goes_in_one_report(void **state)
{
	const struct traffic_item item[] = { { 1000, 1, 1 }, { 2000, 5, 1 },
		{ 10000, 1, 0.5 } };
	struct traffic t = reckon(item, 3);

	(void)state;
	assert_near(t.reports_s, 1, 1e-9);
	assert_near(t.values_s, 1 + 2.5 + 0.05, 1e-9);
}

static void
reports_of_chance_are_as_many_as_instants_with_any(void **state)
{
	const struct traffic_item item[] = { { 1000, 1, 0.5 }, { 2000, 2, 0.5 } };

	(void)state;
	/* 1/2 at odd instants, 1 - 1/8 at even ones */
	assert_near(reckon(item, 2).reports_s, (0.5 + 0.875) / 2, 1e-9);
}

static void
reports_make_heartbeats_needless(void **state)
{
	const struct traffic_item often = { 1000, 1, 1 }, seldom = { 60000, 1, 1 };

	(void)state;
	assert_true(reckon(&often, 1).session_bytes_s < 80);
	assert_true(reckon(&seldom, 1).session_bytes_s > 120);
}

static const struct plan_item suppressed = { .period_ms = 1000,
	.mode = PLAN_SUPPRESSED,
	.deadband = 0.1,
	.share = 0.2,
	.threshold = { 10 },
	.thresholds = 1 };

static void
a_rule_is_replayed_over_what_was_seen(void **state)
{
	double flat[40], ramp[40], noise[40];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flat); i++) {
		flat[i] = 5;
		ramp[i] = 0.5 * (double)i; /* through the threshold */
		noise[i] = 2 + 3 * (double)(i % 3);
	}
	assert_true(traffic_replay(&suppressed, flat, 40, 1000) == 0);
	assert_true(traffic_replay(&suppressed, noise, 40, 1000) > 0.9);
	/* noise is as likely at a shorter period, what wanders is not */
	assert_true(traffic_replay(&suppressed, noise, 40, 10000) > 0.4);
	assert_true(traffic_replay(&suppressed, ramp, 40, 1000) > 0.2);
	assert_true(traffic_replay(&suppressed, ramp, 40, 10000) <
	    traffic_replay(&suppressed, ramp, 40, 1000));
	assert_true(isnan(traffic_replay(&suppressed, flat, 5, 1000)));
}

static void
a_heartbeat_is_told_in_silence(void **state)
{
	struct plan_item item = suppressed;
	double flat[40];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flat); i++)
		flat[i] = 5;
	item.heartbeat_ms = 60000;
	assert_near(traffic_replay(&item, flat, 40, 1000), 1.0 / 60, 1e-9);
	item.mode = PLAN_PERIODIC;
	assert_true(traffic_replay(&item, flat, 40, 1000) == 1);
}

static void
probes_and_raw_metrics_have_their_price(void **state)
{
	(void)state;
	assert_near(traffic_probes(1000), 156, 0.01);
	assert_near(traffic_probes(10000), 15.6, 0.01);
	assert_true(traffic_raw(100, &terms) > 200 && traffic_raw(100, &terms) < 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_counted_on_the_wire_is_reckoned_PLN_09),
		TEST(what_is_due_together_goes_in_one_report),
		TEST(reports_of_chance_are_as_many_as_instants_with_any),
		TEST(reports_make_heartbeats_needless),
		TEST(a_rule_is_replayed_over_what_was_seen),
		TEST(a_heartbeat_is_told_in_silence),
		TEST(probes_and_raw_metrics_have_their_price),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
