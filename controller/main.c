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
#include "controller/composites.h"
#include "controller/commands.h"
#include "controller/config.h"
#include "controller/confine.h"
#include "controller/event.h"
#include "controller/find.h"
#include "controller/identity.h"
#include "controller/judge.h"
#include "controller/membership.h"
#include "controller/operators.h"
#include "controller/program.h"
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

struct trust_conf
program_confessed(const struct program *p)
{
	return (struct trust_conf){ &p->cfg.multicast, &p->cfg.insecure };
}

int
program_refuse(int err, const char *what, const char *object)
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
	return err ? program_refuse(err, "cannot use the state directory", dir) : 0;
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
		return program_refuse(
		    err, "cannot make the directory of", p->cfg.control_socket);
	err = daemon_drop_privileges(p->cfg.user);
	if (err)
		return program_refuse(err, "cannot become the user", p->cfg.user);
	err = spawner_start(&p->spawner);
	if (err)
		return program_refuse(err, "cannot start", "the spawner");
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

/* --- wire: the process ------------------------------------------------------------------------------ */
void
program_store_failed(void *arg)
{
	struct program *p = arg;

	log_errorx("controller",
	    "the databases in %s cannot be trusted any more: stopping, the"
	    " next start checks them",
	    p->cfg.state_dir);
	p->failed = true;
	ev_break(p->loop, EVBREAK_ALL);
}

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
	struct history_config history;

	if (load_config(p->options.config, &fresh)) {
		log_warnx("controller",
		    "the configuration is refused, the old one stays in force");
	} else {
		controller_config_adopt(&p->cfg, &fresh, tell_restart);
		set_log(p);
		program_history_config(&p->cfg, &history);
		history_set(p->history, &history);
		chores_set(p->chores, p->cfg.history.events_ms);
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
		return program_refuse(-ENOMEM, "cannot make", "an event loop");
	err = daemon_new(p->loop, &ops, p, &p->daemon);
	return err ? program_refuse(err, "cannot handle", "signals") : 0;
}

/* Last: what hooks wanted to open is open. */
static int
confine(struct program *p)
{
	int err =
	    confession_new(p->io, "controller", program_confessed(p), &p->confession);

	if (!err)
		confine_controller(&p->cfg, p->options.config, p->store, &p->sandbox);
	return err;
}

static int
wire(struct program *p)
{
	int err = open_loop(p);

	if (!err)
		err = program_wire(p);
	return err ? err : confine(p);
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
	if (p->history && !p->failed)
		history_flush(p->history);
	if (p->store && !p->failed)
		store_flush(p->store);
	chores_free(p->chores);
	membership_close(&p->membership);
	advert_free(p->advert);
	sessions_free(p->sessions);
	p->sessions = NULL;
	grasp_node_free(p->grasp);
	membership_done(&p->membership);
	composites_free(p->composites);
	history_free(p->history);
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
	if (!confess_at_start("controller", program_confessed(p)))
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
