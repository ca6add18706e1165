/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls.h"

#include "base/crypto_int.h"
#include "base/tls_int.h"

#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define RECORD_HANDSHAKE 0x16 /* RFC 8446 §5.1 */
#define RECORD_ALERT	 0x15
#define PIECE		 16384

/* --- where OpenSSL's bytes come from and go to ---------------------------------------- */
static int
read_wire(BIO *bio, char *dst, int size)
{
	struct tls *t = BIO_get_data(bio);
	size_t n = t->in.len < (size_t)size ? t->in.len : (size_t)size;

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(dst, t->in.data, n);
	t->in.data += n;
	t->in.len -= n;
	return (int)n;
}

static int
write_wire(BIO *bio, const char *data, int len)
{
	struct tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (!t->out)
		return -1;
	buf_put(t->out, data, (size_t)len);
	return t->out->err ? -1 : len;
}

static long
control_wire(BIO *bio, int what, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return what == BIO_CTRL_FLUSH;
}

static const BIO_METHOD *
wire_method(void)
{
	static BIO_METHOD *method;
	BIO_METHOD *m;

	if (method)
		return method;
	m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "buf");
	if (!m)
		return NULL;
	BIO_meth_set_read(m, read_wire);
	BIO_meth_set_write(m, write_wire);
	BIO_meth_set_ctrl(m, control_wire);
	return method = m;
}

static int
set_wire(struct tls *t)
{
	BIO *bio = wire_method() ? BIO_new(wire_method()) : NULL;

	if (!bio)
		return -ENOMEM;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return 0;
}

/* --- words for what failed ------------------------------------------------------------ */
void
tls_say_why(struct tls *t, const char *why)
{
	if (t->why[0] == '\0')
		snprintf(t->why, sizeof t->why, "%s", why);
}

/* RFC 8446 §6; what a peer of this project has reason to send. */
static const char *
alert_name(int alert)
{
	switch (alert) {
	case SSL_AD_UNEXPECTED_MESSAGE:
		return "unexpected message";
	case SSL_AD_BAD_RECORD_MAC:
		return "bad record";
	case SSL_AD_HANDSHAKE_FAILURE:
		return "handshake failure";
	case SSL_AD_BAD_CERTIFICATE:
		return "bad certificate";
	case SSL_AD_CERTIFICATE_REVOKED:
		return "certificate revoked";
	case SSL_AD_CERTIFICATE_EXPIRED:
		return "certificate expired";
	case SSL_AD_UNKNOWN_CA:
		return "unknown CA";
	case SSL_AD_DECRYPT_ERROR:
		return "bad signature";
	case SSL_AD_PROTOCOL_VERSION:
		return "another version of TLS";
	case SSL_AD_INTERNAL_ERROR:
		return "internal error";
	case SSL_AD_CERTIFICATE_REQUIRED:
		return "certificate required";
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		return "no such application protocol";
	}
	return NULL;
}

static void
describe(struct tls *t, unsigned long code)
{
	int reason = ERR_GET_REASON(code);
	const char *text = ERR_reason_error_string(code), *alert = NULL;
	char words[sizeof t->why];

	if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256) {
		alert = alert_name(reason - SSL_AD_REASON_OFFSET);
		if (alert)
			snprintf(words, sizeof words, "the peer says: %s", alert);
		else
			snprintf(words, sizeof words, "the peer says: alert %d",
			    reason - SSL_AD_REASON_OFFSET);
		tls_say_why(t, words);
		return;
	}
	tls_say_why(t, text ? text : "broken");
}

/* --- life ----------------------------------------------------------------------------- */
static int
tls_new(struct tls_context *c, void *arg, struct tls **ret)
{
	CLEANUP(tls_free) struct tls *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	t->context = tls_context_ref(c);
	t->arg = arg;
	t->ssl = SSL_new(c->ssl);
	if (!t->ssl || !SSL_set_app_data(t->ssl, t) || set_wire(t) < 0) {
		crypto_failed(0);
		return -ENOMEM; /* nothing else can fail */
	}
	ERR_clear_error();
	*ret = TAKE(t);
	return 0;
}

/* An empty list of certificates does not reach verify_peer(). It is seen here before OpenSSL looks at
 * it, which then sends the right alert if it was told to demand one. */
static void
watch_messages(
    int sent, int version, int type, const void *data, size_t len, SSL *ssl, void *arg)
{
	static const uint8_t nothing[] = { SSL3_MT_CERTIFICATE, 0, 0, 4, 0, 0, 0, 0 };
	struct slice message = { data, len };
	struct tls *t = arg;

	(void)version;
	if (sent || type != SSL3_RT_HANDSHAKE || t->judged ||
	    !slice_equal(message, (struct slice){ nothing, sizeof nothing }))
		return;
	if (tls_judge(t, NULL) < 0)
		SSL_set_verify(
		    ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

int
tls_new_server(struct tls_context *c, void *arg, struct tls **ret)
{
	struct tls *t;
	int err = tls_new(c, arg, &t);

	if (err < 0)
		return err;
	t->server = true;
	SSL_set_accept_state(t->ssl);
	SSL_set_msg_callback(t->ssl, watch_messages);
	SSL_set_msg_callback_arg(t->ssl, t);
	*ret = t;
	return 0;
}

static int
set_hello(struct tls *t, const char *alpn, const char *server_name)
{
	uint8_t list[256];
	size_t len = strlen(alpn);

	if (len == 0 || len > sizeof list - 1)
		return -EINVAL;
	list[0] = (uint8_t)len;
	memcpy(list + 1, alpn, len);
	t->wanted = alpn;
	if (SSL_set_alpn_protos(t->ssl, list, (unsigned)len + 1) != 0) /* 0 is success */
		return -ENOMEM;
	if (!server_name)
		return 0;
	t->server_name = strdup(server_name);
	if (!t->server_name || SSL_set_tlsext_host_name(t->ssl, t->server_name) != 1)
		return -ENOMEM;
	return 0;
}

int
tls_new_client(struct tls_context *c, const char *alpn, const char *server_name,
    void *arg, struct tls **ret)
{
	CLEANUP(tls_free) struct tls *t = NULL;
	int err = tls_new(c, arg, &t);

	if (!err)
		err = set_hello(t, alpn, server_name);
	if (err < 0)
		return crypto_failed(err);
	SSL_set_connect_state(t->ssl);
	ERR_clear_error();
	*ret = TAKE(t);
	return 0;
}

void
tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	tls_context_free(t->context);
	free(t->server_name);
	free(t);
	ERR_clear_error();
}

/* --- handshake ------------------------------------------------------------------------ */
static int
fail(struct tls *t, int err, const char *why)
{
	if (why)
		tls_say_why(t, why);
	t->state = TLS_FAILED;
	t->err = err;
	ERR_clear_error();
	return err;
}

/* What the peer thinks of our certificate, if that is why it ended. */
static int
alert_error(unsigned long code)
{
	if (ERR_GET_LIB(code) != ERR_LIB_SSL)
		return -EPROTO;
	switch (ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET) {
	case SSL_AD_CERTIFICATE_REVOKED:
		return -EKEYREVOKED;
	case SSL_AD_CERTIFICATE_EXPIRED:
		return -EKEYEXPIRED;
	}
	return -EPROTO;
}

/* OpenSSL has returned rc. 0: it waits for more, or the peer has ended. */
static int
look_why(struct tls *t, int rc)
{
	int what = SSL_get_error(t->ssl, rc);
	unsigned long code = ERR_peek_error();
	int err;

	if (what == SSL_ERROR_WANT_READ)
		return 0;
	if (what == SSL_ERROR_ZERO_RETURN) {
		t->ended_there = true;
		return 0;
	}
	if (t->verdict < 0)
		err = t->verdict;
	else if (t->out->err)
		err = t->out->err;
	else
		err = crypto_failed(alert_error(code));
	describe(t, code);
	return fail(t, err, err == -ENOMEM ? "out of memory" : NULL);
}

/* What was needed for the handshake alone goes. */
static void
tidy(struct tls *t)
{
	SSL_set_msg_callback(t->ssl, NULL);
	SSL_certs_clear(t->ssl);
	free(TAKE(t->server_name));
}

static int
shake_hands(struct tls *t)
{
	int rc = SSL_do_handshake(t->ssl);

	if (rc != 1)
		return look_why(t, rc);
	if (!t->judged || t->verdict < 0 ||
	    !t->alpn) /* our own mistake, but the peer's gain */
		return fail(t, -EPROTO, "handshake without proof");
	t->state = TLS_OPEN;
	tidy(t);
	return 0;
}

/* --- use ------------------------------------------------------------------------------ */
static int
read_plain(struct tls *t, struct buf *plain)
{
	UNSET uint8_t piece[PIECE];
	int n;

	while ((n = SSL_read(t->ssl, piece, sizeof piece)) > 0) {
		buf_put(plain, piece, (size_t)n);
		if (plain->err)
			return fail(t, plain->err, "more than there is room for");
	}
	return look_why(t, n);
}

static bool
is_tls(struct tls *t, struct slice wire)
{
	if (t->begun || wire.len == 0)
		return true;
	t->begun = true;
	return wire.data[0] == RECORD_HANDSHAKE ||
	    (!t->server && wire.data[0] == RECORD_ALERT);
}

int
tls_take(struct tls *t, struct slice wire, struct buf *plain, struct buf *out)
{
	int err = 0;

	if (t->state == TLS_FAILED)
		return t->err;
	if (t->ended_there)
		return 0;
	if (!is_tls(t, wire))
		return fail(t, -EPROTO, "not TLS");
	ERR_clear_error();
	t->in = wire;
	t->out = out;
	if (t->state == TLS_SHAKING)
		err = shake_hands(t);
	if (t->state == TLS_OPEN)
		err = read_plain(t, plain);
	t->in = (struct slice){ 0 };
	t->out = NULL;
	ERR_clear_error();
	return err;
}

int
tls_put(struct tls *t, struct slice plain, struct buf *out)
{
	size_t n;
	int err = 0;

	if (t->state != TLS_OPEN || t->ended_here)
		return -ENOTCONN;
	if (plain.len == 0)
		return 0;
	ERR_clear_error();
	t->out = out;
	if (SSL_write_ex(t->ssl, plain.data, plain.len, &n) != 1) {
		err = look_why(t, 0);
		if (!err)
			err = fail(t, -EPROTO, "cannot be sent");
	}
	t->out = NULL;
	ERR_clear_error();
	return err;
}

void
tls_end(struct tls *t, struct buf *out)
{
	if (t->state != TLS_OPEN || t->ended_here)
		return;
	t->ended_here = true;
	t->out = out;
	(void)SSL_shutdown(t->ssl);
	t->out = NULL;
	ERR_clear_error();
}

bool
tls_is_open(const struct tls *t)
{
	return t->state == TLS_OPEN;
}

bool
tls_is_ended(const struct tls *t)
{
	return t->ended_there;
}

const char *
tls_alpn(const struct tls *t)
{
	return t->alpn ? t->alpn : "";
}

const char *
tls_error(const struct tls *t)
{
	return t->why;
}
