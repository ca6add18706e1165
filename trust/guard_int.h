/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the guard: guard.c has its life, guard_out.c what leaves, guard_in.c what comes. */
#pragma once
#include "grasp/limit.h"
#include "trust/guard.h"
#include "trust/quads.h"
#include "trust/seal.h"
#include "trust/sequence.h"
#include "trust/signers.h"

#define GUARD_COPIES 64

/* What was verified a moment ago: a copy of it may come by another relay. */
struct guard_copy {
	uint8_t digest[32]; /* of what was signed and the trailer */
	int64_t at_ms;
	struct grasp_who who;
};

struct guard {
	struct grasp_io *io;
	enum guard_mode mode;
	struct credential *self;
	char *prefix;
	bool (*clock_is_right)(void);
	bool clock_right;
	int64_t clock_asked_ms;

	struct quads quads;
	struct seal *seal;
	struct signers *signers;
	struct sequence sequence;
	struct limit signatures; /* public-key operations, S-10 */
	struct guard_copy copy[GUARD_COPIES];
	unsigned copies; /* how many were put, ever */

	bool opened;		      /* the datagram at hand was sealed */
	uint8_t sender[COSE_KID_LEN]; /* then: by whom, as it says */
	struct buf plain;	      /* what was in it */
	struct buf work;	      /* what is signed */
	struct buf inner;	      /* signed, to be sealed */
	struct guard_counters counters;
};

/* Whose objectives are all FOGJOIN. */
bool guard_is_join(const struct guard *g, const struct grasp_msg *msg);
bool guard_is_named(const struct guard *g, struct slice name, const char *objective);
bool guard_is_all_neighbors(const struct in6_addr *group);
uint8_t guard_loop_count(const struct grasp_msg *msg); /* the highest of its objectives */
/* Into g->work: the message without its loop count, which changes on the way. */
int guard_put_payload(struct guard *g, struct slice message) MUST_CHECK;
extern const struct slice guard_purpose; /* the signature's */

bool guard_open(void *arg, const struct grasp_datagram *d, struct slice *ret);
enum grasp_verdict guard_verify(void *arg, const struct grasp_datagram *d,
    const struct grasp_msg *msg, struct slice bytes, size_t len, struct grasp_who *ret);
int guard_protect(void *arg, const struct in6_addr *group, struct slice bytes, bool own,
    struct buf *out);
