/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions. A new one is a line in the table at the end, with an opcode of its own for ever,
 * and what computes it. */
#include "metrics/expr_fog.h"
#include <math.h>

/* Neumaier's sum: c carries what rounding has lost. */
static void
add_kahan(double inc, double *sum, double *c)
{
	double t = *sum + inc;

	*c += fabs(*sum) >= fabs(inc) ? (*sum - t) + inc : (inc - t) + *sum;
	*sum = t;
}

/* --- over a window --------------------------------------------------------------------- */

static bool
last_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	(void)scalar;
	*ret = r->sample[r->len - 1].value;
	return true;
}

static bool
avg_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	double mean = 0, c = 0;

	(void)scalar;
	for (size_t i = 0; i < r->len; i++) {
		double v = r->sample[i].value, count = (double)(i + 1);

		if (isinf(mean) && ((isinf(v) && (mean > 0) == (v > 0)) || isfinite(v)))
			continue; /* stays as infinite as it is */
		add_kahan(v / count - mean / count, &mean, &c);
	}
	*ret = isinf(mean) ? mean : mean + c;
	return true;
}

static bool
min_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	double min = r->sample[0].value;

	(void)scalar;
	for (size_t i = 0; i < r->len; i++)
		if (r->sample[i].value < min || isnan(min))
			min = r->sample[i].value;
	*ret = min;
	return true;
}

static bool
max_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	double max = r->sample[0].value;

	(void)scalar;
	for (size_t i = 0; i < r->len; i++)
		if (r->sample[i].value > max || isnan(max))
			max = r->sample[i].value;
	*ret = max;
	return true;
}

static bool
sum_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	double sum = 0, c = 0;

	(void)scalar;
	for (size_t i = 0; i < r->len; i++)
		add_kahan(r->sample[i].value, &sum, &c);
	*ret = isinf(sum) ? sum : sum + c;
	return true;
}

static bool
count_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	(void)scalar;
	*ret = (double)r->len;
	return true;
}

static bool
present_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	(void)r;
	(void)scalar;
	*ret = 1;
	return true;
}

static bool
stdvar_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	double mean = 0, mean_c = 0, aux = 0, aux_c = 0;

	(void)scalar;
	for (size_t i = 0; i < r->len; i++) {
		double v = r->sample[i].value, delta = v - (mean + mean_c);

		add_kahan(delta / (double)(i + 1), &mean, &mean_c);
		add_kahan(delta * (v - (mean + mean_c)), &aux, &aux_c);
	}
	*ret = (aux + aux_c) / (double)r->len;
	return true;
}

static bool
stddev_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	stdvar_over_time(r, scalar, ret);
	*ret = sqrt(*ret);
	return true;
}

/* In order of numbers, NaN first. */
static bool
is_before(double a, double b)
{
	return isnan(a) ? !isnan(b) : a < b;
}

static void
sift_down(double *values, size_t root, size_t len)
{
	double v = values[root];

	for (;;) {
		size_t child = 2 * root + 1;

		if (child >= len)
			break;
		if (child + 1 < len && is_before(values[child], values[child + 1]))
			child++;
		if (!is_before(v, values[child]))
			break;
		values[root] = values[child];
		root = child;
	}
	values[root] = v;
}

/* A heap sort: qsort(3) may allocate, and takes its time for what is hostile. */
static void
sort_numbers(double *values, size_t len)
{
	for (size_t i = len / 2; i-- > 0;)
		sift_down(values, i, len);
	for (size_t n = len; n-- > 1;) {
		double v = values[0];

		values[0] = values[n];
		values[n] = v;
		sift_down(values, 0, n);
	}
}

double
expr_quantile(double q, double *values, size_t len)
{
	double rank, lower, upper, weight;

	if (len == 0 || isnan(q))
		return NAN;
	if (q < 0 || q > 1)
		return q < 0 ? -INFINITY : INFINITY;
	sort_numbers(values, len);
	rank = q * (double)(len - 1);
	lower = floor(rank);
	upper = lower + 1 < (double)len ? lower + 1 : (double)(len - 1);
	weight = rank - lower;
	return values[(size_t)lower] * (1 - weight) + values[(size_t)upper] * weight;
}

static bool
quantile_over_time(const struct expr_range *r, const double *scalar, double *ret)
{
	for (size_t i = 0; i < r->len; i++)
		r->scratch[i] = r->sample[i].value;
	*ret = expr_quantile(scalar[0], r->scratch, r->len);
	return true;
}

static double
span_seconds(int64_t from_ms, int64_t to_ms)
{
	return (double)(to_ms - from_ms) / 1000;
}

/* What a counter has gained, resets included. */
static double
sum_increases(const struct expr_range *r)
{
	double sum = r->sample[r->len - 1].value - r->sample[0].value;

	for (size_t i = 1; i < r->len; i++)
		if (r->sample[i].value < r->sample[i - 1].value)
			sum += r->sample[i - 1].value;
	return sum;
}

/* The samples rarely lie on the window's borders; the gain between the first and the last is
 * extended to the border if that is near, else by half a mean interval, and never beyond where a
 * counter would have been zero. */
static double
extrapolate(const struct expr_range *r, double gain, bool counter)
{
	const struct sample *first = &r->sample[0], *last = &r->sample[r->len - 1];
	double to_start = span_seconds(r->start_ms, first->time_ms);
	double to_end = span_seconds(last->time_ms, r->end_ms);
	double sampled = span_seconds(first->time_ms, last->time_ms);
	double mean = sampled / (double)(r->len - 1), near = mean * 1.1, whole = sampled;

	if (counter && gain > 0 && first->value >= 0) {
		double to_zero = sampled * (first->value / gain);

		if (to_zero < to_start)
			to_start = to_zero;
	}
	whole += to_start < near ? to_start : mean / 2;
	whole += to_end < near ? to_end : mean / 2;
	return whole / sampled;
}

static bool
increase(const struct expr_range *r, const double *scalar, double *ret)
{
	double gain = sum_increases(r);

	(void)scalar;
	*ret = gain * extrapolate(r, gain, true);
	return true;
}

static bool
rate(const struct expr_range *r, const double *scalar, double *ret)
{
	double gain = sum_increases(r);

	(void)scalar;
	*ret = gain * (extrapolate(r, gain, true) / span_seconds(r->start_ms, r->end_ms));
	return true;
}

static bool
delta(const struct expr_range *r, const double *scalar, double *ret)
{
	double gain = r->sample[r->len - 1].value - r->sample[0].value;

	(void)scalar;
	*ret = gain * extrapolate(r, gain, false);
	return true;
}

static bool
idelta(const struct expr_range *r, const double *scalar, double *ret)
{
	(void)scalar;
	*ret = r->sample[r->len - 1].value - r->sample[r->len - 2].value;
	return true;
}

static bool
irate(const struct expr_range *r, const double *scalar, double *ret)
{
	const struct sample *last = &r->sample[r->len - 1], *before = last - 1;
	double gain =
	    last->value < before->value ? last->value : last->value - before->value;

	(void)scalar;
	*ret = gain / span_seconds(before->time_ms, last->time_ms);
	return true;
}

static bool
changes(const struct expr_range *r, const double *scalar, double *ret)
{
	unsigned n = 0;

	(void)scalar;
	for (size_t i = 1; i < r->len; i++) {
		double before = r->sample[i - 1].value, now = r->sample[i].value;

		n += now != before && !(isnan(now) && isnan(before));
	}
	*ret = n;
	return true;
}

static bool
resets(const struct expr_range *r, const double *scalar, double *ret)
{
	unsigned n = 0;

	(void)scalar;
	for (size_t i = 1; i < r->len; i++)
		n += r->sample[i].value < r->sample[i - 1].value;
	*ret = n;
	return true;
}

static bool
is_constant(const struct expr_range *r)
{
	for (size_t i = 1; i < r->len; i++)
		if (r->sample[i].value != r->sample[0].value)
			return false;
	return true;
}

struct expr_line
expr_fit_line(const struct expr_range *r, int64_t at_ms)
{
	double x = 0, xc = 0, y = 0, yc = 0, xy = 0, xyc = 0, xx = 0, xxc = 0;
	double n = (double)r->len, slope;

	if (is_constant(r))
		return isinf(r->sample[0].value)
		    ? (struct expr_line){ NAN, NAN }
		    : (struct expr_line){ 0, r->sample[0].value };
	for (size_t i = 0; i < r->len; i++) {
		double t = span_seconds(at_ms, r->sample[i].time_ms),
		       v = r->sample[i].value;

		add_kahan(t, &x, &xc);
		add_kahan(v, &y, &yc);
		add_kahan(t * v, &xy, &xyc);
		add_kahan(t * t, &xx, &xxc);
	}
	x += xc;
	y += yc;
	slope = ((xy + xyc) - x * y / n) / ((xx + xxc) - x * x / n);
	return (struct expr_line){ slope, y / n - slope * x / n };
}

static bool
deriv(const struct expr_range *r, const double *scalar, double *ret)
{
	(void)scalar;
	*ret = expr_fit_line(r, r->sample[0].time_ms).slope;
	return true;
}

static bool
predict_linear(const struct expr_range *r, const double *scalar, double *ret)
{
	struct expr_line l = expr_fit_line(r, r->end_ms);

	*ret = l.slope * scalar[0] + l.intercept;
	return true;
}

/* Double exponential smoothing: of the level by scalar[0], of the trend by scalar[1]. */
static bool
holt_winters(const struct expr_range *r, const double *scalar, double *ret)
{
	double level = r->sample[0].value, before = 0;
	double trend = r->sample[1].value - level;

	if (!(scalar[0] > 0 && scalar[0] < 1 && scalar[1] > 0 && scalar[1] < 1))
		return false;
	for (size_t i = 1; i < r->len; i++) {
		double value = scalar[0] * r->sample[i].value, next;

		if (i > 1)
			trend = scalar[1] * (level - before) + (1 - scalar[1]) * trend;
		next = value + (1 - scalar[0]) * (level + trend);
		before = level;
		level = next;
	}
	*ret = level;
	return true;
}

/* --- of one value ---------------------------------------------------------------------- */

#define MAP(name, expression)                                         \
	static bool name(double v, const double *scalar, double *ret) \
	{                                                             \
		(void)scalar;                                         \
		*ret = (expression);                                  \
		return true;                                          \
	}

/* As in Go, whose Max and Min let an infinity win over NaN, and NaN over all else. */
static double
greater(double a, double b)
{
	if (a == INFINITY || b == INFINITY)
		return INFINITY;
	return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

static double
lesser(double a, double b)
{
	return -greater(-a, -b);
}

static bool
map_clamp(double v, const double *scalar, double *ret)
{
	if (scalar[1] < scalar[0])
		return false;
	*ret = greater(scalar[0], lesser(scalar[1], v));
	return true;
}

MAP(map_abs, fabs(v))
MAP(map_ceil, ceil(v))
MAP(map_floor, floor(v))
MAP(map_round, floor(v *(1 / scalar[0]) + 0.5) / (1 / scalar[0]))
MAP(map_clamp_min, greater(scalar[0], v))
MAP(map_clamp_max, lesser(scalar[0], v))
MAP(map_sgn, v<0 ? -1 : v> 0 ? 1 : v)
MAP(map_sqrt, sqrt(v))
MAP(map_exp, exp(v))
MAP(map_ln, log(v))
MAP(map_log2, log2(v))
MAP(map_log10, log10(v))
MAP(map_same, v)

/* --- the table ------------------------------------------------------------------------- */

#define SAME	   EXPR_UNIT_SAME
#define PER_SECOND EXPR_UNIT_PER_SECOND
#define SECONDS	   EXPR_UNIT_SECONDS
#define NONE	   EXPR_UNIT_NONE

/* clang-format off */
const struct expr_function expr_functions[] = {
	{ "last_over_time", "range", "the newest value in the window", 1, 'v', "r", 1, SAME, .over = last_over_time },
	{ "avg_over_time", "range", "mean of the values in the window", 2, 'v', "r", 1, SAME, .over = avg_over_time },
	{ "min_over_time", "range", "the smallest value in the window", 3, 'v', "r", 1, SAME, .over = min_over_time },
	{ "max_over_time", "range", "the largest value in the window", 4, 'v', "r", 1, SAME, .over = max_over_time },
	{ "sum_over_time", "range", "sum of the values in the window", 5, 'v', "r", 1, SAME, .over = sum_over_time },
	{ "count_over_time", "range", "how many samples the window holds", 6, 'v', "r", 1, NONE, .over = count_over_time },
	{ "stddev_over_time", "range", "standard deviation in the window", 7, 'v', "r", 1, SAME, .over = stddev_over_time },
	{ "stdvar_over_time", "range", "variance in the window", 8, 'v', "r", 1, NONE, .over = stdvar_over_time },
	{ "quantile_over_time", "q, range", "quantile q (0 to 1) of the values in the window", 9, 'v', "sr", 1, SAME, .over = quantile_over_time },
	{ "present_over_time", "range", "1 where the window holds a sample", 10, 'v', "r", 1, NONE, .over = present_over_time },
	{ "rate", "range", "growth of a counter per second", 11, 'v', "r", 2, PER_SECOND, .over = rate },
	{ "irate", "range", "growth of a counter per second between the last two samples", 12, 'v', "r", 2, PER_SECOND, .over = irate },
	{ "increase", "range", "growth of a counter over the window", 13, 'v', "r", 2, SAME, .over = increase },
	{ "delta", "range", "change of a gauge over the window", 14, 'v', "r", 2, SAME, .over = delta },
	{ "idelta", "range", "change between the last two samples", 15, 'v', "r", 2, SAME, .over = idelta },
	{ "deriv", "range", "slope per second by linear regression", 16, 'v', "r", 2, PER_SECOND, .over = deriv },
	{ "predict_linear", "range, seconds", "value so many seconds from now by linear regression", 17, 'v', "rs", 2, SAME, .over = predict_linear },
	{ "changes", "range", "how often the value changed in the window", 18, 'v', "r", 1, NONE, .over = changes },
	{ "resets", "range", "how often a counter fell in the window", 19, 'v', "r", 1, NONE, .over = resets },
	{ "ewma", "range, alpha", "mean with the weight alpha for the newer value; unknown unless 0 < alpha <= 1", 20, 'v', "rs", 1, SAME, .over = expr_ewma, .fog = true },
	{ "time_to", "range, threshold", "seconds until the trend meets the threshold; unknown while level or moving away", 21, 'v', "rs", 2, SECONDS, .over = expr_time_to, .fog = true },
	{ "holt_winters", "range, level, trend", "double exponential smoothing; unknown unless both factors are between 0 and 1", 22, 'v', "rss", 2, SAME, .over = holt_winters },
	{ "median_over_time", "range", "the value in the middle", 24, 'v', "r", 1, SAME, .over = expr_median, .fog = true },
	{ "hysteresis", "range, raise, clear[, seconds]", "1 once the value has been at raise for so many seconds (0), 0 once it is at clear; unknown before", 25, 'v', "rssZ", 1, NONE, .over = expr_hysteresis, .fog = true, .ends = true },
	{ "for_duration", "range", "for how many seconds the value has not been 0; unknown once the series has ended", 26, 'v', "r", 1, SECONDS, .over = expr_for_duration, .fog = true, .ends = true },
	{ "time_above", "range, threshold", "for how many seconds the value has been above; unknown once the series has ended", 27, 'v', "rs", 1, SECONDS, .over = expr_time_above, .fog = true, .ends = true },
	{ "time_below", "range, threshold", "for how many seconds the value has been below; unknown once the series has ended", 28, 'v', "rs", 1, SECONDS, .over = expr_time_below, .fog = true, .ends = true },
	{ "availability", "range", "share of the time since the first sample in the window in which the value was known and not 0", 29, 'v', "r", 1, NONE, .over = expr_availability, .fog = true, .ends = true },
	{ "abs", "values", "absolute value", 32, 'v', "v", 0, SAME, .map = map_abs },
	{ "ceil", "values", "rounded up", 33, 'v', "v", 0, SAME, .map = map_ceil },
	{ "floor", "values", "rounded down", 34, 'v', "v", 0, SAME, .map = map_floor },
	{ "round", "values[, to]", "rounded to the nearest multiple (of 1)", 35, 'v', "vS", 0, SAME, .map = map_round },
	{ "clamp", "values, min, max", "kept between min and max; unknown if max is below min", 36, 'v', "vss", 0, SAME, .map = map_clamp },
	{ "clamp_min", "values, min", "kept at min or above", 37, 'v', "vs", 0, SAME, .map = map_clamp_min },
	{ "clamp_max", "values, max", "kept at max or below", 38, 'v', "vs", 0, SAME, .map = map_clamp_max },
	{ "sgn", "values", "the sign: -1, 0 or 1", 39, 'v', "v", 0, NONE, .map = map_sgn },
	{ "sqrt", "values", "square root", 40, 'v', "v", 0, NONE, .map = map_sqrt },
	{ "exp", "values", "e to the power of the value", 41, 'v', "v", 0, NONE, .map = map_exp },
	{ "ln", "values", "natural logarithm", 42, 'v', "v", 0, NONE, .map = map_ln },
	{ "log2", "values", "binary logarithm", 43, 'v', "v", 0, NONE, .map = map_log2 },
	{ "log10", "values", "decimal logarithm", 44, 'v', "v", 0, NONE, .map = map_log10 },
	{ "scalar", "values", "the only value as a number; NaN if there is not exactly one", 45, 's', "v", 0, SAME, .map = map_same },
	{ "vector", "number", "the number as a value without labels", 46, 'v', "s", 0, SAME, .map = map_same },
	{ "score", "values, worst, best", "0 at worst or beyond, 1 at best or beyond, straight between; unknown if they are the same", 47, 'v', "vss", 0, NONE, .map = expr_score, .fog = true },
	{ .name = NULL },
};
/* clang-format on */
