/* SPDX-License-Identifier: Apache-2.0
 *
 * Short blocks become long ones, and roll-ups. All of it runs on the writer's thread, one span of
 * one node in each transaction: when it is killed in between, either the short ones are there or
 * what was made of them. */
#include "base/log.h"
#include "controller/history_rollup.h"
#include "controller/store_int.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define AHEAD_MS (60 * 60000LL) /* a clock that was wrong so far */

enum { AGAIN = 1 };

struct merge {
	struct store_db *db;
	struct store_value node;
	int64_t start_ms; /* of the span of values */
	bool has_block;	  /* there is one of them already */
	struct block_writer writer;
	struct block_reader reader;
	struct columns values, fresh, before, spans;
	int err; /* of a callback */
};

static void
merge_done(struct merge *m)
{
	block_done(&m->writer);
	block_reader_done(&m->reader);
	columns_done(&m->values);
	columns_done(&m->fresh);
	columns_done(&m->before);
	columns_done(&m->spans);
}

/* --- rows --------------------------------------------------------------------------------------- */
struct loading {
	struct merge *merge;
	struct columns *to;
};

/* A block that cannot be read is left out: all the others are worth more than it. */
static void
load_row(void *ctx, struct sqlite3_stmt *row)
{
	struct loading *l = ctx;
	struct merge *m = l->merge;
	int err = columns_load(
	    l->to, &m->reader, col_int(row, 0), col_blob(row, 1), NULL, NULL);

	m->has_block = true;
	if (err == -EBADMSG)
		log_errorx("store", "a block of history is damaged, and left out");
	else if (err)
		m->err = err;
}

static int
load_level(struct merge *m, int level, int64_t from_ms, int64_t to_ms, struct columns *to)
{
	const struct store_value v[] = { m->node, sv_int(from_ms), sv_int(to_ms),
		sv_int(level) };
	struct loading l = { m, to };
	int err;

	columns_clear(to);
	m->has_block = false;
	err = store_db_read(m->db,
	    level == STORE_FRESH
		? "SELECT from_ms, data FROM fresh WHERE node=?1 AND from_ms>=?2"
		  " AND from_ms<?3 ORDER BY id"
		: "SELECT from_ms, data FROM block WHERE node=?1 AND from_ms>=?2"
		  " AND from_ms<?3 AND level=?4 ORDER BY from_ms",
	    v, ARRAY_LEN(v), load_row, &l);
	return err ? err : m->err ? m->err : columns_sort(to);
}

struct putting {
	struct merge *merge;
	int level;
};

static int
put_row(void *arg, int64_t from_ms, int64_t last_ms, struct slice data)
{
	const struct putting *p = arg;
	const struct store_value v[] = { p->merge->node, sv_int(p->level),
		sv_int(from_ms), sv_blob(data.data, data.len) };

	(void)last_ms;
	return store_db_run(p->merge->db,
	    "INSERT INTO block(node, level, from_ms, data) VALUES(?1, ?2, ?3, ?4)", v,
	    ARRAY_LEN(v));
}

/* What was there of the level gives way. */
static int
put_level(struct merge *m, int level, int64_t from_ms, int64_t to_ms, int64_t min_ms,
    const struct columns *c)
{
	const struct store_value v[] = { m->node, sv_int(from_ms), sv_int(to_ms),
		sv_int(level) };
	struct putting p = { m, level };
	int err = store_db_run(m->db,
	    "DELETE FROM block WHERE node=?1 AND from_ms>=?2 AND from_ms<?3 AND level=?4",
	    v, ARRAY_LEN(v));

	return err ? err
		   : columns_write(c, &m->writer, from_ms, to_ms, min_ms, put_row, &p);
}

static int
delete_fresh(struct merge *m, int64_t from_ms, int64_t to_ms)
{
	const struct store_value v[] = { m->node, sv_int(from_ms), sv_int(to_ms) };

	return store_db_run(m->db,
	    "DELETE FROM fresh WHERE node=?1 AND from_ms>=?2 AND from_ms<?3", v,
	    ARRAY_LEN(v));
}

/* --- one span of one node -------------------------------------------------------------------- */

/* m->spans into the row that covers them, which m->fresh is then. `complete`: they are made of all
 * there is, and not only of what came late. */
static int
put_spans(struct merge *m, int level, int64_t row_ms, int64_t span_ms, bool complete)
{
	int64_t from_ms = span_start(m->start_ms, row_ms);
	int err = load_level(m, level, from_ms, from_ms + row_ms, &m->before);

	columns_clear(&m->fresh);
	if (!err)
		err = columns_merge(&m->before, &m->spans, !complete, &m->fresh);
	if (!err)
		err = put_level(m, level, from_ms, from_ms + row_ms, span_ms, &m->fresh);
	return err;
}

/* What came late, when the block of its span is gone already, is added to the roll-ups that are still
 * there. */
static int
roll_up(struct merge *m, bool complete)
{
	int64_t hour_ms = span_start(m->start_ms, SPAN_HOUR_MS);
	int err;

	columns_clear(&m->spans);
	err = columns_rollup(&m->values, SPAN_MINUTE_MS, &m->spans);
	if (!err)
		err = put_spans(m, STORE_MINUTE, SPAN_HOUR_MS, SPAN_MINUTE_MS, complete);
	complete = m->has_block;
	columns_clear(&m->spans);
	if (!err)
		err = columns_widen(
		    &m->fresh, hour_ms, hour_ms + SPAN_HOUR_MS, SPAN_HOUR_MS, &m->spans);
	if (!err)
		err = put_spans(m, STORE_HOUR, SPAN_DAY_MS, SPAN_HOUR_MS, complete);
	return err;
}

static int
append(struct columns *to, const struct columns *from)
{
	for (uint32_t i = 0; i < from->len; i++)
		columns_copy(to, from->column[i].key, &from->sample[from->column[i].at],
		    from->column[i].len);
	return columns_sort(to);
}

static int
merge_span(struct merge *m)
{
	int64_t end_ms = m->start_ms + SPAN_RAW_MS;
	bool complete;
	int err = load_level(m, STORE_RAW, m->start_ms, end_ms, &m->values);

	complete = m->has_block;
	if (!err)
		err = load_level(m, STORE_FRESH, m->start_ms, end_ms, &m->fresh);
	if (!err)
		err = append(&m->values, &m->fresh);
	if (!err)
		err = put_level(m, STORE_RAW, m->start_ms, end_ms, 1, &m->values);
	if (!err)
		err = roll_up(m, complete);
	return err ? err : delete_fresh(m, m->start_ms, end_ms);
}

/* --- which one ---------------------------------------------------------------------------------- */
struct oldest {
	bool found;
	uint8_t node[16];
	int64_t from_ms;
};

static void
read_oldest(void *ctx, struct sqlite3_stmt *row)
{
	struct oldest *o = ctx;
	struct slice node = col_blob(row, 0);

	o->found = true;
	o->from_ms = col_int(row, 1);
	memset(o->node, 0, sizeof o->node);
	memcpy(o->node, node.data, node.len < sizeof o->node ? node.len : sizeof o->node);
}

/* In the order in which they came. */
static int
merge_oldest(struct store_db *db, int64_t before_ms, int64_t now_ms)
{
	struct merge m = { .db = db };
	struct oldest oldest = { 0 };
	int err = store_db_read(db, "SELECT node, from_ms FROM fresh ORDER BY id LIMIT 1",
	    NULL, 0, read_oldest, &oldest);

	if (err || !oldest.found)
		return err;
	m.start_ms = span_start(oldest.from_ms, SPAN_RAW_MS);
	if (m.start_ms + SPAN_RAW_MS > before_ms && oldest.from_ms < now_ms + AHEAD_MS)
		return 0;
	m.node = sv_blob(oldest.node, sizeof oldest.node);
	err = merge_span(&m);
	merge_done(&m);
	return err ? err : AGAIN;
}

/* --- points of a version before ------------------------------------------------------------------ */

/* A row was a value. */
static void
read_name(void *ctx, struct sqlite3_stmt *row)
{
	(void)row;
	*(bool *)ctx = true;
}

static void
read_point(void *ctx, struct sqlite3_stmt *row)
{
	struct columns *c = ctx;
	struct sample *to = columns_room(c, 1);

	if (!to)
		return;
	*to = (struct sample){ col_int(row, 1), col_real(row, 2) };
	if (isnan(to->value))
		to->value = series_stale();
	columns_add(c, (uint64_t)col_int(row, 0), 1);
}

static int
put_fresh(void *arg, int64_t from_ms, int64_t last_ms, struct slice data)
{
	const struct merge *m = arg;
	const struct store_value v[] = { m->node, sv_int(from_ms), sv_int(last_ms),
		sv_blob(data.data, data.len) };

	return store_db_run(m->db,
	    "INSERT INTO fresh(node, from_ms, last_ms, data) VALUES(?1, ?2, ?3, ?4)", v,
	    ARRAY_LEN(v));
}

static int
drop_points(struct store_db *db)
{
	int err = store_db_exec(db, "DROP TABLE point");

	if (!err)
		log_info(
		    "store", "metrics.db: all values of the version before are packed");
	return err;
}

/* All series of the node in this span, so that it is touched once. */
static int
convert_span(struct merge *m, struct columns *points)
{
	const struct store_value v[] = { m->node, sv_int(m->start_ms),
		sv_int(m->start_ms + SPAN_RAW_MS) };
	int err = store_db_read(m->db,
	    "SELECT series, time_ms, value FROM series CROSS JOIN point ON series=id"
	    " AND time_ms>=?2 AND time_ms<?3 WHERE node=?1",
	    v, ARRAY_LEN(v), read_point, points);

	if (!err)
		err = columns_sort(points);
	if (!err)
		err = columns_write(points, &m->writer, m->start_ms,
		    m->start_ms + SPAN_RAW_MS, 1, put_fresh, m);
	if (!err)
		err = store_db_run(m->db,
		    "DELETE FROM point WHERE series IN (SELECT id FROM series WHERE"
		    " node=?1) AND time_ms>=?2 AND time_ms<?3",
		    v, ARRAY_LEN(v));
	return err;
}

static int
convert_some(struct store_db *db)
{
	struct merge m = { .db = db };
	struct columns points = { 0 };
	struct oldest first = { 0 };
	bool has_table = false;
	int err = store_db_read(db,
	    "SELECT 1 FROM sqlite_master WHERE type='table' AND name='point'", NULL, 0,
	    read_name, &has_table);

	if (err || !has_table)
		return err;
	err = store_db_read(db,
	    "SELECT node, time_ms FROM point JOIN series ON id=series LIMIT 1", NULL, 0,
	    read_oldest, &first);
	if (err)
		return err;
	if (!first.found)
		return drop_points(db);
	m.node = sv_blob(first.node, sizeof first.node);
	m.start_ms = span_start(first.from_ms, SPAN_RAW_MS);
	err = convert_span(&m, &points);
	columns_done(&points);
	merge_done(&m);
	return err ? err : AGAIN;
}

static int
merge_some(struct store_db *db, const struct store_job *job)
{
	int err = convert_some(db);

	return err ? err : merge_oldest(db, job->value[0].i, job->value[1].i);
}

int
store_merge(
    struct store *s, int64_t before_ms, int64_t now_ms, store_done_f *done, void *arg)
{
	const struct store_value v[] = { sv_int(before_ms), sv_int(now_ms) };

	return store_run(s, STORE_METRICS, merge_some, v, ARRAY_LEN(v), done, arg);
}
