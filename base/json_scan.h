/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON (RFC 8259) input, for protocols of others that speak nothing else: one event after the other,
 * over the text, without memory of its own. Strings are as they stand in the text, escapes included: names
 * and times have none. Nesting and numbers are bounded; what is not JSON ends it. */
#pragma once
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

#define JSON_SCAN_DEPTH 16

enum json_event_type {
	JSON_EVENT_OBJECT, /* begins */
	JSON_EVENT_ARRAY,
	JSON_EVENT_END, /* of either */
	JSON_EVENT_TEXT,
	JSON_EVENT_NUMBER,
	JSON_EVENT_TRUE,
	JSON_EVENT_FALSE,
	JSON_EVENT_NULL,
};
struct json_event {
	enum json_event_type type;
	unsigned
	    depth; /* of objects and arrays around it; an END is as deep as its beginning */
	struct slice key;  /* in an object; {NULL, 0} in an array and outside */
	struct slice text; /* of TEXT */
	double number;	   /* of NUMBER */
};
struct json_scan {
	const char *at, *end;
	bool is_object[JSON_SCAN_DEPTH];
	unsigned depth;
	bool first; /* in what was just begun */
	bool done;  /* the one value there is has ended */
	int err;    /* -EBADMSG */
};

void json_scan_init(struct json_scan *s, struct slice text);
/* false: the end, or an error. */
bool json_scan_next(struct json_scan *s, struct json_event *ret);
/* Was it one value and nothing behind it? 0 or -EBADMSG. */
int json_scan_end(const struct json_scan *s);

bool json_event_is(const struct json_event *e, const char *key);
