/* SPDX-License-Identifier: Apache-2.0
 *
 * What an orchestrator says about a call, in replies and in call-backs alike:
 *
 *	{"phase": "target_ready", "verdict": "done", "detail": "why, for people"}
 *
 * Each member may be missing, and others are left alone. */
#pragma once
#include "base/slice.h"
#include "orchestrator-hooks/hook.h"

#define HTTP_DETAIL_SIZE 256

struct http_said {
	enum hook_phase phase;	   /* 0: none */
	enum hook_verdict verdict; /* 0: none */
	char detail[HTTP_DETAIL_SIZE]; /* one line of UTF-8, cut; "" none */
	char id[80];		   /* which call it means; "" not said */
};
/* -EBADMSG: no object in JSON; -EINVAL: a verdict that there is not, *ret has the rest. */
int http_said_parse(struct slice json, struct http_said *ret) MUST_CHECK;

/* What a status means for a request that asked for work. */
enum http_meaning {
	HTTP_MEANS_ANSWER,  /* the body has the verdict */
	HTTP_MEANS_STARTED, /* 202: it will come */
	HTTP_MEANS_MOVED,   /* ask at Location */
	HTTP_MEANS_REFUSAL,
	HTTP_MEANS_LATER,   /* nothing was done: 408, 425, 429, 503 */
	HTTP_MEANS_CONFLICT, /* 409: already, or fenced; the body tells */
	HTTP_MEANS_UNHEARD, /* 404, 410: such a thing is not there */
	HTTP_MEANS_DOUBT,   /* a gateway cannot say (502, 504), or something broke (500) */
};
enum http_meaning http_status_meaning(int status);
