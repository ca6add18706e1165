/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/discovery_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grasp/option.h"

void
discovery_cache_init(struct discovery_cache *c)
{
	TAILQ_INIT(&c->entries);
	c->count = 0;
	c->walks = 0;
}

static void
forget(struct discovery_entry *e)
{
	e->expires_ms = INT64_MIN;
}

static bool
is_forgotten(const struct discovery_entry *e)
{
	return e->expires_ms == INT64_MIN;
}

static void
drop(struct discovery_cache *c, struct discovery_entry *e)
{
	forget(e);
	if (c->walks > 0)
		return; /* the next put does the rest */
	TAILQ_REMOVE(&c->entries, e, entry);
	c->count--;
	free(e);
}

void
discovery_cache_done(struct discovery_cache *c)
{
	struct discovery_entry *e;

	while ((e = TAILQ_FIRST(&c->entries)))
		drop(c, e);
}

static void
expire(struct discovery_cache *c, int64_t now_ms)
{
	struct discovery_entry *e, *next;

	for (e = TAILQ_FIRST(&c->entries); e; e = next) {
		next = TAILQ_NEXT(e, entry);
		if (e->expires_ms <= now_ms)
			drop(c, e);
	}
}

/* --- room ----------------------------------------------------------------------------------- */

static bool
same_source(const struct addr *a, const struct addr *b)
{
	return IN6_ARE_ADDR_EQUAL(&a->ip, &b->ip) &&
	    (!addr_is_link_local(&a->ip) || a->ifindex == b->ifindex);
}

/* Everything, or what is kept under one name. */
static bool
is_among(const struct discovery_entry *e, const struct slice *name)
{
	return !is_forgotten(e) && (!name || slice_equal(e->objective.name, *name));
}

static size_t
count(
    const struct discovery_cache *c, const struct slice *name, const struct addr *source)
{
	const struct discovery_entry *e;
	size_t n = 0;

	TAILQ_FOREACH(e, &c->entries, entry)
		n += is_among(e, name) && (!source || same_source(&e->from, source));
	return n;
}

/* The oldest entry of whoever would have most of them, the newcomer counted in. */
static struct discovery_entry *
find_victim(
    struct discovery_cache *c, const struct slice *name, const struct addr *newcomer)
{
	struct discovery_entry *e, *victim = NULL;
	size_t most = 0;

	TAILQ_FOREACH_REVERSE(e, &c->entries, discovery_entries, entry)
	{
		size_t n;

		if (!is_among(e, name))
			continue;
		n = count(c, name, &e->from) + same_source(&e->from, newcomer);
		if (n > most) {
			most = n;
			victim = e;
		}
	}
	return victim;
}

static void
make_room(
    struct discovery_cache *c, const struct slice *name, const struct addr *newcomer)
{
	if (count(c, name, NULL) >= DISCOVERY_CACHE_PER_NAME)
		drop(c, find_victim(c, name, newcomer));
	else if (count(c, NULL, NULL) >= DISCOVERY_CACHE_MAX)
		drop(c, find_victim(c, NULL, newcomer));
}

/* --- entries -------------------------------------------------------------------------------- */

static struct slice
copy(uint8_t **at, struct slice s)
{
	struct slice ret = { *at, s.len };

	if (s.len)
		memcpy(*at, s.data, s.len);
	*at += s.len;
	return ret;
}

static size_t
size_of(struct slice name, const struct grasp_found *f)
{
	size_t size = sizeof(struct discovery_entry) +
	    f->locators * sizeof(struct grasp_locator) + name.len;

	if (f->objective)
		size += f->objective->value.len;
	for (size_t i = 0; i < f->locators; i++)
		size += f->locator[i].text.len;
	return size;
}

static struct discovery_entry *
new_entry(struct slice name, const struct grasp_found *f)
{
	struct discovery_entry *e = calloc(1, size_of(name, f));
	uint8_t *at;

	if (!e)
		return NULL;
	at = (uint8_t *)&e->locator[f->locators];
	e->from = f->from;
	e->diverted = f->diverted;
	e->has_objective = f->objective != NULL;
	if (f->objective)
		e->objective = *f->objective;
	e->objective.name = copy(&at, name);
	e->objective.value = copy(&at, e->objective.value);
	e->locators = (uint8_t)f->locators;
	for (size_t i = 0; i < f->locators; i++) {
		e->locator[i] = f->locator[i];
		e->locator[i].text = copy(&at, f->locator[i].text);
	}
	return e;
}

static bool
means_the_same(
    const struct discovery_entry *e, const struct grasp_locator *l, uint32_t ifindex)
{
	if (!option_locator_equal(&e->locator[0], l))
		return false;
	return l->kind != O_IPv6_LOCATOR || !addr_is_link_local(&l->ip) ||
	    e->ifindex == ifindex;
}

static struct discovery_entry *
find(struct discovery_cache *c, struct slice name, const struct grasp_locator *l,
    uint32_t ifindex)
{
	struct discovery_entry *e;

	TAILQ_FOREACH(e, &c->entries, entry)
		if (is_among(e, &name) && means_the_same(e, l, ifindex))
			return e;
	return NULL;
}

int
discovery_cache_put(struct discovery_cache *c, struct slice name,
    const struct grasp_found *found, uint32_t ifindex, int64_t now_ms)
{
	struct discovery_entry *e, *old;

	if (found->locators == 0)
		return -EINVAL;
	expire(c, now_ms);
	old = find(c, name, &found->locator[0], ifindex);
	if (old && found->diverted && !old->diverted)
		return 0;
	e = new_entry(name, found);
	if (!e)
		return -ENOMEM;
	if (old)
		drop(c, old);
	else
		make_room(c, &name, &found->from);
	e->ifindex = ifindex;
	e->heard_ms = now_ms;
	e->expires_ms =
	    now_ms + (found->ttl_ms ? found->ttl_ms : GRASP_RESPONSE_TTL_ZERO_MS);
	TAILQ_INSERT_HEAD(&c->entries, e, entry);
	c->count++;
	return 0;
}

const struct discovery_entry *
discovery_cache_next(const struct discovery_cache *c, const struct discovery_entry *after,
    struct slice name, int64_t now_ms)
{
	const struct discovery_entry *e =
	    after ? TAILQ_NEXT(after, entry) : TAILQ_FIRST(&c->entries);

	while (e && (e->expires_ms <= now_ms || !slice_equal(e->objective.name, name)))
		e = TAILQ_NEXT(e, entry);
	return e;
}

void
discovery_cache_forget_short(
    struct discovery_cache *c, struct slice name, uint32_t min_ttl_ms, int64_t now_ms)
{
	struct discovery_entry *e;

	TAILQ_FOREACH(e, &c->entries, entry)
		if (is_among(e, &name) && e->expires_ms > now_ms &&
		    e->expires_ms - now_ms < min_ttl_ms)
			forget(e);
}

static bool
means_address(const struct grasp_locator *l, uint32_t ifindex, const struct addr *at)
{
	struct addr a;

	return grasp_locator_to_addr(l, ifindex, &a) == 0 && addr_equal(&a, at);
}

void
discovery_cache_forget(
    struct discovery_cache *c, struct slice name, const struct addr *at)
{
	struct discovery_entry *e;

	TAILQ_FOREACH(e, &c->entries, entry) {
		uint8_t left = 0;

		if (!slice_equal(e->objective.name, name))
			continue;
		for (unsigned i = 0; i < e->locators; i++)
			if (!means_address(&e->locator[i], e->ifindex, at))
				e->locator[left++] = e->locator[i];
		e->locators = left;
		if (left == 0)
			forget(e);
	}
}
