/* SPDX-License-Identifier: Apache-2.0
 *
 * Denials on a real store and in the files of a real credential, and what members are told. */
#include "controller/authority.h"

#include "base/log.h"
#include "controller/audit.h"
#include "controller/event.h"
#include "controller/store_identity.h"
#include "tests/support/seat.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct seat seat;
static struct ev_loop *loop;
static char *store_dir;
static struct store *store;
static struct events *events;
static struct audit *audit;
static struct authority *authority;
static unsigned changes;

static void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static void
on_changed(void *arg)
{
	(void)arg;
	changes++;
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return seat.now_ms;
}

static void
open_all(void)
{
	struct authority_config cfg = { .time = seat.time, .changed = on_changed };

	seat_open(&seat);
	assert_int_equal(store_open(loop, store_dir, on_failed, NULL, &store), 0);
	assert_int_equal(events_new(store, wall, NULL, &events), 0);
	assert_int_equal(audit_new(store, wall, NULL, &audit), 0);
	cfg.self = seat.self;
	cfg.store = store;
	cfg.events = events;
	cfg.audit = audit;
	assert_int_equal(authority_new(&cfg, &authority), 0);
}

static void
close_all(void)
{
	store_flush(store);
	authority_free(TAKE(authority));
	events_free(TAKE(events));
	audit_free(TAKE(audit));
	store_close(TAKE(store));
	seat_close(&seat);
}

static int
setup(void **state)
{
	(void)state;
	changes = 0;
	loop = ev_loop_new(0);
	store_dir = tempdir_new();
	seat_init(&seat);
	seat_close(&seat);
	open_all();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_all();
	seat_done(&seat);
	tempdir_remove(store_dir);
	ev_loop_destroy(loop);
	return 0;
}

static bool
is_denied(uint8_t number)
{
	const struct fog_id id = { { number } };

	return anchors_denies(credential_anchors(authority_credential(authority)), &id,
	    (struct slice){ 0 });
}

static int
deny(uint8_t number)
{
	const struct fog_id id = { { number } };

	return authority_deny(authority, &id, "stolen", "uid 0");
}

static void
count_row(void *arg, const struct denied_row *d)
{
	uint64_t *rows = arg;

	assert_int_equal(d->version, ++*rows);
	assert_int_equal(d->id.bytes[0], d->version);
}

static uint64_t
count_stored(void)
{
	uint64_t rows = 0;

	store_flush(store);
	assert_int_equal(store_denied(store, 0, 1000, count_row, &rows), 0);
	return rows;
}

static void
a_denial_is_in_force_at_once_and_told_S_19(void **state)
{
	(void)state;
	assert_false(is_denied(1));
	assert_int_equal(deny(1), 0);
	assert_true(is_denied(1));
	assert_false(is_denied(2));
	assert_int_equal(changes, 1);
	assert_int_equal(count_stored(), 1);
}

static void
a_denial_outlives_a_restart_S_19(void **state)
{
	(void)state;
	assert_int_equal(deny(1), 0);
	close_all();
	open_all();
	assert_true(is_denied(1));
	assert_int_equal(deny(2), 0);
	assert_int_equal(count_stored(), 2);
}

static void
who_is_denied_already_is_not_denied_again(void **state)
{
	(void)state;
	assert_int_equal(deny(1), 0);
	assert_int_equal(deny(1), -EALREADY);
	assert_int_equal(count_stored(), 1);
	assert_int_equal(changes, 1);
}

static void
a_controller_does_not_deny_itself(void **state)
{
	const struct fog_id self = credential_name(seat.self)->id;

	(void)state;
	assert_int_equal(authority_deny(authority, &self, "", "uid 0"), -EINVAL);
	assert_int_equal(changes, 0);
}

static void
ten_thousand_denials_are_enough(void **state)
{
	struct anchors *a = credential_anchors(seat.self);
	struct denial d = { .version = 0 };

	(void)state;
	while (anchors_denials(a) < TRUST_DENIED_MAX) {
		d.version++;
		memcpy(d.id.bytes + 8, &d.version, sizeof d.version);
		assert_int_equal(anchors_deny(a, &d), 0);
	}
	assert_int_equal(deny(1), -ENOSPC);
}

/* A backup took the place of the database. */
static void
what_the_database_has_lost_it_learns_from_the_files(void **state)
{
	(void)state;
	assert_int_equal(deny(1), 0);
	assert_int_equal(deny(2), 0);
	close_all();
	tempdir_remove(store_dir);
	store_dir = tempdir_new();
	open_all();
	assert_true(is_denied(1) && is_denied(2));
	assert_int_equal(count_stored(), 2);
}

static void
what_the_files_have_lost_they_learn_from_the_database(void **state)
{
	char path[300];

	(void)state;
	assert_int_equal(deny(1), 0);
	assert_int_equal(deny(2), 0);
	close_all();
	snprintf(path, sizeof path, "%s/denied", seat.place);
	assert_int_equal(unlink(path), 0);
	open_all();
	assert_true(is_denied(1) && is_denied(2));
	assert_int_equal(count_stored(), 2);
}

static char told[1024];

static void
note_audit(void *arg, const struct audit_row *r)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof told - len, "%s %s %s %.4s %s\n", r->role, r->who,
	    r->command, r->object, r->result);
}

static void
a_denial_is_in_the_audit(void **state)
{
	(void)state;
	told[0] = '\0';
	assert_int_equal(deny(0xab), 0);
	store_flush(store);
	assert_int_equal(store_audit_last(store, 10, note_audit, NULL), 0);
	assert_string_equal(told, "admin uid 0 node revoke ab00 done: stolen\n");
}

static void
files_that_were_changed_are_read_again(void **state)
{
	(void)state;
	seat_rotate(&seat);
	assert_int_equal(anchors_version(credential_anchors(seat.self)), 1);
	assert_int_equal(authority_reload(authority), 0);
	assert_int_equal(anchors_version(credential_anchors(seat.self)), 2);
	assert_int_equal(changes, 1);
}

/* --- the life of CAs and certificates ------------------------------------------------------------------- */
static size_t
count_cas(void)
{
	struct cert *ca[TRUST_ANCHORS_MAX];

	return anchors_get(credential_anchors(seat.self), ca);
}

static void
an_old_ca_is_trusted_for_30_days_after_a_rotation_S_35(void **state)
{
	(void)state;
	assert_true(authority_retire_ms(authority) == INT64_MAX);
	seat_rotate(&seat);
	assert_int_equal(authority_reload(authority), 0);
	seat.now_ms = authority_retire_ms(authority) - 1;
	authority_look(authority);
	assert_int_equal(count_cas(), 2);
	seat.now_ms++;
	authority_look(authority);
	assert_int_equal(count_cas(), 1);
	assert_int_equal(anchors_version(credential_anchors(seat.self)), 3);
	assert_int_equal(changes, 2);
	assert_true(authority_retire_ms(authority) == INT64_MAX);
	close_all();
	open_all();
	assert_int_equal(count_cas(), 1);
	assert_int_equal(credential_state(seat.self), CREDENTIAL_VALID);
}

static void
whose_certificate_is_of_the_newest_ca_is_known_S_35(void **state)
{
	CLEANUP(key_free) struct key *key = pki_key();
	struct issue_row row = {
		.id = pki_id(key), .name = "one", .hardware = "", .tags = ""
	};

	(void)state;
	assert_false(authority_is_newest(authority, &row.id));
	for (unsigned i = 0; i < 2; i++) {
		struct cert *leaf =
		    pki_cert(&seat.ca[0], key, SEAT_DOMAIN, TRUST_AGENT, 7);

		row.serial[0] = (uint8_t)i;
		row.certificate = cert_der(leaf);
		row.renewal = i > 0;
		assert_int_equal(store_issue(store, &row, NULL, NULL), 0);
		store_flush(store);
		cert_unref(leaf);
		assert_true(authority_is_newest(authority, &row.id));
		seat_rotate(&seat);
		assert_int_equal(authority_reload(authority), 0);
		assert_false(authority_is_newest(authority, &row.id));
	}
}

static void
note_event(void *arg, const struct event_row *e)
{
	(void)arg;
	snprintf(told, sizeof told, "%s: %s", e->kind, e->text);
}

static const char *
last_event(void)
{
	told[0] = '\0';
	store_flush(store);
	assert_int_equal(store_events_last(store, 1, note_event, NULL), 0);
	return told;
}

static void
a_controller_warns_each_day_before_its_certificate_ends(void **state)
{
	(void)state;
	authority_look(authority);
	assert_string_equal(last_event(), "");
	seat.now_ms += 70 * PKI_DAY;
	authority_look(authority);
	assert_string_equal(last_event(),
	    "certificate.ending: the certificate of this controller ends in 19 days: "
	    "fogctl"
	    " domain renew");
	seat.now_ms += PKI_DAY - 1;
	authority_look(authority);
	assert_non_null(strstr(last_event(), "19 days"));
	seat.now_ms++;
	authority_look(authority);
	assert_non_null(strstr(last_event(), "18 days"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_denial_is_in_force_at_once_and_told_S_19),
		CASE(a_denial_outlives_a_restart_S_19),
		CASE(who_is_denied_already_is_not_denied_again),
		CASE(a_controller_does_not_deny_itself),
		CASE(ten_thousand_denials_are_enough),
		CASE(what_the_database_has_lost_it_learns_from_the_files),
		CASE(what_the_files_have_lost_they_learn_from_the_database),
		CASE(a_denial_is_in_the_audit),
		CASE(files_that_were_changed_are_read_again),
		CASE(an_old_ca_is_trusted_for_30_days_after_a_rotation_S_35),
		CASE(whose_certificate_is_of_the_newest_ca_is_known_S_35),
		CASE(a_controller_warns_each_day_before_its_certificate_ends),
	};

	log_open("test_authority", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
