/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the store, for controller/store*.c only: one database file with its prepared
 * statements (store_db.c), the thread that writes (store_writer.c), and how the nouns hand
 * over what they want written or read. */
#pragma once
#include "controller/store.h"

struct sqlite3;
struct sqlite3_stmt;
struct store_writer;

enum store_file { STORE_CONTROL, STORE_METRICS, STORE_FILES };

enum store_type { STORE_NULL, STORE_INT, STORE_REAL, STORE_TEXT, STORE_BLOB };
struct store_value {
	enum store_type type;
	int64_t i;
	double real;
	struct slice bytes;
};
static inline struct store_value
sv_int(int64_t v)
{
	return (struct store_value){ .type = STORE_INT, .i = v };
}
static inline struct store_value
sv_real(double v) /* NaN becomes NULL */
{
	return (struct store_value){ .type = STORE_REAL, .real = v };
}
static inline struct store_value
sv_text(const char *v) /* NULL becomes "" */
{
	return (struct store_value){ .type = STORE_TEXT, .bytes = slice_text(v) };
}
static inline struct store_value
sv_blob(const void *data, size_t len)
{
	return (struct store_value){ .type = STORE_BLOB, .bytes = { data, len } };
}

/* --- one open file: store_db.c ---------------------------------------------------------------- */
#define STORE_STATEMENTS_MAX 64
struct store_db {
	struct sqlite3 *db;
	struct {
		const char *sql; /* compared by address */
		struct sqlite3_stmt *stmt;
	} cache[STORE_STATEMENTS_MAX];
	size_t cached;
};

extern const char *const store_file_names[STORE_FILES]; /* "control.db" */
/* Opens dir/name for writing: makes or checks it. -EBADMSG: damaged, why says how. */
int store_db_open(struct store_db *d, const char *dir, enum store_file file, char *why,
    size_t why_size) MUST_CHECK;
int store_db_open_reader(struct store_db *d, const char *dir, enum store_file file)
    MUST_CHECK;
/* Makes the file, if it is not there, and all that belongs to it readable for its owner alone. */
int store_db_make_private(const char *path) MUST_CHECK;
void store_db_close(struct store_db *d);
int store_db_mark_clean(struct store_db *d, bool clean);
/* Runs sql without a result. 0 or -errno: -EINVAL only this statement is refused, -ENOSPC the disk
 * is full, -EIO and -EBADMSG the file cannot be trusted any more. */
int store_db_exec(struct store_db *d, const char *sql);
int
store_db_run(struct store_db *d, const char *sql, const struct store_value *v, size_t n);
int store_db_changes(struct store_db *d); /* rows of the last run */
void store_db_rollback(struct store_db *d);
int
store_db_get_int(struct store_db *d, const char *sql, int64_t *ret); /* -ENOENT: no row */
int store_db_error(
    struct store_db *d, int rc, const char *doing); /* logs; as store_db_exec() */
/* Calls row() for each row with its statement, to be read with col_…(). */
int store_db_read(struct store_db *d, const char *sql, const struct store_value *v,
    size_t n, void (*row)(void *ctx, struct sqlite3_stmt *row), void *ctx);

/* --- the writer: store_writer.c ---------------------------------------------------------------- */
struct store_job {
	struct store_job *next;
	enum store_file file;
	/* Both see the same values as ?1 …; sql[1] may be NULL. */
	const char *sql[2];
	/* Instead of sql: > 0 wants to be called again in a later transaction. */
	int (*run)(struct store_db *db, const struct store_job *job);
	bool alone;	/* run outside of a transaction */
	bool counted; /* as dropped, when it fails */
	store_done_f *done;
	void *arg;
	int err;
	int64_t queued_ms; /* CLOCK_MONOTONIC */
	size_t values;
	struct store_value value[];
};
/* Copies everything. n values. */
int store_job_new(enum store_file file, const struct store_value *v, size_t n,
    store_done_f *done, void *arg, struct store_job **ret) MUST_CHECK;

/* Takes both databases over; they are closed by store_writer_stop(). dir is borrowed. */
int
store_writer_start(struct ev_loop *loop, const char *dir, struct store_db db[STORE_FILES],
    void (*failed)(void *arg), void *arg, struct store_writer **ret) MUST_CHECK;
void store_writer_stop(struct store_writer *w);
void store_writer_push(struct store_writer *w, struct store_job **job); /* takes it */
void store_writer_flush(struct store_writer *w);
void store_writer_stats(struct store_writer *w, struct store_stats *ret);

/* --- for the nouns: store.c ---------------------------------------------------------------------- */
int store_write(struct store *s, enum store_file file, const char *sql,
    const struct store_value *v, size_t n, store_done_f *done, void *arg);
/* Two statements on control.db in one transaction; both see all values. */
int store_write_both(struct store *s, const char *first, const char *then,
    const struct store_value *v, size_t n, store_done_f *done, void *arg);
int store_run(struct store *s, enum store_file file,
    int (*run)(struct store_db *db, const struct store_job *job),
    const struct store_value *v, size_t n, store_done_f *done, void *arg);
/* Outside of a transaction, on control.db. */
int store_run_alone(struct store *s,
    int (*run)(struct store_db *db, const struct store_job *job),
    const struct store_value *v, size_t n);
/* Calls row() for each row with its statement. 0 or -errno. */
int store_read(struct store *s, enum store_file file, const char *sql,
    const struct store_value *v, size_t n,
    void (*row)(void *ctx, struct sqlite3_stmt *row), void *ctx);
const char *store_dir(const struct store *s);
int64_t store_next_event(struct store *s);
int64_t store_next_prediction(struct store *s);

/* Columns of a row: "" and 0 for NULL. Borrowed until the next row. */
const char *col_text(struct sqlite3_stmt *row, int i);
struct slice col_blob(struct sqlite3_stmt *row, int i);
int64_t col_int(struct sqlite3_stmt *row, int i);
double col_real(struct sqlite3_stmt *row, int i); /* NaN for NULL */

/* --- damage: store_backup.c --------------------------------------------------------------------- */
/* Moves a damaged file aside and the newest backup into its place if there is one. A sentence
 * about it is added to what. */
int store_replace(const char *dir, enum store_file file, const char *why, char *what,
    size_t size) MUST_CHECK;

/* --- a full disk: store_ballast.c ----------------------------------------------------------------
 * A file that is there to be removed: when the disk is full, control data goes on into its place,
 * and history waits until the disk has room again (reliability 8). */
void
store_ballast_make(const char *dir); /* unless it is there, or the disk has little room */
bool store_ballast_drop(const char *dir); /* true: there was one */
bool store_has_room(const char *dir);	  /* a tenth of the disk is free */
