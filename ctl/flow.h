/* SPDX-License-Identifier: Apache-2.0
 *
 * One direction of a TCP connection as a capture shows it: segments that were repeated, came in
 * another order or are missing, and connections whose beginning was not captured. */
#pragma once
#include "base/cbor.h"
#include "ctl/packet.h"
#include <sys/queue.h>

#define FLOWS_MAX	1024
#define FLOW_BYTES_MAX	(128u << 10) /* that wait for the rest of a message, or for a segment */
#define FLOW_AHEAD_MAX	64	     /* segments that wait for one before them */

struct segment {
	TAILQ_ENTRY(segment) entry;
	uint32_t sequence;
	size_t len;
	uint8_t data[];
};

enum flow_state {
	FLOW_UNKNOWN, /* whether it carries GRASP */
	FLOW_GRASP,
	FLOW_TLS,
	FLOW_OTHER, /* nothing of it is kept */
};

struct flow {
	TAILQ_ENTRY(flow) entry;
	struct addr from, to;
	enum flow_state state;
	bool begun;	 /* next is known */
	bool aligned;	 /* a message begins where pending begins */
	uint32_t next;	 /* sequence number expected */
	struct buf pending;
	struct cbor_scan scan; /* of the message that pending begins with */
	TAILQ_HEAD(, segment) ahead;
	unsigned aheads;
	size_t ahead_bytes;
};

struct flows {
	TAILQ_HEAD(flow_list, flow) list; /* the one heard last first */
	unsigned count;
	/* New bytes at the end of pending: takes what it can from the beginning with flow_used(). */
	void (*received)(void *arg, struct flow *f, const struct packet *p);
	/* The capture lacks bytes; what was pending is lost. */
	void (*gap)(void *arg, struct flow *f, const struct packet *p, uint32_t bytes);
	void *arg;
};

void flows_init(struct flows *all);
void flows_done(struct flows *all);
void flows_add(struct flows *all, const struct packet *p);
void flow_used(struct flow *f, size_t n); /* n bytes of pending, a whole message */
void flow_set(struct flow *f, enum flow_state state);
