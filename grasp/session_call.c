/* SPDX-License-Identifier: Apache-2.0
 *
 * What an ASA may do with sessions: ask, step, wait, answer, end. */
#include "grasp/node_int.h"

#include <errno.h>

/* --- the initiator's calls ---------------------------------------------------------------------- */

static int
encode_request(struct grasp_session *s, const struct grasp_objective *objective)
{
	struct grasp_msg msg = {
		.type = s->negotiation ? M_REQ_NEG : M_REQ_SYN,
		.session_id = s->id,
		.has_objective = true,
		.objective = *objective,
	};
	int r;

	msg.objective.loop_count = s->loop_count;
	r = node_encode(s->link->node, &msg, s->link->max);
	if (r < 0)
		return r;
	buf_put_slice(&s->request, buf_slice(&s->link->node->out));
	return s->request.err;
}

static int
start(struct grasp_session *s, const struct grasp_objective *objective)
{
	int r = encode_request(s, objective);

	if (r < 0)
		return r;
	if (s->link->state == LINK_OPENING) {
		node_timer_set(s->link->node, s->timer, s->timeout_ms);
		return 0;
	}
	r = link_send_bytes(s->link, buf_slice(&s->request));
	if (r < 0)
		return r;
	buf_done(&s->request);
	session_await_peer(s);
	return 0;
}

static int
request(struct grasp_link *l, bool negotiation, const struct grasp_objective *objective,
    uint32_t timeout_ms, const struct grasp_session_ops *ops, void *arg,
    struct grasp_session **ret)
{
	struct grasp_session *s;
	int r;

	if (l->node->cfg.dull)
		return -EPERM; /* G-138 */
	if (l->state != LINK_OPENING && l->state != LINK_OPEN)
		return -ENOTCONN;
	r = objective_check(objective);
	if (r < 0)
		return r;
	r = session_new(l, node_new_session_id(l->node), objective, true, &s);
	if (r < 0)
		return r;
	s->negotiation = negotiation;
	if (!s->loop_count)
		s->loop_count = GRASP_DEF_LOOPCT; /* G-090 */
	if (timeout_ms)
		s->timeout_ms = timeout_ms;
	r = start(s, objective);
	if (r < 0) {
		session_drop(s);
		return r;
	}
	grasp_session_set(s, ops, arg);
	*ret = s;
	return 0;
}

int
grasp_negotiate(struct grasp_link *l, const struct grasp_objective *objective,
    uint32_t timeout_ms, const struct grasp_session_ops *ops, void *arg,
    struct grasp_session **ret)
{
	return request(l, true, objective, timeout_ms, ops, arg, ret);
}

int
grasp_synchronize(struct grasp_link *l, const struct grasp_objective *objective,
    uint32_t timeout_ms, const struct grasp_session_ops *ops, void *arg,
    struct grasp_session **ret)
{
	return request(l, false, objective, timeout_ms, ops, arg, ret);
}

/* --- both sides' calls -------------------------------------------------------------------------- */

void
grasp_session_set(struct grasp_session *s, const struct grasp_session_ops *ops, void *arg)
{
	s->ops = ops ? *ops : (struct grasp_session_ops){ 0 };
	s->arg = arg;
}

struct grasp_link *
grasp_session_link(struct grasp_session *s)
{
	return s->link;
}

uint32_t
grasp_session_id(const struct grasp_session *s)
{
	return s->id;
}

bool
grasp_session_dry_run(const struct grasp_session *s)
{
	return s->negotiation && (s->flags & F_NEG_DRY);
}

static bool
is_our_turn(const struct grasp_session *s, bool negotiation)
{
	return s->state == SESSION_OURS && s->negotiation == negotiation;
}

static int
send_value(
    struct grasp_session *s, enum grasp_type type, uint8_t loop_count, struct slice value)
{
	struct grasp_msg msg = {
		.type = type,
		.session_id = s->id,
		.has_objective = true,
		.objective = { slice_text(s->name), s->flags, loop_count, value },
	};
	int r = objective_check(&msg.objective);

	if (r < 0)
		return r;
	return link_send(s->link, &msg);
}

int
grasp_session_step(struct grasp_session *s, struct slice value)
{
	int r;

	if (!is_our_turn(s, true))
		return -EPROTO;
	if (s->loop_count <= 1)
		return -ELOOP; /* G-092 */
	r = send_value(s, M_NEGOTIATE, s->loop_count - 1, value);
	if (r < 0)
		return r;
	s->loop_count--; /* G-091 */
	session_await_peer(s);
	return 0;
}

int
grasp_session_wait(struct grasp_session *s, uint32_t ms)
{
	struct grasp_msg msg = { .type = M_WAIT, .session_id = s->id, .time_ms = ms };
	int r;

	if (!is_our_turn(s, true))
		return -EPROTO;
	r = link_send(s->link, &msg);
	if (r < 0)
		return r;
	link_pause(s->link);
	node_timer_set(s->link->node, s->timer,
	    ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS); /* the peer's clock is ours (G-098) */
	return 0;
}

int
grasp_session_synch(struct grasp_session *s, struct slice value)
{
	int r;

	if (!is_our_turn(s, false))
		return -EPROTO;
	r = send_value(s, M_SYNCH, s->loop_count, value);
	if (r < 0)
		return r;
	session_drop(s);
	return 0;
}

static int
send_end(struct grasp_session *s, bool accept, const char *reason)
{
	struct grasp_msg msg = {
		.type = M_END,
		.session_id = s->id,
		.accepted = accept,
		.reason = slice_text(accept ? NULL : reason),
	};
	int r;

	if (!slice_is_utf8(msg.reason))
		msg.reason = (struct slice){ 0 };
	r = link_send(s->link, &msg);
	if (r != -EMSGSIZE)
		return r;
	msg.reason = (struct slice){ 0 }; /* too long: what matters is the end */
	return link_send(s->link, &msg);
}

/* A synchronization has no M_END. Closing says it as well (I-12), if nothing else is open. */
static int
end_synchronization(struct grasp_session *s)
{
	if (s->link->held || s->link->live > 1)
		link_invalid(s->link, s->id, slice_text("there is no value for you"));
	return 0;
}

int
grasp_session_end(struct grasp_session *s, bool accept, const char *reason)
{
	int r = 0;

	if (s->state == SESSION_DEAD)
		return -ENOTCONN;
	if (!s->negotiation && s->state == SESSION_OURS)
		r = end_synchronization(s);
	else if (s->negotiation &&
	    (s->state == SESSION_OURS || (s->state == SESSION_PEER && !accept)))
		r = send_end(s, accept, reason);
	if (r < 0)
		node_log(s->link->node, "session", "%u %s: M_END could not be sent",
		    s->id, s->name);
	session_drop(s);
	return r;
}

int
grasp_session_invalid(struct grasp_session *s, struct slice content)
{
	struct grasp_msg msg = {
		.type = M_INVALID, .session_id = s->id, .content = content
	};
	int r;

	/* G-132: only as an answer. */
	if (s->state != SESSION_OURS && !(s->state == SESSION_PEER && s->answered))
		return -EPROTO;
	r = link_send(s->link, &msg);
	if (r == -EMSGSIZE) { /* G-134 */
		msg.content = (struct slice){ 0 };
		r = link_send(s->link, &msg);
	}
	if (r == -EINVAL)
		return r;
	session_drop(s);
	return r;
}

void
grasp_session_set_timeout(struct grasp_session *s, uint32_t ms)
{
	s->timeout_ms = ms ? ms : GRASP_DEF_TIMEOUT_MS;
}

int
grasp_session_offence(const struct grasp_session *s)
{
	return s->offence;
}

void
grasp_session_cancel(struct grasp_session *s)
{
	session_drop(s);
}
