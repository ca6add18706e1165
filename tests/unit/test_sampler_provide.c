/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics that come from elsewhere than a source, in virtual time. */
#include "tests/support/sampler.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct source_env nowhere = { .proc = "/nonexistent",
	.sys = "/nonexistent" };

/* A provider of "level", put when asked, and of "double", which is made of it. */
struct tank {
	struct sampler *sampler;
	const struct metric *level, *twice; /* NULL: not there */
	int64_t period_ms, window_ms;	    /* of level, as told */
	struct want *want;		    /* of level for twice */
	bool silent;
	double value;
	unsigned told, sampled;
};
static const struct metric level = { "tank_level_ratio", "ratio", METRIC_GAUGE, "fill" };
static const struct metric other = { "tank_level_ratio", "ratio", METRIC_GAUGE, "new" };
static const struct metric twice = { "tank:level:twice", "", METRIC_GAUGE, "rule" };

static const struct metric *
find(void *arg, const char *name)
{
	const struct tank *t = arg;

	if (t->level && strcmp(name, t->level->name) == 0)
		return t->level;
	return t->twice && strcmp(name, t->twice->name) == 0 ? t->twice : NULL;
}

static void
hear_want(void *arg, const struct metric *m, int64_t period_ms, int64_t window_ms)
{
	struct tank *t = arg;

	t->told++;
	if (m != &twice) {
		t->period_ms = period_ms;
		t->window_ms = window_ms;
		return;
	}
	sampler_unwant(TAKE(t->want));
	if (period_ms > 0)
		t->want = want(t->sampler, "tank_level_ratio", period_ms, INT64_MAX);
}

static void
sample(void *arg, const struct metric *m, int64_t now_ms)
{
	struct tank *t = arg;
	struct expr_result r;

	t->sampled++;
	if (t->silent)
		return;
	if (m != &twice) {
		sampler_put(t->sampler, m, NULL, now_ms, t->value);
		return;
	}
	assert_int_equal(
	    sampler_eval(t->sampler, program_of("2 * tank_level_ratio"), now_ms, &r), 0);
	if (r.len == 1)
		sampler_put(t->sampler, m, NULL, now_ms, r.value[0].value);
	expr_result_done(&r);
}

static unsigned
rank(void *arg, const struct metric *m)
{
	(void)arg;
	return m == &twice;
}

static int64_t
pace(void *arg, const struct metric *m)
{
	(void)arg, (void)m;
	return 10000;
}

static bool
why(void *arg, const struct metric *m, char *dst, size_t size)
{
	(void)arg, (void)m;
	snprintf(dst, size, "the gauge is being cleaned");
	return true;
}

static const struct provider asked = {
	.find = find, .want = hear_want, .sample = sample, .rank = rank
};
static const struct provider unasked = { .find = find, .want = hear_want };
static const struct provider slow_one = {
	.find = find, .want = hear_want, .pace = pace, .why = why
};

static struct sampler *
new_tank(struct tank *t, const struct provider *p)
{
	*t = (struct tank){ .level = &level, .twice = &twice, .value = 0.5 };
	t->sampler = new_sampler(&nowhere);
	assert_int_equal(sampler_provide(t->sampler, p, t), 0);
	return t->sampler;
}

static void
check_newest(struct sampler *s, const char *text, int64_t now_ms, int64_t newest_ms)
{
	struct expr_result r;

	assert_int_equal(sampler_eval(s, program_of(text), now_ms, &r), 0);
	assert_int_equal(r.len, 1);
	assert_int_equal(r.value[0].newest_ms, newest_ms);
	expr_result_done(&r);
}

static void
what_is_provided_is_known_and_nothing_else(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &asked);
	char err[128];
	struct want *w;

	(void)state;
	assert_ptr_equal(sampler_metric(s, "tank_level_ratio"), &level);
	assert_true(sampler_knows(s, "tank:level:twice"));
	assert_true(sampler_knows(s, "node_load1"));
	assert_false(sampler_knows(s, "tank_nonsense"));
	assert_int_equal(sampler_want(s, program_of("tank_nonsense"), 1000, INT64_MAX,
			     err, sizeof err, &w),
	    -ENOENT);
}

/* MET-11 */
static void
a_provider_is_told_who_wants_what_and_asked_at_that_pace(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &asked);
	struct want *slow, *fast;

	(void)state;
	assert_true(sampler_run(s, START) == INT64_MAX);
	slow = want(s, "tank_level_ratio", 5000, INT64_MAX);
	assert_int_equal(t.period_ms, 5000);
	fast = want(s, "avg_over_time(tank_level_ratio[10s])", 1000, INT64_MAX);
	assert_int_equal(t.period_ms, 1000);
	assert_int_equal(t.window_ms, 10000);
	run_until(s, START, START + 10000);
	assert_int_equal(t.sampled, 11);
	check_value(s, "count_over_time(tank_level_ratio[10s])", START + 10000, 11);
	sampler_unwant(fast);
	assert_int_equal(t.period_ms, 5000);
	sampler_unwant(slow);
	assert_int_equal(t.period_ms, 0);
	assert_int_equal(t.told, 4);
	run_until(s, START + 10001, START + 20000);
	assert_int_equal(t.sampled, 11);
}

static void
a_metric_made_of_another_makes_it_wanted_and_comes_after_it(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &asked);
	struct want *w;

	(void)state;
	want(s, "tank_level_ratio", 60000, INT64_MAX); /* was there first */
	w = want(s, "tank:level:twice", 1000, INT64_MAX);
	assert_int_equal(t.period_ms, 1000);
	sampler_run(s, START);
	check_value(s, "tank:level:twice", START, 1);
	t.value = 0.75;
	sampler_run(s, START + 1000);
	check_value(s, "tank:level:twice", START + 1000, 1.5);
	sampler_unwant(w);
	assert_int_equal(t.period_ms, 60000);
}

static void
a_query_asks_the_provider_at_once(void **state)
{
	uint8_t memory[EXPR_PROGRAM_MAX]; /* the provider parses too */
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &asked);
	struct slice parsed = program_of("tank:level:twice");
	struct slice program = { memcpy(memory, parsed.data, parsed.len), parsed.len };
	struct expr_result r;

	(void)state;
	assert_int_equal(sampler_query(s, program, START, &r), 0);
	assert_int_equal(r.len, 1);
	assert_true(r.value[0].value == 1);
	expr_result_done(&r);
	run_until(s, START, START + 30000);
	assert_int_equal(t.period_ms, 0); /* nobody asks any more */
}

static void
what_nobody_wants_is_not_kept_MET_11(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);
	struct sampler_stats st;

	(void)state;
	sampler_run(s, START);
	sampler_put(s, &level, NULL, START, 1);
	sampler_stats(s, &st);
	assert_int_equal(st.samples, 0);
}

static void
a_series_that_gets_nothing_for_three_periods_ends_MET_09(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);

	(void)state;
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	sampler_run(s, START);
	sampler_put(s, &level, NULL, START, 1);
	run_until(s, START + 1, START + 2999);
	check_value(s, "tank_level_ratio", START + 2999, 1);
	run_until(s, START + 3000, START + 3000);
	check_unknown(s, "tank_level_ratio", START + 3001);
	sampler_put(s, &level, NULL, START + 3500, 2);
	sampler_run(s, START + 4000);
	sampler_put(s, &level, NULL, START + 4000, 2);
	check_value(s, "tank_level_ratio", START + 4000, 2);
}

/* What comes every 10 s is not silent, whoever wants it each second. */
static void
silence_is_counted_in_the_providers_own_pace_MET_09(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &slow_one);

	(void)state;
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	sampler_run(s, START);
	sampler_put(s, &level, NULL, START, 0.5);
	run_until(s, START + 1, START + 29999);
	check_value(s, "tank_level_ratio", START + 29999, 0.5);
	run_until(s, START + 29999, START + 31000);
	check_unknown(s, "tank_level_ratio", START + 31000);
}

static void
a_provider_says_why_there_is_no_value(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &slow_one);
	struct expr_result r;

	(void)state;
	assert_int_equal(sampler_query(s, program_of("tank_level_ratio"), START, &r), 0);
	assert_int_equal(r.len, 0);
	assert_string_equal(r.unknown, "the gauge is being cleaned");
	expr_result_done(&r);
}

static void
labels_end_one_by_one_MET_09(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);
	struct metric_labels a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(metric_labels_add(&a, "tank", "a"), 0);
	assert_int_equal(metric_labels_add(&b, "tank", "b"), 0);
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	for (int64_t now = START; now <= START + 5000; now += 1000) {
		sampler_run(s, now);
		sampler_put(s, &level, &a, now, 1);
		if (now == START)
			sampler_put(s, &level, &b, now, 1);
	}
	check_value(s, "tank_level_ratio", START + 5000, 1);
	check_unknown(s, "tank_level_ratio{tank=\"b\"}", START + 5000);
}

static void
time_stamps_may_lag_but_never_lead(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);

	(void)state;
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	sampler_run(s, START);
	sampler_put(s, &level, NULL, START - 500, 1);
	check_newest(s, "tank_level_ratio", START, START - 500);
	sampler_put(s, &level, NULL, START + 60000, 2);
	check_newest(s, "tank_level_ratio", START, START);
	check_value(s, "tank_level_ratio", START, 2);
}

static void
out_of_order_and_what_nobody_would_see_is_dropped(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);

	(void)state;
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	sampler_run(s, START);
	sampler_put(s, &level, NULL, START - EXPR_LOOKBACK_MS - 1, 1);
	check_unknown(s, "tank_level_ratio", START - EXPR_LOOKBACK_MS);
	sampler_put(s, &level, NULL, START - 100, 2);
	sampler_put(s, &level, NULL, START - 200, 3);
	sampler_put(s, &level, NULL, START - 100, 4);
	sampler_put(s, &level, NULL, START, (double)NAN);
	check_value(s, "tank_level_ratio", START, 2);
}

/* Values that arrive each second, each ten seconds old, are no silence. */
static void
a_lag_is_no_silence_MET_09(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);
	int64_t now;

	(void)state;
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	for (now = START; now < START + 30000; now += 1000) {
		sampler_run(s, now);
		sampler_put(s, &level, NULL, now - 10000, 1);
		check_value(s, "tank_level_ratio", now, 1);
	}
	run_until(s, now, now + 20000);
	check_unknown(s, "tank_level_ratio", now + 20000);
}

static int64_t
later(void *arg)
{
	return *(int64_t *)arg;
}

static void
with_a_clock_values_come_between_the_runs(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);
	int64_t now = START + 700;

	(void)state;
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	sampler_run(s, START);
	sampler_set_clock(s, later, &now);
	sampler_put(s, &level, NULL, START + 700, 1);
	check_newest(s, "tank_level_ratio", START + 1000, START + 700);
}

/* CMP-04 */
static void
a_metric_that_goes_ends_and_another_of_its_name_goes_on(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &asked);

	(void)state;
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	sampler_run(s, START);
	sampler_run(s, START + 1000);
	check_value(s, "tank_level_ratio", START + 1000, 0.5);
	t.level = NULL;
	sampler_run(s, START + 1500);
	sampler_provided(s);
	check_unknown(s, "tank_level_ratio", START + 1500);
	assert_false(sampler_knows(s, "tank_level_ratio"));
	t.level = &other;
	t.period_ms = 0;
	sampler_provided(s);
	assert_int_equal(t.period_ms, 1000);
	sampler_run(s, START + 2000);
	check_value(s, "tank_level_ratio", START + 2000, 0.5);
	assert_true(sampler_uses(s, &other));
}

static void
a_provider_that_leaves_is_called_no_more(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &asked);
	unsigned sampled;

	(void)state;
	want(s, "tank:level:twice", 1000, INT64_MAX);
	run_until(s, START, START + 3000);
	sampled = t.sampled;
	sampler_unprovide(s, &asked, &t);
	check_unknown(s, "tank:level:twice", START + 3001);
	sampler_unwant(t.want);
	run_until(s, START + 3001, START + 10000);
	assert_int_equal(t.sampled, sampled);
	assert_false(sampler_knows(s, "tank_level_ratio"));
}

static void
what_was_told_before_can_be_ended_at_once(void **state)
{
	struct tank t;
	CLEANUP(sampler_free) struct sampler *s = new_tank(&t, &unasked);
	struct metric_labels a = { 0 };

	(void)state;
	assert_int_equal(metric_labels_add(&a, "tank", "a"), 0);
	want(s, "tank_level_ratio", 1000, INT64_MAX);
	sampler_run(s, START);
	sampler_put(s, &level, NULL, START, 1);
	sampler_put(s, &level, &a, START, 1);
	sampler_run(s, START + 1000);
	sampler_put(s, &level, &a, START + 1000, 3);
	sampler_end(s, &level, START + 1000);
	check_value(s, "tank_level_ratio", START + 1000, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_provided_is_known_and_nothing_else),
		TEST(a_provider_is_told_who_wants_what_and_asked_at_that_pace),
		TEST(a_metric_made_of_another_makes_it_wanted_and_comes_after_it),
		TEST(a_query_asks_the_provider_at_once),
		TEST(what_nobody_wants_is_not_kept_MET_11),
		TEST(a_series_that_gets_nothing_for_three_periods_ends_MET_09),
		TEST(silence_is_counted_in_the_providers_own_pace_MET_09),
		TEST(a_provider_says_why_there_is_no_value),
		TEST(labels_end_one_by_one_MET_09),
		TEST(time_stamps_may_lag_but_never_lead),
		TEST(out_of_order_and_what_nobody_would_see_is_dropped),
		TEST(a_lag_is_no_silence_MET_09),
		TEST(with_a_clock_values_come_between_the_runs),
		TEST(a_metric_that_goes_ends_and_another_of_its_name_goes_on),
		TEST(a_provider_that_leaves_is_called_no_more),
		TEST(what_was_told_before_can_be_ended_at_once),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
