/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

#define COLUMNS                                                                        \
	"id, service, function, source, target, hook, reason, state, phase, detail,"   \
	" generation, attempt, opened_ms, due_ms, started_ms, ready_ms, switched_ms, " \
	"ended_ms"

int
store_migration_put(
    struct store *s, const struct migration_row *m, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_text(m->id),
		sv_text(m->service),
		sv_text(m->function),
		sv_text(m->source),
		sv_text(m->target),
		sv_text(m->hook),
		sv_text(m->reason),
		sv_text(m->state),
		sv_text(m->phase),
		sv_text(m->detail),
		sv_int((int64_t)m->generation),
		sv_int(m->attempt),
		sv_int(m->opened_ms),
		sv_int(m->due_ms),
		sv_int(m->started_ms),
		sv_int(m->ready_ms),
		sv_int(m->switched_ms),
		sv_int(m->ended_ms),
	};

	return store_write(s, STORE_CONTROL,
	    "INSERT OR REPLACE INTO migration(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
	    " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
	    v, ARRAY_LEN(v), done, arg);
}

struct reading {
	void (*row)(void *arg, const struct migration_row *m);
	void *arg;
};

static void
read_migration(void *ctx, struct sqlite3_stmt *row)
{
	struct reading *r = ctx;
	const struct migration_row m = {
		.id = col_text(row, 0),
		.service = col_text(row, 1),
		.function = col_text(row, 2),
		.source = col_text(row, 3),
		.target = col_text(row, 4),
		.hook = col_text(row, 5),
		.reason = col_text(row, 6),
		.state = col_text(row, 7),
		.phase = col_text(row, 8),
		.detail = col_text(row, 9),
		.generation = (uint64_t)col_int(row, 10),
		.attempt = (uint32_t)col_int(row, 11),
		.opened_ms = col_int(row, 12),
		.due_ms = col_int(row, 13),
		.started_ms = col_int(row, 14),
		.ready_ms = col_int(row, 15),
		.switched_ms = col_int(row, 16),
		.ended_ms = col_int(row, 17),
	};

	r->row(r->arg, &m);
}

/* The newest, oldest of them first. */
int
store_migrations(struct store *s, bool open_only, int limit,
    void (*row)(void *arg, const struct migration_row *m), void *arg)
{
	const struct store_value v[] = { sv_int(open_only), sv_int(limit) };
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT * FROM (SELECT " COLUMNS
	    " FROM migration WHERE NOT ?1 OR state='open'"
	    " ORDER BY opened_ms DESC, id DESC LIMIT ?2) ORDER BY opened_ms, id",
	    v, ARRAY_LEN(v), read_migration, &r);
}

int
store_note_put(struct store *s, const char *migration, const char *key, const char *value,
    store_done_f *done, void *arg)
{
	const struct store_value v[] = { sv_text(migration), sv_text(key),
		sv_text(value) };

	return store_write(s, STORE_CONTROL,
	    "INSERT OR REPLACE INTO note(migration, key, value) VALUES(?1, ?2, ?3)", v,
	    ARRAY_LEN(v), done, arg);
}

struct note_reading {
	void (*row)(void *arg, const char *key, const char *value);
	void *arg;
};

static void
read_note(void *ctx, struct sqlite3_stmt *row)
{
	struct note_reading *r = ctx;

	r->row(r->arg, col_text(row, 0), col_text(row, 1));
}

int
store_notes(struct store *s, const char *migration,
    void (*row)(void *arg, const char *key, const char *value), void *arg)
{
	const struct store_value v = sv_text(migration);
	struct note_reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT key, value FROM note WHERE migration=?1 ORDER BY key", &v, 1,
	    read_note, &r);
}
