/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/path.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdlib.h>

#define MS	      INT64_C(1000000) /* nanoseconds */

#define TEST_BEGIN(f) cmocka_unit_test_setup(f, begin)

static struct path path;

static int
begin(void **state)
{
	(void)state;
	path_init(&path);
	return 0;
}

/* A probe at now_ms that is answered after so long; negative: never. */
static void
probe(uint16_t seq, int64_t now_ms, int64_t after_ms)
{
	path_send(&path, seq, now_ms, now_ms * MS);
	if (after_ms >= 0)
		assert_true(path_answer(&path, seq, (now_ms + after_ms) * MS));
}

static double
loss(void)
{
	double v = NAN;

	return path_loss(&path, &v) ? v : NAN;
}

static void
before_a_probe_has_ended_nothing_is_known(void **state)
{
	double v;
	bool up;

	(void)state;
	probe(1, 0, -1);
	path_expire(&path, PATH_TIMEOUT_MS - 1);
	assert_false(path_loss(&path, &v));
	assert_false(path_up(&path, &up));
	assert_false(path_round_trip(&path, &v));
	path_expire(&path, PATH_TIMEOUT_MS);
	assert_true(loss() == 1);
	assert_true(path_up(&path, &up));
	assert_false(up);
}

static void
the_round_trip_is_of_the_newest_probe_that_has_ended(void **state)
{
	double v;

	(void)state;
	probe(1, 0, 30);
	probe(2, 1000, 50);
	probe(3, 2000, -1); /* under way */
	assert_true(path_round_trip(&path, &v));
	assert_true(fabs(v - 0.05) < 1e-12);
	path_expire(&path, 4000);
	assert_false(path_round_trip(&path, &v)); /* it was lost: no round trip */
}

static void
loss_is_told_over_the_last_twenty_and_up_over_three(void **state)
{
	bool up;

	(void)state;
	for (uint16_t i = 0; i < 40; i++)
		probe(i, i * 1000, i % 4 == 3 ? -1 : 10);
	path_expire(&path, 100000);
	assert_true(fabs(loss() - 0.25) < 1e-12);
	assert_true(path_up(&path, &up) && up);
	for (uint16_t i = 40; i < 43; i++)
		probe(i, 100000 + i, -1);
	path_expire(&path, 200000);
	assert_true(path_up(&path, &up) && !up);
}

/* At ten a second, twenty are under way before the first loss is noticed. */
static void
answers_that_overtake_losses_do_not_make_them_few(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 60; i++) {
		probe(i, i * 100, i % 2 ? 10 : -1);
		path_expire(&path, i * 100 + 50);
	}
	assert_true(fabs(loss() - 0.5) < 1e-12);
}

/* RFC 3550, 6.4.1, over a sequence worked out by hand: J += (|D| - J) / 16. */
static void
jitter_is_smoothed_as_in_rfc_3550(void **state)
{
	static const int64_t trip[] = { 10, 26, 10, 10 };
	double expected = 0;

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		probe(i, i * 1000, trip[i]);
		if (i > 0)
			expected +=
			    ((double)llabs(trip[i] - trip[i - 1]) / 1000 - expected) / 16;
	}
	assert_true(fabs(path.jitter - expected) < 1e-12);
	assert_true(expected > 0.0017 && expected < 0.0019);
}

static void
answers_nobody_waits_for_change_nothing(void **state)
{
	(void)state;
	probe(7, 0, -1);
	assert_false(path_answer(&path, 8, 5 * MS));
	assert_true(path_answer(&path, 7, 5 * MS));
	assert_false(path_answer(&path, 7, 6 * MS)); /* twice */
	probe(9, 1000, -1);
	path_expire(&path, 9000);
	assert_false(path_answer(&path, 9, 9000 * MS)); /* too late: it counts as lost */
	assert_int_equal(path.answered, 1);
	assert_true(fabs(loss() - 0.5) < 1e-12);
}

/* The wall clock was set between a probe and its answer: it was answered, and nobody knows when. */
static void
a_clock_that_was_set_makes_no_round_trip(void **state)
{
	double v;
	bool up;

	(void)state;
	path_send(&path, 1, 0, 1000 * MS);
	assert_true(path_answer(&path, 1, 400 * MS));
	path_send(&path, 2, 1000, 1000 * MS);
	assert_true(path_answer(&path, 2, 3600000 * MS));
	assert_false(path_round_trip(&path, &v));
	assert_true(path_up(&path, &up) && up);
	assert_true(isnan(path.jitter));
	assert_true(loss() == 0);
}

static void
more_probes_than_are_remembered_do_no_harm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		probe((uint16_t)i, i, -1);
	assert_false(path_answer(&path, 0, 0));
	assert_true(path_answer(&path, 999, 1000 * MS));
	assert_int_equal(path.sent, 1000);
	assert_int_equal(path.interval_ms, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BEGIN(before_a_probe_has_ended_nothing_is_known),
		TEST_BEGIN(the_round_trip_is_of_the_newest_probe_that_has_ended),
		TEST_BEGIN(loss_is_told_over_the_last_twenty_and_up_over_three),
		TEST_BEGIN(answers_that_overtake_losses_do_not_make_them_few),
		TEST_BEGIN(jitter_is_smoothed_as_in_rfc_3550),
		TEST_BEGIN(answers_nobody_waits_for_change_nothing),
		TEST_BEGIN(a_clock_that_was_set_makes_no_round_trip),
		TEST_BEGIN(more_probes_than_are_remembered_do_no_harm),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
