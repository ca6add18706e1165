/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_key.h"
#include "base/crypto.h"
#include "tests/support/alloc.h"
#include "tests/support/hex.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const enum key_kind kinds[] = { KEY_P256, KEY_ED25519 };
static char *dir;

static const char *
path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
write_text(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static struct key *
new_key(enum key_kind kind)
{
	struct key *k = NULL;

	assert_int_equal(key_new(kind, &k), 0);
	assert_int_equal(key_kind(k), kind);
	return k;
}

static void
what_one_key_signs_no_other_one_verifies(void **state)
{
	struct slice data = slice_text("over to you"), nothing = { 0 };
	uint8_t sig[KEY_SIGNATURE_LEN];
	struct slice s = { sig, sizeof sig };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(key_free)
		struct key *k = new_key(kinds[i]), *other = new_key(kinds[i]);

		assert_int_equal(key_sign(k, data, sig), 0);
		assert_int_equal(key_verify(k, data, s), 0);
		assert_int_equal(key_verify(other, data, s), -EBADMSG);
		assert_int_equal(key_verify(k, slice_text("over to me"), s), -EBADMSG);
		assert_int_equal(key_verify(k, nothing, s), -EBADMSG);
		assert_int_equal(key_sign(k, nothing, sig), 0);
		assert_int_equal(key_verify(k, nothing, s), 0);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

static void
a_signature_with_any_bit_flipped_or_of_another_length_is_refused(void **state)
{
	struct slice data = slice_text("over to you");
	uint8_t sig[KEY_SIGNATURE_LEN + 1] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(key_free) struct key *k = new_key(kinds[i]);
		struct slice s = { sig, KEY_SIGNATURE_LEN };

		assert_int_equal(key_sign(k, data, sig), 0);
		for (size_t bit = 0; bit < 8 * KEY_SIGNATURE_LEN; bit++) {
			sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(key_verify(k, data, s), -EBADMSG);
			sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		s.len--;
		assert_int_equal(key_verify(k, data, s), -EBADMSG);
		s.len += 2;
		assert_int_equal(key_verify(k, data, s), -EBADMSG);
		assert_int_equal(key_verify(k, data, (struct slice){ 0 }), -EBADMSG);
	}
}

static void
signatures_without_r_or_s_are_refused(void **state)
{
	CLEANUP(key_free) struct key *k = new_key(KEY_P256);
	uint8_t sig[KEY_SIGNATURE_LEN] = { 0 };
	struct slice s = { sig, sizeof sig }, data = slice_text("x");

	(void)state;
	assert_int_equal(key_verify(k, data, s), -EBADMSG);
	memset(sig, 0xff, sizeof sig);
	assert_int_equal(key_verify(k, data, s), -EBADMSG);
}

/* RFC 6979 §A.2.5: P-256, SHA-256, "sample"; and RFC 8032 §7.1, test 3. */
static void
signatures_of_the_rfcs_are_verified(void **state)
{
	static const struct {
		const char *spki, *data, *sig;
	} cases[] = {
		{ "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
		  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
		    "73616d706c65",
		    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
		    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
		{ "302a300506032b6570032100"
		  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		    "af82",
		    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(key_free) struct key *k = NULL;
		struct slice spki = hex_bytes(cases[i].spki),
			     data = hex_bytes(cases[i].data);
		struct slice sig = hex_bytes(cases[i].sig);

		assert_int_equal(key_from_spki(spki, &k), 0);
		assert_int_equal(key_kind(k), kinds[i]);
		assert_int_equal(key_verify(k, data, sig), 0);
		hex_bytes_free(spki);
		hex_bytes_free(data);
		hex_bytes_free(sig);
	}
}

static void
the_fingerprint_is_that_of_the_public_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(key_free) struct key *k = new_key(kinds[i]), *public = NULL;
		uint8_t a[32], b[32], c[32], sig[KEY_SIGNATURE_LEN];
		struct buf spki;

		buf_init(&spki, 200);
		key_spki(k, &spki);
		assert_int_equal(crypto_sha256(buf_slice(&spki), a), 0);
		key_fingerprint(k, b);
		assert_memory_equal(a, b, 32);
		assert_int_equal(key_from_spki(buf_slice(&spki), &public), 0);
		key_fingerprint(public, c);
		assert_memory_equal(a, c, 32);
		assert_true(key_is_private(k));
		assert_false(key_is_private(public));
		assert_int_equal(key_sign(public, slice_text("x"), sig), -EINVAL);
		assert_int_equal(key_save(public, path_of("public")), -EINVAL);
		assert_int_equal(access(path_of("public"), F_OK), -1);
		buf_done(&spki);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

/* One key in two encodings would be two nodes. */
static void
a_public_key_in_another_encoding_is_refused(void **state)
{
	static const char *const cases[] = { "", "30",
		/* compressed point */
		"3039301306072a8648ce3d020106082a8648ce3d030107032200"
		"0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
		/* not on the curve */
		"3059301306072a8648ce3d020106082a8648ce3d03010703420004"
		"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462298",
		/* a byte behind it, a byte missing */
		"302a300506032b6570032100"
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb91154890802500",
		"302a300506032b6570032100"
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb9115489080",
		/* X25519 signs nothing */
		"302a300506032b656e032100"
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice der = hex_bytes(cases[i]);
		struct key *k = NULL;

		assert_int_equal(key_from_spki(der, &k), -EBADMSG);
		assert_null(k);
		hex_bytes_free(der);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void
a_saved_key_is_its_owners_alone_and_loads_again(void **state)
{
	struct stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(key_free) struct key *k = new_key(kinds[i]), *back = NULL;
		uint8_t a[32], b[32];

		assert_int_equal(key_save(k, path_of("saved")), 0);
		assert_int_equal(stat(path_of("saved"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(access(path_of("saved.tmp"), F_OK), -1);
		assert_int_equal(key_load(path_of("saved"), &back), 0);
		assert_true(key_is_private(back));
		key_fingerprint(k, a);
		key_fingerprint(back, b);
		assert_memory_equal(a, b, 32);
		assert_int_equal(unlink(path_of("saved")), 0);
	}
}

static void
a_key_never_replaces_another_one(void **state)
{
	CLEANUP(key_free) struct key *k = new_key(KEY_P256), *other = new_key(KEY_P256);
	CLEANUP(key_free) struct key *back = NULL;
	uint8_t a[32], b[32];

	(void)state;
	assert_int_equal(key_save(k, path_of("first")), 0);
	assert_int_equal(key_save(other, path_of("first")), -EEXIST);
	assert_int_equal(access(path_of("first.tmp"), F_OK), -1);
	assert_int_equal(key_load(path_of("first"), &back), 0);
	key_fingerprint(k, a);
	key_fingerprint(back, b);
	assert_memory_equal(a, b, 32);
	assert_int_equal(key_save(k, path_of("no/such/place")), -ENOENT);
}

static void
a_key_that_others_may_read_or_write_is_not_loaded(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0601, 0644 };
	CLEANUP(key_free) struct key *k = new_key(KEY_P256), *back = NULL;

	(void)state;
	assert_int_equal(key_save(k, path_of("shared")), 0);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod(path_of("shared"), modes[i]), 0);
		assert_int_equal(key_load(path_of("shared"), &back), -EPERM);
	}
	assert_int_equal(chmod(path_of("shared"), 0400), 0);
	assert_int_equal(key_load(path_of("shared"), &back), 0);
}

static void
files_without_a_key_of_ours_are_refused(void **state)
{
	static const char *const texts[] = { "", "hello\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		/* P-384 */
		"-----BEGIN PRIVATE KEY-----\n"
		"MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAxuRjUVSw6VQk+VEsI\n"
		"-----END PRIVATE KEY-----\n",
		/* asks for a password */
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		"MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjVvKZtHlmIsAICCAAw\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n" };
	struct key *k = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_text("bad", texts[i], 0600);
		assert_int_equal(key_load(path_of("bad"), &k), -EBADMSG);
	}
	assert_int_equal(key_load(path_of("missing"), &k), -ENOENT);
	assert_int_equal(key_load(dir, &k) < 0, 1);
	assert_null(k);
	assert_int_equal(ERR_peek_error(), 0);
}

static int
use_all(void)
{
	CLEANUP(key_free) struct key *k = NULL, *public = NULL, *back = NULL;
	uint8_t sig[KEY_SIGNATURE_LEN];
	struct buf spki;
	int err;

	unlink(path_of("alloc"));
	buf_init(&spki, 200);
	err = key_new(KEY_P256, &k);
	if (!err)
		err = key_save(k, path_of("alloc"));
	if (!err)
		err = key_load(path_of("alloc"), &back);
	if (!err)
		err = key_sign(back, slice_text("x"), sig);
	if (!err) {
		key_spki(k, &spki);
		err = spki.err;
	}
	if (!err)
		err = key_from_spki(buf_slice(&spki), &public);
	if (!err)
		err = key_verify(
		    public, slice_text("x"), (struct slice){ sig, sizeof sig });
	buf_done(&spki);
	return err;
}

static void
an_allocation_may_fail(void **state)
{
	size_t before = alloc_count(), needed;

	(void)state;
	assert_int_equal(use_all(), 0);
	before = alloc_count();
	assert_int_equal(use_all(), 0);
	needed = alloc_count() - before; /* thousands, nearly all of them OpenSSL's */
	for (size_t n = 1; n <= needed; n += 1 + n / 100) {
		int err;

		if (!alloc_fail(n))
			skip();
		err = use_all();
		alloc_fail(0);
		/* OpenSSL does without some, and does not tell of all. */
		assert_true(err == 0 || err == -ENOMEM || err == -EBADMSG);
		assert_int_equal(ERR_peek_error(), 0);
	}
	assert_int_equal(use_all(), 0);
}

static int
make_dir(void **state)
{
	(void)state;
	dir = tempdir_new();
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_one_key_signs_no_other_one_verifies),
		TEST(a_signature_with_any_bit_flipped_or_of_another_length_is_refused),
		TEST(signatures_without_r_or_s_are_refused),
		TEST(signatures_of_the_rfcs_are_verified),
		TEST(the_fingerprint_is_that_of_the_public_key),
		TEST(a_public_key_in_another_encoding_is_refused),
		TEST(a_saved_key_is_its_owners_alone_and_loads_again),
		TEST(a_key_never_replaces_another_one),
		TEST(a_key_that_others_may_read_or_write_is_not_loaded),
		TEST(files_without_a_key_of_ours_are_refused),
		TEST(an_allocation_may_fail),
	};

	return RUN_TESTS(tests, make_dir, remove_dir);
}
