/* SPDX-License-Identifier: Apache-2.0
 *
 * A domain on paper: CAs and those whom they certify. Any failure fails the test. */
#pragma once
#include "base/crypto_cert.h"
#include "trust/who.h"

#define PKI_NOW	 1798761600000LL /* 2027-01-01, after TRUST_TIME_BUILT */
#define PKI_HOUR (3600LL * 1000)
#define PKI_DAY	 (24 * PKI_HOUR)

struct pki_ca {
	struct key *key;
	struct cert *cert; /* from a day before PKI_NOW, for ten years */
};
struct pki_ca pki_ca_new(const char *name);
void pki_ca_done(struct pki_ca *ca);

struct key *pki_key(void); /* P-256 */
struct fog_id pki_id(const struct key *k);
/* For k, in this domain and role, from an hour before PKI_NOW for days. */
struct cert *pki_cert(const struct pki_ca *ca, const struct key *k, const char *domain,
    enum trust_role role, int days);
/* With any URI (NULL: a CA's), and times. */
struct cert *pki_cert_of(const struct pki_ca *ca, const struct key *k, const char *uri,
    int64_t not_before_ms, int64_t not_after_ms);
