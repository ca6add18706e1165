/* SPDX-License-Identifier: Apache-2.0
 *
 * What a location of a function asks of nodes: to tell where they are. Distances are reckoned here, by the
 * judge (judge_place.c), since no node knows where all others are; the watch of the requirement gets metres
 * to the boundary. A candidate that was put somewhere for good need not tell. */
#include "controller/location.h"
#include "controller/plan_resolve.h"
#include "controller/reporting.h"
#include "prediction/predictor.h"

#include <stdio.h>
#include <string.h>

#define CANDIDATE_PERIODS 3 /* a lighter plan */

int
resolve_location(struct resolution *r)
{
	const struct location *l = r->of->function->location;
	char text[LOCATION_TEXT_MAX], expr[64];
	struct requirement q = { .origin = REQUIRE_LOCATION,
		.side = REQUIRE_ABOVE,
		.when_missing = MISSING_UNKNOWN,
		.report = REPORTING_PERIODIC, /* a position needs both halves */
		.predictor = predictor_find(NULL),
		.class = PREDICT_OTHER,
		.low = -LOCATION_RANGE_M,
		.high = LOCATION_RANGE_M };

	if (!l || (!r->host && vitals_is_fixed(r->node->caps)))
		return 0;
	if (r->of->function->requirements)
		q.predictor = r->of->function->requirement[0].predictor;
	location_text(l, text, sizeof text);
	snprintf(expr, sizeof expr, "%s", vital_exprs[VITAL_LATITUDE]);
	q.text = text;
	q.expr = expr;
	q.period_ms = l->period_ms;
	q.candidate_period_ms = CANDIDATE_PERIODS * l->period_ms;
	q.hold_ms = l->hold_ms;
	return resolution_require(r, &q);
}

/* Does anything have to be near this node, so that it has to tell as well? How often; 0: no. */
int64_t
plan_location_near(const struct plan_view *view, const struct node *n)
{
	int64_t period_ms = 0;

	if (vitals_is_fixed(n->caps))
		return 0;
	for (const struct placement *p = view->placements; p; p = p->next) {
		const struct location *l = p->function ? p->function->location : NULL;
		const char *near = l ? location_near(p, view->placements) : NULL;

		if (near && !strcmp(near, n->name) &&
		    (!period_ms || l->period_ms < period_ms))
			period_ms = l->period_ms;
	}
	return period_ms;
}
