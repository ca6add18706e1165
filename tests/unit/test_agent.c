/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as a whole in a fake world: discovery, registration, lease. */
#include "base/addr_text.h"
#include "tests/support/fog_test.h"

#include <stdio.h>
#include <string.h>

/* DISC-03, DISC-04, REG-01, REG-10 */
static void
a_node_that_starts_is_registered_within_two_seconds_F_11_DISC_03_REG_01(void **state)
{
	int64_t start = fake_now(fog->net);

	(void)state;
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_true(fake_now(fog->net) - start < 1000);
	fake_run(fog->net, 10);
	assert_int_equal(fog->warden.registrations, 1);
	assert_int_equal(fog->warden.ended, 1);
	assert_memory_equal(
	    &fog->warden.last.node, &fog->identity.id, sizeof fog->identity.id);
	assert_string_equal(fog->warden.last.name, "rover");
	assert_string_equal(fog->warden.last.domain, "operator1");
	assert_string_equal(fog->warden.caps.type, "robot");
	assert_false(fog->warden.last.renew);
}

/* REG-10: at boot an address is tentative for a second or two, and the node must not have slowed
 * down by then. */
static void
a_node_whose_address_comes_late_registers_as_soon_as_it_is_there(void **state)
{
	(void)state;
	fake_detach(fog->host, fog->ifindex);
	fog_agent_start(fog);
	fake_run(fog->net, 20000);
	assert_false(fog_is_registered(fog));
	fog->ifindex = fake_attach(fog->host, 1, "fe80::a", "2001:db8::a", NULL);
	assert_true(fog_until(fog, fog_is_registered, 400));
}

/* DISC-05, security.md §6.2 (f) */
static void
a_flood_alone_is_enough_DISC_05(void **state)
{
	(void)state;
	fog_agent_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_int_equal(fog->warden.searches, 0);
}

/* The acceptance: killing and restarting the controller registers the node again, untouched. */
static void
a_controller_that_comes_back_gets_the_node_again(void **state)
{
	(void)state;
	start_registered();
	fog_warden_stop(fog);
	assert_true(fog_until(fog, fog_is_lost, 15000));
	fake_run(fog->net, 30000);
	assert_false(fog_is_registered(fog));
	fog_warden_start(fog);
	int64_t back = fake_now(fog->net);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 5000));
	assert_true(fake_now(fog->net) - back < 1000);
	assert_int_equal(fog->warden.registrations, 2);
}

/* Without floods its own attempts find it again, at most after the longest back-off. */
static void
a_controller_that_comes_back_silently_is_found_too(void **state)
{
	(void)state;
	start_registered();
	fog_warden_stop(fog);
	fake_run(fog->net, 300000);
	fog_warden_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 90000));
}

/* R-11, reliability.md §3: silence of five heartbeats. */
static void
a_silent_controller_is_given_up(void **state)
{
	(void)state;
	start_registered();
	int64_t then = fake_now(fog->net);
	fog_warden_stop(fog);
	assert_true(fog_until(fog, fog_is_lost, 20000));
	assert_in_range(fake_now(fog->net) - then, 0, 12000);
}

/* REG-08 */
static void
the_lease_is_renewed_at_a_quarter_of_it(void **state)
{
	(void)state;
	start_registered();
	unsigned before = fog->warden.renewals;
	fake_run(fog->net, 100000);
	assert_in_range(fog->warden.renewals - before, 20, 24);
	assert_int_equal(fog->warden.registrations, 1);
	assert_true(fog->warden.last.renew);
}

/* REG-09 */
static void
a_controller_that_forgot_the_node_gets_its_registration_again(void **state)
{
	(void)state;
	start_registered();
	struct grasp_link *link = fog->warden.link;
	fog->warden.forgets = true;
	fake_run(fog->net, 8000);
	assert_true(fog_is_registered(fog));
	assert_int_equal(fog->warden.registrations, 2);
	assert_ptr_equal(fog->warden.link, link);
}

/* DISC-14, reliability.md §7 */
static void
a_refused_node_tries_ever_more_slowly_and_never_stops_G_102(void **state)
{
	(void)state;
	fog->warden.decline = "full: no more nodes";
	fog_agent_start(fog);
	fake_run(fog->net, 60000);
	unsigned minute = fog->warden.registrations;
	assert_in_range(minute, 2, 20);
	fake_run(fog->net, 600000);
	unsigned ten = fog->warden.registrations - minute;
	assert_in_range(ten, 10, 40);
	fake_run(fog->net, 600000);
	assert_true(fog->warden.registrations - minute - ten >= 10);
	assert_non_null(strstr(uplink_trouble(fog_uplink(fog)), "full: no more nodes"));
	fog->warden.decline = NULL;
	assert_true(fog_until(fog, fog_is_registered, 120000));
}

static void
discovery_slows_down_and_never_stops(void **state)
{
	const struct bootstrap *b;

	(void)state;
	fog_warden_stop(fog);
	fog_agent_start(fog);
	b = uplink_bootstrap(fog_uplink(fog));
	fake_run(fog->net, 10000);
	assert_in_range(bootstrap_searches(b), 5, 8);
	fake_run(fog->net, 3600000);
	uint64_t hour = bootstrap_searches(b);
	assert_in_range(hour, 50, 90);
	fake_run(fog->net, 3600000);
	assert_in_range(bootstrap_searches(b) - hour, 45, 85);
}

/* DOM-02 */
static void
a_controller_of_another_domain_is_passed_over_DOM_02(void **state)
{
	(void)state;
	strcpy(fog->warden.self.domain, "operator2");
	fog_agent_start(fog);
	fog_warden_flood(fog);
	fake_run(fog->net, 60000);
	assert_int_equal(fog->warden.registrations, 0);
	assert_true(fog->warden.searches > 0);
}

/* SC-10, SCP-04 */
static void
a_controller_for_other_nodes_is_passed_over_SC_10_SCP_04(void **state)
{
	(void)state;
	strcpy(fog->warden.self.scope, "type=gateway");
	fog_agent_start(fog);
	fog_warden_flood(fog);
	fake_run(fog->net, 60000);
	assert_int_equal(fog->warden.registrations, 0);
}

/* DISC-21, and principle 1: a word by multicast does not end a session. */
static void
a_controller_that_leaves_is_not_run_after(void **state)
{
	(void)state;
	start_registered();
	fog->warden.self.leaving = true;
	fog_warden_flood(fog);
	fake_run(fog->net, 1000);
	assert_true(fog_is_registered(fog));
	fog_warden_stop(fog);
	fog->warden.self.leaving = false;
	fake_run(fog->net, 15000);
	assert_false(fog_is_registered(fog));
	fog_warden_start(fog);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
}

/* REG-07 */
static void
changed_capabilities_are_told_within_five_seconds(void **state)
{
	(void)state;
	start_registered();
	unsigned before = fog->warden.with_caps;
	fake_run(fog->net, 30000);
	assert_int_equal(fog->warden.with_caps, before);
	fog->cfg.node.energy = CAPS_HARVESTING;
	fake_run(fog->net, 5100);
	assert_int_equal(fog->warden.with_caps, before + 1);
	assert_int_equal(fog->warden.caps.energy, CAPS_HARVESTING);
	assert_int_equal(fog->warden.registrations, 1);
}

static void
a_changed_configuration_is_told_at_once(void **state)
{
	(void)state;
	start_registered();
	unsigned before = fog->warden.with_caps;
	free(fog->cfg.node.vendor);
	fog->cfg.node.vendor = strdup("ACME");
	agent_reconfigured(fog->agent);
	fake_run(fog->net, 100);
	assert_int_equal(fog->warden.with_caps, before + 1);
	assert_string_equal(fog->warden.caps.vendor, "ACME");
}

/* DISC-12: before the registration no message is above 2048 bytes. */
static void
a_node_with_much_to_tell_tells_it_in_two_steps(void **state)
{
	char word[65];

	(void)state;
	memset(word, 'w', 64);
	word[64] = 0;
	struct conf_map *tags = &fog->cfg.node.tags;
	tags->key = calloc(CAPS_TAGS_MAX, sizeof *tags->key);
	tags->value = calloc(CAPS_TAGS_MAX, sizeof *tags->value);
	for (; tags->len < CAPS_TAGS_MAX; tags->len++) {
		char key[16];

		snprintf(key, sizeof key, "tag%zu", tags->len);
		tags->key[tags->len] = strdup(key);
		tags->value[tags->len] = strdup(word);
	}
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_true(fog->warden.caps.tags < CAPS_TAGS_MAX);
	fake_run(fog->net, 100);
	assert_int_equal(fog->warden.caps.tags, CAPS_TAGS_MAX);
	assert_int_equal(fog->warden.registrations, 1);
	assert_int_equal(fog->warden.renewals, 1);
}

/* DISC-18 */
static void
a_configured_controller_needs_no_multicast(void **state)
{
	(void)state;
	fog_free(fog);
	fog = fog_new("controllers: ['[2001:db8::c]:7017']\ngrasp: {link-local: no}\n");
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_int_equal(fog->warden.searches, 0);
}

/* S-01: of many liars none keeps the agent from its controller. */
static void
fake_controllers_do_not_keep_a_node_from_its_own(void **state)
{
	struct grasp_locator nobody = {
		.kind = O_IPv6_LOCATOR, .proto = GRASP_TCP, .port = 7
	};
	struct fog_domain liar = { .has_id = true, .role = FOG_CONTROLLER };
	uint8_t memory[512];
	struct buf b;

	(void)state;
	start_registered();
	for (unsigned i = 0; i < 200; i++) {
		liar.id.bytes[0] = nobody.ip.s6_addr[15] = (uint8_t)i;
		nobody.ip.s6_addr[0] = 0x20;
		liar.epoch = i;
		buf_init_fixed(&b, memory, sizeof memory);
		fog_domain_encode(&liar, &b);
		struct grasp_objective o = { slice_text(FOGDOMAIN), F_DISC | F_SYNCH, 0,
			buf_slice(&b) };
		grasp_flood(fog->warden.node, &o, &nobody, 0);
		fake_run(fog->net, 20);
	}
	assert_true(fog_is_registered(fog));
	assert_int_equal(fog_uplink(fog) ? uplink_registrations(fog_uplink(fog)) : 0, 1);
	fog_warden_stop(fog);
	fake_run(fog->net, 12000);
	fog_warden_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 30000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOG_TEST(
		    a_node_that_starts_is_registered_within_two_seconds_F_11_DISC_03_REG_01),
		FOG_TEST(
		    a_node_whose_address_comes_late_registers_as_soon_as_it_is_there),
		FOG_TEST(a_flood_alone_is_enough_DISC_05),
		FOG_TEST(a_controller_that_comes_back_gets_the_node_again),
		FOG_TEST(a_controller_that_comes_back_silently_is_found_too),
		FOG_TEST(a_silent_controller_is_given_up),
		FOG_TEST(the_lease_is_renewed_at_a_quarter_of_it),
		FOG_TEST(a_controller_that_forgot_the_node_gets_its_registration_again),
		FOG_TEST(a_refused_node_tries_ever_more_slowly_and_never_stops_G_102),
		FOG_TEST(discovery_slows_down_and_never_stops),
		FOG_TEST(a_controller_of_another_domain_is_passed_over_DOM_02),
		FOG_TEST(a_controller_for_other_nodes_is_passed_over_SC_10_SCP_04),
		FOG_TEST(a_controller_that_leaves_is_not_run_after),
		FOG_TEST(changed_capabilities_are_told_within_five_seconds),
		FOG_TEST(a_changed_configuration_is_told_at_once),
		FOG_TEST(a_node_with_much_to_tell_tells_it_in_two_steps),
		FOG_TEST(a_configured_controller_needs_no_multicast),
		FOG_TEST(fake_controllers_do_not_keep_a_node_from_its_own),
	};

	log_open("test_agent", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
