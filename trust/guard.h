/* SPDX-License-Identifier: Apache-2.0
 *
 * Protection of multicasts (security.md §6.2, §6.3; bytes in quads.md §3.3, §3.4): signs or seals what
 * leaves, and says of what comes in who has said it. Plugs into the engine as a struct grasp_guard.
 *
 * Nothing unsigned enters a signed or sealed domain, with one exception: FOGJOIN, under the rules of
 * DULL (RFC 8990 §2.5.2; S-12): a flood or discovery of that objective alone, on ff02::13, from a
 * link-local source (or from this host), loop count 1, and it is never passed on or told to others. Who
 * floods names his source address and no other: a liar is one address, not a crowd (S-01).
 * Before we are a member we send nothing else, and hear nothing else.
 *
 * A sealed domain hears what is signed as well: newcomers have no secret yet. What a controller says
 * is signed inside the seal. What is sealed alone was said by some member: struct grasp_who then has role
 * TRUST_AGENT, and of the id the 8 bytes that it says of itself. */
#pragma once
#include "grasp/grasp.h"
#include "trust/credential.h"

enum guard_mode { GUARD_SIGNED, GUARD_SEALED, GUARD_OPEN, GUARD_QUADS };
extern const char *const guard_modes[]; /* for conf.h, NULL-terminated */

#define GUARD_SECRET_LEN       32
#define GUARD_OVERLAP_MS       3600000 /* two secrets are in use */
#define GUARD_SIGNATURES_PER_S 500     /* verified (S-10) */
#define GUARD_FRESH_S	       120 /* how far iat may be from our clock, if that is right */
#define GUARD_COPY_MS \
	2000 /* a relayed copy of what was verified may come so much later */
#define GUARD_QUADS_PASSWORD_MIN 12

struct guard;
struct guard_config {
	struct grasp_io *io; /* clock and randomness; borrowed, as is self */
	enum guard_mode mode;
	struct credential *self; /* NULL: open or quads */
	uint16_t port;		 /* of the multicasts; 0: GRASP_LISTEN_PORT */
	const char *prefix;	 /* of objective names; NULL: none */
	const char
	    *state; /* file that keeps sequence and iat over restarts; NULL: none */
	const char *quads_password;   /* GUARD_QUADS */
	bool (*clock_is_right)(void); /* NULL: as the kernel says (adjtimex) */
};
/* -EINVAL: no self, or a password that is too short; -EBADMSG and others: as of state. */
int guard_new(const struct guard_config *cfg, struct guard **ret) MUST_CHECK;
void guard_free(struct guard *g);
DEFINE_FREEP(struct guard, guard_free)
struct grasp_guard guard_hook(struct guard *g); /* for grasp_config.guard */
/* Sealed: the newest epoch and the one before are understood until their ends. What leaves is sealed
 * with the newest one, but with the one before for as long as that is more than GUARD_OVERLAP_MS from
 * its end: everybody has the newer one by then. An epoch that is known gets another end. -ESTALE: older
 * than both. */
int guard_secret(struct guard *g, uint64_t epoch, const uint8_t secret[GUARD_SECRET_LEN],
    int64_t not_after_ms) MUST_CHECK;

enum guard_drop {
	GUARD_MALFORMED,
	GUARD_UNSIGNED,
	GUARD_UNKNOWN_SIGNER,
	GUARD_BAD_SIGNATURE,
	GUARD_REPLAYED,
	GUARD_TOO_OLD,
	GUARD_DENIED,
	GUARD_BUSY,
	GUARD_WRONG_MODE,
	GUARD_WRONG_ROLE,
	GUARD_UNKNOWN_SECRET,
	GUARD_NOT_DULL,
	GUARD_DROPS
};
const char *guard_drop_name(enum guard_drop d); /* a word, as metrics have it */
struct guard_counters {
	uint64_t verified, cached, signed_, sealed;
	uint64_t dropped[GUARD_DROPS];
};
const struct guard_counters *guard_counters(const struct guard *g);
