/* SPDX-License-Identifier: Apache-2.0
 *
 * What one proves oneself with in one domain: a key, the certificate for it, and whom the domain
 * trusts. Kept in a directory: certificate.pem (one's own; during a rotation the controller has one
 * of each CA), trust.pem (the CAs, newest first), trust.version, denied. The key is elsewhere: a node
 * has one for all of its domains. Files are replaced as wholes. */
#pragma once
#include "trust/anchors.h"

struct credential;

enum credential_state {
	CREDENTIAL_NONE,   /* no certificate: may join */
	CREDENTIAL_LAPSED, /* expired, but not for long: may renew */
	CREDENTIAL_VALID,
};

/* Reads what there is in dir, which is made if needed (0700); NULL: nothing is kept. key and time are
 * borrowed. -EBADMSG: a file is damaged; -EKEYREJECTED: the certificate is for another key, or of a
 * domain or role that is not this one; -EPERM: others may write to dir. Which file it was is logged,
 * and nothing is written. */
int credential_new(const char *dir, const char *domain, enum trust_role role,
    const struct key *key, const struct trust_time *time, struct credential **ret) MUST_CHECK;
void credential_free(struct credential *c);
DEFINE_FREEP(struct credential, credential_free)

/* A new certificate, and the CAs of the domain if cas > 0 (trust version 0: as it is). It is written
 * before it is used. -EKEYREJECTED: not for our key and id, not of this domain and role, or not
 * issued by one of the CAs; nothing has changed then. */
int credential_install(struct credential *c, struct slice certificate,
    const struct slice ca[], size_t cas, uint64_t trust_version, const char **why) MUST_CHECK;
/* News of the domain: CAs (cas 0: none), then denials in order; written down. As anchors_set() and
 * anchors_deny(), which skip what is known. */
int credential_update(struct credential *c, uint64_t trust_version, const struct slice ca[],
    size_t cas, const struct denial denied[], size_t denials) MUST_CHECK;
/* Reads the files again, which somebody else has changed. Errors as of credential_new(); nothing has
 * changed then. */
int credential_reload(struct credential *c) MUST_CHECK;
/* Leaves the domain: the files go, and the certificate with them. */
void credential_forget(struct credential *c);

enum credential_state credential_state(const struct credential *c);
const struct key *credential_key(const struct credential *c);
struct anchors *credential_anchors(struct credential *c);
const struct trust_name *credential_name(const struct credential *c); /* id always; domain if known */
int64_t credential_now(const struct credential *c); /* fog_time */
/* The certificate for a peer that trusts this CA (first 8 bytes of its key's fingerprint, as hex in
 * the server name), else the newest. NULL: none. */
struct cert *credential_cert(const struct credential *c, const char *hint);
/* The certificate for those of whom nothing is known: of the oldest CA that is trusted. After a rotation
 * who was away knows that one alone, and everybody else both. NULL: none. */
struct cert *credential_common(const struct credential *c);
/* That hint, for the newest CA that we trust, or for the pin; "": there is neither. dst of 17 bytes. */
char *credential_hint(const struct credential *c, char dst[17]);
/* When to renew: half of its life, more or less a tenth of it by the id's bytes; INT64_MAX: nothing
 * to renew. */
int64_t credential_renew_ms(const struct credential *c);
/* Grows with each change of any of this, so that others know when to look again. */
unsigned credential_generation(const struct credential *c);
