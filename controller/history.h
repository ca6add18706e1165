/* SPDX-License-Identifier: Apache-2.0
 *
 * What nodes measured: the newest values packed in memory (history.window, 5 min), all of it in metrics.db
 * as packed blocks with roll-ups of 1 min and 1 h (min, max, sum, count). One row is a block of a node:
 * all its series over some seconds, so that a value costs a byte or two and no row of its own. Values
 * are accepted when their block is committed. */
#pragma once
#include "controller/store.h"
#include "metrics/expr.h"

struct grasp_io;
struct history;

struct history_config {
	int64_t window_ms; /* in memory, for each series */
	int64_t flush_ms;  /* a block is written so long after its first value */
	int64_t raw_ms, minute_ms, hour_ms; /* how long blocks and roll-ups are kept */
	uint64_t
	    bytes_max; /* of the database; 0: no bound. The oldest raw blocks go first */
};
/* Borrows io and store; cfg is copied. It has timers of its own. */
int history_new(struct grasp_io *io, struct store *store,
    const struct history_config *cfg, struct history **ret) MUST_CHECK;
void history_free(struct history *h); /* no done() and no at() any more */
DEFINE_FREEP(struct history, history_free)
/* What is known of nodes and metrics elsewhere; all of it is borrowed. */
#define HISTORY_VARIANTS_MAX 16
struct history_hints {
	/* Which of these labels the node has: its type, a tag; several sets when it has several values of
	 * one, as of the functions that are placed on it. How many sets; 0: none of them. */
	unsigned (*labels)(void *arg, const struct fog_id *node,
	    const char (*name)[METRIC_LABEL_NAME_MAX], unsigned names,
	    struct metric_labels ret[HISTORY_VARIANTS_MAX]);
	const char *(*unit)(void *arg, const char *metric); /* of what is no raw one */
	void *arg;
};
void history_hint(struct history *h, const struct history_hints *hints);
/* What is computed of several nodes is of none: id of all zeros, name "". */
extern const struct fog_id history_domain;

/* Another configuration, from now on. */
void history_set(struct history *h, const struct history_config *cfg);

/* A series of a node, found once and then used for each value. NULL: no memory. name: of the node,
 * for the label node. metric: the text of the plan's item, which is the metric's name if it is a raw
 * one. Good until history_forget(node). */
struct history_series;
struct history_series *history_ensure(struct history *h, const struct fog_id *node,
    const char *name, const char *metric, const struct metric_labels *labels);
const struct metric_labels *history_series_labels(const struct history_series *s);
/* time_ms: wall, ascending in a series; what is not newer than the last goes to the disk alone. value:
 * NaN is unknown. */
void
history_put(struct history *h, struct history_series *s, int64_t time_ms, double value);
/* How far the reports of a node have come: written with what it has given so far, in the same
 * transaction. stream: 8 bytes. */
int history_mark(struct history *h, const struct fog_id *node, const uint8_t stream[8],
    uint64_t sequence) MUST_CHECK;
/* Calls done when all that the node has given so far is on the disk, with its mark: after
 * history.flush, or as soon as can be. done(-ENOSPC): the disk is full, and nothing of it was kept.
 * -ENOENT: the node has given nothing. */
int history_stored(struct history *h, const struct fog_id *node, bool soon,
    store_done_f *done, void *arg) MUST_CHECK;
/* The memory alone, when all of it is on its way to the disk. */
void history_forget(struct history *h, const struct fog_id *node);
void history_flush(struct history *h); /* queues everything for the disk */

/* An expression over what is in memory, of one node or, with name "", of all (then series carry the label
 * node, and those of the hints that it names, CMP-09); at once. at_ms: wall. -ENOENT: nothing of that node is here. */
int history_eval(struct history *h, const char *node, struct slice program, int64_t at_ms,
    struct expr_result *ret) MUST_CHECK;

/* The same at steps from start to end (wall, ms), from memory, blocks or roll-ups, whichever is the finest
 * that reaches back. node: its name; "": all. */
struct history_range {
	const char *node;
	struct slice program;
	int64_t start_ms, end_ms, step_ms; /* step 0: end_ms alone */
};
struct history_query;
struct history_query_ops {
	/* Each result as it comes; resolution_ms: of what it was computed from. 0: the values
	 * themselves, or roll-ups that give the same. */
	void (*at)(void *arg, int64_t time_ms, int64_t resolution_ms,
	    const struct expr_result *r);
	/* The end: 0, or -errno with a sentence. The query is gone afterwards. */
	void (*done)(void *arg, int err, const char *why);
};
#define HISTORY_STEPS_MAX 11000 /* of one query, as Prometheus */
/* Runs in slices, beside everything else; nothing is called back from inside. -EINVAL with a sentence
 * in why. */
int history_query(struct history *h, const struct history_range *range,
    const struct history_query_ops *ops, void *arg, char *why, size_t why_size,
    struct history_query **ret) MUST_CHECK;
void history_cancel(struct history_query *q); /* calls nothing any more */

/* The values themselves, of one node and of one item's text ("": all), oldest first, at most limit: what
 * is on the disk and what is still on its way. */
struct history_point {
	const char *metric;
	const struct metric_labels *labels;
	int64_t time_ms; /* wall */
	double value;
};
int history_points(struct history *h, const struct fog_id *node, const char *metric,
    int64_t since_ms, size_t limit,
    void (*point)(void *arg, const struct history_point *p), void *arg) MUST_CHECK;

/* Each metric that the memory has series of, by name, with how many they are. */
int history_metrics(const struct history *h,
    void (*each)(void *arg, const struct metric *m, size_t series), void *arg);

struct history_stats {
	size_t nodes, series, memory_bytes;
	uint64_t values, late, blocks, block_bytes; /* since the start */
};
void history_stats(const struct history *h, struct history_stats *ret);
