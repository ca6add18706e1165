/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/lru.h"

#include <string.h>

void
lru_init(struct lru *l, size_t max, uint32_t seed, void (*drop)(struct lru_entry *e))
{
	TAILQ_INIT(&l->age);
	for (size_t i = 0; i < LRU_BUCKETS; i++)
		LIST_INIT(&l->bucket[i]);
	l->count = 0;
	l->max = max;
	l->seed = seed;
	l->drop = drop;
}

void
lru_remove(struct lru *l, struct lru_entry *e)
{
	TAILQ_REMOVE(&l->age, e, age);
	LIST_REMOVE(e, bucket);
	l->count--;
	l->drop(e);
}

void
lru_done(struct lru *l)
{
	struct lru_entry *e;

	while ((e = TAILQ_FIRST(&l->age)))
		lru_remove(l, e);
}

/* FNV-1a from a secret start. */
static unsigned
bucket_of(const struct lru *l, const uint8_t key[LRU_KEY_LEN])
{
	uint32_t h = 2166136261u ^ l->seed;

	for (size_t i = 0; i < LRU_KEY_LEN; i++)
		h = (h ^ key[i]) * 16777619u;
	return (h ^ h >> 15) % LRU_BUCKETS;
}

static void
fill_key(uint8_t dst[LRU_KEY_LEN], const void *key, size_t key_len)
{
	memset(dst, 0, LRU_KEY_LEN);
	memcpy(dst, key, key_len);
}

struct lru_entry *
lru_find(struct lru *l, const void *key, size_t key_len)
{
	uint8_t whole[LRU_KEY_LEN];
	struct lru_entry *e;

	fill_key(whole, key, key_len);
	LIST_FOREACH(e, &l->bucket[bucket_of(l, whole)], bucket)
		if (memcmp(e->key, whole, sizeof whole) == 0)
			break;
	if (e) {
		TAILQ_REMOVE(&l->age, e, age);
		TAILQ_INSERT_TAIL(&l->age, e, age);
	}
	return e;
}

void
lru_add(struct lru *l, struct lru_entry *e, const void *key, size_t key_len)
{
	if (l->count >= l->max)
		lru_remove(l, TAILQ_FIRST(&l->age));
	fill_key(e->key, key, key_len);
	TAILQ_INSERT_TAIL(&l->age, e, age);
	LIST_INSERT_HEAD(&l->bucket[bucket_of(l, e->key)], e, bucket);
	l->count++;
}
