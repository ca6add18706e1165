/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/signers.h"

#include <errno.h>
#include <string.h>

#include "base/crypto.h"
#include "trust/lru.h"

struct member {
	struct lru_entry entry; /* by kid */
	struct signer signer;
	struct cert *cert;
	uint8_t hash[CRYPTO_SHA256_LEN]; /* of the certificate */
	int64_t judged_ms;
	unsigned generation;
};

struct signers {
	struct lru members;
};

static void
drop(struct lru_entry *e)
{
	struct member *m = container_of(e, struct member, entry);

	key_free(m->signer.key);
	cert_unref(m->cert);
	free(m);
}

int
signers_new(uint32_t seed, struct signers **ret)
{
	struct signers *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	lru_init(&s->members, SIGNERS_MAX, seed, drop);
	*ret = s;
	return 0;
}

void
signers_free(struct signers *s)
{
	if (!s)
		return;
	lru_done(&s->members);
	free(s);
}

static struct member *
find(struct signers *s, struct slice kid)
{
	struct lru_entry *e = lru_find(&s->members, kid.data, kid.len);

	return e ? container_of(e, struct member, entry) : NULL;
}

static bool
is_same_certificate(const struct member *m, struct slice certificate)
{
	uint8_t hash[CRYPTO_SHA256_LEN];

	return certificate.len == 0 ||
	    (crypto_sha256(certificate, hash) == 0 &&
		memcmp(hash, m->hash, sizeof hash) == 0);
}

/* On a clock that was wrong before, it may have been judged in what is the future now. */
static bool
is_judged(const struct member *m, const struct signers_now *now)
{
	int64_t age = now->now_ms - m->judged_ms;

	return m->generation == now->generation && age >= 0 && age < SIGNERS_JUDGED_MS &&
	    now->now_ms <= cert_facts(m->cert)->not_after_ms;
}

struct signer *
signers_find(struct signers *s, const struct signers_now *now, const struct cose_sign1 *m,
    bool *ret_due)
{
	struct member *known = find(s, m->header.kid);

	*ret_due = !known || !is_judged(known, now) ||
	    !is_same_certificate(known, m->certificate);
	return known ? &known->signer : NULL;
}

/* --- judging ---------------------------------------------------------------------------- */

static int
take_certificate(struct member *m, struct cert *cert, const struct trust_name *name)
{
	struct key *key;
	int r = cert_key(cert, &key);

	if (r < 0)
		return r;
	r = crypto_sha256(cert_der(cert), m->hash);
	if (r < 0) {
		key_free(key);
		return r;
	}
	key_free(m->signer.key);
	m->signer.key = key;
	m->signer.name = *name;
	cert_ref(cert);
	cert_unref(m->cert);
	m->cert = cert;
	return 0;
}

static int
keep(struct signers *s, const struct signers_now *now, struct cert *cert,
    const struct trust_name *name, struct slice kid, struct signer **ret)
{
	struct member *m = find(s, kid);
	bool is_new = !m;
	int r;

	if (is_new)
		m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	r = take_certificate(m, cert, name);
	if (r < 0) {
		if (is_new)
			free(m);
		return r;
	}
	m->judged_ms = now->now_ms;
	m->generation = now->generation;
	if (is_new)
		lru_add(&s->members, &m->entry, kid.data, kid.len);
	*ret = &m->signer;
	return 0;
}

/* The one that came along, else the one that is known. */
static int
find_certificate(struct signers *s, const struct cose_sign1 *m, struct cert **ret)
{
	struct member *known;

	if (m->certificate.len > 0)
		return cert_parse(m->certificate, ret);
	known = find(s, m->header.kid);
	if (!known)
		return -ENOKEY;
	*ret = cert_ref(known->cert);
	return 0;
}

int
signers_judge(struct signers *s, const struct signers_now *now,
    const struct cose_sign1 *m, struct signer **ret)
{
	CLEANUP(cert_unref) struct cert *cert = NULL;
	struct trust_name name;
	const char *why;
	int r = find_certificate(s, m, &cert);

	if (r < 0)
		return r;
	if (trust_uri_parse(cert_facts(cert)->uri, &name) < 0 ||
	    memcmp(name.id.bytes, m->header.kid.data, COSE_KID_LEN) != 0)
		return -EBADMSG; /* cheap, and before what is not */
	r = anchors_judge(
	    now->anchors, &cert, 1, SIGNERS_ROLES, now->now_ms, &name, &why);
	if (r < 0)
		return r;
	return keep(s, now, cert, &name, m->header.kid, ret);
}
