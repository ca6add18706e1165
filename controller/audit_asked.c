/* SPDX-License-Identifier: Apache-2.0
 *
 * What the control socket tells the audit. */
#include "base/ctl.h"
#include "controller/audit.h"
#include "controller/commands.h"

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

void
audit_asked(void *arg, const struct ctl_request *req, const char *command,
    struct slice args, bool allowed)
{
	struct buf object;
	struct audit_entry e = {
		.role = name_role(ctl_role(req)),
		.who = ctl_who(req),
		.command = command,
		.result = allowed ? "asked" : "refused",
	};

	if (allowed && !changes_something(command))
		return;
	buf_init(&object, 4 * AUDIT_TEXT_MAX);
	describe(args, &object);
	e.object = buf_text(&object);
	if (allowed)
		audit_write(arg, &e);
	else
		audit_refusal(arg, &e);
	buf_done(&object);
}
