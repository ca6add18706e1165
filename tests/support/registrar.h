/* SPDX-License-Identifier: Apache-2.0
 *
 * A controller of a domain with a CA, as far as joining, registering and trusting goes: a real engine
 * on a real channel and guard in a fake world. It has fe80::c<n> and 2001:db8::c<n> on link 1. */
#pragma once
#include "agent/protection.h"
#include "protocol/domain.h"
#include "trust/token.h"
#include "protocol/join.h"
#include "protocol/notice.h"
#include "protocol/registration.h"
#include "tests/support/io_fake.h"
#include "tests/support/pki.h"

enum registrar_mood {
	REGISTRAR_GRANTS,
	REGISTRAR_PUTS_OFF,
	REGISTRAR_DECLINES,
	REGISTRAR_IS_MUTE
};

struct registrar {
	struct fake_net *net;
	struct fake_host *host;
	struct pki_ca ca, next; /* next: the CA of a rotation, or nothing */
	struct key *key;
	struct trust_time *time;
	struct credential *self;
	struct grasp_io *channel;
	struct guard *guard;
	struct grasp_node *node;
	struct permit_env permit;
	struct fog_domain domain;
	enum trust_role is; /* in truth */

	enum registrar_mood mood;
	const char *reason;   /* of declines */
	int64_t life_ms;      /* of certificates */
	bool of_other_domain; /* grants what is of no use */

	unsigned asked, granted, refused, searches, registrations, renewals, connections;
	bool had_token;
	struct token token;	/* id and secret of the last request */
	uint8_t command[2][16]; /* of the last request and the one before */
	unsigned role;		/* of who asked last */
	struct grasp_session *waiting;
	struct grasp_link *link; /* of the last registration */
	struct fog_registration last;
	bool told; /* the last notice was answered */
	enum grasp_outcome outcome;
	char answer[200];
};

/* number: 1 to 9. */
struct registrar *
registrar_new(struct fake_net *net, const char *domain, unsigned number);
/* An agent of its domain that plays the controller (S-04). */
struct registrar *registrar_new_impostor(const struct registrar *real, unsigned number);
void registrar_free(struct registrar *r);
void registrar_stop(struct registrar *r); /* killed; its streams vanish */

struct token registrar_token(const struct registrar *r); /* without an address */
void registrar_flood_join(struct registrar *r);
void registrar_flood_domain(struct registrar *r);
void registrar_approve(struct registrar *r); /* who waits */
/* FOGTRUST to who registered last. */
void registrar_tell(struct registrar *r, const struct fog_notice *n,
    const struct fog_denial denied[], size_t len);
/* A second CA is there: certificates are of it from now on, and members are told. */
void registrar_rotate(struct registrar *r);
