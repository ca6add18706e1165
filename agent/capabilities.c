/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/capabilities.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <config.h> /* the build's, not ours */

#include "agent/attribute.h"
#include "agent/devices.h"
#include "agent/interfaces.h"
#include "agent/virtualization.h"
#include "grasp/geo.h"
#include "metrics/mounts.h"

/* --- hardware --------------------------------------------------------------------------- */
/* SMBIOS chassis types, DSP0134 §7.4.1. */
static const char *
type_of_chassis(uint64_t chassis)
{
	switch (chassis) {
	case 3 ... 7:
	case 13:
	case 15:
	case 16:
	case 35:
		return "desktop";
	case 8 ... 10:
	case 14:
	case 31:
	case 32:
		return "laptop";
	case 11:
		return "handheld";
	case 17:
	case 23:
	case 25:
	case 28:
	case 29:
		return "server";
	case 30:
		return "tablet";
	case 33:
		return "gateway";
	case 34:
	case 36:
		return "embedded";
	default:
		return "";
	}
}

static void
find_type(const struct agent_config *cfg, struct caps *ret)
{
	uint64_t chassis = 0;

	if (cfg->node.type)
		snprintf(ret->type, sizeof ret->type, "%s", cfg->node.type);
	else if (attribute_uint(&chassis, "%s/class/dmi/id/chassis_type", cfg->roots.sys))
		snprintf(ret->type, sizeof ret->type, "%s", type_of_chassis(chassis));
	else if (attribute_exists("%s/device-tree/model", cfg->roots.proc))
		snprintf(ret->type, sizeof ret->type, "embedded");
}

/* "vendor,board" of the device tree, or what DMI says. */
static void
find_vendor(const struct agent_config *cfg, struct caps *ret)
{
	if (cfg->node.vendor) {
		snprintf(ret->vendor, sizeof ret->vendor, "%s", cfg->node.vendor);
		return;
	}
	if (attribute_text(ret->vendor, sizeof ret->vendor, "%s/class/dmi/id/sys_vendor",
		cfg->roots.sys))
		return;
	if (attribute_text(ret->vendor, sizeof ret->vendor, "%s/device-tree/compatible",
		cfg->roots.proc))
		ret->vendor[strcspn(ret->vendor, ",?")] = 0;
}

/* --- energy ------------------------------------------------------------------------------ */
struct energy {
	unsigned batteries;
	double charge; /* sum of ratios that are known */
	unsigned known;
	bool external;
};

static void
look_at_supply(const char *root, const char *name, struct energy *e)
{
	char type[32], scope[32];
	uint64_t value;

	attribute_text(type, sizeof type, "%s/%s/type", root, name);
	attribute_text(scope, sizeof scope, "%s/%s/scope", root, name);
	if (!strcmp(scope, "Device")) /* a mouse has a battery, too */
		return;
	if (strcmp(type, "Battery") != 0) {
		e->external |=
		    attribute_uint(&value, "%s/%s/online", root, name) && value > 0;
		return;
	}
	e->batteries++;
	if (attribute_uint(&value, "%s/%s/capacity", root, name) && value <= 100) {
		e->charge += (double)value / 100;
		e->known++;
	}
}

static bool
look_at_supplies(const struct agent_config *cfg, struct energy *e)
{
	char path[4096];
	struct dirent *entry;

	if (cfg->roots.power_supply)
		snprintf(path, sizeof path, "%s", cfg->roots.power_supply);
	else
		snprintf(path, sizeof path, "%s/class/power_supply", cfg->roots.sys);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			look_at_supply(path, entry->d_name, e);
	closedir(dir);
	return true;
}

static void
find_energy(const struct agent_config *cfg, struct caps *ret)
{
	struct energy e = { 0 };
	bool known = look_at_supplies(cfg, &e);

	ret->battery = e.known ? e.charge / e.known : NAN;
	if (cfg->node.energy)
		ret->energy = (enum caps_energy)cfg->node.energy;
	else if (!known)
		ret->energy = CAPS_ENERGY_UNKNOWN;
	else
		ret->energy = e.batteries && !e.external ? CAPS_BATTERY : CAPS_MAINS;
}

/* --- system ------------------------------------------------------------------------------ */
static void
find_os(struct caps *ret)
{
	static const char key[] = "PRETTY_NAME=";
	char line[256];
	FILE *f = fopen("/etc/os-release", "re");

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, key, sizeof key - 1)) {
			char *text = line + sizeof key - 1;

			text += *text == '"';
			text[strcspn(text, "\"\n")] = 0;
			attribute_copy(ret->os, sizeof ret->os, text);
			break;
		}
	if (f)
		fclose(f);
}

static uint64_t
find_memory(const char *proc)
{
	char path[4096], line[128];
	unsigned long long kib = 0;

	snprintf(path, sizeof path, "%s/meminfo", proc);
	FILE *f = attribute_open(path);
	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "MemTotal: %llu kB", &kib) == 1)
			break;
	fclose(f);
	return kib * 1024;
}

static void
find_system(const struct agent_config *cfg, struct caps *ret)
{
	struct utsname uts;
	struct statvfs fs;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (uname(&uts) == 0) {
		attribute_copy(ret->arch, sizeof ret->arch, uts.machine);
		attribute_copy(ret->kernel, sizeof ret->kernel, uts.release);
	}
	find_os(ret);
	snprintf(ret->version, sizeof ret->version, "%s", PACKAGE_VERSION);
	ret->cpus = cpus > 0 ? (uint32_t)cpus : 0;
	ret->memory_bytes = find_memory(cfg->roots.proc);
	if (statvfs("/", &fs) == 0)
		ret->storage_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	if (cfg->node.virtualization)
		snprintf(ret->virtualization, sizeof ret->virtualization, "%s",
		    cfg->node.virtualization);
	else
		virtualization_detect(cfg->roots.proc, cfg->roots.sys, "",
		    ret->virtualization, sizeof ret->virtualization);
}

/* --- tags -------------------------------------------------------------------------------- */
/* Deterministic encoding sorts keys by their encoded bytes, that is, shorter ones first. */
static int
compare_keys(const void *a, const void *b)
{
	const char *one = a, *other = b; /* the key is the first member */
	size_t len = strlen(one), other_len = strlen(other);

	return len != other_len ? (len < other_len ? -1 : 1) : strcmp(one, other);
}

static void
copy_tags(const struct conf_map *tags, struct caps *ret)
{
	for (size_t i = 0; i < tags->len && ret->tags < CAPS_TAGS_MAX; i++, ret->tags++) {
		snprintf(
		    ret->tag[ret->tags].key, sizeof ret->tag[0].key, "%s", tags->key[i]);
		snprintf(ret->tag[ret->tags].value, sizeof ret->tag[0].value, "%s",
		    tags->value[i]);
	}
	qsort(ret->tag, ret->tags, sizeof ret->tag[0], compare_keys);
}

/* --- place -------------------------------------------------------------------------------- */

/* A geohash is an area, not a point that distances can be measured from. */
static void
find_position(const struct agent_config *cfg, struct caps *ret)
{
	struct geo_point point;

	if (!cfg->node.position ||
	    geo_parse_point(slice_text(cfg->node.position), &point) < 0)
		return;
	ret->located = true;
	ret->latitude = point.lat;
	ret->longitude = point.lon;
}

/* --- the whole ---------------------------------------------------------------------------- */

static bool
is_served(const char *root, const char *usual)
{
	return root && strcmp(root, usual) != 0 && mounts_is_served(MOUNTS_SELF, root);
}

/* This is done in the loop, which must not wait for a server: what is below such a root is not known
 * then. Shallow. */
static struct agent_config
without_served_roots(const struct agent_config *cfg)
{
	static char nowhere[] = "/nonexistent";
	struct agent_config c = *cfg;

	if (is_served(c.roots.proc, "/proc"))
		c.roots.proc = nowhere;
	if (is_served(c.roots.sys, "/sys"))
		c.roots.sys = nowhere;
	if (is_served(c.roots.power_supply, "/sys/class/power_supply"))
		c.roots.power_supply = nowhere;
	return c;
}

void
capabilities_collect(const struct agent_config *given, struct caps *ret)
{
	const struct agent_config c = without_served_roots(given), *cfg = &c;

	memset(ret, 0, sizeof *ret);
	find_type(cfg, ret);
	find_vendor(cfg, ret);
	find_energy(cfg, ret);
	find_system(cfg, ret);
	interfaces_collect(cfg->roots.sys, &cfg->node.radios, ret);
	devices_collect(cfg->roots.sys, &cfg->node.devices, ret);
	copy_tags(&cfg->node.tags, ret);
	find_position(cfg, ret);
}

void
capabilities_refresh(const struct agent_config *given, struct caps *caps)
{
	const struct agent_config c = without_served_roots(given), *cfg = &c;

	memset(
	    caps->interface, 0, sizeof caps->interface); /* they are compared as bytes */
	find_energy(cfg, caps);
	interfaces_collect(cfg->roots.sys, &cfg->node.radios, caps);
	devices_collect(cfg->roots.sys, &cfg->node.devices, caps);
}

bool
capabilities_differ(const struct caps *a, const struct caps *b)
{
	struct caps other;

	memcpy(&other, b, sizeof other);
	other.battery = a->battery;
	return memcmp(a, &other, sizeof other) != 0;
}
