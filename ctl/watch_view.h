/* SPDX-License-Identifier: Apache-2.0
 *
 * What watch has seen so far: the newest values of each series, and the page that shows them. */
#pragma once
#include "ctl/course.h"
#include "ctl/spark.h"

#define WATCH_SERIES_MAX 256
#define WATCH_VALUES_MAX 600 /* of each series */

struct watch_series {
	char *key;		 /* node, expression and labels */
	char *expression, *name; /* node and labels, for people */
	char unit[40], unknown[200];
	double value[WATCH_VALUES_MAX]; /* oldest first */
	size_t len;
	double now;
	bool seen; /* in this turn */
};
struct watch_view {
	struct watch_series *series[WATCH_SERIES_MAX];
	size_t len;
	unsigned left_out; /* series in this turn for which there was no room */
	uint64_t turns;
};
void watch_view_done(struct watch_view *v);
void watch_turn(struct watch_view *v); /* begins one: who is not seen in it is unknown */
/* An item of the answer to query: each of its series. */
int watch_take(struct watch_view *v, struct slice item) MUST_CHECK;
int watch_take_past(struct watch_view *v, const struct course *c) MUST_CHECK;
void watch_turn_end(struct watch_view *v);
/* The page for a window of this size. */
void watch_page(const struct watch_view *v, const char *title, unsigned columns,
    unsigned rows, struct buf *out);
