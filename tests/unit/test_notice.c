/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>

static uint8_t memory[65536], changed_memory[4096];
static struct buf out, changed;

static int
reset(void **state)
{
	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	buf_init_fixed(&changed, changed_memory, sizeof changed_memory);
	return 0;
}

static int
decode(struct slice value, void *ret)
{
	return fog_notice_decode(value, ret);
}

static void
encode_sample(bool full, struct fog_notice *n, struct fog_denial denied[SAMPLE_DENIALS])
{
	*n = sample_notice(full, denied);
	fog_notice_encode(n, denied, full ? SAMPLE_DENIALS : 0, &out);
	assert_int_equal(out.err, 0);
}

static void
a_notice_comes_back_as_it_went(void **state)
{
	struct fog_denial denied[SAMPLE_DENIALS], d;
	struct fog_notice n, back;

	(void)state;
	encode_sample(true, &n, denied);
	assert_int_equal(fog_notice_decode(buf_slice(&out), &back), 0);
	assert_int_equal(back.trust_version, 2);
	assert_int_equal(back.cas, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(slice_equal(back.ca[i], n.ca[i]));
	assert_int_equal(back.secrets, 2);
	assert_memory_equal(back.secret, n.secret, sizeof n.secret);
	assert_int_equal(back.denied_before, 5);
	assert_int_equal(back.denials_len, SAMPLE_DENIALS);
	for (size_t i = 0; i < SAMPLE_DENIALS; i++) {
		assert_true(fog_notice_denial(&back, i, &d));
		assert_memory_equal(&d, &denied[i], sizeof d);
	}
	assert_false(fog_notice_denial(&back, SAMPLE_DENIALS, &d));
}

static void
a_notice_without_news_is_a_version_alone(void **state)
{
	struct fog_denial denied[SAMPLE_DENIALS], d;
	struct fog_notice n, back;

	(void)state;
	encode_sample(false, &n, denied);
	assert_int_equal(out.pos, 3);
	assert_int_equal(fog_notice_decode(buf_slice(&out), &back), 0);
	assert_int_equal(back.trust_version, 2);
	assert_int_equal(back.cas + back.denials_len + back.secrets, 0);
	assert_false(fog_notice_denial(&back, 0, &d));
}

static void
a_notice_holds_1024_denials_and_no_more(void **state)
{
	static struct fog_denial denied[FOG_NOTICE_DENIALS_MAX + 1];
	struct fog_notice n = { .trust_version = 1 }, back;
	struct fog_denial last;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(denied); i++)
		memcpy(denied[i].id.bytes, &i, sizeof i);
	fog_notice_encode(&n, denied, FOG_NOTICE_DENIALS_MAX, &out);
	assert_int_equal(fog_notice_decode(buf_slice(&out), &back), 0);
	assert_true(fog_notice_denial(&back, FOG_NOTICE_DENIALS_MAX - 1, &last));
	assert_memory_equal(&last, &denied[FOG_NOTICE_DENIALS_MAX - 1], sizeof last);
	buf_reset(&out);
	fog_notice_encode(&n, denied, ARRAY_LEN(denied), &out);
	assert_int_equal(fog_notice_decode(buf_slice(&out), &back), -EBADMSG);
}

static void
a_notice_cut_at_any_byte_is_refused(void **state)
{
	struct fog_denial denied[SAMPLE_DENIALS];
	struct fog_notice n, back;

	(void)state;
	encode_sample(true, &n, denied);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	struct fog_denial denied[SAMPLE_DENIALS];
	struct fog_notice n, back;

	(void)state;
	encode_sample(true, &n, denied);
	assert_int_equal(
	    fog_notice_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back),
	    0);
	assert_int_equal(back.denials_len, SAMPLE_DENIALS);
	assert_int_equal(
	    fog_notice_decode(with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
	    -EBADMSG);
}

#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_32 ZEROS_16 ZEROS_16

/* What somebody else might write instead (S-13). */
static void
a_notice_with_anything_out_of_its_bounds_is_refused_S_13(void **state)
{
	static const struct {
		struct slice value;
		int result;
	} table[] = {
		{ SLICE("\xa1\x01\x02"), 0 },
		{ SLICE("\xa0"), -EBADMSG },			 /* no version */
		{ SLICE("\xa1\x01\x20"), -EBADMSG },		 /* a negative one */
		{ SLICE("\xa2\x01\x02\x02\x80"), -EBADMSG },	 /* no CA */
		{ SLICE("\xa2\x01\x02\x02\x81\x40"), -EBADMSG }, /* an empty one */
		{ SLICE("\xa2\x01\x02\x02\x81\x41\x30"), 0 },
		{ SLICE("\xa2\x01\x02\x02\x83\x41\x30\x41\x30\x41\x30"), 0 },
		{ SLICE("\xa2\x01\x02\x02\x84\x41\x30\x41\x30\x41\x30\x41\x30"),
		    -EBADMSG },
		/* a CA in chunks, which could not be borrowed */
		{ SLICE("\xa2\x01\x02\x02\x81\x5f\x41\x30\x41\x30\xff"), -EBADMSG },
		{ SLICE("\xa3\x01\x02\x03\x00\x04\x81\x58\x20" ZEROS_32), 0 },
		{ SLICE("\xa3\x01\x02\x03\x00\x04\x80"), -EBADMSG },
		/* which denials? */
		{ SLICE("\xa2\x01\x02\x04\x81\x58\x20" ZEROS_32), -EBADMSG },
		/* beyond the last number */
		{ SLICE("\xa3\x01\x02\x03\x1b\xff\xff\xff\xff\xff\xff\xff\xff"
			"\x04\x81\x58\x20" ZEROS_32),
		    -EBADMSG },
		/* an id alone, a length in two bytes, chunks */
		{ SLICE("\xa3\x01\x02\x03\x00\x04\x81\x50" ZEROS_16), -EBADMSG },
		{ SLICE("\xa3\x01\x02\x03\x00\x04\x81\x59\x00\x20" ZEROS_32), -EBADMSG },
		{ SLICE("\xa3\x01\x02\x03\x00\x04\x81\x5f\x50" ZEROS_16 "\x4e"
			"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff"),
		    -EBADMSG },
		{ SLICE("\xa2\x01\x02\x05\x81\x83\x01\x58\x20" ZEROS_32 "\x01"), 0 },
		{ SLICE("\xa2\x01\x02\x05\x81\x82\x01\x58\x20" ZEROS_32), -EBADMSG },
		{ SLICE("\xa2\x01\x02\x05\x81\x83\x01\x50" ZEROS_16 "\x01"), -EBADMSG },
		{ SLICE("\xa2\x01\x02\x05\x80"), -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct fog_notice back;

		if (fog_notice_decode(table[i].value, &back) != table[i].result)
			fail_msg("case %zu is not %d", i, table[i].result);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_notice_comes_back_as_it_went, reset),
		cmocka_unit_test_setup(a_notice_without_news_is_a_version_alone, reset),
		cmocka_unit_test_setup(a_notice_holds_1024_denials_and_no_more, reset),
		cmocka_unit_test_setup(a_notice_cut_at_any_byte_is_refused, reset),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		cmocka_unit_test_setup(
		    a_notice_with_anything_out_of_its_bounds_is_refused_S_13, reset),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
