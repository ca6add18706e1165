/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that sign: P-256 with SHA-256 (ES256, RFC 9053 §2.1) for everything of ours, Ed25519 for who
 * else uses it. Signatures are raw, r and s side by side as COSE has them, never DER. */
#pragma once
#include "base/buf.h"

#define KEY_SIGNATURE_LEN 64

struct key; /* private, or public alone */

enum key_kind { KEY_P256, KEY_ED25519 };

int key_new(enum key_kind kind, struct key **ret) MUST_CHECK;
/* PEM, PKCS#8, without a password. -ENOENT; -EPERM: others than its owner may read or write the file;
 * -EBADMSG: it holds no key that we can use. */
int key_load(const char *path, struct key **ret) MUST_CHECK;
/* Written, synced, renamed; mode 0600. -EEXIST: something is there, which is never replaced. */
int key_save(const struct key *k, const char *path) MUST_CHECK;
int key_from_spki(struct slice der, struct key **ret) MUST_CHECK; /* -EBADMSG */
void key_free(struct key *k); /* wipes it */
DEFINE_FREEP(struct key, key_free)

enum key_kind key_kind(const struct key *k);
void key_spki(const struct key *k, struct buf *out); /* SubjectPublicKeyInfo, DER */
/* SHA-256 of that. The first 16 bytes are a node's id, the first 8 its kid (security.md §5.1). */
void key_fingerprint(const struct key *k, uint8_t ret[32]);
bool key_is_private(const struct key *k);

int key_sign(const struct key *k, struct slice data, uint8_t ret[KEY_SIGNATURE_LEN]) MUST_CHECK;
/* 0; -EBADMSG: somebody else's, or of other data. */
int key_verify(const struct key *k, struct slice data, struct slice signature) MUST_CHECK;
