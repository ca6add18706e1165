/* SPDX-License-Identifier: Apache-2.0
 *
 * Session ids, and how many sessions there may be. */
#include "tests/support/session.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(all_messages_of_a_session_carry_one_id_G_035),
		SESSION_TEST(messages_of_an_unknown_session_are_ignored),
		SESSION_TEST(a_request_with_an_id_that_is_active_is_discarded_G_040),
		SESSION_TEST(two_peers_may_use_the_same_id_G_039),
		SESSION_TEST(
		    a_request_under_the_id_of_our_own_request_on_that_link_is_discarded_G_040),
		SESSION_TEST(ids_are_new_for_each_request_G_034),
		SESSION_TEST(a_peer_can_start_only_so_many_sessions_on_a_link),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
