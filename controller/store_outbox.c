/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"
#include <errno.h>
#include <stdio.h>

#define COLUMNS                                                               \
	"id, hook, about, kind, rev, service, function, source, generation, " \
	"candidates, reason, probability, due_ms, evidence, state, opened_ms"

int
store_outbox_put(
    struct store *s, const struct outbox_row *o, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_text(o->id),
		sv_text(o->hook),
		sv_text(o->about),
		sv_text(o->kind),
		sv_int(o->rev),
		sv_text(o->service),
		sv_text(o->function),
		sv_text(o->source),
		sv_int((int64_t)o->generation),
		sv_text(o->candidates),
		sv_text(o->reason),
		sv_real(o->probability),
		sv_int(o->due_ms),
		sv_text(o->evidence),
		sv_text(o->state),
		sv_int(o->opened_ms),
	};

	return store_write(s, STORE_CONTROL,
	    "INSERT OR REPLACE INTO outbox(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6,"
	    " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	    v, ARRAY_LEN(v), done, arg);
}

int
store_outbox_delete(struct store *s, const char *id, const char *hook)
{
	const struct store_value v[] = { sv_text(id), sv_text(hook) };

	return store_write(s, STORE_CONTROL, "DELETE FROM outbox WHERE id=?1 AND hook=?2",
	    v, ARRAY_LEN(v), NULL, NULL);
}

struct reading {
	void (*row)(void *arg, const struct outbox_row *o);
	void *arg;
};

static void
read_outbox(void *ctx, struct sqlite3_stmt *row)
{
	struct reading *r = ctx;
	const struct outbox_row o = {
		.id = col_text(row, 0),
		.hook = col_text(row, 1),
		.about = col_text(row, 2),
		.kind = col_text(row, 3),
		.rev = (uint32_t)col_int(row, 4),
		.service = col_text(row, 5),
		.function = col_text(row, 6),
		.source = col_text(row, 7),
		.generation = (uint64_t)col_int(row, 8),
		.candidates = col_text(row, 9),
		.reason = col_text(row, 10),
		.probability = col_real(row, 11),
		.due_ms = col_int(row, 12),
		.evidence = col_text(row, 13),
		.state = col_text(row, 14),
		.opened_ms = col_int(row, 15),
	};

	r->row(r->arg, &o);
}

int
store_outbox(
    struct store *s, void (*row)(void *arg, const struct outbox_row *o), void *arg)
{
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT " COLUMNS " FROM outbox ORDER BY opened_ms, id", NULL, 0, read_outbox,
	    &r);
}

/* --- what came of calls ----------------------------------------------------------------------- */

int
store_verdict_put(struct store *s, const char *call, const char *verdict,
    const char *detail, int64_t ended_ms)
{
	const struct store_value v[] = { sv_text(call), sv_text(verdict), sv_text(detail),
		sv_int(ended_ms) };

	return store_write(s, STORE_CONTROL,
	    "INSERT OR REPLACE INTO verdict(call, verdict, detail, ended_ms)"
	    " VALUES(?1, ?2, ?3, ?4)",
	    v, ARRAY_LEN(v), NULL, NULL);
}

struct verdict_reading {
	struct verdict_row *ret;
	bool found;
};

static void
read_verdict(void *ctx, struct sqlite3_stmt *row)
{
	struct verdict_reading *r = ctx;

	snprintf(r->ret->verdict, sizeof r->ret->verdict, "%s", col_text(row, 0));
	snprintf(r->ret->detail, sizeof r->ret->detail, "%s", col_text(row, 1));
	r->found = true;
}

int
store_verdict_get(struct store *s, const char *call, struct verdict_row *ret)
{
	const struct store_value v = sv_text(call);
	struct verdict_reading r = { ret, false };
	int err = store_read(s, STORE_CONTROL,
	    "SELECT verdict, detail FROM verdict WHERE call=?1", &v, 1, read_verdict, &r);

	return err ? err : r.found ? 0 : -ENOENT;
}

int
store_verdicts_prune(struct store *s, int64_t before_ms)
{
	const struct store_value v = sv_int(before_ms);

	return store_write(
	    s, STORE_CONTROL, "DELETE FROM verdict WHERE ended_ms<?1", &v, 1, NULL, NULL);
}
