/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

void
crypto_random(void *dst, size_t len)
{
	uint8_t *to = dst;

	while (len > 0) {
		int n = len < INT_MAX ? (int)len : INT_MAX;
		if (RAND_bytes(to, n) != 1) {
			/* Guessable session ids or nonces would be worse than no daemon. */
			fputs("no entropy from the random generator of OpenSSL: giving "
			      "up\n",
			    stderr);
			abort();
		}
		to += n;
		len -= (size_t)n;
	}
}

int
crypto_sha256(struct slice in, uint8_t ret[CRYPTO_SHA256_LEN])
{
	/* The digest of nothing is asked for with a pointer that is not NULL. */
	const void *data = in.len > 0 ? (const void *)in.data : "";

	if (EVP_Digest(data, in.len, ret, NULL, EVP_sha256(), NULL) == 1)
		return 0;
	return -ENOMEM; /* nothing else can fail */
}

static EVP_MAC_CTX *
new_hmac(struct slice key)
{
	/* Owned by the call: OpenSSL takes no const. */
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					  OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	/* An empty key is asked for with a pointer that is not NULL. */
	const void *data = key.len > 0 ? (const void *)key.data : "";

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, data, key.len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

int
crypto_hmac_sha256(struct slice key, const struct slice *part, size_t parts,
    uint8_t ret[CRYPTO_SHA256_LEN])
{
	EVP_MAC_CTX *ctx = new_hmac(key);
	bool ok = ctx != NULL;
	size_t len;

	for (size_t i = 0; i < parts && ok; i++)
		ok = part[i].len == 0 ||
		    EVP_MAC_update(ctx, part[i].data, part[i].len) == 1;
	ok = ok && EVP_MAC_final(ctx, ret, &len, CRYPTO_SHA256_LEN) == 1;
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -ENOMEM; /* nothing else can fail */
}

char *
hex_format(const void *data, size_t len, char *dst)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = data;

	for (size_t i = 0; i < len; i++) {
		dst[2 * i] = digits[from[i] >> 4];
		dst[2 * i + 1] = digits[from[i] & 15];
	}
	dst[2 * len] = '\0';
	return dst;
}

static uint8_t
digit_value(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

int
hex_parse(const char *text, void *dst, size_t len)
{
	uint8_t *to = dst;
	size_t digits = strspn(text, "0123456789abcdefABCDEF");

	if (text[digits] != '\0' || digits % 2 != 0 || digits / 2 != len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(digit_value(text[2 * i]) << 4 |
		    digit_value(text[2 * i + 1]));
	return 0;
}
