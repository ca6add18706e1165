/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/virtualization.h"

#include <stdio.h>
#include <string.h>

#include "agent/attribute.h"
#include "base/mem.h"

struct sign {
	const char *text, *means;
};

/* Beginnings of what hypervisors call the machine in its DMI tables. */
static const struct sign vendors[] = {
	{ "KVM", "kvm" },
	{ "QEMU", "qemu" },
	{ "VMware", "vmware" },
	{ "VMW", "vmware" },
	{ "innotek GmbH", "oracle" },
	{ "VirtualBox", "oracle" },
	{ "Oracle Corporation", "oracle" },
	{ "Xen", "xen" },
	{ "Bochs", "bochs" },
	{ "Parallels", "parallels" },
	{ "BHYVE", "bhyve" },
	{ "Microsoft Corporation", "microsoft" },
	{ "Amazon EC2", "amazon" },
	{ "Google Compute Engine", "google" },
	{ "Apple Virtualization", "apple" },
};

/* Files by which container engines tell their guests. */
static const struct sign engines[] = {
	{ ".dockerenv", "docker" },
	{ "run/.containerenv", "podman" },
	{ "dev/.lxc", "lxc" },
};

static bool
find_container(const char *rootfs, char *dst, size_t size)
{
	if (attribute_text(dst, size, "%s/run/systemd/container", rootfs))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(engines); i++)
		if (attribute_exists("%s/%s", rootfs, engines[i].text)) {
			snprintf(dst, size, "%s", engines[i].means);
			return true;
		}
	return false;
}

static const char *
known_vendor(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
		if (!strncmp(text, vendors[i].text, strlen(vendors[i].text)))
			return vendors[i].means;
	return NULL;
}

/* Microsoft and Oracle build machines of metal, too: there, only the hypervisor bit decides. */
static bool
has_hypervisor_bit(const char *proc)
{
	char path[4096], line[4096];
	bool found = false;

	snprintf(path, sizeof path, "%s/cpuinfo", proc);
	FILE *f = attribute_open(path);
	if (!f)
		return false;
	while (!found && fgets(line, sizeof line, f))
		found = !strncmp(line, "flags", 5) && strstr(line, " hypervisor");
	fclose(f);
	return found;
}

static const char *
dmi_vendor(const char *sys)
{
	static const char *const files[] = { "product_name", "sys_vendor", "board_vendor",
		"bios_vendor" };
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		attribute_text(text, sizeof text, "%s/class/dmi/id/%s", sys, files[i]);
		if (known_vendor(text))
			return known_vendor(text);
	}
	return NULL;
}

static const char *
find_hypervisor(const char *proc, const char *sys)
{
	bool bit = has_hypervisor_bit(proc);
	const char *vendor = dmi_vendor(sys);

	if (attribute_exists("%s/hypervisor/type", sys))
		return "xen";
	if (vendor && (bit || (strcmp(vendor, "microsoft") && strcmp(vendor, "oracle"))))
		return vendor;
	if (attribute_exists("%s/device-tree/hypervisor", proc))
		return "vm-other";
	return bit ? "vm-other" : "none";
}

void
virtualization_detect(
    const char *proc, const char *sys, const char *rootfs, char *dst, size_t size)
{
	if (!find_container(rootfs, dst, size))
		snprintf(dst, size, "%s", find_hypervisor(proc, sys));
}
