/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/seen.h"

#include <stdlib.h>
#include <string.h>

bool
initiator_equal(const struct grasp_initiator *a, const struct grasp_initiator *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* FNV-1a from a secret start. */
static unsigned
bucket_of(
    const struct seen *s, uint32_t session_id, const struct grasp_initiator *initiator)
{
	uint32_t h = 2166136261u ^ s->seed ^ session_id;

	for (size_t i = 0; i < initiator->len; i++)
		h = (h ^ initiator->bytes[i]) * 16777619u;
	h ^= h >> 15;
	return h % SEEN_BUCKETS;
}

static void
take_out(struct seen *s, struct seen_entry *e)
{
	LIST_REMOVE(e, bucket);
	TAILQ_REMOVE(&s->age, e, age);
	s->count--;
}

static void
drop(struct seen *s, struct seen_entry *e)
{
	take_out(s, e);
	free(e);
}

static void
expire(struct seen *s, int64_t now_ms)
{
	struct seen_entry *e;

	while ((e = TAILQ_FIRST(&s->age)) && e->expires_ms <= now_ms)
		drop(s, e);
}

void
seen_init(struct seen *s, uint32_t seed)
{
	for (size_t i = 0; i < SEEN_BUCKETS; i++)
		LIST_INIT(&s->bucket[i]);
	TAILQ_INIT(&s->age);
	s->count = 0;
	s->seed = seed;
}

void
seen_done(struct seen *s)
{
	struct seen_entry *e;

	while ((e = TAILQ_FIRST(&s->age)))
		drop(s, e);
}

struct seen_entry *
seen_find(struct seen *s, uint32_t session_id, const struct grasp_initiator *initiator,
    int64_t now_ms)
{
	struct seen_entry *e;

	expire(s, now_ms);
	LIST_FOREACH(e, &s->bucket[bucket_of(s, session_id, initiator)], bucket)
		if (e->session_id == session_id &&
		    initiator_equal(&e->initiator, initiator))
			return e;
	return NULL;
}

/* In a storm of strange ids no memory is asked for any more. */
static struct seen_entry *
new_entry(struct seen *s)
{
	struct seen_entry *e = TAILQ_FIRST(&s->age);

	if (s->count < SEEN_MAX)
		return calloc(1, sizeof *e);
	take_out(s, e);
	memset(e, 0, sizeof *e);
	return e;
}

struct seen_entry *
seen_add(struct seen *s, uint32_t session_id, const struct grasp_initiator *initiator,
    int64_t now_ms)
{
	struct seen_entry *e = seen_find(s, session_id, initiator, now_ms);

	if (e)
		return e;
	e = new_entry(s);
	if (!e)
		return NULL;
	e->session_id = session_id;
	e->initiator = *initiator;
	e->expires_ms = now_ms + GRASP_SEEN_MS;
	LIST_INSERT_HEAD(&s->bucket[bucket_of(s, session_id, initiator)], e, bucket);
	TAILQ_INSERT_TAIL(&s->age, e, age);
	s->count++;
	return e;
}
