/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources that hang, lie and disappear, in real time: their own series end, and nothing else
 * happens (MET-09). */
#include "base/clock.h"
#include "tests/support/fuse.h"
#include "tests/support/sampler.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATIENCE_MS 30000 /* of the test */
#define BLOCKED_MS \
	400 /* no call of the sampler takes that long, on a busy machine either */
#define PERIOD_MS 100

struct scene {
	struct fuse_fs *fs;
	char proc[256];
	struct source_env env;
	struct sampler *s;
	int wake;
	int64_t longest_ms; /* that a call has taken */
	char told[256];	    /* "load hangs, load answers, " */
};

static void
hear_hang(void *arg, const char *source, bool hangs)
{
	struct scene *c = arg;
	size_t n = strlen(c->told);

	snprintf(c->told + n, sizeof c->told - n, "%s %s, ", source,
	    hangs ? "hangs" : "answers");
}

static void
fill(struct fuse_fs *fs)
{
	fuse_set(fs, "proc/loadavg", "0.50 1.00 2.00 1/100 1\n");
	fuse_set(fs, "proc/uptime", "100.00 50.00\n");
	fuse_set(fs, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 500 kB\n");
	fuse_set(fs, "proc/stat",
	    "cpu  1 0 1 7 1 0 0 0 0 0\ncpu0 1 0 1 7 1 0 0 0 0 0\nintr\n");
	fuse_set(fs, "proc/net/dev", "a\nb\n  e0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
	fuse_set(
	    fs, "proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
}

static int
set_up(void **state)
{
	struct scene *c = calloc(1, sizeof *c);
	const char *why;

	*state = c;
	c->fs = fuse_start(&why);
	if (!c->fs) {
		print_message("skipped, as a file that hangs needs FUSE: %s\n", why);
		return 0;
	}
	fill(c->fs);
	snprintf(c->proc, sizeof c->proc, "%s/proc", fuse_path(c->fs));
	c->env = (struct source_env){ .proc = c->proc, .sys = c->proc };
	c->s = new_sampler(&c->env);
	c->wake = sampler_wake_fd(c->s);
	sampler_on_hang(c->s, hear_hang, c);
	return c->wake < 0;
}

static int
tear_down(void **state)
{
	struct scene *c = *state;
	int64_t start = clock_boot_ms();

	sampler_free(c->s);
	assert_true(clock_boot_ms() - start < 10 * BLOCKED_MS);
	fuse_stop(c->fs);
	free(c);
	return 0;
}

static int64_t
run(struct scene *c)
{
	int64_t start = clock_boot_ms(), next = sampler_run(c->s, start);
	int64_t took = clock_boot_ms() - start;

	if (took > c->longest_ms)
		c->longest_ms = took;
	return next;
}

static size_t
count(struct scene *c, const char *text)
{
	struct expr_result r;
	size_t len;

	assert_int_equal(sampler_eval(c->s, program_of(text), clock_boot_ms(), &r), 0);
	len = r.len;
	expr_result_done(&r);
	return len;
}

/* Runs the loop until the expression has a value, or none. */
static void
wait_for(struct scene *c, const char *text, bool known)
{
	int64_t start = clock_boot_ms();

	while ((count(c, text) > 0) != known) {
		struct pollfd p = { c->wake, POLLIN, 0 };
		int64_t next = run(c), now = clock_boot_ms();

		if (now - start > PATIENCE_MS)
			fail_msg("%s did not become %s; %s", text,
			    known ? "known" : "unknown", c->told);
		if (next > now)
			poll(&p, 1, next - now < 100 ? (int)(next - now) : 100);
	}
}

/* Some more values of a counter of samples arrive. */
static void
wait_for_more(struct scene *c, const char *metric)
{
	char text[128];

	snprintf(text, sizeof text, "count_over_time(%s[300ms]) > 1", metric);
	wait_for(c, text, true);
}

static void
want_all(struct scene *c)
{
	want(c->s, "count_over_time(node_load1[1s])", PERIOD_MS, INT64_MAX);
	want(c->s, "count_over_time(node_uptime_seconds[1s])", PERIOD_MS, INT64_MAX);
	want(c->s, "node_memory_MemTotal_bytes", PERIOD_MS, INT64_MAX);
	want(c->s, "node_cpu_count", PERIOD_MS, INT64_MAX);
	want(c->s, "node_network_receive_bytes_total", PERIOD_MS, INT64_MAX);
	want(c->s, "node_pressure_cpu_waiting_seconds_total", PERIOD_MS, INT64_MAX);
}

static void
a_read_that_hangs_ends_its_own_series_only_and_recovers_MET_09(void **state)
{
	struct scene *c = *state;

	if (!c->fs)
		skip();
	want_all(c);
	wait_for(c, "node_load1 == 0.5", true);
	wait_for(c, "node_uptime_seconds == 100", true);
	fuse_hang(c->fs, "proc/loadavg", true);
	wait_for(c, "node_load1", false);
	assert_string_equal(c->told, "load hangs, ");
	wait_for_more(c, "node_uptime_seconds");
	assert_int_equal(count(c, "node_memory_MemTotal_bytes == 1024000"), 1);
	assert_int_equal(count(c, "node_cpu_count == 1"), 1);
	fuse_set(c->fs, "proc/loadavg", "0.75 1.00 2.00 1/100 1\n");
	fuse_hang(c->fs, "proc/loadavg", false);
	wait_for(c, "node_load1 == 0.75", true);
	assert_string_equal(c->told, "load hangs, load answers, ");
	assert_true(c->longest_ms < BLOCKED_MS);
}

static void
when_all_hang_the_loop_goes_on_and_all_recover_MET_09(void **state)
{
	static const char *const file[] = { "proc/loadavg", "proc/uptime", "proc/meminfo",
		"proc/stat", "proc/net/dev", "proc/pressure/cpu" };
	static const char *const metric[] = { "node_load1", "node_uptime_seconds",
		"node_memory_MemTotal_bytes", "node_cpu_count",
		"node_network_receive_bytes_total",
		"node_pressure_cpu_waiting_seconds_total" };
	struct scene *c = *state;

	if (!c->fs)
		skip();
	want_all(c);
	for (size_t i = 0; i < ARRAY_LEN(metric); i++)
		wait_for(c, metric[i], true);
	for (size_t i = 0; i < ARRAY_LEN(file); i++)
		fuse_hang(c->fs, file[i], true);
	for (size_t i = 0; i < ARRAY_LEN(metric); i++)
		wait_for(c, metric[i], false);
	for (size_t i = 0; i < ARRAY_LEN(file); i++)
		fuse_hang(c->fs, file[i], false);
	for (size_t i = 0; i < ARRAY_LEN(metric); i++)
		wait_for(c, metric[i], true);
	assert_true(c->longest_ms < BLOCKED_MS);
}

static void
a_server_that_dies_ends_what_it_served_MET_09(void **state)
{
	struct scene *c = *state;

	if (!c->fs)
		skip();
	want_all(c);
	wait_for(c, "node_load1", true);
	fuse_hang(c->fs, "proc/loadavg", true);
	wait_for(c, "node_load1", false);
	fuse_kill(c->fs);
	wait_for(c, "node_uptime_seconds", false);
	assert_true(c->longest_ms < BLOCKED_MS);
}

static void
a_file_that_disappears_ends_its_series_and_comes_back_MET_09(void **state)
{
	struct scene *c = *state;

	if (!c->fs)
		skip();
	want_all(c);
	wait_for(c, "node_load1", true);
	fuse_set(c->fs, "proc/loadavg", NULL);
	wait_for(c, "node_load1", false);
	wait_for_more(c, "node_uptime_seconds");
	fuse_set(c->fs, "proc/loadavg", "0.25 1.00 2.00 1/100 1\n");
	wait_for(c, "node_load1 == 0.25", true);
	assert_string_equal(c->told, "");
}

static void
nonsense_ends_the_series_of_its_file_only_MET_09(void **state)
{
	static const char *const nonsense[] = { "", "\n", "\xff\xfe\x01", "-1 -1 -1",
		"nan nan nan", "1e999 1 1", "99999999999999999999 1 1", "0x10 1 1",
		"load average", "0.5" };
	struct scene *c = *state;

	if (!c->fs)
		skip();
	want_all(c);
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		fuse_set(c->fs, "proc/loadavg", "0.50 1.00 2.00 1/100 1\n");
		wait_for(c, "node_load1", true);
		fuse_set(c->fs, "proc/loadavg", nonsense[i]);
		wait_for(c, "node_load1", false);
	}
	wait_for_more(c, "node_uptime_seconds");
}

static void
a_query_waits_a_moment_for_a_worker(void **state)
{
	struct scene *c = *state;
	struct expr_result r;
	int64_t start;

	if (!c->fs)
		skip();
	for (unsigned tries = 0;;
	     tries++) { /* a busy machine may need more than a moment */
		assert_int_equal(
		    sampler_query(c->s, program_of("node_load1"), clock_boot_ms(), &r),
		    0);
		if (r.len == 1 || tries == 100)
			break;
		expr_result_done(&r);
	}
	assert_int_equal(r.len, 1);
	expr_result_done(&r);
	fuse_hang(c->fs, "proc/uptime", true);
	start = clock_boot_ms();
	assert_int_equal(
	    sampler_query(c->s, program_of("node_uptime_seconds"), start, &r), 0);
	assert_int_equal(r.len, 0);
	expr_result_done(&r);
	assert_true(clock_boot_ms() - start < BLOCKED_MS);
}

/* No FUSE needed: such a file must not even be opened for good. */
static void
a_fifo_in_the_tree_is_no_file_and_stops_nothing_MET_09(void **state)
{
	char *dir = tempdir_new(), path[256];
	struct source_env env = { .proc = dir, .sys = dir };
	struct scene c = { .s = new_sampler(&env) };
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/loadavg", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof path, "%s/uptime", dir);
	f = fopen(path, "w");
	assert_true(f && fputs("7.00 1.00\n", f) >= 0 && fclose(f) == 0);
	c.wake = sampler_wake_fd(c.s);
	assert_true(c.wake >= 0);
	want_all(&c);
	wait_for(&c, "node_uptime_seconds == 7", true);
	wait_for_more(&c, "node_uptime_seconds");
	assert_int_equal(count(&c, "node_load1"), 0);
	assert_true(c.longest_ms < BLOCKED_MS);
	sampler_free(c.s);
	tempdir_remove(dir);
}

#define SLOW(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SLOW(a_read_that_hangs_ends_its_own_series_only_and_recovers_MET_09),
		SLOW(when_all_hang_the_loop_goes_on_and_all_recover_MET_09),
		SLOW(a_server_that_dies_ends_what_it_served_MET_09),
		SLOW(a_file_that_disappears_ends_its_series_and_comes_back_MET_09),
		SLOW(nonsense_ends_the_series_of_its_file_only_MET_09),
		SLOW(a_query_waits_a_moment_for_a_worker),
		TEST(a_fifo_in_the_tree_is_no_file_and_stops_nothing_MET_09),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
