/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>

static uint8_t memory[16384], changed_memory[16384];
static struct buf out, changed;
static struct fog_report report, back;

static int
reset(void **state)
{
	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	buf_init_fixed(&changed, changed_memory, sizeof changed_memory);
	sample_report(true, &report);
	return 0;
}

static int
decode(struct slice value, void *ret)
{
	return fog_report_decode(value, ret);
}

static void
assert_same_points(void)
{
	assert_memory_equal(back.boot, report.boot, sizeof back.boot);
	assert_int_equal(back.sequence, report.sequence);
	assert_int_equal(back.sent_ms, report.sent_ms);
	assert_int_equal(back.points, report.points);
	for (unsigned i = 0; i < report.points; i++) {
		const struct report_point *a = &back.point[i], *b = &report.point[i];

		assert_int_equal(a->item, b->item);
		assert_int_equal(a->time_ms, b->time_ms);
		assert_true(a->value == b->value || (isnan(a->value) && isnan(b->value)));
		assert_int_equal(a->samples, b->samples);
		assert_true(slice_equal(a->labels, b->labels));
		assert_true(slice_equal(a->reason, b->reason));
	}
}

static void
a_report_comes_back_as_it_went(void **state)
{
	(void)state;
	fog_report_encode(&report, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(fog_report_decode(buf_slice(&out), &back), 0);
	assert_same_points();
}

static void
a_point_without_labels_takes_few_bytes(void **state)
{
	(void)state;
	report.points = 1;
	report.point[0].labels = (struct slice){ 0 };
	fog_report_encode(&report, &out);
	size_t one = out.pos;
	report.points = 2;
	report.point[1] = report.point[0];
	buf_reset(&out);
	fog_report_encode(&report, &out);
	assert_true(out.pos - one <= 10);
	assert_int_equal(fog_report_decode(buf_slice(&out), &back), 0);
	assert_same_points();
}

static void
infinite_values_and_large_counters_survive(void **state)
{
	static const double values[] = { INFINITY, -INFINITY, 0.1, 9007199254740993.0,
		-0.5, 1e300 };

	(void)state;
	report.points = 1;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		report.point[0].value = values[i];
		buf_reset(&out);
		fog_report_encode(&report, &out);
		assert_int_equal(fog_report_decode(buf_slice(&out), &back), 0);
		assert_same_points();
	}
}

static void
a_report_holds_as_many_points_as_its_bound_and_no_more(void **state)
{
	(void)state;
	report.points = REPORT_POINTS_MAX;
	for (unsigned i = 0; i < REPORT_POINTS_MAX; i++)
		report.point[i] = report.point[0];
	fog_report_encode(&report, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(fog_report_decode(buf_slice(&out), &back), 0);
	assert_same_points();

	report.points = 0;
	fog_report_encode(&report, &changed);
	buf_reset(&out);
	buf_put(&out, changed_memory, changed.pos - 1);
	wr_array(&out, REPORT_POINTS_MAX + 1);
	for (unsigned i = 0; i <= REPORT_POINTS_MAX; i++)
		buf_put_slice(&out, SLICE("\x85\x01\x00\x00\x00\xa0"));
	assert_true(cbor_well_formed(buf_slice(&out)));
	assert_int_equal(fog_report_decode(buf_slice(&out), &back), -EBADMSG);
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	(void)state;
	fog_report_encode(&report, &out);
	assert_int_equal(
	    fog_report_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back),
	    0);
	assert_same_points();
	assert_int_equal(
	    fog_report_decode(with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
	    -EBADMSG);
}

static void
a_report_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	fog_report_encode(&report, &out);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
}

#define HEAD           \
	"\xa4\x01\x48" \
	"01234567"     \
	"\x02\x00\x03\x18\x64\x04\x81"

static void
what_a_point_may_be_is_bounded(void **state)
{
	static const struct {
		struct slice value;
		int result;
	} table[] = {
		{ SLICE(HEAD "\x85\x01\x18\x64\x00\x00\xa0"), 0 },
		{ SLICE(HEAD "\x87\x01\x00\x00\x00\xa0\x60\x82\x01\x02"),
		    0 },					   /* more of it */
		{ SLICE(HEAD "\x85\x01\x18\x65\x00\x00\xa0"), 0 }, /* before this boot */
		{ SLICE(HEAD "\x84\x01\x00\x00\x00"), -EBADMSG },  /* too short */
		{ SLICE(HEAD "\x85\x01\x00\x60\x00\xa0"),
		    -EBADMSG }, /* a text for a value */
		{ SLICE(HEAD "\x85\x01\x00\x00\x00\x80"),
		    -EBADMSG }, /* no map of labels */
		{ SLICE(HEAD "\x85\x01\x00\x00\x00\xa1\x61"
			     "a"
			     "\x01"),
		    -EBADMSG },
		{ SLICE(HEAD "\x85\x01\x00\x00\x00\xa1\x60\x60"),
		    -EBADMSG }, /* nameless label */
		/* a reason in chunks would have to be kept somewhere */
		{ SLICE(HEAD "\x86\x01\x00\xf6\x00\xa0\x7f\x61"
			     "n"
			     "\x61"
			     "o"
			     "\xff"),
		    -EBADMSG },
		{ SLICE("\xa1\x01\x48"
			"01234567"),
		    -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(
		    fog_report_decode(table[i].value, &back), table[i].result);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_report_comes_back_as_it_went, reset),
		cmocka_unit_test_setup(a_point_without_labels_takes_few_bytes, reset),
		cmocka_unit_test_setup(infinite_values_and_large_counters_survive, reset),
		cmocka_unit_test_setup(
		    a_report_holds_as_many_points_as_its_bound_and_no_more, reset),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		cmocka_unit_test_setup(a_report_cut_at_any_byte_is_refused, reset),
		TEST(what_a_point_may_be_is_bounded),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
