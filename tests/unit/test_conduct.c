/* SPDX-License-Identifier: Apache-2.0
 *
 * How nodes behave towards each other, beyond one part of the engine: which way messages go, what
 * restarts and changes of address leave as it was, and what nodes do not share. */
#include "tests/support/test.h"

#include "base/buf.h"
#include "grasp/grasp.h"
#include "protocol/names.h"
#include "tests/support/lab.h"
#include <string.h>

static const uint8_t one = 1;
#define ONE ((struct slice){ &one, 1 })

static struct lab lab;
static struct diary asker, owner;

static int
setup(void **state)
{
	(void)state;
	memset(&asker, 0, sizeof asker);
	memset(&owner, 0, sizeof owner);
	lab_init(&lab, 2, LAB_LINK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lab_done(&lab);
	return 0;
}

static void
offer(unsigned node, const char *name, unsigned flags)
{
	struct grasp_registration *r;

	assert_int_equal(
	    0, grasp_register(lab.node[node], name, flags, &diary_support, &owner, &r));
	fake_run(lab.net, 1);
}

static void
look_for(unsigned node, const char *name)
{
	struct grasp_objective o =
	    lab_objective(name, F_DISC | F_NEG, (struct slice){ 0 });
	struct grasp_discovery *d;

	memset(&asker, 0, sizeof asker);
	assert_int_equal(0,
	    grasp_discover(
		lab.node[node], &o, 0, diary_found, diary_searched, &asker, &d));
	fake_run(lab.net, 1000);
	assert_int_equal(1, asker.searched);
}

static void
negotiate(const struct addr *with)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);
	struct grasp_session *s;
	struct grasp_link *l;

	assert_int_equal(0, grasp_link_open(lab.node[0], with, &diary_link, &asker, &l));
	assert_int_equal(0, grasp_negotiate(l, &o, 0, &diary_session, &asker, &s));
	fake_run(lab.net, 10);
}

/* --- ways ------------------------------------------------------------------------------------- */

static void
discoveries_and_floods_are_datagrams_and_all_else_goes_by_stream_G_045_G_046(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_SYNCH, ONE);
	struct addr with = lab_address(1);
	struct grasp_msg m;
	size_t len;

	(void)state;
	offer(1, "EX1", F_DISC | F_NEG);
	look_for(0, "EX1");
	negotiate(&with);
	grasp_session_end(owner.session, true, NULL);
	assert_int_equal(1, grasp_flood(lab.node[0], &o, NULL, 1000));
	fake_run(lab.net, 10);
	for (size_t i = 0; i < fake_packets(lab.net); i++) {
		const struct fake_packet *p = fake_packet(lab.net, i);
		bool multicast;

		if (p->data.len == 0)
			continue;
		assert_int_equal(0, grasp_msg_decode(p->data, &m, &len));
		multicast = m.type == M_DISCOVERY || m.type == M_FLOOD;
		assert_int_equal(multicast ? FAKE_DATAGRAM : FAKE_DATA, p->kind);
	}
	assert_int_equal(1, fake_count(lab.net, M_DISCOVERY));
	assert_int_equal(1, fake_count(lab.net, M_FLOOD));
	assert_int_equal(1, fake_count(lab.net, M_RESPONSE));
	assert_int_equal(1, fake_count(lab.net, M_END));
}

static void
ask_at_port(uint16_t port, const char *name)
{
	struct grasp_objective o = lab_objective(name, F_SYNCH, (struct slice){ 0 });
	struct addr to = lab_address(1);
	struct grasp_session *s;
	struct grasp_link *l;

	to.port = port;
	assert_int_equal(0, grasp_link_open(lab.node[0], &to, NULL, NULL, &l));
	assert_int_equal(0, grasp_synchronize(l, &o, 0, &diary_session, &asker, &s));
	fake_run(lab.net, 10);
	assert_int_equal(0, grasp_session_synch(owner.session, ONE));
	fake_run(lab.net, 10);
}

static void
any_objective_is_taken_on_any_of_our_ports_G_048_I_11(void **state)
{
	static const char *const names[] = { "EX1", "EX2" };

	(void)state;
	offer(1, "EX1", F_DISC | F_SYNCH);
	offer(1, "EX2", F_DISC | F_SYNCH);
	for (unsigned i = 0; i < 2; i++) {
		uint16_t ports[] = { GRASP_LISTEN_PORT, fake_query_port(lab.host[1]) };

		for (unsigned p = 0; p < 2; p++) {
			owner.asked = 0;
			ask_at_port(ports[p], names[i]);
			assert_int_equal(1, owner.asked);
			assert_string_equal(names[i], owner.name);
		}
	}
	assert_int_equal(4, asker.synched);
}

/* --- addresses and restarts ------------------------------------------------------------------- */

static void
responses_show_the_current_address_G_078(void **state)
{
	struct in6_addr before = lab_ip("2001:db8::2"), after = lab_ip("2001:db8::77");

	(void)state;
	offer(1, "EX1", F_DISC | F_NEG);
	look_for(0, "EX1");
	assert_memory_equal(&before, &asker.locator[0].ip, sizeof before);
	fake_detach(lab.host[1], lab.ifindex[1]);
	lab.ifindex[1] = fake_attach(lab.host[1], 1, "fe80::77", "2001:db8::77", NULL);
	fake_run(lab.net, 1000);
	look_for(0, "EX1");
	assert_int_equal(1, asker.found);
	assert_memory_equal(&after, &asker.locator[0].ip, sizeof after);
}

static void
an_objective_is_at_the_same_port_after_a_restart_I_09(void **state)
{
	static const struct grasp_config cfg = { .link_local = true };

	(void)state;
	offer(1, "EX1", F_DISC | F_NEG);
	look_for(0, "EX1");
	assert_int_equal(GRASP_LISTEN_PORT, asker.locator[0].port);
	grasp_node_free(lab.node[1]);
	assert_int_equal(
	    0, grasp_node_new(fake_host_io(lab.host[1]), &cfg, &lab.node[1]));
	offer(1, "EX1", F_DISC | F_NEG);
	look_for(0, "EX1");
	assert_int_equal(1, asker.found);
	assert_int_equal(GRASP_LISTEN_PORT, asker.locator[0].port);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void
nodes_of_one_process_share_nothing_G_151(void **state)
{
	static const struct grasp_config cfg = { .link_local = true };
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);
	struct fake_host *elsewhere = fake_host_new(lab.net);
	struct grasp_node *other;

	(void)state; /* the other domain is on link 2 */
	fake_attach(elsewhere, 2, "fe80::5", "2001:db8:2::5", NULL);
	assert_int_equal(0, grasp_node_new(fake_host_io(elsewhere), &cfg, &other));
	fake_run(lab.net, 1);
	offer(1, "EX1", F_DISC | F_NEG);
	assert_int_equal(1, grasp_flood(lab.node[0], &o, NULL, 10000));
	fake_run(lab.net, 10);
	look_for(0, "EX1");
	assert_int_equal(1, asker.found);
	assert_int_equal(1, grasp_flooded(lab.node[1], o.name, NULL, NULL));
	assert_int_equal(0, grasp_flooded(other, o.name, NULL, NULL));
	assert_int_equal(0, grasp_cached(other, o.name, 0, NULL, NULL));
	assert_int_equal(0, grasp_node_counters(other)->datagrams);
	grasp_node_free(other);
}

static void
a_dull_node_makes_itself_known_by_flood_G_145(void **state)
{
	struct grasp_config cfg = { .link_local = true, .dull = true };
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);
	static const struct grasp_locator here = { .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP };
	struct fake_host *host = fake_host_new(lab.net);
	struct grasp_registration *r;
	struct grasp_node *dull;

	(void)state;
	cfg.interface = fake_attach(host, 1, "fe80::51", "2001:db8::51", NULL);
	assert_int_equal(0, grasp_node_new(fake_host_io(host), &cfg, &dull));
	assert_int_equal(
	    0, grasp_register(lab.node[0], "EX1", 0, &diary_listener, &asker, &r));
	fake_run(lab.net, 1);
	o.loop_count = 1;
	assert_int_equal(1, grasp_flood(dull, &o, &here, 10000));
	fake_run(lab.net, 10);
	assert_int_equal(1, asker.flooded);
	assert_int_equal(1, asker.loop_count);
	assert_true(addr_is_link_local(&asker.locator[0].ip));
	grasp_node_free(dull);
}

/* --- names ------------------------------------------------------------------------------------ */

static void
no_objective_of_ours_is_an_example_G_021(void **state)
{
	static const char *const names[] = { FOGDOMAIN, FOGREG, FOGPLAN, FOGREPORT,
		FOGMETRIC, FOGNODERADIO, FOGNODECONNECTIVITY, FOGNODEVIRTUALIZATION,
		FOGNODEDOMAIN, FOGNODETYPE, FOGNODEVENDOR, FOGNODEENERGY, FOGNODEARCH,
		FOGNODETAG };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(strncmp(names[i], "EX", 2) != 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(
		    discoveries_and_floods_are_datagrams_and_all_else_goes_by_stream_G_045_G_046),
		CASE(any_objective_is_taken_on_any_of_our_ports_G_048_I_11),
		CASE(responses_show_the_current_address_G_078),
		CASE(an_objective_is_at_the_same_port_after_a_restart_I_09),
		CASE(nodes_of_one_process_share_nothing_G_151),
		CASE(a_dull_node_makes_itself_known_by_flood_G_145),
		CASE(no_objective_of_ours_is_an_example_G_021),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
