/* SPDX-License-Identifier: Apache-2.0
 *
 * Floods (RFC 8990 §2.5.6.2): unsolicited values for everybody, sent and heard. */
#include "grasp/multicast.h"

#include <errno.h>
#include <string.h>

static bool
is_unspecified(const struct grasp_locator *l)
{
	return l->kind == O_IPv6_LOCATOR && IN6_IS_ADDR_UNSPECIFIED(&l->ip);
}

/* is the sender's own address, per interface. False: this interface has none. */
static bool
localize(
    const struct grasp_node *n, const struct node_interface *i, struct grasp_msg *msg)
{
	struct grasp_locator *l = &msg->locator[0];
	const struct in6_addr *own = multicast_address(i);

	if (is_unspecified(l)) {
		if (!own)
			return false;
		l->ip = *own;
		if (addr_is_link_local(own))
			msg->flooded[0].loop_count = 1;
	}
	if (l->kind && l->port == 0)
		l->port = n->cfg.port;
	if (initiator_is_link_local(&msg->initiator))
		msg->flooded[0].loop_count = 1; /* G-122 */
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

int
grasp_flood(struct grasp_node *n, const struct grasp_objective *objective,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	struct grasp_msg msg = { .type = M_FLOOD, .time_ms = ttl_ms, .items = 1 };
	struct seen_entry *own;
	int r;

	r = objective_check(objective);
	if (r < 0)
		return r;
	if (!node_initiator(n, &msg.initiator))
		return 0;
	msg.session_id = node_new_session_id(n); /* G-034, periodic ones too */
	msg.flooded[0] = *objective;
	if (!objective->loop_count)
		msg.flooded[0].loop_count = GRASP_DEF_LOOPCT; /* G-109 */
	if (locator)
		msg.locator[0] = *locator;
	own = seen_add(&n->seen, msg.session_id, &msg.initiator, node_now(n));
	if (!own)
		return -ENOMEM;
	own->own = true;
	return send_everywhere(n, &msg);
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
take_item(struct grasp_node *n, const struct grasp_peer *from,
    const struct grasp_msg *msg, int i)
{
	const struct grasp_objective *o = &msg->flooded[i];
	struct grasp_registration *r = node_registration(n, o->name);

	if (flood_cache_put(
		&n->floods, from, o, &msg->locator[i], msg->time_ms, node_now(n)) < 0)
		node_log(n, "flood", "no memory to keep a flooded objective");
	if (r && r->support.flooded && !r->newcomer)
		tell(r, from, o, &msg->locator[i], msg->time_ms);
}

void
flood_heard(
    struct grasp_node *n, const struct grasp_peer *from, const struct grasp_msg *msg)
{
	struct seen_entry *e;

	n->counters.floods++;
	if (leaks_from_another_link(msg)) {
		n->counters.bad_source++;
		return;
	}
	e = seen_add(&n->seen, msg->session_id, &msg->initiator, node_now(n));
	if (!e || e->flooded) {
		n->counters.duplicate += e != NULL;
		return;
	}
	e->flooded = true;
	for (int i = 0; i < msg->items && !n->dead; i++)
		take_item(n, from, msg, i);
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
