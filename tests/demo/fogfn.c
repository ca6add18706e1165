/* SPDX-License-Identifier: Apache-2.0
 *
 * fogfn: a fog function of the demonstration. It answers requests, one line each, over UDP and
 * TCP on the same port, and puts "NAME@WHERE" behind what came. With a next function it asks that
 * one first, over the same transport, so that F1 → F2 is a chain.
 *
 *	fogfn NAME WHERE PORT [NEXT-ADDRESS NEXT-PORT]
 *	fogfn --check ADDRESS PORT		0 if an answer comes within 300 ms
 *
 * TERM: takes nothing new, finishes what it has begun for up to 300 ms, ends. Answers leave from
 * the address that was asked, so an address that moves between nodes moves whole. */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define LINE_MAX_BYTES 512
#define PENDING_MAX    1024
#define NEXT_TIMEOUT_S 1.0

struct origin { /* who asked by UDP, and which of our addresses */
	struct sockaddr_in6 from;
	struct in6_pktinfo to;
	ev_tstamp at;
	bool used;
};

struct call { /* one TCP connection, and the one to the next function */
	ev_io asked, next;
	ev_timer deadline;
	char line[LINE_MAX_BYTES];
	size_t len;
	int fd, next_fd;
};

static struct {
	struct ev_loop *loop;
	const char *name, *where;
	struct sockaddr_in6 next;
	bool has_next;
	int udp, udp_next, tcp;
	ev_io udp_in, udp_back, tcp_in;
	ev_timer drained;
	struct origin pending[PENDING_MAX];
	uint32_t ticket;
	unsigned open_calls;
} fn;

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in6
address(const char *ip, const char *port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
		.sin6_port = htons(atoi(port)) };

	if (inet_pton(AF_INET6, ip, &sa.sin6_addr) != 1) {
		fprintf(stderr, "fogfn: %s is not an IPv6 address\n", ip);
		exit(2);
	}
	return sa;
}

static size_t
sign(char line[LINE_MAX_BYTES], size_t len)
{
	while (len && (line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	len += snprintf(line + len, LINE_MAX_BYTES - len, " %s@%s\n", fn.name, fn.where);
	return len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES - 1;
}

/* --- UDP ----------------------------------------------------------------------------------- */

static void
udp_answer(const struct origin *o, const char *line, size_t len)
{
	char control[CMSG_SPACE(sizeof o->to)] = { 0 };
	struct iovec iov = { (void *)line, len };
	struct sockaddr_in6 to = o->from;
	struct msghdr m = { .msg_name = &to,
		.msg_namelen = sizeof to,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof o->to);
	memcpy(CMSG_DATA(c), &o->to, sizeof o->to);
	if (sendmsg(fn.udp, &m, 0) < 0)
		perror("fogfn: answer");
}

/* The next function gets "T<ticket> line"; its answer brings the ticket back. */
static void
udp_ask_next(const struct origin *o, const char *line, size_t len)
{
	uint32_t ticket = fn.ticket++ % PENDING_MAX;
	char out[LINE_MAX_BYTES + 16];
	int n = snprintf(out, sizeof out, "T%u %.*s", ticket, (int)len, line);

	fn.pending[ticket] = *o;
	fn.pending[ticket].used = true;
	if (send(fn.udp_next, out, n, 0) < 0)
		perror("fogfn: next");
}

static void
udp_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	char line[LINE_MAX_BYTES], control[256];
	struct origin o = { .at = ev_now(loop) };
	struct iovec iov = { line, sizeof line - 1 };
	struct msghdr m = { .msg_name = &o.from,
		.msg_namelen = sizeof o.from,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	ssize_t n = recvmsg(w->fd, &m, MSG_DONTWAIT);

	(void)revents;
	if (n <= 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			memcpy(&o.to, CMSG_DATA(c), sizeof o.to);
	/* Only the address matters: the way back is routed, from an address on lo as well. */
	o.to.ipi6_ifindex = 0;
	line[n] = '\0';
	if (fn.has_next && strncmp(line, "check", 5) != 0) {
		udp_ask_next(&o, line, n);
		return;
	}
	udp_answer(&o, line, sign(line, n));
}

static void
udp_next_answered(struct ev_loop *loop, ev_io *w, int revents)
{
	char line[LINE_MAX_BYTES];
	ssize_t n = recv(w->fd, line, sizeof line - 1, MSG_DONTWAIT);
	unsigned ticket;
	int skip = 0;

	(void)loop, (void)revents;
	if (n <= 0)
		return;
	line[n] = '\0';
	if (sscanf(line, "T%u %n", &ticket, &skip) != 1 || ticket >= PENDING_MAX ||
	    !fn.pending[ticket].used)
		return;
	fn.pending[ticket].used = false;
	memmove(line, line + skip, n - skip);
	udp_answer(&fn.pending[ticket], line, sign(line, n - skip));
}

/* --- TCP ----------------------------------------------------------------------------------- */

static void
call_free(struct call *c)
{
	ev_io_stop(fn.loop, &c->asked);
	ev_io_stop(fn.loop, &c->next);
	ev_timer_stop(fn.loop, &c->deadline);
	close(c->fd);
	if (c->next_fd >= 0)
		close(c->next_fd);
	free(c);
	fn.open_calls--;
}

static void
call_answer(struct call *c)
{
	c->len = sign(c->line, c->len);
	if (send(c->fd, c->line, c->len, MSG_NOSIGNAL) < 0)
		perror("fogfn: answer");
	c->len = 0;
}

static bool
call_complete(struct call *c, int fd, bool *ret_closed)
{
	ssize_t n = recv(fd, c->line + c->len, sizeof c->line - 1 - c->len, MSG_DONTWAIT);

	*ret_closed = n == 0 || (n < 0 && errno != EAGAIN);
	if (n > 0)
		c->len += n;
	return c->len && c->line[c->len - 1] == '\n';
}

static void
call_next_ready(struct ev_loop *loop, ev_io *w, int revents)
{
	struct call *c = container_of(w, struct call, next);
	bool closed;

	if (revents & EV_WRITE) {
		if (send(c->next_fd, c->line, c->len, MSG_NOSIGNAL) < 0) {
			call_free(c);
			return;
		}
		c->len = 0;
		ev_io_stop(loop, w);
		ev_io_set(w, c->next_fd, EV_READ);
		ev_io_start(loop, w);
		return;
	}
	if (call_complete(c, c->next_fd, &closed)) {
		ev_io_stop(loop, w);
		close(c->next_fd);
		c->next_fd = -1;
		call_answer(c);
	} else if (closed) {
		call_free(c);
	}
}

static void
call_ask_next(struct call *c)
{
	c->next_fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->next_fd < 0 ||
	    (connect(c->next_fd, (struct sockaddr *)&fn.next, sizeof fn.next) < 0 &&
		errno != EINPROGRESS)) {
		call_free(c);
		return;
	}
	ev_io_set(&c->next, c->next_fd, EV_WRITE);
	ev_io_start(fn.loop, &c->next);
}

static void
call_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct call *c = container_of(w, struct call, asked);
	bool closed;

	(void)loop, (void)revents;
	if (call_complete(c, c->fd, &closed)) {
		if (fn.has_next)
			call_ask_next(c);
		else
			call_answer(c);
	} else if (closed) {
		call_free(c);
	}
}

static void
call_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	call_free(container_of(w, struct call, deadline));
}

static void
tcp_acceptable(struct ev_loop *loop, ev_io *w, int revents)
{
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct call *c = fd < 0 ? NULL : calloc(1, sizeof *c);

	(void)revents;
	if (!c) {
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	c->fd = fd;
	c->next_fd = -1;
	ev_io_init(&c->asked, call_readable, fd, EV_READ);
	ev_init(&c->next, call_next_ready);
	ev_timer_init(&c->deadline, call_late, 10 * NEXT_TIMEOUT_S, 0);
	ev_io_start(loop, &c->asked);
	ev_timer_start(loop, &c->deadline);
	fn.open_calls++;
}

/* --- life ---------------------------------------------------------------------------------- */

static bool
busy(void)
{
	if (fn.open_calls)
		return true;
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (fn.pending[i].used &&
		    ev_now(fn.loop) - fn.pending[i].at < NEXT_TIMEOUT_S)
			return true;
	return false;
}

static void
drained(struct ev_loop *loop, ev_timer *w, int revents)
{
	static int turns;

	(void)revents;
	if (++turns >= 30 || !busy()) {
		ev_timer_stop(loop, w);
		ev_break(loop, EVBREAK_ALL);
	}
}

static void
term(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)w, (void)revents;
	ev_io_stop(loop, &fn.tcp_in);
	close(fn.tcp);
	ev_timer_init(&fn.drained, drained, 0.01, 0.01);
	ev_timer_start(loop, &fn.drained);
}

static int
listen_on(int type, const char *port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
		.sin6_port = htons(atoi(port)) };
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &(int){ 1 }, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof sa) ||
	    (type == SOCK_STREAM && listen(fd, 128)))
		die("fogfn: listen");
	return fd;
}

static int
check(const char *ip, const char *port)
{
	struct sockaddr_in6 sa = address(ip, port);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[LINE_MAX_BYTES];

	return fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) ||
	    send(fd, "check\n", 6, 0) < 0 || poll(&p, 1, 300) != 1 ||
	    recv(fd, line, sizeof line, 0) <= 0;
}

static void
connect_next(const char *ip, const char *port)
{
	fn.has_next = true;
	fn.next = address(ip, port);
	fn.udp_next = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fn.udp_next < 0 ||
	    connect(fn.udp_next, (struct sockaddr *)&fn.next, sizeof fn.next))
		die("fogfn: next");
	ev_io_init(&fn.udp_back, udp_next_answered, fn.udp_next, EV_READ);
	ev_io_start(fn.loop, &fn.udp_back);
}

int
main(int argc, char **argv)
{
	ev_signal on_term;

	if (argc == 4 && strcmp(argv[1], "--check") == 0)
		return check(argv[2], argv[3]);
	if (argc != 4 && argc != 6) {
		fputs("usage: fogfn NAME WHERE PORT [NEXT-ADDRESS NEXT-PORT]\n"
		      "       fogfn --check ADDRESS PORT\n",
		    stderr);
		return 2;
	}
	fn.loop = EV_DEFAULT;
	fn.name = argv[1];
	fn.where = argv[2];
	fn.udp = listen_on(SOCK_DGRAM, argv[3]);
	fn.tcp = listen_on(SOCK_STREAM, argv[3]);
	if (argc == 6)
		connect_next(argv[4], argv[5]);
	ev_io_init(&fn.udp_in, udp_readable, fn.udp, EV_READ);
	ev_io_init(&fn.tcp_in, tcp_acceptable, fn.tcp, EV_READ);
	ev_signal_init(&on_term, term, SIGTERM);
	ev_io_start(fn.loop, &fn.udp_in);
	ev_io_start(fn.loop, &fn.tcp_in);
	ev_signal_start(fn.loop, &on_term);
	printf("%s on %s is ready\n", fn.name, fn.where);
	fflush(stdout);
	ev_run(fn.loop, 0);
	return 0;
}
