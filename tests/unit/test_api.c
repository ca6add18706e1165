/* SPDX-License-Identifier: Apache-2.0
 *
 * ASAs, objectives, handles and discovery of the API of RFC 8991. */
#include "tests/support/api.h"

#include <stdio.h>

/* --- return codes ------------------------------------------------------------------------------- */

static void
return_codes_have_the_numbers_and_names_of_the_rfc_A_02(void **state)
{
	static const char *const names[] = { "ok", "declined", "noReply", "unspec",
		"ASAfull", "dupASA", "noASA", "notYourASA", "notBoth", "notDry",
		"notOverlap", "objFull", "objReg", "notYourObj", "notObj", "notNeg",
		"noSecurity", "noDiscReply", "sockErrNegRq", "noSession", "noSocket",
		"loopExhausted", "sockErrNegStep", "noPeer", "CBORfail", "invalidNeg",
		"invalidEnd", "noNegReply", "noValidStep", "sockErrWait", "sockErrEnd",
		"IDclash", "notSynch", "notFloodDisc", "sockErrSynRq", "noListener",
		"noSynchReply", "noValidSynch", "invalidLoc" };

	(void)state;
	assert_int_equal(ARRAY_LEN(names), GRASP_API_INVALID_LOC + 1);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		assert_string_equal(grasp_code_name((enum grasp_code)i), names[i]);
		assert_true(strlen(grasp_code_strerror((enum grasp_code)i)) > 3);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(grasp_code_strerror((enum grasp_code)i),
			    grasp_code_strerror((enum grasp_code)j));
	}
	assert_int_equal(GRASP_API_NO_SECURITY, 16);
	assert_int_equal(GRASP_API_ID_CLASH, 31);
	assert_string_equal(grasp_code_name((enum grasp_code)39), "?");
	assert_string_equal(grasp_code_strerror((enum grasp_code) - 1),
	    grasp_code_strerror((enum grasp_code)39));
}

/* --- ASAs --------------------------------------------------------------------------------------- */

static void
an_asa_has_a_name_of_its_own_A_01(void **state)
{
	static const char long_name[] =
	    "0123456789012345678901234567890123456789012345678901234567890123456789";
	uint32_t asa;

	(void)state;
	assert_int_equal(
	    grasp_api_register_asa(f.api[0], "tester", &asa), GRASP_API_DUP_ASA);
	assert_int_equal(grasp_api_register_asa(f.api[0], "", &asa), GRASP_API_UNSPEC);
	assert_int_equal(grasp_api_register_asa(f.api[0], NULL, &asa), GRASP_API_UNSPEC);
	assert_int_equal(
	    grasp_api_register_asa(f.api[0], long_name, &asa), GRASP_API_UNSPEC);
	assert_int_equal(
	    grasp_api_register_asa(f.api[0], "\xff", &asa), GRASP_API_UNSPEC);
	assert_int_equal(grasp_api_register_asa(f.api[0], "other", &asa), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_deregister_asa(f.api[0], asa, "tester"), GRASP_API_NOT_YOUR_ASA);
	assert_int_equal(
	    grasp_api_deregister_asa(f.api[0], asa, NULL), GRASP_API_NOT_YOUR_ASA);
	assert_int_equal(grasp_api_deregister_asa(f.api[0], asa, "other"), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_deregister_asa(f.api[0], asa, "other"), GRASP_API_NO_ASA);
}

static void
only_so_many_asas_are_registered_A_02(void **state)
{
	char name[8];
	uint32_t asa;

	(void)state;
	for (unsigned i = 1; i < GRASP_API_ASAS_MAX; i++) {
		snprintf(name, sizeof name, "n%u", i);
		assert_int_equal(
		    grasp_api_register_asa(f.api[0], name, &asa), GRASP_API_OK);
	}
	assert_int_equal(
	    grasp_api_register_asa(f.api[0], "one more", &asa), GRASP_API_ASA_FULL);
	assert_int_equal(grasp_api_deregister_asa(f.api[0], asa, name), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_register_asa(f.api[0], "one more", &asa), GRASP_API_OK);
}

static void
random_that_stands_still(struct grasp_io *io, void *dst, size_t len)
{
	(void)io;
	memset(dst, 0, len);
}

static void
handles_are_random_and_never_0_and_never_the_same_A_11(void **state)
{
	static struct grasp_io_ops stuck;
	struct grasp_io *io = fake_host_io(f.lab.host[0]);
	const struct grasp_io_ops *before = io->ops;
	uint32_t a, b;

	(void)state;
	assert_int_not_equal(f.asa[0], f.asa[1]);
	assert_true(f.asa[0] > 0xffff || f.asa[1] > 0xffff); /* no small numbers */
	stuck = *before;
	stuck.random = random_that_stands_still;
	io->ops = &stuck;
	assert_int_equal(grasp_api_register_asa(f.api[0], "a", &a), GRASP_API_OK);
	assert_int_equal(grasp_api_register_asa(f.api[0], "b", &b), GRASP_API_OK);
	io->ops = before;
	assert_int_equal(a, 1); /* it is the io's random that decides */
	assert_int_equal(b, 2);
}

static void
every_call_wants_a_handle_of_an_asa_A_02(void **state)
{
	struct grasp_api_objective n = neg("EX1", ONE), s = synch("EX2", ONE);
	struct grasp_api_tagged t = { .objective = s };
	struct grasp_api *api = f.api[0];
	uint32_t bad = f.asa[0] + 1, session;

	(void)state;
#define REFUSED(call) assert_int_equal(call, GRASP_API_NO_ASA)
	REFUSED(grasp_api_register_objective(api, bad, &n, NULL));
	REFUSED(grasp_api_deregister_objective(api, bad, &n));
	REFUSED(grasp_api_discover(api, bad, &n, 0, 0, on_discovery, &f.note[0]));
	REFUSED(grasp_api_request_negotiate(
	    api, bad, &n, NULL, 0, &ops, &f.note[0], &session));
	REFUSED(grasp_api_listen_negotiate(api, bad, &n, &ops, &f.note[0]));
	REFUSED(grasp_api_stop_listen_negotiate(api, bad, &n));
	REFUSED(grasp_api_negotiate_step(api, bad, 7, &n, 0));
	REFUSED(grasp_api_negotiate_wait(api, bad, 7, 1000));
	REFUSED(grasp_api_end_negotiate(api, bad, 7, true, NULL));
	REFUSED(grasp_api_send_invalid(api, bad, 7, ONE));
	REFUSED(
	    grasp_api_synchronize(api, bad, &s, NULL, 0, on_value, &f.note[0], &session));
	REFUSED(grasp_api_cancel(api, bad, 7));
	REFUSED(grasp_api_listen_synchronize(api, bad, &s));
	REFUSED(grasp_api_stop_listen_synchronize(api, bad, &s));
	REFUSED(grasp_api_flood(api, bad, 0, &t, 1));
	REFUSED(grasp_api_get_flood(api, bad, &s, on_flood, &f.note[0], NULL));
	REFUSED(grasp_api_expire_flood(api, bad, &t));
#undef REFUSED
	assert_int_equal(
	    grasp_api_session_set_arg(api, bad, 7, NULL), GRASP_API_NO_SESSION);
	assert_int_equal(fake_packets(f.lab.net), 0);
}

/* --- objectives --------------------------------------------------------------------------------- */

static enum grasp_code
try_register(struct grasp_api_objective o)
{
	return grasp_api_register_objective(f.api[0], f.asa[0], &o, NULL);
}

static void
an_objective_is_for_one_purpose_A_04(void **state)
{
	struct grasp_api_objective o = neg("EX1", ONE);

	(void)state;
	o.synch = true;
	assert_int_equal(try_register(o), GRASP_API_NOT_BOTH);
	o = synch("EX1", ONE);
	o.dry = true;
	assert_int_equal(try_register(o), GRASP_API_NOT_DRY);
	assert_int_equal(try_register(neg("", ONE)), GRASP_API_UNSPEC);
	assert_int_equal(try_register(neg(NULL, ONE)), GRASP_API_UNSPEC);
	assert_int_equal(try_register(neg("EX1", ONE)), GRASP_API_OK);
	assert_int_equal(try_register(neg("EX1", ONE)), GRASP_API_OBJ_REG);
	assert_int_equal(
	    try_register((struct grasp_api_objective){ .name = "EX2" }), GRASP_API_OK);
}

static void
an_objective_registered_by_hand_is_taken_A_02(void **state)
{
	static struct diary d;
	struct grasp_registration *reg;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[0], "EX1", F_NEG, &diary_support, &d, &reg), 0);
	assert_int_equal(try_register(neg("EX1", ONE)), GRASP_API_OBJ_REG);
	grasp_deregister(reg);
	assert_int_equal(try_register(neg("EX1", ONE)), GRASP_API_OK);
}

static void
only_so_many_objectives_are_registered_A_02(void **state)
{
	struct grasp_api_objective o;
	char name[8];

	(void)state;
	for (unsigned i = 0; i < GRASP_API_OBJECTIVES_MAX; i++) {
		snprintf(name, sizeof name, "n%u", i);
		assert_int_equal(try_register(synch(name, ONE)), GRASP_API_OK);
	}
	assert_int_equal(try_register(synch("more", ONE)), GRASP_API_OBJ_FULL);
	o = synch(name, ONE);
	assert_int_equal(
	    grasp_api_deregister_objective(f.api[0], f.asa[0], &o), GRASP_API_OK);
	assert_int_equal(try_register(synch("more", ONE)), GRASP_API_OK);
}

static void
an_asa_touches_only_what_it_has_registered_A_02(void **state)
{
	struct grasp_api_objective n = neg("EX1", ONE), s = synch("EX2", ONE);
	struct grasp_api_tagged t = { .objective = s };
	uint32_t other, session;

	(void)state;
	assert_int_equal(grasp_api_register_asa(f.api[0], "other", &other), GRASP_API_OK);
#define REFUSED(call, code) assert_int_equal(call, code)
	for (int i = 0; i < 2; i++) {
		enum grasp_code code = i ? GRASP_API_NOT_YOUR_OBJ : GRASP_API_NOT_OBJ;

		REFUSED(grasp_api_deregister_objective(f.api[0], other, &n), code);
		REFUSED(
		    grasp_api_listen_negotiate(f.api[0], other, &n, &ops, NULL), code);
		REFUSED(grasp_api_stop_listen_negotiate(f.api[0], other, &n), code);
		REFUSED(grasp_api_request_negotiate(
			    f.api[0], other, &n, NULL, 0, &ops, NULL, &session),
		    code);
		REFUSED(grasp_api_listen_synchronize(f.api[0], other, &s), code);
		REFUSED(grasp_api_stop_listen_synchronize(f.api[0], other, &s), code);
		REFUSED(
		    grasp_api_flood(f.api[0], other, 0, &t, 1), GRASP_API_NOT_YOUR_OBJ);
		if (i == 0) {
			register_it(0, n);
			register_it(0, s);
		}
	}
#undef REFUSED
}

static void
negotiation_and_synchronization_are_not_mixed_up_A_02(void **state)
{
	struct grasp_api_objective as_synch = synch("EX1", ONE), as_neg = neg("EX2", ONE);
	struct grasp_api_tagged t = { .objective = as_neg };
	uint32_t session;

	(void)state;
	register_it(0, neg("EX1", ONE));
	register_it(0, synch("EX2", ONE));
	assert_int_equal(
	    grasp_api_listen_negotiate(f.api[0], f.asa[0], &as_neg, &ops, NULL),
	    GRASP_API_NOT_NEG);
	assert_int_equal(grasp_api_request_negotiate(
			     f.api[0], f.asa[0], &as_neg, NULL, 0, &ops, NULL, &session),
	    GRASP_API_NOT_NEG);
	assert_int_equal(grasp_api_listen_synchronize(f.api[0], f.asa[0], &as_synch),
	    GRASP_API_NOT_SYNCH);
	assert_int_equal(grasp_api_synchronize(f.api[0], f.asa[0], &as_neg, NULL, 0,
			     on_value, NULL, &session),
	    GRASP_API_NOT_SYNCH);
	assert_int_equal(
	    grasp_api_flood(f.api[0], f.asa[0], 0, &t, 1), GRASP_API_NOT_SYNCH);
	assert_int_equal(
	    grasp_api_get_flood(f.api[0], f.asa[0], &as_neg, on_flood, NULL, NULL),
	    GRASP_API_NOT_SYNCH);
	assert_int_equal(
	    grasp_api_expire_flood(f.api[0], f.asa[0], &t), GRASP_API_NOT_SYNCH);
}

static void
asas_may_share_an_objective_if_all_of_them_say_so_A_05(void **state)
{
	struct grasp_api_registration overlap = { .overlap = true };
	struct grasp_api_objective o = neg("EX1", ONE), s = synch("EX1", ONE);
	uint32_t b, c;

	(void)state;
	assert_int_equal(grasp_api_register_asa(f.api[0], "b", &b), GRASP_API_OK);
	assert_int_equal(grasp_api_register_asa(f.api[0], "c", &c), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_register_objective(f.api[0], f.asa[0], &o, &overlap), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_register_objective(f.api[0], b, &o, NULL), GRASP_API_OBJ_REG);
	assert_int_equal(
	    grasp_api_register_objective(f.api[0], b, &s, &overlap), GRASP_API_OBJ_REG);
	assert_int_equal(
	    grasp_api_register_objective(f.api[0], b, &o, &overlap), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_register_objective(f.api[0], b, &o, &overlap), GRASP_API_OBJ_REG);
	assert_int_equal(grasp_api_deregister_asa(f.api[0], b, "b"), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_deregister_objective(f.api[0], f.asa[0], &o), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_register_objective(f.api[0], c, &o, NULL), GRASP_API_OK);
}

/* --- discovery ---------------------------------------------------------------------------------- */

static void
discover(uint32_t timeout_ms, uint32_t min_ttl_ms)
{
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });
	unsigned before = f.note[0].discovered;

	assert_int_equal(grasp_api_discover(f.api[0], f.asa[0], &o, timeout_ms,
			     min_ttl_ms, on_discovery, &f.note[0]),
	    GRASP_API_NO_REPLY);
	assert_int_equal(f.note[0].discovered, before); /* never inside the call */
	run(timeout_ms + 10);
	assert_int_equal(f.note[0].discovered, before + 1);
	assert_int_equal(f.note[0].code, GRASP_API_OK);
}

static void
offer(unsigned i, const char *name)
{
	struct grasp_api_objective o = neg(name, (struct slice){ 0 });

	assert_int_equal(
	    grasp_api_listen_negotiate(f.api[i], f.asa[i], &o, &ops, &f.note[i]),
	    GRASP_API_OK);
}

static void
an_objective_is_discoverable_while_somebody_listens_A_05(void **state)
{
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });

	(void)state;
	register_it(1, o);
	discover(600, 0);
	assert_int_equal(f.note[0].locators, 0); /* and that is no error */
	offer(1, "EX1");
	discover(600, 0);
	assert_int_equal(f.note[0].locators, 1);
	assert_at(&f.note[0], lab_address(1).ip);
	assert_int_equal(f.note[0].locator[0].locator.port, GRASP_LISTEN_PORT);
	assert_false(f.note[0].locator[0].diverted);
	assert_int_equal(
	    grasp_api_stop_listen_negotiate(f.api[1], f.asa[1], &o), GRASP_API_OK);
	assert_int_equal(
	    grasp_api_stop_listen_negotiate(f.api[1], f.asa[1], &o), GRASP_API_OK);
	discover(600, UINT32_MAX);
	assert_int_equal(f.note[0].locators, 0);
}

static void
a_discoverable_objective_is_so_at_once_and_with_its_ttl_A_05(void **state)
{
	struct grasp_api_registration r = { .discoverable = true, .ttl_ms = 5000 };
	struct grasp_api_objective o = { .name = "EX1" };
	struct grasp_msg m;

	(void)state;
	assert_int_equal(
	    grasp_api_register_objective(f.api[1], f.asa[1], &o, &r), GRASP_API_OK);
	discover(600, 0);
	assert_int_equal(f.note[0].locators, 1);
	assert_in_range(f.note[0].locator[0].ttl_ms, 4000, 5000);
	assert_non_null(fake_message(f.lab.net, M_RESPONSE, 0, &m));
	assert_int_equal(m.time_ms, 5000);
}

static void
the_default_ttl_of_responses_is_a_minute_A_05(void **state)
{
	struct grasp_msg m;

	(void)state;
	register_it(1, neg("EX1", ONE));
	offer(1, "EX1");
	discover(600, 0);
	assert_non_null(fake_message(f.lab.net, M_RESPONSE, 0, &m));
	assert_int_equal(m.time_ms, GRASP_DEF_TIMEOUT_MS);
}

static void
a_local_objective_is_told_with_a_link_local_address_A_05_G_026(void **state)
{
	struct grasp_api_registration r = { .discoverable = true, .local = true };
	struct grasp_api_objective o = { .name = "EX1" };
	struct in6_addr local = lab_ip("fe80::2");

	(void)state;
	assert_int_equal(
	    grasp_api_register_objective(f.api[1], f.asa[1], &o, &r), GRASP_API_OK);
	discover(600, 0);
	assert_int_equal(f.note[0].locators, 1);
	assert_true(IN6_ARE_ADDR_EQUAL(&f.note[0].locator[0].locator.ip, &local));
	assert_int_equal(f.note[0].locator[0].ifindex, f.lab.ifindex[0]);
}

static void
all_responders_are_told_G_076_G_077(void **state)
{
	(void)state;
	for (unsigned i = 1; i < LAB_NODES; i++) {
		register_it(i, neg("EX1", ONE));
		offer(i, "EX1");
	}
	discover(600, 0);
	assert_int_equal(f.note[0].locators, 2);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 1);
}

static void
what_is_known_is_told_without_asking_again_A_06_G_074(void **state)
{
	(void)state;
	register_it(1, neg("EX1", ONE));
	offer(1, "EX1");
	discover(0, 0); /* the cache is empty */
	assert_int_equal(f.note[0].locators, 0);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 0);
	discover(600, 0);
	discover(600, 0);
	discover(0, 0);
	assert_int_equal(f.note[0].locators, 1);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 1);
	discover(600, 59000); /* less is left than that */
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 2);
	discover(0, 61000);
	assert_int_equal(f.note[0].locators, 0);
}

static void
a_cached_locator_has_its_time_G_075(void **state)
{
	(void)state;
	register_it(1, neg("EX1", ONE));
	offer(1, "EX1");
	discover(600, 0);
	run(20000);
	discover(0, 0);
	assert_in_range(f.note[0].locator[0].ttl_ms, 38000, 40000);
	run(45000);
	discover(0, 0);
	assert_int_equal(f.note[0].locators, 0);
}

static void
check_texts(struct note *n)
{
	assert_int_equal(n->locators, 2);
	assert_int_equal(n->locator[0].locator.kind, O_FQDN_LOCATOR);
	assert_true(slice_is(n->locator[0].locator.text, "a.example"));
	assert_int_equal(n->locator[1].locator.kind, O_URI_LOCATOR);
	assert_true(slice_is(n->locator[1].locator.text, "coap://b.example"));
	assert_int_equal(n->locator[1].locator.port, -1);
}

static void
names_of_hosts_and_resources_are_told_as_they_came(void **state)
{
	struct grasp_msg asked,
	    m = { .type = M_RESPONSE, .time_ms = 60000, .locators = 2 };
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });

	(void)state;
	assert_int_equal(
	    grasp_api_discover(f.api[0], f.asa[0], &o, 600, 0, on_discovery, &f.note[0]),
	    GRASP_API_NO_REPLY);
	run(10);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &asked));
	m.session_id = asked.session_id;
	m.initiator = asked.initiator;
	m.locator[0] = (struct grasp_locator){ .kind = O_FQDN_LOCATOR,
		.text = slice_text("a.example"),
		.proto = GRASP_TCP,
		.port = 1 };
	m.locator[1] = (struct grasp_locator){ .kind = O_URI_LOCATOR,
		.text = slice_text("coap://b.example"),
		.proto = -1,
		.port = -1 };
	stranger_connect(&f.x, &f.lab, 0);
	stranger_say(&f.x, &m);
	f.note[0].then = check_texts; /* they are borrowed */
	run(600);
	assert_int_equal(f.note[0].discovered, 1);
}

static void
a_discovery_is_refused_for_what_is_no_objective_A_02(void **state)
{
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });

	(void)state;
	o.synch = true;
	assert_int_equal(
	    grasp_api_discover(f.api[0], f.asa[0], &o, 0, 0, on_discovery, NULL),
	    GRASP_API_NOT_BOTH);
	o = neg("", (struct slice){ 0 });
	assert_int_equal(
	    grasp_api_discover(f.api[0], f.asa[0], &o, 0, 0, on_discovery, NULL),
	    GRASP_API_UNSPEC);
	o = neg("EX1", (struct slice){ 0 });
	assert_int_equal(grasp_api_discover(f.api[0], f.asa[0], &o, 0, 0, NULL, NULL),
	    GRASP_API_UNSPEC);
}

static void
an_asa_that_goes_is_told_nothing_more_A_12(void **state)
{
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });

	(void)state;
	register_it(0, o);
	offer(0, "EX1");
	assert_int_equal(
	    grasp_api_discover(f.api[0], f.asa[0], &o, 600, 0, on_discovery, &f.note[0]),
	    GRASP_API_NO_REPLY);
	assert_int_equal(
	    grasp_api_discover(f.api[0], f.asa[0], &o, 0, 0, on_discovery, &f.note[0]),
	    GRASP_API_NO_REPLY);
	assert_int_equal(
	    grasp_api_deregister_asa(f.api[0], f.asa[0], "tester"), GRASP_API_OK);
	run(1000);
	assert_int_equal(f.note[0].discovered, 0);
	assert_int_equal(
	    grasp_api_discover(f.api[1], f.asa[1], &o, 600, 0, on_discovery, &f.note[1]),
	    GRASP_API_NO_REPLY);
	run(1000);
	assert_int_equal(f.note[1].locators, 0); /* nobody listens any more */
}

static void
only_so_many_things_are_waited_for_A_12(void **state)
{
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });

	(void)state;
	for (unsigned i = 0; i < GRASP_API_SESSIONS_MAX; i++)
		assert_int_equal(grasp_api_discover(f.api[0], f.asa[0], &o, 0, 0,
				     on_discovery, &f.note[0]),
		    GRASP_API_NO_REPLY);
	assert_int_equal(
	    grasp_api_discover(f.api[0], f.asa[0], &o, 0, 0, on_discovery, &f.note[0]),
	    GRASP_API_UNSPEC);
	run(10);
	assert_int_equal(f.note[0].discovered, GRASP_API_SESSIONS_MAX);
}

static void
everything_may_be_freed_when_a_discovery_is_over(void **state)
{
	struct grasp_api_objective o = neg("EX1", (struct slice){ 0 });

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		f.note[i].then = free_all;
		assert_int_equal(grasp_api_discover(f.api[i], f.asa[i], &o, i * 600, 0,
				     on_discovery, &f.note[i]),
		    GRASP_API_NO_REPLY);
		run(700);
		assert_int_equal(f.note[i].discovered, 1);
		assert_null(f.lab.node[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(return_codes_have_the_numbers_and_names_of_the_rfc_A_02),
		API_TEST(an_asa_has_a_name_of_its_own_A_01),
		API_TEST(only_so_many_asas_are_registered_A_02),
		API_TEST(handles_are_random_and_never_0_and_never_the_same_A_11),
		API_TEST(every_call_wants_a_handle_of_an_asa_A_02),
		API_TEST(an_objective_is_for_one_purpose_A_04),
		API_TEST(an_objective_registered_by_hand_is_taken_A_02),
		API_TEST(only_so_many_objectives_are_registered_A_02),
		API_TEST(an_asa_touches_only_what_it_has_registered_A_02),
		API_TEST(negotiation_and_synchronization_are_not_mixed_up_A_02),
		API_TEST(asas_may_share_an_objective_if_all_of_them_say_so_A_05),
		API_TEST(an_objective_is_discoverable_while_somebody_listens_A_05),
		API_TEST(a_discoverable_objective_is_so_at_once_and_with_its_ttl_A_05),
		API_TEST(the_default_ttl_of_responses_is_a_minute_A_05),
		API_TEST(a_local_objective_is_told_with_a_link_local_address_A_05_G_026),
		API_TEST(all_responders_are_told_G_076_G_077),
		API_TEST(what_is_known_is_told_without_asking_again_A_06_G_074),
		API_TEST(a_cached_locator_has_its_time_G_075),
		API_TEST(names_of_hosts_and_resources_are_told_as_they_came),
		API_TEST(a_discovery_is_refused_for_what_is_no_objective_A_02),
		API_TEST(an_asa_that_goes_is_told_nothing_more_A_12),
		API_TEST(only_so_many_things_are_waited_for_A_12),
		API_TEST(everything_may_be_freed_when_a_discovery_is_over),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
