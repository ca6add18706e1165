/* SPDX-License-Identifier: Apache-2.0
 *
 * From a captured frame to what UDP or TCP carried: link layer, IPv4 and IPv6 with extension
 * headers, fragments put together again. */
#pragma once
#include "base/addr.h"
#include "base/buf.h"
#include "ctl/pcap_file.h"

#define FRAGMENTED_MAX 16 /* datagrams that wait for their fragments at once */

struct fragmented {
	struct in6_addr from, to;
	uint32_t id;
	uint8_t protocol;
	int64_t since_us; /* 0: free */
	size_t size;	  /* 0: the last fragment has not come */
	size_t have;
	uint8_t *data, *got; /* got: a bit per 8 bytes */
};

struct fragments {
	struct fragmented slot[FRAGMENTED_MAX];
};

enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4 };

struct packet {
	int64_t time_us;
	struct addr from, to;
	uint8_t protocol;
	struct slice payload; /* until the next call */
	size_t missing;	      /* bytes of it that are not in the capture */
	uint32_t sequence;    /* TCP */
	uint8_t flags;
};

/* True: it is UDP or TCP, and whole. */
bool packet_read(struct fragments *f, const struct pcap_packet *in, struct packet *ret);
bool packet_knows_link(unsigned link);

/* A fragment of a datagram that key describes: from, to, id, protocol. True: with it the datagram is
 * whole, *ret until the next call. */
bool fragments_add(struct fragments *f, const struct fragmented *key, int64_t now_us,
    size_t offset, bool more, struct slice data, struct slice *ret);
void fragments_done(struct fragments *f);
