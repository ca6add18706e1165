/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/spool.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct spool *spool;

static int
setup(void **state)
{
	(void)state;
	return spool_new(1000, &spool);
}

static int
teardown(void **state)
{
	(void)state;
	spool_free(TAKE(spool));
	return 0;
}

/* A point whose labels and reason are made of its number, so that any mix-up shows. */
static struct report_point
point(uint32_t number, size_t labels, size_t reason)
{
	static char text[2][512];

	for (int i = 0; i < 2; i++)
		memset(text[i], 'a' + (int)(number + (unsigned)i) % 26, sizeof text[i]);
	return (struct report_point){ .item = number,
		.samples = number + 1,
		.value = number / 2.0,
		.time_ms = number * 10,
		.labels = { (uint8_t *)text[0], labels },
		.reason = { (uint8_t *)text[1], reason } };
}

static void
assert_holds(uint32_t from, uint32_t to, size_t (*labels)(uint32_t), size_t reason)
{
	struct spool_cursor c = spool_begin(spool);
	struct report_point p;

	for (uint32_t i = from; i < to; i++) {
		struct report_point want = point(i, labels(i), reason);

		assert_true(spool_next(spool, &c, &p));
		assert_int_equal(p.item, want.item);
		assert_int_equal(p.samples, want.samples);
		assert_int_equal(p.time_ms, want.time_ms);
		assert_true(p.value == want.value);
		assert_true(slice_equal(p.labels, want.labels));
		assert_true(slice_equal(p.reason, want.reason));
	}
	assert_false(spool_next(spool, &c, &p));
}

static size_t
no_labels(uint32_t number)
{
	(void)number;
	return 0;
}

static size_t
odd_labels(uint32_t number)
{
	return number * 7919 % 97;
}

static void
what_is_pushed_comes_back_in_order(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		struct report_point p = point(i, odd_labels(i) / 4, 3);

		assert_int_equal(spool_push(spool, &p), 0);
	}
	assert_int_equal(spool_first(spool), 1);
	assert_int_equal(spool_len(spool), 10);
	assert_int_equal(spool_dropped(spool), 0);
}

static void
a_full_spool_keeps_the_newest_and_counts_the_others(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		struct report_point p = point(i, 0, 0);

		assert_int_equal(spool_push(spool, &p), 0);
		assert_int_equal(spool_first(spool) + spool_len(spool), i + 2);
	}
	uint32_t kept = (uint32_t)spool_len(spool);
	assert_true(kept >= 20);
	assert_int_equal(spool_dropped(spool), 500 - kept);
	assert_holds(500 - kept, 500, no_labels, 0);
}

/* Records of all lengths pass the end of the ring at all offsets. */
static void
nothing_is_mixed_up_where_the_ring_ends(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		struct report_point p = point(i, odd_labels(i), 2);

		assert_int_equal(spool_push(spool, &p), 0);
		assert_holds((uint32_t)(spool_first(spool) - 1), i + 1, odd_labels, 2);
	}
}

static void
dropping_from_the_front_makes_room_and_is_no_loss(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		struct report_point p = point(i, odd_labels(i), 0);

		assert_int_equal(spool_push(spool, &p), 0);
		if (i % 3 == 2)
			spool_drop(spool, i + 1);
		assert_holds((uint32_t)(spool_first(spool) - 1), i + 1, odd_labels, 0);
	}
	assert_int_equal(spool_dropped(spool), 0);
	spool_drop(spool, 5000);
	assert_int_equal(spool_len(spool), 0);
	assert_int_equal(spool_first(spool), 2001);
}

static void
a_point_larger_than_the_spool_is_refused(void **state)
{
	struct report_point p = point(1, 500, 500);

	(void)state;
	assert_int_equal(spool_push(spool, &p), -EMSGSIZE);
	assert_int_equal(spool_len(spool), 0);
	p = point(1, 500, 450);
	assert_int_equal(spool_push(spool, &p), 0);
	assert_int_equal(spool_push(spool, &p), 0);
	assert_int_equal(spool_len(spool), 1);
}

#define SPOOL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPOOL_TEST(what_is_pushed_comes_back_in_order),
		SPOOL_TEST(a_full_spool_keeps_the_newest_and_counts_the_others),
		SPOOL_TEST(nothing_is_mixed_up_where_the_ring_ends),
		SPOOL_TEST(dropping_from_the_front_makes_room_and_is_no_loss),
		SPOOL_TEST(a_point_larger_than_the_spool_is_refused),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
