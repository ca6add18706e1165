/* SPDX-License-Identifier: Apache-2.0
 *
 * How long until the next sample of a series is needed: as long as a straight line with its scatter stays
 * within an error and short of the thresholds (prediction.md §12). Where much happens the answer is
 * one period; a steady series is looked at rarely. State is small, the cost a few operations. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct pace {
	int64_t time_ms;
	double level, slope; /* discounted line; the slope per period */
	double scatter;	     /* variance of what a period adds */
	uint32_t samples;
};
struct pace_bound {
	int64_t period_ms, max_ms;
	double error; /* in the series' unit */
	const double *threshold;
	size_t thresholds;
};
/* All zeros is a series without samples. time_ms ascends. */
void pace_take(struct pace *p, int64_t time_ms, double value, int64_t period_ms);
/* ms until the next sample: a multiple of the period, one at least, max_ms at most. */
int64_t pace_next(const struct pace *p, double value, const struct pace_bound *b);
