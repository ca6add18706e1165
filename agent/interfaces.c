/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/attribute.h"

#define SEEN_MAX 64 /* interfaces looked at; nodes with more are no fog nodes */

struct set {
	struct caps_interface seen[SEEN_MAX];
	unsigned len;
};

/* --- kinds ------------------------------------------------------------------------------ */
static const struct {
	const char *devtype;
	enum caps_kind kind;
} devtypes[] = {
	{ "wlan", CAPS_WIFI },
	{ "wwan", CAPS_CELLULAR },
	{ "bluetooth", CAPS_BLUETOOTH },
	{ "bridge", CAPS_BRIDGE },
	{ "vlan", CAPS_VLAN },
	{ "vxlan", CAPS_TUNNEL },
	{ "gre", CAPS_TUNNEL },
	{ "wireguard", CAPS_TUNNEL },
	{ "ppp", CAPS_TUNNEL },
	{ "macvlan", CAPS_VIRTUAL },
	{ "bond", CAPS_VIRTUAL },
};

static bool
kind_of_devtype(const char *sys, const char *name, enum caps_kind *ret)
{
	char path[4096], line[256];
	bool found = false;

	snprintf(path, sizeof path, "%s/class/net/%s/uevent", sys, name);
	FILE *f = attribute_open(path);
	if (!f)
		return false;
	while (!found && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		for (size_t i = 0; i < ARRAY_LEN(devtypes) && !found; i++)
			if (!strncmp(line, "DEVTYPE=", 8) &&
			    !strcmp(line + 8, devtypes[i].devtype)) {
				*ret = devtypes[i].kind;
				found = true;
			}
	}
	fclose(f);
	return found;
}

/* ARPHRD_… of <linux/if_arp.h>, which does not go together with <net/if.h>. */
#define TYPE_ETHER 1
static const struct {
	uint16_t type;
	enum caps_kind kind;
} types[] = {
	{ 280, CAPS_CAN }, { 512, CAPS_TUNNEL }, /* PPP */
	{ 519, CAPS_CELLULAR },			 /* RAWIP */
	{ 768, CAPS_TUNNEL },			 /* TUNNEL */
	{ 769, CAPS_TUNNEL },			 /* TUNNEL6 */
	{ 776, CAPS_TUNNEL },			 /* SIT */
	{ 778, CAPS_TUNNEL },			 /* IPGRE */
	{ 801, CAPS_WIFI },			 /* IEEE80211 */
	{ 803, CAPS_WIFI },			 /* IEEE80211_RADIOTAP */
	{ 804, CAPS_LOWPAN },			 /* IEEE802154 */
	{ 823, CAPS_TUNNEL },			 /* IP6GRE */
	{ 825, CAPS_LOWPAN },			 /* 6LOWPAN */
	{ 65534, CAPS_TUNNEL },			 /* NONE */
};

static enum caps_kind
kind_of_type(const char *sys, const char *name)
{
	uint64_t type;

	if (!attribute_uint(&type, "%s/class/net/%s/type", sys, name))
		return CAPS_KIND_OTHER;
	if (type == TYPE_ETHER)
		return attribute_exists("%s/class/net/%s/device", sys, name)
		    ? CAPS_ETHERNET
		    : CAPS_VIRTUAL;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return types[i].kind;
	return CAPS_KIND_OTHER;
}

static enum caps_kind
find_kind(const char *sys, const char *name)
{
	enum caps_kind kind;

	if (attribute_exists("%s/class/net/%s/phy80211", sys, name) ||
	    attribute_exists("%s/class/net/%s/wireless", sys, name))
		return CAPS_WIFI;
	if (kind_of_devtype(sys, name, &kind))
		return kind;
	if (attribute_exists("%s/class/net/%s/bridge", sys, name))
		return CAPS_BRIDGE;
	if (attribute_exists("%s/class/net/%s/tun_flags", sys, name))
		return CAPS_TUNNEL;
	return kind_of_type(sys, name);
}

static const char *
radio_of(enum caps_kind kind)
{
	switch (kind) {
	case CAPS_WIFI:
		return "wifi";
	case CAPS_CELLULAR:
		return "cellular";
	case CAPS_BLUETOOTH:
		return "bluetooth";
	case CAPS_LOWPAN:
		return "ieee802.15.4";
	case CAPS_KIND_OTHER:
	case CAPS_ETHERNET:
	case CAPS_CAN:
	case CAPS_BRIDGE:
	case CAPS_VLAN:
	case CAPS_TUNNEL:
	case CAPS_VIRTUAL:
		break;
	}
	return "";
}

/* --- what getifaddrs(3) tells ------------------------------------------------------------ */
static struct caps_interface *
ensure(struct set *set, const char *name)
{
	for (unsigned i = 0; i < set->len; i++)
		if (!strcmp(set->seen[i].name, name))
			return &set->seen[i];
	if (set->len == SEEN_MAX)
		return NULL;
	snprintf(set->seen[set->len].name, sizeof set->seen[0].name, "%s", name);
	return &set->seen[set->len++];
}

static uint8_t
prefix_of(const uint8_t *mask, unsigned len)
{
	uint8_t bits = 0;

	for (unsigned i = 0; mask && i < len; i++)
		bits = (uint8_t)(bits + __builtin_popcount(mask[i]));
	return bits;
}

static void
add_ip(struct caps_interface *i, const uint8_t *ip, const uint8_t *mask, uint8_t len)
{
	if (i->addrs == CAPS_ADDRS_MAX)
		return;
	memcpy(i->addr[i->addrs].ip, ip, len);
	i->addr[i->addrs].len = len;
	i->addr[i->addrs].prefix = prefix_of(mask, len);
	i->addrs++;
}

static const uint8_t *
bytes_of(const struct sockaddr *sa)
{
	if (!sa)
		return NULL;
	if (sa->sa_family == AF_INET)
		return (const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)
		    ->sin_addr;
	return (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)sa)
	    ->sin6_addr;
}

static void
add_l2(struct caps_interface *i, const struct sockaddr_ll *ll)
{
	static const uint8_t nothing[8];

	if ((ll->sll_halen != 6 && ll->sll_halen != 8) ||
	    !memcmp(ll->sll_addr, nothing, ll->sll_halen))
		return;
	i->l2_len = ll->sll_halen;
	memcpy(i->l2, ll->sll_addr, ll->sll_halen);
}

static void
take(struct set *set, const struct ifaddrs *a)
{
	struct caps_interface *i;

	if ((a->ifa_flags & IFF_LOOPBACK) || !(i = ensure(set, a->ifa_name)))
		return;
	i->up = (a->ifa_flags & IFF_UP) && (a->ifa_flags & IFF_RUNNING);
	if (!a->ifa_addr)
		return;
	switch (a->ifa_addr->sa_family) {
	case AF_PACKET:
		add_l2(i, (const struct sockaddr_ll *)(const void *)a->ifa_addr);
		break;
	case AF_INET:
		add_ip(i, bytes_of(a->ifa_addr), bytes_of(a->ifa_netmask), 4);
		break;
	case AF_INET6:
		add_ip(i, bytes_of(a->ifa_addr), bytes_of(a->ifa_netmask), 16);
		break;
	default:
		break;
	}
}

/* --- together ---------------------------------------------------------------------------- */
static bool
is_real(const struct caps_interface *i)
{
	return i->kind != CAPS_VIRTUAL && i->kind != CAPS_BRIDGE &&
	    i->kind != CAPS_VLAN && i->kind != CAPS_TUNNEL;
}

static void
describe(struct caps_interface *i, const char *sys, const struct conf_map *radios)
{
	char name[sizeof i->name];
	const char *radio = conf_map_get(radios, i->name);

	i->kind = find_kind(sys, i->name);
	snprintf(i->radio, sizeof i->radio, "%s", radio ? radio : radio_of(i->kind));
	memcpy(name, i->name, sizeof name);
	attribute_copy(
	    i->name, sizeof i->name, name); /* the kernel allows nearly any byte */
}

static void
choose(struct set *set, bool real, struct caps *ret)
{
	for (unsigned i = 0; i < set->len && ret->interfaces < CAPS_INTERFACES_MAX; i++)
		if (is_real(&set->seen[i]) == real)
			ret->interface[ret->interfaces++] = set->seen[i];
}

void
interfaces_collect(const char *sys, const struct conf_map *radios, struct caps *ret)
{
	struct ifaddrs *list = NULL;
	struct set *set = calloc(1, sizeof *set);

	ret->interfaces = 0;
	if (set && getifaddrs(&list) == 0) {
		for (const struct ifaddrs *a = list; a; a = a->ifa_next)
			take(set, a);
		for (unsigned i = 0; i < set->len; i++)
			describe(&set->seen[i], sys, radios);
		choose(set, true, ret);
		choose(set, false, ret);
		freeifaddrs(list);
	}
	free(set);
}
