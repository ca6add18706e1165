/* SPDX-License-Identifier: Apache-2.0
 *
 * Control groups of both versions, as kernels write them. */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct source source_function;

static char *dir;
static struct source_env env;
static struct capture c;

static int
set_up(void **state)
{
	(void)state;
	dir = tempdir_new();
	env = (struct source_env){
		.proc = dir, .sys = dir, .cgroup = dir, .functions = "fog.slice/fogfn-*"
	};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

/* With the directories it needs. */
static void
put(const char *path, const char *text)
{
	char part[512];

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof part, "%s/%.*s", dir, (int)(at - path), path);
		if (mkdir(part, 0755) < 0)
			assert_int_equal(errno, EEXIST);
	}
	write_text(dir, path, text);
}

#define CAMERA "{function=\"fogfn-camera\"}"
#define V2     "fog.slice/fogfn-camera.scope/"

static void
put_version2(void)
{
	put("cgroup.controllers", "cpu io memory pids\n");
	put(V2 "cpu.stat",
	    "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"
	    "nr_periods 0\nnr_throttled 0\nthrottled_usec 125000\n");
	put(V2 "memory.current", "1048576\n");
	put(V2 "memory.max", "2097152\n");
	put(V2 "memory.stat", "anon 4096\nfile 8192\nkernel_stack 0\nanon_thp 77\n");
	put(V2 "memory.events",
	    "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 9\n");
	put(V2 "io.stat",
	    "8:0 rbytes=1000 wbytes=2000 rios=3 wios=4 dbytes=0 dios=0\n"
	    "259:0 rbytes=10 wbytes=20 rios=30 wios=40 dbytes=0 dios=0\n");
	put(V2 "pids.current", "7\n");
	put(V2 "pids.max", "max\n");
	put("fog.slice/other.scope/pids.current", "5\n");
}

static void
version_2_tells_what_a_function_uses_MET_08(void **state)
{
	(void)state;
	put_version2();
	assert_int_equal(capture_once(&c, &source_function, &env), 0);
	assert_value(&c, "node_function_cpu_seconds_total", CAMERA, 2.5);
	assert_value(&c, "node_function_cpu_user_seconds_total", CAMERA, 2);
	assert_value(&c, "node_function_cpu_system_seconds_total", CAMERA, 0.5);
	assert_value(&c, "node_function_cpu_throttled_seconds_total", CAMERA, 0.125);
	assert_value(&c, "node_function_memory_bytes", CAMERA, 1048576);
	assert_value(&c, "node_function_memory_limit_bytes", CAMERA, 2097152);
	assert_value(&c, "node_function_memory_anon_bytes", CAMERA, 4096);
	assert_value(&c, "node_function_memory_file_bytes", CAMERA, 8192);
	assert_value(&c, "node_function_oom_kills_total", CAMERA, 1);
	assert_value(&c, "node_function_io_read_bytes_total", CAMERA, 1010);
	assert_value(&c, "node_function_io_written_bytes_total", CAMERA, 2020);
	assert_value(&c, "node_function_io_reads_total", CAMERA, 33);
	assert_value(&c, "node_function_io_writes_total", CAMERA, 44);
	assert_value(&c, "node_function_pids", CAMERA, 7);
	assert_no_value(&c, "node_function_pids_limit", CAMERA); /* max: there is none */
	assert_int_equal(capture_count(&c, "node_function_pids"), 1);
}

#define GROUP "/fog.slice/fogfn-camera.scope/"

static void
version_1_tells_the_same_from_its_trees_MET_08(void **state)
{
	double ticks = (double)sysconf(_SC_CLK_TCK);

	(void)state;
	put("cpuacct" GROUP "cpuacct.usage", "2500000000\n");
	put("cpuacct" GROUP "cpuacct.stat", "user 200\nsystem 50\n");
	put("cpu" GROUP "cpu.stat",
	    "nr_periods 9\nnr_throttled 1\nthrottled_time 125000000\n");
	put("memory" GROUP "memory.usage_in_bytes", "1048576\n");
	put("memory" GROUP "memory.limit_in_bytes", "9223372036854771712\n");
	put("memory" GROUP "memory.stat",
	    "cache 1\nrss 2\ntotal_cache 8192\ntotal_rss 4096\n");
	put("memory" GROUP "memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	put("blkio" GROUP "blkio.throttle.io_service_bytes",
	    "8:0 Read 1000\n8:0 Write 2000\n8:0 Sync 1\n8:0 Total 3000\n"
	    "9:0 Read 10\n9:0 Write 20\nTotal 3030\n");
	put("blkio" GROUP "blkio.throttle.io_serviced",
	    "8:0 Read 3\n8:0 Write 4\nTotal 7\n");
	put("pids" GROUP "pids.current", "7\n");
	put("pids" GROUP "pids.max", "64\n");
	assert_int_equal(capture_once(&c, &source_function, &env), 0);
	assert_value(&c, "node_function_cpu_seconds_total", CAMERA, 2.5);
	assert_value(&c, "node_function_cpu_user_seconds_total", CAMERA, 200 / ticks);
	assert_value(&c, "node_function_cpu_system_seconds_total", CAMERA, 50 / ticks);
	assert_value(&c, "node_function_cpu_throttled_seconds_total", CAMERA, 0.125);
	assert_value(&c, "node_function_memory_bytes", CAMERA, 1048576);
	assert_no_value(&c, "node_function_memory_limit_bytes", CAMERA);
	assert_value(&c, "node_function_memory_anon_bytes", CAMERA, 4096);
	assert_value(&c, "node_function_memory_file_bytes", CAMERA, 8192);
	assert_value(&c, "node_function_oom_kills_total", CAMERA, 1);
	assert_value(&c, "node_function_io_read_bytes_total", CAMERA, 1010);
	assert_value(&c, "node_function_io_written_bytes_total", CAMERA, 2020);
	assert_value(&c, "node_function_io_reads_total", CAMERA, 3);
	assert_value(&c, "node_function_io_writes_total", CAMERA, 4);
	assert_value(&c, "node_function_pids", CAMERA, 7);
	assert_value(&c, "node_function_pids_limit", CAMERA, 64);
}

static void
one_file_that_is_garbage_or_missing_removes_only_itself_MET_03(void **state)
{
	(void)state;
	put_version2();
	put(V2 "memory.current", "lots\n");
	put(V2 "cpu.stat", "usage_usec -5\nuser_usec 2000000\n");
	assert_int_equal(capture_once(&c, &source_function, &env), 0);
	assert_no_value(&c, "node_function_memory_bytes", CAMERA);
	assert_no_value(&c, "node_function_cpu_seconds_total", CAMERA);
	assert_no_value(&c, "node_function_cpu_system_seconds_total", CAMERA);
	assert_value(&c, "node_function_cpu_user_seconds_total", CAMERA, 2);
	assert_value(&c, "node_function_pids", CAMERA, 7);
}

static void
functions_come_and_go(void **state)
{
	char path[512];
	void *inst;

	(void)state;
	put("cgroup.controllers", "\n");
	assert_int_equal(source_function.open(&env, &inst), 0);
	assert_int_equal(capture_sample(&c, &source_function, inst, 0), 0);
	assert_int_equal(c.len, 0); /* not even the directory */
	put("fog.slice/fogfn-a/pids.current", "1\n");
	put("fog.slice/fogfn-b/pids.current", "2\n");
	assert_int_equal(capture_sample(&c, &source_function, inst, 0), 0);
	assert_value(&c, "node_function_pids", "{function=\"fogfn-a\"}", 1);
	assert_value(&c, "node_function_pids", "{function=\"fogfn-b\"}", 2);
	snprintf(path, sizeof path, "%s/fog.slice/fogfn-a/pids.current", dir);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(capture_sample(&c, &source_function, inst, 0), 0);
	assert_int_equal(capture_count(&c, "node_function_pids"), 1);
	source_function.close(inst);
}

static void
without_a_pattern_there_are_none(void **state)
{
	(void)state;
	put_version2();
	env.functions = NULL;
	assert_int_equal(capture_once(&c, &source_function, &env), 0);
	assert_int_equal(c.len, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(version_2_tells_what_a_function_uses_MET_08),
		CASE(version_1_tells_the_same_from_its_trees_MET_08),
		CASE(one_file_that_is_garbage_or_missing_removes_only_itself_MET_03),
		CASE(functions_come_and_go),
		CASE(without_a_pattern_there_are_none),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
