/* SPDX-License-Identifier: Apache-2.0
 *
 * What no controller has accepted yet, on disk (reliability.md §5): segments with the number of their
 * first record as name, records of length, CRC-32C, number, boot time and bytes. When there is no room
 * the oldest segment goes, and whoever made the journal is told exactly what went. What a crash has
 * left half written is cut off; what is damaged is moved aside and told as well.
 *
 * A record has one number or several, for values packed together. Numbers grow and never come again: each
 * start begins behind all that the ones before may have used. Times are of CLOCK_BOOTTIME; those of an
 * earlier boot are mapped by the wall clock of then, or are not known.
 *
 * A disk that does not take records (ENOSPC, EIO, read-only) is tried again from time to time; meanwhile
 * they are kept in memory. */
#pragma once
#include "base/buf.h"

#define JOURNAL_VALUE_MAX  (20 << 10)
#define JOURNAL_NUMBERS	   (UINT64_C(1) << 32) /* for one start */
#define JOURNAL_MEMORY_MAX (256 << 10)	       /* while the disk takes nothing */

struct journal;
struct journal_gap {
	uint64_t first, last; /* numbers that will never come */
	int64_t from_ms, to_ms;
	const char *why; /* "no room", "damaged" */
};
struct journal_config {
	const char *dir; /* made if needed; NULL: memory alone, until the process ends */
	size_t bytes;	 /* bound of all segments */
	size_t segment;	 /* bytes of one file */
	int64_t boot_ms, wall_ms; /* now, by both clocks */
	void (*lost)(
	    void *arg, const struct journal_gap *gap); /* may append elsewhere only */
	/* The disk does not take records any more (err < 0), or does again (0). */
	void (*disk)(void *arg, int err);
	void *arg;
};
struct journal_record {
	uint64_t number; /* of the first value in it */
	uint32_t count;
	int64_t time_ms;  /* on the clock of this boot; negative: before it */
	int64_t shift_ms; /* what was added: 0 if it is of this boot */
	bool undated;	  /* of an earlier boot, and nobody knows how long ago that was */
	struct slice value;
};

/* -ENOMEM. A directory that cannot be used is like a disk that takes nothing. */
int journal_open(const struct journal_config *cfg, struct journal **ret) MUST_CHECK;
void journal_close(struct journal *j); /* without journal_sync() */
DEFINE_FREEP(struct journal, journal_close)

/* The stream: whoever has another id begins to count anew. 8 bytes, random at its making. */
const uint8_t *journal_id(const struct journal *j);
/* The segment that a value of this length will be in, so that what is packed behind others begins anew
 * with each. Changes only here. */
uint64_t journal_segment(struct journal *j, size_t len, int64_t wall_ms, int64_t boot_ms);
/* With the next `count` numbers. -EMSGSIZE; -ENOMEM. It is in the page cache then, or in memory. */
int journal_append(struct journal *j, int64_t time_ms, struct slice value, uint32_t count,
    uint64_t *ret_number) MUST_CHECK;
int journal_sync(struct journal *j);		   /* fdatasync */
bool journal_is_dirty(const struct journal *j);	   /* is there something to sync? */
uint64_t journal_first(const struct journal *j);   /* the oldest that is not accepted */
uint64_t journal_end(const struct journal *j);	   /* number of the next one */
uint64_t journal_waiting(const struct journal *j); /* numbers that are not accepted */
size_t journal_bytes(const struct journal *j);
bool journal_on_disk(const struct journal *j); /* false: in memory for now */
/* Accepted: all below this number may go; written down, so that a restart knows. */
void journal_release(struct journal *j, uint64_t below);

/* Reading, from the beginning of the segment that has this number, or the oldest one: what is packed
 * needs what was before. value borrows from the cursor until the next call. */
struct journal_cursor;
int journal_cursor_new(struct journal *j, struct journal_cursor **ret) MUST_CHECK;
void journal_cursor_free(struct journal_cursor *c);
DEFINE_FREEP(struct journal_cursor, journal_cursor_free)
void journal_seek(struct journal_cursor *c, uint64_t number);
/* 1: *ret is the next one; 0: no more now; -ENOMEM. What was lost on the way is skipped: numbers tell. */
int journal_next(struct journal_cursor *c, struct journal_record *ret);
