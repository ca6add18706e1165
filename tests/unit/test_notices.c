/* SPDX-License-Identifier: Apache-2.0
 *
 * Members that learn what is new of their domain: a controller's core on a fake network, members with
 * real credentials, and nodes that do as it pleases the test. */
#include "controller/notices.h"

#include "base/log.h"
#include "controller/event.h"
#include "protocol/notice.h"
#include "tests/support/lab.h"
#include "tests/support/plant.h"
#include "tests/support/seat.h"
#include "tests/support/test.h"
#include "trust/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct plant plant;
static struct seat seat;
static struct authority *authority;
static struct notices *notices;

/* --- members --------------------------------------------------------------------------------------- */
enum mood { TAKES, DECLINES, IGNORES };

struct member {
	struct robot robot;
	struct key *key;
	struct credential *self;
	struct grasp_registration *offer;
	enum mood mood;
	unsigned told, secrets,
	    most; /* messages; secrets in the last one; denials in the longest */
	struct fog_secret secret; /* the newest */
};
static struct member one, two;

static int
take_over(struct member *m, const struct fog_notice *n)
{
	static struct denial denied[FOG_NOTICE_DENIALS_MAX];

	for (size_t i = 0; i < n->denials_len; i++) {
		struct fog_denial d;

		assert_true(fog_notice_denial(n, i, &d));
		denied[i] =
		    (struct denial){ .version = n->denied_before + 1 + i, .id = d.id };
		memcpy(denied[i].serial, d.serial, sizeof d.serial);
	}
	if (n->denials_len > m->most)
		m->most = (unsigned)n->denials_len;
	m->secrets = (unsigned)n->secrets;
	if (n->secrets)
		m->secret = n->secret[0];
	return credential_update(
	    m->self, n->trust_version, n->ca, n->cas, denied, n->denials_len);
}

static void
on_notice(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct member *m = arg;
	struct fog_notice n;

	m->told++;
	assert_int_equal(fog_notice_decode(asked->value, &n), 0);
	switch (m->mood) {
	case TAKES:
		assert_int_equal(take_over(m, &n), 0);
		grasp_session_end(s, true, NULL);
		return;
	case DECLINES:
		grasp_session_end(s, false, "busy: no space");
		return;
	case IGNORES:
		return;
	}
}

static void
member_init(struct member *m, uint8_t number, const char *name)
{
	static const struct grasp_support support = { .negotiate = on_notice };

	*m = (struct member){ .key = pki_key() };
	robot_init(&m->robot, &plant, number, name);
	m->robot.registration.node = pki_id(m->key);
	m->self = seat_admit(&seat, m->key);
	assert_int_equal(grasp_register(m->robot.grasp, FOGTRUST, F_DISC | F_NEG,
			     &support, m, &m->offer),
	    0);
}

static void
member_done(struct member *m)
{
	robot_done(&m->robot);
	credential_free(m->self);
	key_free(m->key);
}

/* It tells what it knows, as agents do with each registration. */
static void
member_join(struct member *m)
{
	const struct anchors *a = credential_anchors(m->self);

	m->robot.registration.trust_version = anchors_version(a);
	m->robot.registration.denials = anchors_denials(a);
	robot_join(&m->robot);
}

static void
member_renew(struct member *m)
{
	const struct anchors *a = credential_anchors(m->self);

	m->robot.registration.renew = true;
	m->robot.registration.trust_version = anchors_version(a);
	m->robot.registration.denials = anchors_denials(a);
	robot_register(&m->robot);
}

static uint64_t
version_of(const struct member *m)
{
	return anchors_version(credential_anchors(m->self));
}

static uint64_t
denials_of(const struct member *m)
{
	return anchors_denials(credential_anchors(m->self));
}

/* --- the guard's double: the epoch that it knows --------------------------------------------------------- */
static uint64_t guarded;

int
guard_secret(struct guard *g, uint64_t epoch, const uint8_t secret[GUARD_SECRET_LEN],
    int64_t not_after_ms)
{
	(void)g, (void)secret, (void)not_after_ms;
	guarded = epoch;
	return 0;
}

/* --- the seat ------------------------------------------------------------------------------------------ */
static void
on_registered(void *arg, struct node *n, uint64_t trust_version, uint64_t denials)
{
	(void)arg;
	notices_registered(notices, n, trust_version, denials);
}

static void
on_changed(void *arg)
{
	(void)arg;
	notices_changed(notices);
}

static void
open_notices(struct guard *guard)
{
	const struct authority_config cfg = {
		.self = seat.self,
		.time = seat.time,
		.store = plant.store,
		.events = plant.events,
		.audit = plant.audit,
		.changed = on_changed,
	};
	const struct notices_config how = { .guard = guard };

	assert_int_equal(authority_new(&cfg, &authority), 0);
	assert_int_equal(
	    notices_new(plant.grasp, plant.registry, authority, &how, &notices), 0);
}

static void
close_notices(void)
{
	store_flush(plant.store);
	notices_free(TAKE(notices));
	authority_free(TAKE(authority));
}

static int
setup(void **state)
{
	(void)state;
	seat_init(&seat);
	plant_open(&plant);
	plant.registered = on_registered;
	plant_restart(&plant);
	open_notices(NULL);
	member_init(&one, 1, "one");
	member_init(&two, 2, "two");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_notices();
	member_done(&one);
	member_done(&two);
	plant_close(&plant);
	seat_done(&seat);
	return 0;
}

static void
deny(unsigned number)
{
	struct fog_id id = { { 0xee } };

	memcpy(id.bytes + 1, &number, sizeof number);
	assert_int_equal(authority_deny(authority, &id, "", "uid 0"), 0);
}

static void
rotate(void)
{
	seat_rotate(&seat);
	assert_int_equal(authority_reload(authority), 0);
}

static void
expect_progress(unsigned told, unsigned all)
{
	struct notices_progress p;

	notices_progress(notices, &p);
	assert_int_equal(p.told, told);
	assert_int_equal(p.all, all);
}

static void
a_member_that_knows_all_is_told_nothing(void **state)
{
	(void)state;
	member_join(&one);
	plant_run(&plant, 5000);
	assert_int_equal(one.told, 0);
	expect_progress(1, 1);
}

static void
a_member_that_was_away_is_told_when_it_registers(void **state)
{
	(void)state;
	deny(1);
	deny(2);
	rotate();
	member_join(&one);
	plant_run(&plant, 100);
	assert_int_equal(one.told, 1);
	assert_int_equal(version_of(&one), 2);
	assert_int_equal(denials_of(&one), 2);
	member_renew(&one);
	plant_run(&plant, 100);
	assert_int_equal(one.told, 1);
}

static void
a_denial_reaches_all_members_at_once_S_19(void **state)
{
	(void)state;
	member_join(&one);
	member_join(&two);
	deny(1);
	plant_run(&plant, 100);
	assert_int_equal(denials_of(&one), 1);
	assert_int_equal(denials_of(&two), 1);
	deny(2);
	plant_run(&plant, 100);
	assert_int_equal(one.told, 2);
	assert_int_equal(denials_of(&one), 2);
	assert_int_equal(one.most, 1); /* what it knew is not said again */
}

static void
a_member_that_is_denied_loses_its_link_within_a_second_S_19(void **state)
{
	const struct fog_id id = two.robot.registration.node;

	(void)state;
	member_join(&one);
	member_join(&two);
	assert_int_equal(authority_deny(authority, &id, "stolen", "uid 0"), 0);
	sessions_deny(plant.sessions, &id);
	plant_run(&plant, 1000);
	assert_int_equal(two.robot.closed, 1);
	assert_int_equal(one.robot.closed, 0);
	assert_true(
	    anchors_denies(credential_anchors(one.self), &id, (struct slice){ 0 }));
	expect_progress(1, 1);
}

static void
many_denials_come_in_pieces(void **state)
{
	struct anchors *a = credential_anchors(seat.self);
	struct denial d = { .version = 0 };

	(void)state;
	while (anchors_denials(a) < 2500) {
		d.version++;
		memcpy(d.id.bytes, &d.version, sizeof d.version);
		assert_int_equal(anchors_deny(a, &d), 0);
	}
	member_join(&one);
	plant_run(&plant, 1000);
	assert_int_equal(denials_of(&one), 2500);
	assert_int_equal(one.told, 3);
	assert_int_equal(one.most, FOG_NOTICE_DENIALS_MAX);
}

static void
a_new_ca_reaches_all_members_and_how_many_is_known_S_35(void **state)
{
	(void)state;
	member_join(&one);
	member_join(&two);
	two.mood = IGNORES;
	rotate();
	expect_progress(0, 2);
	plant_run(&plant, 200);
	assert_int_equal(version_of(&one), 2);
	expect_progress(1, 2);
	two.mood = TAKES;
	plant_run(&plant, 20000);
	assert_int_equal(version_of(&two), 2);
	expect_progress(2, 2);
}

static void
a_member_that_declines_is_told_again_ever_more_rarely(void **state)
{
	(void)state;
	one.mood = DECLINES;
	member_join(&one);
	rotate();
	plant_run(&plant, 120000);
	assert_in_range(one.told, 6, 9); /* after 1, 2, 4 … s */
	one.mood = TAKES;
	rotate(); /* something new: at once */
	plant_run(&plant, 200);
	assert_int_equal(version_of(&one), 3);
}

static void
a_member_that_goes_while_it_is_told_is_told_when_it_is_back(void **state)
{
	(void)state;
	one.mood = IGNORES;
	member_join(&one);
	deny(1);
	plant_run(&plant, 50);
	robot_drop(&one.robot);
	one.mood = TAKES;
	plant_run(&plant, 3000);
	assert_int_equal(denials_of(&one), 0);
	member_join(&one);
	plant_run(&plant, 100);
	assert_int_equal(denials_of(&one), 1);
}

static void
what_changes_while_a_member_is_told_is_told_after_it(void **state)
{
	(void)state;
	member_join(&one);
	deny(1);
	plant_run(&plant, 1); /* on its way */
	deny(2);
	rotate();
	plant_run(&plant, 100);
	assert_int_equal(denials_of(&one), 2);
	assert_int_equal(version_of(&one), 2);
}

static void
a_member_that_has_lost_its_files_is_told_all_again(void **state)
{
	(void)state;
	deny(1);
	member_join(&one);
	plant_run(&plant, 100);
	assert_int_equal(one.told, 1);
	credential_free(one.self);
	one.self = seat_admit(&seat, one.key);
	member_renew(&one);
	plant_run(&plant, 100);
	assert_int_equal(one.told, 2);
	assert_int_equal(denials_of(&one), 1);
}

/* A controller whose database is an old one cannot make anybody forget. */
static void
a_member_that_knows_more_denials_keeps_them(void **state)
{
	struct denial d = { .version = 1, .id = { { 9 } } };

	(void)state;
	assert_int_equal(anchors_deny(credential_anchors(one.self), &d), 0);
	member_join(&one);
	plant_run(&plant, 100);
	assert_int_equal(one.told, 0);
	assert_int_equal(denials_of(&one), 1);
}

static void
a_node_that_is_gone_is_forgotten(void **state)
{
	struct node *n;

	(void)state;
	member_join(&one);
	n = registry_by_name(plant.registry, "one");
	robot_drop(&one.robot);
	plant_run(&plant, 100);
	n->state = NODE_GONE;
	notices_node_changed(notices, n);
	n->state = NODE_ALIVE;
	expect_progress(0, 0);
	deny(1);
	plant_run(&plant, 100);
}

static void
seal(void)
{
	close_notices();
	open_notices((struct guard *)&plant); /* its double looks at nothing */
}

static void
a_member_of_a_sealed_domain_gets_the_secret_when_it_registers(void **state)
{
	(void)state;
	seal();
	member_join(&one);
	plant_run(&plant, 100);
	assert_int_equal(one.secrets, 1);
	assert_int_equal(one.secret.epoch, guarded);
	member_renew(&one);
	plant_run(&plant, 100);
	assert_int_equal(one.told, 1); /* and not with each renewal */
	member_join(&one);	       /* a new link: perhaps a new start */
	plant_run(&plant, 100);
	assert_int_equal(one.told, 2);
}

static void
all_but_the_denied_one_get_another_secret_S_19(void **state)
{
	const struct fog_id id = two.robot.registration.node;
	uint64_t before;

	(void)state;
	seal();
	member_join(&one);
	member_join(&two);
	plant_run(&plant, 100);
	before = guarded;
	assert_int_equal(authority_deny(authority, &id, "", "uid 0"), 0);
	sessions_deny(plant.sessions, &id);
	plant_run(&plant, 200);
	assert_true(guarded > before);
	assert_int_equal(one.secret.epoch, guarded);
	assert_int_equal(one.secrets, 2);
	assert_int_equal(two.secret.epoch, before);
}

static void
all_may_end_while_members_are_told(void **state)
{
	(void)state;
	one.mood = two.mood = IGNORES;
	member_join(&one);
	member_join(&two);
	deny(1);
	plant_run(&plant, 5);
	deny(2);
	close_notices();
	open_notices(NULL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_member_that_knows_all_is_told_nothing),
		CASE(a_member_that_was_away_is_told_when_it_registers),
		CASE(a_denial_reaches_all_members_at_once_S_19),
		CASE(a_member_that_is_denied_loses_its_link_within_a_second_S_19),
		CASE(many_denials_come_in_pieces),
		CASE(a_new_ca_reaches_all_members_and_how_many_is_known_S_35),
		CASE(a_member_that_declines_is_told_again_ever_more_rarely),
		CASE(a_member_that_goes_while_it_is_told_is_told_when_it_is_back),
		CASE(what_changes_while_a_member_is_told_is_told_after_it),
		CASE(a_member_that_has_lost_its_files_is_told_all_again),
		CASE(a_member_that_knows_more_denials_keeps_them),
		CASE(a_node_that_is_gone_is_forgotten),
		CASE(a_member_of_a_sealed_domain_gets_the_secret_when_it_registers),
		CASE(all_but_the_denied_one_get_another_secret_S_19),
		CASE(all_may_end_while_members_are_told),
	};

	log_open("test_notices", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
