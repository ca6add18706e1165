/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGREG, agent to controller: M_REQ_NEG(registration) → M_NEGOTIATE(lease) → M_END accept, or
 * M_END decline "code: text". Renewal is the same with renew set and without capabilities, unless
 * they changed. */
#pragma once
#include "protocol/caps.h"
#include "protocol/plan.h"

struct fog_registration {
	struct fog_id node;
	char name[FOG_NAME_MAX + 1]; /* for people: the host name */
	char domain[FOG_NAME_MAX + 1];
	uint8_t boot[8]; /* random per start of the agent */
	bool renew;
	uint64_t plan_version; /* the plan it runs; 0: none */
	uint8_t plan_digest[PLAN_DIGEST_LEN]; /* of it as it came; all zeros: not told */
	uint64_t trust_version, denials; /* what it knows of its domain; 0: nothing */
	struct slice caps; /* encoded struct caps, kept raw (REG-06); empty: unchanged */
	int64_t boot_ms;   /* sender's monotonic clock now */
};

#define FOG_LEASE_MIN_MS 1000
#define FOG_LEASE_MAX_MS 86400000
#define FOG_BEAT_MIN_MS	 100

struct fog_lease {
	struct fog_id controller;
	uint64_t epoch;
	uint32_t lease_ms; /* FOG_LEASE_MIN_MS … FOG_LEASE_MAX_MS */
	uint32_t beat_ms; /* heartbeat of the link: FOG_BEAT_MIN_MS … FOG_LEASE_MAX_MS */
	int64_t time_ms;  /* controller's wall clock */
};
void fog_registration_encode(const struct fog_registration *r, struct buf *out);
/* caps borrows from value. -EBADMSG; *ret is not to be used then. */
int fog_registration_decode(struct slice value, struct fog_registration *ret) MUST_CHECK;
void fog_lease_encode(const struct fog_lease *l, struct buf *out);
/* -EBADMSG, as above. */
int fog_lease_decode(struct slice value, struct fog_lease *ret) MUST_CHECK;
