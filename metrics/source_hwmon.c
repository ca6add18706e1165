/* SPDX-License-Identifier: Apache-2.0
 *
 * Chips that watch the hardware, below /sys/class/hwmon: Documentation/hwmon/sysfs-interface.rst.
 * Names and the label chip are those of Prometheus' node_exporter, since hwmon3 is another chip after
 * the next boot. Drivers from before Linux 3.16 have their files in device/. */
#include "metrics/sensors.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CELSIUS_MIN  (-273.15)
#define CELSIUS_MAX  1000.0
#define PATH_MAX_LEN 512

enum {
	TEMP,
	TEMP_MAX,
	TEMP_CRIT,
	FAN,
	IN,
	CURR,
	POWER,
	POWER_AVERAGE,
	ENERGY,
	HUMIDITY,
	UNDERVOLTAGE,
	KINDS
};

static const struct metric metrics[KINDS] = {
	[TEMP] = { "node_hwmon_temp_celsius", "celsius", METRIC_GAUGE,
	    "temperature of a hardware sensor" },
	[TEMP_MAX] = { "node_hwmon_temp_max_celsius", "celsius", METRIC_GAUGE,
	    "temperature that the sensor should stay below" },
	[TEMP_CRIT] = { "node_hwmon_temp_crit_celsius", "celsius", METRIC_GAUGE,
	    "temperature at which the hardware is in danger" },
	[FAN] = { "node_hwmon_fan_rpm", "rpm", METRIC_GAUGE,
	    "turns of a fan per minute" },
	[IN] = { "node_hwmon_in_volts", "volts", METRIC_GAUGE,
	    "voltage of a supply line" },
	[CURR] = { "node_hwmon_curr_amps", "amperes", METRIC_GAUGE,
	    "current in a supply line" },
	[POWER] = { "node_hwmon_power_watt", "watts", METRIC_GAUGE,
	    "power that is drawn" },
	[POWER_AVERAGE] = { "node_hwmon_power_average_watt", "watts", METRIC_GAUGE,
	    "power that is drawn, averaged by the chip" },
	[ENERGY] = { "node_hwmon_energy_joule_total", "joules", METRIC_COUNTER,
	    "energy drawn so far" },
	[HUMIDITY] = { "node_hwmon_humidity_ratio", "ratio", METRIC_GAUGE,
	    "relative humidity, 1 is saturated" },
	[UNDERVOLTAGE] = { "node_hwmon_in_lcrit_alarm", "", METRIC_GAUGE,
	    "1 if the voltage is critically low" },
};

#define KIND(i, unit, min, max)             \
	{                                   \
		&metrics[i], unit, min, max \
	}
static const struct {
	const char *type, *property;
	struct sensor_kind kind;
} table[KINDS] = {
	[TEMP] = { "temp", "input", KIND(TEMP, 1e-3, CELSIUS_MIN, CELSIUS_MAX) },
	[TEMP_MAX] = { "temp", "max", KIND(TEMP_MAX, 1e-3, CELSIUS_MIN, CELSIUS_MAX) },
	[TEMP_CRIT] = { "temp", "crit", KIND(TEMP_CRIT, 1e-3, CELSIUS_MIN, CELSIUS_MAX) },
	[FAN] = { "fan", "input", KIND(FAN, 1, 0, 1e6) },
	[IN] = { "in", "input", KIND(IN, 1e-3, -1e5, 1e5) },
	[CURR] = { "curr", "input", KIND(CURR, 1e-3, -1e5, 1e5) },
	[POWER] = { "power", "input", KIND(POWER, 1e-6, -1e7, 1e7) },
	[POWER_AVERAGE] = { "power", "average", KIND(POWER_AVERAGE, 1e-6, -1e7, 1e7) },
	[ENERGY] = { "energy", "input", KIND(ENERGY, 1e-6, 0, 1e18) },
	[HUMIDITY] = { "humidity", "input", KIND(HUMIDITY, 1e-5, 0, 1.01) },
	[UNDERVOLTAGE] = { "in", "lcrit_alarm", KIND(UNDERVOLTAGE, 1, 0, 1) },
};

struct hwmon {
	struct sensors sensors;
	char *root;
	void *dir;
};
/* Where a scan stands. */
struct chip {
	struct hwmon *owner;
	char dir[PATH_MAX_LEN];
	char id[METRIC_LABEL_VALUE_MAX], name[METRIC_LABEL_VALUE_MAX];
};

static void
hwmon_close(void *inst)
{
	struct hwmon *h = inst;

	sensors_done(&h->sensors);
	if (h->dir)
		closedir(h->dir);
	free(h->root);
	free(h);
}

static int
hwmon_open(const struct source_env *env, void **ret_inst)
{
	struct hwmon *h = calloc(1, sizeof *h);

	if (!h)
		return -ENOMEM;
	if (asprintf(&h->root, "%s/class/hwmon", env->sys) < 0) {
		free(h);
		return -ENOMEM;
	}
	*ret_inst = h;
	return 0;
}

/* "temp12_input": the row of the table, and "temp12" into sensor. -1: nothing we tell. */
static int
parse_name(const char *name, char *sensor, size_t size)
{
	for (int i = 0; i < KINDS; i++) {
		size_t type = strlen(table[i].type), len = type;

		if (strncmp(name, table[i].type, type) != 0)
			continue;
		len += strspn(name + type, "0123456789");
		if (len == type || name[len] != '_' || len >= size ||
		    strcmp(name + len + 1, table[i].property) != 0)
			continue;
		snprintf(sensor, size, "%.*s", (int)len, name);
		return i;
	}
	return -1;
}

static void
add_label(struct sensor *s, const struct chip *c, const char *sensor)
{
	char name[48], text[FILE_ATTRIBUTE_MAX];

	snprintf(name, sizeof name, "%s_label", sensor);
	if (sensors_read_word(c->dir, name, text, sizeof text)[0])
		metric_labels_add(&s->labels, "label", text);
}

static void
see_file(void *arg, const char *name)
{
	struct chip *c = arg;
	struct sensor *s;
	char sensor[32];
	int i = parse_name(name, sensor, sizeof sensor);

	if (i < 0 || !sensors_see(&c->owner->sensors, c->dir, name, &s))
		return;
	s->kind = &table[i].kind;
	metric_labels_add(&s->labels, "chip", c->id);
	metric_labels_add(&s->labels, "chip_name", c->name);
	metric_labels_add(&s->labels, "sensor", sensor);
	add_label(s, c, sensor);
}

/* What stays of a name in a label, as node_exporter has it: lower case, others as _, none at the ends. */
static void
clean_name(char *text)
{
	size_t skip, len;

	for (char *c = text; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
		if (!isalnum((unsigned char)*c) && *c != ':')
			*c = '_';
	}
	skip = strspn(text, "_");
	len = strlen(text + skip);
	while (len > 0 && text[skip + len - 1] == '_')
		len--;
	memmove(text, text + skip, len);
	text[len] = '\0';
}

/* "/sys/devices/platform/coretemp.0" is platform_coretemp_0. */
static void
name_device(const char *dir, char *dst, size_t size)
{
	char path[PATH_MAX_LEN + 8], *real, *last, *bus;

	dst[0] = '\0';
	snprintf(path, sizeof path, "%s/device", dir);
	real = realpath(path, NULL);
	last = real ? strrchr(real, '/') : NULL;
	if (last && last != real) {
		*last++ = '\0';
		bus = strrchr(real, '/');
		bus = bus ? bus + 1 : real;
		clean_name(bus);
		clean_name(last);
		snprintf(dst, size, "%s%s%s", bus, bus[0] && last[0] ? "_" : "", last);
	}
	free(real);
}

static void
see_files(struct chip *c)
{
	void *dir = NULL;

	file_scan(&dir, c->dir, see_file, c);
	if (dir)
		closedir(dir);
}

static void
see_chip(void *arg, const char *name)
{
	struct chip c = { .owner = arg };
	size_t len;

	if (!sensors_see_place(&c.owner->sensors, c.owner->root, name))
		return;
	len = (size_t)snprintf(c.dir, sizeof c.dir, "%s/%s", c.owner->root, name);
	if (len + sizeof "/device" > sizeof c.dir)
		return;
	if (!sensors_read_word(c.dir, "name", c.name, sizeof c.name)[0])
		sensors_read_word(c.dir, "device/name", c.name, sizeof c.name);
	clean_name(c.name);
	name_device(c.dir, c.id, sizeof c.id);
	if (!c.id[0])
		snprintf(c.id, sizeof c.id, "%s", c.name[0] ? c.name : name);
	see_files(&c);
	memcpy(c.dir + len, "/device", sizeof "/device");
	see_files(&c);
}

static int
hwmon_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct hwmon *h = inst;

	if (sensors_scan(&h->sensors, now_ms)) {
		file_scan(&h->dir, h->root, see_chip, h);
		sensors_drop_unseen(&h->sensors);
	}
	sensors_put(&h->sensors, sink);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "", "chip, chip_name, sensor, label" },
	{ NULL, NULL },
};

const struct source source_hwmon = {
	.abi = SOURCE_ABI,
	.name = "hwmon",
	.help = "temperatures, fans, voltages, currents and power of the hardware",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.labels = labels_of,
	.open = hwmon_open,
	.sample = hwmon_sample,
	.close = hwmon_close,
};
