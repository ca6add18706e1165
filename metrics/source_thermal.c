/* SPDX-License-Identifier: Apache-2.0
 *
 * Thermal zones, in thousandths of a degree: Documentation/driver-api/thermal/sysfs-api.rst. */
#include "metrics/sensors.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CELSIUS_MIN  (-273.15)
#define CELSIUS_MAX  1000.0 /* drivers without a sensor behind them tell nonsense */
#define PATH_MAX_LEN 512

static const struct metric metrics[] = {
	{ "node_thermal_zone_celsius", "celsius", METRIC_GAUGE,
	    "temperature of a thermal zone" },
};
static const struct sensor_kind kind = { &metrics[0], 1e-3, CELSIUS_MIN, CELSIUS_MAX };

struct thermal {
	struct sensors sensors;
	char *root;
	void *dir;
};

static void
thermal_close(void *inst)
{
	struct thermal *t = inst;

	sensors_done(&t->sensors);
	if (t->dir)
		closedir(t->dir);
	free(t->root);
	free(t);
}

static int
thermal_open(const struct source_env *env, void **ret_inst)
{
	struct thermal *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	if (asprintf(&t->root, "%s/class/thermal", env->sys) < 0) {
		free(t);
		return -ENOMEM;
	}
	*ret_inst = t;
	return 0;
}

/* The directory holds cooling devices as well. */
static void
see_zone(void *arg, const char *name)
{
	struct thermal *t = arg;
	char dir[PATH_MAX_LEN], type[FILE_ATTRIBUTE_MAX];
	struct sensor *s;

	if (strncmp(name, "thermal_zone", 12) != 0 ||
	    (size_t)snprintf(dir, sizeof dir, "%s/%s", t->root, name) >= sizeof dir ||
	    !sensors_see(&t->sensors, dir, "temp", &s))
		return;
	s->kind = &kind;
	metric_labels_add(&s->labels, "zone", name);
	metric_labels_add(
	    &s->labels, "type", sensors_read_word(dir, "type", type, sizeof type));
}

static int
thermal_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct thermal *t = inst;

	if (sensors_scan(&t->sensors, now_ms)) {
		file_scan(&t->dir, t->root, see_zone, t);
		sensors_drop_unseen(&t->sensors);
	}
	sensors_put(&t->sensors, sink);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "", "zone, type" },
	{ NULL, NULL },
};

const struct source source_thermal = {
	.abi = SOURCE_ABI,
	.name = "thermal",
	.help = "thermal zones",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.labels = labels_of,
	.open = thermal_open,
	.sample = thermal_sample,
	.close = thermal_close,
};
