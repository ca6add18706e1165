/* SPDX-License-Identifier: Apache-2.0
 *
 * An agent as far as it looks for controllers: one engine, and the uplink of fogwatch-agent. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
tell_slow(const struct sim_node *n, int64_t ms)
{
	const struct bootstrap *b = uplink_bootstrap(n->uplink);
	const struct candidate *c;
	size_t candidates = bootstrap_candidates(b, &c);

	printf("# node %u on link %u took %" PRId64 " ms: %" PRIu64
	       " searches, %zu candidates, %u failures\n",
	    n->number, n->link, ms, n->searches + bootstrap_searches(b), candidates,
	    candidates ? c->failures : 0);
}

static void
has_controller(struct sim_node *n)
{
	struct sim *s = n->sim;
	int64_t now = fake_now(s->net);

	if (n->on_ms < 0)
		return;
	if (s->took < SAMPLES_MAX)
		s->took_ms[s->took++] = (uint32_t)(now - n->on_ms);
	if (s->cfg.slow_ms && now - n->on_ms > s->cfg.slow_ms)
		tell_slow(n, now - n->on_ms);
	n->on_ms = -1;
	s->waiting--;
	if (n->found)
		return;
	n->found = true;
	if (--s->never == 0)
		s->last_ms = now - s->start_ms;
}

static void
lost_controller(struct sim_node *n)
{
	if (n->on_ms >= 0)
		return;
	n->on_ms = fake_now(n->sim->net);
	n->sim->waiting++;
	n->sim->lost++;
}

static void
changed(void *arg, bool registered, const char *why)
{
	(void)why;
	if (registered)
		has_controller(arg);
	else
		lost_controller(arg);
}

static void
wake(void *arg)
{
	(void)arg; /* nothing is measured here */
}

static void
fail(const struct sim_node *n, int err)
{
	fprintf(stderr, "node %u cannot be made: %s\n", n->number, strerror(-err));
	exit(1);
}

void
node_power_on(struct sim_node *n)
{
	static const struct caps none;
	struct grasp_config cfg = { .link_local = true,
		.relay = n->relays,
		.assist = grasp_conf_assist_other(&n->cfg->grasp) };
	struct grasp_io *io;
	int err;

	n->host = fake_host_new(n->sim->net);
	sim_attach(n->host, n->number, n->link);
	if (n->relays)
		sim_attach(n->host, n->number, n->to);
	io = fake_host_io(n->host);
	io->ops->random(io, n->identity.boot, sizeof n->identity.boot);
	err = grasp_node_new(io, &cfg, &n->grasp);
	if (err < 0)
		fail(n, err);
	n->env = (struct uplink_env){ .node = n->grasp,
		.cfg = n->cfg,
		.domain = n->cfg->domain[0].name,
		.attributes = n->cfg->domain[0].attributes,
		.controllers = &n->cfg->domain[0].controllers,
		.identity = &n->identity,
		.caps = &none,
		.wake = wake,
		.changed = changed,
		.arg = n };
	err = uplink_new(&n->env, &n->uplink);
	if (err < 0)
		fail(n, err);
	n->on = true;
	n->on_ms = fake_now(n->sim->net);
	n->sim->waiting++;
	uplink_start(n->uplink);
}

void
node_power_off(struct sim_node *n)
{
	if (!n->on)
		return;
	if (n->on_ms >= 0)
		n->sim->waiting--;
	n->on = false;
	measure_node(n->sim, n->grasp);
	n->searches += (unsigned)bootstrap_searches(uplink_bootstrap(n->uplink));
	uplink_free(TAKE(n->uplink));
	grasp_node_free(TAKE(n->grasp));
	fake_host_free(TAKE(n->host));
}
