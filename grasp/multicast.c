/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define INTAKE_PER_S		2000 /* datagrams per interface (S-10) */
#define INTAKE_PER_SOURCE_S	50   /* where each may cost a signature check */
#define INTAKE_PER_SOURCE_BURST 100

static const struct in6_addr neighbors = { { { 0xff, 0x02, [15] = 0x13 } } };

/* --- interfaces and groups ------------------------------------------------------------------ */

struct node_interface *
node_interface(struct grasp_node *n, uint32_t ifindex)
{
	for (int i = 0; i < n->interfaces; i++)
		if (n->interface[i].is.index == ifindex)
			return &n->interface[i];
	return NULL;
}

static bool
join(struct grasp_node *n, uint32_t ifindex, const struct in6_addr *group)
{
	char text[INET6_ADDRSTRLEN];
	int r = n->io->ops->group_join(n->io, ifindex, group);

	if (r >= 0)
		return true;
	node_log(n, "multicast",
	    "cannot join %s on interface %u (%s), trying again when interfaces change",
	    inet_ntop(AF_INET6, group, text, sizeof text), ifindex, strerror(-r));
	return false;
}

static void
join_all(struct grasp_node *n, struct node_interface *i)
{
	i->joined = true;
	if (n->cfg.link_local && !join(n, i->is.index, &neighbors))
		i->joined = false;
	for (size_t g = 0; g < n->cfg.joins; g++)
		if (!join(n, i->is.index, &n->cfg.join[g]))
			i->joined = false;
}

/* An interface that stays keeps its limit and its groups. */
void
multicast_interfaces(struct grasp_node *n)
{
	struct grasp_interface now[GRASP_INTERFACES_MAX];
	struct node_interface next[GRASP_INTERFACES_MAX] = { 0 };
	int count = n->io->ops->interfaces(n->io, now), kept = 0;

	if (count < 0) {
		node_log(n, "multicast",
		    "cannot list interfaces (%s), keeping those known", strerror(-count));
		return;
	}
	for (int i = 0; i < count; i++) {
		const struct node_interface *known = node_interface(n, now[i].index);

		if (n->cfg.interface && now[i].index != n->cfg.interface)
			continue;
		if (known)
			next[kept] = *known;
		next[kept++].is = now[i];
	}
	memcpy(n->interface, next, sizeof next);
	n->interfaces = kept;
	for (int i = 0; i < kept; i++)
		if (!n->interface[i].joined)
			join_all(n, &n->interface[i]);
}

static bool
is_wide(const struct in6_addr *ip)
{
	return !addr_is_link_local(ip) && !addr_is_loopback(ip);
}

static const struct in6_addr *
find_address(const struct node_interface *i, bool (*fits)(const struct in6_addr *ip))
{
	for (int a = 0; a < i->is.addrs; a++)
		if (fits(&i->is.addr[a]))
			return &i->is.addr[a];
	return NULL;
}

static bool
is_narrow(const struct in6_addr *ip)
{
	return addr_is_link_local(ip);
}

static bool
is_near(const struct in6_addr *ip)
{
	return addr_is_link_local(ip) || addr_is_loopback(ip);
}

const struct in6_addr *
multicast_address(const struct grasp_node *n, const struct node_interface *i)
{
	const struct in6_addr *a;

	if (n->cfg.dull)
		return find_address(i, is_narrow);
	a = find_address(i, is_wide);
	return a || i->is.addrs == 0 ? a : &i->is.addr[0];
}

const struct in6_addr *
multicast_near_address(const struct node_interface *i)
{
	return find_address(i, is_near);
}

bool
node_initiator(struct grasp_node *n, struct grasp_initiator *ret)
{
	const struct in6_addr *best = NULL;

	for (int i = 0; i < n->interfaces && !(best && is_wide(best)); i++) {
		const struct in6_addr *a = multicast_address(n, &n->interface[i]);

		if (a && (!best || is_wide(a)))
			best = a;
	}
	if (!best)
		return false;
	ret->len = sizeof best->s6_addr;
	memcpy(ret->bytes, best->s6_addr, sizeof best->s6_addr);
	return true;
}

bool
initiator_is_link_local(const struct grasp_initiator *i)
{
	struct in6_addr ip;

	if (i->len == 4) /* 169.254/16 */
		return i->bytes[0] == 169 && i->bytes[1] == 254;
	memcpy(ip.s6_addr, i->bytes, sizeof ip.s6_addr);
	return addr_is_link_local(&ip);
}

/* --- in ------------------------------------------------------------------------------------- */

static bool
is_joined(const struct grasp_node *n, const struct in6_addr *group)
{
	if (n->cfg.link_local && IN6_ARE_ADDR_EQUAL(group, &neighbors))
		return true;
	for (size_t i = 0; i < n->cfg.joins; i++)
		if (IN6_ARE_ADDR_EQUAL(group, &n->cfg.join[i]))
			return true;
	return false;
}

bool
multicast_is_link_group(const struct in6_addr *group)
{
	return (group->s6_addr[1] & 0x0f) <= 2;
}

/* S-11, SC-14. ::1 comes only from this host and passes as either kind, but in DULL (G-144). */
static bool
source_fits(const struct grasp_node *n, const struct grasp_datagram *d)
{
	if (addr_is_multicast(&d->from.ip) || d->from.port == 0)
		return false;
	if (addr_is_loopback(&d->from.ip))
		return !n->cfg.dull;
	return addr_is_link_local(&d->from.ip) == multicast_is_link_group(&d->to);
}

/* Whoever has one address of a /64 has all of them; on a link each speaks for itself. */
static bool
source_within_limits(struct grasp_node *n, const struct addr *from)
{
	struct addr source = *from;
	struct limit *l;

	if (!addr_is_link_local(&source.ip))
		memset(source.ip.s6_addr + 8, 0, 8);
	l = node_limit_of(n, &n->intake_by_source, &source);
	return l &&
	    limit_take(l, node_now(n), INTAKE_PER_SOURCE_S, INTAKE_PER_SOURCE_BURST);
}

/* Cheap checks first (security.md §6.3). */
static bool
may_enter(struct grasp_node *n, const struct grasp_datagram *d)
{
	struct node_interface *i = node_interface(n, d->from.ifindex);

	if (!i || !is_joined(n, &d->to)) {
		n->counters.unwanted++;
		return false;
	}
	if (!source_fits(n, d)) {
		n->counters.bad_source++;
		return false;
	}
	if (d->data.len > GRASP_MULTICAST_MAX) {
		n->counters.too_long++;
		return false;
	}
	if (!limit_take(&i->limit, node_now(n), INTAKE_PER_S, INTAKE_PER_S) ||
	    (n->cfg.guard && !source_within_limits(n, &d->from))) {
		n->counters.rate_limited++;
		return false;
	}
	peers_note(&i->peers, &d->from, node_now(n));
	return true;
}

enum grasp_verdict
multicast_judge(struct grasp_node *n, struct heard *h)
{
	const struct grasp_guard *g = n->cfg.guard;

	if (h->judged)
		return h->verdict;
	h->judged = true;
	h->verdict = g ? g->verify(g->arg, h->datagram, h->msg, h->bytes, h->len, &h->who)
		       : GRASP_PASS;
	if (h->verdict == GRASP_DROP)
		n->counters.untrusted++;
	else if (h->who.role)
		h->from.who = &h->who;
	return h->verdict;
}

uint8_t
multicast_loop_count(const struct grasp_msg *msg)
{
	return msg->type == M_FLOOD ? msg->flooded[0].loop_count
				    : msg->objective.loop_count;
}

bool
multicast_was_passed_on(
    const struct grasp_node *n, const struct seen_entry *e, const struct grasp_msg *msg)
{
	return e->own || !n->cfg.guard || multicast_loop_count(msg) <= e->loop_count;
}

/* What we have sent comes back: looped, or round a ring of relays (I-22). */
static bool
is_back(struct grasp_node *n, const struct grasp_msg *msg)
{
	const struct seen_entry *e =
	    seen_find(&n->sent, msg->session_id, &msg->initiator, node_now(n));

	if (!e || !multicast_was_passed_on(n, e, msg))
		return false;
	if (e->own)
		n->counters.own++;
	else
		n->counters.duplicate++;
	return true;
}

static void
dispatch(struct grasp_node *n, struct heard *h)
{
	switch (h->msg->type) {
	case M_DISCOVERY:
	case M_FLOOD:
		if (is_back(n, h->msg))
			return;
		if (h->msg->type == M_FLOOD)
			flood_heard(n, h);
		else
			response_heard(n, h);
		return;
	case M_NOOP:
		return; /* G-003 */
	case M_RESPONSE:
	case M_REQ_NEG:
	case M_REQ_SYN:
	case M_NEGOTIATE:
	case M_END:
	case M_WAIT:
	case M_SYNCH:
	case M_INVALID:
		n->counters.unwanted++; /* unicast messages only (G-045) */
		return;
	}
}

void
multicast_heard(struct grasp_node *n, const struct grasp_datagram *d)
{
	const struct grasp_guard *g = n->cfg.guard;
	UNSET struct grasp_msg msg;
	struct heard h = {
		.from = { .addr = d->from, .multicast = true, .group = d->to },
		.datagram = d,
		.msg = &msg,
		.bytes = d->data,
	};
	int r;

	n->counters.datagrams++;
	if (!may_enter(n, d))
		return;
	if (g && !g->open(g->arg, d, &h.bytes)) {
		n->counters.untrusted++;
		return;
	}
	r = grasp_msg_decode(h.bytes, &msg, &h.len);
	if (r == -EPROTONOSUPPORT)
		n->counters.unknown_type++; /* G-006 */
	else if (r < 0)
		n->counters.malformed++;
	else
		dispatch(n, &h);
}

/* --- out ------------------------------------------------------------------------------------ */

static void
set_loop_count(struct grasp_msg *msg, uint8_t loop_count)
{
	msg->objective.loop_count = loop_count;
	for (int i = 0; i < msg->items; i++)
		msg->flooded[i].loop_count = loop_count;
}

/* What is in n->out, as it goes to the group. */
static int
protect(struct grasp_node *n, const struct in6_addr *group, bool own, struct slice *ret)
{
	const struct grasp_guard *g = n->cfg.guard;
	int r;

	*ret = buf_slice(&n->out);
	if (!g)
		return 0;
	buf_reset(&n->wire);
	r = g->protect(g->arg, group, *ret, own, &n->wire);
	*ret = buf_slice(&n->wire);
	return r < 0 ? r : n->wire.err;
}

static int
send_one(struct grasp_node *n, uint32_t ifindex, const struct in6_addr *group,
    unsigned hops, bool own)
{
	char text[INET6_ADDRSTRLEN];
	struct slice data;
	int r = protect(n, group, own, &data);

	if (r >= 0)
		r = n->io->ops->group_send(n->io, ifindex, group, hops, data);
	if (r >= 0)
		return 1;
	node_log(n, "multicast", "cannot send to %s on interface %u (%s)",
	    inet_ntop(AF_INET6, group, text, sizeof text), ifindex, strerror(-r));
	return 0;
}

int
multicast_send_in(struct grasp_node *n, const struct node_interface *i,
    const struct grasp_reach *reach, struct grasp_msg *msg)
{
	unsigned hops = reach->hops ? reach->hops : n->cfg.hops;
	size_t max = GRASP_MULTICAST_MAX - (n->cfg.guard ? n->cfg.guard->overhead : 0);
	int sent = 0, r;

	if (reach->link_local) {
		r = node_encode(n, msg, max);
		if (r < 0)
			return r;
		sent += send_one(n, i->is.index, &neighbors, 0, true);
	}
	if (reach->groups == 0)
		return sent;
	set_loop_count(msg, 1);
	r = node_encode(n, msg, max);
	if (r < 0)
		return r;
	for (size_t g = 0; g < reach->groups; g++)
		sent += send_one(n, i->is.index, &reach->group[g], hops, true);
	return sent;
}

int
multicast_send(
    struct grasp_node *n, const struct node_interface *i, struct grasp_msg *msg)
{
	const struct grasp_reach all = { n->cfg.link_local, n->cfg.send, n->cfg.sends,
		0 };

	return multicast_send_in(n, i, &all, msg);
}

int
multicast_pass_on(struct grasp_node *n, uint32_t not_to, bool own)
{
	int sent = 0;

	for (int i = 0; i < n->interfaces; i++)
		if (n->interface[i].is.index != not_to)
			sent += send_one(n, n->interface[i].is.index, &neighbors, 0, own);
	return sent;
}
