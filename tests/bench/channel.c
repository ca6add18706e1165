// SPDX-License-Identifier: Apache-2.0
//
// What a stream of a domain costs over sockets, see bench_tls: an agent opens streams to a controller on
// the loopback interface, both with the real thing from the certificate to the loop, each a process.
//
// channel rate COUNT ROUNDS   open and close: streams per second, microseconds of CPU on either side
// channel idle COUNT          bytes of the controller for each stream that stays open
#include "grasp/io_ev.h"
#include "tests/bench/member.h"
#include "trust/channel.h"
#include <err.h>
#include <ev.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_A_TIME  (CHANNEL_STRANGERS_ADDR / 2) /* more at one address are not let in */
#define TIMEOUT_MS 10000

struct state { /* of the controller, on request */
	double cpu_s;
	long resident;
	size_t heap;
	unsigned streams;
};

static struct bench_domain domain;
static struct bench_member agent, controller;
static uint16_t port;

static double
now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct grasp_io *
open_channel(
    struct ev_loop *loop, struct credential *self, unsigned accept, unsigned open)
{
	static const struct grasp_io_ev_config on_loopback = { .loopback = true };
	struct channel_config cfg = { .self = self, .accept = accept, .open = open };
	struct grasp_io *io;

	if (grasp_io_ev_new(loop, &on_loopback, &cfg.inner) < 0 ||
	    channel_new(&cfg, &io) < 0)
		errx(1, "no channel");
	return io;
}

/* --- the controller --------------------------------------------------------------------------- */
static struct grasp_io *served;

static long
resident(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		errx(1, "/proc/self/statm");
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static ssize_t
use_up(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	(void)s;
	return (ssize_t)data.len;
}

static void
forget(void *arg, struct grasp_stream *s, int err)
{
	(void)arg;
	(void)s;
	(void)err;
}

static const struct grasp_stream_ops guest_ops = { NULL, use_up, forget };

static void
on_accepted(void *arg, struct grasp_stream *s)
{
	(void)arg;
	served->ops->stream_set(s, &guest_ops, NULL);
}

static void
ignore_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static void
on_asked(struct ev_loop *loop, ev_io *w, int events)
{
	struct state s = { now_s(CLOCK_PROCESS_CPUTIME_ID), resident(),
		mallinfo2().uordblks, channel_counters(served)->streams };
	char question;

	(void)events;
	if (read(w->fd, &question, 1) != 1)
		ev_break(loop, EVBREAK_ALL);
	else if (write(w->fd, &s, sizeof s) != sizeof s)
		err(1, "write");
}

static void
serve(int fd)
{
	static const struct grasp_io_events events = { ignore_datagram, on_accepted,
		NULL };
	struct ev_loop *loop = ev_default_loop(0);
	ev_io asked;

	served = open_channel(loop, controller.self, TRUST_BIT(TRUST_AGENT), 0);
	if (served->ops->bind(served, port, &events, NULL) < 0)
		errx(1, "port %u is not to be had", port);
	ev_io_init(&asked, on_asked, fd, EV_READ);
	ev_io_start(loop, &asked);
	ev_run(loop, 0);
}

static struct state
ask(int fd)
{
	struct state s;

	if (write(fd, "?", 1) != 1 || recv(fd, &s, sizeof s, MSG_WAITALL) != sizeof s)
		errx(1, "the controller is gone");
	return s;
}

/* --- the agent -------------------------------------------------------------------------------- */
static struct {
	struct ev_loop *loop;
	struct grasp_io *io;
	bool keep;
	int to_open, to_come;
} run;

static void open_next(void);

static void
on_opened(void *arg, struct grasp_stream *s)
{
	(void)arg;
	if (!run.keep)
		run.io->ops->stream_close(s, false);
	if (--run.to_come == 0)
		ev_break(run.loop, EVBREAK_ALL);
	open_next();
}

static void
on_closed(void *arg, struct grasp_stream *s, int error)
{
	(void)arg;
	(void)s;
	errx(1, "a stream was not opened: %s", strerror(error));
}

static void
open_next(void)
{
	static const struct grasp_stream_ops ops = { on_opened, use_up, on_closed };
	struct addr to = { .ip = IN6ADDR_LOOPBACK_INIT, .port = port };
	struct grasp_stream *s;

	if (run.to_open == 0)
		return;
	run.to_open--;
	if (run.io->ops->stream_open(run.io, &to, TIMEOUT_MS, &ops, NULL, &s) < 0)
		errx(1, "no stream");
}

static void
open_streams(int count, bool keep)
{
	run.keep = keep;
	run.to_open = run.to_come = count;
	for (int i = 0; i < AT_A_TIME; i++)
		open_next();
	ev_run(run.loop, 0);
}

static void
measure_rate(int fd, int count, int rounds)
{
	open_streams(20, false);
	for (int i = 0; i < rounds; i++) {
		struct state before = ask(fd), after;
		double wall = now_s(CLOCK_MONOTONIC),
		       cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);

		open_streams(count, false);
		after = ask(fd);
		wall = now_s(CLOCK_MONOTONIC) - wall;
		cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		printf("{\"per_s\": %.1f, \"controller_us\": %.1f, \"agent_us\": %.1f}\n",
		    count / wall, 1e6 * (after.cpu_s - before.cpu_s) / count,
		    1e6 * cpu / count);
	}
}

static void
measure_idle(int fd, int count)
{
	struct state before, after;

	open_streams(4, true);
	before = ask(fd);
	open_streams(count, true);
	after = ask(fd);
	if (after.streams != before.streams + (unsigned)count)
		errx(1, "%u streams are there instead of %d",
		    after.streams - before.streams, count);
	printf("{\"what\": \"channel\", \"heap\": %zu, \"rss\": %ld}\n",
	    (after.heap - before.heap) / (size_t)count,
	    (after.resident - before.resident) / count);
}

static uint16_t
free_port(void)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		err(1, "socket");
	close(fd);
	return ntohs(sa.sin6_port);
}

static void
raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

int
main(int argc, char **argv)
{
	int ends[2];
	pid_t child;

	if (argc < 3)
		errx(2, "usage: channel rate COUNT ROUNDS | idle COUNT");
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	bench_domain_init(&domain, "plant-7");
	bench_member_init(&agent, &domain, TRUST_AGENT);
	bench_member_init(&controller, &domain, TRUST_CONTROLLER);
	port = free_port();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || (child = fork()) < 0)
		err(1, "fork");
	close(ends[child != 0]);
	if (child == 0) {
		serve(ends[1]);
		_exit(0);
	}
	(void)ask(ends[0]);
	run.loop = ev_default_loop(0);
	run.io = open_channel(run.loop, agent.self, 0, TRUST_BIT(TRUST_CONTROLLER));
	if (argv[1][0] == 'r')
		measure_rate(ends[0], atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 5);
	else
		measure_idle(ends[0], atoi(argv[2]));
	close(ends[0]);
	waitpid(child, NULL, 0);
	return 0;
}
