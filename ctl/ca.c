/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ca.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "ctl/local.h"
#include "trust/credential.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS	(24 * 3600 * 1000LL)
#define HOUR_MS (3600 * 1000LL)

int
ca_path(struct slice args, const char *key, const char *preset, char dst[PATH_MAX])
{
	if (!ctl_arg_text(args, key, dst, PATH_MAX))
		snprintf(dst, PATH_MAX, "%s", preset ? preset : "");
	/* room for the names of files in it */
	if (!*dst || strlen(dst) > PATH_MAX - 64)
		return local_usage("--%s needs the name of a directory", key);
	return LOCAL_DONE;
}

int64_t
ca_now_ms(void)
{
	int64_t now = clock_wall_ms();

	return now > TRUST_TIME_BUILT ? now : TRUST_TIME_BUILT;
}

/* --- the CA ---------------------------------------------------------------------------------------- */
static int
check_ca(const char *dir, struct ca *ca)
{
	const struct cert_facts *facts = cert_facts(ca->cert[0]);
	uint8_t fingerprint[32];

	key_fingerprint(ca->key, fingerprint);
	if (!facts->ca || !trust_is_domain(facts->cn))
		return local_refuse(
		    "%s/ca.pem does not begin with the CA of a domain", dir);
	if (memcmp(fingerprint, facts->key_fingerprint, sizeof fingerprint) != 0)
		return local_refuse(
		    "%s: ca.key is not the key of the first certificate of"
		    " ca.pem",
		    dir);
	ca->domain = facts->cn;
	return LOCAL_DONE;
}

int
ca_load(const char *dir, struct ca *ret)
{
	char path[PATH_MAX];
	int n;

	*ret = (struct ca){ 0 };
	snprintf(path, sizeof path, "%.*s/ca.key", PATH_MAX - 64, dir);
	n = key_load(path, &ret->key);
	if (n == -ENOENT)
		return local_refuse(
		    "there is no CA in %s; \"fogctl domain init NAME\" makes"
		    " one, --ca-dir says where it is",
		    dir);
	if (n)
		return local_refuse("cannot read %s: %s", path, strerror(-n));
	snprintf(path, sizeof path, "%.*s/ca.pem", PATH_MAX - 64, dir);
	n = cert_load(path, CA_CERTS_MAX, ret->cert);
	if (n <= 0)
		return local_refuse(
		    "cannot read %s: %s", path, n ? strerror(-n) : "it is empty");
	ret->certs = (size_t)n;
	return check_ca(dir, ret);
}

void
ca_done(struct ca *ca)
{
	key_free(ca->key);
	for (size_t i = 0; i < ca->certs; i++)
		cert_unref(ca->cert[i]);
	*ca = (struct ca){ 0 };
}

/* --- whose files they are --------------------------------------------------------------------------- */
int
ca_owner_find(const char *name, const char *dir, struct ca_owner *ret)
{
	const struct passwd *pw = name && *name ? getpwnam(name) : NULL;
	struct stat st;

	*ret = (struct ca_owner){ geteuid(), getegid() };
	if (name && *name && !pw)
		return local_refuse("there is no user %s", name);
	if (!pw && stat(dir, &st) == 0) {
		*ret = (struct ca_owner){ st.st_uid, st.st_gid };
	} else {
		if (!pw && geteuid() == 0)
			pw = getpwnam(CA_USER);
		if (pw)
			*ret = (struct ca_owner){ pw->pw_uid, pw->pw_gid };
	}
	if (geteuid() != 0 && ret->uid != geteuid())
		return local_refuse(
		    "the files have to belong to user %ld: run this as root"
		    " or as that user",
		    (long)ret->uid);
	return LOCAL_DONE;
}

int
ca_owner_become(const struct ca_owner *o)
{
	if (geteuid() == o->uid)
		return LOCAL_DONE;
	if (setgroups(0, NULL) || setegid(o->gid) || seteuid(o->uid))
		return local_refuse(
		    "cannot become user %ld: %s", (long)o->uid, strerror(errno));
	return LOCAL_DONE;
}

static int
make_parents(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof part, "%s", path);
	for (char *slash = part; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		/* whatever root's umask is: its owner has to get there */
		int err = mkdir(part, 0755) || chmod(part, 0755) ? errno : 0;

		if (err && err != EEXIST)
			return local_refuse("cannot make %s: %s", part, strerror(err));
		*slash = '/';
	}
	return LOCAL_DONE;
}

int
ca_owner_mkdir(const struct ca_owner *o, const char *path)
{
	struct stat st;
	int status = make_parents(path);

	if (status)
		return status;
	if (mkdir(path, 0700) == 0) {
		if (geteuid() == 0 && chown(path, o->uid, o->gid))
			return local_refuse("cannot give %s to user %ld: %s", path,
			    (long)o->uid, strerror(errno));
		return LOCAL_DONE;
	}
	if (errno != EEXIST)
		return local_refuse("cannot make %s: %s", path, strerror(errno));
	if (stat(path, &st) || st.st_uid != o->uid || (st.st_mode & 0022))
		return local_refuse(
		    "%s has to belong to user %ld and be writable for nobody"
		    " else",
		    path, (long)o->uid);
	return LOCAL_DONE;
}

/* --- certificates ----------------------------------------------------------------------------------- */
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
install(const struct ca_leaf *l, const struct key *key, const struct cert *leaf)
{
	CLEANUP(trust_time_free) struct trust_time *time = NULL;
	CLEANUP(credential_free) struct credential *c = NULL;
	struct slice cas[CA_CERTS_MAX];
	const char *why = NULL;
	int err = trust_time_new(NULL, wall, boot, NULL, &time);

	for (size_t i = 0; i < l->ca->certs; i++)
		cas[i] = cert_der(l->ca->cert[i]);
	if (!err)
		err = credential_new(l->dir, l->ca->domain, l->role, key, time, &c);
	if (!err)
		err = credential_install(c, cert_der(leaf), cas,
		    l->trust_version || !anchors_version(credential_anchors(c))
			? l->ca->certs
			: 0,
		    l->trust_version ? l->trust_version : 1, &why);
	if (err)
		return local_refuse("cannot write the certificate into %s: %s", l->dir,
		    why ? why : strerror(-err));
	return LOCAL_DONE;
}

static int
issue(const struct ca_leaf *l, const struct key *key, const struct trust_name *name,
    struct cert **ret)
{
	int64_t now = ca_now_ms(), end = cert_facts(l->ca->cert[0])->not_after_ms;
	char uri[TRUST_URI_MAX];
	const struct cert_spec spec = { .cn = l->name,
		.uri = trust_uri_format(name, uri),
		.not_before_ms = now - HOUR_MS,
		.not_after_ms =
		    now + l->days * DAY_MS < end ? now + l->days * DAY_MS : end };
	int err;

	if (end <= now)
		return local_refuse("the CA's time is over: fogctl ca rotate");
	err = cert_issue(l->ca->key, l->ca->cert[0], &spec, key, ret);
	return err ? local_refuse("cannot make a certificate: %s", strerror(-err))
		   : LOCAL_DONE;
}

static void
name_subject(const struct ca_leaf *l, const struct key *key, struct trust_name *ret)
{
	uint8_t fingerprint[32];

	key_fingerprint(key, fingerprint);
	*ret = (struct trust_name){ .role = l->role };
	memcpy(ret->id.bytes, fingerprint, sizeof ret->id.bytes);
	snprintf(ret->domain, sizeof ret->domain, "%s", l->ca->domain);
}

static void
key_path(const struct ca_leaf *l, char dst[PATH_MAX])
{
	snprintf(dst, PATH_MAX, "%.*s/%s", PATH_MAX - 64, l->dir, l->key_file);
}

int
ca_leaf_renew(const struct ca_leaf *l, struct trust_name *ret)
{
	CLEANUP(key_free) struct key *key = NULL;
	CLEANUP(cert_unref) struct cert *leaf = NULL;
	char path[PATH_MAX];
	int err, status;

	key_path(l, path);
	err = key_load(path, &key);
	if (err)
		return local_refuse("cannot read %s: %s", path, strerror(-err));
	name_subject(l, key, ret);
	status = issue(l, key, ret, &leaf);
	return status ? status : install(l, key, leaf);
}

int
ca_leaf_make(const struct ca_leaf *l, struct trust_name *ret)
{
	CLEANUP(key_free) struct key *key = NULL;
	char path[PATH_MAX];
	int err = key_new(KEY_P256, &key), status;

	key_path(l, path);
	if (!err)
		err = key_save(key, path);
	if (err)
		return local_refuse("cannot make %s: %s", path, strerror(-err));
	status = ca_leaf_renew(l, ret);
	if (status)
		unlink(path);
	return status;
}
