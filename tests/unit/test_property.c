/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/property.h"
#include "base/buf.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#define B(text) ((struct slice){ (const uint8_t *)(text), sizeof(text) - 1 })

static void
assert_encodes(const struct fog_words *w, struct slice bytes)
{
	uint8_t memory[600];
	struct fog_words back;
	struct buf out;

	buf_init_fixed(&out, memory, sizeof memory);
	fog_words_encode(w, &out);
	assert_int_equal(out.err, 0);
	assert_true(slice_equal(buf_slice(&out), bytes));
	assert_int_equal(fog_words_decode(bytes, &back), 0);
	assert_int_equal(back.words, w->words);
	assert_string_equal(back.scope, w->scope);
	assert_int_equal(back.hops, w->hops);
}

static void
a_search_is_a_text_an_array_or_null_as_plain_nodes_expect_F_12(void **state)
{
	(void)state;
	assert_encodes(&(struct fog_words){ .words = 0 }, B("\xf6"));
	assert_encodes(
	    &(struct fog_words){ .word = { B("wifi6") }, .words = 1 }, B("\x65wifi6"));
	assert_encodes(
	    &(struct fog_words){ .word = { B("wifi6"), B("lte") }, .words = 2 },
	    B("\x82\x65wifi6\x63lte"));
}

static void
a_scope_and_a_distance_make_it_a_map_SC_10_SC_11(void **state)
{
	(void)state;
	assert_encodes(
	    &(struct fog_words){
		.word = { B("lte") }, .words = 1, .scope = "geo=ezj", .hops = 3 },
	    B("\xa3\x01\x63lte\x03\x67geo=ezj\x09\x03"));
	assert_encodes(
	    &(struct fog_words){ .scope = "geo=ezj" }, B("\xa1\x03\x67geo=ezj"));
}

static void
what_is_no_search_is_refused(void **state)
{
	static const struct slice wrong[] = { B("\x01"), B("\x82\x61\x61\x01"),
		B("\xa1\x01\x01"), B("\xa1\x03\x01"), B("\xa1\x09\x19\x01\x00"),
		B("\x61"), B("\xf6\xf6"), B("\xa2\x01\x61\x61\x01\x61\x61"),
		B("\x7f\x61\x61\xff") };
	struct fog_words w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (fog_words_decode(wrong[i], &w) != -EBADMSG)
			fail_msg("case %zu", i);
}

static void
nothing_and_null_want_any_word_and_an_empty_array_none_F_12(void **state)
{
	struct fog_words w;

	(void)state;
	assert_int_equal(fog_words_decode(B(""), &w), 0);
	assert_true(fog_words_want(&w, B("x")));
	assert_int_equal(fog_words_decode(B("\x80"), &w), 0);
	assert_false(fog_words_want(&w, B("x")));
	assert_int_equal(
	    fog_words_decode(B("\xa1\x18\x63\x01"), &w), 0); /* unknown key */
	assert_true(fog_words_want(&w, B("x")));
}

static void
every_property_has_a_word_and_an_objective_DISC_06(void **state)
{
	(void)state;
	for (int p = 0; p < FOG_PROPERTIES; p++) {
		assert_int_equal(fog_property_by_word(fog_property_names[p].word), p);
		assert_int_equal(
		    strncmp(fog_property_names[p].objective, "FOGNODE", 7), 0);
	}
	assert_int_equal(fog_property_by_word("colour"), -ENOENT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_search_is_a_text_an_array_or_null_as_plain_nodes_expect_F_12),
		TEST(a_scope_and_a_distance_make_it_a_map_SC_10_SC_11),
		TEST(what_is_no_search_is_refused),
		TEST(nothing_and_null_want_any_word_and_an_empty_array_none_F_12),
		TEST(every_property_has_a_word_and_an_objective_DISC_06),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
