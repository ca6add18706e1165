/* SPDX-License-Identifier: Apache-2.0
 *
 * Will this series cross its threshold, and when? A predictor is a descriptor: one file, one line in
 * predictors.c. State is small and bounded; time may be irregular. */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct predictor_setup {
	double threshold;
	int sign; /* +1: the event is value >= threshold; -1: value <= threshold */
	int64_t period_ms; /* nominal sampling */
	int64_t lead_ms;   /* the horizon that decisions need */
};
struct prediction {
	double probability;   /* of a crossing within lead_ms; NaN: not enough data */
	double time_to_s;     /* median; INFINITY: not in sight; NaN: not known */
	double low_s, high_s; /* 10 % and 90 % quantiles */
	uint32_t samples;
	const char *reason; /* why NaN, "" otherwise; static text */
};
struct predictor {
	const char *name, *help;
	size_t state_size;
	void (*init)(void *state, const struct predictor_setup *setup);
	/* time_ms ascends. A gap or a step resets what it must. */
	void (*update)(void *state, int64_t time_ms, double value);
	void (*predict)(const void *state, int64_t now_ms, struct prediction *ret);
};
extern const struct predictor *const predictors[];	  /* NULL-terminated */
const struct predictor *predictor_find(const char *name); /* NULL name: the default */

extern const struct predictor predictor_trend;
