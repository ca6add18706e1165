/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/pace.h"

#include <math.h>

#define MEMORY	     15.0 /* periods that count in the line */
#define SCATTER_RATE 0.15
#define SAMPLES_MIN  5	  /* before anything is left out */
#define ERROR_SIGMAS 1.64 /* of the scatter: the error holds in nine cases of ten */
#define CROSS_SIGMAS 2.0  /* and nothing crosses unseen in more */

static double
steps_between(int64_t from_ms, int64_t to_ms, int64_t period_ms)
{
	return fmax((double)(to_ms - from_ms) / (double)period_ms, 1e-3);
}

void
pace_take(struct pace *p, int64_t time_ms, double value, int64_t period_ms)
{
	double steps = p->samples ? steps_between(p->time_ms, time_ms, period_ms) : 1;
	double n = ++p->samples, rho = exp(-steps / MEMORY);
	double level = fmin(1, fmax(1 - rho * rho, 2 * (2 * n - 1) / (n * (n + 1))));
	double slope = fmax((1 - rho) * (1 - rho), 6 / (n * (n + 1)));
	double expected = p->level + steps * p->slope, error = value - expected;

	p->time_ms = time_ms;
	if (n == 1) {
		p->level = value;
		return;
	}
	p->level = expected + level * error;
	p->slope += slope * error / steps;
	if (n > 2)
		p->scatter +=
		    fmax(SCATTER_RATE, 1 / n) * (error * error / steps - p->scatter);
}

/* The T with drift * T + sigmas * sqrt(T) = room. */
static double
time_within(double room, double drift, double sigmas)
{
	double root = 2 * room / (sigmas + sqrt(sigmas * sigmas + 4 * drift * room));

	return root * root;
}

int64_t
pace_next(const struct pace *p, double value, const struct pace_bound *b)
{
	double sigma = sqrt(p->scatter), most = (double)b->max_ms / (double)b->period_ms;
	double steps = most;

	if (p->samples < SAMPLES_MIN || !isfinite(value))
		return b->period_ms;
	if (p->slope != 0 || sigma > 0)
		steps = fmin(
		    steps, time_within(b->error, fabs(p->slope), ERROR_SIGMAS * sigma));
	for (size_t i = 0; i < b->thresholds; i++) {
		double room = b->threshold[i] - value;
		double drift = fmax(room < 0 ? -p->slope : p->slope, 0);

		if (drift > 0 || sigma > 0)
			steps = fmin(
			    steps, time_within(fabs(room), drift, CROSS_SIGMAS * sigma));
	}
	return b->period_ms * (steps < 1 || isnan(steps) ? 1 : (int64_t)steps);
}
