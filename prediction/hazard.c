/* SPDX-License-Identifier: Apache-2.0
 *
 * "hazard": is it likely enough that the event starts within each lead?
 *
 *   kalman      level and slope                            prediction/kalman.h
 *   volatility  around a level, and over any lead           prediction/volatility.h
 *   bank        lines of five memories, weighed at the lead  prediction/bank.h
 *   recurrence  events so far, and at which time of the day   prediction/recurrence.h
 *   features -> logistic probability of each lead -> alarm     prediction/hazard.h
 *   first passage, probabilities -> time to the threshold         prediction/hazard_times.c
 *
 * Inside, a value is its margin to the threshold as a share of the plausible range: positive is fine,
 * and both sides of a threshold are the same thing. Time counts in nominal periods. */
#include "prediction/hazard.h"
#include "prediction/bank.h"
#include "prediction/kalman.h"
#include "prediction/passage.h"
#include "prediction/recurrence.h"
#include "prediction/volatility.h"
#include "prediction/minmax.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define SAMPLES_MIN	4      /* before that it has nothing to say */
#define FAST_RATE	0.05f  /* of the recent mean */
#define SLOW_RATE	0.004f /* of what is normal */
#define NOISE_FLOOR	0.002f /* of the range */
#define SMALL		0.001f
#define SMALLER		0.0005f
#define TINY		1e-9f
#define MARGIN_MAX	1e3 /* ranges: what is further off is so far off */
#define STEPS_MIN	1e-3f
#define STEPS_MAX	1e4f
#define LEAD_MAX_MS	2e9f /* 23 days */
#define GAP_PERIODS	10   /* without a sample: no recent data */
#define WINDOW_LEADS	3    /* long leads before an event, an alarm is of use */
#define SEARCH		120 /* long leads that a time to the threshold is looked for in */
#define NEAREST		0.05f /* twentieths of the range: nearer is as near */
#define COST		0.1   /* that the table of alarms is for */
#define ALARM_OFF	0.4f  /* of the probability that raised it */
#define SCORES_MIN	2     /* forecasts that came due, before their misses count */
#define DEVIATION_TO_SD 1.2533f
#define MISS_TO_SD	(2 * DEVIATION_TO_SD)
#define CHANCE_ERROR	1e-4 /* of a first passage that is nearly sure */
#define RECURS		0.5f /* of the days, to count */
#define RECURS_TRUST	0.9f

enum pause { AT_START, AFTER_GAP, AFTER_CLOCK }; /* why there is no answer yet */

struct hazard {
	double threshold, scale; /* margin = (threshold - value) * scale */
	int64_t last_ms, origin_ms, period_ms;
	float period_s, hold_s, lead[HAZARD_HEADS]; /* leads in periods */
	float doublings[HAZARD_HEADS];		    /* logarithms of them */
	float alarm_at;
	uint32_t samples;
	uint16_t young; /* samples since the trend was started, after a gap maybe */
	uint8_t class, pause;
	int8_t sign;
	bool alarm, forecasts_only;
	float margin; /* newest */
	struct kalman kalman;
	struct ewma fast, slow;
	struct lean lean; /* up: towards the threshold */
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

static void
take_lead(struct hazard *s, int i, int64_t ms)
{
	s->lead[i] = periods(s, ms);
	s->doublings[i] = log2f(s->lead[i]);
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
		take_lead(s, i, setup->lead_ms[i]);
	s->lead[HEAD_WINDOW] = smaller_of(WINDOW_LEADS * s->lead[LEAD_LONG], STEPS_MAX);
	s->doublings[HEAD_WINDOW] = log2f(s->lead[HEAD_WINDOW]);
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
		float lead = s->lead[LEAD_NEEDED + i], lead_ms;

		if (x->left_ms > elapsed_ms) {
			x->left_ms -= (int32_t)elapsed_ms;
			continue;
		}
		if (s->young)
			experts_score(x, margin);
		recall_experts(s, said);
		lead_ms = smaller_of(lead * s->period_s * 1e3f + 0.5f, LEAD_MAX_MS);
		experts_ask(x, said, (int32_t)lead_ms, lead);
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
	return (float)(margin > -MARGIN_MAX ? margin < MARGIN_MAX ? margin : MARGIN_MAX
					    : -MARGIN_MAX);
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
	if (s->young) {
		follow_trend(s, margin, steps);
		lean_update(&s->lean, s->margin - margin, s->samples);
	}
	ewma_update(&s->fast, margin, FAST_RATE, s->samples);
	ewma_update(&s->slow, margin, SLOW_RATE, s->samples);
	volatility_update(&s->volatility, margin, s->samples + 1);
	recurrence_update(&s->recurrence, seconds(s, time_ms), margin <= 0,
	    s->young ? (float)elapsed_ms * 1e-3f : 0, s->hold_s);
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
	return smaller_of(larger_of(v, low), high);
}

struct mixture {	     /* of the experts, weighed at one lead */
	float margin, slope; /* slope: towards the threshold, a step */
	float miss;	     /* mean; 0: not known yet */
};
struct outlook { /* at one lead */
	float steps, doublings;
	struct mixture mix;
	float sd; /* of a change over the lead */
};
enum { AT_NEEDED, AT_LONG };

static struct mixture
mix_experts(const struct hazard *s, int at)
{
	struct bank_line said[BANK_EXPERTS], mix;
	struct mixture m;

	recall_experts(s, said);
	mix = experts_mix(&s->experts[at], said, SMALL, &m.miss);
	m.margin = mix.level;
	m.slope = -mix.slope;
	return m;
}

static float
change_over(const struct hazard *s, int lead)
{
	return volatility_over(
	    &s->volatility, s->doublings[lead], s->samples, NOISE_FLOOR);
}

/* At the short lead, the experts are those of the needed one. */
static void
look_ahead(const struct hazard *s, struct outlook o[HAZARD_HEADS])
{
	struct mixture needed = mix_experts(s, AT_NEEDED);

	for (int i = 0; i < HAZARD_HEADS; i++)
		o[i] = (struct outlook){ s->lead[i], s->doublings[i], needed,
			change_over(s, i) };
	o[LEAD_LONG].mix = o[HEAD_WINDOW].mix = mix_experts(s, AT_LONG);
}

/* Those that are the same for all leads. */
static void
find_common_features(const struct hazard *s, float f[HAZARD_FEATURES])
{
	f[FEATURE_ZSTAT] = clamp(s->slow.mean / (sqrtf(s->slow.var) + SMALL), -4, 12);
	f[FEATURE_LOGHAZ] =
	    recurrence_rate(&s->recurrence, s->lead[LEAD_NEEDED] * s->period_s);
	f[FEATURE_MARGIN] = clamp(20 * s->margin, 0, 20);
	f[FEATURE_EZ] = clamp(s->fast.mean / (sqrtf(s->fast.var) + SMALLER), -4, 8);
	f[FEATURE_ROUGH] = volatility_roughness(&s->volatility, s->slow.var, NOISE_FLOOR);
	f[FEATURE_HAD] = s->recurrence.entries > 0;
	f[FEATURE_LEAN] = lean_up(&s->lean, NOISE_FLOOR);
	f[FEATURE_NEAR] = logf(f[FEATURE_MARGIN] + NEAREST);
}

static void
find_features(
    const struct hazard *s, const struct outlook *o, int head, float f[HAZARD_FEATURES])
{
	const float *steps = hazard_steps[s->class][head];
	const struct kalman *l = &s->kalman;
	float k = o->steps, sd = o->sd / sqrtf(larger_of(k, 1)), unit = 1 / o->sd;
	float slope = o->mix.slope;

	f[FEATURE_Z0] = clamp(s->margin * unit, -2, 12);
	f[FEATURE_ZMIX] = clamp((o->mix.margin - k * o->mix.slope) * unit, -6, 12);
	f[FEATURE_FPT] = passage_chance(o->mix.margin, o->mix.slope, sd, k);
	f[FEATURE_KZ] = clamp(
	    (l->level + k * l->slope) / (sqrtf(kalman_variance(l, k)) + SMALLER), -4, 8);
	f[FEATURE_DRIFT] = clamp(k * slope * unit, -2, 2);
	f[FEATURE_REACH] = clamp(o->mix.margin / (larger_of(slope, TINY) * k), 0, 20);
	f[FEATURE_STEPS] = clamp(o->doublings, steps[0], steps[1]);
	f[FEATURE_RENEWAL] = recurrence_renewal(
	    &s->recurrence, seconds(s, s->last_ms), k * s->period_s, s->period_s);
}

void
hazard_features(const void *state, int lead, float ret[HAZARD_FEATURES])
{
	const struct hazard *s = state;
	struct outlook o[HAZARD_HEADS];

	look_ahead(s, o);
	find_common_features(s, ret);
	find_features(s, &o[lead], lead, ret);
}

/* --- answers ------------------------------------------------------------------------------- */

static float
recurs_within(const struct hazard *s, float lead_s)
{
	float share =
	    recurrence_today(&s->recurrence, seconds(s, s->last_ms), lead_s, s->period_s);

	return share >= RECURS ? smaller_of(share, 1) : 0;
}

/* In four sums at once: one after the other, the additions would wait for each other. */
static float
weigh_features(const float w[HAZARD_WEIGHTS], const float f[HAZARD_FEATURES])
{
	float a = w[HAZARD_WEIGHTS - 1], b = 0, c = 0, d = 0, bend = 0;

	for (int i = 0; i < HAZARD_FEATURES; i += 4) {
		a += w[i] * f[i];
		b += w[i + 1] * f[i + 1];
		c += w[i + 2] * f[i + 2];
		d += w[i + 3] * f[i + 3];
	}
	for (int i = 0; i < HAZARD_BENDS; i++)
		bend += w[HAZARD_FEATURES + i] *
		    larger_of(f[hazard_bends[i].feature] - hazard_bends[i].knot, 0);
	return (a + b) + (c + d) + bend;
}
static_assert(HAZARD_FEATURES % 4 == 0, "features are weighed by fours");

static float
find_probability(const struct hazard *s, int lead, const float f[HAZARD_FEATURES])
{
	float p = 1 / (1 + expf(-weigh_features(hazard_weights[s->class][lead], f)));

	if (s->recurrence.onsets < 2)
		return p;
	return 1 -
	    (1 - p) * (1 - RECURS_TRUST * recurs_within(s, s->lead[lead] * s->period_s));
}

/* Ascending; returns the long lead's as it was, which may be less. */
static float
find_probabilities(
    const struct hazard *s, const struct outlook o[HAZARD_HEADS], float ret[HAZARD_HEADS])
{
	float f[HAZARD_FEATURES], p = 0, own = 0;

	find_common_features(s, f);
	for (int i = 0; i < HAZARD_HEADS; i++) {
		float head;

		find_features(s, &o[i], i, f);
		head = find_probability(s, i, f);
		if (i == LEAD_LONG)
			own = head;
		p = larger_of(p, head);
		ret[i] = p;
	}
	return own;
}

/* Along the trend at the long lead. It wanders as the series does, but no more than forecasts
 * have shown: over a steady ramp, the changes are its slope. */
static struct mixture
find_drift(const struct hazard *s, const struct outlook *o, float *ret_sd)
{
	struct mixture m = o->mix;
	float sd = o->sd;

	if (s->experts[AT_LONG].scores >= SCORES_MIN)
		sd = smaller_of(sd, MISS_TO_SD * m.miss + SMALLER);
	*ret_sd = sd / sqrtf(larger_of(o->steps, 1));
	if (m.margin < 0)
		m.margin = larger_of(s->margin, 0);
	return m;
}

/* By first passage alone, in periods. */
static void
find_passage(const struct hazard *s, const struct outlook *o, float ret[HAZARD_TIMES])
{
	float sd, ruler, limit = SEARCH * o->steps;
	struct mixture m = find_drift(s, o, &sd);

	passage_times(m.margin, m.slope, sd, ret);
	ruler = m.slope > 0 ? m.margin / m.slope : INFINITY;
	ret[1] = smaller_of(ret[1], ruler);
	ret[0] = smaller_of(ret[0], ret[1]);
	ret[2] = larger_of(ret[2], ret[1]);
	for (int i = 0; i < HAZARD_TIMES; i++)
		if (ret[i] > limit)
			ret[i] = INFINITY;
}

static void
find_times(const struct hazard *s, const struct outlook *o,
    const float within[HAZARD_HEADS], struct prediction *ret)
{
	float passage[HAZARD_TIMES], t[HAZARD_TIMES];

	find_passage(s, o, passage);
	hazard_tell_times(s->class, o->steps, passage, within, t);
	ret->low_s = t[0] * s->period_s;
	ret->time_to_s = t[1] * s->period_s;
	ret->high_s = t[2] * s->period_s;
}

/* Off while it is in an event: what was foreseen is there. */
static bool
judge_alarm(const struct hazard *s, float p)
{
	return !s->recurrence.in_event && p >= (s->alarm ? ALARM_OFF : 1) * s->alarm_at;
}

static const char *
find_pause(const struct hazard *s, int64_t now_ms)
{
	static const char *const starts[] = {
		[AT_START] = "too few samples yet",
		[AFTER_GAP] = "learning again after a gap in the data",
		[AFTER_CLOCK] = "learning again after a step of the clock",
	};

	if (s->forecasts_only)
		return "no threshold";
	if (s->young <= SAMPLES_MIN)
		return starts[s->pause];
	if (now_ms - s->last_ms > GAP_PERIODS * s->period_ms)
		return "no recent data";
	return "";
}

static void
say_nothing(struct prediction *ret)
{
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		ret->within[i] = NAN;
	ret->time_to_s = ret->low_s = ret->high_s = NAN;
}

static void
hazard_predict(void *state, int64_t now_ms, struct prediction *ret)
{
	struct hazard *s = state;
	struct outlook o[HAZARD_HEADS];
	float within[HAZARD_HEADS], own;

	*ret = (struct prediction){ .samples = s->samples };
	ret->reason = find_pause(s, now_ms);
	if (*ret->reason) {
		s->alarm = false;
		return say_nothing(ret);
	}
	look_ahead(s, o);
	own = find_probabilities(s, o, within);
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		ret->within[i] = within[i];
	find_times(s, &o[LEAD_LONG], within, ret);
	s->alarm = ret->alarm = judge_alarm(s, own);
}

float
hazard_recurs(const void *state, int head)
{
	const struct hazard *s = state;

	return recurs_within(s, s->lead[head] * s->period_s);
}

bool
hazard_in_event(const void *state)
{
	const struct hazard *s = state;

	return s->recurrence.in_event;
}

void
hazard_passage(const void *state, float ret[HAZARD_TIMES])
{
	const struct hazard *s = state;
	struct outlook o[HAZARD_HEADS];

	look_ahead(s, o);
	find_passage(s, &o[LEAD_LONG], ret);
	for (int i = 0; i < HAZARD_TIMES; i++)
		ret[i] = hazard_clue(ret[i], s->lead[LEAD_LONG]);
}

/* --- any time ------------------------------------------------------------------------------ */

static double
total_hazard(double p)
{
	return -log1p(-fmin(fmax(p, 1e-9), 1 - 1e-9));
}

/* Between two leads, the total hazard grows as a power of time. */
static double
interpolate(double t, double t0, double p0, double t1, double p1)
{
	double h0 = log(total_hazard(p0)), h1 = log(total_hazard(p1));
	double power = (h1 - h0) / log(t1 / t0);

	return -expm1(-exp(h0 + power * log(t / t0)));
}

/* After the long lead, first passage goes on from where it is then. */
static double
go_on(const struct hazard *s, const struct outlook *o, double t, double p)
{
	float sd;
	struct mixture m = find_drift(s, o, &sd);
	double then = passage_chance(m.margin, m.slope, sd, (float)t);
	double at = passage_chance(m.margin, m.slope, sd, o->steps);

	return 1 - (1 - p) * fmin((1 - then + CHANCE_ERROR) / (1 - at + CHANCE_ERROR), 1);
}

static double
hazard_by(const void *state, int64_t now_ms, int64_t within_ms)
{
	const struct hazard *s = state;
	struct outlook o[HAZARD_HEADS];
	float p[HAZARD_HEADS];
	double t = (double)within_ms / (double)s->period_ms;
	int i = 0;

	if (*find_pause(s, now_ms))
		return NAN;
	look_ahead(s, o);
	(void)find_probabilities(s, o, p);
	if (t <= s->lead[LEAD_SHORT])
		return t > 0 ? -expm1(-total_hazard(p[0]) * t / s->lead[LEAD_SHORT]) : 0;
	while (i < HAZARD_HEADS && s->lead[i] < t)
		i++;
	if (i == HAZARD_HEADS)
		return go_on(s, &o[HEAD_WINDOW], t, p[HEAD_WINDOW]);
	return interpolate(t, s->lead[i - 1], p[i - 1], s->lead[i], p[i]);
}

/* --- what it is made of, and what comes ------------------------------------------------------ */

static double
value_of(const struct hazard *s, double margin)
{
	return s->threshold - (s->scale != 0 ? margin / s->scale : 0);
}

static size_t
hazard_inputs(const void *state, struct predictor_input dst[PREDICTOR_INPUTS_MAX])
{
	const struct hazard *s = state;
	float f[HAZARD_FEATURES], lead_s = s->lead[LEAD_NEEDED] * s->period_s;
	size_t n = 0;

	if (!s->samples)
		return 0;
	hazard_features(s, LEAD_NEEDED, f);
	dst[n++] = (struct predictor_input){ "value", value_of(s, s->margin) };
	dst[n++] = (struct predictor_input){ "level", value_of(s, s->kalman.level) };
	dst[n++] = (struct predictor_input){ "slope",
		s->scale != 0 ? -s->kalman.slope / s->scale / s->period_s : 0 };
	for (int i = 0; i < HAZARD_FEATURES; i++)
		dst[n++] = (struct predictor_input){ hazard_feature_names[i], f[i] };
	dst[n++] = (struct predictor_input){ "recurs", recurs_within(s, lead_s) };
	return n;
}

static double
interpolate_sd(double h, double h0, double sd0, double h1, double sd1)
{
	if (!(h1 > h0))
		return sd1;
	return sd0 * pow(sd1 / sd0, log(h / h0) / log(h1 / h0));
}

/* Of a sample h steps on: what one step changes, then what forecasts missed at the two leads. */
static double
forecast_sd(const struct hazard *s, const struct mixture mix[2], double h)
{
	double k2 = fmax(s->lead[LEAD_NEEDED], 1), k3 = fmax(s->lead[LEAD_LONG], k2);
	double sd1 = volatility_over(&s->volatility, 0, s->samples, NOISE_FLOOR);
	double sd2 = mix[AT_NEEDED].miss > 0
	    ? DEVIATION_TO_SD * mix[AT_NEEDED].miss + SMALLER
	    : change_over(s, LEAD_NEEDED);
	double sd3 = mix[AT_LONG].miss > 0 ? DEVIATION_TO_SD * mix[AT_LONG].miss + SMALLER
					   : change_over(s, LEAD_LONG);

	if (h >= k3)
		return sd3 * sqrt(h / k3);
	return h < k2 ? interpolate_sd(h, 1, sd1, k2, sd2)
		      : interpolate_sd(h, k2, sd2, k3, sd3);
}

static double
forecast_margin(const struct hazard *s, const struct mixture mix[2], double h)
{
	double k2 = s->lead[LEAD_NEEDED], k3 = s->lead[LEAD_LONG];
	double share = k3 > k2 ? log(h / k2) / log(k3 / k2) : 1;
	double near = mix[AT_NEEDED].margin - mix[AT_NEEDED].slope * h;
	double far = mix[AT_LONG].margin - mix[AT_LONG].slope * h;

	return near + fmin(fmax(share, 0), 1) * (far - near);
}

static void
hazard_forecast(const void *state, size_t steps, double (*ret)[PREDICTOR_QUANTILES])
{
	/* errors are peaked: the middle half is narrower than a normal law's */
	static const double z[PREDICTOR_QUANTILES] = { -1.645, -0.506, 0, 0.506, 1.645 };
	const struct hazard *s = state;
	struct mixture mix[2] = { mix_experts(s, AT_NEEDED), mix_experts(s, AT_LONG) };

	for (size_t i = 0; i < steps; i++) {
		double h = (double)(i + 1), sd = forecast_sd(s, mix, h);
		double margin = forecast_margin(s, mix, h);

		for (int q = 0; q < PREDICTOR_QUANTILES; q++)
			ret[i][q] = value_of(s, margin - s->sign * z[q] * sd);
	}
}

const struct predictor predictor_hazard = {
	.name = "hazard",
	.help =
	    "probability from trend, volatility, history and time of the day, by class",
	.state_size = sizeof(struct hazard),
	.init = hazard_init,
	.update = hazard_update,
	.predict = hazard_predict,
	.by = hazard_by,
	.inputs = hazard_inputs,
	.forecast = hazard_forecast,
};
