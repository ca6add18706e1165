/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/tempdir.h"
#include "trust/time.h"

#define HOUR  (3600LL * 1000)
#define DAY   (24 * HOUR)
#define TODAY (TRUST_TIME_BUILT + 30 * DAY)

struct clocks {
	int64_t wall, boot;
};
static struct clocks clocks;
static struct trust_time *t;
static char *dir, path[256];

static int64_t
wall(void *arg)
{
	return ((struct clocks *)arg)->wall;
}

static int64_t
boot(void *arg)
{
	return ((struct clocks *)arg)->boot;
}

static void
pass(int64_t ms)
{
	clocks.wall += ms;
	clocks.boot += ms;
}

static void
start(int64_t wall_ms)
{
	clocks = (struct clocks){ wall_ms, 5000 };
	assert_int_equal(trust_time_new(path, wall, boot, &clocks, &t), 0);
}

static void
restart(int64_t wall_ms)
{
	trust_time_free(t);
	start(wall_ms);
}

static int
setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/time", dir);
	t = NULL;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	trust_time_free(t);
	tempdir_remove(dir);
	return 0;
}

static void
a_good_clock_is_taken_as_it_is(void **state)
{
	(void)state;
	start(TODAY);
	assert_int_equal(trust_time_now(t), TODAY);
	pass(HOUR);
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
	assert_false(trust_time_learn(t, TODAY + HOUR - 200));
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
	assert_false(trust_time_is_suspect(t));
}

static void
in_1970_it_is_the_day_the_program_was_made_until_a_controller_tells_S_20(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(trust_time_now(t), TRUST_TIME_BUILT);
	pass(HOUR);
	assert_int_equal(trust_time_now(t), TRUST_TIME_BUILT + HOUR);
	assert_false(trust_time_learn(t, TODAY));
	assert_int_equal(trust_time_now(t), TODAY);
	pass(DAY);
	assert_int_equal(trust_time_now(t), TODAY + DAY);
}

static void
a_clock_ten_years_ahead_is_not_believed_and_told_once_S_20(void **state)
{
	(void)state;
	start(TODAY + 3650 * DAY);
	assert_true(trust_time_is_suspect(t));
	assert_int_equal(trust_time_now(t), TRUST_TIME_BUILT);
	assert_true(trust_time_learn(t, TODAY));
	assert_int_equal(trust_time_now(t), TODAY);
	pass(HOUR);
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
	assert_false(trust_time_learn(t, TODAY + HOUR));
	assert_true(trust_time_is_suspect(t));
	clocks.wall = TODAY + 2 * HOUR; /* somebody has set it right */
	assert_false(trust_time_is_suspect(t));
	assert_int_equal(trust_time_now(t), TODAY + 2 * HOUR);
}

/* A program may be older than that, while its clock is right. */
static void
a_controller_clears_a_clock_that_only_seemed_suspect(void **state)
{
	int64_t late = TRUST_TIME_BUILT + 800 * DAY;

	(void)state;
	start(late);
	assert_true(trust_time_is_suspect(t));
	assert_false(trust_time_learn(t, late - 100));
	assert_false(trust_time_is_suspect(t));
	assert_int_equal(trust_time_now(t), late);
}

static void
the_border_is_400_days(void **state)
{
	(void)state;
	start(TRUST_TIME_BUILT + TRUST_TIME_SUSPECT);
	assert_false(trust_time_is_suspect(t));
	assert_int_equal(trust_time_now(t), clocks.wall);
	clocks.wall++;
	assert_true(trust_time_is_suspect(t));
	assert_int_equal(trust_time_now(t), TRUST_TIME_BUILT);
}

static void
a_clock_set_back_a_day_during_a_session_changes_nothing_S_20(void **state)
{
	(void)state;
	start(TODAY);
	assert_false(trust_time_learn(t, TODAY));
	pass(HOUR);
	clocks.wall -= DAY;
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
	pass(HOUR);
	assert_int_equal(trust_time_now(t), TODAY + 2 * HOUR);
}

static void
the_floor_never_runs_back(void **state)
{
	(void)state;
	start(0);
	assert_false(trust_time_learn(t, TODAY));
	pass(HOUR);
	assert_false(trust_time_learn(t, TODAY - DAY)); /* another controller */
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
	assert_false(trust_time_learn(t, -1));
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
	clocks.boot -= 2 * HOUR; /* no clock does that */
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
}

static void
what_was_known_before_a_reboot_is_known_after_it_S_20(void **state)
{
	struct stat st;

	(void)state;
	start(0);
	assert_false(trust_time_learn(t, TODAY));
	pass(HOUR);
	trust_time_keep(t);
	restart(0);
	assert_int_equal(trust_time_now(t), TODAY + HOUR);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
an_old_file_is_no_reason_to_be_younger_than_the_program(void **state)
{
	FILE *f = fopen(path, "w");

	(void)state;
	fputs("1000\n", f);
	fclose(f);
	start(0);
	assert_int_equal(trust_time_now(t), TRUST_TIME_BUILT);
}

static void
a_damaged_file_is_told_and_left_as_it_is(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} wrong[] = {
		{ "", 0 },
		{ "\n", 1 },
		{ "1795219200000", 13 },
		{ "1795219200000\n\n", 15 },
		{ "-1795219200000\n", 15 },
		{ " 1795219200000\n", 15 },
		{ "1795219200000\0\n", 15 },
		{ "99999999999999999999\n", 21 },
		{ "1795219200000\n1795219200000\n", 28 },
		{ "\0\0\0\0\0\0\0\0", 8 },
	};

	(void)state;
	clocks = (struct clocks){ TODAY, 0 };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char back[64];
		FILE *f = fopen(path, "w");

		fwrite(wrong[i].text, 1, wrong[i].len, f);
		fclose(f);
		if (trust_time_new(path, wall, boot, &clocks, &t) != -EBADMSG)
			fail_msg("case %zu was taken", i);
		f = fopen(path, "r");
		assert_int_equal(fread(back, 1, sizeof back, f), wrong[i].len);
		fclose(f);
		assert_memory_equal(back, wrong[i].text, wrong[i].len);
	}
}

static void
without_a_file_nothing_is_kept(void **state)
{
	(void)state;
	clocks = (struct clocks){ TODAY, 0 };
	assert_int_equal(trust_time_new(NULL, wall, boot, &clocks, &t), 0);
	trust_time_keep(t);
	assert_int_equal(trust_time_now(t), TODAY);
}

#define TIME_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TIME_TEST(a_good_clock_is_taken_as_it_is),
		TIME_TEST(
		    in_1970_it_is_the_day_the_program_was_made_until_a_controller_tells_S_20),
		TIME_TEST(a_clock_ten_years_ahead_is_not_believed_and_told_once_S_20),
		TIME_TEST(a_controller_clears_a_clock_that_only_seemed_suspect),
		TIME_TEST(the_border_is_400_days),
		TIME_TEST(a_clock_set_back_a_day_during_a_session_changes_nothing_S_20),
		TIME_TEST(the_floor_never_runs_back),
		TIME_TEST(what_was_known_before_a_reboot_is_known_after_it_S_20),
		TIME_TEST(an_old_file_is_no_reason_to_be_younger_than_the_program),
		TIME_TEST(a_damaged_file_is_told_and_left_as_it_is),
		TIME_TEST(without_a_file_nothing_is_kept),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
