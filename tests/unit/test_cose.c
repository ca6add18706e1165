/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/crypto_aead.h"
#include "tests/data/grasp/sealed.h"
#include "tests/support/hex.h"
#include "trust/cose.h"

static const uint8_t purpose[] = { 0x81, 0x6d, 'f', 'o', 'g', 'w', 'a', 't', 'c', 'h',
	'-', 's', 'i', 'g', '1' };
#define PURPOSE ((struct slice){ purpose, sizeof purpose })
/* Before the 32 bytes of an Ed25519 key (RFC 8410). */
#define ED25519_SPKI "302a300506032b6570032100"

static struct slice
slice_from(const void *data, size_t len)
{
	return (struct slice){ data, len };
}

static void
assert_bytes(struct slice got, const char *hex)
{
	struct slice want = hex_bytes(hex);

	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	hex_bytes_free(want);
}

static struct key *
public_key(const char *alg)
{
	char hex[300];
	struct slice der;
	struct key *k;

	snprintf(hex, sizeof hex, "%s%s", strcmp(alg, "EdDSA") == 0 ? ED25519_SPKI : "",
	    strcmp(alg, "EdDSA") == 0 ? SEALED_ED25519_PUBLIC : SEALED_P256_PUBLIC);
	der = hex_bytes(hex);
	assert_int_equal(key_from_spki(der, &k), 0);
	hex_bytes_free(der);
	return k;
}

/* --- signed ----------------------------------------------------------------------------- */

static void
the_signed_vectors_are_read_and_verified(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signed_vectors); i++) {
		const struct signed_vector *v = &signed_vectors[i];
		struct slice in = hex_bytes(v->trailer), payload = hex_bytes(v->payload);
		CLEANUP(key_free) struct key *k = public_key(v->alg);
		struct cose_sign1 s;

		assert_int_equal(cose_sign1_read(in, &s), 0);
		assert_int_equal(s.header.counter, v->seq);
		assert_int_equal(s.header.iat_s, v->iat);
		assert_int_equal(s.header.kid.len, COSE_KID_LEN);
		assert_null(s.payload.data);
		assert_int_equal(s.certificate.len, 0);
		assert_bytes(s.protected, v->protected);
		assert_int_equal(cose_sign1_verify(&s, k, PURPOSE, payload), 0);
		hex_bytes_free(in);
		hex_bytes_free(payload);
	}
}

static void
the_signed_vectors_are_written_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signed_vectors); i++) {
		const struct signed_vector *v = &signed_vectors[i];
		struct slice in = hex_bytes(v->trailer), payload = hex_bytes(v->payload);
		struct cose_sign1 s;
		uint8_t memory[512];
		struct buf out;

		assert_int_equal(cose_sign1_read(in, &s), 0);
		buf_init_fixed(&out, memory, sizeof memory);
		cose_protected_write(&s.header, &out);
		assert_bytes(buf_slice(&out), v->protected);
		buf_reset(&out);
		cose_sign1_structure(s.protected, PURPOSE, payload, &out);
		assert_bytes(buf_slice(&out), v->structure);
		buf_reset(&out);
		cose_sign1_put(&s, &out);
		assert_bytes(buf_slice(&out), v->trailer);
		hex_bytes_free(in);
		hex_bytes_free(payload);
	}
}

/* True if it is read and verified. */
static bool
is_accepted(struct slice in, const struct key *k, struct slice payload)
{
	struct cose_sign1 s;

	return cose_sign1_read(in, &s) == 0 &&
	    cose_sign1_verify(&s, k, PURPOSE, payload) == 0;
}

static void
a_signature_with_any_bit_flipped_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signed_vectors); i++) {
		const struct signed_vector *v = &signed_vectors[i];
		struct slice in = hex_bytes(v->trailer), payload = hex_bytes(v->payload);
		uint8_t *bytes = (uint8_t *)(uintptr_t)in.data;
		CLEANUP(key_free) struct key *k = public_key(v->alg);

		for (size_t bit = 0; bit < 8 * in.len; bit++) {
			bytes[bit / 8] ^= 1 << bit % 8;
			assert_false(is_accepted(in, k, payload));
			bytes[bit / 8] ^= 1 << bit % 8;
		}
		assert_true(is_accepted(in, k, payload));
		hex_bytes_free(in);
		hex_bytes_free(payload);
	}
}

static void
a_signature_over_anything_else_is_refused(void **state)
{
	const struct signed_vector *v = &signed_vectors[2];
	struct slice in = hex_bytes(v->trailer), payload = hex_bytes(v->payload);
	uint8_t *bytes = (uint8_t *)(uintptr_t)payload.data;
	CLEANUP(key_free)
	struct key *k = public_key(v->alg), *other = public_key("EdDSA");
	struct cose_sign1 s;

	(void)state;
	for (size_t bit = 0; bit < 8 * payload.len; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_false(is_accepted(in, k, payload));
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	assert_false(is_accepted(in, other, payload));
	assert_int_equal(cose_sign1_read(in, &s), 0);
	assert_int_equal(
	    cose_sign1_verify(&s, k, slice_text("\x81\x61x"), payload), -EBADMSG);
	hex_bytes_free(in);
	hex_bytes_free(payload);
}

static void
a_trailer_is_not_shorter_nor_longer_than_it_is(void **state)
{
	struct slice in = hex_bytes(signed_vectors[0].trailer);
	uint8_t more[256];
	struct cose_sign1 s;

	(void)state;
	for (size_t len = 0; len < in.len; len++) {
		struct slice cut = hex_bytes(signed_vectors[0].trailer);

		assert_int_equal(
		    cose_sign1_read(slice_from(cut.data, len), &s), -EBADMSG);
		hex_bytes_free(cut);
	}
	memcpy(more, in.data, in.len);
	more[in.len] = 0xf6;
	assert_int_equal(cose_sign1_read(slice_from(more, in.len + 1), &s), -EBADMSG);
	hex_bytes_free(in);
}

static struct key *
new_key(enum key_kind kind)
{
	struct key *k;

	assert_int_equal(key_new(kind, &k), 0);
	return k;
}

static void
write_signed(const struct cose_sign1 *like, const struct key *k, struct buf *out)
{
	assert_int_equal(
	    cose_sign1_write(like, k, PURPOSE, slice_text("payload"), out), 0);
}

static void
what_we_sign_is_verified_with_its_certificate_and_payload(void **state)
{
	static const uint8_t der[600] = { 0x30 };
	const struct cose_sign1 likes[] = {
		{ .header = { .kid = slice_text("12345678") } },
		{ .header = { .kid = slice_text("12345678"),
		      .counter = UINT64_MAX,
		      .iat_s = 1795000000 },
		    .certificate = { der, sizeof der } },
		{ .header = { .kid = slice_text("release") },
		    .payload = slice_text("payload") },
	};

	(void)state;
	for (int kind = KEY_P256; kind <= KEY_ED25519; kind++) {
		CLEANUP(key_free) struct key *k = new_key((enum key_kind)kind);

		for (size_t i = 0; i < ARRAY_LEN(likes); i++) {
			uint8_t memory[1024];
			struct cose_sign1 s;
			struct buf out;

			buf_init_fixed(&out, memory, sizeof memory);
			write_signed(&likes[i], k, &out);
			assert_int_equal(cose_sign1_read(buf_slice(&out), &s), 0);
			assert_true(slice_equal(s.certificate, likes[i].certificate));
			assert_true(slice_equal(s.payload, likes[i].payload));
			assert_int_equal(s.header.counter, likes[i].header.counter);
			assert_true(out.pos - s.certificate.len - s.payload.len <=
			    COSE_SIGN1_OVERHEAD + 6);
			assert_int_equal(
			    cose_sign1_verify(&s, k, PURPOSE, slice_text("payload")), 0);
			assert_int_equal(
			    cose_sign1_verify(&s, k, PURPOSE, slice_text("Payload")),
			    -EBADMSG);
		}
	}
}

static void
only_the_shortest_form_of_known_headers_is_read(void **state)
{
	/* How a trailer begins; its 64 bytes of signature follow. */
#define KID "04483132333435363738"
	static const struct {
		const char *what, *hex;
		int err;
	} cases[] = {
		{ "as it should be", "d2844da20126" KID "a0f65840", 0 },
		{ "indefinite length", "d29f4da20126" KID "a0f65840", -EBADMSG },
		{ "no kid", "d28443a10126a0f65840", -EBADMSG },
		{ "no alg", "d2844ba1" KID "a0f65840", -EBADMSG },
		{ "another order", "d2844da2" KID "0126a0f65840", -EBADMSG },
		{ "a key twice", "d2844fa301260126" KID "a0f65840", -EBADMSG },
		{ "unknown header", "d28450a30126" KID "186300a0f65840", -EBADMSG },
		{ "unknown algorithm", "d2844ea2013825" KID "a0f65840", -EBADMSG },
		{ "a cipher", "d2844da20103" KID "a0f65840", -EBADMSG },
		{ "leading zero", "d28451a30126" KID "06420001a0f65840", -EBADMSG },
		{ "too many bytes", "d2844ea2013806" KID "a0f65840", -EBADMSG },
		{ "unprotected", "d2844da20126" KID "a10100f65840", -EBADMSG },
		{ "undefined payload", "d2844da20126" KID "a0f75840", -EBADMSG },
		{ "long length", "d2844da20126" KID "a0f6590040", -EBADMSG },
		{ "long header", "d284580da20126" KID "a0f65840", -EBADMSG },
		{ "iat 0", "d28451a30126" KID "0fa10600a0f65840", -EBADMSG },
		{ "iat 1", "d28451a30126" KID "0fa10601a0f65840", 0 },
		{ "another claim", "d28451a30126" KID "0fa10501a0f65840", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char hex[512];
		struct cose_sign1 s;
		struct slice in;
		int err;

		snprintf(hex, sizeof hex, "%s%0128d", cases[i].hex, 5);
		in = hex_bytes(hex);
		err = cose_sign1_read(in, &s);
		if (err != cases[i].err)
			fail_msg("%s: %d", cases[i].what, err);
		hex_bytes_free(in);
	}
}

/* --- sealed ----------------------------------------------------------------------------- */

static void
the_sealed_vectors_are_read_and_opened(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sealed_vectors); i++) {
		const struct sealed_vector *v = &sealed_vectors[i];
		struct slice in = hex_bytes(v->wire), key = hex_bytes(v->key),
			     nonce = hex_bytes(v->nonce), aad = hex_bytes(v->aad);
		uint8_t memory[512], text[512];
		struct cose_encrypt0 e;
		struct buf structure, plain;

		assert_int_equal(cose_encrypt0_read(in, &e), 0);
		assert_int_equal(e.header.counter, v->ctr);
		assert_int_equal(e.header.iat_s, v->iat);
		assert_bytes(e.header.kid, SEALED_SENDER SEALED_BOOT);
		assert_bytes(e.header.context, SEALED_GROUP_KID);
		buf_init_fixed(&structure, memory, sizeof memory);
		cose_encrypt0_structure(e.protected, aad, &structure);
		assert_bytes(buf_slice(&structure), v->structure);
		buf_init_fixed(&plain, text, sizeof text);
		assert_int_equal(aead_open(key.data, nonce.data, buf_slice(&structure),
				     e.ciphertext, &plain),
		    0);
		assert_bytes(buf_slice(&plain), v->plain);
		hex_bytes_free(in);
		hex_bytes_free(key);
		hex_bytes_free(nonce);
		hex_bytes_free(aad);
	}
}

static void
the_sealed_vectors_are_written_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sealed_vectors); i++) {
		struct slice in = hex_bytes(sealed_vectors[i].wire);
		uint8_t memory[512], protected[COSE_PROTECTED_MAX];
		struct cose_encrypt0 e;
		struct buf head, out;

		assert_int_equal(cose_encrypt0_read(in, &e), 0);
		buf_init_fixed(&head, protected, sizeof protected);
		cose_protected_write(&e.header, &head);
		e.protected = buf_slice(&head);
		buf_init_fixed(&out, memory, sizeof memory);
		cose_encrypt0_put(&e, &out);
		assert_bytes(buf_slice(&out), sealed_vectors[i].wire);
		hex_bytes_free(in);
	}
}

static void
a_sealed_message_is_not_shorter_nor_longer_than_it_is(void **state)
{
	struct slice in = hex_bytes(sealed_vectors[0].wire);
	uint8_t more[256];
	struct cose_encrypt0 e;

	(void)state;
	for (size_t len = 0; len < in.len; len++)
		assert_int_equal(
		    cose_encrypt0_read(slice_from(in.data, len), &e), -EBADMSG);
	memcpy(more, in.data, in.len);
	more[in.len] = 0;
	assert_int_equal(cose_encrypt0_read(slice_from(more, in.len + 1), &e), -EBADMSG);
	hex_bytes_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_signed_vectors_are_read_and_verified),
		TEST(the_signed_vectors_are_written_byte_for_byte),
		TEST(a_signature_with_any_bit_flipped_is_refused),
		TEST(a_signature_over_anything_else_is_refused),
		TEST(a_trailer_is_not_shorter_nor_longer_than_it_is),
		TEST(what_we_sign_is_verified_with_its_certificate_and_payload),
		TEST(only_the_shortest_form_of_known_headers_is_read),
		TEST(the_sealed_vectors_are_read_and_opened),
		TEST(the_sealed_vectors_are_written_byte_for_byte),
		TEST(a_sealed_message_is_not_shorter_nor_longer_than_it_is),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
