/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/item.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "metrics/labels.h"
#include "base/log.h"

/* What was last reported of one series. */
struct last {
	uint64_t series; /* hash of its labels */
	int64_t time_ms;
	double value; /* NaN: unknown */
};

struct item {
	struct sampler *sampler;
	struct plan_item spec; /* the program is ours */
	struct want *want;
	int64_t due_ms;
	uint64_t evaluations, results;
	double value;
	struct last *last; /* on change only */
	size_t lasts;
	void (*result)(void *arg, const struct report_point *p); /* while it runs */
	void *arg;
};

/* --- life ----------------------------------------------------------------------------------- */
void
item_free(struct item *i)
{
	if (!i)
		return;
	sampler_unwant(i->want);
	free((void *)i->spec.program.data);
	free(i->last);
	free(i);
}

static int
copy_program(struct item *i, struct slice program)
{
	uint8_t *copy = malloc(program.len);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, program.data, program.len);
	i->spec.program = (struct slice){ copy, program.len };
	return 0;
}

int
item_new(struct sampler *sampler, const struct plan_item *spec, int64_t now_ms,
    char *what, size_t what_size, struct item **ret)
{
	CLEANUP(item_free) struct item *i = calloc(1, sizeof *i);
	int err;

	if (!i)
		return -ENOMEM;
	i->sampler = sampler;
	i->spec = *spec;
	i->spec.program = (struct slice){ 0 };
	i->due_ms = now_ms;
	i->value = NAN;
	err = copy_program(i, spec->program);
	if (err < 0)
		return err;
	err = sampler_want(sampler, i->spec.program, spec->period_ms, INT64_MAX, what,
	    what_size, &i->want);
	if (err < 0)
		return err;
	if (spec->mode == PLAN_ON_CHANGE &&
	    !(i->last = calloc(ITEM_SERIES_MAX, sizeof *i->last)))
		return -ENOMEM;
	*ret = TAKE(i);
	return 0;
}

bool
item_is(const struct item *i, const struct plan_item *spec)
{
	return i->spec.id == spec->id && i->spec.period_ms == spec->period_ms &&
	    i->spec.mode == spec->mode && i->spec.deadband == spec->deadband &&
	    i->spec.heartbeat_ms == spec->heartbeat_ms &&
	    slice_equal(i->spec.program, spec->program);
}

const struct plan_item *
item_spec(const struct item *i)
{
	return &i->spec;
}

void
item_state(const struct item *i, struct plan_item_state *ret)
{
	*ret = (struct plan_item_state){ &i->spec, i->due_ms, i->evaluations, i->results,
		i->value };
}

/* --- worth a report? -------------------------------------------------------------------------- */
static uint64_t
hash_labels(struct slice labels)
{
	uint64_t h =
	    0xcbf29ce484222325; /* FNV-1a; the 0 of an unused entry is not taken */

	for (size_t i = 0; i < labels.len; i++)
		h = (h ^ labels.data[i]) * 0x100000001b3;
	return h ? h : 1;
}

/* The entry of the series, else the one that was quiet longest. */
static struct last *
find_last(struct item *i, uint64_t series)
{
	struct last *oldest = &i->last[0];

	for (size_t n = 0; n < i->lasts; n++) {
		if (i->last[n].series == series)
			return &i->last[n];
		if (i->last[n].time_ms < oldest->time_ms)
			oldest = &i->last[n];
	}
	if (i->lasts < ITEM_SERIES_MAX)
		return &i->last[i->lasts++];
	return oldest;
}

static bool
has_moved(double before, double now, double deadband)
{
	if (isnan(before) || isnan(now))
		return isnan(before) != isnan(now);
	if (isinf(before) || isinf(now))
		return before != now;
	return deadband > 0 ? fabs(now - before) > deadband : now != before;
}

static bool
is_worth(struct item *i, const struct report_point *p)
{
	uint64_t series = hash_labels(p->labels);
	struct last *l;

	if (i->spec.mode == PLAN_PERIODIC)
		return true;
	l = find_last(i, series);
	if (l->series == series && !has_moved(l->value, p->value, i->spec.deadband) &&
	    !(i->spec.heartbeat_ms && p->time_ms - l->time_ms >= i->spec.heartbeat_ms))
		return false;
	*l = (struct last){ series, p->time_ms, p->value };
	return true;
}

/* --- run -------------------------------------------------------------------------------------- */
static void
pass_on(struct item *i, const struct report_point *p)
{
	i->value = p->value;
	if (!is_worth(i, p))
		return;
	i->results++;
	i->result(i->arg, p);
}

static void
pass_unknown(struct item *i, int64_t now_ms, const char *reason)
{
	struct report_point p = { .item = i->spec.id,
		.time_ms = now_ms,
		.value = NAN,
		.reason = slice_text(reason) };

	if (p.reason.len > REPORT_REASON_MAX)
		p.reason.len = REPORT_REASON_MAX;
	pass_on(i, &p);
}

static void
pass_values(struct item *i, int64_t now_ms, const struct expr_result *r)
{
	uint8_t memory[LABELS_ENCODED_MAX];
	struct buf labels;

	for (size_t n = 0; n < r->len; n++) {
		struct report_point p = { .item = i->spec.id,
			.time_ms = now_ms,
			.value = r->value[n].value,
			.samples = r->value[n].samples };

		buf_init_fixed(&labels, memory, sizeof memory);
		labels_encode(&r->value[n].labels, &labels);
		p.labels = buf_slice(&labels);
		pass_on(i, &p);
	}
}

static void
evaluate(struct item *i, int64_t now_ms)
{
	struct expr_result r = { 0 };
	int err = sampler_eval(i->sampler, i->spec.program, now_ms, &r);

	i->evaluations++;
	if (err < 0)
		pass_unknown(i, now_ms, strerror(-err));
	else if (r.len == 0)
		pass_unknown(i, now_ms, r.unknown);
	else
		pass_values(i, now_ms, &r);
	expr_result_done(&r);
}

int64_t
item_run(struct item *i, int64_t now_ms,
    void (*result)(void *arg, const struct report_point *p), void *arg)
{
	if (now_ms < i->due_ms)
		return i->due_ms;
	i->result = result;
	i->arg = arg;
	evaluate(i, now_ms);
	/* What was missed, in a suspend say, is not made up for. */
	i->due_ms += i->spec.period_ms;
	if (i->due_ms <= now_ms)
		i->due_ms =
		    now_ms + i->spec.period_ms - (now_ms - i->due_ms) % i->spec.period_ms;
	return i->due_ms;
}
