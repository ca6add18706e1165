/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of numbers in few bits, exactly. A column is the course of one series; each number is written
 * as what is new beside the ones before: most numbers of a machine are decimals with few digits that
 * move by little, so the difference of scaled integers is tried first, and the XOR of the bits
 * (Gorilla: Pelkonen et al., VLDB 2015) is what remains for all others. NaN payloads and signed
 * zeros come back as they were. Both ends keep the same small state, so that a column may go on in
 * the next message, block or chunk, or begin anew. */
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
	bool failed; /* there were not that many; what was read then is 0 */
};
void bits_put(
    struct bit_writer *w, uint64_t value, unsigned bits); /* up to 64, the lowest ones */
uint64_t bits_get(struct bit_reader *r, unsigned bits);

/* What both ends know of a column of values, zeroed at its beginning. Copy it to be able to go back. */
struct pack_values {
	int64_t integer, delta; /* of the newest number, scaled */
	uint64_t raw;		/* its bits */
	uint8_t scale;		/* decimals */
	uint8_t mode, leading, width, len;
};
void pack_value(struct pack_values *p, struct bit_writer *w, double value);
double unpack_value(struct pack_values *p, struct bit_reader *r);

/* The same for times in ms that ascend; a steady period costs one bit. */
struct pack_times {
	int64_t time, delta;
	uint8_t len;
};
void pack_time(struct pack_times *p, struct bit_writer *w, int64_t time_ms);
int64_t unpack_time(struct pack_times *p, struct bit_reader *r);
