/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/sensors.h"
#include <stdio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define RESCAN_MS 60000

static void
free_sensor(struct sensor *s)
{
	file_done(&s->input);
	file_done(&s->scale);
	file_done(&s->offset);
	free(s);
}

void
sensors_done(struct sensors *s)
{
	for (unsigned i = 0; i < s->len; i++)
		free_sensor(s->sensor[i]);
	s->len = 0;
}

bool
sensors_scan(struct sensors *s, int64_t now_ms)
{
	if (s->scanned && now_ms - s->scanned_ms < RESCAN_MS)
		return false;
	s->scanned = true;
	s->scanned_ms = now_ms;
	for (unsigned i = 0; i < s->len; i++)
		s->sensor[i]->seen = false;
	for (unsigned i = 0; i < s->places; i++)
		s->place[i].seen = false;
	s->place_id = 0;
	return true;
}

/* The inode of a device's entry is new when the device is. Elsewhere than in sysfs people change
 * directories as they like, and then the time says so. */
static uint64_t
key_of(const char *root, const char *name)
{
	char path[512];
	struct statfs fs;
	struct stat st;

	if ((size_t)snprintf(path, sizeof path, "%s/%s", root, name) >= sizeof path ||
	    lstat(path, &st) < 0)
		return 0;
	if (statfs(path, &fs) < 0 || fs.f_type == SYSFS_MAGIC || stat(path, &st) < 0)
		return st.st_ino;
	return st.st_ino ^ (uint64_t)st.st_mtim.tv_sec << 20 ^
	    (uint64_t)st.st_mtim.tv_nsec;
}

static struct sensor_place *
find_place(struct sensors *s, const char *name)
{
	for (unsigned i = 0; i < s->places; i++)
		if (strcmp(s->place[i].name, name) == 0)
			return &s->place[i];
	return NULL;
}

bool
sensors_see_place(struct sensors *s, const char *root, const char *name)
{
	struct sensor_place *p = find_place(s, name);
	uint64_t key = key_of(root, name);

	s->place_id = 0;
	if (p && p->key == key) {
		p->seen = true;
		for (unsigned i = 0; i < s->len; i++)
			s->sensor[i]->seen |= s->sensor[i]->place == p->id;
		return false;
	}
	if (!p && s->places < SENSOR_PLACES_MAX && strlen(name) < sizeof p->name)
		p = &s->place[s->places++];
	if (!p)
		return false;
	*p = (struct sensor_place){ .key = key, .id = ++s->last_id, .seen = true };
	snprintf(p->name, sizeof p->name, "%s", name);
	s->place_id = p->id;
	return true;
}

static struct sensor *
find_sensor(struct sensors *s, const char *dir, const char *name)
{
	size_t len = strlen(dir);

	for (unsigned i = 0; i < s->len; i++) {
		const char *path = s->sensor[i]->input.path;

		if (strncmp(path, dir, len) == 0 && path[len] == '/' &&
		    strcmp(path + len + 1, name) == 0)
			return s->sensor[i];
	}
	return NULL;
}

bool
sensors_see(struct sensors *s, const char *dir, const char *name, struct sensor **ret)
{
	struct sensor *sensor = find_sensor(s, dir, name);

	if (sensor && sensor->place == s->place_id) {
		sensor->seen = true;
		return false;
	}
	sensor = s->len < SENSORS_MAX ? calloc(1, sizeof *sensor) : NULL;
	if (!sensor || file_init(&sensor->input, dir, name) < 0) {
		free(sensor);
		return false;
	}
	sensor->seen = true;
	sensor->place = s->place_id;
	s->sensor[s->len++] = sensor;
	*ret = sensor;
	return true;
}

void
sensors_drop_unseen(struct sensors *s)
{
	for (unsigned i = 0; i < s->len; i++)
		if (!s->sensor[i]->seen) {
			free_sensor(s->sensor[i]);
			s->sensor[i--] = s->sensor[--s->len];
		}
	for (unsigned i = 0; i < s->places; i++)
		if (!s->place[i].seen)
			s->place[i--] = s->place[--s->places];
}

/* Scale and offset may change while a sensor runs (a light meter chooses its range). */
static bool
read_sensor(struct sensor *s, double *ret)
{
	double raw, offset = 0, scale = 1;

	if (file_read_number(&s->input, &raw) < 0 ||
	    (s->offset.path && file_read_number(&s->offset, &offset) < 0) ||
	    (s->scale.path && file_read_number(&s->scale, &scale) < 0))
		return false;
	*ret = (raw + offset) * scale * s->kind->unit;
	return *ret >= s->kind->min && *ret <= s->kind->max;
}

void
sensors_put(struct sensors *s, struct sink *sink)
{
	double value;

	for (unsigned i = 0; i < s->len; i++)
		if (read_sensor(s->sensor[i], &value))
			sink_put(sink, s->sensor[i]->kind->metric, &s->sensor[i]->labels,
			    value);
}

char *
sensors_read_word(const char *dir, const char *name, char *dst, size_t size)
{
	struct file f = { 0 };

	dst[0] = '\0';
	if (file_init(&f, dir, name) == 0 && file_read_word(&f, dst, size) < 0)
		dst[0] = '\0';
	file_done(&f);
	return dst;
}
