/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/history_program.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	MIN_OVER_TIME = 3,
	MAX_OVER_TIME,
	SUM_OVER_TIME,
	COUNT_OVER_TIME,
	AVG_OVER_TIME = 2
};

static int
read_steps(struct slice program, struct expr_step **ret, size_t *ret_len)
{
	struct expr_step *step = calloc(EXPR_STEPS_MAX, sizeof *step);
	struct cbor_reader r;
	size_t n = 0;

	if (!step)
		return -ENOMEM;
	rd_init(&r, program, 0);
	rd_enter_array(&r);
	while (rd_more(&r) && n < EXPR_STEPS_MAX)
		expr_step_decode(&r, &step[n++]);
	rd_leave(&r);
	if (rd_done(&r)) {
		free(step);
		return -EINVAL;
	}
	*ret = step;
	*ret_len = n;
	return 0;
}

static unsigned
find_metric(const struct program_needs *p, const char *name)
{
	unsigned i = 0;

	while (i < p->metrics && strcmp(p->metric[i], name))
		i++;
	return i;
}

static int64_t
common_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Is it one that sums, extremes and counts of spans answer? */
static bool
is_sum(const struct expr_step *select, const struct expr_step *next)
{
	return select->window_ms && next && next->op == EXPR_CALL &&
	    next->what >= AVG_OVER_TIME && next->what <= COUNT_OVER_TIME;
}

static int
take_select(
    struct program_needs *p, const struct expr_step *s, const struct expr_step *next)
{
	int64_t window = s->window_ms ? s->window_ms : EXPR_LOOKBACK_MS;
	unsigned at = find_metric(p, s->metric);

	if (at == PROGRAM_METRICS_MAX)
		return -E2BIG;
	if (at == p->metrics)
		strcpy(p->metric[p->metrics++], s->metric);
	if (window > p->window_ms)
		p->window_ms = window;
	p->borders_ms = common_divisor(p->borders_ms, s->window_ms);
	p->sums &= is_sum(s, next);
	return 0;
}

static void
take_label(struct program_needs *p, const char *name)
{
	unsigned i = 0;

	while (i < p->labels && strcmp(p->label[i], name))
		i++;
	if (i == p->labels && i < PROGRAM_LABELS_MAX)
		strcpy(p->label[p->labels++], name);
}

/* What is taken away with without and ignoring need not be there. */
static void
take_labels(struct program_needs *p, const struct expr_step *s)
{
	for (unsigned i = 0; i < s->matchers; i++)
		take_label(p, s->matcher[i].label);
	for (unsigned i = 0; i < s->labels && s->grouping == EXPR_ON; i++)
		take_label(p, s->label[i]);
}

int
program_needs(struct slice program, struct program_needs *ret)
{
	struct expr_step *step;
	size_t n;
	int err = read_steps(program, &step, &n);

	if (err)
		return err;
	memset(ret, 0, sizeof *ret);
	ret->sums = true;
	for (size_t i = 0; i < n && !err; i++) {
		take_labels(ret, &step[i]);
		if (step[i].op == EXPR_SELECT)
			err = take_select(ret, &step[i], i + 1 < n ? &step[i + 1] : NULL);
	}
	free(step);
	return err;
}

void
program_rollup_name(
    unsigned metric, enum program_rollup kind, char dst[METRIC_NAME_MAX + 1])
{
	static const char *const kinds[] = {
		[PROGRAM_MIN] = "min",
		[PROGRAM_MAX] = "max",
		[PROGRAM_SUM] = "sum",
		[PROGRAM_COUNT] = "count",
		[PROGRAM_MEAN] = "mean",
	};

	snprintf(dst, METRIC_NAME_MAX + 1, "rollup%u:%s", metric, kinds[kind]);
}

/* --- another program ----------------------------------------------------------------------------- */
struct writing {
	const struct program_needs *needs;
	int64_t span_ms;
	struct buf *out;
};

static void
put_select(const struct writing *w, const struct expr_step *from,
    enum program_rollup kind, int64_t window_ms)
{
	struct expr_step s = *from;

	program_rollup_name(find_metric(w->needs, from->metric), kind, s.metric);
	s.window_ms = window_ms;
	expr_step_encode(&s, w->out);
}

static void
put_call(const struct writing *w, uint8_t function)
{
	const struct expr_step s = { .op = EXPR_CALL, .what = function };

	expr_step_encode(&s, w->out);
}

static void
put_over(const struct writing *w, const struct expr_step *from, enum program_rollup kind,
    uint8_t function, int64_t window_ms)
{
	put_select(w, from, kind, window_ms);
	put_call(w, function);
}

static void
put_mean(const struct writing *w, const struct expr_step *from, int64_t window_ms)
{
	const struct expr_step divide = { .op = EXPR_BINARY, .what = EXPR_DIV };

	put_over(w, from, PROGRAM_SUM, SUM_OVER_TIME, window_ms);
	put_over(w, from, PROGRAM_COUNT, SUM_OVER_TIME, window_ms);
	expr_step_encode(&divide, w->out);
}

static void
put_sum(const struct writing *w, const struct expr_step *from, uint8_t function)
{
	switch (function) {
	case AVG_OVER_TIME:
		put_mean(w, from, from->window_ms);
		return;
	case MIN_OVER_TIME:
		put_over(w, from, PROGRAM_MIN, MIN_OVER_TIME, from->window_ms);
		return;
	case MAX_OVER_TIME:
		put_over(w, from, PROGRAM_MAX, MAX_OVER_TIME, from->window_ms);
		return;
	case COUNT_OVER_TIME:
		put_over(w, from, PROGRAM_COUNT, SUM_OVER_TIME, from->window_ms);
		return;
	default:
		put_over(w, from, PROGRAM_SUM, SUM_OVER_TIME, from->window_ms);
	}
}

/* How many steps were used. An instant is the mean of the newest span. */
static size_t
put_step(const struct writing *w, const struct expr_step *s, const struct expr_step *next)
{
	if (s->op != EXPR_SELECT) {
		expr_step_encode(s, w->out);
		return 1;
	}
	if (is_sum(s, next)) {
		put_sum(w, s, next->what);
		return 2;
	}
	if (s->window_ms)
		put_select(w, s, PROGRAM_MEAN, s->window_ms);
	else
		put_mean(w, s, w->span_ms);
	return 1;
}

int
program_over_rollups(struct slice program, const struct program_needs *needs,
    int64_t span_ms, struct buf *out)
{
	const struct writing w = { needs, span_ms, out };
	struct expr_step *step;
	size_t n;
	int err = read_steps(program, &step, &n);

	if (err)
		return err;
	wr_open_array(out);
	for (size_t i = 0; i < n;)
		i += put_step(&w, &step[i], i + 1 < n ? &step[i + 1] : NULL);
	wr_close(out);
	free(step);
	return out->err;
}
