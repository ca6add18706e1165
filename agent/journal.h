/* SPDX-License-Identifier: Apache-2.0
 *
 * What no controller has accepted yet, on disk (reliability.md §5): segments with the number of their
 * first record as name, records of length, CRC-32C, number, boot time and CBOR. Two kinds that never
 * drive each other out: events, synced within 100 ms, and metrics, a ring synced every 5 s. At the
 * start the last segment is cut at its first bad record. When there is no room the oldest records
 * go, and a gap record says exactly which. */
#pragma once
#include "base/buf.h"

enum journal_kind { JOURNAL_EVENT, JOURNAL_METRIC };

struct journal;
struct journal_config {
	const char *dir; /* made if needed; NULL: memory alone, until the process ends */
	size_t bytes;	 /* bound */
	size_t segment;	 /* bytes of one file */
	int64_t
	    sync_ms; /* the owner calls journal_sync() so long after the first append */
};
struct journal_record {
	uint64_t number;
	int64_t time_ms; /* CLOCK_BOOTTIME, of the boot below */
	uint8_t boot[8]; /* of the system's start, from /proc/sys/kernel/random/boot_id */
	struct slice value;
};

/* A damaged or unreadable directory is moved aside and told in the log; -ENOMEM. */
int journal_open(const struct journal_config *cfg, struct journal **ret) MUST_CHECK;
void journal_close(struct journal *j);
DEFINE_FREEP(struct journal, journal_close)

/* The stream: whoever has another id begins to count anew. */
const uint8_t *journal_id(const struct journal *j); /* 8 bytes, random at its making */
/* Numbers begin with 1 and grow by one. ret_number may be NULL. -EMSGSIZE; -errno of the disk: then it is
 * kept in memory and the disk is tried again. */
int journal_append(struct journal *j, int64_t time_ms, struct slice value,
    uint64_t *ret_number) MUST_CHECK;
int journal_sync(struct journal *j);
bool journal_is_dirty(const struct journal *j);	 /* is there something to sync? */
uint64_t journal_first(const struct journal *j); /* the oldest kept */
uint64_t journal_end(const struct journal *j);	 /* number of the next one */
uint64_t
journal_lost(const struct journal *j); /* records given up for room, since its making */
/* Accepted: all below this number may go. */
void journal_release(struct journal *j, uint64_t below);

/* Reading, from the oldest or from a number on; value borrows from the cursor until the next call. */
struct journal_cursor;
int journal_cursor_new(struct journal *j, struct journal_cursor **ret) MUST_CHECK;
void journal_cursor_free(struct journal_cursor *c);
DEFINE_FREEP(struct journal_cursor, journal_cursor_free)
void journal_seek(struct journal_cursor *c, uint64_t number);
/* 1: *ret is the next one; 0: no more now. What was lost on the way is skipped: numbers tell. */
int journal_next(struct journal_cursor *c, struct journal_record *ret);
