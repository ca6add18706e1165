/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/capture.h"
#include "tests/support/fuse.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct source source_power_supply;

static const struct source_env robot = { .proc = ROBOT "/proc", .sys = ROBOT "/sys" };

#define BAT0 "{power_supply=\"BAT0\"}"
#define BAT1 "{power_supply=\"BAT1\"}"

/* MET-02 */
static void
every_attribute_of_a_battery_is_told_in_base_units(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_power_supply, &robot), 0);
	assert_value(&c, "node_power_supply_capacity_ratio", BAT0, 0.62);
	assert_value(&c, "node_power_supply_voltage_volts", BAT0, 11.85);
	assert_value(&c, "node_power_supply_current_amperes", BAT0, 1.2);
	assert_value(&c, "node_power_supply_energy_joules", BAT0, 111600);
	assert_value(&c, "node_power_supply_energy_full_joules", BAT0, 180000);
	assert_value(&c, "node_power_supply_time_to_empty_seconds", BAT0, 8200);
	assert_value(&c, "node_power_supply_temperature_celsius", BAT0, 31.2);
	assert_value(&c, "node_power_supply_power_watts", BAT0, 14.22); /* I × U */
	assert_value(&c, "node_power_supply_online", "{power_supply=\"AC\"}", 1);
}

static void
the_status_is_one_of_all(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_power_supply, &robot), 0);
	assert_value(&c, "node_power_supply_status",
	    "{power_supply=\"BAT0\",status=\"discharging\"}", 1);
	assert_value(&c, "node_power_supply_status",
	    "{power_supply=\"BAT0\",status=\"charging\"}", 0);
	assert_value(
	    &c, "node_power_supply_status", "{power_supply=\"BAT0\",status=\"full\"}", 0);
	assert_int_equal(
	    capture_count(&c, "node_power_supply_status"), 10); /* BAT0, the mouse */
}

/* MET-03: BAT1 has garbage (capacity, power_now, status), an error (voltage_now is a directory),
 * nonsense (temp) and an empty file (time_to_empty_now). */
static void
an_unreadable_or_garbage_attribute_removes_only_itself(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_power_supply, &robot), 0);
	assert_no_value(&c, "node_power_supply_voltage_volts", BAT1);
	assert_no_value(&c, "node_power_supply_power_watts", BAT1);
	assert_no_value(&c, "node_power_supply_temperature_celsius", BAT1);
	assert_no_value(&c, "node_power_supply_time_to_empty_seconds", BAT1);
	assert_no_value(&c, "node_power_supply_status",
	    "{power_supply=\"BAT1\",status=\"discharging\"}");
	assert_value(&c, "node_power_supply_current_amperes", BAT1, -0.5);
	assert_value(&c, "node_power_supply_charge_coulombs", BAT1, 5400);
	assert_value(&c, "node_power_supply_charge_full_coulombs", BAT1, 18000);
	assert_value(
	    &c, "node_power_supply_capacity_ratio", BAT1, 0.3); /* of the charge */
}

static void
the_nodes_battery_is_the_emptiest_that_keeps_it_alive(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_power_supply, &robot), 0);
	assert_value(
	    &c, "node_battery_capacity_ratio", "", 0.3); /* not the mouse's 5 % */
	assert_value(&c, "node_power_supply_capacity_ratio",
	    "{power_supply=\"hidpp_battery_0\"}", 0.05);
	assert_no_value(&c, "node_power_supply_capacity_ratio", "{power_supply=\"BAY\"}");
}

/* What drivers answer when the hardware does not: a file system that fails as they do. */
static void
an_attribute_that_answers_with_an_error_removes_only_itself_MET_03(void **state)
{
	static const struct {
		const char *name, *text;
		int err;
	} attribute[] = {
		{ "type", "Battery\n", 0 },
		{ "status", "Discharging\n", EAGAIN },
		{ "present", "1\n", EIO },
		{ "capacity", "50\n", EIO },
		{ "energy_now", "10000000\n", 0 },
		{ "energy_full", "40000000\n", 0 },
		{ "power_now", "5000000\n", ENODEV },
		{ "voltage_now", "12000000\n", 0 },
		{ "current_now", "500000\n", ENXIO },
		{ "temp", "301\n", ENODATA },
		{ "cycle_count", "12\n", 0 },
	};
	const char *why;
	struct fuse_fs *fs = fuse_start(&why);
	char *dir, path[256], link[256];
	struct source_env env = { .sys = "/nonexistent" };
	struct capture c;
	void *inst;

	(void)state;
	if (!fs) {
		print_message("%s\n", why);
		skip();
	}
	env.power_supply = dir = tempdir_new();
	snprintf(path, sizeof path, "%s/BAT0", fuse_path(fs));
	snprintf(link, sizeof link, "%s/BAT0", dir);
	assert_int_equal(symlink(path, link), 0);
	for (size_t i = 0; i < ARRAY_LEN(attribute); i++) {
		snprintf(path, sizeof path, "BAT0/%s", attribute[i].name);
		fuse_set(fs, path, attribute[i].text);
		fuse_fail(fs, path, attribute[i].err);
	}
	assert_int_equal(source_power_supply.open(&env, &inst), 0);
	assert_int_equal(capture_sample(&c, &source_power_supply, inst, 0), 0);
	assert_value(&c, "node_power_supply_energy_joules", BAT0, 36000);
	assert_value(&c, "node_power_supply_voltage_volts", BAT0, 12);
	assert_value(&c, "node_power_supply_cyclecount", BAT0, 12);
	assert_value(&c, "node_power_supply_capacity_ratio", BAT0, 0.25); /* energy */
	assert_value(&c, "node_battery_capacity_ratio", "", 0.25);
	assert_int_equal(c.len, 6); /* with energy when full */
	for (size_t i = 0; i < ARRAY_LEN(attribute); i++) {
		snprintf(path, sizeof path, "BAT0/%s", attribute[i].name);
		fuse_fail(fs, path, 0);
	}
	assert_int_equal(capture_sample(&c, &source_power_supply, inst, 1000), 0);
	assert_value(&c, "node_power_supply_capacity_ratio", BAT0, 0.5);
	assert_value(&c, "node_power_supply_time_to_empty_seconds", BAT0, 7200);
	assert_value(&c, "node_power_supply_temperature_celsius", BAT0, 30.1);
	source_power_supply.close(inst);
	tempdir_remove(dir);
	fuse_stop(fs);
}

static void
make_supply(const char *root, const char *name, const char *capacity)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", root, name);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	write_text(path, "type", "Battery\n");
	write_text(path, "capacity", capacity);
}

static void
the_root_can_be_configured_and_supplies_come_and_go(void **state)
{
	char *dir = tempdir_new(), path[128];
	struct source_env env = {
		.proc = "/nonexistent", .sys = "/nonexistent", .power_supply = dir
	};
	struct capture c;
	void *inst;

	(void)state;
	assert_int_equal(source_power_supply.open(&env, &inst), 0);
	assert_int_equal(capture_sample(&c, &source_power_supply, inst, 0), 0);
	assert_int_equal(c.len, 0);
	make_supply(dir, "A", "50\n");
	make_supply(dir, "B", "40\n");
	assert_int_equal(capture_sample(&c, &source_power_supply, inst, 10000), 0);
	assert_value(&c, "node_battery_capacity_ratio", "", 0.4);
	make_supply(dir, "A", "39\n"); /* seen at once, without a scan */
	assert_int_equal(capture_sample(&c, &source_power_supply, inst, 10001), 0);
	assert_value(&c, "node_battery_capacity_ratio", "", 0.39);
	snprintf(path, sizeof path, "%s/A/capacity", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(capture_sample(&c, &source_power_supply, inst, 10002), 0);
	assert_value(&c, "node_battery_capacity_ratio", "", 0.4);
	source_power_supply.close(inst);
	tempdir_remove(dir);
}

static void
the_number_of_supplies_is_bounded(void **state)
{
	char *dir = tempdir_new(), name[8];
	struct source_env env = { .sys = "/nonexistent", .power_supply = dir };
	struct capture c;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "B%u", i);
		make_supply(dir, name, "50\n");
	}
	assert_int_equal(capture_once(&c, &source_power_supply, &env), 0);
	assert_int_equal(capture_count(&c, "node_power_supply_capacity_ratio"), 16);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_attribute_of_a_battery_is_told_in_base_units),
		TEST(the_status_is_one_of_all),
		TEST(an_attribute_that_answers_with_an_error_removes_only_itself_MET_03),
		TEST(an_unreadable_or_garbage_attribute_removes_only_itself),
		TEST(the_nodes_battery_is_the_emptiest_that_keeps_it_alive),
		TEST(the_root_can_be_configured_and_supplies_come_and_go),
		TEST(the_number_of_supplies_is_bounded),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
