/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/seal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/crypto.h"
#include "base/crypto_aead.h"
#include "trust/lru.h"
#include "trust/window.h"

#define GKID_LEN    4
#define PURPOSE	    "fogwatch-mc1"
#define AAD_MAX	    40
#define SECRETS	    2
#define SENDERS_MAX 1024
#define KID_LEN	    (COSE_KID_LEN + SEAL_BOOT_LEN)

struct secret {
	bool known;
	uint64_t epoch;
	int64_t not_after_ms;
	uint8_t gkid[GKID_LEN], bytes[SEAL_SECRET_LEN];
};

/* For one sender and one of its starts. */
struct material {
	uint8_t key[AEAD_KEY_LEN], iv[AEAD_NONCE_LEN];
};

struct session {
	struct lru_entry entry; /* by gkid, sender, boot */
	struct material material;
	struct window window;
};

/* When a sender was heard last, by its own clock: an older start of it does not come back. */
struct sender {
	struct lru_entry entry;
	int64_t iat_s;
};

struct seal {
	uint8_t kid[KID_LEN]; /* sender and boot */
	uint16_t port;
	uint64_t counter;
	struct secret secret[SECRETS]; /* newest first */
	struct lru sessions, senders;
};

/* --- life ------------------------------------------------------------------------------- */

static void
drop_session(struct lru_entry *e)
{
	struct session *s = container_of(e, struct session, entry);

	secret_wipe(&s->material, sizeof s->material);
	free(s);
}

static void
drop_sender(struct lru_entry *e)
{
	free(container_of(e, struct sender, entry));
}

int
seal_new(const uint8_t sender[COSE_KID_LEN], const uint8_t boot[SEAL_BOOT_LEN],
    uint16_t port, uint32_t seed, struct seal **ret)
{
	struct seal *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	memcpy(s->kid, sender, COSE_KID_LEN);
	memcpy(s->kid + COSE_KID_LEN, boot, SEAL_BOOT_LEN);
	s->port = port;
	lru_init(&s->sessions, SEAL_SESSIONS_MAX, seed, drop_session);
	lru_init(&s->senders, SENDERS_MAX, seed, drop_sender);
	*ret = s;
	return 0;
}

void
seal_free(struct seal *s)
{
	if (!s)
		return;
	lru_done(&s->sessions);
	lru_done(&s->senders);
	secret_wipe(s->secret, sizeof s->secret);
	free(s);
}

/* --- secrets ---------------------------------------------------------------------------- */

static int
make_gkid(const uint8_t secret[SEAL_SECRET_LEN], uint8_t ret[GKID_LEN])
{
	static const char label[] = "fogwatch-gkid";
	uint8_t in[sizeof label - 1 + SEAL_SECRET_LEN], digest[CRYPTO_SHA256_LEN];
	int r;

	memcpy(in, label, sizeof label - 1);
	memcpy(in + sizeof label - 1, secret, SEAL_SECRET_LEN);
	r = crypto_sha256((struct slice){ in, sizeof in }, digest);
	secret_wipe(in, sizeof in);
	memcpy(ret, digest, GKID_LEN);
	return r;
}

int
seal_secret(struct seal *s, uint64_t epoch, const uint8_t secret[SEAL_SECRET_LEN],
    int64_t not_after_ms)
{
	struct secret next = {
		.known = true, .epoch = epoch, .not_after_ms = not_after_ms
	};
	struct secret *newest = &s->secret[0], *before = &s->secret[1];
	int r = make_gkid(secret, next.gkid);

	if (r < 0)
		return r;
	memcpy(next.bytes, secret, SEAL_SECRET_LEN);
	if (newest->known && epoch == newest->epoch) {
		*newest = next;
	} else if (!newest->known || epoch > newest->epoch) {
		*before = *newest;
		*newest = next;
	} else if (!before->known || epoch >= before->epoch) {
		*before = next;
	} else {
		r = -ESTALE;
	}
	secret_wipe(&next, sizeof next);
	return r;
}

static bool
is_valid(const struct secret *s, int64_t now_ms)
{
	return s->known && now_ms <= s->not_after_ms;
}

/* What leaves is sealed with it; NULL: there is none. */
static const struct secret *
choose_secret(const struct seal *s, int64_t now_ms)
{
	const struct secret *newest = &s->secret[0], *before = &s->secret[1];

	if (before->known && before->not_after_ms - now_ms > SEAL_OVERLAP_MS)
		return before;
	return is_valid(newest, now_ms) ? newest : NULL;
}

bool
seal_is_ready(const struct seal *s, int64_t now_ms)
{
	return choose_secret(s, now_ms) != NULL;
}

static const struct secret *
find_secret(const struct seal *s, struct slice gkid, int64_t now_ms)
{
	for (int i = 0; i < SECRETS; i++)
		if (is_valid(&s->secret[i], now_ms) && gkid.len == GKID_LEN &&
		    memcmp(gkid.data, s->secret[i].gkid, GKID_LEN) == 0)
			return &s->secret[i];
	return NULL;
}

/* --- what the cipher needs -------------------------------------------------------------- */

static int
derive(const struct secret *s, const uint8_t kid[KID_LEN], struct material *ret)
{
	uint8_t info[sizeof PURPOSE - 1 + COSE_KID_LEN];

	memcpy(info, PURPOSE, sizeof PURPOSE - 1);
	memcpy(info + sizeof PURPOSE - 1, kid, COSE_KID_LEN);
	static_assert(sizeof *ret == AEAD_KEY_LEN + AEAD_NONCE_LEN, "padding");
	return hkdf_sha256((struct slice){ s->bytes, SEAL_SECRET_LEN },
	    (struct slice){ kid + COSE_KID_LEN, SEAL_BOOT_LEN },
	    (struct slice){ info, sizeof info }, ret, sizeof *ret);
}

static void
make_nonce(const struct material *m, uint64_t counter, uint8_t ret[AEAD_NONCE_LEN])
{
	memcpy(ret, m->iv, AEAD_NONCE_LEN);
	for (int i = 0; i < 8; i++)
		ret[AEAD_NONCE_LEN - 1 - i] ^= (uint8_t)(counter >> 8 * i);
}

/* The structure that is authenticated with the message, which binds it to where it is sent. */
static struct slice
make_aad(const struct seal *s, const struct in6_addr *group, struct slice protected,
    void *memory, size_t size)
{
	uint8_t where[AAD_MAX];
	struct buf external, whole;

	buf_init_fixed(&external, where, sizeof where);
	wr_array(&external, 3);
	wr_text(&external, PURPOSE);
	wr_bytes(&external, group->s6_addr, sizeof group->s6_addr);
	wr_uint(&external, s->port);
	buf_init_fixed(&whole, memory, size);
	cose_encrypt0_structure(protected, buf_slice(&external), &whole);
	return buf_slice(&whole);
}

/* --- out -------------------------------------------------------------------------------- */

static int
put_sealed(struct seal *s, const struct in6_addr *group, const struct secret *secret,
    const struct cose_header *header, struct slice plain, struct buf *out)
{
	uint8_t protected[COSE_PROTECTED_MAX], aad[COSE_PROTECTED_MAX + AAD_MAX + 16];
	uint8_t nonce[AEAD_NONCE_LEN];
	struct material m;
	struct buf head, cipher;
	int r = derive(secret, s->kid, &m);

	if (r < 0)
		return r;
	buf_init_fixed(&head, protected, sizeof protected);
	cose_protected_write(header, &head);
	make_nonce(&m, header->counter, nonce);
	buf_init(&cipher, plain.len + AEAD_TAG_LEN);
	r = aead_seal(m.key, nonce, make_aad(s, group, buf_slice(&head), aad, sizeof aad),
	    plain, &cipher);
	secret_wipe(&m, sizeof m);
	if (r == 0) {
		struct cose_encrypt0 e = { .protected = buf_slice(&head),
			.ciphertext = buf_slice(&cipher) };

		cose_encrypt0_put(&e, out);
		r = out->err;
	}
	buf_done(&cipher);
	return r;
}

int
seal_put(struct seal *s, const struct in6_addr *group, struct slice plain, int64_t now_ms,
    int64_t iat_s, struct buf *out)
{
	const struct secret *secret = choose_secret(s, now_ms);
	struct cose_header header = {
		.alg = COSE_A256GCM,
		.kid = { s->kid, KID_LEN },
		.iat_s = iat_s,
	};

	if (!secret)
		return -ENOKEY;
	header.context = (struct slice){ secret->gkid, GKID_LEN };
	header.counter = ++s->counter;
	return put_sealed(s, group, secret, &header, plain, out);
}

/* --- in --------------------------------------------------------------------------------- */

/* Does a sender that has not been heard since its start say a time that may be? */
static bool
is_fresh(struct seal *s, const struct cose_header *h, int64_t now_ms, int64_t fresh_s)
{
	struct lru_entry *e = lru_find(&s->senders, h->kid.data, COSE_KID_LEN);
	int64_t age = now_ms / 1000 - h->iat_s;

	if (age > fresh_s || age < -fresh_s)
		return false;
	return !e || h->iat_s > container_of(e, struct sender, entry)->iat_s;
}

static int
note_sender(struct seal *s, const struct cose_header *h)
{
	struct lru_entry *e = lru_find(&s->senders, h->kid.data, COSE_KID_LEN);
	struct sender *n;

	if (!e) {
		n = calloc(1, sizeof *n);
		if (!n)
			return -ENOMEM;
		lru_add(&s->senders, &n->entry, h->kid.data, COSE_KID_LEN);
	} else {
		n = container_of(e, struct sender, entry);
	}
	if (h->iat_s > n->iat_s)
		n->iat_s = h->iat_s;
	return 0;
}

static int
new_session(struct seal *s, const uint8_t name[LRU_KEY_LEN], const struct material *m,
    struct session **ret)
{
	struct session *n = calloc(1, sizeof *n);

	if (!n)
		return -ENOMEM;
	n->material = *m;
	lru_add(&s->sessions, &n->entry, name, LRU_KEY_LEN);
	*ret = n;
	return 0;
}

static int
decrypt(struct seal *s, const struct in6_addr *group, const struct cose_encrypt0 *e,
    const struct material *m, struct buf *plain)
{
	uint8_t aad[COSE_PROTECTED_MAX + AAD_MAX + 16], nonce[AEAD_NONCE_LEN];

	make_nonce(m, e->header.counter, nonce);
	return aead_open(m->key, nonce, make_aad(s, group, e->protected, aad, sizeof aad),
	    e->ciphertext, plain);
}

/* What is kept changes only when the tag was right. */
static int
take(struct seal *s, const struct in6_addr *group, const struct cose_encrypt0 *e,
    const struct secret *secret, int64_t now_ms, int64_t fresh_s, struct buf *plain)
{
	uint8_t name[LRU_KEY_LEN];
	struct lru_entry *known;
	struct session *session = NULL;
	struct material m;
	int r;

	memcpy(name, secret->gkid, GKID_LEN);
	memcpy(name + GKID_LEN, e->header.kid.data, KID_LEN);
	known = lru_find(&s->sessions, name, sizeof name);
	if (known)
		session = container_of(known, struct session, entry);
	if (session && !window_is_new(&session->window, e->header.counter, SEAL_WINDOW))
		return -EALREADY;
	if (!session && !is_fresh(s, &e->header, now_ms, fresh_s))
		return -ETIME;
	if (session)
		m = session->material;
	r = session ? 0 : derive(secret, e->header.kid.data, &m);
	if (r == 0)
		r = decrypt(s, group, e, &m, plain);
	if (r == 0 && !session)
		r = new_session(s, name, &m, &session);
	secret_wipe(&m, sizeof m);
	if (r < 0)
		return r;
	window_take(&session->window, e->header.counter);
	return note_sender(s, &e->header);
}

int
seal_take(struct seal *s, const struct in6_addr *group, struct slice wire, int64_t now_ms,
    int64_t fresh_s, struct buf *plain, uint8_t ret_sender[COSE_KID_LEN])
{
	const struct secret *secret;
	struct cose_encrypt0 e;
	int r = cose_encrypt0_read(wire, &e);

	if (r < 0 || e.header.kid.len != KID_LEN || e.header.counter == 0 ||
	    e.header.iat_s == 0)
		return -EBADMSG;
	secret = find_secret(s, e.header.context, now_ms);
	if (!secret)
		return -ENOKEY;
	r = take(s, group, &e, secret, now_ms, fresh_s, plain);
	if (r == 0)
		memcpy(ret_sender, e.header.kid.data, COSE_KID_LEN);
	return r;
}
