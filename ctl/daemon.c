/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/daemon.h"
#include "ctl/local.h"
#include "ctl/output.h"
#include "ctl/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROLLER_SOCKET RUNSTATEDIR "/fogwatch-controller/control"
#define AGENT_SOCKET	  RUNSTATEDIR "/fogwatch-agent/control"

static const struct daemon_at *set;

void
daemon_set(const struct daemon_at *at)
{
	set = at;
}

bool
daemon_is_named(void)
{
	const char *named = getenv("FOGWATCH_SOCKET");

	return (named && *named) || (set && (set->socket || set->controller));
}

const char *
daemon_default_socket(enum asked asked)
{
	const char *named = getenv("FOGWATCH_SOCKET");
	bool no_controller =
	    access(CONTROLLER_SOCKET, F_OK) != 0 && access(AGENT_SOCKET, F_OK) == 0;

	if (named && *named)
		return named;
	return asked == ASK_AGENT || (asked == ASK_EITHER && no_controller)
	    ? AGENT_SOCKET
	    : CONTROLLER_SOCKET;
}

static const char *
daemon_name(enum asked asked)
{
	return asked == ASK_AGENT ? "agent" : "controller";
}

static int
open_socket(const char *socket, enum asked asked, bool quiet, struct ctl_client **ret)
{
	int err = ctl_connect(socket, ret);

	if (quiet)
		return err;
	if (err == -EACCES)
		fprintf(stderr, "fogctl: %s: %s; ask as root or as the daemon's group\n",
		    socket, strerror(-err));
	else if (err)
		fprintf(stderr,
		    "fogctl: no daemon answers at %s: %s. Is fogwatch-%s running? "
		    "--socket PATH names another socket\n",
		    socket, strerror(-err), daemon_name(asked));
	return err;
}

int
daemon_open(
    const struct daemon_at *at, enum asked asked, bool quiet, struct ctl_client **ret)
{
	if (!at->controller)
		return open_socket(at->socket ? at->socket : daemon_default_socket(asked),
		    asked, quiet, ret);
	if (asked != ASK_AGENT)
		return remote_connect(at->controller, at->identity, ret);
	fputs("fogctl: an agent is asked on its own machine alone\n", stderr);
	return -EINVAL;
}

int
daemon_open_set(enum asked asked, bool quiet, struct ctl_client **ret)
{
	static const struct daemon_at here;

	return daemon_open(set ? set : &here, asked, quiet, ret);
}

/* It is known here, so it has to be another daemon that knows it. */
static void
hint_at_daemon(const char *command, enum asked asked)
{
	if (asked != ASK_EITHER)
		fprintf(stderr,
		    "fogctl: %s is asked of the %s: --socket PATH names its socket\n",
		    command, daemon_name(asked));
}

static int
refused(struct ctl_client *c, const char *command, enum asked asked)
{
	int code = LOCAL_REFUSED;
	const char *reason = ctl_refusal(c, &code);
	struct buf text;

	buf_init(&text, 1u << 20);
	/* Complaints about a file come with a line each; the first is ours. */
	for (const char *p = reason; *p;) {
		size_t n = strcspn(p, "\n");

		cell_put_escaped(&text, (struct slice){ (const uint8_t *)p, n });
		buf_puts(&text, "\n");
		p += n + (p[n] == '\n');
	}
	fprintf(stderr, "fogctl: %s", buf_text(&text));
	buf_done(&text);
	if (strncmp(reason, "unknown command", 15) == 0)
		hint_at_daemon(command, asked);
	return code == LOCAL_USAGE ? LOCAL_USAGE : LOCAL_REFUSED;
}

int
daemon_ask(struct ctl_client *c, const char *command, enum asked asked, struct slice args,
    int (*item)(void *arg, struct slice in), void *arg)
{
	struct slice in;
	int err = ctl_call(c, command, args);

	while (!err && (err = ctl_next(c, &in)) == 1)
		err = item(arg, in);
	if (err == -EREMOTEIO)
		return refused(c, command, asked);
	if (err)
		fprintf(stderr, "fogctl: the answer broke off: %s\n", strerror(-err));
	return err ? LOCAL_REFUSED : LOCAL_DONE;
}
