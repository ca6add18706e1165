/* SPDX-License-Identifier: Apache-2.0
 *
 * What sources tell of laptops, phones, small boards and servers: tests/fixtures, each with the place its
 * shape is from. */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include "tests/support/tree.h"

#define FIXTURE(name)	       SRCDIR "/tests/fixtures/" name ".tree"
#define PS(supply)	       "{power_supply=\"" supply "\"}"
#define STATUS(supply, status) "{power_supply=\"" supply "\",status=\"" status "\"}"
#define HW(chip, name, sensor) \
	"{chip=\"" chip "\",chip_name=\"" name "\",sensor=\"" sensor "\"}"
#define HWL(chip, name, label, sensor)                                                   \
	"{chip=\"" chip "\",chip_name=\"" name "\",label=\"" label "\",sensor=\"" sensor \
	"\"}"
#define ZONE(type, n)	"{type=\"" type "\",zone=\"thermal_zone" n "\"}"
#define IIO(c, n, name) "{channel=\"" c "\",device=\"iio:device" n "\",name=\"" name "\"}"

struct expected {
	const char *metric, *labels;
	double value; /* NaN: none */
};

/* One sample of all sources that read sysfs, into c. */
static void
sample_fixture(struct capture *c, const char *fixture)
{
	static const char *const names[] = { "power_supply", "thermal", "hwmon", "iio" };
	char *dir = tempdir_new(), sys[128];
	struct source_env env = { .proc = "/nonexistent", .sys = sys };

	snprintf(sys, sizeof sys, "%s/sys", dir);
	tree_grow(fixture, dir);
	c->sink.put = capture_put;
	c->len = 0;
	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			void *inst;

			if (strcmp((*s)->name, names[i]) != 0)
				continue;
			assert_int_equal((*s)->open(&env, &inst), 0);
			assert_int_equal((*s)->sample(inst, 1000, &c->sink), 0);
			(*s)->close(inst);
		}
	tempdir_remove(dir);
}

static void
assert_expected(const struct capture *c, const struct expected *table, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isnan(table[i].value))
			assert_no_value(c, table[i].metric, table[i].labels);
		else
			assert_value(c, table[i].metric, table[i].labels, table[i].value);
}

static void
a_thinkpad_has_two_batteries_of_which_one_is_discharged_MET_02(void **state)
{
	static const struct expected table[] = {
		{ "node_power_supply_online", PS("AC"), 0 },
		{ "node_power_supply_capacity_ratio", PS("BAT0"), 0.82 },
		{ "node_power_supply_capacity_ratio", PS("BAT1"), 0.45 },
		{ "node_power_supply_energy_joules", PS("BAT0"), 42084 },
		{ "node_power_supply_energy_joules", PS("BAT1"), 36936 },
		{ "node_power_supply_energy_full_joules", PS("BAT1"), 82224 },
		{ "node_power_supply_energy_full_design_joules", PS("BAT1"), 85536 },
		{ "node_power_supply_power_watts", PS("BAT0"), 0 },
		{ "node_power_supply_power_watts", PS("BAT1"), 7.695 },
		{ "node_power_supply_voltage_volts", PS("BAT1"), 11.46 },
		{ "node_power_supply_cyclecount", PS("BAT0"), 953 },
		{ "node_power_supply_status", STATUS("BAT1", "discharging"), 1 },
		{ "node_power_supply_status", STATUS("BAT0", "unknown"), 1 },
		{ "node_power_supply_capacity_level",
		    "{level=\"normal\",power_supply=\"BAT0\"}", 1 },
		{ "node_power_supply_capacity_level",
		    "{level=\"low\",power_supply=\"BAT0\"}", 0 },
		/* 36936 J at 7.695 W; nothing takes from the other one */
		{ "node_power_supply_time_to_empty_seconds", PS("BAT1"), 4800 },
		{ "node_power_supply_time_to_empty_seconds", PS("BAT0"), NAN },
		{ "node_battery_capacity_ratio", "", 0.45 },
		{ "node_thermal_zone_celsius", ZONE("acpitz", "0"), 44 },
		{ "node_thermal_zone_celsius", ZONE("x86_pkg_temp", "1"), 46 },
		{ "node_hwmon_temp_celsius",
		    HW("thermal_thermal_zone0", "acpitz", "temp1"), 44 },
		{ "node_hwmon_fan_rpm", HW("platform_thinkpad_hwmon", "thinkpad", "fan1"),
		    2651 },
		{ "node_hwmon_temp_celsius",
		    HWL("platform_coretemp_0", "coretemp", "Package id 0", "temp1"), 47 },
		{ "node_hwmon_temp_crit_celsius",
		    HWL("platform_coretemp_0", "coretemp", "Package id 0", "temp1"),
		    100 },
	};
	struct capture c;

	(void)state;
	sample_fixture(&c, FIXTURE("thinkpad"));
	assert_expected(&c, table, ARRAY_LEN(table));
	assert_int_equal(capture_count(&c, "node_thermal_zone_celsius"), 2);
	assert_int_equal(capture_count(&c, "node_hwmon_temp_celsius"), 4);
}

static void
a_librem_5_counts_charge_and_time_but_no_energy_MET_02(void **state)
{
	static const struct expected table[] = {
		{ "node_power_supply_capacity_ratio", PS("max170xx_battery"), 0.71 },
		{ "node_power_supply_charge_coulombs", PS("max170xx_battery"), 10832.4 },
		{ "node_power_supply_charge_full_coulombs", PS("max170xx_battery"),
		    15256.8 },
		{ "node_power_supply_charge_full_design_coulombs", PS("max170xx_battery"),
		    16200 },
		{ "node_power_supply_current_amperes", PS("max170xx_battery"),
		    -0.613437 },
		{ "node_power_supply_power_watts", PS("max170xx_battery"),
		    0.613437 * 3.872 },
		{ "node_power_supply_energy_joules", PS("max170xx_battery"),
		    10832.4 * 3.872 },
		{ "node_power_supply_time_to_empty_seconds", PS("max170xx_battery"),
		    17550 },
		{ "node_power_supply_temperature_celsius", PS("max170xx_battery"), 28.7 },
		{ "node_power_supply_online", PS("bq25890-charger-0"), 0 },
		{ "node_power_supply_online", PS("tps6598x-source-psy-0-003f"), 0 },
		{ "node_power_supply_health",
		    "{health=\"good\",power_supply=\"max170xx_battery\"}", 1 },
		{ "node_battery_capacity_ratio", "", 0.71 },
		{ "node_iio_illuminance_lux", IIO("illuminance", "0", "vcnl4040"),
		    148.32 },
		{ "node_iio_proximity", IIO("proximity", "0", "vcnl4040"), 4 },
		{ "node_iio_acceleration_meters_per_second_squared",
		    IIO("accel_z", "1", "lsm9ds1_accel"), 16384 * 0.000598205 },
		{ "node_iio_magnetic_field_teslas", IIO("magn_x", "2", "lsm9ds1_magn"),
		    -2.92e-5 },
	};
	struct capture c;

	(void)state;
	sample_fixture(&c, FIXTURE("librem5"));
	assert_expected(&c, table, ARRAY_LEN(table));
}

static void
a_pinephone_has_percent_and_current_and_an_open_sensor_MET_03(void **state)
{
	static const struct expected table[] = {
		{ "node_power_supply_capacity_ratio", PS("axp20x-battery"), 0.54 },
		{ "node_power_supply_power_watts", PS("axp20x-battery"), 0.478 * 3.9017 },
		{ "node_power_supply_temperature_celsius", PS("axp20x-battery"), NAN },
		{ "node_power_supply_energy_joules", PS("axp20x-battery"), NAN },
		{ "node_power_supply_time_to_empty_seconds", PS("axp20x-battery"), NAN },
		{ "node_power_supply_status", STATUS("axp20x-battery", "charging"), 1 },
		{ "node_power_supply_online", PS("axp20x-usb"), 1 },
		{ "node_power_supply_online", PS("axp813-ac"), NAN }, /* not present */
		{ "node_battery_capacity_ratio", "", 0.54 },
		{ "node_thermal_zone_celsius", ZONE("cpu0_thermal", "0"), 51.123 },
		/* (-4912 + 12420) * 2.941176 m°C */
		{ "node_iio_temperature_celsius", IIO("temp", "1", "mpu6050"),
		    7508 * 2.941176e-3 },
		{ "node_iio_angular_velocity_radians_per_second",
		    IIO("anglvel_z", "1", "mpu6050"), 94 * 0.001064724 },
	};
	struct capture c;

	(void)state;
	sample_fixture(&c, FIXTURE("pinephone"));
	assert_expected(&c, table, ARRAY_LEN(table));
}

static void
an_android_phone_has_a_counter_for_charge_and_odd_supplies_MET_03(void **state)
{
	static const struct expected table[] = {
		{ "node_power_supply_capacity_ratio", PS("battery"), 0.5 },
		{ "node_power_supply_charge_coulombs", PS("battery"), 1528169 * 0.0036 },
		{ "node_power_supply_current_amperes", PS("battery"), -0.326171 },
		{ "node_power_supply_power_watts", PS("battery"), 0.326171 * 3.888173 },
		{ "node_power_supply_energy_joules", PS("battery"),
		    1528169 * 0.0036 * 3.888173 },
		{ "node_power_supply_time_to_full_seconds", PS("battery"), 20160 },
		{ "node_power_supply_time_to_empty_seconds", PS("battery"), NAN },
		{ "node_power_supply_capacity_ratio", PS("bms"), 0.5 },
		{ "node_power_supply_online", PS("usb"), 1 },
		{ "node_power_supply_online", PS("wireless"), 0 },
		{ "node_power_supply_online", PS("dc"), NAN },
		{ "node_battery_capacity_ratio", "", 0.5 },
		{ "node_thermal_zone_celsius", ZONE("aoss0-usr", "0"), 39.7 },
		{ "node_thermal_zone_celsius", ZONE("ibat-lvl0", "40"), NAN },
		{ "node_thermal_zone_celsius", ZONE("pm8998_tz", "41"), 37 },
	};
	struct capture c;

	(void)state;
	sample_fixture(&c, FIXTURE("android"));
	assert_expected(&c, table, ARRAY_LEN(table));
	assert_int_equal(capture_count(&c, "node_hwmon_temp_celsius"), 0);
}

static void
a_raspberry_pi_watches_its_supply_and_the_air_MET_05(void **state)
{
	static const struct expected table[] = {
		{ "node_thermal_zone_celsius", ZONE("cpu-thermal", "0"), 62.322 },
		{ "node_hwmon_temp_celsius",
		    HW("thermal_thermal_zone0", "cpu_thermal", "temp1"), 62.322 },
		{ "node_hwmon_in_lcrit_alarm",
		    HW("soc:firmware_raspberrypi_hwmon", "rpi_volt", "in0"), 0 },
		{ "node_hwmon_in_volts", HW("i2c_1_1_0043", "ina219", "in1"), 4.224 },
		{ "node_hwmon_in_volts", HW("i2c_1_1_0043", "ina219", "in0"), 0.009 },
		{ "node_hwmon_curr_amps", HW("i2c_1_1_0043", "ina219", "curr1"), -0.15 },
		{ "node_hwmon_power_watt", HW("i2c_1_1_0043", "ina219", "power1"), 0.64 },
		{ "node_iio_temperature_celsius", IIO("temp", "0", "bme280"), 23.48 },
		{ "node_iio_pressure_pascals", IIO("pressure", "0", "bme280"), 101325 },
		{ "node_iio_humidity_ratio", IIO("humidityrelative", "0", "bme280"),
		    0.4125 },
		{ "node_iio_voltage_volts", IIO("voltage0", "1", "ads1015"), 3.072 },
		{ "node_iio_voltage_volts", IIO("voltage0-voltage1", "1", "ads1015"),
		    -0.003 },
		{ "node_iio_voltage_volts", IIO("voltage3", "1", "ads1015"), NAN },
		{ "node_battery_capacity_ratio", "", NAN },
	};
	struct capture c;

	(void)state;
	sample_fixture(&c, FIXTURE("raspberrypi"));
	assert_expected(&c, table, ARRAY_LEN(table));
	assert_int_equal(capture_count(&c, "node_iio_voltage_volts"), 2);
}

static void
a_server_has_many_chips_and_broken_ones_remove_themselves_MET_03(void **state)
{
	static const struct expected table[] = {
		{ "node_hwmon_temp_celsius",
		    HWL("platform_coretemp_1", "coretemp", "Package id 1", "temp1"), 52 },
		{ "node_hwmon_temp_celsius",
		    HWL("platform_coretemp_0", "coretemp", "Core 9", "temp11"), 51 },
		{ "node_hwmon_temp_celsius",
		    HWL("nvme_nvme0", "nvme", "Composite", "temp1"), 34.85 },
		{ "node_hwmon_temp_max_celsius",
		    HWL("nvme_nvme0", "nvme", "Composite", "temp1"), 84.85 },
		{ "node_hwmon_power_average_watt",
		    HW("lnxsybus:00_acpi000d:00", "power_meter", "power1"), 212 },
		{ "node_hwmon_in_volts", HW("platform_nct6775_656", "nct6779", "in3"),
		    3.344 },
		{ "node_hwmon_fan_rpm", HW("platform_nct6775_656", "nct6779", "fan1"),
		    0 },
		{ "node_hwmon_fan_rpm", HW("platform_nct6775_656", "nct6779", "fan2"),
		    1129 },
		{ "node_hwmon_temp_celsius",
		    HWL("platform_nct6775_656", "nct6779", "AUXTIN0", "temp7"), -61 },
		/* files of device/, a chip without a name */
		{ "node_hwmon_fan_rpm", HW("platform_w83627hf_656", "w83627hf", "fan3"),
		    4821 },
		{ "node_hwmon_energy_joule_total",
		    HWL("0000:00_0000:00:18_4", "amd_energy", "Esocket0", "energy1"),
		    NAN },
		{ "node_hwmon_energy_joule_total",
		    HWL("pci0000:00_0000:00:18_4", "amd_energy", "Esocket0", "energy1"),
		    44321123.456789 },
		{ "node_hwmon_humidity_ratio", HW("sht3x", "sht3x", "humidity1"), 0.395 },
		{ "node_hwmon_temp_celsius", HW("broken", "broken", "temp1"), NAN },
		{ "node_hwmon_temp_celsius", HW("broken", "broken", "temp2"), NAN },
		{ "node_hwmon_temp_celsius", HW("broken", "broken", "temp3"), 35 },
	};
	struct capture c;

	(void)state;
	sample_fixture(&c, FIXTURE("server"));
	assert_expected(&c, table, ARRAY_LEN(table));
	assert_int_equal(capture_count(&c, "node_hwmon_temp_celsius"), 20);
	assert_int_equal(capture_count(&c, "node_hwmon_fan_rpm"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_thinkpad_has_two_batteries_of_which_one_is_discharged_MET_02),
		TEST(a_librem_5_counts_charge_and_time_but_no_energy_MET_02),
		TEST(a_pinephone_has_percent_and_current_and_an_open_sensor_MET_03),
		TEST(an_android_phone_has_a_counter_for_charge_and_odd_supplies_MET_03),
		TEST(a_raspberry_pi_watches_its_supply_and_the_air_MET_05),
		TEST(a_server_has_many_chips_and_broken_ones_remove_themselves_MET_03),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
