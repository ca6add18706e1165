/* SPDX-License-Identifier: Apache-2.0
 *
 * Floods (RFC 8990 §2.5.6.2): unsolicited values for everybody, sent and heard. */
#include "grasp/relay.h"

#include <errno.h>
#include <string.h>

static bool
is_unspecified(const struct grasp_locator *l)
{
	return l->kind == O_IPv6_LOCATOR && IN6_IS_ADDR_UNSPECIFIED(&l->ip);
}

static bool
is_narrow(const struct grasp_locator *l)
{
	return l->kind == O_IPv6_LOCATOR && addr_is_link_local(&l->ip);
}

static void
keep_on_link(struct grasp_msg *msg)
{
	for (unsigned i = 0; i < msg->items; i++)
		msg->flooded[i].loop_count = 1;
}

/* is the sender's own address, per interface. False: this interface has none. */
static bool
localize(
    const struct grasp_node *n, const struct node_interface *i, struct grasp_msg *msg)
{
	const struct in6_addr *wide = multicast_address(n, i);
	const struct in6_addr *near = multicast_near_address(i);
	bool narrow = n->cfg.dull || initiator_is_link_local(&msg->initiator); /* G-122 */

	for (unsigned at = 0; at < msg->items; at++) {
		struct grasp_locator *l = &msg->locator[at];
		/* who hears what stays on the link may have no other address yet */
		const struct in6_addr *own =
		    msg->flooded[at].loop_count == 1 && near ? near : wide;

		if (is_unspecified(l) && !own)
			return false;
		if (is_unspecified(l))
			l->ip = *own;
		if (l->kind && l->port == 0)
			l->port = n->cfg.port;
		narrow |= is_narrow(l);
	}
	if (narrow)
		keep_on_link(msg);
	return true;
}

static int
send_everywhere(struct grasp_node *n, const struct grasp_msg *flood)
{
	int interfaces = 0;

	for (int i = 0; i < n->interfaces; i++) {
		struct grasp_msg msg = *flood;
		int r;

		if (!localize(n, &n->interface[i], &msg))
			continue;
		r = multicast_send(n, &n->interface[i], &msg);
		if (r < 0)
			return r;
		interfaces += r > 0;
	}
	return interfaces;
}

/* In DULL only what has a meaning on the link; without a listener no port of ours. */
static bool
may_be_told(const struct grasp_node *n, const struct grasp_locator *l)
{
	if (l->kind && l->port == 0 && n->cfg.no_listener)
		return false;
	return !n->cfg.dull || !l->kind || is_unspecified(l) || is_narrow(l);
}

static int
add_item(const struct grasp_node *n, const struct grasp_objective *o,
    const struct grasp_locator *l, struct grasp_msg *msg)
{
	int r = objective_check(o);

	if (r < 0)
		return r;
	if (l && !may_be_told(n, l))
		return -EINVAL;
	msg->flooded[msg->items] = *o;
	if (!o->loop_count)
		msg->flooded[msg->items].loop_count = GRASP_DEF_LOOPCT; /* G-109 */
	if (l)
		msg->locator[msg->items] = *l;
	msg->items++;
	return 0;
}

static int
flood(struct grasp_node *n, struct grasp_msg *msg)
{
	struct seen_entry *own;

	if (!node_initiator(n, &msg->initiator))
		return 0;
	msg->session_id = node_new_session_id(n); /* G-034, periodic ones too */
	own = seen_add(&n->sent, msg->session_id, &msg->initiator, node_now(n));
	if (!own)
		return -ENOMEM;
	own->own = true;
	return send_everywhere(n, msg);
}

int
grasp_flood_all(struct grasp_node *n, const struct grasp_objective *objective,
    const struct grasp_locator *locator, size_t count, uint32_t ttl_ms)
{
	struct grasp_msg msg = { .type = M_FLOOD, .time_ms = ttl_ms };

	if (count < 1 || count > GRASP_FLOOD_ITEMS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		int r = add_item(n, &objective[i], locator ? &locator[i] : NULL, &msg);

		if (r < 0)
			return r;
	}
	return flood(n, &msg);
}

int
grasp_flood(struct grasp_node *n, const struct grasp_objective *objective,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	return grasp_flood_all(n, objective, locator, 1, ttl_ms);
}

/* I-06 instead of G-122: every datagram to ff02::13 has a link-local source, the initiator tells
 * whether the flood was meant for the link alone. */
static bool
leaks_from_another_link(const struct grasp_msg *msg)
{
	return initiator_is_link_local(&msg->initiator) &&
	    msg->flooded[0].loop_count != 1;
}

static void
tell(struct grasp_registration *r, const struct grasp_peer *from,
    const struct grasp_objective *objective, const struct grasp_locator *locator,
    uint32_t ttl_ms)
{
	struct grasp_objective o = objective_for_asa(objective);

	r->support.flooded(r->arg, from, &o, locator, ttl_ms);
}

static void
take_item(struct grasp_node *n, const struct heard *h, int i)
{
	const struct grasp_msg *msg = h->msg;
	const struct grasp_objective *o = &msg->flooded[i];
	struct grasp_registration *r = node_registration(n, o->name);

	if (n->cfg.dull && !r)
		return; /* G-140 */
	if (flood_cache_put(&n->floods, &h->from, h->verdict == GRASP_HERE, o,
		&msg->locator[i], msg->time_ms, node_now(n)) < 0)
		node_log(n, "flood", "no memory to keep a flooded objective");
	if (r && r->support.flooded && !r->newcomer)
		tell(r, &h->from, o, &msg->locator[i], msg->time_ms);
}

/* G-139, G-140. */
static bool
is_dull(struct grasp_node *n, const struct grasp_msg *msg)
{
	bool known = false;

	for (unsigned i = 0; i < msg->items; i++) {
		if (msg->flooded[i].loop_count != 1)
			return false;
		known |= node_registration(n, msg->flooded[i].name) != NULL;
	}
	return known;
}

static bool
was_told(struct grasp_node *n, const struct grasp_msg *msg)
{
	struct seen_entry *e =
	    seen_add(&n->seen, msg->session_id, &msg->initiator, node_now(n));
	bool told = !e || e->flooded;

	n->counters.duplicate += e && e->flooded;
	if (e)
		e->flooded = true;
	return told;
}

/* A copy of what was told here, and nothing to pass on: who says so need not be found out. */
static bool
is_settled(struct grasp_node *n, const struct heard *h)
{
	const struct seen_entry *e =
	    seen_find(&n->seen, h->msg->session_id, &h->msg->initiator, node_now(n));

	return n->cfg.guard && e && e->flooded && !relay_wants_flood(n, h);
}

void
flood_heard(struct grasp_node *n, struct heard *h)
{
	const struct grasp_msg *msg = h->msg;

	n->counters.floods++;
	if (leaks_from_another_link(msg)) {
		n->counters.bad_source++;
		return;
	}
	if (n->cfg.dull && !is_dull(n, msg)) {
		n->counters.unwanted++;
		return;
	}
	if (is_settled(n, h)) {
		n->counters.duplicate++;
		return;
	}
	if (multicast_judge(n, h) == GRASP_DROP)
		return;
	if (h->verdict == GRASP_PASS)
		relay_flood(n, h);
	if (was_told(n, msg))
		return;
	for (int i = 0; i < msg->items && !n->dead; i++)
		take_item(n, h, i);
}

static void
tell_newcomer(struct grasp_node *n, struct grasp_registration *r)
{
	const struct flood_entry *e = NULL;
	int64_t now = node_now(n);

	r->newcomer = false;
	n->newcomers--;
	while (
	    !r->dead && (e = flood_cache_next(&n->floods, e, slice_text(r->name), now)))
		tell(r, &e->from, &e->objective, &e->locator, flood_entry_ttl_ms(e, now));
}

void
flood_tell_newcomers(struct grasp_node *n)
{
	struct grasp_registration *r;

	if (n->newcomers == 0)
		return;
	TAILQ_FOREACH(r, &n->registrations, entry)
		if (r->newcomer)
			tell_newcomer(n, r);
}

unsigned
grasp_flooded(
    struct grasp_node *n, struct slice name, grasp_flooded_f *flooded, void *arg)
{
	const struct flood_entry *e = NULL;
	int64_t now = node_now(n);
	unsigned count = 0;

	node_enter(n);
	while (!n->dead && (e = flood_cache_next(&n->floods, e, name, now))) {
		struct grasp_objective o = objective_for_asa(&e->objective);

		count++;
		if (flooded)
			flooded(
			    arg, &e->from, &o, &e->locator, flood_entry_ttl_ms(e, now));
	}
	node_return(n);
	return count;
}

unsigned
grasp_flood_expire(
    struct grasp_node *n, struct slice name, const struct grasp_locator *locator)
{
	return flood_cache_forget(&n->floods, name, locator, node_now(n));
}
