/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGTRUST, controller to member: M_REQ_NEG(notice) → M_END accept: taken over. What a member has to
 * know of its domain: the CAs, who is trusted no more, the secret of sealed multicasts. Sent when the
 * versions that a member tells with its registration are old, and at once when something changes. */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

#define FOG_NOTICE_CAS_MAX	3
#define FOG_NOTICE_DENIALS_MAX	1024 /* in one message; more follow in the next */
#define FOG_NOTICE_SECRETS_MAX	2

struct fog_denial {
	struct fog_id id;
	uint8_t serial[16]; /* zeros: all certificates of the id */
};
struct fog_secret { /* of a group */
	uint64_t epoch;
	uint8_t secret[32];
	int64_t not_after_ms;
};
struct fog_notice {
	uint64_t trust_version; /* which the domain is at */
	struct slice ca[FOG_NOTICE_CAS_MAX]; /* DER, newest first; cas 0: no news */
	size_t cas;
	uint64_t denied_before; /* the denials below are the next ones after so many */
	struct slice denials;	/* decoded alone: encoded, see fog_notice_denial() */
	size_t denials_len;
	struct fog_secret secret[FOG_NOTICE_SECRETS_MAX]; /* newest first */
	size_t secrets;
};
/* denied: the denials of the notice, instead of its own two members. */
void fog_notice_encode(const struct fog_notice *n, const struct fog_denial denied[],
    size_t len, struct buf *out);
/* Slices borrow from value. -EBADMSG; *ret is not to be used then. */
int fog_notice_decode(struct slice value, struct fog_notice *ret) MUST_CHECK;
/* The i-th of its denials, whose number is denied_before + 1 + i; false: there are not so many. */
bool fog_notice_denial(const struct fog_notice *n, size_t i, struct fog_denial *ret);
