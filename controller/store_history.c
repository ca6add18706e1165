/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.db: what nodes measured, as blocks (controller/history.h), and up to which sequence of a node's
 * reports they go. The merging of blocks is in store_merge.c. */
#include "controller/store_int.h"

#include <errno.h>
#include <string.h>

#define PUT_STREAM \
	"INSERT OR REPLACE INTO stream(node, boot, sequence) VALUES(?1, ?2, ?3)"

int
store_stream_put(struct store *s, const struct fog_id *node, const uint8_t boot[8],
    uint64_t sequence, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_blob(node->bytes, sizeof node->bytes),
		sv_blob(boot, 8),
		sv_int((int64_t)sequence),
	};

	return store_write(s, STORE_METRICS, PUT_STREAM, v, ARRAY_LEN(v), done, arg);
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

/* --- what a node gave --------------------------------------------------------------------------- */

/* The values of a job: node, numbers of the others, name, stream (2), series (3 each), blocks (3 each). */
enum { AT_NODE, AT_SERIES, AT_BLOCKS, AT_NAME, AT_STREAM, AT_SEQUENCE, AT_REST };

static int
put_name(struct store_db *db, const struct store_job *job)
{
	const struct store_value v[] = { job->value[AT_NODE], job->value[AT_NAME] };

	if (!v[1].bytes.len)
		return 0;
	return store_db_run(db,
	    "INSERT OR REPLACE INTO source(node, name) VALUES(?1, ?2)", v, ARRAY_LEN(v));
}

static int
put_series(
    struct store_db *db, const struct store_value *node, const struct store_value *series)
{
	const struct store_value v[] = { *node, series[0], series[1], series[2] };

	return store_db_run(db,
	    "INSERT OR IGNORE INTO series(id, node, expression, labels)"
	    " VALUES(?2, ?1, ?3, ?4)",
	    v, ARRAY_LEN(v));
}

static int
put_block(
    struct store_db *db, const struct store_value *node, const struct store_value *block)
{
	const struct store_value v[] = { *node, block[0], block[1], block[2] };

	return store_db_run(db,
	    "INSERT INTO fresh(node, from_ms, last_ms, data) VALUES(?1, ?2, ?3, ?4)", v,
	    ARRAY_LEN(v));
}

static int
put_mark(struct store_db *db, const struct store_job *job)
{
	const struct store_value v[] = { job->value[AT_NODE], job->value[AT_STREAM],
		job->value[AT_SEQUENCE] };

	return v[1].bytes.len ? store_db_run(db, PUT_STREAM, v, ARRAY_LEN(v)) : 0;
}

static int
put_batch(struct store_db *db, const struct store_job *job)
{
	const struct store_value *at = &job->value[AT_REST];
	int err = put_name(db, job);

	for (int64_t i = 0; i < job->value[AT_SERIES].i && !err; i++, at += 3)
		err = put_series(db, &job->value[AT_NODE], at);
	for (int64_t i = 0; i < job->value[AT_BLOCKS].i && !err; i++, at += 3)
		err = put_block(db, &job->value[AT_NODE], at);
	return err ? err : put_mark(db, job);
}

static void
fill_batch(const struct store_batch *b, struct store_value *v)
{
	struct store_value *at = v + AT_REST;

	v[AT_NODE] = sv_blob(b->node->bytes, sizeof b->node->bytes);
	v[AT_SERIES] = sv_int((int64_t)b->series_len);
	v[AT_BLOCKS] = sv_int((int64_t)b->blocks);
	v[AT_NAME] = sv_text(b->name);
	v[AT_STREAM] = sv_blob(b->stream, b->stream ? 8 : 0);
	v[AT_SEQUENCE] = sv_int((int64_t)b->sequence);
	for (size_t i = 0; i < b->series_len; i++) {
		*at++ = sv_int(b->series[i].number);
		*at++ = sv_text(b->series[i].metric);
		*at++ = sv_blob(b->series[i].labels.data, b->series[i].labels.len);
	}
	for (size_t i = 0; i < b->blocks; i++) {
		*at++ = sv_int(b->block[i].from_ms);
		*at++ = sv_int(b->block[i].last_ms);
		*at++ = sv_blob(b->block[i].data.data, b->block[i].data.len);
	}
}

int
store_batch_put(
    struct store *s, const struct store_batch *b, store_done_f *done, void *arg)
{
	size_t n = AT_REST + 3 * (b->series_len + b->blocks);
	struct store_value *v = calloc(n, sizeof *v);
	int err;

	if (!v)
		return -ENOMEM;
	fill_batch(b, v);
	err = store_run(s, STORE_METRICS, put_batch, v, n, done, arg);
	free(v);
	return err;
}

/* --- reading ------------------------------------------------------------------------------------ */

static void
read_number(void *ctx, struct sqlite3_stmt *row)
{
	*(int64_t *)ctx = col_int(row, 0);
}

int
store_series_newest(struct store *s, uint32_t *ret_number)
{
	int64_t number = 0;
	int err = store_read(s, STORE_METRICS, "SELECT ifnull(max(id), 0) FROM series",
	    NULL, 0, read_number, &number);

	if (!err)
		*ret_number = (uint32_t)number;
	return err;
}

struct series_reading {
	void (*row)(void *arg, const struct store_series *series);
	void *arg;
};

static void
read_series(void *ctx, struct sqlite3_stmt *row)
{
	struct series_reading *r = ctx;
	const struct store_series series = {
		.number = (uint32_t)col_int(row, 0),
		.metric = col_text(row, 1),
		.labels = col_blob(row, 2),
	};

	r->row(r->arg, &series);
}

int
store_series(struct store *s, const struct fog_id *node,
    void (*row)(void *arg, const struct store_series *series), void *arg)
{
	const struct store_value v = sv_blob(node->bytes, sizeof node->bytes);
	struct series_reading r = { row, arg };

	return store_read(s, STORE_METRICS,
	    "SELECT id, expression, labels FROM series WHERE node=?1 ORDER BY id", &v, 1,
	    read_series, &r);
}

struct source_reading {
	void (*row)(void *arg, const struct fog_id *node, const char *name);
	void *arg;
};

static void
read_source(void *ctx, struct sqlite3_stmt *row)
{
	struct source_reading *r = ctx;
	struct slice id = col_blob(row, 0);
	struct fog_id node;

	if (id.len != sizeof node.bytes)
		return;
	memcpy(node.bytes, id.data, sizeof node.bytes);
	r->row(r->arg, &node, col_text(row, 1));
}

int
store_sources(struct store *s,
    void (*row)(void *arg, const struct fog_id *node, const char *name), void *arg)
{
	struct source_reading r = { row, arg };

	return store_read(s, STORE_METRICS,
	    "SELECT DISTINCT series.node, ifnull(name, '') FROM series"
	    " LEFT JOIN source ON source.node=series.node",
	    NULL, 0, read_source, &r);
}

struct block_reading {
	void (*row)(void *arg, int64_t from_ms, struct slice data);
	void *arg;
};

static void
read_block(void *ctx, struct sqlite3_stmt *row)
{
	struct block_reading *r = ctx;

	r->row(r->arg, col_int(row, 0), col_blob(row, 1));
}

int
store_blocks(struct store *s, const struct fog_id *node, enum store_level level,
    int64_t from_ms, int64_t to_ms,
    void (*row)(void *arg, int64_t from_ms, struct slice data), void *arg)
{
	const struct store_value v[] = {
		sv_blob(node->bytes, sizeof node->bytes),
		sv_int(from_ms),
		sv_int(to_ms),
		sv_int(level),
	};
	struct block_reading r = { row, arg };

	return store_read(s, STORE_METRICS,
	    level == STORE_FRESH
		? "SELECT from_ms, data FROM fresh WHERE node=?1 AND from_ms>=?2"
		  " AND from_ms<?3 ORDER BY from_ms, id"
		: "SELECT from_ms, data FROM block WHERE node=?1 AND from_ms>=?2"
		  " AND from_ms<?3 AND level=?4 ORDER BY from_ms",
	    v, ARRAY_LEN(v), read_block, &r);
}

static int
read_edge(struct store *s, const char *sql, const struct fog_id *node,
    enum store_level level, int64_t from_ms, int64_t *ret_ms)
{
	const struct store_value v[] = {
		sv_blob(node->bytes, sizeof node->bytes),
		sv_int(from_ms),
		sv_int(level),
	};
	int64_t found = INT64_MIN;
	int err = store_read(s, STORE_METRICS, sql, v, ARRAY_LEN(v), read_number, &found);

	if (err || found == INT64_MIN)
		return err ? err : -ENOENT;
	*ret_ms = found;
	return 0;
}

int
store_blocks_next(struct store *s, const struct fog_id *node, enum store_level level,
    int64_t from_ms, int64_t *ret_ms)
{
	return read_edge(s,
	    level == STORE_FRESH
		? "SELECT from_ms FROM fresh WHERE node=?1 AND from_ms>=?2"
		  " ORDER BY from_ms LIMIT 1"
		: "SELECT from_ms FROM block WHERE node=?1 AND from_ms>=?2 AND level=?3"
		  " ORDER BY from_ms LIMIT 1",
	    node, level, from_ms, ret_ms);
}

int
store_blocks_newest(
    struct store *s, const struct fog_id *node, enum store_level level, int64_t *ret_ms)
{
	return read_edge(s,
	    level == STORE_FRESH
		? "SELECT from_ms FROM fresh WHERE node=?1 AND from_ms>?2"
		  " ORDER BY from_ms DESC LIMIT 1"
		: "SELECT from_ms FROM block WHERE node=?1 AND from_ms>?2 AND level=?3"
		  " ORDER BY from_ms DESC LIMIT 1",
	    node, level, INT64_MIN, ret_ms);
}
