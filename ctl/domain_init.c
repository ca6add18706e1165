/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl domain init: what a domain begins with. Its CA, and the key and certificate of its first
 * controller, each in a directory of its own. fogctl domain renew: that controller's next one. */
#include "base/clock.h"
#include "base/ctl.h"
#include "ctl/ca.h"
#include "ctl/local.h"
#include "trust/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS	(24 * 3600 * 1000LL)
#define HOUR_MS (3600 * 1000LL)

struct init {
	char domain[FOG_NAME_MAX + 2]; /* a byte more, to see that it is too long */
	char state_dir[PATH_MAX], ca_dir[PATH_MAX], own_dir[PATH_MAX];
	char user[64];
	struct ca_owner owner;
	struct ca ca;
	struct trust_name controller;
};

static int
read_directories(struct init *in, struct slice args)
{
	int status = ca_path(args, "state-dir", CA_STATE_DIR, in->state_dir);

	if (!status)
		status = ca_path(args, "ca-dir", CA_DIR, in->ca_dir);
	snprintf(
	    in->own_dir, sizeof in->own_dir, "%.*s/domain", PATH_MAX - 64, in->state_dir);
	return status;
}

static int
read_args(struct init *in, struct slice args)
{
	(void)ctl_arg_text(args, "domain", in->domain, sizeof in->domain);
	(void)ctl_arg_text(args, "user", in->user, sizeof in->user);
	if (!trust_is_domain(in->domain))
		return local_usage("NAME is 1 to 64 characters of A-Z a-z 0-9 . _ -");
	return read_directories(in, args);
}

/* Nothing is overwritten: with the key of a CA a whole domain would go. */
static int
refuse_what_is_there(const struct init *in)
{
	const struct {
		const char *dir, *file;
	} there[] = {
		{ in->ca_dir, "ca.key" },
		{ in->ca_dir, "ca.pem" },
		{ in->own_dir, "controller.key" },
		{ in->own_dir, "certificate.pem" },
		{ in->own_dir, "trust.pem" },
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(there); i++) {
		snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - 64, there[i].dir,
		    there[i].file);
		if (access(path, F_OK) == 0 || errno != ENOENT)
			return local_refuse("%s is there already: nothing was changed. To"
					    " begin another domain, move both %s and %s"
					    " away",
			    path, in->ca_dir, in->own_dir);
	}
	return LOCAL_DONE;
}

static int
make_directories(struct init *in)
{
	int status = ca_owner_find(in->user, in->state_dir, &in->owner);

	if (!status)
		status = ca_owner_mkdir(&in->owner, in->state_dir);
	if (!status)
		status = ca_owner_mkdir(&in->owner, in->ca_dir);
	if (!status)
		status = ca_owner_become(&in->owner);
	return status ? status : ca_owner_mkdir(&in->owner, in->own_dir);
}

static int
make_ca(struct init *in)
{
	int64_t now = ca_now_ms();
	const struct cert_spec spec = { .cn = in->domain,
		.not_before_ms = now - HOUR_MS,
		.not_after_ms = now + CA_DAYS * DAY_MS };
	char path[PATH_MAX];
	int err = key_new(KEY_P256, &in->ca.key);

	if (!err)
		err = cert_issue(in->ca.key, NULL, &spec, in->ca.key, &in->ca.cert[0]);
	if (err)
		return local_refuse("cannot make a CA: %s", strerror(-err));
	in->ca.certs = 1;
	in->ca.domain = in->domain;
	snprintf(path, sizeof path, "%.*s/ca.key", PATH_MAX - 64, in->ca_dir);
	err = key_save(in->ca.key, path);
	if (err)
		return local_refuse("cannot write %s: %s", path, strerror(-err));
	snprintf(path, sizeof path, "%.*s/ca.pem", PATH_MAX - 64, in->ca_dir);
	err = cert_save(in->ca.cert, 1, path);
	return err ? local_refuse("cannot write %s: %s", path, strerror(-err))
		   : LOCAL_DONE;
}

static int
make_controller(struct init *in)
{
	const struct ca_leaf leaf = { .ca = &in->ca,
		.role = TRUST_CONTROLLER,
		.dir = in->own_dir,
		.key_file = "controller.key",
		.name = "controller",
		.days = CA_CONTROLLER_DAYS };

	return ca_leaf_make(&leaf, &in->controller);
}

/* What a failure has left: only of files that this call made. */
static void
undo(const struct init *in)
{
	static const char *const made[] = { "ca.key", "ca.pem" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		snprintf(
		    path, sizeof path, "%.*s/%s", PATH_MAX - 64, in->ca_dir, made[i]);
		unlink(path);
	}
}

static int
tell(const struct init *in, struct printer *p)
{
	char id[FOG_ID_TEXT], pin[27], until[CLOCK_TEXT_MAX];
	struct buf item;
	int err;

	buf_init(&item, 4 * PATH_MAX);
	wr_map(&item, 7);
	wr_key_text(&item, "domain", in->domain);
	wr_key_text(&item, "controller", fog_id_format(&in->controller.id, id));
	wr_key_text(&item, "ca_pin",
	    token_pin_format(cert_facts(in->ca.cert[0])->key_fingerprint, pin));
	wr_key_text(&item, "ca_until",
	    clock_format(cert_facts(in->ca.cert[0])->not_after_ms, until));
	wr_key_text(&item, "ca_dir", in->ca_dir);
	wr_key_text(&item, "state_dir", in->state_dir);
	wr_key_text(&item, "next",
	    "start fogwatch-controller, then make a token for each node: fogctl token"
	    " create. Keep a copy of ca_dir where no other machine reaches it");
	err = item.err ? item.err : p->output->item(p, buf_slice(&item));
	buf_done(&item);
	p->items++;
	return err ? LOCAL_REFUSED : LOCAL_DONE;
}

int
domain_init_run(struct slice args, struct printer *p)
{
	static struct init in;
	int status = read_args(&in, args);

	if (!status)
		status = refuse_what_is_there(&in);
	if (!status)
		status = make_directories(&in);
	if (!status) {
		status = make_ca(&in);
		if (!status)
			status = make_controller(&in);
		if (status)
			undo(&in);
	}
	if (!status)
		status = tell(&in, p);
	ca_done(&in.ca);
	return status;
}

/* --- renewal --------------------------------------------------------------------------------------- */
static int
tell_renewed(const struct init *in, int64_t days, struct printer *p)
{
	char id[FOG_ID_TEXT], until[CLOCK_TEXT_MAX];
	int64_t end = cert_facts(in->ca.cert[0])->not_after_ms;
	struct buf item;
	int err;

	if (ca_now_ms() + days * DAY_MS < end)
		end = ca_now_ms() + days * DAY_MS;
	buf_init(&item, PATH_MAX);
	wr_map(&item, 4);
	wr_key_text(&item, "domain", in->ca.domain);
	wr_key_text(&item, "controller", fog_id_format(&in->controller.id, id));
	wr_key_text(&item, "until", clock_format(end, until));
	wr_key_text(&item, "next", "reload fogwatch-controller");
	err = item.err ? item.err : p->output->item(p, buf_slice(&item));
	buf_done(&item);
	p->items++;
	return err ? LOCAL_REFUSED : LOCAL_DONE;
}

static int
renew(struct init *in, int64_t days)
{
	const struct ca_leaf leaf = { .ca = &in->ca,
		.role = TRUST_CONTROLLER,
		.dir = in->own_dir,
		.key_file = "controller.key",
		.name = "controller",
		.days = days };
	int status = ca_owner_find("", in->own_dir, &in->owner);

	if (!status)
		status = ca_owner_become(&in->owner);
	return status ? status : ca_leaf_renew(&leaf, &in->controller);
}

int
domain_renew_run(struct slice args, struct printer *p)
{
	static struct init in;
	int64_t days = CA_CONTROLLER_DAYS;
	int status = read_directories(&in, args);

	(void)ctl_arg_int(args, "days", &days);
	if (!status && (days < 1 || days > CA_DAYS))
		status = local_usage("--days is 1 to %d", CA_DAYS);
	if (!status)
		status = ca_load(in.ca_dir, &in.ca);
	if (!status)
		status = renew(&in, days);
	if (!status)
		status = tell_renewed(&in, days, p);
	ca_done(&in.ca);
	return status;
}
