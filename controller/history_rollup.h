/* SPDX-License-Identifier: Apache-2.0
 *
 * What a span [start, start + span_ms) of a series holds: in blocks five columns, whose keys are the
 * series' number * 8 + column. The value at the very start stands alone, since windows include both
 * their ends, so that any window from a start to a start is made of whole spans and one such value. The
 * times of the columns are starts. */
#pragma once
#include "controller/history_columns.h"

enum rollup_column {
	ROLLUP_EDGE, /* the value at the start itself */
	ROLLUP_MIN,  /* of all others: */
	ROLLUP_MAX,
	ROLLUP_SUM,
	ROLLUP_COUNT,
	ROLLUP_COLUMNS,
};
#define ROLLUP_KEYS 8 /* of a series */

struct rollup_span {
	int64_t start_ms;
	double edge, min, max, sum; /* NaN: none, but for sum */
	uint32_t count;		    /* without the edge */
	bool has_edge;
};
struct rollup {
	struct rollup_span *span;
	uint32_t len, room;
};
void rollup_done(struct rollup *r);
/* The spans of a series; marks of an end are no samples. */
int rollup_make(struct rollup *r, const struct sample *sample, uint32_t n,
    int64_t span_ms) MUST_CHECK;
/* Longer spans of shorter ones, in place. */
void rollup_widen(struct rollup *r, int64_t span_ms);
/* b's spans into a's; of those that both have, b's, or both together. */
int rollup_merge(struct rollup *a, const struct rollup *b, bool together) MUST_CHECK;
/* To and from columns. get: those from from_ms to before to_ms of the series whose first column is
 * c->column[*at], which is moved on to the next series. */
int rollup_put(const struct rollup *r, uint32_t number, struct columns *c) MUST_CHECK;
int rollup_get(const struct columns *c, uint32_t *at, int64_t from_ms, int64_t to_ms,
    struct rollup *ret) MUST_CHECK;
