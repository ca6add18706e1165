/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/quads_io.h"

#include <errno.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/crypto_aead.h"
#include "grasp/const.h"
#include "trust/quads.h"

struct grasp_stream {
	TAILQ_ENTRY(grasp_stream) entry;
	struct quads_io *io;
	struct grasp_stream *inner; /* NULL: gone */
	const struct grasp_stream_ops *ops;
	void *arg;
	struct buf plain; /* a message that came */
	unsigned busy;	  /* callbacks of it under way */
	bool dead;
};

struct quads_io {
	struct grasp_io base;
	struct grasp_io_ops ops;
	struct grasp_io *inner;
	struct quads quads;
	const struct grasp_io_events *events;
	void *events_arg;
	TAILQ_HEAD(, grasp_stream) streams;
	struct buf wire;
};

static struct quads_io *
quads_of(struct grasp_io *io)
{
	return container_of(io, struct quads_io, base);
}

/* --- streams ------------------------------------------------------------------------------ */

static int
stream_make(struct quads_io *io, struct grasp_stream **ret)
{
	struct grasp_stream *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->io = io;
	buf_init(&s->plain, GRASP_UNICAST_MAX + 2 * QUADS_BLOCK);
	TAILQ_INSERT_TAIL(&io->streams, s, entry);
	*ret = s;
	return 0;
}

static void
stream_release(struct grasp_stream *s)
{
	if (!s->dead || s->busy > 0)
		return;
	TAILQ_REMOVE(&s->io->streams, s, entry);
	buf_done(&s->plain);
	free(s);
}

static void
opened(void *arg, struct grasp_stream *inner)
{
	struct grasp_stream *s = arg;

	(void)inner;
	s->busy++;
	if (s->ops && s->ops->opened)
		s->ops->opened(s->arg, s);
	s->busy--;
	stream_release(s);
}

/* One message, whole: the engine has no reason to keep a part of it. */
static ssize_t
deliver(struct grasp_stream *s)
{
	ssize_t used = s->ops->received(s->arg, s, buf_slice(&s->plain));

	if (used < 0 || s->dead)
		return used < 0 ? used : 0;
	return (size_t)used == s->plain.pos ? 0 : -EBADMSG;
}

static ssize_t
take_all(struct grasp_stream *s, struct slice data)
{
	struct slice rest = data;

	while (!s->dead && rest.len > 0) {
		ssize_t len, r;

		buf_reset(&s->plain);
		len = quads_take(&s->io->quads, rest, GRASP_UNICAST_MAX, &s->plain);
		if (len <= 0)
			return len < 0 ? len : (ssize_t)(data.len - rest.len);
		rest.data += len;
		rest.len -= (size_t)len;
		r = deliver(s);
		if (r < 0)
			return r;
	}
	return (ssize_t)(data.len - rest.len);
}

static ssize_t
received(void *arg, struct grasp_stream *inner, struct slice data)
{
	struct grasp_stream *s = arg;
	ssize_t used = (ssize_t)data.len;

	(void)inner;
	s->busy++;
	if (s->ops && s->ops->received)
		used = take_all(s, data);
	s->busy--;
	stream_release(s);
	return used;
}

static void
closed(void *arg, struct grasp_stream *inner, int err)
{
	struct grasp_stream *s = arg;

	(void)inner;
	s->inner = NULL;
	s->busy++;
	if (!s->dead && s->ops && s->ops->closed)
		s->ops->closed(s->arg, s, err);
	s->busy--;
	s->dead = true;
	stream_release(s);
}

static const struct grasp_stream_ops inner_ops = { opened, received, closed };

static int
stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	struct quads_io *q = quads_of(io);
	struct grasp_stream *s;
	int r = stream_make(q, &s);

	if (r < 0)
		return r;
	s->ops = ops;
	s->arg = arg;
	r = q->inner->ops->stream_open(
	    q->inner, to, timeout_ms, &inner_ops, s, &s->inner);
	if (r < 0) {
		s->dead = true;
		stream_release(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void
stream_set(struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

static int
stream_send(struct grasp_stream *s, struct slice data)
{
	struct quads_io *q = s->io;
	int r;

	buf_reset(&q->wire);
	r = quads_seal(&q->quads, data, &q->wire);
	if (r < 0)
		return r;
	return q->inner->ops->stream_send(s->inner, buf_slice(&q->wire));
}

static void
stream_close(struct grasp_stream *s, bool abort)
{
	if (s->inner)
		s->io->inner->ops->stream_close(TAKE(s->inner), abort);
	s->dead = true;
	stream_release(s);
}

static void
stream_peer(const struct grasp_stream *s, struct addr *ret)
{
	s->io->inner->ops->stream_peer(s->inner, ret);
}

static void
stream_local(const struct grasp_stream *s, struct addr *ret)
{
	s->io->inner->ops->stream_local(s->inner, ret);
}

/* --- handed on ---------------------------------------------------------------------------- */

static int64_t
now(struct grasp_io *io)
{
	return grasp_io_now(quads_of(io)->inner);
}

static int64_t
wall(struct grasp_io *io)
{
	struct grasp_io *inner = quads_of(io)->inner;

	return inner->ops->wall(inner);
}

static void
draw_random(struct grasp_io *io, void *dst, size_t len)
{
	struct grasp_io *inner = quads_of(io)->inner;

	inner->ops->random(inner, dst, len);
}

static int
timer_new(
    struct grasp_io *io, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	struct grasp_io *inner = quads_of(io)->inner;

	return inner->ops->timer_new(inner, fire, arg, ret);
}

static int
interfaces(struct grasp_io *io, struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	struct grasp_io *inner = quads_of(io)->inner;

	return inner->ops->interfaces(inner, dst);
}

static int
group_join(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group)
{
	struct grasp_io *inner = quads_of(io)->inner;

	return inner->ops->group_join(inner, ifindex, group);
}

static int
group_send(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group,
    unsigned hops, struct slice data)
{
	struct grasp_io *inner = quads_of(io)->inner;

	return inner->ops->group_send(inner, ifindex, group, hops, data);
}

/* --- binding ------------------------------------------------------------------------------ */

static void
datagram(void *arg, const struct grasp_datagram *d)
{
	struct quads_io *q = arg;

	q->events->datagram(q->events_arg, d);
}

static void
accepted(void *arg, struct grasp_stream *inner)
{
	struct quads_io *q = arg;
	struct grasp_stream *s;

	if (stream_make(q, &s) < 0) {
		q->inner->ops->stream_close(inner, true);
		return;
	}
	s->inner = inner;
	q->inner->ops->stream_set(inner, &inner_ops, s);
	q->events->accepted(q->events_arg, s);
}

static void
interfaces_changed(void *arg)
{
	struct quads_io *q = arg;

	if (q->events->interfaces_changed)
		q->events->interfaces_changed(q->events_arg);
}

static const struct grasp_io_events inner_events = { datagram, accepted,
	interfaces_changed };

static int
bind_inner(
    struct grasp_io *io, uint16_t port, const struct grasp_io_events *ev, void *arg)
{
	struct quads_io *q = quads_of(io);

	q->events = ev;
	q->events_arg = arg;
	return q->inner->ops->bind(q->inner, port, &inner_events, q);
}

static void
unbind(struct grasp_io *io)
{
	struct quads_io *q = quads_of(io);

	q->inner->ops->unbind(q->inner);
}

/* --- life --------------------------------------------------------------------------------- */

static void
init_ops(struct quads_io *q)
{
	q->ops = *q->inner->ops;
	q->ops.now = now;
	q->ops.wall = wall;
	q->ops.random = draw_random;
	q->ops.timer_new = timer_new;
	q->ops.bind = bind_inner;
	q->ops.unbind = unbind;
	q->ops.interfaces = interfaces;
	q->ops.group_join = group_join;
	q->ops.group_send = group_send;
	q->ops.stream_open = stream_open;
	q->ops.stream_set = stream_set;
	q->ops.stream_send = stream_send;
	q->ops.stream_close = stream_close;
	q->ops.stream_peer = stream_peer;
	q->ops.stream_local = stream_local;
	q->ops.stream_who = NULL;
	q->base.ops = &q->ops;
}

int
quads_io_new(struct grasp_io *inner, const char *password, struct grasp_io **ret)
{
	struct quads_io *q = calloc(1, sizeof *q);
	int r;

	if (!q)
		return -ENOMEM;
	q->inner = inner;
	TAILQ_INIT(&q->streams);
	buf_init(&q->wire, GRASP_UNICAST_MAX + QUADS_BLOCK);
	init_ops(q);
	r = quads_init(&q->quads, password);
	if (r < 0)
		quads_io_free(&q->base);
	else
		*ret = &q->base;
	return r;
}

void
quads_io_free(struct grasp_io *io)
{
	struct quads_io *q;
	struct grasp_stream *s;

	if (!io)
		return;
	q = quads_of(io);
	while ((s = TAILQ_FIRST(&q->streams))) {
		s->busy = 0;
		stream_close(s, true);
	}
	secret_wipe(&q->quads, sizeof q->quads);
	buf_done(&q->wire);
	free(q);
}
