/* SPDX-License-Identifier: Apache-2.0
 *
 * How a node becomes a member of a domain, in a fake world with real TLS. */
#include "base/addr_text.h"
#include "base/log.h"
#include "tests/support/fog.h"
#include "tests/support/registrar.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct fog *fog;
static struct registrar *registrar;

/* A node whose configuration has the registrar's token; more: other lines. */
static void
make(const char *domain, const char *where, const char *more)
{
	char yaml[1024], text[TOKEN_TEXT_MAX];

	fog = fog_new_proved(NULL);
	registrar = registrar_new(fog->net, "factory", 1);
	struct token t = registrar_token(registrar);
	strcpy(t.where, where);
	snprintf(yaml, sizeof yaml, "domain: '%s'\njoin: {token: '%s'}\n%s", domain,
	    token_format(&t, text), more);
	fog_configure(fog, yaml);
}

static int
setup(void **state)
{
	(void)state;
	make("factory", "", "");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fog_agent_stop(fog);
	registrar_free(registrar);
	fog_free(fog);
	return 0;
}

static struct member *
member(void)
{
	return fog->agent->member[0];
}

static enum credential_state
state_of(void)
{
	return credential_state(member_credential(member()));
}

static bool
has_asked(void *arg)
{
	(void)arg;
	return registrar->asked > 0;
}

static void
assert_trouble(const char *part)
{
	if (!strstr(member_trouble(member()), part))
		fail_msg("\"%s\" is not in \"%s\"", part, member_trouble(member()));
}

static void
a_node_with_a_token_is_registered_within_three_seconds_S_16(void **state)
{
	int64_t start = fake_now(fog->net);
	struct token t = registrar_token(registrar);

	(void)state;
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	assert_true(fake_now(fog->net) - start <= 3000);
	assert_int_equal(registrar->asked, 1);
	assert_int_equal(registrar->role, TRUST_STRANGER);
	assert_true(registrar->had_token);
	assert_memory_equal(registrar->token.secret, t.secret, sizeof t.secret);
	assert_int_equal(state_of(), CREDENTIAL_VALID);
	assert_int_equal(registrar->last.trust_version, 1);
	assert_memory_equal(
	    &registrar->last.node, &fog->identity.id, sizeof fog->identity.id);
}

static void
a_member_that_starts_again_asks_for_nothing(void **state)
{
	(void)state;
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	fog_agent_stop(fog);
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	assert_int_equal(registrar->asked, 1);
	assert_int_equal(registrar->registrations, 2);
}

static void
a_domain_without_a_name_is_learnt_with_the_certificate(void **state)
{
	(void)state;
	teardown(NULL);
	make("", "", "");
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	assert_string_equal(member_domain(member()), "factory");
	assert_string_equal(registrar->last.domain, "factory");
	assert_string_equal(member_attributes(member()), "admin=factory");
	fog_agent_stop(fog);
	fog_agent_start(fog);
	assert_string_equal(member_domain(member()), "factory");
	assert_true(fog_until(fog, fog_is_registered, 3000));
}

static void
a_domain_that_gets_its_name_later_needs_no_other_token(void **state)
{
	(void)state;
	teardown(NULL);
	make("", "", "");
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	fog_agent_stop(fog);
	fog_configure(fog, "domain: factory\n");
	fog_agent_start(fog);
	assert_int_equal(state_of(), CREDENTIAL_VALID);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	assert_int_equal(registrar->asked, 1);
	fog_agent_stop(fog);
	fog_configure(fog, "domain: city\n");
	fog_agent_start(fog);
	assert_int_equal(state_of(), CREDENTIAL_NONE);
}

static bool
no_multicast(void *arg, const struct fake_packet *p)
{
	(void)arg;
	return p->kind != FAKE_DATAGRAM;
}

static void
the_address_in_the_token_needs_no_multicast(void **state)
{
	(void)state;
	teardown(NULL);
	make("factory", "[2001:db8::c1]:7017", "");
	fake_net_filter(fog->net, no_multicast, NULL);
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
}

static void
a_configured_controller_needs_no_multicast(void **state)
{
	(void)state;
	teardown(NULL);
	make("factory", "", "controllers: ['[2001:db8::c1]:7017']\n");
	fake_net_filter(fog->net, no_multicast, NULL);
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
}

static void
a_flood_alone_is_enough_to_join(void **state)
{
	(void)state;
	fog_agent_start(fog);
	registrar_flood_join(registrar);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	assert_int_equal(registrar->searches, 0);
}

/* The id, the name and the attributes of a node are nobody's business on a foreign link. */
static void
a_stranger_says_nothing_but_that_it_looks_S_12(void **state)
{
	struct grasp_msg msg;
	const struct fake_packet *p;

	(void)state;
	registrar_stop(registrar);
	fog_agent_start(fog);
	fake_run(fog->net, 60000);
	assert_true(fake_count(fog->net, M_DISCOVERY) > 3);
	for (unsigned i = 0; (p = fake_message(fog->net, M_DISCOVERY, i, &msg)); i++) {
		struct fog_domain d;

		assert_true(slice_is(msg.objective.name, FOGJOIN));
		assert_int_equal(msg.objective.loop_count, 1);
		assert_true(addr_is_link_local(&p->from.ip));
		assert_int_equal(fog_domain_decode(msg.objective.value, &d), 0);
		assert_false(d.has_id);
		assert_string_equal(d.scope, "");
	}
	assert_int_equal(fake_count(fog->net, M_FLOOD), 0);
}

/* S-16: who is not the controller of the pinned CA never sees the token. */
static void
a_fake_controller_never_sees_the_token_S_16_S_01(void **state)
{
	struct registrar *fake = registrar_new(fog->net, "factory", 2);

	(void)state;
	registrar_stop(registrar);
	fog_agent_start(fog);
	fake_run(fog->net, 60000);
	assert_true(fake->searches > 0);
	assert_int_equal(fake->asked, 0);
	assert_int_equal(state_of(), CREDENTIAL_NONE);
	assert_trouble("pinned");
	registrar_free(fake);
}

static void
a_node_joins_though_a_third_of_all_packets_is_lost(void **state)
{
	(void)state;
	fake_net_loss(fog->net, 33);
	fake_net_delay(fog->net, 1, 80);
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 30000));
}

/* A node is switched off in any moment of its joining, and on again. */
static void
a_node_that_is_switched_off_while_it_joins_joins_the_next_time_S_16(void **state)
{
	(void)state;
	for (int64_t ms = 0; ms < 1200; ms += 90) {
		teardown(NULL);
		make("factory", "", "");
		fog_agent_start(fog);
		fake_run(fog->net, ms);
		fog_agent_stop(fog);
		fog_agent_start(fog);
		assert_true(fog_until(fog, fog_is_registered, 5000));
	}
}

/* --- waiting for an operator ------------------------------------------------------------------ */
static void
make_without_token(void)
{
	char yaml[256], pin[27];

	teardown(NULL);
	make("factory", "", "");
	struct token t = registrar_token(registrar);
	snprintf(yaml, sizeof yaml, "domain: factory\njoin: {ca-pin: %s}\n",
	    token_pin_format(t.pin, pin));
	fog_configure(fog, yaml);
}

static void
a_node_without_a_token_waits_for_approval_and_says_how_S_17(void **state)
{
	char expected[80], id[FOG_ID_TEXT];

	(void)state;
	make_without_token();
	registrar->mood = REGISTRAR_PUTS_OFF;
	fog_agent_start(fog);
	assert_true(fog_until(fog, has_asked, 3000));
	fake_run(fog->net, 1000);
	assert_false(registrar->had_token);
	fog_id_format(&fog->identity.id, id);
	snprintf(expected, sizeof expected, "fogctl node approve %.8s", id);
	assert_trouble(expected);
	assert_string_equal(member_state(member()), "waiting for approval");
	registrar_approve(registrar);
	assert_true(fog_until(fog, fog_is_registered, 20000));
	assert_memory_equal(
	    registrar->command[0], registrar->command[1], sizeof registrar->command[0]);
}

static void
waiting_survives_the_loss_of_the_link_and_slows_down(void **state)
{
	(void)state;
	make_without_token();
	registrar->mood = REGISTRAR_PUTS_OFF;
	fog_agent_start(fog);
	assert_true(fog_until(fog, has_asked, 3000));
	for (unsigned i = 0; i < 600; i++) {
		fake_run(fog->net, 1000);
		if (registrar->waiting)
			grasp_link_close(grasp_session_link(TAKE(registrar->waiting)));
	}
	assert_in_range(registrar->asked, 10, 60);
	assert_string_equal(member_state(member()), "waiting for approval");
}

/* --- declines --------------------------------------------------------------------------------- */
static void
a_token_that_is_refused_is_not_tried_all_the_time(void **state)
{
	static const char *const reasons[] = { "token: it has been used",
		"expired: this token", "revoked: this node" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		registrar->mood = REGISTRAR_DECLINES;
		registrar->reason = reasons[i];
		registrar->asked = 0;
		fog_agent_start(fog);
		fake_run(fog->net, 10 * 60000);
		assert_int_equal(registrar->asked, 1);
		assert_trouble(reasons[i]);
		fake_run(fog->net, 20 * 60000);
		assert_in_range(registrar->asked, 2, 3);
		fog_agent_stop(fog);
	}
}

static void
a_busy_controller_is_asked_again_soon(void **state)
{
	(void)state;
	registrar->mood = REGISTRAR_DECLINES;
	registrar->reason = "busy: later";
	fog_agent_start(fog);
	fake_run(fog->net, 60000);
	assert_in_range(registrar->asked, 2, 7);
	registrar->mood = REGISTRAR_GRANTS;
	assert_true(fog_until(fog, fog_is_registered, 65000));
}

static void
a_new_token_is_tried_at_once(void **state)
{
	char yaml[256], text[TOKEN_TEXT_MAX];
	struct token t = registrar_token(registrar);

	(void)state;
	registrar->mood = REGISTRAR_DECLINES;
	registrar->reason = "token: it has been used";
	fog_agent_start(fog);
	fake_run(fog->net, 10000);
	assert_int_equal(registrar->asked, 1);
	registrar->mood = REGISTRAR_GRANTS;
	memset(t.secret, 0x77, sizeof t.secret);
	snprintf(yaml, sizeof yaml, "domain: factory\njoin: {token: '%s'}\n",
	    token_format(&t, text));
	fog_reload(fog, yaml);
	assert_true(fog_until(fog, fog_is_registered, 65000));
	assert_memory_equal(registrar->token.secret, t.secret, sizeof t.secret);
}

static void
a_certificate_of_no_use_is_not_taken(void **state)
{
	(void)state;
	registrar->of_other_domain = true;
	fog_agent_start(fog);
	fake_run(fog->net, 10000);
	assert_true(registrar->asked > 0);
	assert_int_equal(registrar->granted, 0);
	assert_int_equal(state_of(), CREDENTIAL_NONE);
	assert_trouble("of no use");
}

static void
an_answer_that_does_not_come_is_asked_for_again_with_the_same_id(void **state)
{
	(void)state;
	registrar->mood = REGISTRAR_IS_MUTE;
	fog_agent_start(fog);
	fake_run(fog->net, 60000);
	assert_true(registrar->asked > 1);
	assert_memory_equal(
	    registrar->command[0], registrar->command[1], sizeof registrar->command[0]);
}

static void
without_token_and_pin_nothing_is_sent_and_the_reason_is_told(void **state)
{
	(void)state;
	fog_configure(fog, "domain: factory\n");
	fog_agent_start(fog);
	fake_run(fog->net, 60000);
	assert_int_equal(fake_count(fog->net, M_DISCOVERY), 0);
	assert_int_equal(registrar->asked, 0);
	assert_trouble("join.token");
	assert_string_equal(member_state(member()), "not in a domain");
}

static void
write_token(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void
a_token_in_a_file_is_taken_when_the_file_is_there_S_29(void **state)
{
	char yaml[700], path[600], text[TOKEN_TEXT_MAX];
	struct token t = registrar_token(registrar);

	(void)state;
	snprintf(path, sizeof path, "%s/token", fog->dir);
	snprintf(yaml, sizeof yaml, "domain: factory\njoin: {token-file: %s}\n", path);
	fog_configure(fog, yaml);
	fog_agent_start(fog);
	fake_run(fog->net, 10000);
	assert_trouble("No such file");
	write_token(path, token_format(&t, text), 0644);
	fake_run(fog->net, 90000);
	assert_trouble("others may read it");
	assert_int_equal(registrar->asked, 0);
	write_token(path, "nonsense\n", 0600);
	fake_run(fog->net, 90000);
	assert_trouble("is no token");
	write_token(path, token_format(&t, text), 0600);
	assert_true(fog_until(fog, fog_is_registered, 90000));
}

static void
without_a_pin_the_first_controller_will_do_under_tofu_alone_S_34(void **state)
{
	(void)state;
	fog_configure(
	    fog, "domain: factory\ninsecure: {tofu: yes, i_trust_this_network: yes}\n");
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
}

/* --- fakes ------------------------------------------------------------------------------------- */
static bool
registrar_is_silent(void *arg, const struct fake_packet *p)
{
	(void)arg;
	return p->from.ip.s6_addr[15] != 0xc1;
}

static unsigned
connections_to(const char *address)
{
	unsigned n = 0;
	struct addr to;

	assert_int_equal(addr_parse(address, &to), 0);
	for (size_t i = 0; i < fake_packets(fog->net); i++) {
		const struct fake_packet *p = fake_packet(fog->net, i);

		n += p->kind == FAKE_OPEN && !memcmp(&p->to.ip, &to.ip, sizeof to.ip);
	}
	return n;
}

static void
flood_for(struct registrar *fake, int64_t ms)
{
	for (int64_t end = fake_now(fog->net) + ms; fake_now(fog->net) < end;) {
		fake->domain.epoch++;
		registrar_flood_join(fake);
		fake_run(fog->net, 10);
	}
}

static void
a_crowd_of_floods_does_not_delay_a_join_S_01(void **state)
{
	struct registrar *fake = registrar_new(fog->net, "factory", 2);
	int64_t start = fake_now(fog->net);

	(void)state;
	fog_agent_start(fog);
	while (!fog_is_registered(fog) && fake_now(fog->net) - start < 3000)
		flood_for(fake, 10);
	assert_true(fog_is_registered(fog));
	assert_int_equal(fake->asked, 0);
	registrar_free(fake);
}

static void
a_fake_that_floods_all_the_time_is_tried_six_times_a_minute_S_01(void **state)
{
	struct registrar *fake = registrar_new(fog->net, "factory", 2);

	(void)state;
	registrar_stop(registrar);
	fog_agent_start(fog);
	for (unsigned minute = 1; minute <= 3; minute++) {
		flood_for(fake, 60000);
		assert_in_range(
		    connections_to("[2001:db8::c2]:0") + connections_to("[fe80::c2]:0"),
		    minute, 6 * minute);
	}
	assert_int_equal(fake->asked, 0);
	registrar_free(fake);
}

/* A flood of FOGJOIN from an address of the link that nobody has, with itself as the locator; or with
 * another one. */
static void
invite(unsigned source, unsigned locator)
{
	uint8_t memory[512], text[16];
	struct grasp_msg m = {
		.type = M_FLOOD, .session_id = source + 1, .time_ms = 60000, .items = 1
	};
	struct grasp_datagram d = { .hop_limit = 255 };
	struct buf b;

	assert_int_equal(addr_parse("[ff02::13]:7017", &d.from), 0);
	d.to = d.from.ip;
	assert_int_equal(addr_parse("[fe80::bad:0:0]:7017", &d.from), 0);
	d.from.ifindex = fog->ifindex;
	m.locator[0] = grasp_locator_from_addr(&d.from, GRASP_TCP);
	d.from.ip.s6_addr32[3] = htonl(source);
	m.locator[0].ip.s6_addr32[3] = htonl(locator);
	memcpy(m.initiator.bytes, &d.from.ip, m.initiator.len = sizeof d.from.ip);
	buf_init_fixed(&b, text, sizeof text);
	wr_text(&b, "factory");
	m.flooded[0] =
	    (struct grasp_objective){ slice_text(FOGJOIN), F_DISC, 1, buf_slice(&b) };
	buf_init_fixed(&b, memory, sizeof memory);
	assert_int_equal(grasp_msg_encode(&m, &b), 0);
	d.data = buf_slice(&b);
	fake_inject(fog->host, &d);
}

static void
assert_joins_beside(void (*shout)(unsigned i), int64_t max_ms)
{
	int64_t start = fake_now(fog->net);

	fog_agent_start(fog);
	for (unsigned i = 0; !fog_is_registered(fog) && i < max_ms / 10; i++) {
		shout(i);
		fake_run(fog->net, 10);
	}
	print_message("# registered after %d ms\n", (int)(fake_now(fog->net) - start));
	assert_true(fog_is_registered(fog));
}

static void
shout_of_others(unsigned i)
{
	invite(0, i + 1);
}

static void
who_names_another_address_each_time_does_not_delay_a_join_S_01(void **state)
{
	const struct candidate *list;
	size_t n;

	(void)state;
	assert_joins_beside(shout_of_others, 3000);
	fog_agent_stop(fog);
	teardown(NULL);
	make("factory", "", "");
	registrar_stop(registrar);
	fog_agent_start(fog);
	for (unsigned i = 0; i < 200; i++) {
		shout_of_others(i);
		fake_run(fog->net, 10);
	}
	n = bootstrap_candidates(member_bootstrap(member()), &list);
	assert_int_equal(n, 0); /* it has not named itself once */
}

static void
shout_from_everywhere(unsigned i)
{
	invite(i, i);
}

static void
a_hundred_spoofed_sources_a_second_delay_a_join_by_seconds_at_most_S_01(void **state)
{
	(void)state;
	assert_joins_beside(shout_from_everywhere, 6000);
	assert_int_equal(registrar->asked, 1);
}

/* A crowd of addresses where nobody answers, and the true one comes last. */
static void
many_silent_addresses_do_not_keep_a_node_from_its_controller_S_01(void **state)
{
	const struct candidate *list;

	(void)state;
	fake_net_filter(fog->net, registrar_is_silent, NULL);
	fog_agent_start(fog);
	for (unsigned i = 0; i < 200; i++) {
		invite(i, i);
		fake_run(fog->net, 20);
	}
	assert_int_equal(
	    bootstrap_candidates(member_bootstrap(member()), &list), CANDIDATES_MAX);
	fake_net_filter(fog->net, NULL, NULL);
	for (unsigned i = 0; i < 6 && !fog_is_registered(fog); i++) {
		registrar_flood_join(registrar);
		(void)fog_until(fog, fog_is_registered, 10000);
	}
	assert_true(fog_is_registered(fog));
}

#define PLEDGE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLEDGE_TEST(a_node_with_a_token_is_registered_within_three_seconds_S_16),
		PLEDGE_TEST(a_member_that_starts_again_asks_for_nothing),
		PLEDGE_TEST(a_domain_without_a_name_is_learnt_with_the_certificate),
		PLEDGE_TEST(a_domain_that_gets_its_name_later_needs_no_other_token),
		PLEDGE_TEST(the_address_in_the_token_needs_no_multicast),
		PLEDGE_TEST(a_configured_controller_needs_no_multicast),
		PLEDGE_TEST(a_flood_alone_is_enough_to_join),
		PLEDGE_TEST(a_stranger_says_nothing_but_that_it_looks_S_12),
		PLEDGE_TEST(a_fake_controller_never_sees_the_token_S_16_S_01),
		PLEDGE_TEST(a_node_joins_though_a_third_of_all_packets_is_lost),
		PLEDGE_TEST(
		    a_node_that_is_switched_off_while_it_joins_joins_the_next_time_S_16),
		PLEDGE_TEST(a_node_without_a_token_waits_for_approval_and_says_how_S_17),
		PLEDGE_TEST(waiting_survives_the_loss_of_the_link_and_slows_down),
		PLEDGE_TEST(a_token_that_is_refused_is_not_tried_all_the_time),
		PLEDGE_TEST(a_busy_controller_is_asked_again_soon),
		PLEDGE_TEST(a_new_token_is_tried_at_once),
		PLEDGE_TEST(a_certificate_of_no_use_is_not_taken),
		PLEDGE_TEST(
		    an_answer_that_does_not_come_is_asked_for_again_with_the_same_id),
		PLEDGE_TEST(without_token_and_pin_nothing_is_sent_and_the_reason_is_told),
		PLEDGE_TEST(a_token_in_a_file_is_taken_when_the_file_is_there_S_29),
		PLEDGE_TEST(
		    without_a_pin_the_first_controller_will_do_under_tofu_alone_S_34),
		PLEDGE_TEST(a_crowd_of_floods_does_not_delay_a_join_S_01),
		PLEDGE_TEST(
		    a_fake_that_floods_all_the_time_is_tried_six_times_a_minute_S_01),
		PLEDGE_TEST(
		    who_names_another_address_each_time_does_not_delay_a_join_S_01),
		PLEDGE_TEST(
		    a_hundred_spoofed_sources_a_second_delay_a_join_by_seconds_at_most_S_01),
		PLEDGE_TEST(
		    many_silent_addresses_do_not_keep_a_node_from_its_controller_S_01),
	};

	log_open("test_pledge", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
