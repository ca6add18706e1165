/* SPDX-License-Identifier: Apache-2.0
 *
 * What a link carries: the stream is cut into messages on the way in (I-02); on the way out each
 * message is one send (I-01), and a peer that takes one receipt for one message gets a pause
 * after M_WAIT (I-03). */
#include "grasp/node_int.h"

#include <errno.h>

#include "base/addr_text.h"
#include "base/cbor.h"

#define PAUSE_MS 20

/* --- in ------------------------------------------------------------------------------------- */

bool
link_permits(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_node *n = l->node;
	char text[ADDR_TEXT_MAX];

	if (!n->cfg.permit || n->cfg.permit(n->cfg.permit_arg, grasp_link_who(l), msg))
		return true;
	n->counters.not_permitted++;
	node_log(n, "link", "%s may not begin with %s", addr_format(&l->peer, text),
	    grasp_type_name(msg->type));
	link_doom(l, -EACCES);
	return false;
}

/* What a peer begins, as opposed to what goes on with something. */
static bool
is_beginning(enum grasp_type type)
{
	return type == M_DISCOVERY || type == M_RESPONSE || type == M_REQ_NEG ||
	    type == M_REQ_SYN;
}

static void
dispatch(struct grasp_link *l, const struct grasp_msg *msg)
{
	struct grasp_peer from = { .addr = l->peer, .who = grasp_link_who(l) };

	if (is_beginning(msg->type) && !link_permits(l, msg))
		return;

	switch (msg->type) {
	case M_NOOP:
		l->beaten = true;
		return; /* G-003 */
	case M_DISCOVERY:
		response_consider(l->node, &from, l, msg);
		return;
	case M_RESPONSE:
		if (discovery_response(l, msg))
			return;
		l->node->counters.unwanted++;
		if (link_is_idle(l))
			link_doom(l, 0);
		return;
	case M_REQ_NEG:
	case M_REQ_SYN:
		session_request(l, msg);
		return;
	case M_NEGOTIATE:
	case M_END:
	case M_WAIT:
	case M_SYNCH:
	case M_INVALID:
		session_message(l, msg);
		return;
	case M_FLOOD:
		l->node->counters.unwanted++; /* a multicast message */
		return;
	}
}

/* The session id of whatever kind of message, as far as it has one (G-002). */
static bool
find_session_id(struct slice bytes, uint32_t *ret)
{
	struct cbor_reader r;
	uint64_t id;

	rd_init(&r, bytes, 0);
	rd_enter_array(&r);
	rd_skip(&r);
	id = rd_uint_max(&r, UINT32_MAX);
	*ret = (uint32_t)id;
	return !r.err;
}

static void
answer_invalid(struct grasp_link *l, struct slice bytes)
{
	uint32_t id;

	if (find_session_id(bytes, &id))
		link_invalid(l, id, bytes);
}

/* G-139: where all is link-local, nothing may have come from further away. */
static bool
is_forbidden(const struct grasp_node *n, const struct grasp_msg *msg)
{
	return n->cfg.dull && msg->has_objective && msg->objective.loop_count != 1;
}

static void
take_message(struct grasp_link *l, struct slice bytes)
{
	struct grasp_msg msg;
	size_t len;
	int r = grasp_msg_decode(bytes, &msg, &len);

	l->stats.messages_received++;
	if (r == -EPROTONOSUPPORT) {
		l->node->counters.unknown_type++;
		answer_invalid(l, bytes); /* G-005 */
	} else if (r < 0) {
		l->node->counters.malformed++;
		if (msg.type != M_INVALID) /* G-136 */
			answer_invalid(l, bytes);
		link_doom(l, -EBADMSG);
	} else if (is_forbidden(l->node, &msg)) {
		l->node->counters.unwanted++;
	} else {
		dispatch(l, &msg);
	}
}

static void
refuse_bytes(struct grasp_link *l, int err)
{
	if (err == -EMSGSIZE)
		l->node->counters.too_long++; /* G-012 */
	else
		l->node->counters.malformed++;
	link_doom(l, err);
}

/* Who says more than its share waits, and TCP makes it wait (security.md §8). It may be an honest
 * one with much to tell, after an outage for example: closing the link would only make it come again
 * with more. */
static void
hold_back(struct grasp_link *l, int64_t ms)
{
	const struct grasp_io_ops *io = l->node->io->ops;

	if (ms == 0 || l->state != LINK_OPEN)
		return;
	l->node->counters.links_paused++;
	if (!io->stream_pause) {
		link_doom(l, -ENOBUFS);
		return;
	}
	l->paused = true;
	l->paused_until_ms = node_now(l->node) + ms;
	io->stream_pause(l->stream, true);
	link_schedule(l);
}

static void
count_message(struct grasp_link *l, size_t len)
{
	int64_t now = node_now(l->node), ms, more;

	ms = limit_spend(&l->messages, now, LINK_MESSAGES_S, LINK_MESSAGES, 1);
	more = limit_spend(&l->bytes, now, LINK_BYTES_S, LINK_BYTES, len);
	hold_back(l, ms > more ? ms : more);
}

void
link_resume(struct grasp_link *l)
{
	if (!l->paused || node_now(l->node) < l->paused_until_ms)
		return;
	l->paused = false;
	l->node->io->ops->stream_pause(l->stream, false);
}

/* Returns how many bytes were complete messages; all of them when the link has gone. */
size_t
link_take(struct grasp_link *l, struct slice data)
{
	struct slice rest = data;

	while (rest.len > 0 && l->state == LINK_OPEN && !l->paused) {
		ssize_t len = cbor_item_length(rest, l->max);

		if (len == 0)
			break;
		if (len < 0) {
			refuse_bytes(l, (int)len);
			break;
		}
		take_message(l, (struct slice){ rest.data, (size_t)len });
		count_message(l, (size_t)len);
		rest.data += len;
		rest.len -= (size_t)len;
	}
	return l->state == LINK_OPEN ? data.len - rest.len : data.len;
}

/* --- out ------------------------------------------------------------------------------------ */

static int
gather(struct grasp_link *l, struct slice bytes)
{
	buf_put_slice(&l->gathered, bytes);
	return l->gathered.err ? -ENOBUFS : 0;
}

static int
send_now(struct grasp_link *l, struct slice bytes)
{
	int r = l->gathers ? gather(l, bytes)
			   : l->node->io->ops->stream_send(l->stream, bytes);

	if (r < 0) {
		link_doom(l, r);
		return r;
	}
	l->last_sent_ms = node_now(l->node);
	l->stats.messages_sent++;
	l->stats.bytes_sent += bytes.len;
	return 0;
}

static int
send_later(struct grasp_link *l, struct slice bytes)
{
	buf_put_slice(&l->late, bytes);
	if (l->late.err) {
		link_doom(l, -ENOBUFS);
		return -ENOBUFS;
	}
	link_schedule(l);
	return 0;
}

int
link_send_bytes(struct grasp_link *l, struct slice bytes)
{
	if (l->state != LINK_OPEN)
		return -ENOTCONN;
	if (bytes.len > l->max)
		return -EMSGSIZE;
	if (l->late.pos > 0 || node_now(l->node) < l->quiet_until_ms)
		return send_later(l, bytes);
	return send_now(l, bytes);
}

static int
send_gathered(struct grasp_link *l)
{
	const struct grasp_io_ops *io = l->node->io->ops;
	struct slice bytes = buf_slice(&l->gathered);
	int r = 0;

	if (bytes.len > 0 && l->stream)
		r = io->stream_send(l->stream, bytes);
	if (bytes.len > 0 && r == 0 && l->stream && io->stream_answers)
		io->stream_answers(l->stream); /* who answers once will do so again */
	buf_done(&l->gathered);
	buf_init(&l->gathered, GRASP_UNICAST_MAX);
	return r;
}

void
grasp_link_gather(struct grasp_link *l, bool on)
{
	struct grasp_node *n = l->node;
	int r;

	l->gathers = on && l->held && l->state == LINK_OPEN;
	if (on || l->state != LINK_OPEN)
		return;
	node_enter(n);
	r = send_gathered(l);
	if (r < 0)
		link_doom(l, r);
	node_return(n);
}

void
link_pause(struct grasp_link *l)
{
	if (!l->held)
		l->quiet_until_ms = node_now(l->node) + PAUSE_MS;
}

void
link_send_late(struct grasp_link *l)
{
	ssize_t len = cbor_item_length(buf_slice(&l->late), GRASP_UNICAST_MAX);

	if (l->state != LINK_OPEN || len <= 0 || node_now(l->node) < l->quiet_until_ms)
		return;
	if (send_now(l, (struct slice){ l->late.data, (size_t)len }) < 0)
		return;
	buf_drop(&l->late, (size_t)len);
	l->quiet_until_ms = l->late.pos > 0 ? node_now(l->node) + PAUSE_MS : 0;
	link_look(l); /* it may have waited for this to close */
}

void
link_flush(struct grasp_link *l)
{
	struct slice rest = buf_slice(&l->late);
	ssize_t len;

	(void)send_gathered(l);
	while (l->stream && (len = cbor_item_length(rest, GRASP_UNICAST_MAX)) > 0) {
		struct slice message = { rest.data, (size_t)len };

		if (l->node->io->ops->stream_send(l->stream, message) < 0)
			return;
		rest.data += len;
		rest.len -= (size_t)len;
	}
}

int
link_send(struct grasp_link *l, const struct grasp_msg *msg)
{
	int r = node_encode(l->node, msg, l->max);

	if (r < 0)
		return r;
	return link_send_bytes(l, buf_slice(&l->node->out));
}

/* G-133, G-134. */
void
link_invalid(struct grasp_link *l, uint32_t session_id, struct slice what)
{
	struct grasp_msg msg = { .type = M_INVALID, .session_id = session_id };
	uint8_t memory[OFFENCE_MAX + 8];
	struct buf content;

	buf_init_fixed(&content, memory, sizeof memory);
	if (what.len > OFFENCE_MAX)
		what.len = OFFENCE_MAX;
	if (slice_is_utf8(what))
		wr_text_slice(&content, what);
	else
		wr_bytes(&content, what.data, what.len);
	msg.content = buf_slice(&content);
	if (link_send(l, &msg) < 0)
		node_log(l->node, "link", "session %u: M_INVALID could not be sent",
		    session_id);
}
