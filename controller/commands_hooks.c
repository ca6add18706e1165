/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator asks of hooks: how they are, to move a function, and what a move would do. */
#include "controller/commands.h"
#include "controller/judge.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODE_TEXT (FOG_NAME_MAX + 1)

struct moving { /* a request that waits for the end of it */
	struct commands *commands;
	struct ctl_request *req;
	char service[NODE_TEXT], function[NODE_TEXT], from[NODE_TEXT];
	bool dry_run;
};

/* The function is moved all the same. */
static void
on_client_gone(void *arg)
{
	struct moving *m = arg;

	judge_unask(m->commands->judge, m);
	free(m);
}

static void
on_moved(void *arg, const char *state, const char *target, const char *detail)
{
	struct moving *m = arg;
	struct buf item;

	ctl_on_cancel(m->req, NULL, NULL);
	buf_init(&item, 4096);
	wr_map(&item, 7);
	wr_key_text(&item, "service", m->service);
	wr_key_text(&item, "function", m->function);
	wr_key_text(&item, "from", m->from);
	wr_key_text(&item, "to", *target ? target : NULL);
	wr_key_bool(&item, "dry_run", m->dry_run);
	wr_key_text(&item, "result", state);
	wr_key_text(&item, "detail", *detail ? detail : NULL);
	ctl_send(m->req, buf_slice(&item));
	buf_done(&item);
	if (!strcmp(state, "done") || !strcmp(state, "already"))
		ctl_end(m->req);
	else
		ctl_fail(m->req, 1, "%s/%s: %s%s%s", m->service, m->function, state,
		    *detail ? ": " : "", detail);
	free(m);
}

static void
refuse(struct ctl_request *req, const struct moving *m, const char *node, int err,
    const char *why)
{
	if (err == -ENOENT)
		ctl_fail(req, 1, "there is no function %s/%s; fogctl services lists them",
		    m->service, m->function);
	else if (err == -ENODEV)
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", node);
	else
		ctl_fail(req, 1, "%s/%s: %s", m->service, m->function,
		    *why ? why : strerror(-err));
}

int
hooks_migrate(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char node[NODE_TEXT] = "", why[512] = "";
	struct moving *m = calloc(1, sizeof *m);
	int err;

	if (!m)
		return -ENOMEM;
	m->commands = c;
	m->req = req;
	m->dry_run = ctl_arg_bool(args, "dry_run");
	(void)ctl_arg_text(args, "service", m->service, sizeof m->service);
	(void)ctl_arg_text(args, "function", m->function, sizeof m->function);
	(void)ctl_arg_text(args, "to", node, sizeof node);
	judge_host_of(c->judge, m->service, m->function, m->from);
	ctl_on_cancel(req, on_client_gone, m);
	err = judge_migrate(c->judge, m->service, m->function, node, m->dry_run, on_moved,
	    m, why, sizeof why);
	if (!err)
		return 0;
	ctl_on_cancel(req, NULL, NULL);
	refuse(req, m, node, err, why);
	free(m);
	return 0;
}

int
hooks_list(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	(void)args;
	judge_show_hooks(c->judge, req);
	return 0;
}
