/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-agent: parse, prepare, wire, run, unwind. */
#include <config.h> /* the build's, not ours */
#include <errno.h>
#include <ev.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/confine.h"
#include "agent/control.h"
#include "agent/plugin_config.h"
#include "base/daemon.h"
#include "base/daemon_options.h"
#include "base/log.h"
#include "grasp/io_ev.h"

struct program {
	struct daemon_options options;
	struct agent_config cfg;
	struct identity identity;
	int lock;
	struct ev_loop *loop;
	struct agent *agent;
	struct ctl_server *ctl;
	struct spawner *spawner; /* of the plug-ins, if there are any */
	struct daemon *daemon;
	struct confession *confession;
	ev_io sources; /* a worker has read one that may block */
};

/* --- parse ---------------------------------------------------------------------------------- */
static void
set_log(const struct program *p)
{
	const char *debug = p->options.debug ? p->options.debug : p->cfg.log.debug;

	log_open("fogwatch-agent", (enum log_level)p->cfg.log.level);
	if (log_set_debug(debug) < 0)
		log_warnx("agent", "debug areas are not understood: %s", debug);
}

static int
load_config(const char *path, struct agent_config *ret)
{
	struct complaints c;

	complaints_init(&c);
	int err = agent_config_load(path, &c, ret);
	complaints_print(&c, stderr);
	complaints_done(&c);
	return err;
}

/* --- prepare -------------------------------------------------------------------------------- */
/* Small and with few parts that stay: one arena, and what is freed goes back. */
static void
keep_memory_small(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 64 * 1024);
	mallopt(M_MMAP_THRESHOLD, 32 * 1024);
}

static int
refuse(int err, const char *what, const char *object)
{
	errno = -err;
	log_error("agent", "%s %s", what, object);
	return err;
}

static int
open_state(struct program *p)
{
	const char *dir = p->cfg.node.state_dir;
	int err = daemon_state_dir(dir, &p->lock);

	if (err == -EWOULDBLOCK) {
		log_errorx("agent", "another fogwatch-agent uses %s", dir);
		return err;
	}
	if (err < 0)
		return refuse(err, "cannot use the state directory", dir);
	err = identity_load(dir, p->cfg.node.name, &p->identity);
	if (err == -EBADMSG || err == -EPERM)
		log_errorx("agent",
		    err == -EPERM
			? "%s/node.key may be used by others than its owner: it may be "
			  "known "
			  "by now. Make it private, or remove it and let the node become "
			  "another one"
			: "%s/node.key holds no key of a node. If this node may become "
			  "another one, remove the file",
		    dir);
	else if (err < 0)
		refuse(err, "cannot read or make the key in", dir);
	return err;
}

/* While there is no socket, no key, and perhaps the privilege to make plug-ins other users. */
static int
start_spawner(struct program *p)
{
	int err = 0;

	if (p->cfg.plugins_len)
		err =
		    plugin_spawner_start(p->cfg.plugin, p->cfg.plugins_len, &p->spawner);
	return err < 0 ? refuse(err, "cannot start", "the spawner of the plug-ins") : 0;
}

static int
prepare(struct program *p)
{
	const struct agent_config *cfg = &p->cfg;
	int err = daemon_make_directories(
	    cfg->node.user, cfg->control_socket, cfg->node.state_dir);

	if (err < 0)
		return refuse(err, "cannot make the directory of", p->cfg.control_socket);
	err = daemon_drop_privileges(p->cfg.node.user);
	if (err < 0)
		return refuse(err, "cannot become the user", p->cfg.node.user);
	return open_state(p);
}

/* --- wire ----------------------------------------------------------------------------------- */
static void
show_status(void *arg, const char *text)
{
	(void)arg;
	daemon_status("%s", text);
}

static const char *const *
names(const struct conf_list *list)
{
	/* conf_load() leaves a NULL behind the last item */
	return list->len ? (const char *const *)list->item : NULL;
}

static int
open_io(void *arg, const struct agent_domain *domain, struct grasp_io **ret)
{
	struct program *p = arg;
	struct grasp_io_ev_config io = { .allow = names(&p->cfg.grasp.interfaces),
		.deny = names(&p->cfg.grasp.exclude),
		.loopback = p->cfg.grasp.loopback };

	(void)domain; /* the engine takes its port */
	return grasp_io_ev_new(p->loop, &io, ret);
}

static void
close_io(void *arg, struct grasp_io *io)
{
	(void)arg;
	grasp_io_ev_free(io);
}

static int
open_agent(struct program *p)
{
	const struct agent_ios ios = {
		.open = open_io, .close = close_io, .arg = p, .spawner = p->spawner
	};
	char why[200];
	int err = agent_new(&ios, &p->cfg, &p->identity, why, sizeof why, &p->agent);

	if (err < 0) {
		log_errorx("agent", "%s", why);
		return err;
	}
	p->agent->status = show_status;
	return 0;
}

static void
take_sources(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct program *p = container_of(watcher, struct program, sources);

	(void)loop;
	(void)events;
	agent_wake(p->agent);
}

static int
watch_sources(struct program *p)
{
	int fd = sampler_wake_fd(p->agent->sampler);

	if (fd < 0)
		return refuse(fd, "cannot be woken by", "sources");
	ev_io_init(&p->sources, take_sources, fd, EV_READ);
	ev_io_start(p->loop, &p->sources);
	return 0;
}

static int
open_control(struct program *p)
{
	const struct trust_control *control = &p->cfg.control;
	const struct ctl_groups groups = { control->viewer_group, control->deployer_group,
		control->admin_group };
	int err = ctl_open(p->loop, p->cfg.control_socket, control_commands,
	    control_commands_len, p->agent, &p->ctl);

	if (err < 0)
		return refuse(
		    err, "cannot open the control socket", p->cfg.control_socket);
	ctl_set_groups(p->ctl, &groups);
	return 0;
}

static void
stop(void *arg)
{
	struct program *p = arg;

	daemon_stopping();
	ev_break(p->loop, EVBREAK_ALL);
}

static void
tell_restart(const char *option)
{
	log_warnx(
	    "agent", "%s has changed, which takes effect at the next start", option);
}

static void
reload(void *arg)
{
	struct program *p = arg;
	struct agent_config fresh;

	if (load_config(p->options.config, &fresh) < 0) {
		log_warnx(
		    "agent", "the configuration is refused, the old one stays in force");
	} else {
		agent_config_adopt(&p->cfg, &fresh, tell_restart);
		set_log(p);
		agent_reconfigured(p->agent);
		log_info("agent", "configuration read again");
	}
	agent_config_free(&fresh);
}

static int
wire(struct program *p)
{
	static const struct daemon_ops ops = { .stop = stop, .reload = reload };
	int err;

	p->loop = ev_default_loop(EVFLAG_AUTO);
	if (!p->loop)
		return refuse(-ENOMEM, "cannot make", "an event loop");
	err = daemon_new(p->loop, &ops, p, &p->daemon);
	if (err < 0)
		return refuse(err, "cannot handle", "signals");
	if (p->spawner)
		err = spawner_attach(p->spawner, p->loop);
	if (err >= 0)
		err = open_agent(p);
	if (err >= 0)
		err = watch_sources(p);
	if (err >= 0)
		err = open_control(p);
	if (err >= 0)
		err = confession_new(p->agent->io[0], "agent",
		    (struct trust_conf){ &p->cfg.multicast, &p->cfg.insecure },
		    &p->confession);
	if (err >= 0)
		confine_agent(&p->cfg, p->options.config, &p->agent->sandbox);
	return err;
}

/* --- run, unwind ---------------------------------------------------------------------------- */
static void
run(struct program *p)
{
	char id[FOG_ID_TEXT];

	log_info("agent", "node %s (%s) version " PACKAGE_VERSION "%s", p->identity.name,
	    fog_id_format(&p->identity.id, id),
	    p->identity.fresh ? ", with a new key" : "");
	if (p->identity.had_other)
		log_warnx("agent",
		    "%s/identity is of a version before nodes had keys: for its "
		    "controllers "
		    "this node is a new one. The file is not used any more",
		    p->cfg.node.state_dir);
	agent_start(p->agent);
	daemon_ready(p->daemon, "looking for a controller");
	ev_run(p->loop, 0);
	log_info("agent", "stopped");
}

static void
unwind(struct program *p)
{
	ctl_close(p->ctl);
	confession_free(p->confession);
	if (p->loop)
		ev_io_stop(p->loop, &p->sources);
	agent_free(p->agent);
	spawner_stop(p->spawner);
	identity_done(&p->identity);
	daemon_free(p->daemon);
	if (p->loop)
		ev_loop_destroy(p->loop);
	if (p->lock >= 0)
		close(p->lock);
}

static int
check_config(const struct program *p)
{
	if (p->options.print)
		agent_config_print(&p->cfg, stdout);
	return DAEMON_EXIT_DONE;
}

static int
serve(struct program *p)
{
	const struct trust_conf conf = { &p->cfg.multicast, &p->cfg.insecure };

	set_log(p);
	if (!confess_at_start("agent", conf))
		return DAEMON_EXIT_USAGE;
	int err = start_spawner(p);
	if (err >= 0)
		err = prepare(p);
	if (err >= 0)
		err = wire(p);
	if (err >= 0)
		run(p);
	unwind(p);
	return err < 0 ? DAEMON_EXIT_REFUSED : DAEMON_EXIT_DONE;
}

int
main(int argc, char **argv)
{
	struct program p = { .lock = -1 };
	int status =
	    daemon_options(argc, argv, "fogwatch-agent", AGENT_CONFIG_PATH, &p.options);

	if (status >= 0)
		return status;
	keep_memory_small();
	daemon_prepare();
	log_open("fogwatch-agent", LOG_LEVEL_INFO);
	if (load_config(p.options.config, &p.cfg) < 0)
		status = DAEMON_EXIT_REFUSED;
	else
		status = p.options.check ? check_config(&p) : serve(&p);
	agent_config_free(&p.cfg);
	return status;
}
