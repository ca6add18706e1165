/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a plan this node can do: what it cannot measure is left out, what comes no more often than that is
 * asked for so often, and when values alone take more than report.budget, which no waiting helps, all that
 * is told periodically becomes slower. The controller is offered the rest (M_NEGOTIATE) and decides. */
#pragma once
#include "metrics/sampler.h"
#include "protocol/plan.h"

struct bargain_env {
	struct sampler *sampler; /* knows the rules of the plan */
	int64_t budget;		 /* bytes a second; 0: no bound */
};
/* How many items had to be changed; plan->why then says why the first one. -ENOMEM. */
int bargain(const struct bargain_env *env, struct fog_plan *plan) MUST_CHECK;
