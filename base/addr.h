/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport address: IPv6, or IPv4 as ::ffff:a.b.c.d, with port and interface. Only the type and
 * what is inline: this header is installed with libgrasp; texts are in base/addr_text.h. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct addr {
	struct in6_addr ip;
	uint32_t ifindex; /* of a link-local address or a multicast; 0: any */
	uint16_t port;	  /* host order */
};

static inline bool
addr_is_link_local(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_LINKLOCAL(ip);
}

static inline bool
addr_is_multicast(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_MULTICAST(ip);
}

static inline bool
addr_is_v4(const struct in6_addr *ip) /* ::ffff:0:0/96 */
{
	return IN6_IS_ADDR_V4MAPPED(ip);
}

static inline bool
addr_is_loopback(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_LOOPBACK(ip) || (addr_is_v4(ip) && ip->s6_addr[12] == 127);
}

/* Does it mean something only together with an interface? */
static inline bool
addr_has_zone(const struct in6_addr *ip)
{
	return addr_is_link_local(ip) || addr_is_multicast(ip);
}

/* ip, port, and interface where it counts. */
static inline bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return IN6_ARE_ADDR_EQUAL(&a->ip, &b->ip) && a->port == b->port &&
	    (!addr_has_zone(&a->ip) || a->ifindex == b->ifindex);
}

static inline struct sockaddr_in6
addr_to_sockaddr(const struct addr *a)
{
	struct sockaddr_in6 sa;

	memset(&sa, 0, sizeof sa);
	sa.sin6_family = AF_INET6;
	sa.sin6_port = htons(a->port);
	sa.sin6_addr = a->ip;
	sa.sin6_scope_id = addr_has_zone(&a->ip) ? a->ifindex : 0;
	return sa;
}

static inline struct addr
addr_from_sockaddr(const struct sockaddr_in6 *sa)
{
	struct addr a = { sa->sin6_addr, sa->sin6_scope_id, ntohs(sa->sin6_port) };

	return a;
}
