/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>

static uint8_t memory[16384], changed_memory[16384];
static struct buf out, changed;
static struct fog_plan plan, back;

static int
reset(void **state)
{
	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	buf_init_fixed(&changed, changed_memory, sizeof changed_memory);
	sample_plan(true, &plan);
	return 0;
}

static int
decode(struct slice value, void *ret)
{
	return fog_plan_decode(value, ret);
}

static void
assert_same_items(void)
{
	assert_int_equal(back.version, plan.version);
	assert_int_equal(back.items, plan.items);
	assert_int_equal(back.rules, plan.rules);
	for (unsigned i = 0; i < plan.rules; i++) {
		assert_string_equal(back.rule[i].name, plan.rule[i].name);
		assert_string_equal(back.rule[i].unit, plan.rule[i].unit);
		assert_true(slice_equal(back.rule[i].program, plan.rule[i].program));
	}
	for (unsigned i = 0; i < plan.items; i++) {
		const struct plan_item *a = &back.item[i], *b = &plan.item[i];

		assert_int_equal(a->id, b->id);
		assert_int_equal(a->period_ms, b->period_ms);
		assert_int_equal(a->mode, b->mode);
		assert_true(a->deadband == b->deadband);
		assert_int_equal(a->heartbeat_ms, b->heartbeat_ms);
		assert_int_equal(a->flags, b->flags);
		assert_true(a->share == b->share);
		assert_int_equal(a->period_max_ms, b->period_max_ms);
		assert_int_equal(a->thresholds, b->thresholds);
		assert_memory_equal(a->threshold, b->threshold, sizeof a->threshold);
		assert_true(slice_equal(a->program, b->program));
	}
}

static void
a_plan_comes_back_as_it_went(void **state)
{
	(void)state;
	fog_plan_encode(&plan, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(fog_plan_decode(buf_slice(&out), &back), 0);
	assert_same_items();
}

static void
an_empty_plan_is_a_plan(void **state)
{
	(void)state;
	plan.items = 0;
	fog_plan_encode(&plan, &out);
	assert_int_equal(fog_plan_decode(buf_slice(&out), &back), 0);
	assert_int_equal(back.items, 0);
}

static void
a_plan_holds_as_many_items_as_its_bound_and_no_more(void **state)
{
	(void)state;
	plan.rules = 0;
	plan.why[0] = 0;
	plan.items = PLAN_ITEMS_MAX;
	for (unsigned i = 0; i < PLAN_ITEMS_MAX; i++) {
		plan.item[i] = plan.item[1];
		plan.item[i].id = i;
	}
	fog_plan_encode(&plan, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(fog_plan_decode(buf_slice(&out), &back), 0);
	assert_same_items();

	size_t items = 1 + 1 + 1 + 1 + 2;
	wr_map(&changed, 2);
	buf_put(&changed, memory + 1, 3);
	wr_array(&changed, PLAN_ITEMS_MAX + 1);
	buf_put(&changed, memory + items, out.pos - items);
	buf_put_slice(
	    &changed, SLICE("\xa4\x01\x19\xff\xff\x02\x80\x03\x18\x64\x04\x01"));
	assert_true(cbor_well_formed(buf_slice(&changed)));
	assert_int_equal(fog_plan_decode(buf_slice(&changed), &back), -EBADMSG);
}

static void
a_counter_offer_says_why(void **state)
{
	(void)state;
	fog_plan_encode(&plan, &out);
	assert_int_equal(fog_plan_decode(buf_slice(&out), &back), 0);
	assert_string_equal(back.why, plan.why);
	assert_string_not_equal(back.why, "");
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	(void)state;
	fog_plan_encode(&plan, &out);
	assert_int_equal(
	    fog_plan_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back),
	    0);
	assert_same_items();
	assert_int_equal(
	    fog_plan_decode(with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
	    -EBADMSG);
}

static void
a_plan_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	fog_plan_encode(&plan, &out);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
}

static void
two_items_with_one_id_are_refused(void **state)
{
	(void)state;
	plan.item[1].id = plan.item[0].id;
	fog_plan_encode(&plan, &out);
	assert_int_equal(fog_plan_decode(buf_slice(&out), &back), -EBADMSG);
}

static void
period_mode_and_deadband_have_bounds(void **state)
{
	static const struct {
		double deadband;
		uint32_t period_ms;
		int mode, result;
	} table[] = {
		{ 0, PLAN_PERIOD_MIN_MS, PLAN_PERIODIC, 0 },
		{ 1e300, PLAN_PERIOD_MAX_MS, PLAN_ON_CHANGE, 0 },
		{ 0, PLAN_PERIOD_MIN_MS - 1, PLAN_PERIODIC, -EBADMSG },
		{ 0, PLAN_PERIOD_MAX_MS + 1, PLAN_PERIODIC, -EBADMSG },
		{ 0, 1000, 0, -EBADMSG },
		{ 0, 1000, PLAN_SUPPRESSED + 1, -EBADMSG },
		{ INFINITY, 1000, PLAN_ON_CHANGE, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		plan.item[0].deadband = table[i].deadband;
		plan.item[0].period_ms = table[i].period_ms;
		plan.item[0].mode = (enum plan_mode)table[i].mode;
		buf_reset(&out);
		fog_plan_encode(&plan, &out);
		assert_int_equal(
		    fog_plan_decode(buf_slice(&out), &back), table[i].result);
	}
}

static void
assert_item_is_refused(struct plan_item item)
{
	item.program = plan.item[0].program;
	plan.item[0] = item;
	buf_reset(&out);
	fog_plan_encode(&plan, &out);
	assert_int_equal(fog_plan_decode(buf_slice(&out), &back), -EBADMSG);
}

static void
flags_share_thresholds_and_longest_period_have_bounds(void **state)
{
	const struct plan_item good = {
		.id = 7, .period_ms = 1000, .mode = PLAN_SUPPRESSED, .thresholds = 1
	};
	struct plan_item bad = good;

	(void)state;
	bad.flags = PLAN_FLAGS + 1;
	assert_item_is_refused(bad);
	bad = good;
	bad.share = 1.01;
	assert_item_is_refused(bad);
	bad = good;
	bad.threshold[0] = NAN;
	assert_item_is_refused(bad);
	bad = good;
	bad.period_max_ms = 999;
	assert_item_is_refused(bad);
}

static void
an_item_without_one_of_its_parts_is_refused(void **state)
{
	static const struct slice pair[] = { SLICE("\x01\x05"), SLICE("\x02\x80"),
		SLICE("\x03\x18\x64"), SLICE("\x04\x01") };

	(void)state;
	for (int without = -1; without < (int)ARRAY_LEN(pair); without++) {
		buf_reset(&out);
		buf_put_slice(&out, SLICE("\xa2\x01\x01\x02\x81"));
		wr_map(&out, ARRAY_LEN(pair) - (without >= 0));
		for (int i = 0; i < (int)ARRAY_LEN(pair); i++)
			if (i != without)
				buf_put_slice(&out, pair[i]);
		assert_int_equal(
		    fog_plan_decode(buf_slice(&out), &back), without < 0 ? 0 : -EBADMSG);
	}
}

static void
a_program_is_an_array_of_bounded_length(void **state)
{
	static uint8_t room[PLAN_PROGRAM_MAX + 8];
	struct buf program;

	(void)state;
	plan.items = 1;
	for (unsigned over = 0; over < 2; over++) {
		buf_init_fixed(&program, room, sizeof room);
		wr_array(&program, 1);
		wr_bytes(&program, changed_memory, PLAN_PROGRAM_MAX - 4 + over);
		assert_int_equal(program.pos, PLAN_PROGRAM_MAX + over);
		plan.item[0].program = buf_slice(&program);
		buf_reset(&out);
		fog_plan_encode(&plan, &out);
		assert_int_equal(
		    fog_plan_decode(buf_slice(&out), &back), over ? -EBADMSG : 0);
	}
	plan.item[0].program = SLICE("\xa0");
	buf_reset(&out);
	fog_plan_encode(&plan, &out);
	assert_int_equal(fog_plan_decode(buf_slice(&out), &back), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_plan_comes_back_as_it_went, reset),
		cmocka_unit_test_setup(an_empty_plan_is_a_plan, reset),
		cmocka_unit_test_setup(
		    a_plan_holds_as_many_items_as_its_bound_and_no_more, reset),
		cmocka_unit_test_setup(a_counter_offer_says_why, reset),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		cmocka_unit_test_setup(a_plan_cut_at_any_byte_is_refused, reset),
		cmocka_unit_test_setup(two_items_with_one_id_are_refused, reset),
		cmocka_unit_test_setup(period_mode_and_deadband_have_bounds, reset),
		cmocka_unit_test_setup(
		    flags_share_thresholds_and_longest_period_have_bounds, reset),
		cmocka_unit_test_setup(
		    an_item_without_one_of_its_parts_is_refused, reset),
		cmocka_unit_test_setup(a_program_is_an_array_of_bounded_length, reset),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
