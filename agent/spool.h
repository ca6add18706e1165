/* SPDX-License-Identifier: Apache-2.0
 *
 * Results that no controller has accepted yet: a ring in memory, bounded by bytes. When it is
 * full the oldest go, which are counted and leave a gap in the sequence numbers (RPT-05). */
#pragma once
#include "protocol/report.h"

struct spool;

int spool_new(size_t bytes, struct spool **ret) MUST_CHECK;
void spool_free(struct spool *s);
DEFINE_FREEP(struct spool, spool_free)

/* -EMSGSIZE: larger than the whole spool. */
int spool_push(struct spool *s, const struct report_point *p);
/* Number of the oldest point kept, and how many are kept; numbers start at 1. */
uint64_t spool_first(const struct spool *s);
uint64_t spool_len(const struct spool *s);
uint64_t spool_dropped(const struct spool *s);
/* Forgets all points below this number. */
void spool_drop(struct spool *s, uint64_t below);

/* Walks from the oldest on. Slices borrow from the spool until its next change. */
struct spool_cursor {
	size_t at;
	uint64_t left;
};
struct spool_cursor spool_begin(const struct spool *s);
bool spool_next(const struct spool *s, struct spool_cursor *c, struct report_point *ret);
