/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/flood_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grasp/option.h"

void
flood_cache_init(struct flood_cache *c)
{
	TAILQ_INIT(&c->entries);
	c->count = 0;
}

static void
drop(struct flood_cache *c, struct flood_entry *e)
{
	TAILQ_REMOVE(&c->entries, e, entry);
	c->count--;
	free(e);
}

void
flood_cache_done(struct flood_cache *c)
{
	struct flood_entry *e;

	while ((e = TAILQ_FIRST(&c->entries)))
		drop(c, e);
}

static struct flood_entry *
find(
    struct flood_cache *c, const struct grasp_objective *o, const struct grasp_locator *l)
{
	struct flood_entry *e;

	TAILQ_FOREACH(e, &c->entries, entry)
		if (slice_equal(e->objective.name, o->name) &&
		    option_locator_equal(&e->locator, l))
			return e;
	return NULL;
}

static void
expire(struct flood_cache *c, int64_t now_ms)
{
	struct flood_entry *e, *next;

	for (e = TAILQ_FIRST(&c->entries); e; e = next) {
		next = TAILQ_NEXT(e, entry);
		if (e->expires_ms <= now_ms)
			drop(c, e);
	}
}

static struct slice
copy(uint8_t **at, struct slice s)
{
	struct slice ret = { *at, s.len };

	if (s.len)
		memcpy(*at, s.data, s.len);
	*at += s.len;
	return ret;
}

static struct flood_entry *
new_entry(const struct grasp_peer *from, const struct grasp_objective *o,
    const struct grasp_locator *l)
{
	struct flood_entry *e =
	    calloc(1, sizeof *e + o->name.len + o->value.len + l->text.len);
	uint8_t *at;

	if (!e)
		return NULL;
	at = e->bytes;
	e->from = *from;
	if (from->who) {
		e->who = *from->who;
		e->from.who = &e->who;
	}
	e->objective = *o;
	e->locator = *l;
	e->objective.name = copy(&at, o->name);
	e->objective.value = copy(&at, o->value);
	e->locator.text = copy(&at, l->text);
	return e;
}

int
flood_cache_put(struct flood_cache *c, const struct grasp_peer *from, bool here,
    const struct grasp_objective *objective, const struct grasp_locator *locator,
    uint32_t ttl_ms, int64_t now_ms)
{
	struct flood_entry *e = new_entry(from, objective, locator), *old;

	if (!e)
		return -ENOMEM;
	e->here = here;
	e->heard_ms = now_ms;
	e->expires_ms = ttl_ms ? now_ms + ttl_ms : INT64_MAX; /* G-111 */
	old = find(c, objective, locator);
	if (old)
		drop(c, old);
	if (c->count >= FLOOD_CACHE_MAX)
		expire(c, now_ms);
	if (c->count >= FLOOD_CACHE_MAX)
		drop(c, TAILQ_FIRST(&c->entries));
	TAILQ_INSERT_TAIL(&c->entries, e, entry);
	c->count++;
	return 0;
}

const struct flood_entry *
flood_cache_next(struct flood_cache *c, const struct flood_entry *after,
    struct slice name, int64_t now_ms)
{
	const struct flood_entry *e =
	    after ? TAILQ_NEXT(after, entry) : TAILQ_FIRST(&c->entries);

	while (e && (e->expires_ms <= now_ms || !slice_equal(e->objective.name, name)))
		e = TAILQ_NEXT(e, entry);
	return e;
}

unsigned
flood_cache_forget(struct flood_cache *c, struct slice name,
    const struct grasp_locator *locator, int64_t now_ms)
{
	struct flood_entry *e;
	unsigned forgotten = 0;

	TAILQ_FOREACH(e, &c->entries, entry) {
		if (e->expires_ms <= now_ms || !slice_equal(e->objective.name, name))
			continue;
		if (locator && !option_locator_equal(&e->locator, locator))
			continue;
		e->expires_ms = INT64_MIN;
		forgotten++;
	}
	return forgotten;
}

uint32_t
flood_entry_ttl_ms(const struct flood_entry *e, int64_t now_ms)
{
	return e->expires_ms == INT64_MAX ? 0 : (uint32_t)(e->expires_ms - now_ms);
}
