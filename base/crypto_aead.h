/* SPDX-License-Identifier: Apache-2.0
 *
 * Symmetric things: AES-256-GCM, HKDF and PBKDF2 with SHA-256, and AES-256-CBC for QUADS alone. */
#pragma once
#include "base/buf.h"

#define AEAD_KEY_LEN   32
#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN   16

/* Puts ciphertext and tag. A nonce is used once with a key. */
int aead_seal(const uint8_t key[AEAD_KEY_LEN], const uint8_t nonce[AEAD_NONCE_LEN],
    struct slice aad, struct slice plain, struct buf *out) MUST_CHECK;
/* Puts the plaintext; -EBADMSG: not what was sealed, nothing was put. */
int aead_open(const uint8_t key[AEAD_KEY_LEN], const uint8_t nonce[AEAD_NONCE_LEN],
    struct slice aad, struct slice sealed, struct buf *out) MUST_CHECK;

int hkdf_sha256(struct slice secret, struct slice salt, struct slice info, void *ret,
    size_t len) MUST_CHECK;
int pbkdf2_sha256(struct slice password, struct slice salt, unsigned rounds, void *ret,
    size_t len) MUST_CHECK;
/* PKCS#7 padding. -EBADMSG: not a whole number of blocks, or wrong padding. */
int cbc_encrypt(const uint8_t key[32], const uint8_t iv[16], struct slice plain,
    struct buf *out) MUST_CHECK;
int cbc_decrypt(const uint8_t key[32], const uint8_t iv[16], struct slice cipher,
    struct buf *out) MUST_CHECK;
/* Whole blocks, padding and all. -EBADMSG: not a whole number. */
int cbc_decrypt_blocks(const uint8_t key[32], const uint8_t iv[16], struct slice cipher,
    struct buf *out) MUST_CHECK;

bool secret_equal(const void *a, const void *b, size_t len); /* in constant time */
void secret_wipe(void *secret, size_t len);
