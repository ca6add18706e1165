/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics/held.h and metrics/pace.h: what may stay unsaid, and unread. */
#include "base/mem.h"
#include "metrics/held.h"
#include "metrics/pace.h"
#include "tests/support/test.h"

#include <math.h>

#define PERIOD 1000

static void
what_is_held_is_the_last_report(void **state)
{
	struct held h = { 0 };

	(void)state;
	assert_true(isnan(held_at(&h, 0, PERIOD, false)));
	held_take(&h, 0, 5, PERIOD);
	held_take(&h, 10 * PERIOD, 7, PERIOD);
	assert_true(held_at(&h, 99 * PERIOD, PERIOD, false) == 7);
	held_take(&h, 11 * PERIOD, NAN, PERIOD);
	assert_true(isnan(held_at(&h, 12 * PERIOD, PERIOD, true)));
}

/* prediction.md §5: on an exact ramp the exact line after two samples, whatever the steps. */
static void
two_reports_of_a_ramp_give_its_line_for_sixty_periods(void **state)
{
	struct held h = { 0 };

	(void)state;
	held_take(&h, 0, 100, PERIOD);
	assert_true(held_at(&h, 5 * PERIOD, PERIOD, true) == 100);
	held_take(&h, 4 * PERIOD, 92, PERIOD);
	assert_true(fabs(held_at(&h, 9 * PERIOD, PERIOD, true) - (82)) < 1e-9);
	held_take(&h, 7 * PERIOD, 86, PERIOD);
	assert_true(fabs(held_at(&h, 67 * PERIOD, PERIOD, true) - (-34)) < 1e-9);
	assert_true(fabs(held_at(&h, 99 * PERIOD, PERIOD, true) - (-34)) < 1e-9);
}

static double
noise(uint32_t *seed) /* between -1 and 1 */
{
	*seed = *seed * 1664525 + 1013904223;
	return (double)(*seed >> 8) / (1 << 23) - 1;
}

/* Samples a ramp with noise at its pace; the share of periods that were left out, and how often the
 * error was above the bound. */
static double
skipped(double slope, double scatter, const struct pace_bound *b, double *ret_late)
{
	struct pace p = { 0 };
	double taken = 0, bad = 0, last = 0;
	int64_t due = 0;
	uint32_t seed = 1;

	for (int64_t i = 0; i < 5000; i++) {
		double value = slope * (double)i + scatter * noise(&seed);

		bad += fabs(value - last) > b->error;
		if (i * PERIOD < due)
			continue;
		taken++;
		last = value;
		pace_take(&p, i * PERIOD, value, PERIOD);
		due = i * PERIOD + pace_next(&p, value, b);
	}
	*ret_late = bad / 5000;
	return 1 - taken / 5000;
}

static void
a_quiet_series_is_read_rarely_and_its_error_stays_bounded(void **state)
{
	const struct pace_bound b = { PERIOD, 10 * PERIOD, 1, NULL, 0 };
	double late;

	(void)state;
	assert_true(skipped(0, 0, &b, &late) > 0.85);
	assert_true(skipped(0.05, 0.05, &b, &late) > 0.6);
	assert_true(late < 0.1);
	assert_true(skipped(0.05, 3, &b, &late) < 0.05);
}

static void
near_a_threshold_every_period_counts(void **state)
{
	const double threshold = 3;
	const struct pace_bound b = { PERIOD, 10 * PERIOD, 100, &threshold, 1 };
	struct pace p = { 0 };
	double value = 0;

	(void)state;
	for (int64_t i = 0; i < 20; i++) {
		value = 2.9 + 0.01 * (i % 2);
		pace_take(&p, i * PERIOD, value, PERIOD);
	}
	assert_in_range(pace_next(&p, 100, &b), 9 * PERIOD, 10 * PERIOD);
	assert_true(pace_next(&p, 3.0, &b) == PERIOD);
}

static void
no_input_gives_a_period_outside_its_bounds(void **state)
{
	static const double value[] = { 0, 1e308, -1e308, 1e-308, 5, 5, 5, 1e300, 0 };
	const double threshold[] = { 0, 1e308 };
	const struct pace_bound b = { PERIOD, 10 * PERIOD, 1, threshold, 2 };
	struct pace p = { 0 };

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		double v = value[(uint64_t)i % ARRAY_LEN(value)];

		pace_take(&p, i * i, v, PERIOD);
		assert_in_range(pace_next(&p, v, &b), PERIOD, 10 * PERIOD);
	}
	assert_true(pace_next(&p, NAN, &b) == PERIOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held_is_the_last_report),
		cmocka_unit_test(two_reports_of_a_ramp_give_its_line_for_sixty_periods),
		cmocka_unit_test(
		    a_quiet_series_is_read_rarely_and_its_error_stays_bounded),
		cmocka_unit_test(near_a_threshold_every_period_counts),
		cmocka_unit_test(no_input_gives_a_period_outside_its_bounds),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
