/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGMETRIC: whoever reaches us may ask for the result of a program, now. Reading is all that it
 * can do; how often is limited. */
#pragma once
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
uint64_t querier_answers(const struct querier *q);
