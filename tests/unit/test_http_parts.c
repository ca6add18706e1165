/* SPDX-License-Identifier: Apache-2.0
 *
 * What the hook http signs, understands and where it goes, each alone. */
#include "orchestrator-hooks/http_client.h"
#include "orchestrator-hooks/http_reply.h"
#include "orchestrator-hooks/http_sign.h"
#include "tests/support/manual.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- signatures ------------------------------------------------------------------------------- */

static struct slice
repeat(uint8_t *memory, uint8_t byte, size_t n)
{
	memset(memory, byte, n);
	return (struct slice){ memory, n };
}

static void
expect_hmac(struct slice key, struct slice data, const char *hex)
{
	struct slice halves[] = { { data.data, data.len / 2 },
		{ data.data + data.len / 2, data.len - data.len / 2 } };
	uint8_t mac[CRYPTO_SHA256_LEN];
	char text[2 * CRYPTO_SHA256_LEN + 1];

	assert_int_equal(crypto_hmac_sha256(key, halves, 2, mac), 0);
	assert_string_equal(hex_format(mac, sizeof mac, text), hex);
}

static void
the_vectors_of_RFC_4231_come_out(void **state)
{
	uint8_t k[200], d[200];

	(void)state;
	expect_hmac(repeat(k, 0x0b, 20), slice_text("Hi There"),
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	expect_hmac(slice_text("Jefe"), slice_text("what do ya want for nothing?"),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	expect_hmac(repeat(k, 0xaa, 20), repeat(d, 0xdd, 50),
	    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	expect_hmac(repeat(k, 0xaa, 131),
	    slice_text("Test Using Larger Than Block-Size Key - Hash Key First"),
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	expect_hmac(repeat(k, 0xaa, 131),
	    slice_text("This is a test using a larger than block-size key and a larger "
		       "than block-size data. The key needs to be hashed before being "
		       "used by the HMAC algorithm."),
	    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
	expect_hmac(slice_text(""), slice_text(""),
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

#define SECRET slice_text("a secret of our own")
#define NOW    1795000000
#define BODY   slice_text("{\"verdict\":\"done\"}")

static void
a_signature_is_good_for_five_minutes(void **state)
{
	static const int ages[] = { 0, 300, -300, 301, -301, 100000 };
	char header[HTTP_SIGNATURE_MAX];
	uint8_t mac[CRYPTO_SHA256_LEN];

	(void)state;
	assert_int_equal(http_sign(SECRET, NOW, BODY, header), 0);
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++)
		assert_int_equal(
		    http_sign_check(SECRET, header, BODY, NOW + ages[i], mac),
		    abs(ages[i]) <= 300 ? 0 : -ESTALE);
	assert_int_equal(
	    http_sign_check(slice_text("another secret"), header, BODY, NOW, mac),
	    -EKEYREJECTED);
	assert_int_equal(
	    http_sign_check(SECRET, header, slice_text("{}"), NOW, mac), -EKEYREJECTED);
	header[11]++; /* the time is signed as well */
	assert_int_equal(http_sign_check(SECRET, header, BODY, NOW, mac), -EKEYREJECTED);
}

static void
two_secrets_may_sign_while_they_are_exchanged(void **state)
{
	char old[HTTP_SIGNATURE_MAX], new[HTTP_SIGNATURE_MAX],
	    both[3 * HTTP_SIGNATURE_MAX];
	uint8_t mac[CRYPTO_SHA256_LEN];

	(void)state;
	assert_int_equal(http_sign(slice_text("the old one"), NOW, BODY, old), 0);
	assert_int_equal(http_sign(SECRET, NOW, BODY, new), 0);
	snprintf(both, sizeof both, "%s, %s,v9=later", old, strstr(new, "v1="));
	assert_int_equal(http_sign_check(SECRET, both, BODY, NOW, mac), 0);
}

static void
what_is_no_signature_is_refused(void **state)
{
	static const char *const headers[] = { "", "t=", "t=1", "v1=00",
		"t=1,v1=", "t=1,v1=zz", "t=-1,v1=00", "t=1795000000", "nonsense", ",,,",
		"t=1,t=2,v1="
		"0000000000000000000000000000000000000000000000000000000000000000",
		"t=99999999999999999999,"
		"v1=0000000000000000000000000000000000000000000000000000000000000000",
		NULL };
	uint8_t mac[CRYPTO_SHA256_LEN];

	(void)state;
	for (size_t i = 0; headers[i]; i++)
		if (http_sign_check(SECRET, headers[i], BODY, NOW, mac) != -EBADMSG)
			fail_msg("%s", headers[i]);
	assert_int_equal(http_sign_check(SECRET, NULL, BODY, NOW, mac), -EBADMSG);
}

static int
load(const char *dir, const char *text, mode_t mode, struct buf *out)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/secret", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
	buf_reset(out);
	return http_secret_load(path, HTTP_SECRET_MIN, out);
}

static void
a_secret_is_its_owners_alone_S_29(void **state)
{
	char *dir = tempdir_new();
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(load(dir, "0123456789abcdef\n", 0600, &b), 0);
	assert_true(slice_is(buf_slice(&b), "0123456789abcdef"));
	assert_int_equal(load(dir, "0123456789abcdef", 0640, &b), -EPERM);
	assert_int_equal(load(dir, "0123456789abcdef", 0602, &b), -EPERM);
	assert_int_equal(load(dir, "0123456789abcde\n", 0600, &b), -EINVAL);
	assert_int_equal(load(dir, "01234567\n89abcdef0123", 0600, &b), -EINVAL);
	buf_reset(&b);
	assert_int_equal(http_secret_load("/dev/null", 1, &b), -EINVAL);
	assert_int_equal(http_secret_load("/there/is/none", 1, &b), -ENOENT);
	buf_done(&b);
	tempdir_remove(dir);
}

/* --- replies ---------------------------------------------------------------------------------- */

static void
a_reply_says_a_phase_a_verdict_and_why(void **state)
{
	static const struct {
		const char *json;
		int rc;
		enum hook_phase phase;
		enum hook_verdict verdict;
		const char *detail;
	} cases[] = {
		{ "{}", 0, 0, 0, "" },
		{ "{\"verdict\":\"done\"}", 0, 0, HOOK_DONE, "" },
		{ " {\"phase\":\"switched\",\"x\":[{\"verdict\":\"done\"}]}\n", 0,
		    HOOK_SWITCHED, 0, "" },
		{ "{\"verdict\":\"accepted\"}", 0, HOOK_ACCEPTED, 0, "" },
		{ "{\"phase\":\"pulling\",\"verdict\":null}", 0, 0, 0, "" },
		{ "{\"verdict\":\"sure\",\"phase\":\"accepted\"}", -EINVAL, HOOK_ACCEPTED,
		    0, "" },
		{ "{\"verdict\":7}", -EINVAL, 0, 0, "" },
		{ "{\"title\":\"t\",\"error\":\"e\",\"reason\":\"r\"}", 0, 0, 0, "r" },
		{ "{\"detail\":\"d\",\"title\":\"t\"}", 0, 0, 0, "d" },
		{ "{\"detail\":\"a\\nb\\u0007c\\u00e9\\ud83d\\ude00\\ud83dx\\\"\"}", 0, 0,
		    0, "a b c\u00e9\U0001F600\uFFFDx\"" },
		{ "{\"detail\":\"\\u00\"}", 0, 0, 0, "\uFFFD00" },
		{ "{\"detail\":\"\\udc00\\uD800\\u0041\"}", 0, 0, 0, "\uFFFD\uFFFDA" },
		{ "", -EBADMSG, 0, 0, "" },
		{ "done", -EBADMSG, 0, 0, "" },
		{ "[\"done\"]", -EBADMSG, 0, 0, "" },
		{ "{\"verdict\":\"done\"", -EBADMSG, 0, 0, "" },
		{ "{\"verdict\":\"done\"} x", -EBADMSG, 0, 0, "" },
		{ "{\"verdict\":\"done\\", -EBADMSG, 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_said said;
		int rc = http_said_parse(slice_text(cases[i].json), &said);

		if (rc != cases[i].rc || said.phase != cases[i].phase ||
		    said.verdict != cases[i].verdict ||
		    strcmp(said.detail, cases[i].detail))
			fail_msg("%s: %d %d %d %s", cases[i].json, rc, said.phase,
			    said.verdict, said.detail);
	}
}

static void
a_long_detail_is_cut_between_characters(void **state)
{
	char json[2048] = "{\"detail\":\"x";
	struct http_said said;

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(json, "\u00e9");
	strcat(json, "\"}");
	assert_int_equal(http_said_parse(slice_text(json), &said), 0);
	assert_int_equal(strlen(said.detail), HTTP_DETAIL_SIZE - 1);
	assert_true(slice_is_utf8(slice_text(said.detail)));
}

/* --- the manual --------------------------------------------------------------------------------- */

/* Rows of option tables: CONF(..., member, "name", TYPE, or .name = "name". */
static unsigned
expect_options(const char *page, const char *path)
{
	char line[512];
	unsigned n = 0;
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		char *at = strchr(line, '"'), *end = at ? strchr(at + 1, '"') : NULL;
		bool row = strstr(line, "CONF(struct") || strstr(line, "CONF(type_") ||
		    strstr(line, "{ .name = \"");

		if (!row || !end)
			continue;
		*end = '\0';
		if (!manual_has_word(page, ".It Va ", at + 1))
			fail_msg("the manual does not tell of %s", at + 1);
		n++;
	}
	fclose(f);
	return n;
}

static void
every_option_is_in_the_manual(void **state)
{
	char *page = manual_load("fogwatch-hooks.7");
	unsigned n;

	(void)state;
	assert_non_null(page);
	n = expect_options(page, SRCDIR "/orchestrator-hooks/http.c") +
	    expect_options(page, SRCDIR "/orchestrator-hooks/http_config.h");
	assert_true(n >= 17);
	free(page);
}

/* --- URLs --------------------------------------------------------------------------------------- */

static void
it_speaks_in_the_clear_with_this_machine_alone(void **state)
{
	static const struct {
		const char *url;
		enum http_url_fault fault;
	} cases[] = {
		{ "https://a.example/x", HTTP_URL_GOOD },
		{ "http://a.example/x", HTTP_URL_CLEAR },
		{ "http://127.0.0.1:80/", HTTP_URL_GOOD },
		{ "http://127.9.9.9/", HTTP_URL_GOOD },
		{ "http://[::1]:80/", HTTP_URL_GOOD },
		{ "http://localhost/", HTTP_URL_GOOD },
		{ "http://localhost.example/", HTTP_URL_CLEAR },
		{ "http://127.0.0.1.example/", HTTP_URL_CLEAR },
		{ "http://128.0.0.1/", HTTP_URL_CLEAR },
		{ "http://127.0.0.1@a.example/", HTTP_URL_CREDENTIALS },
		{ "https://u:p@a.example/", HTTP_URL_CREDENTIALS },
		{ "ftp://a.example/", HTTP_URL_SCHEME },
		{ "file:///etc/passwd", HTTP_URL_SCHEME },
		{ "a.example", HTTP_URL_MALFORMED },
		{ "https://", HTTP_URL_MALFORMED },
		{ "", HTTP_URL_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum http_url_fault fault = http_url_check(cases[i].url);

		if (fault != cases[i].fault &&
		    !(cases[i].fault == HTTP_URL_SCHEME && fault == HTTP_URL_MALFORMED))
			fail_msg("%s: %d", cases[i].url, fault);
	}
}

static void
a_reference_is_resolved_and_its_server_compared(void **state)
{
	static const struct {
		const char *reference, *url;
		bool same;
	} cases[] = {
		{ "/op/7", "https://a.example:8443/op/7", true },
		{ "op/7", "https://a.example:8443/x/op/7", true },
		{ "?q", "https://a.example:8443/x/y?q", true },
		{ "https://A.example:8443/z#part", "https://A.example:8443/z", true },
		{ "//b.example/z", "https://b.example/z", false },
		{ "https://a.example/z", "https://a.example/z", false },
		{ "http://a.example:8443/z", "http://a.example:8443/z", false },
	};
	static const char base[] = "https://a.example:8443/x/y";

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *url = http_url_resolve(base, cases[i].reference);

		assert_non_null(url);
		assert_string_equal(url, cases[i].url);
		assert_int_equal(http_url_same_origin(base, url), cases[i].same);
		free(url);
	}
	assert_true(
	    http_url_same_origin("https://a.example/x", "https://a.example:443/y"));
	assert_false(http_url_same_origin("https://a.example", "nonsense"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_vectors_of_RFC_4231_come_out),
		TEST(a_signature_is_good_for_five_minutes),
		TEST(two_secrets_may_sign_while_they_are_exchanged),
		TEST(what_is_no_signature_is_refused),
		TEST(a_secret_is_its_owners_alone_S_29),
		TEST(a_reply_says_a_phase_a_verdict_and_why),
		TEST(a_long_detail_is_cut_between_characters),
		TEST(every_option_is_in_the_manual),
		TEST(it_speaks_in_the_clear_with_this_machine_alone),
		TEST(a_reference_is_resolved_and_its_server_compared),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
