/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/composites.h"

#include "base/log.h"
#include "base/mem.h"
#include "controller/history.h"
#include "grasp/io.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ITEM_MAX 16384
#define BURST_MS (RULES_BURST / RULES_COST_MS)

/* A series that it has or had. */
struct made {
	struct history_series *series;
	uint64_t evaluation; /* the last that gave it a value */
};
struct composite {
	const struct rule_config *cfg;
	char unit[RULE_UNIT_SIZE];
	int64_t due_ms;
	uint64_t evaluations, skipped;
	struct made *made;
	size_t len, room;
	size_t series;	   /* with a value the last time */
	double value;	   /* of the last of them */
	int64_t newest_ms; /* wall, of what that was made of */
	char unknown[128]; /* why there was none */
};
struct composites {
	struct grasp_io *io;
	struct history *history;
	struct grasp_timer *timer;
	int64_t paid_ms; /* what was looked at so far is paid for at this time */
	size_t len;
	struct composite composite[];
};

/* --- one of them ---------------------------------------------------------------------------------- */
static struct made *
find_made(const struct composite *k, const struct metric_labels *labels)
{
	for (size_t i = 0; i < k->len; i++)
		if (metric_labels_equal(history_series_labels(k->made[i].series), labels))
			return &k->made[i];
	return NULL;
}

/* In the place of one that has ended, when there are enough. */
static struct made *
add_made(struct composite *k)
{
	struct made *more;

	if (k->len == COMPOSITE_SERIES_MAX) {
		for (size_t i = 0; i < k->len; i++)
			if (k->made[i].evaluation + 1 < k->evaluations)
				return &k->made[i];
		return NULL;
	}
	if (k->len == k->room) {
		more = realloc(k->made, (k->room * 2 + 4) * sizeof *more);
		if (!more)
			return NULL;
		k->made = more;
		k->room = k->room * 2 + 4;
	}
	return &k->made[k->len++];
}

static void
put_value(struct composites *c, struct composite *k, const struct expr_value *v,
    int64_t wall_ms)
{
	struct made *made = find_made(k, &v->labels);
	struct history_series *series = made ? made->series : NULL;

	if (isnan(v->value))
		return;
	if (!series)
		series = history_ensure(
		    c->history, &history_domain, "", k->cfg->name, &v->labels);
	if (series && !made) {
		made = add_made(k);
		if (made)
			made->series = series;
	}
	if (!made) {
		snprintf(k->unknown, sizeof k->unknown, "no memory for all its series");
		return;
	}
	made->evaluation = k->evaluations;
	history_put(c->history, series, wall_ms, v->value);
	k->series++;
	k->value = v->value;
	k->newest_ms = v->newest_ms ? v->newest_ms : wall_ms;
}

/* What had a value the time before, and has none now. */
static void
end_others(struct composites *c, struct composite *k, int64_t wall_ms)
{
	for (size_t i = 0; i < k->len; i++)
		if (k->made[i].evaluation + 1 == k->evaluations)
			history_put(c->history, k->made[i].series, wall_ms, NAN);
}

static void
take_result(struct composites *c, struct composite *k, const struct expr_result *r,
    int64_t wall_ms)
{
	snprintf(k->unknown, sizeof k->unknown, "%s", r->unknown);
	if (!k->cfg->unit && r->len)
		snprintf(k->unit, sizeof k->unit, "%s", r->unit);
	if (r->len > COMPOSITE_SERIES_MAX)
		snprintf(k->unknown, sizeof k->unknown,
		    "it has %zu series, more than %d: aggregate them by less", r->len,
		    COMPOSITE_SERIES_MAX);
	for (size_t i = 0; i < r->len && r->len <= COMPOSITE_SERIES_MAX; i++)
		put_value(c, k, &r->value[i], wall_ms);
}

static void
evaluate(struct composites *c, struct composite *k, int64_t now_ms)
{
	int64_t wall_ms = c->io->ops->wall(c->io);
	struct expr_result r = { 0 };
	int err = history_eval(c->history, "", k->cfg->program, wall_ms, &r);

	k->evaluations++;
	k->series = 0;
	if (err)
		snprintf(k->unknown, sizeof k->unknown, "%s", strerror(-err));
	else
		take_result(c, k, &r, wall_ms);
	end_others(c, k, wall_ms);
	if (c->paid_ms < now_ms)
		c->paid_ms = now_ms;
	c->paid_ms += (int64_t)(r.cost / RULES_COST_MS);
	expr_result_done(&r);
}

/* --- time ----------------------------------------------------------------------------------------- */
static void
run_due(struct composites *c, struct composite *k, int64_t now_ms)
{
	int64_t interval_ms = k->cfg->interval_ms;

	if (now_ms < k->due_ms)
		return;
	if (c->paid_ms > now_ms + BURST_MS)
		k->skipped++;
	else
		evaluate(c, k, now_ms);
	k->due_ms += interval_ms;
	if (k->due_ms <= now_ms) /* we were late by more than one */
		k->due_ms = now_ms + interval_ms;
}

static void
on_time(void *arg)
{
	struct composites *c = arg;
	int64_t now_ms = grasp_io_now(c->io), next_ms = INT64_MAX;

	for (size_t i = 0; i < c->len; i++) {
		run_due(c, &c->composite[i], now_ms);
		if (c->composite[i].due_ms < next_ms)
			next_ms = c->composite[i].due_ms;
	}
	c->io->ops->timer_set(c->timer, next_ms - now_ms);
}

/* --- life ----------------------------------------------------------------------------------------- */
static void
set_up(struct composite *k, const struct rule_config *cfg, int64_t now_ms)
{
	k->cfg = cfg;
	k->due_ms = now_ms + cfg->interval_ms;
	snprintf(k->unit, sizeof k->unit, "%s", cfg->unit ? cfg->unit : "");
	snprintf(k->unknown, sizeof k->unknown, "it was not computed yet");
}

int
composites_new(struct grasp_io *io, struct history *h, const struct rule_config *cfg,
    size_t len, struct composites **ret)
{
	CLEANUP(composites_free)
	struct composites *c = calloc(1, sizeof *c + len * sizeof c->composite[0]);
	int err = c ? 0 : -ENOMEM;

	if (err)
		return err;
	c->io = io;
	c->history = h;
	c->len = len;
	for (size_t i = 0; i < len; i++)
		set_up(&c->composite[i], &cfg[i], grasp_io_now(io));
	if (len)
		err = io->ops->timer_new(io, on_time, c, &c->timer);
	if (err)
		return err;
	if (len)
		on_time(c);
	*ret = TAKE(c);
	return 0;
}

void
composites_free(struct composites *c)
{
	if (!c)
		return;
	if (c->timer)
		c->io->ops->timer_free(c->timer);
	for (size_t i = 0; i < c->len; i++)
		free(c->composite[i].made);
	free(c);
}

const char *
composites_name(const struct composites *c, size_t i)
{
	return c && i < c->len ? c->composite[i].cfg->name : NULL;
}

const char *
composites_unit(const struct composites *c, const char *name)
{
	for (size_t i = 0; c && i < c->len; i++)
		if (strcmp(c->composite[i].cfg->name, name) == 0)
			return c->composite[i].unit;
	return NULL;
}

/* --- showing -------------------------------------------------------------------------------------- */
static void
put_value_shown(const struct composites *c, const struct composite *k, struct buf *b)
{
	if (k->series == 1)
		wr_key_double(b, "value", k->value);
	else
		wr_key_text(b, "value", NULL);
	if (k->series)
		wr_key_double(
		    b, "age_s", (double)(c->io->ops->wall(c->io) - k->newest_ms) / 1000);
	else
		wr_key_text(b, "age_s", NULL);
	wr_key_text(b, "unknown", k->series ? NULL : k->unknown);
}

static void
send_composite(
    const struct composites *c, const struct composite *k, struct ctl_request *req)
{
	struct buf b;

	buf_init(&b, ITEM_MAX);
	wr_open_map(&b);
	wr_key_text(&b, "name", k->cfg->name);
	wr_key_text(&b, "expression", k->cfg->expr);
	wr_key_text(&b, "unit", k->unit);
	wr_key_double(&b, "interval_s", (double)k->cfg->interval_ms / 1000);
	wr_key_int(&b, "series", (int64_t)k->series);
	wr_key_int(&b, "evaluations", (int64_t)k->evaluations);
	wr_key_int(&b, "skipped", (int64_t)k->skipped);
	put_value_shown(c, k, &b);
	wr_close(&b);
	if (!b.err)
		ctl_send(req, buf_slice(&b));
	buf_done(&b);
}

void
composites_show(const struct composites *c, struct ctl_request *req)
{
	for (size_t i = 0; c && i < c->len; i++)
		send_composite(c, &c->composite[i], req);
	ctl_end(req);
}
