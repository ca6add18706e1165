/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of numbers in few bits, exactly. A column is the course of one series; each number is written
 * as what is new beside the ones before: most numbers of a machine are decimals with few digits, or
 * multiples of a page or a sector, that move by little, so what is written is how far a scaled integer
 * is from the one before or from the line through the two before, whichever was nearer of late. The
 * XOR of the bits (Gorilla: Pelkonen et al., VLDB 2015) is what remains for all others. NaN payloads and
 * signed zeros come back as they were. Both ends keep the same small state, so that a column may go on
 * in the next message, block or chunk, or begin anew. */
#pragma once
#include "base/slice.h"

struct bit_writer {
	uint8_t *data; /* of the caller */
	size_t size;   /* bytes */
	size_t bits;   /* written; above 8 * size: it did not fit, nothing was spoilt */
};
struct bit_reader {
	struct slice data;
	size_t bits; /* read */
	bool
	    failed; /* there were not that many, or they mean nothing; what was read is 0 */
};
void bits_put(
    struct bit_writer *w, uint64_t value, unsigned bits); /* up to 64, the lowest ones */
uint64_t bits_get(struct bit_reader *r, unsigned bits);
/* Exponential Golomb: the smaller the fewer; up to 2^k - 1 takes k + 1 bits. k: up to 40. */
void bits_put_number(struct bit_writer *w, uint64_t value, unsigned k);
uint64_t bits_get_number(struct bit_reader *r, unsigned k);

#define PACK_BITS_MAX 96 /* the most that one value or one time takes */

/* What both ends know of a column of values, zeroed at its beginning. Copy it to be able to go back. */
struct pack_values {
	int64_t integer,
	    delta;	  /* of the newest number, scaled; where that fails: its bits */
	uint16_t cost[2]; /* bits of late, in 64ths: from the one before, from the line */
	uint8_t scale, mode, leading, width;
};
void pack_value(struct pack_values *p, struct bit_writer *w, double value);
double unpack_value(struct pack_values *p, struct bit_reader *r);
double pack_newest(const struct pack_values *p);
/* A new beginning with a value that the other end has by other means; what was learnt stays. */
void pack_begin(struct pack_values *p, double value);
/* A value just as both ends expect it needs no bits, if they agree by other means that it came. False:
 * it is another, and nothing was changed. */
bool pack_expected(struct pack_values *p, double value);
double unpack_expected(struct pack_values *p, uint32_t count); /* the last of so many */

/* The same for times in ms that ascend; a steady period costs one bit. */
struct pack_times {
	int64_t time, delta;
	uint16_t cost;
	bool begun;
};
void pack_time(struct pack_times *p, struct bit_writer *w, int64_t time_ms);
int64_t unpack_time(struct pack_times *p, struct bit_reader *r);
