/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the registry: registry.c knows who there is, registry_watch.c whether they are there. */
#pragma once
#include "controller/registry.h"
#include "grasp/io.h"

#define REGISTRY_BUCKETS 1024

struct entry {
	struct node node;
	struct caps caps;
	struct entry *bucket; /* next of the same hash */
	bool suspect_due;
	int64_t suspect_ms; /* when it becomes SUSPECT for its closed link */
	int64_t state_ms;   /* since when it is in its state */
	int64_t grace_ms;   /* silence that makes it LOST; 0: four heartbeats */
	bool unsaved;	    /* the store does not know all yet, for want of memory */
	bool moved;	    /* its last registration came from another address */
	bool told_gone;	    /* to be freed at the next turn */
};

struct registry {
	struct grasp_io *io;
	struct store *store;
	struct events *events;
	struct registry_config cfg;
	const struct registry_ops *ops;
	void *arg;
	struct node *first;
	struct entry *bucket[REGISTRY_BUCKETS];
	size_t count[NODE_GONE + 1];

	struct grasp_timer *tick;
	int64_t ticked_ms; /* when our own clock was last looked at */
	int64_t hole_ms;   /* end of the newest hole in it */
	double patience;   /* ≥ 1: verdicts wait so much longer */
	int64_t frozen_until_ms;
};

static inline struct entry *
entry_of(struct node *n)
{
	return container_of(n, struct entry, node);
}

/* registry.c */
void registry_drop(struct registry *r, struct entry *e);
int registry_put(struct registry *r, struct node *n, store_done_f *done, void *arg);

/* registry_watch.c */
int registry_watch_start(struct registry *r) MUST_CHECK;
void registry_watch_stop(struct registry *r);
/* Everything that a change of state brings: journal, event (fmt says why), the others. */
void registry_change(struct registry *r, struct node *n, enum node_state to,
    const char *fmt, ...) PRINTF(4, 5);
