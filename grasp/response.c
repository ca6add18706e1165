/* SPDX-License-Identifier: Apache-2.0
 *
 * The responder's side of discovery: whoever registered the objective is asked, and the answer
 * goes over a stream of its own to the source of the M_DISCOVERY (G-050), never to the
 * initiator field (G-042). What a stranger can make us send and keep is limited (S-09). */
#include "grasp/rapid.h"
#include "grasp/relay.h"

#include <errno.h>
#include <string.h>

#include "base/addr_text.h"

#define ANSWERS_PER_S		 200
#define ANSWERS_PER_SOURCE_S	 1
#define ANSWERS_PER_SOURCE_BURST 5
#define ANSWERS_OF_RELAY_S	 20 /* a source of signed questions speaks for many */

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

static uint32_t
interface_bit(struct grasp_node *n, const struct question *q)
{
	const struct node_interface *i = node_interface(n, q->ifindex);

	return i && !q->link ? 1u << (i - n->interface) : 0;
}

/* I-16: the same question comes directly, relayed, and by several groups. NULL: not a copy. */
static const struct seen_entry *
find_copy(struct grasp_node *n, const struct question *q)
{
	int64_t now = node_now(n);
	const struct seen_entry *e =
	    seen_find(&n->seen, q->msg->session_id, &q->msg->initiator, now);

	if (!e || now - e->answered_ms >= ANSWER_ONCE_MS)
		return NULL;
	return e->answered & interface_bit(n, q) ? e : NULL;
}

static struct seen_entry *
note(struct grasp_node *n, const struct question *q)
{
	int64_t now = node_now(n);
	struct seen_entry *e =
	    seen_add(&n->seen, q->msg->session_id, &q->msg->initiator, now);

	if (!e)
		return NULL;
	if (now - e->answered_ms >= ANSWER_ONCE_MS)
		e->answered = 0;
	e->answered |= interface_bit(n, q);
	e->answered_ms = now;
	return e;
}

bool
response_admit(struct grasp_node *n, struct question *q, bool pass)
{
	enum grasp_verdict verdict = q->heard ? multicast_judge(n, q->heard) : GRASP_PASS;

	if (verdict == GRASP_DROP || (pass && verdict != GRASP_PASS))
		return false;
	if (!q->noted)
		q->noted = note(n, q);
	return q->noted;
}

/* A relay speaks for many who have signed, so these are told apart; who has not is known by his
 * address alone. */
static bool
source_within_limits(struct grasp_node *n, const struct grasp_peer *to)
{
	int64_t now = node_now(n);
	struct limit *source = node_limit_of(n, &n->answers_by_source, &to->addr), *one;
	struct addr signer = { 0 };

	if (!n->cfg.guard || !to->who)
		return source &&
		    limit_take(
			source, now, ANSWERS_PER_SOURCE_S, ANSWERS_PER_SOURCE_BURST);
	memcpy(signer.ip.s6_addr, to->who->id, sizeof signer.ip.s6_addr);
	one = node_limit_of(n, &n->answers_by_signer, &signer);
	return source && one &&
	    limit_take(one, now, ANSWERS_PER_SOURCE_S, ANSWERS_PER_SOURCE_BURST) &&
	    limit_take(source, now, ANSWERS_OF_RELAY_S, ANSWERS_OF_RELAY_S);
}

bool
response_within_limits(struct grasp_node *n, const struct grasp_peer *to)
{
	return n->responses_open < RESPONSES_MAX && source_within_limits(n, to) &&
	    limit_take(&n->answers, node_now(n), ANSWERS_PER_S, ANSWERS_PER_S);
}

static bool
wants_to_answer(
    const struct grasp_registration *r, const struct question *q, struct buf *value)
{
	struct grasp_objective asked = objective_for_asa(&q->msg->objective);

	if (!r->support.discovered)
		return r->flags & F_DISC;
	return r->support.discovered(r->arg, q->from, &asked, value);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void
add_locator(struct grasp_node *n, const struct in6_addr *ip, struct grasp_msg *msg)
{
	struct addr a = { .ip = *ip, .port = n->cfg.port };

	msg->locator[msg->locators++] = grasp_locator_from_addr(&a, GRASP_TCP);
}

static void
add_of_kind(struct grasp_node *n, const struct node_interface *i, bool link_local,
    unsigned most, struct grasp_msg *msg)
{
	for (int a = 0; a < i->is.addrs && msg->locators < most; a++)
		if (addr_is_link_local(&i->is.addr[a]) == link_local)
			add_locator(n, &i->is.addr[a], msg);
}

/* Global and ULA ones; a link-local one only if there is nothing else or the objective wants it
 * (G-025, G-026), or in DULL, which has no others (G-142). */
static void
add_locators(struct grasp_node *n, const struct node_interface *i, bool local,
    struct grasp_msg *msg)
{
	if (!n->cfg.dull && !local)
		add_of_kind(n, i, false, GRASP_LOCATORS_MAX, msg);
	if (msg->locators == 0)
		add_of_kind(n, i, true, 1, msg);
}

static int
encode(struct grasp_node *n, struct grasp_msg *msg)
{
	int r = node_encode(n, msg, GRASP_DEF_MAX_SIZE);

	if (r != -EMSGSIZE || !msg->has_objective)
		return r;
	msg->has_objective = false;
	return node_encode(n, msg, GRASP_DEF_MAX_SIZE);
}

int
response_send(struct grasp_node *n, const struct grasp_peer *to, struct grasp_link *l,
    struct grasp_msg *msg)
{
	int r = encode(n, msg);

	if (r < 0)
		return r;
	if (l)
		return link_send_bytes(l, buf_slice(&n->out)); /* G-073 */
	return send_by_stream(n, &to->addr, buf_slice(&n->out));
}

static void
answer(struct grasp_node *n, const struct grasp_registration *reg,
    const struct question *q, const struct buf *value)
{
	const struct node_interface *i = node_interface(n, q->ifindex);
	struct grasp_msg msg = {
		.type = M_RESPONSE,
		.session_id = q->msg->session_id,
		.initiator = q->msg->initiator,
		.time_ms = reg->ttl_ms ? reg->ttl_ms : RESPONSE_TTL_MS,
	};
	char text[ADDR_TEXT_MAX];
	int r;

	if (i)
		add_locators(n, i, reg->local, &msg);
	else if (q->link) /* a stream need not know its interface */
		add_locator(n, &q->link->local.ip, &msg);
	if (value->pos > 0 && !value->err) { /* G-068 */
		msg.has_objective = true;
		msg.objective = q->msg->objective;
		msg.objective.flags = reg->flags;
		msg.objective.value = buf_slice(value);
	}
	r = response_send(n, q->from, q->link, &msg);
	node_log(n, "discovery", "session %u: %s asks for %s, answering: %s",
	    msg.session_id, addr_format(&q->from->addr, text), reg->name,
	    r < 0 ? "failed" : "yes");
}

void
response_answer(
    struct grasp_node *n, const struct grasp_registration *reg, const struct question *q)
{
	struct buf none;

	buf_init_fixed(&none, NULL, 0);
	answer(n, reg, q, &none);
}

/* False: not supported here, after all. */
static bool
answer_ourselves(struct grasp_node *n, struct grasp_registration *reg, struct question *q)
{
	uint8_t memory[RESPONSE_VALUE_MAX];
	struct buf value;

	if (!reg->support.discovered && !(reg->flags & F_DISC))
		return false;
	if (!response_admit(n, q, false))
		return true;
	buf_init_fixed(&value, memory, sizeof memory);
	if (!wants_to_answer(reg, q, &value) || reg->dead || n->cfg.no_listener)
		return false;
	if (q->link && q->link->state != LINK_OPEN)
		return true;
	if (!response_within_limits(n, q->from))
		n->counters.rate_limited++;
	else if (!rapid_answer(n, reg, q))
		answer(n, reg, q, &value);
	return true;
}

/* True: settled here, nothing is to be passed on. */
static bool
respond(struct grasp_node *n, struct question *q)
{
	struct grasp_registration *reg = node_registration(n, q->msg->objective.name);
	const struct seen_entry *before;
	bool shared = reg && reg->support.shared, settled = false;

	if (!reg && !divert_knows(n, q->msg->objective.name))
		return false;
	before = find_copy(n, q);
	if (before) {
		n->counters.duplicate++;
		return before->settled;
	}
	/* What is free is done at once, what costs a signature check when it is needed. */
	if (!(n->cfg.guard && q->heard) && !response_admit(n, q, false))
		return true;
	if (reg)
		settled = answer_ourselves(n, reg, q);
	if (!settled && !shared && !n->dead && !(q->link && q->link->state != LINK_OPEN))
		settled = divert_consider(n, q, reg && !reg->dead ? reg : NULL);
	settled &= !shared;
	if (q->noted)
		q->noted->settled = settled;
	return settled;
}

static void
consider(struct grasp_node *n, struct question *q)
{
	n->counters.discoveries++;
	if (n->cfg.dull && q->msg->objective.loop_count != 1)
		n->counters.unwanted++; /* G-139 */
	else if (!respond(n, q) && !n->dead)
		relay_discovery(n, q);
}

void
response_consider(struct grasp_node *n, const struct grasp_peer *from,
    struct grasp_link *l, const struct grasp_msg *msg)
{
	struct question q = {
		.from = from, .link = l, .ifindex = link_ifindex(l), .msg = msg
	};

	consider(n, &q);
}

void
response_heard(struct grasp_node *n, struct heard *h)
{
	struct question q = {
		.from = &h->from,
		.ifindex = h->from.addr.ifindex,
		.msg = h->msg,
		.heard = h,
	};

	consider(n, &q);
}
