/* SPDX-License-Identifier: Apache-2.0
 *
 * What passes from link to link, and how often. */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "grasp/relay.h"
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

/* 0 asks on link 1, 1..links-1 relay in a row, the last one supports EX1 on the last link. */
static unsigned
chain(unsigned links)
{
	unsigned last;

	web_add(&w, &plain, 1, 0);
	for (unsigned i = 1; i < links; i++)
		web_add(&w, NULL, i, i + 1, 0);
	last = web_add(&w, &plain, links, 0);
	web_support(&w, last, "EX1", NULL);
	return last;
}

static struct grasp_msg
question(uint32_t id, const char *name, uint8_t loop_count)
{
	struct grasp_msg m = {
		.type = M_DISCOVERY, .session_id = id, .has_objective = true
	};

	m.initiator = lab_initiator("2001:db8::99");
	m.objective = lab_objective(name, F_DISC, (struct slice){ 0 });
	m.objective.loop_count = loop_count;
	return m;
}

static struct grasp_msg
flood(uint32_t id, uint8_t loop_count)
{
	struct grasp_msg m = {
		.type = M_FLOOD, .session_id = id, .time_ms = 60000, .items = 2
	};

	m.initiator = lab_initiator("2001:db8::99");
	m.flooded[0] = lab_objective("EX1", F_SYNCH | F_DISC, ONE);
	m.flooded[1] = lab_objective("EX2", F_SYNCH | F_DISC, ONE);
	m.flooded[0].loop_count = m.flooded[1].loop_count = loop_count;
	m.locator[0] = (struct grasp_locator){ O_IPv6_LOCATOR, lab_ip("2001:db8::99"),
		{ 0 }, GRASP_TCP, 7017 };
	return m;
}

static void
ask(unsigned node, unsigned at, uint32_t id, const char *name, uint8_t loop_count)
{
	struct grasp_msg m = question(id, name, loop_count);

	web_cast_msg(&w, node, at, &m, NULL);
}

/* --- discovery ---------------------------------------------------------------------------------- */

static void
a_responder_behind_a_relay_is_found_at_the_first_attempt_G_079_G_080_G_087_I_18(
    void **state)
{
	struct in6_addr ip;
	unsigned last = chain(2);

	(void)state;
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 20);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_true(w.n[0].diary.diverted);
	ip = web_ip(&w, last, 2);
	assert_memory_equal(&w.n[0].diary.locator[0].ip, &ip, sizeof ip);
	assert_int_equal(w.n[0].diary.ttl_ms, 60000);
	assert_int_equal(web_counters(&w, 1)->relayed_discoveries, 1);
	assert_int_equal(web_counters(&w, 1)->relayed_responses, 1);
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 1);
}

static void
the_copy_keeps_id_and_initiator_and_has_one_hop_less_G_081_G_082(void **state)
{
	struct grasp_msg first, second;

	(void)state;
	chain(2);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 20);
	assert_non_null(web_message(&w, M_DISCOVERY, 1, 0, &first));
	assert_non_null(web_message(&w, M_DISCOVERY, 2, 0, &second));
	assert_int_equal(first.session_id, second.session_id);
	assert_memory_equal(&first.initiator, &second.initiator, sizeof first.initiator);
	assert_int_equal(first.objective.loop_count, 6);
	assert_int_equal(second.objective.loop_count, 5);
}

static void
the_divert_goes_to_the_source_port_and_carries_the_question_s_id_G_050_G_087(void **state)
{
	struct grasp_msg q, r;
	const struct fake_packet *p;

	(void)state;
	chain(2);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 20);
	assert_non_null(web_message(&w, M_DISCOVERY, 1, 0, &q));
	p = web_message(&w, M_RESPONSE, 0, 1, &r);
	assert_non_null(p);
	assert_true(r.diverted);
	assert_int_equal(r.session_id, q.session_id);
	assert_true(addr_is_link_local(&p->to.ip));
	assert_int_equal(p->to.port, fake_query_port(w.n[0].host));
}

static void
a_loop_count_reaches_exactly_so_many_links_G_082(void **state)
{
	(void)state;
	chain(6);
	for (uint8_t count = 1; count <= 6; count++) {
		w.n[0].diary.found = 0;
		grasp_cache_forget(w.n[0].node, slice_text("EX1"), NULL);
		fake_net_capture(w.net, false);
		fake_net_capture(w.net, true);
		web_discover(&w, 0, "EX1", count, 0);
		web_run(&w, 1000);
		for (unsigned link = 1; link <= 6; link++)
			assert_int_equal(web_count(&w, M_DISCOVERY, link), link <= count);
		assert_int_equal(w.n[0].diary.found, count == 6);
	}
	assert_int_equal(web_counters(&w, 1)->loop_exhausted, 1);
	assert_int_equal(web_counters(&w, 5)->loop_exhausted, 1);
}

static void
a_result_from_six_links_away_comes_through_all_relays_G_087(void **state)
{
	unsigned last = chain(6);
	struct in6_addr ip;

	(void)state;
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 600);
	assert_int_equal(w.n[0].diary.found, 1);
	ip = web_ip(&w, last, 6);
	assert_memory_equal(&w.n[0].diary.locator[0].ip, &ip, sizeof ip);
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(web_counters(&w, i)->relayed_discoveries, 1);
}

static void
a_node_that_does_not_relay_is_silent_G_072(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 2, 0);
	ask(0, 0, 1, "EX1", 6);
	web_run(&w, 1000);
	assert_int_equal(fake_packets(w.net), 0);
	assert_int_equal(web_counters(&w, 0)->relayed_discoveries, 0);
}

static void
with_one_interface_there_is_nowhere_to_pass_it_on_G_072(void **state)
{
	(void)state;
	web_add(&w, NULL, 1, 0);
	ask(0, 0, 1, "EX1", 6);
	web_run(&w, 1000);
	assert_int_equal(fake_packets(w.net), 0);
	assert_int_equal(web_counters(&w, 0)->relayed_discoveries, 0);
}

static void
who_answers_does_not_pass_the_question_on_G_080(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	web_support(&w, 1, "EX1", NULL);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 0);
}

static void
a_second_copy_of_what_was_answered_is_not_passed_on_I_16(void **state)
{
	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	web_support(&w, 0, "EX1", NULL);
	ask(0, 0, 1, "EX1", 6);
	ask(0, 0, 1, "EX1", 5);
	assert_int_equal(w.n[0].diary.asked, 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 0);
}

static void
a_shared_objective_is_answered_and_passed_on(void **state)
{
	struct grasp_support shared = diary_support;
	unsigned last = chain(2);

	(void)state;
	(void)last;
	shared.shared = true;
	web_support(&w, 1, "EX1", &shared);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 2);
	web_discover(&w, 0, "EX1", 6, 0); /* what is cached does not stop it either */
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 4);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 2);
}

static void
the_same_question_is_not_passed_on_twice_G_084_G_085(void **state)
{
	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	ask(0, 0, 1, "EX1", 6);
	ask(0, 0, 1, "EX1", 6);
	ask(0, 1, 1, "EX1", 5); /* it came round */
	web_run(&w, 2000);
	ask(0, 0, 1, "EX1", 6);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 1), 0);
}

static void
a_ring_carries_each_question_once_per_link_and_relay_G_085(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	web_add(&w, NULL, 2, 3, 0);
	web_add(&w, NULL, 3, 1, 0);
	web_discover(&w, 0, "EX9", 200, 0);
	web_run(&w, 30000);
	assert_int_equal(web_count(&w, M_DISCOVERY, 0), 1 + 3);
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(web_counters(&w, i)->relayed_discoveries, 1);
	assert_true(web_counters(&w, 0)->own > 0); /* I-22: not taken for another's */
}

static void
a_responder_in_a_ring_answers_each_relay_once_I_16(void **state)
{
	unsigned far;

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	web_add(&w, NULL, 1, 2, 0);
	far = web_add(&w, &plain, 2, 0);
	web_support(&w, far, "EX1", NULL);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 1000);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 2);
	assert_int_equal(w.n[far].diary.asked, 1);
	assert_int_equal(web_counters(&w, far)->duplicate, 1);
	assert_int_equal(w.n[0].diary.found, 1);
}

static void
results_after_the_relay_s_time_are_not_passed_on_G_086(void **state)
{
	struct grasp_msg q, late = { .type = M_RESPONSE, .time_ms = 1000, .locators = 1 };
	unsigned last = chain(2);

	(void)state;
	grasp_deregister(w.n[last].reg);
	web_discover(&w, 0, "EX1", 3, 5000);
	web_run(&w, 100);
	assert_non_null(web_message(&w, M_DISCOVERY, 2, 0, &q));
	late.session_id = q.session_id;
	late.initiator = q.initiator;
	late.locator[0] = (struct grasp_locator){ O_IPv6_LOCATOR, lab_ip("2001:db8::77"),
		{ 0 }, GRASP_TCP, 7017 };
	assert_non_null(relay_find(w.n[1].node, &late));
	web_run(&w, 99); /* 100 ms times the two hops that remain, and the way there */
	assert_non_null(relay_find(w.n[1].node, &late));
	web_run(&w, 3);
	assert_null(relay_find(w.n[1].node, &late));
}

static void
all_responders_are_passed_on_late_ones_too_G_087(void **state)
{
	unsigned last = chain(2), other = web_add(&w, &plain, 2, 0);

	(void)state;
	(void)last;
	web_support(&w, other, "EX1", NULL);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 600);
	assert_int_equal(w.n[0].diary.found, 2);
	assert_int_equal(w.n[0].diary.responses, 2);
}

static void
what_has_a_meaning_on_its_link_alone_is_not_passed_on_G_027(void **state)
{
	struct fake_host *h;
	struct grasp_registration *reg;
	struct grasp_node *far;

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	h = fake_host_new(w.net);
	fake_attach(h, 2, "fe80::55", NULL);
	assert_int_equal(grasp_node_new(fake_host_io(h), &plain, &far), 0);
	assert_int_equal(
	    grasp_register(far, "EX1", F_DISC, &diary_support, &w.n[1].diary, &reg), 0);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 600);
	assert_int_equal(w.n[1].diary.asked, 1);
	assert_int_equal(w.n[0].diary.found, 0);
	assert_int_equal(grasp_cached(w.n[1].node, slice_text("EX1"), 0, NULL, NULL), 1);
	web_discover(&w, 0, "EX1", 6, 0); /* nor diverted to */
	web_run(&w, 600);
	assert_int_equal(w.n[0].diary.found, 0);
	grasp_node_free(far);
}

static void
the_objective_of_a_response_is_passed_on_byte_for_byte_I_25(void **state)
{
	/* 24(h'01'): what an ASA gets unwrapped */
	static const uint8_t wrapped[] = { 0xd8, 0x18, 0x41, 0x01 };
	struct grasp_msg direct, diverted;
	unsigned last = chain(2);

	(void)state;
	w.n[last].diary.answer = (struct slice){ wrapped, sizeof wrapped };
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 600);
	assert_non_null(web_message(&w, M_RESPONSE, 0, 0, &direct));
	assert_non_null(web_message(&w, M_RESPONSE, 0, 1, &diverted));
	assert_true(diverted.diverted);
	assert_int_equal(direct.objective.value.len, sizeof wrapped);
	assert_true(slice_equal(direct.objective.value, diverted.objective.value));
	assert_int_equal(w.n[0].diary.value_len, 1);
	assert_int_equal(w.n[0].diary.value[0], 1);
}

static void
a_question_is_passed_on_byte_for_byte_but_for_the_loop_count_I_15_I_25(void **state)
{
	/* A name in chunks, a session id longer than it need be, an element too many, and a
	 * signature behind it all. */
	static const uint8_t bytes[] = { 0x9f, 0x01, 0x1a, 0, 0, 0, 7, 0x44, 10, 0, 0, 1,
		0x85, 0x7f, 0x62, 'E', 'X', 0x61, '1', 0xff, 0x01, 0x18, 25, 0xd8, 0x18,
		0x41, 0x01, 0xf6, 0xff, 0xd2, 0x41, 0x55 };
	uint8_t expected[sizeof bytes];
	const struct fake_packet *p;

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	web_cast(&w, 0, 0, (struct slice){ bytes, sizeof bytes }, NULL);
	p = web_message(&w, M_DISCOVERY, 2, 0, NULL);
	assert_non_null(p);
	memcpy(expected, bytes, sizeof bytes);
	expected[22] = 24;
	assert_int_equal(p->data.len, sizeof bytes);
	assert_memory_equal(p->data.data, expected, sizeof bytes);
}

static void
decrementing_keeps_the_shortest_form_G_082(void **state)
{
	static const struct {
		uint8_t before[2], after[2];
		size_t long_before, long_after;
	} cases[] = {
		{ { 6 }, { 5 }, 1, 1 },
		{ { 2 }, { 1 }, 1, 1 },
		{ { 0x18, 255 }, { 0x18, 254 }, 2, 2 },
		{ { 0x18, 25 }, { 0x18, 24 }, 2, 2 },
		{ { 0x18, 24 }, { 23 }, 2, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t in[32] = { 0x84, 1, 7, 0x44, 10, 0, 0, 1, 0x84, 0x63, 'E', 'X',
			'1', 1 };
		uint8_t memory[32];
		struct buf out;
		size_t len = 14;

		memcpy(in + len, cases[i].before, cases[i].long_before);
		len += cases[i].long_before;
		in[len++] = 0xf6;
		buf_init_fixed(&out, memory, sizeof memory);
		assert_int_equal(relay_decrement((struct slice){ in, len }, &out), 0);
		assert_int_equal(out.pos, 14 + cases[i].long_after + 1);
		assert_memory_equal(memory, in, 14);
		assert_memory_equal(memory + 14, cases[i].after, cases[i].long_after);
		assert_int_equal(memory[out.pos - 1], 0xf6);
	}
}

static void
what_has_no_loop_count_left_is_not_decremented_G_082(void **state)
{
	uint8_t in[] = { 0x84, 1, 7, 0x44, 10, 0, 0, 1, 0x83, 0x63, 'E', 'X', '1', 1, 1 };
	static const uint8_t noop[] = { 0x81, 0 };
	uint8_t memory[32];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(relay_decrement((struct slice){ in, sizeof in }, &out), -ELOOP);
	in[14] = 0;
	assert_int_equal(relay_decrement((struct slice){ in, sizeof in }, &out), -ELOOP);
	assert_int_equal(
	    relay_decrement((struct slice){ noop, sizeof noop }, &out), -EBADMSG);
	assert_int_equal(out.pos, 0);
}

static void
two_who_ask_the_same_share_one_question(void **state)
{
	unsigned last = chain(2), other = web_add(&w, &plain, 1, 0);

	(void)state;
	(void)last;
	fake_net_delay(w.net, 5, 5);
	web_discover(&w, 0, "EX1", 6, 0);
	web_discover(&w, other, "EX1", 6, 0);
	web_run(&w, 600);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_int_equal(w.n[other].diary.found, 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 1);
	assert_int_equal(web_counters(&w, 1)->relayed_responses, 2);
}

static void
a_question_that_shares_an_answer_is_not_passed_on_when_it_comes_round_G_085(void **state)
{
	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	ask(0, 0, 1, "EX1", 6);
	ask(0, 0, 2, "EX1", 6);
	ask(0, 1, 2, "EX1", 5); /* by another relay between the two */
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 1), 0);
}

static void
an_answer_is_awaited_as_long_as_the_last_one_who_shares_it_waits_G_086(void **state)
{
	struct grasp_msg first = question(1, "EX1", 3);

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	ask(0, 0, 1, "EX1", 3);
	web_run(&w, 150);
	ask(0, 0, 2, "EX1", 3);
	web_run(&w, 199);
	assert_non_null(relay_find(w.n[0].node, &first));
	web_run(&w, 1);
	assert_null(relay_find(w.n[0].node, &first));
}

static void
who_asks_late_is_not_left_with_half_of_the_answers(void **state)
{
	unsigned last = chain(2), other = web_add(&w, &plain, 1, 0);
	static struct grasp_support shared;

	(void)state;
	(void)last;
	shared = diary_support;
	shared.shared = true;
	w.n[1].diary.refuse = true;
	web_support(&w, 1, "EX1", &shared);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 50);
	assert_int_equal(w.n[0].diary.found, 1);
	web_discover(&w, other, "EX1", 6, 0);
	web_run(&w, 600);
	assert_int_equal(w.n[other].diary.found, 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 2);
}

static void
one_question_brings_16_answers_through_a_relay_S_09(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	for (unsigned i = 0; i < 30; i++)
		web_support(&w, web_add(&w, &plain, 2, 0), "EX1", NULL);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 600);
	assert_int_equal(web_counters(&w, 1)->responses, 30);
	assert_int_equal(w.n[0].diary.found, 16);
}

static void
a_question_that_reaches_further_is_not_shared(void **state)
{
	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	ask(0, 0, 1, "EX1", 3);
	ask(0, 0, 2, "EX1", 4);
	ask(0, 0, 3, "EX1", 2);
	ask(0, 0, 4, "EX2", 2);
	assert_int_equal(web_count(&w, M_DISCOVERY, 2), 3);
}

static void
one_source_has_8_questions_a_second_passed_on_and_all_have_16_G_083_S_09(void **state)
{
	uint32_t id = 0;

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	fake_net_capture(w.net, false);
	for (int i = 0; i < 1000; i++) { /* for 10 s */
		char name[8];

		snprintf(name, sizeof name, "EX%d", i);
		ask(0, 0, ++id, name, 2);
		web_run(&w, 10);
	}
	assert_in_range(web_counters(&w, 0)->relayed_discoveries, 99, 101);
	assert_int_equal(web_counters(&w, 0)->relay_limited,
	    1000 - web_counters(&w, 0)->relayed_discoveries);
	web_run(&w, 10000);
	for (int i = 0; i < 1000; i++) {
		struct grasp_msg m;
		char name[8], from[16];

		snprintf(name, sizeof name, "EX%d", i);
		snprintf(from, sizeof from, "fe80::1:%x", i);
		m = question(++id, name, 2);
		web_cast_msg(&w, 0, 0, &m, from);
		web_run(&w, 10);
	}
	assert_in_range(web_counters(&w, 0)->relayed_discoveries, 295, 302);
}

static void
a_storm_of_questions_does_not_silence_floods_G_083_G_121(void **state)
{
	struct grasp_msg m = flood(100000, 6);

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	fake_net_capture(w.net, false);
	for (uint32_t id = 1; id < 1000; id++) {
		char name[8];

		snprintf(name, sizeof name, "EX%u", id);
		ask(0, 0, id, name, 6);
	}
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(web_counters(&w, 0)->relayed_floods, 1);
}

static void
scope_groups_are_not_passed_on_nor_passed_to_F_08_SC_12(void **state)
{
	struct in6_addr scope = lab_ip(LAB_SCOPE);
	struct grasp_config cfg = { .link_local = true,
		.relay = true,
		.join = &scope,
		.joins = 1,
		.send = &scope,
		.sends = 1 };
	struct grasp_msg m = flood(3, 6);
	struct grasp_datagram d = { .to = scope, .hop_limit = 1 };
	uint8_t memory[512];
	struct buf b;

	(void)state;
	web_add(&w, &cfg, 1, 2, 0);
	ask(0, 0, 1, "EX1", 6);
	assert_int_equal(fake_packets(w.net), 1); /* to ff02::13 alone */
	assert_true(addr_is_link_local(&fake_packet(w.net, 0)->from.ip));
	d.from = (struct addr){ lab_ip("2001:db8::99"), w.n[0].ifindex[0], 4567 };
	buf_init_fixed(&b, memory, sizeof memory);
	assert_int_equal(grasp_msg_encode(&m, &b), 0);
	d.data = buf_slice(&b);
	fake_inject(w.n[0].host, &d);
	web_run(&w, 10);
	m = question(4, "EX1", 6);
	buf_reset(&b);
	assert_int_equal(grasp_msg_encode(&m, &b), 0);
	d.data = buf_slice(&b);
	fake_inject(w.n[0].host, &d);
	web_run(&w, 10);
	assert_int_equal(fake_packets(w.net), 1);
	assert_int_equal(grasp_flooded(w.n[0].node, slice_text("EX1"), NULL, NULL), 1);
}

static void
a_question_over_a_stream_is_passed_on_and_answered_on_it_G_073_G_087(void **state)
{
	unsigned last = chain(2);
	struct addr to = { .ip = web_ip(&w, 1, 1), .port = GRASP_LISTEN_PORT };
	struct grasp_objective o = lab_objective("EX1", F_DISC, (struct slice){ 0 });
	struct grasp_link *l;

	(void)state;
	assert_int_equal(
	    grasp_link_open(w.n[0].node, &to, &diary_link, &w.n[0].diary, &l), 0);
	web_run(&w, 10);
	assert_int_equal(grasp_discover_at(l, &o, 0, diary_found, diary_searched,
			     &w.n[0].diary, &w.n[0].d),
	    0);
	assert_int_equal(grasp_discovery_sent(w.n[0].d), 1);
	web_run(&w, 700);
	assert_int_equal(w.n[last].diary.asked, 1);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_true(w.n[0].diary.diverted);
	assert_int_equal(w.n[0].diary.searched, 1);
	assert_int_equal(web_count(&w, M_DISCOVERY, 1), 0);
	grasp_link_close(l);
}

static void
the_link_of_who_asked_may_go_G_056(void **state)
{
	unsigned last = chain(2);
	struct addr to = { .ip = web_ip(&w, 1, 1), .port = GRASP_LISTEN_PORT };
	struct grasp_objective o = lab_objective("EX1", F_DISC, (struct slice){ 0 });
	struct grasp_link *l;

	(void)state;
	fake_net_delay(w.net, 20, 20);
	assert_int_equal(
	    grasp_link_open(w.n[0].node, &to, &diary_link, &w.n[0].diary, &l), 0);
	web_run(&w, 100);
	assert_int_equal(grasp_discover_at(l, &o, 0, diary_found, diary_searched,
			     &w.n[0].diary, &w.n[0].d),
	    0);
	grasp_link_close(l);
	web_run(&w, 1000);
	assert_int_equal(w.n[last].diary.asked, 1);
	assert_int_equal(web_counters(&w, 1)->responses, 1);
	assert_int_equal(web_counters(&w, 1)->relayed_responses, 0);
	assert_int_equal(w.n[0].diary.found, 0);
	assert_int_equal(w.n[0].diary.searched, 1);
}

static void
the_interface_of_who_asked_may_go_G_056(void **state)
{
	unsigned last = chain(2);

	(void)state;
	fake_net_delay(w.net, 20, 20);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 30);
	fake_detach(w.n[1].host, w.n[1].ifindex[0]);
	web_run(&w, 3000);
	assert_int_equal(w.n[last].diary.asked, 1);
	assert_int_equal(w.n[0].diary.found, 0);
	assert_int_equal(fake_streams(w.n[1].host), 0);
}

static void
a_relay_may_end_with_questions_under_way_G_056(void **state)
{
	(void)state;
	chain(2);
	fake_net_delay(w.net, 20, 20);
	web_discover(&w, 0, "EX1", 6, 0);
	web_run(&w, 30);
	assert_int_equal(web_counters(&w, 1)->relayed_discoveries, 1);
	grasp_node_free(w.n[1].node);
	w.n[1].node = NULL;
	web_run(&w, 3000);
	assert_int_equal(w.n[0].diary.searched, 1);
	assert_int_equal(w.n[0].diary.found, 0);
}

/* --- floods ------------------------------------------------------------------------------------ */

static void
a_flood_crosses_links_once_with_one_hop_less_G_117_G_118_G_119(void **state)
{
	struct grasp_objective o[2] = { lab_objective("EX1", F_SYNCH, ONE),
		lab_objective("EX2", F_SYNCH, ONE) };
	struct grasp_msg m, first;
	unsigned last = chain(4);

	(void)state;
	assert_int_equal(grasp_flood_all(w.n[0].node, o, NULL, 2, 60000), 1);
	web_run(&w, 100);
	assert_non_null(web_message(&w, M_FLOOD, 1, 0, &first));
	for (unsigned link = 1; link <= 4; link++) {
		assert_int_equal(web_count(&w, M_FLOOD, link), 1);
		assert_non_null(web_message(&w, M_FLOOD, link, 0, &m));
		assert_int_equal(m.session_id, first.session_id);
		assert_memory_equal(&m.initiator, &first.initiator, sizeof m.initiator);
		assert_int_equal(m.flooded[0].loop_count, 7 - link);
		assert_int_equal(m.flooded[1].loop_count, 6); /* the first one counts */
	}
	assert_int_equal(grasp_flooded(w.n[last].node, slice_text("EX1"), NULL, NULL), 1);
	assert_int_equal(grasp_flooded(w.n[last].node, slice_text("EX2"), NULL, NULL), 1);
}

static void
a_flood_ends_where_its_loop_count_ends_G_119(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);

	(void)state;
	chain(6);
	for (uint8_t count = 1; count <= 6; count++) {
		fake_net_capture(w.net, false);
		fake_net_capture(w.net, true);
		o.loop_count = count;
		assert_int_equal(grasp_flood(w.n[0].node, &o, NULL, 1000), 1);
		web_run(&w, 100);
		for (unsigned link = 1; link <= 6; link++)
			assert_int_equal(web_count(&w, M_FLOOD, link), link <= count);
	}
}

static void
a_ring_carries_a_flood_once_per_link_and_relay_G_120(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	web_add(&w, NULL, 2, 3, 0);
	web_add(&w, NULL, 3, 1, 0);
	o.loop_count = 255;
	assert_int_equal(grasp_flood(w.n[0].node, &o, NULL, 1000), 1);
	web_run(&w, 5000);
	assert_int_equal(web_count(&w, M_FLOOD, 0), 1 + 3);
}

static void
a_flood_is_remembered_for_120_s_G_120(void **state)
{
	struct grasp_msg m = flood(7, 6);

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	web_cast_msg(&w, 0, 0, &m, NULL);
	web_run(&w, 119999);
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(web_count(&w, M_FLOOD, 2), 1);
	web_run(&w, 1);
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(web_count(&w, M_FLOOD, 2), 2);
}

static void
nothing_that_others_send_makes_a_relay_forget_G_120_S_10(void **state)
{
	struct grasp_msg m = flood(7, 6);

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	web_cast_msg(&w, 0, 0, &m, NULL);
	fake_net_capture(w.net, false);
	for (uint32_t id = 100; id < 100 + 6000; id++) {
		struct grasp_msg other = flood(id, 6);

		web_cast_msg(&w, 0, 0, &other, NULL);
		web_run(&w, 1);
	}
	fake_net_capture(w.net, true);
	web_run(&w, 5000); /* the budget is full again */
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(web_count(&w, M_FLOOD, 2), 0);
}

static void
floods_are_passed_on_at_a_limited_rate_G_121(void **state)
{
	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	fake_net_capture(w.net, false);
	for (uint32_t id = 1; id <= 1000; id++) {
		struct grasp_msg m = flood(id, 6);

		web_cast_msg(&w, 0, 0, &m, NULL);
		web_run(&w, 10);
	}
	assert_in_range(web_counters(&w, 0)->relayed_floods, 99, 101);
	assert_int_equal(web_counters(&w, 0)->floods, 1000);
}

static void
a_flood_that_was_meant_for_its_link_is_not_passed_on_G_122_I_06(void **state)
{
	struct grasp_msg m = flood(1, 1);

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	m.initiator = lab_initiator("fe80::99");
	web_cast_msg(&w, 0, 0, &m, NULL);
	m.session_id = 2;
	m.flooded[0].loop_count = 6;
	web_cast_msg(&w, 0, 0, &m, NULL);
	assert_int_equal(fake_packets(w.net), 0);
	assert_int_equal(web_counters(&w, 0)->bad_source, 1);
	assert_int_equal(grasp_flooded(w.n[0].node, slice_text("EX1"), NULL, NULL), 1);
}

static void
a_flood_is_passed_on_byte_for_byte_but_for_one_loop_count_I_25(void **state)
{
	/* A value in tag 24, a locator of an unknown protocol, and a signature behind it. */
	static const uint8_t bytes[] = { 0x86, 9, 0x18, 7, 0x44, 10, 0, 0, 1, 0x19, 0x03,
		0xe8, 0x82, 0x84, 0x63, 'E', 'X', '1', 4, 0x18, 6, 0xd8, 0x18, 0x41, 0x01,
		0x80, 0x82, 0x83, 0x63, 'E', 'X', '2', 4, 6, 0x84, 0x18, 103, 0x50, 1, 2,
		3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x19, 1, 0, 0x19, 0x1b,
		0x69, 0xd2, 0x41, 0x55 };
	const struct fake_packet *p;

	(void)state;
	web_add(&w, NULL, 1, 2, 0);
	web_cast(&w, 0, 0, (struct slice){ bytes, sizeof bytes }, NULL);
	p = web_message(&w, M_FLOOD, 2, 0, NULL);
	assert_non_null(p);
	assert_int_equal(p->data.len, sizeof bytes - 1); /* 18 06 has become 05 */
	assert_memory_equal(p->data.data, bytes, 19);
	assert_int_equal(p->data.data[19], 5);
	assert_memory_equal(p->data.data + 20, bytes + 21, sizeof bytes - 21);
}

/* --- ten thousand at once ------------------------------------------------------------------------ */

static void
a_power_on_of_many_on_many_links_stays_bounded_G_083_G_121(void **state)
{
	static const struct grasp_locator here = { .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP };
	struct grasp_objective o = lab_objective("EX1", F_SYNCH | F_DISC, ONE);
	unsigned links = 20, asking[60], found = 0;
	size_t sent;

	(void)state;
	for (unsigned i = 0; i < links; i++) /* a backbone, and a ring through all */
		web_add(&w, NULL, 100, 1 + i, 1 + (i + 1) % links, 0);
	for (unsigned i = 0; i < 60; i++)
		asking[i] = web_add(&w, &plain, 1 + i % links, 0);
	web_support(&w, 0, "EX1", NULL);
	for (unsigned i = 0; i < 60; i++)
		web_discover(&w, asking[i], "EX1", 6, 0);
	web_run(&w, 5000);
	sent = web_count(&w, M_DISCOVERY, 0);
	for (unsigned i = 0; i < 60; i++)
		found += w.n[asking[i]].diary.found > 0;
	/* Each relay passes one question on to two links at most, each question once. */
	assert_true(sent <= 60 + 60 * links * 2);
	assert_int_equal(found, 60);
	fake_net_capture(w.net, false);
	fake_net_capture(w.net, true);
	assert_int_equal(grasp_flood(w.n[0].node, &o, &here, 60000), 3);
	web_run(&w, 1000);
	assert_true(web_count(&w, M_FLOOD, 0) <= 3 + 2 * links);
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(
		    grasp_flooded(w.n[asking[i]].node, slice_text("EX1"), NULL, NULL), 1);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(
		    a_responder_behind_a_relay_is_found_at_the_first_attempt_G_079_G_080_G_087_I_18),
		CASE(the_copy_keeps_id_and_initiator_and_has_one_hop_less_G_081_G_082),
		CASE(
		    the_divert_goes_to_the_source_port_and_carries_the_question_s_id_G_050_G_087),
		CASE(a_loop_count_reaches_exactly_so_many_links_G_082),
		CASE(a_result_from_six_links_away_comes_through_all_relays_G_087),
		CASE(a_node_that_does_not_relay_is_silent_G_072),
		CASE(with_one_interface_there_is_nowhere_to_pass_it_on_G_072),
		CASE(who_answers_does_not_pass_the_question_on_G_080),
		CASE(a_second_copy_of_what_was_answered_is_not_passed_on_I_16),
		CASE(a_shared_objective_is_answered_and_passed_on),
		CASE(the_same_question_is_not_passed_on_twice_G_084_G_085),
		CASE(a_ring_carries_each_question_once_per_link_and_relay_G_085),
		CASE(a_responder_in_a_ring_answers_each_relay_once_I_16),
		CASE(results_after_the_relay_s_time_are_not_passed_on_G_086),
		CASE(all_responders_are_passed_on_late_ones_too_G_087),
		CASE(what_has_a_meaning_on_its_link_alone_is_not_passed_on_G_027),
		CASE(the_objective_of_a_response_is_passed_on_byte_for_byte_I_25),
		CASE(
		    a_question_is_passed_on_byte_for_byte_but_for_the_loop_count_I_15_I_25),
		CASE(decrementing_keeps_the_shortest_form_G_082),
		CASE(what_has_no_loop_count_left_is_not_decremented_G_082),
		CASE(two_who_ask_the_same_share_one_question),
		CASE(
		    a_question_that_shares_an_answer_is_not_passed_on_when_it_comes_round_G_085),
		CASE(
		    an_answer_is_awaited_as_long_as_the_last_one_who_shares_it_waits_G_086),
		CASE(who_asks_late_is_not_left_with_half_of_the_answers),
		CASE(one_question_brings_16_answers_through_a_relay_S_09),
		CASE(a_question_that_reaches_further_is_not_shared),
		CASE(
		    one_source_has_8_questions_a_second_passed_on_and_all_have_16_G_083_S_09),
		CASE(a_storm_of_questions_does_not_silence_floods_G_083_G_121),
		CASE(scope_groups_are_not_passed_on_nor_passed_to_F_08_SC_12),
		CASE(
		    a_question_over_a_stream_is_passed_on_and_answered_on_it_G_073_G_087),
		CASE(the_link_of_who_asked_may_go_G_056),
		CASE(the_interface_of_who_asked_may_go_G_056),
		CASE(a_relay_may_end_with_questions_under_way_G_056),
		CASE(a_flood_crosses_links_once_with_one_hop_less_G_117_G_118_G_119),
		CASE(a_flood_ends_where_its_loop_count_ends_G_119),
		CASE(a_ring_carries_a_flood_once_per_link_and_relay_G_120),
		CASE(a_flood_is_remembered_for_120_s_G_120),
		CASE(nothing_that_others_send_makes_a_relay_forget_G_120_S_10),
		CASE(floods_are_passed_on_at_a_limited_rate_G_121),
		CASE(a_flood_that_was_meant_for_its_link_is_not_passed_on_G_122_I_06),
		CASE(a_flood_is_passed_on_byte_for_byte_but_for_one_loop_count_I_25),
		CASE(a_power_on_of_many_on_many_links_stays_bounded_G_083_G_121),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
