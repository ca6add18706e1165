/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer and the diagnostic notation, on the examples of RFC 8949 appendix A. */
#include "base/cbor.h"
#include "base/crypto.h"
#include "tests/support/hex.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static uint8_t memory[4096];
static char hex[2 * sizeof memory + 1];

static const struct {
	const char *hex, *diag;
	bool deterministic; /* comes out of the writer just so */
} appendix_a[] = {
	{ "00", "0", true },
	{ "01", "1", true },
	{ "0a", "10", true },
	{ "17", "23", true },
	{ "1818", "24", true },
	{ "1819", "25", true },
	{ "1864", "100", true },
	{ "1903e8", "1000", true },
	{ "1a000f4240", "1000000", true },
	{ "1b000000e8d4a51000", "1000000000000", true },
	{ "1bffffffffffffffff", "18446744073709551615", true },
	{ "c249010000000000000000", "2(h'010000000000000000')", true },
	{ "3bffffffffffffffff", "-18446744073709551616", false }, /* beyond wr_int() */
	{ "c349010000000000000000", "3(h'010000000000000000')", true },
	{ "20", "-1", true },
	{ "29", "-10", true },
	{ "3863", "-100", true },
	{ "3903e7", "-1000", true },
	{ "f90000", "0.0", true },
	{ "f98000", "-0.0", true },
	{ "f93c00", "1.0", true },
	{ "fb3ff199999999999a", "1.1", true },
	{ "f93e00", "1.5", true },
	{ "f97bff", "65504.0", true },
	{ "fa47c35000", "100000.0", true },
	{ "fa7f7fffff", "3.4028234663852886e+38", true },
	{ "fb7e37e43c8800759c", "1.0e+300", true },
	{ "f90001", "5.9604644775390625e-08", true },
	{ "f90400", "6.103515625e-05", true },
	{ "f9c400", "-4.0", true },
	{ "fbc010666666666666", "-4.1", true },
	{ "f97c00", "Infinity", true },
	{ "f97e00", "NaN", true },
	{ "f9fc00", "-Infinity", true },
	{ "fa7f800000", "Infinity", false },
	{ "fa7fc00000", "NaN", false },
	{ "faff800000", "-Infinity", false },
	{ "fb7ff0000000000000", "Infinity", false },
	{ "fb7ff8000000000000", "NaN", false },
	{ "fbfff0000000000000", "-Infinity", false },
	{ "f4", "false", true },
	{ "f5", "true", true },
	{ "f6", "null", true },
	{ "f7", "undefined", true },
	{ "f0", "simple(16)", true },
	{ "f8ff", "simple(255)", true },
	{ "c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")",
	    true },
	{ "c11a514b67b0", "1(1363896240)", true },
	{ "c1fb41d452d9ec200000", "1(1363896240.5)", true },
	{ "d74401020304", "23(h'01020304')", true },
	{ "d818456449455446", "24(h'6449455446')", true },
	{ "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
	    "32(\"http://www.example.com\")", true },
	{ "40", "h''", true },
	{ "4401020304", "h'01020304'", true },
	{ "60", "\"\"", true },
	{ "6161", "\"a\"", true },
	{ "6449455446", "\"IETF\"", true },
	{ "62225c", "\"\\\"\\\\\"", true },
	{ "62c3bc", "\"\xc3\xbc\"", true },
	{ "63e6b0b4", "\"\xe6\xb0\xb4\"", true },
	{ "64f0908591", "\"\xf0\x90\x85\x91\"", true },
	{ "80", "[]", true },
	{ "83010203", "[1, 2, 3]", true },
	{ "8301820203820405", "[1, [2, 3], [4, 5]]", true },
	{ "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
	    "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, "
	    "22, "
	    "23, 24, 25]",
	    true },
	{ "a0", "{}", true },
	{ "a201020304", "{1: 2, 3: 4}", true },
	{ "a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}", true },
	{ "826161a161626163", "[\"a\", {\"b\": \"c\"}]", true },
	{ "a56161614161626142616361436164614461656145",
	    "{\"a\": \"A\", \"b\": \"B\", \"c\": \"C\", \"d\": \"D\", \"e\": \"E\"}",
	    true },
	{ "5f42010243030405ff", "(_ h'0102', h'030405')", false },
	{ "7f657374726561646d696e67ff", "(_ \"strea\", \"ming\")", false },
	{ "9fff", "[_ ]", true },
	{ "9f018202039f0405ffff", "[_ 1, [2, 3], [_ 4, 5]]", true },
	{ "9f01820203820405ff", "[_ 1, [2, 3], [4, 5]]", true },
	{ "83018202039f0405ff", "[1, [2, 3], [_ 4, 5]]", true },
	{ "83019f0203ff820405", "[1, [_ 2, 3], [4, 5]]", true },
	{ "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
	    "[_ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, "
	    "21, 22, "
	    "23, 24, 25]",
	    true },
	{ "bf61610161629f0203ffff", "{_ \"a\": 1, \"b\": [_ 2, 3]}", true },
	{ "826161bf61626163ff", "[\"a\", {_ \"b\": \"c\"}]", true },
	{ "bf6346756ef563416d7421ff", "{_ \"Fun\": true, \"Amt\": -2}", true },
	/* and some that the appendix lacks */
	{ "d2d080", "18(16([]))", true },
	{ "a1c1820102c1c2f6", "{1([1, 2]): 1(2(null))}", true },
	{ "82c18001", "[1([]), 1]", true },
};

static void put_again(struct cbor_reader *r, struct buf *out);

static void
put_members(struct cbor_reader *r, struct buf *out, bool map)
{
	bool open = (r->data[r->pos] & 0x1f) == 31;
	uint8_t content[1024];
	struct buf inside;
	uint64_t n = 0;

	buf_init_fixed(&inside, content, sizeof content);
	if (map)
		rd_enter_map(r);
	else
		rd_enter_array(r);
	for (; rd_more(r); n++)
		put_again(r, &inside);
	rd_leave(r);
	if (open && map)
		wr_open_map(out);
	else if (open)
		wr_open_array(out);
	else if (map)
		wr_map(out, n / 2);
	else
		wr_array(out, n);
	wr_raw(out, buf_slice(&inside));
	if (open)
		wr_close(out);
}

/* Getter beside writer: what was read is written. */
static void
put_again(struct cbor_reader *r, struct buf *out)
{
	struct slice s;

	switch (rd_peek(r)) {
	case RD_UINT:
		wr_uint(out, rd_uint(r));
		break;
	case RD_NEGINT:
		wr_int(out, rd_int(r));
		break;
	case RD_BYTES:
		s = rd_bytes(r);
		wr_bytes(out, s.data, s.len);
		break;
	case RD_TEXT:
		wr_text_slice(out, rd_text(r));
		break;
	case RD_ARRAY:
		put_members(r, out, false);
		break;
	case RD_MAP:
		put_members(r, out, true);
		break;
	case RD_TAG:
		wr_tag(out, rd_tag(r));
		put_again(r, out);
		break;
	case RD_BOOL:
		wr_bool(out, rd_bool(r));
		break;
	case RD_NULL:
		rd_null(r);
		wr_null(out);
		break;
	case RD_FLOAT:
		wr_double(out, rd_number(r));
		break;
	case RD_UNDEFINED:
	case RD_SIMPLE:
		wr_raw(out, rd_raw(r));
		break;
	case RD_NONE:
		break;
	}
}

static void
the_examples_of_rfc_8949_are_written_as_they_were_read(void **state)
{
	struct cbor_reader r;
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(appendix_a); i++) {
		struct slice in = hex_bytes(appendix_a[i].hex);
		assert_true(cbor_well_formed(in));
		buf_init_fixed(&out, memory, sizeof memory);
		rd_init(&r, in, 0);
		if (appendix_a[i].deterministic) {
			put_again(&r, &out);
			assert_int_equal(rd_done(&r), 0);
			hex_format(out.data, out.pos, hex);
			assert_string_equal(hex, appendix_a[i].hex);
		}
		hex_bytes_free(in);
	}
}

static void
the_examples_of_rfc_8949_have_their_diagnostic_notation(void **state)
{
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(appendix_a); i++) {
		struct slice in = hex_bytes(appendix_a[i].hex);
		buf_init_fixed(&out, memory, sizeof memory);
		cbor_diag(&out, in);
		assert_string_equal(buf_text(&out), appendix_a[i].diag);
		hex_bytes_free(in);
	}
}

static void
what_is_not_one_item_has_a_notation_too(void **state)
{
	static const struct {
		const char *hex, *diag;
	} cases[] = {
		{ "", "malformed(h'')" },
		{ "ff", "malformed(h'ff')" },
		{ "0000", "malformed(h'0000')" },
		{ "9a10000000", "malformed(h'9a10000000')" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice in = hex_bytes(cases[i].hex);
		buf_init_fixed(&out, memory, sizeof memory);
		cbor_diag(&out, in);
		assert_string_equal(buf_text(&out), cases[i].diag);
		hex_bytes_free(in);
	}
	buf_init_fixed(&out, memory, 4);
	cbor_diag(&out, (struct slice){ (const uint8_t *)"\x84\1\2\3\4", 5 });
	assert_int_equal(out.err, -ENOSPC);
}

static void
every_half_float_is_written_in_three_bytes(void **state)
{
	uint8_t in[3] = { 0xf9, 0, 0 };
	struct cbor_reader r;
	struct buf out;

	(void)state;
	for (unsigned half = 0; half <= 0xffff; half++) {
		in[1] = (uint8_t)(half >> 8);
		in[2] = (uint8_t)half;
		rd_init(&r, (struct slice){ in, 3 }, 0);
		double v = rd_number(&r);
		assert_int_equal(rd_done(&r), 0);
		buf_init_fixed(&out, memory, sizeof memory);
		wr_double(&out, v);
		assert_int_equal(out.pos, 3);
		if (isnan(v))
			assert_memory_equal(out.data, "\xf9\x7e\x00", 3);
		else
			assert_memory_equal(out.data, in, 3);
	}
}

static void
a_float_is_as_short_as_its_value_allows(void **state)
{
	static const struct {
		double v;
		const char *hex;
	} cases[] = {
		{ 65505, "fa477fe100" },
		{ 65520, "fa477ff000" }, /* would round to infinity */
		{ 65536, "fa47800000" },
		{ 2.98023223876953125e-8, "fa33000000" }, /* half of the smallest half */
		{ 1.00048828125, "fa3f801000" },
		{ 16777216, "fa4b800000" },
		{ 16777217, "fb4170000010000000" },
		{ 1.401298464324817e-45, "fa00000001" },
		{ 7.006492321624085e-46, "fb3690000000000000" },
		{ 3.4028234663852886e38, "fa7f7fffff" },
		{ 3.4028234663852890e38, "fb47efffffe0000001" },
		{ 1e300, "fb7e37e43c8800759c" },
		{ -1e300, "fbfe37e43c8800759c" },
		{ 5e-324, "fb0000000000000001" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init_fixed(&out, memory, sizeof memory);
		wr_double(&out, cases[i].v);
		assert_string_equal(hex_format(out.data, out.pos, hex), cases[i].hex);
	}
}

static void
integers_are_as_short_as_possible(void **state)
{
	static const struct {
		int64_t v;
		const char *hex;
	} cases[] = {
		{ 23, "17" },
		{ 24, "1818" },
		{ 255, "18ff" },
		{ 256, "190100" },
		{ 65535, "19ffff" },
		{ 65536, "1a00010000" },
		{ 4294967295, "1affffffff" },
		{ 4294967296, "1b0000000100000000" },
		{ INT64_MAX, "1b7fffffffffffffff" },
		{ -24, "37" },
		{ -25, "3818" },
		{ -256, "38ff" },
		{ -257, "390100" },
		{ -65537, "3a00010000" },
		{ -4294967297, "3b0000000100000000" },
		{ INT64_MIN, "3b7fffffffffffffff" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init_fixed(&out, memory, sizeof memory);
		wr_int(&out, cases[i].v);
		assert_string_equal(hex_format(out.data, out.pos, hex), cases[i].hex);
	}
}

static void
every_tag_is_written(void **state)
{
	struct cbor_reader r;
	struct buf out;

	(void)state;
	for (uint64_t tag = 0; tag < 70000; tag += tag < 300 ? 1 : 9973) {
		buf_init_fixed(&out, memory, sizeof memory);
		wr_tag(&out, tag);
		wr_null(&out);
		rd_init(&r, buf_slice(&out), 0);
		assert_true(rd_tag(&r) == tag);
		rd_null(&r);
		assert_int_equal(rd_done(&r), 0);
	}
}

static void
lengths_and_counts_are_as_short_as_possible(void **state)
{
	static const char text[] = "a text of exactly 24 by.";
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	wr_array(&out, 23);
	wr_array(&out, 24);
	wr_map(&out, 23);
	wr_map(&out, 256);
	assert_string_equal(hex_format(out.data, out.pos, hex), "979818b7b90100");
	buf_reset(&out);
	wr_bytes(&out, text, 23);
	assert_int_equal(out.data[0], 0x57);
	buf_reset(&out);
	wr_bytes(&out, text, 24);
	assert_memory_equal(out.data, "\x58\x18", 2);
	buf_reset(&out);
	wr_text(&out, text);
	assert_memory_equal(out.data, "\x78\x18", 2);
	assert_memory_equal(out.data + 2, text, 24);
	buf_reset(&out);
	wr_text(&out, NULL);
	wr_bytes(&out, NULL, 0);
	assert_string_equal(hex_format(out.data, out.pos, hex), "6040");
}

static void
the_read_model_has_its_shorthands(void **state)
{
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	wr_open_map(&out);
	wr_key_text(&out, "a", "x");
	wr_key_text(&out, "b", NULL);
	wr_key_int(&out, "c", -5);
	wr_key_double(&out, "d", 1.5);
	wr_key_double(&out, "e", NAN);
	wr_key_bool(&out, "f", true);
	wr_close(&out);
	uint8_t copy[100];
	size_t len = out.pos;
	memcpy(copy, out.data, len);
	buf_reset(&out);
	cbor_diag(&out, (struct slice){ copy, len });
	assert_string_equal(buf_text(&out),
	    "{_ \"a\": \"x\", \"b\": null, \"c\": -5, \"d\": 1.5, "
	    "\"e\": null, \"f\": true}");
}

static void
a_full_buffer_is_an_error_and_never_half_a_head(void **state)
{
	struct buf out;

	(void)state;
	for (size_t room = 0; room < 9; room++) {
		memset(memory, 0xee, sizeof memory);
		buf_init_fixed(&out, memory, room);
		wr_uint(&out, UINT64_MAX);
		wr_null(&out);
		assert_int_equal(out.err, -ENOSPC);
		assert_int_equal(out.pos, 0);
		assert_int_equal(memory[0], 0xee);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_examples_of_rfc_8949_are_written_as_they_were_read),
		TEST(the_examples_of_rfc_8949_have_their_diagnostic_notation),
		TEST(what_is_not_one_item_has_a_notation_too),
		TEST(every_half_float_is_written_in_three_bytes),
		TEST(a_float_is_as_short_as_its_value_allows),
		TEST(integers_are_as_short_as_possible),
		TEST(every_tag_is_written),
		TEST(lengths_and_counts_are_as_short_as_possible),
		TEST(the_read_model_has_its_shorthands),
		TEST(a_full_buffer_is_an_error_and_never_half_a_head),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
