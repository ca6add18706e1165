/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of others until they have proved who they are: as little as possible is done for them, and
 * who is refused is told why if it has got so far. */
#include "trust/channel_int.h"

#include <errno.h>

#define TLS_RECORD_HEADER 5
#define TLS_HANDSHAKE	  0x16 /* the first byte of every connection (RFC 8446 §5.1) */

/* --- who stays strange ----------------------------------------------------------------------- */

/* It reads why, and goes; if not, it is sent away. */
static void
part(struct channel_stream *s)
{
	channel_stream_leave_queue(s);
	channel_stream_forget_handshake(s);
	tls_free(TAKE(s->tls));
	buf_done(&s->in);
	channel_stream_set_state(s, CHANNEL_PARTING);
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

/* --- what they send -------------------------------------------------------------------------- */

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

	channel_stream_leave_queue(s);
	buf_init(&s->in, in.max);
	if (!s->tls)
		err = tls_new_server(s->channel->server, s, &s->tls);
	if (err < 0)
		channel_stream_refuse(s, CHANNEL_BROKEN, "no memory");
	else
		here = channel_stream_take(s, buf_slice(&in));
	buf_done(&in);
	return here;
}

void
channel_stream_take_later(struct channel_stream *s, struct slice data)
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

size_t
channel_stream_take_hello(struct channel_stream *s, struct slice data)
{
	ssize_t len = s->tls || s->in.pos > 0 ? 1 : look_at_hello(data);

	if (len == 0)
		return 0;
	if (len == -EPROTO)
		channel_stream_refuse(s, CHANNEL_PLAIN, "not TLS");
	else if (len < 0)
		channel_stream_refuse(s, CHANNEL_BROKEN, "ClientHello too long");
	else
		channel_stream_take_later(s, data);
	return data.len;
}

/* --- the beginning --------------------------------------------------------------------------- */

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
		s = channel_stream_new(ch, CHANNEL_HELLO, true);
	if (!s) {
		turn_away(ch, inner, CHANNEL_CROWDED, "no room");
		return;
	}
	s->inner = inner;
	s->peer = peer;
	io->stream_local(inner, &s->local);
	io->stream_set(inner, &channel_inner_ops, s);
	channel_set_deadline(s, CHANNEL_HELLO_MS);
}
