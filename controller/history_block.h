/* SPDX-License-Identifier: Apache-2.0
 *
 * A block: columns of (time, value), each with a key, as one blob of metrics.db. Times that several
 * columns share are written once; each column has its length before it, so that a reader of one of
 * them passes over the others. Roll-ups are blocks too, with several columns a series, see
 * rollup_put(). Nothing here knows of the loop: the store's writer uses it on its own thread. */
#pragma once
#include "base/pack.h"
#include "metrics/series.h"

struct block_times {
	int64_t *time;
	uint32_t len, room;
};
struct block_writer {
	int64_t base_ms;
	uint64_t key;
	struct block_times *times; /* those written so far */
	uint32_t columns, times_len, times_room;
	struct bit_writer head, body;
	int err;
};
void block_init(struct block_writer *w);
void block_done(struct block_writer *w);
/* A new block, of times from base_ms on. */
void block_begin(struct block_writer *w, int64_t base_ms);
/* n > 0 samples, times ascending, in ascending order of keys. */
void
block_put(struct block_writer *w, uint64_t key, const struct sample *sample, uint32_t n);
/* Good until the next block_begin(). data NULL: out of memory. */
struct slice block_end(struct block_writer *w);

struct block_reader {
	struct bit_reader bits;
	int64_t base_ms;
	uint64_t key;	  /* of the column found */
	uint32_t columns; /* still to come */
	struct block_times *times;
	uint32_t times_len, times_room;
	struct sample *sample; /* of the column read */
	uint32_t room, len, which, begun;
	size_t end; /* bit behind the column found */
	int err;
};
void block_reader_init(struct block_reader *r);
void block_reader_done(struct block_reader *r);
/* -EBADMSG, -ENOMEM. data is borrowed. */
int block_open(struct block_reader *r, int64_t base_ms, struct slice data) MUST_CHECK;
/* Finds the next column: r->key, r->len. false: there is none, or r->err. */
bool block_next(struct block_reader *r);
const int64_t *block_times(const struct block_reader *r); /* of the column found */
/* Its samples, good until the next one is read; NULL: r->err. */
const struct sample *block_read(struct block_reader *r);
