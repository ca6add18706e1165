/* SPDX-License-Identifier: Apache-2.0
 *
 * Every command of a daemon for every role, against the list of who may do what (security.md §7). What is
 * new has to be written down here as well. Built once for each daemon, whose libraries do not go
 * together. */
#include "base/ctl_server_int.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#ifdef OF_AGENT
#include "agent/control.h"
#define COMMANDS     control_commands
#define COMMANDS_LEN control_commands_len
#else
#include "controller/commands.h"
#define COMMANDS     controller_commands
#define COMMANDS_LEN controller_commands_len
#endif

static const struct {
	const char *command;
	enum ctl_role role;
} expected[] = {
#ifdef OF_AGENT
	{ "whoami", CTL_VIEWER },
	{ "diag", CTL_VIEWER },
	{ "diag sandbox", CTL_VIEWER },
	{ "show drops", CTL_VIEWER },
	{ "show limits", CTL_VIEWER },
	{ "show permits", CTL_VIEWER },
	{ "status", CTL_VIEWER },
	{ "counters", CTL_VIEWER },
	{ "controllers", CTL_VIEWER },
	{ "capabilities", CTL_VIEWER },
	{ "metrics", CTL_VIEWER },
	{ "plugins", CTL_VIEWER },
	{ "rule list", CTL_VIEWER },
	{ "rule add", CTL_DEPLOYER },
	{ "rule remove", CTL_DEPLOYER },
	{ "query", CTL_VIEWER },
	{ "plan show", CTL_VIEWER },
	{ "show config", CTL_VIEWER },
#else
	{ "nodes", CTL_VIEWER },
	{ "node show", CTL_VIEWER },
	{ "node release", CTL_ADMIN },
	{ "node revoke", CTL_ADMIN },
	{ "node revoked", CTL_VIEWER },
	{ "ca show", CTL_VIEWER },
	{ "ca reload", CTL_ADMIN },
	{ "node pending", CTL_VIEWER },
	{ "node approve", CTL_ADMIN },
	{ "token create", CTL_ADMIN },
	{ "token list", CTL_ADMIN },
	{ "token revoke", CTL_ADMIN },
	{ "services", CTL_VIEWER },
	{ "apply", CTL_DEPLOYER },
	{ "remove", CTL_DEPLOYER },
	{ "place", CTL_DEPLOYER },
	{ "migrate", CTL_DEPLOYER },
	{ "hooks", CTL_VIEWER },
	{ "plan show", CTL_VIEWER },
	{ "query", CTL_VIEWER },
	{ "find", CTL_VIEWER },
	{ "history", CTL_VIEWER },
	{ "metrics", CTL_VIEWER },
	{ "composites", CTL_VIEWER },
	{ "predictions", CTL_VIEWER },
	{ "candidates", CTL_VIEWER },
	{ "events", CTL_VIEWER },
	{ "audit", CTL_VIEWER },
	{ "predictors", CTL_VIEWER },
	{ "migrations", CTL_VIEWER },
	{ "status", CTL_VIEWER },
	{ "diag", CTL_VIEWER },
	{ "diag sandbox", CTL_VIEWER },
	{ "show drops", CTL_VIEWER },
	{ "show limits", CTL_VIEWER },
	{ "show permits", CTL_VIEWER },
	{ "whoami", CTL_VIEWER },
	{ "counters", CTL_VIEWER },
	{ "limits", CTL_VIEWER },
	{ "show config", CTL_VIEWER },
#endif
};

#define COMMANDS_MAX 128

static struct ev_loop *loop;
static struct ctl_server *server;
static struct ctl_command table[COMMANDS_MAX]; /* the daemon's, but nothing is done */
static char *dir, path[200];
static unsigned ran;

static int
run_nothing(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	ran++;
	ctl_end(req);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	assert_true(COMMANDS_LEN <= COMMANDS_MAX);
	for (size_t i = 0; i < COMMANDS_LEN; i++) {
		table[i] = COMMANDS[i];
		table[i].run = run_nothing;
	}
	loop = ev_loop_new(EVFLAG_AUTO);
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/control", dir);
	return ctl_open(loop, path, table, COMMANDS_LEN, NULL, &server);
}

static int
tear_down(void **state)
{
	(void)state;
	ctl_close(server);
	ev_loop_destroy(loop);
	tempdir_remove(dir);
	return 0;
}

/* --- one who asks ------------------------------------------------------------------------------- */
static int
swallow(void *arg, struct slice bytes)
{
	buf_put_slice(arg, bytes);
	return 0;
}

static void
note_nothing(void *arg)
{
	(void)arg;
}

static const struct ctl_transport transport = { swallow, note_nothing };

/* True: it was run; false: it was refused because of the role. */
static bool
may(enum ctl_role role, const char *command)
{
	struct ctl_peer *p = NULL;
	struct buf in, out;
	unsigned before = ran;

	buf_init(&in, CTL_REQUEST_MAX);
	buf_init(&out, 65536);
	assert_int_equal(ctl_adopt(server, role, "somebody", &transport, &out, &p), 0);
	ctl_request_put(&in, command, (struct slice){ 0 });
	ctl_peer_received(p, buf_slice(&in));
	ev_run(loop, EVRUN_NOWAIT);
	if (ran == before)
		assert_non_null(memmem(out.data, out.pos, "needs the role", 14));
	ctl_peer_gone(p);
	buf_done(&in);
	buf_done(&out);
	return ran != before;
}

static void
every_command_is_for_the_roles_of_the_list_and_no_others_S_28(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		for (enum ctl_role r = CTL_NOBODY; r <= CTL_ADMIN; r++)
			if (may(r, expected[i].command) != (r >= expected[i].role))
				fail_msg(
				    "%s as %s", expected[i].command, ctl_role_name(r));
}

static enum ctl_role
expected_role(const char *command)
{
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		if (!strcmp(expected[i].command, command))
			return expected[i].role;
	return CTL_NOBODY;
}

static void
no_command_is_missing_in_the_list_S_28(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMANDS_LEN; i++)
		if (expected_role(COMMANDS[i].name) != COMMANDS[i].role)
			fail_msg("%s is for %s", COMMANDS[i].name,
			    ctl_role_name(COMMANDS[i].role));
	assert_int_equal(COMMANDS_LEN, ARRAY_LEN(expected));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_command_is_for_the_roles_of_the_list_and_no_others_S_28),
		TEST(no_command_is_missing_in_the_list_S_28),
	};

	return RUN_TESTS(tests, set_up, tear_down);
}
