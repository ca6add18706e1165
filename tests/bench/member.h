/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of a domain for benchmarks, with real keys and certificates and nothing on disk. What fails
 * ends the program. */
#pragma once
#include "trust/credential.h"

struct bench_domain {
	char name[FOG_NAME_MAX + 1];
	struct key *ca_key;
	struct cert *ca;
	struct trust_time *time;
};
void bench_domain_init(struct bench_domain *d, const char *name);
/* A domain that there is: dir has ca.key and ca.pem. */
void bench_domain_load(struct bench_domain *d, const char *name, const char *dir);

struct bench_member {
	struct key *key;
	struct credential *self;
};
void bench_member_init(struct bench_member *m, const struct bench_domain *d, enum trust_role role);
