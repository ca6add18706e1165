/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded table of what is known about others: who was met longest ago makes way. Entries are
 * embedded in what they stand for. Embedded in its owner. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define LRU_KEY_LEN 20
#define LRU_BUCKETS 256

struct lru_entry {
	TAILQ_ENTRY(lru_entry) age;
	LIST_ENTRY(lru_entry) bucket;
	uint8_t key[LRU_KEY_LEN];
};

struct lru {
	TAILQ_HEAD(, lru_entry) age; /* met longest ago first */
	LIST_HEAD(, lru_entry) bucket[LRU_BUCKETS];
	size_t count, max;
	uint32_t seed; /* a stranger shall not choose who shares a bucket */
	void (*drop)(struct lru_entry *e); /* frees it */
};

void
lru_init(struct lru *l, size_t max, uint32_t seed, void (*drop)(struct lru_entry *e));
void lru_done(struct lru *l);
/* key_len ≤ LRU_KEY_LEN; the rest counts as zeros. NULL: not there. */
struct lru_entry *lru_find(struct lru *l, const void *key, size_t key_len);
void lru_add(struct lru *l, struct lru_entry *e, const void *key, size_t key_len);
void lru_remove(struct lru *l, struct lru_entry *e); /* drops it */
