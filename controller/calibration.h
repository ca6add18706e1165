/* SPDX-License-Identifier: Apache-2.0
 *
 * Does what predictors say come about as often as they say? Of each watch one answer a lead is held against
 * what came, alarm or not; what was moved away meanwhile is left out, nobody can know. Counted in tenths
 * of the probability, by predictor and class: of a fixed size, kept in the store (PRD-08). */
#pragma once
#include "controller/store.h"
#include "prediction/predictor.h"

struct calibration;

/* Goes on from what the store has. */
int calibration_new(struct store *store, struct calibration **ret) MUST_CHECK;
void calibration_free(struct calibration *c); /* saves first */
DEFINE_FREEP(struct calibration, calibration_free)

void calibration_count(struct calibration *c, const struct predictor *predictor,
    enum predictor_class class, double probability, bool came);
/* Now and then: what has changed goes to the store every ten minutes. */
void calibration_tick(struct calibration *c, int64_t now_ms);
void calibration_each(const struct calibration *c,
    void (*row)(void *arg, const struct calibration_row *r), void *arg);
