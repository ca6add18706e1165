/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the controller, each made of those before it, and what they tell each other. */
#include "base/ctl.h"
#include "base/log.h"
#include "base/spawn.h"
#include "controller/advert.h"
#include "controller/audit.h"
#include "controller/chores.h"
#include "controller/composites.h"
#include "controller/event.h"
#include "controller/find.h"
#include "controller/judge.h"
#include "controller/judge.h"
#include "controller/node_labels.h"
#include "controller/operators.h"
#include "controller/program.h"
#include "controller/session.h"
#include "controller/store.h"
#include "grasp/grasp.h"
#include "grasp/io_ev.h"

#include <stdio.h>

/* --- news travels up ------------------------------------------------------------------------------ */
static int64_t
wall(void *arg)
{
	struct grasp_io *io = arg;

	return io->ops->wall(io);
}

static void
on_node_changed(void *arg, struct node *n, enum node_state before)
{
	struct program *p = arg;

	judge_node_changed(p->judge, n, before);
	sessions_node_changed(p->sessions, n);
	membership_node_changed(&p->membership, n);
}

static void
on_plan_changed(void *arg, struct node *n)
{
	struct program *p = arg;

	if (p->sessions)
		sessions_plan_changed(p->sessions, n);
}

static void
on_registered(void *arg, struct node *n, uint64_t trust_version, uint64_t denials)
{
	struct program *p = arg;

	membership_registered(&p->membership, n, trust_version, denials);
}

static void
print_config(void *arg, FILE *to)
{
	const struct program *p = arg;

	controller_config_print(&p->cfg, to);
}

/* --- parts, each on those before it ----------------------------------------------------------------- */
static int
open_store(struct program *p)
{
	int err =
	    store_open(p->loop, p->cfg.state_dir, program_store_failed, p, &p->store);

	if (err)
		return program_refuse(
		    err, "cannot open the databases in", p->cfg.state_dir);
	err = events_new(p->store, wall, p->io, &p->events);
	if (!err)
		err = audit_new(p->store, wall, p->io, &p->audit);
	return err ? program_refuse(err, "cannot prepare", "events and the audit") : 0;
}

static const char *const *
names(const struct conf_list *list)
{
	/* conf_load() leaves a NULL behind the last item */
	return list->len ? (const char *const *)list->item : NULL;
}

static int
open_sockets(struct program *p)
{
	struct grasp_io_ev_config cfg = { .allow = names(&p->cfg.grasp.interfaces),
		.deny = names(&p->cfg.grasp.exclude),
		.loopback = p->cfg.grasp.loopback };
	int err = grasp_io_ev_new(p->loop, &cfg, &p->io);

	return err ? program_refuse(err, "cannot prepare", "sockets") : 0;
}

/* The authority is there before anybody who would ask it. */
static int
open_protection(struct program *p)
{
	int err = protection_open(&p->protection, p->loop, p->io, p->audit, &p->channel);

	if (!err)
		err = membership_found(
		    &p->membership, &p->protection, p->io, p->store, p->events, p->audit);
	return err ? program_refuse(err, "cannot protect", "this controller") : 0;
}

/* We send to the groups of our nodes, and listen where those may look for us. */
static int
open_grasp(struct program *p)
{
	const struct grasp_conf *grasp = &p->cfg.grasp;
	struct grasp_groups send, join;
	struct grasp_config cfg = {
		.port = (uint16_t)grasp->port,
		.link_local = grasp->link_local,
		.prefix = grasp_conf_alias(grasp),
		.relay = grasp->relay, /* F-16 */
		.assist = grasp_conf_assist_other(grasp),
		.join = join.group,
		.send = send.group,
		.hops = (unsigned)grasp->hops,
		.links_max = (unsigned)p->cfg.links,
		.log = log_vdebug,
	};
	const char *domain = protection_domain(&p->protection);
	struct grasp_guard guard;
	char port[16];
	int err =
	    grasp_conf_groups(grasp, domain, p->cfg.scope, grasp_scope_sends, &send);

	if (!err)
		err = grasp_conf_groups(
		    grasp, domain, p->cfg.scope, grasp_scope_listens, &join);
	if (err)
		return program_refuse(err, "cannot make groups of", p->cfg.scope);
	cfg.joins = join.len;
	cfg.sends = send.len;
	protection_apply(&p->protection, &guard, &cfg);
	err = grasp_node_new(p->channel, &cfg, &p->grasp);
	snprintf(port, sizeof port, "%u", cfg.port);
	return err ? program_refuse(err, "cannot open port", port) : 0;
}

static int
open_registry(struct program *p)
{
	static const struct registry_ops ops = { on_node_changed };
	const char *domain = protection_domain(&p->protection);
	const struct registry_config cfg = {
		.domain = *domain ? domain : NULL,
		.beat_ms = p->cfg.registration.heartbeat_ms,
		.lease_ms = p->cfg.registration.lease_ms,
	};
	int err = registry_new(p->io, p->store, p->events, &cfg, &ops, p, &p->registry);

	return err ? program_refuse(err, "cannot load", "the nodes") : 0;
}

void
program_history_config(const struct controller_config *cfg, struct history_config *ret)
{
	*ret = (struct history_config){
		.window_ms = cfg->history.window_ms,
		.flush_ms = cfg->history.flush_ms,
		.raw_ms = cfg->history.retention_ms,
		.minute_ms = cfg->history.minutes_ms,
		.hour_ms = cfg->history.hours_ms,
		.bytes_max = (uint64_t)cfg->history.bytes,
	};
}

static int
open_history(struct program *p)
{
	struct history_config cfg;
	int err;

	program_history_config(&p->cfg, &cfg);
	err = history_new(p->io, p->store, &cfg, &p->history);
	return err ? program_refuse(err, "cannot open", "the history") : 0;
}

static int
open_judge(struct program *p)
{
	static const struct judge_ops ops = { on_plan_changed };
	const struct judge_config cfg = {
		.hooks = p->cfg.hooks,
		.default_plan = p->cfg.default_plan,
		.rules = p->cfg.rules,
		.plugin_dir = p->cfg.plugin_dir,
	};
	struct complaints c;
	int err = spawner_attach(p->spawner, p->loop);

	if (err)
		return program_refuse(err, "cannot use", "the spawner");
	complaints_init(&c);
	err = judge_new(p->loop, p->io, p->store, p->events, p->registry, p->spawner,
	    &cfg, &c, &ops, p, &p->judge);
	complaints_print(&c, stderr);
	complaints_done(&c);
	return err ? program_refuse(err, "cannot load", "services, hooks and plans") : 0;
}

static unsigned
label_node(void *arg, const struct fog_id *node,
    const char (*name)[METRIC_LABEL_NAME_MAX], unsigned names,
    struct metric_labels ret[HISTORY_VARIANTS_MAX])
{
	const struct program *p = arg;
	const struct node *n = registry_by_id(p->registry, node);

	return n ? node_labels(n, p->judge, name, names, ret) : 0;
}

static const char *
tell_unit(void *arg, const char *metric)
{
	const struct program *p = arg;

	return composites_unit(p->composites, metric);
}

static int
open_composites(struct program *p)
{
	const struct history_hints hints = { label_node, tell_unit, p };
	int err = composites_new(
	    p->io, p->history, p->cfg.composite, p->cfg.composites_len, &p->composites);

	if (!err)
		history_hint(p->history, &hints);
	return err ? program_refuse(err, "cannot prepare", "composites") : 0;
}

static int
open_sessions(struct program *p)
{
	const struct sessions_config sessions = {
		.id = p->id,
		.prefix = p->cfg.grasp.objective_prefix,
		.lease_ms = p->cfg.registration.lease_ms,
		.flush_ms = p->cfg.history.flush_ms,
		.history = p->history,
		.proven = !p->cfg.insecure.plain_grasp,
		.audit = p->audit,
		.registered = on_registered,
		.arg = p,
	};
	const char *domain = protection_domain(&p->protection);
	const struct advert_config advert = {
		.id = p->id,
		.domain = domain,
		.scope = p->cfg.scope,
		.prefix = p->cfg.grasp.objective_prefix,
		.epoch = store_epoch(p->store),
		.plain_name = grasp_conf_alias(&p->cfg.grasp) != NULL,
		.period_ms = p->cfg.advertisement.period_ms,
		.assist = grasp_conf_assist(&p->cfg.grasp),
		.draft = p->cfg.advertisement.draft,
		.hops = (uint8_t)p->cfg.grasp.hops,
	};
	int err = sessions_new(p->grasp, p->registry, p->judge, p->store, p->events,
	    &sessions, &p->sessions);

	if (!err)
		err = advert_new(p->grasp, &advert, &p->advert);
	if (!err)
		err = finder_new(p->grasp, p->registry, &p->cfg.grasp, domain,
		    p->cfg.scope, &p->finder);
	return err ? program_refuse(err, "cannot offer", "the objectives of a controller")
		   : 0;
}

static int
open_membership(struct program *p)
{
	int err = membership_open(
	    &p->membership, p->grasp, p->registry, p->store, p->events, p->audit);

	return err ? program_refuse(err, "cannot offer", "membership") : 0;
}

static int
open_control(struct program *p)
{
	const struct trust_control *control = &p->cfg.control;
	const struct ctl_groups groups = { control->viewer_group, control->deployer_group,
		control->admin_group };
	int err;

	p->commands = (struct commands){
		.registry = p->registry,
		.judge = p->judge,
		.sessions = p->sessions,
		.store = p->store,
		.history = p->history,
		.composites = p->composites,
		.events = p->events,
		.audit = p->audit,
		.advert = p->advert,
		.finder = p->finder,
		.enrol = p->membership.enrol,
		.authority = p->membership.authority,
		.notices = p->membership.notices,
		.grasp = p->grasp,
		.id = p->id,
		.name = p->name,
		.domain = protection_domain(&p->protection),
		.insecure = program_confessed(p),
		.sandbox = &p->sandbox,
		.protection = &p->protection,
		.lease_ms = p->cfg.registration.lease_ms,
		.flush_ms = p->cfg.history.flush_ms,
		.started_ms = grasp_io_now(p->io),
		.links_max = (size_t)p->cfg.links,
		.print_config = print_config,
		.arg = p,
	};
	err = ctl_open(p->loop, p->cfg.control_socket, controller_commands,
	    controller_commands_len, &p->commands, &p->ctl);
	if (err)
		return program_refuse(
		    err, "cannot open the control socket", p->cfg.control_socket);
	ctl_set_groups(p->ctl, &groups);
	ctl_set_audit(p->ctl, &audit_requests, p->audit);
	return 0;
}

/* Those who come over the network are served at the same table. */
static int
open_operators(struct program *p)
{
	int err = 0;

	if (p->membership.authority && p->cfg.remote_operators)
		err = operators_new(p->channel, p->ctl, &p->protection.operators);
	return err ? program_refuse(err, "cannot serve", "remote operators") : 0;
}

static int
open_chores(struct program *p)
{
	int err = chores_new(p->io, p->store, &p->chores);

	if (err)
		return program_refuse(err, "cannot prepare", "hourly work");
	chores_set(p->chores, p->cfg.history.events_ms);
	return 0;
}

int
program_wire(struct program *p)
{
	static int (*const step[])(struct program * p) = { open_sockets, open_store,
		open_history, open_protection, open_registry, open_judge, open_composites,
		open_grasp, open_sessions, open_membership, open_chores, open_control,
		open_operators };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(step) && !err; i++)
		err = step[i](p);
	return err;
}
