/* SPDX-License-Identifier: Apache-2.0
 *
 * One item of a plan at work: it wants its samples from the sampler, is evaluated at its period
 * without drift (MET-12), and reports the results that are worth it (agent/worth.h). */
#pragma once
#include "agent/plan.h"

struct item;

/* The program is copied. It is evaluated now, and from then on whenever a multiple of its period has passed
 * since origin_ms: what all items have to say goes in one report. On failure what tells why: "unknown metric …". */
int item_new(struct sampler *sampler, const struct plan_item *spec, int64_t now_ms,
    int64_t origin_ms, char *what, size_t what_size, struct item **ret) MUST_CHECK;
void item_free(struct item *i);
DEFINE_FREEP(struct item, item_free)

bool item_is(
    const struct item *i, const struct plan_item *spec); /* the same in every respect */
const struct plan_item *item_spec(const struct item *i);
void item_state(const struct item *i, struct plan_item_state *ret);
/* Evaluates if it is due; returns when it is due next. */
int64_t item_run(struct item *i, int64_t now_ms,
    void (*result)(void *arg, const struct report_point *p), void *arg);
