/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/rapid.h"

#include <errno.h>
#include <stdlib.h>

#define OFFERS_MAX 64 /* links being opened and answers not taken up yet */

/* --- asking ------------------------------------------------------------------------------------- */

int
rapid_new(const struct grasp_objective *o, const struct grasp_session_ops *ops, void *arg,
    struct rapid **ret)
{
	struct rapid *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	if (slice_copy(o->name, r->name, sizeof r->name) < 0) {
		free(r);
		return -EINVAL;
	}
	r->flags = o->flags;
	r->loop_count = o->loop_count ? o->loop_count : GRASP_DEF_LOOPCT; /* G-131 */
	if (ops)
		r->ops = *ops;
	r->arg = arg;
	*ret = r;
	return 0;
}

/* Several responders: the first one is taken, the others are told. */
static void
turn_away(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_msg end = {
		.type = M_END,
		.session_id = msg->session_id,
		.reason = slice_text("somebody else was faster"),
	};

	if ((msg->type == M_NEGOTIATE || msg->type == M_WAIT) && link_send(l, &end) < 0)
		node_log(
		    l->node, "session", "%u: M_END could not be sent", msg->session_id);
}

static bool
is_answer(const struct rapid *r, const struct grasp_msg *msg)
{
	switch (msg->type) {
	case M_NEGOTIATE:
		return (r->flags & F_NEG) && slice_is(msg->objective.name, r->name);
	case M_WAIT:
	case M_END:
		return r->flags & F_NEG;
	case M_SYNCH:
		return (r->flags & F_SYNCH) && slice_is(msg->objective.name, r->name);
	case M_NOOP:
	case M_DISCOVERY:
	case M_RESPONSE:
	case M_REQ_NEG:
	case M_REQ_SYN:
	case M_FLOOD:
	case M_INVALID:
		break;
	}
	return false;
}

struct grasp_session *
rapid_begin(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct rapid *r = discovery_rapid(l->node, msg->session_id);
	struct grasp_objective o = { 0 };
	struct grasp_session *s;

	if (!r || !l->accepted || !is_answer(r, msg) || !link_permits(l, msg))
		return NULL;
	if (r->taken) {
		turn_away(l, msg);
		return NULL;
	}
	o.name = slice_text(r->name);
	o.flags = r->flags;
	o.loop_count = r->loop_count;
	if (session_new(l, msg->session_id, &o, true, &s) < 0)
		return NULL;
	r->taken = true;
	s->negotiation = msg->type != M_SYNCH;
	grasp_session_set(s, &r->ops, r->arg);
	session_await_peer(s);
	return s;
}

/* --- answering ---------------------------------------------------------------------------------- */

/* The question, until the asker has taken up the answer. In the node's list until the link is open,
 * then the session's. */
struct rapid_offer {
	LIST_ENTRY(rapid_offer) entry;
	struct grasp_node *node;
	bool listed;
	struct grasp_peer from;
	uint32_t ifindex, session_id;
	struct grasp_initiator initiator;
	struct grasp_objective asked; /* its slices point to bytes */
	struct buf bytes;
};

static void
unlist(struct rapid_offer *o)
{
	if (o->listed)
		LIST_REMOVE(o, entry);
	o->listed = false;
}

void
rapid_offer_free(struct rapid_offer *o)
{
	if (!o)
		return;
	unlist(o);
	o->node->offers_open--;
	buf_done(&o->bytes);
	free(o);
}

void
rapid_drop_all(struct grasp_node *n)
{
	while (!LIST_EMPTY(&n->offers))
		rapid_offer_free(LIST_FIRST(&n->offers));
}

static bool
can_begin(const struct grasp_registration *reg, const struct grasp_objective *asked)
{
	return reg &&
	    (((asked->flags & F_NEG) && reg->support.negotiate) ||
		((asked->flags & F_SYNCH) && reg->support.synchronize));
}

static void
opened(void *arg, struct grasp_link *l)
{
	struct rapid_offer *o = arg;
	struct grasp_registration *reg = node_registration(l->node, o->asked.name);
	struct grasp_objective asked = objective_for_asa(&o->asked);
	struct grasp_session *s;

	grasp_link_set(l, NULL, NULL);
	if (!can_begin(reg, &asked) ||
	    session_new(l, o->session_id, &asked, false, &s) < 0) {
		rapid_offer_free(o);
		grasp_link_close(l);
		return;
	}
	unlist(o);
	s->offer = o;
	l->live_of_peer++;
	session_serve(s, reg, (asked.flags & F_NEG) && reg->support.negotiate, &asked);
}

/* A failed connection counts as no response (G-051). */
static void
closed(void *arg, struct grasp_link *l, int err)
{
	(void)l;
	(void)err;
	rapid_offer_free(arg);
}

static struct rapid_offer *
new_offer(struct grasp_node *n, const struct question *q)
{
	const struct grasp_objective *asked = &q->msg->objective;
	struct rapid_offer *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	buf_init(&o->bytes, GRASP_MULTICAST_MAX);
	buf_put_slice(&o->bytes, asked->name);
	buf_put_slice(&o->bytes, asked->value);
	if (o->bytes.err) {
		buf_done(&o->bytes);
		free(o);
		return NULL;
	}
	o->node = n;
	o->from = *q->from;
	o->from.who = NULL;
	o->ifindex = q->ifindex;
	o->session_id = q->msg->session_id;
	o->initiator = q->msg->initiator;
	o->asked = *asked;
	o->asked.name.data = o->bytes.data;
	o->asked.value.data = o->bytes.data + asked->name.len;
	LIST_INSERT_HEAD(&n->offers, o, entry);
	o->listed = true;
	n->offers_open++;
	return o;
}

bool
rapid_answer(
    struct grasp_node *n, const struct grasp_registration *reg, const struct question *q)
{
	static const struct grasp_link_ops ops = { opened, closed };
	struct rapid_offer *o;
	struct grasp_link *l;

	if (!n->cfg.rapid || n->cfg.dull || q->link || !q->from->multicast)
		return false; /* G-127 */
	if (q->msg->objective.value.len == 0 || !can_begin(reg, &q->msg->objective) ||
	    n->offers_open >= OFFERS_MAX)
		return false;
	o = new_offer(n, q);
	if (!o)
		return false;
	if (link_open(n, &q->from->addr, RESPONSE_OPEN_MS, &ops, o, &l) < 0) {
		rapid_offer_free(o);
		return false;
	}
	return true;
}

/* Once: what the second answer cannot do, a third will not. */
void
rapid_failed(struct grasp_node *n, const struct rapid_offer *o)
{
	struct grasp_registration *reg = node_registration(n, o->asked.name);
	struct grasp_msg msg = {
		.type = M_DISCOVERY,
		.session_id = o->session_id,
		.initiator = o->initiator,
		.has_objective = true,
		.objective = o->asked,
	};
	struct question q = { .from = &o->from, .ifindex = o->ifindex, .msg = &msg };

	if (reg && !n->dead)
		response_answer(n, reg, &q);
}
