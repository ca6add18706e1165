/* SPDX-License-Identifier: Apache-2.0
 *
 * One requirement of one function on one node, the host or a candidate: what its values say
 * now, and what they say about the lead to come. Made and dropped as plans change; fed with points;
 * looked at when there is news of it, or when its time has come. A requirement over several label sets
 * is as good as its worst one. Small: a controller has 100,000 of them (tests/bench/watches). */
#pragma once
#include "controller/planner.h"
#include "prediction/predictor.h"

struct watches;
struct judge_prediction;
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
	struct placement *placement; /* whose function is there as long as the watch is */
	const struct requirement *requirement; /* the plan's: as long as it names it */
	struct node *node;
	struct watch *next;		     /* of the same node */
	struct watch *group_next;	     /* of the same function there */
	struct judge_prediction *prediction; /* of whoever takes the changes; NULL */
	double value;			     /* the worst fresh one; NaN: none */
	/* That it fails within the needed lead, when it was last looked at; NaN: not known. All
	 * of the answer: watch_predict(). */
	float probability;
	uint32_t item; /* of the plan */
	uint32_t period_ms;
	uint32_t lead_ms; /* needed; of candidates longer: they must last a while */
	enum watch_state state : 8;
	bool host;
	/* Inside watch*.c. */
	bool held, line; /* how it is reported */
	bool keep, news;
	uint8_t condition;   /* what has held since since_ms */
	uint32_t silence_ms; /* longest one of a good series */
	float raised_margin; /* to the threshold, when it was raised */
	float sample;	 /* what was said, whose outcome is awaited; NaN: nothing is */
	uint32_t due_no; /* list of the time when it is due; 0: in none */
	int64_t since_ms;
	int64_t
	    sampled_ms; /* when it was said; until there is a series: when it was made */
	struct watch_series *series;
	struct watch *due_next, **due_at;
};

struct watch_ops {
	/* After the change. Neither may drop watches. */
	void (*changed)(void *arg, struct watch *w, enum watch_state before);
	void (*dropped)(void *arg, struct watch *w); /* in its last state */
	/* What was said of a needed lead, and whether it came: once a lead of each, alarm or not. NULL: nobody
	 * cares. */
	void (*sampled)(void *arg, const struct watch *w, double said, bool came);
};
int watches_new(const struct watch_ops *ops, void *arg, struct watches **ret) MUST_CHECK;
void watches_free(struct watches *ws); /* without telling */
DEFINE_FREEP(struct watches, watches_free)

/* Makes the watches of a node what its plan says. Requirements that only the plan before named may
 * be freed afterwards, not earlier. */
int watches_sync(struct watches *ws, struct node *n, const struct node_plan *plan,
    int64_t now_ms) MUST_CHECK;
void watches_forget(struct watches *ws, const struct node *n);
/* Those of a placement, or of a service whose text has changed, wherever they are. */
void watches_drop(struct watches *ws, const struct placement *p);
bool watches_want(struct watches *ws, const struct fog_id *node, uint32_t item);
void watches_point(struct watches *ws, const struct fog_id *node, uint32_t item,
    struct slice labels, int64_t time_ms, double value);
/* A value of a requirement that the node does not measure itself: of a location. */
void watches_tell(struct watches *ws, struct watch *w, int64_t time_ms, double value);
/* Those that got points since, and unless news_only those whose time has come. */
void watches_evaluate(struct watches *ws, int64_t now_ms, bool news_only);

struct watch *watches_of(struct watches *ws, const struct fog_id *node); /* then ->next */
/* Those of one function, then ->group_next. */
struct watch *watches_of_function(
    struct watches *ws, const struct fog_id *node, const struct placement *p);
struct watch *watches_find(struct watches *ws, const struct node *n,
    const struct placement *p, const struct requirement *r);
void watches_each(struct watches *ws, void (*f)(void *arg, struct watch *w), void *arg);

/* Of the worst series, as of now; with a reason when nothing is known. */
void watch_predict(struct watch *w, int64_t now_ms, struct prediction *ret);
/* Probability that it fails within any time; 1: it does already; NaN: not known. p: that answer, if it is
 * at hand. */
double
watch_by(struct watch *w, const struct prediction *p, int64_t now_ms, int64_t within_ms);
/* The same from what was found when it was last looked at: cheap, for many. */
double watch_by_then(const struct watch *w, int64_t within_ms);
/* What its predictor made its last answer of (PRD-08). */
size_t
watch_inputs(const struct watch *w, struct predictor_input dst[PREDICTOR_INPUTS_MAX]);
/* Positive: the requirement is met. */
double watch_margin(const struct watch *w, double value);
