/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/caps.h"
#include "protocol/value.h"
#include <errno.h>
#include <math.h>
#include <string.h>

enum key {
	KEY_TYPE = 1,
	KEY_VENDOR,
	KEY_ENERGY,
	KEY_INTERFACES,
	KEY_VIRTUALIZATION,
	KEY_CPUS,
	KEY_MEMORY,
	KEY_STORAGE,
	KEY_ARCH,
	KEY_OS,
	KEY_KERNEL,
	KEY_VERSION,
	KEY_TAGS,
	KEY_BATTERY,
	KEY_DEVICES,
	KEY_POSITION,
};
enum interface_key {
	KEY_IF_NAME = 1,
	KEY_IF_KIND,
	KEY_IF_RADIO,
	KEY_IF_L2,
	KEY_IF_ADDRS,
	KEY_IF_UP,
};

static const char *const energy_names[] = {
	[CAPS_ENERGY_UNKNOWN] = "unknown",
	[CAPS_MAINS] = "mains",
	[CAPS_BATTERY] = "battery",
	[CAPS_HARVESTING] = "harvesting",
};
static const char *const kind_names[] = {
	[CAPS_KIND_OTHER] = "other",
	[CAPS_ETHERNET] = "ethernet",
	[CAPS_WIFI] = "wifi",
	[CAPS_CELLULAR] = "cellular",
	[CAPS_BLUETOOTH] = "bluetooth",
	[CAPS_LOWPAN] = "lowpan",
	[CAPS_CAN] = "can",
	[CAPS_BRIDGE] = "bridge",
	[CAPS_VLAN] = "vlan",
	[CAPS_TUNNEL] = "tunnel",
	[CAPS_VIRTUAL] = "virtual",
};

const char *
caps_energy_name(enum caps_energy e)
{
	return (size_t)e < ARRAY_LEN(energy_names) ? energy_names[e] : energy_names[0];
}

const char *
caps_kind_name(enum caps_kind k)
{
	return (size_t)k < ARRAY_LEN(kind_names) ? kind_names[k] : kind_names[0];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
caps_is_device(const char *device, const char *wanted)
{
	size_t len = strlen(wanted);

	if (!len || strncmp(device, wanted, len) != 0)
		return false;
	device += len;
	if (is_digit(wanted[len - 1]))
		return !*device;
	while (is_digit(*device))
		device++;
	return !*device;
}

bool
caps_has_device(const struct caps *c, const char *wanted)
{
	for (unsigned i = 0; i < c->devices; i++)
		if (caps_is_device(c->device[i], wanted))
			return true;
	return false;
}

/* --- encode --------------------------------------------------------------------------------- */
static void
put_text(struct buf *out, uint64_t key, const char *text)
{
	if (!text[0])
		return;
	wr_uint(out, key);
	wr_text(out, text);
}

static void
put_uint(struct buf *out, uint64_t key, uint64_t v)
{
	if (!v)
		return;
	wr_uint(out, key);
	wr_uint(out, v);
}

static void
put_addrs(struct buf *out, const struct caps_interface *i)
{
	wr_uint(out, KEY_IF_ADDRS);
	wr_array(out, i->addrs);
	for (unsigned n = 0; n < i->addrs; n++) {
		wr_array(out, 2);
		wr_bytes(out, i->addr[n].ip, i->addr[n].len);
		wr_uint(out, i->addr[n].prefix);
	}
}

static void
put_interface(struct buf *out, const struct caps_interface *i)
{
	wr_map(out, 3u + !!i->radio[0] + !!i->l2_len + !!i->addrs);
	wr_uint(out, KEY_IF_NAME);
	wr_text(out, i->name);
	wr_uint(out, KEY_IF_KIND);
	wr_uint(out, i->kind);
	put_text(out, KEY_IF_RADIO, i->radio);
	if (i->l2_len) {
		wr_uint(out, KEY_IF_L2);
		wr_bytes(out, i->l2, i->l2_len);
	}
	if (i->addrs)
		put_addrs(out, i);
	wr_uint(out, KEY_IF_UP);
	wr_bool(out, i->up);
}

static void
put_interfaces(struct buf *out, const struct caps *c)
{
	wr_uint(out, KEY_INTERFACES);
	wr_array(out, c->interfaces);
	for (unsigned i = 0; i < c->interfaces; i++)
		put_interface(out, &c->interface[i]);
}

static void
put_tags(struct buf *out, const struct caps *c)
{
	if (!c->tags)
		return;
	wr_uint(out, KEY_TAGS);
	wr_map(out, c->tags);
	for (unsigned i = 0; i < c->tags; i++) {
		wr_text(out, c->tag[i].key);
		wr_text(out, c->tag[i].value);
	}
}

static void
put_devices(struct buf *out, const struct caps *c)
{
	if (!c->devices)
		return;
	wr_uint(out, KEY_DEVICES);
	wr_array(out, c->devices);
	for (unsigned i = 0; i < c->devices; i++)
		wr_text(out, c->device[i]);
}

static void
put_position(struct buf *out, const struct caps *c)
{
	if (!c->located)
		return;
	wr_uint(out, KEY_POSITION);
	wr_array(out, 2);
	wr_double(out, c->latitude);
	wr_double(out, c->longitude);
}

static uint64_t
count_keys(const struct caps *c)
{
	return 1u + !!c->type[0] + !!c->vendor[0] + !!c->energy + !!c->virtualization[0] +
	    !!c->cpus + !!c->memory_bytes + !!c->storage_bytes + !!c->arch[0] +
	    !!c->os[0] + !!c->kernel[0] + !!c->version[0] + !!c->tags +
	    !isnan(c->battery) + !!c->devices + c->located;
}

void
caps_encode(const struct caps *c, struct buf *out)
{
	wr_map(out, count_keys(c));
	put_text(out, KEY_TYPE, c->type);
	put_text(out, KEY_VENDOR, c->vendor);
	put_uint(out, KEY_ENERGY, c->energy);
	put_interfaces(out, c);
	put_text(out, KEY_VIRTUALIZATION, c->virtualization);
	put_uint(out, KEY_CPUS, c->cpus);
	put_uint(out, KEY_MEMORY, c->memory_bytes);
	put_uint(out, KEY_STORAGE, c->storage_bytes);
	put_text(out, KEY_ARCH, c->arch);
	put_text(out, KEY_OS, c->os);
	put_text(out, KEY_KERNEL, c->kernel);
	put_text(out, KEY_VERSION, c->version);
	put_tags(out, c);
	if (!isnan(c->battery)) {
		wr_uint(out, KEY_BATTERY);
		wr_double(out, c->battery);
	}
	put_devices(out, c);
	put_position(out, c);
}

/* --- decode --------------------------------------------------------------------------------- */
static void
read_addr(struct cbor_reader *r, struct caps_interface *ret)
{
	struct slice ip;
	unsigned n = ret->addrs;

	if (n == CAPS_ADDRS_MAX) {
		rd_fail(r, -EBADMSG);
		return;
	}
	rd_enter_array(r);
	ip = rd_bytes(r);
	if (ip.len != 4 && ip.len != 16) {
		rd_fail(r, -EBADMSG);
		return;
	}
	memcpy(ret->addr[n].ip, ip.data, ip.len);
	ret->addr[n].len = (uint8_t)ip.len;
	ret->addr[n].prefix = (uint8_t)rd_uint_max(r, ip.len * 8);
	ret->addrs++;
	rd_leave(r);
}

static void
read_addrs(struct cbor_reader *r, struct caps_interface *ret)
{
	rd_enter_array(r);
	while (rd_more(r))
		read_addr(r, ret);
	rd_leave(r);
}

static void
read_l2(struct cbor_reader *r, struct caps_interface *ret)
{
	struct slice l2 = rd_bytes(r);

	if (l2.len != 6 && l2.len != 8) {
		rd_fail(r, -EBADMSG);
		return;
	}
	memcpy(ret->l2, l2.data, l2.len);
	ret->l2_len = (uint8_t)l2.len;
}

/* Kinds may be added: one that is not known here is another one. */
static enum caps_kind
read_kind(struct cbor_reader *r)
{
	uint64_t kind = rd_uint(r);

	return kind < ARRAY_LEN(kind_names) ? (enum caps_kind)kind : CAPS_KIND_OTHER;
}

static enum caps_energy
read_energy(struct cbor_reader *r)
{
	uint64_t energy = rd_uint(r);

	return energy < ARRAY_LEN(energy_names) ? (enum caps_energy)energy
						: CAPS_ENERGY_UNKNOWN;
}

static void
read_interface(struct cbor_reader *r, struct caps_interface *ret)
{
	uint64_t seen = 0;

	rd_enter_map(r);
	for (int64_t key = -1; rd_next_key(r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_IF_NAME:
			value_text_copy(r, ret->name, sizeof ret->name);
			break;
		case KEY_IF_KIND:
			ret->kind = read_kind(r);
			break;
		case KEY_IF_RADIO:
			value_text_copy(r, ret->radio, sizeof ret->radio);
			break;
		case KEY_IF_L2:
			read_l2(r, ret);
			break;
		case KEY_IF_ADDRS:
			read_addrs(r, ret);
			break;
		case KEY_IF_UP:
			ret->up = rd_bool(r);
			break;
		default:
			rd_skip(r);
		}
	}
	rd_leave(r);
	value_require(r, seen, KEY(KEY_IF_NAME));
}

static void
read_interfaces(struct cbor_reader *r, struct caps *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->interfaces == CAPS_INTERFACES_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		read_interface(r, &ret->interface[ret->interfaces++]);
	}
	rd_leave(r);
}

static bool
has_tag(const struct caps *c, struct slice key)
{
	for (unsigned i = 0; i < c->tags; i++)
		if (slice_is(key, c->tag[i].key))
			return true;
	return false;
}

static void
read_tags(struct cbor_reader *r, struct caps *ret)
{
	struct slice key;

	rd_enter_map(r);
	while (rd_next_text_key(r, &key)) {
		unsigned n = ret->tags;

		if (n == CAPS_TAGS_MAX || has_tag(ret, key) ||
		    slice_copy(key, ret->tag[n].key, sizeof ret->tag[n].key)) {
			rd_fail(r, -EBADMSG);
			break;
		}
		value_text_copy(r, ret->tag[n].value, sizeof ret->tag[n].value);
		ret->tags++;
	}
	rd_leave(r);
}

static void
read_devices(struct cbor_reader *r, struct caps *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->devices == CAPS_DEVICES_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		value_text_copy(r, ret->device[ret->devices], sizeof ret->device[0]);
		if (!ret->device[ret->devices++][0])
			rd_fail(r, -EBADMSG);
	}
	rd_leave(r);
}

static double
read_degrees(struct cbor_reader *r, double most)
{
	double v = rd_number(r);

	if (!(fabs(v) <= most))
		rd_fail(r, -EBADMSG);
	return v;
}

static void
read_position(struct cbor_reader *r, struct caps *ret)
{
	rd_enter_array(r);
	ret->latitude = read_degrees(r, 90);
	ret->longitude = read_degrees(r, 180);
	rd_leave(r);
	ret->located = true;
}

static void
read_key(struct cbor_reader *r, int64_t key, struct caps *ret)
{
	switch (key) {
	case KEY_TYPE:
		value_text_copy(r, ret->type, sizeof ret->type);
		break;
	case KEY_VENDOR:
		value_text_copy(r, ret->vendor, sizeof ret->vendor);
		break;
	case KEY_ENERGY:
		ret->energy = read_energy(r);
		break;
	case KEY_INTERFACES:
		read_interfaces(r, ret);
		break;
	case KEY_VIRTUALIZATION:
		value_text_copy(r, ret->virtualization, sizeof ret->virtualization);
		break;
	case KEY_CPUS:
		ret->cpus = (uint32_t)rd_uint_max(r, UINT32_MAX);
		break;
	case KEY_MEMORY:
		ret->memory_bytes = rd_uint(r);
		break;
	case KEY_STORAGE:
		ret->storage_bytes = rd_uint(r);
		break;
	case KEY_ARCH:
		value_text_copy(r, ret->arch, sizeof ret->arch);
		break;
	case KEY_OS:
		value_text_copy(r, ret->os, sizeof ret->os);
		break;
	case KEY_KERNEL:
		value_text_copy(r, ret->kernel, sizeof ret->kernel);
		break;
	case KEY_VERSION:
		value_text_copy(r, ret->version, sizeof ret->version);
		break;
	case KEY_TAGS:
		read_tags(r, ret);
		break;
	case KEY_BATTERY:
		ret->battery = rd_number(r);
		if (!(ret->battery >= 0 && ret->battery <= 1))
			rd_fail(r, -EBADMSG);
		break;
	case KEY_DEVICES:
		read_devices(r, ret);
		break;
	case KEY_POSITION:
		read_position(r, ret);
		break;
	default:
		rd_skip(r);
	}
}

int
caps_decode(struct slice value, struct caps *ret)
{
	struct cbor_reader r;

	memset(ret, 0, sizeof *ret);
	ret->battery = NAN;
	if (value.len > CAPS_ENCODED_MAX)
		return -EBADMSG;
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);)
		read_key(&r, key, ret);
	rd_leave(&r);
	return value_done(&r, 0, 0);
}
