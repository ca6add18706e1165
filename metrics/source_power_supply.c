/* SPDX-License-Identifier: Apache-2.0
 *
 * Batteries, chargers and mains below /sys/class/power_supply. Drivers are of all sorts: an
 * attribute that is missing, answers with an error or holds garbage removes only itself (MET-03).
 * Units there are micro-everything (Documentation/ABI/testing/sysfs-class-power). */
#include "metrics/file.h"
#include "metrics/source.h"
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SUPPLIES_MAX	16
#define SUPPLY_NAME_MAX 64
#define RESCAN_MS	10000
#define DISCHARGING	2 /* in the words of status */

enum {
	CAPACITY,
	VOLTAGE,
	CURRENT,
	POWER,
	ENERGY,
	ENERGY_FULL,
	CHARGE,
	CHARGE_FULL,
	TIME_TO_EMPTY,
	TIME_TO_FULL,
	TEMPERATURE,
	ONLINE,
	ENERGY_DESIGN,
	CHARGE_DESIGN,
	CYCLES,
	VALUES, /* those below are told by their own functions or not at all */
	CHARGE_COUNTER = VALUES,
	EMPTY_AVERAGE,
	FULL_AVERAGE,
	ATTRIBUTES,
};
enum { STATUS, LEVEL, HEALTH, STATES, BATTERY = STATES, METRICS };

static const struct metric metrics[VALUES + METRICS] = {
	[CAPACITY] = { "node_power_supply_capacity_ratio", "ratio", METRIC_GAUGE,
	    "charge of the supply, 1 is full" },
	[VOLTAGE] = { "node_power_supply_voltage_volts", "volts", METRIC_GAUGE,
	    "voltage" },
	[CURRENT] = { "node_power_supply_current_amperes", "amperes", METRIC_GAUGE,
	    "current, with the sign the driver gives it" },
	[POWER] = { "node_power_supply_power_watts", "watts", METRIC_GAUGE,
	    "power that flows in or out; current times voltage if the driver does not "
	    "say" },
	[ENERGY] = { "node_power_supply_energy_joules", "joules", METRIC_GAUGE,
	    "energy that is left; charge times voltage if the driver does not say" },
	[ENERGY_FULL] = { "node_power_supply_energy_full_joules", "joules", METRIC_GAUGE,
	    "energy when full" },
	[CHARGE] = { "node_power_supply_charge_coulombs", "coulombs", METRIC_GAUGE,
	    "charge that is left" },
	[CHARGE_FULL] = { "node_power_supply_charge_full_coulombs", "coulombs",
	    METRIC_GAUGE, "charge when full" },
	[TIME_TO_EMPTY] = { "node_power_supply_time_to_empty_seconds", "seconds",
	    METRIC_GAUGE,
	    "the driver's guess of the time until empty; energy by power if it has "
	    "none" },
	[TIME_TO_FULL] = { "node_power_supply_time_to_full_seconds", "seconds",
	    METRIC_GAUGE, "the driver's guess of the time until full" },
	[TEMPERATURE] = { "node_power_supply_temperature_celsius", "celsius",
	    METRIC_GAUGE, "temperature of the supply" },
	[ONLINE] = { "node_power_supply_online", "", METRIC_GAUGE,
	    "1 if the supply gives power, else 0" },
	[ENERGY_DESIGN] = { "node_power_supply_energy_full_design_joules", "joules",
	    METRIC_GAUGE, "energy when full and new" },
	[CHARGE_DESIGN] = { "node_power_supply_charge_full_design_coulombs", "coulombs",
	    METRIC_GAUGE, "charge when full and new" },
	[CYCLES] = { "node_power_supply_cyclecount", "", METRIC_GAUGE,
	    "how often the battery was charged and discharged" },
	[VALUES + STATUS] = { "node_power_supply_status", "", METRIC_GAUGE,
	    "1 for the status the supply is in, 0 for the others" },
	[VALUES + LEVEL] = { "node_power_supply_capacity_level", "", METRIC_GAUGE,
	    "1 for the level the charge is at, 0 for the others" },
	[VALUES + HEALTH] = { "node_power_supply_health", "", METRIC_GAUGE,
	    "1 for the health the battery is in, 0 for the others" },
	[VALUES + BATTERY] = { "node_battery_capacity_ratio", "ratio", METRIC_GAUGE,
	    "charge of the emptiest battery of the node, 1 is full" },
};

/* Smart batteries say 65535 minutes for "I do not know". */
#define TIME_MAX     (65534 * 60.0)
#define CAPACITY_MAX 1.1    /* gauges that were set too low go beyond full */
#define MICROHOURS   0.0036 /* µWh to J, µAh to C */
static const struct attribute {
	const char *name;
	double scale, min, max; /* in the metric's unit; what lies outside is garbage */
} attribute[ATTRIBUTES] = {
	[CAPACITY] = { "capacity", 0.01, 0, CAPACITY_MAX },
	[VOLTAGE] = { "voltage_now", 1e-6, 0, 1e5 },
	[CURRENT] = { "current_now", 1e-6, -1e5, 1e5 },
	[POWER] = { "power_now", 1e-6, -1e7, 1e7 },
	[ENERGY] = { "energy_now", MICROHOURS, 0, 1e12 },
	[ENERGY_FULL] = { "energy_full", MICROHOURS, 0, 1e12 },
	[CHARGE] = { "charge_now", MICROHOURS, 0, 1e12 },
	[CHARGE_FULL] = { "charge_full", MICROHOURS, 0, 1e12 },
	[TIME_TO_EMPTY] = { "time_to_empty_now", 1, 0, TIME_MAX },
	[TIME_TO_FULL] = { "time_to_full_now", 1, 0, TIME_MAX },
	[TEMPERATURE] = { "temp", 0.1, -273.15, 1000 },
	[ONLINE] = { "online", 1, 0, 2 },
	[ENERGY_DESIGN] = { "energy_full_design", MICROHOURS, 0, 1e12 },
	[CHARGE_DESIGN] = { "charge_full_design", MICROHOURS, 0, 1e12 },
	[CYCLES] = { "cycle_count", 1, 0, 1e6 },
	[CHARGE_COUNTER] = { "charge_counter", MICROHOURS, 0, 1e12 },
	[EMPTY_AVERAGE] = { "time_to_empty_avg", 1, 0, TIME_MAX },
	[FULL_AVERAGE] = { "time_to_full_avg", 1, 0, TIME_MAX },
};

/* What is one word of a list (Documentation/ABI/testing/sysfs-class-power); the label is that word. */
#define WORDS_MAX 16
static const struct state {
	const char *name, *label;
	const char *word[WORDS_MAX];
} states[STATES] = {
	[STATUS] = { "status", "status",
	    { "unknown", "charging", "discharging", "not_charging", "full" } },
	[LEVEL] = { "capacity_level", "level",
	    { "unknown", "critical", "low", "normal", "high", "full" } },
	[HEALTH] = { "health", "health",
	    { "unknown", "good", "overheat", "dead", "over_voltage", "over_current",
		"unspecified_failure", "cold", "cool", "warm", "hot", "no_battery",
		"watchdog_timer_expire", "safety_timer_expire",
		"calibration_required" } },
};

struct supply {
	char name[SUPPLY_NAME_MAX];
	struct file attribute[ATTRIBUTES], state[STATES], type, scope, present;
	/* What the driver does not have is looked for once a scan: bits of attribute, then state. */
	uint32_t absent;
	bool seen; /* in this scan */
};
static_assert(ATTRIBUTES + STATES <= 32, "absent has a bit for each");
struct power {
	char *root;
	void *dir;
	int64_t scanned_ms;
	bool scanned;
	struct supply *supply[SUPPLIES_MAX];
	unsigned len;
};

static void
free_supply(struct supply *s)
{
	for (unsigned i = 0; i < ATTRIBUTES; i++)
		file_done(&s->attribute[i]);
	for (unsigned i = 0; i < STATES; i++)
		file_done(&s->state[i]);
	file_done(&s->type);
	file_done(&s->scope);
	file_done(&s->present);
	free(s);
}

static void
power_close(void *inst)
{
	struct power *p = inst;

	for (unsigned i = 0; i < p->len; i++)
		free_supply(p->supply[i]);
	if (p->dir)
		closedir(p->dir);
	free(p->root);
	free(p);
}

static int
power_open(const struct source_env *env, void **ret_inst)
{
	struct power *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	if (env->power_supply)
		p->root = strdup(env->power_supply);
	else if (asprintf(&p->root, "%s/class/power_supply", env->sys) < 0)
		p->root = NULL;
	if (!p->root) {
		power_close(p);
		return -ENOMEM;
	}
	*ret_inst = p;
	return 0;
}

static int
init_attribute(struct file *f, const char *root, const char *supply, const char *name)
{
	char path[SUPPLY_NAME_MAX + 32];

	snprintf(path, sizeof path, "%s/%s", supply, name);
	return file_init(f, root, path);
}

static struct supply *
new_supply(const char *root, const char *name)
{
	struct supply *s = calloc(1, sizeof *s);
	int err = 0;

	if (!s)
		return NULL;
	snprintf(s->name, sizeof s->name, "%s", name);
	for (unsigned i = 0; i < ATTRIBUTES; i++)
		err |= init_attribute(&s->attribute[i], root, name, attribute[i].name);
	for (unsigned i = 0; i < STATES; i++)
		err |= init_attribute(&s->state[i], root, name, states[i].name);
	err |= init_attribute(&s->type, root, name, "type");
	err |= init_attribute(&s->scope, root, name, "scope");
	err |= init_attribute(&s->present, root, name, "present");
	if (err) {
		free_supply(s);
		return NULL;
	}
	return s;
}

static void
see_supply(void *arg, const char *name)
{
	struct power *p = arg;
	struct supply *s = NULL;

	for (unsigned i = 0; i < p->len && !s; i++)
		if (strcmp(p->supply[i]->name, name) == 0)
			s = p->supply[i];
	if (!s && p->len < SUPPLIES_MAX && strlen(name) < SUPPLY_NAME_MAX) {
		s = new_supply(p->root, name);
		if (s)
			p->supply[p->len++] = s;
	}
	if (s) {
		s->seen = true;
		s->absent = 0;
	}
}

static void
drop_unseen(struct power *p)
{
	for (unsigned i = 0; i < p->len; i++)
		if (!p->supply[i]->seen) {
			free_supply(p->supply[i]);
			p->supply[i--] = p->supply[--p->len];
		}
}

/* Supplies are plugged and unplugged; nobody tells a process without netlink. A directory that is
 * not there means a machine without supplies. */
static void
scan_supplies(struct power *p, int64_t now_ms)
{
	if (p->scanned && now_ms - p->scanned_ms < RESCAN_MS)
		return;
	p->scanned = true;
	p->scanned_ms = now_ms;
	for (unsigned i = 0; i < p->len; i++)
		p->supply[i]->seen = false;
	file_scan(&p->dir, p->root, see_supply, p);
	drop_unseen(p);
}

static void
read_attributes(struct supply *s, double value[ATTRIBUTES])
{
	for (unsigned i = 0; i < ATTRIBUTES; i++) {
		double v;
		int err = s->absent & 1U << i ? -ENOENT
					      : file_read_number(&s->attribute[i], &v);

		value[i] = NAN;
		if (err == -ENOENT)
			s->absent |= 1U << i;
		if (err < 0)
			continue;
		v *= attribute[i].scale;
		if (v >= attribute[i].min && v <= attribute[i].max)
			value[i] = v;
	}
}

static void
take_instead(double *value, double instead)
{
	if (isnan(*value))
		*value = instead;
}

static double
share(double part, double whole)
{
	return whole > 0 && part <= whole * CAPACITY_MAX ? part / whole : NAN;
}

/* What a driver leaves out can follow from the rest. Signs differ among drivers, so power has none. */
static void
derive_attributes(double value[ATTRIBUTES])
{
	take_instead(&value[CHARGE], value[CHARGE_COUNTER]);
	take_instead(&value[CAPACITY], share(value[ENERGY], value[ENERGY_FULL]));
	take_instead(&value[CAPACITY], share(value[CHARGE], value[CHARGE_FULL]));
	if (value[CAPACITY] > 1)
		value[CAPACITY] = 1;
	take_instead(&value[ENERGY], value[CHARGE] * value[VOLTAGE]);
	take_instead(&value[POWER], value[CURRENT] * value[VOLTAGE]);
	value[POWER] = fabs(value[POWER]);
	take_instead(&value[TIME_TO_EMPTY], value[EMPTY_AVERAGE]);
	take_instead(&value[TIME_TO_FULL], value[FULL_AVERAGE]);
	if (value[ONLINE] > 1)
		value[ONLINE] = 1; /* 2: programmable (USB-PD) */
}

/* "Not charging" is not_charging. */
static void
make_word(char *text)
{
	for (; *text; text++)
		*text = *text == ' ' ? '_' : (char)tolower((unsigned char)*text);
}

/* The index of the word that the supply says, -1: none of the list. */
static int
read_state(struct supply *s, unsigned which)
{
	uint32_t bit = 1U << (ATTRIBUTES + which);
	char text[FILE_ATTRIBUTE_MAX];
	int err = s->absent & bit ? -ENOENT
				  : file_read_word(&s->state[which], text, sizeof text);

	if (err == -ENOENT)
		s->absent |= bit;
	if (err < 0)
		return -1;
	make_word(text);
	for (int i = 0; i < WORDS_MAX && states[which].word[i]; i++)
		if (strcmp(text, states[which].word[i]) == 0)
			return i;
	return -1;
}

static void
put_state(unsigned which, int is, const struct metric_labels *of, struct sink *sink)
{
	for (int i = 0; is >= 0 && i < WORDS_MAX && states[which].word[i]; i++) {
		struct metric_labels labels = *of;

		metric_labels_add(&labels, states[which].label, states[which].word[i]);
		sink_put(sink, &metrics[VALUES + which], &labels, i == is);
	}
}

/* Batteries of mice and pens ("Device") do not keep the node alive. */
static bool
is_battery(struct supply *s)
{
	char text[FILE_ATTRIBUTE_MAX];

	if (file_read_word(&s->type, text, sizeof text) < 0 ||
	    (strcasecmp(text, "Battery") != 0 && strcasecmp(text, "UPS") != 0))
		return false;
	return file_read_word(&s->scope, text, sizeof text) < 0 ||
	    strcasecmp(text, "Device") != 0;
}

static double
sample_supply(struct supply *s, struct sink *sink)
{
	struct metric_labels labels = { 0 };
	double value[ATTRIBUTES], present;
	int state[STATES];

	if (file_read_number(&s->present, &present) == 0 && present == 0)
		return NAN; /* an empty bay */
	metric_labels_add(&labels, "power_supply", s->name);
	read_attributes(s, value);
	derive_attributes(value);
	for (unsigned i = 0; i < STATES; i++) {
		state[i] = read_state(s, i);
		put_state(i, state[i], &labels, sink);
	}
	if (state[STATUS] == DISCHARGING && value[POWER] > 0)
		take_instead(&value[TIME_TO_EMPTY], value[ENERGY] / value[POWER]);
	for (unsigned i = 0; i < VALUES; i++)
		sink_put(sink, &metrics[i], &labels, value[i]);
	return is_battery(s) ? value[CAPACITY] : NAN;
}

static int
power_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct power *p = inst;
	double lowest = NAN;

	scan_supplies(p, now_ms);
	for (unsigned i = 0; i < p->len; i++)
		lowest = fmin(lowest, sample_supply(p->supply[i], sink));
	sink_put(sink, &metrics[VALUES + BATTERY], NULL, lowest);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "node_power_supply_status", "power_supply, status" },
	{ "node_power_supply_capacity_level", "power_supply, level" },
	{ "node_power_supply_health", "power_supply, health" },
	{ "node_battery_", "" },
	{ "", "power_supply" },
	{ NULL, NULL },
};

const struct source source_power_supply = {
	.abi = SOURCE_ABI,
	.name = "power_supply",
	.help = "batteries, chargers and mains",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.labels = labels_of,
	.open = power_open,
	.sample = power_sample,
	.close = power_close,
};
