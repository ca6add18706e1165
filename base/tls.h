/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS 1.3 (RFC 8446) over memory: bytes in, bytes out, no socket and no clock. No session tickets,
 * no resumption and no early data: each connection proves its peer anew (security.md §5.7).
 *
 * A context is what connections share and can be freed before them. Functions that return int give
 * 0, or a negative errno after which the connection is of no use: what is in out (an alert) may still
 * be sent. Nothing of OpenSSL's error queue is left behind. */
#pragma once
#include "base/crypto_cert.h"

#define TLS_ALPN_MAX 4

struct tls;
struct tls_context;

/* What one proves itself with. chain[0] is the own certificate, then what is sent with it. */
struct tls_self {
	const struct key *key;
	struct cert *const *chain;
	size_t len;
};

struct tls_setup {
	/* A server offers these, the first one of the client's list that is here is taken; without a
	 * match the connection ends with no_application_protocol. A client says which at tls_new(). */
	const char *alpn[TLS_ALPN_MAX];
	/* Which own certificate to show: hint is the server name that the client sends, "": none (for a
	 * client itself: what it is going to send). Borrowed until tls_new's connection is open. False:
	 * none fits, the connection ends. */
	bool (*self)(void *arg, const struct tls *t, const char *hint, struct tls_self *ret);
	/* Is the peer good? chain[0] is its certificate; len 0: it has shown none (to a server only).
	 * tls_alpn() is known to a server here. 0, or a negative errno: -EKEYEXPIRED, -EKEYREVOKED,
	 * -EKEYREJECTED and -ENOKEY become the alerts of RFC 8446 §6.2. why: a few words for
	 * tls_error(). */
	int (*verify)(void *arg, struct tls *t, struct cert *const chain[], size_t len,
	    const char **why);
};

int tls_context_new(const struct tls_setup *setup, struct tls_context **ret) MUST_CHECK;
void tls_context_free(struct tls_context *c);
DEFINE_FREEP(struct tls_context, tls_context_free)

/* arg goes to the setup's callbacks. */
int tls_new_server(struct tls_context *c, void *arg, struct tls **ret) MUST_CHECK;
/* server_name NULL: none. Begin with tls_take() of nothing. */
int tls_new_client(struct tls_context *c, const char *alpn, const char *server_name,
    void *arg, struct tls **ret) MUST_CHECK;
void tls_free(struct tls *t);
DEFINE_FREEP(struct tls, tls_free)

/* Bytes that came, all of them are used up. What the peer says is put behind plain, what has to be
 * sent behind out. -EPROTO: not TLS 1.3, or broken; what verify() said; -EKEYREVOKED, -EKEYEXPIRED:
 * the peer says so of our certificate; -ENOMEM; -ENOSPC: a buf's bound. */
int tls_take(struct tls *t, struct slice wire, struct buf *plain, struct buf *out) MUST_CHECK;
/* To the peer. -ENOTCONN: not open (yet), or we have ended. */
int tls_put(struct tls *t, struct slice plain, struct buf *out) MUST_CHECK;
void tls_end(struct tls *t, struct buf *out); /* close_notify */

bool tls_is_open(const struct tls *t);	/* the handshake is done on our side */
bool tls_is_ended(const struct tls *t); /* the peer has sent close_notify */
const char *tls_alpn(const struct tls *t); /* "": not known yet */
const char *tls_error(const struct tls *t); /* why it failed, in a few words */
