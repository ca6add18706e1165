/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a domain trusts: its CA certificates, at most three during a rotation, and those that it trusts
 * no more. Versions grow; what is older than what is known is never taken over (S-08). */
#pragma once
#include "base/crypto_cert.h"
#include "grasp/io.h"
#include "trust/time.h"
#include "trust/who.h"

#define TRUST_ANCHORS_MAX 3
#define TRUST_DENIED_MAX  10000
#define TRUST_PIN_LEN	  16

struct anchors;

struct denial {
	uint64_t version; /* the n-th denial of the domain; from 1 on, without gaps */
	struct fog_id id;
	uint8_t serial[16]; /* of the certificate; zeros: all of the id */
};

/* domain "": learnt with the first certificate. */
int anchors_new(const char *domain, struct anchors **ret) MUST_CHECK;
void anchors_free(struct anchors *a);
DEFINE_FREEP(struct anchors, anchors_free)
void anchors_forget(struct anchors *a); /* CAs and denials; domain and pin stay */
/* The CAs of from, and its denials if they are more; from has none then. */
void anchors_adopt(struct anchors *a, struct anchors *from);
const char *anchors_domain(const struct anchors *a);
int anchors_set_domain(struct anchors *a, const char *domain) MUST_CHECK; /* -EINVAL */

/* Newest first; they are referenced. -ESTALE: version is older than ours; -EKEYREJECTED: one is no
 * CA; -E2BIG. */
int anchors_set(struct anchors *a, uint64_t version, struct cert *const certs[],
    size_t len) MUST_CHECK;
size_t
anchors_get(const struct anchors *a, struct cert *ret[TRUST_ANCHORS_MAX]); /* borrowed */
uint64_t anchors_version(const struct anchors *a);

/* -ESTALE: known already; -ENODATA: one before it is missing; -ENOSPC: too many. */
int anchors_deny(struct anchors *a, const struct denial *d) MUST_CHECK;
uint64_t anchors_denials(const struct anchors *a); /* the version: how many */
const struct denial *
anchors_denial(const struct anchors *a, uint64_t n); /* the n-th; NULL: none */
bool
anchors_denies(const struct anchors *a, const struct fog_id *id, struct slice serial);

/* SHA-256 of a CA's key that may be trusted before any certificate is known (a token's pin). */
void anchors_pin(struct anchors *a, const uint8_t pin[TRUST_PIN_LEN]);
bool anchors_have_pin(const struct anchors *a);
/* Without a pin, the CA that is shown first will do: insecure.tofu, and nothing else. */
void anchors_trust_first(struct anchors *a);
/* Begins with 8 bytes of the fingerprint of the newest CA, or of the pin; NULL: there is neither. */
const uint8_t *anchors_hint(const struct anchors *a);

/* Judges what a peer shows on a connection. roles: TRUST_BIT() of those wanted. On 0 *ret says who
 * it is: a member in one of the roles.
 * -EKEYREJECTED: not of this domain, or no such role; -EKEYREVOKED: denied; -EKEYEXPIRED: a member but
 * for the time, within TRUST_LAPSED_MAX_MS, *ret is filled in, with the role of the certificate. A
 * certificate that is not valid yet is good: the clock is behind. why: a few words. */
int anchors_judge(const struct anchors *a, struct cert *const chain[], size_t len,
    unsigned roles, int64_t now_ms, struct trust_name *ret, const char **why) MUST_CHECK;
/* Before we are a member: a controller whose CA, the last of the chain, has the pin's key. Its domain
 * is what it says, and has to be ours if we know ours. */
int anchors_judge_pinned(const struct anchors *a, struct cert *const chain[], size_t len,
    int64_t now_ms, struct trust_name *ret, const char **why) MUST_CHECK;
