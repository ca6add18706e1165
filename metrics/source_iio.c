/* SPDX-License-Identifier: Apache-2.0
 *
 * Sensors of the industrial I/O subsystem: Documentation/ABI/testing/sysfs-bus-iio. A channel is either
 * processed (in_temp_input) or raw with an offset and a scale, of its own or of its type. */
#include "metrics/sensors.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_MAX_LEN 512

enum {
	TEMP,
	HUMIDITY,
	PRESSURE,
	ILLUMINANCE,
	VOLTAGE,
	CURRENT,
	POWER,
	ACCEL,
	ANGLVEL,
	MAGN,
	PROXIMITY,
	DISTANCE,
	CONCENTRATION,
	MASS,
	KINDS,
};

static const struct metric metrics[KINDS] = {
	[TEMP] = { "node_iio_temperature_celsius", "celsius", METRIC_GAUGE,
	    "temperature" },
	[HUMIDITY] = { "node_iio_humidity_ratio", "ratio", METRIC_GAUGE,
	    "relative humidity, 1 is saturated" },
	[PRESSURE] = { "node_iio_pressure_pascals", "pascals", METRIC_GAUGE, "pressure" },
	[ILLUMINANCE] = { "node_iio_illuminance_lux", "lux", METRIC_GAUGE,
	    "illuminance" },
	[VOLTAGE] = { "node_iio_voltage_volts", "volts", METRIC_GAUGE, "voltage" },
	[CURRENT] = { "node_iio_current_amperes", "amperes", METRIC_GAUGE, "current" },
	[POWER] = { "node_iio_power_watts", "watts", METRIC_GAUGE, "power" },
	[ACCEL] = { "node_iio_acceleration_meters_per_second_squared", "m/s^2",
	    METRIC_GAUGE, "acceleration along an axis, gravity included" },
	[ANGLVEL] = { "node_iio_angular_velocity_radians_per_second", "rad/s",
	    METRIC_GAUGE, "turning around an axis" },
	[MAGN] = { "node_iio_magnetic_field_teslas", "teslas", METRIC_GAUGE,
	    "magnetic field along an axis" },
	[PROXIMITY] = { "node_iio_proximity", "", METRIC_GAUGE,
	    "nearness of something, in units of the sensor" },
	[DISTANCE] = { "node_iio_distance_meters", "meters", METRIC_GAUGE,
	    "distance to something" },
	[CONCENTRATION] = { "node_iio_concentration_ratio", "ratio", METRIC_GAUGE,
	    "share of a gas in the air" },
	[MASS] = { "node_iio_mass_concentration_grams_per_cubic_meter", "g/m^3",
	    METRIC_GAUGE, "dust in the air" },
};

#define KIND(i, unit, min, max)             \
	{                                   \
		&metrics[i], unit, min, max \
	}
/* The types are in thousandths, in percent, kilopascals, gauss and micrograms. */
static const struct {
	const char *type;
	bool scaled; /* raw without a scale means nothing */
	struct sensor_kind kind;
} table[KINDS] = {
	[TEMP] = { "temp", true, KIND(TEMP, 1e-3, -273.15, 10000) },
	[HUMIDITY] = { "humidityrelative", true, KIND(HUMIDITY, 1e-5, 0, 1.01) },
	[PRESSURE] = { "pressure", true, KIND(PRESSURE, 1e3, -1e9, 1e9) },
	[ILLUMINANCE] = { "illuminance", true, KIND(ILLUMINANCE, 1, 0, 1e7) },
	[VOLTAGE] = { "voltage", true, KIND(VOLTAGE, 1e-3, -1e6, 1e6) },
	[CURRENT] = { "current", true, KIND(CURRENT, 1e-3, -1e6, 1e6) },
	[POWER] = { "power", true, KIND(POWER, 1e-3, -1e8, 1e8) },
	[ACCEL] = { "accel", true, KIND(ACCEL, 1, -1e5, 1e5) },
	[ANGLVEL] = { "anglvel", true, KIND(ANGLVEL, 1, -1e5, 1e5) },
	[MAGN] = { "magn", true, KIND(MAGN, 1e-4, -100, 100) },
	[PROXIMITY] = { "proximity", false, KIND(PROXIMITY, 1, -1e9, 1e9) },
	[DISTANCE] = { "distance", true, KIND(DISTANCE, 1, 0, 1e6) },
	[CONCENTRATION] = { "concentration", true, KIND(CONCENTRATION, 0.01, 0, 1) },
	[MASS] = { "massconcentration", true, KIND(MASS, 1e-6, 0, 1e3) },
};

struct iio {
	struct sensors sensors;
	char *root;
	void *dir;
};
/* Where a scan stands. */
struct device {
	struct iio *owner;
	char dir[PATH_MAX_LEN];
	const char *id;
	char name[METRIC_LABEL_VALUE_MAX];
};
struct channel {
	char name[48]; /* "voltage0", "accel_x" */
	int kind;      /* of the table */
	bool processed;
};

static void
iio_close(void *inst)
{
	struct iio *i = inst;

	sensors_done(&i->sensors);
	if (i->dir)
		closedir(i->dir);
	free(i->root);
	free(i);
}

static int
iio_open(const struct source_env *env, void **ret_inst)
{
	struct iio *i = calloc(1, sizeof *i);

	if (!i)
		return -ENOMEM;
	if (asprintf(&i->root, "%s/bus/iio/devices", env->sys) < 0) {
		free(i);
		return -ENOMEM;
	}
	*ret_inst = i;
	return 0;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* "in_accel_x_raw", "in_voltage0-voltage1_raw", "in_temp_input". */
static bool
parse_name(const char *name, struct channel *ret)
{
	bool processed = ends_with(name, "_input");
	size_t len = strlen(name);

	if (strncmp(name, "in_", 3) != 0 || (!processed && !ends_with(name, "_raw")))
		return false;
	len -= 3 + (processed ? strlen("_input") : strlen("_raw"));
	if (len >= sizeof ret->name)
		return false;
	snprintf(ret->name, sizeof ret->name, "%.*s", (int)len, name + 3);
	ret->processed = processed;
	for (ret->kind = 0; ret->kind < KINDS; ret->kind++) {
		size_t type = strlen(table[ret->kind].type);

		if (strncmp(ret->name, table[ret->kind].type, type) == 0 &&
		    (ret->name[type] == '\0' || ret->name[type] == '_' ||
			(ret->name[type] >= '0' && ret->name[type] <= '9')))
			return true;
	}
	return false;
}

/* The channel's own, or its type's. */
static bool
find_attribute(const struct device *d, const struct channel *c, const char *attribute,
    struct file *ret)
{
	const char *const owner[] = { c->name, table[c->kind].type };
	char name[96];

	for (unsigned i = 0; i < ARRAY_LEN(owner); i++) {
		snprintf(name, sizeof name, "in_%s_%s", owner[i], attribute);
		if (file_init(ret, d->dir, name) < 0)
			return false;
		if (access(ret->path, F_OK) == 0)
			return true;
		file_done(ret);
	}
	return false;
}

static bool
has_processed(const struct device *d, const struct channel *c)
{
	char path[PATH_MAX_LEN + 96];

	snprintf(path, sizeof path, "%s/in_%s_input", d->dir, c->name);
	return access(path, F_OK) == 0;
}

static void
add_labels(struct sensor *s, const struct device *d, const struct channel *c)
{
	char name[96], text[FILE_ATTRIBUTE_MAX];

	metric_labels_add(&s->labels, "device", d->id);
	metric_labels_add(&s->labels, "name", d->name);
	metric_labels_add(&s->labels, "channel", c->name);
	snprintf(name, sizeof name, "in_%s_label", c->name);
	if (sensors_read_word(d->dir, name, text, sizeof text)[0])
		metric_labels_add(&s->labels, "label", text);
}

static void
see_file(void *arg, const char *name)
{
	struct device *d = arg;
	struct file scale = { 0 };
	struct channel c;
	struct sensor *s;

	if (!parse_name(name, &c) || (!c.processed && has_processed(d, &c)))
		return;
	if (!c.processed && !find_attribute(d, &c, "scale", &scale) &&
	    table[c.kind].scaled)
		return;
	if (!sensors_see(&d->owner->sensors, d->dir, name, &s)) {
		file_done(&scale);
		return;
	}
	s->kind = &table[c.kind].kind;
	s->scale = scale;
	if (!c.processed)
		(void)find_attribute(d, &c, "offset", &s->offset);
	add_labels(s, d, &c);
}

static void
see_device(void *arg, const char *id)
{
	struct device d = { .owner = arg, .id = id };
	void *dir = NULL;

	if (strncmp(id, "iio:device", 10) != 0 ||
	    !sensors_see_place(&d.owner->sensors, d.owner->root, id) ||
	    (size_t)snprintf(d.dir, sizeof d.dir, "%s/%s", d.owner->root, id) >=
		sizeof d.dir)
		return;
	sensors_read_word(d.dir, "name", d.name, sizeof d.name);
	file_scan(&dir, d.dir, see_file, &d);
	if (dir)
		closedir(dir);
}

static int
iio_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct iio *i = inst;

	if (sensors_scan(&i->sensors, now_ms)) {
		file_scan(&i->dir, i->root, see_device, i);
		sensors_drop_unseen(&i->sensors);
	}
	sensors_put(&i->sensors, sink);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "", "device, name, channel, label" },
	{ NULL, NULL },
};

const struct source source_iio = {
	.abi = SOURCE_ABI,
	.name = "iio",
	.help = "sensors of the industrial I/O subsystem",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.labels = labels_of,
	.open = iio_open,
	.sample = iio_sample,
	.close = iio_close,
};
