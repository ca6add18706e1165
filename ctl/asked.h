/* SPDX-License-Identifier: Apache-2.0
 *
 * What query and watch are to ask: the words and options as they were typed, checked, and as requests
 * for the daemon. */
#pragma once
#include "base/buf.h"

#define ASKED_TEXTS_MAX 32 /* expressions, and nodes */

struct asked_query {
	char *expression[ASKED_TEXTS_MAX], *node[ASKED_TEXTS_MAX];
	size_t expressions, nodes; /* nodes 0: whoever is asked decides */
	char from[16];		   /* "": node */
	int64_t start_ms, end_ms;  /* wall; 0: not said */
	int64_t range_ms, step_ms; /* likewise */
	bool range;
};
/* Returns an exit status; complains. */
int asked_read(struct slice args, struct asked_query *ret);
void asked_done(struct asked_query *a);
/* The arguments of one request. node NULL: none. */
void asked_put(const struct asked_query *a, const char *expression, const char *node,
    struct buf *out);
