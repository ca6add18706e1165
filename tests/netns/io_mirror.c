/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers each multicast of two groups over TCP, to where it came from, with what it saw of it:
 * "from … to … hops … on …". Says "ready" when it listens on an interface with a wide address. */
#include <arpa/inet.h>
#include <ev.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "grasp/const.h"
#include "base/addr_text.h"
#include "grasp/io_ev.h"

static struct grasp_io *io;

struct answer {
	char text[256];
};

static void
on_opened(void *arg, struct grasp_stream *s)
{
	struct answer *a = arg;

	if (io->ops->stream_send(s, slice_text(a->text)) < 0)
		puts("could not send");
	io->ops->stream_close(s, false);
	free(a);
}

static ssize_t
on_received(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	(void)s;
	return (ssize_t)data.len;
}

static void
on_closed(void *arg, struct grasp_stream *s, int err)
{
	(void)s;
	printf("no connection: %s\n", strerror(err));
	free(arg);
}

static const struct grasp_stream_ops ops = { on_opened, on_received, on_closed };

static void
on_datagram(void *arg, const struct grasp_datagram *d)
{
	char from[ADDR_TEXT_MAX], to[INET6_ADDRSTRLEN], name[IF_NAMESIZE] = "?";
	struct answer *a = calloc(1, sizeof *a);
	struct grasp_stream *s;

	(void)arg;
	if (!a)
		return;
	if_indextoname(d->from.ifindex, name);
	snprintf(a->text, sizeof a->text, "from %s to %s hops %d on %s len %zu",
	    addr_format(&d->from, from), inet_ntop(AF_INET6, &d->to, to, sizeof to),
	    d->hop_limit, name, d->data.len);
	puts(a->text);
	if (io->ops->stream_open(io, &d->from, 5000, &ops, a, &s) < 0) {
		puts("cannot connect");
		free(a);
	}
}

static void
on_accepted(void *arg, struct grasp_stream *s)
{
	(void)arg;
	io->ops->stream_close(s, true);
}

static void
join_everywhere(void *arg)
{
	static const struct in6_addr groups[] = {
		{ .s6_addr = { 0xff, 0x02, [15] = 0x13 } },
		{ .s6_addr = { 0xff, 0x14, [14] = 0xbe, [15] = 0xef } },
	};
	struct grasp_interface is[GRASP_INTERFACES_MAX];
	int n = io->ops->interfaces(io, is);

	(void)arg;
	for (int i = 0; i < n; i++) {
		for (size_t g = 0; g < ARRAY_LEN(groups); g++)
			if (io->ops->group_join(io, is[i].index, &groups[g]) < 0)
				puts("cannot join");
		if (is[i].addrs > 1 && !addr_is_link_local(&is[i].addr[0]))
			puts("ready");
	}
}

static const struct grasp_io_events events = { on_datagram, on_accepted,
	join_everywhere };

static void
on_end(struct ev_loop *loop, ev_signal *s, int what)
{
	(void)s;
	(void)what;
	ev_break(loop, EVBREAK_ALL);
}

int
main(void)
{
	static const struct grasp_io_ev_config cfg;
	struct ev_loop *loop = EV_DEFAULT;
	ev_signal term;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (grasp_io_ev_new(loop, &cfg, &io) < 0 ||
	    io->ops->bind(io, GRASP_LISTEN_PORT, &events, NULL) < 0)
		return 1;
	ev_signal_init(&term, on_end, SIGTERM);
	ev_signal_start(loop, &term);
	join_everywhere(NULL);
	ev_run(loop, 0);
	grasp_io_ev_free(io);
	ev_loop_destroy(loop);
	return 0;
}
