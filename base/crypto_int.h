/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that include OpenSSL share; nobody else has a use for it. Types of OpenSSL are named
 * by their structs, so that this header needs none of its headers. */
#pragma once
#include "base/crypto_cert.h"

struct evp_md_st;
struct X509_pubkey_st;
struct evp_pkey_st;
struct x509_st;

#define SPKI_MAX 128

/* Fetched once: that takes longer than a digest. NULL: no memory. */
const struct evp_md_st *crypto_sha256_md(void);
/* -ENOMEM if OpenSSL says that memory was short, else other; its error queue is empty then. */
int crypto_failed(int other);
/* A whole file; -EBADMSG: more than out's bound. private: -EPERM if others may read or write it. */
int crypto_read_file(const char *path, bool private, struct buf *out) MUST_CHECK;

/* A key has one encoding here, so that it has one fingerprint: the curve by name, the point in full
 * (RFC 5480 §2, RFC 8410 §4). -EBADMSG: any other, or a kind that we do not use. */
int key_spki_kind(struct slice spki, enum key_kind *ret) MUST_CHECK;
/* Takes a reference; spki is its encoding. -EBADMSG as key_spki_kind(). */
int key_from_evp(struct evp_pkey_st *evp, struct slice spki, bool private, struct key **ret)
    MUST_CHECK;
/* The key of a certificate or request. */
int key_from_x509(const struct X509_pubkey_st *pub, struct key **ret) MUST_CHECK;
struct evp_pkey_st *key_evp(const struct key *k); /* borrowed */
/* What X509_sign() and its like want: NULL for Ed25519, which digests by itself. */
const struct evp_md_st *key_md(const struct key *k);

/* Takes a reference. -EBADMSG as cert_parse(). */
int cert_from_x509(struct x509_st *x, struct cert **ret) MUST_CHECK;
struct x509_st *cert_x509(const struct cert *c); /* borrowed */
