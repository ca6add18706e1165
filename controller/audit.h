/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did what, when and as whom: an append-only table whose rows carry the SHA-256 of the row before
 * (security.md §7), so that a row changed or taken out later shows. */
#pragma once
#include "base/slice.h"
#include "base/mem.h"
#include <stdint.h>

struct audit;
struct store;

struct audit_entry {
	const char *role, *who;	      /* "admin", "uid 0" or an id */
	const char *command, *object; /* "node revoke", "4f…" */
	const char *result;	      /* "done", "refused", "failed: …" */
};
int audit_new(struct store *store, int64_t (*wall)(void *arg), void *arg, struct audit **ret)
    MUST_CHECK;
void audit_free(struct audit *a);
DEFINE_FREEP(struct audit, audit_free)
void audit_write(struct audit *a, const struct audit_entry *e);
/* The first row whose hash does not fit, 0: all do. -errno. */
int64_t audit_verify(struct audit *a);
