/* SPDX-License-Identifier: Apache-2.0
 *
 * What M_RESPONSEs told, kept while it lives (G-074, G-075): one entry per objective and preferred
 * locator, so that several responders stand beside each other (G-076), with the interface it was
 * learnt on (G-070). Bounded in all and per name; when there is no room, whoever takes most of it
 * loses the oldest of his, so that one talker cannot drive out the others. Embedded in its
 * owner. */
#pragma once
#include "grasp/grasp.h"
#include <sys/queue.h>

#define DISCOVERY_CACHE_MAX	 256
#define DISCOVERY_CACHE_PER_NAME 8

struct discovery_entry {
	TAILQ_ENTRY(discovery_entry) entry;
	struct addr from; /* who said so */
	uint32_t ifindex; /* where; 0: not known */
	/* Its slices point behind the locators, as those of the locators do. Without a copy in the
	 * response only the name is set. */
	struct grasp_objective objective;
	bool has_objective, diverted;
	int64_t heard_ms, expires_ms;
	uint8_t locators;
	struct grasp_locator locator[];
};

struct discovery_cache {
	TAILQ_HEAD(discovery_entries, discovery_entry) entries; /* heard last first */
	size_t count;
	unsigned
	    walks; /* by who lets others put meanwhile: nothing is freed, only forgotten */
};

void discovery_cache_init(struct discovery_cache *c);
void discovery_cache_done(struct discovery_cache *c);
/* What comes first among the locators is the preferred one. Hearsay does not replace what the
 * responder itself has said. -ENOMEM; -EINVAL: nothing found. */
int discovery_cache_put(struct discovery_cache *c, struct slice name,
    const struct grasp_found *found, uint32_t ifindex, int64_t now_ms);
/* The first entry for the name after `after` (NULL: from the beginning) that has not expired. Only
 * a put frees memory, and not while there are walks. */
const struct discovery_entry *discovery_cache_next(const struct discovery_cache *c,
    const struct discovery_entry *after, struct slice name, int64_t now_ms);
/* Forgets entries with less than min_ttl_ms left. */
void discovery_cache_forget_short(
    struct discovery_cache *c, struct slice name, uint32_t min_ttl_ms, int64_t now_ms);
/* Forgets the locators that mean this address. */
void discovery_cache_forget(
    struct discovery_cache *c, struct slice name, const struct addr *at);
