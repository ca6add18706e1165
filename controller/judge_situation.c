/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "controller/event.h"
#include "controller/judge_int.h"
#include "controller/store.h"
#include <math.h>
#include <stdio.h>

/* --- one function, now ---------------------------------------------------------------------- */

static void
put_member(struct buf *out, const char *key, double v)
{
	buf_printf(out, ",\"%s\":", key);
	json_put_double(out, v);
}

static void
put_evidence(const struct watch *w, char *dst, size_t size)
{
	struct buf b;

	buf_init_fixed(&b, dst, size - 1);
	buf_puts(&b, "{\"requirement\":");
	json_put_text(&b, slice_text(w->requirement->text));
	put_member(&b, "value", w->value);
	put_member(&b, "threshold", w->requirement->threshold);
	put_member(&b, "probability", w->worst.within[LEAD_NEEDED]);
	put_member(&b, "time_to_s", w->worst.time_to_s);
	put_member(&b, "low_s", w->worst.low_s);
	put_member(&b, "high_s", w->worst.high_s);
	put_member(&b, "lead_s", (double)w->lead_ms / 1e3);
	buf_printf(&b, ",\"samples\":%u}", w->worst.samples);
	dst[b.err ? 0 : b.pos] = '\0'; /* half an object is none */
}

/* "likely to fail in 14 s (80 % within the lead of 20 s)" */
static void
describe_prediction(const struct watch *w, char *dst, size_t size)
{
	double p = w->worst.within[LEAD_NEEDED] * 100, lead = (double)w->lead_ms / 1e3;

	if (isnan(p)) /* raised before a step of the level, and not known anew yet */
		snprintf(dst, size, "likely to fail");
	else if (isfinite(w->worst.time_to_s))
		snprintf(dst, size,
		    "likely to fail in %.0f s (%.0f %% within the lead of %.0f s)",
		    w->worst.time_to_s, p, lead);
	else
		snprintf(dst, size, "likely to fail (%.0f %% within the lead of %.0f s)",
		    p, lead);
}

static void
describe_watch(const struct watch *w, char *dst, size_t size)
{
	char text[128], value[32] = "no data";

	if (!isnan(w->value))
		snprintf(value, sizeof value, "%.4g", w->value);
	if (w->state == WATCH_VIOLATED)
		snprintf(dst, size, "%s is violated: %s", w->requirement->text, value);
	else {
		describe_prediction(w, text, sizeof text);
		snprintf(dst, size, "%s: %s, %s", w->requirement->text, value, text);
	}
}

/* Violated before raised, then the likelier one. */
static bool
is_more_urgent(const struct watch *a, const struct watch *b)
{
	if (a->state != b->state)
		return a->state > b->state;
	return a->worst.within[LEAD_NEEDED] > b->worst.within[LEAD_NEEDED];
}

static const struct watch *
find_most_urgent(struct judge *j, const struct node *host, const struct placement *p)
{
	const struct watch *worst = NULL;

	for (const struct watch *w = watches_of(j->watches, &host->id); w; w = w->next)
		if (w->placement == p && w->host && w->state >= WATCH_RAISED &&
		    (!worst || is_more_urgent(w, worst)))
			worst = w;
	return worst;
}

static void
take_watch(struct judge *j, const struct watch *w, struct situation *ret)
{
	double in_s = w->worst.time_to_s;

	ret->kind = w->state == WATCH_VIOLATED ? SITUATION_VIOLATED : SITUATION_PREDICTED;
	ret->probability =
	    ret->kind == SITUATION_VIOLATED ? 1 : w->worst.within[LEAD_NEEDED];
	if (ret->kind == SITUATION_PREDICTED && isfinite(in_s))
		ret->due_ms = judge_wall(j) + (int64_t)(in_s * 1e3);
	describe_watch(w, ret->reason, sizeof ret->reason);
	put_evidence(w, ret->evidence, sizeof ret->evidence);
}

/* A host that has never been seen is awaited; one that is forgotten while its functions still
 * have to move stays lost. */
static bool
is_lost(const struct placement *p, const struct node *host)
{
	if (host)
		return host->state == NODE_LOST || host->state == NODE_GONE;
	return p->migration != NULL;
}

void
judge_situation(struct judge *j, const struct placement *p, struct situation *ret)
{
	struct node *host = judge_host(j, p);
	const struct watch *w;

	*ret = (struct situation){ .kind = SITUATION_NONE, .probability = NAN };
	if (!p->function || !*p->node)
		return;
	if (is_lost(p, host)) {
		ret->kind = SITUATION_LOST;
		ret->probability = 1;
		snprintf(ret->reason, sizeof ret->reason, "node lost");
		return;
	}
	w = host ? find_most_urgent(j, host, p) : NULL;
	if (w)
		take_watch(j, w, ret);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void
tell(struct judge *j, const struct watch *w, const char *kind)
{
	char text[512];

	describe_watch(w, text, sizeof text);
	events_emit(j->events, kind, w->node->name, w->placement->service_name,
	    w->placement->function_name, "%s", text);
}

/* PRD-08. */
static void
open_prediction(struct judge *j, struct watch *w)
{
	const struct prediction_row row = { .time_ms = judge_wall(j),
		.node = w->node->name,
		.service = w->placement->service_name,
		.function = w->placement->function_name,
		.requirement = w->requirement->text,
		.probability = w->worst.within[LEAD_NEEDED],
		.time_to_s = w->worst.time_to_s,
		.low_s = w->worst.low_s,
		.high_s = w->worst.high_s,
		.outcome = "open" };
	int64_t sequence = store_prediction_put(j->store, &row, NULL, NULL);

	w->prediction = sequence > 0 ? sequence : 0;
}

static void
end_prediction(struct judge *j, struct watch *w, const char *outcome)
{
	if (w->prediction)
		(void)store_prediction_end(
		    j->store, w->prediction, outcome, judge_wall(j), NULL, NULL);
	w->prediction = 0;
}

/* Candidates change too, but nobody has to act on that. */
void
judge_watch_changed(void *arg, struct watch *w, enum watch_state before)
{
	struct judge *j = arg;

	if (!w->host)
		return;
	switch (w->state) {
	case WATCH_RAISED:
		if (before == WATCH_VIOLATED)
			return;
		open_prediction(j, w);
		tell(j, w, "prediction.raised");
		return;
	case WATCH_VIOLATED:
		end_prediction(j, w, "hit");
		tell(j, w, "service.degraded");
		return;
	case WATCH_OK:
	case WATCH_UNKNOWN:
		if (before < WATCH_RAISED)
			return;
		end_prediction(j, w, "cleared");
		events_emit(j->events, "prediction.cleared", w->node->name,
		    w->placement->service_name, w->placement->function_name, "%s: %s",
		    w->requirement->text,
		    w->state == WATCH_OK ? "good again" : "no data any more");
		return;
	}
}

void
judge_watch_dropped(void *arg, struct watch *w)
{
	struct judge *j = arg;

	end_prediction(j, w, j->moved == w->placement ? "averted" : "cleared");
}
