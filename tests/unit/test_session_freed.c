/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions, links and nodes that go while a callback runs or a peer speaks. */
#include "tests/support/session.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(the_peer_hangs_up_in_the_middle_G_054),
		SESSION_TEST(cancelling_is_silent_and_closes_a_link_that_is_not_held),
		SESSION_TEST(a_responder_may_end_at_once),
		SESSION_TEST(a_responder_may_close_the_link_at_once),
		SESSION_TEST(the_next_session_may_start_when_one_ends_and_keeps_the_link),
		SESSION_TEST(a_node_may_be_freed_in_a_callback),
		SESSION_TEST(a_node_may_be_freed_when_a_session_ends),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
