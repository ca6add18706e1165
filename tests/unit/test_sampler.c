/* SPDX-License-Identifier: Apache-2.0
 *
 * The sampler in virtual time, over fixture roots and over this machine. */
#include "tests/support/alloc.h"
#include "tests/support/capture.h"
#include "tests/support/sampler.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct source_env robot = {
	.proc = ROBOT "/proc", .sys = ROBOT "/sys", .rootfs = ""
};

/* MET-11 */
static void
nothing_is_read_while_nobody_wants_anything(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);

	(void)state;
	assert_true(sampler_run(s, START) == INT64_MAX);
	assert_int_equal(stats_of(s).reads, 0);
}

static void
only_the_source_that_is_wanted_is_read_at_its_period(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);

	(void)state;
	want(s, "node_load1", 500, INT64_MAX);
	run_until(s, START, START + 10000);
	assert_int_equal(stats_of(s).reads, 21);
	assert_int_equal(stats_of(s).samples, 21); /* load5 and load15 are not kept */
	assert_int_equal(stats_of(s).series, 1);
	check_value(s, "node_load1", START + 10000, 0.52);
}

/* PLN-05 */
static void
two_wants_share_one_reading_at_the_shorter_period(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);

	(void)state;
	want(s, "node_load1", 1000, INT64_MAX);
	want(s, "avg_over_time(node_load1[10s])", 500, INT64_MAX);
	run_until(s, START, START + 10000);
	assert_int_equal(stats_of(s).reads, 21);
	assert_int_equal(stats_of(s).wants, 2);
	check_value(s, "count_over_time(node_load1[10s])", START + 10000, 21);
}

static void
metrics_of_one_source_are_kept_each_at_its_own_pace(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);

	(void)state;
	want(s, "avg_over_time(node_load1[10s])", 1000, INT64_MAX);
	want(s, "avg_over_time(node_load5[10s])", 5000, INT64_MAX);
	run_until(s, START, START + 10000);
	assert_int_equal(stats_of(s).reads, 11);
	check_value(s, "count_over_time(node_load1[10s])", START + 10000, 11);
	check_value(s, "count_over_time(node_load5[10s])", START + 10000, 3);
}

/* MET-12 */
static void
late_calls_do_not_add_up_to_drift(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);
	int64_t now = START;

	(void)state;
	want(s, "node_load1", 100, INT64_MAX);
	for (unsigned late = 0; now <= START + 100000; late = (late + 17) % 60)
		now = sampler_run(s, now) + late;
	assert_in_range(stats_of(s).reads, 995, 1001);
}

static void
after_a_suspend_reading_goes_on_without_catching_up(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);

	(void)state;
	want(s, "node_load1", 1000, INT64_MAX);
	run_until(s, START, START + 2000);
	assert_int_equal(sampler_run(s, START + 3600000), START + 3601000);
	assert_int_equal(stats_of(s).reads, 4);
}

static void
a_want_ends_at_its_time_and_what_it_kept_is_given_back(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);
	size_t empty = stats_of(s).history_bytes;
	struct want *w;

	(void)state;
	w = want(s, "node_load1", 1000, START + 5000);
	assert_true(run_until(s, START, START + 20 * 60000) == INT64_MAX);
	assert_int_equal(stats_of(s).reads, 5);
	assert_int_equal(stats_of(s).series, 0);
	assert_int_equal(stats_of(s).history_bytes, empty);
	sampler_unwant(w);
}

static void
unwanting_stops_the_reading(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);
	struct want *fast, *slow;
	uint64_t reads;

	(void)state;
	fast = want(s, "node_load1", 100, INT64_MAX);
	slow = want(s, "node_load1", 1000, INT64_MAX);
	run_until(s, START, START + 1000);
	assert_int_equal(stats_of(s).reads, 11);
	sampler_unwant(fast);
	run_until(s, START + 1001, START + 10001);
	reads = stats_of(s).reads;
	assert_in_range(reads, 19, 21);
	sampler_unwant(slow);
	sampler_unwant(NULL);
	assert_true(run_until(s, START + 10002, START + 3600000) == INT64_MAX);
	assert_int_equal(stats_of(s).reads, reads);
}

static void
what_cannot_be_wanted_is_refused_with_the_reason(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);
	static const uint8_t junk[] = { 0x80 };
	struct want *w;
	char err[256];

	(void)state;
	assert_int_equal(sampler_want(s, program_of("node_load1 + node_nonsense"), 1000,
			     INT64_MAX, err, sizeof err, &w),
	    -ENOENT);
	assert_string_equal(err, "unknown metric node_nonsense");
	assert_int_equal(sampler_want(s, (struct slice){ junk, sizeof junk }, 1000,
			     INT64_MAX, err, sizeof err, &w),
	    -EINVAL);
	assert_int_equal(
	    sampler_want(s, program_of("node_load1"), 0, INT64_MAX, err, sizeof err, &w),
	    -EINVAL);
	assert_int_equal(sampler_want(s, program_of("avg_over_time(node_load1[24h])"),
			     100, INT64_MAX, err, sizeof err, &w),
	    -E2BIG);
	assert_string_equal(
	    err, "a window of 86400 s every 100 ms holds more than 65536 samples");
	assert_int_equal(stats_of(s).wants, 0);
	assert_true(sampler_knows(s, "node_load1"));
	assert_false(sampler_knows(s, "node_nonsense"));
}

/* MET-09 */
static void
what_a_source_does_not_tell_any_more_is_unknown_at_once(void **state)
{
	char *dir = tempdir_new(), path[256];
	struct source_env env = { .proc = dir, .sys = dir };
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&env);

	(void)state;
	write_text(dir, "loadavg", "1 2 3 4/5 6\n");
	want(s, "avg_over_time(node_load1[1m])", 1000, INT64_MAX);
	run_until(s, START, START + 2000);
	check_value(s, "node_load1", START + 2000, 1);
	snprintf(path, sizeof path, "%s/loadavg", dir);
	assert_int_equal(unlink(path), 0);
	run_until(s, START + 3000, START + 4000);
	check_unknown(s, "node_load1", START + 4000);
	check_value(s, "count_over_time(node_load1[1m])", START + 4000, 3);
	write_text(dir, "loadavg", "7 2 3 4/5 6\n");
	run_until(s, START + 5000, START + 5000);
	check_value(s, "node_load1", START + 5000, 7);
	tempdir_remove(dir);
}

/* MET-03, MET-09 */
static void
one_attribute_that_fails_ends_alone(void **state)
{
	char *dir = tempdir_new(), path[256];
	struct source_env env = { .proc = dir, .sys = dir, .power_supply = dir };
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&env);

	(void)state;
	snprintf(path, sizeof path, "%s/BAT0", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	write_text(path, "type", "Battery\n");
	write_text(path, "capacity", "50\n");
	write_text(path, "voltage_now", "12000000\n");
	want(s, "node_power_supply_voltage_volts + node_battery_capacity_ratio", 1000,
	    INT64_MAX);
	run_until(s, START, START);
	check_value(s, "node_power_supply_voltage_volts", START, 12);
	write_text(path, "voltage_now", "garbage\n");
	run_until(s, START + 1000, START + 1000);
	check_unknown(s, "node_power_supply_voltage_volts", START + 1000);
	check_value(s, "node_battery_capacity_ratio", START + 1000, 0.5);
	tempdir_remove(dir);
}

static double
query(struct sampler *s, const char *text, int64_t now_ms)
{
	struct expr_result r;
	double v = NAN;

	assert_int_equal(sampler_query(s, program_of(text), now_ms, &r), 0);
	if (r.len > 0)
		v = r.value[0].value;
	else
		assert_true(r.unknown[0]);
	expr_result_done(&r);
	return v;
}

static void
a_query_reads_anew_what_is_older_than_a_second(void **state)
{
	char *dir = tempdir_new();
	struct source_env env = { .proc = dir, .sys = dir };
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&env);

	(void)state;
	write_text(dir, "loadavg", "1 2 3 4/5 6\n");
	assert_true(query(s, "node_load1", START) == 1);
	write_text(dir, "loadavg", "9 2 3 4/5 6\n");
	assert_true(query(s, "node_load1", START + 999) == 1);
	assert_true(query(s, "node_load1", START + 1000) == 9);
	assert_int_equal(stats_of(s).reads, 2);
	tempdir_remove(dir);
}

/* CMP-01: "the average of the last 5 minutes" is one request; asking starts the history. */
static void
a_query_that_looks_back_keeps_history_for_the_next(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);

	(void)state;
	assert_true(fabs(query(s, "avg_over_time(node_load1[1m])", START) - 0.52) < 1e-9);
	run_until(s, START, START + 60000);
	assert_true(query(s, "count_over_time(node_load1[1m])", START + 60000) == 61);
	/* Nobody asks again: it ends twice the window later. */
	assert_true(run_until(s, START + 60001, START + 3600000) == INT64_MAX);
	assert_in_range(stats_of(s).reads, 179, 183);
	assert_int_equal(stats_of(s).series, 0);
}

static void
a_query_for_a_metric_that_is_not_here_is_unknown(void **state)
{
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&robot);
	struct expr_result r;

	(void)state;
	assert_int_equal(sampler_query(s, program_of("node_nonsense"), START, &r), 0);
	assert_int_equal(r.len, 0);
	assert_string_equal(r.unknown, "unknown metric node_nonsense");
	expr_result_done(&r);
	assert_true(
	    isnan(query(s, "node_cpu_utilisation_ratio", START))); /* first reading */
}

/* With a history; what does not come from the fixture without: how well that packs changes with
 * the values. */
static void
want_everything(struct sampler *s, bool history)
{
	char text[128];

	for (const struct source *const *src = sources; *src; src++)
		for (size_t i = 0; i < (*src)->metrics_len; i++) {
			bool window = history && !((*src)->flags & SOURCE_IN_LOOP);

			snprintf(text, sizeof text, "%s%s%s",
			    window ? "avg_over_time(" : "", (*src)->metrics[i].name,
			    window ? "[30s])" : "");
			want(s, text, 1000, INT64_MAX);
		}
}

static void
hardware_that_is_missing_is_not_available_and_no_error_MET_02(void **state)
{
	static const struct source_env bare = { .proc = "/nonexistent",
		.sys = "/nonexistent" };
	CLEANUP(sampler_free) struct sampler *s = new_sampler(&bare);
	static const char *const names[] = { "node_battery_capacity_ratio",
		"node_wireless_signal_dbm", "node_hwmon_temp_celsius",
		"node_gps_latitude_degrees" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct expr_result r;
		char expected[128];

		snprintf(expected, sizeof expected, "no %s is available on this node",
		    names[i]);
		assert_int_equal(sampler_query(s, program_of(names[i]), START, &r), 0);
		assert_int_equal(r.len, 0);
		assert_string_equal(r.unknown, expected);
		expr_result_done(&r);
	}
}

/* PERF-01: what runs for months must not churn the heap. */
static void
steady_sampling_of_everything_allocates_nothing(void **state)
{
	static const struct source_env machine = {
		.proc = "/proc", .sys = "/sys", .rootfs = ""
	};
	const struct source_env *const envs[] = { &robot, &machine };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(envs); i++) {
		CLEANUP(sampler_free) struct sampler *s = new_sampler(envs[i]);
		int64_t now;
		size_t before;

		want_everything(s, envs[i] == &robot);
		now = run_until(s, START, START + 130000);
		/* On the machine mounts and interfaces come and go while other tests run. */
		for (unsigned attempt = 0; attempt < 10; attempt++) {
			before = alloc_count();
			now = run_until(s, now, now + 60000);
			if (alloc_count() == before || envs[i] == &robot)
				break;
		}
		assert_int_equal(alloc_count(), before);
	}
}

static void
history_stays_within_its_bytes(void **state)
{
	char *dir = tempdir_new(), text[64];
	struct source_env env = { .proc = dir, .sys = dir };
	struct sampler *s = NULL;
	struct expr_result r;

	(void)state;
	assert_int_equal(sampler_new(&env, 1000, &s), 0);
	want(s, "avg_over_time(node_load1[1h])", 1000, INT64_MAX);
	for (int64_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "%d.%02d 2 3 4/5 6\n", (int)(i * 7919 % 101),
		    (int)(i * 31 % 97));
		write_text(dir, "loadavg", text);
		sampler_run(s, START + 1000 * i);
		assert_true(stats_of(s).history_bytes <= 1000);
	}
	assert_int_equal(sampler_eval(s, program_of("avg_over_time(node_load1[1h])"),
			     START + 999000, &r),
	    0);
	assert_int_equal(r.len, 0);
	assert_non_null(strstr(r.unknown, "the memory for history"));
	expr_result_done(&r);
	sampler_free(s);
	tempdir_remove(dir);
}

static void
every_failed_allocation_at_the_start_is_survived(void **state)
{
	struct sampler *s = NULL;
	int result = -1;
	size_t n = 0;

	(void)state;
	if (!alloc_fail(0))
		skip();
	while (result != 0) {
		alloc_fail(++n);
		result = sampler_new(&robot, HISTORY, &s);
		alloc_fail(0);
		assert_true(result == 0 || result == -ENOMEM);
	}
	assert_in_range(n, 5, 40);
	sampler_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_read_while_nobody_wants_anything),
		TEST(only_the_source_that_is_wanted_is_read_at_its_period),
		TEST(two_wants_share_one_reading_at_the_shorter_period),
		TEST(metrics_of_one_source_are_kept_each_at_its_own_pace),
		TEST(late_calls_do_not_add_up_to_drift),
		TEST(after_a_suspend_reading_goes_on_without_catching_up),
		TEST(a_want_ends_at_its_time_and_what_it_kept_is_given_back),
		TEST(unwanting_stops_the_reading),
		TEST(what_cannot_be_wanted_is_refused_with_the_reason),
		TEST(what_a_source_does_not_tell_any_more_is_unknown_at_once),
		TEST(one_attribute_that_fails_ends_alone),
		TEST(a_query_reads_anew_what_is_older_than_a_second),
		TEST(a_query_that_looks_back_keeps_history_for_the_next),
		TEST(a_query_for_a_metric_that_is_not_here_is_unknown),
		TEST(hardware_that_is_missing_is_not_available_and_no_error_MET_02),
		TEST(steady_sampling_of_everything_allocates_nothing),
		TEST(history_stays_within_its_bytes),
		TEST(every_failed_allocation_at_the_start_is_survived),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
