/* SPDX-License-Identifier: Apache-2.0
 *
 * Sensors that sysfs shows as one file each: a list that a scan brings up to date and a sample reads.
 * For the sources thermal, hwmon and iio, embedded in theirs. A file that cannot be read or holds
 * garbage removes only itself (MET-03). */
#pragma once
#include "metrics/file.h"
#include "metrics/source.h"

#define SENSORS_MAX	  256
#define SENSOR_PLACES_MAX 64

/* What a sensor tells: its metric, and how to get there: (raw + offset) * scale * unit. */
struct sensor_kind {
	const struct metric *metric;
	double unit, min,
	    max; /* bounds in the metric's unit; what lies outside is garbage */
};
struct sensor {
	struct file input, scale, offset; /* path NULL: there is none */
	const struct sensor_kind *kind;
	struct metric_labels labels;
	uint32_t place; /* 0: of none */
	bool seen;	/* in this scan */
};
/* A directory of sensors that was listed: its sensors do not change, so it is not listed again. */
struct sensor_place {
	char name[32];
	uint64_t key; /* another one when a device of that name has come anew */
	uint32_t id;
	bool seen;
};
struct sensors {
	struct sensor *sensor[SENSORS_MAX];
	struct sensor_place place[SENSOR_PLACES_MAX];
	unsigned len, places;
	uint32_t place_id,
	    last_id; /* of the place that is listed now; the newest one given */
	int64_t scanned_ms;
	bool scanned;
};

/* Is it time for a scan? Then all sensors are unseen until they are told again. */
bool sensors_scan(struct sensors *s, int64_t now_ms);
/* <root>/<name> is a directory of sensors. true: it is new, list it; false: its sensors are known. */
bool sensors_see_place(struct sensors *s, const char *root, const char *name);
/* <dir>/<name> is a sensor. true: a new one, *ret is to be filled; false: it was known, or there is no
 * room. */
bool
sensors_see(struct sensors *s, const char *dir, const char *name, struct sensor **ret);
void sensors_drop_unseen(struct sensors *s);
void sensors_put(struct sensors *s, struct sink *sink);
void sensors_done(struct sensors *s);

/* The first line of <dir>/<name>; "" if it cannot be read. Returns dst. */
char *sensors_read_word(const char *dir, const char *name, char *dst, size_t size);
