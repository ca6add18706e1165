/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>

static uint8_t memory[2048];
static struct buf out;

static int
reset(void **state)
{
	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	return 0;
}

static int
decode(struct slice value, void *ret)
{
	return fog_domain_decode(value, ret);
}

static void
a_domain_comes_back_as_it_went(void **state)
{
	struct fog_domain d = sample_domain(true), back;

	(void)state;
	fog_domain_encode(&d, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(fog_domain_decode(buf_slice(&out), &back), 0);
	assert_memory_equal(&back, &d, sizeof d);
}

/* The value of the draft's advertisement, grasp.md §2: the text "operator1" (DISC-02). */
static void
a_plain_text_as_in_the_draft_is_the_domain(void **state)
{
	struct fog_domain back;

	(void)state;
	assert_int_equal(fog_domain_decode(SLICE("\x69"
						 "operator1"),
			     &back),
	    0);
	assert_string_equal(back.domain, "operator1");
	assert_false(back.has_id);
}

static void
nothing_said_is_any_domain(void **state)
{
	static const struct slice nothing[] = { { NULL, 0 }, SLICE("\xf6"),
		SLICE("\xa0") };
	struct fog_domain back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
		assert_int_equal(fog_domain_decode(nothing[i], &back), 0);
		assert_string_equal(back.domain, "");
		assert_int_equal(back.role, 0);
	}
}

static void
a_text_for_an_id_and_an_unknown_role_are_passed_over(void **state)
{
	struct fog_domain back;

	(void)state;
	assert_int_equal(fog_domain_decode(SLICE("\xa3\x01\x63"
						 "fc1"
						 "\x02\x61"
						 "d"
						 "\x06\x09"),
			     &back),
	    0);
	assert_false(back.has_id);
	assert_string_equal(back.domain, "d");
	assert_int_equal(back.role, 0);
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	struct fog_domain d = sample_domain(true), back;
	uint8_t room[2048];
	struct buf changed;

	(void)state;
	buf_init_fixed(&changed, room, sizeof room);
	fog_domain_encode(&d, &out);
	assert_int_equal(
	    fog_domain_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back),
	    0);
	assert_memory_equal(&back, &d, sizeof d);
	assert_int_equal(
	    fog_domain_decode(with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
	    -EBADMSG);
}

static void
a_domain_cut_at_any_byte_is_refused(void **state)
{
	struct fog_domain d = sample_domain(true), back;

	(void)state;
	fog_domain_encode(&d, &out);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
}

static void
what_does_not_fit_is_refused(void **state)
{
	static const struct slice wrong[] = {
		SLICE("\x01"),		       /* no map */
		SLICE("\xa1\x01\x41\x00"),     /* an id of one byte */
		SLICE("\xa1\x02\x62\x0a\x41"), /* a control character in a name */
		SLICE("\xa1\x02\x61\xff"),     /* no UTF-8 */
		SLICE("\xa1\x04\x20"),	       /* a negative epoch */
		SLICE("\xa1\x09\x19\x01\x00"), /* 256 hops */
		SLICE("\xa1\x0a\x01"),	       /* no bool */
		SLICE("\xa0\x00"),	       /* a byte behind */
		SLICE("\xa1\x61"
		      "2"
		      "\x61"
		      "d"), /* a text for a key */
	};
	struct fog_domain back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(fog_domain_decode(wrong[i], &back), -EBADMSG);
}

static void
a_name_may_be_as_long_as_its_bound_and_no_longer(void **state)
{
	char text[FOG_NAME_MAX + 2];
	struct fog_domain back;

	(void)state;
	memset(text, 'x', sizeof text);
	text[FOG_NAME_MAX] = 0;
	wr_text(&out, text);
	assert_int_equal(fog_domain_decode(buf_slice(&out), &back), 0);
	assert_string_equal(back.domain, text);
	text[FOG_NAME_MAX] = 'x';
	text[FOG_NAME_MAX + 1] = 0;
	buf_reset(&out);
	wr_text(&out, text);
	assert_int_equal(fog_domain_decode(buf_slice(&out), &back), -EBADMSG);
}

static void
a_prefix_stands_in_front_of_names(void **state)
{
	char name[FOG_NAME_MAX + 1], prefix[80];

	(void)state;
	assert_string_equal(fog_objective_name(NULL, FOGREG, name), "FOGREG");
	assert_string_equal(
	    fog_objective_name("example.org:", FOGDOMAIN, name), "example.org:FOGDOMAIN");
	memset(prefix, 'p', sizeof prefix);
	prefix[sizeof prefix - 1] = 0;
	fog_objective_name(prefix, FOGNODEVIRTUALIZATION, name);
	assert_string_equal(name + FOG_PREFIX_MAX, FOGNODEVIRTUALIZATION);
}

static void
an_id_is_shown_in_lower_case_hex(void **state)
{
	struct fog_domain d = sample_domain(true);
	char text[FOG_ID_TEXT];

	(void)state;
	assert_string_equal(
	    fog_id_format(&d.id, text), "0102030405060708090a0b0c0d0e0f10");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_domain_comes_back_as_it_went, reset),
		TEST(a_plain_text_as_in_the_draft_is_the_domain),
		TEST(nothing_said_is_any_domain),
		TEST(a_text_for_an_id_and_an_unknown_role_are_passed_over),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		cmocka_unit_test_setup(a_domain_cut_at_any_byte_is_refused, reset),
		TEST(what_does_not_fit_is_refused),
		cmocka_unit_test_setup(
		    a_name_may_be_as_long_as_its_bound_and_no_longer, reset),
		TEST(a_prefix_stands_in_front_of_names),
		TEST(an_id_is_shown_in_lower_case_hex),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
