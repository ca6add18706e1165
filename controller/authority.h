/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's say in its domain: its credential, the signer, and whom it trusts no more. What
 * changes here is told to everybody by notices.c. */
#pragma once
#include "base/slice.h"
#include "controller/signer.h"
#include "trust/credential.h"

struct authority;
struct audit;
struct events;
struct store;

/* After a rotation the CAs before are trusted so long: no certificate of a node lives longer. */
#define AUTHORITY_RETIRE_MS  (SIGNER_DAYS_MAX * 24 * 3600 * 1000LL)
#define AUTHORITY_WARNING_MS (21 * 24 * 3600 * 1000LL) /* before the end of our certificate */

struct authority_config {
	struct credential *self;
	struct trust_time *time;
	struct signer *signer; /* NULL: this controller cannot admit anybody */
	struct store *store;
	struct events *events;
	struct audit *audit;
	/* CAs or denials have changed: recheck channels, tell members. May be NULL. */
	void (*changed)(void *arg);
	void *arg;
};
/* Brings the denials of the store into the credential. */
int authority_new(const struct authority_config *cfg, struct authority **ret) MUST_CHECK;
void authority_free(struct authority *a);
DEFINE_FREEP(struct authority, authority_free)

struct credential *authority_credential(struct authority *a);
struct trust_time *authority_time(struct authority *a);
struct signer *authority_signer(struct authority *a);
/* In force at once, stored with its number; changed() was called then. who: as in the audit; reason ""
 * if there is none. -EALREADY; -EINVAL: that is this controller; -ENOSPC: there are
 * TRUST_DENIED_MAX. */
int authority_deny(struct authority *a, const struct fog_id *id, const char *reason,
    const char *who) MUST_CHECK;
/* Is the certificate that this member got last of the newest CA? */
bool authority_is_newest(struct authority *a, const struct fog_id *id);
/* When all CAs but the newest are trusted no more; INT64_MAX: there is one alone. */
int64_t authority_retire_ms(const struct authority *a);
/* Once an hour: does that, and warns while the controller's own certificate is near its end. */
void authority_look(struct authority *a);
/* The files of the domain were changed by `fogctl ca rotate`: read them again. */
int authority_reload(struct authority *a) MUST_CHECK;
