/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grasp/node_int.h"
#include "tests/support/lab.h"

static const uint8_t one = 1, two = 2;
#define ONE ((struct slice){ &one, 1 })
#define TWO ((struct slice){ &two, 1 })

struct fixture {
	struct lab lab;
	struct diary heard[LAB_NODES];
	struct grasp_registration *reg[LAB_NODES];
};
static struct fixture f;

/* All nodes listen to EX1. */
static int
start(unsigned nodes, enum lab_wiring wiring)
{
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, nodes, wiring);
	for (unsigned i = 0; i < nodes; i++)
		if (grasp_register(f.lab.node[i], "EX1", 0, &diary_listener, &f.heard[i],
			&f.reg[i]) < 0)
			return -1;
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	return start(3, LAB_LINK);
}

static int
setup_scoped(void **state)
{
	(void)state;
	return start(2, LAB_SCOPED);
}

static int
teardown(void **state)
{
	(void)state;
	lab_done(&f.lab);
	return 0;
}

static const struct grasp_locator anywhere = { .kind = O_IPv6_LOCATOR,
	.proto = GRASP_TCP };

static int
flood(const struct grasp_locator *locator, uint32_t ttl_ms)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_SYNCH, ONE);

	return grasp_flood(f.lab.node[0], &o, locator, ttl_ms);
}

static struct grasp_msg
flood_by(const char *initiator, uint32_t id, uint8_t loop_count)
{
	struct grasp_msg m = {
		.type = M_FLOOD, .session_id = id, .time_ms = 5, .items = 1
	};

	m.initiator = lab_initiator(initiator);
	m.flooded[0] = lab_objective("EX1", F_SYNCH, ONE);
	m.flooded[0].loop_count = loop_count;
	return m;
}

static void
cast(const struct grasp_msg *m)
{
	stranger_cast(&f.lab, 1, m, "fe80::99", GRASP_ALL_NEIGHBORS_6);
}

static void
a_flood_reaches_all_neighbours_with_value_ttl_and_source(void **state)
{
	(void)state;
	assert_int_equal(flood(NULL, 30000), 1);
	fake_run(f.lab.net, 10);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(f.heard[i].flooded, 1);
		assert_string_equal(f.heard[i].name, "EX1");
		assert_int_equal(f.heard[i].value_len, 1);
		assert_int_equal(f.heard[i].value[0], 1);
		assert_int_equal(f.heard[i].ttl_ms, 30000);
		assert_int_equal(f.heard[i].locator[0].kind, 0); /* G-112: [] */
		assert_int_equal(f.heard[i].from.ifindex, f.lab.ifindex[i]);
	}
}

static void
our_own_flood_is_not_told_to_us_I_22(void **state)
{
	(void)state;
	assert_int_equal(flood(NULL, 1), 1);
	fake_run(f.lab.net, 10);
	assert_int_equal(f.heard[0].flooded, 0);
	assert_int_equal(grasp_node_counters(f.lab.node[0])->own, 1);
}

static void
the_loop_count_is_6_and_the_id_new_each_time_G_109_G_034(void **state)
{
	struct grasp_msg first, second;

	(void)state;
	assert_int_equal(flood(NULL, 1), 1);
	assert_int_equal(flood(NULL, 1), 1);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &first));
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 1, &second));
	assert_int_equal(first.flooded[0].loop_count, 6);
	assert_int_not_equal(first.session_id, second.session_id);
	fake_run(f.lab.net, 10);
	assert_int_equal(f.heard[1].flooded, 2);
}

static void
an_unspecified_locator_becomes_our_address_and_port_A_08(void **state)
{
	struct in6_addr ip = lab_address(0).ip;

	(void)state;
	assert_int_equal(flood(&anywhere, 1), 1);
	fake_run(f.lab.net, 10);
	assert_memory_equal(&f.heard[1].locator[0].ip, &ip, sizeof ip);
	assert_int_equal(f.heard[1].locator[0].port, GRASP_LISTEN_PORT);
	assert_int_equal(f.heard[1].locator[0].proto, GRASP_TCP);
}

/* Who hears it may have no other address yet: one who looks where to join (S-12). */
static void
what_stays_on_the_link_names_the_link_local_address_A_08(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_SYNCH, ONE);
	struct grasp_msg m;

	(void)state;
	o.loop_count = 1;
	assert_int_equal(grasp_flood(f.lab.node[0], &o, &anywhere, 1), 1);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m));
	assert_true(addr_is_link_local(&m.locator[0].ip));
	assert_int_equal(m.flooded[0].loop_count, 1);
}

static void
a_given_locator_is_left_as_it_is(void **state)
{
	struct addr a = { .ip = lab_ip("2001:db8::abc"), .port = 99 };
	struct grasp_locator l = grasp_locator_from_addr(&a, GRASP_UDP);

	(void)state;
	assert_int_equal(flood(&l, 1), 1);
	fake_run(f.lab.net, 10);
	assert_memory_equal(&f.heard[1].locator[0].ip, &l.ip, sizeof l.ip);
	assert_int_equal(f.heard[1].locator[0].port, 99);
	assert_int_equal(f.heard[1].locator[0].proto, GRASP_UDP);
}

static void
each_interface_shows_its_own_address_under_one_id_A_08(void **state)
{
	struct grasp_msg m[2];

	(void)state;
	fake_attach(f.lab.host[0], 2, "fe80::1", "2001:db8:2::1", NULL);
	fake_run(f.lab.net, 0);
	assert_int_equal(flood(&anywhere, 1), 2);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m[0]));
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 1, &m[1]));
	assert_int_equal(m[0].session_id, m[1].session_id);
	assert_memory_not_equal(&m[0].locator[0].ip, &m[1].locator[0].ip, 16);
	assert_int_equal(
	    m[1].flooded[0].loop_count, 6); /* the first interface left no trace */
}

static void
a_link_local_locator_stays_on_the_link_A_08(void **state)
{
	struct grasp_msg m[2];

	(void)state;
	fake_attach(f.lab.host[0], 2, "fe80::1", NULL);
	fake_run(f.lab.net, 0);
	assert_int_equal(flood(&anywhere, 1), 2);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m[0]));
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 1, &m[1]));
	assert_int_equal(m[0].flooded[0].loop_count, 6);
	assert_true(addr_is_link_local(&m[1].locator[0].ip));
	assert_int_equal(m[1].flooded[0].loop_count, 1);
}

static void
without_a_global_address_all_floods_stay_on_the_link_G_122(void **state)
{
	struct fake_host *h = fake_host_new(f.lab.net);
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, TWO);
	struct grasp_config cfg = { .link_local = true };
	struct grasp_node *node;
	struct grasp_msg m;

	(void)state;
	fake_attach(h, 1, "fe80::77", NULL);
	assert_int_equal(grasp_node_new(fake_host_io(h), &cfg, &node), 0);
	assert_int_equal(grasp_flood(node, &o, NULL, 1), 1);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m));
	assert_int_equal(m.flooded[0].loop_count, 1);
	fake_run(f.lab.net, 10);
	assert_int_equal(f.heard[1].flooded, 1);
	grasp_node_free(node);
}

static void
without_interfaces_it_goes_nowhere_G_056(void **state)
{
	(void)state;
	fake_detach(f.lab.host[0], f.lab.ifindex[0]);
	fake_run(f.lab.net, 0);
	assert_int_equal(flood(NULL, 1), 0);
}

static void
a_flood_above_1232_bytes_is_not_sent_G_013(void **state)
{
	static uint8_t value[1203] = { 0x59, 0x04, 0xb0 };
	struct grasp_objective o =
	    lab_objective("EX1", F_SYNCH, (struct slice){ value, 1203 });

	(void)state;
	assert_int_equal(grasp_flood(f.lab.node[0], &o, NULL, 1), -EMSGSIZE);
	assert_int_equal(fake_packets(f.lab.net), 0);
}

static void
the_copies_of_both_groups_are_told_once_F_07(void **state)
{
	struct grasp_msg m[2];

	(void)state;
	assert_int_equal(flood(NULL, 1), 1);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m[0]));
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 1, &m[1]));
	assert_int_equal(m[0].session_id, m[1].session_id);
	assert_int_equal(m[1].flooded[0].loop_count, 1); /* SC-12 */
	fake_run(f.lab.net, 10);
	assert_int_equal(f.heard[1].flooded, 1);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->duplicate, 1);
}

static void
not_the_source_but_the_initiator_tells_a_leaked_flood_I_06(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);

	(void)state;
	cast(&m); /* link-local source as all of them, initiator elsewhere */
	assert_int_equal(f.heard[1].flooded, 1);
	m = flood_by("fe80::99", 2, 6);
	cast(&m);
	assert_int_equal(f.heard[1].flooded, 1);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->bad_source, 1);
	m = flood_by("fe80::99", 3, 1);
	cast(&m);
	assert_int_equal(f.heard[1].flooded, 2);
}

static void
a_flood_is_told_once_for_120_seconds_G_120(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);

	(void)state;
	cast(&m);
	fake_run(f.lab.net, 119000);
	cast(&m);
	assert_int_equal(f.heard[1].flooded, 1);
	fake_run(f.lab.net, 2000);
	cast(&m);
	assert_int_equal(f.heard[1].flooded, 2);
}

static void
each_objective_of_a_flood_goes_to_its_own_listener_G_112(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);
	struct diary other = { 0 };
	struct grasp_registration *reg;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX2", 0, &diary_listener, &other, &reg), 0);
	m.items = 3;
	m.flooded[1] = lab_objective("EX7", F_SYNCH, ONE);
	m.flooded[2] = lab_objective("EX2", F_SYNCH, TWO);
	m.locator[2] = (struct grasp_locator){ O_FQDN_LOCATOR, { { { 0 } } },
		slice_text("fog.example.org"), GRASP_TCP, 7017 };
	cast(&m);
	assert_int_equal(f.heard[1].flooded, 1);
	assert_int_equal(f.heard[1].value[0], 1);
	assert_int_equal(other.flooded, 1);
	assert_int_equal(other.value[0], 2);
	assert_int_equal(other.locator[0].kind, O_FQDN_LOCATOR);
}

static struct grasp_registration **doomed;

static void
deregister_doomed(struct diary *d)
{
	(void)d;
	grasp_deregister(*doomed);
	*doomed = NULL;
}

static void
a_listener_may_leave_while_it_is_told(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);

	(void)state;
	m.items = 2;
	m.flooded[1] = m.flooded[0];
	doomed = &f.reg[1];
	f.heard[1].then = deregister_doomed;
	cast(&m);
	assert_int_equal(f.heard[1].flooded, 1);
}

static void
free_own_node(struct diary *d)
{
	(void)d;
	grasp_node_free(f.lab.node[1]);
	f.lab.node[1] = NULL;
}

static void
the_node_may_be_freed_while_a_flood_is_told(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);

	(void)state;
	m.items = 2;
	m.flooded[1] = m.flooded[0];
	f.heard[1].then = free_own_node;
	cast(&m);
	assert_int_equal(f.heard[1].flooded, 1);
	assert_int_equal(flood(NULL, 1), 1);
	fake_run(f.lab.net, 10);
	assert_int_equal(f.heard[2].flooded, 1);
}

/* --- who listens later ------------------------------------------------------------------------ */

static void
listen_late(struct diary *d)
{
	struct grasp_registration *reg;

	grasp_deregister(f.reg[1]);
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", 0, &diary_listener, d, &reg), 0);
	assert_int_equal(d->flooded, 0); /* not from inside the call */
	f.reg[1] = reg;
	fake_run(f.lab.net, 1);
}

static void
a_later_listener_is_told_with_what_is_left_of_the_ttl_G_113(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);
	struct diary late = { 0 };

	(void)state;
	m.time_ms = 30000;
	cast(&m);
	fake_run(f.lab.net, 10000);
	listen_late(&late);
	assert_int_equal(late.flooded, 1);
	assert_int_equal(late.ttl_ms, 20000);
	assert_int_equal(late.value[0], 1);
	assert_int_equal(late.from.port, 4567);
	fake_run(f.lab.net, 10000);
	assert_int_equal(late.flooded, 1);
}

static void
an_expired_flood_is_not_told_and_one_without_ttl_lasts_G_116_G_111(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);
	struct diary late = { 0 };

	(void)state;
	m.time_ms = 0;
	cast(&m);
	m = flood_by("2001:db8::99", 2, 6);
	m.locator[0] = anywhere;
	m.time_ms = 1000;
	cast(&m);
	fake_run(f.lab.net, 5000000);
	listen_late(&late);
	assert_int_equal(late.flooded, 1);
	assert_int_equal(late.ttl_ms, 0);
	assert_int_equal(late.locator[0].kind, 0);
}

static void
the_same_name_and_locator_is_overwritten_another_locator_added_G_114_G_115(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);
	struct diary late = { 0 };

	(void)state;
	m.time_ms = 60000;
	cast(&m);
	m.session_id = 2;
	m.flooded[0].value = TWO;
	cast(&m);
	listen_late(&late);
	assert_int_equal(late.flooded, 1);
	assert_int_equal(late.value[0], 2);
	m.session_id = 3;
	m.locator[0] = (struct grasp_locator){ O_URI_LOCATOR, { { { 0 } } },
		slice_text("https://fog.example.org/"), -1, -1 };
	cast(&m);
	late = (struct diary){ 0 };
	listen_late(&late);
	assert_int_equal(late.flooded, 2);
	assert_int_equal(late.locator[0].kind, O_URI_LOCATOR);
}

static void
what_is_kept_of_floods_is_bounded(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 0, 6);
	struct diary late = { 0 };

	(void)state;
	m.time_ms = 60000;
	for (unsigned i = 0; i < FLOOD_CACHE_MAX + 44; i++) {
		m.session_id = i;
		m.locator[0] = (struct grasp_locator){ O_IPv6_LOCATOR,
			lab_ip("2001:db8::1"), { NULL, 0 }, GRASP_TCP, (int)i };
		cast(&m);
		fake_run(f.lab.net, 1);
	}
	assert_int_equal(f.lab.node[1]->floods.count, FLOOD_CACHE_MAX);
	listen_late(&late);
	assert_int_equal(late.flooded, FLOOD_CACHE_MAX);
	assert_int_equal(late.locator[0].port, FLOOD_CACHE_MAX + 43);
}

static void
a_later_listener_may_leave_while_it_is_told(void **state)
{
	struct grasp_msg m = flood_by("2001:db8::99", 1, 6);
	struct diary late = { .then = deregister_doomed };

	(void)state;
	m.time_ms = 60000;
	cast(&m);
	m.session_id = 2;
	m.locator[0] = anywhere;
	cast(&m);
	doomed = &f.reg[1];
	listen_late(&late);
	assert_int_equal(late.flooded, 1);
	late.then = free_own_node;
	late.flooded = 0;
	listen_late(&late);
	assert_int_equal(late.flooded, 1);
	assert_null(f.lab.node[1]);
}

/* --- several objectives, and what was heard --------------------------------------------------------- */

static void
several_objectives_go_in_one_message_each_with_its_locator_G_112(void **state)
{
	struct grasp_objective o[3] = { lab_objective("EX1", F_SYNCH, ONE),
		lab_objective("EX2", F_SYNCH, TWO), lab_objective("EX3", F_SYNCH, ONE) };
	struct grasp_locator l[3] = { anywhere, { 0 }, anywhere };
	struct grasp_msg m;

	(void)state;
	l[2].port = 99;
	o[2].loop_count = 3;
	assert_int_equal(grasp_flood_all(f.lab.node[0], o, l, 3, 30000), 1);
	assert_int_equal(fake_count(f.lab.net, M_FLOOD), 1);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m));
	assert_int_equal(m.items, 3);
	assert_int_equal(m.flooded[0].loop_count, 6);
	assert_int_equal(m.flooded[2].loop_count, 3);
	assert_int_equal(m.locator[0].port, GRASP_LISTEN_PORT);
	assert_int_equal(m.locator[1].kind, 0);
	assert_int_equal(m.locator[2].port, 99);
	fake_run(f.lab.net, 10);
	assert_int_equal(f.heard[1].flooded, 1);
	assert_int_equal(grasp_flooded(f.lab.node[1], slice_text("EX2"), NULL, NULL), 1);
}

static void
one_to_16_objectives_go_in_a_message(void **state)
{
	struct grasp_objective o[GRASP_FLOOD_ITEMS_MAX + 1];
	char name[GRASP_FLOOD_ITEMS_MAX + 1][8];

	(void)state;
	for (int i = 0; i <= GRASP_FLOOD_ITEMS_MAX; i++) {
		snprintf(name[i], sizeof name[i], "EX%d", i);
		o[i] = lab_objective(name[i], F_SYNCH, ONE);
	}
	assert_int_equal(grasp_flood_all(f.lab.node[0], o, NULL, 0, 1), -EINVAL);
	assert_int_equal(
	    grasp_flood_all(f.lab.node[0], o, NULL, GRASP_FLOOD_ITEMS_MAX + 1, 1),
	    -EINVAL);
	assert_int_equal(
	    grasp_flood_all(f.lab.node[0], o, NULL, GRASP_FLOOD_ITEMS_MAX, 1), 1);
	o[3].name = slice_text("");
	assert_int_equal(grasp_flood_all(f.lab.node[0], o, NULL, 4, 1), -EINVAL);
	assert_int_equal(fake_count(f.lab.net, M_FLOOD), 1);
}

static void
one_link_local_locator_keeps_the_whole_flood_on_the_link_A_08_G_122(void **state)
{
	struct grasp_objective o[2] = { lab_objective("EX1", F_SYNCH, ONE),
		lab_objective("EX2", F_SYNCH, TWO) };
	struct grasp_locator l[2] = { anywhere,
		{ O_IPv6_LOCATOR, lab_ip("fe80::1"), { 0 }, GRASP_TCP, 7 } };
	struct grasp_msg m;

	(void)state;
	assert_int_equal(grasp_flood_all(f.lab.node[0], o, l, 2, 30000), 1);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m));
	assert_int_equal(m.flooded[0].loop_count, 1);
	assert_int_equal(m.flooded[1].loop_count, 1);
}

static void
flooded_objectives_too_large_together_are_not_sent_G_013(void **state)
{
	static uint8_t value[603] = { 0x59, 0x02, 0x58 };
	struct grasp_objective o[2] = { lab_objective(
					    "EX1", F_SYNCH, (struct slice){ value, 603 }),
		lab_objective("EX2", F_SYNCH, (struct slice){ value, 603 }) };

	(void)state;
	assert_int_equal(grasp_flood_all(f.lab.node[0], o, NULL, 1, 1), 1);
	assert_int_equal(grasp_flood_all(f.lab.node[0], o, NULL, 2, 1), -EMSGSIZE);
}

static void
what_was_flooded_can_be_asked_for_while_it_lives_G_113_G_115_G_116(void **state)
{
	struct grasp_objective wrapped = lab_objective(
	    "EX1", F_SYNCH, (struct slice){ (const uint8_t *)"\xd8\x18\x41\x02", 4 });
	struct diary d = { 0 };
	struct grasp_node *n = f.lab.node[1];

	(void)state;
	assert_int_equal(flood(NULL, 1000), 1);
	assert_int_equal(grasp_flood(f.lab.node[2], &wrapped, &anywhere, 5000), 1);
	fake_run(f.lab.net, 10);
	assert_int_equal(
	    grasp_flooded(n, slice_text("EX1"), diary_listener.flooded, &d), 2);
	assert_int_equal(d.flooded, 2);
	assert_int_equal(d.value_len, 1);
	assert_int_equal(d.value[0], 2); /* without the tag */
	assert_int_equal(d.locator[0].port, GRASP_LISTEN_PORT);
	assert_in_range(d.ttl_ms, 4980, 4999);
	assert_int_equal(grasp_flooded(n, slice_text("EX2"), NULL, NULL), 0);
	fake_run(f.lab.net, 1000);
	assert_int_equal(grasp_flooded(n, slice_text("EX1"), NULL, NULL), 1);
	fake_run(f.lab.net, 5000);
	assert_int_equal(grasp_flooded(n, slice_text("EX1"), NULL, NULL), 0);
}

static void
what_was_flooded_can_be_forgotten_by_its_locator_or_by_name(void **state)
{
	struct grasp_locator at = { O_IPv6_LOCATOR, lab_address(0).ip, { 0 }, GRASP_TCP,
		GRASP_LISTEN_PORT };
	struct grasp_node *n = f.lab.node[1];
	struct slice name = slice_text("EX1");

	(void)state;
	assert_int_equal(flood(NULL, 0), 1);
	assert_int_equal(flood(&anywhere, 0), 1);
	fake_run(f.lab.net, 10);
	assert_int_equal(grasp_flooded(n, name, NULL, NULL), 2);
	at.port++;
	assert_int_equal(grasp_flood_expire(n, name, &at), 0);
	at.port--;
	assert_int_equal(grasp_flood_expire(n, name, &at), 1);
	assert_int_equal(grasp_flood_expire(n, name, &at), 0);
	assert_int_equal(grasp_flooded(n, name, NULL, NULL), 1);
	assert_int_equal(flood(&anywhere, 0), 1); /* it is back at once */
	fake_run(f.lab.net, 10);
	assert_int_equal(grasp_flood_expire(n, name, NULL), 2);
	assert_int_equal(grasp_flooded(n, name, NULL, NULL), 0);
}

static void
expire_all(struct diary *d)
{
	(void)d;
	grasp_flood_expire(f.lab.node[1], slice_text("EX1"), NULL);
}

static void
free_it(struct diary *d)
{
	(void)d;
	grasp_node_free(f.lab.node[1]);
	f.lab.node[1] = NULL;
}

static void
whoever_is_told_of_floods_may_forget_them_or_end_the_node(void **state)
{
	struct diary d = { .then = expire_all };

	(void)state;
	assert_int_equal(flood(NULL, 0), 1);
	assert_int_equal(flood(&anywhere, 0), 1);
	fake_run(f.lab.net, 10);
	assert_int_equal(
	    grasp_flooded(f.lab.node[1], slice_text("EX1"), diary_listener.flooded, &d),
	    1);
	assert_int_equal(flood(NULL, 0), 1);
	fake_run(f.lab.net, 10);
	d.then = free_it;
	assert_int_equal(
	    grasp_flooded(f.lab.node[1], slice_text("EX1"), diary_listener.flooded, &d),
	    1);
	fake_run(f.lab.net, 10);
}

static void
put_gives_a_callback_s_buffer_bytes_as_far_as_they_fit(void **state)
{
	uint8_t memory[2];
	struct buf b;

	(void)state;
	buf_init_fixed(&b, memory, sizeof memory);
	assert_int_equal(grasp_put(&b, ONE), 0);
	assert_int_equal(grasp_put(&b, TWO), 0);
	assert_int_equal(memory[1], 2);
	assert_int_equal(grasp_put(&b, ONE), -ENOSPC);
}

#define CASE(t)	  cmocka_unit_test_setup_teardown(t, setup, teardown)
#define SCOPED(t) cmocka_unit_test_setup_teardown(t, setup_scoped, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_flood_reaches_all_neighbours_with_value_ttl_and_source),
		CASE(our_own_flood_is_not_told_to_us_I_22),
		CASE(the_loop_count_is_6_and_the_id_new_each_time_G_109_G_034),
		CASE(an_unspecified_locator_becomes_our_address_and_port_A_08),
		CASE(what_stays_on_the_link_names_the_link_local_address_A_08),
		CASE(a_given_locator_is_left_as_it_is),
		CASE(each_interface_shows_its_own_address_under_one_id_A_08),
		CASE(a_link_local_locator_stays_on_the_link_A_08),
		CASE(without_a_global_address_all_floods_stay_on_the_link_G_122),
		CASE(without_interfaces_it_goes_nowhere_G_056),
		CASE(a_flood_above_1232_bytes_is_not_sent_G_013),
		SCOPED(the_copies_of_both_groups_are_told_once_F_07),
		CASE(not_the_source_but_the_initiator_tells_a_leaked_flood_I_06),
		CASE(a_flood_is_told_once_for_120_seconds_G_120),
		CASE(each_objective_of_a_flood_goes_to_its_own_listener_G_112),
		CASE(a_listener_may_leave_while_it_is_told),
		CASE(the_node_may_be_freed_while_a_flood_is_told),
		CASE(a_later_listener_is_told_with_what_is_left_of_the_ttl_G_113),
		CASE(an_expired_flood_is_not_told_and_one_without_ttl_lasts_G_116_G_111),
		CASE(
		    the_same_name_and_locator_is_overwritten_another_locator_added_G_114_G_115),
		CASE(what_is_kept_of_floods_is_bounded),
		CASE(a_later_listener_may_leave_while_it_is_told),
		CASE(several_objectives_go_in_one_message_each_with_its_locator_G_112),
		CASE(one_to_16_objectives_go_in_a_message),
		CASE(one_link_local_locator_keeps_the_whole_flood_on_the_link_A_08_G_122),
		CASE(flooded_objectives_too_large_together_are_not_sent_G_013),
		CASE(what_was_flooded_can_be_asked_for_while_it_lives_G_113_G_115_G_116),
		CASE(what_was_flooded_can_be_forgotten_by_its_locator_or_by_name),
		CASE(whoever_is_told_of_floods_may_forget_them_or_end_the_node),
		CASE(put_gives_a_callback_s_buffer_bytes_as_far_as_they_fit),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
