/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/join.h"
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>

static uint8_t memory[32768], changed_memory[32768];
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
decode_join(struct slice value, void *ret)
{
	return fog_join_decode(value, ret);
}

static int
decode_grant(struct slice value, void *ret)
{
	return fog_grant_decode(value, ret);
}

static void
a_request_to_join_comes_back_as_it_went(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		struct fog_join j = sample_join(full), back;

		buf_reset(&out);
		fog_join_encode(&j, &out);
		assert_int_equal(out.err, 0);
		assert_int_equal(fog_join_decode(buf_slice(&out), &back), 0);
		assert_memory_equal(back.command, j.command, sizeof j.command);
		assert_true(slice_equal(back.request, j.request));
		assert_int_equal(back.has_token, full);
		assert_memory_equal(back.token_id, j.token_id, sizeof j.token_id);
		assert_memory_equal(
		    back.token_secret, j.token_secret, sizeof j.token_secret);
		assert_string_equal(back.version, j.version);
		assert_string_equal(back.serial, j.serial);
		assert_string_equal(back.name, j.name);
	}
}

static void
a_grant_comes_back_as_it_went(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		struct fog_grant g = sample_grant(full), back;

		buf_reset(&out);
		fog_grant_encode(&g, &out);
		assert_int_equal(out.err, 0);
		assert_int_equal(fog_grant_decode(buf_slice(&out), &back), 0);
		assert_true(slice_equal(back.certificate, g.certificate));
		assert_int_equal(back.cas, g.cas);
		for (size_t i = 0; i < g.cas; i++)
			assert_true(slice_equal(back.ca[i], g.ca[i]));
		assert_int_equal(back.trust_version, g.trust_version);
		assert_string_equal(back.domain, g.domain);
		assert_int_equal(back.time_ms, g.time_ms);
		assert_int_equal(back.places, g.places);
		assert_string_equal(back.place[0], g.place[0]);
	}
}

static void
what_is_cut_at_any_byte_is_refused(void **state)
{
	struct fog_join j = sample_join(true), j_back;
	struct fog_grant g = sample_grant(true), g_back;

	(void)state;
	fog_join_encode(&j, &out);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode_join, &j_back), 0);
	buf_reset(&out);
	fog_grant_encode(&g, &out);
	assert_int_equal(accepted_prefixes(buf_slice(&out), decode_grant, &g_back), 0);
}

static void
an_unknown_key_is_ignored_and_a_repeated_one_refused(void **state)
{
	struct fog_join j = sample_join(true), j_back;
	struct fog_grant g = sample_grant(true), g_back;

	(void)state;
	fog_join_encode(&j, &out);
	assert_int_equal(
	    fog_join_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &j_back),
	    0);
	assert_int_equal(
	    fog_join_decode(with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &j_back),
	    -EBADMSG);
	buf_reset(&out);
	fog_grant_encode(&g, &out);
	assert_int_equal(
	    fog_grant_decode(with_pair(buf_slice(&out), UNKNOWN_PAIR, &changed), &g_back),
	    0);
	assert_int_equal(
	    fog_grant_decode(
		with_pair(buf_slice(&out), REPEATED_PAIR, &changed), &g_back),
	    -EBADMSG);
}

/* S-13: nothing of a length that a stranger chose. */
static void
a_request_of_nothing_or_of_too_much_is_refused_S_13(void **state)
{
	static uint8_t der[FOG_JOIN_DER_MAX + 1];
	static const struct {
		size_t len;
		int result;
	} table[] = { { 0, -EBADMSG }, { 1, 0 }, { FOG_JOIN_DER_MAX, 0 },
		{ FOG_JOIN_DER_MAX + 1, -EBADMSG } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct fog_join j = sample_join(true), j_back;
		struct fog_grant g = sample_grant(true), g_back;

		j.request = g.ca[1] = (struct slice){ der, table[i].len };
		buf_reset(&out);
		fog_join_encode(&j, &out);
		assert_int_equal(
		    fog_join_decode(buf_slice(&out), &j_back), table[i].result);
		buf_reset(&out);
		fog_grant_encode(&g, &out);
		assert_int_equal(
		    fog_grant_decode(buf_slice(&out), &g_back), table[i].result);
	}
}

static void
a_token_of_another_length_is_refused(void **state)
{
	static const struct slice token[] = {
		SLICE("\x82\x45"
		      "12345"
		      "\x50"
		      "0123456789abcdef"),
		SLICE("\x82\x44"
		      "1234"
		      "\x50"
		      "0123456789abcdef"),
		SLICE("\x82\x45"
		      "12345"
		      "\x4f"
		      "0123456789abcde"),
		SLICE("\x81\x45"
		      "12345"),
		SLICE("\xf6"),
	};
	struct fog_join back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(token); i++) {
		buf_reset(&out);
		wr_map(&out, 4);
		wr_uint(&out, 1);
		wr_bytes(&out, "0123456789abcdef", 16);
		wr_uint(&out, 2);
		wr_bytes(&out, "0", 1);
		wr_uint(&out, 3);
		buf_put_slice(&out, token[i]);
		wr_uint(&out, 4);
		wr_text(&out, "");
		assert_int_equal(
		    fog_join_decode(buf_slice(&out), &back), i ? -EBADMSG : 0);
	}
}

/* A string in chunks would be put together in the reader's memory, and be gone with it. */
static void
a_certificate_in_chunks_is_refused(void **state)
{
	static const struct slice head = SLICE("\xa3\x01\x50"
					       "0123456789abcdef"
					       "\x02\x5f\x41\x30\x41\x00\xff\x04\x60");
	struct fog_join back;

	(void)state;
	assert_int_equal(fog_join_decode(head, &back), -EBADMSG);
}

static void
a_grant_names_between_one_and_three_authorities(void **state)
{
	(void)state;
	for (size_t cas = 0; cas <= FOG_JOIN_CAS_MAX + 1; cas++) {
		struct fog_grant back;

		buf_reset(&out);
		wr_map(&out, 6);
		wr_uint(&out, 1);
		wr_bytes(&out, "0123456789abcdef", 16);
		wr_uint(&out, 2);
		wr_bytes(&out, "0", 1);
		wr_uint(&out, 3);
		wr_array(&out, cas);
		for (size_t i = 0; i < cas; i++)
			wr_bytes(&out, "0", 1);
		wr_uint(&out, 4);
		wr_text(&out, "d");
		wr_uint(&out, 5);
		wr_uint(&out, 1);
		wr_uint(&out, 6);
		wr_array(&out, 0);
		assert_int_equal(fog_grant_decode(buf_slice(&out), &back),
		    cas >= 1 && cas <= FOG_JOIN_CAS_MAX ? 0 : -EBADMSG);
	}
}

static void
more_places_than_there_is_room_for_are_refused(void **state)
{
	struct fog_grant g = sample_grant(true), back;

	(void)state;
	for (g.places = 0; g.places < FOG_JOIN_PLACES_MAX; g.places++)
		strcpy(g.place[g.places], "[2001:db8::1]:7017");
	fog_grant_encode(&g, &out);
	assert_int_equal(fog_grant_decode(buf_slice(&out), &back), 0);
	assert_int_equal(back.places, FOG_JOIN_PLACES_MAX);
	strcpy(g.place[3], "");
	buf_reset(&out);
	fog_grant_encode(&g, &out);
	assert_int_equal(fog_grant_decode(buf_slice(&out), &back), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_request_to_join_comes_back_as_it_went, reset),
		cmocka_unit_test_setup(a_grant_comes_back_as_it_went, reset),
		cmocka_unit_test_setup(what_is_cut_at_any_byte_is_refused, reset),
		cmocka_unit_test_setup(
		    an_unknown_key_is_ignored_and_a_repeated_one_refused, reset),
		cmocka_unit_test_setup(
		    a_request_of_nothing_or_of_too_much_is_refused_S_13, reset),
		cmocka_unit_test_setup(a_token_of_another_length_is_refused, reset),
		cmocka_unit_test_setup(a_certificate_in_chunks_is_refused, reset),
		cmocka_unit_test_setup(
		    a_grant_names_between_one_and_three_authorities, reset),
		cmocka_unit_test_setup(
		    more_places_than_there_is_room_for_are_refused, reset),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
