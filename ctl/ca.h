/* SPDX-License-Identifier: Apache-2.0
 *
 * The CA of a domain as a directory (ca.key, ca.pem: newest certificate first, whose common name is the
 * domain), and whose the files are that fogctl writes on behalf of a daemon. For the commands fogctl
 * domain … and fogctl ca …, which ask no daemon. Functions that return int give an exit code, and have
 * complained then. */
#pragma once
#include "base/crypto_cert.h"
#include "ctl/output.h"
#include "trust/who.h"

#include <limits.h>
#include <sys/types.h>

#define CA_CERTS_MAX	   3
#define CA_DIR		   LOCALSTATEDIR "/lib/fogwatch-ca"
#define CA_STATE_DIR	   LOCALSTATEDIR "/lib/fogwatch-controller"
#define CA_USER		   "fogwatch-controller"
#define CA_DAYS		   3650
#define CA_CONTROLLER_DAYS 90

struct ca {
	struct key *key;
	struct cert *cert[CA_CERTS_MAX]; /* newest first */
	size_t certs;
	const char *domain; /* of cert[0] */
};
int ca_load(const char *dir, struct ca *ret) MUST_CHECK;
void ca_done(struct ca *ca);

int domain_init_run(struct slice args, struct printer *p);
int domain_renew_run(struct slice args, struct printer *p);
int ca_issue_run(struct slice args, struct printer *p);
int ca_rotate_run(struct slice args, struct printer *p);

/* An argument that is a path, or its preset. */
int ca_path(struct slice args, const char *key, const char *preset, char dst[PATH_MAX])
    MUST_CHECK;
int64_t ca_now_ms(void); /* the wall clock, not before this program was made */

/* New files belong to this user from here on: name, or else the owner of dir if that is there, or else
 * the user of the package if that is installed. */
struct ca_owner {
	uid_t uid;
	gid_t gid;
};
int ca_owner_find(const char *name, const char *dir, struct ca_owner *ret) MUST_CHECK;
int ca_owner_become(const struct ca_owner *o) MUST_CHECK;
/* A directory of mode 0700 that is the owner's; those above it are made as root. */
int ca_owner_mkdir(const struct ca_owner *o, const char *path) MUST_CHECK;

/* A key and a certificate for it in the files of a credential (trust/credential.h) below dir. days: life.
 * name: common name. *ret says who it is. */
struct ca_leaf {
	const struct ca *ca;
	enum trust_role role;
	const char *dir, *key_file, *name;
	int64_t days;
	uint64_t trust_version; /* of the CA's certificates; 0: what is trusted there stays as it is */
};
int ca_leaf_make(const struct ca_leaf *l, struct trust_name *ret) MUST_CHECK;
/* For the key that is there. */
int ca_leaf_renew(const struct ca_leaf *l, struct trust_name *ret) MUST_CHECK;
