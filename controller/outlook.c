/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/outlook.h"
#include "controller/uptime.h"
#include <math.h>
#include <string.h>

#define SIGHT_LEADS 40 /* how far is looked ahead for the quantiles */
#define STEPS	    14 /* bisections of a quantile */
#define CLOSE	    0.05

/* --- adding up ---------------------------------------------------------------------------------- */

struct sum {
	double likeliest[PREDICTOR_CLASSES];
	double none; /* of those that stand for themselves fails */
	bool any;
};

static struct sum
start_sum(void)
{
	return (struct sum){ .none = 1 };
}

/* What is of no known class need not have anything to do with the others of none. */
static void
add(struct sum *s, const struct requirement *r, double p)
{
	if (isnan(p))
		return;
	s->any = true;
	if (r->class == PREDICT_OTHER)
		s->none *= 1 - p;
	else
		s->likeliest[r->class] = fmax(s->likeliest[r->class], p);
}

static double
vanishes(const struct outlook_query *q, int64_t within_ms)
{
	double stays =
	    q->uptimes ? uptimes_stay(q->uptimes, q->node, q->wall_ms, within_ms) : NAN;

	return isnan(stays) ? 0 : 1 - stays;
}

static void
add_vanishing(struct sum *s, const struct outlook_query *q, int64_t within_ms)
{
	double p = vanishes(q, within_ms);

	s->any |= p > 0;
	s->none *= 1 - p;
}

static double
total(const struct sum *s)
{
	double none = s->none;

	for (int c = 0; c < PREDICTOR_CLASSES; c++)
		none *= 1 - s->likeliest[c];
	return s->any ? 1 - none : NAN;
}

/* --- the requirements of a function ------------------------------------------------------------- */

struct member {
	struct watch *watch;
	struct prediction prediction;
};
/* Its own, and those that links and its location bring. */
#define MEMBERS_MAX (2 * SERVICE_REQUIREMENTS_MAX + 2 * SERVICE_LINKS_MAX)

static struct watch *
first_of(const struct outlook_query *q)
{
	return watches_of_function(q->watches, &q->node->id, q->placement);
}

static double
at(const struct outlook_query *q, const struct member *m, size_t n, int64_t within_ms)
{
	struct sum s = start_sum();

	for (size_t i = 0; i < n; i++)
		add(&s, m[i].watch->requirement,
		    watch_by(m[i].watch, &m[i].prediction, q->now_ms, within_ms));
	add_vanishing(&s, q, within_ms);
	return total(&s);
}

double
outlook_by(const struct outlook_query *q, int64_t within_ms, unsigned *ret_unknown)
{
	struct sum s = start_sum();
	unsigned unknown = 0;

	for (struct watch *w = first_of(q); w; w = w->group_next) {
		double p = watch_by(w, NULL, q->now_ms, within_ms);

		add(&s, w->requirement, p);
		unknown += isnan(p) && w->requirement->when_missing != MISSING_OK;
	}
	add_vanishing(&s, q, within_ms);
	if (ret_unknown)
		*ret_unknown = unknown;
	return total(&s);
}

double
outlook_by_then(const struct outlook_query *q, struct watch *const *watch, size_t watches,
    int64_t within_ms, unsigned *ret_unknown)
{
	struct sum s = start_sum();
	unsigned unknown = 0;

	for (size_t i = 0; i < watches; i++) {
		const struct requirement *r = watch[i]->requirement;
		double p = watch_by_then(watch[i], within_ms);

		add(&s, r, p);
		unknown += isnan(p) && r->when_missing != MISSING_OK;
	}
	add_vanishing(&s, q, within_ms);
	if (ret_unknown)
		*ret_unknown = unknown;
	return total(&s);
}

double
outlook_now(const struct outlook_query *q, unsigned *ret_close)
{
	struct sum s = start_sum();
	int64_t lead_ms = placement_lead(q->placement);
	unsigned close = 0;

	for (struct watch *w = first_of(q); w; w = w->group_next) {
		double p = w->state == WATCH_VIOLATED ? 1 : (double)w->probability;

		add(&s, w->requirement, p);
		close += p >= CLOSE;
	}
	add_vanishing(&s, q, lead_ms);
	if (ret_close)
		*ret_close = close;
	return total(&s);
}

/* --- when --------------------------------------------------------------------------------------- */

/* The probability only grows with time. */
static double
find_quantile(const struct outlook_query *q, const struct member *m, size_t n,
    double share, int64_t lead_ms)
{
	int64_t high = lead_ms / 8 + 1, low = 0, limit = SIGHT_LEADS * lead_ms;

	while (!(at(q, m, n, high) >= share)) {
		low = high;
		if (high >= limit)
			return INFINITY;
		high = 2 * high < limit ? 2 * high : limit;
	}
	for (int i = 0; i < STEPS && high - low > 1; i++) {
		int64_t middle = low + (high - low) / 2;

		if (at(q, m, n, middle) >= share)
			high = middle;
		else
			low = middle;
	}
	return (double)high / 1e3;
}

static const struct watch *
find_first(const struct outlook_query *q, const struct member *m, size_t n,
    int64_t within_ms, struct outlook *ret)
{
	double most = vanishes(q, within_ms);
	const struct watch *first = NULL;

	for (size_t i = 0; i < n; i++) {
		double p = watch_by(m[i].watch, &m[i].prediction, q->now_ms, within_ms);

		ret->known += !isnan(p);
		ret->unknown += isnan(p);
		if (!(p > most))
			continue;
		most = p;
		first = m[i].watch;
	}
	return first;
}

void
outlook_reckon(const struct outlook_query *q, struct outlook *ret)
{
	struct member m[MEMBERS_MAX];
	int64_t lead_ms = placement_lead(q->placement), when_ms = lead_ms;
	size_t n = 0;

	*ret = (struct outlook){
		.within = NAN, .median_s = NAN, .low_s = NAN, .high_s = NAN
	};
	for (struct watch *w = first_of(q); w && n < MEMBERS_MAX; w = w->group_next) {
		m[n].watch = w;
		watch_predict(w, q->now_ms, &m[n++].prediction);
	}
	ret->within = at(q, m, n, lead_ms);
	if (!isnan(ret->within)) {
		ret->low_s = find_quantile(q, m, n, 0.1, lead_ms);
		ret->median_s = find_quantile(q, m, n, 0.5, lead_ms);
		ret->high_s = find_quantile(q, m, n, 0.9, lead_ms);
		if (isfinite(ret->median_s))
			when_ms = (int64_t)(ret->median_s * 1e3);
	}
	ret->first = find_first(q, m, n, when_ms, ret);
}
