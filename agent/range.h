/* SPDX-License-Identifier: Apache-2.0
 *
 * A program at each step of a range that has passed, from the history of the node. It is done in
 * slices between which the loop turns, so that sampling and reports go on (RPT-11), and within bounds of
 * samples, time and bytes (S-22). */
#pragma once
#include "grasp/io.h"
#include "metrics/sampler.h"
#include "protocol/query.h"

struct range;

/* result: good until range_free(), which may be called in here. */
typedef void range_done_f(void *arg, const struct fog_result *result);

/* Whom it is for. */
struct range_env {
	struct grasp_io *io;
	struct sampler *sampler;
	unsigned active; /* how many run */
};
#define RANGES_MAX 4 /* of them at once */

/* bytes_max: of all columns. env is borrowed; query is copied. done() comes later, what cannot be known
 * is a result that says why. -EINVAL: no good range; -EBUSY: too many run; -ENOMEM. */
int range_start(struct range_env *env, const struct fog_query *query, size_t bytes_max,
    range_done_f *done, void *arg, struct range **ret) MUST_CHECK;
void range_free(struct range *r); /* no done() any more */
DEFINE_FREEP(struct range, range_free)
