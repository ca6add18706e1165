/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/audit.h"

#include "base/cbor.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/ctl.h"
#include "base/log.h"
#include "controller/store_identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROW_MAX	 (8 * AUDIT_TEXT_MAX)
#define PAGE	 1000 /* rows that are read at a time */
#define REFUSALS 256  /* that are remembered; a power of two */

struct refusal {
	uint64_t key;
	int64_t time_ms;
};

struct audit {
	struct store *store;
	int64_t (*wall)(void *arg);
	void *arg;
	int64_t sequence, stored; /* of the newest row; of the newest one on the disk */
	uint8_t head[CRYPTO_SHA256_LEN]; /* hash of the newest row */

	struct refusal refusal[REFUSALS]; /* by their hash */
	int64_t minute_ms;		  /* when the present one began */
	unsigned in_minute, left_out;
};

/* --- the chain ----------------------------------------------------------------------------------- */
/* Deterministic: each row has one form. */
static int
hash_row(const struct audit_row *r, uint8_t ret[CRYPTO_SHA256_LEN])
{
	uint8_t memory[ROW_MAX];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	wr_array(&b, 9);
	wr_uint(&b, (uint64_t)r->sequence);
	wr_int(&b, r->time_ms);
	wr_uint(&b, r->epoch);
	wr_text(&b, r->role);
	wr_text(&b, r->who);
	wr_text(&b, r->command);
	wr_text(&b, r->object);
	wr_text(&b, r->result);
	wr_bytes(&b, r->previous, sizeof r->previous);
	return b.err ? b.err : crypto_sha256(buf_slice(&b), ret);
}

static void
load_newest(void *arg, const struct audit_row *r)
{
	struct audit *a = arg;

	a->sequence = a->stored = r->sequence;
	if (hash_row(r, a->head))
		log_warnx("audit",
		    "row %lld cannot be read: what follows will not fit it",
		    (long long)r->sequence);
}

int
audit_new(struct store *store, int64_t (*wall)(void *arg), void *arg, struct audit **ret)
{
	CLEANUP(audit_free) struct audit *a = calloc(1, sizeof *a);
	int err;

	if (!a)
		return -ENOMEM;
	a->store = store;
	a->wall = wall;
	a->arg = arg;
	err = store_audit_last(store, 1, load_newest, a);
	if (err)
		return err;
	*ret = TAKE(a);
	return 0;
}

void
audit_free(struct audit *a)
{
	free(a);
}

static void
on_stored(void *arg, int err)
{
	struct audit *a = arg;

	if (!err)
		a->stored++;
}

/* The text as it is kept; NULL: "". */
static const char *
cut(const char *text, char dst[AUDIT_TEXT_MAX])
{
	snprintf(dst, AUDIT_TEXT_MAX, "%s", text ? text : "");
	utf8_trim(dst);
	return dst;
}

static void
put_row(struct audit *a, struct audit_row *r)
{
	uint8_t hash[CRYPTO_SHA256_LEN];
	int err = hash_row(r, hash);

	if (!err)
		err = store_audit_put(a->store, r, on_stored, a);
	if (err) {
		errno = -err;
		log_error(
		    "audit", "not stored: %s: %s %s", r->who, r->command, r->object);
		return;
	}
	a->sequence = r->sequence;
	memcpy(a->head, hash, sizeof hash);
}

void
audit_write(struct audit *a, const struct audit_entry *e)
{
	char text[5][AUDIT_TEXT_MAX];
	struct audit_row r = {
		.sequence = a->sequence + 1,
		.time_ms = a->wall(a->arg),
		.epoch = store_epoch(a->store),
		.role = cut(e->role, text[0]),
		.who = cut(e->who, text[1]),
		.command = cut(e->command, text[2]),
		.object = cut(e->object, text[3]),
		.result = cut(e->result, text[4]),
	};

	memcpy(r.previous, a->head, sizeof r.previous);
	log_info(
	    "audit", "%s %s: %s %s: %s", r.role, r.who, r.command, r.object, r.result);
	put_row(a, &r);
}

/* --- refusals ------------------------------------------------------------------------------------- */
/* FNV-1a, each text with its end. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
	const unsigned char *c = (const unsigned char *)(text ? text : "");

	do {
		hash = (hash ^ *c) * 1099511628211ULL;
	} while (*c++);
	return hash;
}

static bool
was_told(struct audit *a, const struct audit_entry *e, int64_t now)
{
	uint64_t key = 14695981039346656037ULL;
	struct refusal *r;

	key = hash_text(key, e->role);
	key = hash_text(key, e->who);
	key = hash_text(key, e->command);
	key = hash_text(key, e->object);
	r = &a->refusal[(key ^ key >> 32) % REFUSALS];
	if (r->key == key && now >= r->time_ms && now - r->time_ms < AUDIT_REFUSAL_MS)
		return true;
	*r = (struct refusal){ key, now };
	return false;
}

static bool
is_too_much(struct audit *a, int64_t now)
{
	if (now < a->minute_ms || now - a->minute_ms >= AUDIT_REFUSAL_MS) {
		a->minute_ms = now;
		a->in_minute = 0;
	}
	return ++a->in_minute > AUDIT_REFUSALS_MAX;
}

void
audit_refusal(struct audit *a, const struct audit_entry *e)
{
	int64_t now = a->wall(a->arg);
	struct audit_entry told = *e;
	char result[AUDIT_TEXT_MAX];

	if (was_told(a, e, now) || is_too_much(a, now)) {
		a->left_out++;
		return;
	}
	if (a->left_out) {
		snprintf(result, sizeof result, "%s (%u before it were left out)",
		    e->result, a->left_out);
		told.result = result;
		a->left_out = 0;
	}
	audit_write(a, &told);
}

/* --- verification ----------------------------------------------------------------------------------- */
struct check {
	int64_t last;			 /* row; 0: none yet */
	uint8_t hash[CRYPTO_SHA256_LEN]; /* of it */
	int64_t broken;			 /* 0: none */
	size_t rows;			 /* of the page */
};

/* Which row is not what it was, if this one does not fit? */
static int64_t
find_fault(const struct check *c, const struct audit_row *r)
{
	/* What was there before the oldest row may have been pruned, but for the first of all. */
	bool oldest = !c->last && r->sequence > 1;

	if (c->last && r->sequence != c->last + 1)
		return c->last + 1;
	if (!oldest && memcmp(r->previous, c->hash, sizeof c->hash))
		return c->last ? c->last : r->sequence;
	return 0;
}

static void
check_row(void *arg, const struct audit_row *r)
{
	struct check *c = arg;

	c->rows++;
	if (c->broken)
		return;
	c->broken = find_fault(c, r);
	c->last = r->sequence;
	if (!c->broken && hash_row(r, c->hash))
		c->broken = r->sequence;
}

/* The newest row has none behind it, but we know what we have written. */
static int64_t
check_end(const struct audit *a, const struct check *c)
{
	if (c->last < a->stored)
		return c->last + 1;
	if (c->last == a->sequence && memcmp(c->hash, a->head, sizeof c->hash))
		return c->last ? c->last : 1;
	return 0;
}

int64_t
audit_verify(struct audit *a)
{
	struct check c = { 0 };
	int err;

	do {
		c.rows = 0;
		err = store_audit(a->store, c.last, PAGE, check_row, &c);
		if (err)
			return err;
	} while (c.rows == PAGE && !c.broken);
	return c.broken ? c.broken : check_end(a, &c);
}

/* --- showing ---------------------------------------------------------------------------------------- */
static void
put_item(struct ctl_request *req, const struct audit_row *r)
{
	char time[CLOCK_TEXT_MAX];
	struct buf item;

	buf_init(&item, ROW_MAX);
	wr_map(&item, 8);
	wr_key_int(&item, "seq", r->sequence);
	wr_key_text(&item, "time", clock_format(r->time_ms, time));
	wr_key_int(&item, "epoch", (int64_t)r->epoch);
	wr_key_text(&item, "role", r->role);
	wr_key_text(&item, "who", r->who);
	wr_key_text(&item, "command", r->command);
	wr_key_text(&item, "object", r->object);
	wr_key_text(&item, "result", r->result);
	if (!item.err)
		ctl_send(req, buf_slice(&item));
	buf_done(&item);
}

static void
show_row(void *arg, const struct audit_row *r)
{
	put_item(arg, r);
}

static void
show_verdict(struct audit *a, struct ctl_request *req)
{
	int64_t broken = audit_verify(a);
	const struct audit_row all = {
		.sequence = a->sequence,
		.time_ms = a->wall(a->arg),
		.epoch = store_epoch(a->store),
		.role = "controller",
		.who = "",
		.command = "audit --verify",
		.object = "",
		.result = "intact: every row is as it was written",
	};

	if (broken < 0) {
		ctl_fail(req, 1, "the audit cannot be read: %s", strerror((int)-broken));
	} else if (broken) {
		ctl_fail(req, 1,
		    "the audit is not what it was: row %lld was changed or taken out",
		    (long long)broken);
	} else {
		put_item(req, &all);
		ctl_end(req);
	}
}

struct showing {
	struct audit *audit;
	struct ctl_request *req; /* NULL: the client went */
	int limit;
	bool verify;
};

static void
on_client_gone(void *arg)
{
	struct showing *w = arg;

	w->req = NULL;
}

static void
show_rows(const struct showing *w)
{
	int err = store_audit_last(w->audit->store, w->limit, show_row, w->req);

	if (err)
		ctl_fail(w->req, 1, "the audit cannot be read: %s", strerror(-err));
	else
		ctl_end(w->req);
}

static void
on_all_stored(void *arg, int err)
{
	struct showing *w = arg;

	(void)err; /* what can be read is shown */
	if (w->req && w->verify)
		show_verdict(w->audit, w->req);
	else if (w->req)
		show_rows(w);
	free(w);
}

/* What has ended before it was asked is there: it may be on its way to the disk. */
void
audit_show(struct audit *a, struct ctl_request *req, int64_t count, bool verify)
{
	struct showing *w = calloc(1, sizeof *w);

	if (!w) {
		ctl_fail(req, 1, "the audit cannot be read: %s", strerror(ENOMEM));
		return;
	}
	*w = (struct showing){ a, req, 0, verify };
	w->limit = count < 0 ? 0 : count > 10000 ? 10000 : (int)count;
	ctl_on_cancel(req, on_client_gone, w);
	store_barrier(a->store, on_all_stored, w);
}
