/* SPDX-License-Identifier: Apache-2.0
 *
 * What is too old, or too much, goes: a few rows in each transaction, so that nobody waits long behind
 * it. */
#include "controller/history_columns.h"
#include "controller/store_int.h"

#define PRUNE_ROWS 5000

static int
prune(struct store_db *db, const struct store_job *job, const char *sql)
{
	int err = store_db_run(db, sql, job->value, job->values);

	return err ? err : store_db_changes(db) >= PRUNE_ROWS;
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
	    "DELETE FROM note WHERE migration NOT IN (SELECT id FROM migration)"
	    " AND migration NOT IN (SELECT id FROM outbox)");
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
store_prune(struct store *s, int64_t before_ms)
{
	static int (*const step[])(struct store_db * db, const struct store_job *job) = {
		prune_events,
		prune_predictions,
		prune_migrations,
		prune_issued,
	};
	const struct store_value v[] = { sv_int(before_ms), sv_int(PRUNE_ROWS) };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(step) && !err; i++)
		err = store_run(s, STORE_CONTROL, step[i], v, ARRAY_LEN(v), NULL, NULL);
	return err;
}

/* --- history ------------------------------------------------------------------------------------ */

#define RETAIN_ROWS 200 /* blocks in one transaction */

static int
bytes_used(struct store_db *db, int64_t *ret)
{
	return store_db_get_int(db,
	    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count,"
	    " pragma_freelist_count, pragma_page_size",
	    ret);
}

/* The oldest of the level go, but for what an operator would miss first: roll-ups go last. */
static int
make_room(struct store_db *db, int64_t bytes_max)
{
	int64_t bytes = 0;
	int err = bytes_max ? bytes_used(db, &bytes) : 0;

	if (err || bytes <= bytes_max)
		return err;
	for (int level = STORE_RAW; level <= STORE_HOUR; level++) {
		const struct store_value v[] = { sv_int(level), sv_int(8) };

		err = store_db_run(db,
		    "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE level=?1"
		    " ORDER BY from_ms LIMIT ?2)",
		    v, ARRAY_LEN(v));
		if (err)
			return err;
		if (store_db_changes(db))
			return 1;
	}
	return 0;
}

static int
retain_level(struct store_db *db, int level, int64_t before_ms)
{
	const struct store_value v[] = { sv_int(level), sv_int(before_ms),
		sv_int(RETAIN_ROWS) };
	int err = store_db_run(db,
	    "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE level=?1"
	    " AND from_ms<?2 ORDER BY from_ms LIMIT ?3)",
	    v, ARRAY_LEN(v));

	return err ? err : store_db_changes(db) == RETAIN_ROWS;
}

/* Series whose node has nothing any more. */
static int
forget_series(struct store_db *db)
{
	int err = store_db_run(db,
	    "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM fresh WHERE "
	    "fresh.node=series.node) AND NOT EXISTS (SELECT 1 FROM block WHERE "
	    "block.node=series.node)",
	    NULL, 0);

	if (!err)
		err = store_db_run(db,
		    "DELETE FROM source WHERE NOT EXISTS (SELECT 1 FROM series WHERE"
		    " series.node=source.node)",
		    NULL, 0);
	return err;
}

/* 1: there may be more to do. */
static int
retain(struct store_db *db, const struct store_job *job)
{
	static const int level[] = { STORE_RAW, STORE_MINUTE, STORE_HOUR };
	/* A row of a level begins so long before its last value. */
	static const int64_t length_ms[] = { SPAN_RAW_MS, SPAN_HOUR_MS, SPAN_DAY_MS };
	int more = 0;

	for (size_t i = 0; i < ARRAY_LEN(level); i++) {
		int err = retain_level(db, level[i], job->value[i].i - length_ms[i] + 1);

		if (err < 0)
			return err;
		more |= err;
	}
	if (!more)
		more = make_room(db, job->value[3].i);
	if (more)
		return more;
	more = forget_series(db);
	return more ? more : store_db_exec(db, "PRAGMA incremental_vacuum(512)");
}

int
store_retain(
    struct store *s, const struct store_retention *r, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_int(r->raw_before_ms),
		sv_int(r->minute_before_ms),
		sv_int(r->hour_before_ms),
		sv_int((int64_t)r->bytes_max),
	};

	return store_run(s, STORE_METRICS, retain, v, ARRAY_LEN(v), done, arg);
}
