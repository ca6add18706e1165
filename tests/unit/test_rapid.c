/* SPDX-License-Identifier: Apache-2.0
 *
 * Rapid mode (RFC 8990 §2.5.5.1, §2.5.6.3): node 0 asks by multicast, node 1 answers with the first
 * step, the end or the value. */
#include "tests/support/session.h"

static struct diary search;
static struct grasp_discovery *d;

static int
begin_search(void **state)
{
	memset(&search, 0, sizeof search);
	return setup(state);
}

#define RAPID_TEST(t) cmocka_unit_test_setup_teardown(t, begin_search, teardown)

/* What f.b does when it is asked. */
static void
step_to_two(struct diary *who)
{
	if (who->asked == 1 && who->negotiated + who->ended == 0)
		assert_int_equal(grasp_session_step(who->session, TWO), 0);
}

static void
accept_it(struct diary *who)
{
	if (who->session)
		grasp_session_end(who->session, true, NULL);
	who->session = NULL;
}

static void
give_two(struct diary *who)
{
	if (who->session)
		assert_int_equal(grasp_session_synch(who->session, TWO), 0);
	who->session = NULL;
}

static void
wait_first(struct diary *who)
{
	if (who->asked == 1 && who->negotiated + who->ended == 0)
		assert_int_equal(grasp_session_wait(who->session, 5000), 0);
}

/* discovered() says yes, the rest goes to the diary's `then`. */
static struct grasp_support support;

static void
start_over(bool rapid, bool dull)
{
	struct grasp_config cfg = { .link_local = true, .rapid = rapid, .dull = dull };

	if (dull)
		cfg.interface = f.lab.ifindex[1];
	grasp_node_free(f.lab.node[1]);
	assert_int_equal(
	    grasp_node_new(fake_host_io(f.lab.host[1]), &cfg, &f.lab.node[1]), 0);
	support = diary_support;
	support.discovered = NULL;
	support.flooded = NULL;
	assert_int_equal(grasp_register(f.lab.node[1], "EX1", F_DISC | F_NEG | F_SYNCH,
			     &support, &f.b, &f.reg),
	    0);
	run(0);
}

static void
look_for(unsigned flags, struct slice value, uint32_t timeout_ms)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | flags, value);

	/* One arg for all: what the sessions tell is in the same diary. */
	assert_int_equal(grasp_discover_rapid(f.lab.node[0], &o, timeout_ms, diary_found,
			     diary_searched, &diary_session, &search, &d),
	    0);
	run(20);
}

static void
the_first_step_comes_instead_of_a_response_G_128(void **state)
{
	struct grasp_msg asked, step;

	(void)state;
	start_over(true, false);
	f.b.then = step_to_two;
	look_for(F_NEG, ONE, 0);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(f.b.value[0], 1);
	assert_int_equal(search.negotiated, 1);
	assert_int_equal(search.value[0], 2);
	assert_int_equal(search.found, 0);
	assert_int_equal(fake_count(f.lab.net, M_RESPONSE), 0);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &asked));
	assert_non_null(fake_message(f.lab.net, M_NEGOTIATE, 0, &step));
	assert_int_equal(asked.session_id, step.session_id);		   /* G-035 */
	assert_int_equal(step.objective.loop_count, GRASP_DEF_LOOPCT - 1); /* G-131 */
	f.b.then = NULL;
	assert_int_equal(grasp_session_step(search.session, ONE), 0);
	run(10);
	assert_int_equal(f.b.negotiated, 1);
	assert_int_equal(f.b.loop_count, GRASP_DEF_LOOPCT - 2);
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	assert_int_equal(search.ended, 1);
	assert_int_equal(search.outcome, GRASP_ACCEPTED);
	run(60000);
	assert_int_equal(search.searched, 1);
	assert_int_equal(search.responses, 0);
	assert_int_equal(fake_streams(f.lab.host[0]) + fake_streams(f.lab.host[1]), 0);
}

static void
the_end_may_come_at_once_G_128(void **state)
{
	(void)state;
	start_over(true, false);
	f.b.then = accept_it;
	look_for(F_NEG, ONE, 0);
	assert_int_equal(search.ended, 1);
	assert_int_equal(search.outcome, GRASP_ACCEPTED);
	assert_int_equal(fake_count(f.lab.net, M_RESPONSE), 0);
}

static void
a_wait_may_come_first_and_restarts_the_clock_G_097_G_131(void **state)
{
	(void)state;
	start_over(true, false);
	f.b.then = wait_first;
	look_for(F_NEG, ONE, 0);
	assert_int_equal(search.waited, 1);
	assert_int_equal(search.wait_ms, 5000);
	run(5100);
	assert_int_equal(search.ended, 1);
	assert_int_equal(search.outcome, GRASP_TIMEOUT);
}

static void
the_value_comes_instead_of_a_response_G_129(void **state)
{
	(void)state;
	start_over(true, false);
	f.b.then = give_two;
	look_for(F_SYNCH, (struct slice){ 0 }, 0);
	assert_int_equal(search.synched, 1);
	assert_int_equal(search.value[0], 2);
	assert_int_equal(search.ended, 1);
	assert_int_equal(search.outcome, GRASP_ACCEPTED);
	assert_int_equal(fake_count(f.lab.net, M_RESPONSE), 0);
}

static void
it_is_off_by_default_and_an_ordinary_response_comes_G_127_G_130(void **state)
{
	(void)state;
	start_over(false, false);
	look_for(F_NEG, ONE, 0);
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(search.found, 1);
	assert_int_equal(search.negotiated, 0);
}

static void
an_ordinary_discovery_is_answered_ordinarily_G_128(void **state)
{
	struct grasp_objective o =
	    lab_objective("EX1", F_DISC | F_NEG, (struct slice){ 0 });

	(void)state;
	start_over(true, false);
	assert_int_equal(grasp_discover(f.lab.node[0], &o, 0, diary_found, diary_searched,
			     &search, &d),
	    0);
	run(20); /* without a value there is nothing to negotiate about */
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(search.found, 1);
}

/* Says it on a connection to node 0, to where the M_DISCOVERY came from. */
static void
answer(struct stranger *x, enum grasp_type type, uint8_t loop_count)
{
	struct grasp_msg asked,
	    m = { .type = type, .has_objective = true, .accepted = true };

	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &asked));
	m.session_id = asked.session_id;
	m.initiator = asked.initiator;
	m.time_ms = 60000;
	m.objective = lab_objective("EX1", F_DISC | F_NEG | F_SYNCH, ONE);
	m.objective.loop_count = loop_count;
	if (type == M_RESPONSE) {
		m.locators = 1;
		m.locator[0].kind = O_IPv6_LOCATOR;
		m.locator[0].ip = lab_ip("2001:db8::99");
		m.locator[0].proto = GRASP_TCP;
		m.locator[0].port = 7017;
	}
	stranger_connect(x, &f.lab, 0);
	stranger_say(x, &m);
}

static void
after_an_ordinary_response_no_session_begins_G_130(void **state)
{
	struct stranger late;

	(void)state;
	grasp_deregister(f.reg);
	look_for(F_NEG, ONE, 0);
	answer(&f.x, M_RESPONSE, 6);
	assert_int_equal(search.found, 1);
	answer(&late, M_NEGOTIATE, 5);
	run(10);
	assert_int_equal(search.negotiated, 0);
	assert_true(late.closed);
}

static void
the_first_of_several_is_taken_and_the_others_are_told_G_128(void **state)
{
	struct stranger second;
	struct grasp_msg m;

	(void)state;
	grasp_deregister(f.reg);
	look_for(F_NEG, ONE, 0);
	answer(&f.x, M_NEGOTIATE, 5);
	assert_int_equal(search.negotiated, 1);
	answer(&second, M_NEGOTIATE, 5);
	run(10);
	assert_int_equal(search.negotiated, 1);
	assert_true(stranger_heard(&second, M_END, 0, &m));
	assert_false(m.accepted);
	assert_true(second.closed);
	answer(&second, M_END, 5);
	run(10);
	assert_true(second.closed);
	assert_int_equal(search.ended, 0);
	assert_int_equal(grasp_session_step(search.session, ONE), 0);
	run(10);
	assert_true(stranger_heard(&f.x, M_NEGOTIATE, 0, &m));
	assert_int_equal(m.objective.loop_count, 4);
}

static void
what_was_not_asked_for_begins_nothing_G_128_G_129(void **state)
{
	static const struct {
		unsigned flags;
		enum grasp_type says;
	} cases[] = { { F_NEG, M_SYNCH }, { F_SYNCH, M_NEGOTIATE }, { F_SYNCH, M_WAIT },
		{ F_SYNCH, M_END }, { F_NEG, M_INVALID } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		teardown(NULL);
		begin_search(NULL);
		grasp_deregister(f.reg);
		look_for(cases[i].flags, ONE, 0);
		answer(&f.x, cases[i].says, 5);
		run(10);
		assert_int_equal(
		    search.negotiated + search.synched + search.ended + search.waited, 0);
		assert_true(f.x.closed);
	}
}

static void
another_objective_begins_nothing_G_103(void **state)
{
	struct grasp_msg asked, m;

	(void)state;
	grasp_deregister(f.reg);
	look_for(F_NEG, ONE, 0);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &asked));
	m = say(M_NEGOTIATE, asked.session_id, "EX2", 5);
	stranger_connect(&f.x, &f.lab, 0);
	stranger_say(&f.x, &m);
	assert_int_equal(search.negotiated + search.ended, 0);
	answer(&f.x, M_NEGOTIATE, 5); /* which keeps nobody from answering well */
	assert_int_equal(search.negotiated, 1);
}

static void
a_cancelled_or_finished_search_takes_nothing(void **state)
{
	(void)state;
	grasp_deregister(f.reg);
	look_for(F_NEG, ONE, 500);
	run(600);
	assert_int_equal(search.searched, 1);
	answer(&f.x, M_NEGOTIATE, 5);
	assert_int_equal(search.negotiated, 0);
	look_for(F_NEG, ONE, 0);
	grasp_discovery_cancel(d);
	answer(&f.x, M_NEGOTIATE, 5);
	assert_int_equal(search.negotiated, 0);
	assert_int_equal(search.searched, 1);
}

static void
an_answer_may_come_within_a_minute_G_131(void **state)
{
	(void)state;
	grasp_deregister(f.reg);
	look_for(F_NEG, ONE, 0);
	run(59000);
	assert_int_equal(search.searched, 0);
	answer(&f.x, M_NEGOTIATE, 5);
	assert_int_equal(search.negotiated, 1);
	run(2000);
	assert_int_equal(search.searched, 1);
	assert_int_equal(search.ended, 0); /* the session goes on by itself */
}

static void
a_dry_run_stays_one_G_100(void **state)
{
	(void)state;
	start_over(true, false);
	f.b.then = step_to_two;
	look_for(F_NEG | F_NEG_DRY, ONE, 0);
	assert_true(grasp_session_dry_run(f.b.session));
	assert_true(grasp_session_dry_run(search.session));
}

static void
questions_are_answered_rapidly_only_so_often_G_083(void **state)
{
	(void)state;
	start_over(true, false);
	for (unsigned i = 0; i < 20; i++)
		look_for(F_NEG, ONE, 100);
	assert_in_range(f.b.asked, 1, 10); /* the limits of M_RESPONSE are those here */
	assert_true(grasp_node_counters(f.lab.node[1])->rate_limited >= 10);
}

static void
one_that_did_not_take_it_up_gets_a_response_after_all_G_130(void **state)
{
	struct grasp_msg m;

	(void)state;
	start_over(true, false);
	f.b.then = step_to_two;
	stranger_listen(&f.x, &f.lab);
	assert_int_equal(
	    fake_host_io(f.lab.outside)
		->ops->group_send(fake_host_io(f.lab.outside), f.lab.outside_ifindex,
		    &(struct in6_addr){ { { 0xff, 0x02, [15] = 0x13 } } }, 0,
		    BYTES(0x84, 0x01, 0x09, 0x50, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, 0, 0x99, 0x84, 0x63, 'E', 'X', '1', 0x03, 0x06,
			0x01)),
	    0);
	run(10);
	assert_true(stranger_heard(&f.x, M_NEGOTIATE, 0, &m));
	fake_host_io(f.lab.outside)->ops->stream_close(f.x.stream, false);
	f.x.len = 0;
	run(20);
	assert_int_equal(f.b.ended, 1);
	assert_true(stranger_heard(&f.x, M_RESPONSE, 0, &m));
	assert_int_equal(m.session_id, 9);
}

static void
dull_has_no_rapid_mode_G_138(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_NEG, ONE);

	(void)state;
	start_over(true, true);
	assert_int_equal(grasp_discover_rapid(f.lab.node[1], &o, 0, diary_found,
			     diary_searched, &diary_session, &search, &d),
	    -EPERM);
	o.loop_count = 1;
	assert_int_equal(grasp_discover_rapid(f.lab.node[0], &o, 0, diary_found,
			     diary_searched, &diary_session, &search, &d),
	    0);
	run(20);
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(search.found, 1);
}

static void
free_node_0(struct diary *who)
{
	who->then = NULL;
	grasp_node_free(f.lab.node[0]);
	f.lab.node[0] = NULL;
}

static void
free_node_1(struct diary *who)
{
	who->then = NULL;
	grasp_node_free(f.lab.node[1]);
	f.lab.node[1] = NULL;
}

static void
either_node_may_be_freed_in_the_first_callback(void **state)
{
	(void)state;
	start_over(true, false);
	f.b.then = step_to_two;
	search.then = free_node_0;
	look_for(F_NEG, ONE, 0);
	assert_null(f.lab.node[0]);
	run(100);
	assert_int_equal(f.b.ended, 1);
	teardown(NULL);
	setup(NULL);
	start_over(true, false);
	f.b.then = free_node_1;
	look_for(F_NEG, ONE, 0);
	assert_null(f.lab.node[1]);
	run(100);
}

static void
a_node_may_be_freed_while_an_answer_is_being_opened(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_NEG, ONE);

	(void)state;
	start_over(true, false);
	assert_int_equal(grasp_discover_rapid(f.lab.node[0], &o, 0, diary_found,
			     diary_searched, &diary_session, &search, &d),
	    0);
	run(1); /* the question is there, the connection not yet */
	assert_int_equal(f.b.asked, 0);
	grasp_node_free(f.lab.node[1]);
	f.lab.node[1] = NULL;
	run(100);
	assert_int_equal(search.negotiated + search.ended, 0);
}

static void
an_objective_withdrawn_while_it_is_opened_begins_nothing(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_NEG, ONE);

	(void)state;
	start_over(true, false);
	assert_int_equal(grasp_discover_rapid(f.lab.node[0], &o, 0, diary_found,
			     diary_searched, &diary_session, &search, &d),
	    0);
	run(1);
	grasp_deregister(f.reg);
	run(100);
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(fake_streams(f.lab.host[0]) + fake_streams(f.lab.host[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RAPID_TEST(the_first_step_comes_instead_of_a_response_G_128),
		RAPID_TEST(the_end_may_come_at_once_G_128),
		RAPID_TEST(a_wait_may_come_first_and_restarts_the_clock_G_097_G_131),
		RAPID_TEST(the_value_comes_instead_of_a_response_G_129),
		RAPID_TEST(
		    it_is_off_by_default_and_an_ordinary_response_comes_G_127_G_130),
		RAPID_TEST(an_ordinary_discovery_is_answered_ordinarily_G_128),
		RAPID_TEST(after_an_ordinary_response_no_session_begins_G_130),
		RAPID_TEST(the_first_of_several_is_taken_and_the_others_are_told_G_128),
		RAPID_TEST(what_was_not_asked_for_begins_nothing_G_128_G_129),
		RAPID_TEST(another_objective_begins_nothing_G_103),
		RAPID_TEST(a_cancelled_or_finished_search_takes_nothing),
		RAPID_TEST(an_answer_may_come_within_a_minute_G_131),
		RAPID_TEST(a_dry_run_stays_one_G_100),
		RAPID_TEST(questions_are_answered_rapidly_only_so_often_G_083),
		RAPID_TEST(one_that_did_not_take_it_up_gets_a_response_after_all_G_130),
		RAPID_TEST(dull_has_no_rapid_mode_G_138),
		RAPID_TEST(either_node_may_be_freed_in_the_first_callback),
		RAPID_TEST(a_node_may_be_freed_while_an_answer_is_being_opened),
		RAPID_TEST(an_objective_withdrawn_while_it_is_opened_begins_nothing),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
