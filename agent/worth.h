/* SPDX-License-Identifier: Apache-2.0
 *
 * Which results of a plan item are worth a report (RPT-02), and when the next one is needed: the modes
 * of protocol/plan.h, for each series of the item. Series are told apart by their labels. */
#pragma once
#include "protocol/plan.h"
#include "protocol/report.h"

#define WORTH_SERIES_MAX 64 /* of an item; of more, those quiet longest are forgotten */

struct worth;

/* spec is borrowed. */
int worth_new(const struct plan_item *spec, struct worth **ret) MUST_CHECK;
void worth_free(struct worth *w);
DEFINE_FREEP(struct worth, worth_free)

/* A round is one evaluation: each result is looked at, then the round ends. */
void worth_begin(struct worth *w);
bool worth_look(struct worth *w, const struct report_point *p);
/* What was told before and of which this round said nothing is over: its silence would say that nothing
 * has changed. */
void worth_end(struct worth *w, int64_t now_ms,
    void (*result)(void *arg, const struct report_point *p), void *arg);
/* ms until the next evaluation, by what this round told. */
int64_t worth_period(const struct worth *w);
