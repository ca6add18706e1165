/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as a whole in a fake world: discovery, registration, plan, report, query. */
#include "base/addr_text.h"
#include "base/log.h"
#include "tests/support/fog.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fog *fog;

static int
setup(void **state)
{
	(void)state;
	fog = fog_new(NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fog_free(fog);
	return 0;
}

static void
start_registered(void)
{
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	fake_run(fog->net, 10);
}

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

/* DISC-03, DISC-04, REG-01, REG-10 */
static void
a_node_that_starts_is_registered_within_two_seconds_F_11_DISC_03_REG_01(void **state)
{
	int64_t start = fake_now(fog->net);

	(void)state;
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_true(fake_now(fog->net) - start < 1000);
	fake_run(fog->net, 10);
	assert_int_equal(fog->warden.registrations, 1);
	assert_int_equal(fog->warden.ended, 1);
	assert_memory_equal(
	    &fog->warden.last.node, &fog->identity.id, sizeof fog->identity.id);
	assert_string_equal(fog->warden.last.name, "rover");
	assert_string_equal(fog->warden.last.domain, "operator1");
	assert_string_equal(fog->warden.caps.type, "robot");
	assert_false(fog->warden.last.renew);
}

/* REG-10: at boot an address is tentative for a second or two, and the node must not have slowed
 * down by then. */
static void
a_node_whose_address_comes_late_registers_as_soon_as_it_is_there(void **state)
{
	(void)state;
	fake_detach(fog->host, fog->ifindex);
	fog_agent_start(fog);
	fake_run(fog->net, 20000);
	assert_false(fog_is_registered(fog));
	fog->ifindex = fake_attach(fog->host, 1, "fe80::a", "2001:db8::a", NULL);
	assert_true(fog_until(fog, fog_is_registered, 400));
}

/* DISC-05, security.md §6.2 (f) */
static void
a_flood_alone_is_enough_DISC_05(void **state)
{
	(void)state;
	fog_agent_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_int_equal(fog->warden.searches, 0);
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

/* The acceptance: killing and restarting the controller registers the node again, untouched. */
static void
a_controller_that_comes_back_gets_the_node_again(void **state)
{
	(void)state;
	start_registered();
	fog_warden_stop(fog);
	assert_true(fog_until(fog, fog_is_lost, 15000));
	fake_run(fog->net, 30000);
	assert_false(fog_is_registered(fog));
	fog_warden_start(fog);
	int64_t back = fake_now(fog->net);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 5000));
	assert_true(fake_now(fog->net) - back < 1000);
	assert_int_equal(fog->warden.registrations, 2);
}

/* Without floods its own attempts find it again, at most after the longest back-off. */
static void
a_controller_that_comes_back_silently_is_found_too(void **state)
{
	(void)state;
	start_registered();
	fog_warden_stop(fog);
	fake_run(fog->net, 300000);
	fog_warden_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 90000));
}

/* R-11, reliability.md §3: silence of five heartbeats. */
static void
a_silent_controller_is_given_up(void **state)
{
	(void)state;
	start_registered();
	int64_t then = fake_now(fog->net);
	fog_warden_stop(fog);
	assert_true(fog_until(fog, fog_is_lost, 20000));
	assert_in_range(fake_now(fog->net) - then, 0, 12000);
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

/* REG-08 */
static void
the_lease_is_renewed_at_a_quarter_of_it(void **state)
{
	(void)state;
	start_registered();
	unsigned before = fog->warden.renewals;
	fake_run(fog->net, 100000);
	assert_in_range(fog->warden.renewals - before, 20, 24);
	assert_int_equal(fog->warden.registrations, 1);
	assert_true(fog->warden.last.renew);
}

/* REG-09 */
static void
a_controller_that_forgot_the_node_gets_its_registration_again(void **state)
{
	(void)state;
	start_registered();
	struct grasp_link *link = fog->warden.link;
	fog->warden.forgets = true;
	fake_run(fog->net, 8000);
	assert_true(fog_is_registered(fog));
	assert_int_equal(fog->warden.registrations, 2);
	assert_ptr_equal(fog->warden.link, link);
}

/* DISC-14, reliability.md §7 */
static void
a_refused_node_tries_ever_more_slowly_and_never_stops_G_102(void **state)
{
	(void)state;
	fog->warden.decline = "full: no more nodes";
	fog_agent_start(fog);
	fake_run(fog->net, 60000);
	unsigned minute = fog->warden.registrations;
	assert_in_range(minute, 2, 20);
	fake_run(fog->net, 600000);
	unsigned ten = fog->warden.registrations - minute;
	assert_in_range(ten, 10, 40);
	fake_run(fog->net, 600000);
	assert_true(fog->warden.registrations - minute - ten >= 10);
	assert_non_null(
	    strstr(uplink_trouble(fog_uplink(fog)), "full: no more nodes"));
	fog->warden.decline = NULL;
	assert_true(fog_until(fog, fog_is_registered, 120000));
}

static void
discovery_slows_down_and_never_stops(void **state)
{
	const struct bootstrap *b;

	(void)state;
	fog_warden_stop(fog);
	fog_agent_start(fog);
	b = uplink_bootstrap(fog_uplink(fog));
	fake_run(fog->net, 10000);
	assert_in_range(bootstrap_searches(b), 5, 8);
	fake_run(fog->net, 3600000);
	uint64_t hour = bootstrap_searches(b);
	assert_in_range(hour, 50, 90);
	fake_run(fog->net, 3600000);
	assert_in_range(bootstrap_searches(b) - hour, 45, 85);
}

/* DOM-02 */
static void
a_controller_of_another_domain_is_passed_over_DOM_02(void **state)
{
	(void)state;
	strcpy(fog->warden.self.domain, "operator2");
	fog_agent_start(fog);
	fog_warden_flood(fog);
	fake_run(fog->net, 60000);
	assert_int_equal(fog->warden.registrations, 0);
	assert_true(fog->warden.searches > 0);
}

/* SC-10, SCP-04 */
static void
a_controller_for_other_nodes_is_passed_over_SC_10_SCP_04(void **state)
{
	(void)state;
	strcpy(fog->warden.self.scope, "type=gateway");
	fog_agent_start(fog);
	fog_warden_flood(fog);
	fake_run(fog->net, 60000);
	assert_int_equal(fog->warden.registrations, 0);
}

/* --- neighbours ------------------------------------------------------------------------------- */

/* A second agent in the world of the first one, fe80::b / 2001:db8::b. */
static struct fog *
newcomer_new(const char *yaml)
{
	struct fog *f = fog_new(yaml);

	fog_warden_stop(f);
	f->host = fake_host_new(fog->net);
	f->ifindex = fake_attach(f->host, 1, "fe80::b", "2001:db8::b", NULL);
	return f;
}

static bool
is_from_controller(const struct fake_packet *p)
{
	return p->from.ip.s6_addr[15] == 0xc;
}

/* Whatever the controller says by itself is lost: floods, and answers to discoveries. */
static bool
controller_is_not_heard(void *arg, const struct fake_packet *p)
{
	(void)arg;
	return !is_from_controller(p) ||
	    (p->kind != FAKE_DATAGRAM && p->kind != FAKE_OPEN);
}

static bool
newcomer_registers(struct fog *newcomer, int64_t max_ms)
{
	bool done;

	fog_agent_start(newcomer);
	done = fake_run_until(fog->net, fog_is_registered, newcomer, max_ms);
	fog_agent_stop(newcomer);
	return done;
}

static void
a_neighbour_tells_of_the_controller_whose_answers_are_all_lost_DISC_09_F_10(void **state)
{
	struct fog *newcomer = newcomer_new(NULL);
	struct grasp_msg msg;
	bool diverted = false;

	(void)state;
	start_registered();
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	assert_true(newcomer_registers(newcomer, 3000));
	for (unsigned i = 0; fake_message(fog->net, M_RESPONSE, i, &msg); i++)
		diverted |= msg.diverted;
	assert_true(diverted);
	fog_free(newcomer);
}

static void
a_controller_that_was_configured_is_told_too_once_it_gave_a_lease_DISC_09(void **state)
{
	struct fog *newcomer = newcomer_new(NULL);

	(void)state;
	fog_free(fog);
	fog = fog_new("controllers: [\"[2001:db8::c]:7017\"]\n");
	fog_free(newcomer);
	newcomer = newcomer_new(NULL);
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	start_registered();
	assert_true(newcomer_registers(newcomer, 3000));
	fog_free(newcomer);
}

static void
a_configured_controller_that_never_gave_a_lease_is_not_told(void **state)
{
	struct fog *newcomer;

	(void)state;
	fog_free(fog);
	fog = fog_new("controllers: [\"[2001:db8::c]:7017\"]\n");
	newcomer = newcomer_new(NULL);
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	fog->warden.decline = "full";
	fog_agent_start(fog);
	fake_run(fog->net, 3000);
	assert_false(newcomer_registers(newcomer, 10000));
	assert_int_equal(fake_count(fog->net, M_RESPONSE), 0);
	fog_free(newcomer);
}

static void
with_assist_off_nobody_is_told_F_10(void **state)
{
	struct fog *newcomer;

	(void)state;
	fog_free(fog);
	fog = fog_new("grasp: {neighbour-assist: off}\n");
	newcomer = newcomer_new(NULL);
	start_registered();
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	assert_false(newcomer_registers(newcomer, 10000));
	fog_free(newcomer);
}

/* Who tells of a controller that is none costs the newcomer one attempt. */
static void
a_diverted_locator_is_no_more_than_a_hint_DISC_09_S_01(void **state)
{
	struct fog *newcomer;
	const struct candidate *list;

	(void)state;
	start_registered();
	newcomer = newcomer_new(NULL);
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	fog->warden.mute = true;
	fog_agent_start(newcomer);
	fake_run(fog->net, 3000);
	assert_int_equal(
	    bootstrap_candidates(uplink_bootstrap(fog_uplink(newcomer)), &list), 1);
	assert_false(list[0].proven);
	assert_int_not_equal(list[0].expires_ms, INT64_MAX);
	fog_agent_stop(newcomer);
	fog_free(newcomer);
}

/* Two links, an agent between them: the newcomer is two hops from the controller. */
static void
an_agent_between_two_links_relays_for_others_F_16_DISC_07(void **state)
{
	struct fog *newcomer;

	(void)state;
	fog_free(fog);
	fog = fog_new("grasp: {neighbour-assist: off}\n");
	fake_attach(fog->host, 2, "fe80::a", "2001:db8:2::a", NULL);
	newcomer = newcomer_new(NULL);
	fake_detach(newcomer->host, newcomer->ifindex);
	newcomer->ifindex =
	    fake_attach(newcomer->host, 2, "fe80::b", "2001:db8:2::b", NULL);
	start_registered();
	fake_run(fog->net, 2000);
	unsigned before = fog->warden.searches;
	fog_agent_start(newcomer);
	fake_run(fog->net, 3000);
	assert_true(fog->warden.searches > before);
	fog_agent_stop(newcomer);
	fog_free(newcomer);
}

static bool
heard_of_two(void *arg)
{
	const struct candidate *list;
	struct fog *f = arg;

	return bootstrap_candidates(uplink_bootstrap(fog_uplink(f)), &list) == 2;
}

static void
all_controllers_that_answer_are_kept_F_13_G_076(void **state)
{
	struct fog_id id;

	(void)state;
	fog->warden.decline = "busy";
	fog_agent_start(fog);
	fake_run(fog->net, 1000);
	/* another one at another address */
	struct warden first = fog->warden;
	memset(&fog->warden.self.id, 0xc1, sizeof id);
	fog->warden.host = fake_host_new(fog->net);
	fake_attach(fog->warden.host, 1, "fe80::d", "2001:db8::d", NULL);
	struct grasp_config cfg = { .link_local = true };
	assert_int_equal(
	    grasp_node_new(fake_host_io(fog->warden.host), &cfg, &fog->warden.node), 0);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, heard_of_two, 1000));
	grasp_node_free(fog->warden.node);
	fog->warden.host = first.host;
	fog->warden.node = first.node;
}

/* The agent does not know by which of its attributes a controller is looked for. */
static void
a_search_goes_to_the_groups_of_all_attributes_with_one_session_F_07_SC_12(void **state)
{
	struct grasp_msg first, msg;
	unsigned scoped = 0, i;

	(void)state;
	fog_free(fog);
	fog = fog_new("scopes: {type: robot}\ngrasp: {hops: 4}\n");
	fog_agent_start(fog);
	fake_run(fog->net, 900);
	assert_non_null(fake_message(fog->net, M_DISCOVERY, 0, &first));
	assert_int_equal(first.objective.loop_count, 4);
	for (i = 1; i < 3; i++) {
		const struct fake_packet *p =
		    fake_message(fog->net, M_DISCOVERY, i, &msg);

		assert_non_null(p);
		assert_int_equal(msg.session_id, first.session_id);
		assert_int_equal(msg.objective.loop_count, 1);
		assert_int_equal(p->hops, 4);
		scoped += p->to.ip.s6_addr[0] == 0xff && p->to.ip.s6_addr[1] == 0x14;
	}
	assert_int_equal(scoped, 2); /* admin=operator1 and type=robot */
}

static void
with_link_local_off_only_groups_are_spoken_to_F_07_SCP_03(void **state)
{
	const struct fake_packet *p;

	(void)state;
	fog_free(fog);
	fog = fog_new("grasp: {link-local: no}\n");
	fog_agent_start(fog);
	fake_run(fog->net, 3000);
	for (unsigned i = 0; (p = fake_message(fog->net, M_DISCOVERY, i, NULL)); i++)
		assert_int_equal(p->to.ip.s6_addr[1], 0x14);
	assert_true(fake_count(fog->net, M_DISCOVERY) > 0);
}

static void
the_domain_counts_as_an_admin_scope_SC_09_SC_10(void **state)
{
	(void)state;
	strcpy(fog->warden.self.scope, "admin=operator1");
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
}

static void
a_controller_for_a_circle_gets_the_nodes_in_it_SC_10_SCP_07(void **state)
{
	struct grasp_msg msg;
	struct fog_domain d;

	(void)state;
	fog_free(fog);
	fog = fog_new(NULL);
	strcpy(
	    fog->cfg.domain[0].attributes, "admin=operator1;geo=ezjm6my538uu;position=40.33,-3.76");
	strcpy(fog->warden.self.scope, "circle=40.33,-3.77,800");
	fog_agent_start(fog);
	fake_run(fog->net, 10000);
	assert_int_equal(fog->warden.registrations, 0);
	strcpy(fog->warden.self.scope, "circle=40.33,-3.77,900");
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_non_null(fake_message(fog->net, M_DISCOVERY, 0, &msg));
	assert_int_equal(fog_domain_decode(msg.objective.value, &d), 0);
	assert_string_equal(d.scope, "admin=operator1;geo=ezjm6m"); /* G-126 */
	assert_int_equal(d.hops, 6);
}

/* DISC-21, and principle 1: a word by multicast does not end a session. */
static void
a_controller_that_leaves_is_not_run_after(void **state)
{
	(void)state;
	start_registered();
	fog->warden.self.leaving = true;
	fog_warden_flood(fog);
	fake_run(fog->net, 1000);
	assert_true(fog_is_registered(fog));
	fog_warden_stop(fog);
	fog->warden.self.leaving = false;
	fake_run(fog->net, 15000);
	assert_false(fog_is_registered(fog));
	fog_warden_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
}

/* F-02: the draft's advertisement makes the agent ask, and only now and then. */
static void
the_drafts_advertisement_makes_the_agent_ask_once_in_ten_seconds_F_02(void **state)
{
	struct grasp_objective o = { slice_text(FOGDOMAIN), F_DISC | F_SYNCH, 2,
		{ (const uint8_t *)"\x69operator1", 10 } };
	struct grasp_discovery *d;

	(void)state;
	fog->warden.decline = "busy";
	fog_agent_start(fog);
	fake_run(fog->net, 300000);
	unsigned before = fog->warden.searches;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(
		    grasp_discover(fog->warden.node, &o, 0, NULL, NULL, NULL, &d), 0);
		fake_run(fog->net, 500);
	}
	assert_in_range(fog->warden.searches - before, 1, 2);
}

static void
a_plan_with_an_unknown_metric_is_declined_with_its_item(void **state)
{
	struct fog_plan *plan = plan_of(1, fog_item(3, "node_load1", 1000));

	(void)state;
	start_registered();
	assert_true(fog_plan(fog, plan));
	plan = plan_of(2, fog_item(1, "node_load5", 1000));
	plan->item[plan->items++] = fog_item(2, "rate(no_such_metric[1m])", 1000);
	assert_false(fog_plan(fog, plan));
	assert_int_equal(fog->warden.outcome, GRASP_DECLINED);
	assert_non_null(strstr(fog->warden.reason, "policy: item 2: "));
	assert_non_null(strstr(fog->warden.reason, "no_such_metric"));
	assert_int_equal(plan_version(uplink_plan(fog_uplink(fog))), 1);
	fake_run(fog->net, 3000);
	assert_int_equal(fog->warden.point[fog->warden.points - 1].item, 3);
}

/* S-08 */
static void
an_older_plan_is_declined_and_a_repeated_one_is_not(void **state)
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
	assert_in_range(s.waiting, 5, 6);
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
			assert_int_equal(
			    plan_version(uplink_plan(fog_uplink(fog))), 0);
			fog_agent_stop(fog);
			snprintf(aside, sizeof aside, "%s/state/domains/operator1/plan.bad", fog->dir);
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

/* RPT-05, RPT-11 */
static void
what_does_not_fit_into_the_spool_is_dropped_oldest_first(void **state)
{
	struct reporter_stats s;

	(void)state;
	fog_free(fog);
	fog = fog_new("history: {spool: 4096B}\n");
	start_registered();
	assert_true(fog_plan(fog, plan_of(1, fog_item(7, "node_load1", 100))));
	fake_run(fog->net, 1000);
	fog_warden_stop(fog);
	fake_run(fog->net, 60000);
	reporter_stats(uplink_reporter(fog_uplink(fog)), &s);
	assert_true(s.dropped > 400);
	assert_in_range(s.waiting, 100, 128);
	fog->warden.points = 0;
	fog_warden_start(fog);
	int64_t back = fake_now(fog->net);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	fake_run(fog->net, 3000);
	assert_true(back - fog->warden.point[0].time_ms < 13000);
	for (unsigned i = 1; i < fog->warden.points; i++)
		assert_int_equal(
		    fog->warden.point[i].number, fog->warden.point[i - 1].number + 1);
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
	assert_true(fog_until(fog, fog_is_lost, 25000));
	fog->warden.deaf_to_reports = false;
	assert_true(fog_until(fog, fog_is_registered, 10000));
	fake_run(fog->net, 20000);
	assert_int_equal(fog->warden.registrations, 2);
	assert_int_equal(fog->warden.point[0].number, 1);
}

/* REG-07 */
static void
changed_capabilities_are_told_within_five_seconds(void **state)
{
	(void)state;
	start_registered();
	unsigned before = fog->warden.with_caps;
	fake_run(fog->net, 30000);
	assert_int_equal(fog->warden.with_caps, before);
	fog->cfg.node.energy = CAPS_HARVESTING;
	fake_run(fog->net, 5100);
	assert_int_equal(fog->warden.with_caps, before + 1);
	assert_int_equal(fog->warden.caps.energy, CAPS_HARVESTING);
	assert_int_equal(fog->warden.registrations, 1);
}

static void
a_changed_configuration_is_told_at_once(void **state)
{
	(void)state;
	start_registered();
	unsigned before = fog->warden.with_caps;
	free(fog->cfg.node.vendor);
	fog->cfg.node.vendor = strdup("ACME");
	agent_reconfigured(fog->agent);
	fake_run(fog->net, 100);
	assert_int_equal(fog->warden.with_caps, before + 1);
	assert_string_equal(fog->warden.caps.vendor, "ACME");
}

/* DISC-12: before the registration no message is above 2048 bytes. */
static void
a_node_with_much_to_tell_tells_it_in_two_steps(void **state)
{
	char word[65];

	(void)state;
	memset(word, 'w', 64);
	word[64] = 0;
	struct conf_map *tags = &fog->cfg.node.tags;
	tags->key = calloc(CAPS_TAGS_MAX, sizeof *tags->key);
	tags->value = calloc(CAPS_TAGS_MAX, sizeof *tags->value);
	for (; tags->len < CAPS_TAGS_MAX; tags->len++) {
		char key[16];

		snprintf(key, sizeof key, "tag%zu", tags->len);
		tags->key[tags->len] = strdup(key);
		tags->value[tags->len] = strdup(word);
	}
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_true(fog->warden.caps.tags < CAPS_TAGS_MAX);
	fake_run(fog->net, 100);
	assert_int_equal(fog->warden.caps.tags, CAPS_TAGS_MAX);
	assert_int_equal(fog->warden.registrations, 1);
	assert_int_equal(fog->warden.renewals, 1);
}

/* DISC-18 */
static void
a_configured_controller_needs_no_multicast(void **state)
{
	(void)state;
	fog_free(fog);
	fog = fog_new("controllers: ['[2001:db8::c]:7017']\ngrasp: {link-local: no}\n");
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_int_equal(fog->warden.searches, 0);
}

/* S-01: of many liars none keeps the agent from its controller. */
static void
fake_controllers_do_not_keep_a_node_from_its_own(void **state)
{
	struct grasp_locator nobody = {
		.kind = O_IPv6_LOCATOR, .proto = GRASP_TCP, .port = 7
	};
	struct fog_domain liar = { .has_id = true, .role = FOG_CONTROLLER };
	uint8_t memory[512];
	struct buf b;

	(void)state;
	start_registered();
	for (unsigned i = 0; i < 200; i++) {
		liar.id.bytes[0] = nobody.ip.s6_addr[15] = (uint8_t)i;
		nobody.ip.s6_addr[0] = 0x20;
		liar.epoch = i;
		buf_init_fixed(&b, memory, sizeof memory);
		fog_domain_encode(&liar, &b);
		struct grasp_objective o = { slice_text(FOGDOMAIN), F_DISC | F_SYNCH, 0,
			buf_slice(&b) };
		grasp_flood(fog->warden.node, &o, &nobody, 0);
		fake_run(fog->net, 20);
	}
	assert_true(fog_is_registered(fog));
	assert_int_equal(
	    fog_uplink(fog) ? uplink_registrations(fog_uplink(fog)) : 0, 1);
	fog_warden_stop(fog);
	fake_run(fog->net, 12000);
	fog_warden_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 30000));
}

/* DISC-06, F-12 */
static unsigned answers;

static void
note_answer(void *arg, const struct grasp_found *found)
{
	(void)arg, (void)found;
	answers++;
}

static unsigned
look_for(const char *name, const char *value)
{
	uint8_t memory[128];
	struct grasp_discovery *d;
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	wr_text(&b, value);
	struct grasp_objective o = { slice_text(name), F_DISC, 1, buf_slice(&b) };
	answers = 0;
	assert_int_equal(
	    grasp_discover(fog->warden.node, &o, 500, note_answer, NULL, NULL, &d), 0);
	fake_run(fog->net, 1000);
	return answers;
}

static void
only_nodes_with_the_property_answer_a_search_for_it_F_12_DISC_06_SCP_04(void **state)
{
	(void)state;
	start_registered();
	assert_int_equal(look_for(FOGNODEDOMAIN, "operator1"), 1);
	assert_int_equal(look_for(FOGNODEDOMAIN, "operator2"), 0);
	assert_int_equal(look_for(FOGNODERADIO, "no-such-radio"), 0);
}

static unsigned
look_for_role(enum fog_role role)
{
	struct fog_domain d = { .role = role, .domain = "operator1" };
	struct grasp_discovery *discovery;
	uint8_t memory[128];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	fog_domain_encode(&d, &b);
	struct grasp_objective o = { slice_text(FOGNODEDOMAIN), F_DISC, 1,
		buf_slice(&b) };
	answers = 0;
	assert_int_equal(grasp_discover(fog->warden.node, &o, 500, note_answer, NULL,
			     NULL, &discovery),
	    0);
	fake_run(fog->net, 1000);
	return answers;
}

static void
who_looks_for_his_controller_under_the_other_name_gets_no_node_F_05(void **state)
{
	(void)state;
	start_registered();
	assert_int_equal(look_for_role(FOG_AGENT), 0);
	assert_int_equal(look_for(FOGNODEDOMAIN, "operator1"), 1);
}

static void
an_agent_never_answers_for_a_controller_F_01(void **state)
{
	(void)state;
	start_registered();
	assert_int_equal(look_for(FOGDOMAIN, "operator1"), 0);
}

#define FOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOG_TEST(
		    a_node_that_starts_is_registered_within_two_seconds_F_11_DISC_03_REG_01),
		FOG_TEST(
		    a_node_whose_address_comes_late_registers_as_soon_as_it_is_there),
		FOG_TEST(a_flood_alone_is_enough_DISC_05),
		FOG_TEST(a_plan_is_run_and_its_results_are_reported),
		FOG_TEST(periods_do_not_drift),
		FOG_TEST(without_a_plan_nothing_is_read),
		FOG_TEST(two_items_share_one_sampling),
		FOG_TEST(a_query_is_answered_now),
		FOG_TEST(a_query_without_data_says_why),
		FOG_TEST(a_controller_that_comes_back_gets_the_node_again),
		FOG_TEST(a_controller_that_comes_back_silently_is_found_too),
		FOG_TEST(a_silent_controller_is_given_up),
		FOG_TEST(results_made_meanwhile_are_sent_afterwards),
		FOG_TEST(the_lease_is_renewed_at_a_quarter_of_it),
		FOG_TEST(a_controller_that_forgot_the_node_gets_its_registration_again),
		FOG_TEST(a_refused_node_tries_ever_more_slowly_and_never_stops_G_102),
		FOG_TEST(discovery_slows_down_and_never_stops),
		FOG_TEST(a_controller_of_another_domain_is_passed_over_DOM_02),
		FOG_TEST(a_controller_for_other_nodes_is_passed_over_SC_10_SCP_04),
		FOG_TEST(
		    a_neighbour_tells_of_the_controller_whose_answers_are_all_lost_DISC_09_F_10),
		FOG_TEST(
		    a_controller_that_was_configured_is_told_too_once_it_gave_a_lease_DISC_09),
		FOG_TEST(a_configured_controller_that_never_gave_a_lease_is_not_told),
		FOG_TEST(with_assist_off_nobody_is_told_F_10),
		FOG_TEST(a_diverted_locator_is_no_more_than_a_hint_DISC_09_S_01),
		FOG_TEST(an_agent_between_two_links_relays_for_others_F_16_DISC_07),
		FOG_TEST(all_controllers_that_answer_are_kept_F_13_G_076),
		FOG_TEST(
		    a_search_goes_to_the_groups_of_all_attributes_with_one_session_F_07_SC_12),
		FOG_TEST(with_link_local_off_only_groups_are_spoken_to_F_07_SCP_03),
		FOG_TEST(the_domain_counts_as_an_admin_scope_SC_09_SC_10),
		FOG_TEST(a_controller_for_a_circle_gets_the_nodes_in_it_SC_10_SCP_07),
		FOG_TEST(a_controller_that_leaves_is_not_run_after),
		FOG_TEST(
		    the_drafts_advertisement_makes_the_agent_ask_once_in_ten_seconds_F_02),
		FOG_TEST(a_plan_with_an_unknown_metric_is_declined_with_its_item),
		FOG_TEST(an_older_plan_is_declined_and_a_repeated_one_is_not),
		FOG_TEST(a_dry_run_only_says_whether_it_would),
		FOG_TEST(the_last_plan_runs_after_a_restart_before_a_controller_is_there),
		FOG_TEST(a_damaged_plan_file_is_noticed_and_put_aside),
		FOG_TEST(a_node_with_much_to_tell_tells_it_in_two_steps),
		FOG_TEST(a_new_epoch_may_begin_with_a_lower_version),
		FOG_TEST(a_plan_from_a_stranger_is_declined),
		FOG_TEST(an_on_change_item_is_quiet_while_nothing_changes),
		FOG_TEST(an_on_change_item_reports_at_least_at_its_heartbeat),
		FOG_TEST(a_source_that_dies_is_reported_as_unknown_with_the_reason),
		FOG_TEST(what_does_not_fit_into_the_spool_is_dropped_oldest_first),
		FOG_TEST(a_busy_controller_gets_the_same_report_again),
		FOG_TEST(a_report_that_is_refused_for_good_does_not_block_others),
		FOG_TEST(
		    a_controller_that_does_not_answer_reports_is_left_and_found_again),
		FOG_TEST(changed_capabilities_are_told_within_five_seconds),
		FOG_TEST(a_changed_configuration_is_told_at_once),
		FOG_TEST(a_configured_controller_needs_no_multicast),
		FOG_TEST(fake_controllers_do_not_keep_a_node_from_its_own),
		FOG_TEST(
		    only_nodes_with_the_property_answer_a_search_for_it_F_12_DISC_06_SCP_04),
		FOG_TEST(
		    who_looks_for_his_controller_under_the_other_name_gets_no_node_F_05),
		FOG_TEST(an_agent_never_answers_for_a_controller_F_01),
	};

	log_open("test_agent", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
