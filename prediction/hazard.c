/* SPDX-License-Identifier: Apache-2.0
 *
 * "hazard": is it likely enough that the event starts within each lead?
 *
 *   kalman      level and slope                            prediction/kalman.h
 *   volatility  around a level, and over any lead           prediction/volatility.h
 *   bank        lines of five memories, weighed at the lead  prediction/bank.h
 *   recurrence  events so far, and at which time of the day   prediction/recurrence.h
 *   features -> logistic probability of each lead -> alarm     prediction/hazard.h
 *   first passage of the trend -> time to the threshold         prediction/passage.h
 *
 * Inside, a value is its margin to the threshold as a share of the plausible range: positive is fine,
 * and both sides of a threshold are the same thing. Time counts in nominal periods. */
#include "prediction/hazard.h"
#include "prediction/bank.h"
#include "prediction/kalman.h"
#include "prediction/passage.h"
#include "prediction/recurrence.h"
#include "prediction/volatility.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define SAMPLES_MIN  4	    /* before that it has nothing to say */
#define FAST_RATE    0.05f  /* of the recent mean */
#define SLOW_RATE    0.004f /* of what is normal */
#define NOISE_FLOOR  0.002f /* of the range */
#define SMALL	     0.001f
#define SMALLER	     0.0005f
#define MARGIN_MAX   1e3 /* ranges: what is further off is so far off */
#define STEPS_MIN    1e-3f
#define STEPS_MAX    1e4f
#define GAP_PERIODS  10	  /* without a sample: no recent data */
#define WINDOW_LEADS 3	  /* long leads before an event, an alarm is of use */
#define SEARCH	     40	  /* such windows that a time to the threshold is looked for in */
#define COST	     0.1  /* that the table of alarms is for */
#define ALARM_OFF    0.7f /* of the probability that raised it */
#define RECURS	     0.5f /* of the days, to count */
#define RECURS_TRUST 0.9f

enum pause { AT_START, AFTER_GAP, AFTER_CLOCK }; /* why there is no answer yet */

struct hazard {
	double threshold, scale; /* margin = (threshold - value) * scale */
	int64_t last_ms, origin_ms, period_ms;
	float period_s, hold_s, lead[PREDICTOR_LEADS]; /* leads in periods */
	float alarm_at;
	uint32_t samples;
	uint16_t young; /* samples since the trend was started, after a gap maybe */
	uint8_t class, pause;
	int8_t sign;
	bool alarm, forecasts_only;
	float margin; /* newest */
	struct kalman kalman;
	struct ewma fast, slow;
	struct bank bank;
	struct volatility volatility;
	struct recurrence recurrence;
	struct experts experts[2]; /* at the needed and at the long lead */
};
static_assert(sizeof(struct hazard) <= 512, "the state of a watch is small");

/* --- samples ------------------------------------------------------------------------------ */

static float
alarm_threshold(enum predictor_class class, double cost)
{
	double at = hazard_alarm[class], odds;

	if (!(cost > 0))
		return (float)at;
	odds = at / (1 - at) * (cost / COST);
	return (float)(odds / (1 + odds));
}

static float
periods(const struct hazard *s, int64_t ms)
{
	float k = (float)ms * 1e-3f / s->period_s;

	return k > STEPS_MIN ? (k < STEPS_MAX ? k : STEPS_MAX) : STEPS_MIN;
}

static int32_t
seconds(const struct hazard *s, int64_t time_ms)
{
	int64_t t = (time_ms - s->origin_ms) / 1000;

	return (int32_t)(t > INT32_MAX / 2 ? INT32_MAX / 2
		: t < INT32_MIN / 2	   ? INT32_MIN / 2
					   : t);
}

static void
hazard_init(void *state, const struct predictor_setup *setup)
{
	struct hazard *s = state;
	double range = setup->high - setup->low;

	memset(s, 0, sizeof *s);
	s->forecasts_only = isnan(setup->threshold);
	s->threshold = s->forecasts_only ? 0 : setup->threshold;
	s->sign = setup->sign < 0 ? -1 : 1;
	s->scale =
	    range > 0 && isfinite(range) && isfinite(1 / range) ? s->sign / range : 0;
	s->class = setup->class;
	s->period_ms = setup->period_ms > 0 ? setup->period_ms : 1;
	s->period_s = (float)s->period_ms * 1e-3f;
	s->hold_s = (float)(setup->hold_ms > 0 ? setup->hold_ms : 1) * 1e-3f;
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		s->lead[i] = periods(s, setup->lead_ms[i]);
	s->alarm_at = alarm_threshold(setup->class, setup->cost);
}

static void
recall_experts(const struct hazard *s, struct bank_line said[BANK_EXPERTS])
{
	said[EXPERT_LAST] = (struct bank_line){ .level = s->margin };
	said[EXPERT_MEAN] = (struct bank_line){ .level = s->slow.mean };
	memcpy(&said[EXPERT_LINE], s->bank.line, sizeof s->bank.line);
	said[EXPERT_KALMAN] = (struct bank_line){ s->kalman.level, s->kalman.slope };
}

static void
judge_experts(struct hazard *s, float margin, int64_t elapsed_ms)
{
	struct bank_line said[BANK_EXPERTS];

	for (int i = 0; i < 2; i++) {
		struct experts *x = &s->experts[i];
		float lead = s->lead[LEAD_NEEDED + i];

		if (x->left_ms > elapsed_ms) {
			x->left_ms -= (int32_t)elapsed_ms;
			continue;
		}
		if (s->young)
			experts_score(x, margin);
		recall_experts(s, said);
		experts_ask(x, said, (int32_t)(lead * s->period_s * 1e3f + 0.5f), lead);
	}
}

static void
start_trend(struct hazard *s, float margin)
{
	float noise = s->kalman.noise;

	kalman_start(&s->kalman, margin);
	s->kalman.noise = noise;
	bank_start(&s->bank, margin);
	volatility_bridge(&s->volatility, margin);
	for (int i = 0; i < 2; i++)
		s->experts[i].left_ms = 0;
	s->young = 0;
}

static void
follow_trend(struct hazard *s, float margin, float steps)
{
	kalman_update(&s->kalman, margin, steps, s->samples);
	bank_update(&s->bank, margin, steps, s->young + 1u);
}

/* Of a plausible range that is none, the first sample makes one. */
static float
find_margin(struct hazard *s, double value)
{
	double margin;

	if (s->scale == 0) {
		if (s->forecasts_only)
			s->threshold = value;
		margin = fmax(fabs(value), fabs(s->threshold));
		s->scale = s->sign / (margin > 1e-290 ? margin : 1);
	}
	margin = (s->threshold - value) * s->scale;
	return (float)fmax(-MARGIN_MAX, fmin(MARGIN_MAX, margin));
}

/* Time since the last sample; what a gap or a step of the clock makes worthless is forgotten. 0: the
 * sample is not a new one. */
static int64_t
pass_time(struct hazard *s, int64_t time_ms, float margin)
{
	int64_t elapsed_ms = time_ms - s->last_ms, gap_ms = GAP_PERIODS * s->period_ms;

	if (!s->samples || elapsed_ms > gap_ms) {
		s->pause = s->samples ? AFTER_GAP : AT_START;
		start_trend(s, margin);
	} else if (elapsed_ms < -gap_ms) {
		s->pause = AFTER_CLOCK;
		start_trend(s, margin);
		recurrence_forget_times(&s->recurrence);
		return s->period_ms;
	} else if (elapsed_ms <= 0) {
		return 0;
	}
	return s->samples ? elapsed_ms : 1;
}

static void
hazard_update(void *state, int64_t time_ms, double value)
{
	struct hazard *s = state;
	int64_t elapsed_ms;
	float margin, steps;

	if (!isfinite(value))
		return;
	if (!s->samples)
		s->origin_ms = time_ms;
	margin = find_margin(s, value);
	elapsed_ms = pass_time(s, time_ms, margin);
	if (!elapsed_ms)
		return;
	steps = periods(s, elapsed_ms);
	if (s->young)
		follow_trend(s, margin, steps);
	ewma_update(&s->fast, margin, FAST_RATE, s->samples);
	ewma_update(&s->slow, margin, SLOW_RATE, s->samples);
	volatility_update(&s->volatility, margin, s->samples + 1);
	recurrence_update(&s->recurrence, seconds(s, time_ms), margin <= 0,
	    (float)(s->young ? elapsed_ms : 0) * 1e-3f,
	    expf(-steps * s->period_s / s->hold_s));
	s->margin = margin;
	judge_experts(s, margin, elapsed_ms);
	s->last_ms = time_ms;
	s->samples += s->samples < UINT32_MAX;
	s->young += s->young < UINT16_MAX;
}

/* --- features ------------------------------------------------------------------------------ */

static float
clamp(float v, float low, float high)
{
	return fminf(fmaxf(v, low), high);
}

struct outlook { /* at one lead */
	float steps;
	float margin, slope; /* of the experts; slope: towards the threshold, a step */
	float miss;	     /* of the experts, mean */
	float sd;	     /* of a change over the lead */
};

static struct outlook
look_ahead(const struct hazard *s, enum predictor_lead lead)
{
	struct outlook o = { .steps = s->lead[lead] };
	struct bank_line said[BANK_EXPERTS], mix;

	recall_experts(s, said);
	mix = experts_mix(&s->experts[lead == LEAD_LONG], said, SMALL, &o.miss);
	o.margin = mix.level;
	o.slope = -mix.slope;
	o.sd = volatility_over(&s->volatility, o.steps, s->samples, NOISE_FLOOR);
	return o;
}

static struct passage
find_passage(const struct outlook *o)
{
	return (struct passage){ .margin = fmaxf(o->margin, 0),
		.drift = o->slope,
		.sd = o->sd / sqrtf(fmaxf(o->steps, 1)),
		.chance = 1 };
}

static void
find_features(const struct hazard *s, const struct outlook *o, float f[HAZARD_FEATURES])
{
	const struct kalman *l = &s->kalman;
	float k = o->steps;
	struct passage passage = find_passage(o);

	f[FEATURE_Z0] = clamp(s->margin / o->sd, -2, 12);
	f[FEATURE_ZMIX] = clamp((o->margin - k * o->slope) / o->sd, -6, 12);
	f[FEATURE_ZSTAT] = clamp(s->slow.mean / (sqrtf(s->slow.var) + SMALL), -4, 12);
	f[FEATURE_LOGHAZ] =
	    recurrence_rate(&s->recurrence, s->lead[LEAD_NEEDED] * s->period_s);
	f[FEATURE_MARGIN] = clamp(20 * s->margin, 0, 20);
	f[FEATURE_FPT] = (float)passage_by(&passage, k);
	f[FEATURE_KZ] = clamp(
	    (l->level + k * l->slope) / (sqrtf(kalman_variance(l, k)) + SMALLER), -4, 8);
	f[FEATURE_EZ] = clamp(s->fast.mean / (sqrtf(s->fast.var) + SMALLER), -4, 8);
}

void
hazard_features(const void *state, enum predictor_lead lead, float ret[HAZARD_FEATURES])
{
	const struct hazard *s = state;
	struct outlook o = look_ahead(s, lead);

	find_features(s, &o, ret);
}

/* --- answers ------------------------------------------------------------------------------- */

static float
find_probability(
    const struct hazard *s, const struct outlook *o, enum predictor_lead lead)
{
	const float *w = hazard_weights[s->class][lead];
	float f[HAZARD_FEATURES], score = w[HAZARD_FEATURES], recurs, p;
	float lead_s = o->steps * s->period_s;

	find_features(s, o, f);
	for (int i = 0; i < HAZARD_FEATURES; i++)
		score += w[i] * f[i];
	p = 1 / (1 + expf(-score));
	recurs =
	    recurrence_today(&s->recurrence, seconds(s, s->last_ms), lead_s, s->period_s);
	if (recurs >= RECURS)
		p = 1 - (1 - p) * (1 - RECURS_TRUST * fminf(recurs, 1));
	return p;
}

static void
find_times(const struct hazard *s, const struct outlook *o, struct prediction *ret)
{
	struct passage p = find_passage(o);
	double limit = SEARCH * WINDOW_LEADS * o->steps, scale = o->steps;
	double low, mid, high;

	if (o->margin < 0)
		p.margin = fmaxf(s->margin, 0);
	low = passage_quantile(&p, 0.1, scale, limit);
	mid = passage_quantile(&p, 0.5, scale, limit);
	high = passage_quantile(&p, 0.9, scale, limit);
	if (p.drift > 0)
		mid = fmin(mid, p.margin / p.drift);
	ret->time_to_s = mid * s->period_s;
	ret->low_s = fmin(low, mid) * s->period_s;
	ret->high_s = fmax(high, mid) * s->period_s;
}

static const char *const pauses[] = {
	[AT_START] = "too few samples yet",
	[AFTER_GAP] = "learning again after a gap in the data",
	[AFTER_CLOCK] = "learning again after a step of the clock",
};

/* Off while it is in an event: what was foreseen is there. */
static bool
judge_alarm(const struct hazard *s, float p)
{
	if (s->recurrence.in_event)
		return false;
	return p >= (s->alarm ? ALARM_OFF : 1) * s->alarm_at;
}

static void
say_nothing(struct hazard *s, struct prediction *ret, const char *why)
{
	s->alarm = false;
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		ret->within[i] = NAN;
	ret->time_to_s = ret->low_s = ret->high_s = NAN;
	ret->reason = why;
}

static void
hazard_predict(void *state, int64_t now_ms, struct prediction *ret)
{
	struct hazard *s = state;
	struct outlook o = { 0 };
	float p = 0;

	*ret = (struct prediction){ .samples = s->samples, .reason = "" };
	if (s->forecasts_only)
		return say_nothing(s, ret, "no threshold");
	if (s->young <= SAMPLES_MIN)
		return say_nothing(s, ret, pauses[s->pause]);
	if (now_ms - s->last_ms > GAP_PERIODS * s->period_ms)
		return say_nothing(s, ret, "no recent data");
	for (int i = 0; i < PREDICTOR_LEADS; i++) {
		o = look_ahead(s, i);
		p = fmaxf(p, find_probability(s, &o, i));
		ret->within[i] = p;
	}
	find_times(s, &o, ret);
	s->alarm = ret->alarm = judge_alarm(s, p);
}

const struct predictor predictor_hazard = {
	.name = "hazard",
	.help =
	    "probability from trend, volatility, history and time of the day, by class",
	.state_size = sizeof(struct hazard),
	.init = hazard_init,
	.update = hazard_update,
	.predict = hazard_predict,
};
