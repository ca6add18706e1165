/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/predictor.h"
#include <string.h>

const struct predictor *const predictors[] = {
	&predictor_trend, /* the default */
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
