/* SPDX-License-Identifier: Apache-2.0
 *
 * siege: opens connections that come to nothing, as many and as fast as they are taken (S-14).
 *
 *	siege ADDRESS PORT CONNECTIONS AT-ONCE SOURCE...
 *
 * Of eight connections three send garbage, one plain GRASP, one nothing, one a ClientHello and no more,
 * one a ClientHello of which a byte comes every 200 ms, and one is reset at once. They come from the
 * source addresses by turns. At the end, or at TERM, a line of JSON tells how many there were. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tls.h"
#include "trust/channel.h"

#define PATIENCE_MS 8000
#define DRIP_MS	    200
#define EVENTS	    256
#define BATCH	    64 /* connections begun in one turn */

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum kind {
	GARBAGE,
	GARBAGE_TLS,
	GARBAGE_LONG,
	PLAIN,
	SILENT,
	HELLO,
	DRIP,
	RESET,
	KINDS
};

struct visit {
	int fd; /* -1: free */
	enum kind kind;
	bool connected;
	size_t dripped;
	int64_t next_ms, until_ms;
};

static struct {
	struct sockaddr_in6 to, *source;
	unsigned sources;
	unsigned long want, begun, connected, closed, failed, given_up;
	struct visit *visit;
	unsigned visits;
	int epoll;
	uint8_t hello[1024];
	size_t hello_len;
	uint64_t random;
} me = { .random = 88172645463325252ULL };

static volatile sig_atomic_t stopped;

static void
stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static uint8_t
random_byte(void)
{
	me.random ^= me.random << 13;
	me.random ^= me.random >> 7;
	me.random ^= me.random << 17;
	return (uint8_t)(me.random >> 24);
}

/* --- a ClientHello ---------------------------------------------------------------------------- */

static bool
show_nothing(void *arg, const struct tls *t, const char *hint, struct tls_self *ret)
{
	(void)arg;
	(void)t;
	(void)hint;
	(void)ret;
	return true;
}

static int
believe(
    void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why)
{
	(void)arg;
	(void)t;
	(void)chain;
	(void)len;
	(void)why;
	return 0;
}

static bool
make_hello(void)
{
	const struct tls_setup setup = { .self = show_nothing, .verify = believe };
	struct tls_context *c = NULL;
	struct tls *t = NULL;
	struct buf plain, wire;
	bool ok;

	buf_init_fixed(&wire, me.hello, sizeof me.hello);
	buf_init(&plain, 1);
	ok = tls_context_new(&setup, &c) == 0 &&
	    tls_new_client(c, CHANNEL_ALPN_GRASP, NULL, NULL, &t) == 0 &&
	    tls_take(t, (struct slice){ 0 }, &plain, &wire) == 0;
	me.hello_len = wire.pos;
	tls_free(t);
	tls_context_free(c);
	return ok;
}

/* --- one visit -------------------------------------------------------------------------------- */

static void
end_visit(struct visit *v, bool reset)
{
	struct linger now = { .l_onoff = 1 };

	if (reset)
		setsockopt(v->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(v->fd);
	v->fd = -1;
}

static int
open_socket(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	const struct sockaddr_in6 *from = &me.source[me.begun % me.sources];

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)from, sizeof *from) == 0 &&
	    (connect(fd, (struct sockaddr *)&me.to, sizeof me.to) == 0 ||
		errno == EINPROGRESS))
		return fd;
	close(fd);
	return -1;
}

static bool
begin_visit(struct visit *v, int64_t now_ms)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = v };
	int fd = open_socket();

	if (fd < 0) {
		me.failed++;
		return false;
	}
	*v = (struct visit){ .fd = fd,
		.kind = (enum kind)((me.begun + me.begun / me.sources) % KINDS),
		.until_ms = now_ms + PATIENCE_MS };
	epoll_ctl(me.epoll, EPOLL_CTL_ADD, fd, &e);
	me.begun++;
	return true;
}

static void
say(const struct visit *v, const void *data, size_t len)
{
	ssize_t n = send(v->fd, data, len, MSG_NOSIGNAL);

	(void)n; /* what is not taken is not worth a second attempt */
}

static void
say_garbage(const struct visit *v, size_t len)
{
	uint8_t junk[4096];

	for (size_t i = 0; i < len; i++)
		junk[i] = random_byte();
	if (v->kind == GARBAGE_TLS)
		memcpy(junk, "\x16\x03\x01\x00\x80", 5);
	say(v, junk, len);
}

static void
begin_to_speak(struct visit *v, int64_t now_ms)
{
	static const uint8_t discovery[] = { 0x84, 0x01, 0x1a, 0x00, 0x01, 0xe2, 0x40,
		0x50 };

	switch (v->kind) {
	case GARBAGE:
	case GARBAGE_TLS:
		say_garbage(v, 200);
		break;
	case GARBAGE_LONG:
		say_garbage(v, 4096);
		break;
	case PLAIN:
		say(v, discovery, sizeof discovery);
		break;
	case HELLO:
		say(v, me.hello, me.hello_len);
		break;
	case DRIP:
		v->next_ms = now_ms;
		break;
	case RESET:
		me.closed++;
		end_visit(v, true);
		break;
	case SILENT:
	case KINDS:
		break;
	}
}

static void
look_at(struct visit *v, uint32_t events, int64_t now_ms)
{
	uint8_t bin[4096];
	ssize_t n = 1;

	if (v->fd < 0)
		return;
	if (!v->connected && (events & EPOLLOUT) && !(events & EPOLLERR)) {
		v->connected = true;
		me.connected++;
		begin_to_speak(v, now_ms);
	}
	while (v->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) && n > 0)
		n = recv(v->fd, bin, sizeof bin, 0);
	if (v->fd < 0 || n > 0 || (n < 0 && errno == EAGAIN))
		return;
	me.closed++;
	end_visit(v, false);
}

static void
go_on(struct visit *v, int64_t now_ms)
{
	if (v->fd < 0)
		return;
	if (now_ms >= v->until_ms) {
		me.given_up++;
		end_visit(v, false);
	} else if (v->kind == DRIP && v->connected && now_ms >= v->next_ms &&
	    v->dripped < me.hello_len) {
		say(v, &me.hello[v->dripped++], 1);
		v->next_ms = now_ms + DRIP_MS;
	}
}

/* --- all of them ------------------------------------------------------------------------------ */

/* False: all are over. */
static bool
walk(int64_t now_ms)
{
	unsigned begun = 0, live = 0;

	if (stopped)
		return false;
	for (unsigned i = 0; i < me.visits; i++) {
		struct visit *v = &me.visit[i];

		go_on(v, now_ms);
		if (v->fd < 0 && me.begun < me.want && begun < BATCH) {
			begun++;
			if (!begin_visit(v, now_ms))
				begun = BATCH; /* a pause */
		}
		live += v->fd >= 0;
	}
	return live > 0 || me.begun < me.want;
}

static void
besiege(void)
{
	struct epoll_event event[EVENTS];

	while (walk(clock_boot_ms())) {
		int n = epoll_wait(me.epoll, event, EVENTS, 10);

		for (int i = 0; i < n; i++)
			look_at(event[i].data.ptr, event[i].events, clock_boot_ms());
	}
}

static bool
prepare(int argc, char *argv[])
{
	struct rlimit files;

	if (argc < 6 || inet_pton(AF_INET6, argv[1], &me.to.sin6_addr) != 1)
		return false;
	me.to.sin6_family = AF_INET6;
	me.to.sin6_port = htons((uint16_t)atoi(argv[2]));
	me.want = strtoul(argv[3], NULL, 10);
	me.visits = (unsigned)atoi(argv[4]);
	me.sources = (unsigned)argc - 5;
	me.source = calloc(me.sources, sizeof *me.source);
	me.visit = calloc(me.visits, sizeof *me.visit);
	for (unsigned i = 0; i < me.visits; i++)
		me.visit[i].fd = -1;
	for (unsigned i = 0; i < me.sources; i++) {
		me.source[i].sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, argv[5 + i], &me.source[i].sin6_addr) != 1)
			return false;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	me.epoll = epoll_create1(EPOLL_CLOEXEC);
	return me.epoll >= 0 && make_hello();
}

int
main(int argc, char *argv[])
{
	int64_t began_ms, took_ms;

	signal(SIGTERM, stop);
	if (!prepare(argc, argv)) {
		fprintf(
		    stderr, "usage: siege ADDRESS PORT CONNECTIONS AT-ONCE SOURCE...\n");
		return 2;
	}
	began_ms = clock_boot_ms();
	besiege();
	took_ms = clock_boot_ms() - began_ms + 1;
	printf("{\"begun\": %lu, \"connected\": %lu, \"closed\": %lu, \"given_up\": %lu, "
	       "\"failed\": %lu, \"seconds\": %.1f, \"per_s\": %lu}\n",
	    me.begun, me.connected, me.closed, me.given_up, me.failed,
	    (double)took_ms / 1000, me.begun * 1000 / (unsigned long)took_ms);
	free(me.source);
	free(me.visit);
	return 0;
}
