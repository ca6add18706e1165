/* SPDX-License-Identifier: Apache-2.0
 *
 * "trend": a straight line through the recent past, robust against single bad samples, and the
 * time at which a level that drifts along it first meets the threshold.
 *
 *   buckets      samples are averaged in buckets of an eighth of the lead (one sample each
 *                when they come slower); the newest 128 buckets are kept
 *   line         controller/line.h
 *   uncertainty  of the line, with the autocorrelation of its residuals, and what the
 *                forecasts of one lead ago turned out to be worth
 *   answer       first passage of a Brownian level with that drift (controller/passage.h)
 *   teeth        a value that has turned back before the threshold again and again will more
 *                likely turn once more: rule of succession
 *
 * A step of the level, a gap and a clock that jumps start the line anew. */
#include "prediction/predictor.h"
#include "prediction/line.h"
#include "prediction/passage.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define SLOTS	     4	  /* forecasts that wait for their outcome */
#define PEAKS	     4	  /* turning points kept */
#define GAP_PERIODS  10	  /* without a sample: start anew */
#define JUMP_SIGMA   6.0  /* a sample so far off the line is off */
#define JUMP_SAMPLES 4	  /* so many in a row are a step of the level */
#define SEARCH_LEADS 40.0 /* how far the quantiles are looked for */
#define VALUE_MAX    1e140
#define ALARM	     0.6

struct forecast {
	double due, value;
	bool open;
};
struct peak {
	double t, margin;
	double leg; /* how far the value had come for it */
};
struct trend {
	struct predictor_setup setup;
	double leads[PREDICTOR_LEADS], lead, bucket; /* seconds */
	int64_t origin_ms, last_ms;
	int64_t bucket_no; /* of the newest point */
	struct line_point ring[LINE_POINTS_MAX];
	unsigned first, len;
	uint32_t samples;
	double last;
	double step;	  /* smallest one seen; 0: none */
	double still;	  /* share of samples without one */
	struct line line; /* as of the last closed bucket */
	bool fitted;
	int side; /* of the outliers: newest samples in a row that are off the line */
	unsigned outliers;
	struct line_point off[JUMP_SAMPLES]; /* they wait to be believed */
	struct forecast slot[SLOTS];
	double next_forecast; /* when the next slot is filled */
	double miss;	      /* mean of what the forecasts missed by */
	unsigned scores;
	struct peak peak[PEAKS]; /* where the value turned away from the threshold */
	unsigned peaks;
	double nearest, farthest; /* margins since the last turn of either kind */
	bool approaching, turning;
	const char *pause; /* why there is no answer, after a new start */
};
static_assert(sizeof(struct trend) <= 4096, "the state of a watch stays within a page");

static const struct line_point *
point_at(const struct trend *s, unsigned i)
{
	return &s->ring[(s->first + i) % LINE_POINTS_MAX];
}

static double
seconds(const struct trend *s, int64_t time_ms)
{
	return (double)(time_ms - s->origin_ms) / 1e3;
}

static double
margin_of(const struct trend *s, double value)
{
	return s->setup.sign * (s->setup.threshold - value);
}

/* --- the line ------------------------------------------------------------------------------ */

/* What cannot be noise of the signal: rounding, and the steps of a gauge that mostly stands. */
static double
noise_floor(const struct trend *s)
{
	double scale = fmax(fabs(s->last), fabs(s->setup.threshold));

	return 1e-9 * scale + fmin(0.3 * s->still * s->step, 0.02 * scale) + 1e-300;
}

static bool
fit_trend(const struct trend *s, double at, struct line *ret)
{
	struct line_point p[LINE_POINTS_MAX];

	for (unsigned i = 0; i < s->len; i++)
		p[i] = *point_at(s, i);
	return line_fit(p, s->len, at, s->lead, noise_floor(s), ret);
}

/* --- turning points ------------------------------------------------------------------------ */

static void
record_peak(struct trend *s, double t)
{
	if (s->peaks == PEAKS)
		memmove(s->peak, s->peak + 1, (PEAKS - 1) * sizeof s->peak[0]);
	else
		s->peaks++;
	s->peak[s->peaks - 1] = (struct peak){ t, s->nearest, s->farthest - s->nearest };
}

/* Variance of a single sample around the line; a bucket is the mean of several. */
static double
sample_noise2(const struct trend *s)
{
	double per_bucket = s->bucket * 1e3 / (double)s->setup.period_ms;

	return s->line.noise * s->line.noise * fmax(1, per_bucket);
}

/* A turn counts when it is beyond noise and a good part of the leg before. */
static void
follow_turns(struct trend *s, double t, double margin)
{
	double turn = fmax(6 * sqrt(sample_noise2(s)), 0.25 * (s->farthest - s->nearest));

	if (!s->turning) {
		s->turning = s->approaching = true;
		s->nearest = s->farthest = margin;
	} else if (s->approaching) {
		s->nearest = fmin(s->nearest, margin);
		if (margin - s->nearest <= turn)
			return;
		record_peak(s, t);
		s->approaching = false;
		s->farthest = margin;
	} else {
		s->farthest = fmax(s->farthest, margin);
		if (s->farthest - margin <= turn)
			return;
		s->approaching = true;
		s->nearest = margin;
	}
}

/* How likely it is that this approach goes further than the ones before. */
static double
chance_to_pass(const struct trend *s, const struct line *l)
{
	const struct peak *newest;
	double nearest = INFINITY, spacing, tolerance;

	if (s->peaks < 2)
		return 1;
	newest = &s->peak[s->peaks - 1];
	for (unsigned i = 0; i < s->peaks; i++)
		nearest = fmin(nearest, s->peak[i].margin);
	spacing = (newest->t - s->peak[0].t) / (s->peaks - 1);
	if (nearest <= 0 || l->at - newest->t > 3 * spacing)
		return 1; /* they did not stop before the threshold, or that is over */
	tolerance = fmax(3 * sqrt(sample_noise2(s)), 0.15 * newest->leg);
	if (margin_of(s, point_at(s, s->len - 1)->v) < nearest - tolerance)
		return 1; /* this one has already gone further */
	if (newest->margin < newest[-1].margin - tolerance)
		return 1; /* each comes nearer than the one before */
	return 1.0 / (s->peaks + 2);
}

/* --- samples ------------------------------------------------------------------------------- */

static void
start_anew(struct trend *s, const char *why)
{
	s->first = s->len = 0;
	s->fitted = false;
	s->outliers = 0;
	memset(s->slot, 0, sizeof s->slot);
	s->pause = why;
}

static void
forget_all(struct trend *s, int64_t time_ms, const char *why)
{
	start_anew(s, why);
	s->origin_ms = time_ms;
	s->next_forecast = 0;
	s->peaks = 0;
	s->turning = false;
}

static void
track_steps(struct trend *s, double value)
{
	double step = fabs(value - s->last);
	double rate = fmax(0.01, 1.0 / (s->samples + 1));

	s->still += rate * ((step > 0 ? 0 : 1) - s->still);
	if (step > 0 && (!(s->step > 0) || step < s->step))
		s->step = step;
}

/* A sample far off the line is not believed, unless the next ones are off on the same side. */
static bool
is_off(struct trend *s, double t, double value)
{
	double off = value - line_value(&s->line, t - s->line.at);
	double noise2 = sample_noise2(s) + line_variance(&s->line, t - s->line.at);
	int side = off > 0 ? 1 : -1;

	if (!s->fitted || off * off <= JUMP_SIGMA * JUMP_SIGMA * noise2) {
		s->outliers = 0;
		return false;
	}
	if (side != s->side)
		s->outliers = 0;
	s->side = side;
	s->off[s->outliers++] = (struct line_point){ t, value, 1 };
	return true;
}

static void
score_forecasts(struct trend *s, const struct line_point *p)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct forecast *f = &s->slot[i];

		if (!f->open || p->t < f->due)
			continue;
		double miss = fabs(p->v - f->value), w = fmax(0.2, 1.0 / (s->scores + 1));

		s->miss += w * (miss - s->miss);
		s->scores++;
		f->open = false;
	}
}

static void
open_forecast(struct trend *s)
{
	if (s->line.at < s->next_forecast)
		return;
	for (unsigned i = 0; i < SLOTS; i++) {
		if (s->slot[i].open)
			continue;
		s->slot[i] = (struct forecast){ s->line.at + s->lead,
			line_value(&s->line, s->lead), true };
		s->next_forecast = s->line.at + s->lead / SLOTS;
		return;
	}
}

/* The newest bucket is complete. */
static void
close_bucket(struct trend *s)
{
	const struct line_point *p = point_at(s, s->len - 1);

	score_forecasts(s, p);
	s->fitted = fit_trend(s, p->t, &s->line);
	if (!s->fitted)
		return;
	s->pause = "";
	open_forecast(s);
}

static void
add_sample(struct trend *s, double t, double value)
{
	int64_t no = (int64_t)floor(t / s->bucket);
	struct line_point *p;

	if (s->line.noise > 0) /* there was a line once */
		follow_turns(s, t, margin_of(s, value));
	if (s->len && no == s->bucket_no) {
		p = &s->ring[(s->first + s->len - 1) % LINE_POINTS_MAX];
		p->n++;
		p->t += (t - p->t) / p->n;
		p->v += (value - p->v) / p->n;
		return;
	}
	if (s->len)
		close_bucket(s);
	if (s->len == LINE_POINTS_MAX) {
		s->first = (s->first + 1) % LINE_POINTS_MAX;
		s->len--;
	}
	s->ring[(s->first + s->len++) % LINE_POINTS_MAX] =
	    (struct line_point){ t, value, 1 };
	s->bucket_no = no;
}

/* The level itself has stepped: what was before is of no use. */
static void
start_after_step(struct trend *s)
{
	struct line_point off[JUMP_SAMPLES];

	memcpy(off, s->off, sizeof off);
	start_anew(s, "learning again after a step of the level");
	for (unsigned i = 0; i < JUMP_SAMPLES; i++)
		add_sample(s, off[i].t, off[i].v);
}

static void
trend_init(void *state, const struct predictor_setup *setup)
{
	struct trend *s = state;
	double period = (double)(setup->period_ms > 0 ? setup->period_ms : 1) / 1e3;

	memset(s, 0, sizeof *s);
	s->setup = *setup;
	s->setup.period_ms = setup->period_ms > 0 ? setup->period_ms : 1;
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		s->leads[i] =
		    (double)(setup->lead_ms[i] > 0 ? setup->lead_ms[i] : 1) / 1e3;
	s->lead = s->leads[LEAD_NEEDED];
	s->bucket = fmax(period, s->lead / 8);
	s->pause = "too few samples yet";
}

static void
trend_update(void *state, int64_t time_ms, double value)
{
	struct trend *s = state;
	int64_t gap_ms = GAP_PERIODS * s->setup.period_ms;
	double t;

	if (!isfinite(value))
		return;
	value = fmax(-VALUE_MAX, fmin(VALUE_MAX, value));
	if (!s->samples)
		s->origin_ms = time_ms;
	else if (time_ms - s->last_ms > gap_ms)
		forget_all(s, time_ms, "learning again after a gap in the data");
	else if (s->last_ms - time_ms > gap_ms)
		forget_all(s, time_ms, "learning again after a step of the clock");
	else if (time_ms <= s->last_ms)
		return;
	if (s->samples)
		track_steps(s, value);
	t = seconds(s, time_ms);
	if (!is_off(s, t, value))
		add_sample(s, t, value);
	else if (s->outliers == JUMP_SAMPLES)
		start_after_step(s);
	s->last_ms = time_ms;
	s->last = value;
	s->samples++;
}

static void
say_nothing(struct prediction *ret, const char *why)
{
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		ret->within[i] = NAN;
	ret->time_to_s = ret->low_s = ret->high_s = NAN;
	ret->reason = why;
}

/* The drift is uncertain by the noise and by what the level wandered along the line; the level, as
 * it will be seen, by its own error, the wandering to come and the noise. Then both are held
 * against what forecasts made one lead ago were worth. */
static struct passage
find_passage(const struct trend *s, const struct line *l)
{
	double drift2 = l->var_slope + 1.2 * l->wander / l->span;
	double level2 = l->var_level + l->noise * l->noise + l->wander * l->span * 2 / 15;
	double sd2 = l->wander + level2 / s->lead;
	double expected2 = sd2 * s->lead + drift2 * s->lead * s->lead, factor = 1;

	if (s->scores && expected2 > 0) {
		double sd =
		    1.2533 * s->miss; /* of a normal law with this mean deviation */

		factor = (2 + s->scores * sd * sd / expected2) / (2 + s->scores);
	}
	return (struct passage){ .margin = margin_of(s, l->level),
		.drift = s->setup.sign * l->slope,
		.drift_sd = sqrt(factor * drift2),
		.sd = sqrt(factor * sd2),
		.chance = chance_to_pass(s, l) };
}

static void
trend_predict(void *state, int64_t now_ms, struct prediction *ret)
{
	const struct trend *s = state;
	struct line l;

	*ret = (struct prediction){ .samples = s->samples, .reason = "" };
	if (!s->fitted)
		return say_nothing(ret, s->pause);
	if (now_ms - s->last_ms > GAP_PERIODS * s->setup.period_ms)
		return say_nothing(ret, "no recent data");
	if (!fit_trend(s, seconds(s, now_ms > s->last_ms ? now_ms : s->last_ms), &l))
		return say_nothing(ret, "no line fits the data");
	struct passage p = find_passage(s, &l);

	for (int i = 0; i < PREDICTOR_LEADS; i++)
		ret->within[i] = passage_by(&p, s->leads[i]);
	ret->alarm = ret->within[LEAD_NEEDED] >= ALARM;
	ret->time_to_s = passage_quantile(&p, 0.5, s->lead, SEARCH_LEADS * s->lead);
	ret->low_s = passage_quantile(&p, 0.1, s->lead, SEARCH_LEADS * s->lead);
	ret->high_s = passage_quantile(&p, 0.9, s->lead, SEARCH_LEADS * s->lead);
	if (!isfinite(ret->within[LEAD_NEEDED]))
		say_nothing(ret, "the values are too large to reckon with");
}

const struct predictor predictor_trend = {
	.name = "trend",
	.help = "robust line through the recent past, first passage of a drifting level",
	.state_size = sizeof(struct trend),
	.init = trend_init,
	.update = trend_update,
	.predict = trend_predict,
};
