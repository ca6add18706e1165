/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport address: IPv6, or IPv4 as ::ffff:a.b.c.d, with port and interface. */
#pragma once
#include "base/mem.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct addr {
	struct in6_addr ip;
	uint32_t ifindex; /* of a link-local address or a multicast; 0: any */
	uint16_t port;	  /* host order */
};

#define ADDR_TEXT_MAX 80
/* "[fe80::1%e0]:7017", "192.0.2.1:7017"; port 0 leaves "fe80::1%e0". Returns dst. */
char *addr_format(const struct addr *a, char dst[ADDR_TEXT_MAX]);
/* Any of the forms above, numeric only. -EINVAL: it is none; -ENODEV: no such interface. */
int addr_parse(const char *text, struct addr *ret) MUST_CHECK;

bool addr_equal(const struct addr *a, const struct addr *b); /* ip, port, and scope if local */
bool addr_is_link_local(const struct in6_addr *ip);
bool addr_is_multicast(const struct in6_addr *ip);
bool addr_is_loopback(const struct in6_addr *ip);
bool addr_is_v4(const struct in6_addr *ip); /* ::ffff:0:0/96 */
struct sockaddr_in6 addr_to_sockaddr(const struct addr *a);
struct addr addr_from_sockaddr(const struct sockaddr_in6 *sa);
