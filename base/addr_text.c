/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define ZONE_TEXT_MAX (1 + IF_NAMESIZE)

/* "%e0", "%7" for an interface that is gone, "" where there is no zone. */
static void
format_zone(const struct addr *a, char dst[ZONE_TEXT_MAX])
{
	char name[IF_NAMESIZE];

	dst[0] = '\0';
	if (a->ifindex == 0 || !addr_has_zone(&a->ip))
		return;
	if (if_indextoname(a->ifindex, name))
		snprintf(dst, ZONE_TEXT_MAX, "%%%s", name);
	else
		snprintf(dst, ZONE_TEXT_MAX, "%%%u", a->ifindex);
}

char *
addr_format(const struct addr *a, char dst[ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN], zone[ZONE_TEXT_MAX];
	bool v4 = addr_is_v4(&a->ip);

	if (v4)
		inet_ntop(AF_INET, a->ip.s6_addr + 12, ip, sizeof ip);
	else
		inet_ntop(AF_INET6, &a->ip, ip, sizeof ip);
	format_zone(a, zone);
	if (a->port == 0)
		snprintf(dst, ADDR_TEXT_MAX, "%s%s", ip, zone);
	else if (v4)
		snprintf(dst, ADDR_TEXT_MAX, "%s:%u", ip, a->port);
	else
		snprintf(dst, ADDR_TEXT_MAX, "[%s%s]:%u", ip, zone, a->port);
	return dst;
}

/* Digits only, no larger than max. */
static int
parse_number(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > max)
			return -EINVAL;
	}
	*ret = (uint32_t)n;
	return 0;
}

static int
parse_zone(const char *zone, uint32_t *ret)
{
	char name[IF_NAMESIZE];
	uint32_t index = if_nametoindex(zone);

	if (!*zone)
		return -EINVAL;
	if (index == 0 &&
	    (parse_number(zone, INT32_MAX, &index) < 0 || !if_indextoname(index, name)))
		return -ENODEV;
	*ret = index;
	return 0;
}

static int
parse_v6(char *text, struct addr *a)
{
	char *zone = strchr(text, '%');

	if (zone)
		*zone++ = '\0';
	if (inet_pton(AF_INET6, text, &a->ip) != 1)
		return -EINVAL;
	if (!zone)
		return 0;
	return addr_has_zone(&a->ip) ? parse_zone(zone, &a->ifindex) : -EINVAL;
}

static int
parse_v4(const char *text, struct addr *a)
{
	a->ip = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	return inet_pton(AF_INET, text, a->ip.s6_addr + 12) == 1 ? 0 : -EINVAL;
}

/* Cuts the port off: "[…]:port" and "v4:port". A bare IPv6 address has more colons. */
static int
split_port(char **text, char **ret_port)
{
	char *colon = strchr(*text, ':');

	*ret_port = NULL;
	if (**text == '[') {
		char *end = strchr(++*text, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		if (end[1] == ':')
			*ret_port = end + 2;
		*end = '\0';
		return strchr(*text, ':') ? 0 : -EINVAL;
	}
	if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		*ret_port = colon + 1;
	}
	return 0;
}

int
addr_parse(const char *text, struct addr *ret)
{
	char copy[ADDR_TEXT_MAX], *ip = copy, *port_text;
	struct addr a = { 0 };
	uint32_t port = 0;

	if (strlen(text) >= sizeof copy)
		return -EINVAL;
	memcpy(copy, text, strlen(text) + 1);
	if (split_port(&ip, &port_text) < 0)
		return -EINVAL;
	if (port_text && parse_number(port_text, UINT16_MAX, &port) < 0)
		return -EINVAL;
	int err = strchr(ip, ':') ? parse_v6(ip, &a) : parse_v4(ip, &a);
	if (err < 0)
		return err;
	a.port = (uint16_t)port;
	*ret = a;
	return 0;
}
