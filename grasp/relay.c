/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/relay.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/addr_text.h"
#include "base/cbor.h"
#include "grasp/loop_count.h"

#define RELAY_PER_S	       16
#define RELAY_BURST	       40
#define RELAY_PER_SOURCE_S     8
#define RELAY_PER_SOURCE_BURST 20
#define RELAYS_MAX	       256
#define RELAY_WAIT_MAX_MS      10000
#define RELAY_ASKERS_MAX       8
#define RELAY_RESULTS_MAX      16 /* that one asker is told */
#define RESULTS_PER_S	       200
#define RESULTS_PER_SOURCE_S   20 /* a relay asks for many */

/* What was relayed stays remembered as long as it has to (G-120), whatever others send. */
static_assert(2 * (RELAY_PER_S * (GRASP_SEEN_MS / 1000) + RELAY_BURST) < SEEN_MAX,
    "relayed messages do not fit the memory of what was sent");
/* Slots run out before the rate does only if somebody keeps them by high loop counts. */
static_assert(RELAY_PER_S * (RELAY_WAIT_MAX_MS / 1000) + RELAY_BURST < RELAYS_MAX,
    "relayed discoveries do not fit their table");

struct asker {
	struct grasp_peer from;
	struct grasp_link *link; /* NULL: by multicast */
	bool gone;
	uint32_t session_id;
	struct grasp_initiator initiator;
};

/* A discovery that we have passed on and that may still be answered. */
struct grasp_relay {
	TAILQ_ENTRY(grasp_relay) entry;
	struct asker asker[RELAY_ASKERS_MAX]; /* the first one's id is on the wire */
	unsigned askers, results;
	uint32_t ifindex; /* where they asked */
	int64_t expires_ms;
	struct grasp_objective objective; /* as it came; its slices point to bytes */
	uint8_t bytes[];
};

/* --- bytes ---------------------------------------------------------------------------------- */

int
relay_decrement(struct slice message, struct buf *out)
{
	struct loop_count l;

	if (loop_count_find(message, &l) < 0)
		return -EBADMSG;
	if (l.count <= 1)
		return -ELOOP; /* G-082, G-119 */
	buf_put(out, message.data, l.at);
	wr_uint(out, l.count - 1);
	buf_put(out, message.data + l.end, message.len - l.end);
	return out->err;
}

/* --- may it be passed on? ------------------------------------------------------------------- */

/* From a link to the other ones. */
static bool
has_elsewhere(const struct grasp_node *n, const struct grasp_peer *from)
{
	if (!n->cfg.relay || !n->cfg.link_local || n->interfaces < 2)
		return false;
	return !from->multicast || multicast_is_link_group(&from->group); /* F-08 */
}

static bool
within_limits(struct grasp_node *n, struct relay_limit *l, const struct grasp_peer *from)
{
	int64_t now = node_now(n);
	struct limit *source = node_limit_of(n, &l->by_source, &from->addr);

	if (source &&
	    limit_take(source, now, RELAY_PER_SOURCE_S, RELAY_PER_SOURCE_BURST) &&
	    limit_take(&l->all, now, RELAY_PER_S, RELAY_BURST))
		return true;
	n->counters.relay_limited++;
	return false;
}

/* Into n->out, and remembered so that no copy of it is passed on again. */
static int
prepare(struct grasp_node *n, struct slice bytes, const struct grasp_msg *msg)
{
	struct seen_entry *e;
	int r;

	buf_reset(&n->out);
	r = relay_decrement(bytes, &n->out);
	if (r < 0)
		return r;
	e = seen_add(&n->sent, msg->session_id, &msg->initiator, node_now(n));
	if (!e)
		return -ENOMEM;
	e->loop_count = multicast_loop_count(msg);
	return 0;
}

/* --- floods --------------------------------------------------------------------------------- */

bool
relay_wants_flood(const struct grasp_node *n, const struct heard *h)
{
	return has_elsewhere(n, &h->from) && h->msg->flooded[0].loop_count > 1;
}

void
relay_flood(struct grasp_node *n, const struct heard *h)
{
	const struct grasp_msg *msg = h->msg;

	if (!has_elsewhere(n, &h->from))
		return;
	if (msg->flooded[0].loop_count <= 1) {
		n->counters.loop_exhausted++;
		return;
	}
	if (!within_limits(n, &n->relayed_floods, &h->from) ||
	    prepare(n, h->bytes, msg) < 0)
		return;
	n->counters.relayed_floods++;
	node_log(n, "flood", "session %u: passed on, %d datagrams", msg->session_id,
	    multicast_pass_on(n, h->from.addr.ifindex, false));
}

/* --- discoveries under way ------------------------------------------------------------------ */

static void
drop(struct grasp_node *n, struct grasp_relay *r)
{
	TAILQ_REMOVE(&n->relays, r, entry);
	n->relays_open--;
	free(r);
}

void
relay_done(struct grasp_node *n)
{
	struct grasp_relay *r;

	while ((r = TAILQ_FIRST(&n->relays)))
		drop(n, r);
	free(n->relayed_discoveries.by_source);
	free(n->relayed_floods.by_source);
	free(n->relayed_answers.by_source);
}

static void
expire(struct grasp_node *n, int64_t now)
{
	struct grasp_relay *r, *next;

	for (r = TAILQ_FIRST(&n->relays); r; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->expires_ms <= now)
			drop(n, r);
	}
}

void
relay_link_gone(struct grasp_node *n, const struct grasp_link *l)
{
	struct grasp_relay *r;

	TAILQ_FOREACH(r, &n->relays, entry)
		for (unsigned i = 0; i < r->askers; i++)
			if (r->asker[i].link == l)
				r->asker[i].gone = true;
}

static void
add_asker(struct grasp_relay *r, const struct question *q)
{
	r->asker[r->askers++] = (struct asker){
		.from = *q->from,
		.link = q->link,
		.session_id = q->msg->session_id,
		.initiator = q->msg->initiator,
	};
	r->asker[r->askers - 1].from.who = NULL; /* it is not ours to keep */
}

/* G-086. */
static int64_t
deadline(struct grasp_node *n, const struct question *q)
{
	int64_t wait = GRASP_HOP_TIMEOUT_MS * (q->msg->objective.loop_count - 1);

	return node_now(n) + (wait < RELAY_WAIT_MAX_MS ? wait : RELAY_WAIT_MAX_MS);
}

static struct grasp_relay *
new_relay(struct grasp_node *n, const struct question *q)
{
	const struct grasp_objective *o = &q->msg->objective;
	struct grasp_relay *r;

	if (n->relays_open >= RELAYS_MAX) {
		n->counters.relay_limited++;
		return NULL;
	}
	r = calloc(1, sizeof *r + objective_size(o));
	if (!r)
		return NULL;
	r->objective = objective_copy(o, r->bytes);
	r->ifindex = q->ifindex;
	r->expires_ms = deadline(n, q);
	add_asker(r, q);
	TAILQ_INSERT_TAIL(&n->relays, r, entry);
	n->relays_open++;
	return r;
}

/* --- discoveries: out ----------------------------------------------------------------------- */

static bool
asks_the_same(const struct grasp_relay *r, const struct question *q)
{
	const struct grasp_objective *a = &r->objective, *b = &q->msg->objective;

	return r->ifindex == q->ifindex && r->results == 0 && a->flags == b->flags &&
	    a->loop_count >= b->loop_count && slice_equal(a->name, b->name) &&
	    slice_equal(a->value, b->value);
}

/* The same question is under way: its answers serve both. */
static bool
join(struct grasp_node *n, const struct question *q)
{
	struct grasp_relay *r;
	struct seen_entry *e;

	TAILQ_FOREACH(r, &n->relays, entry)
		if (r->askers < RELAY_ASKERS_MAX && asks_the_same(r, q))
			break;
	if (!r)
		return false;
	e = seen_add(&n->seen, q->msg->session_id, &q->msg->initiator, node_now(n));
	if (!e)
		return false;
	e->joined = true;
	add_asker(r, q);
	if (deadline(n, q) > r->expires_ms)
		r->expires_ms = deadline(n, q);
	return true;
}

/* Passed on or joined before (G-085). Of what came by multicast the former is known by now. */
static bool
was_taken(struct grasp_node *n, const struct grasp_msg *msg)
{
	int64_t now = node_now(n);
	const struct seen_entry *e =
	    seen_find(&n->seen, msg->session_id, &msg->initiator, now);

	if (e && e->joined)
		return true;
	e = seen_find(&n->sent, msg->session_id, &msg->initiator, now);
	return e && multicast_was_passed_on(n, e, msg);
}

static int
prepare_question(struct grasp_node *n, const struct question *q)
{
	uint8_t memory[GRASP_MULTICAST_MAX];
	struct buf copy;
	int r;

	if (q->heard)
		return prepare(n, q->heard->bytes, q->msg);
	buf_init_fixed(&copy, memory, sizeof memory); /* by a stream */
	r = grasp_msg_encode(q->msg, &copy);
	return r < 0 ? r : prepare(n, buf_slice(&copy), q->msg);
}

void
relay_discovery(struct grasp_node *n, struct question *q)
{
	int64_t now = node_now(n);

	if (!has_elsewhere(n, q->from) || was_taken(n, q->msg))
		return; /* G-072, G-085 */
	if (q->msg->objective.loop_count <= 1) {
		n->counters.loop_exhausted++;
		return;
	}
	if (q->heard && multicast_judge(n, q->heard) != GRASP_PASS)
		return;
	expire(n, now);
	if (join(n, q) || !within_limits(n, &n->relayed_discoveries, q->from))
		return;
	if (!new_relay(n, q) || prepare_question(n, q) < 0)
		return;
	n->counters.relayed_discoveries++;
	node_log(n, "discovery", "session %u: passed on, %d datagrams",
	    q->msg->session_id, multicast_pass_on(n, q->ifindex, !q->heard));
}

/* --- discoveries: back ---------------------------------------------------------------------- */

struct grasp_relay *
relay_find(struct grasp_node *n, const struct grasp_msg *msg)
{
	int64_t now = node_now(n);
	struct grasp_relay *r;

	TAILQ_FOREACH(r, &n->relays, entry)
		if (r->expires_ms > now && r->asker[0].session_id == msg->session_id &&
		    initiator_equal(&r->asker[0].initiator, &msg->initiator))
			return r;
	return NULL;
}

struct slice
relay_name(const struct grasp_relay *r)
{
	return r->objective.name;
}

static bool
may_tell(struct grasp_node *n, const struct asker *a)
{
	int64_t now = node_now(n);
	struct limit *source;

	if (a->gone || n->responses_open >= RESPONSES_MAX)
		return false;
	source = node_limit_of(n, &n->relayed_answers.by_source, &a->from.addr);
	return source &&
	    limit_take(source, now, RESULTS_PER_SOURCE_S, RESULTS_PER_SOURCE_S) &&
	    limit_take(&n->relayed_answers.all, now, RESULTS_PER_S, RESULTS_PER_S);
}

static void
tell(struct grasp_node *n, const struct asker *a, struct grasp_msg *answer)
{
	if (!may_tell(n, a)) {
		n->counters.relay_limited++;
		return;
	}
	answer->session_id = a->session_id;
	answer->initiator = a->initiator;
	if (response_send(n, &a->from, a->link, answer) == 0)
		n->counters.relayed_responses++;
}

void
relay_tell(struct grasp_node *n, struct grasp_relay *r, const struct grasp_found *found)
{
	struct grasp_msg answer = {
		.type = M_RESPONSE, .diverted = true, .time_ms = found->ttl_ms
	};

	for (size_t i = 0; i < found->locators; i++)
		divert_add(n, &answer, &found->locator[i]);
	if (answer.locators == 0 || r->results++ >= RELAY_RESULTS_MAX)
		return; /* known here only, or told enough */
	if (found->objective) {
		answer.has_objective = true;
		answer.objective = *found->objective;
	}
	for (unsigned i = 0; i < r->askers; i++)
		tell(n, &r->asker[i], &answer);
}
