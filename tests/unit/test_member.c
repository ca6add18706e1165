/* SPDX-License-Identifier: Apache-2.0
 *
 * A member of a domain: renewal, what the domain tells it, two domains at a time, clocks. */
#include "base/addr_text.h"
#include "base/log.h"
#include "tests/support/fog.h"
#include "tests/support/registrar.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct fog *fog;
static struct registrar *registrar, *other;

static void
put_token(const struct registrar *r, char *dst, size_t size)
{
	struct token t = registrar_token(r);
	char text[TOKEN_TEXT_MAX];

	snprintf(dst, size, "join: {token: '%s'}", token_format(&t, text));
}

static int
setup(void **state)
{
	char yaml[512], token[200];

	(void)state;
	fog = fog_new_proved(NULL);
	fake_net_wall(fog->net, PKI_NOW);
	registrar = registrar_new(fog->net, "factory", 1);
	put_token(registrar, token, sizeof token);
	snprintf(yaml, sizeof yaml, "domain: factory\n%s\n", token);
	fog_configure(fog, yaml);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fog_agent_stop(fog);
	registrar_free(TAKE(registrar));
	registrar_free(TAKE(other));
	fog_free(fog);
	return 0;
}

static struct member *
member(size_t i)
{
	return fog->agent->member[i];
}

static struct credential *
credential(size_t i)
{
	return (struct credential *)member_credential(member(i));
}

static int64_t
left_ms(void)
{
	return cert_facts(credential_cert(credential(0), ""))->not_after_ms -
	    credential_now(credential(0));
}

static void
start_registered(void)
{
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	fake_run(fog->net, 10);
}

/* --- renewal ---------------------------------------------------------------------------------- */
static void
a_certificate_is_renewed_at_half_of_its_life_over_the_session(void **state)
{
	(void)state;
	registrar->life_ms = PKI_HOUR;
	start_registered();
	fake_run(fog->net, PKI_HOUR / 4);
	assert_int_equal(registrar->asked, 1);
	for (unsigned hour = 0; hour < 5; hour++) {
		fake_run(fog->net, PKI_HOUR);
		assert_true(left_ms() > PKI_HOUR / 4);
	}
	assert_true(registrar->asked > 5);
	assert_int_equal(registrar->role, TRUST_AGENT);
	assert_false(registrar->had_token);
	assert_int_equal(registrar->registrations, 1);
	assert_int_equal(renewal_count(member_renewal(member(0))), registrar->asked - 1);
}

static void
a_renewal_that_fails_is_tried_again_in_time(void **state)
{
	(void)state;
	registrar->life_ms = 2 * PKI_HOUR;
	start_registered();
	registrar->mood = REGISTRAR_DECLINES;
	registrar->reason = "busy: later";
	fake_run(fog->net, 3 * PKI_HOUR / 2);
	unsigned tried = registrar->asked - 1;
	assert_in_range(tried, 3, 12);
	assert_string_equal(renewal_trouble(member_renewal(member(0))), "busy: later");
	registrar->mood = REGISTRAR_GRANTS;
	fake_run(fog->net, PKI_HOUR / 4);
	assert_true(left_ms() > PKI_HOUR);
	assert_string_equal(renewal_trouble(member_renewal(member(0))), "");
}

/* §5.6 */
static void
a_new_ca_makes_members_renew_at_once_without_losing_their_lease_S_35(void **state)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	struct cert *own;

	(void)state;
	start_registered();
	registrar_rotate(registrar);
	fake_run(fog->net, 20000);
	assert_true(registrar->told);
	assert_int_equal(registrar->outcome, GRASP_ACCEPTED);
	assert_int_equal(anchors_get(credential_anchors(credential(0)), ca), 2);
	own = credential_cert(credential(0), "");
	assert_memory_equal(cert_facts(own)->issuer_fingerprint,
	    cert_facts(registrar->next.cert)->key_fingerprint, 32);
	assert_int_equal(registrar->registrations, 1);
	assert_int_equal(registrar->last.trust_version, 2);
	assert_true(fog_is_registered(fog));
}

/* S-20: expired, but not for long: it may renew, and asks for no token. */
static void
a_certificate_that_has_expired_is_renewed_without_a_token_S_20(void **state)
{
	(void)state;
	registrar->life_ms = PKI_HOUR;
	start_registered();
	fog_agent_stop(fog);
	fake_run(fog->net, 3 * PKI_HOUR);
	fog_configure(fog, "domain: factory\n");
	fog_agent_start(fog);
	assert_int_equal(credential_state(credential(0)), CREDENTIAL_LAPSED);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	assert_int_equal(registrar->asked, 2);
	assert_int_equal(registrar->role, TRUST_LAPSED);
	assert_false(registrar->had_token);
}

/* The plan goes on, and the session ends no later than its controller has it. */
static void
a_member_whose_certificate_expires_while_it_runs_joins_anew_S_20(void **state)
{
	(void)state;
	registrar->life_ms = PKI_HOUR;
	start_registered();
	registrar->mood = REGISTRAR_DECLINES;
	registrar->reason = "busy: later";
	fake_run(fog->net, PKI_HOUR + 120000);
	assert_int_equal(credential_state(credential(0)), CREDENTIAL_LAPSED);
	assert_string_equal(member_state(member(0)), "joining");
	registrar->mood = REGISTRAR_GRANTS;
	assert_true(fog_until(fog, fog_is_registered, 90000));
}

/* --- the domain ------------------------------------------------------------------------------- */
static struct fog_denial
denial_of(uint8_t byte)
{
	struct fog_denial d = { .serial = { 0 } };

	memset(d.id.bytes, byte, sizeof d.id.bytes);
	return d;
}

static void
denials_are_taken_over_and_told_with_the_next_lease_S_19(void **state)
{
	struct fog_denial denied[2] = { denial_of(1), denial_of(2) };
	struct fog_notice n = { .trust_version = 1 };

	(void)state;
	start_registered();
	registrar_tell(registrar, &n, denied, 2);
	fake_run(fog->net, 100);
	assert_int_equal(registrar->outcome, GRASP_ACCEPTED);
	assert_true(anchors_denies(
	    credential_anchors(credential(0)), &denied[1].id, (struct slice){ 0 }));
	fake_run(fog->net, 10000);
	assert_int_equal(registrar->last.denials, 2);
	fog_agent_stop(fog);
	fog_agent_start(fog);
	assert_int_equal(anchors_denials(credential_anchors(credential(0))), 2);
}

static void
a_gap_in_the_denials_is_declined_S_08(void **state)
{
	struct fog_denial denied = denial_of(1);
	struct fog_notice n = { .trust_version = 1, .denied_before = 5 };

	(void)state;
	start_registered();
	registrar_tell(registrar, &n, &denied, 1);
	fake_run(fog->net, 100);
	assert_int_equal(registrar->outcome, GRASP_DECLINED);
	assert_non_null(strstr(registrar->answer, "version:"));
}

/* A controller whose certificate is revoked is left at once. */
static void
whom_the_domain_denies_is_left_at_once_S_19(void **state)
{
	struct fog_denial denied = { .id = registrar->domain.id };
	struct fog_notice n = { .trust_version = 1 };

	(void)state;
	start_registered();
	registrar_tell(registrar, &n, &denied, 1);
	assert_true(fog_until(fog, fog_is_lost, 1000));
	fake_run(fog->net, 60000);
	assert_false(fog_is_registered(fog));
	assert_int_equal(registrar->registrations, 1);
}

/* The node itself: it goes on measuring, and its operator is told why nobody listens. */
static void
a_node_that_is_revoked_says_so_S_19(void **state)
{
	struct denial denied = { .version = 1 };

	(void)state;
	start_registered();
	denied.id = fog->identity.id;
	assert_int_equal(credential_update(registrar->self, 0, NULL, 0, &denied, 1), 0);
	channel_recheck(registrar->channel);
	assert_true(fog_until(fog, fog_is_lost, 1000));
	fake_run(fog->net, 60000);
	assert_int_equal(registrar->registrations, 1);
	assert_non_null(strstr(member_trouble(member(0)), "revoked in the domain"));
}

/* --- whom to believe -------------------------------------------------------------------------- */
/* security.md §6.2 (f) */
static void
a_flood_that_a_controller_signed_makes_a_search_unnecessary_S_01(void **state)
{
	struct grasp_msg msg;

	(void)state;
	start_registered();
	fog_agent_stop(fog);
	fake_run(fog->net, 1000);
	fake_net_capture(fog->net, false);
	fake_net_capture(fog->net, true);
	fog_agent_start(fog);
	registrar_flood_domain(registrar);
	assert_true(fog_until(fog, fog_is_registered, 3000));
	for (unsigned i = 0; fake_message(fog->net, M_DISCOVERY, i, &msg); i++)
		assert_false(slice_is(msg.objective.name, FOGDOMAIN));
}

static void
an_agent_that_plays_the_controller_is_not_heard_S_04(void **state)
{
	const struct candidate *list;

	(void)state;
	other = registrar_new_impostor(registrar, 3);
	start_registered();
	for (unsigned i = 0; i < 5; i++) {
		other->domain.epoch++;
		registrar_flood_domain(other);
		fake_run(fog->net, 1000);
	}
	assert_int_equal(
	    bootstrap_candidates(uplink_bootstrap(fog_uplink(fog)), &list), 1);
	assert_int_equal(other->registrations, 0);
}

static void
an_agent_at_a_controllers_address_is_told_nothing_S_04(void **state)
{
	(void)state;
	start_registered();
	fog_agent_stop(fog);
	registrar_stop(registrar);
	other = registrar_new_impostor(registrar, 3);
	fog_configure(fog, "domain: factory\ncontrollers: ['[2001:db8::c3]:7017']\n");
	fog_agent_start(fog);
	fake_run(fog->net, 30000);
	assert_int_equal(other->registrations, 0);
	assert_string_equal(
	    member_trouble(member(0)), "it has not proved to be a controller");
}

/* --- time ------------------------------------------------------------------------------------- */
static void
the_controllers_clock_counts_and_is_kept_S_20(void **state)
{
	char path[600];
	struct stat st;
	int64_t before, after;

	(void)state;
	start_registered();
	assert_true(trust_time_learn(registrar->time, 0) == false);
	(void)trust_time_learn(
	    registrar->time, trust_time_now(registrar->time) + 3 * PKI_DAY);
	before = trust_time_now(fog->agent->time);
	fake_run(fog->net, 20000);
	after = trust_time_now(fog->agent->time);
	assert_true(after - before > 2 * PKI_DAY);
	fog_agent_stop(fog);
	snprintf(path, sizeof path, "%s/state/time", fog->dir);
	assert_int_equal(stat(path, &st), 0);
	fog_agent_start(fog);
	assert_true(trust_time_now(fog->agent->time) >= after);
}

/* A wall clock that is years ahead is not believed once a controller has said so. */
static void
a_clock_that_is_far_ahead_is_suspect_and_the_node_stays_S_20(void **state)
{
	(void)state;
	start_registered();
	fake_net_wall(fog->net, PKI_NOW + 10 * 365 * PKI_DAY);
	(void)trust_time_learn(registrar->time, PKI_NOW);
	fake_run(fog->net, 60000);
	assert_true(trust_time_is_suspect(fog->agent->time));
	assert_true(fog_is_registered(fog));
	assert_int_equal(registrar->registrations, 1);
	assert_int_equal(credential_state(credential(0)), CREDENTIAL_VALID);
}

static void
a_clock_that_jumps_back_is_no_matter_S_20(void **state)
{
	(void)state;
	start_registered();
	fake_net_wall(fog->net, 0);
	fake_run(fog->net, 60000);
	assert_true(fog_is_registered(fog));
	assert_int_equal(credential_state(credential(0)), CREDENTIAL_VALID);
	assert_true(trust_time_now(fog->agent->time) >= PKI_NOW);
}

/* --- two domains ------------------------------------------------------------------------------- */
static void
make_two(void)
{
	char yaml[1024], first[200], second[200];

	other = registrar_new(fog->net, "city", 2);
	put_token(registrar, first, sizeof first);
	put_token(other, second, sizeof second);
	snprintf(yaml, sizeof yaml,
	    "domain: factory\n%s\n"
	    "domains:\n- {domain: city, port: 7018, %s}\n",
	    first, second);
	fog_configure(fog, yaml);
}

static bool
both_registered(void *arg)
{
	(void)arg;
	return member_is_registered(member(0)) && member_is_registered(member(1));
}

static void
start_both(void)
{
	make_two();
	fog_agent_start(fog);
	assert_int_equal(fog->agent->members, 2);
	assert_true(fog_until(fog, both_registered, 5000));
	fake_run(fog->net, 10);
}

static void
a_node_is_in_two_domains_with_a_certificate_of_each_DOM_01(void **state)
{
	struct cert *factory, *city;

	(void)state;
	start_both();
	factory = credential_cert(credential(0), "");
	city = credential_cert(credential(1), "");
	assert_non_null(strstr(cert_facts(factory)->uri, ":factory:agent:"));
	assert_non_null(strstr(cert_facts(city)->uri, ":city:agent:"));
	assert_memory_equal(
	    cert_facts(factory)->key_fingerprint, cert_facts(city)->key_fingerprint, 32);
	assert_int_equal(registrar->asked, 1);
	assert_int_equal(other->asked, 1);
	assert_string_equal(registrar->last.domain, "factory");
	assert_string_equal(other->last.domain, "city");
}

static void
the_loss_of_one_domain_is_no_matter_in_the_other_DOM_01_DOM_04(void **state)
{
	(void)state;
	start_both();
	unsigned before = other->renewals;
	registrar_stop(registrar);
	fake_run(fog->net, 60000);
	assert_false(member_is_registered(member(0)));
	assert_true(member_is_registered(member(1)));
	assert_int_equal(other->registrations, 1);
	assert_true(other->renewals - before >= 10);
}

static void
one_domain_cannot_deny_in_the_other_DOM_04(void **state)
{
	struct fog_denial denied = { .serial = { 0 } };
	struct fog_notice n = { .trust_version = 1 };

	(void)state;
	start_both();
	denied.id = other->domain.id;
	registrar_tell(registrar, &n, &denied, 1);
	fake_run(fog->net, 30000);
	assert_true(both_registered(NULL));
	assert_int_equal(anchors_denials(credential_anchors(credential(1))), 0);
}

static void
plans_of_two_domains_are_kept_apart_DOM_02(void **state)
{
	char path[600];
	struct stat st;

	(void)state;
	start_both();
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/state/domains/%s/certificate.pem",
		    fog->dir, i ? "city" : "factory");
		assert_int_equal(stat(path, &st), 0);
	}
	assert_ptr_not_equal(
	    uplink_plan(member_uplink(member(0))), uplink_plan(member_uplink(member(1))));
}

#define MEMBER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MEMBER_TEST(
		    a_certificate_is_renewed_at_half_of_its_life_over_the_session),
		MEMBER_TEST(a_renewal_that_fails_is_tried_again_in_time),
		MEMBER_TEST(
		    a_new_ca_makes_members_renew_at_once_without_losing_their_lease_S_35),
		MEMBER_TEST(
		    a_certificate_that_has_expired_is_renewed_without_a_token_S_20),
		MEMBER_TEST(
		    a_member_whose_certificate_expires_while_it_runs_joins_anew_S_20),
		MEMBER_TEST(denials_are_taken_over_and_told_with_the_next_lease_S_19),
		MEMBER_TEST(a_gap_in_the_denials_is_declined_S_08),
		MEMBER_TEST(whom_the_domain_denies_is_left_at_once_S_19),
		MEMBER_TEST(a_node_that_is_revoked_says_so_S_19),
		MEMBER_TEST(
		    a_flood_that_a_controller_signed_makes_a_search_unnecessary_S_01),
		MEMBER_TEST(an_agent_that_plays_the_controller_is_not_heard_S_04),
		MEMBER_TEST(an_agent_at_a_controllers_address_is_told_nothing_S_04),
		MEMBER_TEST(the_controllers_clock_counts_and_is_kept_S_20),
		MEMBER_TEST(a_clock_that_is_far_ahead_is_suspect_and_the_node_stays_S_20),
		MEMBER_TEST(a_clock_that_jumps_back_is_no_matter_S_20),
		MEMBER_TEST(a_node_is_in_two_domains_with_a_certificate_of_each_DOM_01),
		MEMBER_TEST(
		    the_loss_of_one_domain_is_no_matter_in_the_other_DOM_01_DOM_04),
		MEMBER_TEST(one_domain_cannot_deny_in_the_other_DOM_04),
		MEMBER_TEST(plans_of_two_domains_are_kept_apart_DOM_02),
	};

	log_open("test_member", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
