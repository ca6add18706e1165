/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

int64_t
store_event_put(struct store *s, const struct event_row *e, store_done_f *done, void *arg)
{
	int64_t sequence = store_next_event(s);
	const struct store_value v[] = {
		sv_int(sequence),
		sv_int(e->time_ms),
		sv_text(e->kind),
		sv_text(e->node),
		sv_text(e->service),
		sv_text(e->function),
		sv_text(e->text),
	};
	int err = store_write(s, STORE_CONTROL,
	    "INSERT INTO event(sequence, time_ms, kind, node, service, function, text)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	    v, ARRAY_LEN(v), done, arg);

	return err ? err : sequence;
}

int64_t
store_event_take(struct store *s, const struct event_row *e, const char *key,
    const char *value, store_done_f *done, void *arg)
{
	int64_t sequence = store_next_event(s);
	const struct store_value v[] = {
		sv_int(sequence),
		sv_int(e->time_ms),
		sv_text(e->kind),
		sv_text(e->node),
		sv_text(e->service),
		sv_text(e->function),
		sv_text(e->text),
		sv_text(key),
		sv_text(value),
	};
	int err = store_write_both(s,
	    "INSERT INTO event(sequence, time_ms, kind, node, service, function, text)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	    "INSERT OR REPLACE INTO meta VALUES(?8, ?9)", v, ARRAY_LEN(v), done, arg);

	return err ? err : sequence;
}

struct reading {
	void (*row)(void *arg, const struct event_row *e);
	void *arg;
};

static void
read_event(void *ctx, struct sqlite3_stmt *row)
{
	struct reading *r = ctx;
	const struct event_row e = {
		.sequence = col_int(row, 0),
		.time_ms = col_int(row, 1),
		.kind = col_text(row, 2),
		.node = col_text(row, 3),
		.service = col_text(row, 4),
		.function = col_text(row, 5),
		.text = col_text(row, 6),
	};

	r->row(r->arg, &e);
}

#define COLUMNS "sequence, time_ms, kind, node, service, function, text"

int
store_events(struct store *s, int64_t after, int limit,
    void (*row)(void *arg, const struct event_row *e), void *arg)
{
	const struct store_value v[] = { sv_int(after), sv_int(limit) };
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT " COLUMNS " FROM event WHERE sequence>?1 ORDER BY sequence LIMIT ?2",
	    v, ARRAY_LEN(v), read_event, &r);
}

int
store_events_last(struct store *s, int limit,
    void (*row)(void *arg, const struct event_row *e), void *arg)
{
	const struct store_value v = sv_int(limit);
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT * FROM (SELECT " COLUMNS
	    " FROM event ORDER BY sequence DESC LIMIT ?1)"
	    " ORDER BY sequence",
	    &v, 1, read_event, &r);
}
