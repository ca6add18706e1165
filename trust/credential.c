/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/credential.h"

#include <errno.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "trust/credential_files.h"

#define HINT_LEN 8 /* bytes of a fingerprint */

struct credential {
	char *dir;
	char configured[FOG_NAME_MAX + 1]; /* domain; "": learnt */
	struct trust_name name;
	const struct key *key;
	const struct trust_time *time;
	struct anchors *anchors;
	struct cert *cert[TRUST_ANCHORS_MAX]; /* newest first, one of each CA */
	size_t certs;
	unsigned generation;
};

/* --- our own certificates --------------------------------------------------------------- */

static void
unref_all(struct cert *certs[], size_t len)
{
	for (size_t i = 0; i < len; i++)
		cert_unref(certs[i]);
}

/* Is it for our key, id and role, and for the domain if that is known? */
static int
check_own(const struct credential *c, const struct cert *cert, struct trust_name *ret,
    const char **why)
{
	const struct cert_facts *f = cert_facts(cert);
	uint8_t fingerprint[32];

	key_fingerprint(c->key, fingerprint);
	*why = "the certificate is for another key";
	if (memcmp(f->key_fingerprint, fingerprint, sizeof fingerprint) != 0)
		return -EKEYREJECTED;
	*why = "the certificate names nobody of a domain";
	if (trust_uri_parse(f->uri, ret) < 0)
		return -EKEYREJECTED;
	*why = "the certificate is for another id";
	if (memcmp(&ret->id, &c->name.id, sizeof ret->id) != 0)
		return -EKEYREJECTED;
	*why = "the certificate is of another role";
	if (ret->role != c->name.role)
		return -EKEYREJECTED;
	*why = "the certificate is of another domain";
	if (*c->name.domain && strcmp(ret->domain, c->name.domain) != 0)
		return -EKEYREJECTED;
	return 0;
}

static bool
is_issued_by(const struct cert *cert, const struct cert *ca)
{
	return memcmp(cert_facts(cert)->issuer_fingerprint,
		   cert_facts(ca)->key_fingerprint, 32) == 0;
}

/* Is one of the CAs that are trusted its issuer? Else it is of no use any more. */
static bool
is_usable(const struct credential *c, const struct cert *cert)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t cas = anchors_get(c->anchors, ca);

	for (size_t i = 0; i < cas; i++)
		if (is_issued_by(cert, ca[i]))
			return true;
	return false;
}

static const struct cert *
newest(const struct credential *c)
{
	for (size_t i = 0; i < c->certs; i++)
		if (is_usable(c, c->cert[i]))
			return c->cert[i];
	return NULL;
}

/* --- life ------------------------------------------------------------------------------- */

static void
set_domain(struct credential *c, const char *domain)
{
	strcpy(c->name.domain, domain);
	if (anchors_set_domain(c->anchors, domain) < 0)
		log_errorx("trust", "%s is no name of a domain", domain);
}

/* The name is checked; what the first says about the domain holds for the others. */
static int
check_all(struct credential *c, struct cert *const certs[], int len)
{
	const char *why;

	for (int i = 0; i < len; i++) {
		struct trust_name n;
		int r = check_own(c, certs[i], &n, &why);

		if (r < 0) {
			log_errorx("trust", "%s/certificate.pem cannot be used: %s",
			    c->dir, why);
			return r;
		}
		if (!*c->name.domain)
			set_domain(c, n.domain);
	}
	return 0;
}

int
credential_reload(struct credential *c)
{
	CLEANUP(anchors_free) struct anchors *fresh = NULL;
	struct cert *cert[TRUST_ANCHORS_MAX];
	int certs, r = anchors_new("", &fresh);

	if (r == 0)
		r = credential_files_load_anchors(c->dir, fresh);
	certs = r < 0 ? r : credential_files_load(c->dir, cert);
	if (certs < 0)
		return certs;
	r = check_all(c, cert, certs);
	if (r < 0) {
		unref_all(cert, (size_t)certs);
		return r;
	}
	anchors_adopt(c->anchors, fresh);
	unref_all(c->cert, c->certs);
	c->certs = (size_t)certs;
	for (size_t i = 0; i < c->certs; i++)
		c->cert[i] = cert[i];
	c->generation++;
	return 0;
}

static void
set_id(struct credential *c)
{
	uint8_t fingerprint[32];

	key_fingerprint(c->key, fingerprint);
	memcpy(c->name.id.bytes, fingerprint, sizeof c->name.id.bytes);
}

int
credential_new(const char *dir, const char *domain, enum trust_role role,
    const struct key *key, const struct trust_time *time, struct credential **ret)
{
	CLEANUP(credential_free) struct credential *c = calloc(1, sizeof *c);
	int r;

	if (!c || (dir && !(c->dir = strdup(dir))))
		return -ENOMEM;
	c->key = key;
	c->time = time;
	c->name.role = role;
	set_id(c);
	r = anchors_new(domain, &c->anchors);
	if (r < 0)
		return r;
	strcpy(c->configured, domain);
	strcpy(c->name.domain, domain);
	r = credential_files_prepare(dir);
	if (r == 0)
		r = credential_reload(c);
	if (r < 0)
		return r;
	*ret = TAKE(c);
	return 0;
}

void
credential_free(struct credential *c)
{
	if (!c)
		return;
	unref_all(c->cert, c->certs);
	anchors_free(c->anchors);
	free(c->dir);
	free(c);
}

void
credential_forget(struct credential *c)
{
	credential_files_remove(c->dir);
	unref_all(c->cert, c->certs);
	c->certs = 0;
	anchors_forget(c->anchors);
	set_domain(c, c->configured);
	c->generation++;
}

/* --- changes ---------------------------------------------------------------------------- */

struct cas {
	struct cert *cert[TRUST_ANCHORS_MAX];
	size_t len;
};

static void
drop_cas(struct cas *cas)
{
	unref_all(cas->cert, cas->len);
	cas->len = 0;
}

static int
parse_cas(const struct slice der[], size_t len, struct cas *ret)
{
	ret->len = 0;
	if (len > TRUST_ANCHORS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < len; i++) {
		int r = cert_parse(der[i], &ret->cert[i]);

		if (r == 0)
			ret->len++;
		if (r == 0 && !cert_facts(ret->cert[i])->ca)
			r = -EKEYREJECTED;
		if (r < 0) {
			drop_cas(ret);
			return r;
		}
	}
	return 0;
}

static int
set_cas(struct credential *c, uint64_t version, const struct cas *cas)
{
	int r = credential_files_save_cas(c->dir, version, cas->cert, cas->len);

	if (r == 0)
		r = anchors_set(c->anchors, version, cas->cert, cas->len);
	if (r == 0)
		c->generation++;
	return r;
}

static int
update_denied(struct credential *c, const struct denial denied[], size_t len)
{
	uint64_t before = anchors_denials(c->anchors);
	int r = 0, saved = 0;

	for (size_t i = 0; i < len && r == 0; i++) {
		r = anchors_deny(c->anchors, &denied[i]);
		if (r == -ESTALE)
			r = 0;
	}
	if (anchors_denials(c->anchors) != before) {
		c->generation++;
		saved = credential_files_save_denied(c->dir, c->anchors);
	}
	return r < 0 ? r : saved;
}

int
credential_update(struct credential *c, uint64_t trust_version, const struct slice ca[],
    size_t cas, const struct denial denied[], size_t denials)
{
	struct cas parsed;
	int r = 0;

	if (cas > 0 && trust_version > anchors_version(c->anchors)) {
		r = parse_cas(ca, cas, &parsed);
		if (r < 0)
			return r;
		r = set_cas(c, trust_version, &parsed);
		drop_cas(&parsed);
	}
	return r < 0 ? r : update_denied(c, denied, denials);
}

/* The CAs that hold from now on: those given, unless they are old, else ours. */
static int
choose_cas(const struct credential *c, const struct slice ca[], size_t cas,
    uint64_t version, struct cas *ret, bool *ret_new)
{
	*ret_new = cas > 0 && (version == 0 || version >= anchors_version(c->anchors));
	if (*ret_new)
		return parse_cas(ca, cas, ret);
	ret->len = anchors_get(c->anchors, ret->cert);
	for (size_t i = 0; i < ret->len; i++)
		cert_ref(ret->cert[i]);
	return 0;
}

static int
verify_own(const struct credential *c, const struct cert *cert, const struct cas *cas,
    struct trust_name *ret, const char **why)
{
	const struct cert_facts *f = cert_facts(cert);
	int64_t now = credential_now(c);
	int r = check_own(c, cert, ret, why);

	if (r < 0)
		return r;
	if (now < f->not_before_ms) /* our clock is behind, as in anchors_judge() */
		now = f->not_before_ms;
	for (size_t i = 0; i < cas->len; i++)
		if (is_issued_by(cert, cas->cert[i]) &&
		    now < cert_facts(cas->cert[i])->not_before_ms)
			now = cert_facts(cas->cert[i])->not_before_ms;
	r = cert_verify(cert, cas->cert, cas->len, now, why);
	return r == -EKEYEXPIRED ? -EKEYREJECTED : r;
}

/* With the new one in front, those of other CAs stay: a peer may know one of them only. */
static size_t
list_own(const struct credential *c, struct cert *cert, const struct cas *cas,
    struct cert *ret[TRUST_ANCHORS_MAX])
{
	int64_t now = credential_now(c);
	size_t len = 0;

	ret[len++] = cert;
	for (size_t i = 0; i < c->certs && len < TRUST_ANCHORS_MAX; i++) {
		const struct cert_facts *f = cert_facts(c->cert[i]);
		bool trusted = false;

		for (size_t k = 0; k < cas->len; k++)
			trusted |= is_issued_by(c->cert[i], cas->cert[k]);
		if (trusted && f->not_after_ms >= now &&
		    memcmp(
			f->issuer_fingerprint, cert_facts(cert)->issuer_fingerprint, 32))
			ret[len++] = c->cert[i];
	}
	return len;
}

/* The CAs are written before the certificate, which makes us a member. */
static int
adopt_own(struct credential *c, struct cert *cert, const struct cas *cas, bool new_cas,
    uint64_t version)
{
	struct cert *list[TRUST_ANCHORS_MAX];
	size_t len = list_own(c, cert, cas, list);
	int r = 0;

	if (new_cas)
		r = set_cas(c, version ? version : anchors_version(c->anchors), cas);
	if (r == 0)
		r = credential_files_save(c->dir, list, len);
	if (r < 0)
		return r;
	for (size_t i = 0; i < len; i++)
		cert_ref(list[i]);
	unref_all(c->cert, c->certs);
	memcpy(c->cert, list, sizeof list[0] * len);
	c->certs = len;
	c->generation++;
	return 0;
}

int
credential_install(struct credential *c, struct slice certificate,
    const struct slice ca[], size_t cas, uint64_t trust_version, const char **why)
{
	CLEANUP(cert_unref) struct cert *cert = NULL;
	struct trust_name n;
	struct cas chosen;
	bool new_cas;
	int r;

	*why = "it is no certificate";
	r = cert_parse(certificate, &cert);
	if (r < 0)
		return r;
	*why = "its CA is none";
	r = choose_cas(c, ca, cas, trust_version, &chosen, &new_cas);
	if (r < 0)
		return r;
	r = verify_own(c, cert, &chosen, &n, why);
	if (r == 0) {
		*why = "it cannot be written";
		r = adopt_own(c, cert, &chosen, new_cas, trust_version);
	}
	drop_cas(&chosen);
	if (r == 0 && !*c->name.domain)
		set_domain(c, n.domain);
	return r;
}

/* --- what it is ------------------------------------------------------------------------- */

enum credential_state
credential_state(const struct credential *c)
{
	int64_t now = credential_now(c);
	enum credential_state best = CREDENTIAL_NONE;

	for (size_t i = 0; i < c->certs; i++) {
		int64_t over = now - cert_facts(c->cert[i])->not_after_ms;

		if (!is_usable(c, c->cert[i]))
			continue;
		if (over <= 0)
			return CREDENTIAL_VALID;
		if (over <= TRUST_LAPSED_MAX_MS)
			best = CREDENTIAL_LAPSED;
	}
	return best;
}

const struct key *
credential_key(const struct credential *c)
{
	return c->key;
}

struct anchors *
credential_anchors(struct credential *c)
{
	return c->anchors;
}

const struct trust_name *
credential_name(const struct credential *c)
{
	return &c->name;
}

int64_t
credential_now(const struct credential *c)
{
	return trust_time_now(c->time);
}

struct cert *
credential_common(const struct credential *c)
{
	struct cert *last = credential_cert(c, NULL);
	int64_t now = credential_now(c);

	for (size_t i = 0; i < c->certs; i++)
		if (is_usable(c, c->cert[i]) &&
		    cert_facts(c->cert[i])->not_after_ms > now)
			last = c->cert[i];
	return last;
}

struct cert *
credential_cert(const struct credential *c, const char *hint)
{
	struct cert *first = NULL;

	for (size_t i = 0; i < c->certs; i++) {
		char text[2 * HINT_LEN + 1];

		if (!is_usable(c, c->cert[i]))
			continue;
		if (!first)
			first = c->cert[i];
		hex_format(cert_facts(c->cert[i])->issuer_fingerprint, HINT_LEN, text);
		if (hint && strcmp(text, hint) == 0)
			return c->cert[i];
	}
	return first;
}

char *
credential_hint(const struct credential *c, char dst[17])
{
	const uint8_t *fingerprint = anchors_hint(c->anchors);

	*dst = '\0';
	return fingerprint ? hex_format(fingerprint, HINT_LEN, dst) : dst;
}

int64_t
credential_renew_ms(const struct credential *c)
{
	const struct cert *cert = newest(c);
	const uint8_t *id = c->name.id.bytes;
	int64_t life, part;

	if (!cert)
		return INT64_MAX;
	life = cert_facts(cert)->not_after_ms - cert_facts(cert)->not_before_ms;
	part = (id[0] << 8 | id[1]) - 0x8000; /* of a tenth, from -1 to 1 */
	return cert_facts(cert)->not_before_ms + life / 2 + life / 10 * part / 0x8000;
}

unsigned
credential_generation(const struct credential *c)
{
	return c->generation;
}
