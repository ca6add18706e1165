/* SPDX-License-Identifier: Apache-2.0
 *
 * Capture files: pcap in its four forms and pcapng, packet by packet, as they come. */
#pragma once
#include "ctl/input.h"

enum { /* link types that ctl/packet.c reads */
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_LINUX_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_LINUX_SLL2 = 276,
};

#define PCAP_INTERFACES_MAX 64

struct pcap_file {
	struct input *in;
	bool ng, big_endian, nanoseconds;
	unsigned link; /* of pcap */
	struct {
		unsigned link;
		uint64_t ticks; /* per second */
	} interface[PCAP_INTERFACES_MAX]; /* of pcapng */
	unsigned interfaces;
	struct buf block;
};

struct pcap_packet {
	int64_t time_us; /* since 1970 */
	unsigned link;
	struct slice data; /* until the next packet */
	size_t missing;	   /* bytes that the capture left out */
};

/* Is this what a capture begins with? Four bytes decide. */
bool pcap_file_is(struct slice begins);
/* -EBADMSG: damaged; -ENODATA: cut off; others of read(2). */
int pcap_file_open(struct pcap_file *f, struct input *in) MUST_CHECK;
int pcap_file_next(struct pcap_file *f, struct pcap_packet *ret) MUST_CHECK; /* 1; 0: the end */
void pcap_file_close(struct pcap_file *f);
