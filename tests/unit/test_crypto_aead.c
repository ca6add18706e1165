/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_aead.h"
#include "base/crypto.h"
#include "tests/support/alloc.h"
#include "tests/support/hex.h"
#include "tests/support/test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static void
assert_hex(const void *data, size_t len, const char *expected)
{
	char *text = malloc(2 * len + 1);

	assert_non_null(text);
	assert_string_equal(hex_format(data, len, text), expected);
	free(text);
}

/* --- AES-256-GCM ---------------------------------------------------------------------- */
/* NIST's test cases 13 to 16 (McGrew and Viega), the ones of 256 bits and a nonce of 96. */
static const struct {
	const char *key, *nonce, *aad, *plain, *sealed;
} gcm_cases[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	    "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	    "000000000000000000000000", "", "00000000000000000000000000000000",
	    "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	    "cafebabefacedbaddecaf888", "",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
	    "b094dac5d93471bdec1a502270e3cc6c" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	    "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	    "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static void
gcm_seals_and_opens_as_nist_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gcm_cases); i++) {
		struct slice key = hex_bytes(gcm_cases[i].key);
		struct slice nonce = hex_bytes(gcm_cases[i].nonce);
		struct slice aad = hex_bytes(gcm_cases[i].aad);
		struct slice plain = hex_bytes(gcm_cases[i].plain);
		struct slice sealed = hex_bytes(gcm_cases[i].sealed);
		struct buf out;

		buf_init(&out, 1000);
		assert_int_equal(aead_seal(key.data, nonce.data, aad, plain, &out), 0);
		assert_true(slice_equal(buf_slice(&out), sealed));
		buf_reset(&out);
		assert_int_equal(aead_open(key.data, nonce.data, aad, sealed, &out), 0);
		assert_true(slice_equal(buf_slice(&out), plain));
		buf_done(&out);
		hex_bytes_free(key);
		hex_bytes_free(nonce);
		hex_bytes_free(aad);
		hex_bytes_free(plain);
		hex_bytes_free(sealed);
	}
}

static const uint8_t key[AEAD_KEY_LEN] = { 7 }, nonce[AEAD_NONCE_LEN] = { 9 };

static void
a_bit_flipped_anywhere_is_found(void **state)
{
	uint8_t sealed[64], room[64];
	struct slice aad = slice_text("to whom"), text;
	struct buf out;

	(void)state;
	buf_init_fixed(&out, sealed, sizeof sealed);
	assert_int_equal(aead_seal(key, nonce, aad, slice_text("what is said"), &out), 0);
	text = buf_slice(&out);
	assert_int_equal(text.len, strlen("what is said") + AEAD_TAG_LEN);
	for (size_t bit = 0; bit < 8 * text.len; bit++) {
		struct buf back;

		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_init_fixed(&back, room, sizeof room);
		buf_puts(&back, "before");
		assert_int_equal(aead_open(key, nonce, aad, text, &back), -EBADMSG);
		assert_true(slice_is(buf_slice(&back), "before"));
		assert_int_equal(back.err, 0);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_init_fixed(&out, room, sizeof room);
	assert_int_equal(
	    aead_open(key, nonce, slice_text("to Whom"), text, &out), -EBADMSG);
	text.len--;
	assert_int_equal(aead_open(key, nonce, aad, text, &out), -EBADMSG);
	text.len = AEAD_TAG_LEN - 1;
	assert_int_equal(aead_open(key, nonce, aad, text, &out), -EBADMSG);
	assert_int_equal(aead_open(key, nonce, aad, (struct slice){ 0 }, &out), -EBADMSG);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
what_does_not_fit_is_not_sealed(void **state)
{
	uint8_t room[20];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, room, sizeof room);
	assert_int_equal(
	    aead_seal(key, nonce, (struct slice){ 0 }, slice_text("12345"), &out),
	    -ENOSPC);
	buf_init_fixed(&out, room, sizeof room);
	assert_int_equal(
	    aead_seal(key, nonce, (struct slice){ 0 }, slice_text("1234"), &out), 0);
}

/* --- HKDF and PBKDF2 ------------------------------------------------------------------ */
static void
keys_are_derived_as_in_rfc_5869(void **state)
{
	static const struct {
		const char *secret, *salt, *info, *out;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		    "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		    "34007208d5b887185865" },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
		  "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
		  "404142434445464748494a4b4c4d4e4f",
		    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
		    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
		    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
		    "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
		    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
		    "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
		    "cc30c58179ec3e87c14c01d5c1f3434f1d87" },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
		    "9d201395faa4b61a96c8" },
	};
	uint8_t out[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice secret = hex_bytes(cases[i].secret);
		struct slice salt = hex_bytes(cases[i].salt),
			     info = hex_bytes(cases[i].info);
		size_t len = strlen(cases[i].out) / 2;

		assert_int_equal(hkdf_sha256(secret, salt, info, out, len), 0);
		assert_hex(out, len, cases[i].out);
		hex_bytes_free(secret);
		hex_bytes_free(salt);
		hex_bytes_free(info);
	}
	assert_int_equal(
	    hkdf_sha256(slice_text("x"), slice_text("y"), slice_text("z"), out, 0),
	    -EINVAL);
}

static void
passwords_are_stretched_as_in_rfc_7914(void **state)
{
	uint8_t out[64];

	(void)state;
	assert_int_equal(
	    pbkdf2_sha256(slice_text("passwd"), slice_text("salt"), 1, out, sizeof out),
	    0);
	assert_hex(out, sizeof out,
	    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
	    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

static void
passwords_of_quads_give_its_keys(void **state)
{
	struct slice salt = hex_bytes("f474526a2e74accee189f1fbc1c34ceb");
	uint8_t out[32], iv[16], cipher[32];
	struct buf b, back;

	(void)state;
	assert_int_equal(
	    pbkdf2_sha256(slice_text("Kowhai-2026"), salt, 100000, out, sizeof out), 0);
	assert_hex(
	    out, 32, "fe65ea1911d56f8838e78b55dd78d2c7a796f181d9107873661877f0f796345a");
	memcpy(iv, out + 4, sizeof iv);
	buf_init_fixed(&b, cipher, sizeof cipher);
	assert_int_equal(
	    cbc_encrypt(out, iv, (struct slice){ (uint8_t[]){ 0x81, 0 }, 2 }, &b), 0);
	assert_hex(b.data, b.pos, "8c66c4e78b32be66d26dce1c5486afdb");
	buf_init(&back, 100);
	assert_int_equal(cbc_decrypt(out, iv, buf_slice(&b), &back), 0);
	assert_hex(back.data, back.pos, "8100");
	buf_done(&back);
	hex_bytes_free(salt);
	assert_int_equal(
	    pbkdf2_sha256(slice_text("x"), slice_text("y"), 0, out, 32), -EINVAL);
}

/* --- AES-256-CBC ---------------------------------------------------------------------- */
static void
cbc_pads_to_whole_blocks_and_takes_the_padding_off(void **state)
{
	uint8_t iv[16] = { 1 }, text[49];
	struct buf out, back;

	(void)state;
	memset(text, 'a', sizeof text);
	buf_init(&out, 1000);
	buf_init(&back, 1000);
	for (size_t len = 0; len <= sizeof text; len++) {
		buf_reset(&out);
		buf_reset(&back);
		assert_int_equal(
		    cbc_encrypt(key, iv, (struct slice){ text, len }, &out), 0);
		assert_int_equal(out.pos, 16 * (len / 16 + 1));
		assert_int_equal(cbc_decrypt(key, iv, buf_slice(&out), &back), 0);
		assert_true(slice_equal(buf_slice(&back), (struct slice){ text, len }));
	}
	buf_done(&out);
	buf_done(&back);
}

static void
cbc_refuses_half_blocks_and_wrong_padding(void **state)
{
	uint8_t iv[16] = { 1 }, cipher[48], room[48];
	struct slice s = { cipher, 16 };
	struct buf out, back;

	(void)state;
	buf_init_fixed(&out, cipher, sizeof cipher);
	buf_init_fixed(&back, room, sizeof room);
	assert_int_equal(
	    cbc_encrypt(key, iv, slice_text("twenty bytes of text"), &out), 0);
	/* Without its last block it does not end in a padding. */
	assert_int_equal(cbc_decrypt(key, iv, s, &back), -EBADMSG);
	assert_int_equal(back.pos, 0);
	s.len = 31;
	assert_int_equal(cbc_decrypt(key, iv, s, &back), -EBADMSG);
	s.len = 0;
	assert_int_equal(cbc_decrypt(key, iv, s, &back), -EBADMSG);
	assert_int_equal(ERR_peek_error(), 0);
}

/* --- secrets, memory ------------------------------------------------------------------ */
static void
secrets_are_compared_and_wiped(void **state)
{
	uint8_t a[4] = { 1, 2, 3, 4 }, b[4] = { 1, 2, 3, 5 };

	(void)state;
	assert_false(secret_equal(a, b, 4));
	assert_true(secret_equal(a, b, 3));
	assert_true(secret_equal(a, b, 0));
	secret_wipe(a, 3);
	assert_memory_equal(a, "\0\0\0\4", 4);
}

static int
use_all(void)
{
	struct slice text = slice_text("a line of text");
	uint8_t iv[16] = { 0 }, out[32];
	struct buf sealed, plain;
	int err;

	buf_init(&sealed, 100);
	buf_init(&plain, 100);
	err = aead_seal(key, nonce, text, text, &sealed);
	if (!err)
		err = aead_open(key, nonce, text, buf_slice(&sealed), &plain);
	buf_reset(&sealed);
	if (!err)
		err = cbc_encrypt(key, iv, text, &sealed);
	if (!err)
		err = cbc_decrypt(key, iv, buf_slice(&sealed), &plain);
	if (!err)
		err = hkdf_sha256(text, text, text, out, sizeof out);
	if (!err)
		err = pbkdf2_sha256(text, text, 1, out, sizeof out);
	buf_done(&sealed);
	buf_done(&plain);
	return err;
}

static void
each_allocation_may_fail(void **state)
{
	size_t before = alloc_count(), needed;
	int err = use_all();

	(void)state;
	assert_int_equal(err, 0);
	needed = alloc_count() - before;
	assert_true(needed > 5);
	for (size_t n = 1; n <= needed; n++) {
		if (!alloc_fail(n))
			skip();
		err = use_all();
		alloc_fail(0);
		/* What OpenSSL can do without may be missing; what it opens is then refused. */
		assert_true(err == 0 || err == -ENOMEM || err == -EBADMSG);
		assert_int_equal(ERR_peek_error(), 0);
	}
	assert_int_equal(use_all(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gcm_seals_and_opens_as_nist_says),
		TEST(a_bit_flipped_anywhere_is_found),
		TEST(what_does_not_fit_is_not_sealed),
		TEST(keys_are_derived_as_in_rfc_5869),
		TEST(passwords_are_stretched_as_in_rfc_7914),
		TEST(passwords_of_quads_give_its_keys),
		TEST(cbc_pads_to_whole_blocks_and_takes_the_padding_off),
		TEST(cbc_refuses_half_blocks_and_wrong_padding),
		TEST(secrets_are_compared_and_wiped),
		TEST(each_allocation_may_fail),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
