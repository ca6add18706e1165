/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/divert.h"

#include <string.h>

#include "base/addr_text.h"
#include "grasp/option.h"

#define ASSIST_PER_S	    5
#define ASSIST_MIN_MS	    50
#define ASSIST_MAX_MS	    200
#define ASSIST_PEERS_WANTED 3 /* of all who know, about so many answer (S-09) */

/* A divert that waits for its time. */
struct assist {
	TAILQ_ENTRY(assist) entry;
	struct garbage garbage;
	struct grasp_node *node;
	struct grasp_timer *timer;
	struct grasp_peer to;
	struct grasp_who who; /* where to.who points to, if it does */
	uint32_t session_id;
	struct grasp_initiator initiator;
	bool dead;
	struct grasp_objective asked; /* its slices point to bytes */
	uint8_t bytes[];
};

/* What may be told: all, or only what another interface told, or only what is fresh. */
struct choice {
	const struct grasp_objective *asked;
	const struct grasp_initiator *asker;
	const struct grasp_registration *reg; /* NULL: none */
	uint32_t not_from;		      /* interface; 0: any */
	bool fresh;
	bool sure; /* result: the question is settled by what is told */
};

/* --- collecting ----------------------------------------------------------------------------- */

static bool
is_in(const struct grasp_msg *msg, const struct grasp_locator *l)
{
	for (unsigned i = 0; i < msg->locators; i++)
		if (option_locator_equal(&msg->locator[i], l))
			return true;
	return false;
}

void
divert_add(
    const struct grasp_node *n, struct grasp_msg *answer, const struct grasp_locator *l)
{
	if (!grasp_locator_divertable(l) || (n->cfg.nat && l->kind == O_IPv4_LOCATOR))
		return; /* G-027..G-029 */
	if (answer->locators < GRASP_LOCATORS_MAX && !is_in(answer, l))
		answer->locator[answer->locators++] = *l;
}

/* Who asks need not be told of himself (F-20). */
static bool
is_asker(const struct grasp_locator *l, const struct grasp_initiator *asker)
{
	if (l->kind == O_IPv6_LOCATOR && asker->len == 16)
		return memcmp(&l->ip, asker->bytes, 16) == 0;
	return l->kind == O_IPv4_LOCATOR && asker->len == 4 &&
	    memcmp(&l->ip.s6_addr[12], asker->bytes, 4) == 0;
}

static bool
may_be_told(
    const struct choice *c, uint32_t ifindex, int64_t heard, int64_t expires, int64_t now)
{
	if (c->not_from && (ifindex == 0 || ifindex == c->not_from))
		return false; /* G-070 */
	return !c->fresh || expires == INT64_MAX || expires - now > now - heard;
}

/* Who asks with a value wants somebody in particular. What is not known to do is told, and yet does
 * not settle the question. */
static bool
will_do(struct choice *c, const struct grasp_objective *copy)
{
	struct grasp_objective asked = objective_for_asa(c->asked), known;
	const struct grasp_support *support = c->reg ? &c->reg->support : NULL;

	if (asked.value.len == 0) {
		c->sure = true;
		return true;
	}
	if (!support || !support->fits)
		return true;
	if (copy)
		known = objective_for_asa(copy);
	if (!support->fits(c->reg->arg, &asked, copy ? &known : NULL))
		return false;
	c->sure = true;
	return true;
}

/* One source's locators; with the first ones goes the objective's copy, which would not be true of
 * the others. */
static void
add(const struct grasp_node *n, const struct choice *c, struct grasp_msg *answer,
    const struct grasp_locator *l, size_t count, const struct grasp_objective *copy,
    int64_t life_ms)
{
	unsigned before = answer->locators;

	for (size_t i = 0; i < count; i++)
		if (!is_asker(&l[i], c->asker))
			divert_add(n, answer, &l[i]);
	if (answer->locators == before)
		return;
	answer->has_objective = before == 0 && copy != NULL;
	if (answer->has_objective)
		answer->objective = *copy;
	if (life_ms < answer->time_ms)
		answer->time_ms = (uint32_t)life_ms;
}

static void
add_found(struct grasp_node *n, struct choice *c, struct grasp_msg *answer)
{
	const struct discovery_entry *e = NULL;
	int64_t now = node_now(n);

	while ((e = discovery_cache_next(&n->found, e, c->asked->name, now)))
		if (may_be_told(c, e->ifindex, e->heard_ms, e->expires_ms, now) &&
		    will_do(c, e->has_objective ? &e->objective : NULL))
			add(n, c, answer, e->locator, e->locators,
			    e->has_objective ? &e->objective : NULL, e->expires_ms - now);
}

static void
add_flooded(struct grasp_node *n, struct choice *c, struct grasp_msg *answer)
{
	const struct flood_entry *e = NULL;
	int64_t now = node_now(n);

	while ((e = flood_cache_next(&n->floods, e, c->asked->name, now)))
		if (!e->here && e->locator.kind && (e->objective.flags & F_DISC) &&
		    may_be_told(
			c, e->from.addr.ifindex, e->heard_ms, e->expires_ms, now) &&
		    will_do(c, &e->objective))
			add(n, c, answer, &e->locator, 1, &e->objective,
			    e->expires_ms == INT64_MAX ? INT64_MAX : e->expires_ms - now);
}

/* False: nothing to tell. */
static bool
collect(struct grasp_node *n, struct choice *c, struct grasp_msg *answer)
{
	*answer = (struct grasp_msg){
		.type = M_RESPONSE,
		.diverted = true,
		.time_ms = GRASP_RESPONSE_TTL_ZERO_MS,
		.initiator = *c->asker,
	};
	add_flooded(n, c, answer); /* the objective's own word, and always the newest */
	add_found(n, c, answer);
	return answer->locators > 0;
}

bool
divert_knows(struct grasp_node *n, struct slice name)
{
	int64_t now = node_now(n);

	return discovery_cache_next(&n->found, NULL, name, now) ||
	    flood_cache_next(&n->floods, NULL, name, now);
}

/* --- telling -------------------------------------------------------------------------------- */

static void
tell(struct grasp_node *n, const struct grasp_peer *to, struct grasp_link *l,
    struct grasp_msg *answer)
{
	char text[ADDR_TEXT_MAX];

	if (!response_within_limits(n, to)) {
		n->counters.rate_limited++;
		return;
	}
	if (response_send(n, to, l, answer) < 0)
		return;
	n->counters.diverts++;
	node_log(n, "discovery", "session %u: diverting %s", answer->session_id,
	    addr_format(&to->addr, text));
}

static void
destroy(struct garbage *g)
{
	struct assist *a = container_of(g, struct assist, garbage);

	TAILQ_REMOVE(&a->node->assists, a, entry);
	free(a);
}

static void
drop(struct assist *a)
{
	if (a->dead)
		return;
	a->dead = true;
	node_timer_free(a->node, &a->timer);
	node_discard(a->node, &a->garbage, destroy);
}

void
divert_drop_all(struct grasp_node *n)
{
	struct assist *a;

	TAILQ_FOREACH(a, &n->assists, entry)
		drop(a);
}

/* What is known by now, and who still lives, is what counts. */
static void
fire(void *arg)
{
	struct assist *a = arg;
	struct grasp_node *n = a->node;
	struct choice c = {
		.asked = &a->asked,
		.asker = &a->initiator,
		.reg = node_registration(n, a->asked.name),
		.fresh = true,
	};
	struct grasp_msg answer;

	node_enter(n);
	drop(a);
	if (collect(n, &c, &answer)) {
		answer.session_id = a->session_id;
		tell(n, &a->to, NULL, &answer);
	}
	node_leave(n);
}

static uint32_t
draw(struct grasp_node *n, uint32_t below)
{
	uint32_t r;

	n->io->ops->random(n->io, &r, sizeof r);
	return (uint32_t)((uint64_t)r * below >> 32);
}

/* Most neighbours know what everybody on the link has heard; a few of them are enough. */
static bool
is_drawn(struct grasp_node *n, uint32_t ifindex)
{
	const struct node_interface *i = node_interface(n, ifindex);
	unsigned peers = i ? peers_count(&i->peers) : 0;

	return peers <= ASSIST_PEERS_WANTED || draw(n, peers) < ASSIST_PEERS_WANTED;
}

static void
assist_later(struct grasp_node *n, struct question *q)
{
	struct assist *a;

	if (!is_drawn(n, q->ifindex) || !response_admit(n, q, true))
		return;
	if (!limit_take(&n->assist, node_now(n), ASSIST_PER_S, ASSIST_PER_S)) {
		n->counters.rate_limited++;
		return;
	}
	a = calloc(1, sizeof *a + objective_size(&q->msg->objective));
	if (!a)
		return;
	a->node = n;
	a->to = *q->from;
	if (a->to.who) {
		a->who = *a->to.who;
		a->to.who = &a->who;
	}
	a->session_id = q->msg->session_id;
	a->initiator = q->msg->initiator;
	a->asked = objective_copy(&q->msg->objective, a->bytes);
	TAILQ_INSERT_TAIL(&n->assists, a, entry);
	if (node_timer_new(n, fire, a, &a->timer) < 0)
		drop(a);
	else
		node_timer_set(n, a->timer,
		    ASSIST_MIN_MS + draw(n, ASSIST_MAX_MS - ASSIST_MIN_MS + 1));
}

/* --- whether -------------------------------------------------------------------------------- */

static enum grasp_assist
assist_of(const struct grasp_node *n, const struct grasp_registration *reg)
{
	if (n->cfg.dull)
		return GRASP_ASSIST_OFF; /* G-143 */
	if (reg && reg->support.assist)
		return reg->support.assist;
	return n->cfg.assist ? n->cfg.assist : GRASP_ASSIST_OTHER_LINK;
}

bool
divert_consider(
    struct grasp_node *n, struct question *q, const struct grasp_registration *reg)
{
	struct choice c = {
		.asked = &q->msg->objective,
		.asker = &q->msg->initiator,
		.reg = reg,
		.not_from = q->ifindex,
	};
	enum grasp_assist assist = assist_of(n, reg);
	struct grasp_msg answer;
	bool found;

	if (assist == GRASP_ASSIST_OFF)
		return false;
	found = collect(n, &c, &answer);
	if (!found && assist == GRASP_ASSIST_ALWAYS) {
		c.not_from = 0;
		c.fresh = true;
		if (!collect(n, &c, &answer))
			return false;
		if (!q->link) {
			assist_later(n, q);
			return c.sure;
		}
		found = true; /* asked in person: nobody else answers at the same time */
	}
	if (!found)
		return false;
	if (!response_admit(n, q, true))
		return true;
	answer.session_id = q->msg->session_id;
	tell(n, q->from, q->link, &answer);
	return c.sure;
}
