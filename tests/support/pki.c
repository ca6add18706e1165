/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/pki.h"

#include <string.h>

#include "tests/support/test.h"

struct key *
pki_key(void)
{
	struct key *k;

	assert_int_equal(key_new(KEY_P256, &k), 0);
	return k;
}

struct fog_id
pki_id(const struct key *k)
{
	uint8_t fingerprint[32];
	struct fog_id id;

	key_fingerprint(k, fingerprint);
	memcpy(id.bytes, fingerprint, sizeof id.bytes);
	return id;
}

struct pki_ca
pki_ca_new(const char *name)
{
	struct cert_spec spec = {
		.cn = name,
		.not_before_ms = PKI_NOW - PKI_DAY,
		.not_after_ms = PKI_NOW + 3650 * PKI_DAY,
	};
	struct pki_ca ca = { pki_key(), NULL };

	assert_int_equal(cert_issue(ca.key, NULL, &spec, ca.key, &ca.cert), 0);
	return ca;
}

void
pki_ca_done(struct pki_ca *ca)
{
	key_free(ca->key);
	cert_unref(ca->cert);
	*ca = (struct pki_ca){ 0 };
}

struct cert *
pki_cert_of(const struct pki_ca *ca, const struct key *k, const char *uri,
    int64_t not_before_ms, int64_t not_after_ms)
{
	struct cert_spec spec = {
		.cn = "somebody",
		.uri = uri,
		.not_before_ms = not_before_ms,
		.not_after_ms = not_after_ms,
	};
	struct cert *c;

	assert_int_equal(cert_issue(ca->key, ca->cert, &spec, k, &c), 0);
	return c;
}

struct cert *
pki_cert(const struct pki_ca *ca, const struct key *k, const char *domain,
    enum trust_role role, int days)
{
	struct trust_name n = { .role = role, .id = pki_id(k) };
	char uri[TRUST_URI_MAX];

	strcpy(n.domain, domain);
	return pki_cert_of(ca, k, trust_uri_format(&n, uri), PKI_NOW - PKI_HOUR,
	    PKI_NOW - PKI_HOUR + days * PKI_DAY);
}
