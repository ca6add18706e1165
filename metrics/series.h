/* SPDX-License-Identifier: Apache-2.0
 *
 * History: the course of one metric and label set, in memory, packed (base/pack.h), bounded per series
 * by time and for the whole set by bytes. What is read is copied out.
 *
 * 108 columns of a busy machine's /proc at 1 s take 4.4 bits a value (Gorilla: 12.7), and times that keep
 * to their period next to none; what never changes takes nothing, however long. */
#pragma once
#include "base/pack.h"
#include "metrics/metric.h"
#include <string.h>

struct sample {
	int64_t time_ms; /* monotonic */
	double value;
};

#define SERIES_STALE_BITS UINT64_C(0x7ff0000000000002)

/* The mark that a series has ended, until it goes on; Prometheus' bits. */
static inline bool
series_is_stale(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits == SERIES_STALE_BITS;
}

struct series_set;
/* A place in the data of a series: the coder's state where one sample was just read. */
struct series_cursor {
	struct pack_values values;
	struct pack_times times;
	uint32_t bit;	/* behind it */
	uint32_t taken; /* of the samples just as expected that follow there */
};

struct series {
	const struct metric
	    *metric; /* equal to the one given, and as good as the series */
	const struct metric_labels *labels;
	int64_t lost_ms;    /* newest time given up for the byte bound; INT64_MIN: none */
	uint32_t window_ms; /* what is older is dropped; 0: all but the newest */
	uint32_t len;	    /* samples */
	/* The rest is the business of series_data.c. */
	struct series *next;
	uint8_t *data;
	uint32_t size, bits; /* bytes of room, bits written */
	uint32_t run;	     /* newest samples just as expected, not written yet */
	uint16_t marks, marks_room;
	struct series_cursor *mark; /* here and there, so that recent windows are near */
	struct series_cursor oldest;
	struct pack_values values; /* of the newest */
	struct pack_times times;
};

int series_set_new(size_t bytes_max, struct series_set **ret) MUST_CHECK;
void series_set_free(struct series_set *set);
DEFINE_FREEP(struct series_set, series_set_free)

/* The series, made if needed; labels NULL: none. NULL: the byte bound is reached or there is no memory. */
struct series *series_ensure(
    struct series_set *set, const struct metric *m, const struct metric_labels *labels);
struct series *
series_first(struct series_set *set, const char *metric); /* then ->next of it: */
struct series *series_next(struct series_set *set, struct series *s); /* same metric */
/* All series of a set in any order: the one after s (NULL: the first); NULL: no more. */
struct series *series_walk(struct series_set *set, const struct series *s);
/* Keeps so much history from now on; at least so much. */
void series_set_window(struct series *s, int64_t window_ms);
void series_keep(struct series *s, int64_t window_ms);
/* Time must ascend; a sample not newer than the last is dropped with -EINVAL. */
int
series_append(struct series_set *set, struct series *s, int64_t time_ms, double value);
/* Whatever value there was ends at time_ms: it is not served as current any more (MET-09). */
void series_end(struct series_set *set, struct series *s, int64_t time_ms);

/* The newest of all, or of those not after at_ms. false: there is none. */
bool series_last(const struct series *s, struct sample *ret);
bool series_newest_at(const struct series *s, int64_t at_ms, struct sample *ret);
int64_t series_oldest_ms(const struct series *s); /* INT64_MAX: empty */
/* How many there are from from_ms to to_ms, both included, and the oldest max of them. Marks of an
 * end are samples too. */
uint32_t series_count(const struct series *s, int64_t from_ms, int64_t to_ms);
uint32_t series_read(const struct series *s, int64_t from_ms, int64_t to_ms,
    struct sample *dst, uint32_t max);
/* The same, but of each step_ms since from_ms the first, and the last of all. */
uint32_t series_read_every(const struct series *s, int64_t from_ms, int64_t to_ms,
    int64_t step_ms, struct sample *dst, uint32_t max);

/* Keeps so much of every series, whoever needs it or not, as far as the bytes allow: then less of all,
 * see series_set_kept(). */
void series_set_keep(struct series_set *set, int64_t keep_ms);
int64_t series_set_kept(const struct series_set *set);
size_t series_set_len(const struct series_set *set);
size_t series_set_bytes(const struct series_set *set);
/* Removes series that got nothing since before_ms. */
void series_set_sweep(struct series_set *set, int64_t before_ms);
