/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>

static uint8_t memory[4096], caps_memory[2048], changed_memory[4096];
static struct buf out, caps, changed;

static int
reset(void **state)
{
	struct caps c = sample_caps(true);

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	buf_init_fixed(&caps, caps_memory, sizeof caps_memory);
	buf_init_fixed(&changed, changed_memory, sizeof changed_memory);
	caps_encode(&c, &caps);
	return 0;
}

static int
decode(struct slice value, void *ret)
{
	return fog_registration_decode(value, ret);
}

static int
decode_lease(struct slice value, void *ret)
{
	return fog_lease_decode(value, ret);
}

static void
assert_same(const struct fog_registration *a, const struct fog_registration *b)
{
	assert_memory_equal(&a->node, &b->node, sizeof a->node);
	assert_memory_equal(a->boot, b->boot, sizeof a->boot);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->domain, b->domain);
	assert_int_equal(a->renew, b->renew);
	assert_int_equal(a->plan_version, b->plan_version);
	assert_memory_equal(a->plan_digest, b->plan_digest, sizeof a->plan_digest);
	assert_int_equal(a->trust_version, b->trust_version);
	assert_int_equal(a->denials, b->denials);
	assert_int_equal(a->boot_ms, b->boot_ms);
	assert_true(slice_equal(a->caps, b->caps));
}

static void
a_registration_comes_back_with_its_capabilities_raw(void **state)
{
	struct fog_registration r = sample_registration(true, buf_slice(&caps)), back;

	(void)state;
	r.renew = false;
	fog_registration_encode(&r, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(fog_registration_decode(buf_slice(&out), &back), 0);
	assert_same(&back, &r);
}

static void
a_renewal_needs_no_capabilities_and_a_registration_does(void **state)
{
	struct fog_registration r = sample_registration(false, (struct slice){ 0 }), back;

	(void)state;
	fog_registration_encode(&r, &out);
	assert_int_equal(fog_registration_decode(buf_slice(&out), &back), 0);
	assert_same(&back, &r);
	r.renew = false;
	buf_reset(&out);
	fog_registration_encode(&r, &out);
	assert_int_equal(fog_registration_decode(buf_slice(&out), &back), -EBADMSG);
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	struct fog_registration r = sample_registration(true, buf_slice(&caps)), back;

	(void)state;
	fog_registration_encode(&r, &out);
	assert_int_equal(fog_registration_decode(
			     with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back),
	    0);
	assert_same(&back, &r);
	assert_int_equal(fog_registration_decode(
			     with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
	    -EBADMSG);
}

/* REG-06: what a later agent says of itself must not be lost on the way. */
static void
capabilities_with_unknown_keys_are_kept_byte_by_byte(void **state)
{
	struct fog_registration r, back;
	uint8_t room[2048];
	struct buf later;

	(void)state;
	buf_init_fixed(&later, room, sizeof room);
	r = sample_registration(true, with_pair(buf_slice(&caps), UNKNOWN_PAIR, &later));
	fog_registration_encode(&r, &out);
	assert_int_equal(fog_registration_decode(buf_slice(&out), &back), 0);
	assert_true(slice_equal(back.caps, buf_slice(&later)));
}

static void
a_registration_cut_at_any_byte_is_refused(void **state)
{
	struct fog_registration r = sample_registration(true, buf_slice(&caps)), back;

	(void)state;
	fog_registration_encode(&r, &out);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
}

static void
a_registration_without_node_boot_or_time_is_refused(void **state)
{
	static const struct slice pair[] = {
		SLICE("\x01\x50"
		      "0123456789abcdef"),
		SLICE("\x04\x48"
		      "01234567"),
		SLICE("\x06\xf5"),
		SLICE("\x08\x00"),
	};
	struct fog_registration back;

	(void)state;
	for (int without = -1; without < (int)ARRAY_LEN(pair); without++) {
		buf_reset(&out);
		wr_map(&out, ARRAY_LEN(pair) - (without >= 0));
		for (int i = 0; i < (int)ARRAY_LEN(pair); i++)
			if (i != without)
				buf_put_slice(&out, pair[i]);
		assert_int_equal(fog_registration_decode(buf_slice(&out), &back),
		    without < 0 ? 0 : -EBADMSG);
	}
}

static void
a_lease_comes_back_as_it_went(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		struct fog_lease l = sample_lease(full), back;

		buf_reset(&out);
		fog_lease_encode(&l, &out);
		assert_int_equal(fog_lease_decode(buf_slice(&out), &back), 0);
		assert_memory_equal(&back, &l, sizeof l);
		assert_int_equal(
		    accepted_prefixes(buf_slice(&out), decode_lease, &back), 0);
		assert_int_equal(
		    fog_lease_decode(
			with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back),
		    0);
		assert_int_equal(
		    fog_lease_decode(
			with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
		    -EBADMSG);
	}
}

static void
a_lease_of_nothing_or_for_ever_is_refused(void **state)
{
	static const struct {
		uint32_t lease_ms, beat_ms;
		int result;
	} table[] = {
		{ FOG_LEASE_MIN_MS, FOG_BEAT_MIN_MS, 0 },
		{ FOG_LEASE_MAX_MS, FOG_LEASE_MAX_MS, 0 },
		{ FOG_LEASE_MIN_MS - 1, FOG_BEAT_MIN_MS, -EBADMSG },
		{ FOG_LEASE_MAX_MS + 1, FOG_BEAT_MIN_MS, -EBADMSG },
		{ FOG_LEASE_MIN_MS, FOG_BEAT_MIN_MS - 1, -EBADMSG },
		{ 0, 0, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct fog_lease l = sample_lease(true), back;

		l.lease_ms = table[i].lease_ms;
		l.beat_ms = table[i].beat_ms;
		buf_reset(&out);
		fog_lease_encode(&l, &out);
		assert_int_equal(
		    fog_lease_decode(buf_slice(&out), &back), table[i].result);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    a_registration_comes_back_with_its_capabilities_raw, reset),
		cmocka_unit_test_setup(
		    a_renewal_needs_no_capabilities_and_a_registration_does, reset),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		cmocka_unit_test_setup(
		    capabilities_with_unknown_keys_are_kept_byte_by_byte, reset),
		cmocka_unit_test_setup(a_registration_cut_at_any_byte_is_refused, reset),
		cmocka_unit_test_setup(
		    a_registration_without_node_boot_or_time_is_refused, reset),
		cmocka_unit_test_setup(a_lease_comes_back_as_it_went, reset),
		cmocka_unit_test_setup(a_lease_of_nothing_or_for_ever_is_refused, reset),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
