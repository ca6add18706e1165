/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
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
