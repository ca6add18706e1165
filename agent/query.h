/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGMETRIC: whoever reaches us may ask for the result of a program, now or at the steps of a range
 * that has passed, or for the list of metrics whose names fit a pattern. Reading is all that it can do;
 * how often, and how many ranges at once, is limited: what is too much is answered as busy. */
#pragma once
#include "agent/range.h"
#include "grasp/grasp.h"
#include "metrics/sampler.h"
#include "protocol/query.h"

struct querier;

/* wake: the sampler has got new wants and is to be run. prefix is borrowed. */
int querier_new(struct grasp_node *node, struct sampler *sampler, const char *prefix,
    void (*wake)(void *arg), void *arg, struct querier **ret) MUST_CHECK;
void querier_free(struct querier *q);
DEFINE_FREEP(struct querier, querier_free)
/* The same for somebody at home. labels, of QUERIER_LABELS_MAX bytes, must not move: ret borrows
 * from it. What cannot be evaluated is an unknown result. */
#define QUERIER_LABELS_MAX (QUERY_POINTS_MAX * 64)
void querier_evaluate(
    struct querier *q, struct slice program, struct buf *labels, struct fog_result *ret);
/* For ranges, range_start(). */
struct range_env *querier_ranges(struct querier *q);
/* The same without keeping anything for the next asker. */
void querier_look(
    struct querier *q, struct slice program, struct buf *labels, struct fog_result *ret);
/* The program for the newest values of a metric. */
void querier_select(const struct metric *m, struct buf *program);
uint64_t querier_answers(const struct querier *q);
