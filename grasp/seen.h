/* SPDX-License-Identifier: Apache-2.0
 *
 * What multicasts were met before, by (session id, initiator), so that a copy that was looped
 * back, relayed or sent to a second group is known for what it is (I-16, I-22, F-07). A node has
 * two: of what it heard, and of what it has sent, its own and relayed ones. Bounded: beyond
 * SEEN_MAX the oldest entry makes way. Embedded in its owner. */
#pragma once
#include "grasp/msg.h"
#include <sys/queue.h>

#define SEEN_MAX     4096
#define SEEN_BUCKETS 1024

struct seen_entry {
	LIST_ENTRY(seen_entry) bucket;
	TAILQ_ENTRY(seen_entry) age;
	struct grasp_initiator initiator;
	uint32_t session_id;
	int64_t expires_ms;
	bool own;	    /* of what we have sent: not on behalf of somebody else */
	bool flooded;	    /* handed to whoever listens */
	bool settled;	    /* answered here, nothing to pass on */
	bool joined;	    /* waits for what another question brings */
	uint8_t loop_count; /* with which it came when it was passed on */
	uint32_t answered;  /* bit per interface slot; when: */
	int64_t answered_ms;
};

struct seen {
	LIST_HEAD(, seen_entry) bucket[SEEN_BUCKETS];
	TAILQ_HEAD(, seen_entry) age; /* oldest first; all live equally long */
	size_t count;
	uint32_t seed; /* a stranger shall not choose who shares a bucket */
};

bool initiator_equal(const struct grasp_initiator *a, const struct grasp_initiator *b);
void seen_init(struct seen *s, uint32_t seed);
void seen_done(struct seen *s);
struct seen_entry *seen_find(struct seen *s, uint32_t session_id,
    const struct grasp_initiator *initiator, int64_t now_ms);
/* The entry, made if there is none, kept for GRASP_SEEN_MS from now. Valid until the next call.
 * NULL: no memory. */
struct seen_entry *seen_add(struct seen *s, uint32_t session_id,
    const struct grasp_initiator *initiator, int64_t now_ms);
