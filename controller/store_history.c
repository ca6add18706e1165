/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.db: points of series, and up to which sequence of a node's reports they go. */
#include "controller/store_int.h"

#include <string.h>

#define PRUNE_ROWS 5000 /* in one transaction, so that nobody waits long behind it */

int
store_point_put(struct store *s, const struct fog_id *node, const char *expression,
    struct slice labels, int64_t time_ms, double value)
{
	const struct store_value v[] = {
		sv_blob(node->bytes, sizeof node->bytes),
		sv_text(expression),
		sv_blob(labels.data, labels.len),
		sv_int(time_ms),
		sv_real(value),
	};

	return store_write_point(s,
	    "INSERT OR IGNORE INTO series(node, expression, labels) VALUES(?1, ?2, ?3)",
	    "INSERT OR REPLACE INTO point(series, time_ms, value) SELECT id, ?4, ?5 FROM "
	    "series"
	    " WHERE node=?1 AND expression=?2 AND labels=?3",
	    v, ARRAY_LEN(v));
}

int
store_stream_put(struct store *s, const struct fog_id *node, const uint8_t boot[8],
    uint64_t sequence, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_blob(node->bytes, sizeof node->bytes),
		sv_blob(boot, 8),
		sv_int((int64_t)sequence),
	};

	return store_write(s, STORE_METRICS,
	    "INSERT OR REPLACE INTO stream(node, boot, sequence) VALUES(?1, ?2, ?3)", v,
	    ARRAY_LEN(v), done, arg);
}

struct stream_reading {
	void (*row)(void *arg, const struct fog_id *node, const uint8_t boot[8],
	    uint64_t sequence);
	void *arg;
};

static void
read_stream(void *ctx, struct sqlite3_stmt *row)
{
	struct stream_reading *r = ctx;
	struct slice id = col_blob(row, 0), boot = col_blob(row, 1);
	struct fog_id node;

	if (id.len != sizeof node.bytes || boot.len != 8)
		return;
	memcpy(node.bytes, id.data, sizeof node.bytes);
	r->row(r->arg, &node, boot.data, (uint64_t)col_int(row, 2));
}

int
store_streams(struct store *s,
    void (*row)(
	void *arg, const struct fog_id *node, const uint8_t boot[8], uint64_t sequence),
    void *arg)
{
	struct stream_reading r = { row, arg };

	return store_read(s, STORE_METRICS, "SELECT node, boot, sequence FROM stream",
	    NULL, 0, read_stream, &r);
}

struct point_reading {
	void (*row)(void *arg, const struct point_row *p);
	void *arg;
};

static void
read_point(void *ctx, struct sqlite3_stmt *row)
{
	struct point_reading *r = ctx;
	const struct point_row p = {
		.expression = col_text(row, 0),
		.labels = col_blob(row, 1),
		.time_ms = col_int(row, 2),
		.value = col_real(row, 3),
	};

	r->row(r->arg, &p);
}

int
store_points(struct store *s, const struct fog_id *node, const char *expression,
    int64_t since_ms, int limit, void (*row)(void *arg, const struct point_row *p),
    void *arg)
{
	const struct store_value v[] = {
		sv_blob(node->bytes, sizeof node->bytes),
		sv_text(expression),
		sv_int(since_ms),
		sv_int(limit),
	};
	struct point_reading r = { row, arg };

	return store_read(s, STORE_METRICS,
	    "SELECT expression, labels, time_ms, value FROM series JOIN point ON "
	    "series=id"
	    " WHERE node=?1 AND (?2='' OR expression=?2) AND time_ms>=?3"
	    " ORDER BY time_ms, expression, labels LIMIT ?4",
	    v, ARRAY_LEN(v), read_point, &r);
}

/* --- retention ---------------------------------------------------------------------------------- */
static int
prune(struct store_db *db, const struct store_job *job, const char *sql)
{
	int err = store_db_run(db, sql, job->value, job->values);

	return err ? err : store_db_changes(db) >= PRUNE_ROWS;
}

static int
prune_points(struct store_db *db, const struct store_job *job)
{
	return prune(db, job,
	    "DELETE FROM point WHERE (series, time_ms) IN (SELECT series, time_ms FROM "
	    "series"
	    " CROSS JOIN point ON series=id AND time_ms<?1 LIMIT ?2)");
}

static int
prune_series(struct store_db *db, const struct store_job *job)
{
	return prune(db, job,
	    "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM point WHERE series=id)");
}

static int
prune_events(struct store_db *db, const struct store_job *job)
{
	return prune(db, job,
	    "DELETE FROM event WHERE sequence IN (SELECT sequence FROM event WHERE "
	    "time_ms<?1"
	    " LIMIT ?2)");
}

static int
prune_predictions(struct store_db *db, const struct store_job *job)
{
	return prune(db, job,
	    "DELETE FROM prediction WHERE sequence IN (SELECT sequence FROM prediction"
	    " WHERE outcome<>'open' AND time_ms<?1 LIMIT ?2)");
}

static int
prune_migrations(struct store_db *db, const struct store_job *job)
{
	int err = prune(db, job,
	    "DELETE FROM migration WHERE id IN (SELECT id FROM migration WHERE "
	    "state<>'open'"
	    " AND opened_ms<?1 LIMIT ?2)");

	if (err)
		return err;
	return prune(db, job,
	    "DELETE FROM note WHERE migration NOT IN (SELECT id FROM migration)");
}

/* The newest certificate of a member stays, whatever its age: it says until when it was one. */
static int
prune_issued(struct store_db *db, const struct store_job *job)
{
	int err = prune(db, job,
	    "DELETE FROM issued WHERE serial IN (SELECT serial FROM issued"
	    " WHERE not_after_ms<?1 AND serial NOT IN (SELECT serial FROM member)"
	    " LIMIT ?2)");

	if (err)
		return err;
	return prune(db, job,
	    "DELETE FROM token WHERE id IN (SELECT id FROM token WHERE expires_ms<?1"
	    " LIMIT ?2)");
}

int
store_prune(struct store *s, int64_t points_before_ms, int64_t rows_before_ms)
{
	static const struct {
		enum store_file file;
		int (*run)(struct store_db *db, const struct store_job *job);
	} step[] = {
		{ STORE_METRICS, prune_points },
		{ STORE_METRICS, prune_series },
		{ STORE_CONTROL, prune_events },
		{ STORE_CONTROL, prune_predictions },
		{ STORE_CONTROL, prune_migrations },
		{ STORE_CONTROL, prune_issued },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(step) && !err; i++) {
		struct store_value v[] = {
			sv_int(step[i].file == STORE_METRICS ? points_before_ms
							     : rows_before_ms),
			sv_int(PRUNE_ROWS),
		};

		err =
		    store_run(s, step[i].file, step[i].run, v, ARRAY_LEN(v), NULL, NULL);
	}
	return err;
}
