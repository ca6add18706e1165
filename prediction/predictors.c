/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/predictor.h"
#include <string.h>

const char *const predictor_classes[] = {
	[PREDICT_OTHER] = "other",
	[PREDICT_BATTERY] = "battery",
	[PREDICT_RADIO] = "radio",
	[PREDICT_CPU] = "cpu",
	[PREDICT_MEMORY] = "memory",
	[PREDICT_THERMAL] = "thermal",
	[PREDICTOR_CLASSES] = NULL,
};

const struct predictor *const predictors[] = {
	&predictor_hazard, /* the default */
	&predictor_smoothing,
	&predictor_threshold,
	&predictor_trend,
	NULL,
};

const struct predictor *
predictor_find(const char *name)
{
	for (const struct predictor *const *p = predictors; *p; p++)
		if (!name || !strcmp((*p)->name, name))
			return *p;
	return NULL;
}
