/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/capabilities.h"
#include "agent/interfaces.h"
#include "agent/property.h"
#include "agent/virtualization.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ifaddrs.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char *dir;
static char proc[512], sys[512], power[512];
static struct agent_config cfg;
static struct caps caps;

static int
setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(proc, sizeof proc, "%s/proc", dir);
	snprintf(sys, sizeof sys, "%s/sys", dir);
	snprintf(power, sizeof power, "%s/power", dir);
	cfg = (struct agent_config){
		.roots = { .proc = proc, .sys = sys, .power_supply = power }
	};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

/* A file below the test's directory, with the directories above it. */
static void
put(const char *name, const char *text)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = 0;
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
a_machine_without_signs_of_anything_is_none(void **state)
{
	char word[33];

	(void)state;
	virtualization_detect(proc, sys, dir, word, sizeof word);
	assert_string_equal(word, "none");
}

/* REG-03: the innermost layer counts. */
static void
hypervisors_and_containers_are_told_apart(void **state)
{
	static const struct {
		const char *file, *text, *word;
	} steps[] = {
		{ "sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n", "none" },
		{ "proc/cpuinfo", "processor : 0\nflags : fpu hypervisor sse\n",
		    "microsoft" },
		{ "sys/class/dmi/id/product_name", "KVM\n", "kvm" },
		{ "run/.containerenv", "", "podman" },
		{ ".dockerenv", "", "docker" },
		{ "run/systemd/container", "lxc\n", "lxc" },
	};
	char word[33];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		put(steps[i].file, steps[i].text);
		virtualization_detect(proc, sys, dir, word, sizeof word);
		assert_string_equal(word, steps[i].word);
	}
}

static void
a_node_on_its_battery_says_so_with_the_charge(void **state)
{
	(void)state;
	put("power/BAT0/type", "Battery\n");
	put("power/BAT0/capacity", "60\n");
	put("power/BAT1/type", "Battery\n");
	put("power/BAT1/capacity", "40\n");
	put("power/AC/type", "Mains\n");
	put("power/AC/online", "0\n");
	put("power/mouse/type", "Battery\n");
	put("power/mouse/scope", "Device\n");
	put("power/mouse/capacity", "1\n");
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.energy, CAPS_BATTERY);
	assert_true(fabs(caps.battery - 0.5) < 1e-9);
	put("power/AC/online", "1\n");
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.energy, CAPS_MAINS);
}

/* MET-03 in its small form: one attribute that is garbage takes nothing else with it. */
static void
a_battery_with_garbage_is_still_a_battery(void **state)
{
	(void)state;
	put("power/BAT0/type", "Battery\n");
	put("power/BAT0/capacity", "lots\n");
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.energy, CAPS_BATTERY);
	assert_true(isnan(caps.battery));
}

static void
without_power_supplies_the_energy_is_unknown_and_with_none_it_is_mains(void **state)
{
	(void)state;
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.energy, CAPS_ENERGY_UNKNOWN);
	put("power/.keep", "");
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.energy, CAPS_MAINS);
}

static void
hardware_tells_type_and_vendor_unless_the_configuration_does(void **state)
{
	char type[] = "drone", vendor[] = "ACME";

	(void)state;
	put("sys/class/dmi/id/chassis_type", "10\n");
	put("sys/class/dmi/id/sys_vendor", "  LENOVO\xc3\xa9 \n");
	capabilities_collect(&cfg, &caps);
	assert_string_equal(caps.type, "laptop");
	assert_string_equal(caps.vendor, "LENOVO??");
	cfg.node.type = type;
	cfg.node.vendor = vendor;
	capabilities_collect(&cfg, &caps);
	assert_string_equal(caps.type, "drone");
	assert_string_equal(caps.vendor, "ACME");
}

/* REG-04 */
static void
the_system_is_described(void **state)
{
	(void)state;
	put("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.memory_bytes, 2048 * 1024);
	assert_true(caps.cpus > 0);
	assert_true(caps.storage_bytes > 0);
	assert_string_not_equal(caps.arch, "");
	assert_string_not_equal(caps.kernel, "");
	assert_string_not_equal(caps.version, "");
}

static void
what_is_collected_can_be_told(void **state)
{
	static uint8_t memory[CAPS_ENCODED_MAX];
	static struct caps back;
	struct buf out;

	(void)state;
	capabilities_collect(&cfg, &caps);
	buf_init_fixed(&out, memory, sizeof memory);
	caps_encode(&caps, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(caps_decode(buf_slice(&out), &back), 0);
	assert_false(capabilities_differ(&caps, &back));
}

static void
only_a_change_of_charge_is_no_change(void **state)
{
	static struct caps other;

	(void)state;
	capabilities_collect(&cfg, &caps);
	memcpy(&other, &caps, sizeof other);
	other.battery = 0.3;
	assert_false(capabilities_differ(&caps, &other));
	other.energy = CAPS_HARVESTING;
	assert_true(capabilities_differ(&caps, &other));
}

/* An interface of this machine, to stand for one of each kind. */
static bool
find_interface(char name[IF_NAMESIZE])
{
	struct ifaddrs *list;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (struct ifaddrs *a = list; a && !found; a = a->ifa_next)
		if (!(a->ifa_flags & IFF_LOOPBACK)) {
			snprintf(name, IF_NAMESIZE, "%s", a->ifa_name);
			found = true;
		}
	freeifaddrs(list);
	return found;
}

static const struct caps_interface *
find_caps(const char *name)
{
	for (unsigned i = 0; i < caps.interfaces; i++)
		if (!strcmp(caps.interface[i].name, name))
			return &caps.interface[i];
	return NULL;
}

/* REG-02; each step adds a sign that is stronger than those before. */
static void
the_kind_of_an_interface_is_found_from_its_signs(void **state)
{
	static const struct {
		const char *file, *text;
		enum caps_kind kind;
		const char *radio;
	} steps[] = {
		{ "type", "65534\n", CAPS_TUNNEL, "" },
		{ "type", "804\n", CAPS_LOWPAN, "ieee802.15.4" },
		{ "type", "1\n", CAPS_VIRTUAL, "" },
		{ "device/uevent", "", CAPS_ETHERNET, "" },
		{ "tun_flags", "0x1\n", CAPS_TUNNEL, "" },
		{ "bridge/x", "", CAPS_BRIDGE, "" },
		{ "uevent", "DEVTYPE=wwan\nINTERFACE=x\n", CAPS_CELLULAR, "cellular" },
		{ "uevent", "DEVTYPE=vlan\n", CAPS_VLAN, "" },
		{ "wireless/x", "", CAPS_WIFI, "wifi" },
	};
	char name[IF_NAMESIZE], file[128], wifi6[] = "wifi6", *key = name, *value = wifi6;

	(void)state;
	if (!find_interface(name))
		skip();
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		snprintf(file, sizeof file, "sys/class/net/%s/%s", name, steps[i].file);
		put(file, steps[i].text);
		capabilities_collect(&cfg, &caps);
		assert_non_null(find_caps(name));
		assert_int_equal(find_caps(name)->kind, steps[i].kind);
		assert_string_equal(find_caps(name)->radio, steps[i].radio);
	}
	cfg.node.radios = (struct conf_map){ &key, &value, 1 };
	capabilities_collect(&cfg, &caps);
	assert_string_equal(find_caps(name)->radio, "wifi6");
}

static void
devices_are_those_found_and_those_configured_CND_06(void **state)
{
	char lidar[] = "lidar", twice[] = "video0", *item[] = { lidar, twice };
	static const char *const all[] = { "bme280", "lidar", "ttyACM0", "video0",
		"video10" };

	(void)state;
	put("sys/class/video4linux/video10/name", "x\n");
	put("sys/class/video4linux/video0/name", "x\n");
	put("sys/class/video4linux/v4l-subdev0/name", "x\n");
	put("sys/class/tty/ttyACM0/dev", "166:0\n");
	put("sys/class/tty/tty0/dev", "4:0\n");
	put("sys/bus/iio/devices/iio:device0/name", "bme280\n");
	put("sys/bus/iio/devices/iio:device1/dev", "no name\n");
	put("sys/bus/iio/devices/trigger0/name", "t\n");
	cfg.node.devices = (struct conf_list){ item, 2 };
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.devices, ARRAY_LEN(all));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_string_equal(caps.device[i], all[i]);
	put("sys/class/tty/ttyUSB0/dev", "188:0\n"); /* was plugged in */
	capabilities_refresh(&cfg, &caps);
	assert_int_equal(caps.devices, ARRAY_LEN(all) + 1);
	assert_string_equal(caps.device[3], "ttyUSB0");
}

static void
only_a_place_in_degrees_is_a_point(void **state)
{
	char degrees[] = "40.33,-3.76", hash[] = "ezjm";

	(void)state;
	capabilities_collect(&cfg, &caps);
	assert_false(caps.located);
	cfg.node.position = hash;
	capabilities_collect(&cfg, &caps);
	assert_false(caps.located);
	cfg.node.position = degrees;
	capabilities_collect(&cfg, &caps);
	assert_true(caps.located);
	assert_true(fabs(caps.latitude - 40.33) < 1e-9);
	assert_true(fabs(caps.longitude + 3.76) < 1e-9);
}

static void
tags_stand_in_deterministic_order(void **state)
{
	char keys[3][8] = { "bb", "zone", "a" }, value[] = "v";
	char *key[] = { keys[0], keys[1], keys[2] }, *values[] = { value, value, value };

	(void)state;
	cfg.node.tags = (struct conf_map){ key, values, 3 };
	capabilities_collect(&cfg, &caps);
	assert_int_equal(caps.tags, 3);
	assert_string_equal(caps.tag[0].key, "a");
	assert_string_equal(caps.tag[1].key, "bb");
	assert_string_equal(caps.tag[2].key, "zone");
}

static void
a_property_is_a_text_one_of_several_or_any_F_12_DISC_06(void **state)
{
	static const struct property_words ours = { .word = { "wifi6", "lte" },
		.len = 2 };
	static const struct {
		struct slice asked;
		unsigned words; /* of the answer */
	} table[] = {
		{ { (const uint8_t *)"\x65wifi6", 6 }, 1 },
		{ { (const uint8_t *)"\x65wifi5", 6 }, 0 },
		{ { (const uint8_t *)"\x82\x65wifi5\x63lte", 11 }, 1 },
		{ { (const uint8_t *)"\x82\x65wifi6\x63lte", 11 }, 2 },
		{ { (const uint8_t *)"\x80", 1 }, 0 },
		{ { (const uint8_t *)"\xf6", 1 }, 2 },
		{ { NULL, 0 }, 2 },
		{ { (const uint8_t *)"\x01", 1 }, 0 },
		{ { (const uint8_t *)"\x82\x63lte\x01", 6 }, 0 },
		{ { (const uint8_t *)"\x63lt", 3 }, 0 },
		{ { (const uint8_t *)"\xa1\x01\x63lte", 6 }, 1 },
		{ { (const uint8_t *)"\xa1\x03\x6atype=robot", 13 }, 2 },
		{ { (const uint8_t *)"\xa1\x03\x66type=a", 9 }, 0 },
	};
	struct property_words none = { .len = 0 };
	struct fog_words answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(
		    property_answer(table[i].asked, "type=robot", &ours, &answer),
		    table[i].words > 0);
		assert_int_equal(answer.words, table[i].words);
	}
	assert_false(property_answer((struct slice){ 0 }, "", &none, &answer));
}

static const char *
words_of(enum fog_property property)
{
	static struct property_words w;
	static char text[1024];

	property_words(property, "operator1", &caps, &w);
	text[0] = '\0';
	for (size_t i = 0; i < w.len; i++) {
		strcat(text, w.word[i]);
		strcat(text, " ");
	}
	return text;
}

static void
the_words_of_a_property_come_from_the_capabilities_F_12_DISC_06(void **state)
{
	(void)state;
	memset(&caps, 0, sizeof caps);
	assert_string_equal(words_of(FOG_ENERGY), "");
	caps.interfaces = 2;
	caps.interface[0] = (struct caps_interface){ .kind = CAPS_WIFI,
		.radio = "wifi6",
		.l2_len = 6,
		.addrs = 1,
		.addr = { { .len = 16 } },
		.up = true };
	caps.interface[1] = caps.interface[0];
	caps.energy = CAPS_BATTERY;
	caps.tags = 2;
	strcpy(caps.tag[0].key, "site");
	strcpy(caps.tag[0].value, "hall-2");
	strcpy(caps.tag[1].key, "crane");
	strcpy(caps.virtualization, "kvm");
	strcpy(caps.type, "robot");
	strcpy(caps.vendor, "ACME");
	strcpy(caps.arch, "aarch64");
	assert_string_equal(words_of(FOG_RADIO), "wifi6 ");
	assert_string_equal(words_of(FOG_CONNECTIVITY), "layer2 ipv6 wifi ");
	assert_string_equal(words_of(FOG_VIRTUALIZATION), "kvm ");
	assert_string_equal(words_of(FOG_DOMAIN), "operator1 ");
	assert_string_equal(words_of(FOG_TYPE), "robot ");
	assert_string_equal(words_of(FOG_VENDOR), "ACME ");
	assert_string_equal(words_of(FOG_ENERGY), "battery ");
	assert_string_equal(words_of(FOG_ARCH), "aarch64 ");
	assert_string_equal(words_of(FOG_TAG), "site=hall-2 crane= ");
}

#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(a_machine_without_signs_of_anything_is_none),
		DIR_TEST(hypervisors_and_containers_are_told_apart),
		DIR_TEST(a_node_on_its_battery_says_so_with_the_charge),
		DIR_TEST(a_battery_with_garbage_is_still_a_battery),
		DIR_TEST(
		    without_power_supplies_the_energy_is_unknown_and_with_none_it_is_mains),
		DIR_TEST(hardware_tells_type_and_vendor_unless_the_configuration_does),
		DIR_TEST(the_system_is_described),
		DIR_TEST(what_is_collected_can_be_told),
		DIR_TEST(only_a_change_of_charge_is_no_change),
		DIR_TEST(the_kind_of_an_interface_is_found_from_its_signs),
		DIR_TEST(devices_are_those_found_and_those_configured_CND_06),
		DIR_TEST(only_a_place_in_degrees_is_a_point),
		DIR_TEST(tags_stand_in_deterministic_order),
		TEST(a_property_is_a_text_one_of_several_or_any_F_12_DISC_06),
		DIR_TEST(the_words_of_a_property_come_from_the_capabilities_F_12_DISC_06),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
