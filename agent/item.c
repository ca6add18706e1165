/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/item.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/worth.h"
#include "metrics/labels.h"

struct item {
	struct sampler *sampler;
	struct plan_item spec; /* the program is ours */
	struct want *want;
	int64_t due_ms, origin_ms;
	uint64_t evaluations, results;
	double value;
	struct worth *worth;
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
	worth_free(i->worth);
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
    int64_t origin_ms, char *what, size_t what_size, struct item **ret)
{
	CLEANUP(item_free) struct item *i = calloc(1, sizeof *i);
	int err;

	if (!i)
		return -ENOMEM;
	i->sampler = sampler;
	i->spec = *spec;
	i->spec.program = (struct slice){ 0 };
	i->due_ms = now_ms;
	i->origin_ms = origin_ms;
	i->value = NAN;
	err = copy_program(i, spec->program);
	if (err < 0)
		return err;
	err = sampler_want(sampler, i->spec.program, spec->period_ms, INT64_MAX, what,
	    what_size, &i->want);
	if (err < 0)
		return err;
	err = worth_new(&i->spec, &i->worth);
	if (err < 0)
		return err;
	*ret = TAKE(i);
	return 0;
}

static bool
has_thresholds(const struct plan_item *a, const struct plan_item *b)
{
	return a->thresholds == b->thresholds &&
	    !memcmp(a->threshold, b->threshold, a->thresholds * sizeof a->threshold[0]);
}

bool
item_is(const struct item *i, const struct plan_item *spec)
{
	const struct plan_item *own = &i->spec;

	return own->id == spec->id && own->period_ms == spec->period_ms &&
	    own->mode == spec->mode && own->flags == spec->flags &&
	    own->deadband == spec->deadband && own->share == spec->share &&
	    own->heartbeat_ms == spec->heartbeat_ms &&
	    own->period_max_ms == spec->period_max_ms && has_thresholds(own, spec) &&
	    slice_equal(own->program, spec->program);
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

/* --- run -------------------------------------------------------------------------------------- */
static void
pass_on(struct item *i, const struct report_point *p)
{
	i->value = p->value;
	if (!worth_look(i->worth, p))
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

/* What only the round as a whole tells. */
static void
pass_ended(void *arg, const struct report_point *p)
{
	struct item *i = arg;

	i->results++;
	i->result(i->arg, p);
}

static void
evaluate(struct item *i, int64_t now_ms)
{
	struct expr_result r = { 0 };
	int err = sampler_eval(i->sampler, i->spec.program, now_ms, &r);

	i->evaluations++;
	worth_begin(i->worth);
	if (err < 0)
		pass_unknown(i, now_ms, strerror(-err));
	else if (r.len == 0)
		pass_unknown(i, now_ms, r.unknown);
	else
		pass_values(i, now_ms, &r);
	worth_end(i->worth, now_ms, pass_ended, i);
	expr_result_done(&r);
}

/* On the grid of its period, at least half of one from now. */
static int64_t
align(const struct item *i, int64_t due_ms, int64_t now_ms)
{
	int64_t period = i->spec.period_ms, off = (due_ms - i->origin_ms) % period;

	if (off < 0)
		off += period;
	due_ms -= off;
	return off && due_ms - now_ms < period / 2 ? due_ms + period : due_ms;
}

int64_t
item_run(struct item *i, int64_t now_ms,
    void (*result)(void *arg, const struct report_point *p), void *arg)
{
	int64_t period_ms;

	if (now_ms < i->due_ms)
		return i->due_ms;
	i->result = result;
	i->arg = arg;
	evaluate(i, now_ms);
	period_ms = worth_period(i->worth);
	sampler_pace(i->want, period_ms);
	/* What was missed, in a suspend say, is not made up for. */
	i->due_ms += period_ms;
	if (i->due_ms <= now_ms)
		i->due_ms =
		    now_ms + i->spec.period_ms - (now_ms - i->due_ms) % i->spec.period_ms;
	i->due_ms = align(i, i->due_ms, now_ms);
	return i->due_ms;
}
