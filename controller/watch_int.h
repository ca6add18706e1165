/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside watch*.c: which watches there are and when each is looked at (watch.c), what is known of a label
 * set (watch_series.c), what follows for the state (watch_judge.c). */
#pragma once
#include "controller/watch.h"
#include "metrics/held.h"
#include <math.h>

struct watch_series {
	struct watch_series *next;
	int64_t time_ms;		   /* of the newest value; INT64_MIN: none */
	double value;			   /* NaN: the node says that it does not know */
	int64_t told_ms;		   /* up to which the predictor knows */
	int64_t violating_ms, violated_ms; /* since when; when last; -1: not */
	int64_t answered_ms;		   /* when it was asked last; -1: never */
	float answered_margin;
	float within_needed, within_long; /* that answer; NaN: not known */
	uint16_t labels_len;
	bool told; /* something since it was asked */
	bool alarm;
	/* The predictor's; then, if it is held along a line, struct held; then the labels. */
	double state[];
};

void watch_series_free(struct watch_series *s);
/* True: that is news. */
bool
watch_take_point(struct watch *w, struct slice labels, int64_t time_ms, double value);
/* Lets the predictor know that nothing was heard, which says that nothing has changed. */
void watch_tell_held(const struct watch *w, struct watch_series *s, int64_t now_ms);
bool watch_is_fresh(const struct watch *w, const struct watch_series *s, int64_t now_ms);
double
watch_value_at(const struct watch *w, const struct watch_series *s, int64_t time_ms);

struct verdict {
	enum watch_state state;
	int64_t due_ms; /* when to look again although nothing has come */
	bool sampled;	/* what was said a lead ago is known now */
	double said;
	bool came;
};
void watch_judge(struct watch *w, int64_t now_ms, struct verdict *ret);

static inline const struct function *
watch_function(const struct watch *w)
{
	return w->placement->function;
}

static inline const struct predictor *
watch_predictor(const struct watch *w)
{
	return w->requirement->predictor;
}
