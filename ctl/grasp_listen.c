/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl grasp listen: what is said by multicast, as it comes. It stands on the io alone, since a node
 * would keep to itself what it did not ask for. */
#include "base/clock.h"
#include "base/ctl.h"
#include "ctl/asker.h"
#include "ctl/grasp.h"
#include "ctl/grasp_print.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct listen {
	struct asker asker;
	struct grasp_print print;
	int64_t left; /* messages; negative: no end */
};

/* The groups of one interface: --scope's, or all neighbours. */
static unsigned
join(struct listen *l, uint32_t ifindex)
{
	struct grasp_io *io = l->asker.io;
	struct in6_addr neighbors;
	unsigned joined = 0;

	if (l->asker.groups == 0) {
		inet_pton(AF_INET6, GRASP_ALL_NEIGHBORS_6, &neighbors);
		return io->ops->group_join(io, ifindex, &neighbors) == 0;
	}
	for (unsigned i = 0; i < l->asker.groups; i++)
		joined += io->ops->group_join(io, ifindex, &l->asker.group[i]) == 0;
	return joined;
}

/* Joining again what was joined is no error worth a word. */
static unsigned
join_all(struct listen *l)
{
	struct grasp_interface interface[GRASP_INTERFACES_MAX];
	int n = l->asker.io->ops->interfaces(l->asker.io, interface);
	unsigned joined = 0;

	for (int i = 0; i < n; i++)
		joined += join(l, interface[i].index) > 0;
	return joined;
}

static void
on_datagram(void *arg, const struct grasp_datagram *d)
{
	struct listen *l = arg;
	struct grasp_origin o = { .time_us = clock_wall_ms() * 1000,
		.from = d->from,
		.to = { .ip = d->to, .port = GRASP_LISTEN_PORT },
		.transport = "udp" };

	if (l->left == 0)
		return;
	grasp_print(&l->print, &o, d->data);
	if (l->left > 0 && --l->left == 0)
		asker_end(&l->asker, LOCAL_DONE);
	if (ferror(l->asker.printer->to))
		asker_end(&l->asker, LOCAL_REFUSED);
}

static void
on_accepted(void *arg, struct grasp_stream *s)
{
	struct listen *l = arg;

	l->asker.io->ops->stream_close(s, true);
}

static void
on_changed(void *arg)
{
	join_all(arg);
}

static int
listen_to(struct listen *l)
{
	static const struct grasp_io_events events = {
		.datagram = on_datagram,
		.accepted = on_accepted,
		.interfaces_changed = on_changed,
	};
	int err = l->asker.io->ops->bind(l->asker.io, 0, &events, l);

	if (err < 0)
		return local_refuse("cannot listen: %s", strerror(-err));
	if (join_all(l) == 0)
		fputs("fogctl: no interface here has an address for GRASP; waiting for "
		      "one\n",
		    stderr);
	return 0;
}

int
grasp_listen_run(struct slice args, struct printer *p)
{
	struct listen l = { .print = { .printer = p, .addresses = true }, .left = -1 };
	int status;

	if (ctl_arg_int(args, "count", &l.left) && l.left == 0)
		l.left = -1;
	setvbuf(p->to, NULL, _IOLBF, 0);
	status = asker_open_io(&l.asker, args, p);
	if (!status)
		status = listen_to(&l);
	if (!status) {
		status = asker_run(&l.asker);
		l.asker.io->ops->unbind(l.asker.io);
	}
	if (l.asker.interrupted)
		status = LOCAL_DONE;
	asker_close(&l.asker);
	return status;
}
