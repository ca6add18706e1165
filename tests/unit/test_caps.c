/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>
#include <stdio.h>

static uint8_t memory[CAPS_ENCODED_MAX + 1];
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
	return caps_decode(value, ret);
}

static void
capabilities_come_back_as_they_went(void **state)
{
	struct caps c = sample_caps(true), back;

	(void)state;
	caps_encode(&c, &out);
	assert_int_equal(out.err, 0);
	assert_int_equal(caps_decode(buf_slice(&out), &back), 0);
	assert_memory_equal(&back, &c, sizeof c);
}

static void
a_node_that_knows_nothing_of_itself_says_so_shortly(void **state)
{
	struct caps c = sample_caps(false), back;

	(void)state;
	caps_encode(&c, &out);
	assert_int_equal(out.pos, 3);
	assert_int_equal(caps_decode(buf_slice(&out), &back), 0);
	assert_true(isnan(back.battery));
	assert_int_equal(back.energy, CAPS_ENERGY_UNKNOWN);
}

static void
fill_up(struct caps *c)
{
	char longest[65];

	memset(longest, 'x', 64);
	longest[64] = 0;
	c->interfaces = CAPS_INTERFACES_MAX;
	for (unsigned i = 0; i < CAPS_INTERFACES_MAX; i++) {
		sample_interface(&c->interface[i]);
		c->interface[i].addrs = CAPS_ADDRS_MAX;
		for (unsigned n = 0; n < CAPS_ADDRS_MAX; n++)
			c->interface[i].addr[n] = c->interface[i].addr[0];
	}
	c->devices = CAPS_DEVICES_MAX;
	for (unsigned i = 0; i < CAPS_DEVICES_MAX; i++)
		snprintf(c->device[i], sizeof c->device[i], "%032u", i);
	c->tags = CAPS_TAGS_MAX;
	for (unsigned i = 0; i < CAPS_TAGS_MAX; i++) {
		snprintf(c->tag[i].key, sizeof c->tag[i].key, "%032u", i);
		strcpy(c->tag[i].value, longest);
	}
}

static void
the_largest_node_still_fits(void **state)
{
	struct caps c = sample_caps(true), back;

	(void)state;
	fill_up(&c);
	caps_encode(&c, &out);
	assert_int_equal(out.err, 0);
	assert_true(out.pos <= CAPS_ENCODED_MAX);
	assert_int_equal(caps_decode(buf_slice(&out), &back), 0);
	assert_memory_equal(&back, &c, sizeof c);
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	struct caps c = sample_caps(true), back;
	uint8_t room[2048];
	struct buf changed;

	(void)state;
	buf_init_fixed(&changed, room, sizeof room);
	caps_encode(&c, &out);
	assert_int_equal(
	    caps_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &back), 0);
	assert_memory_equal(&back, &c, sizeof c);
	assert_int_equal(
	    caps_decode(with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &back),
	    -EBADMSG);
}

static void
capabilities_cut_at_any_byte_are_refused(void **state)
{
	struct caps c = sample_caps(true), back;

	(void)state;
	caps_encode(&c, &out);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode, &back), 0);
}

static void
kinds_of_a_later_version_are_other_ones(void **state)
{
	struct caps back;

	(void)state;
	assert_int_equal(caps_decode(SLICE("\xa2\x03\x18\x63\x04\x81\xa2\x01\x61"
					   "x"
					   "\x02\x18\x63"),
			     &back),
	    0);
	assert_int_equal(back.energy, CAPS_ENERGY_UNKNOWN);
	assert_int_equal(back.interface[0].kind, CAPS_KIND_OTHER);
	assert_string_equal(caps_kind_name((enum caps_kind)99), "other");
	assert_string_equal(caps_energy_name((enum caps_energy)99), "unknown");
	assert_string_equal(caps_kind_name(CAPS_LOWPAN), "lowpan");
}

static void
a_device_is_meant_by_its_name_or_by_what_stands_before_its_number_CND_06(void **state)
{
	static const struct {
		const char *wanted;
		bool has;
	} table[] = { { "video0", true }, { "video", true }, { "video1", false },
		{ "video01", false }, { "vid", false }, { "lidar", true },
		{ "lidar2", false }, { "tty", false }, { "", false } };
	struct caps c = sample_caps(true);

	(void)state;
	strcpy(c.device[1], "video0");
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(caps_has_device(&c, table[i].wanted), table[i].has);
	strcpy(c.device[1], "video12");
	assert_false(caps_has_device(&c, "video1"));
	assert_true(caps_has_device(&c, "video"));
}

static void
what_does_not_fit_is_refused(void **state)
{
	static const struct slice wrong[] = {
		SLICE(""), SLICE("\x80"), SLICE("\xa1\x04\x81\xa0"), /* no name */
		SLICE("\xa1\x04\x81\xa2\x01\x61"
		      "x"
		      "\x04\x43"
		      "abc"), /* 3 bytes of L2 */
		SLICE("\xa1\x04\x81\xa2\x01\x61"
		      "x"
		      "\x05\x81\x82\x44"
		      "abcd"
		      "\x18\x21"), /* /33 */
		SLICE("\xa1\x04\x81\xa2\x01\x61"
		      "x"
		      "\x05\x81\x82\x45"
		      "abcde"
		      "\x00"),
		SLICE("\xa2\x04\x80\x0f\x81\x60"), /* a device without a name */
		SLICE("\xa2\x04\x80\x0f\x81\x01"),
		SLICE("\xa2\x04\x80\x10\x82\x18\x5b\x00"),     /* beyond the pole */
		SLICE("\xa2\x04\x80\x10\x82\x00\x38\xb4"),     /* -181 */
		SLICE("\xa2\x04\x80\x10\x82\xf9\x7e\x00\x00"), /* not a number */
		SLICE("\xa2\x04\x80\x10\x81\x00"),	       /* half a place */
		SLICE(
		    "\xa1\x06\x1b\x00\x00\x00\x01\x00\x00\x00\x00"), /* 2^32 processors */
		SLICE("\xa1\x0d\xa2\x61"
		      "a"
		      "\x60\x61"
		      "a"
		      "\x60"),		       /* a tag twice */
		SLICE("\xa1\x0e\xf9\x3e\x00"), /* battery 1.5 */
		SLICE("\xa1\x0e\xf9\x7e\x00"), /* battery NaN */
	};
	struct caps back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(caps_decode(wrong[i], &back), -EBADMSG);
}

static void
one_interface_or_tag_too_many_is_refused(void **state)
{
	struct caps back;

	(void)state;
	wr_map(&out, 1);
	wr_uint(&out, 4);
	wr_array(&out, CAPS_INTERFACES_MAX + 1);
	for (unsigned i = 0; i <= CAPS_INTERFACES_MAX; i++)
		buf_put_slice(&out,
		    SLICE("\xa1\x01\x61"
			  "x"));
	assert_int_equal(caps_decode(buf_slice(&out), &back), -EBADMSG);
	buf_reset(&out);
	wr_map(&out, 1);
	wr_uint(&out, 13);
	wr_map(&out, CAPS_TAGS_MAX + 1);
	for (unsigned i = 0; i <= CAPS_TAGS_MAX; i++) {
		wr_text_slice(&out,
		    (struct slice){
			(const uint8_t *)&"abcdefghijklmnopqrstuvwxyzABCDEFGH"[i], 1 });
		wr_text(&out, "");
	}
	assert_int_equal(caps_decode(buf_slice(&out), &back), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(capabilities_come_back_as_they_went, reset),
		cmocka_unit_test_setup(
		    a_node_that_knows_nothing_of_itself_says_so_shortly, reset),
		cmocka_unit_test_setup(the_largest_node_still_fits, reset),
		cmocka_unit_test(
		    a_device_is_meant_by_its_name_or_by_what_stands_before_its_number_CND_06),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		cmocka_unit_test_setup(capabilities_cut_at_any_byte_are_refused, reset),
		TEST(kinds_of_a_later_version_are_other_ones),
		TEST(what_does_not_fit_is_refused),
		cmocka_unit_test_setup(one_interface_or_tag_too_many_is_refused, reset),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
