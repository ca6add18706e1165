/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_cert.h"
#include "base/crypto.h"
#include "tests/support/alloc.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HOUR 3600000LL
#define DAY  (24 * HOUR)
#define NOW  1795000000000LL
#define URI  "urn:fogwatch:plant-7:agent:00112233445566778899aabbccddeeff"

/* A domain, an agent of it, and another domain of the same name. */
static struct key *ca_key, *leaf_key, *other_key;
static struct cert *ca, *leaf, *other_ca;
static char *dir;

static const char *
path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static struct cert *
issue(const struct key *signer, const struct cert *issuer, const char *cn,
    const char *uri, int64_t from, int64_t until, const struct key *subject)
{
	struct cert_spec spec = { cn, uri, from, until };
	struct cert *c = NULL;

	assert_int_equal(cert_issue(signer, issuer, &spec, subject, &c), 0);
	return c;
}

static void
assert_refused(const struct cert *c, struct cert *const anchors[], size_t len,
    int64_t now, int err, const char *words)
{
	const char *why = NULL;

	assert_int_equal(cert_verify(c, anchors, len, now, &why), err);
	assert_non_null(why);
	assert_string_equal(why, words);
	assert_int_equal(cert_verify(c, anchors, len, now, NULL), err);
	assert_int_equal(ERR_peek_error(), 0);
}

/* --- what is in it -------------------------------------------------------------------- */
static void
a_leaf_says_what_was_asked_for(void **state)
{
	const struct cert_facts *f = cert_facts(leaf);
	uint8_t fingerprint[32];

	(void)state;
	assert_string_equal(f->cn, "node 1");
	assert_string_equal(f->uri, URI);
	assert_false(f->ca);
	assert_int_equal(f->serial_len, 16);
	assert_true(f->not_before_ms == NOW - HOUR);
	assert_true(f->not_after_ms == NOW + 7 * DAY);
	key_fingerprint(leaf_key, fingerprint);
	assert_memory_equal(f->key_fingerprint, fingerprint, 32);
	key_fingerprint(ca_key, fingerprint);
	assert_memory_equal(f->issuer_fingerprint, fingerprint, 32);
	assert_true(cert_facts(ca)->ca);
	assert_string_equal(cert_facts(ca)->uri, "");
	assert_memory_equal(cert_facts(ca)->issuer_fingerprint, fingerprint, 32);
}

static void
serials_are_random_and_of_16_bytes(void **state)
{
	uint8_t before[16] = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++) {
		CLEANUP(cert_unref)
		struct cert *c = issue(ca_key, ca, "n", URI, NOW, NOW + DAY, leaf_key);

		assert_int_equal(cert_facts(c)->serial_len, 16);
		assert_memory_not_equal(before, cert_facts(c)->serial, 16);
		memcpy(before, cert_facts(c)->serial, 16);
	}
}

static void
times_before_and_after_2050_are_kept(void **state)
{
	static const int64_t times[] = { 0, 2524607999000LL, 2524608000000LL,
		4102444800000LL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		CLEANUP(cert_unref)
		struct cert *c =
		    issue(ca_key, ca, "n", URI, times[i] + 7, times[i] + 999, leaf_key);

		assert_true(cert_facts(c)->not_before_ms == times[i]);
		assert_true(cert_facts(c)->not_after_ms == times[i]);
	}
}

static void
what_cannot_be_said_in_a_certificate_is_not_issued(void **state)
{
	CLEANUP(key_free) struct key *public = NULL;
	char long_cn[CERT_NAME_MAX + 2], long_uri[CERT_URI_MAX + 2];
	struct cert_spec spec = { "n", URI, NOW, NOW + DAY };
	struct cert *c = NULL;

	(void)state;
	memset(long_cn, 'a', sizeof long_cn - 1);
	long_cn[sizeof long_cn - 1] = '\0';
	memset(long_uri, 'a', sizeof long_uri - 1);
	long_uri[sizeof long_uri - 1] = '\0';
	spec.cn = long_cn;
	assert_int_equal(cert_issue(ca_key, ca, &spec, leaf_key, &c), -EINVAL);
	spec.cn = "";
	assert_int_equal(cert_issue(ca_key, ca, &spec, leaf_key, &c), -EINVAL);
	spec.cn = "n";
	spec.uri = long_uri;
	assert_int_equal(cert_issue(ca_key, ca, &spec, leaf_key, &c), -EINVAL);
	spec.uri = URI;
	spec.not_after_ms = NOW - 1;
	assert_int_equal(cert_issue(ca_key, ca, &spec, leaf_key, &c), -EINVAL);
	assert_int_equal(cert_key(leaf, &public), 0);
	spec.not_after_ms = NOW;
	assert_int_equal(cert_issue(public, ca, &spec, leaf_key, &c), -EINVAL);
	assert_null(c);
}

/* A comma begins another name in OpenSSL's configuration, not here. */
static void
a_uri_with_syntax_in_it_stays_one_uri(void **state)
{
	static const char uri[] = "urn:x,DNS:example.org,email:copy";
	CLEANUP(cert_unref)
	struct cert *c = issue(ca_key, ca, "n", uri, NOW, NOW + DAY, leaf_key);

	(void)state;
	assert_string_equal(cert_facts(c)->uri, uri);
}

static void
names_with_control_characters_are_no_names_S_31(void **state)
{
	CLEANUP(cert_unref)
	struct cert *c =
	    issue(ca_key, ca, "a\033[31mb", "urn:\nx", NOW, NOW + DAY, leaf_key);

	(void)state;
	assert_string_equal(cert_facts(c)->cn, "");
	assert_string_equal(cert_facts(c)->uri, "");
}

static void
the_key_in_it_is_the_subjects(void **state)
{
	CLEANUP(key_free) struct key *k = NULL;
	uint8_t a[32], b[32];

	(void)state;
	assert_int_equal(cert_key(leaf, &k), 0);
	assert_false(key_is_private(k));
	key_fingerprint(k, a);
	key_fingerprint(leaf_key, b);
	assert_memory_equal(a, b, 32);
}

static void
what_is_no_certificate_is_not_parsed_S_13(void **state)
{
	struct slice der = cert_der(leaf);
	uint8_t *copy = malloc(der.len + 1);
	CLEANUP(cert_unref) struct cert *back = NULL;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, der.data, der.len);
	copy[der.len] = 0;
	for (size_t len = 0; len <= der.len + 1; len++)
		if (len != der.len)
			assert_int_equal(
			    cert_parse((struct slice){ copy, len }, &back), -EBADMSG);
	assert_int_equal(cert_parse((struct slice){ copy, der.len }, &back), 0);
	assert_true(slice_equal(cert_der(back), der));
	assert_memory_equal(
	    cert_facts(back), cert_facts(leaf), sizeof(struct cert_facts));
	assert_int_equal(ERR_peek_error(), 0);
	free(copy);
}

static void
a_bit_flipped_anywhere_is_found(void **state)
{
	struct slice der = cert_der(leaf);
	uint8_t *copy = malloc(der.len);

	(void)state;
	assert_non_null(copy);
	memcpy(copy, der.data, der.len);
	for (size_t bit = 0; bit < 8 * der.len; bit += 3) {
		CLEANUP(cert_unref) struct cert *c = NULL;

		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (cert_parse((struct slice){ copy, der.len }, &c) == 0)
			assert_int_equal(
			    cert_verify(c, &ca, 1, NOW, NULL), -EKEYREJECTED);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(ERR_peek_error(), 0);
	}
	free(copy);
}

static void
a_reference_keeps_it(void **state)
{
	struct cert *c = issue(ca_key, ca, "n", URI, NOW, NOW + DAY, leaf_key);

	(void)state;
	assert_ptr_equal(cert_ref(c), c);
	cert_unref(c);
	assert_string_equal(cert_facts(c)->cn, "n");
	cert_unref(c);
	cert_unref(NULL);
}

/* --- whom to believe ------------------------------------------------------------------ */
static void
a_leaf_of_the_domain_is_believed(void **state)
{
	struct cert *both[] = { other_ca, ca };

	(void)state;
	assert_int_equal(cert_verify(leaf, &ca, 1, NOW, NULL), 0);
	assert_int_equal(cert_verify(leaf, both, 2, NOW, NULL), 0);
	assert_int_equal(cert_verify(leaf, &ca, 1, NOW - HOUR, NULL), 0);
	assert_int_equal(cert_verify(leaf, &ca, 1, NOW + 7 * DAY - 1000, NULL), 0);
}

static void
a_leaf_of_another_ca_is_refused_S_02(void **state)
{
	CLEANUP(cert_unref)
	struct cert *self =
	    issue(other_key, NULL, "node 1", URI, NOW, NOW + DAY, other_key);
	CLEANUP(cert_unref)
	struct cert *forged =
	    issue(other_key, ca, "node 1", URI, NOW, NOW + DAY, other_key);

	(void)state;
	assert_refused(leaf, &other_ca, 1, NOW, -EKEYREJECTED,
	    "unable to get local issuer certificate");
	assert_refused(
	    leaf, NULL, 0, NOW, -EKEYREJECTED, "unable to get local issuer certificate");
	assert_refused(self, &ca, 1, NOW, -EKEYREJECTED, "self-signed certificate");
	/* It says the CA's name, but was signed by another key. */
	assert_int_equal(cert_verify(forged, &ca, 1, NOW, NULL), -EKEYREJECTED);
}

/* The authority key id tells of which key; without it the signature still does. */
static void
a_name_without_the_key_is_not_enough_S_02(void **state)
{
	CLEANUP(cert_unref)
	struct cert *theirs =
	    issue(other_key, other_ca, "node 1", URI, NOW, NOW + DAY, other_key);

	(void)state;
	assert_int_equal(cert_verify(theirs, &other_ca, 1, NOW, NULL), 0);
	assert_int_equal(cert_verify(theirs, &ca, 1, NOW, NULL), -EKEYREJECTED);
}

static void
a_leaf_used_as_ca_is_an_invalid_ca_certificate_S_05(void **state)
{
	CLEANUP(cert_unref)
	struct cert *forged =
	    issue(leaf_key, leaf, "node 2", URI, NOW, NOW + DAY, other_key);
	struct cert *anchors[] = { leaf, ca };

	(void)state;
	assert_refused(forged, anchors, 2, NOW, -EKEYREJECTED, "invalid CA certificate");
	assert_int_equal(cert_verify(forged, &ca, 1, NOW, NULL), -EKEYREJECTED);
	assert_int_equal(cert_verify(forged, &leaf, 1, NOW, NULL), -EKEYREJECTED);
}

static void
a_ca_is_no_leaf_S_05(void **state)
{
	(void)state;
	assert_int_equal(cert_verify(ca, &ca, 1, NOW, NULL), -EKEYREJECTED);
	assert_int_equal(cert_verify(leaf, &leaf, 1, NOW, NULL), -EKEYREJECTED);
}

/* pathlen:0, and it is no anchor. */
static void
a_ca_below_the_ca_signs_nothing_S_05(void **state)
{
	CLEANUP(cert_unref)
	struct cert *below = issue(ca_key, ca, "below", NULL, NOW, NOW + DAY, other_key);
	CLEANUP(cert_unref)
	struct cert *its = issue(other_key, below, "n", URI, NOW, NOW + DAY, leaf_key);
	struct cert *anchors[] = { ca, below };

	(void)state;
	assert_int_equal(cert_verify(its, &ca, 1, NOW, NULL), -EKEYREJECTED);
	assert_refused(
	    its, anchors, 2, NOW, -EKEYREJECTED, "path length constraint exceeded");
}

static void
an_expired_leaf_is_told_from_a_refused_one_S_20(void **state)
{
	CLEANUP(cert_unref)
	struct cert *old_ca =
	    issue(ca_key, NULL, "CA", NULL, NOW - DAY, NOW + DAY, ca_key);

	(void)state;
	assert_refused(
	    leaf, &ca, 1, NOW + 7 * DAY + 1000, -EKEYEXPIRED, "certificate has expired");
	assert_refused(leaf, &ca, 1, NOW - HOUR - 1000, -EKEYEXPIRED,
	    "certificate is not yet valid");
	/* Expired, and not of this domain either. */
	assert_int_equal(
	    cert_verify(leaf, &other_ca, 1, NOW + 8 * DAY, NULL), -EKEYREJECTED);
	/* It is the CA that has expired. */
	assert_refused(
	    leaf, &old_ca, 1, NOW + 2 * DAY, -EKEYREJECTED, "certificate has expired");
	assert_int_equal(
	    cert_verify(leaf, &old_ca, 1, NOW + 8 * DAY, NULL), -EKEYREJECTED);
}

static void
keys_of_either_kind_sign_and_are_signed(void **state)
{
	static const enum key_kind kinds[] = { KEY_P256, KEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(key_free) struct key *signer = NULL, *subject = NULL;
		CLEANUP(cert_unref) struct cert *root = NULL, *c = NULL;

		assert_int_equal(key_new(kinds[i / 2], &signer), 0);
		assert_int_equal(key_new(kinds[i % 2], &subject), 0);
		root = issue(signer, NULL, "CA", NULL, NOW - DAY, NOW + DAY, signer);
		c = issue(signer, root, "n", URI, NOW - DAY, NOW + DAY, subject);
		assert_int_equal(cert_verify(c, &root, 1, NOW, NULL), 0);
		assert_int_equal(cert_verify(c, &ca, 1, NOW, NULL), -EKEYREJECTED);
	}
}

/* --- files ---------------------------------------------------------------------------- */
static void
files_hold_certificates_in_order(void **state)
{
	struct cert *certs[] = { other_ca, ca, leaf }, *back[3] = { 0 };

	(void)state;
	assert_int_equal(cert_save(certs, 3, path_of("three.pem")), 0);
	assert_int_equal(cert_load(path_of("three.pem"), 3, back), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(slice_equal(cert_der(back[i]), cert_der(certs[i])));
		cert_unref(TAKE(back[i]));
	}
	assert_int_equal(cert_load(path_of("three.pem"), 2, back), -E2BIG);
	assert_null(back[0]);
	assert_int_equal(cert_load(path_of("none.pem"), 3, back), -ENOENT);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
damaged_files_are_refused_whole(void **state)
{
	static const char good_then_bad[] =
	    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	struct cert *back[3] = { 0 };
	FILE *f;

	(void)state;
	assert_int_equal(cert_save(&leaf, 1, path_of("bad.pem")), 0);
	f = fopen(path_of("bad.pem"), "a");
	assert_non_null(f);
	assert_true(fputs(good_then_bad, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(cert_load(path_of("bad.pem"), 3, back), -EBADMSG);
	assert_null(back[0]);
	f = fopen(path_of("empty.pem"), "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(cert_load(path_of("empty.pem"), 3, back), -EBADMSG);
	assert_int_equal(ERR_peek_error(), 0);
}

/* --- requests ------------------------------------------------------------------------- */
static void
a_request_proves_its_key(void **state)
{
	CLEANUP(key_free) struct key *k = NULL;
	uint8_t a[32], b[32];
	struct buf der;

	(void)state;
	buf_init(&der, CERT_DER_MAX);
	assert_int_equal(cert_request(leaf_key, "node 1", &der), 0);
	assert_int_equal(cert_request_parse(buf_slice(&der), &k), 0);
	assert_false(key_is_private(k));
	key_fingerprint(k, a);
	key_fingerprint(leaf_key, b);
	assert_memory_equal(a, b, 32);
	assert_int_equal(cert_request(k, "node 1", &der), -EINVAL);
	buf_done(&der);
}

static void
a_request_with_a_bit_flipped_anywhere_is_refused(void **state)
{
	struct key *k = NULL;
	struct buf der;

	(void)state;
	buf_init(&der, CERT_DER_MAX);
	assert_int_equal(cert_request(leaf_key, "node 1", &der), 0);
	for (size_t bit = 0; bit < 8 * der.pos; bit += 3) {
		der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(cert_request_parse(buf_slice(&der), &k), -EBADMSG);
		der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < der.pos; len++)
		assert_int_equal(
		    cert_request_parse((struct slice){ der.data, len }, &k), -EBADMSG);
	buf_put_u8(&der, 0);
	assert_int_equal(cert_request_parse(buf_slice(&der), &k), -EBADMSG);
	assert_null(k);
	assert_int_equal(ERR_peek_error(), 0);
	buf_done(&der);
}

/* --- memory --------------------------------------------------------------------------- */
static int
use_all(void)
{
	struct cert_spec spec = { "n", URI, NOW - HOUR, NOW + DAY };
	CLEANUP(cert_unref) struct cert *c = NULL, *back = NULL;
	CLEANUP(key_free) struct key *k = NULL;
	struct cert *loaded[1] = { 0 };
	struct buf der;
	int err;

	buf_init(&der, CERT_DER_MAX);
	err = cert_request(leaf_key, "n", &der);
	if (!err)
		err = cert_request_parse(buf_slice(&der), &k);
	if (!err)
		err = cert_issue(ca_key, ca, &spec, k, &c);
	if (!err)
		err = cert_parse(cert_der(c), &back);
	if (!err)
		err = cert_verify(back, &ca, 1, NOW, NULL);
	if (!err)
		err = cert_save(&c, 1, path_of("alloc.pem"));
	if (!err && cert_load(path_of("alloc.pem"), 1, loaded) != 1)
		err = -EBADMSG;
	cert_unref(loaded[0]);
	buf_done(&der);
	return err;
}

/* Whatever is missing, nothing that is not true is believed, and nothing is left behind. */
static void
an_allocation_may_fail(void **state)
{
	size_t before, needed;

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
		assert_true(err == 0 || err == -ENOMEM || err == -EBADMSG ||
		    err == -EINVAL || err == -EKEYREJECTED);
		assert_int_equal(ERR_peek_error(), 0);
	}
	assert_int_equal(use_all(), 0);
}

static int
make_domain(void **state)
{
	(void)state;
	dir = tempdir_new();
	if (key_new(KEY_P256, &ca_key) < 0 || key_new(KEY_P256, &leaf_key) < 0 ||
	    key_new(KEY_P256, &other_key) < 0)
		return -1;
	ca = issue(ca_key, NULL, "CA", NULL, NOW - DAY, NOW + 3650 * DAY, ca_key);
	other_ca =
	    issue(other_key, NULL, "CA", NULL, NOW - DAY, NOW + 3650 * DAY, other_key);
	leaf = issue(ca_key, ca, "node 1", URI, NOW - HOUR, NOW + 7 * DAY, leaf_key);
	return 0;
}

static int
unmake_domain(void **state)
{
	(void)state;
	cert_unref(leaf);
	cert_unref(other_ca);
	cert_unref(ca);
	key_free(other_key);
	key_free(leaf_key);
	key_free(ca_key);
	tempdir_remove(dir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_leaf_says_what_was_asked_for),
		TEST(serials_are_random_and_of_16_bytes),
		TEST(times_before_and_after_2050_are_kept),
		TEST(what_cannot_be_said_in_a_certificate_is_not_issued),
		TEST(a_uri_with_syntax_in_it_stays_one_uri),
		TEST(names_with_control_characters_are_no_names_S_31),
		TEST(the_key_in_it_is_the_subjects),
		TEST(what_is_no_certificate_is_not_parsed_S_13),
		TEST(a_bit_flipped_anywhere_is_found),
		TEST(a_reference_keeps_it),
		TEST(a_leaf_of_the_domain_is_believed),
		TEST(a_leaf_of_another_ca_is_refused_S_02),
		TEST(a_name_without_the_key_is_not_enough_S_02),
		TEST(a_leaf_used_as_ca_is_an_invalid_ca_certificate_S_05),
		TEST(a_ca_is_no_leaf_S_05),
		TEST(a_ca_below_the_ca_signs_nothing_S_05),
		TEST(an_expired_leaf_is_told_from_a_refused_one_S_20),
		TEST(keys_of_either_kind_sign_and_are_signed),
		TEST(files_hold_certificates_in_order),
		TEST(damaged_files_are_refused_whole),
		TEST(a_request_proves_its_key),
		TEST(a_request_with_a_bit_flipped_anywhere_is_refused),
		TEST(an_allocation_may_fail),
	};

	return RUN_TESTS(tests, make_domain, unmake_domain);
}
