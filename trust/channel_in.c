/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes to one stream of a channel, and the handshake that opens it. */
#include "trust/channel_int.h"

#include <errno.h>
#include <string.h>

/* --- data ------------------------------------------------------------------------------------ */

/* Keeps what the owner has not used; memory only as long as something waits. */
static int
keep(struct channel_stream *s, struct slice data, size_t used)
{
	if (used >= data.len) {
		buf_done(&s->in);
		buf_init(&s->in, CHANNEL_IN_MAX);
	} else if (s->in.pos > 0) {
		buf_drop(&s->in, used);
	} else {
		buf_put(&s->in, data.data + used, data.len - used);
	}
	if (s->in.err)
		return -s->in.err;
	return s->in.pos >= CHANNEL_INPUT_MAX && !s->paused ? EMSGSIZE : 0;
}

/* False: s is gone, or has ended. */
static bool
give(struct channel_stream *s, struct slice data)
{
	ssize_t used;
	int err;

	s->in_callback = true;
	used = s->in.err ? s->in.err : s->ops->received(s->arg, channel_outer(s), data);
	if (!channel_stream_leave_callback(s))
		return false;
	err = used < 0 ? (int)-used : keep(s, data, (size_t)used);
	if (err)
		channel_stream_finish(s, err);
	return !err;
}

/* The peer has said goodbye, and its owner has heard all that came before. */
static bool
is_over(const struct channel_stream *s)
{
	return tls_is_ended(s->tls) && !s->again && !(s->paused && s->in.pos > 0);
}

static void
end_in_order(struct channel_stream *s)
{
	channel_stream_say_goodbye(s);
	channel_stream_finish(s, 0);
}

void
channel_stream_give_again(struct channel_stream *s)
{
	channel_stream_leave_again(s);
	if (s->state == CHANNEL_OPEN && give(s, buf_slice(&s->in)) && is_over(s))
		end_in_order(s);
}

static bool
deliver(struct channel_stream *s)
{
	struct slice data = buf_slice(&s->channel->plain);

	if (data.len == 0)
		return true;
	if (s->in.pos == 0)
		return give(s, data);
	buf_put_slice(&s->in, data);
	return give(s, buf_slice(&s->in));
}

/* --- handshakes ------------------------------------------------------------------------------ */

/* A handshake that came to nothing, or a connection that was tampered with. */
static void
fail(struct channel_stream *s, int err)
{
	if (channel_stream_is_stranger(s)) {
		const char *text = tls_error(s->tls);

		channel_stream_refuse(
		    s, channel_refusal_of(err), *text ? text : strerror(-err));
		return;
	}
	s->channel->counters.handshakes_failed += s->state == CHANNEL_GREETING;
	channel_stream_finish(s, -err);
}

/* Whoever is bound gets to know of a stream that others have opened. */
static void
announce(struct channel_stream *s)
{
	struct channel *ch = s->channel;

	switch (s->purpose) {
	case CHANNEL_TO_SPEAK:
		ch->counters.accepted++;
		break;
	case CHANNEL_TO_JOIN:
		ch->counters.joining++;
		break;
	case CHANNEL_TO_OPERATE:
		ch->counters.accepted++;
		ch->cfg.operate(ch->cfg.arg, channel_outer(s), &s->name);
		return;
	}
	ch->events->accepted(ch->events_arg, channel_outer(s));
}

static bool
admit(struct channel_stream *s)
{
	struct channel *ch = s->channel;

	if (!channel_is_trusted(s)) { /* it was, when it showed its certificate */
		channel_stream_refuse(s, CHANNEL_REVOKED, "not trusted any more");
		return false;
	}
	channel_stream_leave_queue(s);
	buf_done(&s->in);
	buf_init(&s->in, CHANNEL_IN_MAX);
	if (s->purpose == CHANNEL_TO_JOIN)
		channel_make_room_for_joiner(ch, &s->peer);
	channel_stream_set_state(s, CHANNEL_OPEN);
	s->in_callback = true;
	announce(s);
	if (!s->ops && !s->closing)
		s->closing = s->aborting = true; /* nobody wants it */
	return channel_stream_leave_callback(s);
}

static bool
enter(struct channel_stream *s)
{
	struct slice early = buf_slice(&s->out);

	s->channel->counters.opened++;
	channel_stream_set_state(s, CHANNEL_OPEN);
	if (early.len > 0 && channel_stream_put(s, early) < 0 && !s->closing) {
		channel_stream_finish(s, EPIPE);
		return false;
	}
	s->in_callback = true;
	if (s->ops && s->ops->opened)
		s->ops->opened(s->arg, channel_outer(s));
	return channel_stream_leave_callback(s);
}

/* Both sides have proved who they are. False: s is gone, or has ended. */
static bool
open_up(struct channel_stream *s)
{
	bool here = s->server ? admit(s) : enter(s);

	if (here)
		channel_stream_forget_handshake(s);
	return here;
}

/* False: s is gone, or has ended. */
bool
channel_stream_take(struct channel_stream *s, struct slice data)
{
	struct channel *ch = s->channel;
	int err;

	buf_reset(&ch->plain);
	buf_reset(&ch->wire);
	err = tls_take(s->tls, data, &ch->plain, &ch->wire);
	if (channel_stream_send_wire(s) < 0 && err == 0 && s->inner)
		err = -EPIPE;
	if (err < 0) {
		fail(s, err);
		return false;
	}
	if (s->state == CHANNEL_HELLO && ch->wire.pos > 0) {
		channel_stream_set_state(s, CHANNEL_SHAKING);
		s->in.max = CHANNEL_IN_MAX;
		channel_set_deadline(s, CHANNEL_HANDSHAKE_MS);
	}
	if (s->state != CHANNEL_OPEN && tls_is_open(s->tls) && !open_up(s))
		return false;
	if (s->state != CHANNEL_OPEN)
		return true;
	if (!deliver(s))
		return false;
	if (!is_over(s))
		return true;
	end_in_order(s);
	return false;
}

/* --- the inner stream ------------------------------------------------------------------------ */

static ssize_t
received(void *arg, struct grasp_stream *inner, struct slice data)
{
	struct channel_stream *s = arg;

	(void)inner;
	switch (s->state) {
	case CHANNEL_HELLO:
		return (ssize_t)channel_stream_take_hello(s, data);
	case CHANNEL_SHAKING:
		channel_stream_take_later(s, data);
		break;
	case CHANNEL_GREETING:
	case CHANNEL_OPEN:
		(void)channel_stream_take(s, data);
		break;
	case CHANNEL_PARTING:
	case CHANNEL_CONNECTING:
	case CHANNEL_ENDED:
		break;
	}
	return (ssize_t)data.len;
}

/* It is an error if no close_notify came before: somebody else may have cut the connection (RFC 8446
 * §6.1). A stranger's last words may still wait in the queue. */
static void
closed(void *arg, struct grasp_stream *inner, int err)
{
	struct channel_stream *s = arg;

	(void)inner;
	s->inner = NULL;
	if (s->state == CHANNEL_SHAKING && s->queued && err == 0 &&
	    !channel_stream_work(s))
		return;
	if (s->state == CHANNEL_PARTING)
		channel_stream_free(s);
	else if (channel_stream_is_stranger(s))
		channel_stream_refuse(s, CHANNEL_BROKEN, "cut off");
	else {
		s->channel->counters.handshakes_failed += s->state == CHANNEL_GREETING;
		channel_stream_finish(s, err ? err : ECONNRESET);
	}
}

static void
opened(void *arg, struct grasp_stream *inner)
{
	struct channel_stream *s = arg;
	struct channel *ch = s->channel;
	enum credential_state state = credential_state(ch->cfg.self);
	char hint[17];
	int err;

	s->purpose = state == CREDENTIAL_VALID ? CHANNEL_TO_SPEAK : CHANNEL_TO_JOIN;
	ch->inner->ops->stream_local(inner, &s->local);
	channel_stream_set_state(s, CHANNEL_GREETING);
	if (s->deadline_ms > channel_now(ch) + CHANNEL_HANDSHAKE_MS)
		channel_set_deadline(s, CHANNEL_HANDSHAKE_MS);
	err = tls_new_client(ch->client,
	    s->purpose == CHANNEL_TO_SPEAK ? CHANNEL_ALPN_GRASP : CHANNEL_ALPN_JOIN,
	    *credential_hint(ch->cfg.self, hint) ? hint : NULL, s, &s->tls);
	if (err < 0)
		channel_stream_finish(s, -err);
	else
		(void)channel_stream_take(s, (struct slice){ 0 });
}

const struct grasp_stream_ops channel_inner_ops = { opened, received, closed };

/* --- ours ------------------------------------------------------------------------------------ */

int
channel_stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	struct channel *ch = container_of(io, struct channel, base);
	struct channel_stream *s = channel_stream_new(ch, CHANNEL_CONNECTING, false);
	int err;

	if (!s)
		return -ENOMEM;
	s->peer = *to;
	s->ops = ops;
	s->arg = arg;
	err = ch->inner->ops->stream_open(
	    ch->inner, to, timeout_ms, &channel_inner_ops, s, &s->inner);
	if (err < 0) {
		channel_stream_free(s);
		return err;
	}
	channel_set_deadline(s, timeout_ms);
	*ret = channel_outer(s);
	return 0;
}
