/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <stdio.h>

#include "grasp/seen.h"
#include "tests/support/lab.h"

static void
an_entry_is_found_by_session_id_and_initiator_only_G_039(void **state)
{
	struct grasp_initiator a = lab_initiator("2001:db8::1"),
			       b = lab_initiator("2001:db8::2");
	struct seen s;

	(void)state;
	seen_init(&s, 7);
	assert_non_null(seen_add(&s, 1, &a, 0));
	assert_non_null(seen_find(&s, 1, &a, 0));
	assert_null(seen_find(&s, 2, &a, 0));
	assert_null(seen_find(&s, 1, &b, 0));
	seen_done(&s);
}

static void
a_short_initiator_differs_from_a_long_one_that_begins_alike_G_043(void **state)
{
	struct grasp_initiator long_one = lab_initiator("c000:201::"),
			       short_one = long_one;
	struct seen s;

	(void)state;
	short_one.len = 4;
	seen_init(&s, 7);
	assert_non_null(seen_add(&s, 1, &short_one, 0));
	assert_null(seen_find(&s, 1, &long_one, 0));
	assert_non_null(seen_find(&s, 1, &short_one, 0));
	seen_done(&s);
}

static void
adding_twice_gives_the_same_entry_with_its_marks(void **state)
{
	struct grasp_initiator a = lab_initiator("2001:db8::1");
	struct seen s;

	(void)state;
	seen_init(&s, 7);
	seen_add(&s, 1, &a, 0)->own = true;
	assert_true(seen_add(&s, 1, &a, 10)->own);
	assert_int_equal(s.count, 1);
	seen_done(&s);
}

static void
an_entry_lives_for_120_seconds_G_120(void **state)
{
	struct grasp_initiator a = lab_initiator("2001:db8::1");
	struct seen s;

	(void)state;
	seen_init(&s, 7);
	assert_non_null(seen_add(&s, 1, &a, 1000));
	assert_non_null(seen_find(&s, 1, &a, 120999));
	assert_null(seen_find(&s, 1, &a, 121000));
	assert_int_equal(s.count, 0);
	seen_done(&s);
}

static void
beyond_4096_entries_the_oldest_goes(void **state)
{
	struct grasp_initiator a = lab_initiator("2001:db8::1");
	struct seen s;

	(void)state;
	seen_init(&s, 7);
	for (uint32_t id = 0; id < SEEN_MAX + 10; id++)
		assert_non_null(seen_add(&s, id, &a, 0));
	assert_int_equal(s.count, SEEN_MAX);
	assert_null(seen_find(&s, 9, &a, 0));
	assert_non_null(seen_find(&s, 10, &a, 0));
	assert_non_null(seen_find(&s, SEEN_MAX + 9, &a, 0));
	seen_done(&s);
}

static void
an_entry_that_takes_another_s_place_has_none_of_its_marks(void **state)
{
	struct grasp_initiator a = lab_initiator("2001:db8::1");
	struct seen_entry *e;
	struct seen s;

	(void)state;
	seen_init(&s, 7);
	for (uint32_t id = 0; id < SEEN_MAX; id++) {
		e = seen_add(&s, id, &a, 0);
		e->own = e->flooded = e->settled = e->joined = true;
		e->answered = 1;
	}
	e = seen_add(&s, SEEN_MAX, &a, 50);
	assert_false(e->own || e->flooded || e->settled || e->joined || e->answered);
	assert_int_equal(e->expires_ms, 50 + 120000);
	assert_null(seen_find(&s, 0, &a, 50));
	assert_ptr_equal(seen_find(&s, SEEN_MAX, &a, 50), e);
	seen_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_is_found_by_session_id_and_initiator_only_G_039),
		TEST(a_short_initiator_differs_from_a_long_one_that_begins_alike_G_043),
		TEST(adding_twice_gives_the_same_entry_with_its_marks),
		TEST(an_entry_lives_for_120_seconds_G_120),
		TEST(beyond_4096_entries_the_oldest_goes),
		TEST(an_entry_that_takes_another_s_place_has_none_of_its_marks),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
