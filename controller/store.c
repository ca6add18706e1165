/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sandbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REPLACE_MAX 30 /* more than there are backups */

struct store {
	struct store_db reader[STORE_FILES];
	struct store_writer *writer;
	char *dir;
	char recovery[512]; /* "": nothing was damaged */
	uint64_t epoch;
	int64_t event, prediction; /* newest sequence given */
};

/* An event that is not in the file was never acknowledged, so that its number may be given again. */
static int
load_sequences(struct store *s, struct store_db *db)
{
	int err =
	    store_db_get_int(db, "SELECT ifnull(max(sequence), 0) FROM event", &s->event);

	if (!err)
		err = store_db_get_int(db,
		    "SELECT ifnull(max(sequence), 0) FROM prediction", &s->prediction);
	return err;
}

/* After a loss the count goes on at a number that no start before can have had. */
static int
next_epoch(struct store *s, struct store_db *db)
{
	struct store_value v;
	int64_t before = 0, lost = s->recovery[0] ? clock_wall_ms() / 1000 : 0;
	int err =
	    store_db_get_int(db, "SELECT value FROM meta WHERE key='epoch'", &before);

	if (err && err != -ENOENT)
		return err;
	s->epoch = (uint64_t)(before > lost ? before : lost) + 1;
	v = sv_int((int64_t)s->epoch);
	return store_db_run(db, "INSERT OR REPLACE INTO meta VALUES('epoch', ?1)", &v, 1);
}

/* What takes the place of a damaged file is opened by the same rules; in the end it is an empty one. */
static int
open_or_replace(struct store *s, struct store_db *db, enum store_file file)
{
	char why[256];
	int err = store_db_open(db, s->dir, file, why, sizeof why);

	for (int tries = 0; err == -EBADMSG && tries < REPLACE_MAX; tries++) {
		err = store_replace(s->dir, file, why, s->recovery, sizeof s->recovery);
		if (!err)
			err = store_db_open(db, s->dir, file, why, sizeof why);
	}
	return err;
}

static int
open_files(struct store *s, struct store_db db[STORE_FILES])
{
	int err = 0;

	for (int f = 0; f < STORE_FILES && !err; f++)
		err = open_or_replace(s, &db[f], (enum store_file)f);
	for (int f = 0; f < STORE_FILES && !err; f++)
		err = store_db_open_reader(&s->reader[f], s->dir, (enum store_file)f);
	if (!err)
		err = load_sequences(s, &db[STORE_CONTROL]);
	if (!err)
		err = next_epoch(s, &db[STORE_CONTROL]);
	return err;
}

static void
close_readers(struct store *s)
{
	for (int f = 0; f < STORE_FILES; f++)
		store_db_close(&s->reader[f]);
}

int
store_open(struct ev_loop *loop, const char *dir, void (*failed)(void *arg), void *arg,
    struct store **ret)
{
	CLEANUP(store_close) struct store *s = calloc(1, sizeof *s);
	struct store_db db[STORE_FILES] = { 0 };
	int err;

	if (!s || !(s->dir = strdup(dir)))
		return -ENOMEM;
	err = open_files(s, db);
	store_ballast_make(dir);
	if (!err)
		err = store_writer_start(loop, s->dir, db, failed, arg, &s->writer);
	if (err) {
		for (int f = 0; f < STORE_FILES; f++)
			store_db_close(&db[f]);
		return err;
	}
	*ret = TAKE(s);
	return 0;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	close_readers(
	    s); /* first, so that the writer's close puts the whole log into the file */
	if (s->writer)
		store_writer_stop(s->writer);
	free(s->dir);
	free(s);
}

void
store_flush(struct store *s)
{
	store_writer_flush(s->writer);
}

const char *
store_recovery(const struct store *s)
{
	return s->recovery[0] ? s->recovery : NULL;
}

uint64_t
store_epoch(const struct store *s)
{
	return s->epoch;
}

const char *
store_dir(const struct store *s)
{
	return s->dir;
}

int64_t
store_next_event(struct store *s)
{
	return ++s->event;
}

int64_t
store_next_prediction(struct store *s)
{
	return ++s->prediction;
}

void
store_stats(struct store *s, struct store_stats *ret)
{
	store_writer_stats(s->writer, ret);
}

/* --- for the nouns ------------------------------------------------------------------------------ */
int
store_write(struct store *s, enum store_file file, const char *sql,
    const struct store_value *v, size_t n, store_done_f *done, void *arg)
{
	struct store_job *job;
	int err = store_job_new(file, v, n, done, arg, &job);

	if (err)
		return err;
	job->sql[0] = sql;
	store_writer_push(s->writer, &job);
	return 0;
}

int
store_write_both(struct store *s, const char *first, const char *then,
    const struct store_value *v, size_t n, store_done_f *done, void *arg)
{
	struct store_job *job;
	int err = store_job_new(STORE_CONTROL, v, n, done, arg, &job);

	if (err)
		return err;
	job->sql[0] = first;
	job->sql[1] = then;
	store_writer_push(s->writer, &job);
	return 0;
}

int
store_run(struct store *s, enum store_file file,
    int (*run)(struct store_db *db, const struct store_job *job),
    const struct store_value *v, size_t n, store_done_f *done, void *arg)
{
	struct store_job *job;
	int err = store_job_new(file, v, n, done, arg, &job);

	if (err)
		return err;
	job->run = run;
	job->counted = file == STORE_METRICS;
	store_writer_push(s->writer, &job);
	return 0;
}

int
store_run_alone(struct store *s,
    int (*run)(struct store_db *db, const struct store_job *job),
    const struct store_value *v, size_t n)
{
	struct store_job *job;
	int err = store_job_new(STORE_CONTROL, v, n, NULL, NULL, &job);

	if (err)
		return err;
	job->run = run;
	job->alone = true;
	store_writer_push(s->writer, &job);
	return 0;
}

int
store_read(struct store *s, enum store_file file, const char *sql,
    const struct store_value *v, size_t n,
    void (*row)(void *ctx, struct sqlite3_stmt *row), void *ctx)
{
	return store_db_read(&s->reader[file], sql, v, n, row, ctx);
}

/* --- barrier ------------------------------------------------------------------------------------ */
struct barrier {
	unsigned waiting;
	int err;
	store_done_f *done;
	void *arg;
};

static void
pass_barrier(void *arg, int err)
{
	struct barrier *b = arg;

	if (err)
		b->err = err;
	if (--b->waiting)
		return;
	b->done(b->arg, b->err);
	free(b);
}

static int
do_nothing(struct store_db *db, const struct store_job *job)
{
	(void)db, (void)job;
	return 0;
}

/* One mark in each queue. */
void
store_barrier(struct store *s, store_done_f *done, void *arg)
{
	struct store_job *mark[STORE_FILES] = { NULL };
	struct barrier *b = malloc(sizeof *b);
	int err = b ? 0 : -ENOMEM;

	for (int f = 0; f < STORE_FILES && !err; f++)
		err =
		    store_job_new((enum store_file)f, NULL, 0, pass_barrier, b, &mark[f]);
	if (err) {
		for (int f = 0; f < STORE_FILES; f++)
			free(mark[f]);
		free(b);
		done(arg, err);
		return;
	}
	*b = (struct barrier){ .waiting = STORE_FILES, .done = done, .arg = arg };
	for (int f = 0; f < STORE_FILES; f++) {
		mark[f]->run = do_nothing;
		store_writer_push(s->writer, &mark[f]);
	}
}

/* Landlock is a thread's own business. */
static int
confine_thread(struct store_db *db, const struct store_job *job)
{
	int err = sandbox_enter_thread();

	(void)db, (void)job;
	if (err)
		log_warnx("store", "the writer is not confined: %s", strerror(-err));
	return 0;
}

void
store_confine(struct store *s)
{
	struct store_job *job;

	if (store_job_new(STORE_CONTROL, NULL, 0, NULL, NULL, &job))
		return;
	job->run = confine_thread;
	store_writer_push(s->writer, &job);
	store_writer_flush(s->writer);
}

/* --- small texts -------------------------------------------------------------------------------- */
int
store_meta_put(
    struct store *s, const char *key, const char *value, store_done_f *done, void *arg)
{
	const struct store_value v[] = { sv_text(key), sv_text(value) };

	return store_write(s, STORE_CONTROL, "INSERT OR REPLACE INTO meta VALUES(?1, ?2)",
	    v, ARRAY_LEN(v), done, arg);
}

struct meta {
	char *dst;
	size_t size;
	int err;
};

static void
take_meta(void *ctx, struct sqlite3_stmt *row)
{
	struct meta *m = ctx;

	m->err = slice_copy(slice_text(col_text(row, 0)), m->dst, m->size);
}

int
store_meta_get(struct store *s, const char *key, char *dst, size_t size)
{
	const struct store_value v = sv_text(key);
	struct meta m = { dst, size, -ENOENT };
	int err = store_read(s, STORE_CONTROL, "SELECT value FROM meta WHERE key=?1", &v,
	    1, take_meta, &m);

	return err ? err : m.err;
}
