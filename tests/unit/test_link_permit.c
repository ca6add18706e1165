/* SPDX-License-Identifier: Apache-2.0
 *
 * Whoever has no right to begin something on a link loses the link before anything is done. */
#include "tests/support/session.h"

#define ROLE 7 /* what it means is no matter to the engine */

struct gate {
	unsigned forbidden;    /* 1 << type */
	const char *objective; /* forbidden alone; NULL: any */
	unsigned asked, role;
	enum grasp_type last;
	bool proved;
};
static struct gate gate;

static bool
permit(void *arg, const struct grasp_who *who, const struct grasp_msg *msg)
{
	struct gate *g = arg;

	g->asked++;
	g->last = msg->type;
	g->proved = who != NULL;
	g->role = who ? who->role : 0;
	if (g->objective && !slice_is(msg->objective.name, g->objective))
		return true;
	return !(g->forbidden & 1u << msg->type);
}

/* Node i again, with a gate in front of its links. */
static void
guard_node(unsigned i)
{
	struct grasp_config cfg = {
		.link_local = true, .rapid = true, .permit = permit, .permit_arg = &gate
	};

	grasp_node_free(f.lab.node[i]);
	assert_int_equal(
	    grasp_node_new(fake_host_io(f.lab.host[i]), &cfg, &f.lab.node[i]), 0);
}

static int
begin_test(void **state)
{
	int r = setup(state);

	memset(&gate, 0, sizeof gate);
	guard_node(1);
	return r < 0 ? r
		     : grasp_register(f.lab.node[1], "EX1", F_DISC | F_NEG | F_SYNCH,
			   &diary_support, &f.b, &f.reg);
}

#define PERMIT_TEST(t) cmocka_unit_test_setup_teardown(t, begin_test, teardown)

static uint64_t
not_permitted(unsigned node)
{
	return grasp_node_counters(f.lab.node[node])->not_permitted;
}

static void
each_beginning_can_be_forbidden_S_28(void **state)
{
	static const enum grasp_type types[] = { M_DISCOVERY, M_REQ_NEG, M_REQ_SYN };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct grasp_msg m = say(types[i], 77 + (uint32_t)i, "EX1", 6);

		m.initiator = lab_initiator("2001:db8::99");
		gate.forbidden = 1u << types[i];
		memset(&f.x, 0, sizeof f.x);
		stranger_connect(&f.x, &f.lab, 1);
		run(10);
		stranger_say(&f.x, &m);
		run(10);
		assert_true(f.x.closed);
		assert_int_equal(f.x.len, 0); /* not even M_INVALID */
		assert_int_equal(f.b.asked, 0);
		assert_int_equal(not_permitted(1), i + 1);
		assert_int_equal(gate.last, types[i]);
		assert_false(gate.proved);
	}
}

static void
what_is_permitted_goes_on_as_ever(void **state)
{
	(void)state;
	begin();
	assert_int_equal(gate.asked, 1);
	assert_int_equal(grasp_session_step(f.b.session, TWO), 0);
	run(10);
	assert_int_equal(grasp_session_step(f.s, ONE), 0);
	run(10);
	assert_int_equal(f.b.negotiated, 1);
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
	assert_int_equal(gate.asked, 1); /* answers are no beginnings */
	assert_int_equal(not_permitted(1), 0);
}

static void
sessions_that_were_permitted_end_with_the_link(void **state)
{
	struct diary far = { 0 };

	(void)state;
	begin();
	grasp_link_set(f.b.link, &diary_link, &far);
	grasp_link_hold(f.b.link, 1000, 5000, 0);
	gate.forbidden = 1u << M_REQ_SYN;
	synchronize("EX1", 0);
	run(10);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(far.closed, 1);
	assert_int_equal(far.err, -EACCES);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(f.b.ended, 1);
	assert_int_equal(f.b.outcome, GRASP_CLOSED);
	assert_int_equal(not_permitted(1), 1);
}

static void
nothing_that_follows_on_the_link_is_read(void **state)
{
	uint8_t memory[512];
	struct buf both;
	struct grasp_msg bad = say(M_REQ_NEG, 1, "EX2", 6),
			 good = say(M_REQ_NEG, 2, "EX1", 6);

	(void)state;
	gate.forbidden = 1u << M_REQ_NEG;
	gate.objective = "EX2";
	buf_init_fixed(&both, memory, sizeof memory);
	assert_int_equal(grasp_msg_encode(&bad, &both), 0);
	assert_int_equal(grasp_msg_encode(&good, &both), 0);
	stranger_connect(&f.x, &f.lab, 1);
	run(10);
	stranger_send(&f.x, buf_slice(&both));
	run(10);
	assert_true(f.x.closed);
	assert_int_equal(gate.asked, 1);
	assert_int_equal(f.b.asked, 0);
}

static void
it_is_said_who_asks_S_03(void **state)
{
	struct grasp_who who = { .role = ROLE };

	(void)state;
	fake_host_prove(f.lab.host[0], &who);
	begin();
	assert_true(gate.proved);
	assert_int_equal(gate.role, ROLE);
}

/* The side that has opened the link is no more to be trusted than the other. */
static void
a_link_of_our_own_is_guarded_too(void **state)
{
	uint32_t id;
	struct grasp_msg m;

	(void)state;
	guard_node(0);
	id = ask_stranger();
	gate.forbidden = 1u << M_REQ_NEG;
	m = say(M_REQ_NEG, id + 1, "EX1", 6);
	stranger_say(&f.x, &m);
	run(10);
	assert_true(f.x.closed);
	assert_int_equal(f.a.ended, 1);
	assert_int_equal(not_permitted(0), 1);
}

/* --- answers to a discovery -------------------------------------------------------------------- */

static struct diary search;
static struct grasp_discovery *d;

static struct grasp_msg
look_for(bool rapid)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_NEG, ONE);
	struct grasp_msg m;
	int r = rapid ? grasp_discover_rapid(f.lab.node[0], &o, 1000, diary_found,
			    diary_searched, &diary_session, &search, &d)
		      : grasp_discover(f.lab.node[0], &o, 1000, diary_found,
			    diary_searched, &search, &d);

	assert_int_equal(r, 0);
	run(1);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &m));
	return m;
}

static void
answer_with(enum grasp_type type, struct grasp_msg asked)
{
	struct addr outside = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };
	struct grasp_msg m = say(type, asked.session_id, "EX1", 5);

	m.initiator = asked.initiator;
	m.time_ms = 60000;
	if (type == M_RESPONSE)
		m.locator[m.locators++] = grasp_locator_from_addr(&outside, GRASP_TCP);
	stranger_connect(&f.x, &f.lab, 0);
	run(10);
	stranger_say(&f.x, &m);
	run(10);
}

static int
begin_search(void **state)
{
	memset(&search, 0, sizeof search);
	if (begin_test(state) < 0)
		return -1;
	grasp_deregister(f.reg); /* node 1 shall not answer */
	guard_node(0);
	return 0;
}

#define SEARCH_TEST(t) cmocka_unit_test_setup_teardown(t, begin_search, teardown)

static void
a_response_of_who_may_not_is_not_kept_S_01(void **state)
{
	(void)state;
	gate.forbidden = 1u << M_RESPONSE;
	answer_with(M_RESPONSE, look_for(false));
	assert_true(f.x.closed);
	assert_int_equal(search.found, 0);
	assert_int_equal(
	    grasp_cached(f.lab.node[0], slice_text("EX1"), 0, NULL, NULL), 0);
	assert_int_equal(not_permitted(0), 1);
}

static void
a_response_of_who_may_is_kept(void **state)
{
	(void)state;
	answer_with(M_RESPONSE, look_for(false));
	assert_int_equal(search.found, 1);
	assert_int_equal(
	    grasp_cached(f.lab.node[0], slice_text("EX1"), 0, NULL, NULL), 1);
	assert_int_equal(not_permitted(0), 0);
}

static void
a_rapid_answer_is_a_beginning_too(void **state)
{
	(void)state;
	gate.forbidden = 1u << M_NEGOTIATE;
	answer_with(M_NEGOTIATE, look_for(true));
	assert_true(f.x.closed);
	assert_int_equal(search.negotiated, 0);
	assert_int_equal(not_permitted(0), 1);
	run(2000);
	assert_int_equal(search.searched, 1);
}

static void
a_rapid_answer_of_who_may_is_taken(void **state)
{
	(void)state;
	answer_with(M_NEGOTIATE, look_for(true));
	assert_int_equal(search.negotiated, 1);
	assert_int_equal(not_permitted(0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PERMIT_TEST(each_beginning_can_be_forbidden_S_28),
		PERMIT_TEST(what_is_permitted_goes_on_as_ever),
		PERMIT_TEST(sessions_that_were_permitted_end_with_the_link),
		PERMIT_TEST(nothing_that_follows_on_the_link_is_read),
		PERMIT_TEST(it_is_said_who_asks_S_03),
		PERMIT_TEST(a_link_of_our_own_is_guarded_too),
		SEARCH_TEST(a_response_of_who_may_not_is_not_kept_S_01),
		SEARCH_TEST(a_response_of_who_may_is_kept),
		SEARCH_TEST(a_rapid_answer_is_a_beginning_too),
		SEARCH_TEST(a_rapid_answer_of_who_may_is_taken),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
