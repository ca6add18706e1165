/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's side: it makes the pipes, hands the far ends to the spawner and keeps the near
 * ends in the loop. Callbacks may stop a child or the whole spawner; what is dead is freed
 * when the outermost callback returns. */
#include "base/spawn_int.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn_wire.h"

/* --- memory --------------------------------------------------------------------------- */
static void
free_child(struct spawn_child *c)
{
	buf_done(&c->request);
	buf_done(&c->input);
	free(c->lines);
	free(c);
}

static void
sweep(struct spawner *s)
{
	struct spawn_child *c = TAILQ_FIRST(&s->children), *next;

	for (; c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!c->finished || (c->want_release && !s->stopped && !s->broken))
			continue;
		TAILQ_REMOVE(&s->children, c, link);
		free_child(c);
	}
	if (s->stopped)
		free(s);
}

void
spawn_enter(struct spawner *s)
{
	s->depth++;
}

void
spawn_leave(struct spawner *s)
{
	if (--s->depth == 0)
		sweep(s);
}

void
spawn_close_watched(struct ev_loop *loop, ev_io *w)
{
	ev_io_stop(loop, w);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

static void
close_child(struct spawn_child *c)
{
	struct ev_loop *loop = c->spawner->loop;

	ev_timer_stop(loop, &c->linger);
	spawn_close_watched(loop, &c->writable);
	spawn_close_watched(loop, &c->output[0].readable);
	spawn_close_watched(loop, &c->output[1].readable);
	c->finished = true;
	c->spawner->unfinished--;
}

/* --- requests to the spawner ---------------------------------------------------------- */
static void
close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static int
open_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC) < 0) {
			int err = -errno;

			while (i--)
				close_pair(pipes[i]);
			return err;
		}
	return 0;
}

static void
watch(struct ev_loop *loop, ev_io *w, int fd, int events)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	ev_io_set(w, fd, events);
	ev_io_start(loop, w);
}

/* The pipes are made at the last moment: of 200 programs started at once, those that wait
 * for room in the socket hold no descriptors. */
static int
send_start(struct spawn_child *c)
{
	struct ev_loop *loop = c->spawner->loop;
	int pipes[3][2], err;

	err = open_pipes(pipes);
	if (err < 0)
		return err;
	err = spawn_send(c->spawner->news.fd, buf_slice(&c->request),
	    (const int[3]){ pipes[0][0], pipes[1][1], pipes[2][1] });
	if (err < 0) {
		for (int i = 0; i < 3; i++)
			close_pair(pipes[i]);
		return err;
	}
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	watch(loop, &c->output[0].readable, pipes[1][0], EV_READ);
	watch(loop, &c->output[1].readable, pipes[2][0], EV_READ);
	watch(loop, &c->writable, pipes[0][1], EV_WRITE);
	return 0;
}

static int
send_order(struct spawn_child *c, enum spawn_op op, int sig)
{
	struct spawn_request order = { .op = op, .id = c->id, .signal = sig };

	return spawn_send(c->spawner->news.fd,
	    (struct slice){ (const uint8_t *)&order, sizeof order }, NULL);
}

/* done is never called from inside spawn_run(), the caller has no handle yet. */
static void
finish_soon(struct spawn_child *c, int status)
{
	struct ev_loop *loop = c->spawner->loop;

	c->ended = true;
	c->status = status;
	ev_timer_stop(loop, &c->linger);
	ev_timer_set(&c->linger, 0., 0.);
	ev_timer_start(loop, &c->linger);
}

static int
send_wants(struct spawn_child *c)
{
	int err = 0;

	if (c->want_start) {
		err = send_start(c);
		if (err == -EAGAIN || err == -EPIPE || err == -ECONNRESET)
			return err;
		c->want_start = false;
		buf_done(&c->request);
		if (err < 0)
			finish_soon(c, err);
	}
	if (c->want_signal) {
		err = send_order(c, SPAWN_SIGNAL, c->want_signal);
		if (err < 0)
			return err;
		c->want_signal = 0;
	}
	if (c->want_release) {
		err = send_order(c, SPAWN_RELEASE, 0);
		if (err < 0)
			return err;
		c->want_release = false;
	}
	return 0;
}

/* A spawner that is gone is noticed by its closed socket, in on_news(). */
static void
flush_wants(struct spawner *s)
{
	struct spawn_child *c;

	if (s->broken || s->stopped)
		return;
	TAILQ_FOREACH(c, &s->children, link)
		if (send_wants(c) == -EAGAIN) {
			ev_io_start(s->loop, &s->room);
			return;
		}
	ev_io_stop(s->loop, &s->room);
}

/* --- ends ------------------------------------------------------------------------------ */
static void
finish(struct spawn_child *c)
{
	struct spawner *s = c->spawner;

	for (int i = 0; i < 2; i++)
		if (c->output[i].len)
			spawn_emit_line(&c->output[i]);
	if (c->finished) /* a line callback has stopped the spawner */
		return;
	close_child(c);
	c->want_release = c->held;
	c->done(c->arg, c->status);
	flush_wants(s);
}

void
spawn_finish_if_closed(struct spawn_child *c)
{
	if (!c->finished && c->ended && c->output[0].readable.fd < 0 &&
	    c->output[1].readable.fd < 0)
		finish(c);
}

/* --- news from the spawner ------------------------------------------------------------ */
static void
on_linger(struct ev_loop *loop, ev_timer *w, int events)
{
	struct spawn_child *c = container_of(w, struct spawn_child, linger);
	struct spawner *s = c->spawner;

	(void)loop, (void)events;
	spawn_enter(s);
	finish(c);
	spawn_leave(s);
}

static void
take_event(struct spawner *s, const struct spawn_event *event)
{
	struct spawn_child *c;

	TAILQ_FOREACH(c, &s->children, link)
		if (c->id == event->id && !c->finished)
			break;
	if (!c || c->ended)
		return;
	if (event->what == SPAWN_FAILED) {
		finish_soon(c, -event->value);
		return;
	}
	c->held = c->ended = true;
	c->status = event->value;
	ev_timer_set(&c->linger, LINGER_S, 0.);
	ev_timer_start(s->loop, &c->linger);
	spawn_finish_if_closed(c);
}

static void
give_up(struct spawner *s)
{
	struct spawn_child *c;

	s->broken = true;
	spawn_close_watched(s->loop, &s->news);
	ev_io_stop(s->loop, &s->room);
	TAILQ_FOREACH(c, &s->children, link)
		if (!c->finished && !c->ended)
			finish_soon(c, -EPIPE);
}

static void
on_news(struct ev_loop *loop, ev_io *w, int events)
{
	struct spawner *s = container_of(w, struct spawner, news);

	(void)loop, (void)events;
	spawn_enter(s);
	while (!s->stopped && !s->broken) {
		struct spawn_event event;
		ssize_t n = recv(w->fd, &event, sizeof event, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n == (ssize_t)sizeof event)
			take_event(s, &event);
		else
			give_up(s);
	}
	spawn_leave(s);
}

static void
on_room(struct ev_loop *loop, ev_io *w, int events)
{
	struct spawner *s = container_of(w, struct spawner, room);

	(void)loop, (void)events;
	spawn_enter(s);
	flush_wants(s);
	spawn_leave(s);
}

/* --- the spawner's handle ------------------------------------------------------------- */
int
spawner_start(struct spawner **ret)
{
	return spawner_start_for(NULL, 0, ret);
}

int
spawner_start_for(const struct spawn_program *table, uint32_t len, struct spawner **ret)
{
	struct spawner *s = calloc(1, sizeof *s);
	pid_t daemon = getpid();
	int pair[2], err;

	if (!s)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		err = -errno;
		free(s);
		return err;
	}
	/* standard descriptors must be open (daemon_prepare()), or ours would become them */
	s->pid = pair[0] <= 2 ? -1 : fork();
	if (s->pid == 0)
		spawner_main(pair[1], daemon, table, len);
	if (s->pid < 0) {
		err = pair[0] <= 2 ? -EBADF : -errno;
		close_pair(pair);
		free(s);
		return err;
	}
	close(pair[1]);
	TAILQ_INIT(&s->children);
	ev_io_init(&s->news, on_news, pair[0], EV_READ);
	ev_io_init(&s->room, on_room, pair[0], EV_WRITE);
	*ret = s;
	return 0;
}

int
spawner_attach(struct spawner *s, struct ev_loop *loop)
{
	struct sigaction pipe_action;

	/* a program that closes its stdin must not end us */
	if (sigaction(SIGPIPE, NULL, &pipe_action) < 0)
		return -errno;
	if (pipe_action.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	s->loop = loop;
	ev_io_start(loop, &s->news);
	return 0;
}

void
spawner_stop(struct spawner *s)
{
	struct spawn_child *c;

	if (!s || s->stopped)
		return;
	s->stopped = true;
	TAILQ_FOREACH(c, &s->children, link)
		if (!c->finished)
			close_child(c);
	if (s->loop) {
		ev_io_stop(s->loop, &s->room);
		ev_io_stop(s->loop, &s->news);
	}
	if (!s->broken)
		close(s->news.fd);
	/* libev's default loop may have reaped it, then this is ECHILD at once */
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (s->depth == 0)
		sweep(s);
}

/* --- running -------------------------------------------------------------------------- */
static int
copy_input(struct spawn_child *c, struct slice input)
{
	if (input.len)
		buf_put(&c->input, input.data, input.len);
	return c->input.err;
}

static struct spawn_child *
new_child(struct spawner *s, const struct spawn_spec *spec)
{
	struct spawn_child *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->line_max = spec->line_max ? spec->line_max : LINE_PRESET;
	c->lines = malloc(2 * (c->line_max + 1));
	if (!c->lines) {
		free(c);
		return NULL;
	}
	c->output_max = spec->output_max ? spec->output_max : OUTPUT_PRESET;
	c->keep_stdin = spec->keep_stdin;
	c->stall = spec->stall;
	c->spawner = s;
	c->id = ++s->last_id;
	buf_init(&c->request, sizeof(struct spawn_request) + SPAWN_STRINGS_MAX);
	buf_init(&c->input, SIZE_MAX);
	ev_init(&c->linger, on_linger);
	ev_io_init(&c->writable, spawn_on_input, -1, EV_WRITE);
	for (int i = 0; i < 2; i++) {
		c->output[i].child = c;
		c->output[i].number = i + 1;
		c->output[i].line = c->lines + (size_t)i * (c->line_max + 1);
		ev_io_init(&c->output[i].readable, spawn_on_output, -1, EV_READ);
	}
	return c;
}

int
spawn_run(struct spawner *s, const struct spawn_spec *spec, spawn_line_f *line,
    spawn_exit_f *done, void *arg, struct spawn_child **ret)
{
	struct spawn_child *c;
	int err;

	assert(s->loop && done);
	if (spec->argv && (!spec->argv[0] || spec->argv[0][0] != '/'))
		return -EINVAL;
	if (s->broken || s->stopped)
		return -EPIPE;
	if (s->unfinished == SPAWN_PROGRAMS_MAX)
		return -EAGAIN;
	c = new_child(s, spec);
	if (!c)
		return -ENOMEM;
	c->line = line;
	c->done = done;
	c->arg = arg;
	err = spawn_put_start(&c->request, c->id, spec->program, spec->argv, spec->env);
	if (!err)
		err = copy_input(c, spec->input);
	if (err < 0) {
		free_child(c);
		return err;
	}
	c->want_start = true;
	TAILQ_INSERT_TAIL(&s->children, c, link);
	s->unfinished++;
	flush_wants(s);
	*ret = c;
	return 0;
}

/* One wish fits: what comes later replaces it, but nothing replaces SIGKILL. */
int
spawn_kill(struct spawn_child *c, int sig)
{
	if (c->finished)
		return -ESRCH;
	if (sig < 1 || sig >= NSIG)
		return -EINVAL;
	if (c->want_signal != SIGKILL)
		c->want_signal = sig;
	flush_wants(c->spawner);
	return 0;
}

size_t
spawn_dropped(const struct spawn_child *c)
{
	return c->dropped;
}
