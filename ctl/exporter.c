/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-exporter: options, the server, the end. */
#include "ctl/exporter.h"
#include "config.h"
#include "ctl/when.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROLLER_SOCKET RUNSTATEDIR "/fogwatch-controller/control"
#define AGENT_SOCKET	  RUNSTATEDIR "/fogwatch-agent/control"
#define LISTEN		  "127.0.0.1:9732"
#define DEADLINE_MS	  5000
#define MATCH		  "node_*"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE };

struct settings {
	struct exporter exporter;
	const char *listen;
	bool trusted; /* the network, by confession */
};

static const char usage[] =
    "usage: fogwatch-exporter [OPTION]…\n\n"
    "Shows what a fogwatch daemon measures to Prometheus, at http://" LISTEN
    "/metrics.\n\n"
    "options:\n"
    "  -s, --socket PATH    control socket of the agent or controller\n"
    "  -l, --listen ADDR    address and port to listen on (" LISTEN ")\n"
    "  -m, --match EXPR     a metric, a list such as node_network_*, or NAME=EXPR;\n"
    "                       may be repeated (" MATCH ")\n"
    "  -n, --node NODE      of a controller: this node alone\n"
    "  -f, --from WHERE     of a controller: history, what it has, or node, which is "
    "asked\n"
    "  -t, --timeout SPAN   how long the daemon may take (5s)\n"
    "  -i, --insecure       listen where others can read it: I trust this network\n"
    "  -h, --help           this text\n"
    "  -V, --version        the version\n";

static int
complain(const char *what, const char *why)
{
	fprintf(stderr, "fogwatch-exporter: %s: %s\n", what, why);
	return EXIT_USAGE;
}

/* --- options --------------------------------------------------------------------------------------- */
static int
take_match(struct settings *s, const char *text)
{
	char err[256] = "out of memory";

	return exporter_match_add(&s->exporter.matches, text, err, sizeof err)
	    ? complain(text, err)
	    : EXIT_DONE;
}

static int
take_option(struct settings *s, int option)
{
	switch (option) {
	case 's':
		s->exporter.socket = optarg;
		return EXIT_DONE;
	case 'l':
		s->listen = optarg;
		return EXIT_DONE;
	case 'm':
		return take_match(s, optarg);
	case 'n':
		s->exporter.node = optarg;
		return EXIT_DONE;
	case 'f':
		s->exporter.from = optarg;
		return strcmp(optarg, "history") == 0 || strcmp(optarg, "node") == 0
		    ? EXIT_DONE
		    : complain(optarg, "--from takes history or node");
	case 't':
		return when_parse_span(optarg, &s->exporter.deadline_ms) ||
			s->exporter.deadline_ms > 300000
		    ? complain(optarg, "--timeout takes a span such as 5s, 5m at most")
		    : EXIT_DONE;
	case 'i':
		s->trusted = true;
		return EXIT_DONE;
	case 'h':
		fputs(usage, stdout);
		exit(EXIT_DONE);
	case 'V':
		puts("fogwatch-exporter " PACKAGE_VERSION);
		exit(EXIT_DONE);
	default:
		fputs("Try: fogwatch-exporter --help\n", stderr);
		return EXIT_USAGE;
	}
}

static int
read_options(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = { { "socket", 1, NULL, 's' },
		{ "listen", 1, NULL, 'l' }, { "match", 1, NULL, 'm' },
		{ "node", 1, NULL, 'n' }, { "from", 1, NULL, 'f' },
		{ "timeout", 1, NULL, 't' }, { "insecure", 0, NULL, 'i' },
		{ "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' },
		{ NULL, 0, NULL, 0 } };
	int option, status = EXIT_DONE;

	while (!status &&
	    (option = getopt_long(argc, argv, "s:l:m:n:f:t:ihV", options, NULL)) != -1)
		status = take_option(s, option);
	if (!status && optind < argc)
		status = complain(argv[optind], "there are options only; try --help");
	s->exporter.chosen_by_none = !s->exporter.matches.len;
	if (!status && s->exporter.chosen_by_none)
		status = take_match(s, MATCH);
	return status;
}

/* --- where ------------------------------------------------------------------------------------------ */
static bool
is_loopback(const struct sockaddr_storage *at)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at;

	if (at->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* "127.0.0.1:9732", "[::1]:9732" */
static int
parse_address(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	char host[64], *end;
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[' && colon && colon > text + 1 && colon[-1] == ']';
	size_t len = colon ? (size_t)(colon - text) - 2 * brackets : 0;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

	if (!len || len >= sizeof host || !port || port > 65535 || *end)
		return -EINVAL;
	snprintf(host, sizeof host, "%.*s", (int)len, text + brackets);
	memset(ret, 0, sizeof *ret);
	ret->ss_family = brackets ? AF_INET6 : AF_INET;
	if (brackets)
		v6->sin6_port = htons((uint16_t)port);
	else
		v4->sin_port = htons((uint16_t)port);
	return inet_pton(ret->ss_family, host,
		   brackets ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) == 1
	    ? 0
	    : -EINVAL;
}

static int
find_place(const struct settings *s, struct sockaddr_storage *ret)
{
	if (parse_address(s->listen, ret))
		return complain(s->listen,
		    "--listen takes an address such as " LISTEN " or [::1]:9732");
	if (!is_loopback(ret) && !s->trusted)
		return complain(s->listen,
		    "everybody who reaches this address could read what is measured, "
		    "since "
		    "neither HTTP nor the metrics ask who that is; if that is meant, add "
		    "--insecure");
	return EXIT_DONE;
}

static const char *
default_socket(void)
{
	const char *named = getenv("FOGWATCH_SOCKET");

	if (named && *named)
		return named;
	return access(CONTROLLER_SOCKET, F_OK) && !access(AGENT_SOCKET, F_OK)
	    ? AGENT_SOCKET
	    : CONTROLLER_SOCKET;
}

/* --- the run ----------------------------------------------------------------------------------------- */
static int
run(struct settings *s, const struct sockaddr_storage *at)
{
	struct exporter_http *http = NULL;
	sigset_t ends;
	int got, err;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* threads to come inherit it */
	signal(SIGPIPE, SIG_IGN);
	err = exporter_http_start(&s->exporter, (const struct sockaddr *)at, &http);
	if (err) {
		complain(s->listen, strerror(-err));
		return EXIT_REFUSED;
	}
	fprintf(stderr, "fogwatch-exporter: http://%s/metrics shows what %s measures\n",
	    s->listen, s->exporter.socket);
	sigwait(&ends, &got);
	exporter_http_stop(http);
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	struct settings s = { .listen = LISTEN,
		.exporter = { .node = "all", .deadline_ms = DEADLINE_MS } };
	struct sockaddr_storage at;
	int status;

	s.exporter.socket = default_socket();
	status = read_options(&s, argc, argv);
	if (!status &&
	    strlen(s.exporter.socket) >= sizeof((struct sockaddr_un *)0)->sun_path)
		status =
		    complain(s.exporter.socket, "the path of a socket has 107 bytes");
	if (!status)
		status = find_place(&s, &at);
	s.exporter.counts = exporter_counts_new();
	if (!status)
		status = s.exporter.counts ? run(&s, &at) : EXIT_REFUSED;
	exporter_matches_done(&s.exporter.matches);
	free(s.exporter.counts);
	return status;
}
