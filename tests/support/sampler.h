/* SPDX-License-Identifier: Apache-2.0
 *
 * A sampler in virtual time, for tests. */
#pragma once
#include "metrics/sampler.h"
#include "tests/support/program.h"
#include <math.h>

#define START	1000000
#define HISTORY (1 << 20)

static inline struct sampler *
new_sampler(const struct source_env *env)
{
	struct sampler *s = NULL;

	assert_int_equal(sampler_new(env, HISTORY, &s), 0);
	return s;
}

static inline struct want *
want(struct sampler *s, const char *text, int64_t period_ms, int64_t until_ms)
{
	struct want *w = NULL;
	char err[256] = "";

	if (sampler_want(s, program_of(text), period_ms, until_ms, err, sizeof err, &w) <
	    0)
		fail_msg("%s: %s", text, err);
	return w;
}

/* Calls the sampler when it wants to be called, up to and including end_ms. */
static inline int64_t
run_until(struct sampler *s, int64_t now_ms, int64_t end_ms)
{
	unsigned calls = 0;

	while (now_ms <= end_ms) {
		int64_t next = sampler_run(s, now_ms);

		assert_true(next > now_ms);
		assert_true(calls++ < 100000);
		now_ms = next;
	}
	return now_ms;
}

static inline struct sampler_stats
stats_of(const struct sampler *s)
{
	struct sampler_stats st;

	sampler_stats(s, &st);
	return st;
}

static inline void
check_value(struct sampler *s, const char *text, int64_t now_ms, double value)
{
	struct expr_result r;

	assert_int_equal(sampler_eval(s, program_of(text), now_ms, &r), 0);
	if (r.len != 1 || !(fabs(r.value[0].value - value) <= 1e-9))
		fail_msg("%s: %zu values, first %g, %s", text, r.len,
		    r.len ? r.value[0].value : NAN, r.unknown);
	expr_result_done(&r);
}

static inline void
check_unknown(struct sampler *s, const char *text, int64_t now_ms)
{
	struct expr_result r;

	assert_int_equal(sampler_eval(s, program_of(text), now_ms, &r), 0);
	if (r.len != 0)
		fail_msg("%s is %g", text, r.value[0].value);
	expr_result_done(&r);
}
