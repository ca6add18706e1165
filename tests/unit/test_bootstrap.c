/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bootstrap.h"

#include "tests/support/lab.h"
#include "tests/support/test.h"

/* Node 0 answers for a controller, node 1 looks for one. */
static struct lab lab;
static struct diary controller, other;
static struct bootstrap *bootstrap;
static struct grasp_registration *offer;
static unsigned news;

static void
heard(void *arg, const struct addr *again)
{
	(void)arg;
	(void)again;
	news++;
}

static int
setup(void **state)
{
	static const struct fog_id id = { { 1 } };
	const struct bootstrap_config cfg = { .domain = "", .attributes = "", .id = &id };

	(void)state;
	controller = other = (struct diary){ 0 };
	news = 0;
	lab_init(&lab, 2, LAB_LINK);
	assert_int_equal(grasp_register(lab.node[0], FOGDOMAIN, F_DISC | F_SYNCH,
			     &diary_support, &controller, &offer),
	    0);
	return bootstrap_new(lab.node[1], &cfg, heard, NULL, &bootstrap);
}

static int
teardown(void **state)
{
	(void)state;
	bootstrap_free(bootstrap);
	lab_done(&lab);
	return 0;
}

static unsigned
candidates(void)
{
	const struct candidate *list;

	return (unsigned)bootstrap_candidates(bootstrap, &list);
}

/* The first question arrives, no other one; the stream of the answer opens a second late, as if its
 * first segment had been lost. */
static bool
pass_late(void *arg, const struct fake_packet *p)
{
	const int64_t *opens_ms = arg;

	if (p->kind == FAKE_DATAGRAM)
		return fake_count(lab.net, M_DISCOVERY) == 1;
	return fake_now(lab.net) >= *opens_ms;
}

static void
an_answer_that_comes_a_second_late_is_taken_G_060(void **state)
{
	int64_t opens_ms = fake_now(lab.net) + 1100;

	(void)state;
	fake_net_filter(lab.net, pass_late, &opens_ms);
	bootstrap_search(bootstrap, 0);
	fake_run(lab.net, 1000);
	assert_int_equal(candidates(), 0);
	fake_run(lab.net, 400);
	assert_int_equal(controller.asked, 1);
	assert_int_equal(candidates(), 1);
	assert_true(news > 0);
}

static void
find_by_hand(void)
{
	const struct grasp_objective o =
	    lab_objective(FOGDOMAIN, F_DISC | F_SYNCH, (struct slice){ 0 });
	struct grasp_discovery *d;

	assert_int_equal(
	    grasp_discover(lab.node[1], &o, 0, diary_found, diary_searched, &other, &d),
	    0);
	fake_run(lab.net, 600);
	assert_int_equal(other.responses, 1);
}

static void
what_the_node_has_found_for_others_needs_no_search_G_074(void **state)
{
	(void)state;
	find_by_hand();
	bootstrap_search(bootstrap, 0);
	fake_run(lab.net, 5000);
	assert_int_equal(candidates(), 1);
	assert_int_equal(bootstrap_searches(bootstrap), 0);
}

static void
who_did_not_answer_is_forgotten_and_searched_for_A_12(void **state)
{
	const struct candidate *list;

	(void)state;
	find_by_hand();
	bootstrap_search(bootstrap, 0);
	fake_run(lab.net, 1);
	assert_int_equal(bootstrap_candidates(bootstrap, &list), 1);
	bootstrap_failed(bootstrap, &list[0].addr);
	assert_int_equal(
	    grasp_cached(lab.node[1], slice_text(FOGDOMAIN), 0, diary_found, &other), 0);
	fake_run(lab.net, 5000);
	assert_true(bootstrap_searches(bootstrap) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_answer_that_comes_a_second_late_is_taken_G_060, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_the_node_has_found_for_others_needs_no_search_G_074, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    who_did_not_answer_is_forgotten_and_searched_for_A_12, setup,
		    teardown),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
