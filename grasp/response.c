/* SPDX-License-Identifier: Apache-2.0
 *
 * The responder's side of discovery: whoever registered the objective is asked, and the answer
 * goes over a stream of its own to the source of the M_DISCOVERY (G-050), never to the
 * initiator field (G-042). What a stranger can make us send and keep is limited (S-09). */
#include "grasp/multicast.h"

#include <errno.h>

#include "base/addr_text.h"

#define ANSWERS_PER_S		 200
#define ANSWERS_PER_SOURCE_S	 1
#define ANSWERS_PER_SOURCE_BURST 5

struct grasp_response {
	TAILQ_ENTRY(grasp_response) entry;
	struct garbage garbage;
	struct grasp_node *node;
	struct grasp_stream *stream; /* NULL when gone */
	struct buf message;
	bool dead;
};

static void
destroy(struct garbage *g)
{
	struct grasp_response *r = container_of(g, struct grasp_response, garbage);

	TAILQ_REMOVE(&r->node->responses, r, entry);
	buf_done(&r->message);
	free(r);
}

static void
drop(struct grasp_response *r)
{
	struct grasp_node *n = r->node;

	if (r->dead)
		return;
	r->dead = true;
	if (r->stream)
		n->io->ops->stream_close(r->stream, false);
	r->stream = NULL;
	n->responses_open--;
	node_discard(n, &r->garbage, destroy);
}

void
response_drop_all(struct grasp_node *n)
{
	struct grasp_response *r;

	TAILQ_FOREACH(r, &n->responses, entry)
		drop(r);
}

static void
opened(void *arg, struct grasp_stream *s)
{
	struct grasp_response *r = arg;
	struct grasp_node *n = r->node;

	node_enter(n);
	n->io->ops->stream_send(s, buf_slice(&r->message));
	drop(r); /* G-051 */
	node_leave(n);
}

static ssize_t
received(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	(void)s;
	return (ssize_t)data.len;
}

/* A failed connection counts as no response (G-051). */
static void
closed(void *arg, struct grasp_stream *s, int err)
{
	struct grasp_response *r = arg;
	struct grasp_node *n = r->node;

	(void)s;
	(void)err;
	node_enter(n);
	r->stream = NULL;
	drop(r);
	node_leave(n);
}

static const struct grasp_stream_ops stream_ops = { opened, received, closed };

static int
send_by_stream(struct grasp_node *n, const struct addr *to, struct slice message)
{
	struct grasp_response *r = calloc(1, sizeof *r);
	int err;

	if (!r)
		return -ENOMEM;
	r->node = n;
	buf_init(&r->message, message.len);
	buf_put_slice(&r->message, message);
	TAILQ_INSERT_TAIL(&n->responses, r, entry);
	n->responses_open++;
	err = r->message.err;
	if (!err)
		err = n->io->ops->stream_open(
		    n->io, to, RESPONSE_OPEN_MS, &stream_ops, r, &r->stream);
	if (err < 0)
		drop(r);
	return err;
}

/* --- may we answer? ------------------------------------------------------------------------- */

/* I-16: the same question comes directly, relayed, and by several groups. Marks it answered. */
static bool
is_first(struct grasp_node *n, uint32_t ifindex, const struct grasp_msg *msg)
{
	struct node_interface *i = node_interface(n, ifindex);
	uint32_t bit = i ? 1u << (i - n->interface) : 0;
	int64_t now = node_now(n);
	struct seen_entry *e = seen_add(&n->seen, msg->session_id, &msg->initiator, now);

	if (!e)
		return false;
	if (now - e->answered_ms >= ANSWER_ONCE_MS)
		e->answered = 0;
	if (e->answered & bit)
		return false;
	e->answered |= bit;
	e->answered_ms = now;
	return true;
}

static bool
within_limits(struct grasp_node *n, const struct addr *source)
{
	int64_t now = node_now(n);

	if (n->responses_open >= RESPONSES_MAX)
		return false;
	if (!n->answers_by_source) {
		n->answers_by_source = calloc(1, sizeof *n->answers_by_source);
		if (!n->answers_by_source)
			return false;
		n->io->ops->random(n->io, &n->answers_by_source->seed,
		    sizeof n->answers_by_source->seed);
	}
	return limit_take(limit_of_source(n->answers_by_source, source), now,
		   ANSWERS_PER_SOURCE_S, ANSWERS_PER_SOURCE_BURST) &&
	    limit_take(&n->answers, now, ANSWERS_PER_S, ANSWERS_PER_S);
}

static bool
wants_to_answer(const struct grasp_registration *r, const struct grasp_peer *from,
    const struct grasp_msg *msg, struct buf *value)
{
	struct grasp_objective asked = objective_for_asa(&msg->objective);

	if (!r->support.discovered)
		return r->flags & F_DISC;
	return r->support.discovered(r->arg, from, &asked, value);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void
add_locator(struct grasp_node *n, const struct in6_addr *ip, struct grasp_msg *msg)
{
	struct addr a = { .ip = *ip, .port = n->cfg.port };

	msg->locator[msg->locators++] = grasp_locator_from_addr(&a, GRASP_TCP);
}

/* Global and ULA ones; a link-local one only if there is nothing else (G-025, G-026). */
static void
add_locators(struct grasp_node *n, const struct node_interface *i, struct grasp_msg *msg)
{
	for (int a = 0; a < i->is.addrs && msg->locators < GRASP_LOCATORS_MAX; a++)
		if (!addr_is_link_local(&i->is.addr[a]))
			add_locator(n, &i->is.addr[a], msg);
	if (msg->locators == 0 && i->is.addrs > 0)
		add_locator(n, &i->is.addr[0], msg);
}

static int
send_answer(struct grasp_node *n, const struct grasp_peer *from, struct grasp_link *l,
    const struct grasp_msg *msg)
{
	int r;

	if (l)
		return link_send(l, msg); /* G-073 */
	r = node_encode(n, msg, GRASP_DEF_MAX_SIZE);
	if (r < 0)
		return r;
	return send_by_stream(n, &from->addr, buf_slice(&n->out));
}

static void
answer(struct grasp_node *n, const struct grasp_registration *reg,
    const struct grasp_peer *from, struct grasp_link *l, const struct grasp_msg *asked,
    const struct buf *value)
{
	const struct node_interface *i =
	    node_interface(n, l ? l->local.ifindex : from->addr.ifindex);
	struct grasp_msg msg = {
		.type = M_RESPONSE,
		.session_id = asked->session_id,
		.initiator = asked->initiator,
		.time_ms = RESPONSE_TTL_MS,
	};
	char text[ADDR_TEXT_MAX];
	int r;

	if (i)
		add_locators(n, i, &msg);
	else if (l)
		add_locator(
		    n, &l->local.ip, &msg);  /* a stream need not know its interface */
	if (value->pos > 0 && !value->err) { /* G-068 */
		msg.has_objective = true;
		msg.objective = asked->objective;
		msg.objective.flags = reg->flags;
		msg.objective.value = buf_slice(value);
	}
	r = send_answer(n, from, l, &msg);
	node_log(n, "discovery", "session %u: %s asks for %s, answering: %s",
	    asked->session_id, addr_format(&from->addr, text), reg->name,
	    r < 0 ? "failed" : "yes");
}

void
response_consider(struct grasp_node *n, const struct grasp_peer *from,
    struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_registration *reg = node_registration(n, msg->objective.name);
	uint8_t memory[RESPONSE_VALUE_MAX];
	struct buf value;

	n->counters.discoveries++;
	if (!reg)
		return; /* G-072 */
	if (!is_first(n, from->addr.ifindex, msg)) {
		n->counters.duplicate++;
		return;
	}
	buf_init_fixed(&value, memory, sizeof memory);
	if (!wants_to_answer(reg, from, msg, &value) || reg->dead)
		return;
	if (l && l->state != LINK_OPEN)
		return;
	if (!within_limits(n, &from->addr)) {
		n->counters.rate_limited++;
		return;
	}
	answer(n, reg, from, l, msg, &value);
}
