/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/member.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/domain_dir.h"
#include "agent/protection.h"
#include "agent/timing.h"
#include "agent/trustee.h"
#include "base/addr_text.h"
#include "base/log.h"

#define LOOK_MS (60 * 1000) /* at our own certificate */

struct member {
	const struct member_env *env;
	const struct agent_domain *cfg;
	struct grasp_io
	    *io; /* of the engine: the channel's, or what member_new() was given */
	char domain[FOG_NAME_MAX + 1];
	char attributes[GRASP_SCOPE_TEXT_MAX];
	char dir[PATH_MAX]; /* of what is kept; "": nowhere */
	struct protection protection;
	struct grasp_timer *timer; /* looks at our certificate */

	struct grasp_node *node;
	struct querier *querier;
	struct properties *properties;
	struct uplink *uplink;
	struct uplink_env uplink_env;
	struct pledge *pledge; /* these three: NULL if nothing is proved */
	struct pledge_env pledge_env;
	struct renewal *renewal;
	struct renewal_env renewal_env;
	struct trustee *trustee;
	struct trustee_env trustee_env;
};

static bool
is_proved(const struct member *m)
{
	return m->protection.credential != NULL;
}

static bool
is_admitted(const struct member *m)
{
	return !is_proved(m) ||
	    credential_state(m->protection.credential) == CREDENTIAL_VALID;
}

/* --- what the parts tell -------------------------------------------------------------------- */
static void
wake(void *arg)
{
	struct member *m = arg;

	m->env->wake(m->env->arg);
}

static void
tell(void *arg)
{
	struct member *m = arg;

	m->env->changed(m->env->arg);
}

static void
learn_time(void *arg, int64_t controller_ms)
{
	struct member *m = arg;

	m->env->learn_time(m->env->arg, controller_ms);
}

static void
uplink_changed(void *arg, bool registered, const char *why)
{
	struct member *m = arg;

	(void)why;
	if (registered && m->renewal)
		renewal_look(m->renewal);
	tell(m);
}

static struct grasp_link *
link_of(void *arg)
{
	const struct member *m = arg;

	return session_link(uplink_session(m->uplink));
}

static void
trust_changed(void *arg)
{
	struct member *m = arg;

	channel_recheck(m->protection.channel);
	renewal_look(m->renewal);
}

/* --- in and out of the domain --------------------------------------------------------------- */
/* A certificate that has expired is no reason to stop measuring. */
static void
look(struct member *m)
{
	bool joins = pledge_state(m->pledge) != PLEDGE_RESTING;

	if (is_admitted(m) == joins) {
		if (joins) {
			pledge_stop(m->pledge);
			uplink_start(m->uplink);
		} else {
			log_warnx("join",
			    "the certificate of this node in domain %s has expired: "
			    "renewing it",
			    m->domain);
			uplink_stop(m->uplink);
			pledge_start(m->pledge);
		}
	}
	timer_set(m->io, m->timer, jittered(m->io, LOOK_MS));
}

static void
fire(void *arg)
{
	look(arg);
}

/* The domain is what the configuration says, or else our certificate. */
static void
set_domain(struct member *m)
{
	const char *learnt =
	    is_proved(m) ? credential_name(m->protection.credential)->domain : "";

	snprintf(
	    m->domain, sizeof m->domain, "%s", *m->cfg->name ? m->cfg->name : learnt);
	strcpy(m->attributes, m->cfg->attributes);
	if (!*m->cfg->name && *m->domain &&
	    grasp_scope_add_domain(m->attributes, m->domain, m->attributes) < 0)
		log_warnx("join", "domain %s cannot be a scope of this node", m->domain);
}

static void
add_places(struct member *m, const struct addr *first, const struct fog_grant *grant)
{
	struct addr addr;

	uplink_hint(m->uplink, first);
	for (size_t i = 0; i < grant->places; i++)
		if (addr_parse(grant->place[i], &addr) == 0)
			uplink_hint(m->uplink, &addr);
}

static void
joined(void *arg, const struct addr *addr, const struct fog_grant *grant)
{
	struct member *m = arg;

	if (!*m->domain)
		log_info("join",
		    "the multicast groups of domain %s are joined at the next start; "
		    "name "
		    "it in the configuration to have them at the first",
		    grant->domain);
	set_domain(m);
	add_places(m, addr, grant);
	uplink_start(m->uplink);
	tell(m);
}

/* --- wiring --------------------------------------------------------------------------------- */
static int
fail(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	return err;
}

/* Who serves nodes like us listens in one of our groups, but we do not know in which. */
static int
make_node(struct member *m)
{
	const struct grasp_conf *grasp = &m->env->cfg->grasp;
	struct grasp_guard guard;
	struct grasp_groups groups;
	struct grasp_config cfg = { .port = (uint16_t)m->cfg->port,
		.link_local = grasp->link_local,
		.prefix = grasp_conf_alias(grasp),
		.relay = grasp->relay,
		.assist = grasp_conf_assist_other(grasp),
		.hops = (unsigned)grasp->hops,
		.join = groups.group,
		.send = groups.group,
		.log = log_vdebug };
	int err = grasp_conf_groups(grasp, "", m->attributes, grasp_scope_joins, &groups);

	if (err < 0)
		return err;
	cfg.joins = cfg.sends = groups.len;
	protection_apply(&m->protection, &guard, &cfg);
	return grasp_node_new(m->io, &cfg, &m->node);
}

static int
make_properties(struct member *m)
{
	const struct properties_env env = {
		.prefix = m->env->cfg->grasp.objective_prefix,
		.domain = m->domain,
		.attributes = m->attributes,
		.caps = m->env->caps,
	};

	return properties_new(m->node, &env, &m->properties);
}

static int
make_uplink(struct member *m)
{
	m->uplink_env = (struct uplink_env){
		.node = m->node,
		.sampler = m->env->sampler,
		.rules = m->env->rules,
		.cfg = m->env->cfg,
		.domain = m->domain,
		.attributes = m->attributes,
		.controllers = &m->cfg->controllers,
		.dir = *m->dir ? m->dir : NULL,
		.identity = m->env->identity,
		.credential = m->protection.credential,
		.caps = m->env->caps,
		.wake = wake,
		.changed = uplink_changed,
		.time = learn_time,
		.arg = m,
	};
	return uplink_new(&m->uplink_env, &m->uplink);
}

static int
make_pledge(struct member *m)
{
	m->pledge_env = (struct pledge_env){
		.node = m->node,
		.prefix = m->env->cfg->grasp.objective_prefix,
		.domain = m->domain,
		.cfg = m->cfg,
		.tofu = m->env->cfg->insecure.tofu,
		.identity = m->env->identity,
		.credential = m->protection.credential,
		.time = learn_time,
		.joined = joined,
		.changed = tell,
		.arg = m,
	};
	return pledge_new(&m->pledge_env, &m->pledge);
}

static int
make_renewal(struct member *m)
{
	m->renewal_env = (struct renewal_env){
		.io = m->io,
		.prefix = m->env->cfg->grasp.objective_prefix,
		.identity = m->env->identity,
		.credential = m->protection.credential,
		.link = link_of,
		.time = learn_time,
		.arg = m,
	};
	return renewal_new(&m->renewal_env, &m->renewal);
}

static int
make_trustee(struct member *m)
{
	m->trustee_env = (struct trustee_env){
		.node = m->node,
		.prefix = m->env->cfg->grasp.objective_prefix,
		.credential = m->protection.credential,
		.guard = m->protection.guard,
		.link = link_of,
		.changed = trust_changed,
		.arg = m,
	};
	return trustee_new(&m->trustee_env, &m->trustee);
}

static int
make_objectives(struct member *m)
{
	const char *prefix = m->env->cfg->grasp.objective_prefix;
	int err = querier_new(m->node, m->env->sampler, prefix, wake, m, &m->querier);

	if (err >= 0)
		err = make_properties(m);
	if (err >= 0)
		err = make_uplink(m);
	if (err < 0 || !is_proved(m))
		return err;
	err = make_pledge(m);
	if (err >= 0)
		err = make_renewal(m);
	return err < 0 ? err : make_trustee(m);
}

static int
make_engine(struct member *m, char *why, size_t why_size)
{
	set_domain(m);
	int err = make_node(m);
	if (err == -EADDRINUSE)
		return fail(err, "another program uses the GRASP port (grasp.port)", why,
		    why_size);
	if (err < 0)
		return fail(
		    err, "cannot open the GRASP port (grasp.port)", why, why_size);
	err = make_objectives(m);
	return err < 0 ? fail(err, "cannot set up GRASP objectives", why, why_size) : 0;
}

static int
make_parts(struct member *m, struct grasp_io *io, char *why, size_t why_size)
{
	int err = domain_dir(m->env->cfg->node.state_dir, m->cfg->name, m->env->identity,
	    m->env->time, m->dir);

	if (err < 0)
		return fail(err,
		    "cannot make the directory of the domain in node.state-dir", why,
		    why_size);
	m->io = io;
	if (!m->env->cfg->insecure.plain_grasp) {
		const struct protection_env env = { .io = io,
			.cfg = m->env->cfg,
			.domain = m->cfg->name,
			.dir = m->dir,
			.identity = m->env->identity,
			.time = m->env->time };

		err = protection_init(&m->protection, &env, why, why_size);
		if (err < 0)
			return err;
		m->io = m->protection.channel;
	}
	err = timer_new(m->io, fire, m, &m->timer);
	if (err < 0)
		return fail(err, "cannot make a timer", why, why_size);
	return make_engine(m, why, why_size);
}

int
member_new(struct grasp_io *io, const struct member_env *env,
    const struct agent_domain *domain, char *why, size_t why_size, struct member **ret)
{
	CLEANUP(member_free) struct member *m = calloc(1, sizeof *m);

	if (!m)
		return fail(-ENOMEM, "cannot start", why, why_size);
	m->env = env;
	m->cfg = domain;
	int err = make_parts(m, io, why, why_size);
	if (err < 0)
		return err;
	*ret = TAKE(m);
	return 0;
}

void
member_start(struct member *m)
{
	if (is_admitted(m))
		uplink_start(m->uplink);
	else
		pledge_start(m->pledge);
	if (is_proved(m))
		timer_set(m->io, m->timer, jittered(m->io, LOOK_MS));
}

void
member_free(struct member *m)
{
	if (!m)
		return;
	trustee_free(m->trustee);
	renewal_free(m->renewal);
	pledge_free(m->pledge);
	uplink_free(m->uplink);
	properties_free(m->properties);
	querier_free(m->querier);
	grasp_node_free(m->node);
	if (m->timer)
		timer_free(m->io, m->timer);
	protection_done(&m->protection);
	free(m);
}

int64_t
member_run(struct member *m, int64_t now_ms)
{
	return uplink_run(m->uplink, now_ms);
}

void
member_caps_changed(struct member *m)
{
	uplink_caps_changed(m->uplink);
}

void
member_reconfigured(struct member *m)
{
	if (m->pledge && pledge_state(m->pledge) != PLEDGE_RESTING)
		pledge_start(m->pledge);
}

/* --- what others ask ------------------------------------------------------------------------ */
const char *
member_domain(const struct member *m)
{
	return m->domain;
}

const char *
member_attributes(const struct member *m)
{
	return m->attributes;
}

static bool
is_pledge(const struct member *m)
{
	return m->pledge && pledge_state(m->pledge) != PLEDGE_RESTING;
}

bool
member_is_registered(const struct member *m)
{
	return uplink_state(m->uplink) == UPLINK_REGISTERED;
}

const char *
member_state(const struct member *m)
{
	return is_pledge(m) ? pledge_state_name(pledge_state(m->pledge))
			    : uplink_state_name(uplink_state(m->uplink));
}

const char *
member_trouble(const struct member *m)
{
	return is_pledge(m) ? pledge_trouble(m->pledge) : uplink_trouble(m->uplink);
}

struct grasp_node *
member_node(const struct member *m)
{
	return m->node;
}

struct uplink *
member_uplink(const struct member *m)
{
	return m->uplink;
}

struct querier *
member_querier(const struct member *m)
{
	return m->querier;
}

const struct bootstrap *
member_bootstrap(const struct member *m)
{
	return is_pledge(m) ? pledge_bootstrap(m->pledge) : uplink_bootstrap(m->uplink);
}

const struct credential *
member_credential(const struct member *m)
{
	return m->protection.credential;
}

const struct grasp_io *
member_channel(const struct member *m)
{
	return m->protection.channel;
}

const struct guard *
member_guard(const struct member *m)
{
	return m->protection.guard;
}

const struct renewal *
member_renewal(const struct member *m)
{
	return m->renewal;
}
