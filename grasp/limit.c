/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/limit.h"

#include <string.h>

bool
limit_take(struct limit *l, int64_t now_ms, unsigned per_s, unsigned burst)
{
	int64_t now = now_ms * 1000, interval = 1000000 / per_s;
	int64_t from = l->empty_us > now ? l->empty_us : now;

	if (from + interval - now > interval * burst)
		return false;
	l->empty_us = from + interval;
	return true;
}

int64_t
limit_spend(struct limit *l, int64_t now_ms, unsigned per_s, unsigned burst, uint64_t n)
{
	int64_t now = now_ms * 1000, full = (int64_t)burst * 1000000 / per_s;
	int64_t from = l->empty_us > now ? l->empty_us : now;

	l->empty_us = from + (int64_t)(n * 1000000 / per_s);
	return l->empty_us - now < full ? 0 : (l->empty_us - now - full) / 1000 + 1;
}

static uint32_t
hash(uint32_t seed, const struct addr *source)
{
	uint32_t h = 2166136261u ^ seed;

	for (size_t i = 0; i < sizeof source->ip.s6_addr; i++)
		h = (h ^ source->ip.s6_addr[i]) * 16777619u;
	if (addr_is_link_local(&source->ip))
		h = (h ^ source->ifindex) * 16777619u;
	return h ^ h >> 15;
}

struct limit *
limit_of_source(struct limit_sources *t, const struct addr *source)
{
	return &t->bucket[hash(t->seed, source) % LIMIT_SOURCES];
}

void
peers_note(struct peers *p, const struct addr *source, int64_t now_ms)
{
	unsigned bit = hash(0, source) % 256;

	if (now_ms - p->turned_ms >= PEERS_PERIOD_MS) {
		memcpy(p->before, p->now, sizeof p->before);
		memset(p->now, 0, sizeof p->now);
		p->turned_ms = now_ms;
	}
	p->now[bit / 64] |= UINT64_C(1) << bit % 64;
}

unsigned
peers_count(const struct peers *p)
{
	unsigned count = 0;

	for (int i = 0; i < 4; i++)
		count += (unsigned)__builtin_popcountll(p->now[i] | p->before[i]);
	return count;
}
