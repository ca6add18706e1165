/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as a whole in a fake world: plans, reports, queries. */
#include "base/addr_text.h"
#include "tests/support/fog_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
has_points(void *arg)
{
	const struct fog *f = arg;

	return f->warden.points > 0;
}

static struct fog_plan *
plan_of(uint64_t version, struct plan_item item)
{
	static struct fog_plan plan;

	memset(&plan, 0, sizeof plan);
	plan.version = version;
	plan.item[plan.items++] = item;
	return &plan;
}

static void
a_plan_is_run_and_its_results_are_reported(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 1000))));
	assert_true(fog_until(fog, has_points, 1500));
	fake_run(fog->net, 10000);
	assert_in_range(fog->warden.points, 9, 12);
	for (unsigned i = 0; i < fog->warden.points; i++) {
		assert_int_equal(fog->warden.point[i].item, 7);
		assert_true(fog->warden.point[i].value == 1.0);
		assert_int_equal(fog->warden.point[i].number, i + 1);
	}
}

/* MET-12: drift is below 1 %; here there is none at all. */
static void
periods_do_not_drift(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 700))));
	fake_run(fog->net, 70000);
	assert_true(fog->warden.points >= 99);
	for (unsigned i = 1; i < fog->warden.points; i++)
		assert_int_equal(
		    fog->warden.point[i].time_ms - fog->warden.point[i - 1].time_ms, 700);
}

/* MET-11 */
static void
without_a_plan_nothing_is_read(void **state)
{
	struct sampler_stats s;

	(void)state;
	start_registered();
	fake_run(fog->net, 60000);
	sampler_stats(fog->agent->sampler, &s);
	assert_int_equal(s.reads, 0);
	assert_int_equal(fog->warden.reports, 0);
}

/* PLN-05: two items of one metric are one reading, at the shorter period. */
static void
two_items_share_one_sampling(void **state)
{
	struct sampler_stats s;
	struct fog_plan *plan = plan_of(1, fog_item(1, "node_load1", 1000));

	(void)state;
	plan->item[plan->items++] = fog_item(2, "avg_over_time(node_load1[1m])", 2000);
	start_registered();
	assert_true(fog_plan(fog, plan));
	fake_run(fog->net, 20000);
	sampler_stats(fog->agent->sampler, &s);
	assert_in_range(s.reads, 20, 22);
	assert_in_range(fog->warden.points, 29, 33);
}

static void
a_query_is_answered_now(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_query(fog, "node_load1 + 1"));
	assert_int_equal(fog->warden.result->points, 1);
	assert_true(fog->warden.result->point[0].value == 2.0);
	assert_string_equal(fog->warden.result->unknown, "");
	fog_load(fog, "5.00 2.00 3.00 1/100 1000\n");
	fake_run(fog->net, 5000);
	assert_true(fog_query(fog, "node_load1"));
	assert_true(fog->warden.result->point[0].value == 5.0);
}

static double
ask_one(const char *expression)
{
	assert_true(fog_query(fog, expression));
	if (fog->warden.result->points != 1)
		fail_msg("%s: %u points (%s)", expression, fog->warden.result->points,
		    fog->warden.result->unknown);
	return fog->warden.result->point[0].value;
}

static void
what_monitoring_costs_is_told_by_destination_and_item_RPT_07(void **state)
{
	struct reporter_stats stats;
	struct reporter_item item;
	double bytes;

	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 1000))));
	fake_run(fog->net, 20000);
	bytes = ask_one("fogwatch_agent_report_bytes_total");
	reporter_stats(uplink_reporter(fog_uplink(fog)), &stats);
	reporter_item(uplink_reporter(fog_uplink(fog)), 7, &item);
	assert_true(bytes > 0 && bytes <= (double)stats.bytes);
	bytes = ask_one("fogwatch_agent_item_bytes_total{item=\"7\"}");
	assert_true(bytes > 0 && bytes <= (double)item.bytes);
	assert_true(
	    ask_one("sum by (destination) (fogwatch_agent_sent_bytes_total)") > 0);
	assert_true(ask_one("fogwatch_agent_source_reads_total") >= 20);
	assert_true(ask_one("fogwatch_agent_loop_lag_seconds") >= 0);
	assert_true(ask_one("fogwatch_agent_wakeups_total") >= 0);
	assert_true(fog_query(fog, "fogwatch_agent_item_bytes_total{item=\"8\"}"));
	assert_int_equal(fog->warden.result->points, 0);
}

/* CMP-08: what is not known is told as that, never as zero. */
static void
a_query_without_data_says_why(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_query(fog, "node_pressure_avg10_ratio"));
	assert_int_equal(fog->warden.result->points, 0);
	assert_string_not_equal(fog->warden.result->unknown, "");
	assert_true(fog_query(fog, "no_such_metric"));
	assert_non_null(strstr(fog->warden.result->unknown, "no_such_metric"));
}

static void
results_made_meanwhile_are_sent_afterwards(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 1000))));
	fake_run(fog->net, 5000);
	fog_warden_stop(fog);
	fake_run(fog->net, 60000);
	fog_warden_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 5000));
	fake_run(fog->net, 5000);
	assert_true(fog->warden.points >= 65);
	unsigned gaps = 0;
	for (unsigned i = 1; i < fog->warden.points; i++)
		gaps += fog->warden.point[i].time_ms - fog->warden.point[i - 1].time_ms >
		    1000;
	assert_int_equal(gaps, 0);
}

static void
a_plan_of_nothing_but_unknown_metrics_is_declined_with_its_item(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(3, "node_load1", 1000))));
	assert_false(
	    fog_plan(fog, plan_of(2, fog_item(2, "rate(no_such_metric[1m])", 1000))));
	assert_int_equal(fog->warden.outcome, GRASP_DECLINED);
	assert_non_null(strstr(fog->warden.reason, "policy: item 2: "));
	assert_non_null(strstr(fog->warden.reason, "no_such_metric"));
	assert_int_equal(plan_version(uplink_plan(fog_uplink(fog))), 1);
	fake_run(fog->net, 3000);
	assert_int_equal(fog->warden.point[fog->warden.points - 1].item, 3);
}

/* Item 1 can be measured, item 2 cannot. */
static const struct fog_plan *
half_a_plan(uint64_t version)
{
	struct fog_plan *plan = plan_of(version, fog_item(1, "node_load5", 1000));

	plan->item[plan->items++] = fog_item(2, "rate(no_such_metric[1m])", 1000);
	return plan;
}

static void
what_cannot_be_measured_is_left_out_of_a_counter_offer(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(3, "node_load1", 1000))));
	assert_true(fog_plan(fog, half_a_plan(2)));
	assert_int_equal(fog->warden.counters, 1);
	assert_int_equal(fog->warden.counter_items, 1);
	assert_non_null(strstr(fog->warden.counter_why, "item 2: "));
	assert_non_null(strstr(fog->warden.counter_why, "no_such_metric"));
	fake_run(fog->net, 3000); /* it is agreed: it runs */
	assert_int_equal(plan_version(uplink_plan(fog_uplink(fog))), 2);
	assert_int_equal(plan_len(uplink_plan(fog_uplink(fog))), 1);
	assert_int_equal(fog->warden.point[fog->warden.points - 1].item, 1);
}

static void
a_counter_offer_that_is_refused_changes_nothing(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(3, "node_load1", 1000))));
	fog->warden.refuses_counters = true;
	assert_false(fog_plan(fog, half_a_plan(2)));
	fake_run(fog->net, 3000);
	assert_int_equal(plan_version(uplink_plan(fog_uplink(fog))), 1);
	assert_int_equal(fog->warden.point[fog->warden.points - 1].item, 3);
}

static void
who_insists_is_offered_the_same_until_the_loop_count_is_spent(void **state)
{
	(void)state;
	start_registered();
	fog->warden.insists = 1;
	assert_true(fog_plan(fog, half_a_plan(2)));
	assert_int_equal(fog->warden.counters, 2);
	fake_run(fog->net, 1000);
	assert_int_equal(plan_version(uplink_plan(fog_uplink(fog))), 2);
	fog->warden.counters = 0;
	fog->warden.insists = 2;
	assert_true(fog_plan(fog, half_a_plan(3)));
	assert_in_range(fog->warden.counters, 1, 6);
}

static void
a_plan_above_the_budget_of_reports_is_offered_slower(void **state)
{
	struct plan_item_state s;

	(void)state;
	fog->cfg.report.budget = 16; /* ten values take three times as much */
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(3, "node_load1", 100))));
	assert_int_equal(fog->warden.counters, 1);
	assert_int_equal(fog->warden.counter_period_ms, 300);
	assert_non_null(strstr(fog->warden.counter_why, "report.budget is 16"));
	fake_run(fog->net, 1000);
	plan_item(uplink_plan(fog_uplink(fog)), 0, &s);
	assert_int_equal(s.item->period_ms, 300);
	/* what it can afford is as it was asked for */
	assert_true(fog_plan(fog, plan_of(2, fog_item(3, "node_load1", 10000))));
	assert_int_equal(fog->warden.counters, 1);
}

/* What comes later joins the reports of what is there. */
static void
items_are_evaluated_on_one_grid(void **state)
{
	struct plan_item_state a, b;
	struct fog_plan *plan;

	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(3, "node_load1", 4000))));
	fake_run(fog->net, 5300);
	plan = plan_of(2, fog_item(3, "node_load1", 4000));
	plan->item[plan->items++] = fog_item(4, "node_load5", 1000);
	assert_true(fog_plan(fog, plan));
	fake_run(fog->net, 100);
	plan_item(uplink_plan(fog_uplink(fog)), 0, &a);
	plan_item(uplink_plan(fog_uplink(fog)), 1, &b);
	assert_int_equal((a.due_ms - b.due_ms) % 1000, 0);
	assert_int_equal(b.evaluations, 1); /* it has begun at once */
}

/* S-08 */
static void
an_older_plan_is_declined_and_a_repeated_one_is_not_S_08(void **state)
{
	struct plan_item item = fog_item(1, "node_load1", 1000);

	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(5, item)));
	assert_true(fog_plan(fog, plan_of(5, item)));
	assert_false(fog_plan(fog, plan_of(4, item)));
	assert_non_null(strstr(fog->warden.reason, "version: "));
	assert_false(fog_plan(fog, plan_of(5, fog_item(1, "node_load5", 1000))));
	assert_true(fog_plan(fog, plan_of(6, fog_item(1, "node_load5", 1000))));
}

static void
rules_come_with_a_plan_and_go_with_it_CMP_04(void **state)
{
	struct fog_plan *plan = calloc(1, sizeof *plan);
	uint8_t memory[128];
	struct buf rule;
	char why[160];

	(void)state;
	assert_non_null(plan);
	start_registered();
	buf_init_fixed(&rule, memory, sizeof memory);
	assert_int_equal(expr_parse("2 * node_load1", &rule, why, sizeof why), 0);
	plan->version = 4;
	plan->rules = 1;
	plan->rule[0] = (struct plan_rule){ "site:load", "tasks", buf_slice(&rule) };
	plan->items = 1;
	plan->item[0] = fog_item(7, "max_over_time(site:load[10s])", 1000);
	assert_true(fog_plan(fog, plan));
	fake_run(fog->net, 3500);
	assert_true(sampler_knows(fog->agent->sampler, "site:load"));
	assert_true(fog->warden.points > 0);
	/* A plan that is refused changes nothing. */
	plan->version = 5;
	plan->rule[0].name[0] = 'S';
	assert_false(fog_plan(fog, plan));
	assert_true(sampler_knows(fog->agent->sampler, "site:load"));
	assert_false(sampler_knows(fog->agent->sampler, "Site:load"));
	plan->version = 6;
	plan->rules = 0;
	plan->item[0] = fog_item(7, "node_load1", 1000);
	assert_true(fog_plan(fog, plan));
	assert_false(sampler_knows(fog->agent->sampler, "site:load"));
	free(plan);
}

static void
a_dry_run_only_says_whether_it_would(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_dry_plan(fog, plan_of(5, fog_item(1, "node_load1", 1000))));
	assert_int_equal(plan_version(uplink_plan(fog_uplink(fog))), 0);
	assert_false(fog_dry_plan(fog, plan_of(5, fog_item(1, "nothing", 1000))));
}

/* PLN-07 */
static void
the_last_plan_runs_after_a_restart_before_a_controller_is_there(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(9, fog_item(7, "node_load1", 1000))));
	fog_agent_stop(fog);
	fog_warden_stop(fog);
	fog_agent_start(fog);
	fake_run(fog->net, 5000);
	struct reporter_stats s;
	reporter_stats(uplink_reporter(fog_uplink(fog)), &s);
	assert_in_range(s.waiting, 5, 8); /* what was not accepted before is among them */
	fog->warden.points = 0;
	fog_warden_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	fake_run(fog->net, 2000);
	assert_true(fog->warden.points >= 6);
	assert_int_equal(fog->warden.last.plan_version, 9);
}

static void
change_plan_file(long at, int bit)
{
	char path[512];

	snprintf(path, sizeof path, "%s/state/domains/operator1/plan", fog->dir);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	int byte = fgetc(f);
	if (bit < 0) {
		assert_int_equal(ftruncate(fileno(f), at), 0);
	} else {
		fseek(f, at, SEEK_SET);
		fputc(byte ^ 1 << bit, f);
	}
	fclose(f);
}

static long
keep_plan(uint64_t version)
{
	char path[512];
	struct stat st;

	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 10000));
	fake_run(fog->net, 10);
	assert_true(fog_plan(fog, plan_of(version, fog_item(7, "node_load1", 1000))));
	fog_agent_stop(fog);
	snprintf(path, sizeof path, "%s/state/domains/operator1/plan", fog->dir);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* each byte changed, and cut off there. */
static void
a_damaged_plan_file_is_noticed_and_put_aside(void **state)
{
	long size = keep_plan(1);

	(void)state;
	for (long at = 0; at < size; at++)
		for (int how = -1; how < 8; how += 9) {
			char aside[512];

			change_plan_file(at, how < 0 ? how : (int)(at % 8));
			fog_agent_start(fog);
			assert_int_equal(plan_version(uplink_plan(fog_uplink(fog))), 0);
			fog_agent_stop(fog);
			snprintf(aside, sizeof aside,
			    "%s/state/domains/operator1/plan.bad", fog->dir);
			assert_int_equal(unlink(aside), 0);
			keep_plan((uint64_t)(2 * at + how + 3));
		}
}

/* After its own restart the controller counts anew; its plans are taken all the same. */
static void
a_new_epoch_may_begin_with_a_lower_version(void **state)
{
	struct plan_item item = fog_item(1, "node_load1", 1000);

	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(50, item)));
	fog_warden_stop(fog);
	fake_run(fog->net, 15000);
	fog_warden_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 5000));
	fake_run(fog->net, 10);
	assert_true(fog_plan(fog, plan_of(1, item)));
}

static void
a_plan_from_a_stranger_is_declined(void **state)
{
	struct plan_item item = fog_item(1, "node_load1", 1000);
	struct addr agent = { .port = GRASP_LISTEN_PORT };
	struct grasp_link *own;

	(void)state;
	start_registered();
	own = fog->warden.link;
	assert_int_equal(addr_parse("[2001:db8::a]:7017", &agent), 0);
	assert_int_equal(
	    grasp_link_open(fog->warden.node, &agent, NULL, NULL, &fog->warden.link), 0);
	assert_false(fog_plan(fog, plan_of(1, item)));
	assert_non_null(strstr(fog->warden.reason, "policy: "));
	fog->warden.link = own;
	assert_true(fog_plan(fog, plan_of(1, item)));
}

/* RPT-02, RPT-06 */
static void
an_on_change_item_is_quiet_while_nothing_changes(void **state)
{
	struct plan_item item = fog_item(7, "node_load1", 1000);

	(void)state;
	item.mode = PLAN_ON_CHANGE;
	item.deadband = 0.5;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, item)));
	fake_run(fog->net, 30000);
	assert_int_equal(fog->warden.points, 1);
	fog_load(fog, "1.40 2.00 3.00 1/100 1000\n");
	fake_run(fog->net, 5000);
	assert_int_equal(fog->warden.points, 1);
	fog_load(fog, "1.60 2.00 3.00 1/100 1000\n");
	fake_run(fog->net, 5000);
	assert_int_equal(fog->warden.points, 2);
	assert_true(fog->warden.point[1].value == 1.6);
}

static void
an_on_change_item_reports_at_least_at_its_heartbeat(void **state)
{
	struct plan_item item = fog_item(7, "node_load1", 1000);

	(void)state;
	item.mode = PLAN_ON_CHANGE;
	item.heartbeat_ms = 10000;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, item)));
	fake_run(fog->net, 60000);
	assert_in_range(fog->warden.points, 6, 7);
}

/* CMP-08, MET-09 */
static void
a_source_that_dies_is_reported_as_unknown_with_the_reason(void **state)
{
	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 1000))));
	fake_run(fog->net, 5000);
	fog_load(fog, "garbage\n");
	fake_run(fog->net, 5000);
	assert_true(isnan(fog->warden.point[fog->warden.points - 1].value));
	assert_string_not_equal(fog->warden.point[fog->warden.points - 1].reason, "");
}

/* The next number, or behind a gap that was told. */
static bool
follows(const struct warden *w, unsigned i)
{
	uint64_t expected = w->point[i - 1].number + 1;

	for (unsigned e = 0; e < w->events; e++)
		if (w->event[e].first == expected)
			expected = w->event[e].last + 1;
	return w->point[i].number == expected;
}

/* RPT-05, RPT-11, R-23 */
static void
what_does_not_fit_into_the_journal_is_dropped_oldest_first(void **state)
{
	const struct warden *w;
	struct reporter_stats s;

	(void)state;
	fog_free(fog);
	fog = fog_new("report: {journal: 16KiB}\n");
	w = &fog->warden;
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 100))));
	fake_run(fog->net, 1000);
	fog_warden_stop(fog);
	fake_run(fog->net, 600000);
	reporter_stats(uplink_reporter(fog_uplink(fog)), &s);
	assert_true(s.dropped > 1000);
	assert_true(s.gaps > 0);
	assert_in_range(s.waiting + s.dropped, 5950, 6020);
	fog_warden_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	fake_run(fog->net, 20000);
	reporter_stats(uplink_reporter(fog_uplink(fog)), &s);
	assert_in_range(s.waiting, 0, 30);
	assert_int_equal(w->duplicates, 0);
	for (unsigned i = 1; i < w->points; i++)
		assert_true(follows(w, i));
}

static void
a_busy_controller_gets_the_same_report_again(void **state)
{
	(void)state;
	start_registered();
	fog->warden.decline_reports = "busy: later";
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 1000))));
	fake_run(fog->net, 20000);
	assert_int_equal(fog->warden.points, 0);
	assert_in_range(fog->warden.reports, 3, 10);
	fog->warden.decline_reports = NULL;
	fake_run(fog->net, 12000);
	assert_true(fog->warden.points >= 30);
	assert_int_equal(fog->warden.point[0].number, 1);
}

static void
a_report_that_is_refused_for_good_does_not_block_others(void **state)
{
	(void)state;
	start_registered();
	fog->warden.decline_reports = "malformed: no";
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 1000))));
	fake_run(fog->net, 10000);
	fog->warden.decline_reports = NULL;
	fake_run(fog->net, 5000);
	assert_in_range(fog->warden.points, 4, 6);
	assert_true(fog->warden.point[0].number > 8);
}

static void
a_controller_that_does_not_answer_reports_is_left_and_found_again(void **state)
{
	(void)state;
	start_registered();
	fog->warden.deaf_to_reports = true;
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 1000))));
	assert_true(fog_until(fog, fog_is_lost, 40000));
	fog->warden.deaf_to_reports = false;
	assert_true(fog_until(fog, fog_is_registered, 10000));
	fake_run(fog->net, 20000);
	assert_int_equal(fog->warden.registrations, 2);
	assert_int_equal(fog->warden.point[0].number, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOG_TEST(a_plan_is_run_and_its_results_are_reported),
		FOG_TEST(periods_do_not_drift),
		FOG_TEST(without_a_plan_nothing_is_read),
		FOG_TEST(two_items_share_one_sampling),
		FOG_TEST(a_query_is_answered_now),
		FOG_TEST(what_monitoring_costs_is_told_by_destination_and_item_RPT_07),
		FOG_TEST(a_query_without_data_says_why),
		FOG_TEST(results_made_meanwhile_are_sent_afterwards),
		FOG_TEST(a_plan_of_nothing_but_unknown_metrics_is_declined_with_its_item),
		FOG_TEST(what_cannot_be_measured_is_left_out_of_a_counter_offer),
		FOG_TEST(a_counter_offer_that_is_refused_changes_nothing),
		FOG_TEST(who_insists_is_offered_the_same_until_the_loop_count_is_spent),
		FOG_TEST(a_plan_above_the_budget_of_reports_is_offered_slower),
		FOG_TEST(items_are_evaluated_on_one_grid),
		FOG_TEST(an_older_plan_is_declined_and_a_repeated_one_is_not_S_08),
		FOG_TEST(rules_come_with_a_plan_and_go_with_it_CMP_04),
		FOG_TEST(a_dry_run_only_says_whether_it_would),
		FOG_TEST(the_last_plan_runs_after_a_restart_before_a_controller_is_there),
		FOG_TEST(a_damaged_plan_file_is_noticed_and_put_aside),
		FOG_TEST(a_new_epoch_may_begin_with_a_lower_version),
		FOG_TEST(a_plan_from_a_stranger_is_declined),
		FOG_TEST(an_on_change_item_is_quiet_while_nothing_changes),
		FOG_TEST(an_on_change_item_reports_at_least_at_its_heartbeat),
		FOG_TEST(a_source_that_dies_is_reported_as_unknown_with_the_reason),
		FOG_TEST(what_does_not_fit_into_the_journal_is_dropped_oldest_first),
		FOG_TEST(a_busy_controller_gets_the_same_report_again),
		FOG_TEST(a_report_that_is_refused_for_good_does_not_block_others),
		FOG_TEST(
		    a_controller_that_does_not_answer_reports_is_left_and_found_again),
	};

	log_open("test_agent_plan", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
