/* SPDX-License-Identifier: Apache-2.0
 *
 * Capabilities: what a node is and has (REG-02 … REG-04). */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"
#include <netinet/in.h>

#define CAPS_INTERFACES_MAX 16
#define CAPS_ADDRS_MAX	    6
#define CAPS_TAGS_MAX	    32
#define CAPS_DEVICES_MAX    32
#define CAPS_DEVICE_SIZE    33
#define CAPS_ENCODED_MAX    16384 /* security.md §8 */

enum caps_energy { CAPS_ENERGY_UNKNOWN, CAPS_MAINS, CAPS_BATTERY, CAPS_HARVESTING };
enum caps_kind {
	CAPS_KIND_OTHER,
	CAPS_ETHERNET,
	CAPS_WIFI,
	CAPS_CELLULAR,
	CAPS_BLUETOOTH,
	CAPS_LOWPAN,
	CAPS_CAN,
	CAPS_BRIDGE,
	CAPS_VLAN,
	CAPS_TUNNEL,
	CAPS_VIRTUAL
};

struct caps_interface {
	char name[16];
	enum caps_kind kind;
	char radio[24];	       /* "wifi6", "lte", "ieee802.15.4"; "" if it is none */
	uint8_t l2[8], l2_len; /* 0, 6 or 8 */
	struct {
		uint8_t ip[16];
		uint8_t len, prefix;
	} addr[CAPS_ADDRS_MAX]; /* len 4 or 16 */
	uint8_t addrs;
	bool up;
};

struct caps {
	char type[FOG_NAME_MAX + 1]; /* "robot", "gateway", "server", … */
	char vendor[FOG_NAME_MAX + 1];
	enum caps_energy energy;
	double battery;		 /* ratio 0..1; NaN: no battery or not known */
	char virtualization[33]; /* "none", "kvm", "container", … */
	char arch[17], os[65], kernel[65], version[33]; /* version: of the agent */
	uint32_t cpus;
	uint64_t memory_bytes, storage_bytes;
	struct caps_interface interface[CAPS_INTERFACES_MAX];
	uint8_t interfaces;
	struct {
		char key[33], value[65];
	} tag[CAPS_TAGS_MAX];
	uint8_t tags;
	char device[CAPS_DEVICES_MAX][CAPS_DEVICE_SIZE]; /* "video0", "bme280"; ascending */
	uint8_t devices;
	bool located; /* where it was put: one that moves tells it by its metrics */
	double latitude, longitude; /* degrees of WGS 84; 0 unless located */
};
void caps_encode(const struct caps *c, struct buf *out);
/* -EBADMSG; *ret is not to be used then. */
int caps_decode(struct slice value, struct caps *ret) MUST_CHECK;
/* Is it, or is there, such a device? "video" means any of video0, video1, ... */
bool caps_is_device(const char *device, const char *wanted);
bool caps_has_device(const struct caps *c, const char *wanted);
const char *caps_energy_name(enum caps_energy e);
const char *caps_kind_name(enum caps_kind k);
