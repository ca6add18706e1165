/* SPDX-License-Identifier: Apache-2.0
 *
 * What footprint measures the agent against: a process that is linked like it, holds the same session
 * (TLS 1.3 with certificates of a domain, on the same loop) and sends as many bytes at the same times,
 * and does nothing else.
 *
 * floor serve CA-DIR PORT                          takes them
 * floor hold CA-DIR ADDRESS PORT BYTES PERIOD-MS   sends them */
#include "grasp/io_ev.h"
#include "tests/bench/member.h"
#include "trust/channel.h"
#include <arpa/inet.h>
#include <err.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000

static struct {
	struct grasp_io *io;
	struct grasp_stream *stream;
	struct grasp_timer *timer;
	struct slice message;
	int64_t period_ms, due_ms;
} hold;

static struct grasp_io *
open_channel(const char *ca_dir, enum trust_role role, unsigned accept, unsigned open)
{
	static const struct grasp_io_ev_config on_the_net = { .loopback = false };
	struct channel_config cfg = { .accept = accept, .open = open };
	static struct bench_domain domain;
	struct bench_member member;
	struct grasp_io *io;

	bench_domain_load(&domain, "lab", ca_dir);
	bench_member_init(&member, &domain, role);
	cfg.self = member.self;
	if (grasp_io_ev_new(ev_default_loop(0), &on_the_net, &cfg.inner) < 0 ||
	    channel_new(&cfg, &io) < 0)
		errx(1, "no channel");
	return io;
}

static ssize_t
use_up(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	(void)s;
	return (ssize_t)data.len;
}

/* --- serve ----------------------------------------------------------------------------- */

static void
forget(void *arg, struct grasp_stream *s, int error)
{
	(void)arg;
	(void)s;
	(void)error;
}

static void
take(void *arg, struct grasp_stream *s)
{
	static const struct grasp_stream_ops ops = { NULL, use_up, forget };
	struct grasp_io *io = *(struct grasp_io **)arg;

	io->ops->stream_set(s, &ops, NULL);
}

static void
ignore_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static void
serve(const char *ca_dir, uint16_t port)
{
	static const struct grasp_io_events events = { ignore_datagram, take, NULL };
	static struct grasp_io *io;

	io = open_channel(ca_dir, TRUST_CONTROLLER, TRUST_BIT(TRUST_AGENT), 0);
	if (io->ops->bind(io, port, &events, &io) < 0)
		errx(1, "port %u is not to be had", port);
	ev_run(ev_default_loop(0), 0);
}

/* --- hold ------------------------------------------------------------------------------ */

static void
send_one(void *arg)
{
	int64_t now_ms = grasp_io_now(hold.io);

	(void)arg;
	if (hold.io->ops->stream_send(hold.stream, hold.message) < 0)
		errx(1, "it cannot be sent");
	while (hold.due_ms <= now_ms)
		hold.due_ms += hold.period_ms;
	hold.io->ops->timer_set(hold.timer, hold.due_ms - now_ms);
}

static void
on_opened(void *arg, struct grasp_stream *s)
{
	(void)s;
	hold.due_ms = grasp_io_now(hold.io);
	send_one(arg);
}

static void
on_closed(void *arg, struct grasp_stream *s, int error)
{
	(void)arg;
	(void)s;
	errx(1, "the connection has ended: %s", error ? strerror(error) : "by the peer");
}

static void
hold_session(const char *ca_dir, const char *address, uint16_t port, size_t bytes)
{
	static const struct grasp_stream_ops ops = { on_opened, use_up, on_closed };
	struct addr to = { .port = port };
	uint8_t *junk = calloc(1, bytes);

	if (!junk || inet_pton(AF_INET6, address, &to.ip) != 1)
		errx(2, "%s is no IPv6 address", address);
	hold.message = (struct slice){ junk, bytes };
	hold.io = open_channel(ca_dir, TRUST_AGENT, 0, TRUST_BIT(TRUST_CONTROLLER));
	if (hold.io->ops->timer_new(hold.io, send_one, NULL, &hold.timer) < 0 ||
	    hold.io->ops->stream_open(
		hold.io, &to, TIMEOUT_MS, &ops, NULL, &hold.stream) < 0)
		errx(1, "no connection");
	ev_run(ev_default_loop(0), 0);
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "serve") == 0) {
		serve(argv[2], (uint16_t)atoi(argv[3]));
	} else if (argc == 7 && strcmp(argv[1], "hold") == 0 && atoi(argv[6]) > 0) {
		hold.period_ms = atoi(argv[6]);
		hold_session(
		    argv[2], argv[3], (uint16_t)atoi(argv[4]), (size_t)atoi(argv[5]));
	} else {
		fputs("usage: floor serve CA-DIR PORT\n"
		      "       floor hold CA-DIR ADDRESS PORT BYTES PERIOD-MS\n",
		    stderr);
		return 2;
	}
	return 0;
}
