/* SPDX-License-Identifier: Apache-2.0
 *
 * Discovery Unsolicited Link-Local (RFC 8990 §2.5.2): the multicast side of an instance that
 * trusts nobody, and what an instance with one interface or no listener does. */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "grasp/node_int.h"
#include "tests/support/web.h"

static const uint8_t one = 1;
#define ONE ((struct slice){ &one, 1 })

static struct web w;
static const struct grasp_config plain = { .link_local = true };

static int
setup(void **state)
{
	(void)state;
	web_init(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	web_done(&w);
	return 0;
}

/* Node 0: in DULL on link 1, its host is on link 2 too. Interfaces are numbered from 1. */
static void
start_dull(void)
{
	static const struct grasp_config dull = {
		.link_local = true, .interface = 1, .dull = true
	};

	web_add(&w, &dull, 1, 2, 0);
	assert_int_equal(w.n[0].ifindex[0], 1);
	web_support(&w, 0, "EX1", NULL);
}

static struct grasp_msg
question(uint8_t loop_count)
{
	struct grasp_msg m = {
		.type = M_DISCOVERY, .session_id = 7, .has_objective = true
	};

	m.initiator = lab_initiator("fe80::99");
	m.objective = lab_objective("EX1", F_DISC, (struct slice){ 0 });
	m.objective.loop_count = loop_count;
	return m;
}

static struct grasp_msg
flood(const char *name, uint32_t id, uint8_t loop_count)
{
	struct grasp_msg m = {
		.type = M_FLOOD, .session_id = id, .time_ms = 60000, .items = 1
	};

	m.initiator = lab_initiator("fe80::99");
	m.flooded[0] = lab_objective(name, F_SYNCH | F_DISC, ONE);
	m.flooded[0].loop_count = loop_count;
	return m;
}

static unsigned
heard(const char *name)
{
	return grasp_flooded(w.n[0].node, slice_text(name), NULL, NULL);
}

static void
dull_needs_one_interface_and_nothing_that_leaves_it_G_137_G_141(void **state)
{
	const struct in6_addr group = lab_ip(LAB_SCOPE);
	const struct {
		struct grasp_config cfg;
		int err;
	} cases[] = {
		{ { .dull = true, .link_local = true, .interface = 1 }, 0 },
		{ { .dull = true, .link_local = true }, -EINVAL },
		{ { .dull = true, .interface = 1 }, -EINVAL },
		{ { .dull = true, .link_local = true, .interface = 1, .relay = true },
		    -EINVAL },
		{ { .dull = true,
		      .link_local = true,
		      .interface = 1,
		      .join = &group,
		      .joins = 1 },
		    -EINVAL },
		{ { .dull = true,
		      .link_local = true,
		      .interface = 1,
		      .send = &group,
		      .sends = 1 },
		    -EINVAL },
	};
	struct fake_host *h = fake_host_new(w.net);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct grasp_node *n = NULL;

		assert_int_equal(
		    grasp_node_new(fake_host_io(h), &cases[i].cfg, &n), cases[i].err);
		grasp_node_free(n);
	}
}

static void
it_speaks_on_its_interface_alone_with_loop_count_1_G_137_G_138(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_SYNCH, ONE);
	const struct fake_packet *p;
	struct grasp_msg m;

	(void)state;
	start_dull();
	web_discover(&w, 0, "EX2", 6, 0);
	o.loop_count = 6;
	assert_int_equal(grasp_flood(w.n[0].node, &o, NULL, 1000), 1);
	assert_int_equal(fake_packets(w.net), 2);
	p = web_message(&w, M_DISCOVERY, 1, 0, &m);
	assert_non_null(p);
	assert_int_equal(m.objective.loop_count, 1);
	assert_true(initiator_is_link_local(&m.initiator));
	assert_true(addr_is_link_local(&p->from.ip));
	assert_non_null(web_message(&w, M_FLOOD, 1, 0, &m));
	assert_int_equal(m.flooded[0].loop_count, 1);
	assert_true(initiator_is_link_local(&m.initiator));
	web_run(&w, 100); /* 100 ms times one hop */
	assert_int_equal(w.n[0].diary.searched, 1);
}

static void
it_does_not_listen_on_other_interfaces_G_137(void **state)
{
	struct grasp_msg m = question(1);

	(void)state;
	start_dull();
	assert_true(fake_is_joined(w.n[0].host, 1, GRASP_ALL_NEIGHBORS_6));
	assert_false(
	    fake_is_joined(w.n[0].host, w.n[0].ifindex[1], GRASP_ALL_NEIGHBORS_6));
	web_cast_msg(&w, 0, 1, &m, NULL);
	assert_int_equal(w.n[0].diary.asked, 0);
	assert_int_equal(web_counters(&w, 0)->unwanted, 1);
}

static void
any_other_loop_count_is_dropped_silently_G_139(void **state)
{
	static const uint8_t counts[] = { 0, 2, 6, 255 };

	(void)state;
	start_dull();
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct grasp_msg m = question(counts[i]);

		web_cast_msg(&w, 0, 0, &m, NULL);
		m = flood("EX1", 100 + i, counts[i]);
		m.initiator = lab_initiator("2001:db8::99");
		web_cast_msg(&w, 0, 0, &m, NULL);
	}
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.asked + w.n[0].diary.flooded, 0);
	assert_int_equal(heard("EX1"), 0);
	assert_int_equal(fake_packets(w.net), 0);
	assert_int_equal(web_counters(&w, 0)->unwanted, 2 * ARRAY_LEN(counts));
}

static void
a_second_objective_with_another_loop_count_spoils_a_flood_G_139(void **state)
{
	struct grasp_msg m = flood("EX1", 1, 1);

	(void)state;
	start_dull();
	m.items = 2;
	m.flooded[1] = m.flooded[0];
	m.locator[1] = m.locator[0];
	m.flooded[1].loop_count = 2;
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(w.n[0].diary.flooded, 0);
}

static void
objectives_that_nobody_registered_are_dropped_silently_G_140(void **state)
{
	struct grasp_msg m = flood("EX1", 1, 1);

	(void)state;
	start_dull();
	m.items = 2;
	m.flooded[1] = m.flooded[0];
	m.flooded[1].name = slice_text("EX2");
	m.locator[1] = m.locator[0];
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(w.n[0].diary.flooded, 1);
	assert_int_equal(heard("EX1"), 1);
	assert_int_equal(heard("EX2"), 0);
	m = flood("EX2", 2, 1);
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(heard("EX2"), 0);
	assert_int_equal(web_counters(&w, 0)->unwanted, 1);
}

static void
nothing_comes_from_a_source_that_is_not_link_local_G_144_S_12(void **state)
{
	static const char *const sources[] = { "2001:db8::99", "::1", "fd00::9" };

	(void)state;
	start_dull();
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct grasp_msg m = question(1);

		web_cast_msg(&w, 0, 0, &m, sources[i]);
		m = flood("EX1", i, 1);
		web_cast_msg(&w, 0, 0, &m, sources[i]);
	}
	assert_int_equal(w.n[0].diary.asked + w.n[0].diary.flooded, 0);
	assert_int_equal(web_counters(&w, 0)->bad_source, 2 * ARRAY_LEN(sources));
}

static void
a_response_shows_a_link_local_address_G_142(void **state)
{
	struct in6_addr own = lab_ip("fe80::1");

	(void)state;
	start_dull();
	web_add(&w, &plain, 1, 0);
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 50);
	assert_int_equal(w.n[1].diary.found, 1);
	assert_int_equal(w.n[1].diary.locators, 1);
	assert_memory_equal(&w.n[1].diary.locator[0].ip, &own, sizeof own);
}

static void
two_of_them_find_each_other_G_142_G_145(void **state)
{
	struct grasp_config dull = { .link_local = true, .interface = 3, .dull = true };
	static const struct grasp_locator here = { .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP };
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_SYNCH, ONE);

	(void)state;
	start_dull();
	web_add(&w, &dull, 1, 0);
	assert_int_equal(w.n[1].ifindex[0], 3);
	web_discover(&w, 1, "EX1", 0, 0);
	web_run(&w, 50);
	assert_int_equal(w.n[1].diary.found, 1);
	assert_true(addr_is_link_local(&w.n[1].diary.locator[0].ip));
	assert_int_equal(grasp_flood(w.n[1].node, &o, &here, 1000), 1);
	web_run(&w, 50);
	assert_int_equal(w.n[0].diary.flooded, 1);
	assert_true(addr_is_link_local(&w.n[0].diary.locator[0].ip));
}

static void
a_stream_from_another_link_is_turned_away_G_137(void **state)
{
	struct addr to = { .ip = lab_ip("fe80::1"), .port = GRASP_LISTEN_PORT };
	struct grasp_link *l;

	(void)state;
	start_dull();
	web_add(&w, &plain, 2, 0);
	to.ifindex = w.n[1].ifindex[0];
	assert_int_equal(
	    grasp_link_open(w.n[1].node, &to, &diary_link, &w.n[1].diary, &l), 0);
	web_run(&w, 100);
	assert_int_equal(w.n[1].diary.closed, 1);
	assert_int_equal(web_counters(&w, 0)->bad_source, 1);
	assert_int_equal(web_counters(&w, 0)->links, 0);
}

static void
a_flood_with_another_locator_is_not_sent_G_142(void **state)
{
	struct grasp_locator l[] = { { O_IPv6_LOCATOR, lab_ip("2001:db8::1"), { 0 },
					 GRASP_TCP, 7 },
		{ O_IPv4_LOCATOR, lab_ip("::ffff:10.0.0.1"), { 0 }, GRASP_TCP, 7 },
		{ O_FQDN_LOCATOR, { { { 0 } } }, slice_text("a.example.org"), GRASP_TCP,
		    7 } };
	struct grasp_locator narrow = { O_IPv6_LOCATOR, lab_ip("fe80::1"), { 0 },
		GRASP_UDP, 500 };
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);

	(void)state;
	start_dull();
	for (size_t i = 0; i < ARRAY_LEN(l); i++)
		assert_int_equal(grasp_flood(w.n[0].node, &o, &l[i], 1000), -EINVAL);
	assert_int_equal(grasp_flood(w.n[0].node, &o, &narrow, 1000), 1);
}

static void
it_tells_of_nobody_else_G_143(void **state)
{
	struct grasp_msg m = flood("EX1", 1, 1);

	(void)state;
	start_dull();
	w.n[0].diary.refuse = true;
	m.locator[0] = (struct grasp_locator){ O_IPv6_LOCATOR, lab_ip("2001:db8::9"),
		{ 0 }, GRASP_TCP, 7 };
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(heard("EX1"), 1);
	w.n[0].node->floods.entries.tqh_first->from.addr.ifindex = 9; /* of elsewhere */
	m = question(1);
	web_cast_msg(&w, 0, 0, &m, NULL);
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.asked, 1);
	assert_int_equal(fake_packets(w.net), 0);
}

static void
it_does_not_believe_what_leads_away_from_the_link_G_142_G_143(void **state)
{
	(void)state;
	start_dull();
	web_add(&w, &plain, 1, 3, 0);
	web_add(&w, &plain, 3, 0);
	web_support(&w, 2, "EX2", NULL);
	web_discover(&w, 1, "EX2", 1, 0);
	web_run(&w, 200);
	assert_int_equal(w.n[1].diary.found, 1);
	web_discover(&w, 0, "EX2", 1, 0);
	web_run(&w, 200);
	assert_int_equal(web_counters(&w, 1)->diverts, 1);
	assert_int_equal(w.n[0].diary.found, 0);
	web_support(&w, 1, "EX3", NULL); /* with its global address */
	web_discover(&w, 0, "EX3", 1, 0);
	web_run(&w, 200);
	assert_int_equal(w.n[1].diary.asked, 1);
	assert_int_equal(w.n[0].diary.found, 0);
	assert_int_equal(web_counters(&w, 0)->unwanted, 2);
	assert_int_equal(grasp_cached(w.n[0].node, slice_text("EX3"), 0, NULL, NULL), 0);
}

static void
an_instance_with_one_interface_leaves_the_others_alone_G_151(void **state)
{
	static const struct grasp_config first = { .link_local = true, .interface = 1 };
	struct grasp_msg m = question(6);

	(void)state;
	web_add(&w, &first, 1, 2, 0);
	web_support(&w, 0, "EX1", NULL);
	web_discover(&w, 0, "EX2", 6, 0);
	assert_int_equal(web_count(&w, M_DISCOVERY, 1), 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 0);
	web_cast_msg(&w, 0, 1, &m, NULL);
	assert_int_equal(w.n[0].diary.asked, 0);
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(w.n[0].diary.asked, 1);
}

static void
without_a_listener_it_asks_and_hears_but_offers_nothing(void **state)
{
	static const struct grasp_config mute = { .link_local = true,
		.no_listener = true };
	static const struct grasp_locator here = { .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP };
	struct grasp_objective o = lab_objective("EX3", F_SYNCH, ONE);
	struct grasp_msg m = flood("EX1", 1, 1);

	(void)state;
	web_add(&w, &mute, 1, 0);
	web_support(&w, 0, "EX1", NULL);
	web_add(&w, &plain, 1, 0);
	web_support(&w, 1, "EX2", NULL);
	web_discover(&w, 0, "EX2", 6, 0);
	web_discover(&w, 1, "EX1", 6, 0);
	web_run(&w, 700);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_int_equal(w.n[0].diary.asked, 1);
	assert_int_equal(w.n[1].diary.found, 0);
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(w.n[0].diary.flooded, 1);
	assert_int_equal(grasp_flood(w.n[0].node, &o, &here, 1000), -EINVAL);
	assert_int_equal(grasp_flood(w.n[0].node, &o, NULL, 1000), 1);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(dull_needs_one_interface_and_nothing_that_leaves_it_G_137_G_141),
		CASE(it_speaks_on_its_interface_alone_with_loop_count_1_G_137_G_138),
		CASE(it_does_not_listen_on_other_interfaces_G_137),
		CASE(any_other_loop_count_is_dropped_silently_G_139),
		CASE(a_second_objective_with_another_loop_count_spoils_a_flood_G_139),
		CASE(objectives_that_nobody_registered_are_dropped_silently_G_140),
		CASE(nothing_comes_from_a_source_that_is_not_link_local_G_144_S_12),
		CASE(a_response_shows_a_link_local_address_G_142),
		CASE(two_of_them_find_each_other_G_142_G_145),
		CASE(a_stream_from_another_link_is_turned_away_G_137),
		CASE(a_flood_with_another_locator_is_not_sent_G_142),
		CASE(it_tells_of_nobody_else_G_143),
		CASE(it_does_not_believe_what_leads_away_from_the_link_G_142_G_143),
		CASE(an_instance_with_one_interface_leaves_the_others_alone_G_151),
		CASE(without_a_listener_it_asks_and_hears_but_offers_nothing),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
