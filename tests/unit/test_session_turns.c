/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is, for how long, and how often. */
#include "tests/support/session.h"

#include <errno.h>

static void
steps_go_back_and_forth_with_falling_loop_count_G_091_G_093(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(10);
	assert_int_equal(f.a.negotiated, 1);
	assert_value(&f.a, 2);
	assert_int_equal(f.a.loop_count, 5);
	assert_int_equal(grasp_session_step(f.s, ONE), 0);
	run(10);
	assert_int_equal(f.b.negotiated, 1);
	assert_int_equal(f.b.loop_count, 4);
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
}

static void
the_loop_count_runs_out_G_092(void **state)
{
	(void)state;
	begin();
	for (unsigned k = 5; k >= 1; k--) {
		struct diary *who = k % 2 ? &f.b : &f.a;

		assert_int_equal(grasp_session_step(who->session, ONE), 0);
		run(10);
	}
	assert_int_equal(f.a.loop_count, 1);
	assert_int_equal(grasp_session_step(f.a.session, ONE), -ELOOP);
	assert_int_equal(fake_count(f.lab.net, M_NEGOTIATE), 5);
	grasp_session_end(f.a.session, false, "loop count exhausted");
	run(10);
	assert_int_equal(f.b.outcome, GRASP_DECLINED);
}

static void
nobody_speaks_out_of_turn(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_step(f.s, ONE), -EPROTO);
	assert_int_equal(grasp_session_wait(f.s, 5), -EPROTO);
	assert_int_equal(grasp_session_synch(f.b.session, ONE), -EPROTO);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	assert_int_equal(grasp_session_step(f.b.session, TWO), -EPROTO);
}

static void
the_initiator_gives_up_after_60_seconds_G_089(void **state)
{
	(void)state;
	begin();
	run(59900);
	assert_int_equal(f.a.ended, 0);
	run(200);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
	assert_int_equal(
	    f.b.ended, 1); /* at the same time, for one or the other reason */
}

/* As f.b.then: nothing is done, but the link stays. */
static void
hold(struct diary *d)
{
	grasp_link_hold(d->link, 0, 0, 0);
	d->then = NULL;
}

static void
begin_held(void)
{
	f.b.then = hold;
	begin();
	grasp_link_hold(f.l, 0, 0, 0);
}

static void
an_asa_that_never_answers_loses_the_session_A_12_G_099(void **state)
{
	(void)state;
	begin_held();
	run(59900);
	assert_int_equal(f.b.ended, 0);
	run(200);
	assert_int_equal(f.b.ended, 1);
	assert_int_equal(f.b.outcome, GRASP_TIMEOUT);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
	assert_int_equal(f.link.closed, 0); /* the link is not to blame */
	negotiate("EX1", TWO, 0);
	run(10);
	assert_int_equal(f.b.asked, 2);
}

static void
the_initiators_asa_must_answer_a_step_in_time_too_A_12(void **state)
{
	(void)state;
	begin_held();
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(60100);
	assert_int_equal(f.a.negotiated, 1);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
}

static void
our_own_wait_is_kept_as_long_as_it_says_G_098(void **state)
{
	(void)state;
	begin_held();
	assert_int_equal(grasp_session_wait(f.b.session, 90000), 0);
	run(70000);
	assert_int_equal(f.b.ended, 0);
	assert_int_equal(grasp_session_wait(f.b.session, 1000), 0); /* counts from now */
	run(900);
	assert_int_equal(f.a.ended + f.b.ended, 0);
	run(200);
	assert_int_equal(f.b.outcome, GRASP_TIMEOUT);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
}

static void
a_synchronization_that_is_never_answered_ends_on_both_sides_A_12(void **state)
{
	(void)state;
	f.b.then = hold;
	open_link(0, 1);
	grasp_link_hold(f.l, 0, 0, 0);
	synchronize("EX1", 0);
	run(60100);
	assert_int_equal(f.b.ended, 1);
	assert_int_equal(f.b.outcome, GRASP_TIMEOUT);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
}

static void
each_step_can_have_a_timeout_of_its_own(void **state)
{
	(void)state;
	begin_held();
	grasp_session_set_timeout(f.b.session, 2000);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(2100);
	assert_int_equal(f.b.outcome, GRASP_TIMEOUT);
	assert_int_equal(f.a.ended, 0);
}

static void
an_end_that_cannot_be_sent_is_an_end_all_the_same(void **state)
{
	(void)state;
	begin();
	fake_fail(f.lab.host[1], 1, ENOBUFS);
	assert_int_equal(grasp_session_end(f.b.session, true, NULL), -ENOBUFS);
	run(10);
	assert_int_equal(f.b.ended, 0);
	assert_int_equal(f.a.ended, 1);
	assert_int_not_equal(f.a.outcome, GRASP_ACCEPTED);
}

static void
the_timeout_can_be_chosen_and_restarts_with_each_step_G_089(void **state)
{
	(void)state;
	open_link(0, 1);
	negotiate("EX1", ONE, 1000);
	run(900);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(50);
	assert_int_equal(grasp_session_step(f.s, TWO), 0);
	run(900);
	assert_int_equal(f.a.ended, 0);
	run(200);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
}

static void
waiting_replaces_the_running_timer_G_097(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_wait(f.b.session, 200000), 0);
	run(10);
	assert_int_equal(f.a.waited, 1);
	assert_int_equal(f.a.wait_ms, 200000);
	run(150000);
	assert_int_equal(f.a.ended, 0);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0); /* still its turn */
	run(10);
	assert_int_equal(f.a.negotiated, 1);
}

static void
what_follows_a_wait_leaves_20_ms_later_I_03(void **state)
{
	const struct fake_packet *wait, *step, *end;

	(void)state;
	begin();
	assert_int_equal(grasp_session_wait(f.b.session, 1000), 0);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(19);
	assert_int_equal(f.a.negotiated, 0);
	run(2);
	assert_int_equal(f.a.negotiated, 1);
	assert_int_equal(grasp_session_wait(f.s, 1000), 0);
	grasp_session_end(f.s, true, NULL); /* the link stays open as long */
	run(50);
	assert_int_equal(f.b.outcome, GRASP_ACCEPTED);
	assert_int_equal(f.link.closed, 1);
	wait = fake_message(f.lab.net, M_WAIT, 0, NULL);
	step = fake_message(f.lab.net, M_NEGOTIATE, 0, NULL);
	assert_int_equal(step->at_ms - wait->at_ms, 20);
	wait = fake_message(f.lab.net, M_WAIT, 1, NULL);
	end = fake_message(f.lab.net, M_END, 0, NULL);
	assert_int_equal(end->at_ms - wait->at_ms, 20);
}

static void
on_a_held_link_nothing_waits_for_20_ms(void **state)
{
	(void)state;
	begin();
	grasp_link_hold(f.b.link, 0, 0, 0);
	assert_int_equal(grasp_session_wait(f.b.session, 1000), 0);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(5);
	assert_int_equal(f.a.negotiated, 1);
}

/* fake_message() looks at the beginning of what was sent at once. */
static void
closing_sends_what_waits_message_by_message_I_01(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_wait(f.b.session, 1000), 0);
	assert_int_equal(grasp_session_wait(f.b.session, 2000), 0);
	grasp_session_end(f.b.session, true, NULL);
	grasp_link_close(f.b.link);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
	assert_int_equal(fake_count(f.lab.net, M_WAIT), 2);
	assert_int_equal(fake_count(f.lab.net, M_END), 1);
}

static void
the_peer_may_hang_up_in_the_pause_after_a_wait(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_wait(f.b.session, 1000), 0);
	grasp_session_end(f.b.session, true, NULL);
	grasp_link_close(f.l);
	run(100);
	assert_int_equal(f.a.outcome, GRASP_CLOSED);
	assert_int_equal(fake_streams(f.lab.host[1]), 0);
}

static void
a_wait_that_runs_out_is_a_failure_G_099(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_wait(f.b.session, 500), 0);
	run(600);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
}

static void
a_dry_run_is_seen_on_both_sides_and_stays_one_G_100(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG | F_NEG_DRY, ONE);

	(void)state;
	open_link(0, 1);
	assert_int_equal(grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &f.s), 0);
	run(10);
	assert_true(grasp_session_dry_run(f.s));
	assert_true(grasp_session_dry_run(f.b.session));
	assert_int_equal(grasp_session_step(f.b.session, ONE), 0);
	run(10);
	assert_int_equal(f.a.negotiated, 1);
}

static void
a_first_step_with_the_requests_own_loop_count_is_accepted_I_05(void **state)
{
	static const unsigned counts[] = { 6, 5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct grasp_msg m = say(M_NEGOTIATE, ask_stranger(), "EX1", counts[i]);

		stranger_say(&f.x, &m);
		assert_int_equal(f.a.negotiated, i + 1);
		assert_int_equal(f.a.ended, 0);
		assert_int_equal(grasp_session_step(f.s, ONE), 0);
		run(10);
		assert_true(stranger_heard(&f.x, M_NEGOTIATE, 0, &m));
		assert_int_equal(m.objective.loop_count, counts[i] - 1);
		grasp_link_close(f.l);
		f.a.ended = 0;
		run(10);
	}
}

static void
a_step_with_another_loop_count_is_a_violation_I_05(void **state)
{
	static const unsigned counts[] = { 7, 4, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct grasp_msg m = say(M_NEGOTIATE, ask_stranger(), "EX1", counts[i]);

		stranger_say(&f.x, &m);
		assert_int_equal(f.a.negotiated, 0);
		assert_int_equal(f.a.ended, i + 1);
		assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	}
}

static void
a_step_for_another_objective_is_a_violation_G_103(void **state)
{
	struct grasp_msg m;

	(void)state;
	m = say(M_NEGOTIATE, ask_stranger(), "EX2", 5);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	assert_int_equal(f.link.closed, 1);
}

static void
a_live_step_in_answer_to_a_live_request_must_not_turn_dry_G_100(void **state)
{
	struct grasp_msg m;

	(void)state;
	m = say(M_NEGOTIATE, ask_stranger(), "EX1", 5);
	m.objective.flags |= F_NEG_DRY;
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
}

static void
an_end_that_accepts_in_our_turn_is_a_violation(void **state)
{
	struct grasp_msg m;
	uint32_t id;

	(void)state;
	id = ask_stranger();
	m = say(M_NEGOTIATE, id, "EX1", 5);
	stranger_say(&f.x, &m);
	m = (struct grasp_msg){ .type = M_END, .session_id = id, .accepted = true };
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
}

static void
an_end_that_declines_may_come_in_our_turn_G_094(void **state)
{
	struct grasp_msg m;
	uint32_t id;

	(void)state;
	id = ask_stranger();
	m = say(M_NEGOTIATE, id, "EX1", 5);
	stranger_say(&f.x, &m);
	m = (struct grasp_msg){ .type = M_END, .session_id = id };
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_DECLINED);
}

static void
speaking_in_our_turn_is_a_violation(void **state)
{
	static const enum grasp_type types[] = { M_NEGOTIATE, M_SYNCH, M_WAIT };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		uint32_t id = ask_stranger();
		struct grasp_msg m = say(M_NEGOTIATE, id, "EX1", 5);

		stranger_say(&f.x, &m);
		assert_int_equal(f.a.negotiated, i + 1);
		m = say(types[i], id, "EX1", 4);
		stranger_say(&f.x, &m);
		assert_int_equal(f.a.ended, i + 1);
		assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	}
}

static void
a_step_that_nobody_expects_is_a_violation(void **state)
{
	static struct grasp_session_ops mute;
	struct grasp_msg m;

	(void)state;
	m = say(M_NEGOTIATE, ask_stranger(), "EX1", 5);
	mute.ended = diary_session.ended;
	grasp_session_set(f.s, &mute, &f.a);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
}

static void
a_request_whose_link_does_not_open_in_time_times_out_G_089(void **state)
{
	struct addr nobody = lab_address(7);

	(void)state;
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &nobody, &diary_link, &f.link, &f.l), 0);
	negotiate("EX1", ONE, 500);
	run(600);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
	assert_int_equal(f.link.closed, 1); /* its only session is over */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(steps_go_back_and_forth_with_falling_loop_count_G_091_G_093),
		SESSION_TEST(the_loop_count_runs_out_G_092),
		SESSION_TEST(nobody_speaks_out_of_turn),
		SESSION_TEST(the_initiator_gives_up_after_60_seconds_G_089),
		SESSION_TEST(an_asa_that_never_answers_loses_the_session_A_12_G_099),
		SESSION_TEST(the_initiators_asa_must_answer_a_step_in_time_too_A_12),
		SESSION_TEST(our_own_wait_is_kept_as_long_as_it_says_G_098),
		SESSION_TEST(
		    a_synchronization_that_is_never_answered_ends_on_both_sides_A_12),
		SESSION_TEST(each_step_can_have_a_timeout_of_its_own),
		SESSION_TEST(an_end_that_cannot_be_sent_is_an_end_all_the_same),
		SESSION_TEST(the_timeout_can_be_chosen_and_restarts_with_each_step_G_089),
		SESSION_TEST(waiting_replaces_the_running_timer_G_097),
		SESSION_TEST(what_follows_a_wait_leaves_20_ms_later_I_03),
		SESSION_TEST(on_a_held_link_nothing_waits_for_20_ms),
		SESSION_TEST(closing_sends_what_waits_message_by_message_I_01),
		SESSION_TEST(the_peer_may_hang_up_in_the_pause_after_a_wait),
		SESSION_TEST(a_wait_that_runs_out_is_a_failure_G_099),
		SESSION_TEST(a_dry_run_is_seen_on_both_sides_and_stays_one_G_100),
		SESSION_TEST(
		    a_first_step_with_the_requests_own_loop_count_is_accepted_I_05),
		SESSION_TEST(a_step_with_another_loop_count_is_a_violation_I_05),
		SESSION_TEST(a_step_for_another_objective_is_a_violation_G_103),
		SESSION_TEST(
		    a_live_step_in_answer_to_a_live_request_must_not_turn_dry_G_100),
		SESSION_TEST(an_end_that_accepts_in_our_turn_is_a_violation),
		SESSION_TEST(an_end_that_declines_may_come_in_our_turn_G_094),
		SESSION_TEST(speaking_in_our_turn_is_a_violation),
		SESSION_TEST(a_step_that_nobody_expects_is_a_violation),
		SESSION_TEST(a_request_whose_link_does_not_open_in_time_times_out_G_089),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
