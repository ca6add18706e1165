/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node tells of others, to whom and when. */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
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

/* Node 0 asks on link 1; node 1, on links 1 and 2, knows; node 2 supports EX1 on link 2, and node 1
 * has found it there. */
static void
knowing_of_another_link(const struct grasp_config *cfg)
{
	web_add(&w, &plain, 1, 0);
	web_add(&w, cfg, 1, 2, 0);
	web_add(&w, &plain, 2, 0);
	web_support(&w, 2, "EX1", NULL);
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 200);
	assert_int_equal(w.n[1].diary.found, 1);
}

/* The same on one link. */
static void
knowing_of_the_same_link(const struct grasp_config *cfg)
{
	web_add(&w, &plain, 1, 0);
	web_add(&w, cfg, 1, 0);
	web_add(&w, &plain, 1, 0);
	web_support(&w, 2, "EX1", NULL);
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 200);
	assert_int_equal(w.n[1].diary.found, 1);
	grasp_deregister(w.n[2].reg); /* it rests now */
}

static void
ask(const char *name)
{
	w.n[0].diary = (struct diary){ 0 };
	web_discover(&w, 0, name, 6, 1000);
}

static const struct grasp_config always = { .link_local = true,
	.assist = GRASP_ASSIST_ALWAYS };

/* --- of another link --------------------------------------------------------------------------- */

static void
what_was_found_on_another_link_is_told_as_a_divert_G_069(void **state)
{
	struct in6_addr ip = web_ip(&w, 2, 2);

	(void)state;
	knowing_of_another_link(&plain);
	ask("EX1");
	web_run(&w, 20);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_true(w.n[0].diary.diverted);
	assert_memory_equal(&w.n[0].diary.locator[0].ip, &ip, sizeof ip);
	assert_in_range(w.n[0].diary.ttl_ms, 59700, 59900); /* what is left (G-075) */
	assert_int_equal(web_counters(&w, 1)->diverts, 1);
	assert_int_equal(w.n[2].diary.asked, 1);
}

static void
a_relay_that_knows_does_not_pass_the_question_on_G_080(void **state)
{
	(void)state;
	knowing_of_another_link(NULL);
	ask("EX1");
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_int_equal(web_counters(&w, 1)->relayed_discoveries, 0);
	web_run(&w, 60000); /* it knows no more */
	ask("EX1");
	web_run(&w, 1000);
	assert_int_equal(web_counters(&w, 1)->relayed_discoveries, 1);
	assert_int_equal(w.n[0].diary.found, 1);
}

static void
who_shall_not_assist_is_silent_F_10(void **state)
{
	static const struct grasp_config off = { .link_local = true,
		.assist = GRASP_ASSIST_OFF };

	(void)state;
	knowing_of_another_link(&off);
	ask("EX1");
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 0);
	assert_int_equal(web_counters(&w, 1)->diverts, 0);
}

static void
an_objective_s_own_rule_goes_before_the_node_s_F_10(void **state)
{
	struct grasp_support support = diary_support;

	(void)state;
	knowing_of_another_link(&plain);
	support.assist = GRASP_ASSIST_OFF;
	w.n[1].diary.refuse = true;
	web_support(&w, 1, "EX1", &support);
	ask("EX1");
	web_run(&w, 1000);
	assert_int_equal(w.n[1].diary.asked, 1);
	assert_int_equal(w.n[0].diary.found, 0);
}

static void
all_that_are_known_are_told_in_one_divert_G_069_G_076(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, &plain, 1, 2, 0);
	for (unsigned i = 2; i < 5; i++) {
		web_add(&w, &plain, 2, 0);
		w.n[i].diary.answer = ONE;
		web_support(&w, i, "EX1", NULL);
	}
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 200);
	assert_int_equal(w.n[1].diary.found, 3);
	ask("EX1");
	web_run(&w, 100);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_int_equal(w.n[0].diary.locators, 3);
	assert_false(w.n[0].diary.has_objective); /* whose value would it be? */
}

static void
one_responder_s_value_goes_with_its_locator(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, &plain, 1, 2, 0);
	web_add(&w, &plain, 2, 0);
	w.n[2].diary.answer = ONE;
	web_support(&w, 2, "EX1", NULL);
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 200);
	ask("EX1");
	web_run(&w, 100);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_true(w.n[0].diary.has_objective);
	assert_int_equal(w.n[0].diary.value[0], 1);
}

static void
who_asks_is_not_told_of_himself_F_20(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 2, 0); /* 0 supports it and asks for it */
	web_support(&w, 0, "EX1", NULL);
	web_add(&w, &plain, 1, 2, 0);
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 200);
	assert_int_equal(w.n[1].diary.found, 2); /* on either link */
	ask("EX1");
	web_run(&w, 100);
	for (unsigned i = 0; i < w.n[0].diary.locators; i++) {
		struct in6_addr own = web_ip(&w, 0, 1);

		assert_memory_not_equal(&w.n[0].diary.locator[i].ip, &own, sizeof own);
	}
}

/* Node 1 hears a flood on its interface number 1 (link 2) with this locator. */
static void
flood_at(const struct grasp_locator *l, unsigned flags, uint32_t ttl_ms)
{
	struct grasp_msg m = {
		.type = M_FLOOD, .session_id = 77, .time_ms = ttl_ms, .items = 1
	};

	m.initiator = lab_initiator("2001:db8::99");
	m.flooded[0] = lab_objective("EX1", flags, ONE);
	m.flooded[0].loop_count = 6;
	m.locator[0] = *l;
	web_cast_msg(&w, 1, 1, &m, NULL);
}

static void
what_was_flooded_with_a_locator_is_told_as_well_G_069(void **state)
{
	struct grasp_locator l = { O_IPv6_LOCATOR, lab_ip("2001:db8::42"), { 0 },
		GRASP_TCP, 99 };

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, &plain, 1, 2, 0);
	flood_at(&l, F_DISC | F_SYNCH, 20000);
	web_run(&w, 5000);
	ask("EX1");
	web_run(&w, 20);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_int_equal(w.n[0].diary.locator[0].port, 99);
	assert_in_range(w.n[0].diary.ttl_ms, 14900, 15000);
	assert_int_equal(w.n[0].diary.value[0], 1);
}

static void
a_flood_for_ever_is_told_for_600_s_I_17(void **state)
{
	struct grasp_locator l = { O_IPv6_LOCATOR, lab_ip("2001:db8::42"), { 0 },
		GRASP_TCP, 99 };

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, &plain, 1, 2, 0);
	flood_at(&l, F_DISC | F_SYNCH, 0);
	ask("EX1");
	web_run(&w, 20);
	assert_int_equal(w.n[0].diary.ttl_ms, 600000);
}

static void
a_flood_that_is_not_for_discovery_is_not_told(void **state)
{
	struct grasp_locator l = { O_IPv6_LOCATOR, lab_ip("2001:db8::42"), { 0 },
		GRASP_TCP, 99 };

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, &plain, 1, 2, 0);
	flood_at(&l, F_SYNCH, 20000);
	ask("EX1");
	web_run(&w, 500);
	assert_int_equal(w.n[0].diary.found, 0);
}

static void
what_must_not_stand_in_a_divert_is_not_told_G_027_G_028_G_029(void **state)
{
	static const struct grasp_config nat = { .link_local = true, .nat = true };
	const struct {
		struct grasp_locator l;
		bool nat, told;
	} cases[] = {
		{ { O_IPv6_LOCATOR, lab_ip("fe80::42"), { 0 }, GRASP_TCP, 9 }, false,
		    false },
		{ { O_IPv6_LOCATOR, lab_ip("fd00::42"), { 0 }, GRASP_TCP, 9 }, false,
		    true },
		{ { O_IPv4_LOCATOR, lab_ip("::ffff:10.0.0.1"), { 0 }, GRASP_TCP, 9 },
		    false, true },
		{ { O_IPv4_LOCATOR, lab_ip("::ffff:10.0.0.1"), { 0 }, GRASP_TCP, 9 },
		    true, false },
		{ { O_FQDN_LOCATOR, { { { 0 } } }, slice_text("c.local"), GRASP_TCP, 9 },
		    false, false },
		{ { O_FQDN_LOCATOR, { { { 0 } } }, slice_text("c.example.org"), GRASP_TCP,
		      9 },
		    true, true },
		{ { O_URI_LOCATOR, { { { 0 } } }, slice_text("coap://c.local/x"), -1,
		      -1 },
		    false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		web_add(&w, &plain, 1, 0);
		web_add(&w, cases[i].nat ? &nat : &plain, 1, 2, 0);
		flood_at(&cases[i].l, F_DISC, 20000);
		ask("EX1");
		web_run(&w, 500);
		assert_int_equal(w.n[0].diary.found, cases[i].told);
		teardown(NULL);
		setup(NULL);
	}
}

/* --- of the same link --------------------------------------------------------------------------- */

static void
what_the_asker_s_own_link_told_is_not_told_there_G_070(void **state)
{
	(void)state;
	knowing_of_the_same_link(&plain);
	ask("EX1");
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 0);
}

static void
a_neighbour_assists_after_50_to_200_ms_where_it_is_wanted_F_10(void **state)
{
	int64_t asked, told;

	(void)state;
	knowing_of_the_same_link(&always);
	for (int i = 0; i < 20; i++) {
		ask("EX1");
		asked = fake_now(w.net);
		while (w.n[0].diary.found == 0 && fake_now(w.net) < asked + 1000)
			web_run(&w, 1);
		told = fake_now(w.net);
		assert_int_equal(w.n[0].diary.found, 1);
		assert_in_range(told - asked, 51, 210);
		web_run(&w, 1000);
	}
	assert_int_equal(web_counters(&w, 1)->diverts, 20);
}

static void
a_neighbour_assists_with_what_has_half_of_its_life_left_F_10(void **state)
{
	(void)state;
	knowing_of_the_same_link(&always);
	web_run(&w, 29500);
	ask("EX1");
	web_run(&w, 1000); /* its time is over by the time of the answer, or just not */
	web_run(&w, 1000);
	ask("EX1");
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 0);
}

static void
a_neighbour_assists_5_times_a_second_F_10(void **state)
{
	(void)state;
	knowing_of_the_same_link(&always);
	for (uint32_t id = 1; id <= 1000; id++) { /* in 10 s, by many */
		struct grasp_msg m = {
			.type = M_DISCOVERY, .session_id = id, .has_objective = true
		};

		m.initiator = lab_initiator("2001:db8::99");
		m.objective = lab_objective("EX1", F_DISC, (struct slice){ 0 });
		m.objective.loop_count = 1;
		web_cast_msg(&w, 1, 0, &m, "fe80::1");
		web_run(&w, 10);
	}
	/* one source: 5 at first and one a second (S-09), and never more than 5 a second */
	assert_in_range(web_counters(&w, 1)->diverts, 10, 15);
	assert_true(web_counters(&w, 1)->rate_limited >= 1000 - 15 - 50);
}

static void
whoever_asks_a_neighbour_assists_5_times_a_second_F_10(void **state)
{
	(void)state;
	knowing_of_the_same_link(&always);
	for (uint32_t id = 1; id <= 30; id++) { /* three sources, at once */
		static const char *const from[] = { "fe80::1", "fe80::3", "fe80::99" };
		struct grasp_msg m = {
			.type = M_DISCOVERY, .session_id = id, .has_objective = true
		};

		m.initiator = lab_initiator("2001:db8::99");
		m.objective = lab_objective("EX1", F_DISC, (struct slice){ 0 });
		m.objective.loop_count = 1;
		web_cast_msg(&w, 1, 0, &m, from[id % 3]);
	}
	web_run(&w, 1000);
	assert_in_range(web_counters(&w, 1)->diverts, 1, 5);
}

static void
of_many_who_know_a_few_assist_S_09(void **state)
{
	struct grasp_locator l = { O_IPv6_LOCATOR, lab_ip("2001:db8::42"), { 0 },
		GRASP_TCP, 99 };
	unsigned told = 0;

	(void)state;
	web_add(&w, &plain, 1, 0);
	for (unsigned i = 1; i <= 60; i++) {
		struct grasp_msg m = {
			.type = M_FLOOD, .session_id = 77, .time_ms = 60000, .items = 1
		};

		web_add(&w, &always, 1, 0);
		m.initiator = lab_initiator("2001:db8::99");
		m.flooded[0] = lab_objective("EX1", F_DISC, ONE);
		m.flooded[0].loop_count = 1;
		m.locator[0] = l;
		web_cast_msg(&w, i, 0, &m, NULL);
	}
	for (unsigned i = 1; i <= 60; i++)
		web_discover(&w, i, "EX9", 1, 0); /* all have spoken */
	web_run(&w, 1000);
	for (int i = 0; i < 10; i++) {
		ask("EX1");
		web_run(&w, 2000);
		told += w.n[0].diary.found;
	}
	assert_in_range(told, 10, 80); /* of 600; about 3 each time are meant */
}

static void
who_is_asked_in_person_answers_at_once_G_073(void **state)
{
	struct addr to = { .ip = web_ip(&w, 1, 1), .port = GRASP_LISTEN_PORT };
	struct grasp_objective o = lab_objective("EX1", F_DISC, (struct slice){ 0 });
	struct grasp_link *l;

	(void)state;
	knowing_of_the_same_link(&always);
	assert_int_equal(
	    grasp_link_open(w.n[0].node, &to, &diary_link, &w.n[0].diary, &l), 0);
	web_run(&w, 10);
	assert_int_equal(grasp_discover_at(l, &o, 0, diary_found, diary_searched,
			     &w.n[0].diary, &w.n[0].d),
	    0);
	web_run(&w, 5);
	assert_int_equal(w.n[0].diary.found, 1);
	assert_true(w.n[0].diary.diverted);
	grasp_link_close(l);
}

static void
a_node_may_end_before_it_assists_G_056(void **state)
{
	(void)state;
	knowing_of_the_same_link(&always);
	ask("EX1");
	web_run(&w, 20);
	grasp_node_free(w.n[1].node);
	w.n[1].node = NULL;
	web_run(&w, 1000);
	assert_int_equal(w.n[0].diary.found, 0);
}

/* --- what is known, for the program itself -------------------------------------------------------- */

static void
what_was_found_is_known_for_its_ttl_G_074_G_075_A_06(void **state)
{
	struct diary d = { 0 };
	struct addr at = { .ip = web_ip(&w, 2, 2), .port = GRASP_LISTEN_PORT };
	struct grasp_node *n;

	(void)state;
	knowing_of_another_link(&plain);
	n = w.n[1].node;
	assert_int_equal(grasp_cached(n, slice_text("EX1"), 1000, diary_found, &d), 1);
	assert_int_equal(d.found, 1);
	assert_false(d.diverted);
	assert_int_equal(d.locator[0].port, GRASP_LISTEN_PORT);
	assert_int_equal(d.from.ifindex, w.n[1].ifindex[1]);
	assert_in_range(d.ttl_ms, 59700, 59900);
	assert_int_equal(grasp_cached(n, slice_text("EX2"), 0, diary_found, &d), 0);
	assert_int_equal(grasp_cached(n, slice_text("EX1"), 60000, diary_found, &d), 0);
	assert_int_equal(grasp_cached(n, slice_text("EX1"), 0, diary_found, &d), 0);
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 200);
	assert_int_equal(grasp_cached(n, slice_text("EX1"), 0, NULL, NULL), 1);
	grasp_cache_forget(n, slice_text("EX1"), &at);
	assert_int_equal(grasp_cached(n, slice_text("EX1"), 0, NULL, NULL), 0);
}

static void
what_a_relay_has_asked_for_others_is_known_to_it_G_074_G_087(void **state)
{
	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	web_add(&w, &plain, 2, 0);
	web_support(&w, 2, "EX1", NULL);
	ask("EX1");
	web_run(&w, 100);
	assert_int_equal(grasp_cached(w.n[1].node, slice_text("EX1"), 0, NULL, NULL), 1);
	assert_int_equal(grasp_cached(w.n[0].node, slice_text("EX1"), 0, NULL, NULL), 1);
}

static void
forget_and_free(struct diary *d)
{
	(void)d;
	grasp_node_free(w.n[1].node);
	w.n[1].node = NULL;
}

static void
a_node_may_end_while_it_tells_what_it_knows(void **state)
{
	struct diary d = { .then = forget_and_free };

	(void)state;
	knowing_of_another_link(&plain);
	assert_int_equal(
	    grasp_cached(w.n[1].node, slice_text("EX1"), 0, diary_found, &d), 1);
	assert_null(w.n[1].node);
	web_run(&w, 1000);
}

static void
forget_it(struct diary *d)
{
	struct addr at = { .ip = d->locator[0].ip, .port = GRASP_LISTEN_PORT };

	grasp_cache_forget(w.n[1].node, slice_text("EX1"), &at);
}

static void
what_is_told_may_be_forgotten_meanwhile_A_12(void **state)
{
	struct diary d = { .then = forget_it };

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, &plain, 1, 2, 0);
	for (unsigned i = 2; i < 5; i++) {
		web_add(&w, &plain, 2, 0);
		web_support(&w, i, "EX1", NULL);
	}
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 200);
	assert_int_equal(
	    grasp_cached(w.n[1].node, slice_text("EX1"), 0, diary_found, &d), 3);
	assert_int_equal(grasp_cached(w.n[1].node, slice_text("EX1"), 0, NULL, NULL), 0);
}

static void
put_many(struct diary *d)
{
	(void)d;
	for (int i = 1; i < 20; i++) {
		struct grasp_locator l = { O_IPv6_LOCATOR, lab_ip("2001:db8::77"), { 0 },
			GRASP_TCP, i };

		assert_int_equal(
		    grasp_cache_put(w.n[1].node, slice_text("EX1"), &l, 1000), 0);
	}
}

static void
more_may_become_known_while_it_is_told(void **state)
{
	struct diary d = { .then = put_many };
	struct grasp_locator l = { O_IPv6_LOCATOR, lab_ip("2001:db8::78"), { 0 },
		GRASP_TCP, 1 };

	(void)state;
	web_add(&w, &plain, 1, 0);
	web_add(&w, &plain, 1, 0);
	for (l.port = 1; l.port <= 8; l.port++)
		assert_int_equal(
		    grasp_cache_put(w.n[1].node, slice_text("EX1"), &l, 1000), 0);
	assert_in_range(
	    grasp_cached(w.n[1].node, slice_text("EX1"), 0, diary_found, &d), 1, 8);
	assert_int_equal(grasp_cached(w.n[1].node, slice_text("EX1"), 0, NULL, NULL), 8);
	assert_int_equal(grasp_cache_put(w.n[1].node, slice_text("EX1"), &l, 1000), 0);
	assert_int_equal(w.n[1].node->found.count, 8);
}

/* --- for whom ---------------------------------------------------------------------------------- */

static const uint8_t two = 2;

static void
ask_for(struct slice value)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_NEG, value);

	w.n[0].diary = (struct diary){ 0 };
	o.loop_count = 6;
	assert_int_equal(grasp_discover(w.n[0].node, &o, 1000, diary_found,
			     diary_searched, &w.n[0].diary, &w.n[0].d),
	    0);
	web_run(&w, 1000);
}

static bool
equal_values(
    void *arg, const struct grasp_objective *asked, const struct grasp_objective *known)
{
	(void)arg;
	return slice_equal(asked->value, known->value);
}

/* Node 1 passes on; node 2, on link 2, has answered it with the value 1. */
static void
knowing_a_value(const struct grasp_support *of_the_relay)
{
	web_add(&w, &plain, 1, 0);
	web_add(&w, NULL, 1, 2, 0);
	web_add(&w, &plain, 2, 0);
	web_support(&w, 2, "EX1", NULL);
	w.n[2].diary.answer = ONE;
	web_discover(&w, 1, "EX1", 1, 0);
	web_run(&w, 700);
	assert_int_equal(w.n[1].diary.found, 1);
	w.n[1].diary.refuse = true;
	if (of_the_relay)
		web_support(&w, 1, "EX1", of_the_relay);
}

static void
who_asks_for_a_value_is_told_and_asks_on_where_nobody_can_tell_whether_it_fits_F_10_G_080(
    void **state)
{
	(void)state;
	knowing_a_value(NULL);
	ask_for(ONE);
	assert_int_equal(web_counters(&w, 1)->diverts, 1);
	assert_int_equal(web_counters(&w, 1)->relayed_discoveries, 1);
	assert_int_equal(w.n[0].diary.found, 2);
}

static void
who_fits_is_told_and_settles_the_question_F_10(void **state)
{
	struct grasp_support support = diary_support;

	(void)state;
	support.fits = equal_values;
	knowing_a_value(&support);
	ask_for(ONE);
	assert_int_equal(web_counters(&w, 1)->diverts, 1);
	assert_int_equal(web_counters(&w, 1)->relayed_discoveries, 0);
	assert_int_equal(w.n[0].diary.found, 1);
}

static void
who_does_not_fit_is_not_told_and_the_question_goes_on_F_10_G_080(void **state)
{
	struct grasp_support support = diary_support;

	(void)state;
	support.fits = equal_values;
	knowing_a_value(&support);
	ask_for((struct slice){ &two, 1 });
	assert_int_equal(web_counters(&w, 1)->diverts, 0);
	assert_int_equal(web_counters(&w, 1)->relayed_discoveries, 1);
	assert_int_equal(w.n[0].diary.found, 1); /* node 2 itself, which takes any */
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_found_on_another_link_is_told_as_a_divert_G_069),
		CASE(a_relay_that_knows_does_not_pass_the_question_on_G_080),
		CASE(who_shall_not_assist_is_silent_F_10),
		CASE(an_objective_s_own_rule_goes_before_the_node_s_F_10),
		CASE(all_that_are_known_are_told_in_one_divert_G_069_G_076),
		CASE(one_responder_s_value_goes_with_its_locator),
		CASE(who_asks_is_not_told_of_himself_F_20),
		CASE(what_was_flooded_with_a_locator_is_told_as_well_G_069),
		CASE(a_flood_for_ever_is_told_for_600_s_I_17),
		CASE(a_flood_that_is_not_for_discovery_is_not_told),
		CASE(what_must_not_stand_in_a_divert_is_not_told_G_027_G_028_G_029),
		CASE(what_the_asker_s_own_link_told_is_not_told_there_G_070),
		CASE(a_neighbour_assists_after_50_to_200_ms_where_it_is_wanted_F_10),
		CASE(a_neighbour_assists_with_what_has_half_of_its_life_left_F_10),
		CASE(a_neighbour_assists_5_times_a_second_F_10),
		CASE(whoever_asks_a_neighbour_assists_5_times_a_second_F_10),
		CASE(of_many_who_know_a_few_assist_S_09),
		CASE(who_is_asked_in_person_answers_at_once_G_073),
		CASE(a_node_may_end_before_it_assists_G_056),
		CASE(what_was_found_is_known_for_its_ttl_G_074_G_075_A_06),
		CASE(what_a_relay_has_asked_for_others_is_known_to_it_G_074_G_087),
		CASE(a_node_may_end_while_it_tells_what_it_knows),
		CASE(what_is_told_may_be_forgotten_meanwhile_A_12),
		CASE(more_may_become_known_while_it_is_told),
		CASE(
		    who_asks_for_a_value_is_told_and_asks_on_where_nobody_can_tell_whether_it_fits_F_10_G_080),
		CASE(who_fits_is_told_and_settles_the_question_F_10),
		CASE(who_does_not_fit_is_not_told_and_the_question_goes_on_F_10_G_080),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
