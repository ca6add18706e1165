/* SPDX-License-Identifier: Apache-2.0
 *
 * Strangers cost memory and time before anything is known about them, so their number is bounded: in
 * all, of a network and of an address (S-14). A newcomer is as good as those who are here: rather
 * than closing the door, who has wasted most of its time leaves. That is, in this order, one that is
 * refused already, the oldest that has not said what it wants, and the oldest that let a handshake
 * wait for a second; if the room is needed for all, of the network that has most. Handshakes that go
 * on are let finish, else a flood would end all of them half way; but they may not take more than half
 * of the places, else newcomers would end each other before anybody has heard them. */
#include "trust/channel_int.h"

#include <errno.h>
#include <string.h>

#define NETS 256 /* buckets, by a byte of the hash */

enum scope { OF_ADDRESS, OF_NETWORK, OF_ALL };

static const unsigned limits[] = {
	[OF_ADDRESS] = CHANNEL_STRANGERS_ADDR,
	[OF_NETWORK] = CHANNEL_STRANGERS_NET,
	[OF_ALL] = CHANNEL_STRANGERS_MAX,
};

/* A /64; of IPv4 a /24, which is what one party can have many addresses of. A number, as many are
 * compared. */
static uint64_t
net_of(const struct in6_addr *ip)
{
	uint64_t net;

	if (addr_is_v4(ip))
		return (uint64_t)ip->s6_addr32[3] & htonl(0xffffff00);
	memcpy(&net, ip, sizeof net);
	return net;
}

static bool
is_within(const struct addr *a, const struct addr *b, enum scope scope)
{
	switch (scope) {
	case OF_ADDRESS:
		return IN6_ARE_ADDR_EQUAL(&a->ip, &b->ip) &&
		    (!addr_has_zone(&a->ip) || a->ifindex == b->ifindex);
	case OF_NETWORK:
		return net_of(&a->ip) == net_of(&b->ip) &&
		    (!addr_has_zone(&a->ip) || a->ifindex == b->ifindex);
	case OF_ALL:
		return true;
	}
	return false;
}

struct crowd {
	unsigned of[OF_ALL + 1];
};

static struct crowd
count(const struct channel *ch, const struct addr *peer)
{
	const struct channel_stream *s;
	struct crowd c = { { [OF_ALL] = ch->counters.strangers } };

	TAILQ_FOREACH(s, &ch->strangers, entry) {
		if (!is_within(&s->peer, peer, OF_NETWORK))
			continue;
		c.of[OF_NETWORK]++;
		c.of[OF_ADDRESS] += is_within(&s->peer, peer, OF_ADDRESS);
	}
	return c;
}

/* The oldest of each kind. */
struct victims {
	struct channel_stream *parting, *silent, *waiting, *stalled;
	unsigned waiters; /* whose handshake waits for them */
};

static void
note(struct victims *v, struct channel_stream *s, int64_t now)
{
	struct channel_stream **first = &v->silent;

	if (s->queued)
		return;
	if (s->state == CHANNEL_PARTING)
		first = &v->parting;
	else if (s->state == CHANNEL_SHAKING)
		first = &v->waiting;
	if (!*first)
		*first = s;
	v->waiters += first == &v->waiting;
	if (!v->stalled && first == &v->waiting && now - s->since_ms >= CHANNEL_STALL_MS)
		v->stalled = s;
}

static struct channel_stream *
find_victim(const struct channel *ch, const struct addr *peer, enum scope scope)
{
	struct victims v = { .waiters = 0 };
	struct channel_stream *s;
	int64_t now = channel_now(ch);

	TAILQ_FOREACH(s, &ch->strangers, entry)
		if (is_within(&s->peer, peer, scope))
			note(&v, s, now);
	if (v.parting)
		return v.parting;
	if (scope != OF_ADDRESS && v.waiters > limits[scope] / 2)
		return v.waiting;
	return v.silent ? v.silent : v.stalled;
}

static unsigned
bucket_of(const struct channel *ch, const struct addr *a)
{
	uint64_t zone = addr_has_zone(&a->ip) ? a->ifindex : 0;
	uint64_t h = (net_of(&a->ip) ^ zone ^ ch->seed) * 0x9e3779b97f4a7c15U;

	return (unsigned)(h >> 56);
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

	if (scope != OF_ALL)
		return evict(find_victim(ch, peer, scope));
	most = find_most(ch);
	return (most && evict(find_victim(ch, most, OF_NETWORK))) ||
	    evict(find_victim(ch, peer, OF_ALL));
}

/* One place is enough: who leaves its address leaves its network, too. */
bool
channel_make_room(struct channel *ch, const struct addr *peer)
{
	struct crowd c = count(ch, peer);

	for (enum scope scope = OF_ADDRESS; scope <= OF_ALL; scope++)
		if (c.of[scope] >= limits[scope])
			return make_room_of(ch, peer, scope);
	return true;
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
