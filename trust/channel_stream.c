/* SPDX-License-Identifier: Apache-2.0
 *
 * One stream of a channel: TLS on top of a stream of the inner io; its states, what its owner does with
 * it, and its end. As io.h wants it, no callback comes from inside the call that caused it, and an owner
 * may close its stream inside any callback; then it goes when that has returned. */
#include "trust/channel_int.h"

#include <errno.h>

/* --- states ---------------------------------------------------------------------------------- */

static struct channel_stream *
stream_of(const struct grasp_stream *s)
{
	return (struct channel_stream *)(uintptr_t)s;
}

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

void
channel_stream_set_state(struct channel_stream *s, enum channel_state state)
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

struct channel_stream *
channel_stream_new(struct channel *ch, enum channel_state state, bool server)
{
	struct channel_stream *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->channel = ch;
	s->server = server;
	buf_init(&s->in, server ? CHANNEL_HELLO_MAX : CHANNEL_IN_MAX);
	buf_init(&s->out, CHANNEL_QUEUE_MAX);
	channel_stream_set_state(s, state);
	ch->counters.streams++;
	return s;
}

void
channel_stream_leave_queue(struct channel_stream *s)
{
	if (s->queued)
		TAILQ_REMOVE(&s->channel->queue, s, queue_entry);
	s->queued = false;
}

/* What only a handshake needs. */
void
channel_stream_forget_handshake(struct channel_stream *s)
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

void
channel_stream_leave_again(struct channel_stream *s)
{
	if (s->again)
		TAILQ_REMOVE(&s->channel->again, s, again_entry);
	s->again = false;
}

void
channel_stream_free(struct channel_stream *s)
{
	channel_stream_leave_queue(s);
	channel_stream_leave_again(s);
	leave_list(s);
	channel_stream_forget_handshake(s);
	tls_free(s->tls);
	buf_done(&s->in);
	s->channel->counters.streams--;
	free(s);
}

void
channel_stream_drop(struct channel_stream *s)
{
	close_inner(s, true);
	channel_stream_free(s);
}

/* --- out ------------------------------------------------------------------------------------- */

/* What TLS has put into wire. */
int
channel_stream_send_wire(struct channel_stream *s)
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

int
channel_stream_put(struct channel_stream *s, struct slice data)
{
	struct channel *ch = s->channel;
	int err;

	buf_reset(&ch->wire);
	err = tls_put(s->tls, data, &ch->wire);
	if (err < 0) {
		s->stuck = true;
		return err;
	}
	return channel_stream_send_wire(s);
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
		return channel_stream_put(s, data);
	buf_put_slice(&s->out, data);
	return s->out.err;
}

/* --- the end --------------------------------------------------------------------------------- */

void
channel_stream_say_goodbye(struct channel_stream *s)
{
	struct channel *ch = s->channel;

	if (s->stuck || !s->inner)
		return;
	buf_reset(&ch->wire);
	tls_end(s->tls, &ch->wire);
	(void)channel_stream_send_wire(s);
}

/* Its owner has closed it. What was sent before it was open is worth a handshake. */
static void
leave(struct channel_stream *s)
{
	if (s->state == CHANNEL_OPEN && !s->aborting)
		channel_stream_say_goodbye(s);
	if ((s->state == CHANNEL_CONNECTING || s->state == CHANNEL_GREETING) &&
	    !s->aborting && s->out.pos > 0) {
		channel_set_deadline(s, CHANNEL_LINGER_MS);
		return;
	}
	close_inner(s, s->aborting);
	channel_stream_free(s);
}

/* False: the owner has closed it meanwhile, or it has ended; s may be gone. */
bool
channel_stream_leave_callback(struct channel_stream *s)
{
	s->in_callback = false;
	if (s->closing) {
		leave(s);
		return false;
	}
	return s->state != CHANNEL_ENDED;
}

/* The stream ends and its owner is told. */
void
channel_stream_finish(struct channel_stream *s, int err)
{
	s->in_callback = true;
	close_inner(s, false);
	if (s->ops && s->ops->closed)
		s->ops->closed(s->arg, channel_outer(s), err);
	channel_stream_free(s);
}

void
channel_stream_tell_ended(struct channel_stream *s)
{
	channel_stream_finish(s, s->err);
}

void
channel_stream_end(struct channel_stream *s, int err)
{
	close_inner(s, true);
	s->err = err;
	channel_stream_set_state(s, CHANNEL_ENDED);
	channel_run_soon(s->channel);
}

/* --- the owner ------------------------------------------------------------------------------- */

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
	channel_stream_leave_again(s);
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

static void
stream_answers(struct grasp_stream *base)
{
	const struct channel_stream *s = stream_of(base);
	const struct grasp_io_ops *io = s->channel->inner->ops;

	if (s->inner && io->stream_answers)
		io->stream_answers(s->inner);
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
	ret->stream_answers = stream_answers;
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
