/* SPDX-License-Identifier: Apache-2.0
 *
 * What a receiver takes a series for between two reports: the last value, or the line through what was
 * reported, for some periods more. Both ends reckon it alike from the reports alone (dual prediction:
 * Jain, Chang and Wang, SIGMOD 2004), so that no slope has to travel, and silence is information. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define HELD_LINE_PERIODS 60 /* so long is a line followed */

struct held {
	int64_t time_ms;     /* of the last report */
	double value;	     /* NaN: unknown */
	double level, slope; /* of the line; the slope per period */
	uint32_t reports;    /* that the line is made of; 0: there was no report */
};

/* All zeros is a series of which nothing was reported. time_ms ascends. */
void held_take(struct held *h, int64_t time_ms, double value, int64_t period_ms);
/* NaN: unknown. line: along the line (PLAN_LINE). */
double held_at(const struct held *h, int64_t time_ms, int64_t period_ms, bool line);
