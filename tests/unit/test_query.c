/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>

static uint8_t memory[16384], changed_memory[16384];
static struct buf out, changed;
static struct fog_result result, back;

static int
reset(void **state)
{
	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	buf_init_fixed(&changed, changed_memory, sizeof changed_memory);
	sample_result(true, &result);
	return 0;
}

static int
decode(struct slice value, void *ret)
{
	return fog_result_decode(value, ret);
}

static void
assert_same_points(void)
{
	assert_int_equal(back.now_ms, result.now_ms);
	assert_int_equal(back.wall_ms, result.wall_ms);
	assert_string_equal(back.unit, result.unit);
	assert_string_equal(back.unknown, result.unknown);
	assert_int_equal(back.points, result.points);
	for (unsigned i = 0; i < result.points; i++) {
		const struct query_point *a = &back.point[i], *b = &result.point[i];

		assert_true(a->value == b->value || (isnan(a->value) && isnan(b->value)));
		assert_int_equal(a->samples, b->samples);
		assert_int_equal(a->oldest_ms, b->oldest_ms);
		assert_int_equal(a->newest_ms, b->newest_ms);
		assert_true(slice_equal(a->labels, b->labels));
	}
}

static void
a_query_carries_its_program_untouched(void **state)
{
	struct fog_query q = { .program = SAMPLE_PROGRAM }, got;

	(void)state;
	fog_query_encode(&q, &out);
	assert_int_equal(fog_query_decode(buf_slice(&out), &got), 0);
	assert_true(slice_equal(got.program, q.program));
	for (size_t len = 1; len < out.pos; len++)
		assert_int_equal(
		    fog_query_decode((struct slice){ memory, len }, &got), -EBADMSG);
}

static void
a_query_without_a_program_is_refused(void **state)
{
	static const struct slice wrong[] = { SLICE(""), SLICE("\xa0"), SLICE("\xf6"),
		SLICE("\xa1\x01\xa0"), SLICE("\xa1\x02\x80"),
		SLICE("\xa2\x01\x80\x01\x80") };
	struct fog_query got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(fog_query_decode(wrong[i], &got), -EBADMSG);
	assert_int_equal(fog_query_decode(SLICE("\xa2\x01\x80\x18\x63\xf6"), &got), 0);
}

static void
a_result_comes_back_as_it_went(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		sample_result(full, &result);
		buf_reset(&out);
		fog_result_encode(&result, &out);
		assert_int_equal(out.err, 0);
		assert_int_equal(fog_result_decode(buf_slice(&out), &back), 0);
		assert_same_points();
		assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
	}
}

static void
a_result_holds_as_many_points_as_its_bound_and_no_more(void **state)
{
	(void)state;
	result.points = QUERY_POINTS_MAX;
	for (unsigned i = 0; i < QUERY_POINTS_MAX; i++)
		result.point[i] = result.point[0];
	fog_result_encode(&result, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(fog_result_decode(buf_slice(&out), &back), 0);
	assert_same_points();

	buf_put_slice(&changed, SLICE("\xa2\x01\x00\x05"));
	wr_array(&changed, QUERY_POINTS_MAX + 1);
	for (unsigned i = 0; i <= QUERY_POINTS_MAX; i++)
		buf_put_slice(&changed, SLICE("\x85\xa0\x00\x00\x00\x00"));
	assert_true(cbor_well_formed(buf_slice(&changed)));
	assert_int_equal(fog_result_decode(buf_slice(&changed), &back), -EBADMSG);
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	(void)state;
	fog_result_encode(&result, &out);
	assert_int_equal(
	    fog_result_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back),
	    0);
	assert_same_points();
	assert_int_equal(
	    fog_result_decode(with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
	    -EBADMSG);
}

static void
a_time_beyond_reason_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    fog_result_decode(
		SLICE("\xa2\x01\x1b\x40\x00\x00\x00\x00\x00\x00\x01\x05\x80"), &back),
	    -EBADMSG);
	assert_int_equal(
	    fog_result_decode(SLICE("\xa2\x01\x20\x05\x80"), &back), -EBADMSG);
	assert_int_equal(fog_result_decode(SLICE("\xa1\x05\x80"), &back), -EBADMSG);
}

static void
a_range_comes_back_with_its_columns_RPT_01(void **state)
{
	struct column_writer packed;
	struct column_reader r;
	uint32_t step = 3;
	double v;

	(void)state;
	sample_range(&packed, &result);
	fog_result_encode(&result, &out);
	assert_int_equal(fog_result_decode(buf_slice(&out), &back), 0);
	assert_int_equal(back.start_ms, -10000);
	assert_int_equal(back.step_ms, 15000);
	assert_int_equal(back.columns, 2);
	assert_int_equal(back.column[0].first, 3);
	assert_int_equal(back.column[0].len, 37);
	column_open(&back.column[0], &r);
	for (; column_next(&r, &v); step++)
		assert_true(step % 7 ? v == step * 0.25 : isnan(v));
	assert_int_equal(step, 40);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
	column_writer_done(&packed);
}

static void
a_column_that_was_cut_ends_in_unknown_values(void **state)
{
	const struct query_column cut = { .len = 4, .packed = SLICE("") };
	struct column_reader r;
	unsigned n = 0;
	double v;

	(void)state;
	column_open(&cut, &r);
	for (; column_next(&r, &v); n++)
		assert_true(isnan(v));
	assert_int_equal(n, 4);
}

static void
a_range_has_bounds_and_each_is_told(void **state)
{
	static const struct query_range wrong[] = { { 0, 0, 0 }, { 0, 1000, 1000 },
		{ 11000000, 0, 1000 }, { 1000, -1, 1000 },
		{ QUERY_AGE_MAX_MS + 1, 0, QUERY_AGE_MAX_MS } };
	struct fog_query q = sample_query(true), got;
	const char *why;

	(void)state;
	assert_int_equal(
	    query_range_steps(&(struct query_range){ 10999000, 0, 1000 }, &why), 11000);
	assert_int_equal(query_range_steps(&(struct query_range){ 0, 0, 1 }, &why), 1);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(query_range_steps(&wrong[i], &why), 0);
		assert_non_null(why);
	}
	fog_query_encode(&q, &out);
	assert_int_equal(fog_query_decode(buf_slice(&out), &got), 0);
	assert_memory_equal(&got.range, &q.range, sizeof q.range);
	/* a step without a start, a start without a step, and too many steps */
	assert_int_equal(fog_query_decode(SLICE("\xa2\x01\x80\x04\x01"), &got), -EBADMSG);
	assert_int_equal(fog_query_decode(SLICE("\xa2\x01\x80\x02\x01"), &got), -EBADMSG);
	assert_int_equal(
	    fog_query_decode(SLICE("\xa3\x01\x80\x02\x19\xff\xff\x04\x01"), &got),
	    -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_query_carries_its_program_untouched, reset),
		TEST(a_query_without_a_program_is_refused),
		cmocka_unit_test_setup(a_result_comes_back_as_it_went, reset),
		cmocka_unit_test_setup(
		    a_result_holds_as_many_points_as_its_bound_and_no_more, reset),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		TEST(a_time_beyond_reason_is_refused),
		cmocka_unit_test_setup(a_range_comes_back_with_its_columns_RPT_01, reset),
		TEST(a_column_that_was_cut_ends_in_unknown_values),
		cmocka_unit_test_setup(a_range_has_bounds_and_each_is_told, reset),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
