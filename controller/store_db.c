/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"

#define SCHEMA_VERSION 5
#define LENGTH_MAX     (1 << 20) /* of one text, blob or row */

const char *const store_file_names[STORE_FILES] = { "control.db", "metrics.db" };

static const char *const schema[STORE_FILES] = {
	[STORE_CONTROL] =
	    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	    "CREATE TABLE node(id BLOB PRIMARY KEY, name TEXT NOT NULL, domain TEXT NOT "
	    "NULL,"
	    " state TEXT NOT NULL, address TEXT NOT NULL, caps BLOB NOT NULL,"
	    " joined_ms INT NOT NULL, heard_ms INT NOT NULL) WITHOUT ROWID;"
	    "CREATE TABLE service(name TEXT PRIMARY KEY, yaml TEXT NOT NULL);"
	    "CREATE TABLE placement(service TEXT NOT NULL, function TEXT NOT NULL,"
	    " node TEXT NOT NULL, state TEXT NOT NULL, generation INT NOT NULL,"
	    " PRIMARY KEY(service, function)) WITHOUT ROWID;"
	    "CREATE TABLE event(sequence INTEGER PRIMARY KEY, time_ms INT NOT NULL,"
	    " kind TEXT NOT NULL, node TEXT NOT NULL, service TEXT NOT NULL,"
	    " function TEXT NOT NULL, text TEXT NOT NULL);"
	    "CREATE INDEX event_time ON event(time_ms);"
	    "CREATE TABLE migration(id TEXT PRIMARY KEY, service TEXT NOT NULL,"
	    " function TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,"
	    " hook TEXT NOT NULL, reason TEXT NOT NULL, state TEXT NOT NULL,"
	    " phase TEXT NOT NULL, detail TEXT NOT NULL, generation INT NOT NULL,"
	    " attempt INT NOT NULL, opened_ms INT NOT NULL, due_ms INT NOT NULL,"
	    " started_ms INT NOT NULL, ready_ms INT NOT NULL, switched_ms INT NOT NULL,"
	    " ended_ms INT NOT NULL);"
	    "CREATE INDEX migration_opened ON migration(opened_ms);"
	    "CREATE TABLE note(migration TEXT NOT NULL, key TEXT NOT NULL,"
	    " value TEXT NOT NULL, PRIMARY KEY(migration, key)) WITHOUT ROWID;"
	    "CREATE TABLE prediction(sequence INTEGER PRIMARY KEY, time_ms INT NOT NULL,"
	    " node TEXT NOT NULL, service TEXT NOT NULL, function TEXT NOT NULL,"
	    " requirement TEXT NOT NULL, probability REAL, time_to_s REAL, low_s REAL,"
	    " high_s REAL, outcome TEXT NOT NULL, ended_ms INT NOT NULL);",
	[STORE_METRICS] =
	    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	    "CREATE TABLE series(id INTEGER PRIMARY KEY, node BLOB NOT NULL,"
	    " expression TEXT NOT NULL, labels BLOB NOT NULL,"
	    " UNIQUE(node, expression, labels));"
	    "CREATE TABLE point(series INT NOT NULL, time_ms INT NOT NULL, value REAL,"
	    " PRIMARY KEY(series, time_ms)) WITHOUT ROWID;"
	    "CREATE TABLE stream(node BLOB PRIMARY KEY, boot BLOB NOT NULL,"
	    " sequence INT NOT NULL) WITHOUT ROWID;",
};

/* What a file of the version before has to get, by version; those of the newest get all of it. */
static const char *const upgrade[SCHEMA_VERSION][STORE_FILES] = {
	[1] = {
	    [STORE_CONTROL] =
		"CREATE TABLE token(id BLOB PRIMARY KEY, secret BLOB NOT NULL,"
		" uses INT NOT NULL, created_ms INT NOT NULL, expires_ms INT NOT NULL,"
		" tags TEXT NOT NULL, creator TEXT NOT NULL, revoked INT NOT NULL)"
		" WITHOUT ROWID;"
		"CREATE TABLE issued(serial BLOB PRIMARY KEY, id BLOB NOT NULL,"
		" token BLOB NOT NULL, time_ms INT NOT NULL, not_after_ms INT NOT NULL,"
		" certificate BLOB NOT NULL) WITHOUT ROWID;"
		"CREATE INDEX issued_until ON issued(not_after_ms);"
		"CREATE TABLE member(id BLOB PRIMARY KEY, name TEXT NOT NULL,"
		" hardware TEXT NOT NULL, tags TEXT NOT NULL, token BLOB NOT NULL,"
		" joined_ms INT NOT NULL, serial BLOB NOT NULL) WITHOUT ROWID;"
		"CREATE INDEX member_hardware ON member(hardware);"
		"CREATE TABLE denied(version INTEGER PRIMARY KEY, id BLOB NOT NULL,"
		" serial BLOB NOT NULL, time_ms INT NOT NULL, reason TEXT NOT NULL,"
		" who TEXT NOT NULL);"
		"CREATE INDEX denied_id ON denied(id);"
		"CREATE TABLE audit(sequence INTEGER PRIMARY KEY, time_ms INT NOT NULL,"
		" epoch INT NOT NULL, role TEXT NOT NULL, who TEXT NOT NULL,"
		" command TEXT NOT NULL, object TEXT NOT NULL, result TEXT NOT NULL,"
		" previous BLOB NOT NULL);"
		"CREATE INDEX audit_time ON audit(time_ms);",
	},
	/* Points become blocks while the daemon runs: store_merge(). */
	[2] = {
	    [STORE_METRICS] =
		"CREATE TABLE source(node BLOB PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;"
		"CREATE TABLE fresh(id INTEGER PRIMARY KEY, node BLOB NOT NULL,"
		" from_ms INT NOT NULL, last_ms INT NOT NULL, data BLOB NOT NULL);"
		"CREATE INDEX fresh_node ON fresh(node, from_ms);"
		"CREATE TABLE block(id INTEGER PRIMARY KEY, node BLOB NOT NULL,"
		" level INT NOT NULL, from_ms INT NOT NULL, data BLOB NOT NULL,"
		" UNIQUE(node, level, from_ms));"
		"CREATE INDEX block_age ON block(level, from_ms);",
	},
	[3] = {
	    [STORE_CONTROL] =
		"CREATE TABLE outbox(id TEXT NOT NULL, hook TEXT NOT NULL,"
		" about TEXT NOT NULL, kind TEXT NOT NULL, rev INT NOT NULL,"
		" service TEXT NOT NULL, function TEXT NOT NULL, source TEXT NOT NULL,"
		" generation INT NOT NULL, candidates TEXT NOT NULL, reason TEXT NOT NULL,"
		" probability REAL, due_ms INT NOT NULL, evidence TEXT NOT NULL,"
		" state TEXT NOT NULL, opened_ms INT NOT NULL,"
		" PRIMARY KEY(id, hook)) WITHOUT ROWID;"
		"CREATE TABLE verdict(call TEXT PRIMARY KEY, verdict TEXT NOT NULL,"
		" detail TEXT NOT NULL, ended_ms INT NOT NULL) WITHOUT ROWID;"
		"CREATE INDEX verdict_ended ON verdict(ended_ms);",
	},
	[4] = {
	    [STORE_CONTROL] =
		"ALTER TABLE prediction ADD COLUMN role TEXT NOT NULL DEFAULT 'host';"
		"ALTER TABLE prediction ADD COLUMN class TEXT NOT NULL DEFAULT '';"
		"ALTER TABLE prediction ADD COLUMN predictor TEXT NOT NULL DEFAULT '';"
		"ALTER TABLE prediction ADD COLUMN value REAL;"
		"ALTER TABLE prediction ADD COLUMN within_short REAL;"
		"ALTER TABLE prediction ADD COLUMN within_long REAL;"
		"ALTER TABLE prediction ADD COLUMN lead_ms INT NOT NULL DEFAULT 0;"
		"ALTER TABLE prediction ADD COLUMN move_ms INT NOT NULL DEFAULT 0;"
		"ALTER TABLE prediction ADD COLUMN margin_ms INT NOT NULL DEFAULT 0;"
		"ALTER TABLE prediction ADD COLUMN inputs TEXT NOT NULL DEFAULT '';"
		"CREATE TABLE calibration(predictor TEXT NOT NULL, class TEXT NOT NULL,"
		" bin INT NOT NULL, samples INT NOT NULL, events INT NOT NULL,"
		" probability REAL NOT NULL, error REAL NOT NULL,"
		" PRIMARY KEY(predictor, class, bin)) WITHOUT ROWID;",
	},
};

int
store_db_error(struct store_db *d, int rc, const char *doing)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		log_errorx("store", "%s: refused: %s", doing, sqlite3_errmsg(d->db));
		return -EINVAL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		log_errorx("store", "%s: %s", doing, sqlite3_errmsg(d->db));
		return -EBADMSG;
	default:
		log_errorx("store", "%s: %s (SQLite error %d, system error %s)", doing,
		    d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc), rc,
		    d->db ? strerror(sqlite3_system_errno(d->db)) : "unknown");
		return -EIO;
	}
}

int
store_db_exec(struct store_db *d, const char *sql)
{
	int rc = sqlite3_exec(d->db, sql, NULL, NULL, NULL);

	return store_db_error(d, rc, sql);
}

static struct sqlite3_stmt *
find_statement(struct store_db *d, const char *sql, int *ret_rc)
{
	struct sqlite3_stmt *stmt = NULL;

	*ret_rc = SQLITE_OK;
	for (size_t i = 0; i < d->cached; i++)
		if (d->cache[i].sql == sql)
			return d->cache[i].stmt;
	*ret_rc =
	    sqlite3_prepare_v3(d->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (*ret_rc)
		return NULL;
	assert(d->cached < STORE_STATEMENTS_MAX);
	d->cache[d->cached].sql = sql;
	d->cache[d->cached++].stmt = stmt;
	return stmt;
}

static int
bind_value(struct sqlite3_stmt *stmt, int at, const struct store_value *v)
{
	const char *bytes = v->bytes.data ? (const char *)v->bytes.data : "";

	switch (v->type) {
	case STORE_NULL:
		return sqlite3_bind_null(stmt, at);
	case STORE_INT:
		return sqlite3_bind_int64(stmt, at, v->i);
	case STORE_REAL:
		return sqlite3_bind_double(stmt, at, v->real);
	case STORE_TEXT:
		return sqlite3_bind_text(
		    stmt, at, bytes, (int)v->bytes.len, SQLITE_STATIC);
	case STORE_BLOB:
		return sqlite3_bind_blob(
		    stmt, at, bytes, (int)v->bytes.len, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static int
bind_values(struct sqlite3_stmt *stmt, const struct store_value *v, size_t n)
{
	size_t wanted = (size_t)sqlite3_bind_parameter_count(stmt);
	int rc = SQLITE_OK;

	for (size_t i = 0; i < n && i < wanted && rc == SQLITE_OK; i++)
		rc = bind_value(stmt, (int)i + 1, &v[i]);
	return rc;
}

int
store_db_run(struct store_db *d, const char *sql, const struct store_value *v, size_t n)
{
	int rc, err;
	struct sqlite3_stmt *stmt = find_statement(d, sql, &rc);

	if (!stmt)
		return store_db_error(d, rc, sql);
	rc = bind_values(stmt, v, n);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	err = store_db_error(d, rc, sql);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return err;
}

int
store_db_changes(struct store_db *d)
{
	return sqlite3_changes(d->db);
}

/* SQLite has rolled back by itself after some errors. */
void
store_db_rollback(struct store_db *d)
{
	if (!sqlite3_get_autocommit(d->db))
		(void)store_db_exec(d, "ROLLBACK");
}

int
store_db_get_int(struct store_db *d, const char *sql, int64_t *ret)
{
	struct sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL), err;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	err = store_db_error(d, rc, sql);
	if (!err && rc != SQLITE_ROW)
		err = -ENOENT;
	if (!err)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return err;
}

/* --- opening ---------------------------------------------------------------------------------- */
/* Files of a version before were for everybody. Not by a descriptor: closing one of the file would take
 * away the locks that another connection of this process has. */
static int
make_private(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return st.st_mode & 077 && chmod(path, 0600) < 0 ? -errno : 0;
}

/* What SQLite lays beside a file gets the mode of the file. */
int
store_db_make_private(const char *path)
{
	static const char *const beside[] = { "", "-wal", "-shm" };
	char other[4096 + 8];
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	int err = fd < 0 && errno != EEXIST ? -errno : 0;

	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < ARRAY_LEN(beside) && !err; i++) {
		snprintf(other, sizeof other, "%s%s", path, beside[i]);
		err = make_private(other);
	}
	if (err)
		log_errorx("store", "%s: cannot be made readable for its owner alone: %s",
		    path, strerror(-err));
	return err;
}

static int
open_file(struct store_db *d, const char *dir, enum store_file file, int flags)
{
	char path[4096];
	int rc, err = 0;

	*d = (struct store_db){ 0 };
	snprintf(path, sizeof path, "%s/%s", dir, store_file_names[file]);
	if (flags & SQLITE_OPEN_CREATE)
		err = store_db_make_private(path);
	if (err)
		return err;
	rc = sqlite3_open_v2(path, &d->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc)
		return store_db_error(d, rc, path);
	sqlite3_extended_result_codes(d->db, 1);
	sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return store_db_exec(d,
	    "PRAGMA busy_timeout=2000;"
	    "PRAGMA trusted_schema=OFF;"
	    "PRAGMA cell_size_check=ON;"
	    "PRAGMA mmap_size=0;"
	    "PRAGMA temp_store=MEMORY;"
	    "PRAGMA foreign_keys=ON;");
}

int
store_db_open_reader(struct store_db *d, const char *dir, enum store_file file)
{
	int err = open_file(d, dir, file, SQLITE_OPEN_READWRITE);

	return err ? err : store_db_exec(d, "PRAGMA query_only=ON");
}

/* From a version, 0: nothing is there, to the newest, in one transaction. */
static int
make_schema(struct store_db *d, enum store_file file, int64_t from)
{
	char version[40];
	int err = store_db_exec(d, "BEGIN");

	snprintf(version, sizeof version, "PRAGMA user_version=%d", SCHEMA_VERSION);
	if (!err && !from)
		err = store_db_exec(d, schema[file]);
	for (int64_t v = from ? from : 1; v < SCHEMA_VERSION && !err; v++)
		if (upgrade[v][file])
			err = store_db_exec(d, upgrade[v][file]);
	if (!err)
		err = store_db_exec(d, version);
	if (!err)
		err = store_db_exec(d, "COMMIT");
	return err;
}

static int
quick_check(struct store_db *d, char *why, size_t why_size)
{
	struct sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(d->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	int err = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) {
		err = store_db_error(d, rc, "quick_check");
		snprintf(why, why_size, "%s", sqlite3_errmsg(d->db));
	} else if (strcmp(col_text(stmt, 0), "ok")) {
		err = -EBADMSG;
		snprintf(why, why_size, "%s", col_text(stmt, 0));
	}
	sqlite3_finalize(stmt);
	return err;
}

/* The flag is taken away as long as the file is open: found without it, the file is checked. */
static int
check_file(struct store_db *d, enum store_file file, char *why, size_t why_size)
{
	int64_t version = 0, clean = 0;
	int err = store_db_get_int(d, "PRAGMA user_version", &version);

	if (!err && version == 0)
		return make_schema(d, file, 0);
	if (!err && version > SCHEMA_VERSION) {
		log_errorx("store",
		    "%s has schema %lld, this program knows %d: it was written by a newer"
		    " fogwatch; install that, or move the file away",
		    store_file_names[file], (long long)version, SCHEMA_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (!err)
		err = store_db_get_int(
		    d, "SELECT value FROM meta WHERE key='clean'", &clean);
	if (err == -ENOENT)
		err = 0;
	if (!err && !clean)
		err = quick_check(d, why, why_size);
	if (!err && version < SCHEMA_VERSION)
		err = make_schema(d, file, version);
	return err;
}

int
store_db_open(
    struct store_db *d, const char *dir, enum store_file file, char *why, size_t why_size)
{
	int err = open_file(d, dir, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

	*why = '\0';
	/* What is removed from history is given back to the disk; a file that is there stays as it is. */
	if (!err && file == STORE_METRICS)
		err = store_db_exec(d, "PRAGMA auto_vacuum=INCREMENTAL");
	/* NORMAL loses acknowledged rows at a power cut, FULL does not (measured). */
	if (!err)
		err = store_db_exec(d,
		    "PRAGMA journal_mode=WAL;"
		    "PRAGMA synchronous=FULL;"
		    "PRAGMA wal_autocheckpoint=1000;"
		    "PRAGMA journal_size_limit=67108864;");
	if (!err)
		err = check_file(d, file, why, why_size);
	if (!err)
		err = store_db_mark_clean(d, false);
	if (err == -EBADMSG && !*why)
		snprintf(why, why_size, "%s", sqlite3_errmsg(d->db));
	if (err)
		store_db_close(d);
	return err;
}

int
store_db_mark_clean(struct store_db *d, bool clean)
{
	return store_db_exec(d,
	    clean ? "INSERT OR REPLACE INTO meta VALUES('clean', 1)"
		  : "INSERT OR REPLACE INTO meta VALUES('clean', 0)");
}

void
store_db_close(struct store_db *d)
{
	for (size_t i = 0; i < d->cached; i++)
		sqlite3_finalize(d->cache[i].stmt);
	sqlite3_close(d->db);
	*d = (struct store_db){ 0 };
}

/* --- reading ---------------------------------------------------------------------------------- */
int
store_db_read(struct store_db *d, const char *sql, const struct store_value *v, size_t n,
    void (*row)(void *ctx, struct sqlite3_stmt *row), void *ctx)
{
	struct sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL), err;

	if (rc == SQLITE_OK)
		rc = bind_values(stmt, v, n);
	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			row(ctx, stmt);
	err = store_db_error(d, rc, sql);
	sqlite3_finalize(stmt);
	return err;
}

const char *
col_text(struct sqlite3_stmt *row, int i)
{
	const char *text = (const char *)sqlite3_column_text(row, i);

	return text ? text : "";
}

struct slice
col_blob(struct sqlite3_stmt *row, int i)
{
	const void *data = sqlite3_column_blob(row, i);

	return (struct slice){ data, (size_t)sqlite3_column_bytes(row, i) };
}

int64_t
col_int(struct sqlite3_stmt *row, int i)
{
	return sqlite3_column_int64(row, i);
}

double
col_real(struct sqlite3_stmt *row, int i)
{
	return sqlite3_column_type(row, i) == SQLITE_NULL ? NAN
							  : sqlite3_column_double(row, i);
}
