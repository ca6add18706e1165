/* SPDX-License-Identifier: Apache-2.0
 *
 * One stream of a channel: TLS on top of a stream of the inner io. As io.h wants it, no callback comes
 * from inside the call that caused it, and an owner may close its stream inside any callback; then it
 * goes when that has returned. */
#include "trust/channel_int.h"

#include <errno.h>
#include <string.h>

#define TLS_RECORD_HEADER 5
#define TLS_HANDSHAKE	  0x16 /* the first byte of every connection (RFC 8446 §5.1) */

static struct channel_stream *
stream_of(const struct grasp_stream *s)
{
	return (struct channel_stream *)(uintptr_t)s;
}

static struct grasp_stream *
outer(struct channel_stream *s)
{
	return (struct grasp_stream *)s;
}

/* --- states --------------------------------------------------------------------------------- */

bool
channel_stream_is_stranger(const struct channel_stream *s)
{
	return s->state <= CHANNEL_PARTING;
}

static struct channel_streams *
list_of(const struct channel_stream *s, enum channel_state state)
{
	struct channel *ch = s->channel;

	switch (state) {
	case CHANNEL_HELLO:
	case CHANNEL_SHAKING:
	case CHANNEL_PARTING:
		return &ch->strangers;
	case CHANNEL_CONNECTING:
	case CHANNEL_GREETING:
		return &ch->opening;
	case CHANNEL_OPEN:
		return s->server && s->purpose == CHANNEL_TO_JOIN ? &ch->joining
								  : &ch->open;
	case CHANNEL_ENDED:
		return &ch->ended;
	}
	return NULL;
}

static void
leave_list(struct channel_stream *s)
{
	struct channel *ch = s->channel;

	if (!s->list)
		return;
	TAILQ_REMOVE(s->list, s, entry);
	ch->counters.strangers -= s->list == &ch->strangers;
	ch->joiners -= s->list == &ch->joining;
	s->list = NULL;
}

static void
change_state(struct channel_stream *s, enum channel_state state)
{
	struct channel *ch = s->channel;
	struct channel_streams *list = list_of(s, state);

	s->state = state;
	s->since_ms = channel_now(ch);
	if (s->list == list)
		return;
	leave_list(s);
	s->list = list;
	TAILQ_INSERT_TAIL(list, s, entry);
	ch->counters.strangers += list == &ch->strangers;
	ch->joiners += list == &ch->joining;
}

/* --- life ------------------------------------------------------------------------------------ */

static struct channel_stream *
make(struct channel *ch, enum channel_state state, bool server)
{
	struct channel_stream *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->channel = ch;
	s->server = server;
	buf_init(&s->in, server ? CHANNEL_HELLO_MAX : CHANNEL_IN_MAX);
	buf_init(&s->out, CHANNEL_QUEUE_MAX);
	change_state(s, state);
	ch->counters.streams++;
	return s;
}

static void
leave_queue(struct channel_stream *s)
{
	if (s->queued)
		TAILQ_REMOVE(&s->channel->queue, s, queue_entry);
	s->queued = false;
}

/* What only a handshake needs. */
static void
forget_handshake(struct channel_stream *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->own); i++)
		cert_unref(TAKE(s->own[i]));
	buf_done(&s->out);
}

static void
close_inner(struct channel_stream *s, bool abort)
{
	if (s->inner)
		s->channel->inner->ops->stream_close(TAKE(s->inner), abort);
}

static void
leave_again(struct channel_stream *s)
{
	if (s->again)
		TAILQ_REMOVE(&s->channel->again, s, again_entry);
	s->again = false;
}

static void
destroy(struct channel_stream *s)
{
	leave_queue(s);
	leave_again(s);
	leave_list(s);
	forget_handshake(s);
	tls_free(s->tls);
	buf_done(&s->in);
	s->channel->counters.streams--;
	free(s);
}

void
channel_stream_drop(struct channel_stream *s)
{
	close_inner(s, true);
	destroy(s);
}

/* --- out ------------------------------------------------------------------------------------- */

/* What TLS has put into wire. */
static int
send_wire(struct channel_stream *s)
{
	struct channel *ch = s->channel;
	int err;

	if (ch->wire.err)
		return ch->wire.err;
	if (ch->wire.pos == 0)
		return 0;
	if (!s->inner)
		return -EPIPE;
	err = ch->inner->ops->stream_send(s->inner, buf_slice(&ch->wire));
	s->stuck |= err < 0;
	return err;
}

static int
put(struct channel_stream *s, struct slice data)
{
	struct channel *ch = s->channel;
	int err;

	buf_reset(&ch->wire);
	err = tls_put(s->tls, data, &ch->wire);
	if (err < 0) {
		s->stuck = true;
		return err;
	}
	return send_wire(s);
}

static int
stream_send(struct grasp_stream *base, struct slice data)
{
	struct channel_stream *s = stream_of(base);

	if (s->closing || s->stuck || !s->inner || s->state == CHANNEL_ENDED)
		return -EPIPE;
	if (data.len > CHANNEL_QUEUE_MAX - s->out.pos)
		return -ENOBUFS;
	if (s->state == CHANNEL_OPEN)
		return put(s, data);
	buf_put_slice(&s->out, data);
	return s->out.err;
}

/* --- the owner ------------------------------------------------------------------------------- */

static void
say_goodbye(struct channel_stream *s)
{
	struct channel *ch = s->channel;

	if (s->stuck || !s->inner)
		return;
	buf_reset(&ch->wire);
	tls_end(s->tls, &ch->wire);
	(void)send_wire(s);
}

/* Its owner has closed it. What was sent before it was open is worth a handshake. */
static void
leave(struct channel_stream *s)
{
	if (s->state == CHANNEL_OPEN && !s->aborting)
		say_goodbye(s);
	if ((s->state == CHANNEL_CONNECTING || s->state == CHANNEL_GREETING) &&
	    !s->aborting && s->out.pos > 0) {
		channel_set_deadline(s, CHANNEL_LINGER_MS);
		return;
	}
	close_inner(s, s->aborting);
	destroy(s);
}

/* False: the owner has closed it meanwhile, or it has ended; s may be gone. */
static bool
leave_callback(struct channel_stream *s)
{
	s->in_callback = false;
	if (s->closing) {
		leave(s);
		return false;
	}
	return s->state != CHANNEL_ENDED;
}

/* The stream ends and its owner is told. */
static void
finish(struct channel_stream *s, int err)
{
	s->in_callback = true;
	close_inner(s, false);
	if (s->ops && s->ops->closed)
		s->ops->closed(s->arg, outer(s), err);
	destroy(s);
}

void
channel_stream_tell_ended(struct channel_stream *s)
{
	finish(s, s->err);
}

void
channel_stream_end(struct channel_stream *s, int err)
{
	close_inner(s, true);
	s->err = err;
	change_state(s, CHANNEL_ENDED);
	channel_run_soon(s->channel);
}

static void
stream_set(struct grasp_stream *base, const struct grasp_stream_ops *ops, void *arg)
{
	struct channel_stream *s = stream_of(base);

	s->ops = ops;
	s->arg = arg;
}

static void
stream_close(struct grasp_stream *base, bool abort)
{
	struct channel_stream *s = stream_of(base);

	s->closing = true;
	s->aborting |= abort;
	s->ops = NULL;
	if (!s->in_callback)
		leave(s);
}

static void
stream_pause(struct grasp_stream *base, bool pause)
{
	struct channel_stream *s = stream_of(base);
	const struct grasp_io_ops *io = s->channel->inner->ops;

	if (s->paused == pause || s->closing || !s->inner)
		return;
	s->paused = pause;
	io->stream_pause(s->inner, pause);
	leave_again(s);
	if (pause || s->in.pos == 0)
		return;
	s->again = true;
	TAILQ_INSERT_TAIL(&s->channel->again, s, again_entry);
	channel_run_soon(s->channel);
}

static void
stream_peer(const struct grasp_stream *base, struct addr *ret)
{
	*ret = stream_of(base)->peer;
}

static void
stream_local(const struct grasp_stream *base, struct addr *ret)
{
	*ret = stream_of(base)->local;
}

static const struct grasp_who *
stream_who(const struct grasp_stream *base)
{
	const struct channel_stream *s = stream_of(base);

	return s->state == CHANNEL_OPEN || s->state == CHANNEL_ENDED ? &s->who : NULL;
}

static size_t
stream_queued(const struct grasp_stream *base)
{
	const struct channel_stream *s = stream_of(base);
	const struct grasp_io_ops *io = s->channel->inner->ops;

	return s->out.pos +
	    (s->inner && io->stream_queued ? io->stream_queued(s->inner) : 0);
}

void
channel_stream_ops(struct grasp_io_ops *ret)
{
	ret->stream_queued = stream_queued;
	ret->stream_open = channel_stream_open;
	ret->stream_set = stream_set;
	ret->stream_send = stream_send;
	ret->stream_close = stream_close;
	if (ret->stream_pause)
		ret->stream_pause = stream_pause;
	ret->stream_peer = stream_peer;
	ret->stream_local = stream_local;
	ret->stream_who = stream_who;
}

/* --- strangers that stay strange -------------------------------------------------------------- */

/* It reads why, and goes; if not, it is sent away. */
static void
part(struct channel_stream *s)
{
	leave_queue(s);
	forget_handshake(s);
	tls_free(TAKE(s->tls));
	buf_done(&s->in);
	change_state(s, CHANNEL_PARTING);
	channel_set_deadline(s, CHANNEL_PARTING_MS);
}

static void
report(struct channel *ch, const struct addr *peer, enum channel_refusal why,
    const char *text)
{
	ch->counters.refused[why]++;
	if (ch->cfg.refused)
		ch->cfg.refused(ch->cfg.arg, peer, why, text);
}

void
channel_stream_refuse(
    struct channel_stream *s, enum channel_refusal why, const char *text)
{
	bool told = s->tls && why >= CHANNEL_BROKEN;

	report(s->channel, &s->peer, why, text);
	if (told && s->inner)
		part(s);
	else
		channel_stream_drop(s);
}

void
channel_stream_overdue(struct channel_stream *s)
{
	if (s->state == CHANNEL_PARTING)
		channel_stream_drop(s);
	else if (s->state == CHANNEL_HELLO)
		channel_stream_refuse(s, CHANNEL_SLOW, "no ClientHello in time");
	else if (s->state == CHANNEL_SHAKING)
		channel_stream_refuse(s, CHANNEL_SLOW, "no handshake in time");
	else if (s->closing)
		channel_stream_drop(s);
	else {
		s->channel->counters.handshakes_failed += s->state == CHANNEL_GREETING;
		channel_stream_end(s, ETIMEDOUT);
	}
}

/* --- in -------------------------------------------------------------------------------------- */

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
	used = s->in.err ? s->in.err : s->ops->received(s->arg, outer(s), data);
	if (!leave_callback(s))
		return false;
	err = used < 0 ? (int)-used : keep(s, data, (size_t)used);
	if (err)
		finish(s, err);
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
	say_goodbye(s);
	finish(s, 0);
}

void
channel_stream_give_again(struct channel_stream *s)
{
	leave_again(s);
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
	finish(s, -err);
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
		ch->cfg.operate(ch->cfg.arg, outer(s), &s->name);
		return;
	}
	ch->events->accepted(ch->events_arg, outer(s));
}

static bool
admit(struct channel_stream *s)
{
	struct channel *ch = s->channel;

	if (!channel_is_trusted(s)) { /* it was, when it showed its certificate */
		channel_stream_refuse(s, CHANNEL_REVOKED, "not trusted any more");
		return false;
	}
	leave_queue(s);
	buf_done(&s->in);
	buf_init(&s->in, CHANNEL_IN_MAX);
	if (s->purpose == CHANNEL_TO_JOIN)
		channel_make_room_for_joiner(ch, &s->peer);
	change_state(s, CHANNEL_OPEN);
	s->in_callback = true;
	announce(s);
	if (!s->ops && !s->closing)
		s->closing = s->aborting = true; /* nobody wants it */
	return leave_callback(s);
}

static bool
enter(struct channel_stream *s)
{
	struct slice early = buf_slice(&s->out);

	s->channel->counters.opened++;
	change_state(s, CHANNEL_OPEN);
	if (early.len > 0 && put(s, early) < 0 && !s->closing) {
		finish(s, EPIPE);
		return false;
	}
	s->in_callback = true;
	if (s->ops && s->ops->opened)
		s->ops->opened(s->arg, outer(s));
	return leave_callback(s);
}

/* Both sides have proved who they are. False: s is gone, or has ended. */
static bool
open_up(struct channel_stream *s)
{
	bool here = s->server ? admit(s) : enter(s);

	if (here)
		forget_handshake(s);
	return here;
}

/* False: s is gone, or has ended. */
static bool
take(struct channel_stream *s, struct slice data)
{
	struct channel *ch = s->channel;
	int err;

	buf_reset(&ch->plain);
	buf_reset(&ch->wire);
	err = tls_take(s->tls, data, &ch->plain, &ch->wire);
	if (send_wire(s) < 0 && err == 0 && s->inner)
		err = -EPIPE;
	if (err < 0) {
		fail(s, err);
		return false;
	}
	if (s->state == CHANNEL_HELLO && ch->wire.pos > 0) {
		change_state(s, CHANNEL_SHAKING);
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

/* --- strangers ------------------------------------------------------------------------------- */

/* So far nothing is known but an address: no more is done than to wait for a whole ClientHello,
 * which stays where it is until then. Its length; 0: not all of it is there; else -errno. */
static ssize_t
look_at_hello(struct slice data)
{
	size_t len;

	if (data.data[0] != TLS_HANDSHAKE)
		return -EPROTO;
	if (data.len < TLS_RECORD_HEADER)
		return 0;
	len = TLS_RECORD_HEADER + (size_t)(data.data[3] << 8 | data.data[4]);
	if (len > CHANNEL_HELLO_MAX)
		return -EMSGSIZE;
	return data.len < len ? 0 : (ssize_t)len;
}

bool
channel_stream_work(struct channel_stream *s)
{
	struct buf in = s->in;
	bool here = false;
	int err = 0;

	leave_queue(s);
	buf_init(&s->in, in.max);
	if (!s->tls)
		err = tls_new_server(s->channel->server, s, &s->tls);
	if (err < 0)
		channel_stream_refuse(s, CHANNEL_BROKEN, "no memory");
	else
		here = take(s, buf_slice(&in));
	buf_done(&in);
	return here;
}

static void
take_for_later(struct channel_stream *s, struct slice data)
{
	buf_put_slice(&s->in, data);
	if (s->in.err) {
		channel_stream_refuse(s, CHANNEL_BROKEN, "more than was asked for");
		return;
	}
	if (!s->queued)
		TAILQ_INSERT_TAIL(&s->channel->queue, s, queue_entry);
	s->queued = true;
	if (s->in.pos > CHANNEL_INPUT_MAX) /* nothing is gained by keeping it */
		(void)channel_stream_work(s);
	else
		channel_run_soon(s->channel);
}

static size_t
take_hello(struct channel_stream *s, struct slice data)
{
	ssize_t len = s->tls || s->in.pos > 0 ? 1 : look_at_hello(data);

	if (len == 0)
		return 0;
	if (len == -EPROTO)
		channel_stream_refuse(s, CHANNEL_PLAIN, "not TLS");
	else if (len < 0)
		channel_stream_refuse(s, CHANNEL_BROKEN, "ClientHello too long");
	else
		take_for_later(s, data);
	return data.len;
}

/* --- the inner stream ------------------------------------------------------------------------- */

static ssize_t
received(void *arg, struct grasp_stream *inner, struct slice data)
{
	struct channel_stream *s = arg;

	(void)inner;
	switch (s->state) {
	case CHANNEL_HELLO:
		return (ssize_t)take_hello(s, data);
	case CHANNEL_SHAKING:
		take_for_later(s, data);
		break;
	case CHANNEL_GREETING:
	case CHANNEL_OPEN:
		(void)take(s, data);
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
		destroy(s);
	else if (channel_stream_is_stranger(s))
		channel_stream_refuse(s, CHANNEL_BROKEN, "cut off");
	else {
		s->channel->counters.handshakes_failed += s->state == CHANNEL_GREETING;
		finish(s, err ? err : ECONNRESET);
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
	change_state(s, CHANNEL_GREETING);
	if (s->deadline_ms > channel_now(ch) + CHANNEL_HANDSHAKE_MS)
		channel_set_deadline(s, CHANNEL_HANDSHAKE_MS);
	err = tls_new_client(ch->client,
	    s->purpose == CHANNEL_TO_SPEAK ? CHANNEL_ALPN_GRASP : CHANNEL_ALPN_JOIN,
	    *credential_hint(ch->cfg.self, hint) ? hint : NULL, s, &s->tls);
	if (err < 0)
		finish(s, -err);
	else
		(void)take(s, (struct slice){ 0 });
}

static const struct grasp_stream_ops inner_ops = { opened, received, closed };

/* --- the beginning ---------------------------------------------------------------------------- */

static void
turn_away(struct channel *ch, struct grasp_stream *inner, enum channel_refusal why,
    const char *text)
{
	struct addr peer;

	ch->inner->ops->stream_peer(inner, &peer);
	report(ch, &peer, why, text);
	ch->inner->ops->stream_close(inner, true);
}

void
channel_stream_accept(struct channel *ch, struct grasp_stream *inner)
{
	const struct grasp_io_ops *io = ch->inner->ops;
	struct channel_stream *s = NULL;
	struct addr peer;

	io->stream_peer(inner, &peer);
	if (credential_state(ch->cfg.self) != CREDENTIAL_VALID) {
		turn_away(ch, inner, CHANNEL_UNTRUSTED, "we are no member ourselves");
		return;
	}
	if (channel_make_room(ch, &peer))
		s = make(ch, CHANNEL_HELLO, true);
	if (!s) {
		turn_away(ch, inner, CHANNEL_CROWDED, "no room");
		return;
	}
	s->inner = inner;
	s->peer = peer;
	io->stream_local(inner, &s->local);
	io->stream_set(inner, &inner_ops, s);
	channel_set_deadline(s, CHANNEL_HELLO_MS);
}

int
channel_stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	struct channel *ch = container_of(io, struct channel, base);
	struct channel_stream *s = make(ch, CHANNEL_CONNECTING, false);
	int err;

	if (!s)
		return -ENOMEM;
	s->peer = *to;
	s->ops = ops;
	s->arg = arg;
	err = ch->inner->ops->stream_open(
	    ch->inner, to, timeout_ms, &inner_ops, s, &s->inner);
	if (err < 0) {
		destroy(s);
		return err;
	}
	channel_set_deadline(s, timeout_ms);
	*ret = outer(s);
	return 0;
}
