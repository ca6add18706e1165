/* SPDX-License-Identifier: Apache-2.0
 *
 * The two numbers of what we sign: a sequence that never goes back, over restarts and without a clock,
 * and the time of signing, which does not either (security.md §6.2 (c), (d)). Embedded in its owner. */
#pragma once
#include "base/mem.h"
#include <stdint.h>

#define SEQUENCE_RUN (UINT64_C(1) << 20) /* numbers between two writes */
#define SEQUENCE_IAT_AHEAD \
	60 /* s; what is written is that much ahead, so it is seldom written */

struct sequence {
	char *path;
	uint64_t next, start;
	int64_t iat_s, kept_iat_s;
};
/* now_ms: fog_time. path NULL: nothing is kept. What the file says is over is written before the
 * first use. -EBADMSG: it holds something else; or it cannot be read or written. */
int sequence_init(struct sequence *s, const char *path, int64_t now_ms) MUST_CHECK;
void sequence_done(struct sequence *s);
/* The next number, and the time that goes with it. Negative: it could not be written that so many
 * numbers are used. */
int sequence_next(struct sequence *s, int64_t now_ms, uint64_t *ret_number,
    int64_t *ret_iat_s) MUST_CHECK;
