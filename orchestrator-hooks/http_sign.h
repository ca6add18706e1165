/* SPDX-License-Identifier: Apache-2.0
 *
 * How the http hook and its orchestrator know each other's messages: a header
 *
 *	Fogwatch-Signature: t=1795000000,v1=HEX
 *
 * HEX is the HMAC-SHA-256, by a secret that both have, of the digits of t, a point and the body. t is
 * the time of sending in seconds since 1970, and old messages are refused. While a secret is being
 * exchanged, several v1= may stand there. */
#pragma once
#include "base/buf.h"
#include "base/crypto.h"

#define HTTP_SIGNATURE_HEADER "Fogwatch-Signature"
#define HTTP_SIGNATURE_MAX    128
#define HTTP_SIGNED_AGE_MAX_S 300 /* and as much into the future: clocks differ */
#define HTTP_SECRET_MIN	      16

/* What is in a file that nobody but its owner may read, without line ends behind it. -EPERM: others
 * may; -EINVAL: shorter than min bytes, or with a NUL or a line end inside; -ENOSPC: too long. out
 * is to be wiped by secret_wipe(). */
int http_secret_load(const char *path, size_t min, struct buf *out) MUST_CHECK;
/* Why http_secret_load() failed, for people. */
const char *http_secret_fault(int err);

int http_sign(struct slice secret, int64_t now_s, struct slice body,
    char dst[HTTP_SIGNATURE_MAX]) MUST_CHECK;
/* The value of the header. -EBADMSG: it is none; -EKEYREJECTED: made with another secret or for another
 * body; -ESTALE: too old, or from the future. ret_mac: what fits, to know it again. */
int http_sign_check(struct slice secret, const char *header, struct slice body,
    int64_t now_s, uint8_t ret_mac[CRYPTO_SHA256_LEN]) MUST_CHECK;
