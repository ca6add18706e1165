/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

#define COLUMNS                                                                  \
	"sequence, time_ms, node, service, function, requirement, probability, " \
	"time_to_s, low_s, high_s, outcome, ended_ms, role, class, predictor, "  \
	"value, within_short, within_long, lead_ms, move_ms, margin_ms, inputs"

static struct store_value
text_or_none(const char *text)
{
	return sv_text(text ? text : "");
}

int64_t
store_prediction_put(
    struct store *s, const struct prediction_row *p, store_done_f *done, void *arg)
{
	int64_t sequence = store_next_prediction(s);
	const struct store_value v[] = {
		sv_int(sequence),
		sv_int(p->time_ms),
		sv_text(p->node),
		sv_text(p->service),
		sv_text(p->function),
		sv_text(p->requirement),
		sv_real(p->probability),
		sv_real(p->time_to_s),
		sv_real(p->low_s),
		sv_real(p->high_s),
		sv_text(p->outcome),
		sv_int(p->ended_ms),
		sv_text(p->role ? p->role : "host"),
		text_or_none(p->class),
		text_or_none(p->predictor),
		sv_real(p->value),
		sv_real(p->within_short),
		sv_real(p->within_long),
		sv_int(p->lead_ms),
		sv_int(p->move_ms),
		sv_int(p->margin_ms),
		text_or_none(p->inputs),
	};
	int err = store_write(s, STORE_CONTROL,
	    "INSERT INTO prediction(" COLUMNS
	    ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
	    " ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
	    v, ARRAY_LEN(v), done, arg);

	return err ? err : sequence;
}

int
store_prediction_end(struct store *s, int64_t sequence, const char *outcome,
    int64_t time_ms, store_done_f *done, void *arg)
{
	const struct store_value v[] = { sv_int(sequence), sv_text(outcome),
		sv_int(time_ms) };

	return store_write(s, STORE_CONTROL,
	    "UPDATE prediction SET outcome=?2, ended_ms=?3 WHERE sequence=?1", v,
	    ARRAY_LEN(v), done, arg);
}

struct reading {
	void (*row)(void *arg, int64_t sequence, const struct prediction_row *p);
	void *arg;
};

static void
read_prediction(void *ctx, struct sqlite3_stmt *row)
{
	struct reading *r = ctx;
	const struct prediction_row p = {
		.time_ms = col_int(row, 1),
		.node = col_text(row, 2),
		.service = col_text(row, 3),
		.function = col_text(row, 4),
		.requirement = col_text(row, 5),
		.probability = col_real(row, 6),
		.time_to_s = col_real(row, 7),
		.low_s = col_real(row, 8),
		.high_s = col_real(row, 9),
		.outcome = col_text(row, 10),
		.ended_ms = col_int(row, 11),
		.role = col_text(row, 12),
		.class = col_text(row, 13),
		.predictor = col_text(row, 14),
		.value = col_real(row, 15),
		.within_short = col_real(row, 16),
		.within_long = col_real(row, 17),
		.lead_ms = col_int(row, 18),
		.move_ms = col_int(row, 19),
		.margin_ms = col_int(row, 20),
		.inputs = col_text(row, 21),
	};

	r->row(r->arg, col_int(row, 0), &p);
}

/* The newest, oldest of them first. */
int
store_predictions(struct store *s, int limit,
    void (*row)(void *arg, int64_t sequence, const struct prediction_row *p), void *arg)
{
	const struct store_value v = sv_int(limit);
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT * FROM (SELECT " COLUMNS " FROM prediction ORDER BY sequence DESC"
	    " LIMIT ?1) ORDER BY sequence",
	    &v, 1, read_prediction, &r);
}

/* --- calibration -------------------------------------------------------------------------------- */

int
store_calibration_put(
    struct store *s, const struct calibration_row *r, store_done_f *done, void *arg)
{
	const struct store_value v[] = { sv_text(r->predictor), sv_text(r->class),
		sv_int(r->bin), sv_int(r->samples), sv_int(r->events),
		sv_real(r->probability), sv_real(r->error) };

	return store_write(s, STORE_CONTROL,
	    "INSERT OR REPLACE INTO calibration(predictor, class, bin, samples, events,"
	    " probability, error) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	    v, ARRAY_LEN(v), done, arg);
}

struct calibration_reading {
	void (*row)(void *arg, const struct calibration_row *r);
	void *arg;
};

static void
read_calibration(void *ctx, struct sqlite3_stmt *row)
{
	struct calibration_reading *c = ctx;
	const struct calibration_row r = {
		.predictor = col_text(row, 0),
		.class = col_text(row, 1),
		.bin = (int)col_int(row, 2),
		.samples = col_int(row, 3),
		.events = col_int(row, 4),
		.probability = col_real(row, 5),
		.error = col_real(row, 6),
	};

	c->row(c->arg, &r);
}

int
store_calibration(
    struct store *s, void (*row)(void *arg, const struct calibration_row *r), void *arg)
{
	struct calibration_reading c = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT predictor, class, bin, samples, events, probability, error"
	    " FROM calibration ORDER BY predictor, class, bin",
	    NULL, 0, read_calibration, &c);
}
