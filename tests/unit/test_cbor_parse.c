/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "base/crypto.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct buf out;
static char err[128], hex[8192];

static int
set_up(void **state)
{
	(void)state;
	buf_init(&out, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&out);
	return 0;
}

static int
parse(const char *text)
{
	buf_reset(&out);
	return cbor_parse(slice_text(text), &out, err, sizeof err);
}

struct example {
	const char *text, *hex;
};

static void
expect_all(const struct example *e, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (parse(e[i].text))
			fail_msg("%s: %s", e[i].text, err);
		assert_true(out.pos < sizeof hex / 2);
		assert_string_equal(hex_format(out.data, out.pos, hex), e[i].hex);
		assert_true(cbor_well_formed(buf_slice(&out)));
	}
}

/* RFC 8949 appendix A. */
static void
the_examples_of_rfc_8949_are_understood(void **state)
{
	static const struct example cases[] = {
		{ "0", "00" },
		{ "23", "17" },
		{ "24", "1818" },
		{ "1000000000000", "1b000000e8d4a51000" },
		{ "18446744073709551615", "1bffffffffffffffff" },
		{ "18446744073709551616", "c249010000000000000000" },
		{ "-18446744073709551616", "3bffffffffffffffff" },
		{ "-18446744073709551617", "c349010000000000000000" },
		{ "-1", "20" },
		{ "-1000", "3903e7" },
		{ "0.0", "f90000" },
		{ "-0.0", "f98000" },
		{ "1.1", "fb3ff199999999999a" },
		{ "65504.0", "f97bff" },
		{ "100000.0", "fa47c35000" },
		{ "1.0e+300", "fb7e37e43c8800759c" },
		{ "5.960464477539063e-8", "f90001" },
		{ "Infinity", "f97c00" },
		{ "-Infinity", "f9fc00" },
		{ "NaN", "f97e00" },
		{ "false", "f4" },
		{ "true", "f5" },
		{ "null", "f6" },
		{ "undefined", "f7" },
		{ "simple(16)", "f0" },
		{ "simple(255)", "f8ff" },
		{ "0(\"2013-03-21T20:04:00Z\")",
		    "c074323031332d30332d32315432303a30343a30305a" },
		{ "23(h'01020304')", "d74401020304" },
		{ "h''", "40" },
		{ "\"\"", "60" },
		{ "\"\\\"\\\\\"", "62225c" },
		{ "\"\\u00fc\"", "62c3bc" },
		{ "\"\\ud800\\udd51\"", "64f0908591" },
		{ "[1, [2, 3], [4, 5]]", "8301820203820405" },
		{ "{1: 2, 3: 4}", "a201020304" },
		{ "[\"a\", {\"b\": \"c\"}]", "826161a161626163" },
		{ "(_ h'0102', h'030405')", "5f42010243030405ff" },
		{ "(_ \"strea\", \"ming\")", "7f657374726561646d696e67ff" },
		{ "[_ 1, [2, 3], [_ 4, 5]]", "9f018202039f0405ffff" },
		{ "{_ \"a\": 1, \"b\": [_ 2, 3]}", "bf61610161629f0203ffff" },
	};

	(void)state;
	expect_all(cases, ARRAY_LEN(cases));
}

/* RFC 8610 appendix G. */
static void
what_rfc_8610_adds_is_understood(void **state)
{
	static const struct example cases[] = {
		{ "h'48 65 6c6c\n6f'", "4548656c6c6f" },
		{ "h'48 / a comment / 65'", "424865" },
		{ "'hello world'", "4b68656c6c6f20776f726c64" },
		{ "'it\\'s'", "4469742773" },
		{ "b64'SGVsbG8'", "4548656c6c6f" },
		{ "b64'-_8='", "42fbff" },
		{ "b32'JBSWY3DP'", "4548656c6c6f" },
		{ "h32'91IMOR3F'", "4548656c6c6f" },
		{ "<<1>>", "4101" },
		{ "<<1, 2>>", "420102" },
		{ "<<>>", "40" },
		{ "24(<<[1, <<2>>]>>)", "d8184482014102" },
		{ "\"Hello \" \"world\"", "6b48656c6c6f20776f726c64" },
		{ "'Hello ' h'776f'", "4848656c6c6f20776f" },
		{ "0x1f", "181f" },
		{ "-0xff", "38fe" },
		{ "0o17", "0f" },
		{ "0b101", "05" },
		{ "0x1.8p1", "f94200" },
		{ "[1, /two/ 2] # and three", "820102" },
		{ "\t[ 1 ,\r\n 2 ] ", "820102" },
	};

	(void)state;
	expect_all(cases, ARRAY_LEN(cases));
}

static void
a_width_can_be_forced(void **state)
{
	static const struct example cases[] = {
		{ "1.5_1", "f93e00" },
		{ "1.5_2", "fa3fc00000" },
		{ "1.5_3", "fb3ff8000000000000" },
		{ "-Infinity_2", "faff800000" },
		{ "Infinity_3", "fb7ff0000000000000" },
		{ "1_0", "1801" },
		{ "-1_1", "390000" },
		{ "1_3", "1b0000000000000001" },
		{ "24_1(1)", "d9001801" },
		{ "''_", "5fff" },
		{ "\"\"_", "7fff" },
	};

	(void)state;
	expect_all(cases, ARRAY_LEN(cases));
}

static void
what_is_wrong_is_told_with_its_column(void **state)
{
	static const struct {
		const char *text, *err;
	} cases[] = {
		{ "", "column 1: a value is missing" },
		{ "  ", "column 3: a value is missing" },
		{ "hello",
		    "column 1: \"hello\" is no value; text stands in double quotes" },
		{ "[1 2]", "column 4: ] or , is missing" },
		{ "[1,]", "column 4: \"]\" cannot begin a value" },
		{ "{1: 2, 3}", "column 9: a : is missing behind the key" },
		{ "{1: 2", "column 6: } or , is missing" },
		{ "1(2, 3)", "column 4: ) is missing" },
		{ "1 2", "column 3: something follows the value" },
		{ "\"abc", "column 5: a \" is missing at the end of the text" },
		{ "\"\\x\"", "column 3: there is no such escape" },
		{ "\"\\ud800\"",
		    "column 8: half a character: \\ud8xx needs \\udcxx behind it" },
		{ "\"\xff\"", "column 4: the text is not UTF-8" },
		{ "h'0'", "column 4: an odd number of hexadecimal digits" },
		{ "h'0g'", "column 4: an odd number of hexadecimal digits" },
		{ "h'00", "column 5: a ' is missing at the end of h'…'" },
		{ "h'00x'", "column 5: this is no digit of h'…'" },
		{ "b64'A'", "column 6: the last digits make no whole byte" },
		{ "1.5_0", "column 6: a float is _1, _2 or _3 wide" },
		{ "0.1_1", "column 6: _1 is too narrow for this number" },
		{ "300_0", "column 6: _0 is too narrow for this number" },
		{ "1e400", "column 6: 1e400 is beyond what a float holds" },
		{ "12a", "column 4: 12a is no number" },
		{ "-", "column 2: a number is missing" },
		{ "simple(24)", "column 11: simple(n) takes 0 to 23 or 32 to 255" },
		{ "(_ 1)", "column 4: (_ takes strings; an empty one is ''_ or \"\"_" },
		{ "(_ \"a\", 'b')",
		    "column 9: the parts of a string are strings of one kind" },
		{ "/ never", "column 1: the comment does not end" },
		{ "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
		    "column 35: nested deeper than 16" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(-EBADMSG, parse(cases[i].text));
		assert_string_equal(err, cases[i].err);
		assert_int_equal(out.pos, 0);
	}
}

static void
what_was_put_before_stays_and_no_room_is_told(void **state)
{
	uint8_t memory[4];
	struct buf small;

	(void)state;
	buf_reset(&out);
	buf_puts(&out, "x");
	assert_int_equal(0, cbor_parse(slice_text("[1]"), &out, err, sizeof err));
	assert_int_equal(-EBADMSG, cbor_parse(slice_text("[1"), &out, err, sizeof err));
	assert_int_equal(out.pos, 3);
	assert_memory_equal(out.data, "x\x81\x01", 3);
	buf_init_fixed(&small, memory, sizeof memory);
	assert_int_equal(
	    -ENOSPC, cbor_parse(slice_text("[1, 2, 3, 4]"), &small, err, sizeof err));
}

/* An item of the given bytes at random: whatever a stranger could send. */
static size_t
make_item(uint8_t *dst, size_t size, unsigned depth)
{
	uint8_t major = (uint8_t)(rand() % 8);
	size_t n = 1, count = (size_t)rand() % 4;

	if (size < 12 || (depth > 4 && major >= 4 && major <= 6))
		major = 0;
	if (major == 7) {
		dst[0] = (uint8_t)(0xf9 + rand() % 3);
		n = 1 + (1u << (dst[0] - 0xf8));
		for (size_t i = 1; i < n; i++)
			dst[i] = (uint8_t)rand();
		return n;
	}
	dst[0] = (uint8_t)(major << 5 | count);
	if (major == 2 || major == 3)
		for (; n <= count; n++)
			dst[n] = (uint8_t)(major == 2 ? rand() : ' ' + rand() % 95);
	if (major == 4 || major == 5 || major == 6) {
		bool open = major != 6 && rand() % 3 == 0;
		size_t items = major == 6 ? 1 : major == 5 ? 2 * count : count;

		if (open)
			dst[0] = (uint8_t)(major << 5 | 31);
		for (size_t i = 0; i < items; i++)
			n += make_item(dst + n, (size - n) / (items - i), depth + 1);
		if (open)
			dst[n++] = 0xff;
	}
	return n;
}

static bool
has_nan_with_payload(const char *diag)
{
	return strstr(diag, "NaN") != NULL; /* its bits are not in the notation */
}

static void
what_was_written_as_notation_reads_as_the_same_bytes(void **state)
{
	uint8_t item[2048];
	struct buf diag;
	unsigned compared = 0;

	(void)state;
	srand(8949);
	buf_init(&diag, 1 << 16);
	for (int i = 0; i < 20000; i++) {
		struct slice in = { item, make_item(item, sizeof item / 2, 0) };

		assert_true(cbor_well_formed(in));
		buf_reset(&diag);
		cbor_diag_wide(&diag, in);
		if (parse(buf_text(&diag)))
			fail_msg("%s: %s", buf_text(&diag), err);
		if (has_nan_with_payload(buf_text(&diag)))
			continue;
		compared++;
		if (!slice_equal(in, buf_slice(&out)))
			fail_msg("%s became %s", buf_text(&diag),
			    hex_format(out.data, out.pos, hex));
	}
	assert_true(compared > 15000);
	buf_done(&diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_examples_of_rfc_8949_are_understood),
		TEST(what_rfc_8610_adds_is_understood),
		TEST(a_width_can_be_forced),
		TEST(what_is_wrong_is_told_with_its_column),
		TEST(what_was_put_before_stays_and_no_room_is_told),
		TEST(what_was_written_as_notation_reads_as_the_same_bytes),
	};

	return RUN_TESTS(tests, set_up, tear_down);
}
