/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls.h"
#include "base/crypto.h"
#include "tests/support/alloc.h"
#include "tests/support/test.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR  3600000LL
#define DAY   (24 * HOUR)
#define NOW   1795000000000LL
#define URI   "urn:fogwatch:plant-7:agent:00112233445566778899aabbccddeeff"
#define GRASP "x-fogwatch-grasp/1"
#define JOIN  "x-fogwatch-join/1"
#define ROOM  (1 << 20)

static struct key *ca_key, *node_key[2];
static struct cert *ca, *other_ca, *node_cert[2];

/* One end, and what it thinks of its peer. */
struct end {
	struct tls *tls;
	struct cert *chain[3]; /* what it shows */
	size_t len;
	const struct key *key;
	struct cert *anchor; /* whom it believes */
	int64_t now;
	bool anonymous_welcome;
	int verdict;		    /* 0: as cert_verify() says */
	bool shy;		    /* has no certificate that fits */
	char hint[64];		    /* asked for with */
	char met[CERT_URI_MAX + 1]; /* the peer's URI */
	char alpn_then[32];	    /* at verify() */
	unsigned asked;		    /* how often verify() was called */
	struct buf plain, out;	    /* of the peer, to the peer */
	int err;
};

static bool
show_self(void *arg, const struct tls *t, const char *hint, struct tls_self *ret)
{
	struct end *e = arg;

	assert_ptr_equal(t, e->tls);
	snprintf(e->hint, sizeof e->hint, "%s", hint);
	*ret = (struct tls_self){ e->key, e->chain, e->len };
	return !e->shy;
}

static int
judge(void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why)
{
	struct end *e = arg;

	e->asked++;
	snprintf(e->alpn_then, sizeof e->alpn_then, "%s", tls_alpn(t));
	if (len == 0) {
		*why = "nobody";
		return e->anonymous_welcome ? 0 : -ENOKEY;
	}
	snprintf(e->met, sizeof e->met, "%s", cert_facts(chain[0])->uri);
	if (e->verdict < 0)
		*why = "not you";
	return e->verdict ? e->verdict
			  : cert_verify(chain[0], &e->anchor, 1, e->now, why);
}

static const struct tls_setup both_setup = { { GRASP, JOIN }, show_self, judge };

static void
end_init(struct end *e, int who)
{
	*e = (struct end){ .chain = { node_cert[who] },
		.len = 1,
		.key = node_key[who],
		.anchor = ca,
		.now = NOW };
	buf_init(&e->plain, ROOM);
	buf_init(&e->out, ROOM);
}

static void
end_done(struct end *e)
{
	tls_free(TAKE(e->tls));
	buf_done(&e->plain);
	buf_done(&e->out);
}

struct pair {
	struct tls_context *context;
	struct end client, server;
};

static int
connect_pair(struct pair *p, const char *alpn, const char *name)
{
	int err = tls_context_new(&both_setup, &p->context);

	if (!err)
		err = tls_new_server(p->context, &p->server, &p->server.tls);
	if (!err)
		err = tls_new_client(p->context, alpn, name, &p->client, &p->client.tls);
	return err;
}

static void
pair_init(struct pair *p)
{
	*p = (struct pair){ 0 };
	end_init(&p->client, 0);
	end_init(&p->server, 1);
}

static void
pair_done(struct pair *p)
{
	end_done(&p->client);
	end_done(&p->server);
	tls_context_free(p->context);
	assert_int_equal(ERR_peek_error(), 0);
}

/* What from has to send reaches to, in pieces of at most size bytes. */
static void
carry(struct end *from, struct end *to, size_t size)
{
	struct buf wire = from->out;

	buf_init(&from->out, ROOM);
	for (size_t at = 0; at < wire.pos && !to->err;) {
		size_t n = wire.pos - at < size ? wire.pos - at : size;

		to->err = tls_take(
		    to->tls, (struct slice){ wire.data + at, n }, &to->plain, &to->out);
		assert_int_equal(ERR_peek_error(), 0);
		at += n;
	}
	buf_done(&wire);
}

static void
run(struct pair *p, size_t size)
{
	struct end *c = &p->client, *s = &p->server;

	if (!c->err && !tls_is_open(c->tls))
		c->err = tls_take(c->tls, (struct slice){ 0 }, &c->plain, &c->out);
	while (c->out.pos > 0 || s->out.pos > 0) {
		carry(c, s, size);
		carry(s, c, size);
	}
}

static void
shake_hands(struct pair *p, const char *alpn)
{
	assert_int_equal(connect_pair(p, alpn, NULL), 0);
	run(p, SIZE_MAX);
}

static void
say(struct end *from, const char *text)
{
	assert_int_equal(tls_put(from->tls, slice_text(text), &from->out), 0);
}

/* --- the good case -------------------------------------------------------------------- */
static void
assert_open(struct pair *p, const char *alpn)
{
	assert_int_equal(p->client.err, 0);
	assert_int_equal(p->server.err, 0);
	assert_true(tls_is_open(p->client.tls) && tls_is_open(p->server.tls));
	assert_string_equal(tls_alpn(p->client.tls), alpn);
	assert_string_equal(tls_alpn(p->server.tls), alpn);
	say(&p->client, "hello ");
	say(&p->client, "you");
	say(&p->server, "hello yourself");
	run(p, SIZE_MAX);
	assert_true(slice_is(buf_slice(&p->server.plain), "hello you"));
	assert_true(slice_is(buf_slice(&p->client.plain), "hello yourself"));
}

static void
two_members_meet_and_know_each_other(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	shake_hands(&p, GRASP);
	assert_open(&p, GRASP);
	assert_string_equal(p.client.met, cert_facts(node_cert[1])->uri);
	assert_string_equal(p.server.met, cert_facts(node_cert[0])->uri);
	assert_string_equal(p.server.alpn_then, GRASP);
	assert_int_equal(p.client.asked, 1);
	assert_int_equal(p.server.asked, 1);
	assert_string_equal(tls_error(p.client.tls), "");
	pair_done(&p);
}

static void
any_protocol_offered_can_be_asked_for(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	shake_hands(&p, JOIN);
	assert_open(&p, JOIN);
	pair_done(&p);
}

static void
bytes_may_come_one_by_one(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	assert_int_equal(connect_pair(&p, GRASP, NULL), 0);
	run(&p, 1);
	assert_open(&p, GRASP);
	say(&p.client, "!");
	run(&p, 1);
	assert_true(slice_is(buf_slice(&p.server.plain), "hello you!"));
	pair_done(&p);
}

static void
the_server_name_is_the_hint_for_the_certificate(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	assert_int_equal(connect_pair(&p, GRASP, "0011223344556677"), 0);
	run(&p, SIZE_MAX);
	assert_open(&p, GRASP);
	assert_string_equal(p.server.hint, "0011223344556677");
	assert_string_equal(p.client.hint, "0011223344556677");
	pair_done(&p);
}

static void
a_chain_is_shown_whole(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.chain[1] = ca;
	p.server.chain[2] = other_ca;
	p.server.len = 3;
	shake_hands(&p, GRASP);
	assert_open(&p, GRASP);
	pair_done(&p);
}

static void
keys_of_ed25519_do_as_well(void **state)
{
	struct cert_spec spec = { "e", URI, NOW - HOUR, NOW + DAY };
	CLEANUP(key_free) struct key *k = NULL;
	CLEANUP(cert_unref) struct cert *c = NULL;
	struct pair p;

	(void)state;
	assert_int_equal(key_new(KEY_ED25519, &k), 0);
	assert_int_equal(cert_issue(ca_key, ca, &spec, k, &c), 0);
	pair_init(&p);
	p.client.key = k;
	p.client.chain[0] = c;
	shake_hands(&p, GRASP);
	assert_open(&p, GRASP);
	pair_done(&p);
}

static void
a_context_may_go_before_its_connections(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	assert_int_equal(connect_pair(&p, GRASP, NULL), 0);
	tls_context_free(TAKE(p.context));
	run(&p, SIZE_MAX);
	assert_open(&p, GRASP);
	pair_done(&p);
}

static void
long_messages_arrive_whole(void **state)
{
	uint8_t *text = malloc(100000);
	struct pair p;

	(void)state;
	assert_non_null(text);
	crypto_random(text, 100000);
	pair_init(&p);
	shake_hands(&p, GRASP);
	assert_int_equal(
	    tls_put(p.client.tls, (struct slice){ text, 100000 }, &p.client.out), 0);
	run(&p, 1000);
	assert_true(
	    slice_equal(buf_slice(&p.server.plain), (struct slice){ text, 100000 }));
	pair_done(&p);
	free(text);
}

static void
each_side_says_when_it_has_ended(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	shake_hands(&p, GRASP);
	say(&p.client, "last words");
	tls_end(p.client.tls, &p.client.out);
	tls_end(p.client.tls, &p.client.out);
	assert_int_equal(
	    tls_put(p.client.tls, slice_text("x"), &p.client.out), -ENOTCONN);
	run(&p, SIZE_MAX);
	assert_true(slice_is(buf_slice(&p.server.plain), "last words"));
	assert_true(tls_is_ended(p.server.tls));
	assert_false(tls_is_ended(p.client.tls));
	say(&p.server, "answer");
	run(&p, SIZE_MAX);
	assert_true(slice_is(buf_slice(&p.client.plain), "answer"));
	tls_end(p.server.tls, &p.server.out);
	run(&p, SIZE_MAX);
	assert_true(tls_is_ended(p.client.tls));
	assert_int_equal(p.client.err | p.server.err, 0);
	pair_done(&p);
}

static void
nothing_is_sent_before_it_is_open(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	assert_int_equal(connect_pair(&p, GRASP, NULL), 0);
	assert_int_equal(
	    tls_put(p.client.tls, slice_text("x"), &p.client.out), -ENOTCONN);
	assert_int_equal(
	    tls_put(p.server.tls, slice_text("x"), &p.server.out), -ENOTCONN);
	tls_end(p.client.tls, &p.client.out);
	assert_int_equal(p.client.out.pos, 0);
	assert_string_equal(tls_alpn(p.server.tls), "");
	pair_done(&p);
}

/* --- who is refused ------------------------------------------------------------------- */
static void
assert_server_refuses(struct pair *p, int err, const char *why, const char *peer_hears)
{
	shake_hands(p, GRASP);
	assert_int_equal(p->server.err, err);
	assert_false(tls_is_open(p->server.tls));
	assert_string_equal(tls_error(p->server.tls), why);
	assert_int_equal(
	    p->client.err, err == -EKEYREVOKED || err == -EKEYEXPIRED ? err : -EPROTO);
	assert_string_equal(tls_error(p->client.tls), peer_hears);
	/* It stays so. */
	assert_int_equal(tls_take(p->server.tls, (struct slice){ 0 }, &p->server.plain,
			     &p->server.out),
	    err);
	assert_int_equal(
	    tls_put(p->server.tls, slice_text("x"), &p->server.out), -ENOTCONN);
	assert_int_equal(p->server.plain.pos, 0);
	pair_done(p);
}

static void
somebody_of_another_ca_is_refused_S_02(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.anchor = other_ca;
	assert_server_refuses(&p, -EKEYREJECTED, "unable to get local issuer certificate",
	    "the peer says: bad certificate");
}

static void
an_expired_one_is_refused_and_told_so_S_02(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.now = NOW + 30 * DAY;
	assert_server_refuses(&p, -EKEYEXPIRED, "certificate has expired",
	    "the peer says: certificate expired");
}

static void
a_revoked_one_is_refused_and_told_so_S_19(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.verdict = -EKEYREVOKED;
	assert_server_refuses(
	    &p, -EKEYREVOKED, "not you", "the peer says: certificate revoked");
}

static void
one_of_an_unknown_ca_is_told_so(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.verdict = -ENOKEY;
	assert_server_refuses(&p, -ENOKEY, "not you", "the peer says: unknown CA");
}

static void
nobody_is_let_in_without_a_certificate_S_02(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.len = 0;
	assert_server_refuses(
	    &p, -ENOKEY, "nobody", "the peer says: certificate required");
	pair_init(&p);
	p.client.len = 0;
	shake_hands(&p, GRASP);
	assert_int_equal(p.server.asked, 1);
	pair_done(&p);
}

static void
an_anonymous_client_is_for_verify_to_let_in(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.len = 0;
	p.server.anonymous_welcome = true;
	shake_hands(&p, JOIN);
	assert_open(&p, JOIN);
	assert_string_equal(p.server.met, "");
	assert_string_equal(p.server.alpn_then, JOIN);
	pair_done(&p);
}

static void
a_self_signed_one_is_refused_S_02(void **state)
{
	struct cert_spec spec = { "s", URI, NOW - HOUR, NOW + DAY };
	CLEANUP(cert_unref) struct cert *c = NULL;
	struct pair p;

	(void)state;
	assert_int_equal(cert_issue(node_key[0], NULL, &spec, node_key[0], &c), 0);
	pair_init(&p);
	p.client.chain[0] = c;
	assert_server_refuses(&p, -EKEYREJECTED, "self-signed certificate",
	    "the peer says: bad certificate");
}

/* The forged leaf comes with the agent's certificate as its CA, and the real CA. */
static void
an_agent_is_no_ca_S_05(void **state)
{
	struct cert_spec spec = { "f", URI, NOW - HOUR, NOW + DAY };
	CLEANUP(key_free) struct key *k = NULL;
	CLEANUP(cert_unref) struct cert *forged = NULL;
	struct pair p;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	assert_int_equal(cert_issue(node_key[0], node_cert[0], &spec, k, &forged), 0);
	pair_init(&p);
	p.client.key = k;
	p.client.chain[0] = forged;
	p.client.chain[1] = node_cert[0];
	p.client.chain[2] = ca;
	p.client.len = 3;
	assert_server_refuses(&p, -EKEYREJECTED, "unable to get local issuer certificate",
	    "the peer says: bad certificate");
}

static void
a_certificate_without_its_key_is_of_no_use(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.key = node_key[1];
	shake_hands(&p, GRASP);
	assert_int_equal(p.client.err, -EPROTO);
	assert_false(tls_is_open(p.server.tls));
	pair_done(&p);
}

static void
a_client_refuses_a_server_S_01(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.client.anchor = other_ca;
	shake_hands(&p, GRASP);
	assert_int_equal(p.client.err, -EKEYREJECTED);
	assert_string_equal(
	    tls_error(p.client.tls), "unable to get local issuer certificate");
	assert_int_equal(p.server.err, -EPROTO);
	assert_string_equal(tls_error(p.server.tls), "the peer says: bad certificate");
	assert_int_equal(p.server.asked, 0);
	pair_done(&p);
}

static void
a_server_without_a_certificate_that_fits_ends_it(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.shy = true;
	shake_hands(&p, GRASP);
	assert_int_equal(p.server.err, -EPROTO);
	assert_string_equal(tls_error(p.server.tls), "no certificate of ours fits");
	assert_int_equal(p.client.err, -EPROTO);
	pair_done(&p);
	pair_init(&p);
	p.server.len = 0;
	shake_hands(&p, GRASP);
	assert_int_equal(p.server.err, -EPROTO);
	pair_done(&p);
}

static void
another_application_protocol_is_refused_S_06(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	shake_hands(&p, "h2");
	assert_int_equal(p.server.err, -EPROTO);
	assert_string_equal(tls_error(p.server.tls), "no application protocol in common");
	assert_int_equal(p.client.err, -EPROTO);
	assert_string_equal(
	    tls_error(p.client.tls), "the peer says: no such application protocol");
	assert_int_equal(p.client.asked, 0);
	pair_done(&p);
}

/* --- peers that are not ours ---------------------------------------------------------- */
/* OpenSSL itself, as somebody else would use it. */
struct stranger {
	SSL_CTX *ctx;
	SSL *ssl;
};

static void
stranger_init(struct stranger *s, int version, bool server)
{
	s->ctx = SSL_CTX_new(TLS_method());
	assert_non_null(s->ctx);
	if (version)
		assert_int_equal(SSL_CTX_set_max_proto_version(s->ctx, version), 1);
	s->ssl = SSL_new(s->ctx);
	assert_non_null(s->ssl);
	SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
}

static void
stranger_done(struct stranger *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	ERR_clear_error();
}

static void
meet_stranger(struct pair *p, struct stranger *s)
{
	uint8_t wire[20000];
	int n;

	assert_int_equal(connect_pair(p, GRASP, NULL), 0);
	(void)SSL_do_handshake(s->ssl);
	ERR_clear_error();
	n = BIO_read(SSL_get_wbio(s->ssl), wire, sizeof wire);
	assert_true(n > 0);
	p->server.err = tls_take(p->server.tls, (struct slice){ wire, (size_t)n },
	    &p->server.plain, &p->server.out);
	if (p->server.out.pos > 0)
		BIO_write(
		    SSL_get_rbio(s->ssl), p->server.out.data, (int)p->server.out.pos);
	(void)SSL_do_handshake(s->ssl);
	n = ERR_GET_REASON(ERR_peek_error());
	ERR_clear_error();
	p->client.err = n;
}

static void
load_identity(SSL *ssl, int who)
{
	struct slice der = cert_der(node_cert[who]);
	char path[] = "/tmp/fogwatch-test-key-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	assert_int_equal(key_save(node_key[who], path), 0);
	assert_int_equal(SSL_use_certificate_ASN1(ssl, der.data, (int)der.len), 1);
	assert_int_equal(SSL_use_PrivateKey_file(ssl, path, SSL_FILETYPE_PEM), 1);
	unlink(path);
}

/* Until neither has anything to say. */
static void
shake_hands_with(struct pair *p, struct stranger *s)
{
	uint8_t wire[20000];
	int n;

	assert_int_equal(connect_pair(p, GRASP, NULL), 0);
	do {
		(void)SSL_do_handshake(s->ssl);
		n = BIO_read(SSL_get_wbio(s->ssl), wire, sizeof wire);
		ERR_clear_error();
		if (n > 0)
			p->server.err =
			    tls_take(p->server.tls, (struct slice){ wire, (size_t)n },
				&p->server.plain, &p->server.out);
		BIO_write(
		    SSL_get_rbio(s->ssl), p->server.out.data, (int)p->server.out.pos);
		buf_reset(&p->server.out);
	} while (n > 0 && p->server.err == 0);
}

/* It sends a share of a group that is not ours, and hears HelloRetryRequest (RFC 8446 §4.1.4). */
static void
a_client_that_guesses_the_wrong_group_is_asked_again(void **state)
{
	static const char *const groups[] = { "X448:P-256", "P-384:X25519", "P-256",
		"X448" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct stranger s;
		struct pair p;

		pair_init(&p);
		stranger_init(&s, 0, false);
		load_identity(s.ssl, 0);
		assert_int_equal(SSL_set1_groups_list(s.ssl, groups[i]), 1);
		assert_int_equal(SSL_set_alpn_protos(
				     s.ssl, (const uint8_t *)"\x12" GRASP, sizeof GRASP),
		    0);
		shake_hands_with(&p, &s);
		assert_int_equal(tls_is_open(p.server.tls), i < 3);
		assert_int_equal(p.server.err, i < 3 ? 0 : -EPROTO);
		assert_int_equal(p.server.asked, i < 3);
		stranger_done(&s);
		pair_done(&p);
	}
}

static void
a_client_of_tls_1_2_is_refused_S_06(void **state)
{
	struct stranger s;
	struct pair p;

	(void)state;
	pair_init(&p);
	stranger_init(&s, TLS1_2_VERSION, false);
	assert_int_equal(
	    SSL_set_alpn_protos(s.ssl, (const uint8_t *)"\x12" GRASP, sizeof GRASP), 0);
	meet_stranger(&p, &s);
	assert_int_equal(p.server.err, -EPROTO);
	assert_string_equal(tls_error(p.server.tls), "unsupported protocol");
	assert_int_equal(p.client.err, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
	stranger_done(&s);
	pair_done(&p);
}

static void
a_client_without_application_protocol_is_refused_S_06(void **state)
{
	struct stranger s;
	struct pair p;

	(void)state;
	pair_init(&p);
	stranger_init(&s, 0, false);
	meet_stranger(&p, &s);
	assert_int_equal(p.server.err, -EPROTO);
	assert_string_equal(tls_error(p.server.tls), "no application protocol named");
	assert_int_equal(
	    p.client.err, SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL);
	stranger_done(&s);
	pair_done(&p);
}

/* Somebody who shows a good certificate, but names no protocol. */
static int
take_no_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned len, void *arg)
{
	(void)ssl, (void)ret, (void)ret_len, (void)offered, (void)len, (void)arg;
	return SSL_TLSEXT_ERR_NOACK;
}

static void
a_server_without_application_protocol_is_refused_S_06(void **state)
{
	uint8_t wire[20000];
	struct stranger s;
	struct pair p;
	int n;

	(void)state;
	pair_init(&p);
	stranger_init(&s, 0, true);
	SSL_CTX_set_alpn_select_cb(s.ctx, take_no_alpn, NULL);
	load_identity(s.ssl, 1);
	assert_int_equal(connect_pair(&p, GRASP, NULL), 0);
	assert_int_equal(
	    tls_take(p.client.tls, (struct slice){ 0 }, &p.client.plain, &p.client.out),
	    0);
	BIO_write(SSL_get_rbio(s.ssl), p.client.out.data, (int)p.client.out.pos);
	(void)SSL_do_handshake(s.ssl);
	n = BIO_read(SSL_get_wbio(s.ssl), wire, sizeof wire);
	assert_true(n > 0);
	assert_int_equal(tls_take(p.client.tls, (struct slice){ wire, (size_t)n },
			     &p.client.plain, &p.client.out),
	    -EPROTO);
	assert_string_equal(
	    tls_error(p.client.tls), "the peer speaks another application protocol");
	assert_int_equal(p.client.asked, 0);
	stranger_done(&s);
	pair_done(&p);
}

static void
plain_text_ends_at_its_first_byte_S_06(void **state)
{
	static const char *const texts[] = { "\x85", "G", "\x15", "\x80" };
	struct pair p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		pair_init(&p);
		assert_int_equal(connect_pair(&p, GRASP, NULL), 0);
		assert_int_equal(tls_take(p.server.tls, slice_text(texts[i]),
				     &p.server.plain, &p.server.out),
		    -EPROTO);
		assert_string_equal(tls_error(p.server.tls), "not TLS");
		assert_int_equal(p.server.out.pos, 0);
		pair_done(&p);
	}
}

/* --- on the way ----------------------------------------------------------------------- */
/* Flips one bit of what the client sends in its n-th turn. Returns whether there was such a bit. */
static bool
run_with_flip(struct pair *p, bool of_server, size_t turn, size_t bit)
{
	struct end *c = &p->client, *s = &p->server;
	bool flipped = false;

	c->err = tls_take(c->tls, (struct slice){ 0 }, &c->plain, &c->out);
	for (size_t n = 0; c->out.pos > 0 || s->out.pos > 0; n++) {
		struct buf *b = of_server ? &s->out : &c->out;

		if (of_server)
			carry(c, s, SIZE_MAX);
		if (n == turn && bit / 8 < b->pos) {
			b->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			flipped = true;
		}
		if (!of_server)
			carry(c, s, SIZE_MAX);
		carry(s, c, SIZE_MAX);
	}
	return flipped;
}

/* Every seventh bit of either side's flights; what is open afterwards is so on both sides or fails
 * with the first record. */
static void
a_bit_flipped_on_the_way_opens_nothing_S_06(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++)
		for (size_t turn = 0; turn < 2; turn++) {
			bool flipped = true;

			for (size_t bit = turn * 3; flipped; bit += 61) {
				struct pair p;

				pair_init(&p);
				assert_int_equal(connect_pair(&p, GRASP, NULL), 0);
				flipped = run_with_flip(&p, side, turn, bit);
				if (flipped)
					assert_false(tls_is_open(p.server.tls) &&
					    p.client.err == 0);
				pair_done(&p);
			}
		}
}

static void
a_bit_flipped_in_a_record_ends_it_S_06(void **state)
{
	size_t len = 1;

	(void)state;
	for (size_t bit = 0; bit < 8 * len; bit++) {
		struct pair p;

		pair_init(&p);
		shake_hands(&p, GRASP);
		say(&p.client, "start");
		len = p.client.out.pos;
		p.client.out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		say(&p.client,
		    "and on, so that a length which has grown finds its bytes, of "
		    "which there may be many");
		carry(&p.client, &p.server, SIZE_MAX);
		assert_int_equal(p.server.plain.pos, 0);
		/* A longer record has not come whole yet. */
		assert_true(p.server.err == -EPROTO || (bit / 8 >= 3 && bit / 8 <= 4));
		pair_done(&p);
	}
}

static void
records_twice_or_out_of_order_end_it_S_06(void **state)
{
	struct pair p;
	struct buf first;

	(void)state;
	pair_init(&p);
	shake_hands(&p, GRASP);
	say(&p.client, "once");
	buf_init(&first, 1000);
	buf_put_slice(&first, buf_slice(&p.client.out));
	carry(&p.client, &p.server, SIZE_MAX);
	assert_int_equal(p.server.err, 0);
	assert_int_equal(
	    tls_take(p.server.tls, buf_slice(&first), &p.server.plain, &p.server.out),
	    -EPROTO);
	assert_true(slice_is(buf_slice(&p.server.plain), "once"));
	buf_done(&first);
	pair_done(&p);
}

static void
a_full_buffer_ends_it(void **state)
{
	uint8_t room[64];
	struct buf small;
	struct pair p;

	(void)state;
	pair_init(&p);
	shake_hands(&p, GRASP);
	buf_init_fixed(&small, room, 4);
	say(&p.client, "five!");
	assert_int_equal(
	    tls_take(p.server.tls, buf_slice(&p.client.out), &small, &p.server.out),
	    -ENOSPC);
	pair_done(&p);
	pair_init(&p);
	shake_hands(&p, GRASP);
	buf_init_fixed(&small, room, 20);
	assert_int_equal(tls_put(p.client.tls, slice_text("five!"), &small), -ENOSPC);
	assert_int_equal(
	    tls_put(p.client.tls, slice_text("five!"), &p.client.out), -ENOTCONN);
	pair_done(&p);
}

static void
what_follows_the_end_is_not_heard(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	shake_hands(&p, GRASP);
	tls_end(p.client.tls, &p.client.out);
	buf_puts(&p.client.out, "and something else");
	carry(&p.client, &p.server, SIZE_MAX);
	assert_int_equal(p.server.err, 0);
	assert_true(tls_is_ended(p.server.tls));
	assert_int_equal(
	    tls_take(p.server.tls, slice_text("more"), &p.server.plain, &p.server.out),
	    0);
	assert_int_equal(p.server.plain.pos, 0);
	pair_done(&p);
}

/* --- memory --------------------------------------------------------------------------- */
static bool
meet_once(void)
{
	struct pair p;
	bool open;

	pair_init(&p);
	if (connect_pair(&p, GRASP, "0011223344556677") == 0)
		run(&p, SIZE_MAX);
	open = p.server.tls && tls_is_open(p.server.tls);
	if (open)
		assert_string_equal(p.server.met, cert_facts(node_cert[0])->uri);
	pair_done(&p);
	return open;
}

/* Whatever is missing: nobody is let in unproved, nothing is left behind. */
static void
an_allocation_may_fail(void **state)
{
	size_t before, needed, opened = 0;

	(void)state;
	assert_true(meet_once());
	before = alloc_count();
	assert_true(meet_once());
	needed = alloc_count() - before; /* thousands, nearly all of them OpenSSL's */
	for (size_t n = 1; n <= needed; n += 1 + n / 100) {
		if (!alloc_fail(n))
			skip();
		opened += meet_once();
		alloc_fail(0);
	}
	assert_true(opened < needed);
	assert_true(meet_once());
}

static void
issue(const struct key *signer, const struct cert *issuer, const char *cn,
    const char *uri, const struct key *subject, struct cert **ret)
{
	struct cert_spec spec = { cn, uri, NOW - HOUR, NOW + (uri ? 7 : 3650) * DAY };

	assert_int_equal(cert_issue(signer, issuer, &spec, subject, ret), 0);
}

static int
make_domain(void **state)
{
	CLEANUP(key_free) struct key *other = NULL;
	char uri[] = URI;

	(void)state;
	if (key_new(KEY_P256, &ca_key) < 0 || key_new(KEY_P256, &other) < 0)
		return -1;
	issue(ca_key, NULL, "CA", NULL, ca_key, &ca);
	issue(other, NULL, "CA", NULL, other, &other_ca);
	for (int i = 0; i < 2; i++) {
		if (key_new(KEY_P256, &node_key[i]) < 0)
			return -1;
		uri[sizeof uri - 2] = (char)('0' + i);
		issue(ca_key, ca, "node", uri, node_key[i], &node_cert[i]);
	}
	return 0;
}

static int
unmake_domain(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		cert_unref(node_cert[i]);
		key_free(node_key[i]);
	}
	cert_unref(other_ca);
	cert_unref(ca);
	key_free(ca_key);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_members_meet_and_know_each_other),
		TEST(any_protocol_offered_can_be_asked_for),
		TEST(bytes_may_come_one_by_one),
		TEST(the_server_name_is_the_hint_for_the_certificate),
		TEST(a_chain_is_shown_whole),
		TEST(keys_of_ed25519_do_as_well),
		TEST(a_context_may_go_before_its_connections),
		TEST(long_messages_arrive_whole),
		TEST(each_side_says_when_it_has_ended),
		TEST(nothing_is_sent_before_it_is_open),
		TEST(somebody_of_another_ca_is_refused_S_02),
		TEST(an_expired_one_is_refused_and_told_so_S_02),
		TEST(a_revoked_one_is_refused_and_told_so_S_19),
		TEST(one_of_an_unknown_ca_is_told_so),
		TEST(nobody_is_let_in_without_a_certificate_S_02),
		TEST(an_anonymous_client_is_for_verify_to_let_in),
		TEST(a_self_signed_one_is_refused_S_02),
		TEST(an_agent_is_no_ca_S_05),
		TEST(a_certificate_without_its_key_is_of_no_use),
		TEST(a_client_refuses_a_server_S_01),
		TEST(a_server_without_a_certificate_that_fits_ends_it),
		TEST(another_application_protocol_is_refused_S_06),
		TEST(a_client_that_guesses_the_wrong_group_is_asked_again),
		TEST(a_client_of_tls_1_2_is_refused_S_06),
		TEST(a_client_without_application_protocol_is_refused_S_06),
		TEST(a_server_without_application_protocol_is_refused_S_06),
		TEST(plain_text_ends_at_its_first_byte_S_06),
		TEST(a_bit_flipped_on_the_way_opens_nothing_S_06),
		TEST(a_bit_flipped_in_a_record_ends_it_S_06),
		TEST(records_twice_or_out_of_order_end_it_S_06),
		TEST(a_full_buffer_ends_it),
		TEST(what_follows_the_end_is_not_heard),
		TEST(an_allocation_may_fail),
	};

	return RUN_TESTS(tests, make_domain, unmake_domain);
}
