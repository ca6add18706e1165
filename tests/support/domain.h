/* SPDX-License-Identifier: Apache-2.0
 *
 * A domain for tests: a CA, a clock that stands still until it is moved, and members with real keys
 * and certificates. What fails here ends the test program. */
#pragma once
#include "tests/support/pki.h"
#include "trust/credential.h"

struct domain {
	char name[FOG_NAME_MAX + 1];
	struct pki_ca ca;
	struct trust_time *time;
	int64_t now_ms; /* of both clocks; PKI_NOW at first */
};
void domain_init(struct domain *d, const char *name);
void domain_done(struct domain *d);
void domain_rotate(struct domain *d); /* another CA */
/* A leaf, from the day before until then. */
struct cert *domain_issue(
    const struct domain *d, enum trust_role role, const struct key *k, int64_t until_ms);

struct member {
	struct key *key;
	struct credential *self;
};
/* A member for a week, with nothing on disk. */
void member_init(struct member *m, struct domain *d, enum trust_role role);
/* One that has a key and no more. */
void member_init_stranger(struct member *m, struct domain *d);
void member_install(struct member *m, const struct domain *d, const struct cert *leaf);
void member_deny(struct member *m, const struct fog_id *id); /* from now on */
void member_done(struct member *m);
