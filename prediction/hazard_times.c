/* SPDX-License-Identifier: Apache-2.0
 *
 * When will it be? First passage alone is sure of itself where a trend is steady and lost where loads
 * come and go; the probabilities of the leads know more of the latter. Quantile regression has learned
 * what they say together, for events that do come. */
#include "prediction/hazard.h"
#include "prediction/minmax.h"
#include <math.h>
#include <string.h>

#define LOGIT_MAX 9.2f	   /* a chance of 1e-4 or 1 - 1e-4 */
#define CLUE_MIN  -4.6052f /* logarithms of long leads: a hundredth, */
#define CLUE_MAX  2.1972f  /* nine */
#define TIME_MIN  -6.0f	   /* logarithms of long leads */
#define TIME_MAX  4.0f
#define IN_SIGHT  0.02f /* chance of an event in the window, to tell a time */
/* Logarithms of the span of first passage, and of how far its median is from the learned one: up to the
 * first figure it is believed, from the second on it is a clue only. */
#define STEADY_WIDTH 0.3f, 0.6f
#define FAIR_WIDTH   1.8f, 2.5f /* if they agree: */
#define AGREEMENT    0.3f, 0.7f
/* Long leads to its first decile, beyond what was learned from, if the window is likely to be quiet: */
#define BEYOND 3.0f, 2.0f

enum { LOW, MEDIAN, HIGH };

static float
clamp(float v, float low, float high)
{
	return smaller_of(larger_of(v, low), high);
}

float
hazard_clue(float steps, float longest)
{
	return clamp(logf(steps / longest), CLUE_MIN, CLUE_MAX);
}

static float
find_logit(float p)
{
	return clamp(logf(p / (1 - p)), -LOGIT_MAX, LOGIT_MAX) / 4;
}

/* Logarithms of long leads, ascending or not. */
static void
learn_times(enum predictor_class class, const float passage[HAZARD_TIMES],
    const float within[HAZARD_HEADS], float ret[HAZARD_TIMES])
{
	float clue[HAZARD_CLUES];

	for (int i = 0; i < HAZARD_TIMES; i++)
		clue[i] = passage[i];
	for (int i = 0; i < HAZARD_HEADS; i++)
		clue[HAZARD_TIMES + i] = find_logit(within[i]);
	for (int q = 0; q < HAZARD_TIMES; q++) {
		const float *w = hazard_times[class][q];
		float t = w[HAZARD_CLUES];

		for (int i = 0; i < HAZARD_CLUES; i++)
			t += w[i] * clue[i];
		ret[q] = clamp(t, TIME_MIN, TIME_MAX);
	}
}

static float
fade(float v, float all, float none)
{
	return clamp((none - v) / (none - all), 0, 1);
}

/* 1: first passage says it all. All in logarithms of long leads. */
static float
trust_passage(const float passage[HAZARD_TIMES], const float learned[HAZARD_TIMES],
    float within_window)
{
	float width = passage[HIGH] - passage[LOW], fair;

	fair = fade(fabsf(passage[MEDIAN] - learned[MEDIAN]), AGREEMENT);
	if (within_window < 0.5f)
		fair = larger_of(fair, fade(expf(passage[LOW]), BEYOND));
	return larger_of(fade(width, STEADY_WIDTH), fade(width, FAIR_WIDTH) * fair);
}

void
hazard_tell_times(enum predictor_class class, float longest,
    const float passage[HAZARD_TIMES], const float within[HAZARD_HEADS],
    float ret[HAZARD_TIMES])
{
	float told[HAZARD_TIMES], clue[HAZARD_TIMES], learned[HAZARD_TIMES], trust = 0;
	bool sure = !(passage[LOW] > 0);

	for (int i = 0; !sure && i < HAZARD_TIMES; i++) {
		told[i] = isfinite(passage[i]) ? logf(passage[i] / longest) : INFINITY;
		clue[i] = clamp(told[i], CLUE_MIN, CLUE_MAX);
	}
	if (!sure) {
		learn_times(class, clue, within, learned);
		if (isfinite(passage[HIGH]))
			trust = trust_passage(told, learned, within[HEAD_WINDOW]);
	}
	memcpy(ret, passage, HAZARD_TIMES * sizeof *ret);
	if (sure || trust == 1)
		return;
	for (int i = 0; i < HAZARD_TIMES; i++)
		ret[i] = longest *
		    expf(trust > 0 ? trust * told[i] + (1 - trust) * learned[i]
				   : learned[i]);
	if (within[HEAD_WINDOW] < IN_SIGHT && !isfinite(passage[MEDIAN]))
		ret[MEDIAN] = ret[HIGH] = INFINITY;
	ret[LOW] = smaller_of(ret[LOW], ret[MEDIAN]);
	ret[HIGH] = larger_of(ret[HIGH], ret[MEDIAN]);
}
