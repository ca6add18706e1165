/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a link: opened or accepted, held or not, and closed when nobody needs it any more
 * or a deadline has passed. */
#include "grasp/relay.h"

#include <errno.h>
#include <string.h>

#include "base/addr_text.h"

static bool
is_up(const struct grasp_link *l)
{
	return l->state == LINK_OPENING || l->state == LINK_OPEN;
}

/* --- the end -------------------------------------------------------------------------------- */

static void
leave_guests(struct grasp_link *l)
{
	if (l->guest)
		TAILQ_REMOVE(&l->node->guests, l, guest_entry);
	l->guest = false;
}

static void
close_stream(struct grasp_link *l, bool abort)
{
	leave_guests(l);
	if (l->accepted && is_up(l))
		l->node->links_accepted--;
	if (!abort)
		link_flush(l);
	buf_done(&l->late);
	buf_done(&l->gathered);
	if (l->stream)
		l->node->io->ops->stream_close(l->stream, abort);
	l->stream = NULL;
	node_timer_free(l->node, &l->timer);
}

static void
destroy(struct garbage *g)
{
	struct grasp_link *l = container_of(g, struct grasp_link, garbage);

	relay_link_gone(l->node, l);
	TAILQ_REMOVE(&l->node->links, l, entry);
	free(l);
}

static void
bury(struct grasp_link *l)
{
	l->state = LINK_DEAD;
	if (l->due)
		TAILQ_REMOVE(&l->node->links_due, l, due_entry);
	l->due = false;
	node_discard(l->node, &l->garbage, destroy);
}

void
link_drop(struct grasp_link *l)
{
	struct grasp_session *s;

	if (l->state == LINK_DEAD)
		return;
	close_stream(l, false);
	TAILQ_FOREACH(s, &l->sessions, entry)
		session_drop(s);
	bury(l);
}

static void
end_sessions(struct grasp_link *l, int err)
{
	struct grasp_session *s;

	TAILQ_FOREACH(s, &l->sessions, entry)
		session_link_gone(s, err);
}

void
grasp_link_close(struct grasp_link *l)
{
	struct grasp_node *n = l->node;

	if (l->state == LINK_DEAD)
		return;
	node_enter(n);
	close_stream(l, false);
	l->state = LINK_GONE;
	end_sessions(l, -ECONNABORTED);
	link_drop(l);
	node_return(n);
}

void
link_doom(struct grasp_link *l, int err)
{
	char text[ADDR_TEXT_MAX];

	if (!is_up(l))
		return;
	node_log(l->node, "link", "%s: closing, %s", addr_format(&l->peer, text),
	    err ? strerror(-err) : "done");
	close_stream(l, err != 0 && err != -EBADMSG); /* M_INVALID shall arrive */
	l->state = LINK_GONE;
	l->err = err;
	link_look(l);
}

/* Callbacks of a link that is gone. Any of them may close it or free the node. */
static void
tell(struct grasp_link *l)
{
	end_sessions(l, l->err);
	if (l->state == LINK_DEAD)
		return;
	bury(l);
	if (l->ops.closed)
		l->ops.closed(l->arg, l, l->err);
}

/* --- deadlines ------------------------------------------------------------------------------ */

bool
link_is_idle(const struct grasp_link *l)
{
	return l->accepted && !l->held && l->live == 0;
}

static int64_t
frame_limit_ms(const struct grasp_link *l)
{
	return l->held && l->silence_ms > LINK_FRAME_MS ? l->silence_ms : LINK_FRAME_MS;
}

static void
sooner(int64_t *deadline, int64_t other)
{
	if (*deadline < 0 || other < *deadline)
		*deadline = other;
}

void
link_schedule(struct grasp_link *l)
{
	int64_t deadline = -1;

	if (l->state != LINK_OPEN)
		return;
	if (link_is_idle(l))
		sooner(&deadline, l->idle_since_ms + LINK_IDLE_MS);
	if (l->pending > 0)
		sooner(&deadline, l->partial_since_ms + frame_limit_ms(l));
	if (l->paused)
		sooner(&deadline, l->paused_until_ms);
	if (l->late.pos > 0)
		sooner(&deadline, l->quiet_until_ms);
	if (l->held && l->beat_ms)
		sooner(&deadline, l->last_sent_ms + l->beat_ms);
	if (l->held && l->silence_ms)
		sooner(&deadline, l->stats.last_heard_ms + l->silence_ms);
	if (deadline < 0)
		node_timer_stop(l->node, l->timer);
	else
		node_timer_set(l->node, l->timer, deadline - node_now(l->node));
}

static bool
is_overdue(const struct grasp_link *l, int64_t now)
{
	if (link_is_idle(l) && now >= l->idle_since_ms + LINK_IDLE_MS)
		return true;
	if (l->pending > 0 && now >= l->partial_since_ms + frame_limit_ms(l))
		return true;
	return l->held && l->silence_ms && now >= l->stats.last_heard_ms + l->silence_ms;
}

static void
beat(struct grasp_link *l)
{
	static const struct grasp_msg noop = { .type = M_NOOP };

	if (link_send(l, &noop) < 0)
		node_log(l->node, "link", "no heartbeat could be sent");
}

static void
fire(void *arg)
{
	struct grasp_link *l = arg;
	struct grasp_node *n = l->node;
	int64_t now = node_now(n);

	node_enter(n);
	link_resume(l);
	if (is_overdue(l, now))
		link_doom(l, -ETIMEDOUT);
	else if (l->late.pos > 0)
		link_send_late(l);
	else if (l->held && l->beat_ms && now >= l->last_sent_ms + l->beat_ms)
		beat(l);
	link_schedule(l);
	node_leave(n);
}

/* The peer's came, and it is nearly time for ours: it shares its acknowledgement. */
static void
beat_behind(struct grasp_link *l)
{
	int64_t due = l->last_sent_ms + l->beat_ms - l->beat_ms / 8;

	bool beats = l->beaten;

	l->beaten = false;
	if (!beats || l->state != LINK_OPEN || !l->held || !l->beat_ms ||
	    node_now(l->node) < due)
		return;
	beat(l);
	link_schedule(l);
}

void
link_look(struct grasp_link *l)
{
	if (l->state == LINK_DEAD)
		return;
	if (!l->due)
		TAILQ_INSERT_TAIL(&l->node->links_due, l, due_entry);
	l->due = true;
	node_sweep_soon(l->node);
}

static bool
is_spent(const struct grasp_link *l)
{
	return is_up(l) && !l->held && l->served && l->live == 0 && l->late.pos == 0;
}

void
link_attend(struct grasp_link *l)
{
	TAILQ_REMOVE(&l->node->links_due, l, due_entry);
	l->due = false;
	if (is_spent(l)) { /* G-051, G-054 */
		close_stream(l, false);
		l->state = LINK_GONE;
	}
	if (l->state == LINK_GONE)
		tell(l);
	else
		link_schedule(l);
}

/* --- stream events -------------------------------------------------------------------------- */

static ssize_t
received(void *arg, struct grasp_stream *stream, struct slice data)
{
	struct grasp_link *l = arg;
	struct grasp_node *n = l->node;
	size_t used, before = l->pending;

	(void)stream;
	node_enter(n);
	l->stats.bytes_received += data.len - before;
	l->stats.last_heard_ms = node_now(n);
	used = link_take(l, data);
	l->pending = data.len - used;
	if (l->pending > 0 && (before == 0 || used > 0))
		l->partial_since_ms = node_now(n);
	if (l->pending > 0 || before > 0)
		link_schedule(l);
	beat_behind(l);
	node_leave(n);
	return (ssize_t)used;
}

static void
closed(void *arg, struct grasp_stream *stream, int err)
{
	struct grasp_link *l = arg;
	struct grasp_node *n = l->node;

	(void)stream;
	node_enter(n);
	l->stream = NULL;
	link_doom(l, -err);
	node_leave(n);
}

static void
start_clocks(struct grasp_link *l)
{
	int64_t now = node_now(l->node);

	l->state = LINK_OPEN;
	l->idle_since_ms = l->last_sent_ms = l->stats.last_heard_ms = now;
	l->node->io->ops->stream_local(l->stream, &l->local);
	link_schedule(l);
}

static void
opened(void *arg, struct grasp_stream *stream)
{
	struct grasp_link *l = arg;
	struct grasp_node *n = l->node;
	struct grasp_session *s;

	(void)stream;
	node_enter(n);
	start_clocks(l);
	TAILQ_FOREACH(s, &l->sessions, entry)
		if (l->state == LINK_OPEN)
			session_link_opened(s);
	if (l->state == LINK_OPEN && l->ops.opened)
		l->ops.opened(l->arg, l);
	node_leave(n);
}

static const struct grasp_stream_ops stream_ops = { opened, received, closed };

/* --- the beginning --------------------------------------------------------------------------- */

static struct grasp_link *
new_link(struct grasp_node *n)
{
	struct grasp_link *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->node = n;
	l->max = n->cfg.unicast_max;
	TAILQ_INIT(&l->sessions);
	buf_init(&l->late, GRASP_UNICAST_MAX);
	buf_init(&l->gathered, GRASP_UNICAST_MAX);
	if (node_timer_new(n, fire, l, &l->timer) < 0) {
		free(l);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&n->links, l, entry);
	n->counters.links++;
	return l;
}

static unsigned
count_from(const struct grasp_node *n, const struct in6_addr *ip)
{
	const struct grasp_link *l;
	unsigned count = 0;

	TAILQ_FOREACH(l, &n->guests, guest_entry)
		count += IN6_ARE_ADDR_EQUAL(&l->peer.ip, ip);
	return count;
}

/* When all places are taken, who has nothing to say leaves first (S-14). */
static bool
make_room(struct grasp_node *n)
{
	struct grasp_link *l;

	if (n->links_accepted < n->cfg.links_max)
		return true;
	TAILQ_FOREACH(l, &n->guests, guest_entry)
		if (l->live == 0) {
			link_doom(l, -ECONNABORTED);
			return true;
		}
	return false;
}

/* G-137, G-144: in DULL from the one link alone. */
static bool
may_come(const struct grasp_node *n, const struct addr *peer)
{
	return !n->cfg.dull ||
	    (addr_is_link_local(&peer->ip) && peer->ifindex == n->cfg.interface);
}

void
link_accept(struct grasp_node *n, struct grasp_stream *stream)
{
	struct grasp_link *l = NULL;
	struct addr peer;

	n->io->ops->stream_peer(stream, &peer);
	if (!may_come(n, &peer)) {
		n->counters.bad_source++;
		n->io->ops->stream_close(stream, true);
		return;
	}
	if (count_from(n, &peer.ip) < GUESTS_PER_ADDRESS && make_room(n))
		l = new_link(n);
	if (!l) {
		n->counters.links_refused++;
		n->io->ops->stream_close(stream, true);
		return;
	}
	l->accepted = l->guest = true;
	n->links_accepted++;
	TAILQ_INSERT_TAIL(&n->guests, l, guest_entry);
	l->stream = stream;
	l->peer = peer;
	n->io->ops->stream_set(stream, &stream_ops, l);
	start_clocks(l);
}

int
link_open(struct grasp_node *n, const struct addr *to, int64_t timeout_ms,
    const struct grasp_link_ops *ops, void *arg, struct grasp_link **ret)
{
	struct grasp_link *l = new_link(n);
	int r;

	if (!l)
		return -ENOMEM;
	l->peer = *to;
	r = n->io->ops->stream_open(n->io, to, timeout_ms, &stream_ops, l, &l->stream);
	if (r < 0) {
		link_drop(l);
		return r;
	}
	grasp_link_set(l, ops, arg);
	*ret = l;
	return 0;
}

int
grasp_link_open(struct grasp_node *n, const struct addr *to,
    const struct grasp_link_ops *ops, void *arg, struct grasp_link **ret)
{
	if (n->cfg.dull)
		return -EPERM; /* G-138 */
	return link_open(n, to, LINK_OPEN_MS, ops, arg, ret);
}

void
grasp_link_set(struct grasp_link *l, const struct grasp_link_ops *ops, void *arg)
{
	l->ops = ops ? *ops : (struct grasp_link_ops){ 0 };
	l->arg = arg;
}

void *
grasp_link_arg(const struct grasp_link *l)
{
	return l->arg;
}

void
grasp_link_hold(struct grasp_link *l, uint32_t beat_ms, uint32_t silence_ms, uint32_t max)
{
	l->held = true;
	leave_guests(l);
	l->beat_ms = beat_ms;
	l->silence_ms = silence_ms;
	if (max > GRASP_UNICAST_MAX)
		max = GRASP_UNICAST_MAX;
	if (max)
		l->max = max;
	link_schedule(l);
}

/* --- what it is ------------------------------------------------------------------------------ */

static bool
has_address(const struct node_interface *i, const struct in6_addr *ip)
{
	for (int a = 0; a < i->is.addrs; a++)
		if (IN6_ARE_ADDR_EQUAL(&i->is.addr[a], ip))
			return true;
	return false;
}

uint32_t
link_ifindex(const struct grasp_link *l)
{
	const struct grasp_node *n = l->node;

	if (l->local.ifindex)
		return l->local.ifindex;
	for (int i = 0; i < n->interfaces; i++)
		if (has_address(&n->interface[i], &l->local.ip))
			return n->interface[i].is.index;
	return 0;
}

void
grasp_link_peer(const struct grasp_link *l, struct addr *ret)
{
	*ret = l->peer;
}

void
grasp_link_local(const struct grasp_link *l, struct addr *ret)
{
	*ret = l->local;
}

const struct grasp_who *
grasp_link_who(const struct grasp_link *l)
{
	const struct grasp_io_ops *io = l->node->io->ops;

	return l->stream && io->stream_who ? io->stream_who(l->stream) : NULL;
}

struct grasp_node *
grasp_link_node(struct grasp_link *l)
{
	return l->node;
}

void
grasp_link_stats(const struct grasp_link *l, struct grasp_link_stats *ret)
{
	*ret = l->stats;
}
