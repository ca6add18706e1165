/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/candidates.h"

#include <string.h>

#include "agent/timing.h"

#define HINT_JITTER_MS	500
#define HINT_GAP_MS	10000 /* one candidate is woken by hints at most so often (F-02) */
#define BACKOFF_MIN_MS	1000
#define BACKOFF_MAX_MS	60000
#define GOOD_SESSION_MS 60000 /* so long a session ends the back-off */
#define MINUTE_MS	60000

#define TRACES_PER_MIN	3 /* of two minutes that meet, no more than the bound */

/* --- traces -------------------------------------------------------------------------------- */
void
candidates_init(struct candidates *l, struct grasp_io *io)
{
	l->io = io;
	l->len = 0;
	memset(l->trace, 0, sizeof l->trace);
	io->ops->random(io, &l->trace_seed, sizeof l->trace_seed);
	l->traces_ms = grasp_io_now(io);
}

static uint8_t *
find_trace(struct candidates *l, const struct addr *a)
{
	uint32_t h = l->trace_seed ^ a->port;

	if (grasp_io_now(l->io) - l->traces_ms >= MINUTE_MS) {
		memset(l->trace, 0, sizeof l->trace);
		l->traces_ms = grasp_io_now(l->io);
	}
	for (size_t i = 0; i < sizeof a->ip.s6_addr; i++)
		h = (h ^ a->ip.s6_addr[i]) * 16777619;
	return &l->trace[(h ^ h >> 16) % CANDIDATE_TRACES];
}

static void
leave_trace(struct candidates *l, const struct candidate *c)
{
	uint8_t *t = find_trace(l, &c->addr);

	*t += *t < UINT8_MAX;
}

/* --- the list ------------------------------------------------------------------------------ */
struct candidate *
candidates_find(struct candidates *l, const struct addr *addr)
{
	for (size_t i = 0; i < l->len; i++)
		if (addr_equal(&l->list[i].addr, addr))
			return &l->list[i];
	return NULL;
}

void
candidates_remove(struct candidates *l, struct candidate *c)
{
	*c = l->list[--l->len];
}

static void
forget_expired(struct candidates *l)
{
	int64_t now = grasp_io_now(l->io);

	for (size_t i = l->len; i-- > 0;)
		if (l->list[i].expires_ms <= now && !l->list[i].proven &&
		    !l->list[i].trying)
			candidates_remove(l, &l->list[i]);
}

/* How far who named it is to be believed. */
static unsigned
rank(const struct candidate *c)
{
	if (c->proven)
		return 3;
	if (c->vouched || c->fixed)
		return 2;
	return c->asked ? 1 : 0;
}

/* Is a rather to be given up than b? */
static bool
is_worse(const struct candidate *a, const struct candidate *b)
{
	if (rank(a) != rank(b))
		return rank(a) < rank(b);
	if (a->failures != b->failures)
		return a->failures > b->failures;
	return a->heard_ms < b->heard_ms;
}

/* What was only heard has so many ports of one address, or each of them would be a candidate. */
static bool
has_ports_enough(const struct candidates *l, const struct addr *addr)
{
	unsigned ports = 0;

	for (size_t i = 0; i < l->len; i++)
		ports += memcmp(&l->list[i].addr.ip, &addr->ip, sizeof addr->ip) == 0;
	return ports >= CANDIDATE_PORTS_MAX;
}

/* A new entry never costs one that is better: of many strangers, the last one stays outside. */
static struct candidate *
make_room(struct candidates *l, bool hearsay)
{
	struct candidate *worst = NULL;

	if (l->len < CANDIDATES_MAX)
		return &l->list[l->len++];
	for (size_t i = 0; i < l->len; i++) {
		struct candidate *c = &l->list[i];

		if (!c->fixed && !c->proven && !c->trying &&
		    (!worst || is_worse(c, worst)))
			worst = c;
	}
	return worst && (worst->failures > 0 || (!hearsay && rank(worst) == 0)) ? worst
										: NULL;
}

struct candidate *
candidates_add(struct candidates *l, const struct addr *addr, bool hearsay)
{
	struct candidate *c;

	forget_expired(l);
	if (hearsay && has_ports_enough(l, addr))
		return NULL;
	c = make_room(l, hearsay);
	if (!c)
		return NULL;
	*c = (struct candidate){ .addr = *addr,
		.heard_ms = INT64_MIN,
		.woken_ms = INT64_MIN,
		.expires_ms = INT64_MAX };
	for (size_t i = 0; i < CANDIDATE_TRIES_PER_MIN; i++)
		c->ended_ms[i] =
		    *find_trace(l, addr) < TRACES_PER_MIN ? INT64_MIN : l->traces_ms;
	return c;
}

/* --- back-off ------------------------------------------------------------------------------- */
/* Full jitter: random(0, min(60 s, 1 s * 2^k)). */
static int64_t
backoff(const struct candidates *l, unsigned failures)
{
	int64_t most = BACKOFF_MIN_MS;

	for (unsigned i = 0; i < failures && most < BACKOFF_MAX_MS; i++)
		most *= 2;
	return random_below(l->io, (most < BACKOFF_MAX_MS ? most : BACKOFF_MAX_MS) + 1);
}

/* Whatever is heard: who has never given us a lease is tried so often a minute and no more. */
static int64_t
not_before(const struct candidate *c, int64_t at_ms)
{
	int64_t oldest = c->ended_ms[CANDIDATE_TRIES_PER_MIN - 1];

	if (c->proven || oldest == INT64_MIN || at_ms > oldest + MINUTE_MS)
		return at_ms;
	return oldest + MINUTE_MS + 1;
}

void
candidate_begin(struct candidate *c, int64_t at_ms)
{
	c->retry_ms = not_before(c, at_ms);
}

static void
note_end(struct candidate *c, int64_t now)
{
	memmove(&c->ended_ms[1], &c->ended_ms[0],
	    (CANDIDATE_TRIES_PER_MIN - 1) * sizeof c->ended_ms[0]);
	c->ended_ms[0] = now;
}

void
candidate_failed(struct candidates *l, struct candidate *c)
{
	int64_t now = grasp_io_now(l->io);

	c->failures++;
	c->trying = c->asked = false;
	note_end(c, now);
	leave_trace(l, c);
	c->retry_ms = not_before(c, now + backoff(l, c->failures));
}

void
candidate_lost(struct candidates *l, struct candidate *c, int64_t lasted_ms)
{
	c->ours = false;
	c->failures = lasted_ms >= GOOD_SESSION_MS ? 0 : c->failures + 1;
	c->retry_ms =
	    grasp_io_now(l->io) + random_between(l->io, 1000, 5000); /* DISC-15 */
}

bool
candidate_wake(struct candidates *l, struct candidate *c)
{
	int64_t now = grasp_io_now(l->io);
	int64_t at = not_before(c, now + random_below(l->io, HINT_JITTER_MS + 1));

	if (c->woken_ms != INT64_MIN && now - c->woken_ms < HINT_GAP_MS)
		return false;
	c->woken_ms = now;
	if (at < c->retry_ms)
		c->retry_ms = at;
	return true;
}

/* --- turns ---------------------------------------------------------------------------------- */
static bool
goes_first(const struct candidate *a, const struct candidate *b)
{
	if (!b)
		return true;
	if (rank(a) != rank(b))
		return rank(a) > rank(b);
	if (a->failures != b->failures)
		return a->failures < b->failures;
	if (a->heard_ms != b->heard_ms)
		return a->heard_ms > b->heard_ms;
	return a->retry_ms < b->retry_ms;
}

struct candidate *
candidates_pick(struct candidates *l, int64_t now_ms, int64_t *ret_ms)
{
	struct candidate *best = NULL;

	*ret_ms = INT64_MAX;
	forget_expired(l);
	for (size_t i = 0; i < l->len; i++) {
		struct candidate *c = &l->list[i];

		if (c->trying)
			continue;
		if (c->retry_ms <= now_ms && goes_first(c, best))
			best = c;
		if (c->retry_ms < *ret_ms)
			*ret_ms = c->retry_ms;
	}
	return best;
}
