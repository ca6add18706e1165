/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series.h"
#include "tests/support/alloc.h"
#include "tests/support/test.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>

static const struct metric load = { "load", "", METRIC_GAUGE, "a load" };
static const struct metric traffic = { "bytes_total", "bytes", METRIC_COUNTER,
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
	assert_ptr_not_equal(add_device(set, &traffic, 1), b);
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
		assert_non_null(add_device(set, &traffic, i));
	}
	for (struct series *s = series_first(set, "load"); s; s = series_next(set, s)) {
		assert_string_equal(s->metric->name, "load");
		met++;
	}
	assert_int_equal(met, 50);
	assert_null(series_first(set, "none"));
}

static double
last_value(const struct series *s)
{
	struct sample last;

	assert_true(series_last(s, &last));
	return last.value;
}

static int64_t
last_time(const struct series *s)
{
	struct sample last;

	assert_true(series_last(s, &last));
	return last.time_ms;
}

static uint32_t
count_all(const struct series *s)
{
	return series_count(s, INT64_MIN, INT64_MAX);
}

static void
samples_of_the_window_come_back_oldest_first(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	struct sample got[128];

	(void)state;
	series_keep(s, 100);
	for (int64_t t = 1; t <= 1000; t++) {
		int64_t first = t > 100 ? t - 100 : 1; /* both ends of the window */
		uint32_t n;

		assert_int_equal(series_append(set, s, t, sqrt((double)t)), 0);
		n = series_read(s, t - 100, t, got, ARRAY_LEN(got));
		assert_int_equal(n, t - first + 1);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(got[i].time_ms, first + i);
			assert_true(got[i].value == sqrt((double)(first + i)));
		}
	}
	assert_true(count_all(s) <= 101); /* what is past is freed */
	assert_int_equal(last_time(s), 1000);
}

/* Values that do all that the coder knows: steady, regular, odd, with more decimals, no number. */
static double
value_at(unsigned i)
{
	if (i % 1000 < 300)
		return 5;
	if (i % 1000 < 500)
		return 5 + i % 1000 * 0.25;
	if (i % 97 == 0)
		return i % 2 ? NAN : -0.0;
	return i % 1000 < 700 ? (double)(i * 7919 % 1000) / 100 : sqrt(i);
}

static int64_t
time_at(unsigned i)
{
	return 1000 * (int64_t)i + (i % 500 > 450 ? i % 7 : 0);
}

static void
any_window_is_what_was_put_into_it(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	static struct sample got[5000];

	(void)state;
	series_keep(s, 5000000);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(series_append(set, s, time_at(i), value_at(i)), 0);
	for (unsigned from = 0; from < 5000; from += 61)
		for (unsigned to = from; to < 5000; to += 397) {
			uint32_t n = series_read(
			    s, time_at(from), time_at(to), got, ARRAY_LEN(got));

			assert_int_equal(n, to - from + 1);
			assert_int_equal(series_count(s, time_at(from), time_at(to)), n);
			for (unsigned i = from; i <= to; i++) {
				double value = value_at(i);

				assert_int_equal(got[i - from].time_ms, time_at(i));
				assert_memory_equal(
				    &got[i - from].value, &value, sizeof value);
			}
		}
}

static void
the_newest_at_a_time_is_found(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	struct sample got;

	(void)state;
	assert_false(series_newest_at(s, INT64_MAX, &got));
	series_keep(s, 5000000);
	for (unsigned i = 1; i < 2000; i++)
		assert_int_equal(series_append(set, s, time_at(i), value_at(i)), 0);
	assert_false(series_newest_at(s, time_at(1) - 1, &got));
	for (unsigned i = 1; i < 2000; i += 7) {
		assert_true(series_newest_at(s, time_at(i), &got));
		assert_int_equal(got.time_ms, time_at(i));
		assert_true(series_newest_at(s, time_at(i + 1) - 1, &got));
		assert_int_equal(got.time_ms, time_at(i));
	}
	assert_true(series_newest_at(s, INT64_MAX, &got));
	assert_int_equal(got.time_ms, time_at(1999));
	assert_int_equal(series_oldest_ms(s), time_at(1));
}

static void
reading_stops_at_the_room_there_is(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	struct sample got[11] = { { 0 } };

	(void)state;
	series_keep(s, 1000000);
	for (int64_t t = 0; t < 1000; t++)
		assert_int_equal(series_append(set, s, t, (double)(t % 17)), 0);
	assert_int_equal(series_read(s, 100, 900, got, 10), 10);
	assert_int_equal(got[9].time_ms, 109);
	assert_int_equal(got[10].time_ms, 0);
	assert_int_equal(series_read(s, 100, 900, got, 0), 0);
	assert_int_equal(series_read(s, 2000, 3000, got, 10), 0);
}

static void
a_long_window_can_be_read_less_finely(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	struct sample got[400];

	(void)state;
	series_keep(s, 1000000);
	for (int64_t t = 0; t < 1000; t += 2)
		assert_int_equal(series_append(set, s, t, (double)(t % 17)), 0);
	assert_int_equal(series_read_every(s, 99, 994, 10, got, 400), 91);
	assert_int_equal(got[0].time_ms, 100);
	assert_int_equal(got[1].time_ms, 110);
	assert_int_equal(got[89].time_ms, 990);
	assert_int_equal(got[90].time_ms, 994); /* the last of all stays */
}

static void
time_that_does_not_ascend_is_refused(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	struct sample got;

	(void)state;
	assert_false(series_last(s, &got));
	assert_int_equal(series_append(set, s, 10, 1), 0);
	assert_int_equal(series_append(set, s, 10, 2), -EINVAL);
	assert_int_equal(series_append(set, s, 9, 2), -EINVAL);
	assert_true(last_value(s) == 1);
}

static void
without_a_window_only_the_newest_sample_is_kept(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	size_t bytes = series_set_bytes(set);

	(void)state;
	for (int64_t t = 0; t < 100; t++)
		assert_int_equal(series_append(set, s, t, (double)t), 0);
	assert_int_equal(count_all(s), 1);
	assert_true(last_value(s) == 99);
	assert_int_equal(series_set_bytes(set), bytes);
	series_keep(s, 1000); /* goes on from what there is */
	assert_int_equal(series_append(set, s, 100, 100), 0);
	assert_int_equal(count_all(s), 2);
	series_set_window(s, 0);
	assert_int_equal(series_append(set, s, 101, 101), 0);
	assert_int_equal(count_all(s), 1);
	assert_int_equal(series_set_bytes(set), bytes);
}

static void
steady_sampling_allocates_nothing(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	size_t before;

	(void)state;
	series_keep(s, 60000);
	for (int64_t t = 0; t < 200000; t += 100)
		assert_int_equal(
		    series_append(set, s, t, (double)(t / 100 * 7919 % 100)), 0);
	before = alloc_count();
	for (int64_t t = 200000; t < 2000000; t += 100)
		assert_int_equal(
		    series_append(set, s, t, (double)(t / 100 * 7919 % 100)), 0);
	assert_int_equal(alloc_count(), before);
}

/* A controller that holds 36 series of a node may use 17 KB for them. */
static void
five_minutes_of_seconds_take_about_half_a_kilobyte(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	size_t empty = series_set_bytes(set);
	int64_t ticks = 123450;

	(void)state;
	series_keep(s, 300000);
	for (int64_t t = 0; t < 3600000; t += 1000) {
		ticks += t / 1000 * 7919 % 41; /* of a core */
		assert_int_equal(series_append(set, s, t, (double)ticks / 100), 0);
		assert_true(series_set_bytes(set) - empty + sizeof *s <= 576);
	}
	assert_int_equal(series_count(s, 3299000, 3599000), 301);
}

static void
what_never_changes_never_grows(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	struct series *s = series_ensure(set, &load, NULL);
	struct sample got[301];
	size_t bytes;

	(void)state;
	series_keep(s, 86400000);
	for (int64_t t = 0; t < 10; t++)
		assert_int_equal(series_append(set, s, 1000 * t, 42), 0);
	bytes = series_set_bytes(set);
	for (int64_t t = 10; t < 200000; t++)
		assert_int_equal(series_append(set, s, 1000 * t, 42), 0);
	assert_int_equal(series_set_bytes(set), bytes);
	assert_int_equal(series_read(s, 150000000, 150300000, got, 301), 301);
	assert_int_equal(got[300].time_ms, 150300000);
	assert_true(got[300].value == 42);
}

static void
the_byte_bound_holds_and_says_what_was_given_up(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(2048);
	struct series *s = series_ensure(set, &load, NULL);

	(void)state;
	series_keep(s, 1000000);
	assert_int_equal(s->lost_ms, INT64_MIN);
	for (int64_t t = 0; t < 10000; t++) {
		assert_int_equal(series_append(set, s, t, (double)(t * 7919 % 100)), 0);
		assert_true(series_set_bytes(set) <= 2048);
	}
	assert_true(count_all(s) > 500);
	assert_int_equal(s->lost_ms, series_oldest_ms(s) - 1);
	assert_int_equal(last_time(s), 9999);
}

static void
what_is_kept_beyond_need_makes_room_first(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(8192);
	struct series *needed = series_ensure(set, &load, NULL),
		      *other = add_device(set, &load, 1);

	(void)state;
	series_set_keep(set, 86400000);
	series_keep(needed, 600000);
	for (int64_t t = 0; t < 20000000; t += 1000) {
		int64_t noise = t / 1000 * t % 1009;

		assert_int_equal(series_append(set, needed, t, (double)noise), 0);
		assert_int_equal(series_append(set, other, t, (double)(noise % 17)), 0);
		assert_true(series_set_bytes(set) <= 8192);
	}
	assert_int_equal(needed->lost_ms, INT64_MIN);
	assert_int_equal(other->lost_ms, INT64_MIN);
	assert_true(series_count(needed, 19399000, 19999000) == 601);
	assert_true(series_count(other, 0, 20000000) > 700);
	assert_in_range(series_set_kept(set), 600000, 86400000 / 8);
	assert_non_null(add_device(set, &load, 2)); /* there is room for a new one */
}

static void
what_was_given_up_comes_back_with_the_room(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(4096);
	struct series *s = series_ensure(set, &load, NULL);
	int64_t t = 0, kept;

	(void)state;
	series_set_keep(set, 86400000);
	for (; t < 10000000; t += 1000)
		assert_int_equal(
		    series_append(set, s, t, (double)(t / 1000 * t % 1009)), 0);
	kept = series_set_kept(set);
	assert_true(kept < 86400000);
	for (int64_t end = t + 2 * kept; t < end; t += 1000)
		assert_int_equal(series_append(set, s, t, 1), 0);
	series_set_sweep(set, 0);
	assert_true(series_set_kept(set) > kept);
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
	assert_int_equal(count_all(s), 0); /* what never began has no end */
	assert_int_equal(series_append(set, s, 10, NAN), 0);
	assert_false(series_is_stale(last_value(s)));
	series_end(set, s, 20);
	series_end(set, s, 30);
	assert_int_equal(count_all(s), 2);
	assert_true(series_is_stale(last_value(s)));
	assert_int_equal(last_time(s), 20);
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
all_series_can_be_walked(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = new_set(1 << 20);
	unsigned met = 0;

	(void)state;
	assert_null(series_walk(set, NULL));
	for (unsigned i = 0; i < 150; i++) {
		assert_non_null(add_device(set, &load, i));
		assert_non_null(add_device(set, &traffic, i));
	}
	for (struct series *s = series_walk(set, NULL); s; s = series_walk(set, s))
		met++;
	assert_int_equal(met, 300);
}

static void
names_are_shared_and_outlive_what_they_were_made_of(void **state)
{
	CLEANUP(series_set_free) struct series_set *a = new_set(1 << 20);
	CLEANUP(series_set_free) struct series_set *b = new_set(1 << 20);
	char name[] = "fan_speed", unit[] = "rpm", help[] = "of a fan";
	struct metric fan = { name, unit, METRIC_GAUGE, help };
	struct series *one = add_device(a, &fan, 1), *other = add_device(b, &fan, 1);

	(void)state;
	memset(name, 'x', sizeof name - 1);
	assert_ptr_equal(one->metric, other->metric);
	assert_ptr_equal(one->labels, other->labels);
	series_set_sweep(a, INT64_MAX);
	assert_string_equal(other->metric->name, "fan_speed");
	assert_string_equal(metric_labels_get(other->labels, "device"), "e1");
	assert_ptr_equal(series_first(b, "fan_speed"), other);
}

static void
a_failed_allocation_costs_history_but_no_new_sample(void **state)
{
	struct series_set *set;
	struct series *s;
	int64_t t = 0;

	(void)state;
	if (!alloc_fail(0))
		skip();
	set = new_set(1 << 20);
	s = series_ensure(set, &load, NULL);
	series_keep(s, 1000000);
	for (; t < 400; t++)
		assert_int_equal(series_append(set, s, t, (double)(t * 7919 % 100)), 0);
	for (alloc_fail(1); s->lost_ms == INT64_MIN; t++)
		assert_int_equal(series_append(set, s, t, (double)(t * 7919 % 100)), 0);
	assert_true(series_oldest_ms(s) > 0);
	assert_int_equal(last_time(s), t - 1);
	alloc_fail(0);
	series_set_free(set);
}

static void
a_series_is_made_whole_or_not_at_all(void **state)
{
	struct series_set *set = NULL;
	struct series *s = NULL;

	(void)state;
	if (!alloc_fail(0))
		skip();
	for (size_t n = 1; !s; n++) {
		size_t bytes;

		set = new_set(1 << 20);
		bytes = series_set_bytes(set);
		alloc_fail(n);
		s = add_device(set, &load, 7);
		alloc_fail(0);
		if (!s) {
			assert_int_equal(series_set_bytes(set), bytes);
			assert_int_equal(series_set_len(set), 0);
			series_set_free(set);
		}
		assert_true(n < 10);
	}
	series_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_series_is_found_again_by_name_and_labels),
		TEST(walking_meets_all_series_of_a_metric_and_no_other),
		TEST(samples_of_the_window_come_back_oldest_first),
		TEST(any_window_is_what_was_put_into_it),
		TEST(the_newest_at_a_time_is_found),
		TEST(reading_stops_at_the_room_there_is),
		TEST(a_long_window_can_be_read_less_finely),
		TEST(time_that_does_not_ascend_is_refused),
		TEST(without_a_window_only_the_newest_sample_is_kept),
		TEST(steady_sampling_allocates_nothing),
		TEST(five_minutes_of_seconds_take_about_half_a_kilobyte),
		TEST(what_never_changes_never_grows),
		TEST(the_byte_bound_holds_and_says_what_was_given_up),
		TEST(what_is_kept_beyond_need_makes_room_first),
		TEST(what_was_given_up_comes_back_with_the_room),
		TEST(no_series_is_made_beyond_the_byte_bound),
		TEST(an_ended_series_says_so_once),
		TEST(sweeping_removes_what_got_nothing),
		TEST(all_series_can_be_walked),
		TEST(names_are_shared_and_outlive_what_they_were_made_of),
		TEST(a_failed_allocation_costs_history_but_no_new_sample),
		TEST(a_series_is_made_whole_or_not_at_all),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
