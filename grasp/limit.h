/* SPDX-License-Identifier: Apache-2.0
 *
 * How often something may happen (S-09, S-10): a token bucket in one number, and a table of
 * them for source addresses. The table has a fixed size and forgets nobody: addresses that
 * fall on one bucket share it, so that inventing addresses wins nothing. Beside it, how many
 * sources there are. */
#pragma once
#include "base/addr.h"

struct limit {
	int64_t empty_us; /* when the bucket would be full again */
};

/* One event at now_ms: is it within per_s events a second, after a burst? */
bool limit_take(struct limit *l, int64_t now_ms, unsigned per_s, unsigned burst);

/* n of them, which have happened already. How many ms until there is room for another one; 0: now. */
int64_t limit_spend(
    struct limit *l, int64_t now_ms, unsigned per_s, unsigned burst, uint64_t n);

#define LIMIT_SOURCES 1024
struct limit_sources {
	uint32_t seed;
	struct limit bucket[LIMIT_SOURCES];
};
/* How many different sources speak on a link: told roughly, of the last one to two minutes. */
#define PEERS_PERIOD_MS 60000
struct peers {
	int64_t turned_ms;
	uint64_t now[4], before[4]; /* a bit per source, by hash */
};
void peers_note(struct peers *p, const struct addr *source, int64_t now_ms);
unsigned peers_count(const struct peers *p);

struct limit *limit_of_source(struct limit_sources *t, const struct addr *source);
