/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests on a real loop and real sockets: a grasp_io with its loop, waiting for a condition,
 * and plain sockets as peers. Where it can, the process moves into a network namespace of its
 * own, so that nothing else on the machine is heard. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grasp/io_ev.h"
#include "grasp/socket.h"
#include "tests/support/test.h"

#define PATIENCE_MS 10000

struct live {
	struct ev_loop *loop;
	struct grasp_io *io;
	uint16_t port; /* TCP */
};

static inline void
live_late(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)events;
	*(bool *)t->data = true;
	ev_break(loop, EVBREAK_ALL);
}

/* Turns the loop until the condition holds; false if it has not for ms. */
static inline bool
live_until(struct live *w, int ms, bool (*condition)(void *arg), void *arg)
{
	bool late = false, held;
	ev_timer t;

	ev_timer_init(&t, live_late, ms / 1e3, 0);
	t.data = &late;
	ev_now_update(w->loop);
	ev_timer_start(w->loop, &t);
	while (!(held = condition(arg)) && !late)
		ev_run(w->loop, EVRUN_ONCE);
	ev_timer_stop(w->loop, &t);
	return held;
}

/* A condition that is looked at although nothing wakes the loop. */
static inline void
live_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
}

static inline bool
live_poll(struct live *w, bool (*condition)(void *arg), void *arg)
{
	ev_timer tick;
	bool held;

	ev_timer_init(&tick, live_tick, 0.002, 0.002);
	ev_timer_start(w->loop, &tick);
	held = live_until(w, PATIENCE_MS, condition, arg);
	ev_timer_stop(w->loop, &tick);
	return held;
}

/* True: alone in a namespace whose only interface is lo, and that is up. */
static inline bool
live_isolate(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd;
	bool up;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0;
	r.ifr_flags |= IFF_UP;
	up = up && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
	close(fd);
	return up;
}

static inline struct addr
live_loopback(uint16_t port)
{
	return (struct addr){ .ip = IN6ADDR_LOOPBACK_INIT, .port = port };
}

static inline void
live_open(struct live *w, const struct grasp_io_events *ev, void *arg)
{
	static const struct grasp_io_ev_config cfg = { .loopback = true };
	int probe = socket_tcp_listen(0);

	w->loop = ev_loop_new(EVFLAG_AUTO);
	assert_non_null(w->loop);
	assert_true(probe >= 0);
	w->port = socket_local(probe).port;
	close(probe);
	assert_int_equal(0, grasp_io_ev_new(w->loop, &cfg, &w->io));
	assert_int_equal(0, w->io->ops->bind(w->io, w->port, ev, arg));
}

static inline void
live_close(struct live *w)
{
	grasp_io_ev_free(w->io);
	ev_loop_destroy(w->loop);
}

/* A plain blocking connection to a port of ::1, and a plain listener there. */
static inline int
live_dial(uint16_t port)
{
	struct addr to = live_loopback(port);
	struct sockaddr_in6 sa = addr_to_sockaddr(&to);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&sa, sizeof sa));
	assert_int_equal(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	return fd;
}

static inline int
live_listen(int backlog, uint16_t *ret_port)
{
	struct addr at = live_loopback(0);
	struct sockaddr_in6 sa = addr_to_sockaddr(&at);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&sa, sizeof sa));
	assert_int_equal(0, listen(fd, backlog));
	*ret_port = socket_local(fd).port;
	return fd;
}
