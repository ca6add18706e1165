/* SPDX-License-Identifier: Apache-2.0
 *
 * "seasonal": forecasts of a series that has days and weeks, such as an hourly load. Four experts, weighed
 * by what their forecasts of a day ahead turned out to miss:
 *
 *   quick, slow   double-seasonal exponential smoothing (Taylor, JORS 54, 2003) of two tempers
 *   last week     the same hour a week ago
 *   yesterday     the same hour a day ago, moved by as much as the day's mean has moved
 *
 * In logarithms as long as all values are positive. It has no opinion on thresholds. */
#include "prediction/seasonal.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define DAY_MAX	    24
#define DAYS	    7
#define WEEK_MAX    (DAYS * DAY_MAX)
#define START_WEEKS 2
#define MISS_RATE   0.02f
#define SD	    1.55 /* of a forecast of a day ahead, over the mean miss */
#define SD_NOW	    0.35 /* share of its variance that is there at once */
#define LOG_MAX	    690.0
#define GAP_WEEKS   1 /* more is a new start */

enum expert { QUICK, SLOW, LAST_WEEK, YESTERDAY, EXPERTS };
static const struct temper {
	float level, day, week; /* rates */
	float carry;		/* of the last error into the next forecast */
	float week_start;	/* share of the first weeks' pattern that is believed */
} tempers[] = { [QUICK] = { 0.05f, 0.5f, 0.05f, 0.3f, 0.7f },
	[SLOW] = { 0.01f, 0.03f, 0.3f, 0, 0.7f } };

struct smoother {
	float level, error;
	float day[DAY_MAX], week[WEEK_MAX];
};
struct seasonal {
	int64_t period_ms, last_ms;
	uint32_t samples, scores;
	uint16_t day, week; /* samples in one */
	bool plain;	    /* a value was not positive */
	struct smoother smoother[2];
	float past[WEEK_MAX];		 /* a ring */
	float waiting[EXPERTS][DAY_MAX]; /* forecasts of a day ahead */
	float miss[EXPERTS];
};
static_assert(sizeof(struct seasonal) <= 3072, "three quarters of a page");

static void
start_anew(struct seasonal *s)
{
	struct seasonal empty = { .period_ms = s->period_ms,
		.last_ms = s->last_ms,
		.day = s->day,
		.week = s->week,
		.plain = s->plain };

	*s = empty;
}

static void
seasonal_init(void *state, const struct predictor_setup *setup)
{
	struct seasonal *s = state;

	memset(s, 0, sizeof *s);
	s->period_ms = setup->period_ms > 0 ? setup->period_ms : 1;
	s->day =
	    setup->season >= 1 && setup->season <= DAY_MAX ? (uint16_t)setup->season : 1;
	s->week = DAYS * s->day;
}

/* --- experts ------------------------------------------------------------------------------- */

static bool
has_started(const struct seasonal *s)
{
	return s->samples >= START_WEEKS * (uint32_t)s->week;
}

static float
past(const struct seasonal *s, uint32_t ago) /* 0: the newest */
{
	return s->past[(s->samples - 1 - ago) % s->week];
}

static float
mean_of_day(const struct seasonal *s, uint32_t days_ago)
{
	float sum = 0;

	for (uint32_t i = 0; i < s->day; i++)
		sum += past(s, days_ago * s->day + i);
	return sum / s->day;
}

/* The value `steps` after the newest one. */
static float
smoother_says(const struct seasonal *s, int which, uint32_t steps)
{
	const struct smoother *m = &s->smoother[which];
	uint32_t at = s->samples - 1 + steps;

	return m->level + m->day[at % s->day] + m->week[at % s->week] +
	    powf(tempers[which].carry, (float)steps) * m->error;
}

static void
ask(const struct seasonal *s, uint32_t steps, float ret[EXPERTS])
{
	uint32_t weeks = (steps + s->week - 1) / s->week,
		 days = (steps + s->day - 1) / s->day;

	ret[QUICK] = smoother_says(s, QUICK, steps);
	ret[SLOW] = smoother_says(s, SLOW, steps);
	ret[LAST_WEEK] = past(s, weeks * s->week - steps);
	ret[YESTERDAY] =
	    past(s, days * s->day - steps) + mean_of_day(s, 0) - mean_of_day(s, 1);
}

/* --- samples ------------------------------------------------------------------------------- */

/* The first two weeks are summed up where the pattern will be. */
static void
gather(struct seasonal *s, float x)
{
	for (int i = 0; i < 2; i++) {
		s->smoother[i].level += x;
		s->smoother[i].day[s->samples % s->day] += x;
		s->smoother[i].week[s->samples % s->week] += x;
	}
}

static void
find_pattern(const struct seasonal *s, struct smoother *m, float week_share)
{
	m->level /= (float)(START_WEEKS * s->week);
	for (int i = 0; i < s->day; i++)
		m->day[i] = m->day[i] / (START_WEEKS * DAYS) - m->level;
	for (int i = 0; i < s->week; i++)
		m->week[i] = week_share *
		    (m->week[i] / START_WEEKS - m->level - m->day[i % s->day]);
}

static void
smooth(struct seasonal *s, int which, float x)
{
	const struct temper *t = &tempers[which];
	struct smoother *m = &s->smoother[which];
	float *day = &m->day[s->samples % s->day], *week = &m->week[s->samples % s->week];
	float e = x - (m->level + *day + *week + t->carry * m->error);

	m->level += t->level * e;
	*day += t->day * e;
	*week += t->week * e;
	m->error = e + t->carry * m->error;
}

static void
score(struct seasonal *s, float x)
{
	float rate = fmaxf(MISS_RATE, 1.0f / (float)(s->scores + 1));

	for (int i = 0; i < EXPERTS; i++)
		s->miss[i] +=
		    rate * (fabsf(x - s->waiting[i][s->samples % s->day]) - s->miss[i]);
	s->scores++;
}

static void
wait_a_day(struct seasonal *s)
{
	float said[EXPERTS];

	ask(s, s->day, said);
	for (int i = 0; i < EXPERTS; i++)
		s->waiting[i][(s->samples - 1) % s->day] = said[i];
}

static void
take(struct seasonal *s, float x)
{
	if (s->samples >= START_WEEKS * (uint32_t)s->week + s->day)
		score(s, x);
	if (has_started(s))
		for (int i = 0; i < 2; i++)
			smooth(s, i, x);
	else
		gather(s, x);
	s->past[s->samples % s->week] = x;
	s->samples++;
	if (s->samples == START_WEEKS * (uint32_t)s->week)
		for (int i = 0; i < 2; i++)
			find_pattern(s, &s->smoother[i], tempers[i].week_start);
	if (has_started(s))
		wait_a_day(s);
}

static float expect(const struct seasonal *s, uint32_t steps, float *ret_miss);

/* What was missed is filled in, so that the hours stay where they are. */
static void
bridge(struct seasonal *s, int64_t periods)
{
	float miss;

	if (periods > GAP_WEEKS * s->week || periods < 0)
		start_anew(s);
	for (; s->samples && periods > 1; periods--)
		take(s, expect(s, 1, &miss));
}

static void
seasonal_update(void *state, int64_t time_ms, double value)
{
	struct seasonal *s = state;
	int64_t periods = (time_ms - s->last_ms + s->period_ms / 2) / s->period_ms;

	if (!isfinite(value) || (s->samples && time_ms >= s->last_ms && periods < 1))
		return;
	if (s->samples)
		bridge(s, time_ms < s->last_ms ? -1 : periods);
	if (value <= 0 && !s->plain) {
		s->plain = true;
		start_anew(s);
	}
	take(s, s->plain ? (float)fmax(-1e30, fmin(1e30, value)) : (float)log(value));
	s->last_ms = time_ms;
}

/* --- forecasts ----------------------------------------------------------------------------- */

static float
weigh(const struct seasonal *s, const float said[EXPERTS], float *ret_miss)
{
	float best = INFINITY, sum = 0, value = 0;

	*ret_miss = 0;
	for (int i = 0; i < EXPERTS; i++)
		best = fminf(best, s->miss[i]);
	for (int i = 0; i < EXPERTS; i++) {
		float r = (best + 1e-9f) / (s->miss[i] + 1e-9f), r2 = r * r, w;

		w = r2 * r2 * r2 * r2;
		sum += w;
		value += w * said[i];
		*ret_miss += w * s->miss[i];
	}
	*ret_miss /= sum;
	return value / sum;
}

/* Before there is a pattern: the same hour of the day before, if there was one. */
static float
expect(const struct seasonal *s, uint32_t steps, float *ret_miss)
{
	float said[EXPERTS];
	uint32_t ago = s->day - 1 - (steps - 1) % s->day;

	*ret_miss = 0;
	if (!has_started(s))
		return past(s, ago < s->samples ? ago : 0);
	ask(s, steps, said);
	return weigh(s, said, ret_miss);
}

static void
seasonal_forecast(const void *state, size_t steps, double (*ret)[PREDICTOR_QUANTILES])
{
	static const double z[PREDICTOR_QUANTILES] = { -1.645, -0.506, 0, 0.506, 1.645 };
	const struct seasonal *s = state;

	for (size_t i = 0; i < steps; i++) {
		float miss, middle = s->samples ? expect(s, (uint32_t)i + 1, &miss) : NAN;
		double days = (double)(i + 1) / s->day;
		double sd =
		    s->samples ? SD * miss * sqrt(SD_NOW + (1 - SD_NOW) * days) : NAN;

		for (int q = 0; q < PREDICTOR_QUANTILES; q++) {
			double v = middle + z[q] * sd;

			ret[i][q] = s->plain ? v : exp(fmin(v, LOG_MAX));
		}
	}
}

static void
seasonal_predict(void *state, int64_t now_ms, struct prediction *ret)
{
	const struct seasonal *s = state;

	(void)now_ms;
	*ret = (struct prediction){ .samples = s->samples,
		.within = { NAN, NAN, NAN },
		.time_to_s = NAN,
		.low_s = NAN,
		.high_s = NAN,
		.reason = "it forecasts values only" };
}

const struct predictor predictor_seasonal = {
	.name = "seasonal",
	.help = "forecasts of a series with days and weeks; no opinion on thresholds",
	.state_size = sizeof(struct seasonal),
	.init = seasonal_init,
	.update = seasonal_update,
	.predict = seasonal_predict,
	.forecast = seasonal_forecast,
};
