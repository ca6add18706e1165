/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns that are gathered from here and there, put in order, and written as blocks. */
#pragma once
#include "controller/history_block.h"

#define SPAN_RAW_MS	(10 * 60000LL) /* a block of values, when it is merged */
#define SPAN_MINUTE_MS	60000LL
#define SPAN_HOUR_MS	(60 * 60000LL)
#define SPAN_DAY_MS	(24 * SPAN_HOUR_MS)
#define BLOCK_BYTES_MAX (512 * 1024) /* a block that gets larger becomes two */

static inline int64_t
span_start(int64_t time_ms, int64_t span_ms)
{
	int64_t rest = time_ms % span_ms;

	return time_ms - (rest < 0 ? rest + span_ms : rest);
}

/* The mark of an end, as series_is_stale() knows it. */
static inline double
series_stale(void)
{
	static const uint64_t bits = 0x7ff0000000000002;
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

struct column {
	uint64_t key;
	uint32_t order;
	uint32_t len;
	size_t at; /* in sample */
};
struct columns {
	struct column *column;
	uint32_t len, room;
	struct sample *sample;
	size_t samples, samples_room;
	int err;
};
void columns_done(struct columns *c);
void columns_clear(struct columns *c);
/* Room for n samples of one more column: fill it, then say how many it became. NULL: c->err. */
struct sample *columns_room(struct columns *c, uint32_t n);
void columns_add(struct columns *c, uint64_t key, uint32_t n);
void columns_copy(struct columns *c, uint64_t key, const struct sample *s, uint32_t n);
/* The columns of a block that are wanted; wanted NULL: all. */
typedef bool columns_wanted_f(void *arg, uint64_t key);
int columns_load(struct columns *c, struct block_reader *r, int64_t base_ms,
    struct slice data, columns_wanted_f *wanted, void *arg) MUST_CHECK;
/* In order of keys, one column a key, times ascending; of equal times the one added last stays. */
int columns_sort(struct columns *c) MUST_CHECK;
/* Of sorted ones: the samples from from_ms to before to_ms. */
uint32_t columns_within(const struct columns *c, const struct column *of, int64_t from_ms,
    int64_t to_ms, const struct sample **ret);
/* The first time from from_ms on; INT64_MAX: none. */
int64_t columns_next(const struct columns *c, int64_t from_ms);
/* As blocks of at most span_ms each from from_ms to before to_ms, of BLOCK_BYTES_MAX at most as far as
 * min_ms allows. put: 0, or what ends it. */
typedef int columns_put_f(void *arg, int64_t from_ms, int64_t last_ms, struct slice data);
int columns_write(const struct columns *c, struct block_writer *w, int64_t from_ms,
    int64_t to_ms, int64_t min_ms, columns_put_f *put, void *arg) MUST_CHECK;

/* --- roll-ups, see history_block.h ---------------------------------------------------------------- */
/* Values to spans. Both sorted, as all here. */
int columns_rollup(const struct columns *values, int64_t span_ms, struct columns *to)
    MUST_CHECK;
/* Spans from from_ms to before to_ms, to longer ones. */
int columns_widen(const struct columns *spans, int64_t from_ms, int64_t to_ms,
    int64_t span_ms, struct columns *to) MUST_CHECK;
/* Two sets of spans to one: where both have one, b's, or both together. */
int columns_merge(const struct columns *a, const struct columns *b, bool together,
    struct columns *to) MUST_CHECK;
