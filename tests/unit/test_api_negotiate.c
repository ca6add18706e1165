/* SPDX-License-Identifier: Apache-2.0
 *
 * Negotiation by the API of RFC 8991: node 0 asks, node 1 listens. */
#include "tests/support/api.h"

static uint32_t session; /* of node 0 */

static void
offer(unsigned i)
{
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });

	register_it(i, o);
	assert_int_equal(
	    grasp_api_listen_negotiate(f.api[i], f.asa[i], &o, &ops, &f.note[i]),
	    GRASP_API_OK);
}

static enum grasp_code
request_of(struct grasp_api_objective o, const struct grasp_api_locator *peer)
{
	return grasp_api_request_negotiate(
	    f.api[0], f.asa[0], &o, peer, 0, &ops, &f.note[0], &session);
}

/* peer NULL: anybody. */
static void
ask(const struct grasp_api_locator *peer)
{
	assert_int_equal(request_of(neg("EX1", ONE), peer), GRASP_API_NO_REPLY);
}

static void
begin(void)
{
	struct grasp_api_locator peer = locator_of(1);

	register_it(0, neg("EX1", ONE));
	offer(1);
	ask(&peer);
	run(10);
	assert_int_equal(f.note[1].requested, 1);
}

static enum grasp_code
step(unsigned i, struct slice value)
{
	struct grasp_api_objective o = neg("EX1", value);
	uint32_t s = i ? f.note[i].session : session;

	return grasp_api_negotiate_step(f.api[i], f.asa[i], s, &o, 0);
}

static enum grasp_code
end(unsigned i, bool accept, const char *reason)
{
	uint32_t s = i ? f.note[i].session : session;

	return grasp_api_end_negotiate(f.api[i], f.asa[i], s, accept, reason);
}

/* --- the ordinary way ---------------------------------------------------------------------------- */

static void
a_peer_is_found_and_negotiated_with_A_01_A_03(void **state)
{
	(void)state;
	register_it(0, neg("EX1", ONE));
	offer(1);
	ask(NULL);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 0); /* not inside the call */
	run(20);
	assert_int_equal(f.note[1].requested, 1);
	assert_string_equal(f.note[1].name, "EX1");
	assert_value(&f.note[1], 1);
	assert_true(f.note[1].neg);
	assert_false(f.note[1].dry);
	assert_int_equal(f.note[1].peer.ip.s6_addr[15], 1);
	assert_int_equal(step(1, TWO), GRASP_API_NO_REPLY);
	run(10);
	assert_int_equal(f.note[0].stepped, 1);
	assert_int_equal(f.note[0].session, session);
	assert_value(&f.note[0], 2);
	assert_int_equal(
	    grasp_api_negotiate_wait(f.api[0], f.asa[0], session, 90000), GRASP_API_OK);
	run(30);
	assert_int_equal(f.note[1].waited, 1);
	assert_int_equal(f.note[1].wait_ms, 90000);
	assert_int_equal(end(0, true, NULL), GRASP_API_OK);
	run(100);
	assert_int_equal(f.note[1].ended, 1);
	assert_int_equal(f.note[1].code, GRASP_API_OK);
	assert_int_equal(f.note[0].ended, 0); /* who ends is not told */
	assert_int_equal(end(0, true, NULL), GRASP_API_NO_SESSION);
	run(1000);
	assert_int_equal(fake_streams(f.lab.host[0]) + fake_streams(f.lab.host[1]), 0);
}

static void
declining_tells_why_A_02(void **state)
{
	(void)state;
	begin();
	assert_int_equal(end(1, false, "no room"), GRASP_API_OK);
	run(10);
	assert_int_equal(f.note[0].code, GRASP_API_DECLINED);
	assert_string_equal(f.note[0].reason, "no room");
}

static void
the_core_counts_the_loop_down_A_10_G_091_G_092(void **state)
{
	(void)state;
	begin();
	for (unsigned k = 5; k >= 1; k--) {
		assert_int_equal(step(k % 2, ONE), GRASP_API_NO_REPLY);
		run(10);
		assert_int_equal(f.note[!(k % 2)].loop_count, k);
	}
	assert_int_equal(step(0, ONE), GRASP_API_LOOP_EXHAUSTED);
	assert_int_equal(end(0, false, "no agreement"), GRASP_API_OK);
	run(10);
	assert_int_equal(f.note[1].code, GRASP_API_DECLINED);
}

static void
a_value_travels_as_it_is_or_in_tag_24_and_arrives_the_same_A_09_A_13(void **state)
{
	struct grasp_api_objective o = neg("EX1", TWO);
	struct grasp_msg m;

	(void)state;
	begin();
	o.tag24 = true;
	assert_int_equal(
	    grasp_api_negotiate_step(f.api[1], f.asa[1], f.note[1].session, &o, 0),
	    GRASP_API_NO_REPLY);
	run(10);
	assert_non_null(fake_message(f.lab.net, M_NEGOTIATE, 0, &m));
	assert_true(slice_equal(m.objective.value, BYTES(0xd8, 0x18, 0x41, 0x02)));
	assert_value(&f.note[0], 2);
	assert_non_null(fake_message(f.lab.net, M_REQ_NEG, 0, &m));
	assert_true(slice_equal(m.objective.value, ONE));
}

static void
no_value_is_null_G_019(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(0, neg("EX1", ONE));
	offer(1);
	assert_int_equal(
	    request_of(neg("EX1", (struct slice){ 0 }), &peer), GRASP_API_NO_REPLY);
	run(10);
	assert_value(&f.note[1], 0xf6);
}

static void
a_dry_run_is_one_from_beginning_to_end_G_100_A_04(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE), live = neg("EX1", ONE);
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	o.dry = true;
	register_it(0, o);
	register_it(1, o);
	assert_int_equal(
	    grasp_api_listen_negotiate(f.api[1], f.asa[1], &o, &ops, &f.note[1]),
	    GRASP_API_OK);
	assert_int_equal(request_of(o, &peer), GRASP_API_NO_REPLY);
	run(10);
	assert_true(f.note[1].dry);
	assert_int_equal(
	    grasp_api_negotiate_step(f.api[1], f.asa[1], f.note[1].session, &live, 0),
	    GRASP_API_NOT_DRY);
	assert_int_equal(
	    grasp_api_negotiate_step(f.api[1], f.asa[1], f.note[1].session, &o, 0),
	    GRASP_API_NO_REPLY);
	run(10);
	assert_true(f.note[0].dry);
}

static void
who_knows_no_dry_runs_neither_asks_for_nor_takes_one_A_04(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE);
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	offer(1);
	o.dry = true;
	register_it(0, o);
	assert_int_equal(request_of(o, &peer), GRASP_API_NO_REPLY);
	run(10);
	assert_int_equal(f.note[1].requested, 0);
	assert_int_equal(f.note[0].code, GRASP_API_DECLINED);
	assert_int_equal(
	    grasp_api_deregister_objective(f.api[0], f.asa[0], &o), GRASP_API_OK);
	register_it(0, neg("EX1", ONE));
	assert_int_equal(request_of(o, &peer), GRASP_API_NOT_DRY);
}

static void
several_sessions_run_side_by_side_with_their_own_arg_G_101(void **state)
{
	struct grasp_api_locator peer = locator_of(1);
	struct note own = { 0 };
	uint32_t first, second, a;

	(void)state;
	begin();
	first = f.note[1].session;
	a = session;
	ask(&peer);
	run(10);
	second = f.note[1].session;
	assert_int_not_equal(first, second);
	assert_int_not_equal(a, session);
	assert_int_equal(
	    grasp_api_session_set_arg(f.api[1], f.asa[1], second, &own), GRASP_API_OK);
	assert_int_equal(end(0, false, NULL), GRASP_API_OK);
	run(10);
	assert_int_equal(own.ended, 1);
	assert_int_equal(own.session, second);
	assert_int_equal(f.note[1].ended, 0);
}

static void
the_latest_listener_is_asked_and_then_the_one_before_A_05(void **state)
{
	struct grasp_api_registration overlap = { .overlap = true };
	struct grasp_api_objective o = neg("EX1", ONE);
	struct grasp_api_locator peer = locator_of(1);
	uint32_t newer;

	(void)state;
	register_it(0, o);
	assert_int_equal(grasp_api_register_asa(f.api[1], "newer", &newer), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_register_objective(f.api[1], f.asa[1], &o, &overlap), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_register_objective(f.api[1], newer, &o, &overlap), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_listen_negotiate(f.api[1], f.asa[1], &o, &ops, &f.note[1]),
	    GRASP_API_OK);
	assert_int_equal(
	    grasp_api_listen_negotiate(f.api[1], newer, &o, &ops, &f.note[2]),
	    GRASP_API_OK);
	ask(&peer);
	run(10);
	assert_int_equal(f.note[2].requested, 1);
	assert_int_equal(
	    grasp_api_end_negotiate(f.api[1], f.asa[1], f.note[2].session, true, NULL),
	    GRASP_API_NO_SESSION); /* it is not its own */
	assert_int_equal(
	    grasp_api_deregister_asa(f.api[1], newer, "newer"), GRASP_API_OK);
	run(10);
	assert_int_equal(f.note[0].code, GRASP_API_DECLINED); /* it left */
	ask(&peer);
	run(10);
	assert_int_equal(f.note[1].requested, 1);
	assert_int_equal(f.note[2].requested, 1);
}

/* --- finding a peer ------------------------------------------------------------------------------ */

static void
nobody_found_is_said_after_a_second_look_A_02_I_18(void **state)
{
	struct grasp_msg first, second;

	(void)state;
	register_it(0, neg("EX1", ONE));
	ask(NULL);
	run(500);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 1);
	run(1200);
	assert_int_equal(f.note[0].ended, 0);
	run(200);
	assert_int_equal(f.note[0].code, GRASP_API_NO_DISC_REPLY);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 2);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &first));
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 1, &second));
	assert_int_not_equal(first.session_id, second.session_id); /* G-034 */
}

static void
a_peer_that_only_answers_the_second_time_is_found_I_18(void **state)
{
	(void)state;
	register_it(0, neg("EX1", ONE));
	ask(NULL);
	run(300);
	offer(1); /* it did not know the objective when it was asked first */
	run(200);
	assert_int_equal(f.note[1].requested, 0);
	run(200);
	assert_int_equal(f.note[1].requested, 1);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 2);
}

static void
a_cached_peer_that_does_not_listen_any_more_is_replaced_A_12(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE);

	(void)state;
	register_it(0, o);
	offer(1);
	ask(NULL);
	run(20);
	assert_int_equal(end(1, true, NULL), GRASP_API_OK);
	run(10);
	assert_int_equal(f.note[0].ended, 1);
	assert_int_equal(
	    grasp_api_deregister_objective(f.api[1], f.asa[1], &o), GRASP_API_OK);
	offer(2);
	ask(NULL);
	run(2000);
	assert_int_equal(f.note[2].requested, 1);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 2);
	assert_int_equal(grasp_cached(f.lab.node[0], slice_text("EX1"), 0, diary_found,
			     &(struct diary){ 0 }),
	    1); /* the other one is forgotten */
}

static void
a_named_peer_that_does_not_listen_is_the_end_A_02(void **state)
{
	struct grasp_api_locator peer = locator_of(1), other = outside();

	(void)state;
	register_it(0, neg("EX1", ONE));
	ask(&peer);
	run(10);
	assert_int_equal(f.note[0].code, GRASP_API_NO_PEER);
	ask(&other); /* no GRASP there */
	run(100);
	assert_int_equal(f.note[0].ended, 2);
	assert_int_equal(f.note[0].code, GRASP_API_NO_PEER);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 0);
}

static void
a_host_that_is_not_there_is_not_reached_A_02(void **state)
{
	struct grasp_api_locator nobody = locator_of(7);

	(void)state;
	register_it(0, neg("EX1", ONE));
	ask(&nobody);
	run(20000);
	assert_int_equal(f.note[0].code, GRASP_API_SOCK_ERR_NEG_RQ);
}

static void
a_locator_that_is_no_address_is_refused_A_02(void **state)
{
	struct grasp_api_locator bad = { .locator = { .kind = O_FQDN_LOCATOR,
					     .text = slice_text("a.example"),
					     .proto = GRASP_TCP,
					     .port = 7017 } };

	(void)state;
	register_it(0, neg("EX1", ONE));
	assert_int_equal(request_of(neg("EX1", ONE), &bad), GRASP_API_INVALID_LOC);
	bad = locator_of(1);
	bad.locator.proto = GRASP_UDP;
	assert_int_equal(request_of(neg("EX1", ONE), &bad), GRASP_API_INVALID_LOC);
}

/* Answers the discovery under way with a host name. */
static void
locators_that_cannot_be_used_are_said_to_be_so_A_02(void **state)
{
	struct grasp_msg asked,
	    m = { .type = M_RESPONSE, .time_ms = 60000, .locators = 1 };

	(void)state;
	register_it(0, neg("EX1", ONE));
	ask(NULL);
	run(10);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &asked));
	m.session_id = asked.session_id;
	m.initiator = asked.initiator;
	m.locator[0] = (struct grasp_locator){ .kind = O_FQDN_LOCATOR,
		.text = slice_text("a.example"),
		.proto = GRASP_TCP,
		.port = 1 };
	stranger_connect(&f.x, &f.lab, 0);
	stranger_say(&f.x, &m);
	run(1000);
	assert_int_equal(f.note[0].code, GRASP_API_INVALID_LOC);
}

static void
a_search_may_be_cut_short_A_01(void **state)
{
	(void)state;
	register_it(0, neg("EX1", ONE));
	for (unsigned i = 0; i < 2; i++) {
		ask(NULL);
		run(i * 50);
		assert_int_equal(step(0, ONE), GRASP_API_NO_VALID_STEP);
		assert_int_equal(grasp_api_negotiate_wait(f.api[0], f.asa[0], session, 5),
		    GRASP_API_NO_VALID_STEP);
		assert_int_equal(grasp_api_send_invalid(f.api[0], f.asa[0], session, ONE),
		    GRASP_API_NO_SOCKET);
		assert_int_equal(end(0, true, NULL), GRASP_API_INVALID_END);
		assert_int_equal(end(0, false, NULL), GRASP_API_OK);
		run(1000);
	}
	assert_int_equal(f.note[0].ended, 0);
	ask(NULL);
	assert_int_equal(grasp_api_cancel(f.api[0], f.asa[0], session), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_cancel(f.api[0], f.asa[0], session), GRASP_API_NO_SESSION);
	run(1000);
	assert_int_equal(f.note[0].ended, 0);
}

/* --- what goes wrong ------------------------------------------------------------------------------- */

static void
a_value_that_is_no_cbor_is_not_sent_A_02(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(0, neg("EX2", ONE));
	assert_int_equal(
	    request_of(neg("EX2", BYTES(0x82, 0x01)), &peer), GRASP_API_CBOR_FAIL);
	begin();
	assert_int_equal(step(1, BYTES(0x81)), GRASP_API_CBOR_FAIL);
	assert_int_equal(
	    grasp_api_send_invalid(f.api[1], f.asa[1], f.note[1].session, BYTES(0x81)),
	    GRASP_API_CBOR_FAIL);
	assert_int_equal(step(1, TWO), GRASP_API_NO_REPLY); /* nothing is lost */
}

static void
what_is_too_long_is_not_sent_A_02_G_011(void **state)
{
	static uint8_t big[2100] = { 0x59, 0x08, 0x20 };
	struct slice value = { big, 3 + 2080 };
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(0, neg("EX2", ONE));
	assert_int_equal(request_of(neg("EX2", value), &peer), GRASP_API_SOCK_ERR_NEG_RQ);
	begin();
	assert_int_equal(step(1, value), GRASP_API_SOCK_ERR_NEG_STEP);
	assert_int_equal(step(1, TWO), GRASP_API_NO_REPLY);
}

static void
a_peer_found_cannot_help_when_the_request_is_too_long_A_02(void **state)
{
	static uint8_t big[2100] = { 0x59, 0x08, 0x20 };

	(void)state;
	register_it(0, neg("EX1", ONE));
	offer(1);
	assert_int_equal(request_of(neg("EX1", (struct slice){ big, 3 + 2080 }), NULL),
	    GRASP_API_NO_REPLY);
	run(1000);
	assert_int_equal(f.note[0].ended, 1);
	assert_int_equal(f.note[0].code, GRASP_API_SOCK_ERR_NEG_RQ);
}

static void
speaking_out_of_turn_is_refused_A_02(void **state)
{
	(void)state;
	begin();
	assert_int_equal(step(0, ONE), GRASP_API_NO_VALID_STEP);
	assert_int_equal(grasp_api_negotiate_wait(f.api[0], f.asa[0], session, 5),
	    GRASP_API_NO_VALID_STEP);
	assert_int_equal(end(0, true, NULL), GRASP_API_INVALID_END);
	assert_int_equal(step(1, TWO), GRASP_API_NO_REPLY);
	assert_int_equal(step(1, TWO), GRASP_API_NO_VALID_STEP);
	assert_int_equal(end(1, true, NULL), GRASP_API_INVALID_END);
	run(10);
	assert_int_equal(end(0, true, NULL), GRASP_API_OK); /* all that was harmless */
}

static void
a_step_must_be_of_the_sessions_objective_A_02_G_103(void **state)
{
	struct grasp_api_objective o = neg("EX2", TWO);

	(void)state;
	begin();
	assert_int_equal(
	    grasp_api_negotiate_step(f.api[1], f.asa[1], f.note[1].session, &o, 0),
	    GRASP_API_NOT_OBJ);
	o.name = NULL;
	assert_int_equal(
	    grasp_api_negotiate_step(f.api[1], f.asa[1], f.note[1].session, &o, 0),
	    GRASP_API_NOT_OBJ);
}

static void
handles_of_nothing_are_refused_A_02_A_12(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE);

	(void)state;
	begin();
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t s = i == 2 ? f.note[1].session : i; /* somebody else's */

		assert_int_equal(grasp_api_negotiate_step(f.api[0], f.asa[0], s, &o, 0),
		    GRASP_API_NO_SESSION);
		assert_int_equal(grasp_api_negotiate_wait(f.api[0], f.asa[0], s, 5),
		    GRASP_API_NO_SESSION);
		assert_int_equal(
		    grasp_api_end_negotiate(f.api[0], f.asa[0], s, true, NULL),
		    GRASP_API_NO_SESSION);
		assert_int_equal(grasp_api_send_invalid(f.api[0], f.asa[0], s, ONE),
		    GRASP_API_NO_SESSION);
		assert_int_equal(
		    grasp_api_cancel(f.api[0], f.asa[0], s), GRASP_API_NO_SESSION);
	}
}

static void
a_peer_that_keeps_silent_is_given_up_A_02_G_089(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE);
	struct grasp_api_locator peer = outside();

	(void)state;
	register_it(0, o);
	stranger_listen(&f.x, &f.lab);
	assert_int_equal(grasp_api_request_negotiate(f.api[0], f.asa[0], &o, &peer, 2000,
			     &ops, &f.note[0], &session),
	    GRASP_API_NO_REPLY);
	run(1900);
	assert_int_equal(f.note[0].ended, 0);
	run(200);
	assert_int_equal(f.note[0].code, GRASP_API_NO_NEG_REPLY);
}

static void
an_asa_that_keeps_silent_loses_the_session_A_12_G_098(void **state)
{
	(void)state;
	begin();
	run(60100);
	assert_int_equal(f.note[0].code, GRASP_API_NO_NEG_REPLY);
	assert_int_equal(f.note[1].ended, 1);
	assert_int_equal(f.note[1].code, GRASP_API_NO_NEG_REPLY);
	assert_int_equal(step(1, TWO), GRASP_API_NO_SESSION);
}

static void
a_connection_that_breaks_is_the_end_A_02_G_054(void **state)
{
	struct grasp_msg m = {
		.type = M_REQ_NEG, .session_id = 7, .has_objective = true
	};

	(void)state;
	offer(1);
	m.objective = lab_objective("EX1", F_NEG, ONE);
	m.objective.loop_count = 6;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m);
	assert_int_equal(f.note[1].requested, 1);
	fake_host_io(f.lab.outside)->ops->stream_close(f.x.stream, false);
	run(10);
	assert_int_equal(f.note[1].ended, 1);
	assert_int_equal(f.note[1].code, GRASP_API_NO_NEG_REPLY);
	assert_int_equal(end(1, true, NULL), GRASP_API_NO_SESSION);
}

static void
a_message_that_does_not_leave_is_said_A_02(void **state)
{
	(void)state;
	begin();
	fake_fail(f.lab.host[1], 1, ENOBUFS);
	assert_int_equal(step(1, TWO), GRASP_API_NO_SOCKET);
	assert_int_equal(
	    grasp_api_negotiate_wait(f.api[1], f.asa[1], f.note[1].session, 5),
	    GRASP_API_NO_SOCKET);
	run(10);
	assert_int_equal(f.note[1].ended, 1);
	assert_int_equal(f.note[1].code, GRASP_API_NO_NEG_REPLY);
	assert_int_equal(f.note[0].ended, 1);
}

static void
a_wait_or_an_end_that_does_not_leave_is_said_A_02(void **state)
{
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	begin();
	fake_fail(f.lab.host[1], 1, ENOBUFS);
	assert_int_equal(
	    grasp_api_negotiate_wait(f.api[1], f.asa[1], f.note[1].session, 5),
	    GRASP_API_SOCK_ERR_WAIT);
	run(10);
	assert_int_equal(f.note[1].ended, 1);
	ask(&peer);
	run(10);
	fake_fail(f.lab.host[1], 1, ENOBUFS);
	assert_int_equal(end(1, true, NULL), GRASP_API_SOCK_ERR_END);
	run(10);
	assert_int_equal(f.note[1].ended, 1); /* who ends is not told */
	assert_int_equal(f.note[0].ended, 2);
	ask(&peer);
	run(10);
	fake_fail(f.lab.host[1], 1, ENOBUFS);
	assert_int_equal(
	    grasp_api_send_invalid(f.api[1], f.asa[1], f.note[1].session, ONE),
	    GRASP_API_SOCK_ERR_END);
}

/* Node 0 asks the stranger; what this says is answered. */
static void
hear(enum grasp_type type, const char *name, unsigned loop_count)
{
	struct grasp_api_locator peer = outside();
	struct grasp_msg asked,
	    m = { .type = type, .has_objective = true, .accepted = true };

	stranger_listen(&f.x, &f.lab);
	ask(&peer);
	run(10);
	assert_true(stranger_heard(&f.x, M_REQ_NEG, 0, &asked));
	m.session_id = asked.session_id;
	m.objective = lab_objective(name, F_NEG, ONE);
	m.objective.loop_count = (uint8_t)loop_count;
	stranger_say(&f.x, &m);
}

static void
what_the_peer_does_wrong_has_codes_A_02(void **state)
{
	(void)state;
	register_it(0, neg("EX1", ONE));
	hear(M_NEGOTIATE, "EX2", 5);
	assert_int_equal(f.note[0].code, GRASP_API_INVALID_NEG);
	hear(M_SYNCH, "EX1", 5);
	assert_int_equal(f.note[0].code, GRASP_API_NO_VALID_STEP);
	hear(M_NEGOTIATE, "EX1", 5);
	assert_int_equal(f.note[0].stepped, 1);
	stranger_send(&f.x, BYTES(0xff));
	assert_int_equal(f.note[0].ended, 3);
	assert_int_equal(f.note[0].code, GRASP_API_CBOR_FAIL);
}

static void
an_acceptance_of_nothing_is_an_invalid_end_A_02(void **state)
{
	struct grasp_msg asked, m = { .type = M_END, .accepted = true };

	(void)state;
	register_it(0, neg("EX1", ONE));
	hear(M_NEGOTIATE, "EX1", 5);
	assert_true(stranger_heard(&f.x, M_REQ_NEG, 0, &asked));
	m.session_id = asked.session_id;
	stranger_say(&f.x, &m);
	assert_int_equal(f.note[0].code, GRASP_API_INVALID_END);
}

static void
an_invalid_message_ends_both_sides_G_132_G_135(void **state)
{
	struct grasp_msg m;

	(void)state;
	begin();
	assert_int_equal(grasp_api_send_invalid(f.api[1], f.asa[1], f.note[1].session,
			     BYTES(0x62, 'n', 'o')),
	    GRASP_API_OK);
	run(10);
	assert_non_null(fake_message(f.lab.net, M_INVALID, 0, &m));
	assert_true(slice_equal(m.content, BYTES(0x62, 'n', 'o')));
	assert_int_equal(f.note[0].code, GRASP_API_NO_PEER);
	assert_int_equal(f.note[1].ended, 0);
	assert_int_equal(end(1, true, NULL), GRASP_API_NO_SESSION);
}

static void
without_step_received_a_step_ends_the_session(void **state)
{
	static const struct grasp_api_negotiation deaf = { .ended = on_end };
	struct grasp_api_objective o = neg("EX1", ONE);
	struct grasp_api_locator peer = locator_of(1);

	(void)state;
	register_it(0, o);
	offer(1);
	assert_int_equal(grasp_api_request_negotiate(f.api[0], f.asa[0], &o, &peer, 0,
			     &deaf, &f.note[0], &session),
	    GRASP_API_NO_REPLY);
	run(10);
	assert_int_equal(step(1, TWO), GRASP_API_NO_REPLY);
	run(10);
	assert_int_equal(f.note[0].code, GRASP_API_NO_VALID_STEP);
	assert_int_equal(f.note[1].code, GRASP_API_DECLINED);
}

static void
no_callbacks_no_call(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE);
	struct grasp_api_negotiation none = { 0 };

	(void)state;
	register_it(0, o);
	assert_int_equal(grasp_api_request_negotiate(
			     f.api[0], f.asa[0], &o, NULL, 0, NULL, NULL, &session),
	    GRASP_API_UNSPEC);
	assert_int_equal(grasp_api_listen_negotiate(f.api[0], f.asa[0], &o, NULL, NULL),
	    GRASP_API_UNSPEC);
	assert_int_equal(grasp_api_listen_negotiate(f.api[0], f.asa[0], &o, &none, NULL),
	    GRASP_API_UNSPEC);
}

static void
a_dull_node_holds_no_sessions_A_02_G_138(void **state)
{
	struct grasp_config cfg = { .link_local = true, .dull = true };
	struct grasp_api_objective n = neg("EX1", ONE), s = synch("EX2", ONE);
	struct fake_host *host = fake_host_new(f.lab.net);
	struct grasp_node *node;
	struct grasp_api *api;
	uint32_t asa;

	(void)state;
	cfg.interface = fake_attach(host, 1, "fe80::51", NULL);
	assert_int_equal(grasp_node_new(fake_host_io(host), &cfg, &node), 0);
	assert_int_equal(grasp_api_new(node, &api), 0);
	assert_int_equal(grasp_api_register_asa(api, "a", &asa), GRASP_API_OK);
	assert_int_equal(grasp_api_register_objective(api, asa, &n, NULL), GRASP_API_OK);
	assert_int_equal(grasp_api_register_objective(api, asa, &s, NULL), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_request_negotiate(api, asa, &n, NULL, 0, &ops, NULL, &session),
	    GRASP_API_NO_SECURITY);
	assert_int_equal(
	    grasp_api_listen_negotiate(api, asa, &n, &ops, NULL), GRASP_API_NO_SECURITY);
	assert_int_equal(
	    grasp_api_synchronize(api, asa, &s, NULL, 0, on_value, NULL, &session),
	    GRASP_API_NO_SECURITY);
	assert_int_equal(
	    grasp_api_listen_synchronize(api, asa, &s), GRASP_API_NO_SECURITY);
	grasp_api_free(api);
	grasp_node_free(node);
}

/* --- freed inside of callbacks ----------------------------------------------------------------------- */

static void
everything_may_be_freed_when_a_peer_asks(void **state)
{
	(void)state;
	f.note[1].then = free_all;
	begin();
	assert_null(f.lab.node[1]);
	run(100);
	assert_int_equal(f.note[0].ended, 1);
}

static void
everything_may_be_freed_when_the_peer_steps(void **state)
{
	(void)state;
	begin();
	f.note[0].then = free_all;
	assert_int_equal(step(1, TWO), GRASP_API_NO_REPLY);
	run(10);
	assert_null(f.lab.node[0]);
	assert_int_equal(f.note[1].ended, 1);
}

static void
everything_may_be_freed_when_the_peer_waits_or_ends(void **state)
{
	(void)state;
	begin();
	f.note[0].then = free_all;
	assert_int_equal(
	    grasp_api_negotiate_wait(f.api[1], f.asa[1], f.note[1].session, 1000),
	    GRASP_API_OK);
	run(10);
	assert_null(f.lab.node[0]);
	assert_int_equal(f.note[1].ended, 1);
}

static void
everything_may_be_freed_when_a_session_ends(void **state)
{
	(void)state;
	begin();
	f.note[0].then = free_all;
	assert_int_equal(end(1, false, NULL), GRASP_API_OK);
	run(10);
	assert_null(f.lab.node[0]);
	assert_int_equal(f.note[0].ended, 1);
}

static void
everything_may_be_freed_when_nobody_was_found(void **state)
{
	(void)state;
	register_it(0, neg("EX1", ONE));
	ask(NULL);
	f.note[0].then = free_all;
	run(2000);
	assert_null(f.lab.node[0]);
}

static void
accept_at_once(struct note *n)
{
	unsigned i = (unsigned)(n - f.note);

	if (n->ended == 0)
		assert_int_equal(
		    grasp_api_end_negotiate(f.api[i], f.asa[i], n->session, true, NULL),
		    GRASP_API_OK);
}

static void
a_listener_may_end_inside_its_callback_A_03(void **state)
{
	(void)state;
	f.note[1].then = accept_at_once;
	begin();
	assert_int_equal(f.note[0].code, GRASP_API_OK);
	assert_int_equal(f.note[0].ended, 1);
}

static void
freeing_the_api_declines_what_is_open_A_12(void **state)
{
	(void)state;
	begin();
	grasp_api_free(f.api[1]);
	f.api[1] = NULL;
	run(10);
	assert_int_equal(f.note[0].code, GRASP_API_DECLINED);
	assert_int_equal(f.note[1].ended, 0);
	grasp_api_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(a_peer_is_found_and_negotiated_with_A_01_A_03),
		API_TEST(declining_tells_why_A_02),
		API_TEST(the_core_counts_the_loop_down_A_10_G_091_G_092),
		API_TEST(
		    a_value_travels_as_it_is_or_in_tag_24_and_arrives_the_same_A_09_A_13),
		API_TEST(no_value_is_null_G_019),
		API_TEST(a_dry_run_is_one_from_beginning_to_end_G_100_A_04),
		API_TEST(who_knows_no_dry_runs_neither_asks_for_nor_takes_one_A_04),
		API_TEST(several_sessions_run_side_by_side_with_their_own_arg_G_101),
		API_TEST(the_latest_listener_is_asked_and_then_the_one_before_A_05),
		API_TEST(nobody_found_is_said_after_a_second_look_A_02_I_18),
		API_TEST(a_peer_that_only_answers_the_second_time_is_found_I_18),
		API_TEST(a_cached_peer_that_does_not_listen_any_more_is_replaced_A_12),
		API_TEST(a_named_peer_that_does_not_listen_is_the_end_A_02),
		API_TEST(a_host_that_is_not_there_is_not_reached_A_02),
		API_TEST(a_locator_that_is_no_address_is_refused_A_02),
		API_TEST(locators_that_cannot_be_used_are_said_to_be_so_A_02),
		API_TEST(a_search_may_be_cut_short_A_01),
		API_TEST(a_value_that_is_no_cbor_is_not_sent_A_02),
		API_TEST(what_is_too_long_is_not_sent_A_02_G_011),
		API_TEST(a_peer_found_cannot_help_when_the_request_is_too_long_A_02),
		API_TEST(speaking_out_of_turn_is_refused_A_02),
		API_TEST(a_step_must_be_of_the_sessions_objective_A_02_G_103),
		API_TEST(handles_of_nothing_are_refused_A_02_A_12),
		API_TEST(a_peer_that_keeps_silent_is_given_up_A_02_G_089),
		API_TEST(an_asa_that_keeps_silent_loses_the_session_A_12_G_098),
		API_TEST(a_connection_that_breaks_is_the_end_A_02_G_054),
		API_TEST(a_message_that_does_not_leave_is_said_A_02),
		API_TEST(a_wait_or_an_end_that_does_not_leave_is_said_A_02),
		API_TEST(what_the_peer_does_wrong_has_codes_A_02),
		API_TEST(an_acceptance_of_nothing_is_an_invalid_end_A_02),
		API_TEST(an_invalid_message_ends_both_sides_G_132_G_135),
		API_TEST(without_step_received_a_step_ends_the_session),
		API_TEST(no_callbacks_no_call),
		API_TEST(a_dull_node_holds_no_sessions_A_02_G_138),
		API_TEST(everything_may_be_freed_when_a_peer_asks),
		API_TEST(everything_may_be_freed_when_the_peer_steps),
		API_TEST(everything_may_be_freed_when_the_peer_waits_or_ends),
		API_TEST(everything_may_be_freed_when_a_session_ends),
		API_TEST(everything_may_be_freed_when_nobody_was_found),
		API_TEST(a_listener_may_end_inside_its_callback_A_03),
		API_TEST(freeing_the_api_declines_what_is_open_A_12),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
