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

	return candidates_add(&list, &a);
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
		LIST_TEST(a_liar_gets_six_attempts_a_minute_S_01),
		LIST_TEST(the_bound_is_not_for_who_has_given_a_lease),
		LIST_TEST(what_was_heard_expires_but_for_who_is_proven),
		LIST_TEST(a_good_session_ends_the_back_off),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
