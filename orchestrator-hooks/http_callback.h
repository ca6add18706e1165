/* SPDX-License-Identifier: Apache-2.0
 *
 * Where orchestrators tell what became of a call: POST to /v1/TOKEN, signed as http_sign.h says. One
 * listener of an instance, driven by libev. What comes is judged here:
 *
 *	200	taken, or known already		404	there is no such token
 *	400	is not what we understand	409	the same message again
 *	401	not signed, wrongly, long ago	410	the call is over
 *	405, 413, 429
 */
#pragma once
#include "base/addr.h"
#include "base/buf.h"
#include "orchestrator-hooks/http_reply.h"

#define HTTP_TOKEN_LEN 32 /* hexadecimal digits: 128 bits */

struct ev_loop;
struct http_callbacks;
struct http_callback;

struct http_callbacks_config { /* copied, but for the slices */
	struct ev_loop *loop;
	struct addr listen; /* port 0: any */
	struct slice certificate, key; /* PEM, each with a NUL behind it; empty: in the clear */
	struct slice secret;
	int64_t (*wall_ms)(void *arg);
	void *arg;
};
int http_callbacks_open(
    const struct http_callbacks_config *cfg, struct http_callbacks **ret) MUST_CHECK;
void http_callbacks_close(struct http_callbacks *c); /* what is expected is gone */
uint16_t http_callbacks_port(const struct http_callbacks *c);

/* In the loop, never from inside of http_callback_expect(). */
typedef void http_said_f(void *arg, const struct http_said *said);
/* id: of the call, which a message may name. token: HTTP_TOKEN_LEN digits, new ones by
 * http_callback_token(). -EEXIST: it is expected already. */
int http_callback_expect(struct http_callbacks *c, const char *token, const char *id,
    http_said_f *said, void *arg, struct http_callback **ret) MUST_CHECK;
/* It is over: who still calls is told so. */
void http_callback_end(struct http_callback *cb);
void http_callback_token(char ret[HTTP_TOKEN_LEN + 1]);
bool http_callback_is_token(const char *text);
