/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_identity.h"

#include "base/log.h"
#include "controller/store_int.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct ev_loop *loop;

struct box {
	char *dir;
	struct store *store;
};

static void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store has failed");
}

static void
reopen(struct box *b)
{
	store_close(b->store);
	b->store = NULL;
	assert_int_equal(store_open(loop, b->dir, on_failed, NULL, &b->store), 0);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof *b);

	loop = ev_loop_new(0);
	b->dir = tempdir_new();
	reopen(b);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	store_close(b->store);
	tempdir_remove(b->dir);
	free(b);
	ev_loop_destroy(loop);
	return 0;
}

static void
take_result(void *arg, int err)
{
	*(int *)arg = err;
}

/* --- samples --------------------------------------------------------------------------------------- */
static const struct token_row token = {
	.id = { 1, 2, 3, 4, 5 },
	.secret = { 0xaa, 0xbb },
	.uses = 1,
	.created_ms = 1000,
	.expires_ms = 2000,
	.tags = "floor=2",
	.creator = "uid 0",
};

static struct issue_row
issue_of(uint8_t node, uint8_t serial)
{
	return (struct issue_row){ .id = { { node } },
		.name = "robot-7",
		.hardware = "C02X",
		.tags = "floor=2",
		.serial = { serial },
		.time_ms = 1000 + serial,
		.not_after_ms = 5000,
		.certificate = slice_text("der") };
}

static int
issue(struct box *b, const struct issue_row *i)
{
	int err = 1;

	assert_int_equal(store_issue(b->store, i, take_result, &err), 0);
	store_flush(b->store);
	return err;
}

struct seen {
	unsigned rows;
	struct token_row token;
	struct member_row member;
	char name[64], hardware[64], tags[64];
	uint64_t version[8];
	int64_t sequence[8];
	char text[64];
};

static void
see_token(void *arg, const struct token_row *t)
{
	struct seen *s = arg;

	s->token = *t;
	snprintf(s->tags, sizeof s->tags, "%s", t->tags);
	s->rows++;
}

static void
see_member(void *arg, const struct member_row *m)
{
	struct seen *s = arg;

	s->member = *m;
	snprintf(s->name, sizeof s->name, "%s", m->name);
	snprintf(s->hardware, sizeof s->hardware, "%s", m->hardware);
	snprintf(s->tags, sizeof s->tags, "%s", m->tags);
	snprintf(s->text, sizeof s->text, "%.*s", (int)m->certificate.len,
	    (const char *)m->certificate.data);
	s->rows++;
}

static void
see_denied(void *arg, const struct denied_row *d)
{
	struct seen *s = arg;

	s->version[s->rows % ARRAY_LEN(s->version)] = d->version;
	snprintf(s->text, sizeof s->text, "%s by %s", d->reason, d->who);
	s->rows++;
}

static void
see_audit(void *arg, const struct audit_row *a)
{
	struct seen *s = arg;

	s->sequence[s->rows % ARRAY_LEN(s->sequence)] = a->sequence;
	snprintf(s->text, sizeof s->text, "%s %s %s %s %s %u", a->role, a->who,
	    a->command, a->object, a->result, a->previous[0]);
	s->rows++;
}

/* --- tokens ---------------------------------------------------------------------------------------- */
static void
a_token_is_there_after_reopening_and_its_revocation_too(void **state)
{
	struct box *b = *state;
	struct seen seen = { 0 };

	assert_int_equal(store_token_put(b->store, &token, NULL, NULL), 0);
	reopen(b);
	assert_int_equal(store_tokens(b->store, see_token, &seen), 0);
	assert_int_equal(seen.rows, 1);
	assert_memory_equal(seen.token.id, token.id, sizeof token.id);
	assert_memory_equal(seen.token.secret, token.secret, sizeof token.secret);
	assert_int_equal(seen.token.uses, 1);
	assert_int_equal(seen.token.expires_ms, 2000);
	assert_string_equal(seen.tags, "floor=2");
	assert_false(seen.token.revoked);
	assert_int_equal(store_token_revoke(b->store, token.id, NULL, NULL), 0);
	store_flush(b->store);
	assert_int_equal(store_tokens(b->store, see_token, &seen), 0);
	assert_true(seen.token.revoked);
}

/* --- certificates ---------------------------------------------------------------------------------- */
static void
a_certificate_and_the_use_of_its_token_are_stored_together_S_16(void **state)
{
	struct box *b = *state;
	struct issue_row first = issue_of(1, 1), second = issue_of(2, 2);
	struct seen tokens = { 0 }, members = { 0 };

	first.token = second.token = token.id;
	assert_int_equal(store_token_put(b->store, &token, NULL, NULL), 0);
	assert_int_equal(issue(b, &first), 0);
	assert_int_equal(issue(b, &second), -EINVAL);
	assert_int_equal(store_tokens(b->store, see_token, &tokens), 0);
	assert_int_equal(tokens.token.uses, 0);
	assert_int_equal(store_member(b->store, &first.id, see_member, &members), 0);
	assert_int_equal(members.rows, 1);
	assert_int_equal(store_member(b->store, &second.id, see_member, &members), 0);
	assert_int_equal(members.rows, 1);
}

static void
a_revoked_or_unknown_token_admits_nobody(void **state)
{
	struct box *b = *state;
	struct issue_row i = issue_of(1, 1);

	i.token = token.id;
	assert_int_equal(issue(b, &i), -EINVAL);
	assert_int_equal(store_token_put(b->store, &token, NULL, NULL), 0);
	assert_int_equal(store_token_revoke(b->store, token.id, NULL, NULL), 0);
	assert_int_equal(issue(b, &i), -EINVAL);
}

static void
a_renewal_changes_the_certificate_and_nothing_else_of_a_member(void **state)
{
	struct box *b = *state;
	struct issue_row first = issue_of(1, 1), next = issue_of(1, 2);
	struct seen seen = { 0 };

	next.renewal = true;
	next.name = next.hardware = next.tags = "";
	next.not_after_ms = 9000;
	next.certificate = slice_text("newer");
	assert_int_equal(issue(b, &first), 0);
	assert_int_equal(issue(b, &next), 0);
	assert_int_equal(store_member(b->store, &first.id, see_member, &seen), 0);
	assert_int_equal(seen.rows, 1);
	assert_string_equal(seen.name, "robot-7");
	assert_string_equal(seen.tags, "floor=2");
	assert_string_equal(seen.text, "newer");
	assert_int_equal(seen.member.joined_ms, first.time_ms);
	assert_int_equal(seen.member.not_after_ms, 9000);
}

static void
another_member_with_the_same_hardware_is_found_unless_lapsed_or_denied(void **state)
{
	struct box *b = *state;
	struct issue_row first = issue_of(1, 1);
	const struct fog_id other = { { 2 } };
	const struct denied_row denied = { .version = 1, .id = first.id };
	struct seen seen = { 0 };

	assert_int_equal(issue(b, &first), 0);
	assert_int_equal(
	    store_member_by_hardware(b->store, "C02X", &other, 4999, see_member, &seen),
	    0);
	assert_int_equal(seen.rows, 1);
	assert_int_equal(store_member_by_hardware(
			     b->store, "C02X", &first.id, 4999, see_member, &seen),
	    0);
	assert_int_equal(
	    store_member_by_hardware(b->store, "C02Y", &other, 4999, see_member, &seen),
	    0);
	assert_int_equal(
	    store_member_by_hardware(b->store, "C02X", &other, 5000, see_member, &seen),
	    0);
	assert_int_equal(seen.rows, 1);
	assert_int_equal(store_denied_put(b->store, &denied, NULL, NULL), 0);
	store_flush(b->store);
	assert_int_equal(
	    store_member_by_hardware(b->store, "C02X", &other, 4999, see_member, &seen),
	    0);
	assert_int_equal(seen.rows, 1);
}

static void
old_certificates_go_but_the_newest_of_each_member_stays(void **state)
{
	struct box *b = *state;
	struct issue_row first = issue_of(1, 1), next = issue_of(1, 2);
	struct seen seen = { 0 };
	struct store_db db;
	int64_t left = 0;

	next.renewal = true;
	assert_int_equal(issue(b, &first), 0);
	assert_int_equal(issue(b, &next), 0);
	assert_int_equal(store_token_put(b->store, &token, NULL, NULL), 0);
	assert_int_equal(store_prune(b->store, 10000), 0);
	store_flush(b->store);
	assert_int_equal(store_member(b->store, &first.id, see_member, &seen), 0);
	assert_int_equal(seen.rows, 1);
	assert_int_equal(store_tokens(b->store, see_token, &seen), 0);
	assert_int_equal(seen.rows, 1);
	assert_int_equal(store_db_open_reader(&db, b->dir, STORE_CONTROL), 0);
	assert_int_equal(store_db_get_int(&db, "SELECT count(*) FROM issued", &left), 0);
	store_db_close(&db);
	assert_int_equal(left, 1);
}

/* --- denials and audit ------------------------------------------------------------------------------ */
static void
denials_come_in_order_behind_those_that_are_known(void **state)
{
	struct box *b = *state;
	struct seen seen = { 0 };

	for (uint64_t v = 1; v <= 5; v++) {
		const struct denied_row d = { .version = v,
			.id = { { (uint8_t)v } },
			.reason = "stolen",
			.who = "uid 0" };

		assert_int_equal(store_denied_put(b->store, &d, NULL, NULL), 0);
	}
	reopen(b);
	assert_int_equal(store_denied(b->store, 2, 2, see_denied, &seen), 0);
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.version[0], 3);
	assert_int_equal(seen.version[1], 4);
	assert_string_equal(seen.text, "stolen by uid 0");
}

static void
put_audit(struct box *b, int64_t sequence, int64_t time_ms)
{
	const struct audit_row a = { .sequence = sequence,
		.time_ms = time_ms,
		.epoch = 1,
		.role = "admin",
		.who = "uid 0",
		.command = "node revoke",
		.object = "4f",
		.result = "done",
		.previous = { 7 } };

	assert_int_equal(store_audit_put(b->store, &a, NULL, NULL), 0);
}

static void
the_audit_is_read_from_either_end_and_pruned_from_the_old_one(void **state)
{
	struct box *b = *state;
	struct seen seen = { 0 };

	/* the clock was set back between 2 and 3 */
	for (int64_t i = 1; i <= 4; i++)
		put_audit(b, i, i == 3 ? 10 : 100 * i);
	store_flush(b->store);
	assert_int_equal(store_audit(b->store, 1, 2, see_audit, &seen), 0);
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.sequence[0], 2);
	assert_string_equal(seen.text, "admin uid 0 node revoke 4f done 7");
	assert_int_equal(store_audit_prune(b->store, 150), 0);
	store_flush(b->store);
	seen = (struct seen){ 0 };
	assert_int_equal(store_audit_last(b->store, 10, see_audit, &seen), 0);
	assert_int_equal(seen.rows, 3);
	assert_int_equal(seen.sequence[0], 2);
	assert_int_equal(seen.sequence[2], 4);
}

/* --- versions --------------------------------------------------------------------------------------- */
static void
see_prediction(void *arg, int64_t sequence, const struct prediction_row *p)
{
	snprintf(arg, 16, "%d %s %s %d %d", (int)sequence, p->outcome, p->role,
	    (int)p->lead_ms, isnan(p->within_long));
}

static void
a_file_of_the_version_before_gets_what_is_new_and_keeps_what_it_has(void **state)
{
	struct box *b = *state;
	struct seen seen = { 0 };
	struct store_db db;
	char why[256], text[16];

	assert_int_equal(store_meta_put(b->store, "colour", "blue", NULL, NULL), 0);
	store_close(b->store);
	b->store = NULL;
	assert_int_equal(store_db_open(&db, b->dir, STORE_CONTROL, why, sizeof why), 0);
	assert_int_equal(store_db_exec(&db,
			     "DROP TABLE token; DROP TABLE issued; DROP TABLE member;"
			     "DROP TABLE denied; DROP TABLE audit;"
			     "DROP TABLE outbox; DROP TABLE verdict;"
			     "DROP TABLE calibration; DROP TABLE prediction;"
			     "CREATE TABLE prediction(sequence INTEGER PRIMARY KEY,"
			     " time_ms INT NOT NULL, node TEXT NOT NULL,"
			     " service TEXT NOT NULL, function TEXT NOT NULL,"
			     " requirement TEXT NOT NULL, probability REAL,"
			     " time_to_s REAL, low_s REAL, high_s REAL,"
			     " outcome TEXT NOT NULL, ended_ms INT NOT NULL);"
			     "INSERT INTO prediction VALUES(7, 1, 'n', 's', 'f', 'x > 1',"
			     " 0.7, 9, NULL, NULL, 'hit', 20);"
			     "PRAGMA user_version=1"),
	    0);
	store_db_close(&db);
	reopen(b);
	assert_int_equal(store_meta_get(b->store, "colour", text, sizeof text), 0);
	assert_string_equal(text, "blue");
	assert_int_equal(store_token_put(b->store, &token, NULL, NULL), 0);
	reopen(b);
	assert_int_equal(store_tokens(b->store, see_token, &seen), 0);
	assert_int_equal(seen.rows, 1);
	*text = '\0';
	assert_int_equal(store_predictions(b->store, 10, see_prediction, text), 0);
	assert_string_equal(text, "7 hit host 0 1");
}

#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_token_is_there_after_reopening_and_its_revocation_too),
		WITH_STORE(
		    a_certificate_and_the_use_of_its_token_are_stored_together_S_16),
		WITH_STORE(a_revoked_or_unknown_token_admits_nobody),
		WITH_STORE(
		    a_renewal_changes_the_certificate_and_nothing_else_of_a_member),
		WITH_STORE(
		    another_member_with_the_same_hardware_is_found_unless_lapsed_or_denied),
		WITH_STORE(old_certificates_go_but_the_newest_of_each_member_stays),
		WITH_STORE(denials_come_in_order_behind_those_that_are_known),
		WITH_STORE(the_audit_is_read_from_either_end_and_pruned_from_the_old_one),
		WITH_STORE(
		    a_file_of_the_version_before_gets_what_is_new_and_keeps_what_it_has),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
