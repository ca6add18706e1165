/* SPDX-License-Identifier: Apache-2.0
 *
 * Which address is tried next, how often, and who has to make room. */
#include "agent/candidates.h"
#include "tests/support/io_fake.h"
#include "tests/support/test.h"

#include <string.h>

static struct fake_net *net;
static struct candidates list;

static int
setup(void **state)
{
	(void)state;
	net = fake_net_new(7);
	candidates_init(&list, fake_host_io(fake_host_new(net)));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_net_free(net);
	return 0;
}

static struct addr
address(unsigned n)
{
	struct addr a = { .port = 7017 };

	a.ip.s6_addr[0] = 0x20;
	a.ip.s6_addr[14] = (uint8_t)(n >> 8);
	a.ip.s6_addr[15] = (uint8_t)n;
	return a;
}

static struct candidate *
add(unsigned n)
{
	struct addr a = address(n);

	return candidates_add(&list, &a, true);
}

static struct candidate *
find(unsigned n)
{
	struct addr a = address(n);

	return candidates_find(&list, &a);
}

static struct candidate *
pick(void)
{
	int64_t due;

	return candidates_pick(&list, fake_now(net), &due);
}

static void
there_are_never_more_than_thirty_two_S_01(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		add(i);
	assert_int_equal(list.len, CANDIDATES_MAX);
	assert_non_null(find(0)); /* who has not been tried keeps the place */
	assert_null(find(999));
}

static void
who_has_failed_makes_room_and_who_is_proven_never_S_01(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		add(i);
	find(3)->proven = true;
	candidate_failed(&list, find(3));
	assert_null(add(100));
	candidate_failed(&list, find(4));
	assert_non_null(add(100));
	assert_null(find(4));
	assert_non_null(find(3));
}

static void
the_configured_and_the_vouched_for_outlast_strangers_S_01(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		candidate_failed(&list, add(i));
	find(0)->fixed = true;
	find(1)->vouched = true;
	for (unsigned i = 100; i < 130; i++)
		candidate_failed(&list, add(i));
	assert_non_null(find(0));
	assert_non_null(find(1));
}

static void
proven_ones_are_first_then_those_vouched_for_then_by_turns_S_01(void **state)
{
	(void)state;
	add(1)->retry_ms = 30;
	add(2)->retry_ms = 10;
	add(3)->retry_ms = 40;
	add(4)->retry_ms = 20;
	find(3)->vouched = true;
	find(4)->proven = true;
	assert_ptr_equal(pick(), find(4));
	candidate_failed(&list, find(4));
	assert_ptr_equal(pick(), find(3));
	candidate_failed(&list, find(3));
	assert_ptr_equal(pick(), find(2));
	candidate_failed(&list, find(2));
	assert_ptr_equal(pick(), find(1));
}

static void
those_tried_least_are_next_and_of_these_the_newest_S_01(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 4; i++)
		add(i)->heard_ms = i;
	candidate_failed(&list, find(4));
	find(4)->retry_ms = 0; /* due long before the others */
	for (unsigned i = 3; i > 0; i--) {
		assert_ptr_equal(pick(), find(i));
		candidate_failed(&list, find(i));
		find(i)->retry_ms = INT64_MAX;
	}
	assert_ptr_equal(pick(), find(4));
}

static void
who_is_being_tried_keeps_the_place_and_is_not_picked_again_S_01(void **state)
{
	(void)state;
	add(1)->trying = true;
	candidate_failed(&list, add(2));
	find(1)->failures = 9;
	for (unsigned i = 3; i <= CANDIDATES_MAX; i++)
		add(i);
	assert_non_null(add(100)); /* in the place of 2 */
	assert_null(find(2));
	find(1)->expires_ms = fake_now(net);
	for (unsigned i = 3; i <= CANDIDATES_MAX; i++)
		find(i)->retry_ms = INT64_MAX;
	find(100)->retry_ms = INT64_MAX;
	assert_null(pick());
	assert_non_null(find(1));
	find(1)->expires_ms = INT64_MAX;
	candidate_failed(&list, find(1));
	find(1)->retry_ms = fake_now(net);
	assert_ptr_equal(pick(), find(1));
}

static void
who_spoke_up_when_asked_is_tried_before_hearsay_and_takes_its_place_S_01(void **state)
{
	struct addr asked = address(100);

	(void)state;
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		add(i)->heard_ms = 1;
	assert_null(add(99));
	assert_non_null(candidates_add(&list, &asked, false));
	find(100)->asked = true;
	assert_ptr_equal(pick(), find(100));
	candidate_failed(&list, find(100)); /* once */
	find(100)->retry_ms = fake_now(net);
	assert_ptr_not_equal(pick(), find(100));
}

static void
one_address_is_not_a_crowd_by_its_ports_S_01(void **state)
{
	struct addr a = address(1);

	(void)state;
	for (a.port = 1; a.port <= CANDIDATE_PORTS_MAX; a.port++)
		assert_non_null(candidates_add(&list, &a, true));
	assert_null(candidates_add(&list, &a, true));
	assert_non_null(candidates_add(&list, &a, false)); /* when it was asked */
	assert_non_null(add(2));
}

/* A liar says all the time that it was started anew. */
static unsigned
attempts_in(int64_t ms)
{
	unsigned attempts = 0;

	for (int64_t end = fake_now(net) + ms; fake_now(net) < end; fake_run(net, 50)) {
		candidate_wake(&list, find(1));
		if (pick()) {
			candidate_failed(&list, pick());
			attempts++;
		}
	}
	return attempts;
}

static void
a_liar_gets_six_attempts_a_minute_S_01(void **state)
{
	(void)state;
	add(1);
	for (unsigned minute = 0; minute < 10; minute++)
		assert_in_range(attempts_in(60000), 1, CANDIDATE_TRIES_PER_MIN);
}

static void
a_liar_who_comes_back_in_a_crowd_gets_no_more_than_that_S_01(void **state)
{
	unsigned attempts = 0;

	(void)state;
	for (unsigned i = 0; i < 1200; i++, fake_run(net, 50)) {
		if (!find(1) && add(1))
			candidate_begin(find(1), fake_now(net));
		struct candidate *c = pick();
		attempts += c && c == find(1);
		if (c)
			candidate_failed(&list, c);
		if (find(1) && find(1)->failures)
			candidates_remove(&list, find(1)); /* others have come */
	}
	assert_in_range(attempts, 3, CANDIDATE_TRIES_PER_MIN);
}

/* It would keep a node from its own controller that comes back. */
static void
the_bound_is_not_for_who_has_given_a_lease(void **state)
{
	(void)state;
	add(1)->proven = true;
	for (unsigned i = 0; i < 2 * CANDIDATE_TRIES_PER_MIN; i++)
		candidate_failed(&list, find(1));
	assert_true(candidate_wake(&list, find(1)));
	assert_true(find(1)->retry_ms <= fake_now(net) + 500);
}

static void
what_was_heard_expires_but_for_who_is_proven(void **state)
{
	(void)state;
	add(1)->expires_ms = fake_now(net) + 1000;
	add(2)->expires_ms = fake_now(net) + 1000;
	find(2)->proven = true;
	fake_run(net, 1000);
	(void)pick();
	assert_null(find(1));
	assert_non_null(find(2));
}

static void
a_good_session_ends_the_back_off(void **state)
{
	(void)state;
	struct candidate *c = add(1);

	for (unsigned i = 0; i < 5; i++)
		candidate_failed(&list, c);
	candidate_lost(&list, c, 59999);
	assert_int_equal(c->failures, 6);
	candidate_lost(&list, c, 60000);
	assert_int_equal(c->failures, 0);
	assert_in_range(c->retry_ms - fake_now(net), 1000, 5000);
}

#define LIST_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(there_are_never_more_than_thirty_two_S_01),
		LIST_TEST(who_has_failed_makes_room_and_who_is_proven_never_S_01),
		LIST_TEST(the_configured_and_the_vouched_for_outlast_strangers_S_01),
		LIST_TEST(
		    proven_ones_are_first_then_those_vouched_for_then_by_turns_S_01),
		LIST_TEST(those_tried_least_are_next_and_of_these_the_newest_S_01),
		LIST_TEST(
		    who_is_being_tried_keeps_the_place_and_is_not_picked_again_S_01),
		LIST_TEST(
		    who_spoke_up_when_asked_is_tried_before_hearsay_and_takes_its_place_S_01),
		LIST_TEST(one_address_is_not_a_crowd_by_its_ports_S_01),
		LIST_TEST(a_liar_gets_six_attempts_a_minute_S_01),
		LIST_TEST(a_liar_who_comes_back_in_a_crowd_gets_no_more_than_that_S_01),
		LIST_TEST(the_bound_is_not_for_who_has_given_a_lease),
		LIST_TEST(what_was_heard_expires_but_for_who_is_proven),
		LIST_TEST(a_good_session_ends_the_back_off),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
