/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-controller: parse, prepare, wire, run, unwind. */
#include <config.h> /* the build's, not ours */

#include "base/ctl.h"
#include "base/daemon.h"
#include "base/daemon_options.h"
#include "base/log.h"
#include "base/spawn.h"
#include "controller/advert.h"
#include "controller/audit.h"
#include "controller/chores.h"
#include "controller/commands.h"
#include "controller/config.h"
#include "controller/confine.h"
#include "controller/event.h"
#include "controller/find.h"
#include "controller/identity.h"
#include "controller/judge.h"
#include "controller/membership.h"
#include "controller/operators.h"
#include "controller/services_dir.h"
#include "controller/session.h"
#include "controller/store.h"
#include "grasp/grasp.h"
#include "grasp/io_ev.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct program {
	struct daemon_options options;
	struct controller_config cfg;
	struct fog_id id;
	char name[FOG_NAME_MAX + 1];
	int lock;
	bool failed; /* the store can be trusted no more */

	struct spawner *spawner;
	struct ev_loop *loop;
	struct daemon *daemon;
	struct protection protection;
	struct grasp_io *io, *channel; /* channel: io, or what protects it */
	struct grasp_node *grasp;
	struct membership membership;
	struct store *store;
	struct events *events;
	struct audit *audit;
	struct registry *registry;
	struct judge *judge;
	struct sessions *sessions;
	struct advert *advert;
	struct finder *finder;
	struct chores *chores;
	struct commands commands;
	struct ctl_server *ctl;
	struct sandbox_state sandbox;
	struct confession *confession;
};

/* --- parse --------------------------------------------------------------------------------------- */
static void
set_log(const struct program *p)
{
	const char *debug = p->options.debug ? p->options.debug : p->cfg.log.debug;

	log_open("fogwatch-controller", (enum log_level)p->cfg.log.level);
	if (log_set_debug(debug))
		log_warnx("controller", "debug areas are not understood: %s", debug);
}

static int
load_config(const char *path, struct controller_config *ret)
{
	struct complaints c;
	int err;

	complaints_init(&c);
	err = controller_config_load(path, &c, ret);
	complaints_print(&c, stderr);
	complaints_done(&c);
	return err;
}

static struct trust_conf
confessed(const struct program *p)
{
	return (struct trust_conf){ &p->cfg.multicast, &p->cfg.insecure };
}

static int
refuse(int err, const char *what, const char *object)
{
	errno = -err;
	log_error("controller", "%s %s", what, object);
	return err;
}

/* --- prepare ------------------------------------------------------------------------------------- */
static int
open_state(struct program *p)
{
	const char *dir = p->cfg.state_dir;
	int err = daemon_state_dir(dir, &p->lock);

	if (err == -EWOULDBLOCK) {
		log_errorx("controller", "another fogwatch-controller uses %s", dir);
		return err;
	}
	return err ? refuse(err, "cannot use the state directory", dir) : 0;
}

static void
set_name(struct program *p)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (!p->cfg.name && gethostname(host, sizeof host - 1))
		host[0] = '\0';
	snprintf(p->name, sizeof p->name, "%.*s", FOG_NAME_MAX,
	    p->cfg.name ? p->cfg.name : host);
}

/* A node is a descriptor. After the spawner has started: its programs may count on the usual limit. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn("controller", "cannot raise the number of open files");
}

/* Privileges go before the spawner is forked: programs of hooks have those of the daemon. */
static int
prepare(struct program *p)
{
	int err =
	    daemon_make_directories(p->cfg.user, p->cfg.control_socket, p->cfg.state_dir);

	if (err)
		return refuse(err, "cannot make the directory of", p->cfg.control_socket);
	err = daemon_drop_privileges(p->cfg.user);
	if (err)
		return refuse(err, "cannot become the user", p->cfg.user);
	err = spawner_start(&p->spawner);
	if (err)
		return refuse(err, "cannot start", "the spawner");
	err = open_state(p);
	if (!err)
		err = protection_prepare(&p->protection, &p->cfg);
	if (err)
		return err;
	raise_limit();
	set_name(p);
	identity_id(p->protection.key, &p->id);
	return 0;
}

/* --- wire: news travels up ------------------------------------------------------------------------ */
static void
on_store_failed(void *arg)
{
	struct program *p = arg;

	log_errorx("controller",
	    "the databases in %s cannot be trusted any more: stopping, the"
	    " next start checks them",
	    p->cfg.state_dir);
	p->failed = true;
	ev_break(p->loop, EVBREAK_ALL);
}

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

/* --- wire: parts, each on those before it ----------------------------------------------------------- */
static int
open_store(struct program *p)
{
	int err = store_open(p->loop, p->cfg.state_dir, on_store_failed, p, &p->store);

	if (err)
		return refuse(err, "cannot open the databases in", p->cfg.state_dir);
	err = events_new(p->store, wall, p->io, &p->events);
	if (!err)
		err = audit_new(p->store, wall, p->io, &p->audit);
	return err ? refuse(err, "cannot prepare", "events and the audit") : 0;
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

	return err ? refuse(err, "cannot prepare", "sockets") : 0;
}

/* The authority is there before anybody who would ask it. */
static int
open_protection(struct program *p)
{
	int err = protection_open(&p->protection, p->loop, p->io, p->audit, &p->channel);

	if (!err)
		err = membership_found(
		    &p->membership, &p->protection, p->io, p->store, p->events, p->audit);
	return err ? refuse(err, "cannot protect", "this controller") : 0;
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
		return refuse(err, "cannot make groups of", p->cfg.scope);
	cfg.joins = join.len;
	cfg.sends = send.len;
	protection_apply(&p->protection, &guard, &cfg);
	err = grasp_node_new(p->channel, &cfg, &p->grasp);
	snprintf(port, sizeof port, "%u", cfg.port);
	return err ? refuse(err, "cannot open port", port) : 0;
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

	return err ? refuse(err, "cannot load", "the nodes") : 0;
}

static int
open_judge(struct program *p)
{
	static const struct judge_ops ops = { on_plan_changed };
	const struct judge_config cfg = {
		.hooks = p->cfg.hooks,
		.default_plan = p->cfg.default_plan,
		.plugin_dir = p->cfg.plugin_dir,
	};
	struct complaints c;
	int err = spawner_attach(p->spawner, p->loop);

	if (err)
		return refuse(err, "cannot use", "the spawner");
	complaints_init(&c);
	err = judge_new(p->loop, p->io, p->store, p->events, p->registry, p->spawner,
	    &cfg, &c, &ops, p, &p->judge);
	complaints_print(&c, stderr);
	complaints_done(&c);
	return err ? refuse(err, "cannot load", "services, hooks and plans") : 0;
}

static int
open_sessions(struct program *p)
{
	const struct sessions_config sessions = {
		.id = p->id,
		.prefix = p->cfg.grasp.objective_prefix,
		.lease_ms = p->cfg.registration.lease_ms,
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
	return err ? refuse(err, "cannot offer", "the objectives of a controller") : 0;
}

static int
open_membership(struct program *p)
{
	int err = membership_open(
	    &p->membership, p->grasp, p->registry, p->store, p->events, p->audit);

	return err ? refuse(err, "cannot offer", "membership") : 0;
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
		.insecure = confessed(p),
		.sandbox = &p->sandbox,
		.protection = &p->protection,
		.started_ms = grasp_io_now(p->io),
		.links_max = (size_t)p->cfg.links,
		.print_config = print_config,
		.arg = p,
	};
	err = ctl_open(p->loop, p->cfg.control_socket, controller_commands,
	    controller_commands_len, &p->commands, &p->ctl);
	if (err)
		return refuse(
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
	return err ? refuse(err, "cannot serve", "remote operators") : 0;
}

static int
open_chores(struct program *p)
{
	int err = chores_new(p->io, p->store, &p->chores);

	if (err)
		return refuse(err, "cannot prepare", "hourly work");
	chores_set(p->chores, p->cfg.history.retention_ms, p->cfg.history.events_ms);
	return 0;
}

/* --- wire: the process ------------------------------------------------------------------------------ */
static void
on_stop(void *arg)
{
	struct program *p = arg;

	daemon_stopping();
	advert_leave(p->advert);
	ev_break(p->loop, EVBREAK_ALL);
}

static void
tell_restart(const char *option)
{
	log_warnx(
	    "controller", "%s has changed, which takes effect at the next start", option);
}

static void
on_reload(void *arg)
{
	struct program *p = arg;
	struct controller_config fresh;

	if (load_config(p->options.config, &fresh)) {
		log_warnx("controller",
		    "the configuration is refused, the old one stays in force");
	} else {
		controller_config_adopt(&p->cfg, &fresh, tell_restart);
		set_log(p);
		chores_set(
		    p->chores, p->cfg.history.retention_ms, p->cfg.history.events_ms);
		log_info("controller", "configuration read again");
	}
	controller_config_free(&fresh);
	membership_reload(&p->membership);
	(void)services_dir_load(p->cfg.services_dir, p->judge, p->store);
}

static int
open_loop(struct program *p)
{
	static const struct daemon_ops ops = { .stop = on_stop, .reload = on_reload };
	int err;

	p->loop = ev_default_loop(EVFLAG_AUTO);
	if (!p->loop)
		return refuse(-ENOMEM, "cannot make", "an event loop");
	err = daemon_new(p->loop, &ops, p, &p->daemon);
	return err ? refuse(err, "cannot handle", "signals") : 0;
}

/* Last: what hooks wanted to open is open. */
static int
confine(struct program *p)
{
	int err = confession_new(p->io, "controller", confessed(p), &p->confession);

	if (!err)
		confine_controller(&p->cfg, p->options.config, p->store, &p->sandbox);
	return err;
}

static int
wire(struct program *p)
{
	static int (*const step[])(struct program * p) = { open_loop, open_sockets,
		open_store, open_protection, open_registry, open_judge, open_grasp,
		open_sessions, open_membership, open_chores, open_control, open_operators,
		confine };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(step) && !err; i++)
		err = step[i](p);
	return err;
}

/* --- run, unwind ---------------------------------------------------------------------------------- */
static void
tell_start(struct program *p)
{
	const char *recovery = store_recovery(p->store);
	char id[FOG_ID_TEXT];

	log_info("controller",
	    "controller %s (%s) version " PACKAGE_VERSION ", domain \"%s\"", p->name,
	    fog_id_format(&p->id, id), protection_domain(&p->protection));
	if (recovery)
		events_emit(
		    p->events, "controller.recovered", NULL, NULL, NULL, "%s", recovery);
	events_emit(p->events, "controller.started", NULL, NULL, NULL,
	    "controller %s has started, epoch %llu", p->name,
	    (unsigned long long)store_epoch(p->store));
}

static void
run(struct program *p)
{
	tell_start(p);
	(void)services_dir_load(p->cfg.services_dir, p->judge, p->store);
	daemon_ready(p->daemon, "watching");
	ev_run(p->loop, 0);
	log_info("controller", "stopped");
}

/* What is written is on the disk before anybody who waits for it goes. */
static void
unwind(struct program *p)
{
	finder_free(p->finder); /* answers its clients */
	operators_free(TAKE(p->protection.operators));
	ctl_close(p->ctl);
	confession_free(p->confession);
	protection_stop_signer(&p->protection);
	if (p->store && !p->failed)
		store_flush(p->store);
	chores_free(p->chores);
	membership_close(&p->membership);
	advert_free(p->advert);
	sessions_free(p->sessions);
	p->sessions = NULL;
	grasp_node_free(p->grasp);
	membership_done(&p->membership);
	judge_free(p->judge);
	registry_free(p->registry);
	events_free(p->events);
	audit_free(p->audit);
	store_close(p->store);
	protection_done(&p->protection);
	grasp_io_ev_free(p->io);
	daemon_free(p->daemon);
	spawner_stop(p->spawner);
	if (p->loop)
		ev_loop_destroy(p->loop);
	if (p->lock >= 0)
		close(p->lock);
}

static int
check_config(const struct program *p)
{
	if (p->options.print)
		controller_config_print(&p->cfg, stdout);
	return DAEMON_EXIT_DONE;
}

static int
serve(struct program *p)
{
	int err;

	set_log(p);
	if (!confess_at_start("controller", confessed(p)))
		return DAEMON_EXIT_USAGE;
	err = prepare(p);
	if (!err)
		err = wire(p);
	if (!err)
		run(p);
	unwind(p);
	return err || p->failed ? DAEMON_EXIT_REFUSED : DAEMON_EXIT_DONE;
}

int
main(int argc, char **argv)
{
	struct program p = { .lock = -1 };
	int status = daemon_options(
	    argc, argv, "fogwatch-controller", CONTROLLER_CONFIG_PATH, &p.options);

	if (status >= 0)
		return status;
	daemon_prepare();
	log_open("fogwatch-controller", LOG_LEVEL_INFO);
	if (load_config(p.options.config, &p.cfg))
		status = DAEMON_EXIT_REFUSED;
	else
		status = p.options.check ? check_config(&p) : serve(&p);
	controller_config_free(&p.cfg);
	return status;
}
