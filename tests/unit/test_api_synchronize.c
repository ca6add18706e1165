/* SPDX-License-Identifier: Apache-2.0
 *
 * Synchronization by the API of RFC 8991: node 0 asks, node 1 listens. */
#include "tests/support/api.h"

static uint32_t session;

static void
offer(unsigned i, struct slice value)
{
	struct grasp_api_objective o = synch("EX1", value);

	assert_int_equal(
	    grasp_api_listen_synchronize(f.api[i], f.asa[i], &o), GRASP_API_OK);
}

static enum grasp_code
ask_of(const struct grasp_api_locator *peer, uint32_t timeout_ms)
{
	struct grasp_api_objective o = synch("EX1", (struct slice){ 0 });

	return grasp_api_synchronize(
	    f.api[0], f.asa[0], &o, peer, timeout_ms, on_value, &f.note[0], &session);
}

static void
ask(const struct grasp_api_locator *peer)
{
	assert_int_equal(ask_of(peer, 0), GRASP_API_NO_REPLY);
}

static void
flood(unsigned i, struct slice value, uint32_t ttl_ms)
{
	struct grasp_api_tagged t = { .objective = synch("EX1", value) };

	assert_int_equal(
	    grasp_api_flood(f.api[i], f.asa[i], ttl_ms, &t, 1), GRASP_API_OK);
	run(10);
}

static void
a_peer_is_found_and_gives_its_value_A_01_A_03_G_104(void **state)
{
	(void)state;
	register_it(1, synch("EX1", ONE));
	offer(1, TWO);
	ask(NULL);
	assert_int_equal(f.note[0].synchronized, 0);
	run(30);
	assert_int_equal(f.note[0].synchronized, 1);
	assert_int_equal(f.note[0].code, GRASP_API_OK);
	assert_int_equal(f.note[0].session, session);
	assert_value(&f.note[0], 2);
	assert_string_equal(f.note[0].name, "EX1");
	assert_true(f.note[0].synch);
	assert_false(f.note[0].neg);
	run(1000);
	assert_int_equal(f.note[0].synchronized, 1);
	assert_int_equal(fake_streams(f.lab.host[0]) + fake_streams(f.lab.host[1]), 0);
}

static void
listening_again_changes_the_value_A_01(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(1, synch("EX1", ONE));
	offer(1, ONE);
	offer(1, TWO);
	ask(&peer);
	run(10);
	assert_value(&f.note[0], 2);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 0);
}

static void
a_flooded_value_wins_A_07_G_113(void **state)
{
	(void)state;
	register_it(1, synch("EX1", ONE));
	offer(1, ONE);
	flood(1, TWO, 5000);
	ask(NULL);
	assert_int_equal(f.note[0].synchronized, 0); /* never inside the call */
	run(1);
	assert_int_equal(f.note[0].code, GRASP_API_OK);
	assert_value(&f.note[0], 2);
	assert_int_equal(fake_count(f.lab.net, M_REQ_SYN), 0);
	run(6000);
	ask(NULL); /* it has expired (G-116) */
	run(30);
	assert_value(&f.note[0], 1);
	assert_int_equal(fake_count(f.lab.net, M_REQ_SYN), 1);
}

static void
a_named_peer_is_asked_though_a_value_was_flooded_A_07(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(1, synch("EX1", ONE));
	offer(1, ONE);
	flood(1, TWO, 5000);
	ask(&peer);
	run(10);
	assert_value(&f.note[0], 1);
}

static void
nothing_flooded_and_nobody_found_is_said_A_02_A_07(void **state)
{
	(void)state;
	ask(NULL);
	run(1700);
	assert_int_equal(f.note[0].synchronized, 0);
	run(200);
	assert_int_equal(f.note[0].code, GRASP_API_NOT_FLOOD_DISC);
}

static void
a_peer_that_does_not_listen_is_said_A_02(void **state)
{
	struct grasp_api_locator peer = locator_of(1);
	struct grasp_api_objective o = synch("EX1", ONE);

	(void)state;
	register_it(1, o);
	ask(&peer);
	run(10);
	assert_int_equal(f.note[0].code, GRASP_API_NO_LISTENER);
	offer(1, ONE);
	assert_int_equal(
	    grasp_api_stop_listen_synchronize(f.api[1], f.asa[1], &o), GRASP_API_OK);
	ask(&peer);
	run(10);
	assert_int_equal(f.note[0].synchronized, 2);
	assert_int_equal(f.note[0].code, GRASP_API_NO_LISTENER);
}

static void
the_next_peer_is_asked_when_one_does_not_answer_A_12(void **state)
{
	struct grasp_api_objective o = synch("EX1", ONE);

	(void)state;
	register_it(1, o);
	offer(1, ONE);
	register_it(2, o);
	offer(2, TWO);
	ask(NULL);
	run(1000);
	assert_int_equal(f.note[0].code, GRASP_API_OK);
	assert_int_equal(
	    grasp_api_stop_listen_synchronize(f.api[1], f.asa[1], &o), GRASP_API_OK);
	ask(NULL);
	run(1000);
	assert_int_equal(f.note[0].synchronized, 2);
	assert_int_equal(f.note[0].code, GRASP_API_OK);
	assert_value(&f.note[0], 2);
}

static void
a_host_that_is_not_there_is_not_reached_A_02(void **state)
{
	struct grasp_api_locator nobody = locator_of(7);

	(void)state;
	ask(&nobody);
	run(20000);
	assert_int_equal(f.note[0].code, GRASP_API_SOCK_ERR_SYN_RQ);
	fake_fail(f.lab.host[0], 1, ENOBUFS);
	assert_int_equal(ask_of(&nobody, 0), GRASP_API_UNSPEC); /* not even a timer */
	assert_int_equal(f.note[0].synchronized, 1);
}

static void
a_locator_that_is_no_address_is_refused_A_02(void **state)
{
	struct grasp_api_locator bad = { .locator = { .kind = O_URI_LOCATOR,
					     .text = slice_text("coap://a"),
					     .proto = -1,
					     .port = -1 } };

	(void)state;
	assert_int_equal(ask_of(&bad, 0), GRASP_API_INVALID_LOC);
}

/* The stranger is asked and says this. */
static void
hear(enum grasp_type type, const char *name)
{
	struct grasp_api_locator peer = outside();
	struct grasp_msg asked, m = { .type = type, .has_objective = true };

	stranger_listen(&f.x, &f.lab);
	ask(&peer);
	run(10);
	assert_true(stranger_heard(&f.x, M_REQ_SYN, 0, &asked));
	m.session_id = asked.session_id;
	m.objective = lab_objective(name, F_SYNCH, ONE);
	m.objective.loop_count = 6;
	stranger_say(&f.x, &m);
}

static void
what_the_peer_does_wrong_has_codes_A_02(void **state)
{
	struct grasp_api_locator peer = outside();

	(void)state;
	hear(M_SYNCH, "EX2");
	assert_int_equal(f.note[0].code, GRASP_API_NO_VALID_SYNCH);
	hear(M_NEGOTIATE, "EX1");
	assert_int_equal(f.note[0].code, GRASP_API_NO_VALID_SYNCH);
	stranger_listen(&f.x, &f.lab);
	ask(&peer);
	run(10);
	stranger_send(&f.x, BYTES(0xff));
	assert_int_equal(f.note[0].synchronized, 3);
	assert_int_equal(f.note[0].code, GRASP_API_CBOR_FAIL);
}

static void
a_peer_that_keeps_silent_is_given_up_A_02_G_105(void **state)
{
	struct grasp_api_locator peer = outside();

	(void)state;
	stranger_listen(&f.x, &f.lab);
	assert_int_equal(ask_of(&peer, 2000), GRASP_API_NO_REPLY);
	run(1900);
	assert_int_equal(f.note[0].synchronized, 0);
	run(200);
	assert_int_equal(f.note[0].code, GRASP_API_NO_SYNCH_REPLY);
	ask(&peer);
	run(60100);
	assert_int_equal(f.note[0].synchronized, 2);
}

static void
a_value_in_tag_24_arrives_as_what_is_inside_A_09(void **state)
{
	struct grasp_api_objective o = synch("EX1", BYTES(0x63, 'y', 'e', 's'));
	struct grasp_api_locator peer = locator_of(1);
	struct grasp_msg m;

	(void)state;
	register_it(1, o);
	o.tag24 = true;
	assert_int_equal(
	    grasp_api_listen_synchronize(f.api[1], f.asa[1], &o), GRASP_API_OK);
	ask(&peer);
	run(10);
	assert_int_equal(f.note[0].value_len, 4);
	assert_memory_equal(f.note[0].value, "cyes", 4);
	assert_non_null(fake_message(f.lab.net, M_SYNCH, 0, &m));
	assert_true(
	    slice_equal(m.objective.value, BYTES(0xd8, 0x18, 0x44, 0x63, 'y', 'e', 's')));
}

static void
a_value_that_is_no_cbor_is_not_offered_and_the_old_one_stays_A_02(void **state)
{
	struct grasp_api_objective o = synch("EX1", BYTES(0x82, 0x01));
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(1, o);
	offer(1, TWO);
	assert_int_equal(
	    grasp_api_listen_synchronize(f.api[1], f.asa[1], &o), GRASP_API_CBOR_FAIL);
	ask(&peer);
	run(10);
	assert_value(&f.note[0], 2);
}

static void
a_value_that_is_too_long_is_refused_to_the_peer_G_011(void **state)
{
	static uint8_t big[2100] = { 0x59, 0x08, 0x20 };
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(1, synch("EX1", ONE));
	offer(1, (struct slice){ big, 3 + 2080 });
	ask(&peer);
	run(10);
	assert_int_equal(f.note[0].code, GRASP_API_NO_LISTENER);
}

static void
a_request_can_be_dropped_A_01(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(1, synch("EX1", ONE));
	offer(1, ONE);
	for (unsigned i = 0; i < 3; i++) {
		ask(i ? &peer : NULL);
		run(i);
		assert_int_equal(
		    grasp_api_cancel(f.api[0], f.asa[0], session), GRASP_API_OK);
		assert_int_equal(
		    grasp_api_cancel(f.api[0], f.asa[0], session), GRASP_API_NO_SESSION);
		run(1000);
	}
	assert_int_equal(f.note[0].synchronized, 0);
	assert_int_equal(fake_streams(f.lab.host[0]) + fake_streams(f.lab.host[1]), 0);
}

static void
a_synchronization_is_no_negotiation_A_02(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE);

	(void)state;
	ask(NULL);
	assert_int_equal(grasp_api_negotiate_step(f.api[0], f.asa[0], session, &o, 0),
	    GRASP_API_NO_SESSION);
	assert_int_equal(
	    grasp_api_end_negotiate(f.api[0], f.asa[0], session, false, NULL),
	    GRASP_API_NO_SESSION);
	run(2000);
	assert_int_equal(f.note[0].synchronized, 1);
}

static void
a_request_without_a_callback_is_refused(void **state)
{
	struct grasp_api_objective o = synch("EX1", ONE);

	(void)state;
	assert_int_equal(
	    grasp_api_synchronize(f.api[0], f.asa[0], &o, NULL, 0, NULL, NULL, &session),
	    GRASP_API_UNSPEC);
	o.neg = true;
	assert_int_equal(grasp_api_synchronize(
			     f.api[0], f.asa[0], &o, NULL, 0, on_value, NULL, &session),
	    GRASP_API_NOT_BOTH);
}

static void
everything_may_be_freed_when_the_value_comes(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(1, synch("EX1", ONE));
	offer(1, ONE);
	ask(&peer);
	f.note[0].then = free_all;
	run(10);
	assert_null(f.lab.node[0]);
	assert_value(&f.note[0], 1);
}

static void
everything_may_be_freed_when_a_flooded_value_is_told(void **state)
{
	(void)state;
	register_it(1, synch("EX1", ONE));
	flood(1, TWO, 0);
	ask(NULL);
	f.note[0].then = free_all;
	run(10);
	assert_null(f.lab.node[0]);
	assert_value(&f.note[0], 2);
}

static void
everything_may_be_freed_when_a_request_fails(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	ask(&peer);
	f.note[0].then = free_all;
	run(10);
	assert_null(f.lab.node[0]);
	assert_int_equal(f.note[0].code, GRASP_API_NO_LISTENER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(a_peer_is_found_and_gives_its_value_A_01_A_03_G_104),
		API_TEST(listening_again_changes_the_value_A_01),
		API_TEST(a_flooded_value_wins_A_07_G_113),
		API_TEST(a_named_peer_is_asked_though_a_value_was_flooded_A_07),
		API_TEST(nothing_flooded_and_nobody_found_is_said_A_02_A_07),
		API_TEST(a_peer_that_does_not_listen_is_said_A_02),
		API_TEST(the_next_peer_is_asked_when_one_does_not_answer_A_12),
		API_TEST(a_host_that_is_not_there_is_not_reached_A_02),
		API_TEST(a_locator_that_is_no_address_is_refused_A_02),
		API_TEST(what_the_peer_does_wrong_has_codes_A_02),
		API_TEST(a_peer_that_keeps_silent_is_given_up_A_02_G_105),
		API_TEST(a_value_in_tag_24_arrives_as_what_is_inside_A_09),
		API_TEST(
		    a_value_that_is_no_cbor_is_not_offered_and_the_old_one_stays_A_02),
		API_TEST(a_value_that_is_too_long_is_refused_to_the_peer_G_011),
		API_TEST(a_request_can_be_dropped_A_01),
		API_TEST(a_synchronization_is_no_negotiation_A_02),
		API_TEST(a_request_without_a_callback_is_refused),
		API_TEST(everything_may_be_freed_when_the_value_comes),
		API_TEST(everything_may_be_freed_when_a_flooded_value_is_told),
		API_TEST(everything_may_be_freed_when_a_request_fails),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
