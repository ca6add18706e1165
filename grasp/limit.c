/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/limit.h"

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

struct limit *
limit_of_source(struct limit_sources *t, const struct addr *source)
{
	uint32_t h = 2166136261u ^ t->seed;

	for (size_t i = 0; i < sizeof source->ip.s6_addr; i++)
		h = (h ^ source->ip.s6_addr[i]) * 16777619u;
	if (addr_is_link_local(&source->ip))
		h = (h ^ source->ifindex) * 16777619u;
	h ^= h >> 15;
	return &t->bucket[h % LIMIT_SOURCES];
}
