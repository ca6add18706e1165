/* SPDX-License-Identifier: Apache-2.0
 *
 * What was flooded here, kept while it lives, for those who start to listen later (G-113):
 * one entry per objective and locator (G-114, G-115). Bounded: the one that was heard longest
 * ago goes. Embedded in its owner. */
#pragma once
#include "grasp/grasp.h"
#include <sys/queue.h>

#define FLOOD_CACHE_MAX 256

struct flood_entry {
	TAILQ_ENTRY(flood_entry) entry;
	struct grasp_peer from;
	struct grasp_who who; /* where from.who points to, if it does */
	bool here;	      /* not for others */
	struct grasp_objective
	    objective; /* its slices point to bytes, as those of locator */
	struct grasp_locator locator;
	int64_t heard_ms, expires_ms; /* INT64_MAX: never */
	uint8_t bytes[];
};

struct flood_cache {
	TAILQ_HEAD(, flood_entry) entries; /* heard longest ago first */
	size_t count;
};

void flood_cache_init(struct flood_cache *c);
void flood_cache_done(struct flood_cache *c);
/* here: it is not to be told to others. -ENOMEM. */
int flood_cache_put(struct flood_cache *c, const struct grasp_peer *from, bool here,
    const struct grasp_objective *objective, const struct grasp_locator *locator,
    uint32_t ttl_ms, int64_t now_ms);
/* The first entry for the name after `after` (NULL: from the beginning) that is not expired. */
const struct flood_entry *flood_cache_next(struct flood_cache *c,
    const struct flood_entry *after, struct slice name, int64_t now_ms);
/* Forgets what came with this locator, or all of the name (NULL); returns how many. Only a put frees
 * memory, so a walk stays valid. */
unsigned flood_cache_forget(struct flood_cache *c, struct slice name,
    const struct grasp_locator *locator, int64_t now_ms);
/* As it is told now; 0: no expiry. */
uint32_t flood_entry_ttl_ms(const struct flood_entry *e, int64_t now_ms);
