/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/devices.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/attribute.h"

/* Cameras, sensors, serial ports that were plugged in, graphics that can compute. */
static const struct {
	const char *class, *prefix,
	    *name; /* name: attribute that has it; NULL: the entry's */
} found[] = {
	{ "class/video4linux", "video", NULL },
	{ "bus/iio/devices", "iio:device", "name" },
	{ "class/tty", "ttyUSB", NULL },
	{ "class/tty", "ttyACM", NULL },
	{ "class/drm", "renderD", NULL },
};

static void
add_device(struct caps *caps, const char *name)
{
	unsigned at = 0;

	if (!*name || strlen(name) >= CAPS_DEVICE_SIZE)
		return;
	while (at < caps->devices && strcmp(caps->device[at], name) < 0)
		at++;
	if (caps->devices == CAPS_DEVICES_MAX ||
	    (at < caps->devices && strcmp(caps->device[at], name) == 0))
		return;
	memmove(caps->device[at + 1], caps->device[at],
	    (caps->devices - at) * sizeof caps->device[0]);
	memset(caps->device[at], 0, sizeof caps->device[at]); /* compared as bytes */
	memcpy(caps->device[at], name, strlen(name));
	caps->devices++;
}

static void
add_entry(const char *path, const char *entry, const char *attribute, struct caps *ret)
{
	char name[CAPS_DEVICE_SIZE];

	if (!attribute)
		attribute_copy(name, sizeof name, entry);
	else
		attribute_text(name, sizeof name, "%s/%s/%s", path, entry, attribute);
	add_device(ret, name);
}

static void
look_into(const char *sys, size_t i, struct caps *ret)
{
	char path[4096];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "%s/%s", sys, found[i].class);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, found[i].prefix, strlen(found[i].prefix)))
			add_entry(path, entry->d_name, found[i].name, ret);
	closedir(dir);
}

/* What the configuration says goes first: it is what somebody wants to be known. */
void
devices_collect(const char *sys, const struct conf_list *configured, struct caps *ret)
{
	memset(ret->device, 0, sizeof ret->device);
	ret->devices = 0;
	for (size_t i = 0; i < configured->len; i++)
		add_device(ret, configured->item[i]);
	for (unsigned i = 0; i < ret->interfaces; i++)
		if (ret->interface[i].kind == CAPS_CAN)
			add_device(ret, ret->interface[i].name);
	for (size_t i = 0; i < ARRAY_LEN(found); i++)
		look_into(sys, i, ret);
}
