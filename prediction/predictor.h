/* SPDX-License-Identifier: Apache-2.0
 *
 * Will this series cross its threshold, and when? A predictor is a descriptor: one file, one line in
 * predictors.c. State is small, of a fixed size and belongs to one watch; time may be irregular, and
 * what a predictor says depends on its own series alone. */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREDICTOR_STATE_MAX  768 /* bytes of state; aim: 256 */
#define PREDICTOR_INPUTS_MAX 24
#define PREDICTOR_QUANTILES  5 /* 0.05, 0.25, 0.5, 0.75, 0.95 */

/* What kind of a thing it is: what is typical of its events is learned per class. */
enum predictor_class {
	PREDICT_OTHER,
	PREDICT_BATTERY,
	PREDICT_RADIO,
	PREDICT_CPU,
	PREDICT_MEMORY,
	PREDICT_THERMAL,
	PREDICTOR_CLASSES
};
extern const char *const predictor_classes[]; /* "other", ...; NULL at the end */

/* Ascending. NEEDED is how long a move takes, margin included; an alarm may come as early as LONG
 * before the event, and is then of use all the same. */
enum predictor_lead { LEAD_SHORT, LEAD_NEEDED, LEAD_LONG, PREDICTOR_LEADS };

struct predictor_setup {
	double threshold; /* NaN: none, forecasts only */
	int sign;	  /* +1: the event is value >= threshold; -1: value <= threshold */
	double low, high; /* plausible range of the values; low < high */
	enum predictor_class class;
	int64_t period_ms; /* nominal sampling */
	int64_t hold_ms;   /* a violation is an event when it lasts so long */
	int64_t lead_ms[PREDICTOR_LEADS];
	double cost;	   /* of a needless move, as a share of what a break costs; 0: 0.1 */
	unsigned season;   /* samples a day, for forecasts; 0: not seasonal */
};
struct prediction {
	double within[PREDICTOR_LEADS]; /* probability that the event starts within that
					   lead; ascending; NaN: not enough data */
	bool alarm; /* its own decision: an unprepared break is likely enough to move now */
	double time_to_s;     /* median; INFINITY: not in sight; NaN: not known */
	double low_s, high_s; /* 10 % and 90 % quantiles */
	uint32_t samples;
	const char *reason; /* why NaN, "" otherwise; static text */
};
struct predictor_input { /* what an answer was made of, for the record (PRD-08) */
	const char *name;
	double value;
};
struct predictor {
	const char *name, *help;
	size_t state_size; /* <= PREDICTOR_STATE_MAX, unless it says that it is larger */
	void (*init)(void *state, const struct predictor_setup *setup);
	/* time_ms ascends. A gap or a step resets what it must. */
	void (*update)(void *state, int64_t time_ms, double value);
	/* The state changes by hysteresis of the alarm alone. */
	void (*predict)(void *state, int64_t now_ms, struct prediction *ret);
	/* Probability that the event starts within any time; NaN: not known. NULL: only leads. */
	double (*by)(const void *state, int64_t now_ms, int64_t within_ms);
	/* Inputs of the last answer for the needed lead; returns how many. NULL: none. */
	size_t (*inputs)(
	    const void *state, struct predictor_input dst[PREDICTOR_INPUTS_MAX]);
	/* Quantiles of the value 1..steps periods on. NULL: it has none. */
	void (*forecast)(
	    const void *state, size_t steps, double (*ret)[PREDICTOR_QUANTILES]);
};
extern const struct predictor *const predictors[];	  /* NULL-terminated */
const struct predictor *predictor_find(const char *name); /* NULL name: the default */

extern const struct predictor predictor_hazard, predictor_smoothing, predictor_threshold,
    predictor_trend;
