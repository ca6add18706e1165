/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <unistd.h>

extern const struct source source_cpu;

struct fixture {
	char *dir;
	struct source_env env;
	void *inst;
	struct capture c;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->dir = tempdir_new();
	f->env.proc = f->dir;
	*state = f;
	return source_cpu.open(&f->env, &f->inst);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	source_cpu.close(f->inst);
	tempdir_remove(f->dir);
	free(f);
	return 0;
}

static int
sample(struct fixture *f, const char *stat)
{
	write_text(f->dir, "stat", stat);
	return capture_sample(&f->c, &source_cpu, f->inst, 0);
}

#define BEGIN                                                               \
	"cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 50 0 50 350 50 0 0 0 0 0\n" \
	"cpu1 50 0 50 350 50 0 0 0 0 0\nintr 1\n"

static void
utilisation_needs_two_readings(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sample(f, BEGIN), 0);
	assert_no_value(&f->c, "node_cpu_utilisation_ratio", "");
	assert_value(&f->c, "node_cpu_count", "", 2);
	assert_int_equal(sample(f,
			     "cpu  120 5 105 750 110 4 3 3 0 0\n"
			     "cpu0 70 5 55 350 50 4 3 3 0 0\n"
			     "cpu1 50 0 50 400 60 0 0 0 0 0\nintr 1\n"),
	    0);
	assert_value(&f->c, "node_cpu_utilisation_ratio", "", 0.4); /* 40 of 100 ticks */
	assert_value(&f->c, "node_cpu_core_utilisation_ratio", "{cpu=\"0\"}", 1);
	assert_value(&f->c, "node_cpu_core_utilisation_ratio", "{cpu=\"1\"}", 0);
}

static void
counters_are_in_seconds_by_mode(void **state)
{
	struct fixture *f = *state;
	double ticks = (double)sysconf(_SC_CLK_TCK);

	assert_int_equal(sample(f, BEGIN), 0);
	assert_value(
	    &f->c, "node_cpu_seconds_total", "{cpu=\"0\",mode=\"user\"}", 50 / ticks);
	assert_value(
	    &f->c, "node_cpu_mode_seconds_total", "{mode=\"user\"}", 100 / ticks);
	assert_value(
	    &f->c, "node_cpu_mode_seconds_total", "{mode=\"idle\"}", 700 / ticks);
	assert_value(
	    &f->c, "node_cpu_mode_seconds_total", "{mode=\"iowait\"}", 100 / ticks);
	assert_int_equal(capture_count(&f->c, "node_cpu_seconds_total"), 16);
	assert_int_equal(capture_count(&f->c, "node_cpu_mode_seconds_total"), 8);
}

static void
guest_time_is_not_counted_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sample(f, BEGIN), 0);
	assert_int_equal(sample(f,
			     "cpu  150 0 100 750 100 0 0 0 50 0\n"
			     "cpu0 50 0 50 350 50 0 0 0 0 0\nintr 1\n"),
	    0);
	assert_value(&f->c, "node_cpu_utilisation_ratio", "", 0.5);
}

static void
iowait_that_steps_back_is_no_negative_share(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sample(f, BEGIN), 0);
	assert_int_equal(
	    sample(f, "cpu  110 0 100 700 90 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1\nx\n"), 0);
	assert_value(&f->c, "node_cpu_utilisation_ratio", "", 1);
}

static void
without_a_tick_in_between_the_last_share_holds(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sample(f, BEGIN), 0);
	assert_int_equal(sample(f, BEGIN), 0);
	assert_no_value(&f->c, "node_cpu_utilisation_ratio", "");
	assert_int_equal(
	    sample(f, "cpu  125 0 100 775 100 0 0 0\ncpu0 1 1 1 1 1 1 1 1\nx\n"), 0);
	assert_value(&f->c, "node_cpu_utilisation_ratio", "", 0.25);
	assert_int_equal(
	    sample(f, "cpu  125 0 100 775 100 0 0 0\ncpu0 1 1 1 1 1 1 1 1\nx\n"), 0);
	assert_value(&f->c, "node_cpu_utilisation_ratio", "", 0.25);
}

/* Prometheus would take a step back for a restart, and the whole counter for its increase. */
static void
a_counter_that_steps_back_a_little_stands_still_MET_10(void **state)
{
	struct fixture *f = *state;
	double ticks = (double)sysconf(_SC_CLK_TCK);

	assert_int_equal(
	    sample(f, "cpu  1 0 0 7 900 0 0 0\ncpu0 1 0 0 7 900 0 0 0\nx\n"), 0);
	assert_int_equal(
	    sample(f, "cpu  1 0 0 7 890 0 0 0\ncpu0 1 0 0 7 890 0 0 0\nx\n"), 0);
	assert_value(
	    &f->c, "node_cpu_seconds_total", "{cpu=\"0\",mode=\"iowait\"}", 900 / ticks);
	assert_int_equal(
	    sample(f, "cpu  1 0 0 7 10 0 0 0\ncpu0 1 0 0 7 10 0 0 0\nx\n"), 0);
	assert_value(&f->c, "node_cpu_seconds_total", "{cpu=\"0\",mode=\"iowait\"}",
	    10 / ticks); /* it has started anew */
}

static void
what_else_the_file_tells_is_read_with_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sample(f,
			     "cpu  1 0 0 7 9 0 0 0\ncpu0 1 0 0 7 9 0 0 0\n"
			     "intr 1000 5 0 7\nctxt 2000\nbtime 1700000000\n"
			     "processes 300\nprocs_running 4\nprocs_blocked garbage\n"),
	    0);
	assert_value(&f->c, "node_intr_total", "", 1000);
	assert_value(&f->c, "node_context_switches_total", "", 2000);
	assert_value(&f->c, "node_boot_time_seconds", "", 1700000000);
	assert_value(&f->c, "node_forks_total", "", 300);
	assert_value(&f->c, "node_procs_running", "", 4);
	assert_no_value(&f->c, "node_procs_blocked", "");
}

/* MET-03 */
static void
a_garbage_core_removes_only_itself(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    sample(f, "cpu  1 2 3 4 5 6 7 8\ncpu0 broken\ncpu1 1 2 3 4 5 6 7 8\nx\n"), 0);
	assert_value(&f->c, "node_cpu_count", "", 1);
	assert_int_equal(sample(f, "nonsense\n"), -EBADMSG);
	assert_int_equal(f->c.len, 0);
}

static void
the_robot_fixture_is_read(void **state)
{
	struct source_env env = { .proc = ROBOT "/proc" };
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_cpu, &env), 0);
	assert_value(&c, "node_cpu_count", "", 2);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(utilisation_needs_two_readings),
		CASE(counters_are_in_seconds_by_mode),
		CASE(guest_time_is_not_counted_twice),
		CASE(iowait_that_steps_back_is_no_negative_share),
		CASE(without_a_tick_in_between_the_last_share_holds),
		CASE(a_counter_that_steps_back_a_little_stands_still_MET_10),
		CASE(what_else_the_file_tells_is_read_with_it),
		CASE(a_garbage_core_removes_only_itself),
		TEST(the_robot_fixture_is_read),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
