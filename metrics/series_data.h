/* SPDX-License-Identifier: Apache-2.0
 *
 * The samples of a series, packed one behind the other. Coded are, again and again, how many samples
 * were just as expected (at the same distance in time, with the expected value), and one that was not.
 * Those at the end that were as expected are only counted, so that what never changes never grows. What
 * is past is read once more, to know where what is left begins, and its room is used again. */
#pragma once
#include "metrics/series.h"

#define HEAP_OVERHEAD 8 /* of an allocation */

/* bytes: what the set has in use, up to bytes_max. Beyond that the oldest samples make room. */
void series_data_append(
    struct series *s, size_t *bytes, size_t bytes_max, int64_t time_ms, double value);
void series_data_done(struct series *s, size_t *bytes);
