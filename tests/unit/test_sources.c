/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of sources, and the small ones: load, memory, pressure, uptime. */
#include "metrics/expr_program.h"
#include "tests/support/capture.h"
#include <errno.h>

static const struct source_env robot = { .proc = ROBOT "/proc", .sys = ROBOT "/sys" };
static const struct source_env nowhere = { .proc = "/nonexistent",
	.sys = "/nonexistent" };
static const struct source_env machine = { .proc = "/proc", .sys = "/sys" };

static const struct source *
find_source(const char *name)
{
	for (const struct source *const *s = sources; *s; s++)
		if (strcmp((*s)->name, name) == 0)
			return *s;
	fail_msg("no source %s", name);
	return NULL;
}

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static void
names_units_and_types_follow_prometheus(void **state)
{
	static const char *const base[] = { "seconds", "bytes", "ratio", "volts",
		"amperes", "watts", "joules", "coulombs", "celsius", "dbm" };

	(void)state;
	for (const struct source *const *s = sources; *s; s++) {
		assert_int_equal((*s)->abi, SOURCE_ABI);
		for (size_t i = 0; i < (*s)->metrics_len; i++) {
			const struct metric *m = &(*s)->metrics[i];

			assert_true(expr_name_ok(m->name, false));
			assert_true(strlen(m->name) <= METRIC_NAME_MAX);
			assert_true(strncmp(m->name, "node_", 5) == 0 ||
			    strncmp(m->name, "fogwatch_agent_", 15) == 0);
			assert_int_equal(
			    ends_in(m->name, "_total"), m->type == METRIC_COUNTER);
			assert_true(m->help[0] && m->help[strlen(m->help) - 1] != '.');
			/* hwmon's names are node_exporter's: "watt", "amps" */
			for (size_t k = 0; k < ARRAY_LEN(base); k++)
				if (strncmp(m->name, "node_hwmon_", 11) != 0 &&
				    strcmp(m->unit, base[k]) == 0)
					assert_non_null(strstr(m->name, base[k]));
		}
	}
}

static void
every_metric_is_found_by_its_name_and_belongs_to_one_source(void **state)
{
	(void)state;
	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < (*s)->metrics_len; i++) {
			const struct source *owner = NULL;

			assert_ptr_equal(sources_metric((*s)->metrics[i].name, &owner),
			    &(*s)->metrics[i]);
			assert_ptr_equal(owner, *s);
		}
	assert_null(sources_metric("node_nonsense", NULL));
}

static void
load_averages_are_read(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("load"), &robot), 0);
	assert_value(&c, "node_load1", "", 0.52);
	assert_value(&c, "node_load5", "", 1.25);
	assert_value(&c, "node_load15", "", 12.75);
	assert_int_equal(c.len, 3);
}

static void
uptime_is_read(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("uptime"), &robot), 0);
	assert_value(&c, "node_uptime_seconds", "", 12345.67);
}

static void
memory_is_told_in_bytes(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("memory"), &robot), 0);
	assert_value(&c, "node_memory_MemTotal_bytes", "", 4000000. * 1024);
	assert_value(&c, "node_memory_MemFree_bytes", "", 500000. * 1024);
	assert_value(&c, "node_memory_MemAvailable_bytes", "", 1000000. * 1024);
	assert_value(&c, "node_memory_available_ratio", "", 0.25);
	assert_value(&c, "node_memory_Cached_bytes", "", 800000. * 1024);
	assert_value(&c, "node_memory_SwapTotal_bytes", "", 2000000. * 1024);
	assert_value(&c, "node_memory_SwapFree_bytes", "", 1500000. * 1024);
}

/* MET-03 */
static void
a_garbage_line_of_memory_removes_only_itself(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("memory"), &robot), 0);
	assert_no_value(&c, "node_memory_Buffers_bytes", "");
	assert_int_equal(c.len, 8);
}

static void
pressure_is_told_as_time_and_as_share(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("pressure"), &robot), 0);
	assert_value(&c, "node_pressure_cpu_waiting_seconds_total", "", 7.5);
	assert_value(&c, "node_pressure_memory_waiting_seconds_total", "", 2);
	assert_value(&c, "node_pressure_memory_stalled_seconds_total", "", 1);
	assert_value(&c, "node_pressure_io_stalled_seconds_total", "", 0.25);
	assert_value(&c, "node_pressure_avg10_ratio",
	    "{kind=\"waiting\",resource=\"cpu\"}", 0.125);
	assert_value(&c, "node_pressure_avg10_ratio",
	    "{kind=\"stalled\",resource=\"memory\"}", 0.005);
}

/* MET-03 */
static void
a_garbage_line_of_pressure_removes_only_itself(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("pressure"), &robot), 0);
	assert_no_value(&c, "node_pressure_io_waiting_seconds_total", "");
	assert_no_value(
	    &c, "node_pressure_avg10_ratio", "{kind=\"waiting\",resource=\"io\"}");
	assert_no_value(
	    &c, "node_pressure_avg10_ratio", "{kind=\"stalled\",resource=\"cpu\"}");
}

static void
a_machine_without_the_files_gives_no_value_and_no_crash(void **state)
{
	struct capture c;
	void *inst;

	(void)state;
	for (const struct source *const *s = sources; *s; s++) {
		if ((*s)->flags & SOURCE_IN_LOOP)
			continue; /* it needs none */
		if ((*s)->open(&nowhere, &inst) < 0)
			continue;
		capture_sample(&c, *s, inst, 1000);
		(*s)->close(inst);
		assert_int_equal(c.len, 0);
	}
	assert_int_equal(capture_once(&c, find_source("load"), &nowhere), -ENOENT);
}

/* MET-02: missing hardware is no error. */
static void
a_machine_without_batteries_is_no_error(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("power_supply"), &nowhere), 0);
	assert_int_equal(c.len, 0);
}

static void
this_machine_is_read_with_plausible_values(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, find_source("load"), &machine), 0);
	assert_true(capture_get(&c, "node_load1", "") >= 0);
	assert_int_equal(capture_once(&c, find_source("memory"), &machine), 0);
	assert_true(capture_get(&c, "node_memory_MemTotal_bytes", "") > 1 << 20);
	assert_true(capture_get(&c, "node_memory_available_ratio", "") > 0);
	assert_true(capture_get(&c, "node_memory_available_ratio", "") <= 1);
	assert_int_equal(capture_once(&c, find_source("cpu"), &machine), 0);
	assert_true(capture_get(&c, "node_cpu_count", "") >= 1);
	assert_true(
	    capture_get(&c, "node_cpu_mode_seconds_total", "{mode=\"idle\"}") > 0);
	assert_int_equal(capture_once(&c, find_source("network"), &machine), 0);
	assert_true(
	    capture_get(&c, "node_network_receive_bytes_total", "{device=\"lo\"}") >= 0);
	assert_int_equal(capture_once(&c, find_source("filesystem"), &machine), 0);
	assert_int_equal(capture_once(&c, find_source("disk"), &machine), 0);
	assert_int_equal(capture_once(&c, find_source("uptime"), &machine), 0);
	assert_true(capture_get(&c, "node_uptime_seconds", "") > 0);
}

static void
a_value_that_is_no_number_does_not_reach_the_sink(void **state)
{
	struct capture c = { .sink.put = capture_put };

	(void)state;
	sink_put(&c.sink, &find_source("load")->metrics[0], NULL, NAN);
	assert_int_equal(c.len, 0);
	sink_put(&c.sink, &find_source("load")->metrics[0], NULL, 1);
	assert_int_equal(c.len, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_units_and_types_follow_prometheus),
		TEST(every_metric_is_found_by_its_name_and_belongs_to_one_source),
		TEST(load_averages_are_read),
		TEST(uptime_is_read),
		TEST(memory_is_told_in_bytes),
		TEST(a_garbage_line_of_memory_removes_only_itself),
		TEST(pressure_is_told_as_time_and_as_share),
		TEST(a_garbage_line_of_pressure_removes_only_itself),
		TEST(a_machine_without_the_files_gives_no_value_and_no_crash),
		TEST(a_machine_without_batteries_is_no_error),
		TEST(this_machine_is_read_with_plausible_values),
		TEST(a_value_that_is_no_number_does_not_reach_the_sink),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
