/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of a domain on paper, each with a guard, on a fake world's time: fog_time begins at PKI_NOW. */
#pragma once
#include "tests/support/io_fake.h"
#include "tests/support/pki.h"
#include "trust/guard.h"

#define GUARDED_DOMAIN "operator1"

struct guarded_domain {
	struct fake_net *net;
	struct fake_host *host; /* whose io the guards have */
	struct pki_ca ca;
	struct trust_time *time;
	int64_t skew_ms; /* of the wall clock */
};
void guarded_init(struct guarded_domain *d, struct fake_net *net);
void guarded_done(struct guarded_domain *d);

struct guarded {
	struct guarded_domain *domain;
	struct key *key;
	struct credential *self;
	struct guard *guard;
	struct grasp_guard hook;
};
/* Of this role; CONTROLLER and AGENT have a certificate for 7 days, TRUST_STRANGER has none. like: what
 * else the guard shall have; NULL: signed, nothing kept, a clock that is right. */
void guarded_member(struct guarded *m, struct guarded_domain *d, enum trust_role role,
    const struct guard_config *like);
void guarded_certify(struct guarded *m, enum trust_role role, int days);
void guarded_leave(struct guarded *m);
/* A new guard for the same member. */
void guarded_restart(struct guarded *m, const struct guard_config *like);

bool guarded_clock_right(void);
bool guarded_clock_wrong(void);
