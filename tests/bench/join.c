// SPDX-License-Identifier: Apache-2.0
//
// Many agents that register with one controller as fast as they can, for bench_join: each has its own key,
// certificate, channel, engine and session, as fogwatch-agent has; they share a loop and no more.
//
// join NAME CA-DIR AGENTS AT-ONCE PREFIX NETS PORT [SERIES]
//
// Says "ready" when all of them are prepared, begins with a line on its standard input, tells in a line of
// JSON how it went when all are registered, and keeps their sessions until its input ends. AT-ONCE of them
// are on their way to be registered at a time. Agent n connects to PREFIX:<n mod NETS>::1, so that it comes
// from there, too. With SERIES each agent then reports so many values a second, made up, of the first item of
// its plan, through the reporter of fogwatch-agent with a journal in memory.
#include "agent/report.h"
#include "agent/session.h"
#include "base/addr_text.h"
#include "base/crypto.h"
#include "grasp/io_ev.h"
#include "protocol/caps.h"
#include "protocol/plan.h"
#include "tests/bench/member.h"
#include "trust/channel.h"
#include <arpa/inet.h>
#include <err.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_MIN_MS 500
#define AGAIN_MAX_MS 1500

struct agent {
	struct grasp_io io; /* the seat of this one at the io of all */
	struct bench_member member;
	struct grasp_io *channel;
	struct grasp_node *node;
	struct session *session;
	struct session_env env;
	struct grasp_timer *again;
	struct reporter *reporter; /* NULL: nothing is reported */
	struct grasp_timer *second;
	uint32_t item; /* of the plan; 0: none yet */
	unsigned seconds;
	struct addr to;
	unsigned attempts;
	bool registered;
};

static struct bench_domain domain;
static struct grasp_io *shared;
static struct ev_loop *loop;
static struct agent *agents;
static int count, begun, to_come, series;
static unsigned lost;

static double
now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- a seat: everything but multicasts and listening goes to the io of all ------------------- */
static int64_t
seat_now(struct grasp_io *io)
{
	(void)io;
	return shared->ops->now(shared);
}

static int64_t
seat_wall(struct grasp_io *io)
{
	(void)io;
	return shared->ops->wall(shared);
}

static void
seat_random(struct grasp_io *io, void *dst, size_t len)
{
	(void)io;
	shared->ops->random(shared, dst, len);
}

static int
seat_timer(
    struct grasp_io *io, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	(void)io;
	return shared->ops->timer_new(shared, fire, arg, ret);
}

static int
seat_bind(struct grasp_io *io, uint16_t port, const struct grasp_io_events *ev, void *arg)
{
	(void)io;
	(void)port;
	(void)ev;
	(void)arg;
	return 0;
}

static void
seat_unbind(struct grasp_io *io)
{
	(void)io;
}

static int
seat_interfaces(struct grasp_io *io, struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	(void)io;
	(void)dst;
	return 0;
}

static int
seat_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	(void)io;
	return shared->ops->stream_open(shared, to, timeout_ms, ops, arg, ret);
}

static struct grasp_io_ops seat_ops;

static void
make_seats(void)
{
	seat_ops = *shared->ops;
	seat_ops.now = seat_now;
	seat_ops.wall = seat_wall;
	seat_ops.random = seat_random;
	seat_ops.timer_new = seat_timer;
	seat_ops.bind = seat_bind;
	seat_ops.unbind = seat_unbind;
	seat_ops.interfaces = seat_interfaces;
	seat_ops.stream_open = seat_open;
}

/* --- an agent ------------------------------------------------------------------------------- */
static void
describe(void *arg, struct fog_registration *ret)
{
	struct agent *a = arg;

	ret->node = credential_name(a->member.self)->id;
	snprintf(ret->name, sizeof ret->name, "agent-%td", a - agents);
	memcpy(ret->domain, domain.name, sizeof ret->domain);
	memcpy(ret->boot, ret->node.bytes, sizeof ret->boot);
	ret->trust_version = anchors_version(credential_anchors(a->member.self));
}

static const struct caps *
caps(void *arg)
{
	static const struct caps some = { .type = "robot", .arch = "x86_64", .cpus = 4 };

	(void)arg;
	return &some;
}

/* --- what it reports ------------------------------------------------------------------------ */
#define LABELS_MAX 32

/* A third never changes, a third are counters, a third jump about. */
static double
make_value(const struct agent *a, int i)
{
	uint32_t r = (uint32_t)(a - agents) * 2654435761u ^ a->seconds * 40503u ^
	    (uint32_t)i * 977u;

	switch (i % 3) {
	case 0:
		return 1000 * i;
	case 1:
		return 1500.0 * a->seconds + i;
	default:
		return (double)(r * 1664525u >> 22) / 100;
	}
}

static void
report(struct agent *a)
{
	int64_t now_ms = seat_now(NULL);

	for (int i = 0; i < series; i++) {
		uint8_t memory[LABELS_MAX];
		char name[16];
		struct buf labels;

		snprintf(name, sizeof name, "%d", i);
		buf_init_fixed(&labels, memory, sizeof memory);
		wr_map(&labels, 1);
		wr_key_text(&labels, "device", name);
		reporter_add(a->reporter, REPORT_METRICS,
		    &(struct report_point){ .item = a->item,
			.time_ms = now_ms,
			.value = make_value(a, i),
			.samples = 1,
			.labels = buf_slice(&labels) });
	}
	a->seconds++;
}

static void
on_second(void *arg)
{
	struct agent *a = arg;

	if (a->registered && a->item)
		report(a);
	seat_ops.timer_set(a->second, 1000);
}

static void
on_accepted(void *arg)
{
	struct agent *a = arg;

	if (a->session)
		session_confirm(a->session);
}

static void
on_trouble(void *arg)
{
	struct agent *a = arg;

	errx(1, "the reports of agent %td are not taken", a - agents);
}

static void
make_reporter(struct agent *a)
{
	const struct reporter_config cfg = { .metric_bytes = 1 << 20,
		.event_bytes = 65536,
		.forgotten = on_trouble,
		.accepted = on_accepted,
		.silent = on_trouble,
		.arg = a };
	uint32_t r;

	crypto_random(&r, sizeof r);
	if (reporter_new(&a->io, &cfg, &a->reporter) < 0 ||
	    seat_timer(&a->io, on_second, a, &a->second) < 0)
		errx(1, "no memory for a reporter");
	seat_ops.timer_set(a->second, r % 1000);
}

/* Takes the controller's plan as it is; nothing is measured here. */
static void
take_plan(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct agent *a = arg;
	struct fog_plan *plan = malloc(sizeof *plan);

	if (plan && fog_plan_decode(asked->value, plan) == 0 && plan->items)
		a->item = plan->item[0].id;
	free(plan);
	if (grasp_session_end(s, true, NULL) < 0)
		errx(1, "a plan cannot be accepted");
}

static void begin_next(void);

static void
on_registered(void *arg, const struct fog_lease *lease, bool first)
{
	struct agent *a = arg;

	(void)lease;
	if (a->reporter)
		reporter_attach(a->reporter, session_link(a->session));
	if (!first || a->registered)
		return;
	a->registered = true;
	if (--to_come == 0)
		ev_break(loop, EVBREAK_ALL);
	begin_next();
}

static void
try_later(struct agent *a)
{
	uint32_t r;

	crypto_random(&r, sizeof r);
	seat_ops.timer_set(a->again, AGAIN_MIN_MS + r % (AGAIN_MAX_MS - AGAIN_MIN_MS));
}

static void
on_closed(void *arg, bool held, const char *why)
{
	struct agent *a = arg;

	a->session = NULL;
	if (a->reporter)
		reporter_attach(a->reporter, NULL);
	if (held && lost++ == 0)
		fprintf(stderr, "join: a session has ended: %s\n", why);
	if (a->registered)
		to_come++;
	a->registered = false;
	try_later(a);
}

static void
begin(void *arg)
{
	struct agent *a = arg;

	a->attempts++;
	if (session_open(a->node, &a->to, &a->env, &a->session) < 0)
		try_later(a);
}

static void
begin_next(void)
{
	if (begun < count)
		begin(&agents[begun++]);
}

static void
prepare(struct agent *a)
{
	static const struct grasp_support plan = { .negotiate = take_plan };
	static const struct grasp_config node_cfg = { .no_listener = true,
		.links_max = 16 };
	struct channel_config cfg = { .inner = &a->io,
		.open = TRUST_BIT(TRUST_CONTROLLER) };
	struct grasp_registration *r;

	a->io.ops = &seat_ops;
	bench_member_init(&a->member, &domain, TRUST_AGENT);
	cfg.self = a->member.self;
	a->env = (struct session_env){ NULL, true, describe, caps, on_registered,
		on_closed, a };
	if (channel_new(&cfg, &a->channel) < 0 ||
	    grasp_node_new(a->channel, &node_cfg, &a->node) < 0 ||
	    grasp_register(a->node, FOGPLAN, F_DISC | F_NEG, &plan, a, &r) < 0 ||
	    seat_timer(&a->io, begin, a, &a->again) < 0)
		errx(1, "no memory for an agent");
	if (series)
		make_reporter(a);
}

static void
set_address(struct agent *a, const char *prefix, int net, uint16_t port)
{
	char text[128];

	snprintf(text, sizeof text, "%s:%x::1", prefix, net);
	if (inet_pton(AF_INET6, text, &a->to.ip) != 1)
		errx(2, "%s is no address", text);
	a->to.port = port;
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

/* --- the crowd ------------------------------------------------------------------------------ */
static void
register_all(int at_once)
{
	double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	unsigned attempts = 0;

	for (int i = 0; i < at_once; i++)
		begin_next();
	ev_run(loop, 0);
	for (int i = 0; i < count; i++)
		attempts += agents[i].attempts;
	printf("{\"seconds\": %.3f, \"agent_us\": %.1f, \"attempts\": %u}\n",
	    now_s(CLOCK_MONOTONIC) - wall,
	    1e6 * (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count, attempts);
	fflush(stdout);
}

static void
on_input(struct ev_loop *l, ev_io *w, int events)
{
	char line[80];

	(void)events;
	if (read(w->fd, line, sizeof line) <= 0)
		ev_break(l, EVBREAK_ALL);
}

static void
keep_all(void)
{
	ev_io input;

	ev_io_init(&input, on_input, STDIN_FILENO, EV_READ);
	ev_io_start(loop, &input);
	ev_run(loop, 0);
	if (lost > 0)
		errx(1, "%u sessions were lost", lost);
}

int
main(int argc, char **argv)
{
	static const struct grasp_io_ev_config io_cfg = { .loopback = true };
	char line[80];

	if (argc != 8 && argc != 9)
		errx(2,
		    "usage: join NAME CA-DIR AGENTS AT-ONCE PREFIX NETS PORT [SERIES]");
	series = argc == 9 ? atoi(argv[8]) : 0;
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	bench_domain_load(&domain, argv[1], argv[2]);
	loop = ev_default_loop(0);
	if (grasp_io_ev_new(loop, &io_cfg, &shared) < 0)
		errx(1, "no sockets");
	make_seats();
	count = to_come = atoi(argv[3]);
	agents = calloc((size_t)count, sizeof *agents);
	if (!agents || count <= 0)
		errx(1, "no agents");
	for (int i = 0; i < count; i++) {
		prepare(&agents[i]);
		set_address(
		    &agents[i], argv[5], i % atoi(argv[6]), (uint16_t)atoi(argv[7]));
	}
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return 0;
	register_all(atoi(argv[4]));
	keep_all();
	return 0;
}
