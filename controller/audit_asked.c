/* SPDX-License-Identifier: Apache-2.0
 *
 * What the control socket tells the audit. */
#include "base/ctl.h"
#include "controller/audit.h"
#include "controller/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ctl_roles[] = {
	[CTL_VIEWER] = "viewer",
	[CTL_DEPLOYER] = "deployer",
	[CTL_ADMIN] = "admin",
};

static const char *
name_role(enum ctl_role role)
{
	return role >= CTL_VIEWER && role <= CTL_ADMIN ? ctl_roles[role] : "nobody";
}

/* Looking is not written down. */
static bool
changes_something(const char *command)
{
	for (size_t i = 0; i < controller_commands_len; i++)
		if (!strcmp(controller_commands[i].name, command))
			return controller_commands[i].role > CTL_VIEWER;
	return false;
}

/* What it is about, without what is long or secret: "node=robot reason=stolen". */
static void
describe(struct slice args, struct buf *out)
{
	static const char *const told[] = { "service", "function", "node", "id", "name",
		"role", "domain", "file", "reason", "uses" };
	char text[AUDIT_TEXT_MAX / 4];
	int64_t number;

	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		const char *space = out->pos ? " " : "";

		if (ctl_arg_text(args, told[i], text, sizeof text))
			buf_printf(out, "%s%s=%s", space, told[i], text);
		else if (ctl_arg_int(args, told[i], &number))
			buf_printf(out, "%s%s=%lld", space, told[i], (long long)number);
	}
}

/* What is known when it is asked; it is written when it has ended, for then it can be told how. */
struct request {
	char *object;
	const char *role, *command; /* static: the table's */
	char who[AUDIT_TEXT_MAX];
};

static void *
keep_request(const struct audit_entry *e)
{
	struct request *r = calloc(1, sizeof *r);

	if (!r || !(r->object = strdup(e->object))) {
		free(r);
		return NULL;
	}
	r->role = e->role;
	r->command = e->command;
	snprintf(r->who, sizeof r->who, "%s", e->who);
	return r;
}

static void *
note_request(struct audit *a, struct audit_entry *e, bool allowed)
{
	void *request = NULL;

	if (!allowed)
		audit_refusal(a, e);
	else if (!(request = keep_request(e)))
		audit_write(a, e); /* better now than not at all */
	return request;
}

static void *
on_asked(void *arg, const struct ctl_request *req, const char *command, struct slice args,
    bool allowed)
{
	struct buf object;
	struct audit_entry e = {
		.role = name_role(ctl_role(req)),
		.who = ctl_who(req),
		.command = command,
		.result = allowed ? "asked" : "refused",
	};
	void *request;

	if (allowed && !changes_something(command))
		return NULL;
	buf_init(&object, 4 * AUDIT_TEXT_MAX);
	describe(args, &object);
	e.object = buf_text(&object);
	request = note_request(arg, &e, allowed);
	buf_done(&object);
	return request;
}

static void
on_ended(void *arg, void *note, const char *why)
{
	struct request *r = note;
	char failure[AUDIT_TEXT_MAX];
	const struct audit_entry e = {
		.role = r->role,
		.who = r->who,
		.command = r->command,
		.object = r->object,
		.result = why ? failure : "done",
	};

	snprintf(failure, sizeof failure, "%s%s",
	    why == CTL_LEFT ? "" : "failed: ", why ? why : "");
	audit_write(arg, &e);
	free(r->object);
	free(r);
}

const struct ctl_audit audit_requests = { on_asked, on_ended };
