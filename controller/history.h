/* SPDX-License-Identifier: Apache-2.0
 *
 * What nodes measured: the newest values packed in memory (history.window, 5 min), all of it in metrics.db
 * as packed blocks with roll-ups of 1 min and 1 h (min, max, sum, count). One row is a block of a node:
 * all its series over some seconds, so that a value costs a byte or two and no row of its own. Values
 * are accepted when their block is committed. */
#pragma once
#include "controller/store.h"
#include "metrics/expr.h"

struct history;

struct history_config {
	int64_t window_ms; /* in memory, for each series */
	int64_t flush_ms;  /* a block is written so long after its first value */
	int64_t raw_ms, minute_ms, hour_ms; /* how long blocks and roll-ups are kept */
	size_t
	    bytes_max; /* of the database; 0: no bound. The oldest raw blocks go first */
};
int history_new(struct store *store, const struct history_config *cfg,
    struct history **ret) MUST_CHECK;
void history_free(struct history *h);
DEFINE_FREEP(struct history, history_free)

/* A series of a node, found once and then used for each value. NULL: no memory. metric: the text of the
 * plan's item, which is the metric's name if it is a raw one. Good until history_forget(node). */
struct history_series;
struct history_series *history_ensure(struct history *h, const struct fog_id *node,
    const char *name, const char *metric, const struct metric_labels *labels);
/* time_ms: wall, ascending in a series; what is not newer than the last goes to the disk alone. value:
 * NaN is unknown. */
void
history_put(struct history *h, struct history_series *s, int64_t time_ms, double value);
/* Calls done when all that the node has given so far is on the disk. */
int history_stored(struct history *h, const struct fog_id *node, store_done_f *done,
    void *arg) MUST_CHECK;
void history_forget(struct history *h, const struct fog_id *node); /* the memory alone */
int64_t history_run(struct history *h,
    int64_t now_ms); /* flushes what is due; when it wants to be called next */

/* An expression over what is here, of one node or of all (then series carry the label node, CMP-09), at
 * steps from start to end (wall, ms), from memory, blocks or roll-ups, whichever is the finest that
 * reaches back. node "": all. Each result is called back as it comes. */
struct history_range {
	const char *node;
	struct slice program;
	int64_t start_ms, end_ms, step_ms; /* step 0: end_ms alone */
};
int history_query(struct history *h, const struct history_range *range,
    void (*at)(void *arg, int64_t time_ms, const struct expr_result *r), void *arg,
    char *why, size_t why_size) MUST_CHECK;
