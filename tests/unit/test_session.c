/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/lab.h"

static const uint8_t one = 1, two = 2;
#define ONE ((struct slice){ &one, 1 })
#define TWO ((struct slice){ &two, 1 })

/* Two nodes; node 1 offers EX1. The diaries are of initiator and responder. */
struct fixture {
	struct lab lab;
	struct diary a, b, link;
	struct grasp_registration *reg;
	struct grasp_link *l;
	struct grasp_session *s;
	struct stranger x;
};
static struct fixture f;

static int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, 2, LAB_LINK);
	return grasp_register(
	    f.lab.node[1], "EX1", F_DISC | F_NEG, &diary_support, &f.b, &f.reg);
}

static int
teardown(void **state)
{
	(void)state;
	lab_done(&f.lab);
	return 0;
}

static void
run(int64_t ms)
{
	fake_run(f.lab.net, ms);
}

static void
open_link(unsigned from, unsigned to)
{
	struct addr a = lab_address(to);

	assert_int_equal(
	    grasp_link_open(f.lab.node[from], &a, &diary_link, &f.link, &f.l), 0);
}

static void
negotiate(const char *name, struct slice value, uint32_t timeout_ms)
{
	struct grasp_objective o = lab_objective(name, F_DISC | F_NEG, value);

	assert_int_equal(
	    grasp_negotiate(f.l, &o, timeout_ms, &diary_session, &f.a, &f.s), 0);
}

static void
synchronize(const char *name, uint32_t timeout_ms)
{
	struct grasp_objective o =
	    lab_objective(name, F_DISC | F_SYNCH, (struct slice){ 0 });

	assert_int_equal(
	    grasp_synchronize(f.l, &o, timeout_ms, &diary_session, &f.a, &f.s), 0);
}

static void
begin(void)
{
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	run(10);
	assert_int_equal(f.b.asked, 1);
}

static void
assert_value(const struct diary *d, uint8_t value)
{
	assert_int_equal(d->value_len, 1);
	assert_int_equal(d->value[0], value);
}

/* --- negotiation between two engines --------------------------------------------------------- */

static void
a_request_reaches_the_responder_with_its_value_G_088(void **state)
{
	(void)state;
	begin();
	assert_string_equal(f.b.name, "EX1");
	assert_value(&f.b, 1);
	assert_int_equal(f.b.loop_count, GRASP_DEF_LOOPCT); /* G-090 */
}

static void
accepting_ends_with_success_and_closes_the_link_G_054_G_094(void **state)
{
	(void)state;
	begin();
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
	assert_int_equal(f.b.ended, 0); /* who ends is not told */
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(f.link.err, 0);
	assert_int_equal(fake_streams(f.lab.host[0]) + fake_streams(f.lab.host[1]), 0);
}

static void
declining_carries_the_reason_G_032(void **state)
{
	(void)state;
	begin();
	grasp_session_end(f.b.session, false, "no room");
	run(10);
	assert_int_equal(f.a.outcome, GRASP_DECLINED);
	assert_string_equal(f.a.reason, "no room");
}

static void
a_reason_that_is_no_utf8_is_left_out(void **state)
{
	(void)state;
	begin();
	grasp_session_end(f.b.session, false, "\xff\xfe");
	run(10);
	assert_int_equal(f.a.outcome, GRASP_DECLINED);
	assert_string_equal(f.a.reason, "");
}

static void
a_reason_that_is_too_long_is_left_out(void **state)
{
	static char reason[3000];

	(void)state;
	memset(reason, 'x', sizeof reason - 1);
	begin();
	grasp_session_end(f.b.session, false, reason);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_DECLINED);
	assert_string_equal(f.a.reason, "");
}

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
all_messages_of_a_session_carry_one_id_G_035(void **state)
{
	struct grasp_msg first, second, last;

	(void)state;
	begin();
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(10);
	grasp_session_end(f.s, true, NULL);
	run(10);
	assert_non_null(fake_message(f.lab.net, M_REQ_NEG, 0, &first));
	assert_non_null(fake_message(f.lab.net, M_NEGOTIATE, 0, &second));
	assert_non_null(fake_message(f.lab.net, M_END, 0, &last));
	assert_int_equal(first.session_id, second.session_id);
	assert_int_equal(first.session_id, last.session_id);
	assert_int_equal(f.b.outcome, GRASP_ACCEPTED);
}

static void
each_message_is_one_send_I_01(void **state)
{
	unsigned sends = 0;

	(void)state;
	begin();
	assert_int_equal(grasp_session_wait(f.b.session, 100), 0);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(50);
	for (size_t i = 0; i < fake_packets(f.lab.net); i++)
		sends += fake_packet(f.lab.net, i)->kind == FAKE_DATA;
	assert_int_equal(sends, 3);
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
a_value_that_is_no_cbor_is_not_sent(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_step(f.b.session, BYTES(0x81)), -EINVAL);
	assert_int_equal(grasp_session_step(f.b.session, ONE), 0);
}

static void
a_message_above_2048_bytes_is_not_sent_G_011(void **state)
{
	static uint8_t big[2100] = { 0x59, 0x08, 0x20 }; /* a string of 2080 bytes */

	(void)state;
	begin();
	assert_int_equal(
	    grasp_session_step(f.b.session, (struct slice){ big, 3 + 2080 }), -EMSGSIZE);
	assert_int_equal(grasp_session_step(f.b.session, ONE), 0);
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
	assert_int_equal(f.b.outcome, GRASP_CLOSED);
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

static void
closing_sends_what_waits(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_wait(f.b.session, 1000), 0);
	grasp_session_end(f.b.session, true, NULL);
	grasp_link_close(f.b.link);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
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
both_sides_negotiate_at_once_on_one_held_link_G_101(void **state)
{
	struct diary back = { 0 }, offer = { 0 };
	struct grasp_objective o = lab_objective("EX2", F_NEG, TWO);
	struct grasp_registration *reg;
	struct grasp_session *s;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[0], "EX2", F_NEG, &diary_support, &offer, &reg), 0);
	open_link(0, 1);
	grasp_link_hold(f.l, 0, 0, 0);
	negotiate("EX1", ONE, 0);
	run(10);
	grasp_link_hold(f.b.link, 0, 0, 0);
	assert_int_equal(grasp_negotiate(f.b.link, &o, 0, &diary_session, &back, &s), 0);
	run(10);
	assert_int_equal(offer.asked, 1);
	assert_value(&offer, 2);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	assert_int_equal(grasp_session_step(offer.session, ONE), 0);
	run(10);
	assert_value(&f.a, 2);
	assert_value(&back, 1);
	grasp_session_end(f.s, true, NULL);
	grasp_session_end(s, false, "later");
	run(10);
	assert_int_equal(f.b.outcome, GRASP_ACCEPTED);
	assert_int_equal(offer.outcome, GRASP_DECLINED);
	assert_int_equal(f.link.closed, 0);
}

static void
a_session_can_start_before_the_link_is_open(void **state)
{
	(void)state;
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	assert_int_equal(fake_count(f.lab.net, M_REQ_NEG), 0);
	run(10);
	assert_int_equal(f.link.opened, 1);
	assert_int_equal(fake_count(f.lab.net, M_REQ_NEG), 1);
}

static void
a_peer_that_is_not_there_fails_the_session_and_the_link(void **state)
{
	struct addr nobody = lab_address(7);

	(void)state;
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &nobody, &diary_link, &f.link, &f.l), 0);
	negotiate("EX1", ONE, 0);
	run(20000);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_CLOSED);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(f.link.err, -ETIMEDOUT);
}

static void
a_host_without_grasp_refuses_I_12(void **state)
{
	struct addr outside = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };

	(void)state;
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &outside, &diary_link, &f.link, &f.l), 0);
	negotiate("EX1", ONE, 0);
	run(100);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	assert_int_equal(f.link.err, -ECONNREFUSED);
}

/* --- nobody listens ------------------------------------------------------------------------- */

static void
a_request_nobody_listens_for_closes_the_link_at_once_G_055(void **state)
{
	(void)state;
	open_link(0, 1);
	negotiate("EX9", ONE, 0);
	run(10);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(fake_count(f.lab.net, M_INVALID), 0);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->no_listener, 1);
}

static void
on_a_held_link_it_is_answered_with_invalid_and_the_link_stays_G_055_G_133(void **state)
{
	struct grasp_msg m;

	(void)state;
	begin();
	grasp_link_hold(f.b.link, 0, 0, 0);
	grasp_link_hold(f.l, 0, 0, 0);
	negotiate("EX9", ONE, 0);
	run(10);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	assert_non_null(fake_message(f.lab.net, M_INVALID, 0, &m));
	assert_int_equal(fake_count(f.lab.net, M_INVALID), 1); /* G-136 */
	assert_int_equal(f.link.closed, 0);
	grasp_session_end(f.b.session, true, NULL); /* the first one is not disturbed */
	run(10);
	assert_int_equal(f.a.ended, 2);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
}

static void
an_objective_without_a_negotiate_callback_is_not_offered_G_055(void **state)
{
	struct grasp_registration *reg;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX3", 0, &diary_listener, &f.b, &reg), 0);
	open_link(0, 1);
	negotiate("EX3", ONE, 0);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
}

static void
a_deregistered_objective_is_not_offered_any_more(void **state)
{
	(void)state;
	grasp_deregister(f.reg);
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	assert_int_equal(f.b.asked, 0);
}

/* --- synchronization ------------------------------------------------------------------------ */

static void
a_value_is_synchronized_and_the_link_closed_G_104_G_054(void **state)
{
	(void)state;
	open_link(0, 1);
	synchronize("EX1", 0);
	run(10);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(grasp_session_synch(f.b.session, TWO), 0);
	run(10);
	assert_int_equal(f.a.synched, 1);
	assert_value(&f.a, 2);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
	assert_int_equal(f.link.closed, 1);
}

static void
a_synchronization_times_out_after_60_seconds_G_105(void **state)
{
	(void)state;
	open_link(0, 1);
	synchronize("EX1", 0);
	run(59900);
	assert_int_equal(f.a.ended, 0);
	run(200);
	assert_int_equal(f.a.outcome, GRASP_TIMEOUT);
}

static void
refusing_to_synchronize_closes_or_says_invalid(void **state)
{
	(void)state;
	open_link(0, 1);
	synchronize("EX1", 0);
	run(10);
	grasp_session_end(f.b.session, false, NULL);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	open_link(0, 1);
	grasp_link_hold(f.l, 0, 0, 0);
	synchronize("EX1", 0);
	run(10);
	grasp_link_hold(f.b.link, 0, 0, 0);
	grasp_session_end(f.b.session, false, NULL);
	run(10);
	assert_int_equal(f.a.ended, 2);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	assert_int_equal(f.link.closed, 1);
}

static void
a_value_in_tag_24_is_unwrapped_for_the_asa_A_09_I_20(void **state)
{
	(void)state;
	open_link(0, 1);
	synchronize("EX1", 0);
	run(10);
	assert_int_equal(
	    grasp_session_synch(f.b.session, BYTES(0xd8, 0x18, 0x41, 0x07)), 0);
	run(10);
	assert_value(&f.a, 7);
}

/* --- a peer that we script ------------------------------------------------------------------- */

static struct grasp_msg
say(enum grasp_type type, uint32_t id, const char *name, unsigned loop_count)
{
	struct grasp_msg m = {
		.type = type, .session_id = id, .has_objective = name != NULL
	};

	m.objective = lab_objective(name, F_DISC | F_NEG, ONE);
	m.objective.loop_count = loop_count;
	return m;
}

/* Node 0 asks the stranger for EX1; returns the session id. */
static uint32_t
ask_stranger(void)
{
	struct addr outside = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };
	struct grasp_msg m;

	stranger_listen(&f.x, &f.lab);
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &outside, &diary_link, &f.link, &f.l), 0);
	negotiate("EX1", ONE, 0);
	run(10);
	assert_true(stranger_heard(&f.x, M_REQ_NEG, 0, &m));
	return m.session_id;
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
a_violation_on_a_held_link_ends_only_its_session(void **state)
{
	struct grasp_msg m;
	uint32_t id;

	(void)state;
	id = ask_stranger();
	grasp_link_hold(f.l, 0, 0, 0);
	m = say(M_SYNCH, id, "EX1", 5);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	assert_int_equal(f.link.closed, 0);
	assert_true(stranger_heard(&f.x, M_INVALID, 0, &m));
	assert_int_equal(m.session_id, id);
}

static void
messages_of_an_unknown_session_are_ignored(void **state)
{
	struct grasp_msg m;
	uint32_t id;

	(void)state;
	id = ask_stranger();
	grasp_link_hold(f.l, 0, 0, 0);
	m = say(M_NEGOTIATE, id + 1, "EX1", 5);
	stranger_say(&f.x, &m);
	m = (struct grasp_msg){ .type = M_INVALID, .session_id = id + 1 };
	stranger_say(&f.x, &m);
	assert_int_equal(grasp_node_counters(f.lab.node[0])->unwanted, 2);
	assert_false(stranger_heard(&f.x, M_INVALID, 0, &m));
	assert_int_equal(f.a.negotiated + f.a.ended + f.link.closed, 0);
}

static void
invalid_refuses_the_session_it_names(void **state)
{
	struct grasp_msg m = { .type = M_INVALID };

	(void)state;
	m.session_id = ask_stranger();
	grasp_link_hold(f.l, 0, 0, 0);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	assert_false(stranger_heard(&f.x, M_INVALID, 0, &m)); /* G-136 */
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
a_synchronization_takes_nothing_but_its_value_G_104(void **state)
{
	static const enum grasp_type types[] = { M_NEGOTIATE, M_WAIT, M_END };
	struct addr outside = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };
	struct grasp_msg m, request;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		stranger_listen(&f.x, &f.lab);
		assert_int_equal(
		    grasp_link_open(f.lab.node[0], &outside, &diary_link, &f.link, &f.l),
		    0);
		synchronize("EX1", 0);
		run(10);
		assert_true(stranger_heard(&f.x, M_REQ_SYN, 0, &request));
		m = say(types[i], request.session_id, "EX1", 5);
		stranger_say(&f.x, &m);
		assert_int_equal(f.a.ended, i + 1);
		assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	}
	assert_int_equal(f.a.synched, 0);
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

static void
a_request_with_an_id_that_is_active_is_discarded_G_040(void **state)
{
	struct grasp_msg m = say(M_REQ_NEG, 77, "EX1", 6);
	struct stranger y;

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m);
	assert_int_equal(f.b.asked, 1);
	stranger_say(&f.x, &m);
	assert_int_equal(f.b.asked, 1);
	stranger_connect(&y, &f.lab, 1);
	stranger_say(&y, &m); /* the same address on another link (G-039) */
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->duplicate, 2);
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	stranger_say(&y, &m); /* no longer active */
	assert_int_equal(f.b.asked, 2);
}

static void
two_peers_may_use_the_same_id_G_039(void **state)
{
	struct grasp_msg m, first;

	(void)state;
	begin(); /* node 0 at node 1 */
	assert_non_null(fake_message(f.lab.net, M_REQ_NEG, 0, &first));
	m = say(M_REQ_NEG, first.session_id, "EX1", 6);
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m);
	assert_int_equal(f.b.asked, 2);
	grasp_session_end(f.b.session, false, "you");
	run(10);
	assert_int_equal(f.a.ended, 0);
	assert_true(stranger_heard(&f.x, M_END, 0, &m));
}

static void
a_request_under_the_id_of_our_own_request_on_that_link_is_discarded_G_040(void **state)
{
	struct grasp_registration *reg;
	struct diary offer = { 0 };
	struct grasp_msg m;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[0], "EX2", F_NEG, &diary_support, &offer, &reg), 0);
	m = say(M_REQ_NEG, ask_stranger(), "EX2", 6);
	stranger_say(&f.x, &m);
	assert_int_equal(offer.asked, 0);
	assert_int_equal(f.a.ended, 0);
}

static void
ids_are_new_for_each_request_G_034(void **state)
{
	struct grasp_msg m[3];

	(void)state;
	open_link(0, 1);
	for (unsigned i = 0; i < 3; i++)
		negotiate("EX1", ONE, 0);
	run(10);
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(fake_message(f.lab.net, M_REQ_NEG, i, &m[i]));
	assert_int_not_equal(m[0].session_id, m[1].session_id);
	assert_int_not_equal(m[1].session_id, m[2].session_id);
	assert_int_not_equal(m[0].session_id, m[2].session_id);
}

static void
start_sessions(uint32_t from, uint32_t to)
{
	for (uint32_t id = from; id < to; id++) {
		struct grasp_msg m = say(M_REQ_NEG, id, "EX1", 6);

		stranger_say(&f.x, &m);
	}
}

static void
a_peer_can_start_only_so_many_sessions_on_a_link(void **state)
{
	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	start_sessions(0, 100);
	assert_int_equal(f.b.asked, 8);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->rate_limited, 92);
	assert_false(f.x.closed);
	grasp_link_hold(f.b.link, 0, 0, 0);
	start_sessions(100, 200);
	assert_int_equal(f.b.asked, 64);
	assert_false(f.x.closed);
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	start_sessions(200, 210);
	assert_int_equal(f.b.asked, 65);
}

static void
the_peer_hangs_up_in_the_middle_G_054(void **state)
{
	(void)state;
	begin();
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(10);
	grasp_link_close(f.l);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_CLOSED);
	assert_int_equal(f.link.closed, 0); /* who closes is not told */
	run(10);
	assert_int_equal(f.b.ended, 1);
	assert_int_equal(f.b.outcome, GRASP_CLOSED);
}

static void
cancelling_is_silent_and_closes_a_link_that_is_not_held(void **state)
{
	(void)state;
	begin();
	grasp_session_cancel(f.s);
	run(10);
	assert_int_equal(f.a.ended, 0);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(f.b.ended, 1);
	assert_int_equal(fake_count(f.lab.net, M_END), 0);
}

/* --- freed inside of callbacks ----------------------------------------------------------------- */

static void
end_it(struct diary *d)
{
	if (d->session)
		grasp_session_end(d->session, true, NULL);
	d->session = NULL;
}

static void
hold_and_end(struct diary *d)
{
	grasp_link_hold(d->link, 0, 0, 0);
	end_it(d);
}

static void
close_it(struct diary *d)
{
	if (d->link)
		grasp_link_close(d->link);
	d->link = NULL;
}

static void
free_node(struct diary *d)
{
	unsigned i = d == &f.a ? 0 : 1;

	grasp_node_free(f.lab.node[i]);
	f.lab.node[i] = NULL;
	d->then = NULL;
}

static void
next_session(struct diary *d)
{
	if (d->ended == 1)
		negotiate("EX1", TWO, 0);
}

static void
a_responder_may_end_at_once(void **state)
{
	(void)state;
	f.b.then = end_it;
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
	assert_int_equal(f.a.ended, 1);
}

static void
a_responder_may_close_the_link_at_once(void **state)
{
	(void)state;
	f.b.then = close_it;
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	run(10);
	assert_int_equal(f.b.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
}

static void
the_next_session_may_start_when_one_ends_and_keeps_the_link(void **state)
{
	(void)state;
	f.b.then = hold_and_end;
	f.a.then = next_session;
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	run(50);
	assert_int_equal(f.b.asked, 2);
	assert_int_equal(f.a.ended, 2);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->links, 1);
}

static void
a_node_may_be_freed_in_a_callback(void **state)
{
	(void)state;
	f.b.then = free_node;
	begin();
	run(10);
	assert_null(f.lab.node[1]);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(fake_streams(f.lab.host[1]), 0);
}

static void
a_node_may_be_freed_when_a_session_ends(void **state)
{
	(void)state;
	begin();
	negotiate("EX1", TWO, 0);
	f.a.then = free_node;
	grasp_link_close(f.l);
	assert_null(f.lab.node[0]);
	assert_int_equal(f.a.ended, 1); /* the other one is silenced with its node */
	run(10);
	assert_int_equal(f.b.ended, 2);
}

static void
no_session_without_a_link(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);

	(void)state;
	begin();
	fake_fail(f.lab.host[0], 1, ENOBUFS);
	assert_int_equal(
	    grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &f.s), -ENOBUFS);
	assert_int_equal(f.a.ended, 0);
}

static void
bad_arguments_are_refused(void **state)
{
	static const char long_name[] =
	    "0123456789012345678901234567890123456789012345678901234567890123456789";
	struct grasp_objective o = lab_objective("", F_NEG, ONE);

	(void)state;
	open_link(0, 1);
	assert_int_equal(
	    grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &f.s), -EINVAL);
	o = lab_objective(long_name, F_NEG, ONE);
	assert_int_equal(
	    grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &f.s), -EINVAL);
	o = lab_objective("EX1", F_NEG, BYTES(0x82, 0x01));
	assert_int_equal(
	    grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &f.s), -EINVAL);
}

static void
outcomes_have_names(void **state)
{
	(void)state;
	assert_string_equal(grasp_outcome_name(GRASP_ACCEPTED), "accepted");
	assert_string_equal(grasp_outcome_name(GRASP_DECLINED), "declined");
	assert_string_equal(grasp_outcome_name(GRASP_TIMEOUT), "timeout");
	assert_string_equal(grasp_outcome_name(GRASP_CLOSED), "closed");
	assert_string_equal(grasp_outcome_name(GRASP_REFUSED), "refused");
	assert_string_equal(grasp_outcome_name(GRASP_VIOLATION), "violation");
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_request_reaches_the_responder_with_its_value_G_088),
		CASE(accepting_ends_with_success_and_closes_the_link_G_054_G_094),
		CASE(declining_carries_the_reason_G_032),
		CASE(a_reason_that_is_no_utf8_is_left_out),
		CASE(a_reason_that_is_too_long_is_left_out),
		CASE(steps_go_back_and_forth_with_falling_loop_count_G_091_G_093),
		CASE(all_messages_of_a_session_carry_one_id_G_035),
		CASE(each_message_is_one_send_I_01),
		CASE(the_loop_count_runs_out_G_092),
		CASE(nobody_speaks_out_of_turn),
		CASE(a_value_that_is_no_cbor_is_not_sent),
		CASE(a_message_above_2048_bytes_is_not_sent_G_011),
		CASE(the_initiator_gives_up_after_60_seconds_G_089),
		CASE(the_timeout_can_be_chosen_and_restarts_with_each_step_G_089),
		CASE(waiting_replaces_the_running_timer_G_097),
		CASE(what_follows_a_wait_leaves_20_ms_later_I_03),
		CASE(on_a_held_link_nothing_waits_for_20_ms),
		CASE(closing_sends_what_waits),
		CASE(the_peer_may_hang_up_in_the_pause_after_a_wait),
		CASE(a_wait_that_runs_out_is_a_failure_G_099),
		CASE(a_dry_run_is_seen_on_both_sides_and_stays_one_G_100),
		CASE(both_sides_negotiate_at_once_on_one_held_link_G_101),
		CASE(a_session_can_start_before_the_link_is_open),
		CASE(a_peer_that_is_not_there_fails_the_session_and_the_link),
		CASE(a_host_without_grasp_refuses_I_12),
		CASE(a_request_nobody_listens_for_closes_the_link_at_once_G_055),
		CASE(
		    on_a_held_link_it_is_answered_with_invalid_and_the_link_stays_G_055_G_133),
		CASE(an_objective_without_a_negotiate_callback_is_not_offered_G_055),
		CASE(a_deregistered_objective_is_not_offered_any_more),
		CASE(a_value_is_synchronized_and_the_link_closed_G_104_G_054),
		CASE(a_synchronization_times_out_after_60_seconds_G_105),
		CASE(refusing_to_synchronize_closes_or_says_invalid),
		CASE(a_value_in_tag_24_is_unwrapped_for_the_asa_A_09_I_20),
		CASE(a_first_step_with_the_requests_own_loop_count_is_accepted_I_05),
		CASE(a_step_with_another_loop_count_is_a_violation_I_05),
		CASE(a_step_for_another_objective_is_a_violation_G_103),
		CASE(a_live_step_in_answer_to_a_live_request_must_not_turn_dry_G_100),
		CASE(a_violation_on_a_held_link_ends_only_its_session),
		CASE(messages_of_an_unknown_session_are_ignored),
		CASE(invalid_refuses_the_session_it_names),
		CASE(an_end_that_accepts_in_our_turn_is_a_violation),
		CASE(an_end_that_declines_may_come_in_our_turn_G_094),
		CASE(speaking_in_our_turn_is_a_violation),
		CASE(a_synchronization_takes_nothing_but_its_value_G_104),
		CASE(a_step_that_nobody_expects_is_a_violation),
		CASE(a_request_whose_link_does_not_open_in_time_times_out_G_089),
		CASE(a_request_with_an_id_that_is_active_is_discarded_G_040),
		CASE(two_peers_may_use_the_same_id_G_039),
		CASE(
		    a_request_under_the_id_of_our_own_request_on_that_link_is_discarded_G_040),
		CASE(ids_are_new_for_each_request_G_034),
		CASE(a_peer_can_start_only_so_many_sessions_on_a_link),
		CASE(the_peer_hangs_up_in_the_middle_G_054),
		CASE(cancelling_is_silent_and_closes_a_link_that_is_not_held),
		CASE(a_responder_may_end_at_once),
		CASE(a_responder_may_close_the_link_at_once),
		CASE(the_next_session_may_start_when_one_ends_and_keeps_the_link),
		CASE(a_node_may_be_freed_in_a_callback),
		CASE(a_node_may_be_freed_when_a_session_ends),
		CASE(no_session_without_a_link),
		CASE(bad_arguments_are_refused),
		CASE(outcomes_have_names),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
