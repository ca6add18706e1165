/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/io_ev.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "grasp/const.h"
#include "grasp/netlink.h"
#include "grasp/socket.h"
#include "grasp/stream_ev.h"

#define DATAGRAMS_PER_TURN 64
#define ACCEPTS_PER_TURN   2   /* who is here already has to wait for as long (S-14) */
#define ACCEPT_PAUSE_S	   0.1 /* when the system has no room for more */
#define SETTLE_S	   0.2 /* changes of interfaces come in bursts */

struct io_ev;

struct listener {
	ev_io readable; /* fd -1: not open */
	struct io_ev *io;
};

struct io_ev {
	struct grasp_io base;
	struct ev_loop *loop;
	struct netlink_filter filter;
	const struct grasp_io_events *events;
	void *arg;
	struct stream_host streams;
	ev_io multicast, changed;
	ev_timer settle, accept_pause;
	struct listener service, answers; /* the well-known port, the query port */
	int query;			  /* UDP on the query port */
	int reserve; /* given up to refuse a connection when descriptors run out */
	struct grasp_interface interface[GRASP_INTERFACES_MAX];
	int interfaces; /* how many; negative: to be read again */
	uint8_t datagram[GRASP_DEF_MAX_SIZE];
};

struct grasp_timer {
	ev_timer timer;
	struct ev_loop *loop;
	void (*fire)(void *arg);
	void *arg;
};

static struct io_ev *
io_ev_of(struct grasp_io *io)
{
	return container_of(io, struct io_ev, base);
}

/* --- time and chance ------------------------------------------------------------------------ */

static int64_t
now(struct grasp_io *io)
{
	(void)io;
	return clock_boot_ms();
}

static int64_t
wall(struct grasp_io *io)
{
	(void)io;
	return clock_wall_ms();
}

static void
draw_random(struct grasp_io *io, void *dst, size_t len)
{
	(void)io;
	crypto_random(dst, len);
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct grasp_timer *t = container_of(w, struct grasp_timer, timer);

	(void)loop;
	(void)events;
	t->fire(t->arg);
}

static int
timer_new(
    struct grasp_io *io, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	struct grasp_timer *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	ev_timer_init(&t->timer, on_timer, 0, 0);
	t->loop = io_ev_of(io)->loop;
	t->fire = fire;
	t->arg = arg;
	*ret = t;
	return 0;
}

static void
timer_set(struct grasp_timer *t, int64_t delay_ms)
{
	ev_timer_stop(t->loop, &t->timer);
	ev_now_update(
	    t->loop); /* the delay counts from now, not from when the loop woke up */
	ev_timer_set(&t->timer, delay_ms > 0 ? (double)delay_ms / 1000 : 0, 0);
	ev_timer_start(t->loop, &t->timer);
}

static void
timer_stop(struct grasp_timer *t)
{
	ev_timer_stop(t->loop, &t->timer);
}

static void
timer_free(struct grasp_timer *t)
{
	if (t)
		ev_timer_stop(t->loop, &t->timer);
	free(t);
}

/* --- interfaces ----------------------------------------------------------------------------- */

static int
read_interfaces(struct io_ev *io)
{
	if (io->interfaces < 0)
		io->interfaces = netlink_interfaces(&io->filter, io->interface);
	return io->interfaces;
}

static int
interfaces(struct grasp_io *base, struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	struct io_ev *io = io_ev_of(base);
	int n = read_interfaces(io);

	if (n > 0)
		memcpy(dst, io->interface, (size_t)n * sizeof *dst);
	return n;
}

static void
on_change(struct ev_loop *loop, ev_io *w, int events)
{
	struct io_ev *io = container_of(w, struct io_ev, changed);

	(void)events;
	netlink_watch_drain(w->fd);
	if (!ev_is_active(&io->settle)) {
		ev_timer_set(&io->settle, SETTLE_S, 0);
		ev_timer_start(loop, &io->settle);
	}
}

static bool
is_same(const struct grasp_interface *a, const struct grasp_interface *b)
{
	return a->index == b->index && strcmp(a->name, b->name) == 0 &&
	    a->addrs == b->addrs &&
	    memcmp(a->addr, b->addr, a->addrs * sizeof a->addr[0]) == 0;
}

static bool
is_same_list(const struct io_ev *io, const struct grasp_interface *before, int count)
{
	if (count < 0 || io->interfaces != count)
		return false;
	for (int i = 0; i < count; i++)
		if (!is_same(&io->interface[i], &before[i]))
			return false;
	return true;
}

/* Most news from the kernel is about other things: statistics, radio, other addresses. */
static void
on_settled(struct ev_loop *loop, ev_timer *w, int events)
{
	struct io_ev *io = container_of(w, struct io_ev, settle);
	struct grasp_interface before[GRASP_INTERFACES_MAX];
	int count = io->interfaces;

	(void)loop;
	(void)events;
	memcpy(before, io->interface, sizeof before);
	io->interfaces = -1;
	if (read_interfaces(io) < 0 || !is_same_list(io, before, count))
		io->events->interfaces_changed(io->arg);
}

/* --- multicast ------------------------------------------------------------------------------ */

static void
on_multicast(struct ev_loop *loop, ev_io *w, int events)
{
	struct io_ev *io = container_of(w, struct io_ev, multicast);
	struct grasp_datagram d;

	(void)loop;
	(void)events;
	for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
		int err = socket_receive(w->fd, io->datagram, sizeof io->datagram, &d);

		if (err == -EMSGSIZE || err == -EINTR)
			continue;
		if (err < 0)
			break;
		io->events->datagram(io->arg, &d);
	}
}

static int
group_join(struct grasp_io *base, uint32_t ifindex, const struct in6_addr *group)
{
	struct io_ev *io = io_ev_of(base);

	return socket_group_join(io->multicast.fd, ifindex, group);
}

/* Groups of a link are sent to from a link-local source, wider ones never (I-07, SC-14). */
static bool
may_be_source(const struct in6_addr *ip, const struct in6_addr *group)
{
	bool on_link = (group->s6_addr[1] & 0x0f) <= 2;

	return addr_is_loopback(ip) || addr_is_link_local(ip) == on_link;
}

static int
find_source(struct io_ev *io, uint32_t ifindex, const struct in6_addr *group,
    struct in6_addr *ret)
{
	int n = read_interfaces(io);

	for (int i = 0; i < n; i++) {
		const struct grasp_interface *f = &io->interface[i];

		for (int a = 0; f->index == ifindex && a < f->addrs; a++)
			if (may_be_source(&f->addr[a], group)) {
				*ret = f->addr[a];
				return 0;
			}
	}
	return n < 0 ? n : -EADDRNOTAVAIL;
}

static int
group_send(struct grasp_io *base, uint32_t ifindex, const struct in6_addr *group,
    unsigned hops, struct slice data)
{
	struct io_ev *io = io_ev_of(base);
	struct socket_route via = { .ifindex = ifindex, .hops = hops };
	int err = find_source(io, ifindex, group, &via.source);

	if (err < 0)
		return err;
	return socket_group_send(io->query, &via, group, GRASP_LISTEN_PORT, data);
}

/* --- accepting ------------------------------------------------------------------------------ */

/* Without a free descriptor a connection would wait in the queue and wake us for ever: take it
 * with the reserve and close it, so that the peer knows. */
static void
refuse_one(struct io_ev *io, int listener)
{
	int fd;

	close(io->reserve);
	fd = socket_accept(listener);
	if (fd >= 0)
		close(fd);
	io->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
listen_again(struct io_ev *io, struct listener *l)
{
	if (l->readable.fd >= 0)
		ev_io_start(io->loop, &l->readable);
}

static void
on_accept_pause(struct ev_loop *loop, ev_timer *w, int events)
{
	struct io_ev *io = container_of(w, struct io_ev, accept_pause);

	(void)loop;
	(void)events;
	listen_again(io, &io->service);
	listen_again(io, &io->answers);
}

static void
pause_accepting(struct io_ev *io)
{
	ev_io_stop(io->loop, &io->service.readable);
	ev_io_stop(io->loop, &io->answers.readable);
	ev_timer_set(&io->accept_pause, ACCEPT_PAUSE_S, 0);
	ev_timer_start(io->loop, &io->accept_pause);
}

/* False: nothing more to accept now. */
static bool
accept_one(struct io_ev *io, int listener)
{
	int fd = socket_accept(listener);

	switch (-fd) {
	case EAGAIN:
	case EBADF: /* the last one accepted had us unbound */
		return false;
	case EMFILE:
	case ENFILE:
		if (io->reserve >= 0) {
			refuse_one(io, listener);
			return true;
		}
		__attribute__((fallthrough));
	case ENOBUFS:
	case ENOMEM:
		pause_accepting(io);
		return false;
	}
	if (fd >= 0) /* other errors are of a connection that is gone already */
		stream_accept(&io->streams, fd, io->events->accepted, io->arg);
	return true;
}

static void
on_accept(struct ev_loop *loop, ev_io *w, int events)
{
	struct listener *l = container_of(w, struct listener, readable);

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(l->io, w->fd); i++)
		;
}

/* --- binding -------------------------------------------------------------------------------- */

static void
unwatch(struct ev_loop *loop, ev_io *w)
{
	ev_io_stop(loop, w);
	if (w->fd >= 0)
		close(w->fd);
	ev_io_set(w, -1, EV_READ);
}

static void
close_all(struct io_ev *io)
{
	ev_timer_stop(io->loop, &io->settle);
	ev_timer_stop(io->loop, &io->accept_pause);
	unwatch(io->loop, &io->service.readable);
	unwatch(io->loop, &io->answers.readable);
	unwatch(io->loop, &io->multicast);
	unwatch(io->loop, &io->changed);
	if (io->query >= 0)
		close(io->query);
	io->query = -1;
}

/* A descriptor goes into its watcher; an error passes through. */
static int
adopt(ev_io *w, int fd)
{
	if (fd < 0)
		return fd;
	ev_io_set(w, fd, EV_READ);
	return 0;
}

static int
open_all(struct io_ev *io, uint16_t port)
{
	int answers, err = adopt(&io->changed, netlink_watch_open());

	if (err == 0)
		err = adopt(&io->multicast, socket_udp_listen(GRASP_LISTEN_PORT));
	if (err == 0 && port)
		err = adopt(&io->service.readable, socket_tcp_listen(port));
	if (err == 0)
		err = socket_query_open(&io->query, &answers);
	if (err == 0)
		err = adopt(&io->answers.readable, answers);
	return err;
}

static int
bind_all(
    struct grasp_io *base, uint16_t port, const struct grasp_io_events *ev, void *arg)
{
	struct io_ev *io = io_ev_of(base);
	int err;

	if (io->query >= 0)
		return -EALREADY;
	io->events = ev;
	io->arg = arg;
	io->interfaces = -1;
	err = open_all(io, port);
	if (err < 0) {
		close_all(io);
		return err;
	}
	ev_io_start(io->loop, &io->changed);
	ev_io_start(io->loop, &io->multicast);
	listen_again(io, &io->service);
	listen_again(io, &io->answers);
	return 0;
}

static void
unbind(struct grasp_io *base)
{
	close_all(io_ev_of(base));
}

/* --- streams -------------------------------------------------------------------------------- */

static int
stream_open(struct grasp_io *base, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	return stream_connect(&io_ev_of(base)->streams, to, timeout_ms, ops, arg, ret);
}

static const struct grasp_io_ops io_ops = {
	.now = now,
	.wall = wall,
	.random = draw_random,
	.timer_new = timer_new,
	.timer_set = timer_set,
	.timer_stop = timer_stop,
	.timer_free = timer_free,
	.bind = bind_all,
	.unbind = unbind,
	.interfaces = interfaces,
	.group_join = group_join,
	.group_send = group_send,
	.stream_open = stream_open,
	.stream_set = stream_set,
	.stream_send = stream_send,
	.stream_close = stream_close,
	.stream_pause = stream_pause,
	.stream_peer = stream_peer,
	.stream_local = stream_local,
	.stream_answers = stream_answers,
	.stream_queued = stream_queued,
};

/* --- life ----------------------------------------------------------------------------------- */

static void
init_listener(struct listener *l, struct io_ev *io)
{
	l->io = io;
	ev_io_init(&l->readable, on_accept, -1, EV_READ);
	ev_set_priority(&l->readable, EV_MINPRI); /* after all streams */
}

static void
init_watchers(struct io_ev *io)
{
	init_listener(&io->service, io);
	init_listener(&io->answers, io);
	ev_io_init(&io->multicast, on_multicast, -1, EV_READ);
	ev_io_init(&io->changed, on_change, -1, EV_READ);
	ev_timer_init(&io->settle, on_settled, SETTLE_S, 0);
	ev_timer_init(&io->accept_pause, on_accept_pause, ACCEPT_PAUSE_S, 0);
}

int
grasp_io_ev_new(
    struct ev_loop *loop, const struct grasp_io_ev_config *cfg, struct grasp_io **ret)
{
	struct io_ev *io = calloc(1, sizeof *io);

	if (!io)
		return -ENOMEM;
	io->base.ops = &io_ops;
	io->loop = loop;
	io->filter = (struct netlink_filter){ cfg->allow, cfg->deny, cfg->loopback };
	io->query = io->interfaces = -1;
	init_watchers(io);
	io->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (stream_host_init(&io->streams, loop) < 0) {
		grasp_io_ev_free(&io->base);
		return -ENOMEM;
	}
	*ret = &io->base;
	return 0;
}

void
grasp_io_ev_free(struct grasp_io *base)
{
	struct io_ev *io;

	if (!base)
		return;
	io = io_ev_of(base);
	close_all(io);
	stream_host_done(&io->streams);
	if (io->reserve >= 0)
		close(io->reserve);
	free(io);
}
