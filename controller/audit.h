/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did what, when and as whom: an append-only table whose rows carry the SHA-256 of the row before
 * (security.md §7), so that a row changed or taken out later shows. Each is written to the log as
 * well, which may be kept elsewhere. */
#pragma once
#include "base/mem.h"
#include "base/slice.h"
#include <stdint.h>

struct addr;
struct audit;
struct ctl_audit;
struct ctl_request;
struct grasp_msg;
struct grasp_who;
struct store;

#define AUDIT_TEXT_MAX	     512 /* of each column; what is longer is cut */
#define AUDIT_KEEP_MS	     (400LL * 24 * 3600 * 1000)
#define AUDIT_REFUSAL_MS     60000 /* between refusals of one kind, one object and one bearer */
#define AUDIT_REFUSALS_MAX   60	   /* of all of them in that time */

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
/* What strangers can cause: the same role, who, command and object are written once in a minute, and
 * no more than AUDIT_REFUSALS_MAX of all; the next one tells how many were left out. */
void audit_refusal(struct audit *a, const struct audit_entry *e);
/* The first row that is not what the row behind it says, or that is missing; 0: there is none.
 * -errno. */
int64_t audit_verify(struct audit *a);

/* `fogctl audit`: the newest `count`, or whether the table is intact. Takes the request. Items: {seq,
 * time, epoch, role, who, command, object, result}. */
void audit_show(struct audit *a, struct ctl_request *req, int64_t count, bool verify);

/* --- for those who tell; arg is the struct audit: audit_asked.c, audit_peer.c -------------------- */
/* For ctl_set_audit(): how requests ended that change something, and those that are refused. */
extern const struct ctl_audit audit_requests;
/* A connection that was refused; reason: channel_refusal_name(). */
void audit_unconnected(
    struct audit *a, const struct addr *peer, const char *reason, const char *text);
/* Of struct permit_env: something that a role may not do. */
void audit_unpermitted(void *arg, const struct grasp_who *who, const struct grasp_msg *msg);
