/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim.h"

#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#define CHURN_STEP_MS 100
#define AWAY_MS	      3000

uint32_t
sim_random(struct sim *s) /* xorshift64*, apart from the world's own */
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (s->random * 0x2545f4914f6cdd1dULL) >> 32;
}

void
sim_attach(struct fake_host *h, unsigned number, unsigned link)
{
	char local[48], wide[48];

	snprintf(local, sizeof local, "fe80::%x:%x", number >> 16, number & 0xffff);
	snprintf(wide, sizeof wide, "2001:db8:%x::%x:%x", link & 0xffff, number >> 16,
	    number & 0xffff);
	fake_attach(h, link, local, wide, NULL);
}

/* --- who is where ---------------------------------------------------------------------------- */

/* The link that this one is joined to; itself: none. */
static unsigned
next_link(const struct sim_config *c, unsigned link)
{
	switch (c->topology) {
	case STAR:
		return 0;
	case CHAIN:
		return link ? link - 1 : 0;
	case RING:
		return (link + 1) % c->links;
	case TREE:
		return link ? (link - 1) / c->fan : 0;
	}
	return link;
}

/* Nodes are dealt out to the links; the first ones on each link are its relays. In a star nobody but
 * relays and controllers is on the backbone. */
static void
place(struct sim *s, struct sim_node *n)
{
	const struct sim_config *c = &s->cfg;
	unsigned first = c->topology == STAR && c->links > 1, usable = c->links - first;

	n->link = first + n->number % usable;
	n->to = next_link(c, n->link);
	n->relays = n->number / usable < c->relays && n->to != n->link;
}

static void
make_nodes(struct sim *s, struct agent_config *cfg)
{
	s->node = calloc(s->cfg.nodes, sizeof *s->node);
	s->of = calloc(s->cfg.nodes + s->cfg.controllers, sizeof *s->of);
	s->took_ms = calloc(SAMPLES_MAX, sizeof *s->took_ms);
	if (!s->node || !s->of || !s->took_ms)
		abort();
	s->never = s->cfg.nodes;
	for (unsigned i = 0; i < s->cfg.nodes; i++) {
		struct sim_node *n = &s->node[i];

		n->sim = s;
		n->number = i;
		n->cfg = cfg;
		memcpy(n->identity.id.bytes, &i, sizeof i);
		snprintf(n->identity.name, sizeof n->identity.name, "node%u", i);
		place(s, n);
	}
}

/* --- time ------------------------------------------------------------------------------------- */

static size_t
heap_bytes(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void
power_on_all(struct sim *s)
{
	size_t before = heap_bytes();
	unsigned step = s->cfg.spread_ms > 100 ? 100 : 1, on = 0;

	for (unsigned at = 0; at <= s->cfg.spread_ms; at += step) {
		unsigned until = s->cfg.spread_ms
		    ? (unsigned)((uint64_t)s->cfg.nodes * at / s->cfg.spread_ms)
		    : s->cfg.nodes;

		for (; on < until; on++)
			node_power_on(&s->node[on]);
		if (at + step <= s->cfg.spread_ms)
			fake_run(s->net, step);
	}
	s->memory = (heap_bytes() - before) / s->cfg.nodes;
}

/* Some go, and are back after a while, as the same nodes. */
static void
churn(struct sim *s)
{
	static unsigned gone[1000000], head, tail;
	static int64_t gone_ms[1000000];
	static double debt;
	int64_t now = fake_now(s->net);

	while (head < tail && now - gone_ms[head] >= AWAY_MS)
		node_power_on(&s->node[gone[head++]]);
	debt += (double)s->cfg.nodes * s->cfg.churn_pct / 100 * CHURN_STEP_MS / 60000;
	for (; debt >= 1 && tail < 1000000; debt--) {
		unsigned n = sim_random(s) % s->cfg.nodes;

		if (!s->node[n].on)
			continue;
		node_power_off(&s->node[n]);
		gone[tail] = n;
		gone_ms[tail++] = now;
	}
}

static void
live(struct sim *s)
{
	int64_t end = s->start_ms + s->cfg.duration_ms;

	while (fake_now(s->net) < end) {
		if (!s->controller &&
		    fake_now(s->net) - s->start_ms >= s->cfg.controller_at_ms)
			controllers_start(s);
		fake_run(s->net, CHURN_STEP_MS);
		if (s->cfg.churn_pct && s->last_ms >= 0)
			churn(s);
	}
}

static void
run(struct sim *s)
{
	struct agent_config cfg = { .domain[0].name = (char *)"",
		.report = { .journal = 65536, .events = 65536 } };
	struct timespec from, to;

	cfg.grasp.neighbour_assist = s->cfg.assist;

	clock_gettime(CLOCK_MONOTONIC, &from);
	s->net = fake_net_new(s->cfg.seed);
	fake_net_capture(s->net, false);
	fake_net_filter(s->net, measure_packet, s);
	fake_net_delay(s->net, s->cfg.delay_min_ms, s->cfg.delay_max_ms);
	fake_net_loss(s->net, s->cfg.loss_pct);
	s->start_ms = fake_now(s->net);
	make_nodes(s, &cfg);
	if (!s->cfg.controller_at_ms)
		controllers_start(s);
	power_on_all(s);
	live(s);
	clock_gettime(CLOCK_MONOTONIC, &to);
	s->wall_s =
	    (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	for (unsigned i = 0; i < s->cfg.nodes; i++)
		if (s->node[i].on)
			measure_node(s, s->node[i].grasp);
}

static void
finish(struct sim *s)
{
	controllers_stop(s);
	for (unsigned i = 0; i < s->cfg.nodes; i++)
		node_power_off(&s->node[i]);
	fake_net_free(s->net);
	free(s->node);
	free(s->of);
	free(s->took_ms);
}

/* --- options ----------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: sim [--nodes N] [--links N] [--topology star|chain|ring|tree] [--fan N]\n"
    "           [--relays N] [--assist off|other-link|always] [--controllers N]\n"
    "           [--controller-at MS] [--loss PCT] [--delay MIN,MAX] [--churn PCT]\n"
    "           [--spread MS] [--seconds N] [--seed N] [--slow MS] [--json]\n"
    "           [--within MS] [--again-max MS] [--mean-max N] [--most-max N]\n";

enum {
	NODES,
	LINKS,
	RELAYS,
	FAN,
	CONTROLLERS,
	LOSS,
	CHURN,
	SPREAD,
	CONTROLLER_AT,
	SECONDS,
	SEED,
	SLOW,
	WITHIN,
	AGAIN_MAX,
	MEAN_MAX,
	MOST_MAX,
	DELAY,
	ASSIST,
	TOPOLOGY,
	JSON,
	OPTIONS
};

static const struct option options[] = {
	{ "nodes", 1, NULL, NODES },
	{ "links", 1, NULL, LINKS },
	{ "relays", 1, NULL, RELAYS },
	{ "fan", 1, NULL, FAN },
	{ "controllers", 1, NULL, CONTROLLERS },
	{ "loss", 1, NULL, LOSS },
	{ "churn", 1, NULL, CHURN },
	{ "spread", 1, NULL, SPREAD },
	{ "controller-at", 1, NULL, CONTROLLER_AT },
	{ "seconds", 1, NULL, SECONDS },
	{ "seed", 1, NULL, SEED },
	{ "slow", 1, NULL, SLOW },
	{ "within", 1, NULL, WITHIN },
	{ "again-max", 1, NULL, AGAIN_MAX },
	{ "mean-max", 1, NULL, MEAN_MAX },
	{ "most-max", 1, NULL, MOST_MAX },
	{ "delay", 1, NULL, DELAY },
	{ "assist", 1, NULL, ASSIST },
	{ "topology", 1, NULL, TOPOLOGY },
	{ "json", 0, NULL, JSON },
	{ 0 },
};

static bool
read_topology(const char *word, enum topology *ret)
{
	static const char *const names[] = { "star", "chain", "ring", "tree" };

	for (*ret = STAR; *ret <= TREE; (*ret)++)
		if (strcmp(word, names[*ret]) == 0)
			return true;
	return false;
}

static bool
read_assist(const char *word, int *ret)
{
	for (*ret = 0; grasp_conf_assists[*ret]; (*ret)++)
		if (strcmp(word, grasp_conf_assists[*ret]) == 0)
			return true;
	return false;
}

static bool
read_option(int which, const char *text, struct sim_config *c)
{
	unsigned *const number[OPTIONS] = { [NODES] = &c->nodes,
		[LINKS] = &c->links,
		[RELAYS] = &c->relays,
		[FAN] = &c->fan,
		[CONTROLLERS] = &c->controllers,
		[LOSS] = &c->loss_pct,
		[CHURN] = &c->churn_pct,
		[SPREAD] = &c->spread_ms,
		[CONTROLLER_AT] = &c->controller_at_ms,
		[SECONDS] = &c->duration_ms,
		[SLOW] = &c->slow_ms,
		[WITHIN] = &c->within_ms,
		[AGAIN_MAX] = &c->again_max,
		[MEAN_MAX] = &c->mean_max,
		[MOST_MAX] = &c->most_max };

	if (which < 0 || which >= OPTIONS)
		return false;
	if (which == JSON)
		return c->json = true;
	if (which == TOPOLOGY)
		return read_topology(text, &c->topology);
	if (which == ASSIST)
		return read_assist(text, &c->assist);
	if (which == DELAY)
		return sscanf(text, "%u,%u", &c->delay_min_ms, &c->delay_max_ms) == 2;
	if (which == SEED)
		return sscanf(text, "%" SCNu64, &c->seed) == 1;
	if (sscanf(text, "%u", number[which]) != 1)
		return false;
	if (which == SECONDS)
		c->duration_ms *= 1000;
	return true;
}

int
main(int argc, char **argv)
{
	static struct sim s = { .cfg = { .assist = -1,
				    .nodes = 1000,
				    .links = 10,
				    .relays = 1,
				    .fan = 3,
				    .controllers = 1,
				    .delay_min_ms = 1,
				    .delay_max_ms = 5,
				    .duration_ms = 30000,
				    .seed = 1 },
		.last_ms = -1 };
	int status, which;

	while ((which = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!read_option(which, optarg, &s.cfg)) {
			fputs(usage, stderr);
			return 2;
		}
	if (optind < argc || !s.cfg.nodes || !s.cfg.links || !s.cfg.fan || !s.cfg.seed) {
		fputs(usage, stderr);
		return 2;
	}
	if (s.cfg.assist < 0)
		read_assist("always", &s.cfg.assist); /* as configured by default */
	s.random = s.cfg.seed;
	log_open("sim", LOG_LEVEL_ERROR);
	run(&s);
	status = measure_report(&s);
	finish(&s);
	return status;
}
