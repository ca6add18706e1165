/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bargain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/report.h"
#include "metrics/expr_program.h"

#define VALUE_BYTES 4 /* in a report, packed */

static void
say_why(struct fog_plan *plan, uint32_t item, const char *why)
{
	if (!plan->why[0])
		snprintf(plan->why, sizeof plan->why, "item %" PRIu32 ": %s", item, why);
}

static void
drop_item(struct fog_plan *plan, unsigned i)
{
	plan->items--;
	memmove(
	    &plan->item[i], &plan->item[i + 1], (plan->items - i) * sizeof plan->item[0]);
}

/* --- what there is ------------------------------------------------------------------------------- */

static int
try_item(const struct bargain_env *env, const struct plan_item *i, char *why, size_t size)
{
	struct want *want = NULL;
	int err = sampler_want(
	    env->sampler, i->program, i->period_ms, INT64_MAX, why, size, &want);

	sampler_unwant(want);
	return err;
}

static int
drop_what_is_not_there(const struct bargain_env *env, struct fog_plan *plan)
{
	int changed = 0;

	for (unsigned i = 0; i < plan->items;) {
		char why[PLAN_WHY_MAX - 24] = "";
		int err = try_item(env, &plan->item[i], why, sizeof why);

		if (err == -ENOMEM)
			return err;
		if (err >= 0) {
			i++;
			continue;
		}
		say_why(plan, plan->item[i].id, why[0] ? why : strerror(-err));
		drop_item(plan, i);
		changed++;
	}
	return changed;
}

/* --- how often ----------------------------------------------------------------------------------- */

struct slowest {
	struct sampler *sampler;
	int64_t pace_ms;
	char metric[METRIC_NAME_MAX + 1];
};

static void
note_pace(void *arg, const struct expr_step *select)
{
	struct slowest *s = arg;
	int64_t pace_ms = sampler_least_period(s->sampler, select->metric);

	if (pace_ms <= s->pace_ms)
		return;
	s->pace_ms = pace_ms;
	snprintf(s->metric, sizeof s->metric, "%s", select->metric);
}

static void
lengthen(struct plan_item *i, int64_t period_ms)
{
	if (period_ms > PLAN_PERIOD_MAX_MS)
		period_ms = PLAN_PERIOD_MAX_MS;
	i->period_ms = (uint32_t)period_ms;
	if (i->period_max_ms && i->period_max_ms <= i->period_ms)
		i->period_max_ms = 0;
}

static int
slow_down_to_sources(const struct bargain_env *env, struct fog_plan *plan)
{
	int changed = 0;

	for (unsigned i = 0; i < plan->items; i++) {
		struct plan_item *item = &plan->item[i];
		struct slowest s = { .sampler = env->sampler };
		char why[PLAN_WHY_MAX - 24];

		(void)expr_needs(item->program, note_pace, &s);
		if (s.pace_ms <= item->period_ms)
			continue;
		snprintf(why, sizeof why, "%.64s comes every %" PRId64 " ms", s.metric,
		    s.pace_ms);
		say_why(plan, item->id, why);
		lengthen(item, s.pace_ms);
		changed++;
	}
	return changed;
}

/* --- how much ------------------------------------------------------------------------------------ */

/* Bytes a second of all that is told periodically, in the large reports that wait for the budget. */
static int64_t
cost_of(const struct fog_plan *plan)
{
	int64_t mbytes = 0;

	for (unsigned i = 0; i < plan->items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (item->mode == PLAN_PERIODIC)
			mbytes += INT64_C(1000000) * VALUE_BYTES / item->period_ms;
	}
	mbytes += mbytes * REPORT_OVERHEAD / REPORT_BYTES_MAX;
	return mbytes / 1000;
}

static int
slow_down_to_budget(const struct bargain_env *env, struct fog_plan *plan)
{
	int64_t cost = cost_of(plan), factor;
	int changed = 0;

	if (!env->budget || cost <= env->budget)
		return 0;
	factor = (cost + env->budget - 1) / env->budget;
	for (unsigned i = 0; i < plan->items; i++) {
		char why[PLAN_WHY_MAX - 24];

		if (plan->item[i].mode != PLAN_PERIODIC)
			continue;
		snprintf(why, sizeof why,
		    "the plan takes %" PRId64 " B/s, report.budget is %" PRId64, cost,
		    env->budget);
		say_why(plan, plan->item[i].id, why);
		lengthen(&plan->item[i], plan->item[i].period_ms * factor);
		changed++;
	}
	return changed;
}

int
bargain(const struct bargain_env *env, struct fog_plan *plan)
{
	int dropped = drop_what_is_not_there(env, plan);

	if (dropped < 0)
		return dropped;
	return dropped + slow_down_to_sources(env, plan) + slow_down_to_budget(env, plan);
}
