/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of predictions (PRD-08): a row when one is raised, with what it was made of, and its
 * outcome when that is known; rows for failures that nobody announced, too. */
#include "base/json.h"
#include "controller/judge_int.h"
#include "controller/store.h"
#include <math.h>
#include <string.h>

#define INPUTS_SIZE 1024

struct judge_prediction {
	int64_t sequence;
	int64_t raised_ms, move_ms, horizon_ms;
};

/* What the move itself takes of the lead. */
static int64_t
move_time(const struct placement *p)
{
	int64_t took_ms = placement_usual_duration(p);
	int64_t left_ms = p->function->lead_ms - p->function->margin_ms;

	if (took_ms)
		return took_ms;
	return left_ms > 0 ? left_ms : 0;
}

static struct prediction_row
row_of(const struct judge *j, const struct placement *p, const char *node,
    const char *requirement)
{
	return (struct prediction_row){ .time_ms = judge_wall(j),
		.node = node,
		.service = p->service_name,
		.function = p->function_name,
		.requirement = requirement,
		.role = "host",
		.value = NAN,
		.probability = NAN,
		.within_short = NAN,
		.within_long = NAN,
		.time_to_s = NAN,
		.low_s = NAN,
		.high_s = NAN,
		.lead_ms = placement_lead(p),
		.move_ms = move_time(p),
		.margin_ms = p->function->margin_ms,
		.outcome = "open" };
}

static void
fill_from_watch(const struct judge *j, struct watch *w, struct prediction_row *row,
    char inputs[INPUTS_SIZE])
{
	struct predictor_input in[PREDICTOR_INPUTS_MAX];
	struct prediction p;
	struct buf b;
	size_t n;

	watch_predict(w, judge_now(j), &p);
	n = watch_inputs(w, in);
	row->class = predictor_classes[w->requirement->class];
	row->predictor = w->requirement->predictor->name;
	row->value = w->value;
	row->probability = p.within[LEAD_NEEDED];
	row->within_short = p.within[LEAD_SHORT];
	row->within_long = p.within[LEAD_LONG];
	row->time_to_s = p.time_to_s;
	row->low_s = p.low_s;
	row->high_s = p.high_s;
	buf_init_fixed(&b, inputs, INPUTS_SIZE - 1);
	for (size_t i = 0; i < n; i++) {
		buf_puts(&b, i ? "," : "{");
		json_put_text(&b, slice_text(in[i].name));
		buf_printf(&b, ":%.6g", in[i].value);
	}
	buf_puts(&b, n ? "}" : "");
	inputs[b.err ? 0 : b.pos] = '\0';
	row->inputs = inputs;
}

static void
open_row(const struct judge *j, const struct placement *p,
    const struct prediction_row *row, struct judge_prediction **ret)
{
	struct judge_prediction *o = calloc(1, sizeof *o);
	int64_t sequence = o ? store_prediction_put(j->store, row, NULL, NULL) : 0;

	if (sequence <= 0) {
		free(o);
		return;
	}
	o->sequence = sequence;
	o->raised_ms = judge_now(j);
	o->move_ms = move_time(p);
	o->horizon_ms = 5 * placement_lead(p);
	*ret = o;
}

void
judge_prediction_open(struct judge *j, struct watch *w)
{
	char inputs[INPUTS_SIZE];
	struct prediction_row row =
	    row_of(j, w->placement, w->node->name, w->requirement->text);

	if (w->prediction)
		return;
	fill_from_watch(j, w, &row, inputs);
	open_row(j, w->placement, &row, &w->prediction);
}

void
judge_prediction_open_together(struct judge *j, struct placement *p, const char *node,
    const char *what, const struct outlook *o)
{
	struct prediction_row row = row_of(j, p, node, what);

	row.probability = o->within;
	row.time_to_s = o->median_s;
	row.low_s = o->low_s;
	row.high_s = o->high_s;
	open_row(j, p, &row, &p->together.prediction);
}

void
judge_prediction_end(struct judge *j, struct judge_prediction **o, const char *outcome)
{
	if (*o)
		(void)store_prediction_end(
		    j->store, (*o)->sequence, outcome, judge_wall(j), NULL, NULL);
	free(*o);
	*o = NULL;
}

void
judge_prediction_failed(struct judge *j, struct judge_prediction **o, int64_t ago_ms)
{
	int64_t lead_ms;

	if (!*o)
		return;
	lead_ms = judge_now(j) - ago_ms - (*o)->raised_ms;
	if (lead_ms < (*o)->move_ms)
		judge_prediction_end(j, o, "late");
	else
		judge_prediction_end(j, o, lead_ms > (*o)->horizon_ms ? "early" : "hit");
}

void
judge_prediction_missed(struct judge *j, struct watch *w)
{
	char inputs[INPUTS_SIZE];
	struct prediction_row row =
	    row_of(j, w->placement, w->node->name, w->requirement->text);

	fill_from_watch(j, w, &row, inputs);
	row.outcome = "miss";
	row.ended_ms = row.time_ms;
	(void)store_prediction_put(j->store, &row, NULL, NULL);
}

static void
forget(void *arg, struct watch *w)
{
	(void)arg;
	free(w->prediction);
	w->prediction = NULL;
}

void
judge_prediction_forget(struct judge *j)
{
	if (j->watches)
		watches_each(j->watches, forget, NULL);
	for (struct placement *p = j->placements; p; p = p->next) {
		free(p->together.prediction);
		p->together.prediction = NULL;
	}
}

/* --- a host that is lost ------------------------------------------------------------------------ */

/* Any of them announced that it would not do any more. */
static bool
end_announced(struct judge *j, struct placement *p, const struct node *host)
{
	bool any = p->together.prediction != NULL;

	judge_prediction_failed(j, &p->together.prediction, 0);
	for (struct watch *w = watches_of(j->watches, &host->id); w; w = w->next) {
		if (w->placement != p || !w->host)
			continue;
		any |= w->prediction || w->state == WATCH_VIOLATED;
		judge_prediction_failed(j, &w->prediction, 0);
	}
	return any;
}

void
judge_prediction_lost(struct judge *j, const struct node *host)
{
	for (struct placement *p = j->placements; p; p = p->next) {
		struct prediction_row row;

		if (!p->function || strcmp(p->node, host->name) != 0 ||
		    end_announced(j, p, host))
			continue;
		row = row_of(j, p, host->name, "node lost");
		row.outcome = "lost";
		row.ended_ms = row.time_ms;
		(void)store_prediction_put(j->store, &row, NULL, NULL);
	}
}
