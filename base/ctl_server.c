/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's side of the control socket. Commands, and what they tell when a client goes,
 * run inside our callbacks and may end requests or close the server; what is dead is freed
 * when the outermost callback returns. */
#include "base/ctl.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ctl_wire.h"
#include "base/log.h"
#include "base/nearest.h"

#define CLIENTS_MAX    64
#define BACKLOG_MAX    (1024 * 1024)
#define FLUSH_AT       65536 /* bytes of answer that are sent without waiting for the loop */
#define IDLE_S	       60.0  /* without a request, or without reading the answer */
#define ACCEPT_PAUSE_S 1.0   /* when descriptors have run out */
#define REASON_MAX     16384 /* all that is wrong with a file */

struct client {
	TAILQ_ENTRY(client) link;
	struct ctl_server *server;
	ev_io readable, writable;
	ev_timer idle;
	struct buf in, out;
	struct cbor_scan scan;
	struct ctl_request *request; /* NULL: none is being worked on */
	uid_t uid;
	enum ctl_role role;
	uint64_t answers; /* put so far */
	bool leaving;	  /* closed as soon as everything is sent */
	bool dead;
};

struct ctl_request {
	struct client *client;
	void (*gone)(void *);
	void *gone_arg;
	void (*more)(void *); /* of a streamed answer */
	void *more_arg;
};

struct ctl_server {
	struct ev_loop *loop;
	const struct ctl_command *table;
	size_t len;
	void *arg;
	char *path;
	ev_io listener;
	ev_timer pause;
	TAILQ_HEAD(client_list, client) clients;
	unsigned connected;
	unsigned depth; /* callbacks we are in */
	bool closed;
};

/* --- memory --------------------------------------------------------------------------- */
static void
free_client(struct client *cl)
{
	buf_done(&cl->in);
	buf_done(&cl->out);
	free(cl->request);
	free(cl);
}

static void
sweep(struct ctl_server *s)
{
	struct client *cl = TAILQ_FIRST(&s->clients), *next;

	for (; cl; cl = next) {
		next = TAILQ_NEXT(cl, link);
		if (!cl->dead)
			continue;
		TAILQ_REMOVE(&s->clients, cl, link);
		free_client(cl);
	}
	if (s->closed) {
		free(s->path);
		free(s);
	}
}

static void
enter(struct ctl_server *s)
{
	s->depth++;
}

static void
leave(struct ctl_server *s)
{
	if (--s->depth == 0)
		sweep(s);
}

/* The owner of an unfinished request hears of it; its memory stays until the sweep, because the
 * command that owns it may be the one that closes the server. */
static void
close_client(struct client *cl)
{
	struct ctl_server *s = cl->server;

	if (cl->dead)
		return;
	cl->dead = true;
	s->connected--;
	ev_io_stop(s->loop, &cl->readable);
	ev_io_stop(s->loop, &cl->writable);
	ev_timer_stop(s->loop, &cl->idle);
	close(cl->readable.fd);
	if (cl->request && cl->request->gone)
		cl->request->gone(cl->request->gone_arg);
}

/* --- answers -------------------------------------------------------------------------- */
/* -errno when the client is gone; what the socket does not take now stays in the buffer. */
static int
send_some(struct client *cl)
{
	while (cl->out.pos) {
		ssize_t n =
		    send(cl->writable.fd, cl->out.data, cl->out.pos, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		buf_drop(&cl->out, (size_t)n);
		ev_timer_again(cl->server->loop, &cl->idle);
	}
	return 0;
}

/* Whoever sends is in the middle of something: a client is never closed from here, the
 * writable callback does that, for errors and for a backlog that has grown too large. */
static void
answer_put(struct client *cl)
{
	cl->answers++;
	if (cl->out.pos >= FLUSH_AT && !cl->out.err)
		(void)send_some(cl);
	if (!ev_is_active(&cl->idle))
		ev_timer_again(cl->server->loop, &cl->idle);
	ev_io_start(cl->server->loop, &cl->writable);
	if (cl->out.err)
		ev_feed_event(cl->server->loop, &cl->writable, EV_WRITE);
}

void
ctl_send(struct ctl_request *req, struct slice item)
{
	struct client *cl = req->client;

	if (cl->dead)
		return;
	wr_array(&cl->out, 2);
	wr_uint(&cl->out, CTL_ITEM);
	wr_raw(&cl->out, item);
	answer_put(cl);
}

/* Work on the next request, if one is here already, begins in the loop, not in the caller. */
static void
end_request(struct ctl_request *req)
{
	struct client *cl = req->client;

	cl->request = NULL;
	free(req);
	answer_put(cl);
	if (cl->in.pos)
		ev_feed_event(cl->server->loop, &cl->readable, EV_READ);
}

void
ctl_end(struct ctl_request *req)
{
	if (req->client->dead)
		return;
	wr_array(&req->client->out, 1);
	wr_uint(&req->client->out, CTL_END);
	end_request(req);
}

/* A reason may quote a file name or be cut in the middle of a character. */
static void
put_reason(struct buf *out, const char *reason)
{
	char text[REASON_MAX];
	size_t len = 0;

	while (*reason && len < sizeof text) {
		size_t n = slice_utf8_char(slice_text(reason));

		if (len + n > sizeof text)
			break;
		if (n)
			memcpy(text + len, reason, n);
		else
			text[len] = '?';
		len += n ? n : 1;
		reason += n ? n : 1;
	}
	wr_text_slice(out, (struct slice){ (const uint8_t *)text, len });
}

static void
put_refusal(struct buf *out, int code, const char *reason)
{
	wr_array(out, 3);
	wr_uint(out, CTL_REFUSED);
	wr_uint(out, code == 2 ? 2 : 1);
	put_reason(out, reason);
}

void
ctl_fail(struct ctl_request *req, int code, const char *fmt, ...)
{
	char reason[REASON_MAX];
	va_list args;

	if (req->client->dead)
		return;
	va_start(args, fmt);
	vsnprintf(reason, sizeof reason, fmt, args);
	va_end(args);
	put_refusal(&req->client->out, code, reason);
	end_request(req);
}

void
ctl_on_cancel(struct ctl_request *req, void (*gone)(void *), void *arg)
{
	req->gone = gone;
	req->gone_arg = arg;
}

void
ctl_stream(struct ctl_request *req, void (*more)(void *), void *arg)
{
	req->more = more;
	req->more_arg = arg;
	answer_put(req->client);
}

uid_t
ctl_uid(const struct ctl_request *req)
{
	return req->client->uid;
}

/* --- requests ------------------------------------------------------------------------- */
static const char *
role_name(enum ctl_role role)
{
	switch (role) {
	case CTL_VIEWER:
		return "viewer";
	case CTL_DEPLOYER:
		return "deployer";
	case CTL_ADMIN:
		return "admin";
	}
	return "no role";
}

/* Whoever may open the socket may look; whoever could stop the daemon may command it. */
static enum ctl_role
role_of(const struct ucred *peer)
{
	return peer->uid == 0 || peer->uid == geteuid() ? CTL_ADMIN : CTL_VIEWER;
}

static const struct ctl_command *
find_command(const struct ctl_server *s, const char *name)
{
	for (size_t i = 0; i < s->len; i++)
		if (!strcmp(s->table[i].name, name))
			return &s->table[i];
	return NULL;
}

static const char *
nearest_command(const struct ctl_server *s, const char *name)
{
	const char *nearest = "none";
	unsigned best = UINT_MAX;

	for (size_t i = 0; i < s->len; i++) {
		unsigned d = nearest_distance(name, s->table[i].name);

		if (d < best) {
			best = d;
			nearest = s->table[i].name;
		}
	}
	return nearest;
}

static void
run_command(struct client *cl, const struct ctl_command *command, struct slice args)
{
	int err = command->run(cl->server->arg, cl->request, args);

	if (err < 0 && cl->request)
		ctl_fail(cl->request, 1, "%s", strerror(-err));
}

static void
dispatch(struct client *cl, struct slice item)
{
	char name[CTL_COMMAND_MAX];
	const struct ctl_command *command;
	struct slice args;
	int err;

	cl->request = calloc(1, sizeof *cl->request);
	if (!cl->request) {
		close_client(cl);
		return;
	}
	cl->request->client = cl;
	err = ctl_request_parse(item, name, sizeof name, &args);
	command = err < 0 ? NULL : find_command(cl->server, name);
	if (err < 0)
		ctl_fail(cl->request, 2,
		    "not a request: a map with command and args is expected");
	else if (!command)
		ctl_fail(cl->request, 2,
		    "unknown command \"%s\"; the nearest known is \"%s\"", name,
		    nearest_command(cl->server, name));
	else if (cl->role < command->role)
		ctl_fail(cl->request, 1,
		    "\"%s\" needs the role %s, user %u has the role %s", name,
		    role_name(command->role), (unsigned)cl->uid, role_name(cl->role));
	else
		run_command(cl, command, args);
}

/* After bytes that are no CBOR the next request cannot be found: refuse and leave. */
static void
refuse_bytes(struct client *cl, int err)
{
	put_refusal(&cl->out, 2,
	    err == -EMSGSIZE ? "the request is longer than 64 KiB"
			     : "the request is not CBOR");
	cl->leaving = true;
	buf_reset(&cl->in);
	answer_put(cl);
}

static void
take_requests(struct client *cl)
{
	while (!cl->dead && !cl->leaving && !cl->request && cl->in.pos) {
		ssize_t n = cbor_scan_item(&cl->scan, buf_slice(&cl->in));

		if (n == 0)
			return;
		if (n < 0) {
			refuse_bytes(cl, (int)n);
			return;
		}
		dispatch(cl, (struct slice){ cl->in.data, (size_t)n });
		buf_drop(&cl->in, (size_t)n);
		cbor_scan_init(&cl->scan, CTL_REQUEST_MAX);
	}
}

/* False when nothing more can come: the end, an error, or more than one may send ahead. */
static bool
receive_some(struct client *cl)
{
	uint8_t piece[16384];
	size_t room = CTL_REQUEST_MAX + 1 - cl->in.pos;
	ssize_t n;

	if (!room)
		return false;
	n = recv(cl->readable.fd, piece, room < sizeof piece ? room : sizeof piece, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_put(&cl->in, piece, (size_t)n);
	if (n > 0)
		ev_timer_again(cl->server->loop, &cl->idle);
	return n > 0 && !cl->in.err;
}

/* --- callbacks ------------------------------------------------------------------------ */
static void
on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *cl = container_of(w, struct client, readable);
	struct ctl_server *s = cl->server;

	(void)events;
	enter(s);
	if (!cl->dead && !cl->leaving) {
		bool more = receive_some(cl);

		take_requests(cl);
		if (!more && !cl->dead) {
			cl->leaving = true;
			ev_io_stop(loop, w);
			if (cl->request || !cl->out.pos)
				close_client(cl);
		}
	}
	leave(s);
}

/* Asks for the next part of a streamed answer when most of the last one has been read. False
 * when there is none: asking again at once would be a busy loop. */
static bool
continue_stream(struct client *cl)
{
	struct ctl_request *req = cl->request;
	uint64_t before = cl->answers;

	if (req && req->more && cl->out.pos < FLUSH_AT)
		req->more(req->more_arg);
	return cl->answers != before;
}

static void
on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *cl = container_of(w, struct client, writable);
	struct ctl_server *s = cl->server;

	(void)events;
	enter(s);
	if (cl->out.err && !cl->dead)
		log_info("ctl",
		    "closing a client of user %u that does not read its answer",
		    (unsigned)cl->uid);
	if (cl->out.err || send_some(cl) < 0)
		close_client(cl);
	else if (!continue_stream(cl) && !cl->dead && !cl->out.pos) {
		ev_io_stop(loop, w);
		if (cl->leaving)
			close_client(cl);
	}
	leave(s);
}

/* A command may take its time; a client may not. */
static void
on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
	struct client *cl = container_of(w, struct client, idle);
	struct ctl_server *s = cl->server;

	(void)events;
	enter(s);
	if (cl->request && !cl->out.pos)
		ev_timer_stop(loop, w);
	else
		close_client(cl);
	leave(s);
}

static void
add_client(struct ctl_server *s, int fd, const struct ucred *peer)
{
	struct client *cl = calloc(1, sizeof *cl);

	if (!cl) {
		close(fd);
		return;
	}
	cl->server = s;
	cl->uid = peer->uid;
	cl->role = role_of(peer);
	buf_init(&cl->in, CTL_REQUEST_MAX + 1);
	buf_init(&cl->out, BACKLOG_MAX);
	cbor_scan_init(&cl->scan, CTL_REQUEST_MAX);
	ev_io_init(&cl->readable, on_readable, fd, EV_READ);
	ev_io_init(&cl->writable, on_writable, fd, EV_WRITE);
	ev_init(&cl->idle, on_idle);
	cl->idle.repeat = IDLE_S;
	ev_io_start(s->loop, &cl->readable);
	ev_timer_again(s->loop, &cl->idle);
	TAILQ_INSERT_TAIL(&s->clients, cl, link);
	s->connected++;
}

static void
turn_away(int fd)
{
	uint8_t memory[128];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	put_refusal(&b, 1, "too many clients, try again later");
	(void)!send(fd, b.data, b.pos, MSG_NOSIGNAL);
	close(fd);
}

/* False when there is nobody left, or nothing to receive them with. */
static bool
accept_one(struct ctl_server *s)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	int fd;

	fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_warn("ctl", "cannot accept a client, trying again in a second");
		ev_io_stop(s->loop, &s->listener);
		ev_timer_again(s->loop, &s->pause);
	}
	if (fd < 0)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		close(fd);
	else if (s->connected >= CLIENTS_MAX)
		turn_away(fd);
	else
		add_client(s, fd, &peer);
	return true;
}

static void
on_listener(struct ev_loop *loop, ev_io *w, int events)
{
	struct ctl_server *s = container_of(w, struct ctl_server, listener);

	(void)loop, (void)events;
	for (int i = 0; i < 16 && accept_one(s); i++)
		;
}

static void
on_pause(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ctl_server *s = container_of(w, struct ctl_server, pause);

	(void)events;
	ev_timer_stop(loop, w);
	ev_io_start(loop, &s->listener);
}

/* --- the socket ----------------------------------------------------------------------- */
int
ctl_open(struct ev_loop *loop, const char *path, const struct ctl_command *table,
    size_t len, void *arg, struct ctl_server **ret)
{
	struct ctl_server *s = calloc(1, sizeof *s);
	int fd;

	for (size_t i = 0; i < len; i++)
		assert(table[i].role >= CTL_VIEWER && table[i].run);
	if (!s || !(s->path = strdup(path))) {
		free(s);
		return -ENOMEM;
	}
	fd = ctl_listen(path, CLIENTS_MAX);
	if (fd < 0) {
		free(s->path);
		free(s);
		return fd;
	}
	s->loop = loop;
	s->table = table;
	s->len = len;
	s->arg = arg;
	TAILQ_INIT(&s->clients);
	ev_io_init(&s->listener, on_listener, fd, EV_READ);
	ev_init(&s->pause, on_pause);
	s->pause.repeat = ACCEPT_PAUSE_S;
	ev_io_start(loop, &s->listener);
	*ret = s;
	return 0;
}

void
ctl_close(struct ctl_server *s)
{
	struct client *cl;

	if (!s || s->closed)
		return;
	s->closed = true;
	enter(s);
	ev_timer_stop(s->loop, &s->pause);
	ev_io_stop(s->loop, &s->listener);
	close(s->listener.fd);
	unlink(s->path);
	TAILQ_FOREACH(cl, &s->clients, link)
		close_client(cl);
	leave(s);
}
