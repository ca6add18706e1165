/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is believed on a channel, as whom, and for how long. */
#include "tests/support/channel.h"

static struct party *const agent = &f.party[AGENT];
static struct party *const controller = &f.party[CONTROLLER];

static int
setup(void **state)
{
	(void)state;
	setup_world();
	make_controller();
	return 0;
}

static uint64_t
refused(enum channel_refusal why)
{
	return counters(controller)->refused[why];
}

/* --- members ------------------------------------------------------------------------------------------ */

/* Somebody with this certificate comes; it may have any key. */
static void
come(struct outsider *x, const char *alpn)
{
	outsider_connect(x, f.party[OUTSIDE].host, CONTROLLER, alpn);
	run(100);
}

static void
expect_refusal(struct outsider *x, enum channel_refusal why)
{
	come(x, CHANNEL_ALPN_GRASP);
	assert_int_equal(refused(why), 1);
	assert_int_equal(controller->refusals, 1);
	assert_int_equal(controller->accepts, 0);
	assert_true(*controller->text);
	run(1100);
	assert_true(x->closed);
	assert_int_equal(counters(controller)->streams, 0);
	outsider_done(x);
}

static void
without_a_certificate_nobody_is_taken_S_02(void **state)
{
	struct outsider x = { 0 };

	(void)state;
	expect_refusal(&x, CHANNEL_UNTRUSTED);
}

static void
refuse_leaf(struct cert *leaf, const struct key *k, enum channel_refusal why)
{
	struct outsider x = { .self = { k, &leaf, 1 } };

	expect_refusal(&x, why);
	cert_unref(leaf);
}

static void
a_certificate_signed_by_its_own_key_is_not_taken_S_02(void **state)
{
	struct fog_id id;
	struct trust_name n = { .role = TRUST_AGENT };
	char uri[TRUST_URI_MAX];
	struct cert_spec spec = { "me", uri, PKI_NOW - 1000, PKI_NOW + 100000 };
	struct cert *leaf;
	struct key *k;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	id = pki_id(k);
	n.id = id;
	strcpy(n.domain, f.domain.name);
	trust_uri_format(&n, uri);
	assert_int_equal(cert_issue(k, NULL, &spec, k, &leaf), 0);
	refuse_leaf(leaf, k, CHANNEL_UNTRUSTED);
	key_free(k);
}

static void
a_certificate_of_another_ca_is_not_taken_S_02(void **state)
{
	struct domain other;
	struct key *k;

	(void)state;
	domain_init(&other, f.domain.name);
	assert_int_equal(key_new(KEY_P256, &k), 0);
	refuse_leaf(domain_issue(&other, TRUST_AGENT, k, PKI_NOW + PKI_DAY), k,
	    CHANNEL_UNTRUSTED);
	key_free(k);
	domain_done(&other);
}

static void
an_expired_certificate_is_not_taken_S_02(void **state)
{
	struct key *k;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	refuse_leaf(
	    domain_issue(&f.domain, TRUST_AGENT, k, PKI_NOW - 60000), k, CHANNEL_EXPIRED);
	key_free(k);
}

static void
a_revoked_member_is_not_taken_S_19(void **state)
{
	struct fog_id id;
	struct key *k;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	id = pki_id(k);
	member_deny(&controller->member, &id);
	refuse_leaf(domain_issue(&f.domain, TRUST_AGENT, k, PKI_NOW + PKI_DAY), k,
	    CHANNEL_REVOKED);
	key_free(k);
}

static void
a_role_that_is_not_wanted_is_not_taken_S_04(void **state)
{
	struct key *k;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	refuse_leaf(domain_issue(&f.domain, TRUST_CONTROLLER, k, PKI_NOW + PKI_DAY), k,
	    CHANNEL_UNTRUSTED);
	key_free(k);
}

static void
what_a_leaf_has_signed_is_not_taken_S_05(void **state)
{
	struct trust_name n = { .role = TRUST_AGENT };
	char uri[TRUST_URI_MAX];
	struct cert_spec spec = { "me", uri, PKI_NOW - 1000, PKI_NOW + 100000 };
	struct cert *chain[2];
	struct key *k, *mine;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	assert_int_equal(key_new(KEY_P256, &mine), 0);
	chain[1] = domain_issue(&f.domain, TRUST_AGENT, k, PKI_NOW + PKI_DAY);
	n.id = pki_id(mine);
	strcpy(n.domain, f.domain.name);
	trust_uri_format(&n, uri);
	assert_int_equal(cert_issue(k, chain[1], &spec, mine, &chain[0]), 0);
	struct outsider x = { .self = { mine, chain, 2 } };
	expect_refusal(&x, CHANNEL_UNTRUSTED);
	cert_unref(chain[0]);
	cert_unref(chain[1]);
	key_free(k);
	key_free(mine);
}

static void
an_unknown_protocol_is_refused(void **state)
{
	struct outsider x = { 0 };

	(void)state;
	come(&x, "http/1.1");
	assert_int_equal(refused(CHANNEL_BROKEN), 1);
	run(1100);
	assert_int_equal(counters(controller)->strangers, 0);
	outsider_done(&x);
}

/* The other direction: an agent that gives itself out as the controller (S-04, S-01). */
static void
listen_as(enum trust_role role)
{
	struct party *x = &f.party[OUTSIDE];

	member_init(&x->member, &f.domain, role);
	x->cfg.accept = TRUST_BIT(TRUST_AGENT);
	party_open_channel(x, fake_host_io(x->host));
	make_agent();
	open_end(agent, OUTSIDE, &f.end);
	run(100);
}

static void
an_agent_that_plays_controller_is_not_believed_S_04(void **state)
{
	(void)state;
	listen_as(TRUST_AGENT);
	assert_int_equal(f.end.opened, 0);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(f.end.err, EKEYREJECTED);
	assert_int_equal(counters(agent)->handshakes_failed, 1);
	assert_int_equal(f.party[OUTSIDE].accepts, 0);
}

static void
another_controller_of_the_domain_is(void **state)
{
	(void)state;
	listen_as(TRUST_CONTROLLER);
	assert_int_equal(f.end.opened, 1);
}

static void
somebody_who_is_no_member_accepts_nothing(void **state)
{
	struct party *x = &f.party[OUTSIDE];

	(void)state;
	member_init_stranger(&x->member, &f.domain);
	party_open_channel(x, fake_host_io(x->host));
	make_agent();
	open_end(agent, OUTSIDE, &f.end);
	run(100);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(counters(x)->refused[CHANNEL_UNTRUSTED], 1);
	assert_int_equal(counters(x)->strangers, 0);
}

/* --- joining --------------------------------------------------------------------------------------------- */

static void
make_newcomer(const struct key *pinned)
{
	uint8_t pin[32];

	member_init_stranger(&agent->member, &f.domain);
	key_fingerprint(pinned, pin);
	anchors_pin(credential_anchors(agent->member.self), pin);
	party_open_channel(agent, fake_host_io(agent->host));
	open_end(agent, CONTROLLER, &f.end);
	run(100);
}

static void
a_newcomer_is_a_stranger_known_by_its_key(void **state)
{
	struct fog_id id, c = pki_id(controller->member.key);

	(void)state;
	make_newcomer(f.domain.ca.key);
	id = pki_id(agent->member.key);
	assert_int_equal(f.end.opened, 1);
	assert_int_equal(f.end.who.role, TRUST_CONTROLLER);
	assert_memory_equal(f.end.who.id, c.bytes, sizeof c.bytes);
	assert_int_equal(controller->accepts, 1);
	assert_int_equal(controller->accepted.who.role, TRUST_STRANGER);
	assert_memory_equal(controller->accepted.who.id, id.bytes, sizeof id.bytes);
	assert_int_equal(counters(controller)->joining, 1);
	assert_int_equal(counters(controller)->accepted, 0);
}

static void
a_newcomer_speaks_only_to_the_ca_that_it_was_told_of_S_16(void **state)
{
	struct key *other;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &other), 0);
	make_newcomer(other);
	assert_int_equal(f.end.opened, 0);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(f.end.err, EKEYREJECTED);
	assert_int_equal(controller->accepts, 0);
	key_free(other);
}

static void
joining_is_not_for_every_host(void **state)
{
	(void)state;
	channel_free(TAKE(controller->io));
	controller->cfg.join = false;
	party_open_channel(controller, fake_host_io(controller->host));
	make_newcomer(f.domain.ca.key);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(refused(CHANNEL_BROKEN), 1);
}

static void
who_joins_may_show_no_certificate_at_all(void **state)
{
	static const struct grasp_who nobody = { .role = TRUST_STRANGER };
	struct outsider x = { 0 };

	(void)state;
	come(&x, CHANNEL_ALPN_JOIN);
	assert_int_equal(controller->accepts, 1);
	assert_int_equal(controller->accepted.who.role, TRUST_STRANGER);
	assert_memory_equal(controller->accepted.who.id, nobody.id, sizeof nobody.id);
	outsider_done(&x);
}

static void
who_is_revoked_does_not_come_back_as_a_stranger_S_19(void **state)
{
	struct fog_id id;
	struct key *k;
	struct cert_spec spec = { "me", "urn:x", PKI_NOW, PKI_NOW + 1000 };
	struct cert *leaf;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	id = pki_id(k);
	member_deny(&controller->member, &id);
	assert_int_equal(cert_issue(k, NULL, &spec, k, &leaf), 0);
	struct outsider x = { .self = { k, &leaf, 1 } };
	come(&x, CHANNEL_ALPN_JOIN);
	assert_int_equal(controller->accepts, 0);
	assert_int_equal(refused(CHANNEL_REVOKED), 1);
	outsider_done(&x);
	cert_unref(leaf);
	key_free(k);
}

static void
renew_the_controller(void)
{
	struct cert *leaf = domain_issue(&f.domain, TRUST_CONTROLLER,
	    controller->member.key, f.domain.now_ms + PKI_DAY);

	member_install(&controller->member, &f.domain, leaf);
	cert_unref(leaf);
}

/* Its certificate runs out while the clocks of both go on. */
static void
a_lapsed_member_may_come_to_renew_and_no_more_S_20(void **state)
{
	struct fog_id id;

	(void)state;
	make_agent();
	id = pki_id(agent->member.key);
	f.domain.now_ms += 10 * PKI_DAY;
	renew_the_controller();
	assert_int_equal(credential_state(agent->member.self), CREDENTIAL_LAPSED);
	open_end(agent, CONTROLLER, &f.end);
	run(100);
	assert_int_equal(f.end.opened, 1);
	assert_int_equal(f.end.who.role, TRUST_CONTROLLER);
	assert_int_equal(controller->accepted.who.role, TRUST_LAPSED);
	assert_memory_equal(controller->accepted.who.id, id.bytes, sizeof id.bytes);
	assert_int_equal(counters(controller)->joining, 1);
}

static void
a_member_that_comes_to_join_gets_no_more_rights_than_a_lapsed_one(void **state)
{
	struct key *k;
	struct cert *leaf;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	leaf = domain_issue(&f.domain, TRUST_AGENT, k, PKI_NOW + PKI_DAY);
	struct outsider x = { .self = { k, &leaf, 1 } };
	come(&x, CHANNEL_ALPN_JOIN);
	assert_int_equal(controller->accepted.who.role, TRUST_LAPSED);
	outsider_done(&x);
	cert_unref(leaf);
	key_free(k);
}

static void
sixty_four_join_at_once_and_then_the_oldest_leaves(void **state)
{
	static struct outsider x[CHANNEL_JOINING_MAX + 1];

	(void)state;
	for (unsigned i = 0; i <= CHANNEL_JOINING_MAX; i++) {
		struct fake_host *h = fake_host_new(f.net);
		char local[16], global[24];

		snprintf(local, sizeof local, "fe80::%x", i + 0x100);
		snprintf(global, sizeof global, "2001:db8::%x", i + 0x100);
		fake_attach(h, 1, local, global, NULL);
		outsider_connect(&x[i], h, CONTROLLER, CHANNEL_ALPN_JOIN);
		run(20);
	}
	assert_int_equal(controller->accepts, CHANNEL_JOINING_MAX + 1);
	assert_true(x[0].closed);
	assert_false(x[1].closed);
	assert_int_equal(counters(controller)->streams, CHANNEL_JOINING_MAX);
	for (unsigned i = 0; i <= CHANNEL_JOINING_MAX; i++)
		outsider_done(&x[i]);
}

static void
four_of_an_address_join_at_once(void **state)
{
	struct outsider x[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		x[i] = (struct outsider){ 0 };
		come(&x[i], CHANNEL_ALPN_JOIN);
	}
	assert_true(x[0].closed);
	assert_false(x[1].closed);
	assert_int_equal(counters(controller)->streams, 4);
	for (unsigned i = 0; i < 5; i++)
		outsider_done(&x[i]);
}

/* --- operators --------------------------------------------------------------------------------------------- */

static void
operate_as(enum trust_role role, struct outsider *x)
{
	struct key *k;
	struct cert *leaf;

	assert_int_equal(key_new(KEY_P256, &k), 0);
	leaf = domain_issue(&f.domain, role, k, PKI_NOW + PKI_DAY);
	x->self = (struct tls_self){ k, &leaf, 1 };
	come(x, CHANNEL_ALPN_CTL);
	cert_unref(leaf);
	key_free(k);
}

static void
an_operator_is_handed_over(void **state)
{
	struct outsider x = { 0 };

	(void)state;
	operate_as(TRUST_DEPLOYER, &x);
	assert_int_equal(controller->operates, 1);
	assert_int_equal(controller->accepts, 0);
	assert_int_equal(controller->operator_.role, TRUST_DEPLOYER);
	assert_string_equal(controller->operator_.domain, "plant-7");
	outsider_say(&x, TEXT("status"));
	run(10);
	assert_true(end_has(&controller->accepted, "status"));
	controller->io->ops->stream_send(controller->accepted.stream, TEXT("fine"));
	run(10);
	assert_memory_equal(x.in, "fine", 4);
	outsider_done(&x);
}

static void
an_agent_is_no_operator(void **state)
{
	struct outsider x = { 0 };

	(void)state;
	operate_as(TRUST_AGENT, &x);
	assert_int_equal(controller->operates, 0);
	assert_int_equal(refused(CHANNEL_UNTRUSTED), 1);
	outsider_done(&x);
}

static void
operators_are_not_served_by_everybody(void **state)
{
	struct outsider x = { 0 };

	(void)state;
	channel_free(TAKE(controller->io));
	controller->cfg.operate = NULL;
	party_open_channel(controller, fake_host_io(controller->host));
	operate_as(TRUST_ADMIN, &x);
	assert_int_equal(refused(CHANNEL_BROKEN), 1);
	outsider_done(&x);
}

/* --- when trust ends ------------------------------------------------------------------------------------------ */

static void
connect_both(void)
{
	make_agent();
	open_end(agent, CONTROLLER, &f.end);
	run(100);
	assert_int_equal(f.end.opened, 1);
}

static void
a_revoked_members_connection_ends_at_once_S_19(void **state)
{
	struct fog_id id;

	(void)state;
	connect_both();
	id = pki_id(agent->member.key);
	member_deny(&controller->member, &id);
	channel_recheck(controller->io);
	run(5);
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, EKEYREVOKED);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(counters(controller)->streams, 0);
}

static void
a_revoked_controllers_connection_ends_too_S_19(void **state)
{
	struct fog_id id = pki_id(controller->member.key);

	(void)state;
	connect_both();
	member_deny(&agent->member, &id);
	channel_recheck(agent->io);
	run(5);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(f.end.err, EKEYREVOKED);
}

static void
other_denials_end_nothing(void **state)
{
	struct fog_id other = { "somebody else" };

	(void)state;
	connect_both();
	member_deny(&controller->member, &other);
	channel_recheck(controller->io);
	run(100);
	assert_int_equal(controller->accepted.closed, 0);
}

static void
who_was_issued_by_a_ca_that_is_gone_leaves_S_35(void **state)
{
	struct cert *leaf;

	(void)state;
	connect_both();
	domain_rotate(&f.domain);
	leaf = domain_issue(
	    &f.domain, TRUST_CONTROLLER, controller->member.key, PKI_NOW + PKI_DAY);
	member_install(&controller->member, &f.domain, leaf);
	channel_recheck(controller->io);
	run(5);
	assert_int_equal(controller->accepted.closed, 1);
	cert_unref(leaf);
}

static void
leaving_a_domain_ends_its_connections(void **state)
{
	(void)state;
	connect_both();
	credential_forget(agent->member.self);
	channel_recheck(agent->io);
	run(5);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(controller->accepted.closed, 1);
}

static void
recheck_the_controller(struct end *e)
{
	(void)e;
	channel_recheck(controller->io);
}

static void
a_callback_may_have_all_rechecked_S_19(void **state)
{
	struct fog_id id;

	(void)state;
	connect_both();
	id = pki_id(agent->member.key);
	member_deny(&controller->member, &id);
	controller->accepted.then = recheck_the_controller;
	f.end.io->stream_send(f.end.stream, TEXT("x"));
	run(10);
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(counters(controller)->streams, 0);
}

static void
a_certificate_that_expires_meanwhile_ends_nothing_S_20(void **state)
{
	(void)state;
	connect_both();
	f.domain.now_ms += 10 * PKI_DAY;
	channel_recheck(controller->io);
	channel_recheck(agent->io);
	f.end.io->stream_send(f.end.stream, TEXT("still here"));
	run(10);
	assert_true(end_has(&controller->accepted, "still here"));
}

/* Between the handshake's middle and its end the peer is revoked. */
static void
a_revocation_during_the_handshake_counts_S_19(void **state)
{
	struct fog_id id;

	(void)state;
	make_agent();
	id = pki_id(agent->member.key);
	open_end(agent, CONTROLLER, &f.end);
	run(4);
	member_deny(&controller->member, &id);
	run(100);
	assert_int_equal(controller->accepts, 0);
	assert_int_equal(refused(CHANNEL_REVOKED), 1);
}

static void
every_refusal_has_a_name(void **state)
{
	(void)state;
	for (unsigned r = 0; r < CHANNEL_REFUSALS; r++) {
		const char *name = channel_refusal_name((enum channel_refusal)r);

		assert_true(strlen(name) > 3);
		assert_int_equal(
		    strspn(name, "abcdefghijklmnopqrstuvwxyz"), strlen(name));
		for (unsigned other = 0; other < r; other++)
			assert_string_not_equal(
			    name, channel_refusal_name((enum channel_refusal)other));
	}
}

int
main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(without_a_certificate_nobody_is_taken_S_02),
		CASE(a_certificate_signed_by_its_own_key_is_not_taken_S_02),
		CASE(a_certificate_of_another_ca_is_not_taken_S_02),
		CASE(an_expired_certificate_is_not_taken_S_02),
		CASE(a_revoked_member_is_not_taken_S_19),
		CASE(a_role_that_is_not_wanted_is_not_taken_S_04),
		CASE(what_a_leaf_has_signed_is_not_taken_S_05),
		CASE(an_unknown_protocol_is_refused),
		CASE(an_agent_that_plays_controller_is_not_believed_S_04),
		CASE(another_controller_of_the_domain_is),
		CASE(somebody_who_is_no_member_accepts_nothing),
		CASE(a_newcomer_is_a_stranger_known_by_its_key),
		CASE(a_newcomer_speaks_only_to_the_ca_that_it_was_told_of_S_16),
		CASE(joining_is_not_for_every_host),
		CASE(who_joins_may_show_no_certificate_at_all),
		CASE(who_is_revoked_does_not_come_back_as_a_stranger_S_19),
		CASE(a_lapsed_member_may_come_to_renew_and_no_more_S_20),
		CASE(a_member_that_comes_to_join_gets_no_more_rights_than_a_lapsed_one),
		CASE(sixty_four_join_at_once_and_then_the_oldest_leaves),
		CASE(four_of_an_address_join_at_once),
		CASE(an_operator_is_handed_over),
		CASE(an_agent_is_no_operator),
		CASE(operators_are_not_served_by_everybody),
		CASE(a_revoked_members_connection_ends_at_once_S_19),
		CASE(a_revoked_controllers_connection_ends_too_S_19),
		CASE(other_denials_end_nothing),
		CASE(who_was_issued_by_a_ca_that_is_gone_leaves_S_35),
		CASE(leaving_a_domain_ends_its_connections),
		CASE(a_callback_may_have_all_rechecked_S_19),
		CASE(a_certificate_that_expires_meanwhile_ends_nothing_S_20),
		CASE(a_revocation_during_the_handshake_counts_S_19),
		CASE(every_refusal_has_a_name),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
