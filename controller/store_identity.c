/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_identity.h"
#include "controller/store_int.h"

#include <errno.h>
#include <string.h>

/* Exactly len bytes; another length is nobody's and becomes zeros. */
static void
take_bytes(struct sqlite3_stmt *row, int i, void *dst, size_t len)
{
	struct slice s = col_blob(row, i);

	memset(dst, 0, len);
	if (s.len == len)
		memcpy(dst, s.data, len);
}

/* --- tokens -------------------------------------------------------------------------------------- */
int
store_token_put(struct store *s, const struct token_row *t, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_blob(t->id, sizeof t->id),
		sv_blob(t->secret, sizeof t->secret),
		sv_int(t->uses),
		sv_int(t->created_ms),
		sv_int(t->expires_ms),
		sv_text(t->tags),
		sv_text(t->creator),
		sv_int(t->revoked),
	};

	return store_write(s, STORE_CONTROL,
	    "INSERT INTO token(id, secret, uses, created_ms, expires_ms, tags, creator,"
	    " revoked) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	    v, ARRAY_LEN(v), done, arg);
}

int
store_token_revoke(
    struct store *s, const uint8_t id[STORE_TOKEN_ID], store_done_f *done, void *arg)
{
	const struct store_value v = sv_blob(id, STORE_TOKEN_ID);

	return store_write(
	    s, STORE_CONTROL, "UPDATE token SET revoked=1 WHERE id=?1", &v, 1, done, arg);
}

struct reading_tokens {
	void (*row)(void *arg, const struct token_row *t);
	void *arg;
};

static void
read_token(void *ctx, struct sqlite3_stmt *row)
{
	struct reading_tokens *r = ctx;
	struct token_row t = {
		.uses = (unsigned)col_int(row, 2),
		.created_ms = col_int(row, 3),
		.expires_ms = col_int(row, 4),
		.tags = col_text(row, 5),
		.creator = col_text(row, 6),
		.revoked = col_int(row, 7) != 0,
	};

	take_bytes(row, 0, t.id, sizeof t.id);
	take_bytes(row, 1, t.secret, sizeof t.secret);
	r->row(r->arg, &t);
}

int
store_tokens(
    struct store *s, void (*row)(void *arg, const struct token_row *t), void *arg)
{
	struct reading_tokens r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT id, secret, uses, created_ms, expires_ms, tags, creator, revoked"
	    " FROM token ORDER BY created_ms, id",
	    NULL, 0, read_token, &r);
}

/* --- certificates and members --------------------------------------------------------------------- */
enum issue_value {
	ISSUE_ID,
	ISSUE_TOKEN,
	ISSUE_NAME,
	ISSUE_HARDWARE,
	ISSUE_TAGS,
	ISSUE_SERIAL,
	ISSUE_TIME,
	ISSUE_NOT_AFTER,
	ISSUE_CERTIFICATE,
	ISSUE_RENEWAL,
	ISSUE_VALUES
};

/* First what may be refused: nothing is to be undone then. */
static int
run_issue(struct store_db *db, const struct store_job *job)
{
	const struct store_value *v = job->value;
	int err = 0;

	if (v[ISSUE_TOKEN].bytes.len) {
		err = store_db_run(db,
		    "UPDATE token SET uses=uses-1 WHERE id=?2 AND uses>0 AND NOT revoked",
		    v, ISSUE_TOKEN + 1);
		if (!err && store_db_changes(db) != 1)
			return -EINVAL;
	}
	if (!err)
		err = store_db_run(db,
		    "INSERT OR REPLACE INTO issued(serial, id, token, time_ms,"
		    " not_after_ms, certificate) VALUES(?6, ?1, ?2, ?7, ?8, ?9)",
		    v, ISSUE_VALUES);
	if (!err && v[ISSUE_RENEWAL].i)
		return store_db_run(
		    db, "UPDATE member SET serial=?6 WHERE id=?1", v, ISSUE_VALUES);
	if (!err)
		err = store_db_run(db,
		    "INSERT OR REPLACE INTO member(id, name, hardware, tags, token,"
		    " joined_ms, serial) VALUES(?1, ?3, ?4, ?5, ?2, ?7, ?6)",
		    v, ISSUE_VALUES);
	return err;
}

int
store_issue(struct store *s, const struct issue_row *i, store_done_f *done, void *arg)
{
	const struct store_value v[ISSUE_VALUES] = {
		[ISSUE_ID] = sv_blob(i->id.bytes, sizeof i->id.bytes),
		[ISSUE_TOKEN] = sv_blob(i->token, i->token ? STORE_TOKEN_ID : 0),
		[ISSUE_NAME] = sv_text(i->name),
		[ISSUE_HARDWARE] = sv_text(i->hardware),
		[ISSUE_TAGS] = sv_text(i->tags),
		[ISSUE_SERIAL] = sv_blob(i->serial, sizeof i->serial),
		[ISSUE_TIME] = sv_int(i->time_ms),
		[ISSUE_NOT_AFTER] = sv_int(i->not_after_ms),
		[ISSUE_CERTIFICATE] = sv_blob(i->certificate.data, i->certificate.len),
		[ISSUE_RENEWAL] = sv_int(i->renewal),
	};

	return store_run(s, STORE_CONTROL, run_issue, v, ISSUE_VALUES, done, arg);
}

struct reading_members {
	store_member_f *row;
	void *arg;
};

static void
read_member(void *ctx, struct sqlite3_stmt *row)
{
	struct reading_members *r = ctx;
	struct member_row m = {
		.name = col_text(row, 1),
		.hardware = col_text(row, 2),
		.tags = col_text(row, 3),
		.token = col_blob(row, 4),
		.joined_ms = col_int(row, 5),
		.certificate = col_blob(row, 6),
		.issued_ms = col_int(row, 7),
		.not_after_ms = col_int(row, 8),
	};

	take_bytes(row, 0, m.id.bytes, sizeof m.id.bytes);
	r->row(r->arg, &m);
}

#define MEMBERS                                                                         \
	"SELECT member.id, name, hardware, tags, member.token, joined_ms, certificate," \
	" time_ms, not_after_ms FROM member JOIN issued USING(serial) "

int
store_member(struct store *s, const struct fog_id *id, store_member_f *row, void *arg)
{
	const struct store_value v = sv_blob(id->bytes, sizeof id->bytes);
	struct reading_members r = { row, arg };

	return store_read(
	    s, STORE_CONTROL, MEMBERS "WHERE member.id=?1", &v, 1, read_member, &r);
}

int
store_member_by_hardware(struct store *s, const char *hardware,
    const struct fog_id *except, int64_t now_ms, store_member_f *row, void *arg)
{
	const struct store_value v[] = {
		sv_text(hardware),
		sv_blob(except->bytes, sizeof except->bytes),
		sv_int(now_ms),
	};
	struct reading_members r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    MEMBERS "WHERE hardware=?1 AND member.id<>?2 AND not_after_ms>?3"
		    " AND NOT EXISTS (SELECT 1 FROM denied WHERE denied.id=member.id)"
		    " ORDER BY joined_ms DESC LIMIT 1",
	    v, ARRAY_LEN(v), read_member, &r);
}

/* --- denials -------------------------------------------------------------------------------------- */
int
store_denied_put(
    struct store *s, const struct denied_row *d, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_int((int64_t)d->version),
		sv_blob(d->id.bytes, sizeof d->id.bytes),
		sv_blob(d->serial, sizeof d->serial),
		sv_int(d->time_ms),
		sv_text(d->reason),
		sv_text(d->who),
	};

	return store_write(s, STORE_CONTROL,
	    "INSERT INTO denied(version, id, serial, time_ms, reason, who)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	    v, ARRAY_LEN(v), done, arg);
}

struct reading_denied {
	void (*row)(void *arg, const struct denied_row *d);
	void *arg;
};

static void
read_denied(void *ctx, struct sqlite3_stmt *row)
{
	struct reading_denied *r = ctx;
	struct denied_row d = {
		.version = (uint64_t)col_int(row, 0),
		.time_ms = col_int(row, 3),
		.reason = col_text(row, 4),
		.who = col_text(row, 5),
	};

	take_bytes(row, 1, d.id.bytes, sizeof d.id.bytes);
	take_bytes(row, 2, d.serial, sizeof d.serial);
	r->row(r->arg, &d);
}

int
store_denied(struct store *s, uint64_t after, int limit,
    void (*row)(void *arg, const struct denied_row *d), void *arg)
{
	const struct store_value v[] = { sv_int((int64_t)after), sv_int(limit) };
	struct reading_denied r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT version, id, serial, time_ms, reason, who FROM denied"
	    " WHERE version>?1 ORDER BY version LIMIT ?2",
	    v, ARRAY_LEN(v), read_denied, &r);
}

/* --- audit ---------------------------------------------------------------------------------------- */
int
store_audit_put(struct store *s, const struct audit_row *a, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_int(a->sequence),
		sv_int(a->time_ms),
		sv_int((int64_t)a->epoch),
		sv_text(a->role),
		sv_text(a->who),
		sv_text(a->command),
		sv_text(a->object),
		sv_text(a->result),
		sv_blob(a->previous, sizeof a->previous),
	};

	return store_write(s, STORE_CONTROL,
	    "INSERT INTO audit(sequence, time_ms, epoch, role, who, command, object,"
	    " result, previous) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    v, ARRAY_LEN(v), done, arg);
}

struct reading_audit {
	store_audit_f *row;
	void *arg;
};

static void
read_audit(void *ctx, struct sqlite3_stmt *row)
{
	struct reading_audit *r = ctx;
	struct audit_row a = {
		.sequence = col_int(row, 0),
		.time_ms = col_int(row, 1),
		.epoch = (uint64_t)col_int(row, 2),
		.role = col_text(row, 3),
		.who = col_text(row, 4),
		.command = col_text(row, 5),
		.object = col_text(row, 6),
		.result = col_text(row, 7),
	};

	take_bytes(row, 8, a.previous, sizeof a.previous);
	r->row(r->arg, &a);
}

#define AUDIT_COLUMNS \
	"sequence, time_ms, epoch, role, who, command, object, result, previous"

int
store_audit(struct store *s, int64_t after, int limit, store_audit_f *row, void *arg)
{
	const struct store_value v[] = { sv_int(after), sv_int(limit) };
	struct reading_audit r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT " AUDIT_COLUMNS " FROM audit WHERE sequence>?1 ORDER BY sequence"
	    " LIMIT ?2",
	    v, ARRAY_LEN(v), read_audit, &r);
}

int
store_audit_last(struct store *s, int limit, store_audit_f *row, void *arg)
{
	const struct store_value v = sv_int(limit);
	struct reading_audit r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT * FROM (SELECT " AUDIT_COLUMNS
	    " FROM audit ORDER BY sequence DESC LIMIT ?1) ORDER BY sequence",
	    &v, 1, read_audit, &r);
}

int
store_audit_prune(struct store *s, int64_t before_ms)
{
	const struct store_value v = sv_int(before_ms);

	/* From the old end alone, whatever the clock did: the chain stays one. */
	return store_write(s, STORE_CONTROL,
	    "DELETE FROM audit WHERE sequence<(SELECT ifnull(min(sequence), 0) FROM audit"
	    " WHERE time_ms>=?1)",
	    &v, 1, NULL, NULL);
}
