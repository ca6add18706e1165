/* SPDX-License-Identifier: Apache-2.0
 *
 * The samples of a series, packed one behind the other. Coded are, again and again, how many samples
 * were just as expected (at the same distance in time, with the expected value), and one that was not.
 * Those at the end that were as expected are only counted, so that what never changes never grows. What
 * is past is read once more, to know where what is left begins, and its room is used again. */
#pragma once
#include "metrics/series.h"

#define HEAP_OVERHEAD 8 /* of an allocation */

/* What a set has for its series. */
struct series_room {
	size_t bytes, bytes_max; /* in use; beyond that the oldest samples make room */
	int64_t keep_ms;	 /* so much history is kept at least */
};
void series_data_append(
    struct series *s, struct series_room *room, int64_t time_ms, double value);
/* Gives up what is older, and the memory for it. */
void series_data_trim(struct series *s, struct series_room *room, int64_t time_ms);
/* Gives back room that is mostly empty. */
void series_data_spare(struct series *s, struct series_room *room);
void series_data_done(struct series *s, struct series_room *room);
