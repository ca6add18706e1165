/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may by what is measured: where it is, how busy it is, whether the requirements hold there, those of
 * links and of places included, and for how long they probably will. */
#include "controller/candidates_int.h"
#include "controller/location.h"
#include "controller/vitals.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIKELY	   0.5 /* where the predictor of a host decides by cost */
#define BUSY_SLACK 0.1 /* of all cores: what a system does beside functions */

/* --- place -------------------------------------------------------------------------------------- */

/* What moves is judged by its watch as well, which sees it leave. */
static bool
is_in_place(const struct view *v, struct reason *why)
{
	char wanted[LOCATION_TEXT_MAX];

	if (!v->f->location || v->margin >= 0)
		return true;
	if (!why)
		return false;
	location_text(v->f->location, wanted, sizeof wanted);
	if (isnan(v->margin))
		say(why, "where it is is not known, needed is %s", wanted);
	else
		say(why, "it is %.0f m too far away, needed is %s", -v->margin, wanted);
	return false;
}

/* By capabilities alone: one that is put up outside does not get there. */
static bool
may_be_in_place(const struct view *v, struct reason *why)
{
	double margin = v->f->location
	    ? location_margin_fixed(v->f->location, v->node->caps)
	    : INFINITY;

	if (!(margin < 0))
		return true;
	say(why, "it stands %.0f m outside of the area", -margin);
	return false;
}

/* --- cores that are free now ---------------------------------------------------------------------- */

static bool
has_idle_cpus(const struct view *v, struct reason *why)
{
	double busy =
	    v->q->vitals ? vitals_busy(v->q->vitals, v->node, v->q->now_ms) : NAN;
	double all = v->node->caps->cpus, idle = all * (1 - busy);

	if (isnan(busy) || !v->f->cpus || idle + BUSY_SLACK * all >= (double)v->f->cpus)
		return true;
	say(why, "%.1f of its %.0f cores are idle, %lld are needed", idle, all,
	    (long long)v->f->cpus);
	return false;
}

/* --- requirements ------------------------------------------------------------------------------- */

static bool
is_met(const struct watch *w, const struct requirement *r, const struct function *f,
    struct reason *why)
{
	double p = w ? (double)w->probability : NAN;

	if (!w || w->state == WATCH_UNKNOWN) {
		if (r->when_missing == MISSING_OK)
			return true;
		say(why, "no fresh data for %s", r->text);
	} else if (w->state == WATCH_VIOLATED) {
		say(why, "it does not meet %s (%.4g)", r->text, w->value);
	} else if (w->state == WATCH_RAISED || p >= (f->raise > 0 ? f->raise : LIKELY)) {
		say(why, "%s is likely to fail within %lld s (%.0f %%)", r->text,
		    (long long)w->lead_ms / 1000, p * 100);
	} else {
		return true;
	}
	return false;
}

static const struct watch *
find_watch(const struct view *v, const struct requirement *r)
{
	for (unsigned i = 0; i < v->watches; i++)
		if (v->watch[i]->requirement == r)
			return v->watch[i];
	return NULL;
}

static bool
meets_own(const struct view *v, struct reason *why)
{
	for (size_t i = 0; i < v->f->requirements; i++) {
		const struct requirement *r = &v->f->requirement[i];

		if (!is_met(find_watch(v, r), r, v->f, why))
			return false;
	}
	return true;
}

static bool
meets_those_of(const struct view *v, enum requirement_origin origin, struct reason *why)
{
	for (unsigned i = 0; i < v->watches; i++) {
		const struct watch *w = v->watch[i];

		if (w->requirement->origin == origin &&
		    !is_met(w, w->requirement, v->f, why))
			return false;
	}
	return true;
}

static bool
meets_links(const struct view *v, struct reason *why)
{
	return meets_those_of(v, REQUIRE_LINK, why);
}

static bool
stays_in_place(const struct view *v, struct reason *why)
{
	return meets_those_of(v, REQUIRE_LOCATION, why);
}

/* --- availability ------------------------------------------------------------------------------- */

static bool
is_available(const struct view *v, struct reason *why)
{
	double p = v->stay * v->hold;

	if (v->f->availability <= 0 || p >= v->f->availability)
		return true;
	if (isnan(p))
		say(why, "how long it will be good cannot be said yet");
	else
		say(why,
		    "it is good for %lld s with %.3g %%, needed are %.6g %% (it stays: "
		    "%.3g %%)",
		    (long long)candidates_horizon(v->f) / 1000, p * 100,
		    v->f->availability * 100, v->stay * 100);
	return false;
}

const struct candidate_filter candidate_filters_measured[] = {
	{ "stands", "not put up outside of where the function has to be", FILTER_LASTING,
	    may_be_in_place },
	{ "place", "where the function has to be", FILTER_NOW, is_in_place },
	{ "idle cores", "cores that do nothing now, as far as that is known", FILTER_NOW,
	    has_idle_cpus },
	{ "requirements", "meets all requirements, now and for a while", FILTER_MEASURED,
	    meets_own },
	{ "links", "near enough to the neighbours in the chain", FILTER_MEASURED,
	    meets_links },
	{ "stays", "does not leave where the function has to be", FILTER_MEASURED,
	    stays_in_place },
	{ "availability", "good for so long with the probability that is asked for",
	    FILTER_MEASURED, is_available },
	{ .name = NULL },
};
