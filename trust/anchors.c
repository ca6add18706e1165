/* SPDX-License-Identifier: Apache-2.0
 *
 * Denials stand in a list in the order of their numbers, and in a hash table of (id, serial), where a
 * peer is looked up twice: as all of the id, and as this certificate of it. */
#include "trust/anchors.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SLOTS	    32768 /* a power of two, three times as many as denials */
#define SERIAL_LEN  sizeof((struct denial){ 0 }.serial)
#define LIST_GROWTH 64

static_assert(SLOTS >= 3 * TRUST_DENIED_MAX, "the table of denials has to stay sparse");
static_assert(TRUST_DENIED_MAX < UINT16_MAX, "a slot holds a number of a denial");

struct anchors {
	char domain[FOG_NAME_MAX + 1];
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t cas;
	uint64_t version;
	struct denial *denied; /* the n-th at [n - 1] */
	uint64_t denials;
	uint16_t *slot; /* numbers of denials, 0: free; NULL: there are none */
	uint8_t pin[TRUST_PIN_LEN];
	bool has_pin, any;
};

/* --- life ------------------------------------------------------------------------------- */

int
anchors_new(const char *domain, struct anchors **ret)
{
	CLEANUP(anchors_free) struct anchors *a = calloc(1, sizeof *a);
	int r;

	if (!a)
		return -ENOMEM;
	r = *domain ? anchors_set_domain(a, domain) : 0;
	if (r < 0)
		return r;
	*ret = TAKE(a);
	return 0;
}

static void
drop_cas(struct anchors *a)
{
	for (size_t i = 0; i < a->cas; i++)
		cert_unref(a->ca[i]);
	a->cas = 0;
}

void
anchors_forget(struct anchors *a)
{
	drop_cas(a);
	a->version = 0;
	free(TAKE(a->denied));
	free(TAKE(a->slot));
	a->denials = 0;
}

void
anchors_adopt(struct anchors *a, struct anchors *from)
{
	drop_cas(a);
	memcpy(a->ca, from->ca, sizeof a->ca);
	a->cas = from->cas;
	a->version = from->version;
	from->cas = 0;
	if (from->denials > a->denials) {
		free(a->denied);
		free(a->slot);
		a->denied = TAKE(from->denied);
		a->slot = TAKE(from->slot);
		a->denials = from->denials;
	}
	anchors_forget(from);
}

void
anchors_free(struct anchors *a)
{
	if (!a)
		return;
	anchors_forget(a);
	free(a);
}

const char *
anchors_domain(const struct anchors *a)
{
	return a->domain;
}

int
anchors_set_domain(struct anchors *a, const char *domain)
{
	if (*domain && !trust_is_domain(domain))
		return -EINVAL;
	strcpy(a->domain, domain);
	return 0;
}

/* --- CAs -------------------------------------------------------------------------------- */

int
anchors_set(struct anchors *a, uint64_t version, struct cert *const certs[], size_t len)
{
	if (len > TRUST_ANCHORS_MAX)
		return -E2BIG;
	if (version < a->version)
		return -ESTALE;
	for (size_t i = 0; i < len; i++)
		if (!cert_facts(certs[i])->ca)
			return -EKEYREJECTED;
	for (size_t i = 0; i < len; i++)
		cert_ref(certs[i]); /* before ours are let go: they may be the same */
	drop_cas(a);
	for (size_t i = 0; i < len; i++)
		a->ca[i] = certs[i];
	a->cas = len;
	a->version = version;
	return 0;
}

size_t
anchors_get(const struct anchors *a, struct cert *ret[TRUST_ANCHORS_MAX])
{
	for (size_t i = 0; i < a->cas; i++)
		ret[i] = a->ca[i];
	return a->cas;
}

uint64_t
anchors_version(const struct anchors *a)
{
	return a->version;
}

void
anchors_pin(struct anchors *a, const uint8_t pin[TRUST_PIN_LEN])
{
	memcpy(a->pin, pin, sizeof a->pin);
	a->has_pin = true;
}

void
anchors_trust_first(struct anchors *a)
{
	a->any = true;
}

bool
anchors_have_pin(const struct anchors *a)
{
	return a->has_pin;
}

const uint8_t *
anchors_hint(const struct anchors *a)
{
	if (a->cas > 0)
		return cert_facts(a->ca[0])->key_fingerprint;
	return a->has_pin ? a->pin : NULL;
}

/* --- denials ---------------------------------------------------------------------------- */

/* FNV-1a. */
static uint32_t
hash_bytes(uint32_t hash, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}

static bool
is_same(const struct denial *d, const struct fog_id *id, const uint8_t serial[SERIAL_LEN])
{
	return memcmp(&d->id, id, sizeof *id) == 0 &&
	    memcmp(d->serial, serial, SERIAL_LEN) == 0;
}

/* Where it stands, or the free slot where it would. */
static uint16_t *
find_slot(
    const struct anchors *a, const struct fog_id *id, const uint8_t serial[SERIAL_LEN])
{
	uint32_t at = hash_bytes(2166136261u, id->bytes, sizeof id->bytes);

	at = hash_bytes(at, serial, SERIAL_LEN);
	at ^= at >> 16;
	while (a->slot[at % SLOTS] &&
	    !is_same(&a->denied[a->slot[at % SLOTS] - 1], id, serial))
		at++;
	return &a->slot[at % SLOTS];
}

static int
make_room(struct anchors *a)
{
	struct denial *more;

	if (!a->slot && !(a->slot = calloc(SLOTS, sizeof *a->slot)))
		return -ENOMEM;
	if (a->denials % LIST_GROWTH != 0)
		return 0;
	more = reallocarray(a->denied, (size_t)a->denials + LIST_GROWTH, sizeof *more);
	if (!more)
		return -ENOMEM;
	a->denied = more;
	return 0;
}

int
anchors_deny(struct anchors *a, const struct denial *d)
{
	int r;

	if (d->version <= a->denials)
		return -ESTALE;
	if (d->version > a->denials + 1)
		return -ENODATA;
	if (a->denials == TRUST_DENIED_MAX)
		return -ENOSPC;
	r = make_room(a);
	if (r < 0)
		return r;
	a->denied[a->denials++] = *d;
	*find_slot(a, &d->id, d->serial) = (uint16_t)a->denials;
	return 0;
}

uint64_t
anchors_denials(const struct anchors *a)
{
	return a->denials;
}

const struct denial *
anchors_denial(const struct anchors *a, uint64_t n)
{
	return n > 0 && n <= a->denials ? &a->denied[n - 1] : NULL;
}

/* Right-aligned; false: none of ours, they have 16 bytes. */
static bool
align_serial(struct slice serial, uint8_t ret[SERIAL_LEN])
{
	for (; serial.len > SERIAL_LEN; serial.data++, serial.len--)
		if (*serial.data != 0)
			return false;
	memset(ret, 0, SERIAL_LEN - serial.len);
	if (serial.len > 0)
		memcpy(ret + SERIAL_LEN - serial.len, serial.data, serial.len);
	return true;
}

bool
anchors_denies(const struct anchors *a, const struct fog_id *id, struct slice serial)
{
	static const uint8_t all[SERIAL_LEN];
	uint8_t aligned[SERIAL_LEN];

	if (!a->slot)
		return false;
	return *find_slot(a, id, all) ||
	    (align_serial(serial, aligned) && *find_slot(a, id, aligned));
}

/* --- judgement -------------------------------------------------------------------------- */

/* A certificate that is not valid yet says that our clock is behind, and no more than that: a CA does
 * not sign beforehand. A node without a clock must be able to learn the time from a controller whose
 * certificate is younger than all it knows (S-20). */
static int64_t
time_to_judge_at(
    const struct cert *leaf, struct cert *const ca[], size_t cas, int64_t now_ms)
{
	const struct cert_facts *f = cert_facts(leaf);

	if (now_ms < f->not_before_ms)
		now_ms = f->not_before_ms;
	for (size_t i = 0; i < cas; i++) {
		const struct cert_facts *issuer = cert_facts(ca[i]);

		if (memcmp(issuer->key_fingerprint, f->issuer_fingerprint, 32) == 0 &&
		    now_ms < issuer->not_before_ms)
			now_ms = issuer->not_before_ms;
	}
	return now_ms;
}

/* 0 or -EKEYEXPIRED: a certificate of these CAs, and who it is for. */
static int
verify_leaf(const struct cert *leaf, struct cert *const ca[], size_t cas, int64_t now_ms,
    struct trust_name *ret, const char **why)
{
	const struct cert_facts *f = cert_facts(leaf);
	int r;

	*why = "a CA's own certificate";
	if (f->ca)
		return -EKEYREJECTED; /* S-05 */
	*why = "its certificate names nobody of a domain";
	if (trust_uri_parse(f->uri, ret) < 0)
		return -EKEYREJECTED;
	r = cert_verify(leaf, ca, cas, time_to_judge_at(leaf, ca, cas, now_ms), why);
	if (r != -EKEYEXPIRED)
		return r;
	*why = "its certificate has expired";
	if (now_ms - f->not_after_ms <= TRUST_LAPSED_MAX_MS)
		return r;
	*why = "its certificate expired long ago";
	return -EKEYREJECTED;
}

/* expired: what verify_leaf() said. */
static int
judge_name(const struct anchors *a, const struct cert_facts *f, unsigned roles,
    const struct trust_name *n, int expired, const char **why)
{
	struct slice serial = { f->serial, f->serial_len };

	if (*a->domain && strcmp(n->domain, a->domain) != 0) {
		*why = "a member of another domain";
		return -EKEYREJECTED;
	}
	if (anchors_denies(a, &n->id, serial)) {
		*why = "revoked";
		return -EKEYREVOKED;
	}
	if (!(roles & TRUST_BIT(n->role))) {
		*why = "a member in another role";
		return -EKEYREJECTED;
	}
	return expired;
}

static int
judge(const struct anchors *a, const struct cert *leaf, struct cert *const ca[],
    size_t cas, unsigned roles, int64_t now_ms, struct trust_name *ret, const char **why)
{
	struct trust_name n;
	int r = verify_leaf(leaf, ca, cas, now_ms, &n, why);

	if (r < 0 && r != -EKEYEXPIRED)
		return r;
	r = judge_name(a, cert_facts(leaf), roles, &n, r, why);
	if (r == 0 || r == -EKEYEXPIRED)
		*ret = n;
	return r;
}

int
anchors_judge(const struct anchors *a, struct cert *const chain[], size_t len,
    unsigned roles, int64_t now_ms, struct trust_name *ret, const char **why)
{
	*why = "no certificate";
	if (len == 0)
		return -EKEYREJECTED;
	*why = "nobody is trusted yet";
	if (a->cas == 0 || !*a->domain)
		return -EKEYREJECTED;
	return judge(a, chain[0], a->ca, a->cas, roles, now_ms, ret, why);
}

static bool
is_pinned(const struct anchors *a, const struct cert_facts *ca)
{
	return memcmp(ca->key_fingerprint, a->pin, sizeof a->pin) == 0;
}

int
anchors_judge_pinned(const struct anchors *a, struct cert *const chain[], size_t len,
    int64_t now_ms, struct trust_name *ret, const char **why)
{
	const struct cert_facts *ca;

	*why = "its CA is not shown";
	if (len < 2)
		return -EKEYREJECTED;
	ca = cert_facts(chain[len - 1]);
	*why = "its CA is not the one that was pinned";
	if (!ca->ca || !(a->has_pin ? is_pinned(a, ca) : a->any))
		return -EKEYREJECTED;
	return judge(a, chain[0], &chain[len - 1], 1, TRUST_BIT(TRUST_CONTROLLER), now_ms,
	    ret, why);
}
