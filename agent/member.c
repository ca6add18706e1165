/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/member.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

struct member {
	const struct member_env *env;
	const struct agent_domain *cfg;
	struct grasp_io *io;
	char domain[FOG_NAME_MAX + 1];
	char attributes[GRASP_SCOPE_TEXT_MAX];
	char dir[PATH_MAX]; /* of what is kept; "": nowhere */
	struct grasp_node *node;
	struct querier *querier;
	struct properties *properties;
	struct uplink *uplink;
	struct uplink_env uplink_env;
};

static void
wake(void *arg)
{
	struct member *m = arg;

	m->env->wake(m->env->arg);
}

static void
changed(void *arg, bool registered, const char *why)
{
	struct member *m = arg;

	m->env->changed(m->env->arg, m, registered, why);
}

/* --- wiring --------------------------------------------------------------------------------- */
static int
fail(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	return err;
}

static int
make_directory(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* STATE/domains/NAME; a domain that is not known by name has "_". */
static int
make_dir(struct member *m)
{
	const char *state = m->env->cfg->node.state_dir;
	int err;

	if (!state)
		return 0;
	if (snprintf(m->dir, sizeof m->dir, "%s/domains", state) >= (int)sizeof m->dir)
		return -ENAMETOOLONG;
	err = make_directory(m->dir);
	if (err < 0)
		return err;
	if (snprintf(m->dir, sizeof m->dir, "%s/domains/%s", state,
		*m->cfg->name ? m->cfg->name : "_") >= (int)sizeof m->dir)
		return -ENAMETOOLONG;
	return make_directory(m->dir);
}

/* Who serves nodes like us listens in one of our groups, but we do not know in which. */
static int
make_node(struct member *m)
{
	const struct grasp_conf *grasp = &m->env->cfg->grasp;
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
		.cfg = m->env->cfg,
		.domain = m->domain,
		.attributes = m->attributes,
		.controllers = &m->cfg->controllers,
		.dir = *m->dir ? m->dir : NULL,
		.identity = m->env->identity,
		.caps = m->env->caps,
		.wake = wake,
		.changed = changed,
		.arg = m,
	};
	return uplink_new(&m->uplink_env, &m->uplink);
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
	return err;
}

static int
make_parts(struct member *m, char *why, size_t why_size)
{
	int err = make_dir(m);

	if (err < 0)
		return fail(err,
		    "cannot make the directory of the domain in node.state-dir", why,
		    why_size);
	err = make_node(m);
	if (err == -EADDRINUSE)
		return fail(err, "another program uses the GRASP port (grasp.port)", why,
		    why_size);
	if (err < 0)
		return fail(
		    err, "cannot open the GRASP port (grasp.port)", why, why_size);
	err = make_objectives(m);
	return err < 0 ? fail(err, "cannot set up GRASP objectives", why, why_size) : 0;
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
	m->io = io;
	snprintf(m->domain, sizeof m->domain, "%s", domain->name);
	strcpy(m->attributes, domain->attributes);
	int err = make_parts(m, why, why_size);
	if (err < 0)
		return err;
	*ret = TAKE(m);
	return 0;
}

void
member_start(struct member *m)
{
	uplink_start(m->uplink);
}

void
member_free(struct member *m)
{
	if (!m)
		return;
	uplink_free(m->uplink);
	properties_free(m->properties);
	querier_free(m->querier);
	grasp_node_free(m->node);
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
