/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside history*.c: the nodes and their way to the disk (history.c, history_batch.c), values as they
 * are (history_points.c), expressions over them (history_query.c). */
#pragma once
#include "controller/history.h"
#include "controller/history_rollup.h"

#include <sys/queue.h>

struct idmap;
struct grasp_timer;

struct history_series {
	struct history_series *next; /* in order of numbers */
	struct history_node *node;
	struct series *series;
	int64_t stored_ms; /* when it was last in a batch, wall; INT64_MIN: never */
	uint32_t number;
	uint16_t slot; /* in the node's pending values */
	uint32_t
	    count; /* while they are gathered: how many it has; then where the next goes */
};
struct history_waiting {
	struct history_waiting *next;
	store_done_f *done;
	void *arg;
};
struct history_node {
	struct history_node *next;
	struct history *history;
	struct fog_id id;
	struct series_set *set; /* NULL: nothing is in memory */
	struct history_series *series;
	/* What is not on its way to the disk yet: a slot and the bits of its value, ten bytes that a
	 * thousand nodes have three hundred of; PENDING_TIME and a time before those of that time. */
	uint8_t *pending;
	uint32_t pending_len, pending_room;
	int64_t pending_ms; /* the time told last */
	uint16_t slots;
	int64_t
	    since_ms; /* the memory is complete from here on (wall), but for its window */
	int64_t late_ms; /* newest time that came late, so that it is not in memory */
	int64_t due_ms;	 /* monotonic; INT64_MAX: nothing is to be written */
	uint64_t sequence;
	uint8_t stream[8];
	bool has_mark, name_is_stored;
	struct history_waiting *waiting;
	struct history_batch *flying; /* the newest on its way; NULL: none */
	char name[FOG_NAME_MAX + 1];
};
/* What is on its way. */
struct history_batch {
	LIST_ENTRY(history_batch) entry;
	struct history *history;
	struct fog_id node;
	struct history_waiting *waiting;
};
struct history {
	struct grasp_io *io;
	struct store *store;
	struct history_config cfg;
	struct history_hints hints;
	struct grasp_timer *flush, *chores, *slice;
	struct idmap *by_id;
	struct history_node *nodes; /* every one that has something here or on the disk */
	uint32_t newest_number;
	int64_t flush_at_ms;  /* monotonic, of the timer; INT64_MAX: it is not set */
	int64_t retain_at_ms; /* monotonic */
	bool merging, retaining, closing;
	LIST_HEAD(, history_batch) batches;
	TAILQ_HEAD(, history_query) queries;
	struct history_query *running; /* NULL: none, or it was cancelled */
	struct columns columns;	       /* scratch */
	struct block_writer writer;
	struct block_reader reader;
	struct history_stats stats;
};

#define PENDING_BYTES 10
#define PENDING_TIME  UINT16_MAX
#define PENDING_MAX   65536 /* bytes; then they go */

int64_t history_wall(const struct history *h);
struct history_node *history_find(const struct history *h, const struct fog_id *id);
/* The pending values from from_ms to before to_ms of the series that are wanted (NULL: all), behind what
 * is in the columns. */
void history_pending(struct history_node *n, int64_t from_ms, int64_t to_ms,
    columns_wanted_f *wanted, void *arg, struct columns *to);
/* history_batch.c: all that the node has new, as one transaction. */
void history_batch_put(struct history_node *n);
void history_batch_drop(struct history_batch *b);
void history_waiting_free(struct history_waiting *w);
/* The series of the node, from the disk if nothing of it is in memory. */
int history_open(struct history_node *n) MUST_CHECK;
/* history_points.c: the values from from_ms to before to_ms of the series that are wanted, from the disk
 * and from memory, sorted; key: number. */
int history_load(struct history_node *n, int64_t from_ms, int64_t to_ms,
    columns_wanted_f *wanted, void *arg, struct columns *ret) MUST_CHECK;
/* The sets of labels that such a program sees of the series of a node; at least 1, maybe an empty one. */
struct program_needs;
unsigned history_variants(const struct history_node *n, const struct program_needs *needs,
    struct metric_labels ret[HISTORY_VARIANTS_MAX]);
/* history_query.c */
void history_queries_stop(struct history *h);
void history_queries_run(void *arg);
