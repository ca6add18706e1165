/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series.h"
#include "tests/support/alloc.h"
#include "tests/support/test.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>

static const struct metric load = { "load", "", METRIC_GAUGE, "a load" };
static const struct metric bytes = { "bytes_total", "bytes", METRIC_COUNTER,
	"some bytes" };

static struct series_set *
new_set(size_t bytes_max)
{
	struct series_set *set = NULL;

	assert_int_equal(series_set_new(bytes_max, &set), 0);
	return set;
}

static struct series *
add_device(struct series_set *set, const struct metric *m, unsigned device)
{
	struct metric_labels l = { 0 };
	char name[16];

	snprintf(name, sizeof name, "e%u", device);
	assert_int_equal(metric_labels_add(&l, "device", name), 0);
	return series_ensure(set, m, &l);
}

static void
a_series_is_found_again_by_name_and_labels(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct metric same_name = load;
	struct series *a = series_ensure(set, &load, NULL),
		      *b = add_device(set, &load, 1);

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(series_ensure(set, &same_name, NULL), a);
	assert_ptr_equal(add_device(set, &load, 1), b);
	assert_ptr_not_equal(add_device(set, &bytes, 1), b);
	assert_int_equal(series_set_len(set), 3);
}

static void
walking_meets_all_series_of_a_metric_and_no_other(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	unsigned met = 0;

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		assert_non_null(add_device(set, &load, i));
		assert_non_null(add_device(set, &bytes, i));
	}
	for (struct series *s = series_first(set, "load"); s; s = series_next(set, s)) {
		assert_ptr_equal(s->metric, &load);
		met++;
	}
	assert_int_equal(met, 50);
	assert_null(series_first(set, "none"));
}

static void
samples_come_back_oldest_first_while_the_ring_grows_and_turns(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);

	(void)state;
	series_keep(s, 100);
	for (int64_t t = 1; t <= 1000; t++) {
		assert_int_equal(series_append(set, s, t, (double)t * 2), 0);
		for (uint32_t i = 0; i < s->len; i++) {
			assert_int_equal(series_at(s, i)->time_ms, t - s->len + 1 + i);
			assert_true(series_at(s, i)->value ==
			    2. * (double)series_at(s, i)->time_ms);
		}
	}
	assert_int_equal(s->len, 101); /* both ends of the window */
	assert_int_equal(series_last(s)->time_ms, 1000);
}

static void
time_that_does_not_ascend_is_refused(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);

	(void)state;
	assert_null(series_last(s));
	assert_int_equal(series_append(set, s, 10, 1), 0);
	assert_int_equal(series_append(set, s, 10, 2), -EINVAL);
	assert_int_equal(series_append(set, s, 9, 2), -EINVAL);
	assert_true(series_last(s)->value == 1);
}

static void
without_a_window_only_the_newest_sample_is_kept(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);

	(void)state;
	for (int64_t t = 0; t < 100; t++)
		assert_int_equal(series_append(set, s, t, (double)t), 0);
	assert_int_equal(s->len, 1);
	assert_true(s->size <= 4);
}

static void
steady_sampling_allocates_nothing(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	size_t before;

	(void)state;
	series_keep(s, 60000);
	for (int64_t t = 0; t < 70000; t += 100)
		assert_int_equal(series_append(set, s, t, 1), 0);
	before = alloc_count();
	for (int64_t t = 70000; t < 700000; t += 100)
		assert_int_equal(series_append(set, s, t, 1), 0);
	assert_int_equal(alloc_count(), before);
	assert_true(
	    s->size < 601 * 5 / 4 + 8); /* grown to the need, not to a power of two */
}

static void
the_byte_bound_holds_and_says_what_was_given_up(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(4096);
	struct series *s = series_ensure(set, &load, NULL);

	(void)state;
	series_keep(s, 1000000);
	assert_int_equal(s->lost_ms, INT64_MIN);
	for (int64_t t = 0; t < 1000; t++) {
		assert_int_equal(series_append(set, s, t, 1), 0);
		assert_true(series_set_bytes(set) <= 4096);
	}
	assert_true(s->len > 100);
	assert_int_equal(s->lost_ms, series_at(s, 0)->time_ms - 1);
	assert_int_equal(series_last(s)->time_ms, 999);
}

static void
no_series_is_made_beyond_the_byte_bound(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(4096);
	unsigned made = 0;

	(void)state;
	while (add_device(set, &load, made))
		made++;
	assert_in_range(made, 2, 4096 / sizeof(struct series));
	assert_non_null(add_device(set, &load, 0));
}

static void
an_ended_series_says_so_once(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);

	(void)state;
	series_keep(s, 1000);
	series_end(set, s, 5);
	assert_int_equal(s->len, 0); /* what never began has no end */
	assert_int_equal(series_append(set, s, 10, NAN), 0);
	assert_false(series_is_stale(series_last(s)->value));
	series_end(set, s, 20);
	series_end(set, s, 30);
	assert_int_equal(s->len, 2);
	assert_true(series_is_stale(series_last(s)->value));
	assert_int_equal(series_last(s)->time_ms, 20);
}

static void
sweeping_removes_what_got_nothing(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	size_t empty = series_set_bytes(set);
	struct series *s[6];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		s[i] = add_device(set, &load, i);
		assert_int_equal(series_append(set, s[i], 10 * i, 1), 0);
	}
	series_set_sweep(set, 30);
	assert_int_equal(series_set_len(set), 3);
	assert_ptr_equal(add_device(set, &load, 3), s[3]);
	series_set_sweep(set, 1000);
	assert_int_equal(series_set_len(set), 0);
	assert_int_equal(series_set_bytes(set), empty);
	assert_null(series_first(set, "load"));
}

static void
a_failed_allocation_costs_history_but_no_new_sample(void **state)
{
	struct series_set *set;
	struct series *s;

	(void)state;
	if (!alloc_fail(0))
		skip();
	set = new_set(1 << 20);
	s = series_ensure(set, &load, NULL);
	series_keep(s, 1000000);
	for (int64_t t = 0; t < 4; t++)
		assert_int_equal(series_append(set, s, t, 1), 0);
	alloc_fail(1);
	assert_int_equal(series_append(set, s, 4, 1), 0);
	assert_int_equal(s->len, 4);
	assert_int_equal(s->lost_ms, 0);
	assert_int_equal(series_append(set, s, 5, 1), 0);
	assert_int_equal(s->len, 5);
	series_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_series_is_found_again_by_name_and_labels),
		TEST(walking_meets_all_series_of_a_metric_and_no_other),
		TEST(samples_come_back_oldest_first_while_the_ring_grows_and_turns),
		TEST(time_that_does_not_ascend_is_refused),
		TEST(without_a_window_only_the_newest_sample_is_kept),
		TEST(steady_sampling_allocates_nothing),
		TEST(the_byte_bound_holds_and_says_what_was_given_up),
		TEST(no_series_is_made_beyond_the_byte_bound),
		TEST(an_ended_series_says_so_once),
		TEST(sweeping_removes_what_got_nothing),
		TEST(a_failed_allocation_costs_history_but_no_new_sample),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
