/* SPDX-License-Identifier: Apache-2.0
 *
 * Join tokens: made, listed, revoked, and judged. What is kept of a secret is its SHA-256 (S-16). */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/crypto_aead.h"
#include "base/ctl.h"
#include "controller/enrol_int.h"
#include "trust/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define USES_MAX    10000
#define TTL_MIN_MS  (60 * 1000LL)
#define TTL_MAX_MS  (365 * 24 * 3600 * 1000LL)
#define TTL_DEFAULT "24h"
#define MINUTE_MS   (60 * 1000)

/* --- the table -------------------------------------------------------------------------------------- */
static bool
is_live(const struct enrol *e, const struct enrol_token *t)
{
	return t->row.uses && !t->row.revoked && t->row.expires_ms > enrol_now(e);
}

size_t
enrol_tokens_valid(const struct enrol *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->tokens; i++)
		n += is_live(e, e->token[i]);
	return n;
}

static struct enrol_token *
find_token(const struct enrol *e, const uint8_t id[TOKEN_ID_LEN])
{
	for (size_t i = 0; i < e->tokens; i++)
		if (memcmp(e->token[i]->row.id, id, TOKEN_ID_LEN) == 0)
			return e->token[i];
	return NULL;
}

static struct enrol_token *
add_token(struct enrol *e, const struct token_row *row)
{
	struct enrol_token *t = calloc(1, sizeof *t), **grown;

	if (!t)
		return NULL;
	if (!(e->tokens & (e->tokens - 1))) {
		grown = reallocarray(
		    e->token, e->tokens ? 2 * e->tokens : 1, sizeof *e->token);
		if (!grown) {
			free(t);
			return NULL;
		}
		e->token = grown;
	}
	t->row = *row;
	snprintf(t->tags, sizeof t->tags, "%s", row->tags);
	snprintf(t->creator, sizeof t->creator, "%s", row->creator);
	t->row.tags = t->tags;
	t->row.creator = t->creator;
	e->token[e->tokens++] = t;
	return t;
}

struct loading {
	struct enrol *enrol;
	int err;
};

static void
load_token(void *arg, const struct token_row *row)
{
	struct loading *l = arg;

	if (!add_token(l->enrol, row))
		l->err = -ENOMEM;
}

int
enrol_tokens_load(struct enrol *e)
{
	struct loading l = { e, 0 };
	int err = store_tokens(e->store, load_token, &l);

	return err ? err : l.err;
}

void
enrol_tokens_free(struct enrol *e)
{
	for (size_t i = 0; i < e->tokens; i++)
		free(e->token[i]);
	free(e->token);
}

/* --- judging ---------------------------------------------------------------------------------------- */
/* The entry of a net, or the one that is oldest. */
static size_t
find_failures(struct enrol *e, const struct in6_addr *net)
{
	size_t oldest = 0;

	for (size_t i = 0; i < ENROL_NETS_MAX; i++) {
		if (e->failure[i].count && IN6_ARE_ADDR_EQUAL(&e->failure[i].net, net))
			return i;
		if (!e->failure[i].count ||
		    (e->failure[oldest].count &&
			e->failure[i].since_ms < e->failure[oldest].since_ms))
			oldest = i;
	}
	return oldest;
}

static bool
is_over(const struct enrol *e, size_t i, const struct in6_addr *net)
{
	return !e->failure[i].count || !IN6_ARE_ADDR_EQUAL(&e->failure[i].net, net) ||
	    grasp_io_now(e->io) - e->failure[i].since_ms >= MINUTE_MS;
}

static bool
has_failed_too_often(struct enrol *e, const struct in6_addr *net)
{
	size_t i = find_failures(e, net);

	return !is_over(e, i, net) && e->failure[i].count >= ENROL_FAILURES_PER_MIN;
}

static void
count_failure(struct enrol *e, const struct in6_addr *net)
{
	size_t i = find_failures(e, net);

	if (is_over(e, i, net)) {
		e->failure[i].net = *net;
		e->failure[i].since_ms = grasp_io_now(e->io);
		e->failure[i].count = 0;
	}
	e->failure[i].count++;
	e->counters.wrong_tokens++;
}

/* An unknown token takes as long as a wrong secret, and is told the same. */
static bool
is_secret(const struct enrol_token *t, const uint8_t secret[TOKEN_SECRET_LEN])
{
	static const uint8_t nobodys[STORE_HASH];
	uint8_t hash[CRYPTO_SHA256_LEN];

	if (crypto_sha256((struct slice){ secret, TOKEN_SECRET_LEN }, hash))
		return false;
	return secret_equal(hash, t ? t->row.secret : nobodys, sizeof hash) && t;
}

const char *
enrol_token_judge(struct enrol *e, const struct grasp_session *s,
    const struct fog_join *j, struct enrol_token **ret)
{
	struct enrol_token *t = find_token(e, j->token_id);
	struct in6_addr net;

	*ret = NULL;
	enrol_net_of(s, &net);
	if (has_failed_too_often(e, &net))
		return "busy: too many wrong tokens came from there; try again in a "
		       "minute";
	if (!is_secret(t, j->token_secret)) {
		count_failure(e, &net);
		return "token: it is not known here";
	}
	if (t->row.revoked)
		return "token: it was revoked";
	*ret = t;
	if (t->row.expires_ms <= enrol_now(e))
		return "expired: the token's time is over";
	if (!t->row.uses)
		return "token: it has been used";
	if (t->row.uses <= t->reserved)
		return "busy: the token is being used";
	return NULL;
}

/* --- fogctl token create ----------------------------------------------------------------------------- */
struct creation {
	struct enrol *enrol;
	struct ctl_request *req; /* NULL: gone */
	struct token_row row;
	struct token token;
	char tags[ENROL_TAGS_MAX], creator[64];
};

static void
free_creation(struct creation *c)
{
	secret_wipe(&c->token, sizeof c->token);
	free(c);
}

static void
send_token(struct creation *c)
{
	char text[TOKEN_TEXT_MAX], id[9], until[CLOCK_TEXT_MAX];
	struct buf item;

	buf_init(&item, 2048);
	wr_map(&item, 5);
	wr_key_text(&item, "token", token_format(&c->token, text));
	wr_key_text(&item, "id", token_id_format(c->token.id, id));
	wr_key_int(&item, "uses", c->row.uses);
	wr_key_text(&item, "expires", clock_format(c->row.expires_ms, until));
	wr_key_text(&item, "tags", c->tags);
	ctl_send(c->req, buf_slice(&item));
	ctl_end(TAKE(c->req));
	secret_wipe(text, sizeof text);
	if (item.data)
		secret_wipe(item.data, item.pos);
	buf_done(&item);
}

static void
on_token_stored(void *arg, int err)
{
	struct creation *c = arg;

	if (!err && !add_token(c->enrol, &c->row))
		err = -ENOMEM;
	if (c->req && err)
		ctl_fail(TAKE(c->req), 1, "the token was not stored: %s", strerror(-err));
	else if (c->req)
		send_token(c);
	free_creation(c);
}

static void
on_creator_gone(void *arg)
{
	struct creation *c = arg;

	c->req = NULL;
}

static bool
is_tag(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._:-";
	size_t key = strspn(text, plain);

	return key >= 1 && key <= 32 && text[key] == '=' &&
	    strspn(text + key + 1, plain) == strlen(text + key + 1) &&
	    strlen(text + key + 1) <= 64;
}

/* --tag may be repeated. */
static bool
read_tags(struct slice args, char dst[ENROL_TAGS_MAX])
{
	struct cbor_reader r;
	struct slice key;
	bool good = true;

	*dst = '\0';
	rd_init(&r, args, 0);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key)) {
		size_t len = strlen(dst);
		char one[128] = "";

		if (!slice_is(key, "tag")) {
			rd_skip(&r);
			continue;
		}
		rd_text_copy(&r, one, sizeof one);
		good &= is_tag(one) && len + strlen(one) + 2 < ENROL_TAGS_MAX;
		if (good)
			snprintf(
			    dst + len, ENROL_TAGS_MAX - len, "%s%s", len ? "," : "", one);
	}
	return good && !r.err;
}

/* HOST:PORT, with the host in brackets if it has colons itself. */
static bool
is_place(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;

	return !*text ||
	    (colon && colon > text && digits >= 1 && digits <= 5 && !colon[1 + digits] &&
		(*text == '[' ? colon[-1] == ']' : strchr(text, ':') == colon) &&
		!strpbrk(text, " \t@"));
}

static const char *
read_creation(struct creation *c, struct slice args)
{
	char ttl[32] = TTL_DEFAULT;
	int64_t uses = 1, ttl_ms;

	(void)ctl_arg_text(args, "ttl", ttl, sizeof ttl);
	(void)ctl_arg_int(args, "uses", &uses);
	(void)ctl_arg_text(args, "address", c->token.where, sizeof c->token.where);
	if (uses < 1 || uses > USES_MAX)
		return "--uses is 1 to 10000";
	if (clock_parse_span(ttl, &ttl_ms) || ttl_ms < TTL_MIN_MS || ttl_ms > TTL_MAX_MS)
		return "--ttl is 1m to 365d, such as 24h";
	if (!read_tags(args, c->tags))
		return "--tag is NAME=VALUE, of characters A-Z a-z 0-9 . _ : -";
	if (!is_place(c->token.where))
		return "--address is HOST:PORT or [ADDRESS]:PORT";
	c->row.uses = (unsigned)uses;
	c->row.created_ms = enrol_now(c->enrol);
	c->row.expires_ms = c->row.created_ms + ttl_ms;
	return NULL;
}

static int
make_secret(struct creation *c)
{
	struct enrol *e = c->enrol;
	struct cert *ca[TRUST_ANCHORS_MAX];

	if (!anchors_get(credential_anchors(authority_credential(e->authority)), ca))
		return -ENOKEY;
	memcpy(c->token.pin, cert_facts(ca[0])->key_fingerprint, sizeof c->token.pin);
	do {
		crypto_random(c->token.id, sizeof c->token.id);
	} while (find_token(e, c->token.id));
	crypto_random(c->token.secret, sizeof c->token.secret);
	memcpy(c->row.id, c->token.id, sizeof c->row.id);
	c->row.tags = c->tags;
	return crypto_sha256(
	    (struct slice){ c->token.secret, sizeof c->token.secret }, c->row.secret);
}

void
enrol_token_create(struct enrol *e, struct ctl_request *req, struct slice args)
{
	struct creation *c = calloc(1, sizeof *c);
	const char *wrong;
	int err;

	if (!c) {
		ctl_fail(req, 1, "out of memory");
		return;
	}
	c->enrol = e;
	wrong = read_creation(c, args);
	if (!wrong && !authority_signer(e->authority))
		wrong = "this controller has no CA, so that nobody can join here";
	if (!wrong && enrol_tokens_valid(e) >= ENROL_TOKENS_MAX)
		wrong = "there are 10000 tokens already; fogctl token revoke";
	if (wrong) {
		ctl_fail(req, 2, "%s", wrong);
		free_creation(c);
		return;
	}
	err = make_secret(c);
	snprintf(c->creator, sizeof c->creator, "%s", ctl_who(req));
	c->row.creator = c->creator;
	if (!err)
		err = store_token_put(e->store, &c->row, on_token_stored, c);
	if (err) {
		ctl_fail(req, 1, "no token could be made: %s", strerror(-err));
		free_creation(c);
		return;
	}
	c->req = req;
	ctl_on_cancel(req, on_creator_gone, c);
}

/* --- fogctl token list, revoke ------------------------------------------------------------------------ */
static const char *
state_of(const struct enrol *e, const struct enrol_token *t)
{
	if (t->row.revoked)
		return "revoked";
	if (!t->row.uses)
		return "used";
	return t->row.expires_ms <= enrol_now(e) ? "expired" : "valid";
}

static void
send_row(struct enrol *e, struct ctl_request *req, const struct enrol_token *t)
{
	char id[9], created[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
	struct buf item;

	buf_init(&item, 2048);
	wr_map(&item, 7);
	wr_key_text(&item, "id", token_id_format(t->row.id, id));
	wr_key_text(&item, "state", state_of(e, t));
	wr_key_int(&item, "uses", t->row.uses);
	wr_key_text(&item, "expires", clock_format(t->row.expires_ms, until));
	wr_key_text(&item, "created", clock_format(t->row.created_ms, created));
	wr_key_text(&item, "creator", t->creator);
	wr_key_text(&item, "tags", t->tags);
	ctl_send(req, buf_slice(&item));
	buf_done(&item);
}

struct listing {
	struct enrol *enrol;
	struct ctl_request *req;
	size_t at;
};

/* Some at a time: ten thousand rows are more than a backlog holds. */
static void
list_more(void *arg)
{
	struct listing *l = arg;

	for (int i = 0; i < 100 && l->at < l->enrol->tokens; i++)
		send_row(l->enrol, l->req, l->enrol->token[l->at++]);
	if (l->at < l->enrol->tokens)
		return;
	ctl_end(l->req);
	free(l);
}

void
enrol_token_list(struct enrol *e, struct ctl_request *req)
{
	struct listing *l = malloc(sizeof *l);

	if (!l) {
		ctl_fail(req, 1, "out of memory");
		return;
	}
	*l = (struct listing){ e, req, 0 };
	ctl_on_cancel(req, free, l);
	ctl_stream(req, list_more, l);
}

struct revocation {
	struct ctl_request *req; /* NULL: gone */
	uint8_t id[TOKEN_ID_LEN];
};

static void
on_revoked(void *arg, int err)
{
	struct revocation *v = arg;
	struct buf item;
	char id[9];

	buf_init(&item, 256);
	wr_map(&item, 2);
	wr_key_text(&item, "id", token_id_format(v->id, id));
	wr_key_text(&item, "result", "revoked");
	if (v->req && err) {
		ctl_fail(v->req, 1, "%s was not stored: %s", id, strerror(-err));
	} else if (v->req) {
		ctl_send(v->req, buf_slice(&item));
		ctl_end(v->req);
	}
	buf_done(&item);
	free(v);
}

static void
on_revoker_gone(void *arg)
{
	struct revocation *v = arg;

	v->req = NULL;
}

void
enrol_token_revoke(struct enrol *e, struct ctl_request *req, struct slice args)
{
	struct revocation *v = calloc(1, sizeof *v);
	struct enrol_token *t = NULL;
	char text[TOKEN_TEXT_MAX] = "";

	(void)ctl_arg_text(args, "token", text, sizeof text);
	if (v && token_id_parse(text, v->id) == 0)
		t = find_token(e, v->id);
	if (!t) {
		ctl_fail(
		    req, 1, "there is no such token; fogctl token list shows their ids");
		free(v);
		return;
	}
	t->row.revoked = true;
	v->req = req;
	ctl_on_cancel(req, on_revoker_gone, v);
	if (store_token_revoke(e->store, v->id, on_revoked, v))
		on_revoked(v, -ENOMEM);
}
