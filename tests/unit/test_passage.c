/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/passage.h"
#include "tests/support/test.h"
#include <math.h>

static void
assert_near(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance))
		fail_msg("%.7g is not %.7g", a, b);
}

static void
probabilities_follow_the_inverse_gaussian_law(void **state)
{
	static const struct {
		double margin, drift, sd, t, p;
	} known[] = { { 10, 1, 2, 10, 0.61616 }, { 10, 0, 2, 10, 0.11385 },
		{ 10, -1, 2, 10, 0.00415 }, { 5, .5, 1, 20, 0.92731 },
		{ 3, .1, .5, 5, 0.02229 } };

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct passage p = { .margin = known[i].margin,
			.drift = known[i].drift,
			.sd = known[i].sd,
			.chance = 1 };

		assert_near(passage_by(&p, known[i].t), known[i].p, 1e-5);
	}
}

static void
a_level_beyond_the_threshold_has_passed(void **state)
{
	struct passage p = { .margin = 0, .drift = -1, .sd = 1, .chance = 1 };

	(void)state;
	assert_true(passage_by(&p, 0) == 1);
	p.margin = -3;
	assert_true(passage_by(&p, 0) == 1);
	assert_true(passage_quantile(&p, 0.9, 10, 1000) == 0);
}

static void
without_wandering_it_is_a_ruler(void **state)
{
	struct passage p = { .margin = 10, .drift = 0.5, .sd = 0, .chance = 1 };

	(void)state;
	assert_true(passage_by(&p, 19.9) == 0);
	assert_true(passage_by(&p, 20) == 1);
	assert_near(passage_quantile(&p, 0.1, 20, 1000), 20, 1e-3);
	assert_near(passage_quantile(&p, 0.9, 20, 1000), 20, 1e-3);
	p.drift = -0.5;
	assert_true(isinf(passage_quantile(&p, 0.1, 20, 1000)));
}

static void
quantiles_ascend_and_answer_the_question(void **state)
{
	struct passage p = { .margin = 5, .drift = 0.2, .sd = 1, .chance = 1 };
	double low = passage_quantile(&p, 0.1, 20, 1e6),
	       mid = passage_quantile(&p, 0.5, 20, 1e6),
	       high = passage_quantile(&p, 0.9, 20, 1e6);

	(void)state;
	assert_true(low < mid && mid < high);
	assert_near(passage_by(&p, low), 0.1, 1e-3);
	assert_near(passage_by(&p, mid), 0.5, 1e-3);
	assert_near(passage_by(&p, high), 0.9, 1e-3);
}

static void
a_chance_caps_the_law(void **state)
{
	struct passage p = { .margin = 10, .drift = 1, .sd = 0.1, .chance = 0.25 };

	(void)state;
	assert_near(passage_by(&p, 1000), 0.25, 1e-9);
	assert_true(isinf(passage_quantile(&p, 0.5, 20, 1000)));
	assert_true(isfinite(passage_quantile(&p, 0.1, 20, 1000)));
}

/* Not knowing the drift widens the interval and keeps its middle. */
static void
an_uncertain_drift_widens_the_interval(void **state)
{
	struct passage sure = { .margin = 20, .drift = 1, .sd = 0.1, .chance = 1 },
		       unsure = sure;

	(void)state;
	unsure.drift_sd = 0.3;
	assert_near(passage_quantile(&unsure, 0.5, 20, 1e6), 20, 1);
	assert_true(passage_quantile(&unsure, 0.1, 20, 1e6) <
	    passage_quantile(&sure, 0.1, 20, 1e6) - 3);
	assert_true(passage_quantile(&unsure, 0.9, 20, 1e6) >
	    passage_quantile(&sure, 0.9, 20, 1e6) + 3);
}

/* exp() of a strong drift over a small sd must not become infinity times zero. */
static void
extreme_numbers_stay_probabilities(void **state)
{
	static const double values[] = { 0, 1e-300, 1e-9, 1, 1e9, 1e140 };
	const size_t n = sizeof values / sizeof values[0];

	(void)state;
	for (size_t i = 0; i < n * n * n * 2; i++) {
		struct passage p = { .margin = values[i % n],
			.drift = (i % 2 ? -1 : 1) * values[i / n % n],
			.drift_sd = i % 3 ? 0 : 1,
			.sd = values[i / n / n % n],
			.chance = 1 };
		double by = passage_by(&p, 20);

		assert_true(by >= 0 && by <= 1);
		assert_true(passage_quantile(&p, 0.5, 20, 800) >= 0);
	}
}

/* The table and the approximation of Mills' ratio against the law itself. */
static void
the_quick_law_is_the_law(void **state)
{
	static const float quantile[] = { 0.1f, 0.5f, 0.9f };

	(void)state;
	for (double drift = -2; drift < 20; drift += 0.0473) {
		struct passage p = {
			.margin = 2, .drift = drift, .sd = 1.5, .chance = 1
		};
		float times[3];

		for (double t = 0.01; t < 1000; t *= 1.7)
			assert_near(passage_chance(2, (float)drift, 1.5f, (float)t),
			    passage_by(&p, t), 1e-5);
		passage_times(2, (float)drift, 1.5f, times);
		for (int i = 0; i < 3; i++) {
			if (isfinite(times[i]) && times[i] < 1e4)
				assert_near(
				    passage_by(&p, times[i]), quantile[i], 1.5e-3);
			else
				assert_true(passage_by(&p, 1e4) < quantile[i] + 1e-3);
		}
	}
}

static void
the_quick_law_knows_rulers_and_ends(void **state)
{
	float times[3];

	(void)state;
	passage_times(10, 0.5f, 0, times);
	assert_near(times[0], 20, 1e-4);
	assert_near(times[2], 20, 1e-4);
	passage_times(10, -0.5f, 0, times);
	assert_true(isinf(times[0]));
	passage_times(-1, -1, 1, times);
	assert_true(times[2] == 0);
	assert_true(passage_chance(0, -1, 1, 1) == 1);
	assert_true(passage_chance(1, 1, 0, 1) == 1);
	assert_true(passage_chance(1, 1, 1, 0) == 0);
	assert_near(passage_chance(1e-3f, 1e3f, 1e-6f, 10), 1, 1e-6);
	assert_near(passage_chance(1e3f, -1e3f, 1e-6f, 10), 0, 1e-6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(probabilities_follow_the_inverse_gaussian_law),
		TEST(a_level_beyond_the_threshold_has_passed),
		TEST(without_wandering_it_is_a_ruler),
		TEST(quantiles_ascend_and_answer_the_question),
		TEST(a_chance_caps_the_law),
		TEST(an_uncertain_drift_widens_the_interval),
		TEST(extreme_numbers_stay_probabilities),
		TEST(the_quick_law_is_the_law),
		TEST(the_quick_law_knows_rulers_and_ends),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
