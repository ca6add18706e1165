/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/audit.h"

#include "base/ctl.h"
#include "base/log.h"
#include "controller/store_identity.h"
#include "controller/store_int.h"
#include "grasp/grasp.h"
#include "tests/support/ask.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include "trust/who.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

#define JUST_MS 1763726400250 /* 2025-11-21T12:00:00.250Z */

static struct ev_loop *loop;
static char *dir, path[128];
static struct store *store;
static struct audit *audit;
static struct ctl_server *server;
static int64_t now_ms;

static void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return now_ms;
}

static int
run_audit(void *arg, struct ctl_request *req, struct slice args)
{
	int64_t last = 50;

	(void)arg;
	ctl_arg_int(args, "last", &last);
	audit_show(audit, req, last, ctl_arg_bool(args, "verify"));
	return 0;
}

static const struct ctl_command table[] = {
	{ "audit", CTL_VIEWER, run_audit, "who changed what" },
};

static void
open_all(void)
{
	assert_int_equal(store_open(loop, dir, on_failed, NULL, &store), 0);
	assert_int_equal(audit_new(store, wall, NULL, &audit), 0);
}

static void
close_all(void)
{
	store_flush(store);
	audit_free(TAKE(audit));
	store_close(TAKE(store));
}

static int
setup(void **state)
{
	(void)state;
	now_ms = JUST_MS;
	loop = ev_loop_new(0);
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/control", dir);
	open_all();
	return ctl_open(loop, path, table, 1, NULL, &server);
}

static int
teardown(void **state)
{
	(void)state;
	ctl_close(server);
	close_all();
	tempdir_remove(dir);
	ev_loop_destroy(loop);
	return 0;
}

static void
write_row(const char *object)
{
	const struct audit_entry e = { "admin", "uid 0", "node revoke", object, "done" };

	audit_write(audit, &e);
}

/* Somebody who may write the database. */
static void
tamper(const char *sql)
{
	struct store_db db;
	char why[100];

	close_all();
	assert_int_equal(store_db_open(&db, dir, STORE_CONTROL, why, sizeof why), 0);
	assert_int_equal(store_db_exec(&db, sql), 0);
	store_db_mark_clean(&db, true);
	store_db_close(&db);
	open_all();
}

static char told[65536];

static void
expect_answer(const char *key, int64_t value, const char *answer)
{
	struct buf args;
	char *got;

	buf_init(&args, 100);
	wr_map(&args, 1);
	if (!strcmp(key, "verify"))
		wr_key_bool(&args, key, value);
	else
		wr_key_int(&args, key, value);
	got = ask(loop, path, "audit", buf_slice(&args));
	assert_string_equal(got, answer);
	buf_done(&args);
	free(got);
}

#define ROW(seq, object)                                                               \
	"{\"seq\":" seq ",\"time\":\"2025-11-21T12:00:00.250Z\",\"epoch\":1,\"role\":" \
	"\"admin\",\"who\":\"uid 0\",\"command\":\"node revoke\",\"object\":\"" object \
	"\",\"result\":\"done\"}\n"

static void
what_was_done_is_shown_oldest_first(void **state)
{
	(void)state;
	write_row("a");
	write_row("b");
	write_row("c"); /* on its way to the disk when it is asked for */
	expect_answer("last", 2, ROW("2", "b") ROW("3", "c") "end\n");
}

static void
an_untouched_table_is_intact_over_restarts(void **state)
{
	(void)state;
	assert_int_equal(audit_verify(audit), 0);
	for (int i = 0; i < 3; i++) {
		write_row("a");
		write_row("b");
		close_all();
		open_all();
	}
	write_row("not on the disk yet");
	assert_int_equal(audit_verify(audit), 0);
	store_flush(store);
	assert_int_equal(audit_verify(audit), 0);
	expect_answer("verify", 1,
	    "{\"seq\":7,\"time\":\"2025-11-21T12:00:00.250Z\",\"epoch\":4,\"role\":"
	    "\"controller\",\"who\":\"\",\"command\":\"audit --verify\",\"object\":\"\","
	    "\"result\":\"intact: every row is as it was written\"}\nend\n");
}

static void
a_row_that_was_changed_or_taken_out_shows(void **state)
{
	static const struct {
		const char *sql;
		int64_t broken;
	} table_of_deeds[] = {
		{ "UPDATE audit SET who='uid 7' WHERE sequence=2", 2 },
		{ "UPDATE audit SET time_ms=time_ms+1 WHERE sequence=1", 1 },
		{ "UPDATE audit SET epoch=9 WHERE sequence=3", 3 },
		{ "UPDATE audit SET result='refused' WHERE sequence=4", 4 },
		/* a text that moves into the column beside it */
		{ "UPDATE audit SET role='adminu', who='id 0' WHERE sequence=1", 1 },
		{ "UPDATE audit SET previous=zeroblob(32) WHERE sequence=3", 2 },
		{ "DELETE FROM audit WHERE sequence=3", 3 },
		{ "INSERT INTO audit SELECT 9, time_ms, epoch, role, who, command, "
		  "object,"
		  " result, previous FROM audit WHERE sequence=5",
		    6 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table_of_deeds); i++) {
		close_all();
		tempdir_remove(dir);
		dir = tempdir_new();
		open_all();
		for (unsigned n = 0; n < 5; n++)
			write_row("a");
		tamper(table_of_deeds[i].sql);
		if (audit_verify(audit) != table_of_deeds[i].broken)
			fail_msg("\"%s\" breaks row %lld", table_of_deeds[i].sql,
			    (long long)audit_verify(audit));
	}
}

static void
a_broken_table_is_a_refusal_to_who_asks(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 3; n++)
		write_row("a");
	tamper("UPDATE audit SET object='b' WHERE sequence=2");
	expect_answer("verify", 1,
	    "refused 1: the audit is not what it was: row 2 was changed or taken out\n");
}

/* While the controller runs, it knows the newest row as well, which has none behind it. */
static void
the_newest_row_cannot_be_taken_out_behind_our_back(void **state)
{
	struct store_db db;
	char why[100];

	(void)state;
	write_row("a");
	write_row("b");
	store_flush(store);
	assert_int_equal(audit_verify(audit), 0);
	assert_int_equal(store_db_open(&db, dir, STORE_CONTROL, why, sizeof why), 0);
	assert_int_equal(
	    store_db_exec(&db, "UPDATE audit SET object='c' WHERE sequence=2"), 0);
	assert_int_equal(audit_verify(audit), 2);
	assert_int_equal(store_db_exec(&db, "DELETE FROM audit WHERE sequence=2"), 0);
	assert_int_equal(audit_verify(audit), 2);
	store_db_close(&db);
}

static void
old_rows_go_and_the_rest_stays_intact(void **state)
{
	(void)state;
	write_row("a");
	now_ms += AUDIT_KEEP_MS;
	write_row("b");
	now_ms -= 5000; /* the clock was set */
	write_row("c");
	store_flush(store);
	assert_int_equal(store_audit_prune(store, JUST_MS + 1), 0);
	store_flush(store);
	assert_int_equal(audit_verify(audit), 0);
	now_ms = JUST_MS;
	assert_int_equal(store_audit_prune(store, INT64_MAX), 0);
	store_flush(store);
	assert_int_equal(audit_verify(audit), 0);
	close_all();
	open_all();
	write_row("d"); /* the numbers go on */
	store_flush(store);
	assert_int_equal(audit_verify(audit), 0);
	expect_answer("verify", 1,
	    "{\"seq\":4,\"time\":\"2025-11-21T12:00:00.250Z\",\"epoch\":2,\"role\":"
	    "\"controller\",\"who\":\"\",\"command\":\"audit --verify\",\"object\":\"\","
	    "\"result\":\"intact: every row is as it was written\"}\nend\n");
}

/* --- refusals -------------------------------------------------------------------------------------- */
static void
note_row(void *arg, const struct audit_row *r)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof told - len, "%s|%s|%s|%s|%s\n", r->role, r->who,
	    r->command, r->object, r->result);
}

static unsigned
count_rows(void)
{
	unsigned n = 0;

	told[0] = '\0';
	store_flush(store);
	assert_int_equal(store_audit_last(store, 1000, note_row, NULL), 0);
	for (const char *c = told; *c; c++)
		n += *c == '\n';
	return n;
}

static struct addr
peer(unsigned n)
{
	struct addr a = { .port = (uint16_t)(40000 + n) };

	a.ip.s6_addr[0] = 0xfe;
	a.ip.s6_addr[1] = 0x80;
	a.ip.s6_addr[14] = (uint8_t)(n >> 8);
	a.ip.s6_addr[15] = (uint8_t)n;
	return a;
}

static void
a_peer_that_is_refused_again_and_again_is_written_once_a_minute(void **state)
{
	struct addr a = peer(1);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		now_ms += 59;
		a.port++; /* each time another one */
		audit_unconnected(audit, &a, "untrusted", "not of this domain");
	}
	assert_int_equal(count_rows(), 1);
	audit_unconnected(audit, &a, "expired", "its certificate has expired");
	now_ms += 1059;
	audit_unconnected(audit, &a, "untrusted", "not of this domain");
	assert_int_equal(count_rows(), 3);
	assert_string_equal(told,
	    "nobody|fe80::1|connect|untrusted|refused: not of this domain\n"
	    "nobody|fe80::1|connect|expired|refused: its certificate has expired"
	    " (999 before it were left out)\n"
	    "nobody|fe80::1|connect|untrusted|refused: not of this domain\n");
}

static void
many_strangers_cannot_fill_the_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct addr a = peer(i);

		audit_unconnected(audit, &a, "untrusted", "no certificate");
	}
	assert_int_equal(count_rows(), AUDIT_REFUSALS_MAX);
	write_row("a"); /* what an operator does is always written */
	assert_int_equal(count_rows(), AUDIT_REFUSALS_MAX + 1);
	assert_int_equal(audit_verify(audit), 0);
}

static void
a_member_that_tries_what_it_may_not_is_named(void **state)
{
	const struct grasp_who who = { .id = { 0xab }, .role = TRUST_AGENT };
	const struct grasp_msg msg = {
		.type = M_REQ_NEG,
		.has_objective = true,
		.objective.name = { (const uint8_t *)"FOGPLAN", 7 },
	};

	(void)state;
	audit_unpermitted(audit, &who, &msg);
	audit_unpermitted(audit, &who, &msg);
	audit_unpermitted(audit, NULL, &msg);
	assert_int_equal(count_rows(), 2);
	assert_string_equal(told,
	    "agent|ab000000000000000000000000000000|M_REQ_NEG|FOGPLAN|refused\n"
	    "unknown|00000000000000000000000000000000|M_REQ_NEG|FOGPLAN|refused"
	    " (1 before it were left out)\n");
}

static void
a_text_that_is_too_long_is_cut_and_stays_text(void **state)
{
	char text[AUDIT_TEXT_MAX + 100];

	(void)state;
	memset(text, 'x', AUDIT_TEXT_MAX - 2);
	strcpy(text + AUDIT_TEXT_MAX - 2, "\xc3\xa9 and more");
	write_row(text);
	assert_int_equal(count_rows(), 1);
	assert_int_equal(strspn(strchr(told, 'x'), "x"), AUDIT_TEXT_MAX - 2);
	assert_non_null(strstr(told, "x|done"));
	assert_int_equal(audit_verify(audit), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_was_done_is_shown_oldest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_untouched_table_is_intact_over_restarts, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_row_that_was_changed_or_taken_out_shows, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_broken_table_is_a_refusal_to_who_asks, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_newest_row_cannot_be_taken_out_behind_our_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    old_rows_go_and_the_rest_stays_intact, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_peer_that_is_refused_again_and_again_is_written_once_a_minute,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    many_strangers_cannot_fill_the_table, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_member_that_tries_what_it_may_not_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_text_that_is_too_long_is_cut_and_stays_text, setup, teardown),
	};

	log_open("test_audit", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
