/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store keeps of who may do what: join tokens, certificates given away, members, whom the
 * domain denies, and the audit. Rules as in controller/store.h: texts are copied on put and borrowed in
 * row(), done() comes after the commit, times are wall ms. */
#pragma once
#include "controller/store.h"

#define STORE_TOKEN_ID 5
#define STORE_SERIAL   16
#define STORE_HASH     32

struct token_row {
	uint8_t id[STORE_TOKEN_ID];
	uint8_t secret[STORE_HASH]; /* SHA-256 of it (S-16) */
	unsigned uses;		    /* that are left */
	int64_t created_ms, expires_ms;
	const char *tags; /* "floor=2,room=kitchen"; "": none */
	const char *creator;
	bool revoked;
};
int store_token_put(
    struct store *s, const struct token_row *t, store_done_f *done, void *arg) MUST_CHECK;
int store_token_revoke(struct store *s, const uint8_t id[STORE_TOKEN_ID],
    store_done_f *done, void *arg) MUST_CHECK;
int store_tokens(struct store *s, void (*row)(void *arg, const struct token_row *t),
    void *arg) MUST_CHECK;

/* A member, and the certificate that it gets. */
struct issue_row {
	struct fog_id id;
	const uint8_t *token; /* STORE_TOKEN_ID bytes that it came with; NULL: none */
	const char *name,
	    *hardware; /* hardware: serial number as the node says; "": not said */
	const char *tags;
	uint8_t serial[STORE_SERIAL];
	int64_t time_ms, not_after_ms;
	struct slice certificate; /* DER */
	bool renewal; /* name, hardware, tags and token of the member stay as they are */
};
/* All or nothing: certificate, member, and with a token one use less of it. done(-EINVAL): the token
 * has no use left, or is revoked. */
int store_issue(struct store *s, const struct issue_row *i, store_done_f *done, void *arg)
    MUST_CHECK;
struct member_row {
	struct fog_id id;
	const char *name, *hardware, *tags;
	struct slice token; /* empty: an operator approved it */
	int64_t joined_ms;
	struct slice certificate;	 /* the newest */
	int64_t issued_ms, not_after_ms; /* of that */
};
typedef void store_member_f(void *arg, const struct member_row *m);
/* At most one row: of this id; or another one than except with this hardware, whose certificate is
 * good after now_ms and which is not denied. */
int store_member(struct store *s, const struct fog_id *id, store_member_f *row, void *arg)
    MUST_CHECK;
int store_member_by_hardware(struct store *s, const char *hardware,
    const struct fog_id *except, int64_t now_ms, store_member_f *row, void *arg)
    MUST_CHECK;

struct denied_row {
	uint64_t version; /* from 1 on */
	struct fog_id id;
	uint8_t serial[STORE_SERIAL]; /* zeros: all of the id */
	int64_t time_ms;
	const char *reason, *who;
};
int store_denied_put(struct store *s, const struct denied_row *d, store_done_f *done,
    void *arg) MUST_CHECK;
/* Those after version `after`, in order, at most limit. */
int store_denied(struct store *s, uint64_t after, int limit,
    void (*row)(void *arg, const struct denied_row *d), void *arg) MUST_CHECK;

struct audit_row {
	int64_t sequence; /* the caller gives it: the one before, and 1 */
	int64_t time_ms;
	uint64_t epoch; /* store_epoch() */
	const char *role, *who, *command, *object, *result;
	uint8_t previous[STORE_HASH]; /* hash of the row before; zeros: there is none */
};
typedef void store_audit_f(void *arg, const struct audit_row *a);
int store_audit_put(
    struct store *s, const struct audit_row *a, store_done_f *done, void *arg) MUST_CHECK;
/* After `after`, oldest first; or the newest, oldest of them first; at most limit. */
int store_audit(struct store *s, int64_t after, int limit, store_audit_f *row, void *arg)
    MUST_CHECK;
int
store_audit_last(struct store *s, int limit, store_audit_f *row, void *arg) MUST_CHECK;
int store_audit_prune(struct store *s, int64_t before_ms) MUST_CHECK;
