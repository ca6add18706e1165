/* SPDX-License-Identifier: Apache-2.0
 *
 * "smoothing": exponential smoothing of level and slope with a slope that dies away (Holt 1957; Gardner
 * and McKenzie 1985), and first passage with what its forecasts of a step missed. Simple and easy to
 * follow; "hazard" knows more. Inputs: level, slope and sd of a step. */
#include "prediction/passage.h"
#include "prediction/predictor.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define LEVEL_RATE  0.3
#define SLOPE_RATE  0.05
#define MISS_RATE   0.05
#define LASTING	    0.98 /* of a slope, a step */
#define SAMPLES_MIN 8
#define GAP_PERIODS 10
#define SEARCH	    40 /* long leads that a time to the threshold is looked for in */
#define SCALE_MAX   1e150
#define ALARM	    0.5 /* within the needed lead, when a needless move costs a tenth */
#define ALARM_OFF   0.7 /* of that */
#define COST	    0.1

struct smoothing {
	double threshold, level, slope, miss2; /* a step: a period */
	int64_t last_ms, period_ms;
	float lead[PREDICTOR_LEADS]; /* steps */
	float alarm_at;
	uint32_t samples;
	int8_t sign;
	bool alarm, after_gap;
};
static_assert(sizeof(struct smoothing) <= 96, "small");

static void
smoothing_init(void *state, const struct predictor_setup *setup)
{
	struct smoothing *s = state;
	double odds = setup->cost > 0 ? setup->cost / COST : 1;

	memset(s, 0, sizeof *s);
	s->threshold = setup->threshold;
	s->sign = setup->sign < 0 ? -1 : 1;
	s->period_ms = setup->period_ms > 0 ? setup->period_ms : 1;
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		s->lead[i] = (float)setup->lead_ms[i] / (float)s->period_ms;
	odds *= ALARM / (1 - ALARM);
	s->alarm_at = (float)(odds / (1 + odds));
}

/* How far a slope of one goes in so many steps while it dies away. */
static double
reach(double steps)
{
	return LASTING * (1 - pow(LASTING, steps)) / (1 - LASTING);
}

static void
start_anew(struct smoothing *s, double value, bool after_gap)
{
	s->level = value;
	s->slope = s->miss2 = 0;
	s->samples = 1;
	s->after_gap = after_gap;
}

static void
follow(struct smoothing *s, double value, double steps)
{
	double lasting = pow(LASTING, steps), expected, e;
	double level = 1 - pow(1 - LEVEL_RATE, steps);
	double slope = 1 - pow(1 - SLOPE_RATE, steps), rate;

	expected = s->level + reach(steps) * s->slope;
	e = value - expected;
	s->level = expected + fmax(level, 1.0 / s->samples) * e;
	s->slope =
	    lasting * s->slope + fmax(slope, 1.0 / s->samples) * e / fmax(steps, 0.1);
	rate = fmax(MISS_RATE, 1.0 / s->samples);
	s->miss2 += rate * (e * e / fmax(steps, 0.1) - s->miss2);
	s->samples += s->samples < UINT32_MAX;
}

static void
smoothing_update(void *state, int64_t time_ms, double value)
{
	struct smoothing *s = state;
	int64_t elapsed_ms = time_ms - s->last_ms, gap_ms = GAP_PERIODS * s->period_ms;

	if (!isfinite(value))
		return;
	value = fmax(-SCALE_MAX, fmin(SCALE_MAX, value));
	if (!s->samples)
		start_anew(s, value, false);
	else if (elapsed_ms > gap_ms || elapsed_ms < -gap_ms)
		start_anew(s, value, true);
	else if (elapsed_ms > 0)
		follow(s, value, (double)elapsed_ms / (double)s->period_ms);
	else
		return;
	s->last_ms = time_ms;
}

static const char *
find_pause(const struct smoothing *s, int64_t now_ms)
{
	if (isnan(s->threshold))
		return "no threshold";
	if (s->samples < SAMPLES_MIN)
		return s->after_gap ? "learning again after a gap in the data"
				    : "too few samples yet";
	return now_ms - s->last_ms > GAP_PERIODS * s->period_ms ? "no recent data" : "";
}

/* With the mean slope of the time to come. */
static struct passage
find_passage(const struct smoothing *s, double steps)
{
	return (struct passage){ .margin = s->sign * (s->threshold - s->level),
		.drift = s->sign * s->slope * reach(fmax(steps, 1)) / fmax(steps, 1),
		.sd = sqrt(s->miss2),
		.chance = 1 };
}

static double
smoothing_by(const void *state, int64_t now_ms, int64_t within_ms)
{
	const struct smoothing *s = state;
	double steps = (double)within_ms / (double)s->period_ms;
	struct passage p;

	if (*find_pause(s, now_ms))
		return NAN;
	p = find_passage(s, s->lead[LEAD_NEEDED]);
	return passage_by(&p, steps);
}

static void
find_times(const struct smoothing *s, struct prediction *ret)
{
	struct passage p = find_passage(s, s->lead[LEAD_NEEDED]);
	double scale = fmax(s->lead[LEAD_NEEDED], 1), limit = SEARCH * scale;
	double period_s = (double)s->period_ms / 1e3;

	ret->time_to_s = passage_quantile(&p, 0.5, scale, limit) * period_s;
	ret->low_s = passage_quantile(&p, 0.1, scale, limit) * period_s;
	ret->high_s = passage_quantile(&p, 0.9, scale, limit) * period_s;
}

static void
smoothing_predict(void *state, int64_t now_ms, struct prediction *ret)
{
	struct smoothing *s = state;

	*ret = (struct prediction){ .samples = s->samples };
	ret->reason = find_pause(s, now_ms);
	for (int i = 0; i < PREDICTOR_LEADS; i++) {
		int64_t lead_ms = (int64_t)(s->lead[i] * (float)s->period_ms);

		ret->within[i] = smoothing_by(s, now_ms, lead_ms);
		if (i && ret->within[i] < ret->within[i - 1])
			ret->within[i] = ret->within[i - 1];
	}
	ret->time_to_s = ret->low_s = ret->high_s = NAN;
	if (!*ret->reason)
		find_times(s, ret);
	s->alarm = s->sign * (s->threshold - s->level) > 0 &&
	    ret->within[LEAD_NEEDED] >= (s->alarm ? ALARM_OFF : 1) * s->alarm_at;
	ret->alarm = s->alarm;
}

static size_t
smoothing_inputs(const void *state, struct predictor_input dst[PREDICTOR_INPUTS_MAX])
{
	const struct smoothing *s = state;

	if (!s->samples)
		return 0;
	dst[0] = (struct predictor_input){ "level", s->level };
	dst[1] =
	    (struct predictor_input){ "slope", s->slope * 1e3 / (double)s->period_ms };
	dst[2] = (struct predictor_input){ "sd", sqrt(s->miss2) };
	return 3;
}

static void
smoothing_forecast(const void *state, size_t steps, double (*ret)[PREDICTOR_QUANTILES])
{
	static const double z[PREDICTOR_QUANTILES] = { -1.645, -0.674, 0, 0.674, 1.645 };
	const struct smoothing *s = state;

	for (size_t i = 0; i < steps; i++) {
		double h = (double)(i + 1), middle = s->level + reach(h) * s->slope;

		for (int q = 0; q < PREDICTOR_QUANTILES; q++)
			ret[i][q] = middle + z[q] * sqrt(s->miss2 * h);
	}
}

const struct predictor predictor_smoothing = {
	.name = "smoothing",
	.help =
	    "exponential smoothing with a damped slope, first passage of what it misses",
	.state_size = sizeof(struct smoothing),
	.init = smoothing_init,
	.update = smoothing_update,
	.predict = smoothing_predict,
	.by = smoothing_by,
	.inputs = smoothing_inputs,
	.forecast = smoothing_forecast,
};
