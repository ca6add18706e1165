/* SPDX-License-Identifier: Apache-2.0
 *
 * "threshold": no foresight at all. It alarms when the value is within a twentieth of the plausible
 * range of the threshold, and goes on until it is a tenth away. For metrics that cannot be predicted, and
 * as what others are measured against. Inputs: the newest value. */
#include "prediction/predictor.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define NEAR	    0.05 /* of the range */
#define FAR	    0.1
#define GAP_PERIODS 10

struct threshold {
	double threshold, near, far, value;
	int64_t last_ms, gap_ms;
	uint32_t samples;
	int8_t sign;
	bool alarm;
};
static_assert(sizeof(struct threshold) <= 64, "next to nothing");

static void
threshold_init(void *state, const struct predictor_setup *setup)
{
	struct threshold *s = state;
	double range = setup->high - setup->low;

	memset(s, 0, sizeof *s);
	s->threshold = setup->threshold;
	s->sign = setup->sign < 0 ? -1 : 1;
	s->near = range > 0 && isfinite(range) ? NEAR * range : 0;
	s->far = range > 0 && isfinite(range) ? FAR * range : 0;
	s->gap_ms = GAP_PERIODS * (setup->period_ms > 0 ? setup->period_ms : 1);
}

static void
threshold_update(void *state, int64_t time_ms, double value)
{
	struct threshold *s = state;

	if (!isfinite(value))
		return;
	s->value = value;
	s->last_ms = time_ms;
	s->samples += s->samples < UINT32_MAX;
}

static double
margin(const struct threshold *s)
{
	return s->sign * (s->threshold - s->value);
}

static const char *
find_pause(const struct threshold *s, int64_t now_ms)
{
	if (isnan(s->threshold))
		return "no threshold";
	if (!s->samples)
		return "too few samples yet";
	return now_ms - s->last_ms > s->gap_ms ? "no recent data" : "";
}

/* What it cannot know is none or all: only an alarm is to be read from it. */
static void
threshold_predict(void *state, int64_t now_ms, struct prediction *ret)
{
	struct threshold *s = state;
	double within = NAN, time_s = NAN;

	*ret = (struct prediction){ .samples = s->samples };
	ret->reason = find_pause(s, now_ms);
	if (*ret->reason) {
		s->alarm = false;
	} else {
		s->alarm = margin(s) > 0 && margin(s) <= (s->alarm ? s->far : s->near);
		within = s->alarm || margin(s) <= 0;
		time_s = margin(s) <= 0 ? 0 : INFINITY;
	}
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		ret->within[i] = within;
	ret->time_to_s = ret->low_s = ret->high_s = time_s;
	ret->alarm = s->alarm;
}

static size_t
threshold_inputs(const void *state, struct predictor_input dst[PREDICTOR_INPUTS_MAX])
{
	const struct threshold *s = state;

	if (!s->samples)
		return 0;
	dst[0] = (struct predictor_input){ "value", s->value };
	return 1;
}

const struct predictor predictor_threshold = {
	.name = "threshold",
	.help = "no foresight: alarm near the threshold, with hysteresis",
	.state_size = sizeof(struct threshold),
	.init = threshold_init,
	.update = threshold_update,
	.predict = threshold_predict,
	.inputs = threshold_inputs,
};
