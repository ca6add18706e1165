/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "base/crypto.h"
#include "base/json.h"
#include "tests/support/alloc.h"
#include "tests/support/test.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

static char memory[4096];

static struct slice
unhex(const char *hex)
{
	static uint8_t bytes[1024];
	size_t len = strlen(hex) / 2;

	assert_int_equal(hex_parse(hex, bytes, len), 0);
	return (struct slice){ bytes, len };
}

static void
text_is_quoted_and_escaped(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xe2\x80\xae\xc2\x9b\xe2\x81\xa6", "\"\\u202e\\u009b\\u2066\"" },
		{ "\xc3\xa4\xe2\x82\xac", "\"\xc3\xa4\xe2\x82\xac\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "a\xff"
		  "b",
		    "\"a\xef\xbf\xbd"
		    "b\"" },
		{ "\xc3", "\"\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init_fixed(&out, memory, sizeof memory);
		json_put_text(&out, slice_text(cases[i].in));
		assert_string_equal(buf_text(&out), cases[i].out);
	}
	buf_init_fixed(&out, memory, sizeof memory);
	json_put_text(&out, (struct slice){ (const uint8_t *)"a\0b", 3 });
	assert_string_equal(buf_text(&out), "\"a\\u0000b\"");
}

static void
numbers_are_the_shortest_that_read_back(void **state)
{
	static const struct {
		double v;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 1, "1" },
		{ -1.5, "-1.5" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 1e300, "1e+300" },
		{ 4.9406564584124654e-324, "5e-324" },
		{ DBL_MAX, "1.7976931348623157e+308" },
		{ DBL_MIN, "2.2250738585072014e-308" },
		{ 9007199254740992.0, "9007199254740992" },
		{ 123456789012345, "123456789012345" },
		{ NAN, "null" },
		{ INFINITY, "null" },
		{ -INFINITY, "null" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init_fixed(&out, memory, sizeof memory);
		json_put_double(&out, cases[i].v);
		assert_string_equal(buf_text(&out), cases[i].text);
		if (isfinite(cases[i].v))
			assert_true(strtod(memory, NULL) == cases[i].v);
	}
}

static void
every_kind_of_cbor_has_a_form_in_json(void **state)
{
	static const struct {
		const char *hex, *json;
	} cases[] = {
		{ "00", "0" },
		{ "1bffffffffffffffff", "18446744073709551615" },
		{ "20", "-1" },
		{ "3bffffffffffffffff", "-18446744073709551616" },
		{ "4401020aff", "\"01020aff\"" },
		{ "40", "\"\"" },
		{ "6161", "\"a\"" },
		{ "6122", "\"\\\"\"" },
		{ "5f42010243030405ff", "\"0102030405\"" },
		{ "7f61616162ff", "\"ab\"" },
		{ "7fff", "\"\"" },
		{ "80", "[]" },
		{ "a0", "{}" },
		{ "9fff", "[]" },
		{ "bfff", "{}" },
		{ "8301820203820405", "[1,[2,3],[4,5]]" },
		{ "9f018202039f0405ffff", "[1,[2,3],[4,5]]" },
		{ "a26161016162820203", "{\"a\":1,\"b\":[2,3]}" },
		{ "bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}" },
		{ "a201020304", "{\"1\":2,\"3\":4}" },
		{ "a12002", "{\"-1\":2}" },
		{ "a1f402", "{\"false\":2}" },
		{ "a1410102", "{\"01\":2}" },
		{ "a1810102", "{\"[1]\":2}" },
		{ "a1816122a0", "{\"[\\\"\\\\\\\"\\\"]\":{}}" },
		{ "f4", "false" },
		{ "f5", "true" },
		{ "f6", "null" },
		{ "f7", "null" },
		{ "f0", "null" },
		{ "f8ff", "null" },
		{ "f93e00", "1.5" },
		{ "f97e00", "null" },
		{ "fb7e37e43c8800759c", "1e+300" },
		{ "c11a514b67b0", "1363896240" },
		{ "d2d080", "[]" },
		{ "81c101", "[1]" },
		{ "a16161c1f6", "{\"a\":null}" },
	};
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init_fixed(&out, memory, sizeof memory);
		assert_int_equal(json_put_cbor(&out, unhex(cases[i].hex), 0), 0);
		assert_string_equal(buf_text(&out), cases[i].json);
	}
}

static void
a_chunked_string_of_any_length_is_put(void **state)
{
	uint8_t in[600] = { 0x7f };
	struct buf out;

	(void)state;
	in[1] = in[251] = 0x78; /* two chunks of 248 bytes are more than a reader joins */
	in[2] = in[252] = 248;
	memset(in + 3, 'x', 248);
	memset(in + 253, 'y', 248);
	in[501] = 0xff;
	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(json_put_cbor(&out, (struct slice){ in, 502 }, 0), 0);
	assert_int_equal(out.pos, 498);
	assert_int_equal(strspn(buf_text(&out) + 1, "x"), 248);
	assert_int_equal(strspn(buf_text(&out) + 249, "y"), 248);
}

static void
indented_json_has_a_line_per_member(void **state)
{
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(
	    json_put_cbor(&out, unhex("a361610161628202a06163a1617880"), 2), 0);
	assert_string_equal(buf_text(&out),
	    "{\n"
	    "  \"a\": 1,\n"
	    "  \"b\": [\n"
	    "    2,\n"
	    "    {}\n"
	    "  ],\n"
	    "  \"c\": {\n"
	    "    \"x\": []\n"
	    "  }\n"
	    "}");
}

static void
what_is_not_one_item_is_refused_before_anything_is_put(void **state)
{
	static const char *const cases[] = { "", "ff", "0000", "8201", "61ff",
		"9a10000000", "bf01ff" };
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(json_put_cbor(&out, unhex(cases[i]), 0), -EBADMSG);
	assert_int_equal(out.pos, 0);
}

static void
a_full_buffer_ends_the_work(void **state)
{
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, 5);
	assert_int_equal(json_put_cbor(&out, unhex("8301820203820405"), 0), -ENOSPC);
	buf_init_fixed(&out, memory, 5);
	assert_int_equal(json_put_cbor(&out, unhex("a183010203f6"), 0), -ENOSPC);
}

static void
a_key_without_memory_is_an_error(void **state)
{
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	if (!alloc_fail(1))
		skip();
	int err = json_put_cbor(&out, unhex("a183010203f6"), 0);
	alloc_fail(0);
	assert_int_equal(err, -ENOMEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(text_is_quoted_and_escaped),
		TEST(numbers_are_the_shortest_that_read_back),
		TEST(every_kind_of_cbor_has_a_form_in_json),
		TEST(a_chunked_string_of_any_length_is_put),
		TEST(indented_json_has_a_line_per_member),
		TEST(what_is_not_one_item_is_refused_before_anything_is_put),
		TEST(a_full_buffer_ends_the_work),
		TEST(a_key_without_memory_is_an_error),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
