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

static void
the_smallest_and_the_largest_id_are_ids_G_033(void **state)
{
	static const uint32_t ids[] = { 0, UINT32_MAX };

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct grasp_msg m = say(M_REQ_NEG, ids[i], "EX1", 6), end;

		stranger_say(&f.x, &m);
		assert_int_equal(f.b.asked, i + 1);
		assert_int_equal(grasp_session_id(f.b.session), ids[i]);
		grasp_link_hold(f.b.link, 0, 0, 0);
		grasp_session_end(f.b.session, true, NULL);
		run(10);
		assert_true(stranger_heard(&f.x, M_END, (unsigned)i, &end));
		assert_int_equal(end.session_id, ids[i]);
	}
}

static void
random_that_stands_still(struct grasp_io *io, void *dst, size_t len)
{
	(void)io;
	memset(dst, 0x2a, len);
}

static void
ids_differ_from_active_and_recent_ones_whatever_random_gives_G_037_G_038(void **state)
{
	struct grasp_io *io = fake_host_io(f.lab.host[0]);
	struct grasp_io_ops stuck = *io->ops;
	const struct grasp_io_ops *before = io->ops;
	uint32_t ids[20];

	(void)state;
	stuck.random = random_that_stands_still;
	io->ops = &stuck;
	open_link(0, 1);
	grasp_link_hold(f.l, 0, 0, 0);
	for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
		negotiate("EX1", ONE, 0);
		ids[i] = grasp_session_id(f.s);
		if (i % 2)
			grasp_session_cancel(f.s); /* no longer active, but recent */
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	io->ops = before;
}

static void
ids_come_from_the_ios_random_numbers_G_036(void **state)
{
	struct grasp_io *io = fake_host_io(f.lab.host[0]);
	struct grasp_io_ops stuck = *io->ops;
	const struct grasp_io_ops *before = io->ops;

	(void)state;
	stuck.random = random_that_stands_still;
	io->ops = &stuck;
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	io->ops = before;
	assert_int_equal(grasp_session_id(f.s), 0x2a2a2a2a);
}

/* A session of fe80::77 with node 1, on one of its links; the id is always the same. */
static struct grasp_node *
ask_from_link_local(struct fake_host *h, uint32_t ifindex)
{
	struct grasp_io *io = fake_host_io(h);
	struct addr to = { lab_ip("fe80::2"), ifindex, GRASP_LISTEN_PORT };
	struct grasp_config cfg = { .link_local = true };
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);
	static struct grasp_io_ops stuck;
	struct grasp_node *n;
	struct grasp_link *l;
	struct grasp_session *s;

	stuck = *io->ops;
	stuck.random = random_that_stands_still;
	assert_int_equal(grasp_node_new(io, &cfg, &n), 0);
	io->ops = &stuck;
	assert_int_equal(grasp_link_open(n, &to, NULL, NULL, &l), 0);
	assert_int_equal(grasp_negotiate(l, &o, 0, NULL, NULL, &s), 0);
	run(10);
	return n;
}

static void
the_same_link_local_address_on_two_links_is_two_peers_G_039(void **state)
{
	struct fake_host *one_link = fake_host_new(f.lab.net);
	struct fake_host *other_link = fake_host_new(f.lab.net);
	uint32_t i = fake_attach(one_link, 1, "fe80::77", NULL);
	uint32_t k = fake_attach(other_link, 2, "fe80::77", NULL);
	struct grasp_node *first, *second;

	(void)state;
	fake_attach(f.lab.host[1], 2, "fe80::2", NULL);
	run(10);
	first = ask_from_link_local(one_link, i);
	second = ask_from_link_local(other_link, k);
	assert_int_equal(f.b.asked, 2);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->duplicate, 0);
	grasp_node_free(first);
	grasp_node_free(second);
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
		SESSION_TEST(the_smallest_and_the_largest_id_are_ids_G_033),
		SESSION_TEST(
		    ids_differ_from_active_and_recent_ones_whatever_random_gives_G_037_G_038),
		SESSION_TEST(ids_come_from_the_ios_random_numbers_G_036),
		SESSION_TEST(the_same_link_local_address_on_two_links_is_two_peers_G_039),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
