/* SPDX-License-Identifier: Apache-2.0
 *
 * What tls.c and tls_context.c share. */
#pragma once
#include "base/tls.h"

struct ssl_st;
struct ssl_ctx_st;
struct stack_st_X509;

struct tls_context {
	unsigned refs; /* the maker's and one of each connection */
	struct ssl_ctx_st *ssl;
	struct tls_setup setup;
};

enum tls_state { TLS_SHAKING, TLS_OPEN, TLS_FAILED };

struct tls {
	struct ssl_st *ssl;
	struct tls_context *context;
	void *arg;
	enum tls_state state;
	bool server;
	bool begun;	  /* a byte of the peer has come */
	bool judged;	  /* verify() has been asked */
	bool ended_there; /* close_notify came */
	bool ended_here;
	int err;		/* what failed it */
	int verdict;		/* of verify() */
	const char *alpn;	/* the one agreed on; NULL: none yet */
	const char *wanted;	/* a client's ALPN */
	char *server_name;	/* a client's; may be NULL */
	struct slice in;	/* only within tls_take() */
	struct buf *out;	/* only within a call */
	char why[64];
};

struct tls_context *tls_context_ref(struct tls_context *c);
/* Asks verify(); at most once a connection. */
int tls_judge(struct tls *t, struct stack_st_X509 *shown);
void tls_say_why(struct tls *t, const char *why); /* the first one stays */
