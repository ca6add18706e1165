/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/uplink.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/timing.h"
#include "base/addr_text.h"
#include "base/log.h"

#define START_JITTER_MS	 20   /* before the first M_DISCOVERY: boots differ by more */
#define SEARCH_JITTER_MS 1000 /* the same after a session was lost */
#define DELAY_MIN_MS	 50   /* of a result for others to come along (RPT-08) */
#define DELAY_MAX_MS	 1000

#define COUNTER_MAX	 61440 /* a plan */

struct uplink {
	const struct uplink_env *env;
	struct grasp_io *io;
	struct bootstrap *bootstrap;
	struct session *session; /* NULL: none, not even an attempt */
	struct plan *plan;
	struct reporter *reporter;
	struct grasp_registration *plans; /* FOGPLAN */
	struct grasp_session *bargain;	  /* what we have offered instead, ... */
	struct buf counter;	   /* ... and wait for the word of the controller */
	struct grasp_timer *timer; /* of the next attempt */
	struct session_env session_env;
	struct plan_env plan_env;
	char rules_owner[RULE_OWNER_SIZE];
	struct fog_id expected; /* who the session is with, as far as it is known */
	char plan_path[PATH_MAX];
	uint64_t registrations;
	bool started;
	char trouble[160];
};

/* --- attempts ------------------------------------------------------------------------------- */
static void look(struct uplink *u);

static void
give_up(struct uplink *u, const struct addr *addr, const char *why)
{
	char text[ADDR_TEXT_MAX];

	if (strcmp(u->trouble, why) != 0)
		log_info("session",
		    "no session with the controller at %s: %s; trying again",
		    addr_format(addr, text), why);
	snprintf(u->trouble, sizeof u->trouble, "%s", why);
	bootstrap_failed(u->bootstrap, addr);
}

static void
attempt(struct uplink *u, const struct candidate *c)
{
	struct addr addr = c->addr;
	char text[ADDR_TEXT_MAX];
	int err;

	memset(&u->expected, 0, sizeof u->expected);
	if (c->has_id)
		u->expected = c->id;
	log_debug("session", "trying the controller at %s", addr_format(&addr, text));
	err = session_open(u->env->node, &addr, &u->session_env, &u->session);
	if (err < 0) {
		give_up(u, &addr, strerror(-err));
		look(u);
	}
}

/* Tries the best candidate, or waits until one is due. */
static void
look(struct uplink *u)
{
	int64_t now = grasp_io_now(u->io), due;

	if (u->session || !u->started)
		return;
	if (bootstrap_pick(u->bootstrap, now, &due))
		timer_set(u->io, u->timer, 0);
	else if (due != INT64_MAX)
		timer_set(u->io, u->timer, due - now);
	else
		timer_stop(u->io, u->timer);
}

static void
fire(void *arg)
{
	struct uplink *u = arg;
	struct candidate *c;
	int64_t due;

	if (u->session || !u->started)
		return;
	c = bootstrap_pick(u->bootstrap, grasp_io_now(u->io), &due);
	if (c)
		attempt(u, c);
	else
		look(u);
}

/* Its restart makes an end of an attempt that the one before has not answered. */
static void
heard(void *arg, const struct addr *again)
{
	struct uplink *u = arg;

	if (again && u->session && session_is_attempt(u->session) &&
	    addr_equal(session_addr(u->session), again))
		session_close(TAKE(u->session));
	look(u);
}

/* --- the session ---------------------------------------------------------------------------- */
static void
describe(void *arg, struct fog_registration *ret)
{
	const struct uplink *u = arg;

	ret->node = u->env->identity->id;
	memcpy(ret->boot, u->env->identity->boot, sizeof ret->boot);
	snprintf(ret->name, sizeof ret->name, "%s", u->env->identity->name);
	snprintf(ret->domain, sizeof ret->domain, "%s", u->env->domain);
	ret->plan_version = plan_version_of(u->plan, &u->expected);
	if (ret->plan_version)
		plan_digest(u->plan, ret->plan_digest);
	if (!u->env->credential)
		return;
	struct anchors *anchors = credential_anchors(u->env->credential);
	ret->trust_version = anchors_version(anchors);
	ret->denials = anchors_denials(anchors);
}

static const struct caps *
current_caps(void *arg)
{
	const struct uplink *u = arg;

	return u->env->caps;
}

static void
registered(void *arg, const struct fog_lease *lease, bool first)
{
	struct uplink *u = arg;
	char text[ADDR_TEXT_MAX], id[FOG_ID_TEXT];

	u->expected = lease->controller;
	bootstrap_registered(
	    u->bootstrap, session_addr(u->session), &lease->controller, lease->epoch);
	reporter_attach(u->reporter, session_link(u->session));
	if (u->env->credential)
		u->env->time(u->env->arg, lease->time_ms);
	if (!first)
		return;
	u->registrations++;
	u->trouble[0] = 0;
	bootstrap_rest(u->bootstrap);
	log_info("session", "registered with controller %s at %s, lease %u s",
	    fog_id_format(&lease->controller, id),
	    addr_format(session_addr(u->session), text), lease->lease_ms / 1000);
	u->env->changed(u->env->arg, true, NULL);
}

static void
lose(struct uplink *u, const struct addr *addr, int64_t lasted_ms, const char *why)
{
	char text[ADDR_TEXT_MAX];

	log_warnx("session",
	    "lost the controller at %s: %s; looking for it or another one",
	    addr_format(addr, text), why);
	snprintf(u->trouble, sizeof u->trouble, "%s", why);
	bootstrap_lost(u->bootstrap, addr, lasted_ms);
}

static void
closed(void *arg, bool held, const char *why)
{
	struct uplink *u = arg;
	struct addr addr = *session_addr(u->session);
	int64_t since = session_since(u->session);

	u->session = NULL;
	reporter_attach(u->reporter, NULL);
	if (held)
		lose(u, &addr, grasp_io_now(u->io) - since, why);
	else
		give_up(u, &addr, why);
	bootstrap_search(u->bootstrap, SEARCH_JITTER_MS);
	look(u);
	u->env->changed(u->env->arg, false, why);
}

/* --- results -------------------------------------------------------------------------------- */
/* RPT-04 */
static enum report_kind
class_of(const struct plan_item *item)
{
	if (item->flags & PLAN_URGENT)
		return REPORT_EVENTS;
	return item->flags & PLAN_LOSSY ? REPORT_LOSSY : REPORT_METRICS;
}

static void
result(void *arg, const struct report_point *p)
{
	struct uplink *u = arg;

	reporter_add(u->reporter, class_of(plan_running(u->plan)), p);
}

static void
forgotten(void *arg)
{
	struct uplink *u = arg;

	session_again(u->session);
	reporter_attach(u->reporter, NULL);
}

static void
accepted(void *arg)
{
	struct uplink *u = arg;

	session_confirm(u->session);
}

static void
silent(void *arg)
{
	struct uplink *u = arg;

	session_abandon(u->session, "it does not answer reports");
}

/* --- the plan -------------------------------------------------------------------------------- */
static void
set_delay(struct uplink *u)
{
	int64_t delay = plan_period(u->plan) / 4;

	if (delay < DELAY_MIN_MS)
		delay = DELAY_MIN_MS;
	reporter_delay(u->reporter, delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS);
}

static int
take_plan(struct uplink *u, struct slice value, bool dry, char why[PLAN_WHY_MAX])
{
	const struct fog_lease *lease = session_lease(u->session);
	struct plan_source from = { lease->controller, lease->epoch };
	uint64_t before = plan_version(u->plan);
	int err = plan_offer(u->plan, value, &from, grasp_io_now(u->io), dry, why);

	if (err < 0)
		log_warnx("plan", "plan declined: %s", why[0] ? why : strerror(-err));
	else if (!dry && plan_version(u->plan) != before)
		log_info("plan", "plan %llu with %zu items",
		    (unsigned long long)plan_version(u->plan), plan_len(u->plan));
	set_delay(u);
	u->env->wake(u->env->arg);
	return err;
}

static bool
is_our_controller(const struct uplink *u, struct grasp_session *s)
{
	return session_link(u->session) &&
	    grasp_session_link(s) == session_link(u->session);
}

static void consider_plan(struct uplink *u, struct grasp_session *s, struct slice value);

/* It insists. */
static void
insisted(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct uplink *u = arg;

	u->bargain = NULL;
	consider_plan(u, s, asked->value);
}

static void
settled(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct uplink *u = arg;
	char why[PLAN_WHY_MAX];

	u->bargain = NULL;
	(void)s;
	if (outcome != GRASP_ACCEPTED || !session_link(u->session))
		log_info("plan", "our counter-offer came to nothing: %s %.*s",
		    grasp_outcome_name(outcome), (int)reason.len,
		    (const char *)reason.data);
	else
		(void)take_plan(u, buf_slice(&u->counter), false, why);
}

static bool
offer_instead(struct uplink *u, struct grasp_session *s)
{
	static const struct grasp_session_ops ops = { .negotiated = insisted,
		.ended = settled };

	if (grasp_session_step(s, buf_slice(&u->counter)) < 0)
		return false; /* the loop count is spent */
	if (u->bargain)
		grasp_session_cancel(u->bargain);
	u->bargain = s;
	grasp_session_set(s, &ops, u);
	return true;
}

static void
consider_plan(struct uplink *u, struct grasp_session *s, struct slice value)
{
	const struct fog_lease *lease = session_lease(u->session);
	const struct plan_source from = { lease->controller, lease->epoch };
	char why[PLAN_WHY_MAX];
	int err;

	buf_reset(&u->counter);
	if (plan_bargain(
		u->plan, value, &from, u->env->cfg->report.budget, &u->counter) == 1 &&
	    offer_instead(u, s))
		return;
	err = take_plan(u, value, grasp_session_dry_run(s), why);
	grasp_session_end(s, err >= 0, why[0] ? why : "full: no memory");
}

/* Only the controller that we are registered with, on the link that we opened, may say what we
 * have to do. */
static void
negotiate(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct uplink *u = arg;

	if (is_our_controller(u, s))
		consider_plan(u, s, asked->value);
	else
		grasp_session_end(s, false, "policy: not the controller of this node");
}

static void
replay(struct uplink *u)
{
	char why[PLAN_WHY_MAX];
	int err = plan_replay(u->plan, grasp_io_now(u->io), why);

	if (err < 0)
		log_warnx("plan", "the plan kept in %s does not run: %s", u->plan_path,
		    why[0] ? why : strerror(-err));
	else if (plan_version(u->plan))
		log_info("plan", "plan %llu of the last run with %zu items",
		    (unsigned long long)plan_version(u->plan), plan_len(u->plan));
	set_delay(u);
}

/* --- life ----------------------------------------------------------------------------------- */
static void
fill_envs(struct uplink *u)
{
	const char *dir = u->env->dir;

	u->session_env =
	    (struct session_env){ .prefix = u->env->cfg->grasp.objective_prefix,
		    .proved = u->env->credential != NULL,
		    .describe = describe,
		    .caps = current_caps,
		    .registered = registered,
		    .closed = closed,
		    .arg = u };
	snprintf(u->rules_owner, sizeof u->rules_owner, "domain %s", u->env->domain);
	utf8_trim(u->rules_owner);
	u->plan_env = (struct plan_env){ .sampler = u->env->sampler,
		.rules = u->env->rules,
		.rules_owner = u->rules_owner,
		.result = result,
		.arg = u };
	if (dir &&
	    (size_t)snprintf(u->plan_path, sizeof u->plan_path, "%s/plan", dir) <
		sizeof u->plan_path)
		u->plan_env.path = u->plan_path;
}

static int
make_bootstrap(struct uplink *u)
{
	const struct grasp_conf *grasp = &u->env->cfg->grasp;
	struct addr fixed[CANDIDATES_MAX / 2];
	struct bootstrap_config bc = { .prefix = grasp->objective_prefix,
		.domain = u->env->domain,
		.attributes = u->env->attributes,
		.id = &u->env->identity->id,
		.fixed = fixed,
		.fixeds = agent_domain_controllers(
		    u->env->controllers, fixed, ARRAY_LEN(fixed)),
		.assist = grasp_conf_assist(grasp),
		.hops = (uint8_t)grasp->hops };

	return bootstrap_new(u->env->node, &bc, heard, u, &u->bootstrap);
}

static int
make_parts(struct uplink *u)
{
	struct reporter_config rc = { .prefix = u->env->cfg->grasp.objective_prefix,
		.metric_bytes = (size_t)u->env->cfg->report.journal,
		.event_bytes = (size_t)u->env->cfg->report.events,
		.budget = u->env->cfg->report.budget,
		.delay_ms = u->env->cfg->report.delay_ms,
		.forgotten = forgotten,
		.accepted = accepted,
		.silent = silent,
		.arg = u };
	char journal[PATH_MAX];
	int err = timer_new(u->io, fire, u, &u->timer);

	if (u->env->dir &&
	    (size_t)snprintf(journal, sizeof journal, "%s/journal", u->env->dir) <
		sizeof journal)
		rc.dir = journal;
	if (err >= 0)
		err = make_bootstrap(u);
	if (err >= 0)
		err = reporter_new(u->io, &rc, &u->reporter);
	if (err >= 0)
		err = plan_new(&u->plan_env, &u->plan);
	return err;
}

int
uplink_new(const struct uplink_env *env, struct uplink **ret)
{
	static const struct grasp_support support = { .negotiate = negotiate };
	CLEANUP(uplink_free) struct uplink *u = calloc(1, sizeof *u);
	char name[FOG_NAME_MAX + 1];
	int err;

	if (!u)
		return -ENOMEM;
	u->env = env;
	buf_init(&u->counter, COUNTER_MAX);
	u->io = grasp_node_io(env->node);
	fill_envs(u);
	err = make_parts(u);
	if (err < 0)
		return err;
	err = grasp_register(env->node,
	    fog_objective_name(env->cfg->grasp.objective_prefix, FOGPLAN, name), F_NEG,
	    &support, u, &u->plans);
	if (err < 0)
		return err;
	replay(u);
	*ret = TAKE(u);
	return 0;
}

void
uplink_start(struct uplink *u)
{
	u->started = true;
	bootstrap_search(u->bootstrap, START_JITTER_MS);
	look(u);
}

void
uplink_stop(struct uplink *u)
{
	session_close(TAKE(u->session));
	reporter_attach(u->reporter, NULL);
	bootstrap_rest(u->bootstrap);
	timer_stop(u->io, u->timer);
	u->started = false;
}

void
uplink_hint(struct uplink *u, const struct addr *addr)
{
	bootstrap_hint(u->bootstrap, addr);
	look(u);
}

void
uplink_free(struct uplink *u)
{
	if (!u)
		return;
	session_close(u->session);
	if (u->bargain)
		grasp_session_cancel(u->bargain);
	buf_done(&u->counter);
	grasp_deregister(u->plans);
	reporter_free(u->reporter);
	plan_free(u->plan);
	bootstrap_free(u->bootstrap);
	timer_free(u->io, u->timer);
	free(u);
}

int64_t
uplink_run(struct uplink *u, int64_t now_ms)
{
	return plan_run(u->plan, now_ms);
}

void
uplink_caps_changed(struct uplink *u)
{
	if (u->session)
		session_update(u->session);
}

/* --- what others ask ------------------------------------------------------------------------ */
enum uplink_state
uplink_state(const struct uplink *u)
{
	if (session_is_registered(u->session))
		return UPLINK_REGISTERED;
	return u->session ? UPLINK_CONNECTING : UPLINK_SEARCHING;
}

const char *
uplink_state_name(enum uplink_state s)
{
	switch (s) {
	case UPLINK_SEARCHING:
		return "searching";
	case UPLINK_CONNECTING:
		return "connecting";
	case UPLINK_REGISTERED:
		return "registered";
	}
	return "?";
}

const struct session *
uplink_session(const struct uplink *u)
{
	return u->session;
}

const struct plan *
uplink_plan(const struct uplink *u)
{
	return u->plan;
}

struct reporter *
uplink_reporter(const struct uplink *u)
{
	return u->reporter;
}

const struct bootstrap *
uplink_bootstrap(const struct uplink *u)
{
	return u->bootstrap;
}

uint64_t
uplink_registrations(const struct uplink *u)
{
	return u->registrations;
}

const char *
uplink_trouble(const struct uplink *u)
{
	return u->trouble;
}
