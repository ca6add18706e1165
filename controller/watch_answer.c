/* SPDX-License-Identifier: Apache-2.0
 *
 * The full answer of a watch, for those who ask. */
#include "controller/watch_int.h"

#define SURE 1e-9 /* less than this from 1 is not told from 1 */

static void
know_nothing(const struct watch *w, struct prediction *ret)
{
	*ret = (struct prediction){ .within = { NAN, NAN, NAN },
		.time_to_s = NAN,
		.low_s = NAN,
		.high_s = NAN,
		.reason = w->series ? "no data" : "no data yet" };
}

static bool
is_worse(const struct prediction *a, const struct prediction *b)
{
	double p = a->within[LEAD_NEEDED], q = b->within[LEAD_NEEDED];

	return isnan(p) || isnan(q) ? !isnan(p) : p > q;
}

static struct watch_series *
find_worst(struct watch *w, int64_t now_ms, struct prediction *ret)
{
	struct watch_series *worst = NULL;

	know_nothing(w, ret);
	for (struct watch_series *s = w->series; s; s = s->next) {
		struct prediction p;

		if (!watch_is_fresh(w, s, now_ms))
			continue;
		watch_tell_held(w, s, now_ms);
		watch_predictor(w)->predict(s->state, now_ms, &p);
		if (worst && !is_worse(&p, ret))
			continue;
		worst = s;
		*ret = p;
	}
	return worst;
}

void
watch_predict(struct watch *w, int64_t now_ms, struct prediction *ret)
{
	(void)find_worst(w, now_ms, ret);
}

/* --- any time ----------------------------------------------------------------------------------- */

struct knot {
	double t_s, hazard; /* cumulative */
};

static void
add_knot(struct knot *k, size_t *n, double t_s, double p)
{
	double hazard = -log(fmax(1 - p, SURE));

	if (!(t_s > 0) || !isfinite(t_s) || isnan(p) ||
	    (*n && (t_s <= k[*n - 1].t_s || hazard < k[*n - 1].hazard)))
		return;
	k[(*n)++] = (struct knot){ t_s, hazard };
}

static double
between(const struct knot *k, size_t n, double t_s)
{
	struct knot from = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		if (t_s <= k[i].t_s) {
			double part = (t_s - from.t_s) / (k[i].t_s - from.t_s);

			return from.hazard + part * (k[i].hazard - from.hazard);
		}
		from = k[i];
	}
	return from.hazard * t_s / from.t_s;
}

/* The rate is taken as even between the leads and quantiles that are known, and after the last one as
 * it was on the whole. */
static double
interpolate(const struct watch *w, const struct prediction *p, double t_s)
{
	const double lead_s = (double)w->lead_ms / 1e3;
	struct knot k[6] = { 0 };
	size_t n = 0;

	if (isnan(p->within[LEAD_NEEDED]))
		return NAN;
	add_knot(k, &n, lead_s / 2, p->within[LEAD_SHORT]);
	add_knot(k, &n, lead_s, p->within[LEAD_NEEDED]);
	add_knot(k, &n, 5 * lead_s, p->within[LEAD_LONG]);
	add_knot(k, &n, p->low_s, 0.1);
	add_knot(k, &n, p->time_to_s, 0.5);
	add_knot(k, &n, p->high_s, 0.9);
	return n ? 1 - exp(-between(k, n, t_s)) : NAN;
}

static double
ask_series(struct watch *w, int64_t now_ms, int64_t within_ms)
{
	const struct predictor *predictor = watch_predictor(w);
	double worst = NAN;

	for (struct watch_series *s = w->series; s; s = s->next) {
		if (!watch_is_fresh(w, s, now_ms))
			continue;
		watch_tell_held(w, s, now_ms);
		worst = fmax(worst, predictor->by(s->state, now_ms, within_ms));
	}
	return worst;
}

double
watch_by(struct watch *w, const struct prediction *p, int64_t now_ms, int64_t within_ms)
{
	struct prediction own;

	if (w->state == WATCH_VIOLATED)
		return 1;
	if (w->state == WATCH_OK && isnan(w->value))
		return 0; /* nothing there, and that is all right */
	if (within_ms <= 0)
		return 0;
	if (watch_predictor(w)->by)
		return ask_series(w, now_ms, within_ms);
	if (!p) {
		watch_predict(w, now_ms, &own);
		p = &own;
	}
	return interpolate(w, p, (double)within_ms / 1e3);
}

/* Of what its predictor said of the leads. */
static double
extend(const struct watch *w, const struct watch_series *s, double t_s)
{
	const double lead_s = (double)w->lead_ms / 1e3;
	struct knot k[2] = { 0 };
	size_t n = 0;

	add_knot(k, &n, lead_s, (double)s->within_needed);
	add_knot(k, &n, 5 * lead_s, (double)s->within_long);
	return n ? 1 - exp(-between(k, n, t_s)) : NAN;
}

double
watch_by_then(const struct watch *w, int64_t within_ms)
{
	double worst = NAN;

	if (w->state == WATCH_VIOLATED)
		return 1;
	if (w->state == WATCH_OK && isnan(w->value))
		return 0;
	for (const struct watch_series *s = w->series; s && w->state != WATCH_UNKNOWN;
	     s = s->next)
		if (s->answered_ms >= 0)
			worst = fmax(worst, extend(w, s, (double)within_ms / 1e3));
	return worst;
}

size_t
watch_inputs(const struct watch *w, struct predictor_input dst[PREDICTOR_INPUTS_MAX])
{
	const struct predictor *predictor = watch_predictor(w);
	const struct watch_series *worst = NULL;

	for (const struct watch_series *s = w->series; s; s = s->next)
		if (!worst || s->within_needed > worst->within_needed)
			worst = s;
	return worst && predictor->inputs ? predictor->inputs(worst->state, dst) : 0;
}
