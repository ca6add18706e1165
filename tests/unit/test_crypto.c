/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

static void
digests_are_those_of_fips_180(void **state)
{
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{ NULL,
		    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc",
		    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t digest[CRYPTO_SHA256_LEN];
	char hex[2 * CRYPTO_SHA256_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(crypto_sha256(slice_text(cases[i].text), digest), 0);
		assert_string_equal(
		    hex_format(digest, sizeof digest, hex), cases[i].digest);
	}
}

static void
random_bytes_differ_and_stay_within_their_bounds(void **state)
{
	uint8_t a[34] = { 0 }, b[34] = { 0 };

	(void)state;
	crypto_random(a + 1, 32);
	crypto_random(b + 1, 32);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(a[0] | a[33] | b[0] | b[33], 0);
	crypto_random(a, 0);
	assert_int_equal(a[0], 0);
}

static void
hex_reads_back_in_either_case(void **state)
{
	uint8_t bytes[4];
	char text[9];

	(void)state;
	assert_int_equal(hex_parse("00fF9aA9", bytes, sizeof bytes), 0);
	assert_memory_equal(bytes, "\x00\xff\x9a\xa9", 4);
	assert_ptr_equal(hex_format(bytes, sizeof bytes, text), text);
	assert_string_equal(text, "00ff9aa9");
	assert_string_equal(hex_format(bytes, 0, text), "");
	assert_int_equal(hex_parse("", bytes, 0), 0);
}

static void
hex_of_another_length_or_alphabet_is_refused(void **state)
{
	static const char *const cases[] = { "", "00", "000", "00000", "000000", "0g00",
		"00 0", "0x00", "00:0", "00/0", "00@0", "00`0" };
	uint8_t bytes[2] = { 7, 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(hex_parse(cases[i], bytes, sizeof bytes), -EINVAL);
	assert_memory_equal(bytes, "\7\7", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(digests_are_those_of_fips_180),
		TEST(random_bytes_differ_and_stay_within_their_bounds),
		TEST(hex_reads_back_in_either_case),
		TEST(hex_of_another_length_or_alphabet_is_refused),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
