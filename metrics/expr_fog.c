/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_fog.h"
#include <math.h>

static double
span_seconds(int64_t from_ms, int64_t to_ms)
{
	return (double)(to_ms - from_ms) / 1000;
}

bool
expr_ewma(const struct expr_range *r, const double *scalar, double *ret)
{
	double alpha = scalar[0], mean = r->sample[0].value;

	if (!(alpha > 0 && alpha <= 1))
		return false;
	for (size_t i = 1; i < r->len; i++)
		mean += alpha * (r->sample[i].value - mean);
	*ret = mean;
	return true;
}

bool
expr_median(const struct expr_range *r, const double *scalar, double *ret)
{
	(void)scalar;
	for (size_t i = 0; i < r->len; i++)
		r->scratch[i] = r->sample[i].value;
	*ret = expr_quantile(0.5, r->scratch, r->len);
	return true;
}

/* Unknown if the line is level or moves away: "never" is no number of seconds. What rounding puts
 * less than the clock's resolution into the past is now. */
bool
expr_time_to(const struct expr_range *r, const double *scalar, double *ret)
{
	struct expr_line l = expr_fit_line(r, r->end_ms);
	double seconds =
	    l.intercept == scalar[0] ? 0 : (scalar[0] - l.intercept) / l.slope;

	if (!isfinite(seconds) || seconds <= -0.001)
		return false;
	*ret = seconds > 0 ? seconds : 0;
	return true;
}

/* --- states and durations -------------------------------------------------------------- */

/* CMP-10. Where raise is below clear, low values are the bad ones. Before any value was at one of
 * the levels there may have been either state. */
bool
expr_hysteresis(const struct expr_range *r, const double *scalar, double *ret)
{
	double sign = scalar[0] < scalar[1] ? -1 : 1;
	double raise = sign * scalar[0], clear = sign * scalar[1];
	int64_t since_ms = 0;
	bool beyond = false, known = false;

	for (size_t i = 0; i < r->len; i++) {
		double v = sign * r->sample[i].value; /* a mark is not a number */

		if (v >= raise && !beyond)
			since_ms = r->sample[i].time_ms;
		beyond = v >= raise;
		if (beyond && span_seconds(since_ms, r->sample[i].time_ms) >= scalar[2]) {
			*ret = 1;
			known = true;
		} else if (!beyond && v <= clear) {
			*ret = 0;
			known = true;
		}
	}
	return known;
}

/* From the first to the newest sample of the newest run of those that hold. */
static bool
measure_run(const struct expr_range *r, bool (*holds)(double value, double threshold),
    double threshold, double *ret)
{
	const struct sample *newest = &r->sample[r->len - 1];
	size_t first = r->len;

	if (series_is_stale(newest->value))
		return false;
	while (first > 0 && !isnan(r->sample[first - 1].value) &&
	    holds(r->sample[first - 1].value, threshold))
		first--;
	*ret =
	    first == r->len ? 0 : span_seconds(r->sample[first].time_ms, newest->time_ms);
	return true;
}

static bool
is_other(double value, double threshold)
{
	return value != threshold;
}

static bool
is_above(double value, double threshold)
{
	return value > threshold;
}

static bool
is_below(double value, double threshold)
{
	return value < threshold;
}

bool
expr_for_duration(const struct expr_range *r, const double *scalar, double *ret)
{
	(void)scalar;
	return measure_run(r, is_other, 0, ret);
}

bool
expr_time_above(const struct expr_range *r, const double *scalar, double *ret)
{
	return measure_run(r, is_above, scalar[0], ret);
}

bool
expr_time_below(const struct expr_range *r, const double *scalar, double *ret)
{
	return measure_run(r, is_below, scalar[0], ret);
}

/* A value holds until the next sample or mark, but no longer than an instant value may be old. */
bool
expr_availability(const struct expr_range *r, const double *scalar, double *ret)
{
	int64_t whole_ms = r->end_ms - r->sample[0].time_ms, available_ms = 0;

	(void)scalar;
	for (size_t i = 0; i < r->len; i++) {
		double v = r->sample[i].value;
		int64_t until_ms = i + 1 < r->len ? r->sample[i + 1].time_ms : r->end_ms;
		int64_t span_ms = until_ms - r->sample[i].time_ms;

		if (v != 0 && !isnan(v))
			available_ms +=
			    span_ms < EXPR_LOOKBACK_MS ? span_ms : EXPR_LOOKBACK_MS;
	}
	if (whole_ms == 0)
		*ret = r->sample[0].value != 0 && !isnan(r->sample[0].value);
	else
		*ret = (double)available_ms / (double)whole_ms;
	return true;
}

bool
expr_score(double value, const double *scalar, double *ret)
{
	double worst = scalar[0], best = scalar[1], share;

	if (worst == best || isnan(worst) || isnan(best))
		return false;
	share = (value - worst) / (best - worst);
	*ret = share < 0 ? 0 : share > 1 ? 1 : share;
	return true;
}
