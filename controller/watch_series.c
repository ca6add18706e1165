/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/watch_int.h"
#include <string.h>

#define LABELS_MAX    1024
#define STALE_PERIODS 3
#define STALE_MIN_MS  5000
#define ON_ITS_WAY_MS 1000 /* how long a report may take */

static int
sign_of(const struct watch *w)
{
	return w->requirement->side == REQUIRE_ABOVE ? -1 : 1;
}

double
watch_margin(const struct watch *w, double value)
{
	return sign_of(w) * (w->requirement->threshold - value);
}

/* --- memory ------------------------------------------------------------------------------------- */

static size_t
state_size(const struct watch *w)
{
	size_t size = watch_predictor(w)->state_size;

	return (size + sizeof(double) - 1) / sizeof(double) * sizeof(double);
}

/* What it is taken for between reports; NULL: the value. */
static struct held *
line_of(const struct watch *w, const struct watch_series *s)
{
	return w->line ? (struct held *)((char *)s->state + state_size(w)) : NULL;
}

static uint8_t *
labels_of(const struct watch *w, struct watch_series *s)
{
	size_t line = w->line ? sizeof(struct held) : 0;

	return (uint8_t *)s->state + state_size(w) + line;
}

void
watch_series_free(struct watch_series *s)
{
	free(s);
}

static void
init_predictor(const struct watch *w, struct watch_series *s)
{
	const struct requirement *r = w->requirement;
	const struct predictor_setup setup = { .threshold = r->threshold,
		.sign = sign_of(w),
		.low = r->low,
		.high = r->high,
		.class = r->class,
		.period_ms = w->period_ms,
		.hold_ms = r->hold_ms,
		.cost = watch_function(w)->cost,
		.lead_ms = { w->lead_ms / 2, w->lead_ms, 5 * (int64_t)w->lead_ms } };

	watch_predictor(w)->init(s->state, &setup);
}

static struct watch_series *
add_series(struct watch *w, struct slice labels)
{
	size_t size = sizeof(struct watch_series) + state_size(w) +
	    (w->line ? sizeof(struct held) : 0);
	struct watch_series *s = calloc(1, size + labels.len);

	if (!s)
		return NULL;
	if (labels.len)
		memcpy(labels_of(w, s), labels.data, labels.len);
	s->labels_len = (uint16_t)labels.len;
	s->value = NAN;
	s->time_ms = s->told_ms = INT64_MIN;
	s->violating_ms = s->violated_ms = s->answered_ms = -1;
	s->within_needed = s->within_long = NAN;
	init_predictor(w, s);
	s->next = w->series;
	w->series = s;
	return s;
}

/* Room is made by the one that was silent longest: labels come and go with devices. */
static void
drop_oldest(struct watch *w)
{
	struct watch_series **oldest = &w->series, *gone;

	for (struct watch_series **at = &w->series; *at; at = &(*at)->next)
		if ((*at)->time_ms < (*oldest)->time_ms)
			oldest = at;
	gone = *oldest;
	*oldest = gone->next;
	watch_series_free(gone);
}

static struct watch_series *
ensure_series(struct watch *w, struct slice labels)
{
	size_t n = 0;

	for (struct watch_series *s = w->series; s; s = s->next, n++)
		if (slice_equal(labels, (struct slice){ labels_of(w, s), s->labels_len }))
			return s;
	if (labels.len > LABELS_MAX)
		return NULL;
	if (n >= WATCH_SERIES_MAX)
		drop_oldest(w);
	return add_series(w, labels);
}

/* --- values ------------------------------------------------------------------------------------- */

double
watch_value_at(const struct watch *w, const struct watch_series *s, int64_t time_ms)
{
	const struct held *line = line_of(w, s);

	return line ? held_at(line, time_ms, w->period_ms, true) : s->value;
}

static void
tell_predictor(
    const struct watch *w, struct watch_series *s, int64_t time_ms, double value)
{
	if (time_ms <= s->told_ms)
		time_ms = s->told_ms + 1;
	watch_predictor(w)->update(s->state, time_ms, value);
	s->told_ms = time_ms;
	s->told = true;
	if (watch_margin(w, value) > 0) {
		s->violating_ms = -1;
		return;
	}
	if (s->violating_ms < 0)
		s->violating_ms = time_ms;
	s->violated_ms = time_ms;
}

/* Silence is information (prediction.md §11): without it, the jumps that do arrive would look like
 * volatility. */
static void
tell_until(const struct watch *w, struct watch_series *s, int64_t until_ms)
{
	int64_t end_ms, period = w->period_ms;

	if (!w->held || isnan(s->value))
		return;
	end_ms = s->time_ms + w->silence_ms;
	if (until_ms > end_ms)
		until_ms = end_ms;
	while (s->told_ms + period <= until_ms)
		tell_predictor(
		    w, s, s->told_ms + period, watch_value_at(w, s, s->told_ms + period));
}

bool
watch_take_point(struct watch *w, struct slice labels, int64_t time_ms, double value)
{
	struct watch_series *s = ensure_series(w, labels);

	if (!s || time_ms <= s->time_ms)
		return false;
	tell_until(w, s, time_ms - w->period_ms / 2);
	s->time_ms = time_ms;
	s->value = value;
	if (w->line)
		held_take(line_of(w, s), time_ms, value, w->period_ms);
	if (!isnan(value))
		tell_predictor(w, s, time_ms, value);
	return true;
}

/* --- silence ------------------------------------------------------------------------------------ */

/* Until when its silence says something: what was on its way may still come. */
static int64_t
heard_until(const struct watch *w, int64_t now_ms)
{
	const struct node *n = w->node;
	int64_t heard = n->link && n->state == NODE_ALIVE ? now_ms : n->silent_since_ms;

	return heard - w->period_ms - ON_ITS_WAY_MS;
}

void
watch_tell_held(const struct watch *w, struct watch_series *s, int64_t now_ms)
{
	tell_until(w, s, heard_until(w, now_ms));
}

bool
watch_is_fresh(const struct watch *w, const struct watch_series *s, int64_t now_ms)
{
	if (isnan(s->value) || now_ms - s->time_ms > w->silence_ms)
		return false;
	return !w->held || now_ms - s->time_ms <= STALE_MIN_MS ||
	    now_ms - heard_until(w, now_ms) <=
	    STALE_MIN_MS + STALE_PERIODS * (int64_t)w->period_ms;
}
