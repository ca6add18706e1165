/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/capabilities.h"
#include "agent/timing.h"
#include "base/log.h"

#define LOOK_MS	    4000 /* a change of capabilities is told within 5 s (REG-07) */
#define LOOKS_WHOLE 64	 /* every so many, what hardly ever changes is looked at too */
#define WORK_MAX_MS (60 * 60 * 1000)

/* --- work ----------------------------------------------------------------------------------- */
static void
work(void *arg)
{
	struct agent *a = arg;
	int64_t now = grasp_io_now(a->io);
	int64_t next = sampler_run(a->sampler, now);

	for (size_t i = 0; i < AGENT_UPLINKS; i++) {
		int64_t due = uplink_run(a->uplink[i], now);

		if (due < next)
			next = due;
	}
	if (next == INT64_MAX)
		return; /* nobody wants anything (MET-11) */
	now = grasp_io_now(a->io);
	timer_set(a->io, a->work, next - now < WORK_MAX_MS ? next - now : WORK_MAX_MS);
}

void
agent_wake(struct agent *a)
{
	timer_set(a->io, a->work, 0);
}

static void
wake(void *arg)
{
	agent_wake(arg);
}

static void
look(void *arg)
{
	struct agent *a = arg;
	struct caps now;

	if (a->looks++ % LOOKS_WHOLE == 0) {
		capabilities_collect(a->cfg, &now);
	} else {
		memcpy(&now, &a->caps, sizeof now);
		capabilities_refresh(a->cfg, &now);
	}
	bool differ = capabilities_differ(&a->caps, &now);
	memcpy(&a->caps, &now, sizeof now);
	if (differ) {
		log_info("capabilities", "the capabilities of this node have changed");
		for (size_t i = 0; i < AGENT_UPLINKS; i++)
			uplink_caps_changed(a->uplink[i]);
	}
	timer_set(a->io, a->look, jittered(a->io, LOOK_MS));
}

void
agent_reconfigured(struct agent *a)
{
	identity_set_name(a->identity, a->cfg->node.name);
	a->looks = 0;
	timer_set(a->io, a->look, 0);
}

static void
changed(void *arg, bool registered, const char *why)
{
	struct agent *a = arg;
	char text[200], id[FOG_ID_TEXT];

	if (!a->status)
		return;
	if (registered)
		snprintf(text, sizeof text, "registered with controller %s",
		    fog_id_format(
			&session_lease(uplink_session(a->uplink[0]))->controller, id));
	else
		snprintf(text, sizeof text, "looking for a controller: %s", why);
	a->status(a->arg, text);
}

/* --- wiring --------------------------------------------------------------------------------- */
/* Who serves nodes like us listens in one of our groups, but we do not know in which. */
static int
make_node(struct agent *a)
{
	const struct grasp_conf *grasp = &a->cfg->grasp;
	struct grasp_groups groups;
	struct grasp_config cfg = { .port = (uint16_t)grasp->port,
		.link_local = grasp->link_local,
		.prefix = grasp_conf_alias(grasp),
		.relay = grasp->relay,
		.assist = grasp_conf_assist_other(grasp),
		.hops = (unsigned)grasp->hops,
		.join = groups.group,
		.send = groups.group,
		.log = log_vdebug };
	int err =
	    grasp_conf_groups(grasp, "", a->cfg->attributes, grasp_scope_joins, &groups);

	if (err < 0)
		return err;
	cfg.joins = cfg.sends = groups.len;
	return grasp_node_new(a->io, &cfg, &a->node);
}

static int
make_sampler(struct agent *a)
{
	struct source_env env = { .proc = a->cfg->roots.proc,
		.sys = a->cfg->roots.sys,
		.power_supply = a->cfg->roots.power_supply,
		.rootfs = "" };

	return sampler_new(&env, (size_t)a->cfg->history.bytes, &a->sampler);
}

static int
make_uplinks(struct agent *a)
{
	int err = 0;

	a->uplink_env = (struct uplink_env){ .node = a->node,
		.sampler = a->sampler,
		.cfg = a->cfg,
		.identity = a->identity,
		.caps = &a->caps,
		.wake = wake,
		.changed = changed,
		.arg = a };
	for (size_t i = 0; i < AGENT_UPLINKS && !err; i++)
		err = uplink_new(&a->uplink_env, &a->uplink[i]);
	return err;
}

static int
fail(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	return err;
}

static int
make_parts(struct agent *a, char *why, size_t why_size)
{
	const char *prefix = a->cfg->grasp.objective_prefix;
	int err = timer_new(a->io, work, a, &a->work);

	if (err >= 0)
		err = timer_new(a->io, look, a, &a->look);
	if (err < 0)
		return fail(err, "cannot make a timer", why, why_size);
	err = make_sampler(a);
	if (err < 0)
		return fail(err, "cannot prepare the metrics", why, why_size);
	err = make_node(a);
	if (err == -EADDRINUSE)
		return fail(err, "another program uses the GRASP port (grasp.port)", why,
		    why_size);
	if (err < 0)
		return fail(
		    err, "cannot open the GRASP port (grasp.port)", why, why_size);
	err = querier_new(a->node, a->sampler, prefix, wake, a, &a->querier);
	if (err >= 0)
		err = properties_new(a->node, a->cfg, &a->caps, &a->properties);
	if (err >= 0)
		err = make_uplinks(a);
	return err < 0 ? fail(err, "cannot set up GRASP objectives", why, why_size) : 0;
}

int
agent_new(struct grasp_io *io, struct agent_config *cfg, struct identity *identity,
    char *why, size_t why_size, struct agent **ret)
{
	CLEANUP(agent_free) struct agent *a = calloc(1, sizeof *a);

	if (!a)
		return fail(-ENOMEM, "cannot start", why, why_size);
	a->io = io;
	a->cfg = cfg;
	a->identity = identity;
	a->started_ms = grasp_io_now(io);
	capabilities_collect(cfg, &a->caps);
	a->looks = 1;
	int err = make_parts(a, why, why_size);
	if (err < 0)
		return err;
	*ret = TAKE(a);
	return 0;
}

void
agent_start(struct agent *a)
{
	agent_wake(a); /* a plan of the last run may be there */
	timer_set(a->io, a->look, jittered(a->io, LOOK_MS));
	for (size_t i = 0; i < AGENT_UPLINKS; i++)
		uplink_start(a->uplink[i]);
}

void
agent_free(struct agent *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < AGENT_UPLINKS; i++)
		uplink_free(a->uplink[i]);
	properties_free(a->properties);
	querier_free(a->querier);
	grasp_node_free(a->node);
	sampler_free(a->sampler);
	timer_free(a->io, a->look);
	timer_free(a->io, a->work);
	free(a);
}
