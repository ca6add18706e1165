/* SPDX-License-Identifier: Apache-2.0
 *
 * X.509 v3 certificates of a domain (RFC 5280, security.md §5.2): a CA that signs leaves directly,
 * leaves that name their bearer in one URI. Who may do what is no matter here: see trust/. */
#pragma once
#include "base/crypto_key.h"

struct cert; /* counts its references */

#define CERT_SERIAL_LEN 20 /* at most; ours have 16 random bytes */
#define CERT_NAME_MAX	64
#define CERT_URI_MAX	256
#define CERT_DER_MAX	4096

struct cert_facts {
	uint8_t serial[CERT_SERIAL_LEN];
	size_t serial_len;
	int64_t not_before_ms, not_after_ms; /* since 1970 */
	char cn[CERT_NAME_MAX + 1]; /* "": none, or more than one, or not plain ASCII */
	/* The only name of the subjectAltName, a URI without NUL; "": there is none, or another kind
	 * of name, or more than one. */
	char uri[CERT_URI_MAX + 1];
	bool ca;
	uint8_t key_fingerprint[32];    /* key_fingerprint() of its key */
	uint8_t issuer_fingerprint[32]; /* authority key identifier's: SHA-256 of the issuer's
					   key, as cert_issue() writes it; zeros: not said */
};

struct cert_spec {
	const char *cn;
	const char *uri;		     /* NULL: a CA, pathlen:0, keyCertSign and cRLSign */
	int64_t not_before_ms, not_after_ms; /* whole seconds are kept */
};
/* For subject's key, with a random serial of 16 bytes. issuer NULL: signed by itself. A leaf gets
 * CA:FALSE, digitalSignature, clientAuth and serverAuth; what is said here is marked critical where
 * RFC 5280 wants it. */
int cert_issue(const struct key *signer, const struct cert *issuer,
    const struct cert_spec *spec, const struct key *subject, struct cert **ret) MUST_CHECK;
/* -EBADMSG: also trailing bytes, and a key that key_from_spki() would not take. */
int cert_parse(struct slice der, struct cert **ret) MUST_CHECK;
struct cert *cert_ref(struct cert *c);
void cert_unref(struct cert *c);
DEFINE_FREEP(struct cert, cert_unref)
struct slice cert_der(const struct cert *c); /* borrowed */
const struct cert_facts *cert_facts(const struct cert *c);
int cert_key(const struct cert *c, struct key **ret) MUST_CHECK; /* the public one */

/* PEM files of one or more certificates. Returns how many; -EBADMSG; -E2BIG: more than max. */
int cert_load(const char *path, size_t max, struct cert *ret[]) MUST_CHECK;
int cert_save(struct cert *const certs[], size_t len, const char *path) MUST_CHECK;

/* PKCS#10 request of this key. */
int cert_request(const struct key *k, const char *cn, struct buf *out) MUST_CHECK;
/* Its public key. -EBADMSG: malformed, or not signed by that key. */
int cert_request_parse(struct slice der, struct key **ret) MUST_CHECK;

/* Is leaf directly issued by one of the anchors, at this time, for TLS on either side? Depth 1,
 * X509_V_FLAG_X509_STRICT, no trust in the wall clock. 0; -EKEYEXPIRED: but for the leaf's time;
 * -EKEYREJECTED: not. why, if it is not NULL, tells in a few words. */
int cert_verify(const struct cert *leaf, struct cert *const anchors[], size_t len,
    int64_t now_ms, const char **why) MUST_CHECK;
