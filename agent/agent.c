/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/capabilities.h"
#include "agent/plugin.h"
#include "metrics/rule_config.h"
#include "agent/timing.h"
#include "base/log.h"

#define LOOK_MS	    4000 /* a change of capabilities is told within 5 s (REG-07) */
#define LOOKS_WHOLE 64	 /* every so many, what hardly ever changes is looked at too */
#define WORK_MAX_MS (60 * 60 * 1000)
#define KEEP_MS	    (60 * 60 * 1000) /* what time it is at least, on disk */

/* --- work ----------------------------------------------------------------------------------- */
static void
work(void *arg)
{
	struct agent *a = arg;
	int64_t now = agent_now(a);
	int64_t next;

	self_note_work(&a->self, now);
	next = sampler_run(a->sampler, now);
	for (size_t i = 0; i < a->members; i++) {
		int64_t due = member_run(a->member[i], now);

		if (due < next)
			next = due;
	}
	if (next == INT64_MAX)
		return; /* nobody wants anything (MET-11) */
	self_note_due(&a->self, next);
	now = agent_now(a);
	timer_set(a->io[0], a->work, next - now < WORK_MAX_MS ? next - now : WORK_MAX_MS);
}

void
agent_wake(struct agent *a)
{
	timer_set(a->io[0], a->work, 0);
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
		for (size_t i = 0; i < a->members; i++)
			member_caps_changed(a->member[i]);
	}
	timer_set(a->io[0], a->look, jittered(a->io[0], LOOK_MS));
}

void
agent_reconfigured(struct agent *a)
{
	identity_set_name(a->identity, a->cfg->node.name);
	a->looks = 0;
	timer_set(a->io[0], a->look, 0);
	for (size_t i = 0; i < a->members; i++)
		member_reconfigured(a->member[i]);
}

static void
tell_one(const struct agent *a, const struct member *m)
{
	const struct session *s = uplink_session(member_uplink(m));
	char text[240], id[FOG_ID_TEXT];

	if (member_is_registered(m))
		snprintf(text, sizeof text, "registered with controller %s",
		    fog_id_format(&session_lease(s)->controller, id));
	else
		snprintf(text, sizeof text, "%s: %s", member_state(m), member_trouble(m));
	a->status(a->arg, text);
}

static void
tell_how_many(const struct agent *a)
{
	char text[200];
	size_t registered = 0;

	for (size_t i = 0; i < a->members; i++)
		registered += member_is_registered(a->member[i]);
	snprintf(text, sizeof text, "registered in %zu of %zu domains", registered,
	    a->members);
	a->status(a->arg, text);
}

static void
changed(void *arg)
{
	const struct agent *a = arg;

	if (!a->status)
		return;
	if (a->members == 1)
		tell_one(a, a->member[0]);
	else
		tell_how_many(a);
}

/* --- time ----------------------------------------------------------------------------------- */
static int64_t
wall(void *arg)
{
	const struct agent *a = arg;

	return a->io[0]->ops->wall(a->io[0]);
}

static int64_t
since_boot(void *arg)
{
	return agent_now(arg);
}

static void
learn_time(void *arg, int64_t controller_ms)
{
	struct agent *a = arg;

	if (trust_time_learn(a->time, controller_ms))
		log_warnx("clock",
		    "clock.suspect: the clock of this system is more than a year ahead "
		    "of "
		    "all that is known; certificates are judged by the controller's");
}

static void
keep_time(void *arg)
{
	struct agent *a = arg;

	trust_time_keep(a->time);
	timer_set(a->io[0], a->keep, jittered(a->io[0], KEEP_MS));
}

static int
make_time(struct agent *a, char *why, size_t why_size)
{
	char path[PATH_MAX];
	const char *dir = a->cfg->node.state_dir;
	int err;

	if (a->cfg->insecure.plain_grasp)
		return 0;
	if (dir && snprintf(path, sizeof path, "%s/time", dir) >= (int)sizeof path)
		dir = NULL;
	err = trust_time_new(dir ? path : NULL, wall, since_boot, a, &a->time);
	if (err == -EBADMSG)
		snprintf(why, why_size,
		    "%s is damaged. If the clock of this system is right, remove the "
		    "file",
		    path);
	else if (err < 0)
		snprintf(why, why_size, "cannot tell the time: %s", strerror(-err));
	return err < 0 ? err : timer_new(a->io[0], keep_time, a, &a->keep);
}

/* --- wiring --------------------------------------------------------------------------------- */
static int64_t
tell_time(void *arg)
{
	return agent_now(arg);
}

static void
tell_hang(void *arg, const char *source, bool hangs)
{
	(void)arg;
	if (hangs)
		log_warnx("metrics",
		    "the source %s does not answer: its metrics are unknown until it "
		    "does",
		    source);
	else
		log_info("metrics", "the source %s answers again", source);
}

static int
make_sampler(struct agent *a)
{
	struct source_env env = { .proc = a->cfg->roots.proc,
		.sys = a->cfg->roots.sys,
		.power_supply = a->cfg->roots.power_supply,
		.rootfs = a->cfg->roots.rootfs,
		.cgroup = a->cfg->roots.cgroup,
		.functions = a->cfg->functions.cgroups,
		.gpsd = a->cfg->gps.gpsd,
		.paths = &a->cfg->paths,
		.path_budget = a->cfg->path.budget,
		.self = &a->self.source };
	int err = sampler_new(&env, (size_t)a->cfg->history.bytes, &a->sampler);

	self_init(&a->self, a);
	if (err == 0) {
		sampler_keep(a->sampler, a->cfg->history.window_ms);
		sampler_set_clock(a->sampler, tell_time, a);
		sampler_on_hang(a->sampler, tell_hang, a);
	}
	return err;
}

static int
fail(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	return err;
}

static int
make_timers(struct agent *a)
{
	int err = timer_new(a->io[0], work, a, &a->work);

	return err < 0 ? err : timer_new(a->io[0], look, a, &a->look);
}

static int
open_ios(struct agent *a)
{
	int err = 0;

	for (size_t i = 0; i < a->cfg->domains && err >= 0; i++)
		err = a->ios.open(a->ios.arg, &a->cfg->domain[i], &a->io[i]);
	return err;
}

static int
make_members(struct agent *a, char *why, size_t why_size)
{
	int err = 0;

	a->member_env = (struct member_env){ .cfg = a->cfg,
		.identity = a->identity,
		.caps = &a->caps,
		.sampler = a->sampler,
		.rules = a->rules,
		.time = a->time,
		.wake = wake,
		.changed = changed,
		.learn_time = learn_time,
		.arg = a };
	for (size_t i = 0; i < a->cfg->domains && err >= 0; i++) {
		err = member_new(a->io[i], &a->member_env, &a->cfg->domain[i], why,
		    why_size, &a->member[i]);
		a->members += err >= 0;
	}
	return err;
}

static int
make_rules(struct agent *a, char *why, size_t why_size)
{
	char what[RULE_WHY_MAX] = "";
	int err = rules_new(a->sampler, &a->rules);

	if (err < 0)
		return fail(err, "cannot prepare the rules", why, why_size);
	err = rule_config_install(a->cfg->rule, a->cfg->rules_len, a->rules, what);
	if (err == -ENOMEM)
		return fail(err, "cannot prepare the rules", why, why_size);
	if (err < 0)
		snprintf(why, why_size, "rules: %s", what);
	return err;
}

static int
make_parts(struct agent *a, char *why, size_t why_size)
{
	int err = open_ios(a);

	if (err < 0)
		return fail(err, "cannot prepare sockets", why, why_size);
	a->started_ms = agent_now(a);
	err = make_timers(a);
	if (err < 0)
		return fail(err, "cannot make a timer", why, why_size);
	err = make_sampler(a);
	if (err < 0)
		return fail(err, "cannot prepare the metrics", why, why_size);
	if (a->cfg->plugins_len)
		err = plugins_new(a->io[0], a->ios.spawner, a->sampler, a->cfg->plugin,
		    a->cfg->plugins_len, &a->plugins);
	if (err < 0)
		return fail(err, "cannot prepare the plug-ins", why, why_size);
	err = make_rules(a, why, why_size);
	if (err < 0)
		return err;
	err = make_time(a, why, why_size);
	return err < 0 ? err : make_members(a, why, why_size);
}

int
agent_new(const struct agent_ios *ios, struct agent_config *cfg,
    struct identity *identity, char *why, size_t why_size, struct agent **ret)
{
	CLEANUP(agent_free) struct agent *a = calloc(1, sizeof *a);

	if (!a)
		return fail(-ENOMEM, "cannot start", why, why_size);
	a->ios = *ios;
	a->cfg = cfg;
	a->identity = identity;
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
	timer_set(a->io[0], a->look, jittered(a->io[0], LOOK_MS));
	if (a->time)
		timer_set(a->io[0], a->keep, jittered(a->io[0], KEEP_MS));
	for (size_t i = 0; i < a->members; i++)
		member_start(a->member[i]);
}

int64_t
agent_now(const struct agent *a)
{
	return grasp_io_now(a->io[0]);
}

void
agent_free(struct agent *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->members; i++)
		member_free(a->member[i]);
	rules_free(a->rules);
	plugins_free(a->plugins);
	sampler_free(a->sampler);
	if (a->time)
		trust_time_keep(a->time);
	trust_time_free(a->time);
	timer_free(a->io[0], a->keep);
	timer_free(a->io[0], a->look);
	timer_free(a->io[0], a->work);
	for (size_t i = 0; i < AGENT_DOMAINS_MAX; i++)
		if (a->io[i] && a->ios.close)
			a->ios.close(a->ios.arg, a->io[i]);
	free(a);
}
