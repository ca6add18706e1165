/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of all connections, and the questions that OpenSSL asks during a handshake. */
#include "base/crypto_int.h"
#include "base/tls_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>

#define CIPHERS \
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#define GROUPS	       "X25519:P-256"
#define SIGNATURES     "ecdsa_secp256r1_sha256:ed25519"
#define SECURITY_LEVEL 2
#define CHAIN_MAX      4 /* a leaf, and the CAs of a rotation */
#define CHAIN_SIZE_MAX ((CHAIN_MAX - 1) * CERT_DER_MAX)
/* Smaller than TLS allows: so much memory is taken for each piece that is sent. */
#define FRAGMENT 4096

/* --- which protocol ------------------------------------------------------------------- */
/* OpenSSL lets a client pass that has no ALPN at all; here it is mandatory (S-06). */
static int
demand_alpn(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *ext;
	size_t len;

	(void)arg;
	if (SSL_client_hello_get0_ext(
		ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &ext, &len) == 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	tls_say_why(SSL_get_app_data(ssl), "no application protocol named");
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static const char *
find_alpn(const struct tls_setup *setup, struct slice name)
{
	for (size_t i = 0; i < TLS_ALPN_MAX; i++)
		if (setup->alpn[i] && slice_is(name, setup->alpn[i]))
			return setup->alpn[i];
	return NULL;
}

static int
select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned len, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);

	(void)arg;
	for (unsigned at = 0; at < len; at += 1u + offered[at]) {
		struct slice name = { offered + at + 1, offered[at] };

		t->alpn = find_alpn(&t->context->setup, name);
		if (t->alpn) {
			*ret = name.data;
			*ret_len = (unsigned char)name.len;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	tls_say_why(t, "no application protocol in common");
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- what we show --------------------------------------------------------------------- */
static int
show(SSL *ssl, const struct tls_self *self)
{
	STACK_OF(X509) *more = sk_X509_new_null();
	int ok = more != NULL;

	for (size_t i = 1; ok && i < self->len; i++)
		ok = sk_X509_push(more, cert_x509(self->chain[i])) > 0;
	ok = ok &&
	    SSL_use_cert_and_key(
		ssl, cert_x509(self->chain[0]), key_evp(self->key), more, 1) == 1;
	sk_X509_free(more);
	return ok;
}

static int
choose_self(SSL *ssl, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	const char *hint = t->server ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
				     : t->server_name;
	struct tls_self self = { 0 };

	(void)arg;
	if (!t->context->setup.self(t->arg, t, hint ? hint : "", &self) ||
	    (t->server && self.len == 0)) {
		tls_say_why(t, "no certificate of ours fits");
		return 0;
	}
	return self.len == 0 || show(ssl, &self);
}

/* --- what the peer shows -------------------------------------------------------------- */
/* OpenSSL makes the alert from this. */
static int
alert_error(int err)
{
	switch (err) {
	case 0:
		return X509_V_OK;
	case -EKEYEXPIRED:
		return X509_V_ERR_CERT_HAS_EXPIRED;
	case -EKEYREVOKED:
		return X509_V_ERR_CERT_REVOKED;
	case -EKEYREJECTED:
	case -EBADMSG:
		return X509_V_ERR_CERT_REJECTED;
	case -ENOKEY:
		return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
	case -ENOMEM:
		return X509_V_ERR_OUT_OF_MEM;
	}
	return X509_V_ERR_APPLICATION_VERIFICATION;
}

static int
judge_chain(struct tls *t, struct cert *const chain[], size_t len)
{
	const char *why = NULL;
	int err = t->context->setup.verify(t->arg, t, chain, len, &why);

	if (err < 0)
		tls_say_why(t, why ? why : "certificate refused");
	return err;
}

int
tls_judge(struct tls *t, STACK_OF(X509) * shown)
{
	struct cert *chain[CHAIN_MAX] = { 0 };
	int len = shown ? sk_X509_num(shown) : 0, err = 0;

	t->judged = true;
	if (len > CHAIN_MAX) {
		tls_say_why(t, "too many certificates");
		err = -EKEYREJECTED;
	}
	for (int i = 0; !err && i < len; i++)
		err = cert_from_x509(sk_X509_value(shown, i), &chain[i]);
	if (err == -EBADMSG)
		tls_say_why(t, "malformed certificate");
	if (!err)
		err = judge_chain(t, chain, (size_t)len);
	for (int i = 0; i < CHAIN_MAX; i++)
		cert_unref(chain[i]);
	return t->verdict = err;
}

/* A client has asked for one protocol and takes no other, nor none. */
static void
note_alpn(struct tls *t)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(t->ssl, &name, &len);
	if (slice_is((struct slice){ name, len }, t->wanted))
		t->alpn = t->wanted;
	else
		tls_say_why(t, "the peer speaks another application protocol");
}

static int
verify_peer(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	int err;

	(void)arg;
	if (!t->server)
		note_alpn(t);
	if (t->alpn)
		err = tls_judge(t, X509_STORE_CTX_get0_untrusted(ctx));
	else
		err = t->verdict = -EPROTO;
	X509_STORE_CTX_set_error(ctx, alert_error(err));
	return err >= 0;
}

/* --- life ----------------------------------------------------------------------------- */
static bool
set_rules(SSL_CTX *s)
{
	SSL_CTX_set_options(
	    s, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(s, CHAIN_SIZE_MAX);
	SSL_CTX_set_security_level(s, SECURITY_LEVEL);
	return SSL_CTX_set_min_proto_version(s, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_max_proto_version(s, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_ciphersuites(s, CIPHERS) == 1 &&
	    SSL_CTX_set1_groups_list(s, GROUPS) == 1 &&
	    SSL_CTX_set1_sigalgs_list(s, SIGNATURES) == 1 &&
	    SSL_CTX_set_num_tickets(s, 0) == 1 && SSL_CTX_set_max_early_data(s, 0) == 1 &&
	    SSL_CTX_set_max_send_fragment(s, FRAGMENT) == 1;
}

int
tls_context_new(const struct tls_setup *setup, struct tls_context **ret)
{
	CLEANUP(tls_context_free) struct tls_context *c = calloc(1, sizeof *c);

	if (!c)
		return -ENOMEM;
	c->refs = 1;
	c->setup = *setup;
	c->ssl = SSL_CTX_new(TLS_method());
	if (!c->ssl || !set_rules(c->ssl)) {
		crypto_failed(0);
		return -ENOMEM; /* nothing else can fail */
	}
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(c->ssl, verify_peer, NULL);
	SSL_CTX_set_cert_cb(c->ssl, choose_self, NULL);
	SSL_CTX_set_client_hello_cb(c->ssl, demand_alpn, NULL);
	SSL_CTX_set_alpn_select_cb(c->ssl, select_alpn, NULL);
	ERR_clear_error();
	*ret = TAKE(c);
	return 0;
}

struct tls_context *
tls_context_ref(struct tls_context *c)
{
	c->refs++;
	return c;
}

void
tls_context_free(struct tls_context *c)
{
	if (!c || --c->refs > 0)
		return;
	SSL_CTX_free(c->ssl);
	free(c);
	ERR_clear_error();
}
