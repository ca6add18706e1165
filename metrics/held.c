/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/held.h"

#include <math.h>
#include <string.h>

#define MEMORY 20.0 /* periods that count in the slope */

static double
steps_between(int64_t from_ms, int64_t to_ms, int64_t period_ms)
{
	double steps = (double)(to_ms - from_ms) / (double)period_ms;

	return steps > 1e-3 ? steps : 1e-3;
}

/* A discounted straight-line fit with exact start (Morrison 1969): two reports of a ramp give it. */
static void
fit(struct held *h, double steps, double value)
{
	double n = ++h->reports, rho = exp(-steps / MEMORY);
	double level = fmax(1 - rho * rho, 2 * (2 * n - 1) / (n * (n + 1)));
	double slope = fmax((1 - rho) * (1 - rho), 6 / (n * (n + 1)));
	double expected = h->level + steps * h->slope, error = value - expected;

	h->level = expected + fmin(level, 1) * error;
	h->slope += slope * error / steps;
}

static void
begin(struct held *h, double value)
{
	h->level = value;
	h->slope = 0;
	h->reports = 1;
}

void
held_take(struct held *h, int64_t time_ms, double value, int64_t period_ms)
{
	if (!isfinite(value) || !h->reports || !isfinite(h->value))
		begin(h, value);
	else
		fit(h, steps_between(h->time_ms, time_ms, period_ms), value);
	h->time_ms = time_ms;
	h->value = value;
}

double
held_at(const struct held *h, int64_t time_ms, int64_t period_ms, bool line)
{
	double steps;

	if (!h->reports)
		return NAN;
	if (!line || !isfinite(h->value) || time_ms <= h->time_ms)
		return h->value;
	steps = steps_between(h->time_ms, time_ms, period_ms);
	return h->value + h->slope * fmin(steps, HELD_LINE_PERIODS);
}
