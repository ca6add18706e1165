/* SPDX-License-Identifier: Apache-2.0
 *
 * What we show, and who is believed: it depends on what a connection is for, and that on its ALPN and
 * on what we are ourselves. */
#include "trust/channel_int.h"

#include <errno.h>
#include <string.h>

#define PASSPORT_FROM_MS 1577836800000LL /* 2020; nobody judges a stranger by its time */
#define PASSPORT_TO_MS	 4102444800000LL /* 2100 */

/* --- what we show ---------------------------------------------------------------------------- */

/* Before it has a certificate a node shows one that it signs itself: it proves the key, no more
 * (security.md §5.1). Its URI is none that a member could have. */
static int
make_passport(struct channel *ch)
{
	const struct key *key = credential_key(ch->cfg.self);
	char id[FOG_ID_TEXT], uri[TRUST_URI_MAX] = "urn:fogwatch:join:stranger:";
	struct cert_spec spec = { id, uri, PASSPORT_FROM_MS, PASSPORT_TO_MS };

	if (ch->passport)
		return 0;
	fog_id_format(&credential_name(ch->cfg.self)->id, id);
	strcat(uri, id);
	return cert_issue(key, NULL, &spec, key, &ch->passport);
}

static struct cert *
find_issuer(const struct credential *c, const struct cert *leaf)
{
	const uint8_t *wanted = cert_facts(leaf)->issuer_fingerprint;
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t n = anchors_get(credential_anchors((struct credential *)c), ca);

	for (size_t i = 0; i < n; i++)
		if (memcmp(cert_facts(ca[i])->key_fingerprint, wanted, 32) == 0)
			return ca[i];
	return NULL;
}

/* Who joins knows no more than a hash of our CA's key, and has to be shown the CA itself. */
static void
add_issuer(struct channel_stream *s, const struct tls *t)
{
	struct cert *ca;

	if (!s->server || strcmp(tls_alpn(t), CHANNEL_ALPN_GRASP) == 0)
		return;
	ca = find_issuer(s->channel->cfg.self, s->own[0]);
	s->own[1] = ca ? cert_ref(ca) : NULL;
}

bool
channel_show_self(void *arg, const struct tls *t, const char *hint, struct tls_self *ret)
{
	struct channel_stream *s = arg;
	struct channel *ch = s->channel;
	/* A controller that answers by a connection of its own does not know what the node knows. */
	bool guesses =
	    !s->server && credential_name(ch->cfg.self)->role == TRUST_CONTROLLER;
	struct cert *mine = guesses ? credential_common(ch->cfg.self)
				    : credential_cert(ch->cfg.self, hint);

	if (!mine && !s->server && make_passport(ch) == 0)
		mine = ch->passport;
	if (!mine)
		return false;
	cert_unref(s->own[0]);
	cert_unref(s->own[1]);
	s->own[0] = cert_ref(mine);
	s->own[1] = NULL;
	add_issuer(s, t);
	ret->key = credential_key(ch->cfg.self);
	ret->chain = s->own;
	ret->len = s->own[1] ? 2 : 1;
	return true;
}

/* --- who is believed ------------------------------------------------------------------------- */

static void
remember(struct channel_stream *s, const struct cert_facts *f)
{
	memcpy(s->who.id, s->name.id.bytes, sizeof s->who.id);
	s->who.role = s->name.role;
	s->not_after_ms = f->not_after_ms;
	memcpy(s->serial, f->serial, f->serial_len);
	s->serial_len = (uint8_t)f->serial_len;
	if (s->who.role != TRUST_STRANGER)
		memcpy(s->issuer, f->issuer_fingerprint, sizeof s->issuer);
}

static int
judge_member(struct channel_stream *s, struct cert *const chain[], size_t len,
    unsigned roles, const char **why)
{
	struct credential *self = s->channel->cfg.self;
	int err;

	if (len == 0) {
		*why = "no certificate";
		return -ENOKEY;
	}
	err = anchors_judge(credential_anchors(self), chain, len, roles,
	    credential_now(self), &s->name, why);
	if (err == 0)
		remember(s, cert_facts(chain[0]));
	return err;
}

static int
take_for_stranger(struct channel_stream *s, struct cert *const chain[], const char **why)
{
	const struct cert_facts *f = cert_facts(chain[0]);
	struct slice serial = { f->serial, f->serial_len };

	s->name = (struct trust_name){ .role = TRUST_STRANGER };
	memcpy(s->name.id.bytes, f->key_fingerprint, sizeof s->name.id.bytes);
	if (anchors_denies(
		credential_anchors(s->channel->cfg.self), &s->name.id, serial)) {
		*why = "revoked";
		return -EKEYREVOKED;
	}
	remember(s, f);
	return 0;
}

/* A member is taken for a lapsed one here, since the little that this one may do is all that there is
 * to do. */
static int
judge_joiner(
    struct channel_stream *s, struct cert *const chain[], size_t len, const char **why)
{
	struct credential *self = s->channel->cfg.self;
	int err;

	if (len == 0) {
		s->who.role = TRUST_STRANGER;
		return 0;
	}
	err = anchors_judge(credential_anchors(self), chain, len, TRUST_BIT(TRUST_AGENT),
	    credential_now(self), &s->name, why);
	if (err == -EKEYREJECTED)
		return take_for_stranger(s, chain, why);
	if (err < 0 && err != -EKEYEXPIRED)
		return err;
	s->name.role = TRUST_LAPSED;
	remember(s, cert_facts(chain[0]));
	return 0;
}

static int
judge_client(struct channel_stream *s, const struct tls *t, struct cert *const chain[],
    size_t len, const char **why)
{
	const struct channel_config *cfg = &s->channel->cfg;
	const char *alpn = tls_alpn(t);

	if (strcmp(alpn, CHANNEL_ALPN_JOIN) == 0) {
		s->purpose = CHANNEL_TO_JOIN;
		return judge_joiner(s, chain, len, why);
	}
	if (strcmp(alpn, CHANNEL_ALPN_CTL) == 0) {
		s->purpose = CHANNEL_TO_OPERATE;
		return judge_member(s, chain, len, TRUST_OPERATORS, why);
	}
	return judge_member(s, chain, len, cfg->accept, why);
}

/* Before we are a member, or when we were one: only a controller can help. */
static int
judge_host(
    struct channel_stream *s, struct cert *const chain[], size_t len, const char **why)
{
	struct credential *self = s->channel->cfg.self;
	int err;

	if (s->purpose == CHANNEL_TO_SPEAK)
		return judge_member(s, chain, len, s->channel->cfg.open, why);
	if (credential_state(self) != CREDENTIAL_NONE)
		return judge_member(s, chain, len, TRUST_BIT(TRUST_CONTROLLER), why);
	err = anchors_judge_pinned(
	    credential_anchors(self), chain, len, credential_now(self), &s->name, why);
	if (err == 0)
		remember(s, cert_facts(chain[0]));
	return err;
}

int
channel_judge(
    void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why)
{
	struct channel_stream *s = arg;

	return s->server ? judge_client(s, t, chain, len, why)
			 : judge_host(s, chain, len, why);
}

/* --- and whether that still holds ------------------------------------------------------------- */

static bool
is_nothing(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool
has_anchor(const struct anchors *a, const uint8_t issuer[CHANNEL_ISSUER_LEN])
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t n = anchors_get(a, ca);

	for (size_t i = 0; i < n; i++)
		if (memcmp(cert_facts(ca[i])->key_fingerprint, issuer,
			CHANNEL_ISSUER_LEN) == 0)
			return true;
	return false;
}

bool
channel_is_trusted(const struct channel_stream *s)
{
	const struct anchors *a = credential_anchors(s->channel->cfg.self);
	struct slice serial = { s->serial, s->serial_len };
	struct fog_id id;

	memcpy(id.bytes, s->who.id, sizeof id.bytes);
	/* Nodes are monitored even if a clock is wrong; operators can wait. */
	if (s->server && s->purpose == CHANNEL_TO_OPERATE &&
	    s->not_after_ms < credential_now(s->channel->cfg.self))
		return false;
	if (s->serial_len > 0 && anchors_denies(a, &id, serial))
		return false;
	if (s->purpose != CHANNEL_TO_JOIN &&
	    credential_state(s->channel->cfg.self) == CREDENTIAL_NONE)
		return false; /* it is we who have left */
	if (is_nothing(s->issuer, sizeof s->issuer))
		return true;
	/* A host that was believed by its pin: there may be no CA yet. */
	if (!s->server && s->purpose == CHANNEL_TO_JOIN)
		return true;
	return has_anchor(a, s->issuer);
}

enum channel_refusal
channel_refusal_of(int err)
{
	switch (-err) {
	case EKEYEXPIRED:
		return CHANNEL_EXPIRED;
	case EKEYREVOKED:
		return CHANNEL_REVOKED;
	case EKEYREJECTED:
	case ENOKEY:
		return CHANNEL_UNTRUSTED;
	}
	return CHANNEL_BROKEN;
}
