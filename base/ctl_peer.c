/* SPDX-License-Identifier: Apache-2.0
 *
 * One who asks: what comes, what goes, and the end. On a socket of ours the loop tells when there is
 * room; another transport is asked again after a while. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ctl_server_int.h"
#include "base/log.h"

#define RETRY_S 0.05  /* until a transport that was full is tried again */
#define PIECE	16384 /* bytes that it is given at once */

/* Of a peer whose own has gone. */
static int
send_nothing(void *arg, struct slice bytes)
{
	(void)arg, (void)bytes;
	return -ENOTCONN;
}

static void
close_nothing(void *arg)
{
	(void)arg;
}

static const struct ctl_transport no_transport = { send_nothing, close_nothing };

/* --- memory --------------------------------------------------------------------------- */
void
ctl_peer_free(struct ctl_peer *p)
{
	buf_done(&p->in);
	buf_done(&p->out);
	free(p->request);
	free(p);
}

/* The owner of an unfinished request hears of it; its memory stays until the sweep, because the
 * command that owns it may be the one that closes the server. */
void
ctl_peer_close(struct ctl_peer *p)
{
	struct ctl_server *s = p->server;

	if (p->dead)
		return;
	p->dead = true;
	s->connected--;
	ev_io_stop(s->loop, &p->readable);
	ev_io_stop(s->loop, &p->writable);
	ev_timer_stop(s->loop, &p->retry);
	ev_timer_stop(s->loop, &p->idle);
	if (p->transport)
		p->transport->closed(p->transport_arg);
	else if (p->readable.fd >= 0)
		close(p->readable.fd);
	if (p->request)
		ctl_request_note_end(p->request, CTL_LEFT);
	if (p->request && p->request->gone)
		p->request->gone(p->request->gone_arg);
}

/* --- sending -------------------------------------------------------------------------- */
/* All of a piece or nothing. */
static int
hand_over(struct ctl_peer *p)
{
	struct slice piece = { p->out.data, p->out.pos < PIECE ? p->out.pos : PIECE };
	int err = p->transport->send(p->transport_arg, piece);

	return err ? err : (int)piece.len;
}

static int
send_piece(struct ctl_peer *p)
{
	ssize_t n;

	if (p->transport)
		return hand_over(p);
	do
		n = send(p->writable.fd, p->out.data, p->out.pos, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

/* -errno when the peer is gone; what is not taken now stays in the buffer. */
static int
send_some(struct ctl_peer *p)
{
	while (p->out.pos) {
		int n = send_piece(p);

		if (n < 0)
			return n == -EAGAIN ? 0 : n;
		buf_drop(&p->out, (size_t)n);
		ev_timer_again(p->server->loop, &p->idle);
	}
	return 0;
}

/* The next turn of the loop. */
static void
await_turn(struct ctl_peer *p)
{
	if (!p->transport)
		ev_io_start(p->server->loop, &p->writable);
	if (p->transport || p->out.err)
		ev_feed_event(p->server->loop,
		    p->transport ? (void *)&p->retry : (void *)&p->writable, EV_CUSTOM);
}

/* Whoever sends is in the middle of something: a peer is never closed from here, its turn does
 * that, for errors and for a backlog that has grown too large. */
void
ctl_peer_flush(struct ctl_peer *p)
{
	p->answers++;
	if (p->out.pos >= CTL_FLUSH_AT && !p->out.err)
		(void)send_some(p);
	if (!ev_is_active(&p->idle))
		ev_timer_again(p->server->loop, &p->idle);
	await_turn(p);
}

void
ctl_peer_resume(struct ctl_peer *p)
{
	if (p->transport)
		await_turn(p);
	else
		ev_feed_event(p->server->loop, &p->readable, EV_READ);
}

/* True: nothing is left to be sent. */
static bool
write_out(struct ctl_peer *p)
{
	bool idle = false;

	if (p->out.err && !p->dead)
		log_info(
		    "ctl", "closing a client, %s, that does not read its answer", p->who);
	if (p->out.err || send_some(p) < 0)
		ctl_peer_close(p);
	else if (!ctl_stream_continue(p) && !p->dead && !p->out.pos)
		idle = true;
	if (idle && p->leaving)
		ctl_peer_close(p);
	return idle;
}

/* --- receiving ------------------------------------------------------------------------ */
/* False when nothing more can come: the end, an error, or more than one may send ahead. */
static bool
receive_some(struct ctl_peer *p)
{
	uint8_t piece[16384];
	size_t room = CTL_REQUEST_MAX + 1 - p->in.pos;
	ssize_t n;

	if (!room)
		return false;
	n = recv(p->readable.fd, piece, room < sizeof piece ? room : sizeof piece, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_put(&p->in, piece, (size_t)n);
	if (n > 0)
		ev_timer_again(p->server->loop, &p->idle);
	return n > 0 && !p->in.err;
}

/* --- callbacks ------------------------------------------------------------------------ */
static void
on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct ctl_peer *p = container_of(w, struct ctl_peer, readable);
	struct ctl_server *s = p->server;

	(void)events;
	ctl_enter(s);
	if (!p->dead && !p->leaving) {
		bool more = receive_some(p);

		ctl_requests_take(p);
		if (!more && !p->dead) {
			p->leaving = true;
			ev_io_stop(loop, w);
			if (p->request || !p->out.pos)
				ctl_peer_close(p);
		}
	}
	ctl_leave(s);
}

static void
on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct ctl_peer *p = container_of(w, struct ctl_peer, writable);
	struct ctl_server *s = p->server;

	(void)events;
	ctl_enter(s);
	if (!p->dead && write_out(p))
		ev_io_stop(loop, w);
	ctl_leave(s);
}

/* Of a transport: what came meanwhile, and what it did not take before. */
static void
on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ctl_peer *p = container_of(w, struct ctl_peer, retry);
	struct ctl_server *s = p->server;

	(void)events;
	ctl_enter(s);
	ev_timer_stop(loop, w);
	if (!p->dead)
		ctl_requests_take(p);
	if (!p->dead && !write_out(p) && !p->dead)
		ev_timer_again(loop, w);
	ctl_leave(s);
}

/* A command may take its time; a client may not. */
static void
on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ctl_peer *p = container_of(w, struct ctl_peer, idle);
	struct ctl_server *s = p->server;

	(void)events;
	ctl_enter(s);
	if (p->request && !p->out.pos)
		ev_timer_stop(loop, w);
	else
		ctl_peer_close(p);
	ctl_leave(s);
}

/* --- life ----------------------------------------------------------------------------- */
struct ctl_peer *
ctl_peer_new(struct ctl_server *s)
{
	struct ctl_peer *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->server = s;
	buf_init(&p->in, CTL_REQUEST_MAX + 1);
	buf_init(&p->out, CTL_BACKLOG_MAX);
	cbor_scan_init(&p->scan, CTL_REQUEST_MAX);
	ev_io_init(&p->readable, on_readable, -1, EV_READ);
	ev_io_init(&p->writable, on_writable, -1, EV_WRITE);
	ev_init(&p->retry, on_retry);
	p->retry.repeat = RETRY_S;
	ev_init(&p->idle, on_idle);
	p->idle.repeat = CTL_IDLE_S;
	ev_timer_again(s->loop, &p->idle);
	TAILQ_INSERT_TAIL(&s->peers, p, link);
	s->connected++;
	return p;
}

void
ctl_peer_listen(struct ctl_peer *p, int fd)
{
	ev_io_set(&p->readable, fd, EV_READ);
	ev_io_set(&p->writable, fd, EV_WRITE);
	ev_io_start(p->server->loop, &p->readable);
}

int
ctl_adopt(struct ctl_server *s, enum ctl_role role, const char *who,
    const struct ctl_transport *transport, void *arg, struct ctl_peer **ret)
{
	struct ctl_peer *p;

	if (s->connected >= CTL_PEERS_MAX)
		return -EAGAIN;
	p = ctl_peer_new(s);
	if (!p)
		return -ENOMEM;
	p->transport = transport;
	p->transport_arg = arg;
	p->uid = (uid_t)-1;
	p->role = role;
	snprintf(p->who, sizeof p->who, "%s", who);
	*ret = p;
	return 0;
}

void
ctl_peer_received(struct ctl_peer *p, struct slice bytes)
{
	struct ctl_server *s = p->server;

	ctl_enter(s);
	if (!p->dead && !p->leaving) {
		buf_put(&p->in, bytes.data, bytes.len);
		ev_timer_again(s->loop, &p->idle);
		if (p->in.err)
			ctl_peer_close(p);
		ctl_requests_take(p);
	}
	ctl_leave(s);
}

void
ctl_peer_gone(struct ctl_peer *p)
{
	struct ctl_server *s = p->server;

	ctl_enter(s);
	p->transport_arg = NULL;
	p->transport = &no_transport;
	ctl_peer_close(p);
	ctl_leave(s);
}
