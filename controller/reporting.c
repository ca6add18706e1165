/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/reporting.h"

#include <math.h>
#include <string.h>

/* prediction.md §11, with less of the distance: three tenths save more, but the steps that are left of a
 * battery that empties in a minute tell its predictor too little (tests/bench/suppression). What counts as no
 * change at all has to be small: with a hundredth of the range, averages come to the threshold in a few steps,
 * and too late for one in six batteries (tests/bench/README.foresight). */
#define SHARE		  0.15
#define DEADBAND	  0.002 /* of the range */
#define DEADBAND_SLOW	  0.005 /* of the threshold: what sampling less may miss */
#define HEARTBEAT_PERIODS 60

const char *const reporting_choices[] = {
	[REPORTING_SUPPRESSED] = "suppressed", [REPORTING_PERIODIC] = "periodic", NULL
};

void
reporting_of(const struct requirement *r, bool host, struct plan_item *ret)
{
	int64_t period_ms = host ? r->period_ms : r->candidate_period_ms;

	*ret =
	    (struct plan_item){ .period_ms = (uint32_t)period_ms, .mode = PLAN_PERIODIC };
	if (r->longest_period_ms > period_ms)
		ret->period_max_ms = (uint32_t)r->longest_period_ms;
	if (r->report == REPORTING_PERIODIC)
		return;
	ret->mode = PLAN_SUPPRESSED;
	ret->share = SHARE;
	ret->deadband = ret->period_max_ms ? DEADBAND_SLOW * fabs(r->threshold)
					   : DEADBAND * (r->high - r->low);
	ret->heartbeat_ms = (uint32_t)(period_ms < PLAN_PERIOD_MAX_MS / HEARTBEAT_PERIODS
		? HEARTBEAT_PERIODS * period_ms
		: PLAN_PERIOD_MAX_MS);
	ret->threshold[ret->thresholds++] = r->threshold;
}

static uint32_t
lesser(uint32_t a, uint32_t b) /* 0: none */
{
	return !a || (b && b < a) ? b : a;
}

/* false: there are too many. */
static bool
add_thresholds(struct plan_item *into, const struct plan_item *more)
{
	for (unsigned i = 0; i < more->thresholds; i++) {
		unsigned k = 0;

		while (k < into->thresholds && into->threshold[k] != more->threshold[i])
			k++;
		if (k == PLAN_THRESHOLDS_MAX)
			return false;
		if (k == into->thresholds)
			into->threshold[into->thresholds++] = more->threshold[i];
	}
	return true;
}

static void
tell_everything(struct plan_item *i)
{
	i->mode = PLAN_PERIODIC;
	i->flags &= (uint8_t)~PLAN_LINE;
	i->deadband = i->share = 0;
	i->heartbeat_ms = 0;
	i->thresholds = 0;
}

/* Who wants every value of a longer period is content with a heartbeat of that. */
static bool
merge_periodic(struct plan_item *suppressed, const struct plan_item *periodic)
{
	if (periodic->mode != PLAN_PERIODIC || suppressed->mode != PLAN_SUPPRESSED ||
	    periodic->period_ms <= suppressed->period_ms)
		return false;
	suppressed->heartbeat_ms = lesser(suppressed->heartbeat_ms, periodic->period_ms);
	return true;
}

static bool
merge_alike(struct plan_item *into, const struct plan_item *more)
{
	if (into->mode != more->mode)
		return false;
	into->deadband = fmin(into->deadband, more->deadband);
	into->share = fmin(into->share, more->share);
	into->heartbeat_ms = lesser(into->heartbeat_ms, more->heartbeat_ms);
	return add_thresholds(into, more);
}

static void
merge_mode(struct plan_item *into, const struct plan_item *more)
{
	struct plan_item other = *more;

	if (merge_periodic(into, more) || merge_alike(into, more))
		return;
	if (merge_periodic(&other, into)) {
		other.period_max_ms = into->period_max_ms;
		*into = other;
	} else {
		tell_everything(into);
	}
}

void
reporting_merge(struct plan_item *into, const struct plan_item *more)
{
	uint32_t period_ms = lesser(into->period_ms, more->period_ms);
	uint32_t max_ms = into->period_max_ms && more->period_max_ms
	    ? lesser(into->period_max_ms, more->period_max_ms)
	    : 0;
	uint8_t flags = (into->flags | more->flags) & PLAN_URGENT;

	flags |= into->flags & more->flags & (PLAN_LOSSY | PLAN_LINE);
	merge_mode(into, more);
	into->flags = flags;
	into->period_ms = period_ms;
	into->period_max_ms = max_ms > period_ms ? max_ms : 0;
}

bool
reporting_is(const struct plan_item *a, const struct plan_item *b)
{
	return a->period_ms == b->period_ms && a->mode == b->mode &&
	    a->flags == b->flags && a->deadband == b->deadband && a->share == b->share &&
	    a->heartbeat_ms == b->heartbeat_ms && a->period_max_ms == b->period_max_ms &&
	    a->thresholds == b->thresholds &&
	    !memcmp(a->threshold, b->threshold, a->thresholds * sizeof a->threshold[0]);
}
