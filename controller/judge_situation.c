/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "controller/event.h"
#include "controller/judge_int.h"
#include "controller/outlook.h"
#include "controller/store.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where the predictors decide by themselves, this decides about several together. */
#define TOGETHER_RAISE 0.6
#define TOGETHER_CLEAR 0.3
#define TOGETHER       "all requirements together"

static struct outlook_query
query_of(const struct judge *j, const struct placement *p, const struct node *host)
{
	return (struct outlook_query){ .watches = j->watches,
		.node = host,
		.placement = p,
		.now_ms = judge_now(j) };
}

/* --- in words ----------------------------------------------------------------------------------- */

/* ", 80 % within the lead of 20 s (moves took 12 s, margin 5 s)" */
static void
put_lead(struct buf *b, const struct placement *p, double probability, double lead_s)
{
	int64_t took_ms = placement_usual_duration(p);

	buf_printf(b, "%.0f %% within the lead of %.3g s", probability * 100, lead_s);
	if (took_ms)
		buf_printf(b, " (moves took %.3g s, margin %.3g s)",
		    (double)took_ms / 1e3, (double)p->function->margin_ms / 1e3);
}

static void
put_when(struct buf *b, double time_to_s, double low_s, double high_s)
{
	buf_puts(b, "likely to fail");
	if (!isfinite(time_to_s))
		return;
	buf_printf(b, " in %.0f s", time_to_s);
	if (isfinite(low_s) && isfinite(high_s))
		buf_printf(b, " (%.0f to %.0f s)", low_s, high_s);
	else if (isfinite(low_s))
		buf_printf(b, " (not before %.0f s)", low_s);
}

/* A step of the level since it was raised: then nothing is known anew yet. */
static void
put_prediction(struct buf *b, struct watch *w, int64_t now_ms)
{
	struct prediction p;

	watch_predict(w, now_ms, &p);
	put_when(b, p.time_to_s, p.low_s, p.high_s);
	if (isnan(p.within[LEAD_NEEDED]))
		return;
	buf_puts(b, ", ");
	put_lead(b, w->placement, p.within[LEAD_NEEDED], (double)w->lead_ms / 1e3);
	buf_printf(b, ", %.0f %% within %.3g s", p.within[LEAD_LONG] * 100,
	    5 * (double)w->lead_ms / 1e3);
}

static void
put_watch(const struct judge *j, struct buf *b, struct watch *w)
{
	char value[32] = "no data";

	if (!isnan(w->value))
		snprintf(value, sizeof value, "%.4g", w->value);
	buf_puts(b, w->requirement->text);
	if (w->state == WATCH_VIOLATED) {
		buf_printf(b, " is violated: %s", value);
		return;
	}
	buf_printf(b, ": %s, ", value);
	put_prediction(b, w, judge_now(j));
}

static void
end_text(struct buf *b, char *dst)
{
	dst[b->pos] = '\0'; /* what does not fit is left out */
}

void
judge_describe_watch(const struct judge *j, struct watch *w, char *dst, size_t size)
{
	struct buf b;

	buf_init_fixed(&b, dst, size - 1);
	put_watch(j, &b, w);
	end_text(&b, dst);
}

/* --- the watches of a host ---------------------------------------------------------------------- */

static struct watch *
next_of_host(struct watch *w)
{
	while (w && !w->host)
		w = w->group_next;
	return w;
}

static struct watch *
first_of_host(const struct judge *j, const struct placement *p, const struct node *host)
{
	return next_of_host(watches_of_function(j->watches, &host->id, p));
}

/* Violated before raised, then the likelier one. */
static bool
is_more_urgent(const struct watch *a, const struct watch *b)
{
	if (a->state != b->state)
		return a->state > b->state;
	return a->probability > b->probability;
}

static struct watch *
find_most_urgent(
    const struct judge *j, const struct placement *p, const struct node *host)
{
	struct watch *worst = NULL;

	for (struct watch *w = first_of_host(j, p, host); w;
	     w = next_of_host(w->group_next))
		if (w->state >= WATCH_RAISED && (!worst || is_more_urgent(w, worst)))
			worst = w;
	return worst;
}

/* Worth to be named beside the most urgent one. */
static bool
is_concerned(const struct watch *w)
{
	return w->state >= WATCH_RAISED || w->probability >= 0.1F;
}

/* "; also node_y < 4: 50 %" */
static void
put_others(const struct judge *j, const struct placement *p, const struct node *host,
    const struct watch *but, struct buf *b)
{
	const char *before = but ? "; also " : "";

	for (const struct watch *w = first_of_host(j, p, host); w;
	     w = next_of_host(w->group_next)) {
		if (w == but || !is_concerned(w))
			continue;
		buf_printf(b, "%s%s", before, w->requirement->text);
		if (w->state == WATCH_VIOLATED)
			buf_puts(b, " is violated");
		else if (!isnan(w->probability))
			buf_printf(b, ": %.0f %%", (double)w->probability * 100);
		before = ", ";
	}
}

/* --- evidence, as JSON -------------------------------------------------------------------------- */

static void
put_member(struct buf *out, const char *key, double v)
{
	buf_printf(out, ",\"%s\":", key);
	json_put_double(out, v);
}

static void
put_times(
    struct buf *out, double probability, double time_to_s, double low_s, double high_s)
{
	put_member(out, "probability", probability);
	put_member(out, "time_to_s", time_to_s);
	put_member(out, "low_s", low_s);
	put_member(out, "high_s", high_s);
}

/* Members of one requirement, without the braces. */
static void
put_facts(const struct judge *j, struct buf *b, struct watch *w)
{
	struct prediction p;

	watch_predict(w, judge_now(j), &p);
	buf_puts(b, "\"requirement\":");
	json_put_text(b, slice_text(w->requirement->text));
	put_member(b, "value", w->value);
	put_member(b, "threshold", w->requirement->threshold);
	buf_printf(b, ",\"state\":\"%s\",\"predictor\":\"%s\"",
	    watch_state_name(w->state), w->requirement->predictor->name);
	put_times(b, p.within[LEAD_NEEDED], p.time_to_s, p.low_s, p.high_s);
	put_member(b, "probability_long", p.within[LEAD_LONG]);
	put_member(b, "long_s", 5 * (double)w->lead_ms / 1e3);
	buf_printf(b, ",\"samples\":%u", p.samples);
}

/* PRD-02: both numbers, and what the first is made of. */
static void
put_needed(struct buf *b, const struct placement *p)
{
	unsigned moves =
	    p->durations < PLACEMENT_DURATIONS ? p->durations : PLACEMENT_DURATIONS;

	put_member(b, "lead_s", (double)placement_lead(p) / 1e3);
	put_member(b, "margin_s", (double)p->function->margin_ms / 1e3);
	put_member(b, "move_s", moves ? (double)placement_usual_duration(p) / 1e3 : NAN);
	buf_printf(b, ",\"moves\":%u", moves);
}

static void
put_all(const struct judge *j, const struct placement *p, const struct node *host,
    struct buf *b)
{
	const struct outlook_query q = query_of(j, p, host);
	struct outlook all;

	outlook_reckon(&q, &all);
	buf_printf(b, ",\"all\":{\"known\":%u", all.known);
	put_times(b, all.within, all.median_s, all.low_s, all.high_s);
	buf_puts(b, "}");
}

/* As many as there is room for. */
static void
put_concerned(const struct judge *j, const struct placement *p, const struct node *host,
    const struct watch *but, struct buf *b, size_t size)
{
	bool any = false;

	buf_puts(b, ",\"others\":[");
	for (struct watch *w = first_of_host(j, p, host); w;
	     w = next_of_host(w->group_next)) {
		if (w == but || !is_concerned(w) ||
		    b->pos + strlen(w->requirement->text) * 6 + 400 > size)
			continue;
		buf_puts(b, any ? ",{" : "{");
		put_facts(j, b, w);
		buf_puts(b, "}");
		any = true;
	}
	buf_puts(b, "]");
}

static void
put_evidence(const struct judge *j, const struct placement *p, const struct node *host,
    struct watch *w, char *dst, size_t size)
{
	struct buf b;

	buf_init_fixed(&b, dst, size - 1);
	buf_puts(&b, "{");
	if (w)
		put_facts(j, &b, w);
	else
		buf_puts(&b, "\"requirement\":\"" TOGETHER "\"");
	put_needed(&b, p);
	put_all(j, p, host, &b);
	put_concerned(j, p, host, w, &b, size);
	buf_puts(&b, "}");
	dst[b.err ? 0 : b.pos] = '\0'; /* half an object is none */
}

/* --- one function, now -------------------------------------------------------------------------- */

static void
take_due(const struct judge *j, double in_s, struct situation *ret)
{
	if (isfinite(in_s))
		ret->due_ms = judge_wall(j) + (int64_t)(in_s * 1e3);
}

static void
take_watch(const struct judge *j, const struct node *host, struct watch *w,
    struct situation *ret)
{
	struct prediction p;
	struct buf b;

	ret->kind = w->state == WATCH_VIOLATED ? SITUATION_VIOLATED : SITUATION_PREDICTED;
	ret->probability = 1;
	if (ret->kind == SITUATION_PREDICTED) {
		watch_predict(w, judge_now(j), &p);
		ret->probability = p.within[LEAD_NEEDED];
		take_due(j, p.time_to_s, ret);
	}
	buf_init_fixed(&b, ret->reason, sizeof ret->reason - 1);
	put_watch(j, &b, w);
	put_others(j, w->placement, host, w, &b);
	end_text(&b, ret->reason);
	put_evidence(j, w->placement, host, w, ret->evidence, sizeof ret->evidence);
}

/* "together likely to fail in 14 s (...): node_x > 3: 45 %, node_y < 4: 50 %" */
static void
describe_together(const struct judge *j, const struct placement *p,
    const struct node *host, const struct outlook *o, char *dst, size_t size)
{
	struct buf b;

	buf_init_fixed(&b, dst, size - 1);
	buf_puts(&b, "together ");
	put_when(&b, o->median_s, o->low_s, o->high_s);
	buf_puts(&b, ", ");
	put_lead(&b, p, o->within, (double)placement_lead(p) / 1e3);
	buf_puts(&b, ": ");
	put_others(j, p, host, NULL, &b);
	end_text(&b, dst);
}

static void
take_together(const struct judge *j, const struct placement *p, const struct node *host,
    struct situation *ret)
{
	const struct outlook_query q = query_of(j, p, host);
	struct outlook o;

	outlook_reckon(&q, &o);
	ret->kind = SITUATION_PREDICTED;
	ret->probability = o.within;
	take_due(j, o.median_s, ret);
	describe_together(j, p, host, &o, ret->reason, sizeof ret->reason);
	put_evidence(j, p, host, NULL, ret->evidence, sizeof ret->evidence);
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
	struct watch *w;

	*ret = (struct situation){ .kind = SITUATION_NONE, .probability = NAN };
	if (!p->function || !*p->node)
		return;
	if (is_lost(p, host)) {
		ret->kind = SITUATION_LOST;
		ret->probability = 1;
		snprintf(ret->reason, sizeof ret->reason, "node lost");
		return;
	}
	w = host ? find_most_urgent(j, p, host) : NULL;
	if (w)
		take_watch(j, host, w, ret);
	else if (host && p->together.raised)
		take_together(j, p, host, ret);
	else if (host && migrations_can_prepare(j->migrations, p)) {
		const struct outlook_query q = query_of(j, p, host);

		ret->probability = outlook_now(&q, NULL);
	}
}

/* --- changes ---------------------------------------------------------------------------------- */

static void
tell(struct judge *j, struct watch *w, const char *kind)
{
	char text[512];

	judge_describe_watch(j, w, text, sizeof text);
	events_emit(j->events, kind, w->node->name, w->placement->service_name,
	    w->placement->function_name, "%s", text);
}

/* What was bad from the start, or says nothing any more, nobody could have foreseen. */
static void
note_failure(struct judge *j, struct watch *w, enum watch_state before)
{
	if (w->prediction)
		judge_prediction_failed(j, &w->prediction, w->requirement->hold_ms);
	else if (before == WATCH_OK && !isnan(w->value) && !w->placement->together.raised)
		judge_prediction_missed(j, w);
}

/* Candidates change too, but nobody has to act on that. */
void
judge_watch_changed(void *arg, struct watch *w, enum watch_state before)
{
	struct judge *j = arg;

	if (!w->host)
		return;
	j->news = true;
	switch (w->state) {
	case WATCH_RAISED:
		if (before == WATCH_VIOLATED)
			return;
		judge_prediction_open(j, w);
		tell(j, w, "prediction.raised");
		return;
	case WATCH_VIOLATED:
		note_failure(j, w, before);
		tell(j, w, "service.degraded");
		return;
	case WATCH_OK:
	case WATCH_UNKNOWN:
		if (before < WATCH_RAISED)
			return;
		judge_prediction_end(
		    j, &w->prediction, w->state == WATCH_OK ? "cleared" : "dropped");
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

	judge_prediction_end(
	    j, &w->prediction, j->moved == w->placement ? "averted" : "dropped");
}

void
judge_watch_sampled(void *arg, const struct watch *w, double said, bool came)
{
	struct judge *j = arg;

	calibration_count(
	    j->calibration, w->requirement->predictor, w->requirement->class, said, came);
}

/* --- several together --------------------------------------------------------------------------- */

void
judge_end_together(struct judge *j, struct placement *p, const char *outcome)
{
	judge_prediction_end(j, &p->together.prediction, outcome);
	p->together = (struct placement_together){ 0 };
}

static void
raise_together(struct judge *j, struct placement *p, const struct node *host)
{
	const struct outlook_query q = query_of(j, p, host);
	struct outlook o;
	char text[512];

	outlook_reckon(&q, &o);
	p->together.raised = true;
	judge_prediction_open_together(j, p, host->name, TOGETHER, &o);
	describe_together(j, p, host, &o, text, sizeof text);
	events_emit(j->events, "prediction.raised", host->name, p->service_name,
	    p->function_name, "%s", text);
}

static void
clear_together(struct judge *j, struct placement *p, const struct node *host, bool hit)
{
	if (hit)
		judge_prediction_failed(j, &p->together.prediction, 0);
	judge_end_together(j, p, "cleared");
	if (!hit)
		events_emit(j->events, "prediction.cleared", host->name, p->service_name,
		    p->function_name, "%s: good again", TOGETHER);
}

static bool
is_violated(const struct judge *j, const struct placement *p, const struct node *host)
{
	const struct watch *w = find_most_urgent(j, p, host);

	return w && w->state == WATCH_VIOLATED;
}

/* One alone is its own watch's business. */
static bool
would_change(const struct judge *j, const struct placement *p, const struct node *host)
{
	const struct function *f = p->function;
	const struct outlook_query q = query_of(j, p, host);
	double raise = f->raise > 0 ? f->raise : TOGETHER_RAISE;
	double clear = f->raise > 0 ? f->clear : TOGETHER_CLEAR;
	unsigned close;
	double within = outlook_now(&q, &close);

	if (p->together.raised)
		return !(within >= clear) || close < 2;
	return within >= raise && close >= 2;
}

void
judge_follow_together(struct judge *j, struct placement *p)
{
	struct placement_together *t = &p->together;
	struct node *host = p->function ? judge_host(j, p) : NULL;

	if (!host)
		return;
	if (t->raised && is_violated(j, p, host)) {
		clear_together(j, p, host, true);
		return;
	}
	if (!would_change(j, p, host)) {
		t->since_ms = 0;
		return;
	}
	if (!t->since_ms)
		t->since_ms = judge_now(j);
	if (judge_now(j) - t->since_ms < p->function->sustain_ms)
		return;
	t->since_ms = 0;
	if (t->raised)
		clear_together(j, p, host, false);
	else
		raise_together(j, p, host);
}
