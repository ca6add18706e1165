/* SPDX-License-Identifier: Apache-2.0
 *
 * A stretch of a series, readable by itself. The first sample stands in the head, with what the
 * coder had learnt before; then come, again and again, how many samples were just as expected (at the
 * same distance in time, with the expected value), and one that was not. Those at the end that were as
 * expected are only counted, so that what never changes never grows. */
#pragma once
#include "metrics/series.h"

#define SERIES_CLASSES 4
extern const uint16_t series_class_size[SERIES_CLASSES]; /* bytes of a chunk */

struct series_chunk {
	struct series_chunk *next; /* newer */
	int64_t first_ms;
	double first;
	uint32_t len;	   /* samples */
	uint32_t delta_ms; /* between the two before; 0: not known */
	uint16_t bits;	   /* of data */
	uint16_t cost[2], time_cost;
	uint8_t scale, class;
	uint8_t data[];
};

static inline size_t
series_chunk_size(const struct series_chunk *c)
{
	return series_class_size[c->class];
}

void series_chunk_begin(struct series_chunk *c, struct pack_values *values,
    struct pack_times *times, int64_t time_ms, double value);
/* false: it is full, and nothing was changed. */
bool series_chunk_append(struct series_chunk *c, struct pack_values *values,
    struct pack_times *times, uint32_t *run, int64_t time_ms, double value);
