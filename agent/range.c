/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/range.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/timing.h"
#include "base/clock.h"
#include "metrics/labels.h"
#include "protocol/sheet.h"

#define SLICE_WORK   20000    /* samples and values in a turn of the loop … */
#define SLICE_MS     5	      /* … and for how long */
#define WORK_MAX     20000000 /* in all (S-22) */
#define COMPUTING_MS 5000     /* likewise */

struct range {
	struct range_env *env;
	struct grasp_timer *timer;
	range_done_f *done;
	void *arg;
	uint8_t program[QUERY_PROGRAM_MAX];
	size_t program_len, bytes_max;
	uint32_t at, steps;
	bool running;
	int64_t computing_ms;
	uint64_t work;
	char refused[96]; /* a bound that was hit; "": none */
	struct sheet sheet;
	struct fog_result result;
};

/* What waits to be read by a slow one is in nobody's way. */
static void
leave(struct range *r)
{
	timer_free(r->env->io, TAKE(r->timer));
	r->env->active -= r->running;
	r->running = false;
}

void
range_free(struct range *r)
{
	if (!r)
		return;
	leave(r);
	sheet_done(&r->sheet);
	free(r);
}

/* --- one step ---------------------------------------------------------------------------------- */
/* Series mostly come in the order of the step before. */
static int
take_value(struct range *r, const struct expr_value *v, size_t i)
{
	uint8_t memory[LABELS_ENCODED_MAX];
	struct buf labels;
	int err;

	buf_init_fixed(&labels, memory, sizeof memory);
	labels_encode(&v->labels, &labels);
	err = sheet_put(&r->sheet, buf_slice(&labels), i, r->at, v->value);
	if (err == -E2BIG)
		snprintf(r->refused, sizeof r->refused,
		    "more than %d series: select some by their labels", QUERY_POINTS_MAX);
	r->work += 1 + v->samples;
	return err;
}

static int
take_result(struct range *r, const struct expr_result *e)
{
	int err = 0;

	for (size_t i = 0; i < e->len && !err; i++)
		err = take_value(r, &e->value[i], i);
	if (e->unit[0])
		snprintf(r->result.unit, sizeof r->result.unit, "%s", e->unit);
	if (e->unknown[0])
		snprintf(r->result.unknown, sizeof r->result.unknown, "%s", e->unknown);
	return err;
}

static int
run_step(struct range *r)
{
	struct expr_result e = { 0 };
	int64_t at_ms = r->result.start_ms + r->at * r->result.step_ms;
	int err = sampler_eval(
	    r->env->sampler, (struct slice){ r->program, r->program_len }, at_ms, &e);

	if (!err)
		err = take_result(r, &e);
	expr_result_done(&e);
	r->work++;
	r->at++;
	return err;
}

/* --- slices ------------------------------------------------------------------------------------ */
static int
check_bounds(struct range *r)
{
	if (r->work > WORK_MAX || r->computing_ms > COMPUTING_MS)
		snprintf(r->refused, sizeof r->refused,
		    "too much to compute: make the range or its windows shorter, or the "
		    "step longer");
	else if (sheet_bytes(&r->sheet) > r->bytes_max)
		snprintf(r->refused, sizeof r->refused,
		    "too long an answer: ask for fewer series, or for a longer step");
	return r->refused[0] ? -E2BIG : 0;
}

static int
run_slice(struct range *r)
{
	uint64_t enough = r->work + SLICE_WORK;
	int64_t began = clock_boot_ms(), spent = 0;
	int err = 0;

	while (!err && r->at < r->steps && r->work < enough && spent < SLICE_MS) {
		err = run_step(r);
		spent = clock_boot_ms() - began;
	}
	r->computing_ms += spent;
	return err ? err : check_bounds(r);
}

static void
fill_result(struct range *r, int err)
{
	struct fog_result *f = &r->result;

	if (err) {
		snprintf(f->unknown, sizeof f->unknown, "%s",
		    r->refused[0] ? r->refused : strerror(-err));
		return;
	}
	sheet_view(&r->sheet, f);
	if (f->columns)
		f->unknown[0] = '\0';
}

static void
on_turn(void *arg)
{
	struct range *r = arg;
	int err = run_slice(r);

	if (!err && r->at < r->steps) {
		timer_set(r->env->io, r->timer, 1);
		return;
	}
	fill_result(r, err);
	leave(r);
	r->done(r->arg, &r->result);
}

/* --- beginning --------------------------------------------------------------------------------- */
/* Asking once for now makes the sampler read it anew, and keep it for the next asker. */
static void
touch_sampler(struct range *r)
{
	struct expr_result e = { 0 };
	int err = sampler_query_past(r->env->sampler,
	    (struct slice){ r->program, r->program_len },
	    r->result.now_ms - r->result.start_ms, r->result.now_ms, &e);

	if (!err && !e.len)
		snprintf(r->result.unknown, sizeof r->result.unknown, "%s", e.unknown);
	expr_result_done(&e);
}

static int
fill_range(struct range *r, const struct fog_query *query)
{
	struct grasp_io *io = r->env->io;
	const char *why;

	r->steps = query_range_steps(&query->range, &why);
	if (!r->steps || query->program.len > sizeof r->program)
		return -EINVAL;
	memcpy(r->program, query->program.data, query->program.len);
	r->program_len = query->program.len;
	r->result.now_ms = grasp_io_now(io);
	r->result.wall_ms = io->ops->wall(io);
	r->result.start_ms = r->result.now_ms - query->range.start_age_ms;
	r->result.step_ms = query->range.step_ms;
	return timer_new(io, on_turn, r, &r->timer);
}

int
range_start(struct range_env *env, const struct fog_query *query, size_t bytes_max,
    range_done_f *done, void *arg, struct range **ret)
{
	struct range *r;
	int err;

	if (env->active >= RANGES_MAX)
		return -EBUSY;
	r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	r->env = env;
	r->bytes_max = bytes_max;
	r->done = done;
	r->arg = arg;
	env->active++;
	r->running = true;
	err = fill_range(r, query);
	if (err) {
		range_free(r);
		return err;
	}
	touch_sampler(r);
	timer_set(env->io, r->timer, 0);
	*ret = r;
	return 0;
}
