/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the journal: journal.c has the segments and their numbers, journal_file.c one of them. */
#pragma once
#include <sys/queue.h>

#include "agent/journal.h"

#define SEGMENT_NAME 21 /* digits and NUL */

/* In the byte order of this machine: nobody else reads it. */
struct segment_head {
	uint32_t magic, crc; /* of what follows */
	uint64_t first;
	uint8_t id[8], boot[8];
	int64_t boot_ms, wall_ms; /* both clocks at its making */
};
struct record_head {
	uint32_t len, crc; /* of value; of what follows and the value */
	uint64_t number;
	int64_t time_ms;
	uint32_t
	    count; /* 0: a mark: all below number are accepted; time_ms is wall - boot then */
	uint32_t zero;
};

struct segment {
	TAILQ_ENTRY(segment) entry;
	uint64_t first, end;	/* numbers */
	int64_t from_ms, to_ms; /* as written, of the first and the last record */
	int64_t shift_ms;	/* to the clock of this boot */
	int64_t wall_offset_ms; /* newest known wall - boot */
	bool of_this_boot, undated;
	uint8_t id[8], boot[8];
	size_t bytes;	   /* used */
	int fd;		   /* -1: not open for writing */
	struct buf memory; /* instead of a file */
	bool in_memory;
};
TAILQ_HEAD(segments, segment);

uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* What reading a file has found. */
struct segment_found {
	uint64_t released;	 /* newest mark; 0: none */
	uint64_t lost, lost_end; /* numbers behind the damage; lost 0: none */
	bool damaged; /* and moved aside; what is good before the damage stays */
	size_t good;  /* bytes */
};
/* -EBADMSG: not a segment. */
int segment_load(const char *path, struct segment *ret, struct segment_found *found)
    MUST_CHECK;
int segment_create(const char *path, struct segment *s) MUST_CHECK;
int segment_write(struct segment *s, const struct record_head *head, struct slice value)
    MUST_CHECK;
/* 1: the record at *at, which moves on, its value in memory of JOURNAL_VALUE_MAX bytes. 0: no more;
 * -errno. */
int segment_read(const struct segment *s, int fd, size_t *at, struct record_head *head,
    uint8_t *value) MUST_CHECK;
