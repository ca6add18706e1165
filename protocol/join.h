/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGJOIN, pledge to controller, on ALPN x-fogwatch-join/1 or, for a renewal, on a session:
 * M_REQ_NEG(request) → M_NEGOTIATE(grant) → M_END accept | M_WAIT | M_END decline "code: text"
 * (security.md §5.4, §5.8). Codes: token, expired, conflict, full, revoked, policy, version, busy. */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

#define FOG_JOIN_DER_MAX  2048
#define FOG_JOIN_CAS_MAX  3
#define FOG_JOIN_TEXT_MAX 64
#define FOG_JOIN_PLACES_MAX 8
/* Of a unicast message on a link for joining: a grant may be longer than GRASP_DEF_MAX_SIZE, so both
 * ends say grasp_link_hold() with this. */
#define FOG_JOIN_MESSAGE_MAX 16384

struct fog_join {
	uint8_t command[16]; /* the same in each repetition of one request */
	struct slice request; /* PKCS#10, DER */
	bool has_token;
	uint8_t token_id[5], token_secret[16];
	char version[FOG_JOIN_TEXT_MAX + 1]; /* of the program */
	char serial[FOG_JOIN_TEXT_MAX + 1];  /* of the hardware; "": not said */
	char name[FOG_NAME_MAX + 1];	     /* for people; "": not said */
};
struct fog_grant {
	uint8_t command[16];
	struct slice certificate; /* DER */
	struct slice ca[FOG_JOIN_CAS_MAX]; /* newest first */
	size_t cas;
	uint64_t trust_version;
	char domain[FOG_NAME_MAX + 1];
	int64_t time_ms; /* the controller's fog_time */
	char place[FOG_JOIN_PLACES_MAX][64]; /* addresses of controllers */
	size_t places;
};
void fog_join_encode(const struct fog_join *j, struct buf *out);
/* Slices borrow from value. -EBADMSG; *ret is not to be used then. */
int fog_join_decode(struct slice value, struct fog_join *ret) MUST_CHECK;
void fog_grant_encode(const struct fog_grant *g, struct buf *out);
int fog_grant_decode(struct slice value, struct fog_grant *ret) MUST_CHECK;
