/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration, plans, reports: the controller's core against doubles of agents. */
#include "base/log.h"
#include "controller/event.h"
#include "controller/history.h"
#include "controller/store_identity.h"
#include "tests/support/plant.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct plant plant;
static struct robot robot, other;

static int
setup(void **state)
{
	(void)state;
	plant_open(&plant);
	robot_init(&robot, &plant, 1, "robot");
	robot_init(&other, &plant, 2, "other");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	robot_done(&robot);
	robot_done(&other);
	plant_close(&plant);
	return 0;
}

static struct node *
the_node(void)
{
	return registry_by_name(plant.registry, "robot");
}

static void
expect(const struct robot *r, enum grasp_outcome outcome, const char *reason)
{
	assert_string_equal(grasp_outcome_name(r->outcome), grasp_outcome_name(outcome));
	assert_string_equal(r->reason, reason);
}

/* --- registration -------------------------------------------------------------------------------------- */
static void
a_lease_is_given_when_the_registration_is_on_the_disk(void **state)
{
	(void)state;
	robot_connect(&robot);
	robot_register(&robot);
	fake_run(plant.net, 1000); /* the disk takes its time */
	assert_int_equal(robot.leases, 0);
	assert_non_null(the_node());
	store_flush(plant.store);
	fake_run(plant.net, 100);
	assert_int_equal(robot.leases, 1);
	assert_int_equal(robot.lease.lease_ms, 30000);
	assert_int_equal(robot.lease.beat_ms, 2000);
	assert_int_equal(robot.lease.epoch, 1);
	assert_int_equal(robot.lease.controller.bytes[0], 0xc0);
	assert_string_equal(the_node()->address, "2001:db8::11");
	assert_non_null(the_node()->link);
}

static void
a_registered_link_stays_and_a_dead_one_is_noticed(void **state)
{
	(void)state;
	robot_join(&robot);
	plant_run(&plant, 60000);
	assert_int_equal(robot.closed, 0);
	assert_int_equal(the_node()->state, NODE_ALIVE);
	robot_drop(&robot);
	plant_run(&plant, 1500);
	assert_int_equal(the_node()->state, NODE_SUSPECT);
	assert_null(the_node()->link);
}

static bool
pass_nothing_of_robot(void *arg, const struct fake_packet *p)
{
	struct addr *from = arg;

	return !IN6_ARE_ADDR_EQUAL(&p->from.ip, &from->ip) &&
	    !IN6_ARE_ADDR_EQUAL(&p->to.ip, &from->ip);
}

static void
r_11_a_silent_node_is_suspect_after_5_s_and_lost_after_8(void **state)
{
	struct addr cut;

	(void)state;
	robot_join(&robot);
	plant_run(&plant, 10000);
	grasp_link_local(robot.link, &cut);
	fake_net_filter(plant.net, pass_nothing_of_robot, &cut);
	plant_run(&plant, 4500);
	assert_int_equal(the_node()->state, NODE_ALIVE);
	plant_run(&plant, 1500);
	assert_int_equal(the_node()->state, NODE_SUSPECT);
	plant_run(&plant, 3000);
	assert_int_equal(the_node()->state, NODE_LOST);
	assert_string_equal(plant_events(&plant), "node.joined node.suspect node.lost ");
}

static void
a_renewal_of_an_unknown_node_says_so(void **state) /* REG-09 */
{
	(void)state;
	robot.registration.renew = true;
	robot_connect(&robot);
	robot_register(&robot);
	plant_run(&plant, 100);
	expect(&robot, GRASP_DECLINED, "unknown: register again");
	robot.registration.renew = false;
	robot_join(&robot);
	assert_int_equal(robot.leases, 1);
}

static void
a_link_speaks_for_one_node(void **state) /* REG-11 */
{
	(void)state;
	robot_join(&robot);
	robot.registration.node.bytes[0] = 77;
	robot_register(&robot);
	plant_run(&plant, 100);
	expect(&robot, GRASP_DECLINED, "conflict: this link is of another node");
	assert_null(the_node()->next);
}

static void
the_newer_link_of_a_node_is_the_one_in_use(void **state)
{
	struct grasp_link *old;

	(void)state;
	robot_join(&robot);
	old = robot.link;
	robot_join(&robot);
	assert_int_equal(robot.closed, 1);
	assert_ptr_not_equal(robot.link, old);
	plant_run(&plant, 30000);
	assert_int_equal(the_node()->state, NODE_ALIVE);
	assert_string_equal(plant_events(&plant), "node.joined ");
	robot_report(&robot, 1, 1, 1, 0);
	plant_run(&plant, 100);
	expect(&robot, GRASP_ACCEPTED, "");
}

static void
a_name_in_use_is_refused(void **state)
{
	(void)state;
	robot_join(&robot);
	snprintf(other.registration.name, sizeof other.registration.name, "robot");
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 100);
	expect(&other, GRASP_DECLINED,
	    "conflict: the name robot is taken by node 01000000, which is alive");
}

static void
what_is_no_registration_is_refused(void **state)
{
	(void)state;
	robot_connect(&robot);
	robot_send(&robot, FOGREG, slice_text("\x01"));
	plant_run(&plant, 100);
	expect(&robot, GRASP_DECLINED, "malformed: that is no registration");
	assert_null(registry_first(plant.registry));
}

static void
who_hangs_up_before_the_answer_leaves_nothing_behind(void **state)
{
	(void)state;
	robot_connect(&robot);
	robot_register(&robot);
	fake_run(plant.net, 5);
	robot_drop(&robot);
	fake_run(plant.net, 5);
	plant_run(&plant, 40000);
	assert_int_equal(the_node()->state, NODE_LOST);
	robot_join(&robot);
	assert_int_equal(the_node()->state, NODE_ALIVE);
}

static void
a_lease_that_is_refused_makes_no_member(void **state)
{
	(void)state;
	plant_judge.version = 5;
	robot.refuses_lease = true;
	robot_connect(&robot);
	robot_register(&robot);
	plant_run(&plant, 1000);
	assert_int_equal(robot.leases, 1);
	assert_int_equal(robot.plans, 0);
}

static void
nodes_come_back_after_a_restart_without_registering_anew(void **state) /* REG-13 */
{
	(void)state;
	robot_join(&robot);
	plant_restart(&plant);
	robot_drop(&robot);
	plant_run(&plant, 500);
	assert_int_equal(the_node()->state, NODE_SUSPECT);
	robot.registration.renew = true;
	robot_join(&robot);
	assert_int_equal(the_node()->state, NODE_ALIVE);
	assert_int_equal(robot.lease.epoch, 2);
}

/* --- who they are -------------------------------------------------------------------------------------- */
static char audited[2048];

static void
note_audit(void *arg, const struct audit_row *r)
{
	size_t len = strlen(audited);

	(void)arg;
	snprintf(audited + len, sizeof audited - len, "%s %.8s %s %.8s: %s\n", r->role,
	    r->who, r->command, r->object, r->result);
}

static void
expect_audit(const char *what)
{
	audited[0] = '\0';
	store_flush(plant.store);
	assert_int_equal(store_audit_last(plant.store, 100, note_audit, NULL), 0);
	assert_string_equal(audited, what);
}

static void
demand_proof(void)
{
	plant.proven = true;
	plant_restart(&plant);
}

static void
a_node_that_says_to_be_another_one_loses_its_link_S_03(void **state)
{
	struct node before;

	(void)state;
	demand_proof();
	robot_prove(&robot, TRUST_AGENT);
	robot_join(&robot);
	before = *the_node();
	robot_prove(&other, TRUST_AGENT);
	robot_connect(&other);
	other.registration.node = robot.registration.node;
	robot_register(&other);
	plant_run(&plant, 100);
	expect(&other, GRASP_DECLINED, "conflict: the certificate is of another node");
	assert_int_equal(other.closed, 1);
	assert_int_equal(robot.closed, 0);
	assert_memory_equal(&before, the_node(), sizeof before);
	assert_null(the_node()->next);
	expect_audit(
	    "agent 02000000 register 01000000: refused: conflict: the certificate"
	    " is of another node\n");
}

/* Also on a link that was good so far. */
static void
a_registered_node_that_turns_into_another_one_is_gone_S_03(void **state)
{
	(void)state;
	demand_proof();
	robot_prove(&robot, TRUST_AGENT);
	robot_join(&robot);
	robot.registration.node.bytes[0] = 2;
	robot_register(&robot);
	plant_run(&plant, 3000);
	assert_int_equal(robot.closed, 1);
	assert_int_equal(the_node()->id.bytes[0], 1);
	assert_null(the_node()->link);
	assert_int_equal(the_node()->state, NODE_SUSPECT);
}

static void
only_an_agent_registers_and_only_with_proof_S_02(void **state)
{
	static const struct {
		enum trust_role role;
		const char *reason;
	} table[] = {
		{ TRUST_CONTROLLER, "policy: only agents register" },
		{ TRUST_LAPSED, "policy: only agents register" },
		{ TRUST_ADMIN, "policy: only agents register" },
		{ TRUST_STRANGER, "policy: only agents register" },
	};

	(void)state;
	demand_proof();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		robot_prove(&robot, table[i].role);
		robot_connect(&robot);
		robot_register(&robot);
		plant_run(&plant, 100);
		expect(&robot, GRASP_DECLINED, table[i].reason);
		assert_int_equal(robot.closed, i + 1);
	}
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 100);
	expect(&other, GRASP_DECLINED, "policy: nothing is proved on this link");
	assert_int_equal(other.closed, 1);
	assert_null(registry_first(plant.registry));
}

static void
a_node_of_another_domain_is_refused_DOM_02(void **state)
{
	(void)state;
	strcpy(robot.registration.domain, "elsewhere");
	robot_connect(&robot);
	robot_register(&robot);
	plant_run(&plant, 100);
	expect(&robot, GRASP_DECLINED, "domain: this is a controller of plant");
	assert_null(registry_first(plant.registry));
}

static void
a_node_that_tells_no_domain_is_of_ours_DOM_03(void **state)
{
	(void)state;
	robot_join(&robot);
	assert_string_equal(the_node()->domain, "plant");
}

/* --- one key, two machines ------------------------------------------------------------------------------ */
/* The other robot is a copy of the first: all but what a start makes anew. */
static void
clone_key(void)
{
	other.registration.node = robot.registration.node;
	strcpy(other.registration.name, robot.registration.name);
	robot_prove(&robot, TRUST_AGENT);
	robot_prove(&other, TRUST_AGENT);
}

static void
let_it_answer(struct robot *r)
{
	r->result = (struct fog_result){ .now_ms = 1 };
}

static void
a_second_machine_with_the_same_key_is_refused_S_18(void **state)
{
	(void)state;
	clone_key();
	let_it_answer(&robot);
	robot_join(&robot);
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 2500);
	expect(
	    &other, GRASP_DECLINED, "conflict: another machine with this key is there");
	assert_int_equal(other.closed, 1);
	assert_int_equal(other.leases, 0);
	assert_int_equal(robot.closed, 0);
	assert_int_equal(the_node()->boot[0], 1);
	assert_true(the_node()->quarantined);
	assert_string_equal(plant_events(&plant), "node.joined identity.conflict ");
	expect_audit(
	    "agent 01000000 register 01000000: refused: conflict: another machine"
	    " with this key is there\n");
}

static void
two_with_one_key_make_no_plan_flip_S_18(void **state)
{
	(void)state;
	clone_key();
	let_it_answer(&robot);
	plant_judge.version = 5;
	robot_join(&robot);
	for (unsigned i = 0; i < 20; i++) {
		robot_connect(&other);
		robot_register(&other);
		plant_run(&plant, 3000);
	}
	assert_int_equal(robot.plans, 1);
	assert_int_equal(other.plans, 0);
	assert_int_equal(sessions_counters(plant.sessions)->conflicts, 20);
	assert_string_equal(
	    plant_events(&plant), "node.joined plan.sent identity.conflict ");
}

static void
a_node_that_came_back_before_it_was_missed_is_taken_S_18(void **state)
{
	(void)state;
	clone_key();
	robot_join(&robot); /* and says nothing any more */
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 1900);
	assert_int_equal(other.leases, 0);
	plant_run(&plant, 300);
	assert_int_equal(other.leases, 1);
	assert_int_equal(robot.closed, 1);
	assert_int_equal(the_node()->boot[0], 2);
	assert_false(the_node()->quarantined);
	assert_string_equal(plant_events(&plant), "node.joined ");
}

static void
who_hangs_up_while_the_other_is_asked_is_a_conflict_all_the_same_S_18(void **state)
{
	(void)state;
	clone_key();
	let_it_answer(&robot);
	robot_join(&robot);
	fake_net_delay(plant.net, 100, 100);
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 350);
	robot_drop(&other);
	plant_run(&plant, 2500);
	assert_true(the_node()->quarantined);
	assert_int_equal(the_node()->boot[0], 1);
}

static void
the_one_that_is_asked_may_go_meanwhile_S_18(void **state)
{
	(void)state;
	clone_key();
	robot_join(&robot);
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 100);
	robot_drop(&robot);
	plant_run(&plant, 100);
	assert_int_equal(other.leases, 1);
	assert_int_equal(the_node()->boot[0], 2);
}

static void
the_one_that_is_there_is_asked_once_at_a_time_S_18(void **state)
{
	struct robot third;

	(void)state;
	clone_key();
	robot_init(&third, &plant, 3, "robot");
	third.registration.node = robot.registration.node;
	robot_join(&robot);
	robot_connect(&other);
	robot_register(&other);
	robot_connect(&third);
	robot_register(&third);
	plant_run(&plant, 100);
	expect(&third, GRASP_DECLINED,
	    "busy: the one with this key that is there is being asked");
	plant_run(&plant, 2000);
	assert_int_equal(other.leases, 1);
	robot_done(&third);
}

static void
a_quarantine_ends_when_both_are_gone_S_18(void **state)
{
	(void)state;
	clone_key();
	let_it_answer(&robot);
	robot_join(&robot);
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 2500);
	assert_true(the_node()->quarantined);
	robot_drop(&robot);
	plant_run(&plant, 2000);
	robot_join(&robot); /* it was not lost: still in doubt */
	assert_true(the_node()->quarantined);
	robot_drop(&robot);
	plant_run(&plant, 20000);
	assert_int_equal(the_node()->state, NODE_LOST);
	assert_false(the_node()->quarantined);
}

static void
a_controller_may_stop_while_it_asks(void **state)
{
	(void)state;
	clone_key();
	robot_join(&robot);
	robot_connect(&other);
	robot_register(&other);
	plant_run(&plant, 100);
	plant_restart(&plant);
	assert_int_equal(robot.closed + other.closed, 0);
}

/* --- plans ------------------------------------------------------------------------------------------------- */
static void
a_node_gets_its_plan_when_it_has_registered(void **state) /* REG-10 */
{
	(void)state;
	plant_judge.version = 5;
	plant_judge.items = 3;
	robot_join(&robot);
	plant_run(&plant, 100);
	assert_int_equal(robot.plans, 1);
	assert_int_equal(robot.plan_version, 5);
	assert_int_equal(robot.plan_items, 3);
	assert_int_equal(the_node()->plan_version, 5);
	assert_string_equal(plant_events(&plant), "node.joined plan.sent ");
}

static void
a_plan_that_the_node_has_is_not_sent_again(void **state) /* PLN-07 */
{
	(void)state;
	plant_judge.version = 5;
	robot.registration.plan_version = 5;
	robot_join(&robot);
	robot.registration.renew = true;
	robot_register(&robot);
	plant_run(&plant, 1000);
	assert_int_equal(robot.plans, 0);
}

/* The controller has started again, and gives its plans other numbers. */
static void
a_plan_of_another_number_that_the_node_has_is_not_sent_again_PLN_07(void **state)
{
	struct fog_plan plan = { .version = 5 };
	uint8_t memory[64];
	struct buf value;

	(void)state;
	buf_init_fixed(&value, memory, sizeof memory);
	fog_plan_encode(&plan, &value);
	assert_int_equal(
	    fog_plan_digest(buf_slice(&value), robot.registration.plan_digest), 0);
	robot.registration.plan_version = 5;
	plant_judge.version = 900;
	plant_judge.items = 0;
	robot_join(&robot);
	plant_run(&plant, 1000);
	assert_int_equal(robot.plans, 0);
	assert_int_equal(plant_judge.version, 5); /* it goes on from there */
	plant_judge.version = 901;
	plant_judge.items = 1;
	sessions_plan_changed(plant.sessions, the_node());
	plant_run(&plant, 1000);
	assert_int_equal(robot.plan_version, 901);
	/* the same number for something else is no reason to leave it alone */
	robot_drop(&robot);
	robot.registration.plan_version = 7;
	plant_judge.items = 2;
	robot_join(&robot);
	plant_run(&plant, 1000);
	assert_int_equal(robot.plans, 2);
}

static void
a_changed_plan_is_sent_at_once_and_the_newest_wins(void **state)
{
	(void)state;
	plant_judge.version = 5;
	robot_join(&robot);
	plant_run(&plant, 100);
	plant_judge.version = 6;
	sessions_plan_changed(plant.sessions, the_node());
	plant_judge.version = 7; /* while 6 is on its way */
	sessions_plan_changed(plant.sessions, the_node());
	plant_run(&plant, 100);
	assert_int_equal(robot.plans, 3);
	assert_int_equal(robot.plan_version, 7);
	assert_int_equal(the_node()->plan_version, 7);
}

static void
a_declined_plan_is_told_and_sent_again_only_after_a_new_registration(void **state)
{
	(void)state;
	plant_judge.version = 5;
	robot.mood = ROBOT_DECLINES_PLANS;
	robot_join(&robot);
	plant_run(&plant, 100);
	assert_string_equal(plant_events(&plant), "node.joined plan.declined ");
	sessions_plan_changed(plant.sessions, the_node());
	plant_run(&plant, 120000);
	assert_int_equal(robot.plans, 1);
	robot.mood = ROBOT_TAKES_PLANS;
	robot_register(&robot);
	plant_run(&plant, 100);
	assert_int_equal(robot.plans, 2);
	assert_int_equal(the_node()->plan_version, 5);
}

static void
a_counter_offer_that_is_enough_is_agreed_PLN_02(void **state)
{
	(void)state;
	plant_judge.version = 5;
	plant_judge.items = 3;
	plant_judge.consider_err = 0;
	robot.mood = ROBOT_COUNTERS;
	robot_join(&robot);
	plant_run(&plant, 30000);
	assert_int_equal(robot.plans, 1);
	assert_int_equal(robot.settled, GRASP_ACCEPTED);
	assert_int_equal(plant_judge.agreed, 1);
	assert_int_equal(plant_judge.agreed_items, 3);
	assert_int_equal(the_node()->plan_version, 5);
	assert_string_equal(plant_events(&plant), "node.joined plan.agreed plan.sent ");
	/* another start of the agent may know better, a renewal does not */
	robot.registration.plan_version = 5;
	robot_register(&robot);
	plant_run(&plant, 1000);
	assert_int_equal(robot.plans, 1);
	robot.registration.boot[0] ^= 1;
	robot.mood = ROBOT_TAKES_PLANS;
	robot_drop(&robot);
	plant_run(&plant, 1000);
	robot_join(&robot);
	plant_run(&plant, 1000);
	assert_int_equal(robot.plans, 2);
	assert_int_equal(robot.plan_version, 6);
}

static void
a_counter_offer_that_is_not_enough_is_agreed_after_insisting_once(void **state)
{
	(void)state;
	plant_judge.version = 5;
	plant_judge.consider_err = -ERANGE;
	robot.mood = ROBOT_COUNTERS;
	robot_join(&robot);
	plant_run(&plant, 30000);
	assert_int_equal(robot.plans, 2);
	assert_int_equal(robot.settled, GRASP_ACCEPTED);
	assert_int_equal(plant_judge.agreed, 1);
	assert_string_equal(plant_events(&plant), "node.joined plan.agreed plan.sent ");
}

static void
a_counter_offer_of_something_else_is_taken_as_a_refusal(void **state)
{
	(void)state;
	plant_judge.version = 5;
	plant_judge.consider_err = -EPROTO;
	robot.mood = ROBOT_COUNTERS;
	robot_join(&robot);
	plant_run(&plant, 30000);
	assert_int_equal(robot.plans, 1);
	assert_int_equal(robot.settled, GRASP_DECLINED);
	assert_int_equal(plant_judge.agreed, 0);
	assert_string_equal(plant_events(&plant), "node.joined plan.declined ");
}

static void
a_plan_without_answer_is_tried_again_ever_more_rarely(void **state)
{
	(void)state;
	plant_judge.version = 5;
	robot.mood = ROBOT_IGNORES_PLANS;
	robot_join(&robot);
	plant_run(&plant, 120000);
	assert_in_range(robot.plans, 5, 8); /* 10 s for the answer, then 1, 2, 4 … 60 s */
	robot.mood = ROBOT_TAKES_PLANS;
	plant_run(&plant, 80000);
	assert_int_equal(the_node()->plan_version, 5);
}

static void
a_plan_for_a_node_that_is_away_waits_for_it(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_drop(&robot);
	plant_run(&plant, 100);
	plant_judge.version = 5;
	sessions_plan_changed(plant.sessions, the_node());
	plant_run(&plant, 2000);
	robot_join(&robot);
	plant_run(&plant, 100);
	assert_int_equal(the_node()->plan_version, 5);
}

/* --- reports ------------------------------------------------------------------------------------------------ */
static void
count_point(void *arg, const struct history_point *p)
{
	char *text = arg;
	size_t len = strlen(text);
	int64_t wall = fake_host_io(plant.host)->ops->wall(fake_host_io(plant.host));

	snprintf(text + len, 512 - len, "%s:%g@%lld ", p->metric, p->value,
	    (long long)(wall - p->time_ms));
}

static void
expect_history(const char *what)
{
	char text[512] = "";

	store_flush(plant.store);
	assert_int_equal(history_points(plant.history, &robot.registration.node, "", 0,
			     50, count_point, text),
	    0);
	assert_string_equal(text, what);
}

static void
a_report_is_judged_and_accepted_when_it_is_on_the_disk(void **state)
{
	(void)state;
	robot_join(&robot);
	robot.ended = 0;
	robot_report(&robot, 1, 2, 3, 400);
	fake_run(plant.net, 500);
	assert_int_equal(robot.ended, 0);
	assert_string_equal(plant_judge.told, "robot:3:1@400 robot:3:2@400 ");
	store_flush(plant.store);
	fake_run(plant.net, 0);
	expect_history("load:2@899 ");
	fake_run(plant.net, 10);
	assert_int_equal(robot.ended, 1);
	expect(&robot, GRASP_ACCEPTED, "");
	assert_int_equal(the_node()->points_received, 2);
	assert_true(sessions_bytes_received(plant.sessions, the_node()) > 100);
}

static void
points_that_were_taken_in_before_are_not_judged_again(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_report(&robot, 1, 3, 1, 0);
	robot_report(&robot, 2, 3, 1, 0); /* 2 and 3 again, and 4 */
	plant_run(&plant, 100);
	expect(&robot, GRASP_ACCEPTED, "");
	assert_string_equal(
	    plant_judge.told, "robot:1:1@0 robot:1:2@0 robot:1:3@0 robot:1:4@1 ");
	assert_int_equal(sessions_counters(plant.sessions)->duplicate_points, 2);
}

static void
what_was_taken_in_before_a_restart_is_known_after_it(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_report(&robot, 1, 3, 1, 0);
	plant_run(&plant, 100);
	plant_restart(&plant);
	plant_run(&plant, 100);
	robot_join(&robot);
	plant_judge.told[0] = '\0';
	robot_report(&robot, 2, 3, 1, 0);
	plant_run(&plant, 100);
	assert_string_equal(plant_judge.told, "robot:1:4@0 ");
}

static void
a_new_start_of_the_agent_counts_anew(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_report(&robot, 5, 1, 1, 0);
	plant_run(&plant, 100);
	robot.registration.boot[0] = 9;
	robot.clock_ms = -900000;
	robot_drop(&robot);
	robot_join(&robot);
	robot_report(&robot, 1, 1, 1, 0);
	plant_run(&plant, 100);
	assert_string_equal(plant_judge.told, "robot:1:5@0 robot:1:1@0 ");
}

static void
old_points_go_into_the_history_alone(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_report(&robot, 1, 1, 1, 0);
	plant_run(&plant, 100);
	robot_report(&robot, 2, 1, 1, 50000); /* from a spool */
	plant_run(&plant, 100);
	assert_string_equal(plant_judge.told, "robot:1:1@0 ");
	assert_int_equal(sessions_counters(plant.sessions)->late_points, 1);
	assert_int_equal(sessions_counters(plant.sessions)->points, 2);
}

/* Values 1, 2 and so on, packed behind the ones before. */
static void
send_packed(struct report_stream *stream, enum report_kind kind, uint64_t first,
    unsigned points, int64_t age_ms)
{
	static struct report_point point[64];
	static struct fog_report head;
	struct buf value;
	size_t taken;

	memset(&head, 0, sizeof head);
	head.kind = kind;
	memcpy(head.boot, robot.registration.boot, sizeof head.boot);
	head.sequence = first;
	head.sent_ms = robot_clock(&robot);
	for (unsigned i = 0; i < points; i++)
		point[i] = (struct report_point){ .item = 1,
			.time_ms = head.sent_ms - age_ms + i,
			.value = (double)(first + i),
			.samples = 1 };
	buf_init(&value, 8192);
	assert_int_equal(
	    report_stream_put(stream, &head, point, points, &value, &taken), 0);
	assert_int_equal(taken, points);
	robot_send(&robot, FOGREPORT, buf_slice(&value));
	buf_done(&value);
}

static void
packed_reports_are_taken_like_plain_ones(void **state)
{
	CLEANUP(report_stream_free) struct report_stream *stream = NULL;

	(void)state;
	assert_int_equal(report_stream_new(&stream), 0);
	robot_join(&robot);
	send_packed(stream, REPORT_METRICS, 1, 3, 5);
	send_packed(stream, REPORT_METRICS, 2, 3, 4);
	plant_run(&plant, 100);
	expect(&robot, GRASP_ACCEPTED, "");
	assert_int_equal(sessions_counters(plant.sessions)->points, 4);
	assert_int_equal(sessions_counters(plant.sessions)->duplicate_points, 2);
}

static void
a_stream_that_has_not_begun_has_to_begin_anew(void **state)
{
	CLEANUP(report_stream_free) struct report_stream *stream = NULL;

	(void)state;
	assert_int_equal(report_stream_new(&stream), 0);
	robot_join(&robot);
	send_packed(stream, REPORT_METRICS, 1, 3, 5);
	plant_run(&plant, 100);
	plant_restart(&plant);
	plant_run(&plant, 100);
	robot_join(&robot);
	send_packed(stream, REPORT_METRICS, 4, 3, 5);
	plant_run(&plant, 100);
	expect(&robot, GRASP_DECLINED, "anew: this stream has not begun");
	report_stream_reset(stream);
	send_packed(stream, REPORT_METRICS, 4, 3, 5);
	plant_run(&plant, 100);
	expect(&robot, GRASP_ACCEPTED, "");
}

static void
what_goes_ahead_is_judged_and_stored_in_its_turn(void **state)
{
	CLEANUP(report_stream_free) struct report_stream *stream = NULL, *ahead = NULL;

	(void)state;
	assert_int_equal(report_stream_new(&stream), 0);
	assert_int_equal(report_stream_new(&ahead), 0);
	robot_join(&robot);
	send_packed(ahead, REPORT_AHEAD, 1, 1, 0);
	plant_run(&plant, 100);
	expect(&robot, GRASP_ACCEPTED, "");
	assert_string_equal(plant_judge.told, "robot:1:1@0 ");
	assert_int_equal(sessions_counters(plant.sessions)->points, 0);
	expect_history("");
	send_packed(stream, REPORT_METRICS, 7, 1, 60000);
	plant_run(&plant, 100);
	assert_string_equal(plant_judge.told, "robot:1:1@0 ");
	assert_int_equal(sessions_counters(plant.sessions)->points, 1);
}

static void
metrics_are_accepted_together(void **state)
{
	(void)state;
	plant.flush_ms = 10000;
	plant_restart(&plant);
	robot_join(&robot);
	robot.ended = 0;
	for (unsigned i = 1; i <= 5; i++) {
		robot_report(&robot, i, 1, 1, 0);
		plant_run(&plant, 1000);
	}
	assert_int_equal(robot.ended, 0);
	plant_run(&plant, 6000);
	assert_int_equal(robot.ended, 5);
	expect(&robot, GRASP_ACCEPTED, "");
	plant.flush_ms = 0;
}

static void
send_event(uint64_t number, const char *kind, uint64_t gap)
{
	static struct fog_report r;
	struct buf value;

	memset(&r, 0, sizeof r);
	r.kind = REPORT_EVENTS;
	memcpy(r.boot, robot.registration.boot, sizeof r.boot);
	r.sequence = number;
	r.sent_ms = robot_clock(&robot);
	r.events = 1;
	r.event[0] = (struct report_event){ .time_ms = r.sent_ms - 10,
		.kind = slice_text(kind),
		.text = slice_text("metrics were lost"),
		.first = gap,
		.last = gap ? gap + 9 : 0,
		.from_ms = r.sent_ms - 5000,
		.to_ms = r.sent_ms - 1000 };
	buf_init(&value, 8192);
	fog_report_encode(&r, &value);
	robot_send(&robot, FOGREPORT, buf_slice(&value));
	buf_done(&value);
	plant_run(&plant, 200);
}

static unsigned
count_events(const char *kind)
{
	const char *all = plant_events(&plant);
	unsigned n = 0;

	while ((all = strstr(all, kind))) {
		all += strlen(kind);
		n++;
	}
	return n;
}

static void
events_of_a_node_are_stored_once_RPT_04(void **state)
{
	(void)state;
	robot_join(&robot);
	send_event(1, "report.gap", 20);
	expect(&robot, GRASP_ACCEPTED, "");
	send_event(1, "report.gap", 20);
	expect(&robot, GRASP_ACCEPTED, "");
	assert_int_equal(count_events("report.gap "), 1);
	plant_restart(&plant);
	plant_run(&plant, 100);
	robot_join(&robot);
	send_event(1, "report.gap", 20);
	expect(&robot, GRASP_ACCEPTED, "");
	assert_int_equal(count_events("report.gap "), 1);
	send_event(2, "report.gap", 40);
	assert_int_equal(count_events("report.gap "), 2);
}

static void
a_node_cannot_pretend_to_be_the_controller(void **state)
{
	(void)state;
	robot_join(&robot);
	send_event(1, "node.revoked", 0);
	assert_int_equal(count_events("node.revoked "), 0);
	assert_int_equal(count_events("agent.event "), 1);
	send_event(2, "report.\x1b[2J", 0);
	expect(&robot, GRASP_DECLINED, "malformed: that is no event");
}

static void
points_of_an_item_that_is_no_more_are_counted(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_report(&robot, 1, 2, 99, 0);
	plant_run(&plant, 100);
	expect(&robot, GRASP_ACCEPTED, "");
	assert_string_equal(plant_judge.told, "");
	expect_history("");
	assert_int_equal(sessions_counters(plant.sessions)->unknown_points, 2);
}

static void
a_report_on_an_unregistered_link_is_refused(void **state) /* SEC-08 */
{
	(void)state;
	robot_connect(&robot);
	robot_report(&robot, 1, 1, 1, 0);
	plant_run(&plant, 100);
	expect(&robot, GRASP_DECLINED, "unknown: register again");
}

static void
what_is_no_report_is_refused(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_send(&robot, FOGREPORT, slice_text("\xa0"));
	plant_run(&plant, 100);
	expect(&robot, GRASP_DECLINED, "malformed: that is no report");
}

static void
a_slow_network_makes_nothing_younger(void **state)
{
	int age = 0;

	(void)state;
	robot_join(&robot);
	fake_net_delay(plant.net, 300, 300);
	robot_report(&robot, 1, 1, 1, 0);
	fake_run(plant.net, 400);
	assert_int_equal(sscanf(plant_judge.told, "robot:1:1@%d", &age), 1);
	assert_in_range(age, 290, 300);
}

/* The controller has the prefix already, the node has not. */
static void
a_node_that_uses_plain_names_is_spoken_to_in_plain_names_F_06(void **state)
{
	struct grasp_msg msg;

	(void)state;
	plant.prefix = "example.org:";
	plant_restart(&plant);
	plant_judge.version = 7;
	plant_judge.items = 1;
	robot_join(&robot);
	plant_run(&plant, 1000);
	assert_int_equal(robot.leases, 1);
	assert_int_equal(robot.plans, 1);
	for (unsigned i = 0; fake_message(plant.net, M_REQ_NEG, i, &msg); i++)
		assert_true(slice_is(msg.objective.name, "FOGREG") ||
		    slice_is(msg.objective.name, "FOGPLAN"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_lease_is_given_when_the_registration_is_on_the_disk),
		CASE(a_registered_link_stays_and_a_dead_one_is_noticed),
		CASE(r_11_a_silent_node_is_suspect_after_5_s_and_lost_after_8),
		CASE(a_renewal_of_an_unknown_node_says_so),
		CASE(a_link_speaks_for_one_node),
		CASE(the_newer_link_of_a_node_is_the_one_in_use),
		CASE(a_name_in_use_is_refused),
		CASE(what_is_no_registration_is_refused),
		CASE(who_hangs_up_before_the_answer_leaves_nothing_behind),
		CASE(a_lease_that_is_refused_makes_no_member),
		CASE(nodes_come_back_after_a_restart_without_registering_anew),
		CASE(a_node_that_says_to_be_another_one_loses_its_link_S_03),
		CASE(a_registered_node_that_turns_into_another_one_is_gone_S_03),
		CASE(only_an_agent_registers_and_only_with_proof_S_02),
		CASE(a_node_of_another_domain_is_refused_DOM_02),
		CASE(a_node_that_tells_no_domain_is_of_ours_DOM_03),
		CASE(a_second_machine_with_the_same_key_is_refused_S_18),
		CASE(two_with_one_key_make_no_plan_flip_S_18),
		CASE(a_node_that_came_back_before_it_was_missed_is_taken_S_18),
		CASE(
		    who_hangs_up_while_the_other_is_asked_is_a_conflict_all_the_same_S_18),
		CASE(the_one_that_is_asked_may_go_meanwhile_S_18),
		CASE(the_one_that_is_there_is_asked_once_at_a_time_S_18),
		CASE(a_quarantine_ends_when_both_are_gone_S_18),
		CASE(a_controller_may_stop_while_it_asks),
		CASE(a_node_gets_its_plan_when_it_has_registered),
		CASE(a_plan_that_the_node_has_is_not_sent_again),
		CASE(a_plan_of_another_number_that_the_node_has_is_not_sent_again_PLN_07),
		CASE(a_changed_plan_is_sent_at_once_and_the_newest_wins),
		CASE(
		    a_declined_plan_is_told_and_sent_again_only_after_a_new_registration),
		CASE(a_counter_offer_that_is_enough_is_agreed_PLN_02),
		CASE(a_counter_offer_that_is_not_enough_is_agreed_after_insisting_once),
		CASE(a_counter_offer_of_something_else_is_taken_as_a_refusal),
		CASE(a_plan_without_answer_is_tried_again_ever_more_rarely),
		CASE(a_plan_for_a_node_that_is_away_waits_for_it),
		CASE(a_report_is_judged_and_accepted_when_it_is_on_the_disk),
		CASE(points_that_were_taken_in_before_are_not_judged_again),
		CASE(what_was_taken_in_before_a_restart_is_known_after_it),
		CASE(a_new_start_of_the_agent_counts_anew),
		CASE(old_points_go_into_the_history_alone),
		CASE(packed_reports_are_taken_like_plain_ones),
		CASE(a_stream_that_has_not_begun_has_to_begin_anew),
		CASE(what_goes_ahead_is_judged_and_stored_in_its_turn),
		CASE(metrics_are_accepted_together),
		CASE(events_of_a_node_are_stored_once_RPT_04),
		CASE(a_node_cannot_pretend_to_be_the_controller),
		CASE(points_of_an_item_that_is_no_more_are_counted),
		CASE(a_report_on_an_unregistered_link_is_refused),
		CASE(what_is_no_report_is_refused),
		CASE(a_slow_network_makes_nothing_younger),
		CASE(a_node_that_uses_plain_names_is_spoken_to_in_plain_names_F_06),
	};

	log_open("test_controller_session", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
