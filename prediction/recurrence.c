/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/recurrence.h"
#include "prediction/minmax.h"
#include <math.h>

#define ENTER	     0.55f /* of the hold in violation: the event has begun, */
#define LEAVE	     0.2f  /* it is over */
#define NEGLIGIBLE   1e-4f
#define SPACING_RATE 0.1f
#define SPACING_SD   0.15f /* at least: two equal spacings are no clock */
#define SPACINGS_MIN 2
#define DAY_S	     86400.0f
#define DAYS	     32 /* looked back at most */
#define RECENT	     8	/* of which these may do by themselves */

static void
note_spacing(struct recurrence *r, float seconds)
{
	float start = 1.0f / (float)(r->spacings + 1);
	float a = SPACING_RATE > start ? SPACING_RATE : start;
	float d = logf(fmaxf(seconds, 1)) - r->spacing;

	r->spacing += a * d;
	r->spacing_var = (1 - a) * (r->spacing_var + a * d * d);
	if (r->spacings < UINT16_MAX)
		r->spacings++;
}

static void
note_onset(struct recurrence *r)
{
	if (r->onsets)
		note_spacing(r, (float)(r->run_s - r->onset_s[r->newest]));
	r->newest = (r->newest + 1) % RECURRENCE_ONSETS;
	r->onset_s[r->newest] = r->run_s;
	if (r->onsets < RECURRENCE_ONSETS)
		r->onsets++;
	if (r->entries < UINT16_MAX)
		r->entries++;
}

static void
follow_violation(struct recurrence *r, bool violates, float holds)
{
	float left;

	if (!violates && r->violating < NEGLIGIBLE) {
		r->violating = 0;
		return;
	}
	left = expf(-holds);
	r->violating = left * r->violating + (violates ? 1 - left : 0);
}

void
recurrence_update(
    struct recurrence *r, int32_t now_s, bool violates, float elapsed_s, float hold_s)
{
	if (violates && !r->running)
		r->run_s = now_s;
	r->running = violates;
	if (!r->in_event)
		r->fine_s += elapsed_s;
	follow_violation(r, violates, elapsed_s / hold_s);
	if (!r->in_event && violates && r->violating > ENTER) {
		r->in_event = true;
		note_onset(r);
	} else if (r->in_event && !violates && r->violating < LEAVE) {
		r->in_event = false;
	}
}

void
recurrence_forget_times(struct recurrence *r)
{
	r->onsets = 0;
	r->running = false;
}

float
recurrence_rate(const struct recurrence *r, float lead_s)
{
	float leads = (float)r->fine_s / lead_s + 10;

	return smaller_of(larger_of(logf(((float)r->entries + 0.3f) / leads), -8), 0);
}

static float
upper_tail(float z)
{
	return 0.5f * erfcf(z * 0.70710678f);
}

float
recurrence_renewal(const struct recurrence *r, int32_t now_s, float lead_s, float step_s)
{
	float age, sd, waited, then;

	if (!r->onsets || r->spacings < SPACINGS_MIN)
		return 0;
	age = fmaxf((float)(now_s - r->onset_s[r->newest]), 0);
	sd = sqrtf(r->spacing_var) + SPACING_SD;
	waited = upper_tail((logf(fmaxf(age, step_s)) - r->spacing) / sd);
	if (waited < NEGLIGIBLE)
		return 0;
	then = upper_tail((logf(age + lead_s) - r->spacing) / sd);
	return fmaxf(waited - then, 0) / waited;
}

static int
count_bits(uint32_t mask)
{
	return __builtin_popcount(mask);
}

float
recurrence_today(const struct recurrence *r, int32_t now_s, float lead_s, float slack_s)
{
	uint32_t mask = 0;
	int32_t oldest = now_s;
	int days, recent;

	if (r->onsets < 2)
		return 0;
	for (unsigned i = 0; i < r->onsets; i++) {
		int32_t o =
		    r->onset_s[(r->newest + RECURRENCE_ONSETS - i) % RECURRENCE_ONSETS];
		double u = ((double)now_s + lead_s - o) / DAY_S, d = floor(u);

		if (d >= 1 && d < DAYS && (u - d) * DAY_S <= lead_s + slack_s)
			mask |= 1u << (int)d;
		if (o < oldest)
			oldest = o;
	}
	days = (int)(((double)now_s + lead_s - oldest) / DAY_S);
	if (days < 2 || count_bits(mask) < 2)
		return 0;
	recent = days < RECENT ? days : RECENT;
	return larger_of((float)count_bits(mask) / (float)days,
	    (float)count_bits(mask & ((2u << recent) - 2)) / (float)recent);
}
