/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines on real sockets and one real loop, talking over lo, or over a cable where the
 * test may lay one. */
#include "tests/support/live.h"

#include <stdlib.h>

#include "grasp/grasp.h"
#include "tests/support/lab.h"

static const uint8_t one = 1, two = 2;
#define ONE ((struct slice){ &one, 1 })
#define TWO ((struct slice){ &two, 1 })

static struct live world[2]; /* their loop is world[0]'s */
static struct grasp_node *node[2];
static struct diary a, b, wire, back;
static struct grasp_registration *reg[2];
static struct grasp_link *l;
static bool multicast; /* works here: we have a namespace of our own */

/* The kernel does not loop multicast on lo: a cable between two interfaces of this namespace. */
static bool
lay_cable(void)
{
	return system("(ip link add e0 type veth peer name e1 && "
		      "for i in e0 e1; do ip link set $i addrgenmode none up || exit 1; "
		      "done && "
		      "ip addr add fe80::a/64 dev e0 nodad && "
		      "ip addr add fe80::b/64 dev e1 nodad) > /dev/null 2>&1") == 0;
}

static uint16_t
free_port(void)
{
	int probe = socket_tcp_listen(0);
	uint16_t port;

	assert_true(probe >= 0);
	port = socket_local(probe).port;
	close(probe);
	return port;
}

static int
set_up(void **state)
{
	static const char *const ends[][2] = { { "e0", NULL }, { "e1", NULL } };

	(void)state;
	a = b = wire = back = (struct diary){ 0 };
	world[0].loop = world[1].loop = ev_loop_new(EVFLAG_AUTO);
	for (int i = 0; i < 2; i++) {
		struct grasp_io_ev_config io_cfg = { .allow = ends[i] };
		struct grasp_config cfg = { .port = free_port(), .link_local = true };

		world[i].port = cfg.port;
		assert_int_equal(
		    grasp_io_ev_new(world[0].loop, &io_cfg, &world[i].io), 0);
		assert_int_equal(grasp_node_new(world[i].io, &cfg, &node[i]), 0);
	}
	assert_int_equal(
	    grasp_register(node[1], "EX1", F_DISC | F_NEG, &diary_support, &b, &reg[1]),
	    0);
	assert_int_equal(
	    grasp_register(node[0], "EX2", F_NEG, &diary_support, &back, &reg[0]), 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		grasp_node_free(node[i]);
		grasp_io_ev_free(world[i].io);
	}
	ev_loop_destroy(world[0].loop);
	return 0;
}

static bool
is_one(void *arg)
{
	return *(unsigned *)arg == 1;
}

static void
await(unsigned *count)
{
	assert_true(live_until(&world[0], PATIENCE_MS, is_one, count));
}

static void
open_link(void)
{
	struct addr to = live_loopback(world[1].port);

	assert_int_equal(grasp_link_open(node[0], &to, &diary_link, &wire, &l), 0);
}

static void
negotiate(struct grasp_link *on, const char *name, struct diary *d)
{
	struct grasp_objective o = lab_objective(name, F_NEG, ONE);
	struct grasp_session *s;

	assert_int_equal(grasp_negotiate(on, &o, 0, &diary_session, d, &s), 0);
}

static void
a_neighbour_is_found_by_multicast_and_answers_over_tcp(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC, ONE);
	struct grasp_discovery *d;
	struct addr found;

	(void)state;
	if (!multicast)
		skip();
	/* The cable may come up late: try again (G-061). */
	for (int i = 0; i < 20 && !a.found; i++) {
		a.searched = 0;
		assert_int_equal(
		    grasp_discover(node[0], &o, 0, diary_found, diary_searched, &a, &d),
		    0);
		await(&a.searched);
	}
	assert_int_equal(a.found, 1);
	assert_int_equal(a.responses, 1);
	assert_int_equal(grasp_locator_to_addr(&a.locator[0], a.from.ifindex, &found), 0);
	assert_int_equal(found.port, world[1].port);
	assert_true(addr_is_link_local(&found.ip)); /* there is no other (G-026) */
}

static void
a_flood_is_heard_by_the_other_node_only(void **state)
{
	static const struct grasp_locator here = { .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP };
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, TWO);

	(void)state;
	if (!multicast)
		skip();
	assert_int_equal(grasp_flood(node[0], &o, &here, 1000), 1);
	await(&b.flooded);
	assert_int_equal(b.locator[0].port, world[0].port);
	assert_int_equal(b.value[0], 2);
	assert_true(grasp_node_counters(node[0])->own <= 1);
	assert_int_equal(grasp_node_counters(node[0])->floods, 0);
}

static void
both_sides_negotiate_on_one_held_link(void **state)
{
	(void)state;
	open_link();
	negotiate(l, "EX1", &a);
	grasp_link_hold(l, 50, 5000, 0);
	await(&b.asked);
	grasp_link_hold(b.link, 50, 5000, 0);
	negotiate(b.link, "EX2", &b);
	await(&back.asked);
	assert_int_equal(grasp_session_step(b.session, TWO), 0);
	await(&a.negotiated);
	assert_int_equal(a.value[0], 2);
	grasp_session_end(a.session, true, NULL);
	grasp_session_end(back.session, false, "no room");
	while (b.ended < 2)
		ev_run(world[0].loop, EVRUN_ONCE);
	assert_int_equal(wire.closed, 0);
	grasp_link_close(l);
}

static void
nobody_listening_is_a_refusal_and_closes_the_link_G_055(void **state)
{
	(void)state;
	open_link();
	negotiate(l, "EX9", &a);
	await(&wire.closed);
	assert_int_equal(a.ended, 1);
	assert_int_equal(a.outcome, GRASP_REFUSED);
	assert_int_equal(wire.err, 0);
}

static void
nobody_there_is_a_refusal_too_I_12(void **state)
{
	struct addr to = live_loopback(free_port());

	(void)state;
	assert_int_equal(grasp_link_open(node[0], &to, &diary_link, &wire, &l), 0);
	negotiate(l, "EX1", &a);
	await(&wire.closed);
	assert_int_equal(a.outcome, GRASP_REFUSED);
	assert_int_equal(wire.err, -ECONNREFUSED);
}

static void
the_loser_of_a_node_is_told(void **state)
{
	(void)state;
	open_link();
	negotiate(l, "EX1", &a);
	await(&b.asked);
	grasp_node_free(node[1]);
	node[1] = NULL;
	await(&wire.closed);
	assert_int_equal(a.ended, 1);
}

/* Both instances are on this host, on one port 7017 for multicast and each on its own for TCP; each
 * hears what the other sends on its own end of the cable and on the other one. */
static void
two_instances_on_one_host_both_hear_each_multicast_G_053_I_21_I_22(void **state)
{
	static const char *const end[] = { "e1", NULL };
	struct grasp_io_ev_config io_cfg = { .allow = end };
	struct grasp_config cfg = { .port = free_port(), .link_local = true };
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_SYNCH, TWO);
	struct grasp_registration *third_reg;
	struct diary third = { 0 };
	struct grasp_discovery *d;
	struct grasp_node *n;
	struct grasp_io *io;
	unsigned tries = 0;

	(void)state;
	if (!multicast)
		skip();
	assert_int_equal(grasp_io_ev_new(world[0].loop, &io_cfg, &io), 0);
	assert_int_equal(grasp_node_new(io, &cfg, &n), 0);
	assert_int_equal(
	    grasp_register(n, "EX1", F_DISC, &diary_support, &third, &third_reg), 0);
	while ((b.asked == 0 || third.asked == 0) && tries++ < 20) {
		a.searched = 0;
		assert_int_equal(
		    grasp_discover(node[0], &o, 0, diary_found, diary_searched, &a, &d),
		    0);
		await(&a.searched);
	}
	assert_true(b.asked > 0 && third.asked > 0); /* from the other host */
	third.asked = b.flooded = third.flooded = 0;
	assert_int_equal(grasp_flood(node[1], &o, NULL, 1000), 1);
	await(&third.flooded); /* from the same one: looped back */
	assert_int_equal(b.flooded, 0);
	assert_true(grasp_node_counters(node[1])->own > 0);
	grasp_node_free(n);
	grasp_io_ev_free(io);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_neighbour_is_found_by_multicast_and_answers_over_tcp),
		CASE(a_flood_is_heard_by_the_other_node_only),
		CASE(two_instances_on_one_host_both_hear_each_multicast_G_053_I_21_I_22),
		CASE(both_sides_negotiate_on_one_held_link),
		CASE(nobody_listening_is_a_refusal_and_closes_the_link_G_055),
		CASE(nobody_there_is_a_refusal_too_I_12),
		CASE(the_loser_of_a_node_is_told),
	};

	multicast = live_isolate() && lay_cable();
	return RUN_TESTS(tests, NULL, NULL);
}
