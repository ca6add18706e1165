/* SPDX-License-Identifier: Apache-2.0
 *
 * What predictions were worth (PRD-08): counted from their rows in the store and from the calibration, for
 * each service, each predictor and class, and all together. A failure is announced when a prediction of
 * it came early enough to move; moved away (averted) is neither right nor wrong. */
#pragma once
#include "controller/store.h"
#include "base/mem.h"

struct score;

struct score_line {
	const char *of, *name; /* "service", "video"; "class", "hazard/cpu"; "all", "" */
	unsigned predictions;  /* raised */
	unsigned hit, early, late, missed, lost, cleared, averted, dropped, open;
	double precision; /* of the predictions with an outcome: it failed; NaN: none */
	double recall;	  /* of the failures: announced in time; NaN: none */
	double lead10_s, lead50_s, lead90_s; /* from prediction to failure; NaN: none */
	/* Of all answers that were looked at, alarm or not. */
	int64_t samples;
	double base;  /* how often it came */
	double brier; /* mean squared error of the probability; NaN: no samples */
	double
	    skill; /* 1 - brier / that of always saying base; NaN: it never or always came */
};

int score_new(struct score **ret) MUST_CHECK;
void score_free(struct score *s);
DEFINE_FREEP(struct score, score_free)
/* -ENOMEM. */
int score_add(struct score *s, const struct prediction_row *p);
int score_calibrate(struct score *s, const struct calibration_row *r);
/* Services first, then classes, then all. */
void score_each(
    struct score *s, void (*line)(void *arg, const struct score_line *l), void *arg);
