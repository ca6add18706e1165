/* SPDX-License-Identifier: Apache-2.0
 *
 * What the project needs of OpenSSL's libcrypto; the only file that includes it, with tls.c. */
#pragma once
#include "base/buf.h"

#define CRYPTO_SHA256_LEN 32

void crypto_random(void *dst, size_t len); /* cryptographically strong; aborts without entropy */
int crypto_sha256(struct slice in, uint8_t ret[CRYPTO_SHA256_LEN]) MUST_CHECK;
/* HMAC (RFC 2104) with SHA-256 over the parts, one after the other. */
int crypto_hmac_sha256(struct slice key, const struct slice *part, size_t parts,
    uint8_t ret[CRYPTO_SHA256_LEN]) MUST_CHECK;
/* 2 * len lower-case digits and NUL. */
char *hex_format(const void *data, size_t len, char *dst);
/* Exactly len bytes from 2 * len digits. -EINVAL otherwise. */
int hex_parse(const char *text, void *dst, size_t len) MUST_CHECK;
