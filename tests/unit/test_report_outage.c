/* SPDX-License-Identifier: Apache-2.0
 *
 * Ten minutes without a controller, under load, with a kill -9 in the middle, in virtual time: what was
 * made comes once and in order. */
#include "tests/support/fog_test.h"

#include <inttypes.h>
#include <stdlib.h>

#define PERIOD_MS 500
#define ITEMS	  4
#define OUTAGE_MS 600000

static struct reporter *
reporter(void)
{
	return uplink_reporter(fog_uplink(fog));
}

static void
start_load(void)
{
	struct fog_plan plan = { .version = 1, .items = ITEMS };

	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 5000));
	plan.item[0] = fog_item(1, "node_load1", PERIOD_MS);
	plan.item[1] = fog_item(2, "node_load5", PERIOD_MS);
	plan.item[2] = fog_item(3, "node_load15", PERIOD_MS);
	plan.item[3] = fog_item(4, "node_load1 * 2", PERIOD_MS);
	assert_true(fog_plan(fog, &plan));
}

/* Load that changes, and an event every ten seconds. Returns how many events. */
static unsigned
run(int64_t ms)
{
	unsigned events = 0;

	for (int64_t t = 0; t < ms; t += 10000) {
		char text[64];

		snprintf(text, sizeof text, "%.2f 2.00 %.2f 1/100 1000\n",
		    (double)(t % 70000) / 10000, (double)(t % 130000) / 20000);
		fog_load(fog, text);
		fake_run(fog->net, 10000);
		reporter_event(reporter(), "test.tick", "ten seconds have gone");
		events++;
	}
	return events;
}

/* Nothing is done in its last moment, so its files are as they were before. */
static void
kill_agent(void)
{
	char before[1024], after[1024];

	snprintf(before, sizeof before, "cp -a %s/state %s/killed", fog->dir, fog->dir);
	snprintf(after, sizeof after, "rm -r %s/state && mv %s/killed %s/state", fog->dir,
	    fog->dir, fog->dir);
	assert_int_equal(system(before), 0);
	fog_agent_stop(fog);
	assert_int_equal(system(after), 0);
}

static void
come_back(void)
{
	fog_warden_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 30000));
}

static uint64_t
points_made(void)
{
	struct reporter_stats s;

	reporter_stats(reporter(), &s);
	return s.points;
}

/* Of each item: no time twice, none missing but around the restart. */
static void
assert_no_holes(int64_t killed_ms)
{
	const struct warden *w = &fog->warden;
	int64_t last[ITEMS + 1] = { 0 };

	for (unsigned i = 0; i < w->points; i++) {
		unsigned item = w->point[i].item;
		int64_t gap = w->point[i].time_ms - last[item];

		assert_in_range(item, 1, ITEMS);
		if (last[item] &&
		    !(last[item] <= killed_ms && killed_ms < last[item] + gap))
			assert_in_range(gap, PERIOD_MS - 1, PERIOD_MS + 1);
		assert_true(gap > 0);
		assert_true(gap <= 3000 || !last[item]);
		last[item] = w->point[i].time_ms;
	}
}

static void
assert_ascending(void)
{
	const struct warden *w = &fog->warden;

	for (unsigned i = 1; i < w->points; i++)
		assert_true(w->point[i].number > w->point[i - 1].number);
}

static unsigned
count_events(const char *kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < fog->warden.events; i++)
		n += strcmp(fog->warden.event[i].kind, kind) == 0;
	return n;
}

static void
ten_minutes_without_a_controller_lose_nothing_R_06(void **state)
{
	unsigned events;

	(void)state;
	start_load();
	events = run(20000);
	fog_warden_stop(fog);
	events += run(OUTAGE_MS / 2);
	come_back();
	events += run(60000);
	fake_run(fog->net, 2000);
	assert_no_holes(INT64_MAX);
	assert_ascending();
	assert_in_range(fog->warden.points, points_made() - 3 * ITEMS, points_made());
	assert_int_equal(count_events("test.tick"), events);
	assert_true(fog->warden.ahead > 0);
}

static void
a_kill_in_the_middle_of_an_outage_loses_a_second_at_most_R_01(void **state)
{
	unsigned events;
	int64_t killed_ms;
	uint64_t made;

	(void)state;
	start_load();
	events = run(20000);
	fog_warden_stop(fog);
	events += run(OUTAGE_MS / 2);
	made = points_made();
	killed_ms = fake_now(fog->net);
	kill_agent();
	fog_agent_start(fog);
	events += run(OUTAGE_MS / 2);
	come_back();
	events += run(60000);
	fake_run(fog->net, 2000);
	made += points_made();
	assert_no_holes(killed_ms);
	assert_ascending();
	assert_in_range(fog->warden.points, made - 5 * ITEMS, made);
	assert_int_equal(count_events("test.tick"), events);
	assert_int_equal(count_events("report.gap"), 0);
}

/* The controller has stored what it could not say any more. */
static void
what_is_sent_again_is_taken_once(void **state)
{
	(void)state;
	start_load();
	run(10000);
	fog->warden.holds_answers = true;
	run(20000);
	fog_warden_stop(fog);
	fog->warden.holds_answers = false;
	run(20000);
	come_back();
	run(30000);
	fake_run(fog->net, 2000);
	assert_true(fog->warden.duplicates > 0);
	assert_no_holes(INT64_MAX);
	assert_ascending();
}

static void
events_are_not_overtaken_RPT_04(void **state)
{
	(void)state;
	start_load();
	fog_warden_stop(fog);
	run(300000);
	come_back();
	fake_run(fog->net, 300);
	assert_true(count_events("test.tick") > 0);
	run(30000);
	fake_run(fog->net, 300);
	assert_int_equal(count_events("test.tick"), 33);
}

static void
a_budget_is_kept_and_events_do_not_wait_RPT_07(void **state)
{
	struct reporter_stats before, after;

	(void)state;
	fog_free(fog);
	fog = fog_new("report: {budget: 200B}\n");
	start_load();
	run(60000);
	reporter_stats(reporter(), &before);
	run(120000);
	reporter_stats(reporter(), &after);
	/* Twelve events, which are not held back, at some 300 bytes each. */
	assert_in_range(after.bytes - before.bytes, 10000, 120 * 200 + 12 * 330);
	fake_run(fog->net, 300);
	assert_int_equal(count_events("test.tick"), 18);
	assert_no_holes(INT64_MAX);
}

static void
bytes_are_counted_per_item_RPT_07(void **state)
{
	struct reporter_stats s;
	uint64_t sum = 0;

	(void)state;
	start_load();
	run(30000);
	reporter_stats(reporter(), &s);
	for (uint32_t item = 1; item <= ITEMS; item++) {
		struct reporter_item is;

		reporter_item(reporter(), item, &is);
		assert_in_range(is.values, 55, 63);
		sum += is.bytes;
	}
	assert_in_range(sum, s.bytes / 2, s.bytes);
}

static void
lossy_values_are_not_kept_RPT_04(void **state)
{
	struct fog_plan plan = { .version = 1, .items = 1 };
	struct reporter_stats s;
	unsigned came;

	(void)state;
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 5000));
	plan.item[0] = fog_item(1, "node_load1", PERIOD_MS);
	plan.item[0].flags = PLAN_LOSSY;
	assert_true(fog_plan(fog, &plan));
	fake_run(fog->net, 10000);
	came = fog->warden.lossy;
	assert_in_range(came, 18, 21);
	fog_warden_stop(fog);
	fake_run(fog->net, 60000);
	reporter_stats(reporter(), &s);
	assert_int_equal(s.waiting, 0);
	come_back();
	fake_run(fog->net, 5000);
	assert_in_range(fog->warden.lossy - came, 5, 40);
}

static void
urgent_values_are_events_RPT_04(void **state)
{
	struct fog_plan plan = { .version = 1, .items = 1 };

	(void)state;
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 5000));
	plan.item[0] = fog_item(1, "node_load1", PERIOD_MS);
	plan.item[0].flags = PLAN_URGENT;
	assert_true(fog_plan(fog, &plan));
	fake_run(fog->net, 5000);
	fog_warden_stop(fog);
	fake_run(fog->net, 20000);
	come_back();
	fake_run(fog->net, 5000);
	assert_in_range(fog->warden.points, 55, 64);
	assert_ascending();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOG_TEST(ten_minutes_without_a_controller_lose_nothing_R_06),
		FOG_TEST(a_kill_in_the_middle_of_an_outage_loses_a_second_at_most_R_01),
		FOG_TEST(what_is_sent_again_is_taken_once),
		FOG_TEST(events_are_not_overtaken_RPT_04),
		FOG_TEST(a_budget_is_kept_and_events_do_not_wait_RPT_07),
		FOG_TEST(bytes_are_counted_per_item_RPT_07),
		FOG_TEST(lossy_values_are_not_kept_RPT_04),
		FOG_TEST(urgent_values_are_events_RPT_04),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
