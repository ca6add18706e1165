/* SPDX-License-Identifier: Apache-2.0
 *
 * The initiator's side of discovery (RFC 8990 §2.5.4.3): one M_DISCOVERY to all neighbours and
 * scope groups, or to one peer, then responses until the time is over; and what they told. */
#include "grasp/rapid.h"
#include "grasp/relay.h"

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
	const struct grasp_reach *reach; /* while it is sent; NULL: as the node has it */
	struct rapid *rapid;		 /* NULL: not in rapid mode, or not any more */
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
	free(TAKE(d->rapid));
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
		int r = d->reach ? multicast_send_in(n, &n->interface[i], d->reach, &msg)
				 : multicast_send(n, &n->interface[i], &msg);

		if (r < 0)
			return r;
		sent += r;
	}
	node_log(n, "discovery", "session %u: looking for %s, %d datagrams sent",
	    d->session_id, d->name, sent);
	d->sent = (unsigned)sent;
	return 0;
}

/* G-073. */
static int
send_on_link(struct grasp_discovery *d, const struct grasp_objective *objective,
    struct grasp_link *l)
{
	struct grasp_msg msg = {
		.type = M_DISCOVERY,
		.session_id = d->session_id,
		.initiator = d->initiator,
		.has_objective = true,
		.objective = *objective,
	};
	int r = link_send(l, &msg);

	d->sent = r == 0;
	return r;
}

static bool
find_initiator(
    struct grasp_node *n, const struct grasp_link *l, struct grasp_initiator *ret)
{
	if (node_initiator(n, ret))
		return true;
	if (!l)
		return false;
	ret->len = sizeof l->local.ip;
	memcpy(ret->bytes, &l->local.ip, sizeof l->local.ip);
	return true;
}

/* l NULL: by multicast. */
static int
ask(struct grasp_discovery *d, const struct grasp_objective *objective,
    struct grasp_link *l)
{
	struct grasp_node *n = d->node;
	struct seen_entry *own;

	d->session_id = node_new_session_id(n);
	if (!find_initiator(n, l, &d->initiator))
		return 0;
	own = seen_add(&n->sent, d->session_id, &d->initiator, node_now(n));
	if (!own)
		return -ENOMEM;
	own->own = true; /* it comes back to us (I-22) */
	return l ? send_on_link(d, objective, l) : send_everywhere(d, objective);
}

static int
start(struct grasp_discovery *d, const struct grasp_objective *objective,
    struct grasp_link *l, uint32_t timeout_ms)
{
	struct grasp_objective asked = *objective;
	int r;

	if (!asked.loop_count)
		asked.loop_count = GRASP_DEF_LOOPCT;
	if (d->node->cfg.dull)
		asked.loop_count = 1; /* G-138 */
	if (!timeout_ms)
		timeout_ms = GRASP_HOP_TIMEOUT_MS * asked.loop_count; /* G-060 */
	r = slice_copy(asked.name, d->name, sizeof d->name);
	if (r < 0)
		return r;
	r = node_timer_new(d->node, time_over, d, &d->timer);
	if (r < 0)
		return r;
	r = ask(d, &asked, l);
	if (r == 0)
		node_timer_set(d->node, d->timer, timeout_ms);
	return r;
}

static int
discover(struct grasp_node *n, struct grasp_link *l,
    const struct grasp_objective *objective, uint32_t timeout_ms,
    const struct grasp_discovery *like, struct grasp_discovery **ret)
{
	struct grasp_discovery *d;
	int r;

	r = objective_check(objective);
	if (r < 0)
		return r;
	d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	*d = *like;
	d->node = n;
	TAILQ_INSERT_TAIL(&n->discoveries, d, entry);
	r = start(d, objective, l, timeout_ms);
	d->reach = NULL;
	if (r < 0) {
		drop(d);
		return r;
	}
	*ret = d;
	return 0;
}

int
grasp_discover(struct grasp_node *n, const struct grasp_objective *objective,
    uint32_t timeout_ms, grasp_found_f *found, grasp_searched_f *searched, void *arg,
    struct grasp_discovery **ret)
{
	const struct grasp_discovery like = {
		.found = found, .searched = searched, .arg = arg
	};

	return discover(n, NULL, objective, timeout_ms, &like, ret);
}

int
grasp_discover_in(struct grasp_node *n, const struct grasp_objective *objective,
    const struct grasp_reach *reach, uint32_t timeout_ms, grasp_found_f *found,
    grasp_searched_f *searched, void *arg, struct grasp_discovery **ret)
{
	const struct grasp_discovery like = {
		.found = found, .searched = searched, .arg = arg, .reach = reach
	};

	for (size_t i = 0; i < reach->groups; i++)
		if (!addr_is_multicast(&reach->group[i]))
			return -EINVAL;
	if (n->cfg.dull && reach->groups > 0)
		return -EINVAL;
	return discover(n, NULL, objective, timeout_ms, &like, ret);
}

int
grasp_discover_rapid(struct grasp_node *n, const struct grasp_objective *objective,
    uint32_t timeout_ms, grasp_found_f *found, grasp_searched_f *searched,
    const struct grasp_session_ops *rapid, void *arg, struct grasp_discovery **ret)
{
	static const uint8_t null = 0xf6;
	struct grasp_objective o = *objective;
	struct grasp_discovery *d;
	int r;

	if (n->cfg.dull)
		return -EPERM;
	if (o.value.len == 0) /* it is what asks for a rapid answer */
		o.value = (struct slice){ &null, 1 };
	if (!timeout_ms)
		timeout_ms = GRASP_DEF_TIMEOUT_MS; /* G-131 */
	r = grasp_discover(n, &o, timeout_ms, found, searched, arg, &d);
	if (r < 0)
		return r;
	r = rapid_new(&o, rapid, arg, &d->rapid);
	if (r < 0)
		drop(d);
	else
		*ret = d;
	return r;
}

struct rapid *
discovery_rapid(struct grasp_node *n, uint32_t session_id)
{
	struct grasp_discovery *d;

	TAILQ_FOREACH(d, &n->discoveries, entry)
		if (!d->dead && d->session_id == session_id)
			return d->rapid;
	return NULL;
}

int
grasp_discover_at(struct grasp_link *l, const struct grasp_objective *objective,
    uint32_t timeout_ms, grasp_found_f *found, grasp_searched_f *searched, void *arg,
    struct grasp_discovery **ret)
{
	const struct grasp_discovery like = {
		.found = found, .searched = searched, .arg = arg
	};

	if (l->state != LINK_OPEN)
		return -ENOTCONN;
	return discover(l->node, l, objective, timeout_ms, &like, ret);
}

/* --- responses ------------------------------------------------------------------------------ */

static struct grasp_discovery *
find(struct grasp_node *n, const struct grasp_msg *msg)
{
	struct grasp_discovery *d;

	TAILQ_FOREACH(d, &n->discoveries, entry)
		if (!d->dead && d->session_id == msg->session_id &&
		    initiator_equal(&d->initiator, &msg->initiator))
			return d;
	return NULL;
}

static void
tell(struct grasp_discovery *d, const struct grasp_found *found)
{
	struct grasp_found f = *found;
	struct grasp_objective copy;

	if (f.objective) {
		copy = objective_for_asa(f.objective);
		f.objective = &copy;
	}
	d->responses++;
	free(TAKE(d->rapid)); /* G-130 */
	if (d->found)
		d->found(d->arg, &f);
}

/* In DULL a response comes from the link and tells of the link (G-142..G-144). */
static bool
is_dull(const struct grasp_found *found)
{
	for (size_t i = 0; i < found->locators; i++)
		if (found->locator[i].kind != O_IPv6_LOCATOR ||
		    !addr_is_link_local(&found->locator[i].ip))
			return false;
	return addr_is_link_local(&found->from.ip) && !found->diverted;
}

/* Its objective stays as it came: a relay alters nothing (I-25). */
static struct grasp_found
read_response(const struct grasp_link *l, const struct grasp_msg *msg, struct slice name)
{
	struct grasp_found found = {
		.from = l->peer,
		.locator = msg->locator,
		.locators = msg->locators,
		.diverted = msg->diverted,
		.ttl_ms =
		    msg->time_ms ? msg->time_ms : GRASP_RESPONSE_TTL_ZERO_MS, /* G-066 */
	};

	if (!found.from.ifindex)
		found.from.ifindex = link_ifindex(l);
	if (msg->has_objective && slice_equal(msg->objective.name, name))
		found.objective = &msg->objective;
	return found;
}

bool
discovery_response(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_node *n = l->node;
	struct grasp_discovery *d = find(n, msg);
	struct grasp_relay *r = d ? NULL : relay_find(n, msg);
	struct grasp_found found;
	struct slice name;

	if (!d && !r)
		return false;
	name = d ? slice_text(d->name) : relay_name(r);
	found = read_response(l, msg, name);
	if (n->cfg.dull && !is_dull(&found))
		return false;
	n->counters.responses++;
	if (discovery_cache_put(
		&n->found, name, &found, found.from.ifindex, node_now(n)) < 0)
		node_log(n, "discovery", "no memory to keep a response");
	if (r)
		relay_tell(n, r, &found);
	else
		tell(d, &found);
	return true;
}

/* --- what is known --------------------------------------------------------------------------- */

unsigned
grasp_cached(struct grasp_node *n, struct slice name, uint32_t min_ttl_ms,
    grasp_found_f *found, void *arg)
{
	const struct discovery_entry *e = NULL;
	int64_t now = node_now(n);
	unsigned count = 0;

	discovery_cache_forget_short(&n->found, name, min_ttl_ms, now);
	node_enter(n);
	n->found.walks++;
	while (!n->dead && (e = discovery_cache_next(&n->found, e, name, now))) {
		struct grasp_objective copy = objective_for_asa(&e->objective);
		struct grasp_found f = {
			.from = e->from,
			.locator = e->locator,
			.locators = e->locators,
			.diverted = e->diverted,
			.ttl_ms = (uint32_t)(e->expires_ms - now),
			.objective = e->has_objective ? &copy : NULL,
		};

		count++;
		if (found)
			found(arg, &f);
	}
	n->found.walks--;
	node_return(n);
	return count;
}

void
grasp_cache_forget(struct grasp_node *n, struct slice name, const struct addr *at)
{
	discovery_cache_forget(&n->found, name, at);
}

int
grasp_cache_put(struct grasp_node *n, struct slice name,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	const struct grasp_found found = {
		.locator = locator, .locators = 1, .diverted = true, .ttl_ms = ttl_ms
	};
	const struct grasp_objective o = { .name = name };

	if (locator->kind != O_IPv6_LOCATOR && locator->kind != O_IPv4_LOCATOR)
		return -EINVAL;
	if (objective_check(&o) < 0)
		return -EINVAL;
	return discovery_cache_put(&n->found, name, &found, 0, node_now(n));
}

unsigned
grasp_discovery_sent(const struct grasp_discovery *d)
{
	return d->sent;
}
