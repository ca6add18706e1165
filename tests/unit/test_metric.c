/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metric.h"
#include "tests/support/test.h"
#include <errno.h>
#include <string.h>

static void
labels_are_kept_in_order_of_their_names(void **state)
{
	struct metric_labels l = { 0 };
	char text[128];
	struct buf out;

	(void)state;
	assert_int_equal(metric_labels_add(&l, "mode", "rx"), 0);
	assert_int_equal(metric_labels_add(&l, "device", "e0"), 0);
	assert_int_equal(metric_labels_add(&l, "zone", "\"a\\b\"\n"), 0);
	buf_init_fixed(&out, text, sizeof text);
	metric_labels_print(&l, &out);
	assert_true(slice_is(
	    buf_slice(&out), "{device=\"e0\",mode=\"rx\",zone=\"\\\"a\\\\b\\\"\\n\"}"));
	assert_string_equal(metric_labels_get(&l, "mode"), "rx");
	assert_string_equal(metric_labels_get(&l, "mod"), "");
}

static void
no_labels_print_as_nothing(void **state)
{
	struct metric_labels l = { 0 };
	char text[8];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, text, sizeof text);
	metric_labels_print(&l, &out);
	assert_int_equal(out.pos, 0);
}

static void
a_fifth_label_and_a_long_name_are_refused(void **state)
{
	struct metric_labels l = { 0 };

	(void)state;
	assert_int_equal(metric_labels_add(&l, "abcdefghijklmnopqrstuvwx", "1"), -ENOSPC);
	assert_int_equal(metric_labels_add(&l, "abcdefghijklmnopqrstuvw", "1"), 0);
	assert_int_equal(metric_labels_add(&l, "b", "2"), 0);
	assert_int_equal(metric_labels_add(&l, "c", "3"), 0);
	assert_int_equal(metric_labels_add(&l, "d", "4"), 0);
	assert_int_equal(metric_labels_add(&l, "e", "5"), -ENOSPC);
	assert_int_equal(l.len, 4);
}

static void
a_long_value_is_cut_between_characters(void **state)
{
	struct metric_labels l = { 0 };
	char value[80];

	(void)state;
	memset(value, 'x', sizeof value);
	strcpy(value + METRIC_LABEL_VALUE_MAX - 2, "\xc3\xa4z"); /* ä across the border */
	assert_int_equal(metric_labels_add(&l, "a", value), 0);
	assert_int_equal(strlen(l.pair[0].value), METRIC_LABEL_VALUE_MAX - 2);
	value[METRIC_LABEL_VALUE_MAX - 2] = '\0';
	assert_string_equal(l.pair[0].value, value);
}

static void
bytes_that_are_no_utf8_are_replaced(void **state)
{
	struct metric_labels l = { 0 };

	(void)state;
	assert_int_equal(metric_labels_add(&l, "a", "x\xff\xc3y\xc3\xa4"), 0);
	assert_string_equal(l.pair[0].value, "x\xef\xbf\xbd\xef\xbf\xbdy\xc3\xa4");
}

static void
labels_are_equal_whatever_order_they_came_in(void **state)
{
	struct metric_labels a = { 0 }, b = { 0 };

	(void)state;
	assert_true(metric_labels_equal(&a, &b));
	assert_int_equal(metric_labels_add(&a, "x", "1"), 0);
	assert_int_equal(metric_labels_add(&a, "y", "2"), 0);
	assert_int_equal(metric_labels_add(&b, "y", "2"), 0);
	assert_false(metric_labels_equal(&a, &b));
	assert_int_equal(metric_labels_add(&b, "x", "1"), 0);
	assert_true(metric_labels_equal(&a, &b));
	b.pair[1].value[0] = '3';
	assert_false(metric_labels_equal(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(labels_are_kept_in_order_of_their_names),
		TEST(no_labels_print_as_nothing),
		TEST(a_fifth_label_and_a_long_name_are_refused),
		TEST(a_long_value_is_cut_between_characters),
		TEST(bytes_that_are_no_utf8_are_replaced),
		TEST(labels_are_equal_whatever_order_they_came_in),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
