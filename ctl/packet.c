/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/packet.h"

#include <string.h>

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,
	ETHER_QINQ = 0x88a8
};
enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AUTHENTICATION = 51,
	NEXT_DESTINATION = 60,
	NEXT_MOBILITY = 135,
};
#define EXTENSIONS_MAX 16
#define V4_HEAD	       20
#define V6_HEAD	       40
#define UDP_HEAD       8
#define TCP_HEAD       20

static uint16_t
get_16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get_32(const uint8_t *p)
{
	return (uint32_t)get_16(p) << 16 | get_16(p + 2);
}

static bool
cut(struct slice *s, size_t n)
{
	if (s->len < n)
		return false;
	s->data += n;
	s->len -= n;
	return true;
}

/* --- links: what is left is an IP packet ---------------------------------------------------------- */

static bool
cut_ethernet(struct slice *s, uint16_t type)
{
	while ((type == ETHER_VLAN || type == ETHER_QINQ) && s->len >= 4) {
		type = get_16(s->data + 2);
		cut(s, 4);
	}
	return type == ETHER_IPV4 || type == ETHER_IPV6;
}

static bool
cut_link(struct slice *s, unsigned link)
{
	const uint8_t *p = s->data;

	switch (link) {
	case LINK_ETHERNET:
		return cut(s, 14) && cut_ethernet(s, get_16(p + 12));
	case LINK_LINUX_SLL:
		return cut(s, 16) && cut_ethernet(s, get_16(p + 14));
	case LINK_LINUX_SLL2:
		return cut(s, 20) && cut_ethernet(s, get_16(p));
	case LINK_NULL:
	case LINK_LOOP:
		return cut(s, 4); /* a family whose number depends on the system */
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_IPV4:
	case LINK_IPV6:
		return true;
	}
	return false;
}

bool
packet_knows_link(unsigned link)
{
	switch (link) {
	case LINK_ETHERNET:
	case LINK_LINUX_SLL:
	case LINK_LINUX_SLL2:
	case LINK_NULL:
	case LINK_LOOP:
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_IPV4:
	case LINK_IPV6:
		return true;
	}
	return false;
}

/* --- IP: what is left is UDP or TCP ------------------------------------------------------------- */

struct walk {
	struct fragments *fragments;
	struct packet *p;
	struct slice rest;
	uint8_t next;
};

/* What the header says, without the padding of the link; what was not captured is missing. */
static void
limit(struct walk *w, size_t len)
{
	if (len < w->rest.len)
		w->rest.len = len;
	else
		w->p->missing = len - w->rest.len;
}

static bool
join(struct walk *w, uint32_t id, size_t offset, bool more)
{
	struct fragmented key = {
		.from = w->p->from.ip, .to = w->p->to.ip, .id = id, .protocol = w->next
	};

	if (offset == 0 && !more)
		return true; /* the only one */
	return w->p->missing == 0 &&
	    fragments_add(
		w->fragments, &key, w->p->time_us, offset, more, w->rest, &w->rest);
}

static void
take_v4_address(struct addr *a, const uint8_t *p)
{
	a->ip = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(a->ip.s6_addr + 12, p, 4);
}

static bool
walk_v4(struct walk *w)
{
	const uint8_t *p = w->rest.data;
	size_t head = (size_t)(p[0] & 0x0f) * 4, whole;
	uint16_t fragment;

	if (w->rest.len < V4_HEAD || head < V4_HEAD || w->rest.len < head)
		return false;
	whole = get_16(p + 2) ? get_16(p + 2) : w->rest.len;
	if (whole < head)
		return false;
	limit(w, whole);
	fragment = get_16(p + 6);
	w->next = p[9];
	take_v4_address(&w->p->from, p + 12);
	take_v4_address(&w->p->to, p + 16);
	return cut(&w->rest, head) &&
	    join(w, get_16(p + 4), (size_t)(fragment & 0x1fff) * 8, fragment & 0x2000);
}

static bool
walk_fragment(struct walk *w)
{
	const uint8_t *p = w->rest.data;

	if (!cut(&w->rest, 8))
		return false;
	w->next = p[0];
	return join(w, get_32(p + 4), get_16(p + 2) & 0xfff8u, p[3] & 1);
}

/* False: cut off. */
static bool
walk_extension(struct walk *w)
{
	const uint8_t *p = w->rest.data;
	size_t len;

	if (w->rest.len < 8)
		return false;
	len = w->next == NEXT_AUTHENTICATION ? ((size_t)p[1] + 2) * 4
					     : ((size_t)p[1] + 1) * 8;
	w->next = p[0];
	return cut(&w->rest, len);
}

static bool
walk_v6(struct walk *w)
{
	const uint8_t *p = w->rest.data;

	if (w->rest.len < V6_HEAD)
		return false;
	memcpy(&w->p->from.ip, p + 8, 16);
	memcpy(&w->p->to.ip, p + 24, 16);
	w->next = p[6];
	cut(&w->rest, V6_HEAD);
	if (get_16(p + 4)) /* 0: longer than that can say */
		limit(w, get_16(p + 4));
	for (unsigned i = 0; i < EXTENSIONS_MAX; i++)
		switch (w->next) {
		case NEXT_HOP_BY_HOP:
		case NEXT_ROUTING:
		case NEXT_DESTINATION:
		case NEXT_AUTHENTICATION:
		case NEXT_MOBILITY:
			if (!walk_extension(w))
				return false;
			break;
		case NEXT_FRAGMENT:
			if (!walk_fragment(w))
				return false;
			break;
		default:
			return true;
		}
	return false;
}

/* --- transport ------------------------------------------------------------------------------------ */

static void
take_ports(struct packet *p, const uint8_t *head)
{
	p->from.port = get_16(head);
	p->to.port = get_16(head + 2);
}

static bool
take_udp(struct walk *w)
{
	const uint8_t *p = w->rest.data;
	size_t len;

	if (!cut(&w->rest, UDP_HEAD))
		return false;
	take_ports(w->p, p);
	len = get_16(p + 4);
	if (len >= UDP_HEAD && len - UDP_HEAD < w->rest.len)
		w->rest.len = len - UDP_HEAD;
	w->p->payload = w->rest;
	return true;
}

static bool
take_tcp(struct walk *w)
{
	const uint8_t *p = w->rest.data;
	size_t head;

	if (w->rest.len < TCP_HEAD)
		return false;
	head = (size_t)(p[12] >> 4) * 4;
	if (head < TCP_HEAD || !cut(&w->rest, head))
		return false;
	take_ports(w->p, p);
	w->p->sequence = get_32(p + 4);
	w->p->flags = p[13];
	w->p->payload = w->rest;
	return true;
}

bool
packet_read(struct fragments *f, const struct pcap_packet *in, struct packet *ret)
{
	struct walk w = { .fragments = f, .p = ret, .rest = in->data };

	*ret = (struct packet){ .time_us = in->time_us };
	if (!cut_link(&w.rest, in->link) || w.rest.len == 0)
		return false;
	switch (w.rest.data[0] >> 4) {
	case 4:
		if (!walk_v4(&w))
			return false;
		break;
	case 6:
		if (!walk_v6(&w))
			return false;
		break;
	default:
		return false;
	}
	ret->protocol = w.next;
	return w.next == PROTOCOL_UDP ? take_udp(&w)
				      : w.next == PROTOCOL_TCP && take_tcp(&w);
}
