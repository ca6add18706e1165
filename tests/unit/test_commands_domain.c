/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom the domain trusts, as an operator says it at the control socket. */
#include "base/ctl.h"
#include "base/log.h"
#include "controller/audit.h"
#include "controller/notices.h"
#include "controller/store_identity.h"
#include "tests/support/ask.h"
#include "tests/support/plant.h"
#include "tests/support/seat.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct plant plant;
static struct seat seat;
static struct robot robot;
static struct authority *authority;
static struct notices *notices;
static char *answer;

static void
on_changed(void *arg)
{
	(void)arg;
	notices_changed(notices);
}

static void
on_registered(void *arg, struct node *n, uint64_t trust_version, uint64_t denials)
{
	(void)arg;
	notices_registered(notices, n, trust_version, denials);
}

static void
open_authority(void)
{
	const struct authority_config cfg = { .self = seat.self,
		.time = seat.time,
		.store = plant.store,
		.events = plant.events,
		.audit = plant.audit,
		.changed = on_changed };
	const struct notices_config how = { .prefix = NULL };

	assert_int_equal(authority_new(&cfg, &authority), 0);
	assert_int_equal(
	    notices_new(plant.grasp, plant.registry, authority, &how, &notices), 0);
	plant.commands.authority = authority;
	plant.commands.notices = notices;
}

static int
setup(void **state)
{
	(void)state;
	seat_init(&seat);
	plant_open(&plant);
	plant.registered = on_registered;
	plant_restart(&plant);
	open_authority();
	plant_serve(&plant);
	robot_init(&robot, &plant, 1, "robot");
	plant_pump(&plant, true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	plant_pump(&plant, false);
	store_flush(plant.store);
	notices_free(TAKE(notices));
	authority_free(TAKE(authority));
	robot_done(&robot);
	plant_close(&plant);
	seat_done(&seat);
	free(TAKE(answer));
	return 0;
}

static const char *
run(const char *command, const char *node, const char *reason)
{
	struct buf args;

	buf_init(&args, 1000);
	wr_map(&args, (node != NULL) + (reason != NULL));
	if (node)
		wr_key_text(&args, "node", node);
	if (reason)
		wr_key_text(&args, "reason", reason);
	free(answer);
	answer = ask(plant.loop, plant.socket, command, buf_slice(&args));
	buf_done(&args);
	return answer;
}

static bool
is_denied(uint8_t number)
{
	const struct fog_id id = { { number } };

	return anchors_denies(credential_anchors(seat.self), &id, (struct slice){ 0 });
}

static void
count_row(void *arg, const struct denied_row *d)
{
	unsigned *n = arg;

	++*n;
	assert_string_equal(d->reason, "stolen");
}

static void
a_node_is_revoked_by_its_name_and_loses_its_link_S_19(void **state)
{
	unsigned stored = 0;

	(void)state;
	robot_join(&robot);
	assert_string_equal(run("node revoke", "robot", "stolen"),
	    "{\"node\":\"robot\",\"id\":\"01000000000000000000000000000000\",\"result\":"
	    "\"revoked\"}\nend\n");
	assert_true(is_denied(1));
	assert_null(registry_by_name(plant.registry, "robot")->link);
	assert_int_equal(registry_by_name(plant.registry, "robot")->state, NODE_LOST);
	plant_run(&plant, 100);
	assert_int_equal(robot.closed, 1);
	/* it was answered when it was on the disk */
	assert_int_equal(store_denied(plant.store, 0, 10, count_row, &stored), 0);
	assert_int_equal(stored, 1);
}

static void
a_node_is_revoked_by_the_beginning_of_its_id(void **state)
{
	(void)state;
	robot_join(&robot);
	run("node revoke", "01000000", NULL);
	assert_true(is_denied(1));
}

static void
a_node_that_is_away_is_revoked_by_the_whole_of_its_id(void **state)
{
	(void)state;
	assert_string_equal(run("node revoke", "07000000000000000000000000000000", NULL),
	    "{\"node\":\"\",\"id\":\"07000000000000000000000000000000\",\"result\":"
	    "\"revoked\"}\nend\n");
	assert_true(is_denied(7));
}

static void
what_cannot_be_revoked_is_told(void **state)
{
	char self[FOG_ID_TEXT], expected[200];

	(void)state;
	assert_string_equal(run("node revoke", "nobody", NULL),
	    "refused 1: there is no node nobody here; say the whole id (32 digits) of one"
	    " that is away\n");
	assert_string_equal(run("node revoke", "070000", NULL),
	    "refused 1: there is no node 070000 here; say the whole id (32 digits) of one"
	    " that is away\n");
	run("node revoke", "07000000000000000000000000000000", NULL);
	assert_string_equal(run("node revoke", "07000000000000000000000000000000", NULL),
	    "refused 1: 07000000000000000000000000000000 is revoked already\n");
	fog_id_format(&credential_name(seat.self)->id, self);
	snprintf(expected, sizeof expected, "refused 1: %s is this controller\n", self);
	assert_string_equal(run("node revoke", self, NULL), expected);
}

static void
who_has_revoked_is_in_the_audit(void **state)
{
	(void)state;
	run("node revoke", "07000000000000000000000000000000", "stolen");
	run("audit", NULL, NULL);
	assert_non_null(strstr(answer, "\"role\":\"admin\",\"who\":\"uid "));
	assert_non_null(strstr(answer,
	    "\"command\":\"node revoke\",\"object\":\"07000000000000000000000000000000\","
	    "\"result\":\"done: stolen\"}"));
}

static void
who_is_revoked_is_listed_with_the_reason(void **state)
{
	(void)state;
	assert_string_equal(run("node revoked", NULL, NULL), "end\n");
	run("node revoke", "07000000000000000000000000000000", "stolen");
	run("node revoke", "08000000000000000000000000000000", NULL);
	run("node revoked", NULL, NULL);
	assert_non_null(strstr(answer,
	    "{\"number\":1,\"id\":\"07000000000000000000000000000000\",\"time\":"
	    "\"2027-01-01T00:00:00.000Z\",\"who\":\"uid "));
	assert_non_null(strstr(answer, "\"reason\":\"stolen\"}\n{\"number\":2,"));
	assert_non_null(strstr(answer, "\"reason\":\"\"}\nend\n"));
}

static unsigned rows;
static char row[300];

static void
note_row(void *arg, const struct audit_row *r)
{
	(void)arg;
	rows++;
	snprintf(
	    row, sizeof row, "%s %s %s: %s", r->role, r->command, r->object, r->result);
}

static void
what_changes_something_is_written_with_how_it_ended(void **state)
{
	(void)state;
	ctl_set_audit(plant.ctl, &audit_requests, plant.audit);
	run("nodes", NULL, NULL);
	run("audit", NULL, NULL);
	run("ca show", NULL, NULL);
	run("node release", "robot", "a look at it"); /* which is not there */
	store_flush(plant.store);
	assert_int_equal(store_audit_last(plant.store, 10, note_row, NULL), 0);
	assert_int_equal(rows, 1);
	assert_string_equal(row,
	    "admin node release node=robot reason=a look at it: failed: there is no"
	    " node robot; fogctl nodes lists them");
	run("ca reload", NULL, NULL);
	store_flush(plant.store);
	assert_int_equal(store_audit_last(plant.store, 1, note_row, NULL), 0);
	assert_string_equal(row, "admin ca reload : done");
}

static void
cas_are_shown_with_who_knows_them_S_35(void **state)
{
	(void)state;
	robot.registration.trust_version = 1;
	robot_join(&robot);
	run("ca show", NULL, NULL);
	assert_non_null(strstr(answer, "\"state\":\"signs\""));
	assert_non_null(strstr(answer,
	    "\"retires\":null,\"version\":1,\"nodes\":1,\"told\":1,\"renewed\":0}"
	    "\nend\n"));
	seat_rotate(&seat);
	run("ca reload", NULL, NULL);
	assert_non_null(
	    strstr(answer, "\"version\":2,\"nodes\":1,\"told\":0,\"renewed\":0}\n"));
	assert_non_null(strstr(answer,
	    "\"state\":\"trusted\",\"from\":\"2026-12-31T00:00:00.000Z\",\"until\":"));
	assert_non_null(
	    strstr(answer, "\"retires\":\"2027-01-30T01:00:00.000Z\"}\nend\n"));
}

static void
files_that_are_damaged_are_not_taken_over(void **state)
{
	char path[300];
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/trust.version", seat.place);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("nonsense\n", f);
	fclose(f);
	run("ca reload", NULL, NULL);
	assert_int_equal(strncmp(answer,
			     "refused 1: the files of the domain are not taken over, the"
			     " old ones stay in force",
			     79),
	    0);
	assert_int_equal(anchors_version(credential_anchors(seat.self)), 1);
}

static void
a_controller_that_trusts_everybody_says_so(void **state)
{
	static const char *const command[] = { "node revoke", "ca show", "ca reload" };

	(void)state;
	plant.commands.authority = NULL;
	for (size_t i = 0; i < ARRAY_LEN(command); i++)
		assert_string_equal(run(command[i], "robot", NULL),
		    "refused 1: this controller speaks plain GRASP: it trusts everybody"
		    " alike\n");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_node_is_revoked_by_its_name_and_loses_its_link_S_19),
		CASE(a_node_is_revoked_by_the_beginning_of_its_id),
		CASE(a_node_that_is_away_is_revoked_by_the_whole_of_its_id),
		CASE(what_cannot_be_revoked_is_told),
		CASE(who_has_revoked_is_in_the_audit),
		CASE(who_is_revoked_is_listed_with_the_reason),
		CASE(what_changes_something_is_written_with_how_it_ended),
		CASE(cas_are_shown_with_who_knows_them_S_35),
		CASE(files_that_are_damaged_are_not_taken_over),
		CASE(a_controller_that_trusts_everybody_says_so),
	};

	log_open("test_commands_domain", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
