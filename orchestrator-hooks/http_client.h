/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 requests from a libev loop, by libcurl; nothing here ever waits. Certificates and names are
 * always verified (TLS 1.2 at least), redirections are not followed, no proxy is used, and what a
 * server answers is bounded. Knows nothing of hooks. */
#pragma once
#include "base/buf.h"

#define HTTP_HEADERS_MAX 64
#define HTTP_HEADER_SIZE (32 * 1024) /* of a reply, all together */
#define HTTP_BODY_MAX	 (64 * 1024)

struct ev_loop;
struct http_client;
struct http_exchange;

struct http_client_config {
	struct ev_loop *loop;
	int64_t connect_ms; /* with looking up the name and the TLS handshake */
	size_t body_max;    /* of a reply */
	struct slice ca;    /* PEM; empty: what the system trusts */
	struct slice certificate, key; /* PEM, of ours; empty: none */
};
/* -ENOTSUP: this libcurl would block. Borrows the slices. */
int http_client_new(const struct http_client_config *cfg, struct http_client **ret) MUST_CHECK;
void http_client_free(struct http_client *c); /* what runs is dropped */
DEFINE_FREEP(struct http_client, http_client_free)

enum http_outcome {
	HTTP_ANSWERED,
	HTTP_UNSENT, /* nothing of the request has gone out: it was certainly not received */
	HTTP_LOST,   /* sent, at least in part, and not answered */
};
struct http_reply { /* valid during the callback */
	enum http_outcome outcome;
	const char *why; /* in a few words, if it was not answered */
	int status;
	const char *location;	/* as the server wrote it; NULL: none */
	int64_t retry_after_s;	/* -1: not said */
	const char *const *headers; /* "Name: value", NULL at the end */
	struct slice body;	/* with a NUL behind it */
	bool cut;		/* there was more than body_max: the body is empty */
};
typedef void http_reply_f(void *arg, const struct http_reply *r);
typedef void http_data_f(void *arg, const char *bytes, size_t len);

struct http_request { /* copied */
	const char *method, *url;
	const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
	struct slice body;	    /* empty: none */
	int64_t timeout_ms;	    /* for all of it; 0: none */
	bool fresh; /* on a connection of its own: libcurl then never sends it twice */
	http_data_f *data; /* NULL: the body is collected */
};
/* done is called once, never from inside. */
int http_send(struct http_client *c, const struct http_request *r, http_reply_f *done,
    void *arg, struct http_exchange **ret) MUST_CHECK;
/* No callback any more, and it is gone. */
void http_drop(struct http_exchange *x);

/* --- URLs ------------------------------------------------------------------------------------- */
enum http_url_fault {
	HTTP_URL_GOOD,
	HTTP_URL_MALFORMED,
	HTTP_URL_SCHEME,      /* neither http nor https */
	HTTP_URL_CREDENTIALS, /* user:password@ */
	HTTP_URL_CLEAR,	      /* http to another machine */
};
enum http_url_fault http_url_check(const char *url);
/* A reference such as "/op/7" as seen from base; NULL: it is none, or no memory. To be freed. */
char *http_url_resolve(const char *base, const char *reference) MUST_CHECK;
bool http_url_same_origin(const char *a, const char *b); /* scheme, host and port */
/* text with what may not stand in a path as %XX. */
void http_url_put_escaped(struct buf *out, const char *text);
