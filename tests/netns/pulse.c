/* SPDX-License-Identifier: Apache-2.0
 *
 * pulse: an agent that does nothing but renew its lease, again and again, and looks at the clock.
 *
 *	pulse STATE-DIR DOMAIN CONTROLLER COUNT PERIOD-MS
 *
 * STATE-DIR is what a real agent has left. A line of JSON tells how long it took to be registered,
 * and how long renewals took. Exit status 1: it was not registered, or lost its session. */
#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr_text.h"
#include "base/clock.h"
#include "grasp/grasp.h"
#include "grasp/io_ev.h"
#include "protocol/registration.h"
#include "trust/channel.h"

#define ANSWER_MS 10000

static struct {
	struct ev_loop *loop;
	ev_timer next;
	struct key *key;
	struct trust_time *time;
	struct credential *self;
	struct grasp_io *io, *channel;
	struct grasp_node *node;
	struct grasp_link *link;
	uint8_t boot[8];
	const char *domain;
	ev_tstamp began, asked, registered;
	double *took_ms;
	size_t count, want;
	const char *trouble;
} me;

static void
need(const char *what, int r)
{
	if (r >= 0)
		return;
	fprintf(stderr, "pulse: %s: %s\n", what, strerror(-r));
	exit(2);
}

static ev_tstamp
clock_now(void)
{
	ev_now_update(me.loop);
	return ev_now(me.loop);
}

static void
give_up(const char *why)
{
	if (!me.trouble)
		me.trouble = why;
	ev_break(me.loop, EVBREAK_ALL);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void
encode(struct buf *out)
{
	static uint8_t memory[512];
	const struct caps caps = { .battery = NAN, .type = "pulse" };
	struct buf coded;
	struct fog_registration r = { .node = credential_name(me.self)->id,
		.name = "pulse",
		.renew = me.registered != 0,
		.boot_ms = clock_boot_ms() };

	snprintf(r.domain, sizeof r.domain, "%s", me.domain);
	memcpy(r.boot, me.boot, sizeof r.boot);
	buf_init_fixed(&coded, memory, sizeof memory);
	caps_encode(&caps, &coded);
	if (!r.renew)
		r.caps = buf_slice(&coded);
	fog_registration_encode(&r, out);
}

static void
answered(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct fog_lease lease;
	ev_tstamp now = clock_now();

	(void)arg;
	if (fog_lease_decode(obj->value, &lease) < 0) {
		give_up("the lease is none");
		return;
	}
	grasp_session_end(s, true, NULL);
	grasp_link_hold(me.link, lease.beat_ms, lease.lease_ms, GRASP_UNICAST_MAX);
	if (!me.registered)
		me.registered = now;
	else
		me.took_ms[me.count++] = (now - me.asked) * 1000;
	if (me.count == me.want)
		ev_break(me.loop, EVBREAK_ALL);
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg;
	(void)s;
	fprintf(stderr, "pulse: %s: %.*s\n", grasp_outcome_name(outcome), (int)reason.len,
	    (const char *)reason.data);
	give_up("no lease");
}

static void
ask(void)
{
	static const struct grasp_session_ops ops = { .negotiated = answered,
		.ended = ended };
	struct grasp_session *s;
	struct buf value;
	struct grasp_objective o = {
		.name = slice_text(FOGREG),
		.flags = F_DISC | F_NEG,
		.loop_count = FOG_LOOP_COUNT,
	};

	buf_init(&value, 4096);
	encode(&value);
	o.value = buf_slice(&value);
	me.asked = clock_now();
	need("ask", grasp_negotiate(me.link, &o, ANSWER_MS, &ops, NULL, &s));
	buf_done(&value);
}

static void
on_next(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	if (me.registered && me.count < me.want)
		ask();
}

static void
opened(void *arg, struct grasp_link *l)
{
	(void)arg;
	(void)l;
	ask();
}

static void
closed(void *arg, struct grasp_link *l, int err)
{
	(void)arg;
	(void)l;
	me.link = NULL;
	give_up(err ? strerror(-err) : "the controller has closed the link");
}

/* --- life ------------------------------------------------------------------------------------- */

static int64_t
wall(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static int64_t
boot(void *arg)
{
	(void)arg;
	return clock_boot_ms();
}

static void
become(const char *state)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/node.key", state);
	need(path, key_load(path, &me.key));
	need("time", trust_time_new(NULL, wall, boot, NULL, &me.time));
	snprintf(path, sizeof path, "%s/domains/%s", state, me.domain);
	need(path,
	    credential_new(path, me.domain, TRUST_AGENT, me.key, me.time, &me.self));
}

static void
connect_to(const char *controller)
{
	static const struct grasp_io_ev_config all = { .loopback = true };
	static const struct grasp_link_ops ops = { opened, closed };
	const struct grasp_config cfg = { .no_listener = true, .link_local = true };
	struct channel_config channel = { .self = me.self,
		.open = TRUST_BIT(TRUST_CONTROLLER) };
	struct addr to;

	need(controller, addr_parse(controller, &to));
	need("io", grasp_io_ev_new(me.loop, &all, &me.io));
	channel.inner = me.io;
	need("channel", channel_new(&channel, &me.channel));
	me.channel->ops->random(me.channel, me.boot, sizeof me.boot);
	need("node", grasp_node_new(me.channel, &cfg, &me.node));
	me.began = clock_now();
	need("link", grasp_link_open(me.node, &to, &ops, NULL, &me.link));
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
quantile(double q)
{
	return me.count ? me.took_ms[(size_t)(q * (double)(me.count - 1))] : NAN;
}

static void
print(void)
{
	qsort(me.took_ms, me.count, sizeof *me.took_ms, compare);
	printf(
	    "{\"registered_ms\": %.1f, \"renewals\": %zu, \"p50_ms\": %.2f, \"p99_ms\": "
	    "%.2f, \"max_ms\": %.2f}\n",
	    (me.registered - me.began) * 1000, me.count, quantile(0.5), quantile(0.99),
	    quantile(1));
}

static void
clean_up(void)
{
	grasp_node_free(me.node);
	channel_free(me.channel);
	grasp_io_ev_free(me.io);
	credential_free(me.self);
	trust_time_free(me.time);
	key_free(me.key);
	free(me.took_ms);
}

int
main(int argc, char *argv[])
{
	double period_s;

	if (argc != 6) {
		fprintf(
		    stderr, "usage: pulse STATE-DIR DOMAIN CONTROLLER COUNT PERIOD-MS\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	me.loop = ev_default_loop(0);
	me.domain = argv[2];
	me.want = strtoul(argv[4], NULL, 10);
	me.took_ms = calloc(me.want, sizeof *me.took_ms);
	period_s = strtod(argv[5], NULL) / 1000;
	become(argv[1]);
	connect_to(argv[3]);
	ev_timer_init(&me.next, on_next, period_s, period_s);
	ev_timer_start(me.loop, &me.next);
	ev_run(me.loop, 0);
	if (me.trouble)
		fprintf(stderr, "pulse: %s\n", me.trouble);
	else
		print();
	clean_up();
	return me.trouble ? 1 : 0;
}
