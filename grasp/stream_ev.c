/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/stream_ev.h"
#include "base/buf.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grasp/socket.h"

enum state {
	STREAM_CONNECTING, /* deadline: of the attempt */
	STREAM_OPEN,
	STREAM_FLUSHING, /* closed by its owner, bytes are queued; deadline: of the linger */
	STREAM_DRAINING, /* all is sent and said; waits for the peer to close, same deadline */
};

#define RACE_MS	   250 /* RFC 8305 §8 recommends it between connection attempts */
#define RIVALS_MAX 3

/* A SYN that is lost is sent again after a second, and there is no way to ask for less. So while a
 * connection is not there, others to the same place are begun; the first one to stand is kept. */
struct rival {
	ev_io connected;
	struct grasp_stream *stream;
};
struct race {
	ev_timer next;
	struct grasp_stream *stream;
	struct rival rival[RIVALS_MAX];
	unsigned rivals;
};

struct grasp_stream {
	struct stream_host *host;
	struct grasp_stream *next, **prev;
	ev_io readable, writable;
	ev_timer deadline;
	struct race *race; /* while connecting */
	int fd;
	enum state state;
	const struct grasp_stream_ops *ops; /* NULL: nobody listens any more */
	void *arg;
	struct addr peer, local;
	struct buf in, out;
	int failure;	  /* of a send; the deadline is set to tell it */
	bool in_callback; /* then closing waits until the callback has returned */
	bool closing, aborting, paused;
};

/* --- life ----------------------------------------------------------------------------------- */

static bool
is_lingering(const struct grasp_stream *s)
{
	return s->state == STREAM_FLUSHING || s->state == STREAM_DRAINING;
}

static void
drop_rival(struct rival *r)
{
	if (r->connected.fd < 0)
		return;
	ev_io_stop(r->stream->host->loop, &r->connected);
	close(r->connected.fd);
	ev_io_set(&r->connected, -1, EV_WRITE);
}

static void
end_race(struct grasp_stream *s)
{
	struct race *race = TAKE(s->race);

	if (!race)
		return;
	ev_timer_stop(s->host->loop, &race->next);
	for (unsigned i = 0; i < race->rivals; i++)
		drop_rival(&race->rival[i]);
	free(race);
}

static void
destroy(struct grasp_stream *s)
{
	struct ev_loop *loop = s->host->loop;

	if (is_lingering(s))
		s->host->lingering--;
	end_race(s);
	ev_io_stop(loop, &s->readable);
	ev_io_stop(loop, &s->writable);
	ev_timer_stop(loop, &s->deadline);
	close(s->fd);
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	buf_done(&s->in);
	buf_done(&s->out);
	free(s);
}

static void
set_deadline(struct grasp_stream *s, int64_t ms)
{
	struct ev_loop *loop = s->host->loop;

	ev_timer_stop(loop, &s->deadline);
	ev_now_update(loop);
	ev_timer_set(&s->deadline, (double)ms / 1000, 0);
	ev_timer_start(loop, &s->deadline);
}

/* All is sent. Closing now with unread bytes would make the kernel reset the connection and
 * throw our last message away with it; so say that we are done and wait for the peer. */
static void
start_drain(struct grasp_stream *s)
{
	s->state = STREAM_DRAINING;
	buf_done(&s->out);
	ev_io_stop(s->host->loop, &s->writable);
	shutdown(s->fd, SHUT_WR);
	ev_io_start(s->host->loop, &s->readable);
}

static void
start_linger(struct grasp_stream *s)
{
	bool connecting = s->state == STREAM_CONNECTING;

	s->state = STREAM_FLUSHING;
	s->host->lingering++;
	buf_done(&s->in);
	set_deadline(s, STREAM_LINGER_MS);
	if (s->out.pos == 0 && !connecting)
		start_drain(s);
	else
		ev_io_stop(s->host->loop, &s->readable);
}

static void
leave(struct grasp_stream *s)
{
	bool unsent = s->out.pos > 0;

	if (s->aborting || s->failure || s->host->lingering >= STREAM_LINGER_MAX ||
	    (s->state == STREAM_CONNECTING && !unsent))
		destroy(s);
	else
		start_linger(s);
}

/* The stream ends and its owner is told. */
static void
finish(struct grasp_stream *s, int err)
{
	const struct grasp_stream_ops *ops = s->ops;

	s->in_callback = true;
	if (ops)
		ops->closed(s->arg, s, err);
	destroy(s);
}

static void
enter_callback(struct grasp_stream *s)
{
	s->in_callback = true;
}

/* False if the owner has closed the stream meanwhile: s is gone or not ours to use. */
static bool
leave_callback(struct grasp_stream *s)
{
	s->in_callback = false;
	if (!s->closing)
		return true;
	leave(s);
	return false;
}

/* --- out ------------------------------------------------------------------------------------ */

/* Tells the owner from the loop, not from inside its call. */
static int
fail_later(struct grasp_stream *s, int err)
{
	s->failure = err;
	set_deadline(s, 0);
	return -err;
}

/* Bytes that the kernel took; 0 if it takes none now; else a negative errno. */
static ssize_t
push(struct grasp_stream *s, struct slice data)
{
	ssize_t n = send(s->fd, data.data, data.len, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int
enqueue(struct grasp_stream *s, struct slice data)
{
	buf_put_slice(&s->out, data);
	if (s->out.err)
		return fail_later(s, -s->out.err);
	ev_io_start(s->host->loop, &s->writable);
	return 0;
}

int
stream_send(struct grasp_stream *s, struct slice data)
{
	ssize_t n;

	if (s->failure || s->closing)
		return -EPIPE;
	if (data.len > STREAM_QUEUE_MAX - s->out.pos)
		return -ENOBUFS;
	if (s->state == STREAM_CONNECTING || s->out.pos > 0)
		return enqueue(s, data);
	n = push(s, data);
	if (n < 0)
		return fail_later(s, (int)-n);
	if ((size_t)n == data.len)
		return 0;
	return enqueue(s, (struct slice){ data.data + n, data.len - (size_t)n });
}

static void
flush(struct grasp_stream *s)
{
	ssize_t n = push(s, buf_slice(&s->out));

	if (n < 0) {
		finish(s, (int)-n);
		return;
	}
	buf_drop(&s->out, (size_t)n);
	if (s->out.pos > 0)
		return;
	ev_io_stop(s->host->loop, &s->writable);
	buf_done(&s->out);
	buf_init(&s->out, STREAM_QUEUE_MAX);
	if (s->state == STREAM_FLUSHING)
		start_drain(s);
}

/* --- connecting ----------------------------------------------------------------------------- */

static void
complete(struct grasp_stream *s)
{
	s->local = socket_local(s->fd);
	s->state = STREAM_OPEN;
	ev_timer_stop(s->host->loop, &s->deadline);
	ev_io_start(s->host->loop, &s->readable);
	if (s->out.pos == 0)
		ev_io_stop(s->host->loop, &s->writable);
	enter_callback(s);
	s->ops->opened(s->arg, s);
	leave_callback(s);
}

/* The rival's connection stands: it becomes the stream's. */
static void
take_over(struct grasp_stream *s, struct rival *r)
{
	struct ev_loop *loop = s->host->loop;
	int fd = r->connected.fd;

	ev_io_stop(loop, &r->connected);
	ev_io_set(&r->connected, -1, EV_WRITE);
	ev_io_stop(loop, &s->readable);
	ev_io_stop(loop, &s->writable);
	close(s->fd);
	s->fd = fd;
	ev_io_set(&s->readable, fd, EV_READ);
	ev_io_set(&s->writable, fd, EV_WRITE);
	ev_io_start(loop, &s->writable);
	end_race(s);
}

static void
on_rival(struct ev_loop *loop, ev_io *w, int events)
{
	struct rival *r = container_of(w, struct rival, connected);
	struct grasp_stream *s = r->stream;

	(void)loop;
	(void)events;
	if (socket_error(w->fd) != 0) { /* the others go on */
		drop_rival(r);
		return;
	}
	take_over(s, r);
	if (s->state == STREAM_CONNECTING)
		complete(s);
}

static void
on_race(struct ev_loop *loop, ev_timer *t, int events)
{
	struct race *race = container_of(t, struct race, next);
	int fd = socket_connect(&race->stream->peer, 0); /* the first attempt goes on */

	(void)events;
	if (fd >= 0) {
		struct rival *r = &race->rival[race->rivals++];

		r->stream = race->stream;
		ev_io_init(&r->connected, on_rival, fd, EV_WRITE);
		ev_io_start(loop, &r->connected);
	}
	if (fd < 0 || race->rivals == RIVALS_MAX)
		ev_timer_stop(loop, t);
}

/* Without memory there is no race, just one attempt. */
static void
start_race(struct grasp_stream *s)
{
	s->race = calloc(1, sizeof *s->race);
	if (!s->race)
		return;
	s->race->stream = s;
	ev_timer_init(&s->race->next, on_race, RACE_MS / 1e3, RACE_MS / 1e3);
	ev_timer_start(s->host->loop, &s->race->next);
}

static void
on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct grasp_stream *s = container_of(w, struct grasp_stream, writable);
	int err = s->failure;

	(void)loop;
	(void)events;
	if (!err && (s->state == STREAM_CONNECTING || s->state == STREAM_FLUSHING)) {
		err = socket_error(s->fd);
		end_race(s);
	}
	if (err)
		finish(s, err);
	else if (s->state == STREAM_CONNECTING)
		complete(s);
	else
		flush(s);
}

static void
on_deadline(struct ev_loop *loop, ev_timer *t, int events)
{
	struct grasp_stream *s = container_of(t, struct grasp_stream, deadline);

	(void)loop;
	(void)events;
	finish(s, s->failure ? s->failure : ETIMEDOUT);
}

/* --- in ------------------------------------------------------------------------------------- */

/* Keeps what the owner has not used; memory only as long as something waits. */
static int
keep(struct grasp_stream *s, struct slice data, size_t used)
{
	bool stored = s->in.pos > 0;

	if (used >= data.len) {
		buf_done(&s->in);
		buf_init(&s->in, STREAM_INPUT_MAX);
	} else if (stored) {
		buf_drop(&s->in, used);
	} else {
		buf_put(&s->in, data.data + used, data.len - used);
	}
	if (s->in.err)
		return -s->in.err;
	return s->in.pos == STREAM_INPUT_MAX && !s->paused ? EMSGSIZE : 0;
}

static void
deliver(struct grasp_stream *s, struct slice data)
{
	ssize_t used;
	int err;

	enter_callback(s);
	used = s->ops->received(s->arg, s, data);
	if (!leave_callback(s))
		return;
	err = used < 0 ? (int)-used : keep(s, data, (size_t)used);
	if (err)
		finish(s, err);
}

static void
take(struct grasp_stream *s, struct slice data)
{
	if (s->state == STREAM_DRAINING)
		return;
	if (s->in.pos == 0) {
		deliver(s, data);
		return;
	}
	buf_put_slice(&s->in, data);
	if (s->in.err)
		finish(s, -s->in.err);
	else
		deliver(s, buf_slice(&s->in));
}

static void
read_more(struct grasp_stream *s)
{
	uint8_t *input = s->host->input;
	ssize_t n = recv(s->fd, input, STREAM_INPUT_MAX - s->in.pos, 0);

	if (n > 0)
		take(s, (struct slice){ input, (size_t)n });
	else if (n == 0)
		finish(s, 0);
	else if (errno != EAGAIN && errno != EINTR)
		finish(s, errno);
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct grasp_stream *s = container_of(w, struct grasp_stream, readable);

	(void)loop;
	if (!(events & EV_CUSTOM))
		read_more(s);
	else if (s->in.pos > 0) /* it goes on after a pause */
		deliver(s, buf_slice(&s->in));
}

void
stream_pause(struct grasp_stream *s, bool pause)
{
	struct ev_loop *loop = s->host->loop;

	if (s->state != STREAM_OPEN || s->closing || s->paused == pause)
		return;
	s->paused = pause;
	if (pause) {
		ev_io_stop(loop, &s->readable);
		return;
	}
	ev_io_start(loop, &s->readable);
	if (s->in.pos > 0)
		ev_feed_event(loop, &s->readable, EV_CUSTOM);
}

/* --- made and given up ---------------------------------------------------------------------- */

static struct grasp_stream *
make(struct stream_host *h, int fd, enum state state)
{
	struct grasp_stream *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->host = h;
	s->fd = fd;
	s->state = state;
	ev_io_init(&s->readable, on_readable, fd, EV_READ);
	ev_io_init(&s->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&s->deadline, on_deadline, 0, 0);
	buf_init(&s->in, STREAM_INPUT_MAX);
	buf_init(&s->out, STREAM_QUEUE_MAX);
	s->next = h->first;
	s->prev = &h->first;
	if (s->next)
		s->next->prev = &s->next;
	h->first = s;
	return s;
}

void
stream_accept(struct stream_host *h, int fd,
    void (*accepted)(void *arg, struct grasp_stream *s), void *arg)
{
	struct grasp_stream *s = make(h, fd, STREAM_OPEN);

	if (!s) {
		close(fd);
		return;
	}
	s->peer = socket_peer(fd);
	s->local = socket_local(fd);
	enter_callback(s);
	accepted(arg, s);
	if (!leave_callback(s))
		return;
	if (s->ops)
		ev_io_start(h->loop, &s->readable);
	else
		destroy(s);
}

int
stream_connect(struct stream_host *h, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	int fd = socket_connect(to, timeout_ms);
	struct grasp_stream *s;

	if (fd < 0)
		return fd;
	s = make(h, fd, STREAM_CONNECTING);
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->peer = *to;
	stream_set(s, ops, arg);
	ev_io_start(h->loop, &s->writable);
	set_deadline(s, timeout_ms);
	start_race(s);
	*ret = s;
	return 0;
}

void
stream_set(struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

void
stream_close(struct grasp_stream *s, bool abort)
{
	s->closing = true;
	s->aborting |= abort;
	s->ops = NULL;
	if (!s->in_callback)
		leave(s);
}

void
stream_peer(const struct grasp_stream *s, struct addr *ret)
{
	*ret = s->peer;
}

/* The kernel forgets it when the answer takes too long. */
void
stream_answers(struct grasp_stream *s)
{
	int off = 0;

	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
}

size_t
stream_queued(const struct grasp_stream *s)
{
	return s->out.pos;
}

void
stream_local(const struct grasp_stream *s, struct addr *ret)
{
	*ret = s->local;
}

int
stream_host_init(struct stream_host *h, struct ev_loop *loop)
{
	*h = (struct stream_host){ .loop = loop, .input = malloc(STREAM_INPUT_MAX) };
	return h->input ? 0 : -ENOMEM;
}

void
stream_host_done(struct stream_host *h)
{
	while (h->first)
		destroy(h->first);
	free(h->input);
	h->input = NULL;
}
