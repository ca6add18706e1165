/* SPDX-License-Identifier: Apache-2.0
 *
 * M_INVALID (RFC 8990 §2.8.12): who says it, what is in it, and what it does. */
#include "tests/support/session.h"

/* [50, 7, "future"] and more. */
#define UNKNOWN BYTES(0x83, 0x18, 0x32, 0x07, 0x66, 'f', 'u', 't', 'u', 'r', 'e')

static struct grasp_msg
invalid(uint32_t id)
{
	return (struct grasp_msg){ .type = M_INVALID, .session_id = id };
}

static void
an_unknown_type_is_answered_with_its_id_and_its_beginning_G_005_G_133_G_134(void **state)
{
	struct grasp_msg m;

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, UNKNOWN);
	assert_true(stranger_heard(&f.x, M_INVALID, 0, &m));
	assert_int_equal(m.session_id, 7);
	assert_int_equal(m.content.len, 1 + UNKNOWN.len); /* a byte string */
	assert_memory_equal(m.content.data + 1, UNKNOWN.data, UNKNOWN.len);
	assert_false(f.x.closed);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->unknown_type, 1);
}

static void
of_a_long_message_only_a_part_goes_back_G_134(void **state)
{
	static uint8_t big[2000] = { 0x83, 0x18, 0x32, 0x07, 0x59, 0x07, 0xc0 };
	struct grasp_msg m;

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, (struct slice){ big, 7 + 0x7c0 });
	assert_true(stranger_heard(&f.x, M_INVALID, 0, &m));
	assert_int_equal(m.content.len, 2 + 64);
	assert_memory_equal(m.content.data + 2, big, 64);
}

static void
an_unknown_type_without_a_session_id_is_not_answered_G_133(void **state)
{
	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, BYTES(0x82, 0x18, 0x32, 0x61, 'x')); /* [50, "x"] */
	stranger_send(&f.x, BYTES(0x81, 0x18, 0x32));		 /* [50] */
	assert_int_equal(f.x.len, 0);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->unknown_type, 2);
}

static void
a_message_of_a_wrong_form_is_named_before_the_link_closes_G_132_G_133(void **state)
{
	struct grasp_msg m;

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, BYTES(0x82, 0x03, 0x18, 0x2a)); /* M_REQ_NEG 42 and no more */
	run(10);
	assert_true(stranger_heard(&f.x, M_INVALID, 0, &m));
	assert_int_equal(m.session_id, 42);
	assert_true(f.x.closed);
}

static void
bytes_that_are_no_cbor_get_no_answer(void **state)
{
	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, BYTES(0xff));
	assert_int_equal(f.x.len, 0);
	assert_true(f.x.closed);
}

static void
invalid_is_never_answered_with_invalid_G_136(void **state)
{
	struct grasp_msg m = invalid(7);

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m); /* of no session here */
	assert_int_equal(f.x.len, 0);
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, BYTES(0x82, 0x18, 0x63, 0x20)); /* a negative session id */
	run(10);
	assert_int_equal(f.x.len, 0);
}

static void
a_multicast_is_never_answered_with_invalid_G_006_G_132(void **state)
{
	struct grasp_datagram d = {
		.from = { lab_ip("fe80::99"), f.lab.ifindex[1], 4567 },
		.to = lab_ip("ff02::13"),
		.hop_limit = 1,
		.data = UNKNOWN,
	};

	(void)state;
	stranger_listen(&f.x, &f.lab);
	fake_inject(f.lab.host[1], &d);
	d.data = BYTES(0x82, 0x03, 0x18, 0x2a);
	fake_inject(f.lab.host[1], &d);
	run(3000);
	assert_int_equal(fake_count(f.lab.net, M_INVALID), 0);
	assert_false(f.x.opened);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->unknown_type, 1);
}

static void
a_received_invalid_ends_its_session_as_refused_G_135(void **state)
{
	struct grasp_msg m = invalid(ask_stranger());

	(void)state;
	m.content = BYTES(0x64, 'w', 'h', 'a', 't', 0xf6);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
}

static void
in_our_turn_too_invalid_ends_the_session_G_135(void **state)
{
	struct grasp_msg m;
	uint32_t id;

	(void)state;
	id = ask_stranger();
	m = say(M_NEGOTIATE, id, "EX1", 5);
	stranger_say(&f.x, &m);
	m = invalid(id);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.negotiated, 1);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
}

static void
invalid_for_a_session_that_is_none_changes_nothing_G_135(void **state)
{
	struct grasp_msg m = invalid(ask_stranger() + 1);

	(void)state;
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.ended, 0);
	assert_int_equal(f.link.closed, 0);
}

static void
an_asa_answers_with_invalid_and_says_why_G_132_G_133(void **state)
{
	struct grasp_msg asked, m;

	(void)state;
	begin();
	assert_int_equal(
	    grasp_session_invalid(f.b.session, BYTES(0x63, 'w', 'h', 'y', 0xf5)), 0);
	run(10);
	assert_non_null(fake_message(f.lab.net, M_REQ_NEG, 0, &asked));
	assert_non_null(fake_message(f.lab.net, M_INVALID, 0, &m));
	assert_int_equal(m.session_id, asked.session_id);
	assert_true(slice_equal(m.content, BYTES(0x63, 'w', 'h', 'y', 0xf5)));
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	assert_int_equal(f.b.ended, 0); /* who ends is not told */
	assert_int_equal(f.link.closed, 1);
}

static void
what_is_too_long_to_be_said_is_left_out_G_134(void **state)
{
	static uint8_t big[2100] = { 0x59, 0x08, 0x20 };
	struct grasp_msg m;

	(void)state;
	begin();
	assert_int_equal(
	    grasp_session_invalid(f.b.session, (struct slice){ big, 3 + 2080 }), 0);
	run(10);
	assert_non_null(fake_message(f.lab.net, M_INVALID, 0, &m));
	assert_int_equal(m.content.len, 0);
}

static void
invalid_is_only_an_answer_G_132(void **state)
{
	(void)state;
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	assert_int_equal(grasp_session_invalid(f.s, ONE), -EPROTO); /* not even asked */
	run(10);
	assert_int_equal(grasp_session_invalid(f.s, ONE), -EPROTO); /* nothing heard */
	assert_int_equal(grasp_session_invalid(f.b.session, BYTES(0x82, 1)), -EINVAL);
	assert_int_equal(fake_count(f.lab.net, M_INVALID), 0);
	assert_int_equal(grasp_session_wait(f.b.session, 1000), 0);
	run(10);
	assert_int_equal(
	    grasp_session_invalid(f.s, ONE), 0); /* M_WAIT is what it answers */
	run(10);
	assert_int_equal(f.b.outcome, GRASP_REFUSED);
}

static void
a_violation_is_told_also_where_the_link_is_not_held_G_132(void **state)
{
	struct grasp_msg m;
	uint32_t id;

	(void)state;
	id = ask_stranger();
	m = say(M_SYNCH, id, "EX1", 5);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	run(10);
	assert_true(stranger_heard(&f.x, M_INVALID, 0, &m));
	assert_int_equal(m.session_id, id);
	assert_int_equal(f.link.closed, 1);
}

static void
a_second_request_nobody_listens_for_is_answered_and_the_first_goes_on_G_055(void **state)
{
	struct grasp_msg m = say(M_REQ_NEG, 1, "EX1", 6);

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m);
	m = say(M_REQ_NEG, 2, "EX9", 6);
	stranger_say(&f.x, &m);
	assert_true(stranger_heard(&f.x, M_INVALID, 0, &m));
	assert_int_equal(m.session_id, 2);
	assert_false(f.x.closed);
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	assert_true(stranger_heard(&f.x, M_END, 0, &m));
}

static int offence;

static void
note_offence(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct diary *d = arg;

	(void)reason;
	d->ended++;
	d->outcome = outcome;
	offence = grasp_session_offence(s);
}

static void
the_asa_can_learn_what_the_peer_did_wrong(void **state)
{
	static const struct grasp_session_ops ops = { .ended = note_offence };
	struct grasp_msg m = say(M_NEGOTIATE, ask_stranger(), "EX2", 5);

	(void)state;
	grasp_session_set(f.s, &ops, &f.a);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	assert_int_equal(offence, M_NEGOTIATE);
	ask_stranger();
	grasp_session_set(f.s, &ops, &f.a);
	stranger_send(&f.x, BYTES(0xff));
	assert_int_equal(f.a.ended, 2);
	assert_int_equal(offence, -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(
		    an_unknown_type_is_answered_with_its_id_and_its_beginning_G_005_G_133_G_134),
		SESSION_TEST(of_a_long_message_only_a_part_goes_back_G_134),
		SESSION_TEST(an_unknown_type_without_a_session_id_is_not_answered_G_133),
		SESSION_TEST(
		    a_message_of_a_wrong_form_is_named_before_the_link_closes_G_132_G_133),
		SESSION_TEST(bytes_that_are_no_cbor_get_no_answer),
		SESSION_TEST(invalid_is_never_answered_with_invalid_G_136),
		SESSION_TEST(a_multicast_is_never_answered_with_invalid_G_006_G_132),
		SESSION_TEST(a_received_invalid_ends_its_session_as_refused_G_135),
		SESSION_TEST(in_our_turn_too_invalid_ends_the_session_G_135),
		SESSION_TEST(invalid_for_a_session_that_is_none_changes_nothing_G_135),
		SESSION_TEST(an_asa_answers_with_invalid_and_says_why_G_132_G_133),
		SESSION_TEST(what_is_too_long_to_be_said_is_left_out_G_134),
		SESSION_TEST(invalid_is_only_an_answer_G_132),
		SESSION_TEST(a_violation_is_told_also_where_the_link_is_not_held_G_132),
		SESSION_TEST(
		    a_second_request_nobody_listens_for_is_answered_and_the_first_goes_on_G_055),
		SESSION_TEST(the_asa_can_learn_what_the_peer_did_wrong),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
