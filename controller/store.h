/* SPDX-License-Identifier: Apache-2.0
 *
 * What must survive: control.db (nodes, services, placements, migrations, events, predictions) and
 * metrics.db (history), SQLite in WAL mode with synchronous=FULL. Writes go through one writer
 * thread that commits groups; done() is called in the loop after the commit, so that an
 * acknowledgement can wait for it (reliability: journal first, then send). Order is kept. Reads run in
 * the loop on a connection of their own and see what was committed.
 *
 * This is the engine; the statements of each noun stand in store_<noun>.c with its functions here. */
#pragma once
#include "base/buf.h"
#include "protocol/names.h"

struct ev_loop;
struct store;

typedef void store_done_f(
    void *arg, int err); /* 0: committed; -EIO: the store is not trusted any more */

/* Opens or makes the databases in dir. A damaged file is moved aside, and work goes on with the newest
 * backup or an empty one: store_recovery() tells. -EPROTONOSUPPORT: made by a newer version. failed()
 * is called once if a write or sync fails later: the daemon then stops. */
int store_open(struct ev_loop *loop, const char *dir, void (*failed)(void *arg),
    void *arg, struct store **ret) MUST_CHECK;
/* Writes out what is queued. No done() is called from here on: what they point to may be gone. */
void store_close(struct store *s);
DEFINE_FREEP(struct store, store_close)
/* Blocks until everything queued is written and its done() has run: before an orderly exit. */
void store_flush(struct store *s);
const char *
store_recovery(const struct store *s); /* what was damaged at open; NULL: nothing */
/* Runs done when everything queued before is on the disk. */
void store_barrier(struct store *s, store_done_f *done, void *arg);
/* Its thread gives up what the process has given up: after sandbox_enter(). Blocks. */
void store_confine(struct store *s);
uint64_t store_epoch(const struct store *s); /* grows by one at each open */

/* In the following, done may be NULL; texts are copied. A negative return: not queued (-ENOMEM). */

struct node_row {
	struct fog_id id;
	const char *name, *domain, *state; /* state: "alive", "suspect", "lost", "gone" */
	const char *address;
	struct slice caps;
	int64_t joined_ms, heard_ms; /* wall */
};
int
store_node_put(struct store *s, const struct node_row *n, store_done_f *done, void *arg);
int
store_nodes(struct store *s, void (*row)(void *arg, const struct node_row *n), void *arg);

int store_service_put(
    struct store *s, const char *name, const char *yaml, store_done_f *, void *);
int store_service_delete(struct store *s, const char *name, store_done_f *, void *);
int store_services(
    struct store *s, void (*row)(void *, const char *name, const char *yaml), void *);

struct placement_row {
	const char *service, *function, *node; /* node: name; "" none */
	const char
	    *state; /* "assigned", "preparing", "releasing", "assigning", "uncertain" */
	uint64_t generation;
};
int store_placement_put(
    struct store *s, const struct placement_row *p, store_done_f *, void *);
int store_placements(
    struct store *s, void (*row)(void *, const struct placement_row *p), void *);

struct event_row {
	int64_t sequence; /* given by the store on put; then readable in done order */
	int64_t time_ms;  /* wall */
	const char *
	    kind; /* "node.joined", "node.lost", "prediction.raised", "migration.done", … */
	const char *node, *service, *function; /* "" if it has none */
	const char *text;		       /* a sentence for people */
};
/* Returns the sequence number > 0 at once; it is durable when done is called. */
int64_t
store_event_put(struct store *s, const struct event_row *e, store_done_f *, void *);
/* The same, with a small text by key in one transaction: which event of somebody else's it was. */
int64_t store_event_take(struct store *s, const struct event_row *e, const char *key,
    const char *value, store_done_f *, void *);
/* Those after `after`, oldest first, at most limit. */
int store_events(struct store *s, int64_t after, int limit,
    void (*row)(void *, const struct event_row *e), void *);
/* The newest `limit`, oldest of them first. */
int store_events_last(
    struct store *s, int limit, void (*row)(void *, const struct event_row *e), void *);

struct migration_row {
	const char *id; /* 32 hex digits, also the hook event's id */
	const char *service, *function, *source, *target, *hook, *reason;
	const char *state; /* "open", "done", "failed", "cancelled", "unknown" */
	const char *phase; /* last hook_phase_name(), "" before the first */
	const char *detail;
	uint64_t generation;
	uint32_t attempt;
	int64_t opened_ms, due_ms, started_ms, ready_ms, switched_ms,
	    ended_ms; /* wall; 0: not yet */
};
int store_migration_put(
    struct store *s, const struct migration_row *m, store_done_f *, void *);
int store_migrations(struct store *s, bool open_only, int limit,
    void (*row)(void *, const struct migration_row *m), void *);
/* Key and value that a hook saves with a call. */
int store_note_put(struct store *s, const char *migration, const char *key,
    const char *value, store_done_f *, void *);
int store_notes(struct store *s, const char *migration,
    void (*row)(void *, const char *key, const char *value), void *);

/* Events for hooks that are open: what is to be told, and what was. */
struct outbox_row {
	const char *id, *hook; /* unique together */
	const char *about;     /* which situation, among those of the kind and hook */
	const char *kind;      /* hook_kind_name(), or "prepare" */
	uint32_t rev;
	const char *service, *function, *source; /* "" none */
	uint64_t generation;
	const char *candidates; /* names, a space between them */
	const char *reason, *evidence;
	double probability; /* NaN: none */
	int64_t due_ms;
	const char *state; /* "waiting", "told" */
	int64_t opened_ms;
};
int store_outbox_put(struct store *s, const struct outbox_row *o, store_done_f *, void *);
int store_outbox_delete(struct store *s, const char *id, const char *hook);
int store_outbox(
    struct store *s, void (*row)(void *, const struct outbox_row *o), void *);
/* What came of calls of hooks that are over, by a name of the call. -ENOENT. */
struct verdict_row {
	char verdict[16], detail[256];
};
int store_verdict_put(struct store *s, const char *call, const char *verdict,
    const char *detail, int64_t ended_ms);
int store_verdict_get(struct store *s, const char *call, struct verdict_row *ret);
int store_verdicts_prune(struct store *s, int64_t before_ms);

/* PRD-08. What became of it: "open"; "hit": it failed while there was time to move, "early": it did, but
 * long after, "late": before a move could end; "cleared": it did not; "averted": moved before; "miss":
 * it failed unannounced, "lost": the node did; "dropped": nobody can know. */
struct prediction_row {
	int64_t time_ms; /* wall, when it was raised; of a miss, when it failed */
	const char *node, *service, *function, *requirement;
	const char *role;	      /* "host" or "candidate" */
	const char *class, *predictor; /* "": several */
	const char *inputs;	      /* of the predictor, JSON object; "": none */
	double value;		      /* the newest then */
	double probability;	      /* within the needed lead; NaN: not known, as below */
	double within_short, within_long, time_to_s, low_s, high_s;
	int64_t lead_ms, move_ms, margin_ms; /* needed; what a move takes; spare */
	const char *outcome;
	int64_t ended_ms;
};
int64_t store_prediction_put(
    struct store *s, const struct prediction_row *p, store_done_f *, void *);
int store_prediction_end(struct store *s, int64_t sequence, const char *outcome,
    int64_t time_ms, store_done_f *, void *);
int store_predictions(struct store *s, int limit,
    void (*row)(void *, int64_t sequence, const struct prediction_row *p), void *);

/* How often what was said came about, of all answers looked at, alarm or not. */
struct calibration_row {
	const char *predictor, *class;
	int bin; /* tenth of the probability that was said */
	int64_t samples, events;
	double probability, error; /* sums: what was said, and its squared distance from what came */
};
int store_calibration_put(
    struct store *s, const struct calibration_row *r, store_done_f *, void *);
int store_calibration(
    struct store *s, void (*row)(void *, const struct calibration_row *r), void *);

/* Up to which sequence the reports of a node are stored. done(-ENOSPC): the disk is full. */
int store_stream_put(struct store *s, const struct fog_id *node, const uint8_t boot[8],
    uint64_t sequence, store_done_f *, void *);
int store_streams(struct store *s,
    void (*row)(
	void *, const struct fog_id *node, const uint8_t boot[8], uint64_t sequence),
    void *);

/* History, for controller/history*.c. What a node gave within a short time, in one transaction with how
 * far its reports have come. done(-ENOSPC): the disk is full, nothing of it was kept. */
struct store_series {
	uint32_t number; /* unique in the file, also after the series is gone */
	const char *metric;
	struct slice labels; /* encoded map */
};
struct store_block {
	int64_t from_ms, last_ms; /* within one SPAN_RAW_MS */
	struct slice data;
};
struct store_batch {
	const struct fog_id *node;
	const char *name;		   /* of the node; NULL: known */
	const struct store_series *series; /* those that are new */
	size_t series_len;
	const struct store_block *block;
	size_t blocks;
	const uint8_t *stream; /* 8 bytes; NULL: not told */
	uint64_t sequence;
};
int store_batch_put(struct store *s, const struct store_batch *b, store_done_f *, void *);
int store_series_newest(struct store *s, uint32_t *ret_number);
int store_series(struct store *s, const struct fog_id *node,
    void (*row)(void *, const struct store_series *series), void *);
int store_sources(struct store *s,
    void (*row)(void *, const struct fog_id *node, const char *name), void *);

enum store_level {
	STORE_FRESH,  /* as they came */
	STORE_RAW,    /* merged: one for each SPAN_RAW_MS */
	STORE_MINUTE, /* roll-ups: one for each hour, ... */
	STORE_HOUR,   /* ... one for each day */
};
/* Those that begin from from_ms to before to_ms, in order. */
int store_blocks(struct store *s, const struct fog_id *node, enum store_level level,
    int64_t from_ms, int64_t to_ms,
    void (*row)(void *, int64_t from_ms, struct slice data), void *);
/* When the first block of a level begins that does so at from_ms or later, and when the newest of all
 * does. -ENOENT: there is none. */
int store_blocks_next(struct store *s, const struct fog_id *node, enum store_level level,
    int64_t from_ms, int64_t *ret_ms);
int store_blocks_newest(struct store *s, const struct fog_id *node, enum store_level level,
    int64_t *ret_ms);
/* In the background and in many small transactions: merges fresh blocks whose span has ended at before_ms
 * into longer ones and their roll-ups, and packs what a version before has left. */
int
store_merge(struct store *s, int64_t before_ms, int64_t now_ms, store_done_f *, void *);
/* Likewise: removes blocks older than these (wall), and the oldest until the file has at most bytes_max
 * (0: no bound). */
struct store_retention {
	int64_t raw_before_ms, minute_before_ms, hour_before_ms;
	uint64_t bytes_max;
};
int
store_retain(struct store *s, const struct store_retention *r, store_done_f *, void *);
/* Removes rows (events, ended predictions and migrations) older than this wall time. */
int store_prune(struct store *s, int64_t before_ms);
/* A copy of control.db in dir/backup/, the newest 24 are kept; and a new ballast if it was used. */
int store_backup(struct store *s);

/* Small texts by key: what the daemon has to remember of itself. */
int store_meta_put(
    struct store *s, const char *key, const char *value, store_done_f *, void *);
int store_meta_get(
    struct store *s, const char *key, char *dst, size_t size); /* -ENOENT, -ENOSPC */

struct store_stats {
	uint64_t commits, rows,
	    dropped; /* dropped: blocks of values, for want of room on the disk */
	uint32_t queued_control, queued_metrics;
	uint32_t slowest_ms; /* commit since the start */
};
void store_stats(struct store *s, struct store_stats *ret);
