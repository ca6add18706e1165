/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include "grasp/limit.h"
#include "tests/support/lab.h"

static unsigned
taken(struct limit *l, int64_t now_ms, unsigned tries)
{
	unsigned n = 0;

	while (tries-- > 0)
		n += limit_take(l, now_ms, 2, 5);
	return n;
}

static void
a_burst_passes_and_then_the_rate(void **state)
{
	struct limit l = { 0 };

	(void)state;
	assert_int_equal(taken(&l, 1000, 100), 5);
	assert_int_equal(taken(&l, 1499, 100), 0);
	assert_int_equal(taken(&l, 1500, 100), 1);
	assert_int_equal(taken(&l, 3000, 100), 3);
}

static void
a_quiet_time_saves_up_no_more_than_a_burst(void **state)
{
	struct limit l = { 0 };

	(void)state;
	assert_int_equal(taken(&l, 1000, 100), 5);
	assert_int_equal(taken(&l, 1000000, 100), 5);
}

static void
what_was_spent_has_to_be_waited_for(void **state)
{
	struct limit l = { 0 };

	(void)state;
	assert_int_equal(limit_spend(&l, 1000, 100, 500, 499), 0);
	assert_in_range(limit_spend(&l, 1000, 100, 500, 1), 1, 11);
	assert_in_range(limit_spend(&l, 1000, 100, 500, 100), 1000, 1011);
	assert_int_equal(limit_spend(&l, 60000, 100, 500, 1), 0);
	l = (struct limit){ 0 };
	assert_int_equal(limit_spend(&l, 1000, 262144, 262144, 262143), 0);
	assert_in_range(limit_spend(&l, 1000, 262144, 262144, 65536), 250, 252);
	assert_int_equal(limit_spend(&l, 2000, 262144, 262144, 1), 0);
}

static void
a_source_keeps_its_bucket_and_others_have_theirs(void **state)
{
	static struct limit_sources t = { .seed = 3 };
	struct addr a = { .ip = lab_ip("2001:db8::1"), .port = 1 }, b = a, c = a;
	struct limit *first = limit_of_source(&t, &a);

	(void)state;
	b.port = 2;
	c.ip = lab_ip("2001:db8::2");
	assert_ptr_equal(limit_of_source(&t, &b), first);
	assert_ptr_not_equal(limit_of_source(&t, &c), first);
}

static void
the_same_link_local_address_on_two_links_is_two_sources(void **state)
{
	static struct limit_sources t = { .seed = 3 };
	struct addr a = { .ip = lab_ip("fe80::1"), .ifindex = 1 }, b = a;

	(void)state;
	b.ifindex = 2;
	assert_ptr_not_equal(limit_of_source(&t, &a), limit_of_source(&t, &b));
}

static void
note(struct peers *p, unsigned sources, int64_t now)
{
	for (unsigned i = 0; i < sources; i++) {
		struct addr a = { .ip = lab_ip("fe80::1"), .ifindex = 1 };

		a.ip.s6_addr[12] = (uint8_t)i;
		a.ip.s6_addr[13] = (uint8_t)(i >> 8);
		peers_note(p, &a, now);
		peers_note(p, &a, now);
	}
}

static void
talkers_on_a_link_are_counted_roughly_and_for_a_while_S_09(void **state)
{
	struct peers p = { 0 };

	(void)state;
	assert_int_equal(peers_count(&p), 0);
	note(&p, 3, 1000);
	assert_in_range(peers_count(&p), 2, 3);
	note(&p, 100, 2000);
	assert_in_range(peers_count(&p), 60, 100);
	note(&p, 1, 2000 + PEERS_PERIOD_MS);
	assert_in_range(peers_count(&p), 60, 100); /* of the last minute too */
	note(&p, 1, 2000 + 2 * PEERS_PERIOD_MS);
	assert_int_equal(peers_count(&p), 1);
	note(&p, 1, 2000 + 10 * PEERS_PERIOD_MS);
	assert_int_equal(peers_count(&p), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_passes_and_then_the_rate),
		TEST(a_quiet_time_saves_up_no_more_than_a_burst),
		TEST(what_was_spent_has_to_be_waited_for),
		TEST(a_source_keeps_its_bucket_and_others_have_theirs),
		TEST(the_same_link_local_address_on_two_links_is_two_sources),
		TEST(talkers_on_a_link_are_counted_roughly_and_for_a_while_S_09),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
