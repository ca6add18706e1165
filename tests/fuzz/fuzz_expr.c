/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics/expr on arbitrary bytes, taken as text and as a program. What the parser accepts must
 * pass the check; what passes the check must be printed as text that means the same and must
 * evaluate within its bounds, to a value or to a reason. */
#include "metrics/expr_program.h"
#include "metrics/series.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOW 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct series_set *set;

static void
fill(struct series_set *s, const struct metric *m, const char *label, unsigned seed)
{
	static const double odd[] = { NAN, INFINITY, -INFINITY, -0.0, 1e308, 5e-324 };
	struct metric_labels l = { 0 };
	struct series *series;

	if (label)
		(void)metric_labels_add(&l, "l", label);
	series = series_ensure(s, m, &l);
	assert(series);
	series_keep(series, NOW);
	for (unsigned i = 0; i < 40; i++) {
		unsigned r = (seed = seed * 1103515245 + 12345) >> 16;

		(void)series_append(
		    s, series, NOW - 40000 + 1000 * i, r % 9 ? r % 1000 : odd[r % 6]);
		if (r % 13 == 0)
			series_end(s, series, NOW - 39500 + 1000 * i);
	}
}

static void
make_set(void)
{
	static const struct metric a = { "a", "bytes", METRIC_GAUGE, "" };
	static const struct metric b = { "b", "seconds", METRIC_COUNTER, "" };

	assert(series_set_new(1 << 20, &set) == 0);
	fill(set, &a, "x", 1);
	fill(set, &a, "y", 2);
	fill(set, &a, "z", 3);
	fill(set, &b, "x", 4);
	fill(set, &b, NULL, 5);
}

static void
evaluate(struct slice program)
{
	struct expr_result r;

	assert(expr_eval(program, set, NOW, &r) == 0);
	assert(r.len > 0 || r.unknown[0]);
	for (size_t i = 0; i < r.len; i++)
		assert(r.value[i].labels.len <= METRIC_LABELS_MAX);
	expr_result_done(&r);
}

/* A text that is too long for the parser is possible; one that means something else is not. */
static void
print_and_parse(struct slice program)
{
	static char text[1 << 16];
	uint8_t memory[2][EXPR_PROGRAM_MAX];
	struct buf out, first, second;
	char err[256];

	buf_init_fixed(&out, text, sizeof text);
	expr_print(program, &out);
	buf_init_fixed(&first, memory[0], sizeof memory[0]);
	if (out.err || out.pos > EXPR_TEXT_MAX ||
	    expr_parse(buf_text(&out), &first, err, sizeof err) < 0)
		return;
	buf_reset(&out);
	expr_print(buf_slice(&first), &out);
	buf_init_fixed(&second, memory[1], sizeof memory[1]);
	assert(expr_parse(buf_text(&out), &second, err, sizeof err) == 0);
	assert(slice_equal(buf_slice(&first), buf_slice(&second)));
}

static void
count_need(void *arg, const struct expr_step *select)
{
	assert(select->metric[0] && select->window_ms >= 0 &&
	    select->window_ms <= EXPR_WINDOW_MAX_MS);
	assert(select->matchers <= EXPR_MATCHERS_MAX);
	++*(unsigned *)arg;
}

static void
run_program(struct slice program)
{
	unsigned needs = 0;

	assert(expr_needs(program, count_need, &needs) == 0);
	assert(needs <= EXPR_STEPS_MAX);
	print_and_parse(program);
	evaluate(program);
}

static void
run_text(const uint8_t *data, size_t len)
{
	uint8_t memory[EXPR_PROGRAM_MAX];
	char text[EXPR_TEXT_MAX + 2], err[256];
	struct buf program;

	if (slice_copy((struct slice){ data, len }, text, sizeof text) < 0)
		return;
	buf_init_fixed(&program, memory, sizeof memory);
	if (expr_parse(text, &program, err, sizeof err) < 0)
		return;
	assert(expr_check(buf_slice(&program), NULL, NULL, err, sizeof err) == 0);
	run_program(buf_slice(&program));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char err[256];

	if (!set)
		make_set();
	run_text(data, len);
	if (expr_check((struct slice){ data, len }, NULL, NULL, err, sizeof err) == 0)
		run_program((struct slice){ data, len });
	return 0;
}
