/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl ca issue: certificates of operators, orchestrators and further controllers, which the signer of
 * a controller never makes. Works with the CA's files alone, so that no daemon can be asked to. */
#include "base/clock.h"
#include "base/ctl.h"
#include "ctl/ca.h"
#include "ctl/local.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAYS_MAX      3650
#define OPERATOR_DAYS 365
#define NAME_MAX_LEN  31 /* leaves room for who issued it */

struct issue {
	enum trust_role role;
	char name[NAME_MAX_LEN + 2];
	char subject[CERT_NAME_MAX + 1];
	char dir[PATH_MAX], ca_dir[PATH_MAX];
	int64_t days;
	struct ca ca;
	struct trust_name who;
};

static int
read_role(struct issue *is, struct slice args)
{
	const unsigned may =
	    TRUST_OPERATORS | TRUST_BIT(TRUST_CONTROLLER) | TRUST_BIT(TRUST_ORCHESTRATOR);
	char role[16] = "";

	(void)ctl_arg_text(args, "role", role, sizeof role);
	is->role = trust_role_parse(role);
	if (!(TRUST_BIT(is->role) & may))
		return local_usage(
		    "--role is controller, orchestrator, viewer, deployer or"
		    " admin; nodes get theirs by fogctl token create");
	return LOCAL_DONE;
}

static bool
is_plain(const char *name)
{
	size_t len = strspn(name,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-");

	return len && len <= NAME_MAX_LEN && !name[len];
}

/* Nobody can audit what is done without a daemon: the certificate says who did it. */
static void
make_subject(struct issue *is)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());
	const char *by = sudo && is_plain(sudo) ? sudo : pw ? pw->pw_name : "";

	if (is_plain(by))
		snprintf(is->subject, sizeof is->subject, "%s (by %.*s)", is->name,
		    NAME_MAX_LEN - 6, by);
	else
		snprintf(is->subject, sizeof is->subject, "%s (by uid %ld)", is->name,
		    (long)getuid());
}

static int
read_args(struct issue *is, struct slice args)
{
	int status = read_role(is, args);

	if (status)
		return status;
	is->days = is->role == TRUST_CONTROLLER ? CA_CONTROLLER_DAYS : OPERATOR_DAYS;
	(void)ctl_arg_int(args, "days", &is->days);
	if (is->days < 1 || is->days > DAYS_MAX)
		return local_usage("--days is 1 to %d", DAYS_MAX);
	(void)ctl_arg_text(args, "name", is->name, sizeof is->name);
	if (!is_plain(is->name))
		return local_usage(
		    "--name says for whom: 1 to %d characters of A-Z a-z 0-9"
		    " . _ -",
		    NAME_MAX_LEN);
	make_subject(is);
	status = ca_path(args, "out", NULL, is->dir);
	return status ? status : ca_path(args, "ca-dir", CA_DIR, is->ca_dir);
}

static const char *
key_file(const struct issue *is)
{
	return is->role == TRUST_CONTROLLER ? "controller.key" : "operator.key";
}

static int
make_leaf(struct issue *is)
{
	const struct ca_owner self = { geteuid(), getegid() };
	const struct ca_leaf leaf = { .ca = &is->ca,
		.role = is->role,
		.dir = is->dir,
		.key_file = key_file(is),
		.name = is->subject,
		.days = is->days };
	char path[PATH_MAX];
	int status;

	snprintf(path, sizeof path, "%.*s/certificate.pem", PATH_MAX - 64, is->dir);
	if (access(path, F_OK) == 0)
		return local_refuse("%s is there already; choose another --out", path);
	status = ca_owner_mkdir(&self, is->dir);
	return status ? status : ca_leaf_make(&leaf, &is->who);
}

static int
tell(const struct issue *is, struct printer *p)
{
	char id[FOG_ID_TEXT], until[CLOCK_TEXT_MAX];
	struct buf item;
	int err;

	buf_init(&item, 2 * PATH_MAX);
	wr_map(&item, 6);
	wr_key_text(&item, "domain", is->ca.domain);
	wr_key_text(&item, "role", trust_role_name(is->role));
	wr_key_text(&item, "id", fog_id_format(&is->who.id, id));
	wr_key_text(&item, "subject", is->subject);
	wr_key_text(&item, "until",
	    clock_format(ca_now_ms() + is->days * 24 * 3600 * 1000, until));
	wr_key_text(&item, "directory", is->dir);
	err = item.err ? item.err : p->output->item(p, buf_slice(&item));
	buf_done(&item);
	p->items++;
	return err ? LOCAL_REFUSED : LOCAL_DONE;
}

int
ca_issue_run(struct slice args, struct printer *p)
{
	static struct issue is;
	int status = read_args(&is, args);

	if (!status)
		status = ca_load(is.ca_dir, &is.ca);
	if (!status)
		status = make_leaf(&is);
	if (!status)
		status = tell(&is, p);
	ca_done(&is.ca);
	return status;
}
