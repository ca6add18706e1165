/* SPDX-License-Identifier: Apache-2.0
 *
 * Two ends of a conversation, to be measured from outside by tests/bench/bench_grasp:
 *	traffic serve			a node with EX2, and EX3 for links to be held; says "ready"
 *	traffic discover COUNT		microseconds from M_DISCOVERY to M_RESPONSE, or "lost"
 *	traffic fresh ADDRESS COUNT	synchronizations of EX2, each on a new connection
 *	traffic held ADDRESS COUNT	the same on one held link
 *	traffic plain-serve, plain ADDRESS COUNT
 *					as fresh, with blocking sockets and without GRASP: what the
 *					kernel takes
 * What counts ends with one line of JSON: how many, seconds, and seconds of CPU. */
#include "base/addr_text.h"
#include "grasp/grasp.h"
#include "grasp/io_ev.h"
#include "grasp/socket.h"

#include <arpa/inet.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PLAIN_PORT 7018
#define ANSWER_MAX 64
#define BEAT_MS	   10000
#define SILENCE_MS 60000

static const struct slice hello = { (const uint8_t *)"\x65hello", 6 };

static struct {
	struct ev_loop *loop;
	struct grasp_io *io;
	struct grasp_node *node;
	struct grasp_link *link; /* held */
	struct addr to;
	unsigned left, count;
	double begin;
	struct grasp_discovery *search;
} bench;

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
report(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	printf("{\"count\":%u,\"seconds\":%.6f,\"cpu\":%.6f}\n", bench.count,
	    seconds(CLOCK_MONOTONIC) - bench.begin,
	    (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
}

static int
fail(const char *what)
{
	fprintf(stderr, "traffic: %s\n", what);
	return 1;
}

static void
give_up(const char *what)
{
	exit(fail(what));
}

static struct grasp_objective
objective(const char *name)
{
	return (struct grasp_objective){
		.name = slice_text(name), .flags = F_DISC | F_SYNCH, .loop_count = 1
	};
}

/* --- the node ------------------------------------------------------------------------------- */

static int
start_node(void)
{
	static const struct grasp_io_ev_config io_cfg;
	static const struct grasp_config cfg = { .link_local = true };

	bench.loop = EV_DEFAULT;
	return grasp_io_ev_new(bench.loop, &io_cfg, &bench.io) < 0 ||
		grasp_node_new(bench.io, &cfg, &bench.node) < 0
	    ? -1
	    : 0;
}

static void
on_synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	(void)asked;
	if (arg)
		grasp_link_hold(grasp_session_link(s), BEAT_MS, SILENCE_MS, 0);
	if (grasp_session_synch(s, hello) < 0)
		fail("cannot answer");
}

static int
serve(void)
{
	static const struct grasp_support value = { .synchronize = on_synchronize };
	struct grasp_registration *r;

	if (start_node() < 0 ||
	    grasp_register(bench.node, "EX2", F_DISC | F_SYNCH, &value, NULL, &r) < 0 ||
	    grasp_register(bench.node, "EX3", F_SYNCH, &value, &bench, &r) < 0)
		return fail("the node does not start");
	puts("ready");
	fflush(stdout);
	ev_run(bench.loop, 0);
	return 0;
}

/* --- discovery ------------------------------------------------------------------------------ */

static void look(void);

static void
go_on(void)
{
	if (--bench.left > 0)
		look();
	else
		ev_break(bench.loop, EVBREAK_ALL);
}

static void
on_found(void *arg, const struct grasp_found *f)
{
	(void)arg;
	(void)f;
	printf("%.1f\n", (seconds(CLOCK_MONOTONIC) - bench.begin) * 1e6);
	grasp_discovery_cancel(TAKE(bench.search));
	go_on();
}

static void
on_searched(void *arg, unsigned responses)
{
	(void)arg;
	(void)responses;
	puts("lost");
	go_on();
}

static void
look(void)
{
	struct grasp_objective o = objective("EX2");

	bench.begin = seconds(CLOCK_MONOTONIC);
	if (grasp_discover(
		bench.node, &o, 0, on_found, on_searched, NULL, &bench.search) < 0)
		give_up("no discovery");
}

static int
discover(void)
{
	if (start_node() < 0)
		return fail("the node does not start");
	look();
	ev_run(bench.loop, 0);
	return 0;
}

/* --- synchronization ------------------------------------------------------------------------ */

static void synchronize(void);

static void
on_synched(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	(void)arg;
	(void)s;
	if (!slice_equal(obj->value, hello))
		give_up("another value came");
}

static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg;
	(void)s;
	(void)reason;
	if (outcome != GRASP_ACCEPTED)
		give_up(grasp_outcome_name(outcome));
	if (--bench.left > 0)
		synchronize();
	else
		ev_break(bench.loop, EVBREAK_ALL);
}

static const struct grasp_session_ops ops = { .synched = on_synched, .ended = on_ended };

static void
synchronize(void)
{
	struct grasp_objective o = objective(bench.link ? "EX3" : "EX2");
	struct grasp_link *l = bench.link;
	struct grasp_session *s;

	if (!l && grasp_link_open(bench.node, &bench.to, NULL, NULL, &l) < 0)
		give_up("no link");
	if (grasp_synchronize(l, &o, 0, &ops, NULL, &s) < 0)
		give_up("no request");
}

static int
ask(bool held)
{
	if (start_node() < 0 ||
	    (held && grasp_link_open(bench.node, &bench.to, NULL, NULL, &bench.link) < 0))
		return fail("the node does not start");
	if (held)
		grasp_link_hold(bench.link, BEAT_MS, SILENCE_MS, 0);
	bench.begin = seconds(CLOCK_MONOTONIC);
	synchronize();
	ev_run(bench.loop, 0);
	report();
	return 0;
}

/* --- the kernel alone ----------------------------------------------------------------------- */

static int
plain_serve(void)
{
	struct addr at = { .port = PLAIN_PORT };
	struct sockaddr_in6 sa = addr_to_sockaddr(&at);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	char bytes[ANSWER_MAX];

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 ||
	    listen(fd, 64) < 0)
		return fail("no plain listener");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int s = accept(fd, NULL, NULL);
		ssize_t n = recv(s, bytes, sizeof bytes, 0);

		if (n > 0)
			send(s, bytes, (size_t)n, MSG_NOSIGNAL);
		close(s);
	}
}

static void
plain_call(void)
{
	struct sockaddr_in6 sa = addr_to_sockaddr(&bench.to);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char bytes[ANSWER_MAX] = "12345678901234567890";

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0 ||
	    send(fd, bytes, 20, MSG_NOSIGNAL) != 20 ||
	    recv(fd, bytes, sizeof bytes, MSG_WAITALL) != 20)
		give_up("no plain answer");
	close(fd);
}

static int
plain(void)
{
	bench.to.port = PLAIN_PORT;
	bench.begin = seconds(CLOCK_MONOTONIC);
	for (; bench.left > 0; bench.left--)
		plain_call();
	report();
	return 0;
}

static int
usage(void)
{
	return fail("serve | discover COUNT | fresh ADDRESS COUNT | held ADDRESS COUNT | "
		    "plain-serve | plain ADDRESS COUNT"),
	       2;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc > 2)
		bench.left = bench.count = (unsigned)strtoul(argv[argc - 1], NULL, 10);
	bench.to.port = GRASP_LISTEN_PORT;
	if (argc > 3 && inet_pton(AF_INET6, argv[2], &bench.to.ip) != 1)
		return usage();
	if (argc == 2 && !strcmp(what, "serve"))
		return serve();
	if (argc == 2 && !strcmp(what, "plain-serve"))
		return plain_serve();
	if (argc == 3 && bench.left && !strcmp(what, "discover"))
		return discover();
	if (argc == 4 && bench.left && !strcmp(what, "plain"))
		return plain();
	if (argc == 4 && bench.left && (!strcmp(what, "fresh") || !strcmp(what, "held")))
		return ask(!strcmp(what, "held"));
	return usage();
}
