/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/predictor.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RAISE 0.6 /* as in a service description */

/* --- signals -------------------------------------------------------------------------------- */

static uint64_t seed;

static double
uniform(void) /* 0..1, xorshift64* */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (double)(seed * 2685821657736338717u >> 11) * 0x1p-53;
}

static double
normal(void)
{
	return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
}

struct watch {
	void *state;
	struct predictor_setup setup;
	int64_t now_ms;
	struct prediction p;
};

static void
watch_start(
    struct watch *w, double threshold, int sign, int64_t period_ms, int64_t lead_ms)
{
	w->setup = (struct predictor_setup){ .threshold = threshold,
		.sign = sign,
		.period_ms = period_ms,
		.lead_ms = { lead_ms / 2, lead_ms, 5 * lead_ms } };
	w->state = malloc((&predictor_trend)->state_size);
	assert_non_null(w->state);
	w->now_ms = 1000000;
	(&predictor_trend)->init(w->state, &w->setup);
}

static void
watch_stop(struct watch *w)
{
	free(w->state);
}

static bool
is_sound(const struct prediction *p)
{
	if (isnan(p->within[LEAD_NEEDED]))
		return isnan(p->time_to_s) && isnan(p->low_s) && isnan(p->high_s) &&
		    *p->reason;
	return p->within[LEAD_NEEDED] >= 0 && p->within[LEAD_NEEDED] <= 1 &&
	    p->low_s >= 0 && p->low_s <= p->time_to_s && p->time_to_s <= p->high_s &&
	    !*p->reason;
}

static const struct prediction *
watch_add(struct watch *w, double value)
{
	w->now_ms += w->setup.period_ms;
	(&predictor_trend)->update(w->state, w->now_ms, value);
	(&predictor_trend)->predict(w->state, w->now_ms, &w->p);
	assert_true(is_sound(&w->p));
	return &w->p;
}

/* --- what it has to see ------------------------------------------------------------------------- */

static void
a_ramp_is_timed_to_the_second(void **state)
{
	struct watch w;

	(void)state;
	watch_start(&w, 90, 1, 1000, 20000);
	for (int i = 0; i <= 60; i++)
		watch_add(&w, i);
	assert_true(fabs(w.p.time_to_s - 30) < 0.1);
	assert_true(w.p.within[LEAD_NEEDED] < 0.01);
	for (int i = 61; i <= 75; i++)
		watch_add(&w, i);
	assert_true(fabs(w.p.time_to_s - 15) < 0.1);
	assert_true(w.p.within[LEAD_NEEDED] > 0.99);
	watch_stop(&w);
}

static void
both_sides_are_mirrors(void **state)
{
	struct watch up, down;

	(void)state;
	watch_start(&up, 10, 1, 500, 20000);
	watch_start(&down, -10, -1, 500, 20000);
	seed = 7;
	for (int i = 0; i < 200; i++) {
		double v = i * 0.04 + 0.3 * normal();

		watch_add(&up, v);
		watch_add(&down, -v);
		assert_true(isnan(up.p.within[LEAD_NEEDED])
			? isnan(down.p.within[LEAD_NEEDED])
			: fabs(up.p.within[LEAD_NEEDED] - down.p.within[LEAD_NEEDED]) <
			    1e-9);
	}
	watch_stop(&up);
	watch_stop(&down);
}

/* PRD-02, PRD-03: noise of a tenth of the way; the raise comes about one lead before. */
static void
a_noisy_ramp_is_seen_a_lead_ahead(void **state)
{
	unsigned in_time = 0, early = 0;

	(void)state;
	for (unsigned run = 0; run < 100; run++) {
		struct watch w;
		int raised = -1;

		seed = 1 + run;
		watch_start(&w, 3.2, -1, 500, 20000);
		for (int i = 0; i < 240; i++) { /* 3.2 V after 100 s */
			watch_add(&w, 3.7 - 0.0025 * i + 0.02 * normal());
			if (raised < 0 && w.p.within[LEAD_NEEDED] >= RAISE)
				raised = i;
		}
		in_time += raised >= 0 && raised <= 200 - 2 * 12; /* 12 s before */
		early += raised >= 0 && raised < 200 - 2 * 45;
		watch_stop(&w);
	}

	assert_true(in_time >= 95);
	assert_true(early <= 5);
}

static void
slow_sampling_does_not_matter(void **state)
{
	struct watch w;

	(void)state;
	watch_start(&w, 0.2, -1, 10000, 60000); /* a battery, a reading each 10 s */
	for (int i = 0; i < 60; i++)
		watch_add(&w, 1 - 0.012 * i);
	assert_true(w.p.time_to_s > 60 && w.p.time_to_s < 100);
	for (int i = 60; i < 64; i++)
		watch_add(&w, 1 - 0.012 * i);
	assert_true(w.p.within[LEAD_NEEDED] > 0.9);
	watch_stop(&w);
}

static void
fast_sampling_is_thinned(void **state)
{
	struct watch w;

	(void)state;
	watch_start(&w, 90, 1, 100, 60000);
	seed = 3;
	for (int i = 0; i < 3000; i++)
		watch_add(&w, i * 0.02 + 5 * normal());
	assert_true(fabs(w.p.time_to_s - 150) < 25);
	assert_true((&predictor_trend)->state_size <= 4096);
	watch_stop(&w);
}

/* One sample in ten is rubbish. */
static void
single_bad_samples_do_not_bend_the_line(void **state)
{
	struct watch w;

	(void)state;
	watch_start(&w, 90, 1, 1000, 20000);
	seed = 5;
	for (int i = 0; i <= 60; i++)
		watch_add(&w, i % 10 == 4 ? 300 * uniform() : i + 0.2 * normal());
	assert_true(fabs(w.p.time_to_s - 30) < 3);
	watch_stop(&w);
}

/* The 10 % and 90 % quantiles of a Brownian ramp hold four fifths of what happens. */
static void
intervals_hold_what_they_promise(void **state)
{
	unsigned inside = 0, all = 0;

	(void)state;
	for (unsigned run = 0; run < 400; run++) {
		struct watch w;
		double v = 0, t;

		seed = 1000 + run * 77;
		watch_start(&w, 60, 1, 1000, 30000);
		for (int i = 0; i < 240 && v < 45; i++)
			watch_add(&w, v += 0.2 + 0.5 * normal());
		for (t = 0; v < 60 && t < 5000; t++)
			v += 0.2 + 0.5 * normal();
		if (!isnan(w.p.within[LEAD_NEEDED])) {
			all++;
			inside += t >= w.p.low_s && t <= w.p.high_s;
		}
		watch_stop(&w);
	}

	assert_true(all >= 390);
	assert_in_range(inside * 100 / all, 66, 92);
}

/* --- what it must not see (PRD-04, PRD-06) ------------------------------------------------------ */

static double
flat(int i)
{
	(void)i;
	return 50 + 2 * normal();
}

static double
rising_away(int i)
{
	return 60 - 0.1 * i + 2 * normal();
}

static double
burst(int i)
{
	return i % 60 >= 50 && i % 60 < 54 ? 85 : 30 + 2 * normal();
}

/* Fills to 75 in 40 s and falls back, over and over. */
static double
saw_tooth(int i)
{
	return 25 + i % 40 * 1.25 + 0.5 * normal();
}

static double
square(int i)
{
	return i / 30 % 2 ? 70 : 20;
}

static double
sine(int i)
{
	return 50 + 25 * sin(i * 2 * M_PI / 120) + normal();
}

static double
stairs(int i)
{
	return i / 45;
}

static void
what_does_not_cross_raises_nothing(void **state)
{
	static double (*const signals[])(
	    int i) = { flat, rising_away, burst, square, stairs };

	(void)state;
	for (size_t k = 0; k < sizeof signals / sizeof signals[0]; k++)
		for (unsigned run = 0; run < 20; run++) {
			struct watch w;

			seed = 99 + run;
			watch_start(&w, 90, 1, 1000, 20000);
			for (int i = 0; i < 600; i++) {
				watch_add(&w, signals[k](i));
				if (w.p.within[LEAD_NEEDED] >= RAISE)
					fail_msg("signal %zu, run %u: %g at %d", k, run,
					    w.p.within[LEAD_NEEDED], i);
			}
			watch_stop(&w);
		}
}

/* Nobody can know at the first tooth; at the third everybody should. */
static void
a_saw_tooth_is_believed_twice_at_most(void **state)
{
	static double (*const signals[])(int i) = { saw_tooth, sine };
	static const int period[] = { 40, 120 };

	(void)state;
	for (size_t k = 0; k < 2; k++)
		for (unsigned run = 0; run < 20; run++) {
			struct watch w;

			seed = 17 + run;
			watch_start(&w, 90, 1, 1000, 20000);
			for (int i = 0; i < 1200; i++) {
				watch_add(&w, signals[k](i));
				if (i > 3 * period[k] && w.p.within[LEAD_NEEDED] >= RAISE)
					fail_msg("signal %zu, run %u: %g at %d", k, run,
					    w.p.within[LEAD_NEEDED], i);
			}
			watch_stop(&w);
		}
}

static void
a_saw_tooth_that_goes_further_is_believed_again(void **state)
{
	struct watch w;
	double worst = 0;

	(void)state;
	seed = 4;
	watch_start(&w, 90, 1, 1000, 20000);
	for (int i = 0; i < 400; i++)
		watch_add(&w, saw_tooth(i));
	for (int i = 0; i < 50; i++) {
		watch_add(&w, 25 + i * 1.25 + 0.5 * normal());
		worst = w.p.within[LEAD_NEEDED] > worst ? w.p.within[LEAD_NEEDED] : worst;
	}
	assert_true(worst >= RAISE);
	watch_stop(&w);
}

static void
charging_takes_the_prediction_back(void **state)
{
	struct watch w;
	int i;

	(void)state;
	seed = 11;
	watch_start(&w, 3.2, -1, 500, 20000);
	for (i = 0; i < 200; i++)
		watch_add(&w, 3.7 - 0.0024 * i + 0.005 * normal());
	assert_true(w.p.within[LEAD_NEEDED] >= RAISE);
	for (i = 0; i < 6; i++) /* plugged in: the voltage steps up */
		watch_add(&w, 3.6 + 0.001 * i + 0.005 * normal());
	assert_false(w.p.within[LEAD_NEEDED] >= 0.3);
	for (i = 0; i < 200; i++) {
		watch_add(&w, 3.6 + 0.001 * i + 0.005 * normal());
		assert_false(w.p.within[LEAD_NEEDED] >= 0.3);
	}
	watch_stop(&w);
}

static void
a_gap_starts_anew(void **state)
{
	struct watch w;

	(void)state;
	watch_start(&w, 90, 1, 1000, 20000);
	for (int i = 0; i < 80; i++)
		watch_add(&w, i);
	assert_true(w.p.within[LEAD_NEEDED] >= RAISE);
	w.now_ms += 60000;
	watch_add(&w, 20);
	assert_true(isnan(w.p.within[LEAD_NEEDED]));
	assert_non_null(strstr(w.p.reason, "gap"));
	for (int i = 0; i < 60; i++) {
		watch_add(&w, 20);
		assert_false(w.p.within[LEAD_NEEDED] >= RAISE);
	}
	watch_stop(&w);
}

static void
a_step_of_the_clock_starts_anew(void **state)
{
	struct watch w;

	(void)state;
	watch_start(&w, 90, 1, 1000, 20000);
	for (int i = 0; i < 40; i++)
		watch_add(&w, 20 + 0.2 * i);
	w.now_ms -= 600000;
	watch_add(&w, 28);
	assert_true(isnan(w.p.within[LEAD_NEEDED]));
	assert_non_null(strstr(w.p.reason, "clock"));
	for (int i = 0; i < 60; i++)
		watch_add(&w, 28);
	assert_true(w.p.within[LEAD_NEEDED] < 0.01);
	watch_stop(&w);
}

static void
times_that_do_not_ascend_are_ignored(void **state)
{
	const struct predictor *t = predictor_find("trend");
	struct watch a, b;

	(void)state;
	watch_start(&a, 90, 1, 1000, 20000);
	watch_start(&b, 90, 1, 1000, 20000);
	for (int i = 0; i < 60; i++) {
		watch_add(&a, i);
		watch_add(&b, i);
		t->update(b.state, b.now_ms, 1000);
		t->update(b.state, b.now_ms - 400, 1000);
	}
	assert_true(a.p.within[LEAD_NEEDED] == b.p.within[LEAD_NEEDED] &&
	    a.p.time_to_s == b.p.time_to_s);
	watch_stop(&a);
	watch_stop(&b);
}

static void
silence_is_no_forecast(void **state)
{
	struct watch w;
	struct prediction p;

	(void)state;
	watch_start(&w, 90, 1, 1000, 20000);
	for (int i = 0; i < 60; i++)
		watch_add(&w, i);
	(&predictor_trend)->predict(w.state, w.now_ms + 5000, &p);
	assert_true(fabs(p.time_to_s - 26) < 0.5); /* the line goes on a little */
	(&predictor_trend)->predict(w.state, w.now_ms + 60000, &p);
	assert_true(isnan(p.within[LEAD_NEEDED]));
	assert_string_equal(p.reason, "no recent data");
	watch_stop(&w);
}

/* --- anything at all ------------------------------------------------------------------------------ */

static void
no_input_makes_nonsense(void **state)
{
	static const double odd[] = { 0, -0.0, 1, -1, 1e-300, -1e-300, 1e300, -1e300,
		INFINITY, -INFINITY, NAN, 90, 89.999999999, 1e140 };
	const size_t n = sizeof odd / sizeof odd[0];

	(void)state;
	for (size_t k = 0; k < n; k++) { /* constants */
		struct watch w;

		watch_start(&w, 90, k % 2 ? 1 : -1, 1000, 20000);
		for (int i = 0; i < 40; i++)
			watch_add(&w, odd[k]);
		watch_stop(&w);
	}
	for (unsigned run = 0; run < 200; run++) { /* and any order of them */
		struct watch w;

		seed = run + 1;
		watch_start(&w,
		    odd[run % n] == odd[run % n] ? fmin(1e9, odd[run % n]) : 3,
		    run % 2 ? 1 : -1, 1 + run % 7 * 300, 1 + run % 11 * 5000);
		for (int i = 0; i < 300; i++) {
			w.now_ms += (int64_t)(uniform() * 3000) - 1000;
			watch_add(&w,
			    odd[(size_t)(uniform() * (double)n)] +
				(uniform() < 0.5 ? normal() : 0));
		}
		watch_stop(&w);
	}
}

static void
one_sample_says_nothing(void **state)
{
	struct watch w;

	(void)state;
	watch_start(&w, 90, 1, 1000, 20000);
	(&predictor_trend)->predict(w.state, 5, &w.p);
	assert_true(is_sound(&w.p) && isnan(w.p.within[LEAD_NEEDED]));
	watch_add(&w, 89);
	assert_true(isnan(w.p.within[LEAD_NEEDED]));
	assert_string_equal(w.p.reason, "too few samples yet");
	assert_int_equal(w.p.samples, 1);
	watch_stop(&w);
}

static void
the_table_finds_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(predictor_find(NULL), predictors[0]);
	assert_ptr_equal(predictor_find("trend"), &predictor_trend);
	assert_null(predictor_find("oracle"));
	for (const struct predictor *const *p = predictors; *p; p++)
		assert_true((*p)->help && (*p)->init && (*p)->update && (*p)->predict);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ramp_is_timed_to_the_second),
		TEST(both_sides_are_mirrors),
		TEST(a_noisy_ramp_is_seen_a_lead_ahead),
		TEST(slow_sampling_does_not_matter),
		TEST(fast_sampling_is_thinned),
		TEST(single_bad_samples_do_not_bend_the_line),
		TEST(intervals_hold_what_they_promise),
		TEST(what_does_not_cross_raises_nothing),
		TEST(a_saw_tooth_is_believed_twice_at_most),
		TEST(a_saw_tooth_that_goes_further_is_believed_again),
		TEST(charging_takes_the_prediction_back),
		TEST(a_gap_starts_anew),
		TEST(a_step_of_the_clock_starts_anew),
		TEST(times_that_do_not_ascend_are_ignored),
		TEST(silence_is_no_forecast),
		TEST(no_input_makes_nonsense),
		TEST(one_sample_says_nothing),
		TEST(the_table_finds_by_name),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
