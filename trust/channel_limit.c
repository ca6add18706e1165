/* SPDX-License-Identifier: Apache-2.0
 *
 * Strangers cost memory and time before anything is known about them, so their number is bounded: in
 * all, of a network and of an address (S-14). A newcomer is as good as those who are here: rather
 * than closing the door, who has wasted most of its time leaves. That is, in this order, one that is
 * refused already, the oldest that has not said what it wants, and the oldest that let a handshake
 * wait; if the room is needed for all, of the network that has most. Handshakes that go on are let
 * finish, else a flood would end all of them half way. */
#include "trust/channel_int.h"

#include <errno.h>
#include <string.h>

#define NETS 256 /* buckets */

enum scope { OF_ADDRESS, OF_NETWORK, OF_ALL };

static const unsigned limits[] = {
	[OF_ADDRESS] = CHANNEL_STRANGERS_ADDR,
	[OF_NETWORK] = CHANNEL_STRANGERS_NET,
	[OF_ALL] = CHANNEL_STRANGERS_MAX,
};

/* A /64; of IPv4 a /24, which is what one party can have many addresses of. */
static size_t
net_bytes(const struct in6_addr *ip)
{
	return addr_is_v4(ip) ? 15 : 8;
}

static bool
is_within(const struct addr *a, const struct addr *b, enum scope scope)
{
	switch (scope) {
	case OF_ADDRESS:
		return IN6_ARE_ADDR_EQUAL(&a->ip, &b->ip) &&
		    (!addr_has_zone(&a->ip) || a->ifindex == b->ifindex);
	case OF_NETWORK:
		return memcmp(&a->ip, &b->ip, net_bytes(&b->ip)) == 0 &&
		    (!addr_has_zone(&a->ip) || a->ifindex == b->ifindex);
	case OF_ALL:
		return true;
	}
	return false;
}

static unsigned
count(const struct channel *ch, const struct addr *peer, enum scope scope)
{
	const struct channel_stream *s;
	unsigned n = 0;

	TAILQ_FOREACH(s, &ch->strangers, entry)
		n += is_within(&s->peer, peer, scope);
	return n;
}

/* How readily a stranger is sent away; 0: not. */
static unsigned
rank(const struct channel_stream *s, int64_t now)
{
	if (s->state == CHANNEL_PARTING)
		return 3;
	if (s->queued)
		return 0;
	if (s->state == CHANNEL_HELLO)
		return 2;
	return now - s->since_ms >= CHANNEL_STALL_MS;
}

static struct channel_stream *
find_victim(const struct channel *ch, const struct addr *peer, enum scope scope)
{
	struct channel_stream *s, *best = NULL;
	int64_t now = channel_now(ch);
	unsigned best_rank = 0;

	TAILQ_FOREACH(s, &ch->strangers, entry) {
		unsigned r = rank(s, now);

		if (r <= best_rank || !is_within(&s->peer, peer, scope))
			continue;
		best = s;
		best_rank = r;
	}
	return best;
}

static unsigned
bucket_of(const struct channel *ch, const struct addr *a)
{
	uint32_t h = ch->seed ^ (addr_has_zone(&a->ip) ? a->ifindex : 0);

	for (size_t i = 0; i < net_bytes(&a->ip); i++)
		h = (h ^ a->ip.s6_addr[i]) * 16777619U;
	return (h ^ h >> 16) % NETS;
}

/* Somebody of the network with most strangers; two that share a bucket count as one. */
static const struct addr *
find_most(const struct channel *ch)
{
	uint16_t members[NETS] = { 0 }, most = 0;
	const struct channel_stream *s;
	const struct addr *ret = NULL;

	TAILQ_FOREACH(s, &ch->strangers, entry) {
		unsigned bucket = bucket_of(ch, &s->peer);

		if (++members[bucket] > most) {
			most = members[bucket];
			ret = &s->peer;
		}
	}
	return ret;
}

static bool
evict(struct channel_stream *s)
{
	if (!s)
		return false;
	if (s->state == CHANNEL_PARTING)
		channel_stream_drop(s);
	else
		channel_stream_refuse(s, CHANNEL_CROWDED, "made room for others");
	return true;
}

static bool
make_room_of(struct channel *ch, const struct addr *peer, enum scope scope)
{
	const struct addr *most;

	if (count(ch, peer, scope) < limits[scope])
		return true;
	if (scope != OF_ALL)
		return evict(find_victim(ch, peer, scope));
	most = find_most(ch);
	return (most && evict(find_victim(ch, most, OF_NETWORK))) ||
	    evict(find_victim(ch, peer, OF_ALL));
}

bool
channel_make_room(struct channel *ch, const struct addr *peer)
{
	return make_room_of(ch, peer, OF_ADDRESS) && make_room_of(ch, peer, OF_NETWORK) &&
	    make_room_of(ch, peer, OF_ALL);
}

/* One who joins has done so in a moment, or waits and can come again: the oldest leaves. */
void
channel_make_room_for_joiner(struct channel *ch, const struct addr *peer)
{
	struct channel_stream *s, *oldest = TAILQ_FIRST(&ch->joining), *near = NULL;
	unsigned n = 0;

	TAILQ_FOREACH(s, &ch->joining, entry)
		if (is_within(&s->peer, peer, OF_ADDRESS)) {
			near = near ? near : s;
			n++;
		}
	if (n >= CHANNEL_STRANGERS_ADDR)
		channel_stream_end(near, ECONNABORTED);
	else if (ch->joiners >= CHANNEL_JOINING_MAX)
		channel_stream_end(oldest, ECONNABORTED);
}
