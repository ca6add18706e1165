/* SPDX-License-Identifier: Apache-2.0
 *
 * Two directories change together, and a power cut may come at any time. First the new CA is written
 * beside the old one (ca.key.new, ca.pem.new); then the controller gets its certificate of it and
 * trusts both; then the new files take the place of the old ones. Whoever finds files of that name
 * sees from what the controller trusts whether to go on or to begin anew. */
#include "base/clock.h"
#include "ctl/ca_rotate_int.h"
#include "ctl/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DAY_MS	(24 * 3600 * 1000LL)
#define HOUR_MS (3600 * 1000LL)

struct path {
	char text[PATH_MAX];
};

static struct path
in(const char *dir, const char *file)
{
	struct path p;

	snprintf(p.text, sizeof p.text, "%.*s/%s", PATH_MAX - 64, dir, file);
	return p;
}

/* --- opening -------------------------------------------------------------------------------------- */
static int
lock(struct rotation *r)
{
	r->lock = open(r->ca_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->lock < 0)
		return local_refuse(
		    "cannot read %s: %s; \"fogctl domain init NAME\" makes a"
		    " CA, --ca-dir says where it is",
		    r->ca_dir, strerror(errno));
	if (flock(r->lock, LOCK_EX | LOCK_NB))
		return local_refuse("%s is being changed by somebody else", r->ca_dir);
	return LOCAL_DONE;
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static int64_t
boot(void *arg)
{
	(void)arg;
	return clock_boot_ms();
}

static int
load_controller(struct rotation *r)
{
	const struct path key = in(r->own_dir, "controller.key");
	int err = key_load(key.text, &r->key);

	if (err)
		return local_refuse("cannot read %s: %s; --state-dir says where the"
				    " controller's state is",
		    key.text, strerror(-err));
	err = trust_time_new(NULL, wall, boot, NULL, &r->time);
	if (!err)
		err = credential_new(
		    r->own_dir, "", TRUST_CONTROLLER, r->key, r->time, &r->self);
	return err
	    ? local_refuse("cannot read the files in %s: %s", r->own_dir, strerror(-err))
	    : LOCAL_DONE;
}

static int
sync_directory(const struct rotation *r)
{
	return fsync(r->lock)
	    ? local_refuse("cannot write %s: %s", r->ca_dir, strerror(errno))
	    : LOCAL_DONE;
}

static int
move(const struct rotation *r, const char *from, const char *to)
{
	const struct path a = in(r->ca_dir, from), b = in(r->ca_dir, to);

	if (rename(a.text, b.text) && errno != ENOENT)
		return local_refuse("cannot write %s: %s", b.text, strerror(errno));
	return sync_directory(r);
}

static int
take_place(const struct rotation *r)
{
	int status = move(r, "ca.key.new", "ca.key");

	return status ? status : move(r, "ca.pem.new", "ca.pem");
}

static void
drop_new(const struct rotation *r)
{
	unlink(in(r->ca_dir, "ca.key.new").text);
	unlink(in(r->ca_dir, "ca.pem.new").text);
}

/* Does the controller trust the CA in ca.pem.new already? Then it has come that far. */
static bool
was_interrupted(const struct rotation *r)
{
	struct cert *fresh[CA_CERTS_MAX], *ca[TRUST_ANCHORS_MAX];
	int n = cert_load(in(r->ca_dir, "ca.pem.new").text, CA_CERTS_MAX, fresh);
	bool trusted = n > 0 && anchors_get(credential_anchors(r->self), ca) &&
	    slice_equal(cert_der(fresh[0]), cert_der(ca[0]));

	for (int i = 0; i < n; i++)
		cert_unref(fresh[i]);
	return trusted;
}

int
rotation_open(struct rotation *r)
{
	struct ca_owner owner;
	int status = ca_owner_find("", r->own_dir, &owner);

	if (!status)
		status = ca_owner_become(&owner);
	if (!status)
		status = lock(r);
	if (!status)
		status = load_controller(r);
	if (!status && was_interrupted(r))
		status = take_place(r);
	if (status)
		return status;
	drop_new(r);
	status = ca_load(r->ca_dir, &r->old);
	if (!status && strcmp(r->old.domain, credential_name(r->self)->domain) != 0)
		status =
		    local_refuse("the CA in %s is of the domain %s, the controller in %s"
				 " of %s",
			r->ca_dir, r->old.domain, r->own_dir,
			credential_name(r->self)->domain);
	return status;
}

void
rotation_close(struct rotation *r)
{
	ca_done(&r->fresh);
	ca_done(&r->old);
	credential_free(r->self);
	trust_time_free(r->time);
	key_free(r->key);
	if (r->lock >= 0)
		close(r->lock);
}

/* --- the new CA -------------------------------------------------------------------------------------- */
/* Those that the controller still trusts stay, the newest first, as far as there is room. */
static void
keep_trusted(struct rotation *r)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t len = anchors_get(credential_anchors(r->self), ca);

	for (size_t i = 0; i < len && r->fresh.certs < CA_CERTS_MAX; i++)
		r->fresh.cert[r->fresh.certs++] = cert_ref(ca[i]);
}

int
rotation_make(struct rotation *r)
{
	int64_t now = ca_now_ms();
	const struct cert_spec spec = { .cn = r->old.domain,
		.not_before_ms = now - HOUR_MS,
		.not_after_ms = now + CA_DAYS * DAY_MS };
	struct ca *ca = &r->fresh;
	int err = key_new(KEY_P256, &ca->key);

	if (!err)
		err = cert_issue(ca->key, NULL, &spec, ca->key, &ca->cert[0]);
	if (err)
		return local_refuse("cannot make a CA: %s", strerror(-err));
	ca->certs = 1;
	ca->domain = cert_facts(ca->cert[0])->cn;
	keep_trusted(r);
	return LOCAL_DONE;
}

static int
write_new(const struct rotation *r)
{
	const struct path key = in(r->ca_dir, "ca.key.new");
	const struct path pem = in(r->ca_dir, "ca.pem.new");
	int err = key_save(r->fresh.key, key.text);

	if (err)
		return local_refuse("cannot write %s: %s", key.text, strerror(-err));
	err = cert_save(r->fresh.cert, r->fresh.certs, pem.text);
	return err ? local_refuse("cannot write %s: %s", pem.text, strerror(-err))
		   : LOCAL_DONE;
}

static int
certify_controller(struct rotation *r)
{
	const struct ca_leaf leaf = { .ca = &r->fresh,
		.role = TRUST_CONTROLLER,
		.dir = r->own_dir,
		.key_file = "controller.key",
		.name = "controller",
		.days = CA_CONTROLLER_DAYS,
		.trust_version = anchors_version(credential_anchors(r->self)) + 1 };
	struct trust_name who;

	return ca_leaf_renew(&leaf, &who);
}

int
rotation_write(struct rotation *r)
{
	int status = write_new(r);

	if (!status)
		status = certify_controller(r);
	if (status)
		drop_new(r);
	return status ? status : take_place(r);
}

int
rotation_drop(struct rotation *r)
{
	const struct slice newest = cert_der(r->fresh.cert[0]);
	const struct path pem = in(r->ca_dir, "ca.pem");
	int err = credential_reload(r->self);

	if (!err)
		err = credential_update(r->self,
		    anchors_version(credential_anchors(r->self)) + 1, &newest, 1, NULL,
		    0);
	if (err)
		return local_refuse(
		    "the old CA is still trusted: cannot write into %s: %s", r->own_dir,
		    strerror(-err));
	err = cert_save(r->fresh.cert, 1, pem.text);
	return err ? local_refuse("cannot write %s: %s", pem.text, strerror(-err))
		   : LOCAL_DONE;
}
