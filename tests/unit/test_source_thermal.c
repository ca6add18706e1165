/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include <sys/stat.h>
#include <unistd.h>

extern const struct source source_thermal, source_hwmon;

static const struct source_env robot = { .proc = ROBOT "/proc", .sys = ROBOT "/sys" };

static void
zones_are_told_in_degrees_and_nonsense_removes_only_itself_MET_03(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_thermal, &robot), 0);
	assert_value(&c, "node_thermal_zone_celsius",
	    "{type=\"x86_pkg_temp\",zone=\"thermal_zone0\"}", 45.5);
	assert_int_equal(c.len, 1);
}

static void
chips_are_told_in_degrees_and_nonsense_removes_only_itself_MET_03(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_hwmon, &robot), 0);
	assert_value(&c, "node_hwmon_temp_celsius",
	    "{chip=\"coretemp\",chip_name=\"coretemp\",sensor=\"temp1\"}", 52);
	assert_value(&c, "node_hwmon_temp_celsius",
	    "{chip=\"coretemp\",chip_name=\"coretemp\",sensor=\"temp3\"}", -1.5);
	assert_value(&c, "node_hwmon_fan_rpm",
	    "{chip=\"bad\",chip_name=\"bad\",sensor=\"fan1\"}", 1200);
	assert_int_equal(c.len, 3);
}

static void
sensors_come_and_go(void **state)
{
	char *dir = tempdir_new(), path[256], zone[128];
	struct source_env env = { .sys = dir };
	struct capture c;
	void *inst;

	(void)state;
	assert_int_equal(source_thermal.open(&env, &inst), 0);
	assert_int_equal(capture_sample(&c, &source_thermal, inst, 0), 0);
	assert_int_equal(c.len, 0);
	for (const char *const *p = (const char *const[]){ "/class", "/class/thermal",
		 "/class/thermal/thermal_zone7", NULL };
	     *p; p++) {
		snprintf(zone, sizeof zone, "%s%s", dir, *p);
		assert_int_equal(mkdir(zone, 0755), 0);
	}
	write_text(zone, "type", "soc\n");
	write_text(zone, "temp", "30000\n");
	assert_int_equal(capture_sample(&c, &source_thermal, inst, 60000), 0);
	assert_value(
	    &c, "node_thermal_zone_celsius", "{type=\"soc\",zone=\"thermal_zone7\"}", 30);
	snprintf(path, sizeof path, "%s/temp", zone);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(capture_sample(&c, &source_thermal, inst, 120000), 0);
	assert_int_equal(c.len, 0);
	source_thermal.close(inst);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(zones_are_told_in_degrees_and_nonsense_removes_only_itself_MET_03),
		TEST(chips_are_told_in_degrees_and_nonsense_removes_only_itself_MET_03),
		TEST(sensors_come_and_go),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
