/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed multicasts (security.md §6.2): COSE_Encrypt0 with a secret that all members of a domain have.
 * Whoever has it can have sealed it: the sender that is told is what that member says of itself. Each
 * sender has a key of its own for each of its starts, so no nonce is used twice and no counter has to
 * survive. Made by the guard for the life of a program; secrets come and go. */
#pragma once
#include "base/buf.h"
#include "trust/cose.h"
#include <netinet/in.h>

#define SEAL_SECRET_LEN	  32
#define SEAL_BOOT_LEN	  8
#define SEAL_OVERLAP_MS	  3600000
#define SEAL_SESSIONS_MAX 1024 /* senders' starts, each with its key and window */
#define SEAL_WINDOW	  128
#define SEAL_FRESH_S	  120	      /* with a clock that is right */
#define SEAL_FRESH_LAX_S  (24 * 3600) /* with any */

struct seal;

/* port: UDP, of the groups. boot: of this start, random. */
int seal_new(const uint8_t sender[COSE_KID_LEN], const uint8_t boot[SEAL_BOOT_LEN],
    uint16_t port, uint32_t seed, struct seal **ret) MUST_CHECK;
void seal_free(struct seal *s);
DEFINE_FREEP(struct seal, seal_free)

/* As guard_secret() has it. */
int seal_secret(struct seal *s, uint64_t epoch, const uint8_t secret[SEAL_SECRET_LEN],
    int64_t not_after_ms) MUST_CHECK;
bool seal_is_ready(const struct seal *s, int64_t now_ms); /* there is a secret to use */

/* Puts the datagram. -ENOKEY: no secret. */
int seal_put(struct seal *s, const struct in6_addr *group, struct slice plain,
    int64_t now_ms, int64_t iat_s, struct buf *out) MUST_CHECK;
/* Puts what is in a datagram. fresh_s: how far its time may be from ours if its sender has started
 * anew. -EBADMSG: not sealed for this group, or malformed; -ENOKEY: with another secret;
 * -EALREADY: met before; -ETIME: too old. */
int
seal_take(struct seal *s, const struct in6_addr *group, struct slice wire, int64_t now_ms,
    int64_t fresh_s, struct buf *plain, uint8_t ret_sender[COSE_KID_LEN]) MUST_CHECK;
