/* SPDX-License-Identifier: Apache-2.0
 *
 * One requirement of one function on one node, the host or a candidate: what its values say
 * now, and what they say about the lead to come. Made and dropped as plans change; fed with points;
 * evaluated by a timer. A requirement over several label sets is as good as its worst one. */
#pragma once
#include "controller/planner.h"
#include "prediction/predictor.h"

struct watches;
struct watch_series;

#define WATCH_SERIES_MAX 16

enum watch_state {
	WATCH_UNKNOWN =
	    1, /* no value, and the requirement does not say what that means */
	WATCH_OK,
	WATCH_RAISED,	/* likely to be violated within the lead */
	WATCH_VIOLATED, /* for longer than hold */
};
const char *watch_state_name(enum watch_state s);

struct watch {
	struct placement *placement;
	const struct function *function;
	const struct requirement *requirement;
	struct node *node;
	bool host;
	struct plan_item item; /* how it is reported; its program is not set */
	int64_t period_ms;
	int64_t lead_ms; /* of candidates longer: they must last a while */
	enum watch_state state;
	double value;	      /* the worst fresh one; NaN: none */
	double raised_margin; /* to the threshold, when it was raised */
	struct prediction worst;
	int64_t created_ms, changed_ms; /* of the state; monotonic */
	int64_t
	    prediction; /* its row in the store, of whoever takes the changes; 0: none */
	/* Since when: p ≥ raise, p < clear, no value; -1: not. */
	int64_t above_ms, below_ms, off_ms;
	struct watch_series *series;
	bool keep, news;
	struct watch *next; /* of the same node */
};

struct watch_ops {
	/* After the change. Neither may drop watches. */
	void (*changed)(void *arg, struct watch *w, enum watch_state before);
	void (*dropped)(void *arg, struct watch *w); /* in its last state */
};
int watches_new(const struct watch_ops *ops, void *arg, struct watches **ret) MUST_CHECK;
void watches_free(struct watches *ws); /* without telling */
DEFINE_FREEP(struct watches, watches_free)

/* Makes the watches of a node what its plan says. */
int watches_sync(struct watches *ws, struct node *n, const struct node_plan *plan,
    int64_t now_ms) MUST_CHECK;
void watches_forget(struct watches *ws, const struct node *n);
/* Those of a placement, or of a service whose text has changed, wherever they are. */
void watches_drop(struct watches *ws, const struct placement *p);
void watches_point(struct watches *ws, const struct fog_id *node, uint32_t item,
    struct slice labels, int64_t time_ms, double value);
/* All, or only those that got points since. */
void watches_evaluate(struct watches *ws, int64_t now_ms, bool news_only);

struct watch *watches_of(struct watches *ws, const struct fog_id *node); /* then ->next */
struct watch *watches_find(struct watches *ws, const struct node *n,
    const struct placement *p, const struct requirement *r);
void watches_each(struct watches *ws, void (*f)(void *arg, struct watch *w), void *arg);
