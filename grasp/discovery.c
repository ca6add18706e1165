/* SPDX-License-Identifier: Apache-2.0
 *
 * The initiator's side of discovery (RFC 8990 §2.5.4.3): one M_DISCOVERY to all neighbours and
 * scope groups, then responses until the time is over. */
#include "grasp/multicast.h"

#include <errno.h>
#include <string.h>

struct grasp_discovery {
	TAILQ_ENTRY(grasp_discovery) entry;
	struct garbage garbage;
	struct grasp_node *node;
	uint32_t session_id;
	struct grasp_initiator initiator;
	char name[GRASP_NAME_MAX + 1];
	struct grasp_timer *timer;
	grasp_found_f *found;
	grasp_searched_f *searched;
	void *arg;
	unsigned responses, sent;
	bool dead;
};

bool
discovery_uses_id(const struct grasp_node *n, uint32_t session_id)
{
	const struct grasp_discovery *d;

	TAILQ_FOREACH(d, &n->discoveries, entry)
		if (!d->dead && d->session_id == session_id)
			return true;
	return false;
}

static void
destroy(struct garbage *g)
{
	struct grasp_discovery *d = container_of(g, struct grasp_discovery, garbage);

	TAILQ_REMOVE(&d->node->discoveries, d, entry);
	free(d);
}

static void
drop(struct grasp_discovery *d)
{
	if (d->dead)
		return;
	d->dead = true;
	node_timer_free(d->node, &d->timer);
	node_discard(d->node, &d->garbage, destroy);
}

void
discovery_drop_all(struct grasp_node *n)
{
	struct grasp_discovery *d;

	TAILQ_FOREACH(d, &n->discoveries, entry)
		drop(d);
}

void
grasp_discovery_cancel(struct grasp_discovery *d)
{
	if (d)
		drop(d);
}

static void
time_over(void *arg)
{
	struct grasp_discovery *d = arg;
	struct grasp_node *n = d->node;

	node_enter(n);
	node_log(n, "discovery", "session %u: %u responses for %s", d->session_id,
	    d->responses, d->name);
	drop(d);
	if (d->searched)
		d->searched(d->arg, d->responses);
	node_leave(n);
}

/* A failure on one interface is no failure of the discovery: it ends like one that nobody
 * answers, and the caller's ordinary retry goes on (G-056). */
static int
send_everywhere(struct grasp_discovery *d, const struct grasp_objective *objective)
{
	struct grasp_node *n = d->node;
	int sent = 0;

	for (int i = 0; i < n->interfaces; i++) {
		struct grasp_msg msg = {
			.type = M_DISCOVERY,
			.session_id = d->session_id,
			.initiator = d->initiator,
			.has_objective = true,
			.objective = *objective,
		};
		int r = multicast_send(n, &n->interface[i], &msg);

		if (r < 0)
			return r;
		sent += r;
	}
	node_log(n, "discovery", "session %u: looking for %s, %d datagrams sent",
	    d->session_id, d->name, sent);
	d->sent = (unsigned)sent;
	return 0;
}

static int
start(struct grasp_discovery *d, const struct grasp_objective *objective,
    uint32_t timeout_ms)
{
	struct grasp_node *n = d->node;
	struct seen_entry *own;
	int r;

	r = slice_copy(objective->name, d->name, sizeof d->name);
	if (r < 0)
		return r;
	r = node_timer_new(n, time_over, d, &d->timer);
	if (r < 0)
		return r;
	d->session_id = node_new_session_id(n);
	if (node_initiator(n, &d->initiator)) {
		own = seen_add(&n->seen, d->session_id, &d->initiator, node_now(n));
		if (!own)
			return -ENOMEM;
		own->own = true; /* it comes back to us (I-22) */
		r = send_everywhere(d, objective);
		if (r < 0)
			return r;
	}
	node_timer_set(n, d->timer, timeout_ms);
	return 0;
}

int
grasp_discover(struct grasp_node *n, const struct grasp_objective *objective,
    uint32_t timeout_ms, grasp_found_f *found, grasp_searched_f *searched, void *arg,
    struct grasp_discovery **ret)
{
	struct grasp_objective asked = *objective;
	struct grasp_discovery *d;
	int r;

	r = objective_check(objective);
	if (r < 0)
		return r;
	d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->node = n;
	d->found = found;
	d->searched = searched;
	d->arg = arg;
	TAILQ_INSERT_TAIL(&n->discoveries, d, entry);
	if (!asked.loop_count)
		asked.loop_count = GRASP_DEF_LOOPCT;
	if (!timeout_ms)
		timeout_ms = GRASP_HOP_TIMEOUT_MS * asked.loop_count; /* G-060 */
	r = start(d, &asked, timeout_ms);
	if (r < 0) {
		drop(d);
		return r;
	}
	*ret = d;
	return 0;
}

static struct grasp_discovery *
find(struct grasp_node *n, const struct grasp_msg *msg)
{
	struct grasp_discovery *d;

	TAILQ_FOREACH(d, &n->discoveries, entry)
		if (!d->dead && d->session_id == msg->session_id &&
		    d->initiator.len == msg->initiator.len &&
		    memcmp(d->initiator.bytes, msg->initiator.bytes,
			msg->initiator.len) == 0)
			return d;
	return NULL;
}

bool
discovery_response(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_discovery *d = find(l->node, msg);
	struct grasp_objective copy = objective_for_asa(&msg->objective);
	struct grasp_found found = {
		.from = l->peer,
		.locator = msg->locator,
		.locators = msg->locators,
		.diverted = msg->diverted,
		.ttl_ms =
		    msg->time_ms ? msg->time_ms : GRASP_RESPONSE_TTL_ZERO_MS, /* G-066 */
	};

	if (!d)
		return false;
	if (msg->has_objective && slice_is(copy.name, d->name))
		found.objective = &copy;
	d->responses++;
	l->node->counters.responses++;
	if (d->found)
		d->found(d->arg, &found);
	return true;
}

unsigned
grasp_discovery_sent(const struct grasp_discovery *d)
{
	return d->sent;
}
