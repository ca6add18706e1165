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
	HAZARD_FEATURES
};
extern const char *const hazard_feature_names[HAZARD_FEATURES];
/* Of a class and lead: one weight a feature, then the bias. */
extern const float hazard_weights[PREDICTOR_CLASSES][PREDICTOR_LEADS]
				 [HAZARD_FEATURES + 1];
/* The probability (any lead) at which an alarm pays when a needless move costs a tenth of a break. */
extern const float hazard_alarm[PREDICTOR_CLASSES];

/* As of the last sample. */
void
hazard_features(const void *state, enum predictor_lead lead, float ret[HAZARD_FEATURES]);
