/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/session.h"

#include <errno.h>
#include <string.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(a_request_reaches_the_responder_with_its_value_G_088),
		SESSION_TEST(accepting_ends_with_success_and_closes_the_link_G_054_G_094),
		SESSION_TEST(declining_carries_the_reason_G_032),
		SESSION_TEST(a_reason_that_is_no_utf8_is_left_out),
		SESSION_TEST(a_reason_that_is_too_long_is_left_out),
		SESSION_TEST(each_message_is_one_send_I_01),
		SESSION_TEST(a_value_that_is_no_cbor_is_not_sent),
		SESSION_TEST(a_message_above_2048_bytes_is_not_sent_G_011),
		SESSION_TEST(both_sides_negotiate_at_once_on_one_held_link_G_101),
		SESSION_TEST(a_session_can_start_before_the_link_is_open),
		SESSION_TEST(a_peer_that_is_not_there_fails_the_session_and_the_link),
		SESSION_TEST(a_host_without_grasp_refuses_I_12),
		SESSION_TEST(a_request_nobody_listens_for_closes_the_link_at_once_G_055),
		SESSION_TEST(
		    on_a_held_link_it_is_answered_with_invalid_and_the_link_stays_G_055_G_133),
		SESSION_TEST(
		    an_objective_without_a_negotiate_callback_is_not_offered_G_055),
		SESSION_TEST(a_deregistered_objective_is_not_offered_any_more),
		SESSION_TEST(a_value_is_synchronized_and_the_link_closed_G_104_G_054),
		SESSION_TEST(a_synchronization_times_out_after_60_seconds_G_105),
		SESSION_TEST(refusing_to_synchronize_closes_or_says_invalid),
		SESSION_TEST(a_value_in_tag_24_is_unwrapped_for_the_asa_A_09_I_20),
		SESSION_TEST(a_violation_on_a_held_link_ends_only_its_session),
		SESSION_TEST(invalid_refuses_the_session_it_names),
		SESSION_TEST(a_synchronization_takes_nothing_but_its_value_G_104),
		SESSION_TEST(no_session_without_a_link),
		SESSION_TEST(bad_arguments_are_refused),
		SESSION_TEST(outcomes_have_names),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
