/* SPDX-License-Identifier: Apache-2.0
 *
 * Temperatures from thermal zones and from the sensors of hwmon, both in thousandths of a degree. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SENSORS_MAX 64
#define INPUTS_MAX  16 /* temp1_input … of one chip */
#define RESCAN_MS   60000
#define CELSIUS_MIN (-273.15)
#define CELSIUS_MAX 1000.0 /* drivers without a sensor behind them tell nonsense */

enum { ZONE, HWMON, KINDS };

static const struct metric metrics[KINDS] = {
	[ZONE] = { "node_thermal_zone_celsius", "celsius", METRIC_GAUGE,
	    "temperature of a thermal zone" },
	[HWMON] = { "node_hwmon_temp_celsius", "celsius", METRIC_GAUGE,
	    "temperature of a hardware sensor" },
};
static const char *const class_name[KINDS] = { "thermal", "hwmon" };

struct sensor {
	struct file input;
	struct metric_labels labels;
	uint8_t kind;
	bool seen; /* in this scan */
};
struct class
{
	struct thermal *owner;
	char *path;
	void *dir;
	uint8_t kind;
};
struct thermal {
	struct class class[KINDS];
	struct sensor *sensor[SENSORS_MAX];
	unsigned len;
	int64_t scanned_ms;
	bool scanned;
};

static void
free_sensor(struct sensor *s)
{
	file_done(&s->input);
	free(s);
}

static void
thermal_close(void *inst)
{
	struct thermal *t = inst;

	for (unsigned i = 0; i < t->len; i++)
		free_sensor(t->sensor[i]);
	for (unsigned i = 0; i < KINDS; i++) {
		if (t->class[i].dir)
			closedir(t->class[i].dir);
		free(t->class[i].path);
	}
	free(t);
}

static int
thermal_open(const struct source_env *env, void **ret_inst)
{
	struct thermal *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	for (uint8_t i = 0; i < KINDS; i++) {
		t->class[i] = (struct class){ .owner = t, .kind = i };
		if (asprintf(&t->class[i].path, "%s/class/%s", env->sys, class_name[i]) <
		    0) {
			t->class[i].path = NULL;
			thermal_close(t);
			return -ENOMEM;
		}
	}
	*ret_inst = t;
	return 0;
}

static struct sensor *
find_sensor(struct thermal *t, const char *path)
{
	for (unsigned i = 0; i < t->len; i++)
		if (strcmp(t->sensor[i]->input.path, path) == 0)
			return t->sensor[i];
	return NULL;
}

/* What a sensor is called; "" if it does not say. */
static void
read_name(const char *root, const char *name, char *dst, size_t size)
{
	struct file f = { 0 };

	dst[0] = '\0';
	if (file_init(&f, root, name) == 0 && file_read_word(&f, dst, size) < 0)
		dst[0] = '\0';
	file_done(&f);
}

/* A new sensor; its labels are the place (zone or hwmon), what it is (type or chip), and which. */
static void
add_sensor(struct class *c, const char *place, const char *name, const char *input)
{
	static const char *const place_label[KINDS] = { "zone", "hwmon" };
	static const char *const name_label[KINDS] = { "type", "chip" };
	struct thermal *t = c->owner;
	struct sensor *s = t->len < SENSORS_MAX ? calloc(1, sizeof *s) : NULL;
	char path[FILE_ATTRIBUTE_MAX], text[FILE_ATTRIBUTE_MAX];

	snprintf(path, sizeof path, "%s/%s", place, input);
	if (!s || file_init(&s->input, c->path, path) < 0) {
		free(s);
		return;
	}
	s->kind = c->kind;
	s->seen = true;
	snprintf(path, sizeof path, "%s/%s", place, name);
	read_name(c->path, path, text, sizeof text);
	metric_labels_add(&s->labels, place_label[c->kind], place);
	metric_labels_add(&s->labels, name_label[c->kind], text);
	if (c->kind == HWMON) {
		snprintf(text, sizeof text, "%.*s", (int)strcspn(input, "_"), input);
		metric_labels_add(&s->labels, "sensor", text);
	}
	t->sensor[t->len++] = s;
}

static void
see_sensor(struct class *c, const char *place, const char *name, const char *input)
{
	char path[2 * FILE_ATTRIBUTE_MAX];
	struct sensor *s;

	if ((size_t)snprintf(path, sizeof path, "%s/%s/%s", c->path, place, input) >=
	    sizeof path)
		return;
	s = find_sensor(c->owner, path);
	if (access(path, R_OK) < 0)
		return;
	if (s)
		s->seen = true;
	else
		add_sensor(c, place, name, input);
}

static void
see_place(void *arg, const char *place)
{
	struct class *c = arg;
	char input[32];

	if (strlen(place) >= METRIC_LABEL_VALUE_MAX)
		return;
	if (c->kind == ZONE) {
		if (strncmp(place, "thermal_zone", 12) == 0)
			see_sensor(c, place, "type", "temp");
		return;
	}
	for (unsigned i = 1; i <= INPUTS_MAX; i++) {
		snprintf(input, sizeof input, "temp%u_input", i);
		see_sensor(c, place, "name", input);
	}
}

static void
scan_sensors(struct thermal *t, int64_t now_ms)
{
	if (t->scanned && now_ms - t->scanned_ms < RESCAN_MS)
		return;
	t->scanned = true;
	t->scanned_ms = now_ms;
	for (unsigned i = 0; i < t->len; i++)
		t->sensor[i]->seen = false;
	for (unsigned i = 0; i < KINDS; i++)
		file_scan(&t->class[i].dir, t->class[i].path, see_place, &t->class[i]);
	for (unsigned i = 0; i < t->len; i++)
		if (!t->sensor[i]->seen) {
			free_sensor(t->sensor[i]);
			t->sensor[i--] = t->sensor[--t->len];
		}
}

static int
thermal_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct thermal *t = inst;

	scan_sensors(t, now_ms);
	for (unsigned i = 0; i < t->len; i++) {
		struct sensor *s = t->sensor[i];
		double v;

		if (file_read_number(&s->input, &v) < 0)
			continue;
		v /= 1000;
		if (v >= CELSIUS_MIN && v <= CELSIUS_MAX)
			sink_put(sink, &metrics[s->kind], &s->labels, v);
	}
	return 0;
}

const struct source source_thermal = {
	.abi = SOURCE_ABI,
	.name = "thermal",
	.help = "temperatures",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.open = thermal_open,
	.sample = thermal_sample,
	.close = thermal_close,
};
