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
	struct diary a, b, c;
	struct grasp_registration *reg;
	struct grasp_discovery *d;
	struct stranger x;
};
static struct fixture f;

static int
start(unsigned nodes, enum lab_wiring wiring)
{
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, nodes, wiring);
	return grasp_register(
	    f.lab.node[1], "EX1", F_DISC | F_NEG, &diary_support, &f.b, &f.reg);
}

static int
setup(void **state)
{
	(void)state;
	return start(3, LAB_LINK);
}

static int
teardown(void **state)
{
	(void)state;
	lab_done(&f.lab);
	return 0;
}

/* Instead of the usual lab. */
static void
rewire(unsigned nodes, enum lab_wiring wiring)
{
	lab_done(&f.lab);
	assert_int_equal(start(nodes, wiring), 0);
}

static void
run(int64_t ms)
{
	fake_run(f.lab.net, ms);
}

static void
discover(const char *name, struct slice value, uint32_t timeout_ms)
{
	struct grasp_objective o = lab_objective(name, F_DISC | F_NEG, value);

	assert_int_equal(grasp_discover(f.lab.node[0], &o, timeout_ms, diary_found,
			     diary_searched, &f.a, &f.d),
	    0);
}

static struct grasp_msg
question(uint32_t id, const char *name)
{
	struct grasp_msg m = {
		.type = M_DISCOVERY, .session_id = id, .has_objective = true
	};

	m.initiator = lab_initiator("2001:db8::99");
	m.objective = lab_objective(name, F_DISC, ONE);
	m.objective.loop_count = 6;
	return m;
}

static void
ask(uint32_t id, const char *name)
{
	struct grasp_msg m = question(id, name);

	stranger_cast(&f.lab, 1, &m, "fe80::99", GRASP_ALL_NEIGHBORS_6);
}

static const struct grasp_counters *
counters(unsigned node)
{
	return grasp_node_counters(f.lab.node[node]);
}

/* --- a discovery between two engines ----------------------------------------------------------- */

static void
a_neighbour_that_supports_the_objective_is_found_G_063(void **state)
{
	struct in6_addr ip = lab_address(1).ip;

	(void)state;
	discover("EX1", ONE, 0);
	run(50);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(f.b.value_len, 1);
	assert_int_equal(f.a.found, 1);
	assert_int_equal(f.a.locators, 1);
	assert_int_equal(f.a.locator[0].kind, O_IPv6_LOCATOR);
	assert_memory_equal(&f.a.locator[0].ip, &ip, sizeof ip); /* G-025 */
	assert_int_equal(f.a.locator[0].port, GRASP_LISTEN_PORT);
	assert_int_equal(f.a.locator[0].proto, GRASP_TCP);
	assert_false(f.a.diverted);
	assert_int_equal(f.a.ttl_ms, 60000); /* */
	assert_false(f.a.has_objective);
}

static void
the_response_carries_id_and_initiator_of_the_question_G_065(void **state)
{
	struct grasp_msg q, r;

	(void)state;
	discover("EX1", ONE, 0);
	run(50);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &q));
	assert_non_null(fake_message(f.lab.net, M_RESPONSE, 0, &r));
	assert_int_equal(q.session_id, r.session_id);
	assert_memory_equal(&q.initiator, &r.initiator, sizeof q.initiator);
	assert_memory_equal(q.initiator.bytes, lab_address(0).ip.s6_addr, 16); /* G-041 */
}

static void
the_response_goes_to_the_source_port_of_the_question_G_049_G_050(void **state)
{
	const struct fake_packet *p;

	(void)state;
	discover("EX1", ONE, 0);
	run(50);
	p = fake_message(f.lab.net, M_RESPONSE, 0, NULL);
	assert_non_null(p);
	assert_true(addr_is_link_local(&p->to.ip));
	assert_int_equal(p->to.port, fake_query_port(f.lab.host[0]));
	assert_int_equal(p->to.ifindex, f.lab.ifindex[1]); /* I-08 */
}

static void
the_stream_of_a_response_is_closed_after_it_G_051(void **state)
{
	(void)state;
	discover("EX1", ONE, 0);
	run(50);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fake_streams(f.lab.host[i]), 0);
}

static void
the_search_ends_after_100_ms_per_hop_G_060(void **state)
{
	(void)state;
	discover("EX1", ONE, 0);
	run(599);
	assert_int_equal(f.a.searched, 0);
	run(1);
	assert_int_equal(f.a.searched, 1);
	assert_int_equal(f.a.responses, 1);
}

static void
the_loop_count_is_6_unless_given_G_059(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC, ONE);
	struct grasp_msg m;

	(void)state;
	discover("EX1", ONE, 0);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &m));
	assert_int_equal(m.objective.loop_count, 6);
	o.loop_count = 2;
	assert_int_equal(
	    grasp_discover(f.lab.node[0], &o, 0, diary_found, diary_searched, &f.c, &f.d),
	    0);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 1, &m));
	assert_int_equal(m.objective.loop_count, 2);
	run(200);
	assert_int_equal(f.c.searched, 1); /* 100 ms per unit */
	assert_int_equal(f.a.searched, 0);
}

static void
nobody_answers_for_what_nobody_supports_G_072(void **state)
{
	(void)state;
	discover("EX9", ONE, 0);
	run(1000);
	assert_int_equal(f.a.found, 0);
	assert_int_equal(f.a.searched, 1);
	assert_int_equal(f.a.responses, 0);
	assert_int_equal(counters(1)->discoveries, 1);
	assert_int_equal(fake_count(f.lab.net, M_RESPONSE), 0);
}

static void
all_who_support_it_are_told_of_G_076(void **state)
{
	struct grasp_registration *reg;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[2], "EX1", F_DISC, &diary_support, &f.c, &reg), 0);
	discover("EX1", ONE, 0);
	run(600);
	assert_int_equal(f.a.found, 2);
	assert_int_equal(f.a.responses, 2);
}

static void
who_says_no_does_not_answer_G_064(void **state)
{
	(void)state;
	f.b.refuse = true;
	discover("EX1", ONE, 0);
	run(600);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(f.a.found, 0);
}

static void
a_registration_without_callback_answers_if_its_flags_say_discovery(void **state)
{
	static const struct grasp_support mute;
	struct grasp_registration *yes, *no;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX2", F_DISC, &mute, NULL, &yes), 0);
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX3", 0, &diary_listener, &f.b, &no), 0);
	discover("EX2", ONE, 0);
	run(50);
	assert_int_equal(f.a.found, 1);
	discover("EX3", ONE, 0);
	run(50);
	assert_int_equal(f.a.found, 1);
}

static void
a_value_put_by_the_responder_comes_with_the_response_G_068(void **state)
{
	(void)state;
	f.b.answer = TWO;
	discover("EX1", ONE, 0);
	run(50);
	assert_true(f.a.has_objective);
	assert_string_equal(f.a.name, "EX1");
	assert_int_equal(f.a.value_len, 1);
	assert_int_equal(f.a.value[0], 2);
}

static void
each_discovery_has_a_new_id_G_034_G_061(void **state)
{
	struct grasp_msg first, second;

	(void)state;
	discover("EX1", ONE, 0);
	run(1000);
	discover("EX1", ONE, 0);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &first));
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 1, &second));
	assert_int_not_equal(first.session_id, second.session_id);
	run(1000);
	assert_int_equal(f.a.found, 2);
}

static void
we_do_not_answer_ourselves_I_22(void **state)
{
	struct grasp_registration *reg;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[0], "EX1", F_DISC, &diary_support, &f.c, &reg), 0);
	discover("EX1", ONE, 0); /* G-062 */
	run(600);
	assert_int_equal(counters(0)->own, 1);
	assert_int_equal(f.c.asked, 0);
	assert_int_equal(f.a.found, 1);
}

static void
cancelling_stops_all_callbacks(void **state)
{
	(void)state;
	discover("EX1", ONE, 0);
	grasp_discovery_cancel(f.d);
	run(1000);
	assert_int_equal(f.a.found + f.a.searched, 0);
	grasp_discovery_cancel(NULL);
}

static void
cancel_it(struct diary *d)
{
	(void)d;
	grasp_discovery_cancel(f.d);
}

static void
a_discovery_may_be_cancelled_when_something_is_found(void **state)
{
	struct grasp_registration *reg;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[2], "EX1", F_DISC, &diary_support, &f.c, &reg), 0);
	f.a.then = cancel_it;
	discover("EX1", ONE, 0);
	run(1000);
	assert_int_equal(f.a.found, 1);
	assert_int_equal(f.a.searched, 0);
}

static void
discover_again(struct diary *d)
{
	if (d->searched == 1 && !d->found)
		discover("EX1", ONE, 0);
}

static void
the_next_discovery_may_start_when_one_ends(void **state)
{
	(void)state;
	f.a.then = discover_again;
	discover("EX9", ONE, 0);
	run(2000);
	assert_int_equal(f.a.searched, 2);
	assert_int_equal(f.a.found, 1);
}

static void
deregister_it(struct diary *d)
{
	(void)d;
	grasp_deregister(f.reg);
}

static void
a_registration_may_go_while_it_is_asked(void **state)
{
	(void)state;
	f.b.then = deregister_it;
	discover("EX1", ONE, 0);
	run(600);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(f.a.found, 0);
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", F_DISC, &diary_support, &f.b, &f.reg),
	    0);
}

static void
a_question_above_1232_bytes_is_not_sent_G_013(void **state)
{
	static uint8_t value[1203] = { 0x59, 0x04, 0xb0 };
	struct grasp_objective o =
	    lab_objective("EX1", F_DISC, (struct slice){ value, 1203 });

	(void)state;
	assert_int_equal(
	    grasp_discover(f.lab.node[0], &o, 0, diary_found, diary_searched, &f.a, &f.d),
	    -EMSGSIZE);
	run(1000);
	assert_int_equal(f.a.searched, 0);
	assert_int_equal(fake_packets(f.lab.net), 0);
}

/* --- interfaces and groups ---------------------------------------------------------------------- */

static void
the_question_leaves_on_every_interface_with_one_id_G_052(void **state)
{
	struct grasp_msg first, second;
	const struct fake_packet *p, *q;

	(void)state;
	fake_attach(f.lab.host[0], 2, "fe80::1", NULL);
	run(0);
	discover("EX1", ONE, 0);
	p = fake_message(f.lab.net, M_DISCOVERY, 0, &first);
	q = fake_message(f.lab.net, M_DISCOVERY, 1, &second);
	assert_non_null(p);
	assert_non_null(q);
	assert_int_equal(p->link + q->link, 3);
	assert_int_equal(first.session_id, second.session_id);
}

static void
scope_groups_get_a_copy_with_the_same_id_and_loop_count_1_SC_12(void **state)
{
	struct grasp_msg first, second;
	const struct fake_packet *p, *q;

	(void)state;
	rewire(2, LAB_SCOPED);
	discover("EX1", ONE, 0);
	p = fake_message(f.lab.net, M_DISCOVERY, 0, &first);
	q = fake_message(f.lab.net, M_DISCOVERY, 1, &second);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 2);
	assert_true(addr_is_link_local(&p->from.ip));  /* I-07 */
	assert_false(addr_is_link_local(&q->from.ip)); /* SC-14 */
	assert_int_equal(first.objective.loop_count, 6);
	assert_int_equal(second.objective.loop_count, 1);
	assert_int_equal(q->hops, 8);
	assert_int_equal(first.session_id, second.session_id);
	run(600);
	assert_int_equal(f.b.asked, 1); /* both copies heard, one answered (I-16) */
	assert_int_equal(f.a.found, 1);
	assert_int_equal(counters(1)->duplicate, 1);
	assert_int_equal(counters(0)->own, 2);
}

static void
a_responder_behind_routers_is_found_through_its_scope_F_09(void **state)
{
	struct fake_host *far;
	struct grasp_node *node;
	struct grasp_registration *reg;
	struct in6_addr scope = lab_ip(LAB_SCOPE);
	struct grasp_config cfg = { .link_local = true, .join = &scope, .joins = 1 };

	(void)state;
	rewire(1 + 1, LAB_SCOPED);
	grasp_deregister(f.reg);
	fake_net_route(f.lab.net, true);
	far = fake_host_new(f.lab.net);
	fake_attach(far, 7, "fe80::7", "2001:db8:7::7", NULL);
	assert_int_equal(grasp_node_new(fake_host_io(far), &cfg, &node), 0);
	assert_int_equal(
	    grasp_register(node, "EX1", F_DISC, &diary_support, &f.c, &reg), 0);
	discover("EX1", ONE, 0);
	run(600);
	assert_int_equal(f.c.asked, 1);
	assert_int_equal(f.a.found, 1);
	grasp_node_free(node);
}

static void
without_an_interface_the_search_ends_empty_G_056(void **state)
{
	(void)state;
	fake_detach(f.lab.host[0], f.lab.ifindex[0]);
	run(0);
	discover("EX1", ONE, 0);
	run(600);
	assert_int_equal(f.a.searched, 1);
	assert_int_equal(f.a.found, 0);
}

static void
an_interface_that_cannot_send_does_not_fail_the_others_G_056(void **state)
{
	(void)state;
	lab_done(&f.lab);
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, 0, LAB_LINK);
	f.lab.nodes = 2;
	for (unsigned i = 0; i < 2; i++) {
		struct grasp_config cfg = { .link_local = true };
		char local[40];

		snprintf(local, sizeof local, "fe80::%x", 1 + i);
		f.lab.host[i] = fake_host_new(f.lab.net);
		fake_attach(
		    f.lab.host[i], 9, "2001:db8:9::1", NULL); /* no link-local source */
		f.lab.ifindex[i] = fake_attach(f.lab.host[i], 1, local, NULL);
		assert_int_equal(
		    grasp_node_new(fake_host_io(f.lab.host[i]), &cfg, &f.lab.node[i]), 0);
	}
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", F_DISC, &diary_support, &f.b, &f.reg),
	    0);
	discover("EX1", ONE, 0);
	run(600);
	assert_int_equal(fake_count(f.lab.net, M_DISCOVERY), 1);
	assert_int_equal(f.a.found, 1);
	assert_int_equal(f.a.searched, 1);
}

static void
an_interface_that_appears_is_joined_and_used(void **state)
{
	struct diary far = { 0 };
	struct fake_host *h = fake_host_new(f.lab.net);
	struct grasp_config cfg = { .link_local = true };
	struct grasp_registration *reg;
	struct grasp_node *node;
	uint32_t ifindex;

	(void)state;
	fake_attach(h, 5, "fe80::5", "2001:db8:5::5", NULL);
	assert_int_equal(grasp_node_new(fake_host_io(h), &cfg, &node), 0);
	assert_int_equal(
	    grasp_register(node, "EX5", F_DISC, &diary_support, &far, &reg), 0);
	discover("EX5", ONE, 0);
	run(600);
	assert_int_equal(f.a.found, 0);
	ifindex = fake_attach(f.lab.host[0], 5, "fe80::1", NULL);
	run(0);
	assert_true(fake_is_joined(f.lab.host[0], ifindex, GRASP_ALL_NEIGHBORS_6));
	discover("EX5", ONE, 0);
	run(600);
	assert_int_equal(f.a.found, 1);
	grasp_node_free(node);
}

static void
a_link_local_locator_is_given_only_if_there_is_nothing_else_G_026(void **state)
{
	struct fake_host *h = fake_host_new(f.lab.net);
	struct grasp_config cfg = { .link_local = true };
	struct grasp_registration *reg;
	struct grasp_node *node;

	(void)state;
	fake_attach(h, 1, "fe80::55", NULL);
	assert_int_equal(grasp_node_new(fake_host_io(h), &cfg, &node), 0);
	assert_int_equal(
	    grasp_register(node, "EX5", F_DISC, &diary_support, &f.c, &reg), 0);
	discover("EX5", ONE, 0);
	run(100);
	assert_int_equal(f.a.locators, 1);
	assert_true(addr_is_link_local(&f.a.locator[0].ip));
	grasp_node_free(node);
}

static void
all_global_addresses_are_given_G_067(void **state)
{
	(void)state;
	fake_add_address(f.lab.host[1], f.lab.ifindex[1], "fd00::2");
	run(0);
	discover("EX1", ONE, 0);
	run(100);
	assert_int_equal(f.a.locators, 2);
	assert_false(addr_is_link_local(&f.a.locator[0].ip));
	assert_false(addr_is_link_local(&f.a.locator[1].ip));
}

/* --- who may ask, and how often ------------------------------------------------------------------ */

static void
one_question_is_answered_once_within_a_second_I_16(void **state)
{
	(void)state;
	ask(1, "EX1");
	ask(1, "EX1");
	run(999);
	ask(1, "EX1");
	assert_int_equal(f.b.asked, 1);
	run(1000);
	ask(1, "EX1");
	assert_int_equal(f.b.asked, 2);
}

static void
the_same_id_of_another_initiator_is_another_question_G_039(void **state)
{
	struct grasp_msg m = question(1, "EX1");

	(void)state;
	ask(1, "EX1");
	m.initiator = lab_initiator("2001:db8::98");
	stranger_cast(&f.lab, 1, &m, "fe80::98", GRASP_ALL_NEIGHBORS_6);
	assert_int_equal(f.b.asked, 2);
}

static void
a_short_initiator_is_as_good_G_043(void **state)
{
	struct grasp_msg m = question(1, "EX1");

	(void)state;
	m.initiator.len = 4;
	stranger_cast(&f.lab, 1, &m, "fe80::98", GRASP_ALL_NEIGHBORS_6);
	assert_int_equal(f.b.asked, 1);
}

static unsigned
opened_streams(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < fake_packets(f.lab.net); i++)
		n += fake_packet(f.lab.net, i)->kind == FAKE_OPEN;
	return n;
}

static void
a_source_gets_five_answers_and_then_one_a_second_S_09(void **state)
{
	uint32_t id = 0;

	(void)state;
	for (int s = 0; s < 30; s++) /* 100 a second for 30 s */
		for (int i = 0; i < 100; i++) {
			ask(++id, "EX1");
			run(10);
		}
	assert_in_range(opened_streams(), 34, 35);
	assert_int_equal(counters(1)->rate_limited, 3000 - opened_streams());
}

/* A host with 64 link-local addresses, fe80::block:1 … fe80::block:40, and no GRASP. */
static void
add_crowd(unsigned block)
{
	struct fake_host *h = fake_host_new(f.lab.net);

	for (unsigned n = 1; n <= 64; n++) {
		static uint32_t ifindex;
		char ip[40];

		snprintf(ip, sizeof ip, "fe80::%x:%x", block, n);
		if (n % 8 == 1)
			ifindex = fake_attach(h, 1, ip, NULL);
		else
			fake_add_address(h, ifindex, ip);
	}
}

static void
all_sources_together_get_200_a_second_S_09(void **state)
{
	(void)state;
	for (unsigned block = 1; block <= 5; block++)
		add_crowd(block);
	for (uint32_t id = 0; id < 320; id++) { /* in 640 ms; each is refused in 2 ms */
		struct grasp_msg m = question(id, "EX1");
		char from[40];

		snprintf(from, sizeof from, "fe80::%x:%x", 1 + id / 64, 1 + id % 64);
		stranger_cast(&f.lab, 1, &m, from, GRASP_ALL_NEIGHBORS_6);
		run(2);
	}
	assert_int_equal(opened_streams(), 320); /* a burst of 200, and 200 a second */
	for (uint32_t id = 320; id < 640; id++) {
		struct grasp_msg m = question(id, "EX1");
		char from[40];

		snprintf(from, sizeof from, "fe80::%x:%x", 1 + id % 5, 1 + id % 64);
		stranger_cast(&f.lab, 1, &m, from, GRASP_ALL_NEIGHBORS_6);
		if (id % 3 == 0)
			run(1);
	}
	assert_in_range(opened_streams(), 200 + 128, 200 + 128 + 30);
}

static void
at_most_64_responses_are_under_way_S_09(void **state)
{
	char from[40];

	(void)state;
	for (uint32_t id = 1; id <= 150; id++) {
		struct grasp_msg m = question(id, "EX1");

		snprintf(from, sizeof from, "fe80::a:%x", id);
		stranger_cast(&f.lab, 1, &m, from, GRASP_ALL_NEIGHBORS_6);
	}
	assert_int_equal(fake_streams(f.lab.host[1]), RESPONSES_MAX);
	assert_int_equal(counters(1)->rate_limited, 150 - RESPONSES_MAX);
	run(2100); /* nobody was there: the streams give up */
	assert_int_equal(fake_streams(f.lab.host[1]), 0);
	assert_int_equal(f.lab.node[1]->responses_open, 0);
	ask(1000, "EX1");
	assert_int_equal(fake_streams(f.lab.host[1]), 1);
}

static void
only_fitting_sources_and_groups_enter_S_11_SC_14(void **state)
{
	static const struct {
		const char *from, *group;
		unsigned asked;
	} matrix[] = {
		{ "fe80::99", GRASP_ALL_NEIGHBORS_6, 1 },
		{ "2001:db8::99", GRASP_ALL_NEIGHBORS_6, 0 },
		{ "::1", GRASP_ALL_NEIGHBORS_6, 1 },
		{ "fe80::99", LAB_SCOPE, 0 },
		{ "2001:db8::99", LAB_SCOPE, 1 },
		{ "fe80::99", "ff02::14", 0 },
		{ "2001:db8::99", "ff14::abce", 0 },
		{ "2001:db8::99", "2001:db8::2", 0 }, /* unicast */
		{ "ff02::1", GRASP_ALL_NEIGHBORS_6, 0 },
	};

	(void)state;
	rewire(2, LAB_SCOPED);
	for (size_t i = 0; i < ARRAY_LEN(matrix); i++) {
		struct grasp_msg m = question(100 + i, "EX1");

		f.b.asked = 0;
		stranger_cast(&f.lab, 1, &m, matrix[i].from, matrix[i].group);
		assert_int_equal(f.b.asked, matrix[i].asked);
		run(3000);
	}
	assert_int_equal(counters(1)->bad_source, 3);
	assert_int_equal(counters(1)->unwanted, 3);
}

static void
a_question_on_an_interface_that_is_not_ours_is_dropped_S_11(void **state)
{
	(void)state;
	f.lab.ifindex[1] += 1000;
	ask(1, "EX1");
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(counters(1)->unwanted, 1);
}

/* --- responses from a peer that we script --------------------------------------------------------- */

static struct grasp_msg
response_to(const struct grasp_msg *q)
{
	struct grasp_msg m = { .type = M_RESPONSE, .session_id = q->session_id };

	m.initiator = q->initiator;
	m.time_ms = 1234;
	m.locators = 1;
	m.locator[0] = (struct grasp_locator){ O_IPv6_LOCATOR, lab_ip("2001:db8::99"),
		{ 0 }, GRASP_TCP, 7017 };
	return m;
}

/* Starts a discovery and connects to where its answer belongs. */
static struct grasp_msg
await_answer(void)
{
	struct grasp_msg q;

	discover("EX9", ONE, 60000);
	assert_non_null(fake_message(f.lab.net, M_DISCOVERY, 0, &q));
	stranger_connect(&f.x, &f.lab, 0);
	return response_to(&q);
}

static void
a_response_is_matched_by_id_and_initiator_G_039(void **state)
{
	struct in6_addr outside = lab_ip("2001:db8::99");
	struct grasp_msg m;

	(void)state;
	m = await_answer();
	m.session_id++;
	stranger_say(&f.x, &m);
	assert_true(f.x.closed);
	m.session_id--;
	m.initiator.bytes[15]++;
	stranger_connect(&f.x, &f.lab, 0);
	stranger_say(&f.x, &m);
	assert_true(f.x.closed);
	assert_int_equal(f.a.found, 0);
	m.initiator.bytes[15]--;
	stranger_connect(&f.x, &f.lab, 0);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.found, 1);
	assert_int_equal(f.a.ttl_ms, 1234);
	assert_memory_equal(f.a.from.ip.s6_addr, outside.s6_addr, 16);
	assert_int_equal(counters(0)->unwanted, 2);
	assert_int_equal(counters(0)->responses, 1);
}

static void
ttl_zero_is_a_long_life_G_066_I_17(void **state)
{
	struct grasp_msg m;

	(void)state;
	m = await_answer();
	m.time_ms = 0;
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.ttl_ms, 600000);
}

static void
a_divert_is_marked_as_one(void **state)
{
	struct grasp_msg m;

	(void)state;
	m = await_answer();
	m.diverted = true;
	stranger_say(&f.x, &m);
	assert_true(f.a.diverted);
}

static void
a_response_after_the_end_is_closed(void **state)
{
	struct grasp_msg m;

	(void)state;
	m = await_answer();
	run(60000);
	assert_int_equal(f.a.searched, 1);
	stranger_connect(&f.x, &f.lab, 0);
	stranger_say(&f.x, &m);
	assert_true(f.x.closed);
	assert_int_equal(f.a.found, 0);
}

static void
a_copy_of_another_objective_is_not_passed_on(void **state)
{
	struct grasp_msg m;

	(void)state;
	m = await_answer();
	m.has_objective = true;
	m.objective = lab_objective("EX8", F_DISC, ONE);
	stranger_say(&f.x, &m);
	assert_int_equal(f.a.found, 1);
	assert_false(f.a.has_objective);
}

static void
a_question_over_a_stream_is_answered_on_it_G_073(void **state)
{
	struct grasp_msg m = question(7, "EX1"), r;

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m);
	assert_true(stranger_heard(&f.x, M_RESPONSE, 0, &r));
	assert_int_equal(r.session_id, 7);
	assert_int_equal(r.locators, 1);
	assert_int_equal(opened_streams(), 1);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_neighbour_that_supports_the_objective_is_found_G_063),
		CASE(the_response_carries_id_and_initiator_of_the_question_G_065),
		CASE(the_response_goes_to_the_source_port_of_the_question_G_049_G_050),
		CASE(the_stream_of_a_response_is_closed_after_it_G_051),
		CASE(the_search_ends_after_100_ms_per_hop_G_060),
		CASE(the_loop_count_is_6_unless_given_G_059),
		CASE(nobody_answers_for_what_nobody_supports_G_072),
		CASE(all_who_support_it_are_told_of_G_076),
		CASE(who_says_no_does_not_answer_G_064),
		CASE(a_registration_without_callback_answers_if_its_flags_say_discovery),
		CASE(a_value_put_by_the_responder_comes_with_the_response_G_068),
		CASE(each_discovery_has_a_new_id_G_034_G_061),
		CASE(we_do_not_answer_ourselves_I_22),
		CASE(cancelling_stops_all_callbacks),
		CASE(a_discovery_may_be_cancelled_when_something_is_found),
		CASE(the_next_discovery_may_start_when_one_ends),
		CASE(a_registration_may_go_while_it_is_asked),
		CASE(a_question_above_1232_bytes_is_not_sent_G_013),
		CASE(the_question_leaves_on_every_interface_with_one_id_G_052),
		CASE(scope_groups_get_a_copy_with_the_same_id_and_loop_count_1_SC_12),
		CASE(a_responder_behind_routers_is_found_through_its_scope_F_09),
		CASE(without_an_interface_the_search_ends_empty_G_056),
		CASE(an_interface_that_cannot_send_does_not_fail_the_others_G_056),
		CASE(an_interface_that_appears_is_joined_and_used),
		CASE(a_link_local_locator_is_given_only_if_there_is_nothing_else_G_026),
		CASE(all_global_addresses_are_given_G_067),
		CASE(one_question_is_answered_once_within_a_second_I_16),
		CASE(the_same_id_of_another_initiator_is_another_question_G_039),
		CASE(a_short_initiator_is_as_good_G_043),
		CASE(a_source_gets_five_answers_and_then_one_a_second_S_09),
		CASE(all_sources_together_get_200_a_second_S_09),
		CASE(at_most_64_responses_are_under_way_S_09),
		CASE(only_fitting_sources_and_groups_enter_S_11_SC_14),
		CASE(a_question_on_an_interface_that_is_not_ours_is_dropped_S_11),
		CASE(a_response_is_matched_by_id_and_initiator_G_039),
		CASE(ttl_zero_is_a_long_life_G_066_I_17),
		CASE(a_divert_is_marked_as_one),
		CASE(a_response_after_the_end_is_closed),
		CASE(a_copy_of_another_objective_is_not_passed_on),
		CASE(a_question_over_a_stream_is_answered_on_it_G_073),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
