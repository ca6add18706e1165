/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of the hook http: the event is posted, and the result awaited. Made by start() and resume(),
 * gone when done() was called. */
#pragma once
#include "orchestrator-hooks/hook.h"
#include "orchestrator-hooks/http_callback.h"
#include "orchestrator-hooks/http_config.h"

enum http_cancel { HTTP_CANCEL_DELETE, HTTP_CANCEL_POST, HTTP_CANCEL_NONE };

struct http_hook { /* an instance */
	const struct hook_host *host;
	struct http_config cfg;
	struct http_server server;
	char *secret_file, *status_url;
	int cancel; /* enum http_cancel */
	int64_t poll_ms, poll_max_ms;
	char *listen, *callback_url, *callback_cert_file, *callback_key_file;
	struct buf secret, callback_cert, callback_key;
	struct http_callbacks *callbacks; /* NULL: results are asked for */
	char *callback_base;		  /* "https://…/v1/" */
	struct http_work *works;
	char why[256]; /* the last exchange failed; "": it did not */
};

/* resumed: ask before anything is done, if something was sent. As hook_type.start(). */
int http_work_start(struct http_hook *h, const struct hook_event *ev, bool resumed,
    enum hook_phase last, struct hook_call *call) MUST_CHECK;
void http_work_cancel(struct http_hook *h, struct hook_call *call);
void http_works_free(struct http_hook *h); /* nobody is told */
