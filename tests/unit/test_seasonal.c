/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/seasonal.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS	 3600000
#define START_MS 1000000000

static void
assert_near(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance))
		fail_msg("%.9g is not %.9g", a, b);
}

/* A week of an office: days, and two of them quiet. */
static double
office(unsigned hour)
{
	double day = 10 + 5 * sin(2 * M_PI * (hour % 24) / 24);

	return hour / 24 % 7 < 5 ? 2 * day : day;
}

static const struct predictor_setup hourly = {
	.threshold = NAN, .sign = 1, .period_ms = HOUR_MS, .season = 24
};

static void *
start(void)
{
	void *s = malloc(predictor_seasonal.state_size);

	assert_non_null(s);
	predictor_seasonal.init(s, &hourly);
	return s;
}

static void
add(void *s, unsigned hour, double value)
{
	predictor_seasonal.update(s, START_MS + (int64_t)hour * HOUR_MS, value);
}

static void
assert_forecasts_office(const void *s, unsigned next, double offset, double tolerance)
{
	double q[48][PREDICTOR_QUANTILES];

	predictor_seasonal.forecast(s, 48, q);
	for (unsigned h = 0; h < 48; h++) {
		assert_near(q[h][2], office(next + h) + offset, tolerance);
		for (int i = 1; i < PREDICTOR_QUANTILES; i++)
			assert_true(q[h][i] >= q[h][i - 1]);
	}
}

static void
days_and_weeks_are_learned(void **state)
{
	void *s = start();

	(void)state;
	for (unsigned h = 0; h < 5 * 168; h++)
		add(s, h, office(h));
	assert_forecasts_office(s, 5 * 168, 0, 0.2);
	free(s);
}

static void
values_below_zero_are_no_obstacle(void **state)
{
	void *s = start();

	(void)state;
	for (unsigned h = 0; h < 5 * 168; h++)
		add(s, h, office(h) - 15);
	assert_forecasts_office(s, 5 * 168, -15, 0.3);
	free(s);
}

static void
after_a_gap_the_hours_are_where_they_were_PRD_06(void **state)
{
	void *s = start();

	(void)state;
	for (unsigned h = 0; h < 5 * 168; h++)
		if (h < 700 || h > 730)
			add(s, h, office(h));
	assert_forecasts_office(s, 5 * 168, 0, 0.5);
	free(s);
}

static void
before_it_knows_a_week_it_repeats_the_day(void **state)
{
	void *s = start();
	double q[3][PREDICTOR_QUANTILES];

	(void)state;
	for (unsigned h = 0; h < 30; h++)
		add(s, h, 100 + h % 24);
	predictor_seasonal.forecast(s, 3, q);
	assert_near(q[0][2], 106, 1e-3);
	assert_near(q[2][2], 108, 1e-3);
	free(s);
}

static void
it_forecasts_whatever_comes_PRD_06(void **state)
{
	static const double odd[] = { NAN, INFINITY, 1e300, -1e300, 0, 5e-324, 7 };
	void *s = start();
	double q[4][PREDICTOR_QUANTILES];
	struct prediction p;

	(void)state;
	for (unsigned h = 0; h < 2000; h++) {
		unsigned i = h * 2654435761u >> 16;

		predictor_seasonal.update(s,
		    START_MS + (int64_t)h * HOUR_MS -
			(i % 97 == 0 ? INT64_C(1) << 40 : 0),
		    odd[i % 7]);
		predictor_seasonal.forecast(s, 4, q);
		for (int k = 0; k < 4; k++)
			assert_false(h > 10 && isnan(q[k][2]));
		predictor_seasonal.predict(s, START_MS, &p);
		assert_true(*p.reason && !p.alarm && isnan(p.within[LEAD_NEEDED]));
	}
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(days_and_weeks_are_learned),
		TEST(values_below_zero_are_no_obstacle),
		TEST(after_a_gap_the_hours_are_where_they_were_PRD_06),
		TEST(before_it_knows_a_week_it_repeats_the_day),
		TEST(it_forecasts_whatever_comes_PRD_06),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
