/* SPDX-License-Identifier: Apache-2.0
 *
 * Unicast in Discovery Unsolicited Link-Local (RFC 8990 §2.5.2). */
#include "tests/support/session.h"

static struct grasp_node *dull;
static struct fake_host *host;

/* A third host, fe80::51, whose node is a DULL one that offers EX1. */
static void
start_dull(void)
{
	struct grasp_config cfg = { .link_local = true, .dull = true };
	struct grasp_registration *reg;

	host = fake_host_new(f.lab.net);
	cfg.interface = fake_attach(host, 1, "fe80::51", "2001:db8::51", NULL);
	assert_int_equal(grasp_node_new(fake_host_io(host), &cfg, &dull), 0);
	assert_int_equal(
	    grasp_register(dull, "EX1", F_DISC | F_NEG, &diary_support, &f.b, &reg), 0);
	run(0);
}

static void
open_from_node_0(const char *ip)
{
	struct addr to = { .ip = lab_ip(ip), .port = GRASP_LISTEN_PORT };

	if (addr_is_link_local(&to.ip))
		to.ifindex = f.lab.ifindex[0];
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &to, &diary_link, &f.link, &f.l), 0);
}

static void
ask_with_loop_count(uint8_t loop_count)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);

	o.loop_count = loop_count;
	assert_int_equal(grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &f.s), 0);
	run(10);
}

static void
a_peer_that_is_not_link_local_is_turned_away_G_144(void **state)
{
	(void)state;
	start_dull();
	open_from_node_0("2001:db8::51");
	ask_with_loop_count(1);
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(grasp_node_counters(dull)->bad_source, 1);
	assert_int_equal(grasp_node_counters(dull)->links, 0);
	grasp_node_free(dull);
}

static void
a_link_local_peer_with_loop_count_1_is_served_G_137(void **state)
{
	(void)state;
	start_dull();
	open_from_node_0("fe80::51");
	ask_with_loop_count(1);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(grasp_session_step(f.b.session, TWO), -ELOOP); /* 0 is left */
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	assert_int_equal(f.a.outcome, GRASP_ACCEPTED);
	grasp_node_free(dull);
}

static void
a_request_with_another_loop_count_is_dropped_silently_G_139(void **state)
{
	(void)state;
	start_dull();
	open_from_node_0("fe80::51");
	ask_with_loop_count(2);
	ask_with_loop_count(0); /* 6 */
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(f.a.ended, 0);
	assert_int_equal(fake_count(f.lab.net, M_INVALID), 0);
	assert_int_equal(grasp_node_counters(dull)->unwanted, 2);
	ask_with_loop_count(1); /* on the same link */
	assert_int_equal(f.b.asked, 1);
	grasp_node_free(dull);
}

static void
an_objective_that_is_not_for_this_mode_is_not_served_G_140(void **state)
{
	struct grasp_objective o = lab_objective("EX9", F_NEG, ONE);

	(void)state;
	start_dull();
	open_from_node_0("fe80::51");
	o.loop_count = 1;
	assert_int_equal(grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &f.s), 0);
	run(10);
	assert_int_equal(fake_count(f.lab.net, M_INVALID), 0);
	assert_int_equal(f.a.outcome, GRASP_REFUSED);
	grasp_node_free(dull);
}

static void
nothing_but_discoveries_and_floods_is_sent_unasked_G_138(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);
	struct addr to = { .ip = lab_ip("fe80::1"), .port = GRASP_LISTEN_PORT };
	struct grasp_session *s;
	struct grasp_link *l;

	(void)state;
	start_dull();
	to.ifindex = 1;
	assert_int_equal(grasp_link_open(dull, &to, NULL, NULL, &l), -EPERM);
	open_from_node_0("fe80::51");
	ask_with_loop_count(1);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(grasp_negotiate(f.b.link, &o, 0, NULL, NULL, &s), -EPERM);
	assert_int_equal(grasp_synchronize(f.b.link, &o, 0, NULL, NULL, &s), -EPERM);
	grasp_node_free(dull);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(a_peer_that_is_not_link_local_is_turned_away_G_144),
		SESSION_TEST(a_link_local_peer_with_loop_count_1_is_served_G_137),
		SESSION_TEST(a_request_with_another_loop_count_is_dropped_silently_G_139),
		SESSION_TEST(an_objective_that_is_not_for_this_mode_is_not_served_G_140),
		SESSION_TEST(nothing_but_discoveries_and_floods_is_sent_unasked_G_138),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
