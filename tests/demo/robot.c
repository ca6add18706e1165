/* SPDX-License-Identifier: Apache-2.0
 *
 * robot: calls a function all the time, over UDP (50 calls a second) and TCP (10 a second, a new
 * connection each), and keeps the books.
 *
 *	robot ADDRESS PORT REPORT-FILE
 *
 * A UDP call is lost when no answer came within a second; it is never repeated. A TCP call is
 * repeated when its connection breaks, and lost when two seconds have passed. TERM: waits for the
 * calls under way, writes the report as JSON, ends. Whenever the answers begin to come from other
 * nodes a line "served F2@B F1@A" goes to stdout. */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define UDP_PERIOD_S   0.02
#define TCP_PERIOD_S   0.1
#define UDP_DEADLINE_S 1.0
#define TCP_DEADLINE_S 2.0
#define WINDOW	       256 /* UDP calls under way */
#define LINE_MAX_BYTES 512

struct books {
	unsigned long sent, answered, lost, repeated;
	ev_tstamp last_answer, longest_gap, slowest;
};

struct call { /* over TCP */
	ev_io io;
	ev_timer deadline;
	ev_tstamp began;
	char line[LINE_MAX_BYTES];
	size_t len;
	int fd;
};

static struct {
	struct ev_loop *loop;
	struct sockaddr_in6 to;
	const char *report;
	int udp;
	ev_io udp_in;
	ev_timer udp_tick, tcp_tick, finish;
	struct {
		ev_tstamp at;
		uint32_t seq;
		bool open;
	} window[WINDOW];
	uint32_t seq;
	unsigned tcp_open;
	struct books udp_books, tcp_books;
	char path[LINE_MAX_BYTES];
	bool stopping;
} robot;

static void
answered(struct books *b, ev_tstamp began, const char *line)
{
	ev_tstamp now = ev_now(robot.loop);
	const char *path = strchr(line, ' ');

	b->answered++;
	if (b->last_answer > 0 && now - b->last_answer > b->longest_gap)
		b->longest_gap = now - b->last_answer;
	if (now - began > b->slowest)
		b->slowest = now - began;
	b->last_answer = now;
	if (path && strcmp(path, robot.path) != 0) {
		snprintf(robot.path, sizeof robot.path, "%s", path);
		printf("%.3f served%s", now, path);
		fflush(stdout);
	}
}

/* --- UDP ----------------------------------------------------------------------------------- */

static void
udp_expire(void)
{
	for (size_t i = 0; i < WINDOW; i++)
		if (robot.window[i].open &&
		    ev_now(robot.loop) - robot.window[i].at > UDP_DEADLINE_S) {
			robot.window[i].open = false;
			robot.udp_books.lost++;
			printf("%.3f lost udp call %u\n", ev_now(robot.loop),
			    robot.window[i].seq);
			fflush(stdout);
		}
}

static void
udp_call(struct ev_loop *loop, ev_timer *w, int revents)
{
	uint32_t seq = robot.seq++, slot = seq % WINDOW;
	char line[32];
	int n = snprintf(line, sizeof line, "%u\n", seq);

	(void)w, (void)revents;
	udp_expire();
	robot.window[slot].at = ev_now(loop);
	robot.window[slot].seq = seq;
	robot.window[slot].open = true;
	robot.udp_books.sent++;
	/* An error such as "no route" is not repeated: the call will be counted as lost. */
	(void)!sendto(
	    robot.udp, line, n, 0, (struct sockaddr *)&robot.to, sizeof robot.to);
}

static void
udp_answered(struct ev_loop *loop, ev_io *w, int revents)
{
	char line[LINE_MAX_BYTES];
	ssize_t n = recv(w->fd, line, sizeof line - 1, MSG_DONTWAIT);
	uint32_t seq;

	(void)loop, (void)revents;
	if (n <= 0)
		return;
	line[n] = '\0';
	if (sscanf(line, "%u", &seq) != 1)
		return;
	if (!robot.window[seq % WINDOW].open || robot.window[seq % WINDOW].seq != seq)
		return;
	robot.window[seq % WINDOW].open = false;
	answered(&robot.udp_books, robot.window[seq % WINDOW].at, line);
}

/* --- TCP ----------------------------------------------------------------------------------- */

static void tcp_connect(struct call *c);

static void
call_free(struct call *c)
{
	ev_io_stop(robot.loop, &c->io);
	ev_timer_stop(robot.loop, &c->deadline);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	robot.tcp_open--;
}

static void
tcp_again(struct call *c)
{
	ev_io_stop(robot.loop, &c->io);
	close(c->fd);
	c->len = 0;
	robot.tcp_books.repeated++;
	tcp_connect(c);
}

static void
tcp_ready(struct ev_loop *loop, ev_io *w, int revents)
{
	struct call *c = container_of(w, struct call, io);
	ssize_t n;

	if (revents & EV_WRITE) {
		char line[32];

		n = snprintf(line, sizeof line, "%lu\n", robot.tcp_books.sent);
		if (send(c->fd, line, n, MSG_NOSIGNAL) < 0) {
			tcp_again(c);
			return;
		}
		ev_io_stop(loop, w);
		ev_io_set(w, c->fd, EV_READ);
		ev_io_start(loop, w);
		return;
	}
	n = recv(c->fd, c->line + c->len, sizeof c->line - 1 - c->len, MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			tcp_again(c);
		return;
	}
	c->len += n;
	c->line[c->len] = '\0';
	if (strchr(c->line, '\n')) {
		answered(&robot.tcp_books, c->began, c->line);
		call_free(c);
	}
}

static void
tcp_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	robot.tcp_books.lost++;
	call_free(container_of(w, struct call, deadline));
}

static void
tcp_connect(struct call *c)
{
	c->fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		perror("robot: socket");
		return; /* the deadline counts it as lost */
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(c->fd, (struct sockaddr *)&robot.to, sizeof robot.to) < 0 &&
	    errno != EINPROGRESS)
		return;
	ev_io_set(&c->io, c->fd, EV_WRITE);
	ev_io_start(robot.loop, &c->io);
}

static void
tcp_call(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct call *c = calloc(1, sizeof *c);

	(void)w, (void)revents;
	if (!c)
		return;
	robot.tcp_open++;
	robot.tcp_books.sent++;
	c->began = ev_now(loop);
	ev_init(&c->io, tcp_ready);
	ev_timer_init(&c->deadline, tcp_late, TCP_DEADLINE_S, 0);
	ev_timer_start(loop, &c->deadline);
	tcp_connect(c);
}

/* --- the end ------------------------------------------------------------------------------- */

static void
print_books(FILE *f, const char *name, const struct books *b, const char *end)
{
	fprintf(f,
	    "  \"%s\": {\"sent\": %lu, \"answered\": %lu, \"lost\": %lu, \"repeated\": "
	    "%lu,"
	    " \"longest_gap_ms\": %.0f, \"slowest_ms\": %.1f}%s\n",
	    name, b->sent, b->answered, b->lost, b->repeated, b->longest_gap * 1e3,
	    b->slowest * 1e3, end);
}

static void
finish(struct ev_loop *loop, ev_timer *w, int revents)
{
	bool open = robot.tcp_open > 0;
	FILE *f;

	(void)w, (void)revents;
	udp_expire();
	for (size_t i = 0; i < WINDOW; i++)
		open |= robot.window[i].open;
	if (open)
		return;
	f = fopen(robot.report, "w");
	if (!f) {
		perror(robot.report);
		exit(1);
	}
	fputs("{\n", f);
	print_books(f, "udp", &robot.udp_books, ",");
	print_books(f, "tcp", &robot.tcp_books, "");
	fputs("}\n", f);
	fclose(f);
	ev_break(loop, EVBREAK_ALL);
}

static void
term(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)w, (void)revents;
	if (robot.stopping)
		return;
	robot.stopping = true;
	ev_timer_stop(loop, &robot.udp_tick);
	ev_timer_stop(loop, &robot.tcp_tick);
	ev_timer_start(loop, &robot.finish);
}

int
main(int argc, char **argv)
{
	ev_signal on_term;

	robot.to = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	if (argc != 4 || inet_pton(AF_INET6, argv[1], &robot.to.sin6_addr) != 1) {
		fputs("usage: robot ADDRESS PORT REPORT-FILE\n", stderr);
		return 2;
	}
	robot.to.sin6_port = htons(atoi(argv[2]));
	robot.report = argv[3];
	robot.loop = EV_DEFAULT;
	robot.udp = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (robot.udp < 0) {
		perror("robot: socket");
		return 1;
	}
	ev_io_init(&robot.udp_in, udp_answered, robot.udp, EV_READ);
	ev_timer_init(&robot.udp_tick, udp_call, 0, UDP_PERIOD_S);
	ev_timer_init(&robot.tcp_tick, tcp_call, 0, TCP_PERIOD_S);
	ev_timer_init(&robot.finish, finish, 0.01, 0.01);
	ev_signal_init(&on_term, term, SIGTERM);
	ev_io_start(robot.loop, &robot.udp_in);
	ev_timer_start(robot.loop, &robot.udp_tick);
	ev_timer_start(robot.loop, &robot.tcp_tick);
	ev_signal_start(robot.loop, &on_term);
	ev_run(robot.loop, 0);
	return 0;
}
