/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions over history: from memory, blocks and roll-ups they say what the values say. */
#include "tests/support/history_box.h"

#include "base/log.h"
#include "metrics/series.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const struct fog_id one = { { 1 } }, two = { { 2 } };

/* --- asking --------------------------------------------------------------------------------------- */
#define RESULTS_MAX 4096
struct answer {
	struct {
		int64_t time_ms;
		size_t len;
		double value[4];
		char node[4][16];
	} at[RESULTS_MAX];
	unsigned len;
	int64_t resolution_ms;
	char unknown[128];
	bool done;
	int err;
};
static struct answer answer;

static void
on_result(void *arg, int64_t time_ms, int64_t resolution_ms, const struct expr_result *r)
{
	struct answer *a = arg;

	assert_true(a->len < RESULTS_MAX);
	a->at[a->len].time_ms = time_ms;
	a->at[a->len].len = r->len;
	for (size_t i = 0; i < r->len && i < 4; i++) {
		a->at[a->len].value[i] = r->value[i].value;
		snprintf(a->at[a->len].node[i], 16, "%s",
		    metric_labels_get(&r->value[i].labels, "node"));
	}
	if (!r->len)
		snprintf(a->unknown, sizeof a->unknown, "%s", r->unknown);
	a->resolution_ms = resolution_ms;
	a->len++;
}

static void
on_done(void *arg, int err, const char *why)
{
	struct answer *a = arg;

	(void)why;
	a->done = true;
	a->err = err;
}

static const struct history_query_ops ops = { on_result, on_done };

static void
compile(const char *text, struct buf *program)
{
	char why[200] = "";

	if (expr_parse(text, program, why, sizeof why))
		fail_msg("%s: %s", text, why);
}

static void
ask(struct box *b, const char *node, const char *text, int64_t start_ms, int64_t end_ms,
    int64_t step_ms)
{
	struct history_range range = { node, { 0 }, start_ms, end_ms, step_ms };
	struct history_query *q;
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char why[200] = "";

	buf_init_fixed(&program, memory, sizeof memory);
	compile(text, &program);
	range.program = buf_slice(&program);
	memset(&answer, 0, sizeof answer);
	if (history_query(b->history, &range, &ops, &answer, why, sizeof why, &q))
		fail_msg("%s: %s", text, why);
	assert_false(answer.done);
	for (int i = 0; i < 10000 && !answer.done; i++)
		fake_run(b->net, 0);
	assert_true(answer.done);
	assert_int_equal(answer.err, 0);
}

/* --- by hand -------------------------------------------------------------------------------------- */
#define TRACE_MAX 40000
static struct trace {
	struct sample sample[TRACE_MAX];
	unsigned len;
} trace;

enum what { AVG, MIN, MAX, SUM, COUNT, WHATS };
static const char *const functions[WHATS] = { "avg", "min", "max", "sum", "count" };

/* Both ends of a window belong to it. */
static bool
compute(enum what what, int64_t at_ms, int64_t window_ms, double *ret)
{
	double sum = 0, min = INFINITY, max = -INFINITY;
	unsigned n = 0;

	for (unsigned i = 0; i < trace.len; i++) {
		const struct sample *s = &trace.sample[i];

		if (s->time_ms < at_ms - window_ms || s->time_ms > at_ms)
			continue;
		sum += s->value;
		min = fmin(min, s->value);
		max = fmax(max, s->value);
		n++;
	}
	*ret = (const double[]){ sum / n, min, max, sum, n }[what];
	return n > 0;
}

/* Every so often, but also at the very borders of minutes; with gaps and ends. */
static void
fill(struct box *b, int64_t from_ms, int64_t to_ms, int64_t period_ms)
{
	uint32_t seed = 12345;

	trace.len = 0;
	for (int64_t at = from_ms; at < to_ms; at += period_ms) {
		int64_t off;
		double v;

		seed = seed * 1664525 + 1013904223;
		off = seed >> 16 & 1 ? seed >> 20 : 0;
		v = (double)(seed >> 8 & 0xffff) / 100 - 200;
		if ((seed >> 4 & 0x3f) == 0)
			continue;
		if ((seed >> 4 & 0x3f) == 1) {
			put(b, &one, "load", at, NAN);
			continue;
		}
		assert_true(trace.len < TRACE_MAX);
		trace.sample[trace.len++] = (struct sample){ at + off, v };
		put(b, &one, "load", at + off, v);
		if (trace.len % 500 == 0)
			store_flush(b->store);
	}
	store_flush(b->store); /* what the memory has no room for */
}

static void
expect_as_computed(struct box *b, int64_t start_ms, int64_t end_ms, int64_t step_ms,
    int64_t window_ms, int64_t resolution_ms)
{
	for (int w = 0; w < WHATS; w++) {
		char text[100];
		double v;

		snprintf(text, sizeof text, "%s_over_time(load[%" PRId64 "s])",
		    functions[w], window_ms / 1000);
		ask(b, "node1", text, start_ms, end_ms, step_ms);
		assert_int_equal(answer.resolution_ms, resolution_ms);
		assert_int_equal(answer.len, (end_ms - start_ms) / step_ms + 1);
		for (unsigned i = 0; i < answer.len; i++) {
			bool known =
			    compute((enum what)w, answer.at[i].time_ms, window_ms, &v);

			assert_int_equal(answer.at[i].len, known);
			if (known &&
			    fabs(answer.at[i].value[0] - v) > 1e-9 * fabs(v) + 1e-9)
				fail_msg("%s at %" PRId64 ": %.17g, not %.17g", text,
				    answer.at[i].time_ms, answer.at[i].value[0], v);
		}
	}
}

/* --- cases ---------------------------------------------------------------------------------------- */
static void
the_newest_values_answer_at_once(void **state)
{
	struct box *b = *state;
	int64_t at = wall(b);
	struct expr_result r;
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;

	for (int i = 0; i < 10; i++) {
		put(b, &one, "load", at - 10000 + i * 1000, i);
		put(b, &two, "load", at - 10000 + i * 1000, 10 + i);
	}
	buf_init_fixed(&program, memory, sizeof memory);
	compile("avg_over_time(load[1m])", &program);
	assert_int_equal(
	    history_eval(b->history, "node1", buf_slice(&program), at, &r), 0);
	assert_int_equal(r.len, 1);
	assert_float_equal(r.value[0].value, 4.5, 1e-12);
	expr_result_done(&r);
	assert_int_equal(
	    history_eval(b->history, "node9", buf_slice(&program), at, &r), -ENOENT);
}

static void
composites_see_all_nodes_by_their_label_CMP_09(void **state)
{
	struct box *b = *state;
	int64_t at = wall(b);
	struct expr_result r;
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;

	put(b, &one, "load", at - 1000, 1);
	put(b, &two, "load", at - 1000, 5);
	history_put(b->history, ensure(b, &two, "load", "e0"), at - 1000, 9);
	buf_init_fixed(&program, memory, sizeof memory);
	compile("max by (node) (load)", &program);
	assert_int_equal(history_eval(b->history, "", buf_slice(&program), at, &r), 0);
	assert_int_equal(r.len, 2);
	for (size_t i = 0; i < r.len; i++)
		assert_float_equal(r.value[i].value,
		    strcmp(metric_labels_get(&r.value[i].labels, "node"), "node1") ? 9
										   : 1,
		    0);
	expr_result_done(&r);
	ask(b, "", "avg(load)", at, at, 0);
	assert_int_equal(answer.len, 1);
	assert_float_equal(answer.at[0].value[0], 5, 1e-12);
	ask(b, "", "load{node=\"node1\"}", at, at, 0);
	assert_int_equal(answer.at[0].len, 1);
	assert_string_equal(answer.at[0].node[0], "node1");
	assert_float_equal(answer.at[0].value[0], 1, 0);
}

static void
a_range_is_computed_from_values_while_there_are_few(void **state)
{
	struct box *b = *state;
	int64_t end = wall(b) / MINUTE * MINUTE, start = end - HOUR;

	fill(b, start - 20 * MINUTE, end, 5000);
	expect_as_computed(b, start, end, 30000, 5 * MINUTE, 0);
	reopen(b);
	expect_as_computed(b, start + 777, end, 30000, 5 * MINUTE, 0);
}

static void
roll_ups_of_a_minute_say_what_the_values_say(void **state)
{
	struct box *b = *state;
	int64_t end = wall(b) / MINUTE * MINUTE, start = end - 24 * HOUR;

	fill(b, start - 20 * MINUTE, end, 5000);
	run(b, 60000);
	expect_as_computed(b, start, end, 10 * MINUTE, 10 * MINUTE, 0);
	reopen(b);
	expect_as_computed(b, start, end, 30 * MINUTE, 7 * MINUTE, 0);
}

static void
roll_ups_of_an_hour_say_what_the_values_say(void **state)
{
	struct box *b = *state;
	int64_t end = wall(b) / HOUR * HOUR, start = end - 10 * DAY;

	fill(b, start - 5 * HOUR, end, 30000);
	run(b, 60000);
	expect_as_computed(b, start, end, 6 * HOUR, 2 * HOUR, 0);
}

/* The values are gone, and what is asked does not go by borders. */
static void
what_roll_ups_cannot_give_exactly_says_its_resolution(void **state)
{
	struct box *b = *state;
	int64_t end = wall(b) / MINUTE * MINUTE, start = end - 12 * HOUR;
	double v;

	fill(b, start - 20 * MINUTE, end, 5000);
	run(b, 60000);
	b->cfg.raw_ms = HOUR;
	history_set(b->history, &b->cfg);
	run(b, 3 * MINUTE);
	expect_as_computed(b, start, start + HOUR, 10 * MINUTE, 10 * MINUTE, 0);
	ask(b, "node1", "avg_over_time(load[10m])", start + 500, start + HOUR,
	    10 * MINUTE);
	assert_int_equal(answer.resolution_ms, MINUTE);
	compute(AVG, start + 500, 10 * MINUTE, &v);
	assert_float_equal(answer.at[0].value[0], v, 20); /* of 11 minutes, not 10 */
	ask(b, "node1", "quantile_over_time(0.5, load[10m])", start, start + HOUR,
	    10 * MINUTE);
	assert_int_equal(answer.resolution_ms, MINUTE);
	assert_int_equal(answer.at[0].len, 1);
}

static void
what_cannot_be_asked_is_refused_with_a_reason(void **state)
{
	struct box *b = *state;
	struct history_range range = { "", { 0 }, 0, 20000000, 1 };
	struct history_query *q;
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char why[200] = "";

	buf_init_fixed(&program, memory, sizeof memory);
	compile("load", &program);
	range.program = buf_slice(&program);
	assert_int_equal(
	    history_query(b->history, &range, &ops, &answer, why, sizeof why, &q),
	    -EINVAL);
	assert_non_null(strstr(why, "steps"));
	range.step_ms = 0;
	range.program = slice_text("x");
	assert_int_equal(
	    history_query(b->history, &range, &ops, &answer, why, sizeof why, &q),
	    -EINVAL);
	ask(b, "nobody", "load", 0, 0, 0);
	assert_int_equal(answer.at[0].len, 0);
	assert_non_null(strstr(answer.unknown, "no sample of load"));
}

static void
a_query_that_is_cancelled_says_nothing_more(void **state)
{
	struct box *b = *state;
	struct history_range range = { "node1", { 0 }, 0, wall(b), DAY };
	struct history_query *q;
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char why[200];

	range.start_ms = range.end_ms - 100 * DAY;
	buf_init_fixed(&program, memory, sizeof memory);
	compile("avg_over_time(load[5m])", &program);
	range.program = buf_slice(&program);
	memset(&answer, 0, sizeof answer);
	assert_int_equal(
	    history_query(b->history, &range, &ops, &answer, why, sizeof why, &q), 0);
	history_cancel(q);
	fake_run(b->net, 100);
	assert_false(answer.done);
	assert_int_equal(answer.len, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_newest_values_answer_at_once),
		CASE(composites_see_all_nodes_by_their_label_CMP_09),
		CASE(a_range_is_computed_from_values_while_there_are_few),
		CASE(roll_ups_of_a_minute_say_what_the_values_say),
		CASE(roll_ups_of_an_hour_say_what_the_values_say),
		CASE(what_roll_ups_cannot_give_exactly_says_its_resolution),
		CASE(what_cannot_be_asked_is_refused_with_a_reason),
		CASE(a_query_that_is_cancelled_says_nothing_more),
	};

	log_open("test_history_query", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
