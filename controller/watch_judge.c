/* SPDX-License-Identifier: Apache-2.0
 *
 * From values to a state. The full answer of a predictor costs as much as twenty of its updates, so it is
 * asked for at each value only where a decision may be near, and now and then elsewhere. */
#include "controller/watch_int.h"

#define START_MS     15000 /* until a new plan has to show results */
#define QUIET_MAX_MS 10000 /* between two answers of what is far away */
#define VISIT_MIN_MS 1000  /* of what tells nothing while it is all right */
#define VISIT_MAX_MS 2500
#define REST_MS	     60000 /* only news matter */
#define NEAR_LONG    0.05  /* within the long lead: the predictor may decide soon */
#define NEARER	     0.9   /* of the margin is a move towards the threshold */

enum condition {
	NOTHING,
	ABOVE,	 /* likely enough to raise it */
	BELOW,	 /* unlikely enough to take it back */
	MISSING, /* no value */
};
struct findings {	   /* about all series */
	bool any;	   /* fresh values */
	bool alarm;	   /* by the predictor's own decision */
	bool violating;	   /* one of them, now */
	bool violated;	   /* for longer than hold */
	bool recovering;   /* or was so until less than hold ago */
	int64_t change_ms; /* when that would be otherwise, of itself */
};

static bool
decides_itself(const struct watch *w) /* the predictor, by cost */
{
	return !(watch_function(w)->raise > 0);
}

static bool
is_near(const struct watch *w, const struct watch_series *s)
{
	if (isnan(s->within_needed) || s->alarm || w->state == WATCH_RAISED)
		return true;
	if (decides_itself(w))
		return s->within_long >= NEAR_LONG;
	return s->within_needed >= watch_function(w)->raise / 2;
}

static int64_t
quiet_time(const struct watch *w)
{
	int64_t ms = w->lead_ms / 4, least = 4 * (int64_t)w->period_ms;

	if (ms > QUIET_MAX_MS)
		ms = QUIET_MAX_MS;
	return ms > least ? ms : least;
}

/* Without a new value the horizon moves on, now and then. */
static bool
needs_answer(const struct watch *w, const struct watch_series *s, int64_t now_ms)
{
	int64_t age = now_ms - s->answered_ms;
	double margin = watch_margin(w, watch_value_at(w, s, now_ms));

	if (s->answered_ms < 0 || (margin > 0) != (s->answered_margin > 0) ||
	    age >= quiet_time(w))
		return true;
	if (!s->told)
		return is_near(w, s) && age >= 2 * (int64_t)w->period_ms;
	return margin > 0 &&
	    (is_near(w, s) || margin < NEARER * (double)s->answered_margin);
}

static void
answer(const struct watch *w, struct watch_series *s, int64_t now_ms)
{
	struct prediction p;

	if (!needs_answer(w, s, now_ms))
		return;
	watch_predictor(w)->predict(s->state, now_ms, &p);
	s->within_needed = (float)p.within[LEAD_NEEDED];
	s->within_long = (float)p.within[LEAD_LONG];
	s->alarm = p.alarm;
	s->answered_ms = now_ms;
	s->told = false;
	s->answered_margin = (float)watch_margin(w, watch_value_at(w, s, now_ms));
}

static void
note_violation(const struct watch *w, const struct watch_series *s, int64_t now_ms,
    struct findings *f)
{
	int64_t hold = w->requirement->hold_ms, change_ms = INT64_MAX;

	if (s->violating_ms >= 0) {
		f->violating = true;
		if (now_ms - s->violating_ms >= hold)
			f->violated = true;
		else
			change_ms = s->violating_ms + hold;
	}
	if (s->violated_ms >= 0 && now_ms - s->violated_ms <= hold) {
		f->recovering = true;
		if (s->violating_ms < 0)
			change_ms = s->violated_ms + hold + 1;
	}
	if (change_ms < f->change_ms)
		f->change_ms = change_ms;
}

static struct findings
look_at_series(struct watch *w, int64_t now_ms)
{
	struct findings f = { .change_ms = INT64_MAX };

	w->value = NAN;
	w->probability = NAN;
	for (struct watch_series *s = w->series; s; s = s->next) {
		double value;

		if (!watch_is_fresh(w, s, now_ms))
			continue;
		watch_tell_held(w, s, now_ms);
		answer(w, s, now_ms);
		value = watch_value_at(w, s, now_ms);
		if (!f.any || watch_margin(w, value) < watch_margin(w, w->value))
			w->value = value;
		w->probability = fmaxf(w->probability, s->within_needed);
		f.any = true;
		f.alarm |= s->alarm;
		note_violation(w, s, now_ms, &f);
		if (s->time_ms + w->silence_ms + 1 < f.change_ms)
			f.change_ms = s->time_ms + w->silence_ms + 1;
	}
	return f;
}

static bool
has_lasted(struct watch *w, enum condition c, int64_t now_ms, int64_t span_ms)
{
	if (w->condition != c) {
		w->condition = (uint8_t)c;
		w->since_ms = now_ms;
	}
	return now_ms - w->since_ms >= span_ms;
}

static enum watch_state
judge_missing(struct watch *w, int64_t now_ms)
{
	bool started = w->series || now_ms - w->sampled_ms >= START_MS + 2 * w->period_ms;
	bool lasted = started && has_lasted(w, MISSING, now_ms, w->requirement->hold_ms);

	if (!started)
		w->condition = NOTHING;
	switch ((enum requirement_missing)w->requirement->when_missing) {
	case MISSING_UNKNOWN:
		break;
	case MISSING_OK:
		return WATCH_OK;
	case MISSING_FAILS:
		if (lasted)
			return WATCH_VIOLATED;
		return started ? w->state : WATCH_UNKNOWN;
	}
	return WATCH_UNKNOWN;
}

/* While the predictor learns anew after a step, what was raised stays so for a lead, no longer; and
 * if the step led away from the threshold, not even that. */
static int64_t
patience(const struct watch *w)
{
	bool learning = isnan(w->probability);

	return learning && watch_margin(w, w->value) <= (double)w->raised_margin
	    ? w->lead_ms
	    : watch_function(w)->sustain_ms;
}

/* Over the threshold, but not for long enough yet: nothing is taken back meanwhile. */
static enum condition
find_condition(const struct watch *w, const struct findings *f)
{
	const struct function *fn = watch_function(w);
	bool by_itself = decides_itself(w);

	if (by_itself ? f->alarm : w->probability >= fn->raise)
		return ABOVE;
	if (f->violating)
		return NOTHING;
	return by_itself || !(w->probability >= fn->clear) ? BELOW : NOTHING;
}

/* Hysteresis and minimum duration (PRD-04). */
static enum watch_state
judge_prediction(struct watch *w, const struct findings *f, int64_t now_ms)
{
	enum condition c = find_condition(w, f);
	int64_t span = c == BELOW ? patience(w) : watch_function(w)->sustain_ms;
	bool lasted = has_lasted(w, c, now_ms, span);
	bool above = c == ABOVE && lasted, below = c == BELOW && lasted;

	switch (w->state) {
	case WATCH_UNKNOWN:
	case WATCH_OK:
		if (above)
			w->raised_margin = (float)watch_margin(w, w->value);
		return above ? WATCH_RAISED : WATCH_OK;
	case WATCH_RAISED:
		return below ? WATCH_OK : WATCH_RAISED;
	case WATCH_VIOLATED:
		return below || isnan(w->probability) ? WATCH_OK : WATCH_RAISED;
	}
	return w->state;
}

/* --- when to look again ------------------------------------------------------------------------- */

static int64_t
due_when_missing(const struct watch *w, int64_t now_ms)
{
	if (w->condition != MISSING)
		return w->sampled_ms + START_MS + 2 * w->period_ms;
	if (w->requirement->when_missing == MISSING_FAILS && w->state != WATCH_VIOLATED)
		return w->since_ms + w->requirement->hold_ms;
	return now_ms + REST_MS;
}

static int64_t
visit_time(const struct watch *w)
{
	int64_t ms = w->lead_ms / 8;

	if (w->state == WATCH_RAISED || w->condition == ABOVE || ms < VISIT_MIN_MS)
		ms = VISIT_MIN_MS;
	if (ms > VISIT_MAX_MS)
		ms = VISIT_MAX_MS;
	return ms > w->period_ms ? ms : w->period_ms;
}

static int64_t
due_with_values(
    const struct watch *w, const struct findings *f, enum watch_state s, int64_t now_ms)
{
	int64_t due_ms = f->change_ms;

	if (w->held && now_ms + visit_time(w) < due_ms)
		due_ms = now_ms + visit_time(w);
	if (w->condition == ABOVE && s < WATCH_RAISED &&
	    w->since_ms + watch_function(w)->sustain_ms < due_ms)
		due_ms = w->since_ms + watch_function(w)->sustain_ms;
	if (w->condition == BELOW && s == WATCH_RAISED &&
	    w->since_ms + patience(w) < due_ms)
		due_ms = w->since_ms + patience(w);
	return due_ms;
}

/* --- what was said a lead ago ------------------------------------------------------------------- */

static void
end_sample(struct watch *w, bool came, struct verdict *ret)
{
	ret->sampled = true;
	ret->said = (double)w->sample;
	ret->came = came;
	w->sample = NAN;
}

/* An event counts from when it began, and is one when it has lasted. */
static void
follow_sample(
    struct watch *w, const struct findings *f, int64_t now_ms, struct verdict *ret)
{
	int64_t hold = w->requirement->hold_ms, until_ms = w->sampled_ms + w->lead_ms;

	if (!f->any || w->state == WATCH_VIOLATED) {
		w->sample = NAN;
		return;
	}
	if (!isnan(w->sample)) {
		if (ret->state == WATCH_VIOLATED)
			end_sample(w, now_ms - hold <= until_ms, ret);
		else if (now_ms > until_ms + hold && !f->violating)
			end_sample(w, false, ret);
	}
	if (isnan(w->sample) && ret->state != WATCH_VIOLATED && !f->violating) {
		w->sample = w->probability;
		w->sampled_ms = now_ms;
	}
}

void
watch_judge(struct watch *w, int64_t now_ms, struct verdict *ret)
{
	struct findings f = look_at_series(w, now_ms);

	*ret = (struct verdict){ 0 };
	if (!f.any) {
		ret->state = judge_missing(w, now_ms);
		ret->due_ms = due_when_missing(w, now_ms);
	} else {
		ret->state = judge_prediction(w, &f, now_ms);
		if (f.violated || (w->state == WATCH_VIOLATED && f.recovering))
			ret->state = WATCH_VIOLATED;
		ret->due_ms = due_with_values(w, &f, ret->state, now_ms);
	}
	follow_sample(w, &f, now_ms, ret);
}
