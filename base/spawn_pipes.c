/* SPDX-License-Identifier: Apache-2.0
 *
 * What programs print, in lines and within bounds, and what is written to them. */
#include "base/spawn_int.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- output --------------------------------------------------------------------------- */
void
spawn_emit_line(struct spawn_output *o)
{
	struct spawn_child *c = o->child;

	o->line[o->len] = '\0';
	o->len = 0;
	if (c->line && !c->finished)
		c->line(c->arg, o->number, o->line);
}

/* A NUL would hide the rest of a line from whoever reads it as text. */
static void
take_byte(struct spawn_output *o, char byte)
{
	if (byte == '\n')
		spawn_emit_line(o);
	else if (o->len < o->child->line_max)
		o->line[o->len++] = byte ? byte : '?';
	else
		o->child->dropped++;
}

/* Who stalls is not even read: it waits at its full pipe. */
static void
stall_if_full(struct spawn_output *o)
{
	struct spawn_child *c = o->child;

	if (!c->stall || o->seen < c->output_max)
		return;
	o->stalled = true;
	ev_io_stop(c->spawner->loop, &o->readable);
}

static void
take_output(struct spawn_output *o, const char *data, size_t len)
{
	struct spawn_child *c = o->child;
	size_t room = c->output_max - o->seen, taken = len < room ? len : room;

	c->dropped += len - taken;
	o->seen += taken;
	for (size_t i = 0; i < taken && !c->finished; i++)
		take_byte(o, data[i]);
}

void
spawn_on_output(struct ev_loop *loop, ev_io *w, int events)
{
	struct spawn_output *o = container_of(w, struct spawn_output, readable);
	struct spawn_child *c = o->child;
	struct spawner *s = c->spawner;
	char data[16384];
	size_t room = c->output_max - o->seen;
	ssize_t n;

	(void)events;
	n = read(w->fd, data, c->stall && room < sizeof data ? room : sizeof data);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	spawn_enter(s);
	if (n > 0) {
		take_output(o, data, (size_t)n);
		if (!c->finished)
			stall_if_full(o);
	} else {
		if (o->len)
			spawn_emit_line(o);
		if (!c->finished)
			spawn_close_watched(loop, w);
		spawn_finish_if_closed(c);
	}
	spawn_leave(s);
}

/* --- input ---------------------------------------------------------------------------- */
static size_t
input_left(const struct spawn_child *c)
{
	return c->input.pos - c->input_pos;
}

/* A program may close its stdin early (EPIPE) or never read: neither is our trouble. */
void
spawn_on_input(struct ev_loop *loop, ev_io *w, int events)
{
	struct spawn_child *c = container_of(w, struct spawn_child, writable);
	ssize_t n = 0;

	(void)events;
	if (input_left(c))
		n = write(w->fd, c->input.data + c->input_pos, input_left(c));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->input_pos += (size_t)n;
	if (n < 0 || (!input_left(c) && !c->keep_stdin)) {
		spawn_close_watched(loop, w);
	} else if (!input_left(c)) {
		ev_io_stop(loop, w);
		buf_reset(&c->input);
		c->input_pos = 0;
	}
}

int
spawn_write(struct spawn_child *c, struct slice data)
{
	if (c->finished || !c->keep_stdin || (!c->want_start && c->writable.fd < 0))
		return -EPIPE;
	if (c->input.pos + data.len > INPUT_MAX)
		return -EAGAIN;
	buf_put(&c->input, data.data, data.len);
	if (c->input.err)
		return c->input.err;
	if (!c->want_start)
		ev_io_start(c->spawner->loop, &c->writable);
	return 0;
}

void
spawn_close_stdin(struct spawn_child *c)
{
	c->keep_stdin = false;
	if (!c->finished && c->writable.fd >= 0)
		spawn_close_watched(c->spawner->loop, &c->writable);
}

/* --- allowance ------------------------------------------------------------------------ */
void
spawn_allow(struct spawn_child *c, size_t max)
{
	c->output_max = max;
	for (int i = 0; i < 2; i++) {
		struct spawn_output *o = &c->output[i];

		o->seen = 0;
		if (o->stalled && !c->finished && o->readable.fd >= 0)
			ev_io_start(c->spawner->loop, &o->readable);
		o->stalled = false;
	}
}

bool
spawn_is_stalled(const struct spawn_child *c)
{
	return c->output[0].stalled || c->output[1].stalled;
}
