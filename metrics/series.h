/* SPDX-License-Identifier: Apache-2.0
 *
 * History: one ring of (time, value) per metric and label set, in memory, bounded per series
 * by time and for the whole set by bytes. */
#pragma once
#include "metrics/metric.h"
#include <string.h>

struct sample {
	int64_t time_ms; /* monotonic */
	double value;
};

/* The mark that a series has ended, until it goes on; Prometheus' bits. */
static inline bool
series_is_stale(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits == 0x7ff0000000000002;
}

struct series_set;

struct series {
	const struct metric *metric;
	struct metric_labels labels;
	uint32_t labels_hash;
	int64_t window_ms; /* what is older may be dropped */
	int64_t lost_ms; /* newest sample given up for the byte bound; INT64_MIN: none */
	struct sample *ring; /* opaque to users: see series_at() */
	uint32_t size, first, len;
	struct series *next;
};

int series_set_new(size_t bytes_max, struct series_set **ret) MUST_CHECK;
void series_set_free(struct series_set *set);
DEFINE_FREEP(struct series_set, series_set_free)

/* The series, made if needed. NULL: the byte bound is reached or there is no memory. */
struct series *series_ensure(
    struct series_set *set, const struct metric *m, const struct metric_labels *labels);
struct series *
series_first(struct series_set *set, const char *metric); /* then ->next of it: */
struct series *series_next(struct series_set *set, struct series *s); /* same metric */
/* Keeps at least this much history from now on. */
void series_keep(struct series *s, int64_t window_ms);
/* Time must ascend; a sample not newer than the last is dropped with -EINVAL. */
int
series_append(struct series_set *set, struct series *s, int64_t time_ms, double value);
/* Whatever value there was ends at time_ms: it is not served as current any more (MET-09). */
void series_end(struct series_set *set, struct series *s, int64_t time_ms);
const struct sample *series_at(const struct series *s, uint32_t i); /* 0 is the oldest */
const struct sample *series_last(const struct series *s);	    /* NULL: empty */
size_t series_set_len(const struct series_set *set);
size_t series_set_bytes(const struct series_set *set);
/* Removes series that got nothing since before_ms. */
void series_set_sweep(struct series_set *set, int64_t before_ms);
