/* SPDX-License-Identifier: Apache-2.0
 *
 * What the "hazard" predictor makes its probabilities of. For tests and for whoever fits weights. */
#pragma once
#include "prediction/predictor.h"

enum hazard_feature {
	FEATURE_Z0,	/* margin, in typical changes over the lead */
	FEATURE_ZMIX,	/* what is left of it after the trend */
	FEATURE_ZSTAT,	/* how far the threshold is from what is normal */
	FEATURE_LOGHAZ, /* how often events come */
	FEATURE_MARGIN, /* twentieths of the plausible range */
	FEATURE_FPT,	/* first passage of a level that drifts and wanders */
	FEATURE_KZ,	/* margin after the Kalman filter's trend, in its own noise */
	FEATURE_EZ,	/* margin from the recent mean, in what is usual around it */
	FEATURE_ROUGH, /* how much one step changes, against all that it varies; powers of 2 */
	FEATURE_DRIFT, /* how far the trend goes over the lead, in typical changes */
	FEATURE_REACH, /* how many leads the trend needs to the threshold; 20: many or away */
	FEATURE_STEPS, /* samples in the lead; powers of 2 */
	FEATURE_HAD,   /* 1: there have been events */
	FEATURE_LEAN, /* do steps towards the threshold tend to be larger (> 0) or smaller? */
	FEATURE_RENEWAL, /* chance by the time since the last event, as they are spaced */
	FEATURE_NEAR,	 /* logarithm of the margin */
	HAZARD_FEATURES
};
extern const char *const hazard_feature_names[HAZARD_FEATURES];

/* What a feature is above a knot counts once more: lines with a bend. */
#define HAZARD_BENDS 6
struct hazard_bend {
	enum hazard_feature feature;
	float knot;
};
extern const struct hazard_bend hazard_bends[HAZARD_BENDS];

/* Besides the leads there is the window in which an alarm is of use: three long leads. */
enum { HEAD_WINDOW = PREDICTOR_LEADS, HAZARD_HEADS };

/* Of a class and head: one weight a feature, one a bend, then the bias. */
#define HAZARD_WEIGHTS (HAZARD_FEATURES + HAZARD_BENDS + 1)
extern const float hazard_weights[PREDICTOR_CLASSES][HAZARD_HEADS][HAZARD_WEIGHTS];

/* Samples in the lead, powers of 2, that a head was fitted on, fewest and most: beyond, it knows no more
 * than at the nearest of them. */
extern const float hazard_steps[PREDICTOR_CLASSES][HAZARD_HEADS][2];

/* Of a class and quantile of the time to the threshold (10, 50, 90 %): its logarithm, in long leads, if
 * the event comes within two windows. One weight a quantile of first passage, one a head, the bias. */
enum { HAZARD_TIMES = 3, HAZARD_CLUES = HAZARD_TIMES + HAZARD_HEADS };
extern const float hazard_times[PREDICTOR_CLASSES][HAZARD_TIMES][HAZARD_CLUES + 1];
/* The probability (any lead) at which an alarm pays when a needless move costs a tenth of a break. */
extern const float hazard_alarm[PREDICTOR_CLASSES];

/* As of the last sample. */
void hazard_features(const void *state, int head, float ret[HAZARD_FEATURES]);
/* What else weighs in: on which share of the days before the event came in the lead that lies ahead,
 * 0: too few; is it in an event; clues of first passage. */
float hazard_recurs(const void *state, int head);
bool hazard_in_event(const void *state);
void hazard_passage(const void *state, float ret[HAZARD_TIMES]);

/* A time as a clue: its logarithm in long leads, within limits. */
float hazard_clue(float steps, float longest);
/* Quantiles of the time to the threshold, in periods as `longest`, the long lead, and `passage`, those
 * of first passage: INFINITY when none is in sight. Ascending. */
void hazard_tell_times(enum predictor_class class, float longest,
    const float passage[HAZARD_TIMES], const float within[HAZARD_HEADS],
    float ret[HAZARD_TIMES]);
