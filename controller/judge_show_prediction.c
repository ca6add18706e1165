/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/judge_int.h"
#include "controller/judge_item.h"
#include "controller/outlook.h"
#include "controller/score.h"
#include "controller/store.h"
#include <errno.h>
#include <string.h>

#define PAST_MAX   500
#define SCORED_MAX 20000 /* the newest predictions */

struct showing {
	struct judge *judge;
	struct ctl_request *req;
	const char *service;
	struct score *score;
	int err;
};

static bool
is_asked_for(const struct showing *s, const char *service)
{
	return !*s->service || !strcmp(s->service, service);
}

/* --- now ---------------------------------------------------------------------------------------- */

static void
send_watch(void *arg, struct watch *w)
{
	struct showing *s = arg;
	struct prediction p;
	struct buf b;

	if (!is_asked_for(s, w->placement->service_name))
		return;
	watch_predict(w, judge_now(s->judge), &p);
	begin_item(&b, 20);
	wr_key_text(&b, "node", w->node->name);
	wr_key_text(&b, "service", w->placement->service_name);
	wr_key_text(&b, "function", w->placement->function_name);
	wr_key_text(&b, "requirement", w->requirement->text);
	wr_key_text(&b, "role", w->host ? "host" : "candidate");
	wr_key_double(&b, "value", w->value);
	wr_key_double(&b, "threshold", w->requirement->threshold);
	wr_key_text(&b, "unit", NULL);
	wr_key_text(&b, "state", watch_state_name(w->state));
	wr_key_double(&b, "probability", p.within[LEAD_NEEDED]);
	put_seconds(&b, "lead_s", w->lead_ms);
	put_seconds(&b, "margin_s", w->placement->function->margin_ms);
	put_finite(&b, "time_to_s", p.time_to_s);
	put_finite(&b, "low_s", p.low_s);
	put_finite(&b, "high_s", p.high_s);
	wr_key_int(&b, "samples", p.samples);
	wr_key_text(&b, "predictor", w->requirement->predictor->name);
	wr_key_text(&b, "class", predictor_classes[w->requirement->class]);
	wr_key_text(&b, "first", NULL);
	wr_key_text(&b, "reason", or_null(p.reason));
	send_item(s->req, &b);
}

/* All requirements of the host together, and the host itself. */
static void
send_outlook(struct showing *s, const struct placement *p, const struct node *host)
{
	const struct outlook_query q = { .watches = s->judge->watches,
		.node = host,
		.placement = p,
		.uptimes = s->judge->uptimes,
		.now_ms = judge_now(s->judge),
		.wall_ms = judge_wall(s->judge) };
	struct outlook o;
	struct buf b;

	outlook_reckon(&q, &o);
	begin_item(&b, 20);
	wr_key_text(&b, "node", host->name);
	wr_key_text(&b, "service", p->service_name);
	wr_key_text(&b, "function", p->function_name);
	wr_key_text(&b, "requirement", "all together");
	wr_key_text(&b, "role", "host");
	wr_key_double(&b, "value", NAN);
	wr_key_double(&b, "threshold", NAN);
	wr_key_text(&b, "unit", NULL);
	wr_key_text(&b, "state", p->together.raised ? "raised" : NULL);
	wr_key_double(&b, "probability", o.within);
	put_seconds(&b, "lead_s", placement_lead(p));
	put_seconds(&b, "margin_s", p->function->margin_ms);
	put_finite(&b, "time_to_s", o.median_s);
	put_finite(&b, "low_s", o.low_s);
	put_finite(&b, "high_s", o.high_s);
	wr_key_double(&b, "samples", NAN);
	wr_key_text(&b, "predictor", NULL);
	wr_key_text(&b, "class", NULL);
	wr_key_text(&b, "first", o.first ? o.first->requirement->text : NULL);
	wr_key_text(&b, "reason", isnan(o.within) ? "nothing is known" : NULL);
	send_item(s->req, &b);
}

static void
send_present(struct showing *s)
{
	watches_each(s->judge->watches, send_watch, s);
	for (struct placement *p = s->judge->placements; p; p = p->next) {
		const struct node *host = judge_host(s->judge, p);

		if (host && p->function && is_asked_for(s, p->service_name))
			send_outlook(s, p, host);
	}
}

/* --- past --------------------------------------------------------------------------------------- */

static void
send_past(void *arg, int64_t sequence, const struct prediction_row *p)
{
	struct showing *s = arg;
	struct buf b;

	(void)sequence;
	if (!is_asked_for(s, p->service))
		return;
	begin_item(&b, 19);
	put_time(&b, "time", p->time_ms);
	wr_key_text(&b, "node", p->node);
	wr_key_text(&b, "service", p->service);
	wr_key_text(&b, "function", p->function);
	wr_key_text(&b, "requirement", p->requirement);
	wr_key_text(&b, "role", p->role);
	wr_key_text(&b, "state", p->outcome);
	wr_key_double(&b, "value", p->value);
	wr_key_double(&b, "probability", p->probability);
	put_finite(&b, "time_to_s", p->time_to_s);
	put_finite(&b, "low_s", p->low_s);
	put_finite(&b, "high_s", p->high_s);
	put_seconds(&b, "lead_s", p->lead_ms);
	put_seconds(&b, "move_s", p->move_ms);
	put_seconds(&b, "margin_s", p->margin_ms);
	wr_key_text(&b, "predictor", or_null(p->predictor));
	wr_key_text(&b, "class", or_null(p->class));
	wr_key_text(&b, "inputs", or_null(p->inputs));
	put_time(&b, "ended", p->ended_ms);
	send_item(s->req, &b);
}

/* --- what they were worth ----------------------------------------------------------------------- */

static void
add_row(void *arg, int64_t sequence, const struct prediction_row *p)
{
	struct showing *s = arg;

	(void)sequence;
	if (is_asked_for(s, p->service) && !s->err)
		s->err = score_add(s->score, p);
}

static void
add_bin(void *arg, const struct calibration_row *r)
{
	struct showing *s = arg;

	if (!s->err)
		s->err = score_calibrate(s->score, r);
}

static void
send_line(void *arg, const struct score_line *l)
{
	struct showing *s = arg;
	struct buf b;

	begin_item(&b, 21);
	wr_key_text(&b, "of", l->of);
	wr_key_text(&b, "name", or_null(l->name));
	wr_key_int(&b, "predictions", l->predictions);
	wr_key_int(&b, "hit", l->hit);
	wr_key_int(&b, "early", l->early);
	wr_key_int(&b, "late", l->late);
	wr_key_int(&b, "missed", l->missed);
	wr_key_int(&b, "lost", l->lost);
	wr_key_int(&b, "false", l->cleared);
	wr_key_int(&b, "averted", l->averted);
	wr_key_int(&b, "dropped", l->dropped);
	wr_key_int(&b, "open", l->open);
	wr_key_double(&b, "precision", l->precision);
	wr_key_double(&b, "recall", l->recall);
	wr_key_double(&b, "lead10_s", l->lead10_s);
	wr_key_double(&b, "lead50_s", l->lead50_s);
	wr_key_double(&b, "lead90_s", l->lead90_s);
	wr_key_int(&b, "samples", l->samples);
	wr_key_double(&b, "base", l->base);
	wr_key_double(&b, "brier", l->brier);
	wr_key_double(&b, "skill", l->skill);
	send_item(s->req, &b);
}

/* The calibration is of all services. */
static int
send_score(struct showing *s)
{
	CLEANUP(score_free) struct score *score = NULL;
	int err = score_new(&score);

	if (err)
		return err;
	s->score = score;
	err = store_predictions(s->judge->store, SCORED_MAX, add_row, s);
	if (!err && !*s->service)
		calibration_each(s->judge->calibration, add_bin, s);
	if (!err)
		err = s->err;
	if (!err)
		score_each(score, send_line, s);
	return err;
}

static void
send_bin(void *arg, const struct calibration_row *r)
{
	struct showing *s = arg;
	double n = (double)r->samples;
	struct buf b;

	begin_item(&b, 7);
	wr_key_text(&b, "predictor", r->predictor);
	wr_key_text(&b, "class", r->class);
	wr_key_double(&b, "from", r->bin / 10.0);
	wr_key_double(&b, "said", r->probability / n);
	wr_key_double(&b, "came", (double)r->events / n);
	wr_key_int(&b, "samples", r->samples);
	wr_key_double(&b, "brier", r->error / n);
	send_item(s->req, &b);
}

void
judge_show_predictions(struct judge *j, struct ctl_request *req, const char *service,
    enum judge_predictions what)
{
	struct showing s = { j, req, service ? service : "", NULL, 0 };
	int err = 0;

	switch (what) {
	case PREDICTIONS_NOW:
		send_present(&s);
		break;
	case PREDICTIONS_PAST:
		err = store_predictions(j->store, PAST_MAX, send_past, &s);
		break;
	case PREDICTIONS_SCORE:
		err = send_score(&s);
		break;
	case PREDICTIONS_CALIBRATION:
		calibration_each(j->calibration, send_bin, &s);
		break;
	}
	if (err < 0)
		ctl_fail(req, 1, "the store cannot be read: %s", strerror(-err));
	else
		ctl_end(req);
}
