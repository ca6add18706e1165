/* SPDX-License-Identifier: Apache-2.0
 *
 * Negotiation and synchronization (RFC 8990 §2.5.5, §2.5.6.1): one state machine for both
 * sides, who take turns after the request. */
#include "grasp/rapid.h"

#include <errno.h>
#include <string.h>

enum event {
	EV_OPENED,
	EV_NEGOTIATE,
	EV_SYNCH,
	EV_WAIT,
	EV_END,
	EV_INVALID,
	EV_TIMER,
};

static const struct slice none;

#define NO_OFFENCE (-1)

const char *
grasp_outcome_name(enum grasp_outcome o)
{
	switch (o) {
	case GRASP_ACCEPTED:
		return "accepted";
	case GRASP_DECLINED:
		return "declined";
	case GRASP_TIMEOUT:
		return "timeout";
	case GRASP_CLOSED:
		return "closed";
	case GRASP_REFUSED:
		return "refused";
	case GRASP_VIOLATION:
		return "violation";
	}
	return "?";
}

static const char *
state_name(enum session_state state)
{
	switch (state) {
	case SESSION_QUEUED:
		return "queued";
	case SESSION_PEER:
		return "the peer's turn";
	case SESSION_OURS:
		return "our turn";
	case SESSION_DEAD:
		return "over";
	}
	return "?";
}

static void
change_state(struct grasp_session *s, enum session_state state)
{
	node_log(s->link->node, "session", "%u %s: %s -> %s", s->id, s->name,
	    state_name(s->state), state_name(state));
	s->state = state;
}

/* --- session ids ----------------------------------------------------------------------------- */

static struct grasp_session_bucket *
bucket_of(struct grasp_node *n, uint32_t id)
{
	return &n->sessions[id % SESSION_BUCKETS];
}

static struct grasp_session *
find(struct grasp_link *l, uint32_t id)
{
	struct grasp_session *s;

	LIST_FOREACH(s, bucket_of(l->node, id), bucket)
		if (s->id == id && s->link == l)
			return s;
	return NULL;
}

/* fe80::1 of two interfaces are two hosts. */
static bool
same_host(const struct addr *a, const struct addr *b)
{
	return IN6_ARE_ADDR_EQUAL(&a->ip, &b->ip) &&
	    (!addr_is_link_local(&a->ip) || a->ifindex == b->ifindex);
}

/* Is the id in use between this peer and us, whoever started it (G-039, G-040)? */
static bool
is_active(struct grasp_link *l, uint32_t id)
{
	const struct grasp_session *s;

	LIST_FOREACH(s, bucket_of(l->node, id), bucket)
		if (s->id == id && same_host(&s->link->peer, &l->peer))
			return true;
	return false;
}

bool
session_uses_id(const struct grasp_node *n, uint32_t session_id)
{
	const struct grasp_session *s;

	LIST_FOREACH(s, &n->sessions[session_id % SESSION_BUCKETS], bucket)
		if (s->id == session_id)
			return true;
	return false;
}

/* --- life ----------------------------------------------------------------------------------- */

static void
destroy(struct garbage *g)
{
	struct grasp_session *s = container_of(g, struct grasp_session, garbage);

	TAILQ_REMOVE(&s->link->sessions, s, entry);
	buf_done(&s->request);
	rapid_offer_free(s->offer);
	free(s);
}

void
session_drop(struct grasp_session *s)
{
	struct grasp_link *l = s->link;

	if (s->state == SESSION_DEAD)
		return;
	change_state(s, SESSION_DEAD);
	LIST_REMOVE(s, bucket);
	node_timer_free(l->node, &s->timer);
	l->live--;
	if (!s->initiator)
		l->live_of_peer--;
	if (l->live == 0)
		l->idle_since_ms = node_now(l->node);
	node_discard(l->node, &s->garbage, destroy);
	link_look(l);
}

static void
finish(struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	node_log(s->link->node, "session", "%u %s: %s", s->id, s->name,
	    grasp_outcome_name(outcome));
	session_drop(s);
	if (s->ops.ended)
		s->ops.ended(s->arg, s, outcome, reason);
}

static void
violate(struct grasp_session *s, const struct grasp_msg *msg, const char *what)
{
	node_log(s->link->node, "session", "%u %s: %s", s->id, s->name, what);
	s->offence = (int)msg->type;
	link_invalid(s->link, s->id, slice_text(what));
	finish(s, GRASP_VIOLATION, none);
}

static void fire(void *arg);

int
session_new(struct grasp_link *l, uint32_t id, const struct grasp_objective *o,
    bool initiator, struct grasp_session **ret)
{
	struct grasp_session *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	r = slice_copy(o->name, s->name, sizeof s->name);
	if (r >= 0)
		r = node_timer_new(l->node, fire, s, &s->timer);
	if (r < 0) {
		free(s);
		return r;
	}
	s->link = l;
	s->id = id;
	s->flags = o->flags;
	s->loop_count = o->loop_count;
	s->initiator = initiator;
	s->timeout_ms = GRASP_DEF_TIMEOUT_MS;
	s->offence = NO_OFFENCE;
	buf_init(&s->request, GRASP_UNICAST_MAX);
	TAILQ_INSERT_TAIL(&l->sessions, s, entry);
	LIST_INSERT_HEAD(bucket_of(l->node, id), s, bucket);
	l->live++;
	l->served = true;
	*ret = s;
	return 0;
}

void
session_await_peer(struct grasp_session *s)
{
	change_state(s, SESSION_PEER);
	node_timer_set(s->link->node, s->timer, s->timeout_ms); /* G-089 */
}

/* An ASA that never answers does not hold a session for ever: the peer has given up after as
 * long (G-098, G-099). */
static void
await_us(struct grasp_session *s)
{
	change_state(s, SESSION_OURS);
	node_timer_set(s->link->node, s->timer, GRASP_DEF_TIMEOUT_MS);
}

/* --- the state machine ------------------------------------------------------------------------ */

static void
send_request(struct grasp_session *s)
{
	if (link_send_bytes(s->link, buf_slice(&s->request)) < 0)
		return; /* the link goes, and we with it */
	buf_done(&s->request);
	session_await_peer(s);
}

static bool
same_objective(const struct grasp_session *s, const struct grasp_objective *o)
{
	return slice_is(o->name, s->name) &&
	    ((o->flags ^ s->flags) & F_NEG_DRY) == 0; /* G-100 */
}

static void
take_step(struct grasp_session *s, const struct grasp_msg *msg)
{
	struct grasp_objective o = objective_for_asa(&msg->objective);

	if (!s->negotiation || !same_objective(s, &o)) {
		violate(s, msg, "M_NEGOTIATE does not belong to what was asked");
		return;
	}
	/* I-05: one less than before, but peers are known to answer with the same. */
	if (o.loop_count == 0 ||
	    (o.loop_count != s->loop_count && o.loop_count + 1 != s->loop_count)) {
		violate(s, msg, "M_NEGOTIATE with a wrong loop count");
		return;
	}
	if (!s->ops.negotiated) {
		violate(s, msg, "M_NEGOTIATE, but nobody here takes steps");
		return;
	}
	s->answered = true;
	s->loop_count = o.loop_count;
	await_us(s);
	s->ops.negotiated(s->arg, s, &o);
}

static void
take_value(struct grasp_session *s, const struct grasp_msg *msg)
{
	struct grasp_objective o = objective_for_asa(&msg->objective);

	if (s->negotiation || !slice_is(o.name, s->name)) {
		violate(s, msg, "M_SYNCH does not belong to what was asked");
		return;
	}
	s->answered = true;
	if (s->ops.synched)
		s->ops.synched(s->arg, s, &o);
	if (s->state != SESSION_DEAD)
		finish(s, GRASP_ACCEPTED, none);
}

static void
take_wait(struct grasp_session *s, const struct grasp_msg *msg)
{
	uint32_t ms = msg->time_ms;

	if (!s->negotiation) {
		violate(s, msg, "M_WAIT in a synchronization");
		return;
	}
	s->answered = true;
	node_timer_set(
	    s->link->node, s->timer, ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS); /* G-097 */
	if (s->ops.waiting)
		s->ops.waiting(s->arg, s, ms);
}

static void
take_end(struct grasp_session *s, const struct grasp_msg *msg)
{
	if (!s->negotiation)
		violate(s, msg, "M_END in a synchronization");
	else if (!msg->accepted)
		finish(s, GRASP_DECLINED, msg->reason);
	else if (s->state != SESSION_PEER)
		violate(s, msg, "M_END accepts nothing that we offered");
	else
		finish(s, GRASP_ACCEPTED, none);
}

static void
handle(struct grasp_session *s, enum event event, const struct grasp_msg *msg)
{
	switch (s->state) {
	case SESSION_QUEUED:
		switch (event) {
		case EV_OPENED:
			send_request(s);
			return;
		case EV_TIMER:
			finish(s, GRASP_TIMEOUT, none);
			return;
		case EV_NEGOTIATE:
		case EV_SYNCH:
		case EV_WAIT:
		case EV_END:
		case EV_INVALID:
			return; /* we have not asked yet */
		}
		return;
	case SESSION_PEER:
		switch (event) {
		case EV_NEGOTIATE:
			take_step(s, msg);
			return;
		case EV_SYNCH:
			take_value(s, msg);
			return;
		case EV_WAIT:
			take_wait(s, msg);
			return;
		case EV_END:
			take_end(s, msg);
			return;
		case EV_INVALID:
			finish(s, GRASP_REFUSED, none);
			return;
		case EV_TIMER:
			finish(s, GRASP_TIMEOUT, none);
			return;
		case EV_OPENED:
			return;
		}
		return;
	case SESSION_OURS:
		switch (event) {
		case EV_END:
			take_end(s, msg);
			return;
		case EV_INVALID:
			finish(s, GRASP_REFUSED, none);
			return;
		case EV_NEGOTIATE:
		case EV_SYNCH:
		case EV_WAIT:
			violate(s, msg, "the peer speaks although it is our turn");
			return;
		case EV_TIMER:
			finish(s, GRASP_TIMEOUT, none);
			return;
		case EV_OPENED:
			return;
		}
		return;
	case SESSION_DEAD:
		return;
	}
}

static void
fire(void *arg)
{
	struct grasp_session *s = arg;
	struct grasp_node *n = s->link->node;

	node_enter(n);
	handle(s, EV_TIMER, NULL);
	node_leave(n);
}

void
session_link_opened(struct grasp_session *s)
{
	handle(s, EV_OPENED, NULL);
}

/* I-12: closed without a word says that nobody listens, not that the peer is dead. */
static bool
is_refusal(const struct grasp_session *s, int err)
{
	if (s->link->held || !s->initiator || s->answered)
		return false;
	if (s->state == SESSION_QUEUED)
		return err == -ECONNREFUSED;
	return err == 0 || err == -ECONNRESET;
}

void
session_link_gone(struct grasp_session *s, int err)
{
	if (s->state == SESSION_DEAD)
		return;
	if (s->offer && !s->answered)
		rapid_failed(s->link->node, s->offer);
	if (err == -EBADMSG || err == -EMSGSIZE) {
		s->offence = err;
		finish(s, GRASP_VIOLATION, none);
	} else {
		finish(s, is_refusal(s, err) ? GRASP_REFUSED : GRASP_CLOSED, none);
	}
}

/* --- messages from the link -------------------------------------------------------------------- */

static enum event
event_of(const struct grasp_msg *msg)
{
	switch (msg->type) {
	case M_NEGOTIATE:
		return EV_NEGOTIATE;
	case M_SYNCH:
		return EV_SYNCH;
	case M_WAIT:
		return EV_WAIT;
	case M_END:
		return EV_END;
	case M_NOOP:
	case M_DISCOVERY:
	case M_RESPONSE:
	case M_REQ_NEG:
	case M_REQ_SYN:
	case M_FLOOD:
	case M_INVALID:
		break;
	}
	return EV_INVALID;
}

void
session_message(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_session *s = find(l, msg->session_id);

	if (!s)
		s = rapid_begin(l, msg);
	if (s) {
		handle(s, event_of(msg), msg);
		return;
	}
	l->node->counters.unwanted++;
	if (link_is_idle(l)) /* whatever it thinks that we are talking about */
		link_doom(l, 0);
}

/* G-055; a link that serves others goes on and says so instead. */
static void
refuse(struct grasp_link *l, const struct grasp_msg *msg, const char *why)
{
	if (!l->held && l->live == 0)
		link_doom(l, 0);
	else
		link_invalid(l, msg->session_id, slice_text(why));
}

void
session_serve(struct grasp_session *s, const struct grasp_registration *r,
    bool negotiation, const struct grasp_objective *asked)
{
	s->negotiation = negotiation;
	await_us(s);
	if (negotiation)
		r->support.negotiate(r->arg, s, asked);
	else
		r->support.synchronize(r->arg, s, asked);
}

static bool
is_offered(const struct grasp_registration *r, const struct grasp_msg *msg)
{
	if (!r)
		return false;
	return msg->type == M_REQ_NEG ? r->support.negotiate != NULL
				      : r->support.synchronize != NULL;
}

void
session_request(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_registration *r = node_registration(l->node, msg->objective.name);
	struct grasp_objective asked = objective_for_asa(&msg->objective);
	struct grasp_session *s;

	if (is_active(l, msg->session_id)) {
		l->node->counters.duplicate++; /* G-040 */
		return;
	}
	if (!is_offered(r, msg)) {
		l->node->counters.no_listener++;
		refuse(l, msg, "nobody listens for this objective");
		return;
	}
	if (l->live_of_peer >= (l->held ? LINK_SESSIONS_MAX : GUEST_SESSIONS_MAX) ||
	    session_new(l, msg->session_id, &asked, false, &s) < 0) {
		l->node->counters.rate_limited++;
		refuse(l, msg, "too many sessions");
		return;
	}
	l->live_of_peer++;
	session_serve(s, r, msg->type == M_REQ_NEG, &asked);
}
