/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/worth.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "metrics/held.h"
#include "metrics/pace.h"

#define ROOM_START 2 /* most items have one series */

struct series {
	uint64_t hash;	  /* of its labels; 0: unused */
	struct held held; /* what was reported */
	struct pace pace;
	uint32_t round;	 /* in which it was seen last */
	uint8_t *labels; /* own copy, unless everything is told */
	size_t labels_len;
};
struct worth {
	const struct plan_item *spec;
	uint32_t round;
	int64_t next_ms; /* the shortest need of this round's series */
	size_t len, room;
	struct series *series;
};

/* --- series ----------------------------------------------------------------------------------- */
static uint64_t
hash_labels(struct slice labels)
{
	uint64_t h =
	    0xcbf29ce484222325; /* FNV-1a; the 0 of an unused entry is not taken */

	for (size_t i = 0; i < labels.len; i++)
		h = (h ^ labels.data[i]) * 0x100000001b3;
	return h ? h : 1;
}

/* One more, if there may be and there is memory. */
static bool
grow(struct worth *w)
{
	size_t room = 2 * w->room < WORTH_SERIES_MAX ? 2 * w->room : WORTH_SERIES_MAX;
	struct series *more;

	if (w->len < w->room)
		return true;
	if (w->room == WORTH_SERIES_MAX ||
	    !(more = realloc(w->series, room * sizeof *more)))
		return false;
	w->series = more;
	w->room = room;
	return true;
}

/* The entry of the series, else the one that was quiet longest. */
static struct series *
ensure_series(struct worth *w, uint64_t hash)
{
	struct series *oldest = &w->series[0];

	for (size_t n = 0; n < w->len; n++) {
		if (w->series[n].hash == hash)
			return &w->series[n];
		if (w->series[n].held.time_ms < oldest->held.time_ms)
			oldest = &w->series[n];
	}
	if (w->len && !grow(w))
		free(oldest->labels);
	else
		oldest = &w->series[w->len++];
	*oldest = (struct series){ .hash = hash };
	return oldest;
}

/* To be able to tell its end. Without memory that goes unsaid. */
static void
keep_labels(struct series *s, struct slice labels)
{
	s->labels = malloc(labels.len + 1);
	if (!s->labels)
		return;
	s->labels_len = labels.len;
	if (labels.len)
		memcpy(s->labels, labels.data, labels.len);
}

/* --- the modes -------------------------------------------------------------------------------- */
static bool
has_moved(double before, double now, double limit)
{
	if (isnan(before) || isnan(now))
		return isnan(before) != isnan(now);
	if (isinf(before) || isinf(now))
		return before != now;
	return limit > 0 ? fabs(now - before) > limit : now != before;
}

static bool
holds(double condition)
{
	return !isnan(condition) && condition != 0;
}

static int
side_of(double value, double threshold)
{
	return (value > threshold) - (value < threshold);
}

/* prediction.md §11 */
static bool
is_unexpected(const struct plan_item *spec, double expected, double value)
{
	double distance = INFINITY;

	for (unsigned i = 0; i < spec->thresholds; i++) {
		if (side_of(expected, spec->threshold[i]) !=
		    side_of(value, spec->threshold[i]))
			return true;
		distance = fmin(distance, fabs(expected - spec->threshold[i]));
	}
	return has_moved(expected, value,
	    fmax(spec->deadband, spec->thresholds ? spec->share * distance : 0));
}

static bool
is_news(
    const struct plan_item *spec, const struct series *s, const struct report_point *p)
{
	double held =
	    held_at(&s->held, p->time_ms, spec->period_ms, spec->flags & PLAN_LINE);

	switch (spec->mode) {
	case PLAN_PERIODIC:
		return true;
	case PLAN_ON_CHANGE:
		return has_moved(s->held.value, p->value, spec->deadband);
	case PLAN_ON_CONDITION:
		return holds(s->held.value) != holds(p->value);
	case PLAN_SUPPRESSED:
		return is_unexpected(spec, held, p->value);
	}
	return true;
}

/* An unmet condition is no news at first; any other first value is. */
static bool
is_first_news(const struct plan_item *spec, double value)
{
	return spec->mode != PLAN_ON_CONDITION || holds(value);
}

static bool
beats(const struct plan_item *spec, const struct series *s, int64_t now_ms)
{
	return spec->heartbeat_ms && s->held.reports &&
	    now_ms - s->held.time_ms >= spec->heartbeat_ms;
}

static void
note_pace(struct worth *w, struct series *s, const struct report_point *p)
{
	const struct plan_item *spec = w->spec;
	const struct pace_bound bound = { .period_ms = spec->period_ms,
		.max_ms = spec->period_max_ms,
		.error = spec->deadband,
		.threshold = spec->threshold,
		.thresholds = spec->thresholds };
	int64_t next_ms = spec->period_ms;

	if (isfinite(p->value)) {
		pace_take(&s->pace, p->time_ms, p->value, spec->period_ms);
		next_ms = pace_next(&s->pace, p->value, &bound);
	} else {
		s->pace = (struct pace){ 0 };
	}
	if (next_ms < w->next_ms)
		w->next_ms = next_ms;
}

bool
worth_look(struct worth *w, const struct report_point *p)
{
	const struct plan_item *spec = w->spec;
	struct series *s;

	if (spec->mode == PLAN_PERIODIC && !spec->period_max_ms)
		return true;
	s = ensure_series(w, hash_labels(p->labels));
	if (!s->labels && spec->mode != PLAN_PERIODIC)
		keep_labels(s, p->labels);
	s->round = w->round;
	if (spec->period_max_ms)
		note_pace(w, s, p);
	if (s->held.reports ? !is_news(spec, s, p) && !beats(spec, s, p->time_ms)
			    : !is_first_news(spec, p->value))
		return false;
	held_take(&s->held, p->time_ms, p->value, spec->period_ms);
	return true;
}

void
worth_begin(struct worth *w)
{
	w->round++;
	w->next_ms = w->spec->period_max_ms ? w->spec->period_max_ms : w->spec->period_ms;
}

/* Was something said of it that this round did not repeat? */
static bool
has_ended(const struct worth *w, const struct series *s)
{
	return s->round != w->round && s->labels && s->held.reports &&
	    !isnan(s->held.value) &&
	    (w->spec->mode != PLAN_ON_CONDITION || holds(s->held.value));
}

void
worth_end(struct worth *w, int64_t now_ms,
    void (*result)(void *arg, const struct report_point *p), void *arg)
{
	for (size_t i = 0; i < w->len; i++) {
		struct series *s = &w->series[i];
		const struct report_point p = { .item = w->spec->id,
			.time_ms = now_ms,
			.value = NAN,
			.labels = { s->labels, s->labels_len },
			.reason = slice_text("there is no value any more") };

		if (!has_ended(w, s))
			continue;
		result(arg, &p);
		held_take(&s->held, now_ms, NAN, w->spec->period_ms);
	}
}

int64_t
worth_period(const struct worth *w)
{
	return w->next_ms;
}

/* --- life ------------------------------------------------------------------------------------- */
int
worth_new(const struct plan_item *spec, struct worth **ret)
{
	struct worth *w = calloc(1, sizeof *w);

	if (!w || !(w->series = malloc(ROOM_START * sizeof *w->series))) {
		free(w);
		return -ENOMEM;
	}
	w->room = ROOM_START;
	w->spec = spec;
	w->next_ms = spec->period_ms;
	*ret = w;
	return 0;
}

void
worth_free(struct worth *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->len; i++)
		free(w->series[i].labels);
	free(w->series);
	free(w);
}
