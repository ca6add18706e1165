/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/watch.h"
#include "controller/idmap.h"
#include "controller/reporting.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#include "metrics/held.h"

#define STALE_PERIODS 3
#define STALE_MIN_MS  5000
#define START_MS      15000 /* until a new plan has to show results */
#define LABELS_MAX    1024
#define ON_ITS_WAY_MS 1000 /* how long a report may take */

struct watch_series {
	struct watch_series *next;
	uint8_t *labels;
	size_t labels_len;
	int64_t time_ms;		   /* of the newest value */
	double value;			   /* NaN: the node says that it does not know */
	struct held held;		   /* what it is taken for until the next one */
	int64_t told_ms;		   /* up to which the predictor knows */
	int64_t violating_ms, violated_ms; /* since when; when last; -1: not */
	struct prediction prediction;
	int64_t predicted_ms; /* when; -1: not since the newest value */
	double state[];	      /* the predictor's */
};
struct watches {
	struct idmap *nodes; /* first struct watch of each */
	struct watch_ops ops;
	void *arg;
};

const char *
watch_state_name(enum watch_state s)
{
	static const char *const names[] = {
		[WATCH_UNKNOWN] = "unknown",
		[WATCH_OK] = "ok",
		[WATCH_RAISED] = "raised",
		[WATCH_VIOLATED] = "violated",
	};

	return names[s];
}

/* --- memory ------------------------------------------------------------------------------------- */

int
watches_new(const struct watch_ops *ops, void *arg, struct watches **ret)
{
	CLEANUP(watches_free) struct watches *ws = calloc(1, sizeof *ws);

	if (!ws || idmap_new(&ws->nodes) < 0)
		return -ENOMEM;
	ws->ops = *ops;
	ws->arg = arg;
	*ret = TAKE(ws);
	return 0;
}

static void
free_series(struct watch *w)
{
	for (struct watch_series *s = w->series, *next; s; s = next) {
		next = s->next;
		free(s->labels);
		free(s);
	}
	w->series = NULL;
}

static void
free_watches(void *arg, void *value)
{
	(void)arg;
	for (struct watch *w = value, *next; w; w = next) {
		next = w->next;
		free_series(w);
		free(w);
	}
}

void
watches_free(struct watches *ws)
{
	if (!ws)
		return;
	if (ws->nodes)
		idmap_each(ws->nodes, free_watches, NULL);
	idmap_free(ws->nodes);
	free(ws);
}

struct watch *
watches_of(struct watches *ws, const struct fog_id *node)
{
	return idmap_get(ws->nodes, node);
}

struct watch *
watches_find(struct watches *ws, const struct node *n, const struct placement *p,
    const struct requirement *r)
{
	struct watch *w = watches_of(ws, &n->id);

	while (w && (w->placement != p || w->requirement != r))
		w = w->next;
	return w;
}

/* Drops those that keep() does not want. Ids stay in the map with what is left. */
static void
sweep_node(struct watches *ws, const struct fog_id *id,
    bool (*keep)(const struct watch *w, const void *ctx), const void *ctx)
{
	struct watch *first = watches_of(ws, id), **at = &first, *was = first;

	while (*at) {
		struct watch *w = *at;

		if (keep(w, ctx)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = NULL;
		ws->ops.dropped(ws->arg, w);
		free_watches(NULL, w);
	}
	if (!first)
		idmap_remove(ws->nodes, id);
	else if (first != was && idmap_put(ws->nodes, id, first) < 0)
		abort(); /* the entry is there: it cannot fail */
}

static bool
is_wanted(const struct watch *w, const void *ctx)
{
	(void)ctx;
	return w->keep;
}

static bool
is_never_wanted(const struct watch *w, const void *ctx)
{
	(void)w, (void)ctx;
	return false;
}

static bool
is_of_another(const struct watch *w, const void *placement)
{
	return w->placement != placement;
}

struct drop {
	struct watches *ws;
	const struct placement *placement;
};

static void
drop_of_node(void *arg, void *value)
{
	struct drop *d = arg;
	struct fog_id id = ((struct watch *)value)->node->id;

	sweep_node(d->ws, &id, is_of_another, d->placement);
}

void
watches_drop(struct watches *ws, const struct placement *p)
{
	struct drop d = { ws, p };

	idmap_each(ws->nodes, drop_of_node, &d);
}

static struct prediction
nothing_known(const char *why)
{
	return (struct prediction){ .within = { NAN, NAN, NAN },
		.time_to_s = NAN,
		.low_s = NAN,
		.high_s = NAN,
		.reason = why };
}

/* --- following the plan ------------------------------------------------------------------------- */

/* A candidate that would have to be left again within the cool-down is none. */
static int64_t
horizon(const struct placement *p, bool host)
{
	return placement_lead(p) + (host ? 0 : p->function->cooldown_ms);
}

static int
add_watch(struct watches *ws, struct node *n, const struct plan_entry *e,
    const struct plan_reason *r, int64_t now_ms)
{
	struct watch *w = calloc(1, sizeof *w);
	int err;

	if (!w)
		return -ENOMEM;
	w->placement = r->placement;
	w->function = r->placement->function;
	w->requirement = r->requirement;
	w->node = n;
	w->host = r->host;
	w->item = e->item;
	w->item.id = e->text->id;
	w->period_ms = e->item.period_ms;
	w->lead_ms = horizon(r->placement, r->host);
	w->state = WATCH_UNKNOWN;
	w->value = NAN;
	w->worst = nothing_known("no data yet");
	w->created_ms = w->changed_ms = now_ms;
	w->above_ms = w->below_ms = w->off_ms = -1;
	w->keep = true;
	w->next = watches_of(ws, &n->id);
	err = idmap_put(ws->nodes, &n->id, w);
	if (err)
		free(w);
	return err;
}

/* A shorter or longer period would look like another volatility: then it learns anew. */
static bool
keep_watch(struct watches *ws, const struct node *n, const struct plan_entry *e,
    const struct plan_reason *r)
{
	struct watch *w = watches_find(ws, n, r->placement, r->requirement);

	if (!w || w->host != r->host || w->item.id != e->text->id ||
	    !reporting_is(&w->item, &e->item))
		return false;
	return w->keep = true;
}

int
watches_sync(
    struct watches *ws, struct node *n, const struct node_plan *plan, int64_t now_ms)
{
	int err = 0;

	for (struct watch *w = watches_of(ws, &n->id); w; w = w->next)
		w->keep = false;
	for (size_t i = 0; i < plan->entries; i++)
		for (size_t k = 0; k < plan->entry[i].reasons; k++)
			(void)keep_watch(
			    ws, n, &plan->entry[i], &plan->entry[i].reason[k]);
	sweep_node(ws, &n->id, is_wanted, NULL);
	for (size_t i = 0; i < plan->entries; i++)
		for (size_t k = 0; k < plan->entry[i].reasons && !err; k++)
			if (!keep_watch(
				ws, n, &plan->entry[i], &plan->entry[i].reason[k]))
				err = add_watch(ws, n, &plan->entry[i],
				    &plan->entry[i].reason[k], now_ms);
	return err;
}

void
watches_forget(struct watches *ws, const struct node *n)
{
	sweep_node(ws, &n->id, is_never_wanted, NULL);
}

/* --- points ------------------------------------------------------------------------------------ */

static int
sign_of(const struct watch *w)
{
	return w->requirement->side == REQUIRE_ABOVE ? -1 : 1;
}

/* Positive: the requirement is met. */
static double
margin(const struct watch *w, double value)
{
	return sign_of(w) * (w->requirement->threshold - value);
}

static const struct predictor *
predictor_of(const struct watch *w)
{
	return w->requirement->predictor;
}

static struct watch_series *
add_series(struct watch *w, struct slice labels)
{
	const struct predictor *predictor = predictor_of(w);
	struct predictor_setup setup = { .threshold = w->requirement->threshold,
		.sign = sign_of(w),
		.low = w->requirement->low,
		.high = w->requirement->high,
		.class = w->requirement->class,
		.period_ms = w->period_ms,
		.hold_ms = w->requirement->hold_ms,
		.cost = w->function->cost,
		.lead_ms = { w->lead_ms / 2, w->lead_ms, 5 * w->lead_ms } };
	struct watch_series *s = calloc(1, sizeof *s + predictor->state_size);

	if (!s)
		return NULL;
	s->labels = malloc(labels.len + 1);
	if (!s->labels) {
		free(s);
		return NULL;
	}
	if (labels.len)
		memcpy(s->labels, labels.data, labels.len);
	s->labels_len = labels.len;
	s->time_ms = s->told_ms = INT64_MIN;
	s->violating_ms = s->violated_ms = s->predicted_ms = -1;
	predictor->init(s->state, &setup);
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
	free(gone->labels);
	free(gone);
}

static struct watch_series *
ensure_series(struct watch *w, struct slice labels)
{
	size_t n = 0;

	for (struct watch_series *s = w->series; s; s = s->next, n++)
		if (slice_equal(labels, (struct slice){ s->labels, s->labels_len }))
			return s;
	if (labels.len > LABELS_MAX)
		return NULL;
	if (n >= WATCH_SERIES_MAX)
		drop_oldest(w);
	return add_series(w, labels);
}

/* Does silence mean that nothing has changed? */
static bool
is_held(const struct watch *w)
{
	return w->item.mode == PLAN_SUPPRESSED || w->item.period_max_ms;
}

/* How long nothing may be heard of a series that is all right. */
static int64_t
silence_of(const struct watch *w)
{
	int64_t period = w->item.period_max_ms ? w->item.period_max_ms : w->period_ms;
	int64_t stale = STALE_PERIODS * period;

	if (w->item.mode == PLAN_SUPPRESSED)
		stale += w->item.heartbeat_ms;
	return stale > STALE_MIN_MS ? stale : STALE_MIN_MS;
}

static double
value_at(const struct watch *w, const struct watch_series *s, int64_t time_ms)
{
	return held_at(&s->held, time_ms, w->period_ms, w->item.flags & PLAN_LINE);
}

static void
tell_predictor(
    const struct watch *w, struct watch_series *s, int64_t time_ms, double value)
{
	if (time_ms <= s->told_ms)
		time_ms = s->told_ms + 1;
	predictor_of(w)->update(s->state, time_ms, value);
	s->told_ms = time_ms;
	s->predicted_ms = -1;
	if (margin(w, value) > 0) {
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
tell_held(const struct watch *w, struct watch_series *s, int64_t until_ms)
{
	int64_t end_ms = s->time_ms + silence_of(w);

	if (!is_held(w) || !s->held.reports || isnan(s->value))
		return;
	if (until_ms > end_ms)
		until_ms = end_ms;
	while (s->told_ms + w->period_ms <= until_ms)
		tell_predictor(w, s, s->told_ms + w->period_ms,
		    value_at(w, s, s->told_ms + w->period_ms));
}

static void
take_point(struct watch *w, struct slice labels, int64_t time_ms, double value)
{
	struct watch_series *s = ensure_series(w, labels);

	if (!s || time_ms <= s->time_ms)
		return;
	tell_held(w, s, time_ms - w->period_ms / 2);
	s->time_ms = time_ms;
	s->value = value;
	held_take(&s->held, time_ms, value, w->period_ms);
	w->news = true;
	if (!isnan(value))
		tell_predictor(w, s, time_ms, value);
}

void
watches_point(struct watches *ws, const struct fog_id *node, uint32_t item,
    struct slice labels, int64_t time_ms, double value)
{
	for (struct watch *w = watches_of(ws, node); w; w = w->next)
		if (w->item.id == item)
			take_point(w, labels, time_ms, value);
}

/* --- judging ------------------------------------------------------------------------------------ */

/* Until when its silence says something: what was on its way may still come. */
static int64_t
heard_until(const struct watch *w, int64_t now_ms)
{
	const struct node *n = w->node;
	int64_t heard = n->link && n->state == NODE_ALIVE ? now_ms : n->silent_since_ms;

	return heard - w->period_ms - ON_ITS_WAY_MS;
}

static bool
is_fresh(const struct watch *w, const struct watch_series *s, int64_t now_ms)
{
	if (isnan(s->value) || s->time_ms == INT64_MIN ||
	    now_ms - s->time_ms > silence_of(w))
		return false;
	return !is_held(w) || now_ms - s->time_ms <= STALE_MIN_MS ||
	    now_ms - heard_until(w, now_ms) <=
	    STALE_MIN_MS + STALE_PERIODS * w->period_ms;
}

static bool
is_worse(const struct prediction *a, const struct prediction *b)
{
	double p = a->within[LEAD_NEEDED], q = b->within[LEAD_NEEDED];

	return isnan(p) || isnan(q) ? !isnan(p) : p > q;
}

/* Reckoned once per value; without a new one the horizon moves on, now and then. */
static const struct prediction *
predict(const struct watch *w, struct watch_series *s, int64_t now_ms)
{
	if (s->predicted_ms < 0 || now_ms - s->predicted_ms >= 2 * w->period_ms) {
		predictor_of(w)->predict(s->state, now_ms, &s->prediction);
		s->predicted_ms = now_ms;
	}
	return &s->prediction;
}

struct findings {
	bool any;	 /* fresh values */
	bool violated;	 /* one of them for longer than hold */
	bool recovering; /* or was so until less than hold ago */
};

static struct findings
look_at_series(struct watch *w, int64_t now_ms)
{
	int64_t hold = w->requirement->hold_ms;
	struct findings f = { 0 };

	w->value = NAN;
	w->worst = nothing_known("no data");
	for (struct watch_series *s = w->series; s; s = s->next) {
		const struct prediction *p;
		double value;

		if (!is_fresh(w, s, now_ms))
			continue;
		tell_held(w, s, heard_until(w, now_ms));
		value = value_at(w, s, now_ms);
		p = predict(w, s, now_ms);
		if (!f.any || is_worse(p, &w->worst))
			w->worst = *p;
		if (!f.any || margin(w, value) < margin(w, w->value))
			w->value = value;
		f.any = true;
		f.violated |= s->violating_ms >= 0 && now_ms - s->violating_ms >= hold;
		f.recovering |= s->violated_ms >= 0 && now_ms - s->violated_ms <= hold;
	}
	return f;
}

static bool
has_lasted(int64_t *since_ms, bool holds, int64_t now_ms, int64_t span_ms)
{
	if (!holds) {
		*since_ms = -1;
		return false;
	}
	if (*since_ms < 0)
		*since_ms = now_ms;
	return now_ms - *since_ms >= span_ms;
}

static enum watch_state
judge_missing(struct watch *w, int64_t now_ms)
{
	bool started = w->series || now_ms - w->created_ms >= START_MS + 2 * w->period_ms;
	bool lasted = has_lasted(&w->off_ms, started, now_ms, w->requirement->hold_ms);

	w->above_ms = w->below_ms = -1;
	switch ((enum requirement_missing)w->requirement->when_missing) {
	case MISSING_UNKNOWN:
		break;
	case MISSING_OK:
		return WATCH_OK;
	case MISSING_FAILS:
		w->worst.reason = "no data";
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
	bool learning = isnan(w->worst.within[LEAD_NEEDED]);

	return learning && margin(w, w->value) <= w->raised_margin
	    ? w->lead_ms
	    : w->function->sustain_ms;
}

/* Hysteresis and minimum duration (PRD-04). */
static enum watch_state
judge_prediction(struct watch *w, int64_t now_ms)
{
	double p = w->worst.within[LEAD_NEEDED];
	bool above = has_lasted(
	    &w->above_ms, p >= w->function->raise, now_ms, w->function->sustain_ms);
	bool below =
	    has_lasted(&w->below_ms, !(p >= w->function->clear), now_ms, patience(w));

	switch (w->state) {
	case WATCH_UNKNOWN:
	case WATCH_OK:
		if (above)
			w->raised_margin = margin(w, w->value);
		return above ? WATCH_RAISED : WATCH_OK;
	case WATCH_RAISED:
		return below ? WATCH_OK : WATCH_RAISED;
	case WATCH_VIOLATED:
		return below || isnan(p) ? WATCH_OK : WATCH_RAISED;
	}
	return w->state;
}

static enum watch_state
judge(struct watch *w, int64_t now_ms)
{
	struct findings f = look_at_series(w, now_ms);
	enum watch_state predicted;

	if (!f.any)
		return judge_missing(w, now_ms);
	w->off_ms = -1;
	predicted = judge_prediction(w, now_ms);
	if (f.violated || (w->state == WATCH_VIOLATED && f.recovering))
		return WATCH_VIOLATED;
	return predicted;
}

static void
evaluate(struct watches *ws, struct watch *w, int64_t now_ms)
{
	enum watch_state before = w->state, state = judge(w, now_ms);

	w->news = false;
	if (state == before)
		return;
	w->state = state;
	w->changed_ms = now_ms;
	ws->ops.changed(ws->arg, w, before);
}

struct round {
	struct watches *ws;
	int64_t now_ms;
	bool news_only;
	void (*f)(void *arg, struct watch *w);
	void *arg;
};

static void
evaluate_node(void *arg, void *value)
{
	struct round *r = arg;

	for (struct watch *w = value; w; w = w->next)
		if (w->news || !r->news_only)
			evaluate(r->ws, w, r->now_ms);
}

void
watches_evaluate(struct watches *ws, int64_t now_ms, bool news_only)
{
	struct round r = { .ws = ws, .now_ms = now_ms, .news_only = news_only };

	idmap_each(ws->nodes, evaluate_node, &r);
}

static void
visit_node(void *arg, void *value)
{
	struct round *r = arg;

	for (struct watch *w = value; w; w = w->next)
		r->f(r->arg, w);
}

void
watches_each(struct watches *ws, void (*f)(void *arg, struct watch *w), void *arg)
{
	struct round r = { .ws = ws, .f = f, .arg = arg };

	idmap_each(ws->nodes, visit_node, &r);
}
