/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as a whole in a fake world: neighbours, scopes, and who looks for whom. */
#include "base/addr_text.h"
#include "tests/support/fog_test.h"

#include <stdio.h>
#include <string.h>

/* A second agent in the world of the first one, fe80::b / 2001:db8::b. */
static struct fog *
newcomer_new(const char *yaml)
{
	struct fog *f = fog_new(yaml);

	fog_warden_stop(f);
	f->host = fake_host_new(fog->net);
	f->ifindex = fake_attach(f->host, 1, "fe80::b", "2001:db8::b", NULL);
	return f;
}

static bool
is_from_controller(const struct fake_packet *p)
{
	return p->from.ip.s6_addr[15] == 0xc;
}

/* Whatever the controller says by itself is lost: floods, and answers to discoveries. */
static bool
controller_is_not_heard(void *arg, const struct fake_packet *p)
{
	(void)arg;
	return !is_from_controller(p) ||
	    (p->kind != FAKE_DATAGRAM && p->kind != FAKE_OPEN);
}

static bool
newcomer_registers(struct fog *newcomer, int64_t max_ms)
{
	bool done;

	fog_agent_start(newcomer);
	done = fake_run_until(fog->net, fog_is_registered, newcomer, max_ms);
	fog_agent_stop(newcomer);
	return done;
}

static void
a_neighbour_tells_of_the_controller_whose_answers_are_all_lost_DISC_09_F_10(void **state)
{
	struct fog *newcomer = newcomer_new(NULL);
	struct grasp_msg msg;
	bool diverted = false;

	(void)state;
	start_registered();
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	assert_true(newcomer_registers(newcomer, 3000));
	for (unsigned i = 0; fake_message(fog->net, M_RESPONSE, i, &msg); i++)
		diverted |= msg.diverted;
	assert_true(diverted);
	fog_free(newcomer);
}

static void
a_controller_that_was_configured_is_told_too_once_it_gave_a_lease_DISC_09(void **state)
{
	struct fog *newcomer = newcomer_new(NULL);

	(void)state;
	fog_free(fog);
	fog = fog_new("controllers: [\"[2001:db8::c]:7017\"]\n");
	fog_free(newcomer);
	newcomer = newcomer_new(NULL);
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	start_registered();
	assert_true(newcomer_registers(newcomer, 3000));
	fog_free(newcomer);
}

static void
a_configured_controller_that_never_gave_a_lease_is_not_told(void **state)
{
	struct fog *newcomer;

	(void)state;
	fog_free(fog);
	fog = fog_new("controllers: [\"[2001:db8::c]:7017\"]\n");
	newcomer = newcomer_new(NULL);
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	fog->warden.decline = "full";
	fog_agent_start(fog);
	fake_run(fog->net, 3000);
	assert_false(newcomer_registers(newcomer, 10000));
	assert_int_equal(fake_count(fog->net, M_RESPONSE), 0);
	fog_free(newcomer);
}

static void
with_assist_off_nobody_is_told_F_10(void **state)
{
	struct fog *newcomer;

	(void)state;
	fog_free(fog);
	fog = fog_new("grasp: {neighbour-assist: off}\n");
	newcomer = newcomer_new(NULL);
	start_registered();
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	assert_false(newcomer_registers(newcomer, 10000));
	fog_free(newcomer);
}

/* Who tells of a controller that is none costs the newcomer one attempt. */
static void
a_diverted_locator_is_no_more_than_a_hint_DISC_09_S_01(void **state)
{
	struct fog *newcomer;
	const struct candidate *list;

	(void)state;
	start_registered();
	newcomer = newcomer_new(NULL);
	fake_net_filter(fog->net, controller_is_not_heard, NULL);
	fog->warden.mute = true;
	fog_agent_start(newcomer);
	fake_run(fog->net, 3000);
	assert_int_equal(
	    bootstrap_candidates(uplink_bootstrap(fog_uplink(newcomer)), &list), 1);
	assert_false(list[0].proven);
	assert_int_not_equal(list[0].expires_ms, INT64_MAX);
	fog_agent_stop(newcomer);
	fog_free(newcomer);
}

/* Two links, an agent between them: the newcomer is two hops from the controller. */
static void
an_agent_between_two_links_relays_for_others_F_16_DISC_07(void **state)
{
	struct fog *newcomer;

	(void)state;
	fog_free(fog);
	fog = fog_new("grasp: {neighbour-assist: off}\n");
	fake_attach(fog->host, 2, "fe80::a", "2001:db8:2::a", NULL);
	newcomer = newcomer_new(NULL);
	fake_detach(newcomer->host, newcomer->ifindex);
	newcomer->ifindex =
	    fake_attach(newcomer->host, 2, "fe80::b", "2001:db8:2::b", NULL);
	start_registered();
	fake_run(fog->net, 2000);
	unsigned before = fog->warden.searches;
	fog_agent_start(newcomer);
	fake_run(fog->net, 3000);
	assert_true(fog->warden.searches > before);
	fog_agent_stop(newcomer);
	fog_free(newcomer);
}

static bool
heard_of_two(void *arg)
{
	const struct candidate *list;
	struct fog *f = arg;

	return bootstrap_candidates(uplink_bootstrap(fog_uplink(f)), &list) == 2;
}

static void
all_controllers_that_answer_are_kept_F_13_G_076(void **state)
{
	struct fog_id id;

	(void)state;
	fog->warden.decline = "busy";
	fog_agent_start(fog);
	fake_run(fog->net, 1000);
	/* another one at another address */
	struct warden first = fog->warden;
	memset(&fog->warden.self.id, 0xc1, sizeof id);
	fog->warden.host = fake_host_new(fog->net);
	fake_attach(fog->warden.host, 1, "fe80::d", "2001:db8::d", NULL);
	struct grasp_config cfg = { .link_local = true };
	assert_int_equal(
	    grasp_node_new(fake_host_io(fog->warden.host), &cfg, &fog->warden.node), 0);
	fog_warden_flood(fog);
	assert_true(fog_until(fog, heard_of_two, 1000));
	grasp_node_free(fog->warden.node);
	fog->warden.host = first.host;
	fog->warden.node = first.node;
}

/* The agent does not know by which of its attributes a controller is looked for. */
static void
a_search_goes_to_the_groups_of_all_attributes_with_one_session_F_07_SC_12(void **state)
{
	struct grasp_msg first, msg;
	unsigned scoped = 0, i;

	(void)state;
	fog_free(fog);
	fog = fog_new("scopes: {type: robot}\ngrasp: {hops: 4}\n");
	fog_agent_start(fog);
	fake_run(fog->net, 900);
	assert_non_null(fake_message(fog->net, M_DISCOVERY, 0, &first));
	assert_int_equal(first.objective.loop_count, 4);
	for (i = 1; i < 3; i++) {
		const struct fake_packet *p =
		    fake_message(fog->net, M_DISCOVERY, i, &msg);

		assert_non_null(p);
		assert_int_equal(msg.session_id, first.session_id);
		assert_int_equal(msg.objective.loop_count, 1);
		assert_int_equal(p->hops, 4);
		scoped += p->to.ip.s6_addr[0] == 0xff && p->to.ip.s6_addr[1] == 0x14;
	}
	assert_int_equal(scoped, 2); /* admin=operator1 and type=robot */
}

static void
with_link_local_off_only_groups_are_spoken_to_F_07_SCP_03(void **state)
{
	const struct fake_packet *p;

	(void)state;
	fog_free(fog);
	fog = fog_new("grasp: {link-local: no}\n");
	fog_agent_start(fog);
	fake_run(fog->net, 3000);
	for (unsigned i = 0; (p = fake_message(fog->net, M_DISCOVERY, i, NULL)); i++)
		assert_int_equal(p->to.ip.s6_addr[1], 0x14);
	assert_true(fake_count(fog->net, M_DISCOVERY) > 0);
}

static void
the_domain_counts_as_an_admin_scope_SC_09_SC_10(void **state)
{
	(void)state;
	strcpy(fog->warden.self.scope, "admin=operator1");
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
}

static void
a_controller_for_a_circle_gets_the_nodes_in_it_SC_10_SCP_07(void **state)
{
	struct grasp_msg msg;
	struct fog_domain d;

	(void)state;
	fog_free(fog);
	fog = fog_new(NULL);
	strcpy(fog->cfg.domain[0].attributes,
	    "admin=operator1;geo=ezjm6my538uu;position=40.33,-3.76");
	strcpy(fog->warden.self.scope, "circle=40.33,-3.77,800");
	fog_agent_start(fog);
	fake_run(fog->net, 10000);
	assert_int_equal(fog->warden.registrations, 0);
	strcpy(fog->warden.self.scope, "circle=40.33,-3.77,900");
	fog_warden_flood(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	assert_non_null(fake_message(fog->net, M_DISCOVERY, 0, &msg));
	assert_int_equal(fog_domain_decode(msg.objective.value, &d), 0);
	assert_string_equal(d.scope, "admin=operator1;geo=ezjm6m"); /* G-126 */
	assert_int_equal(d.hops, 6);
}

/* F-02: the draft's advertisement makes the agent ask, and only now and then. */
static void
the_drafts_advertisement_makes_the_agent_ask_once_in_ten_seconds_F_02(void **state)
{
	struct grasp_objective o = { slice_text(FOGDOMAIN), F_DISC | F_SYNCH, 2,
		{ (const uint8_t *)"\x69operator1", 10 } };
	struct grasp_discovery *d;

	(void)state;
	fog->warden.decline = "busy";
	fog_agent_start(fog);
	fake_run(fog->net, 300000);
	unsigned before = fog->warden.searches;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(
		    grasp_discover(fog->warden.node, &o, 0, NULL, NULL, NULL, &d), 0);
		fake_run(fog->net, 500);
	}
	assert_in_range(fog->warden.searches - before, 1, 2);
}

/* DISC-06, F-12 */
static unsigned answers;

static void
note_answer(void *arg, const struct grasp_found *found)
{
	(void)arg, (void)found;
	answers++;
}

static unsigned
look_for(const char *name, const char *value)
{
	uint8_t memory[128];
	struct grasp_discovery *d;
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	wr_text(&b, value);
	struct grasp_objective o = { slice_text(name), F_DISC, 1, buf_slice(&b) };
	answers = 0;
	assert_int_equal(
	    grasp_discover(fog->warden.node, &o, 500, note_answer, NULL, NULL, &d), 0);
	fake_run(fog->net, 1000);
	return answers;
}

static void
only_nodes_with_the_property_answer_a_search_for_it_F_12_DISC_06_SCP_04(void **state)
{
	(void)state;
	start_registered();
	assert_int_equal(look_for(FOGNODEDOMAIN, "operator1"), 1);
	assert_int_equal(look_for(FOGNODEDOMAIN, "operator2"), 0);
	assert_int_equal(look_for(FOGNODERADIO, "no-such-radio"), 0);
}

static unsigned
look_for_role(enum fog_role role)
{
	struct fog_domain d = { .role = role, .domain = "operator1" };
	struct grasp_discovery *discovery;
	uint8_t memory[128];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	fog_domain_encode(&d, &b);
	struct grasp_objective o = { slice_text(FOGNODEDOMAIN), F_DISC, 1,
		buf_slice(&b) };
	answers = 0;
	assert_int_equal(grasp_discover(fog->warden.node, &o, 500, note_answer, NULL,
			     NULL, &discovery),
	    0);
	fake_run(fog->net, 1000);
	return answers;
}

static void
who_looks_for_his_controller_under_the_other_name_gets_no_node_F_05(void **state)
{
	(void)state;
	start_registered();
	assert_int_equal(look_for_role(FOG_AGENT), 0);
	assert_int_equal(look_for(FOGNODEDOMAIN, "operator1"), 1);
}

static void
an_agent_never_answers_for_a_controller_F_01(void **state)
{
	(void)state;
	start_registered();
	assert_int_equal(look_for(FOGDOMAIN, "operator1"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOG_TEST(
		    a_neighbour_tells_of_the_controller_whose_answers_are_all_lost_DISC_09_F_10),
		FOG_TEST(
		    a_controller_that_was_configured_is_told_too_once_it_gave_a_lease_DISC_09),
		FOG_TEST(a_configured_controller_that_never_gave_a_lease_is_not_told),
		FOG_TEST(with_assist_off_nobody_is_told_F_10),
		FOG_TEST(a_diverted_locator_is_no_more_than_a_hint_DISC_09_S_01),
		FOG_TEST(an_agent_between_two_links_relays_for_others_F_16_DISC_07),
		FOG_TEST(all_controllers_that_answer_are_kept_F_13_G_076),
		FOG_TEST(
		    a_search_goes_to_the_groups_of_all_attributes_with_one_session_F_07_SC_12),
		FOG_TEST(with_link_local_off_only_groups_are_spoken_to_F_07_SCP_03),
		FOG_TEST(the_domain_counts_as_an_admin_scope_SC_09_SC_10),
		FOG_TEST(a_controller_for_a_circle_gets_the_nodes_in_it_SC_10_SCP_07),
		FOG_TEST(
		    the_drafts_advertisement_makes_the_agent_ask_once_in_ten_seconds_F_02),
		FOG_TEST(
		    only_nodes_with_the_property_answer_a_search_for_it_F_12_DISC_06_SCP_04),
		FOG_TEST(
		    who_looks_for_his_controller_under_the_other_name_gets_no_node_F_05),
		FOG_TEST(an_agent_never_answers_for_a_controller_F_01),
	};

	log_open("test_agent_find", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
