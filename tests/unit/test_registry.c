/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/registry.h"

#include "base/ctl.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/store.h"
#include "tests/support/alloc.h"
#include "tests/support/io_fake.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEASE_MS 30000
#define LOST_MS	 3600000

/* A registry on a clock that can jump, with a real store. What it tells is written down. */
static struct fixture {
	struct grasp_io io; /* ours: the fake one, but for the time */
	int64_t skew_ms;
	struct fake_net *net;
	struct fake_host *host;
	struct ev_loop *loop;
	char *dir;
	struct store *store;
	struct events *events;
	struct registry *registry;
	struct registry_config cfg;
	char told[2048]; /* "robot:gone>alive " for each call of changed() */
	unsigned done;
	struct refusal why;
} f;

static struct grasp_io *
real_io(void)
{
	return fake_host_io(f.host);
}

static int64_t
now(struct grasp_io *io)
{
	(void)io;
	return grasp_io_now(real_io()) + f.skew_ms;
}

static int64_t
wall(struct grasp_io *io)
{
	(void)io;
	return 1790000000000 + now(io);
}

static int64_t
events_wall(void *arg)
{
	return wall(arg);
}

static int
timer_new(
    struct grasp_io *io, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	(void)io;
	return real_io()->ops->timer_new(real_io(), fire, arg, ret);
}

static void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static void
on_changed(void *arg, struct node *n, enum node_state before)
{
	size_t len = strlen(f.told);

	(void)arg;
	snprintf(f.told + len, sizeof f.told - len, "%s:%s>%s ", n->name,
	    node_state_name(before), node_state_name(n->state));
}

static void
on_done(void *arg, int err)
{
	(void)arg;
	assert_int_equal(err, 0);
	f.done++;
}

static void
open_registry(void)
{
	static const struct registry_ops ops = { on_changed };

	assert_int_equal(store_open(f.loop, f.dir, on_failed, NULL, &f.store), 0);
	assert_int_equal(events_new(f.store, events_wall, NULL, &f.events), 0);
	assert_int_equal(
	    registry_new(&f.io, f.store, f.events, &f.cfg, &ops, NULL, &f.registry), 0);
}

static void
close_registry(void)
{
	store_flush(f.store);
	registry_free(f.registry);
	events_free(f.events);
	store_close(f.store);
}

static int
setup(void **state)
{
	static struct grasp_io_ops ops;

	(void)state;
	memset(&f, 0, sizeof f);
	f.net = fake_net_new(1);
	f.host = fake_host_new(f.net);
	ops = *real_io()->ops;
	ops.now = now;
	ops.wall = wall;
	ops.timer_new = timer_new;
	f.io.ops = &ops;
	f.loop = ev_loop_new(0);
	f.dir = tempdir_new();
	f.cfg = (struct registry_config){ .domain = "plant",
		.beat_ms = 2000,
		.lease_ms = LEASE_MS,
		.lost_ms = LOST_MS };
	open_registry();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_registry();
	tempdir_remove(f.dir);
	ev_loop_destroy(f.loop);
	fake_net_free(f.net);
	return 0;
}

/* --- what the tests say -------------------------------------------------------------------------------- */
static uint8_t caps_bytes[2][2048];

/* Encoded capabilities: of a gateway, or of a robot. */
static struct slice
make_caps(unsigned which)
{
	struct caps caps = { .battery = NAN, .cpus = 1 + which };
	struct buf b;

	snprintf(caps.type, sizeof caps.type, "%s", which ? "robot" : "gateway");
	buf_init_fixed(&b, caps_bytes[which], sizeof caps_bytes[which]);
	caps_encode(&caps, &b);
	return buf_slice(&b);
}

static struct fog_registration
make_registration(uint8_t id, const char *name)
{
	struct fog_registration r = {
		.caps = make_caps(0), .boot_ms = 5000, .boot = { 1 }
	};

	r.node.bytes[0] = id;
	r.node.bytes[15] = id;
	snprintf(r.name, sizeof r.name, "%s", name);
	snprintf(r.domain, sizeof r.domain, "plant");
	return r;
}

static int
admit(const struct fog_registration *r, struct node **ret)
{
	*ret = NULL;
	return registry_admit(f.registry, r, "2001:db8::1", on_done, NULL, ret, &f.why);
}

static struct node *
join(uint8_t id, const char *name)
{
	struct fog_registration r = make_registration(id, name);
	struct node *n;

	assert_in_range(admit(&r, &n), 0, 1);
	return n;
}

/* A link is never looked into here. */
static struct grasp_link *const a_link = (struct grasp_link *)&f;

static struct node *
join_with_link(uint8_t id, const char *name)
{
	struct node *n = join(id, name);

	registry_linked(f.registry, n, a_link);
	return n;
}

static void
pass(int64_t ms)
{
	fake_run(f.net, ms);
}

static void
expect_told(const char *what)
{
	assert_string_equal(f.told, what);
	f.told[0] = '\0';
}

static void
collect_kind(void *arg, const struct event_row *e)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 512 - len, "%s:%s ", e->node, e->kind);
}

static void
expect_events(const char *what)
{
	char text[512] = "";

	store_flush(f.store);
	store_events_last(f.store, 100, collect_kind, text);
	assert_string_equal(text, what);
}

static void
collect_node(void *arg, const struct node_row *n)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 512 - len, "%s:%s ", n->name, n->state);
}

static void
expect_stored(const char *what)
{
	char text[512] = "";

	store_flush(f.store);
	store_nodes(f.store, collect_node, text);
	assert_string_equal(text, what);
}

/* --- registration ---------------------------------------------------------------------------------------- */
static void
a_registration_is_acknowledged_when_it_is_on_the_disk(void **state)
{
	struct node *n = join(1, "robot");

	(void)state;
	assert_int_equal(f.done, 0);
	assert_int_equal(n->state, NODE_ALIVE);
	expect_stored("robot:alive ");
	assert_int_equal(f.done, 1);
	expect_events("robot:node.joined ");
	expect_told("robot:gone>alive ");
	assert_string_equal(n->caps->type, "gateway");
	assert_int_equal(registry_count(f.registry, NODE_ALIVE), 1);
}

static void
a_renewal_without_news_writes_nothing(void **state)
{
	struct fog_registration r = make_registration(1, "robot");
	struct node *n = join(1, "robot"), *again;

	(void)state;
	r.renew = true;
	r.caps.len = 0;
	r.plan_version = 7;
	pass(20000);
	assert_int_equal(admit(&r, &again), 1);
	assert_ptr_equal(n, again);
	assert_int_equal(n->plan_version, 7);
	assert_int_equal(n->lease_until_ms - now(&f.io), LEASE_MS);
	expect_told("robot:gone>alive ");
}

static void
changed_capabilities_are_stored_and_told(void **state)
{
	struct fog_registration r = make_registration(1, "robot");
	struct node *n = join(1, "robot");

	(void)state;
	r.renew = true;
	r.caps = make_caps(1);
	f.told[0] = '\0';
	assert_int_equal(admit(&r, &n), 0);
	expect_told("robot:alive>alive ");
	assert_string_equal(n->caps->type, "robot");
	close_registry();
	open_registry();
	assert_string_equal(registry_by_name(f.registry, "robot")->caps->type, "robot");
}

static void
an_unknown_node_that_renews_has_to_register_again(void **state) /* REG-09 */
{
	struct fog_registration r = make_registration(1, "robot");
	struct node *n;

	(void)state;
	r.renew = true;
	assert_int_equal(admit(&r, &n), -EACCES);
	assert_string_equal(f.why.text, "unknown: register again");
}

static void
expect_refused(struct fog_registration r, const char *beginning)
{
	struct node *n;

	assert_int_equal(admit(&r, &n), -EACCES);
	assert_int_equal(strncmp(f.why.text, beginning, strlen(beginning)), 0);
}

static void
what_does_not_fit_is_refused_with_the_reason(void **state)
{
	struct fog_registration r;

	(void)state;
	expect_refused(make_registration(1, "a b"), "malformed: a name");
	r = make_registration(1, "robot");
	snprintf(r.domain, sizeof r.domain, "other");
	expect_refused(r, "domain: this is a controller of plant");
	r = make_registration(1, "robot");
	r.caps = slice_text("\x80");
	expect_refused(r, "malformed: capabilities");
	assert_null(registry_first(f.registry));
	expect_stored("");
}

static void
a_node_without_a_name_is_called_by_its_id(void **state)
{
	struct node *n = join(0xab, "");

	(void)state;
	assert_string_equal(n->name, "ab0000000000000000000000000000ab");
	registry_linked(f.registry, n, a_link);
	assert_ptr_equal(join(0xab, ""), n);
}

static void
r_03_each_allocation_of_a_registration_may_fail(void **state)
{
	struct fog_registration r = make_registration(1, "robot");
	struct node *n;
	int err = -ENOMEM;

	(void)state;
	for (size_t i = 1; err == -ENOMEM; i++) {
		store_flush(f.store); /* so that its thread is asleep */
		if (!alloc_fail(i))
			skip();
		err = admit(&r, &n);
		alloc_fail(0);
		assert_true(i < 20);
		if (err == -ENOMEM)
			assert_null(registry_first(f.registry));
	}
	assert_int_equal(err, 0);
	expect_told("robot:gone>alive ");
	expect_stored("robot:alive ");
	r.caps = make_caps(1);
	for (size_t i = 1; i < 4; i++) {
		alloc_fail(i);
		err = admit(&r, &n);
		alloc_fail(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
	}
	assert_int_equal(err, 0);
	store_flush(f.store);
	assert_int_equal(f.done, 2); /* the new capabilities were stored */
}

static void
a_full_registry_refuses_more_nodes(void **state)
{
	(void)state;
	close_registry();
	f.cfg.nodes_max = 2;
	open_registry();
	join(1, "a");
	join(2, "b");
	expect_refused(make_registration(3, "c"), "busy: ");
	join(1, "d"); /* known ones may come */
}

static void
a_name_belongs_to_the_node_that_is_there(void **state)
{
	struct node *n = join_with_link(1, "robot"), *other;

	(void)state;
	expect_refused(
	    make_registration(2, "robot"), "conflict: the name robot is taken");
	registry_unlinked(f.registry, n, now(&f.io), false);
	pass(1500);
	f.told[0] = '\0';
	other = join(2, "robot");
	expect_told("robot:suspect>gone robot:gone>alive ");
	assert_ptr_equal(registry_by_name(f.registry, "robot"), other);
	pass(500);
	assert_ptr_equal(registry_first(f.registry), other); /* the old one is swept */
	assert_null(other->next);
	expect_stored("robot:gone robot:alive ");
}

static void
a_node_is_found_by_name_id_and_a_prefix_of_it(void **state)
{
	struct node *n = join(1, "robot");
	char id[FOG_ID_TEXT];

	(void)state;
	fog_id_format(&n->id, id);
	assert_ptr_equal(registry_by_name(f.registry, "robot"), n);
	assert_ptr_equal(registry_by_name(f.registry, id), n);
	id[8] = '\0';
	assert_ptr_equal(registry_by_name(f.registry, id), n);
	id[7] = '\0';
	assert_null(registry_by_name(f.registry, id));
	assert_null(registry_by_name(f.registry, ""));
	assert_ptr_equal(registry_by_id(f.registry, &n->id), n);
}

static void
a_prefix_of_two_ids_names_none(void **state)
{
	struct fog_registration one = make_registration(1, "a"),
				two = make_registration(1, "b");
	struct node *n;

	(void)state;
	two.node.bytes[15] = 9;
	assert_int_equal(admit(&one, &n), 0);
	assert_int_equal(admit(&two, &n), 0);
	assert_null(registry_by_name(f.registry, "01000000"));
}

/* --- the state machine -------------------------------------------------------------------------------------- */
static void
a_closed_link_makes_suspect_in_1_s_and_lost_in_8(void **state)
{
	struct node *n = join_with_link(1, "robot");

	(void)state;
	pass(60000); /* a link that is open is looked after by the engine */
	expect_told("robot:gone>alive ");
	registry_unlinked(f.registry, n, now(&f.io), false);
	pass(900);
	expect_told("");
	pass(350);
	expect_told("robot:alive>suspect ");
	pass(6500);
	expect_told("");
	pass(500);
	expect_told("robot:suspect>lost ");
	expect_events("robot:node.joined robot:node.suspect robot:node.lost ");
	expect_stored("robot:lost ");
}

static void
a_silent_link_makes_suspect_at_once_and_lost_8_s_after_the_last_word(void **state)
{
	struct node *n = join_with_link(1, "robot");
	int64_t heard = now(&f.io);

	(void)state;
	pass(5000);
	f.told[0] = '\0';
	registry_unlinked(f.registry, n, heard, true);
	expect_told("robot:alive>suspect ");
	pass(2900);
	expect_told("");
	pass(400);
	expect_told("robot:suspect>lost ");
}

static void
a_node_that_is_revoked_is_lost_at_once_S_19(void **state)
{
	struct node *n = join_with_link(1, "robot");

	(void)state;
	f.told[0] = '\0';
	registry_unlinked(f.registry, n, now(&f.io), false);
	registry_lose(f.registry, n, "revoked");
	expect_told("robot:alive>lost ");
	registry_lose(f.registry, n, "revoked");
	pass(20000);
	expect_told("");
	expect_events("robot:node.joined robot:node.lost ");
	expect_stored("robot:lost ");
}

static void
a_node_that_comes_back_within_a_second_was_never_away(void **state)
{
	struct node *n = join_with_link(1, "robot");

	(void)state;
	registry_unlinked(f.registry, n, now(&f.io), false);
	pass(800);
	registry_linked(f.registry, n, a_link);
	pass(20000);
	expect_told("robot:gone>alive ");
}

static void
any_word_makes_alive_again(void **state)
{
	struct node *n = join_with_link(1, "robot");

	(void)state;
	registry_unlinked(f.registry, n, now(&f.io), false);
	pass(30000);
	expect_told("robot:gone>alive robot:alive>suspect robot:suspect>lost ");
	registry_linked(f.registry, n, a_link);
	registry_heard(f.registry, n, 9000);
	expect_told("robot:lost>alive ");
	pass(30000);
	expect_told("");
	expect_stored("robot:alive ");
}

static void
a_node_that_takes_no_lease_does_not_stay_alive(void **state)
{
	(void)state;
	join(1, "robot");
	f.told[0] = '\0';
	pass(LEASE_MS + 500);
	expect_told("robot:alive>suspect robot:suspect>lost ");
}

static void
a_lost_node_is_gone_in_the_end_and_may_come_back_as_a_new_one(void **state)
{
	struct node *n = join_with_link(1, "robot");

	(void)state;
	registry_unlinked(f.registry, n, now(&f.io), false);
	pass(LOST_MS + 10000);
	expect_told(
	    "robot:gone>alive robot:alive>suspect robot:suspect>lost robot:lost>gone ");
	assert_null(registry_first(f.registry));
	expect_stored("robot:gone ");
	join(1, "robot");
	expect_told("robot:gone>alive ");
	expect_events(
	    "robot:node.joined robot:node.suspect robot:node.lost robot:node.left"
	    " robot:node.joined ");
}

/* --- over a start ------------------------------------------------------------------------------------------- */
static void
after_a_start_each_node_has_a_lease_of_time_to_come_back(void **state) /* REG-13 */
{
	(void)state;
	join_with_link(1, "back");
	join_with_link(2, "away");
	close_registry();
	f.told[0] = '\0';
	open_registry();
	assert_int_equal(registry_by_name(f.registry, "back")->state, NODE_SUSPECT);
	assert_string_equal(registry_by_name(f.registry, "back")->caps->type, "gateway");
	pass(LEASE_MS - 1000);
	expect_told("");
	join_with_link(1, "back");
	expect_told("back:suspect>alive ");
	pass(1500);
	expect_told("away:suspect>lost ");
}

static void
a_node_that_was_lost_stays_so_over_a_start(void **state)
{
	struct node *n = join_with_link(1, "robot");

	(void)state;
	registry_unlinked(f.registry, n, now(&f.io), false);
	pass(10000);
	close_registry();
	f.told[0] = '\0';
	open_registry();
	assert_int_equal(registry_by_name(f.registry, "robot")->state, NODE_LOST);
	pass(60000);
	expect_told("");
}

/* --- doubt ourselves first ------------------------------------------------------------------------------------ */
static void
r_09_a_hole_in_our_own_clock_gives_the_nodes_their_time_again(void **state)
{
	struct node *away = join_with_link(1, "away"),
		    *linked = join_with_link(2, "linked");
	int64_t heard = now(&f.io);

	(void)state;
	registry_unlinked(f.registry, away, heard, false);
	pass(2000);
	expect_told("away:gone>alive linked:gone>alive away:alive>suspect ");
	f.skew_ms += 120000; /* SIGSTOP, SIGCONT */
	registry_unlinked(
	    f.registry, linked, heard, true); /* the engine's timers fire first */
	pass(900);
	expect_told("");
	pass(6000);
	expect_told("linked:alive>suspect ");
	registry_linked(f.registry, away, a_link);
	registry_heard(f.registry, away, 9000);
	expect_told("away:suspect>alive ");
}

static void
verdicts_wait_while_our_loop_is_late(void **state)
{
	struct node *n = join_with_link(1, "robot");

	(void)state;
	registry_unlinked(f.registry, n, now(&f.io), false);
	pass(1500);
	expect_told("robot:gone>alive robot:alive>suspect ");
	for (int i = 0; i < 12;
	     i++) { /* each turn 800 ms late: five times the patience */
		f.skew_ms += 800;
		pass(250);
	}
	expect_told("");
	pass(8000);
	expect_told("robot:suspect>lost ");
}

static void
r_27_a_mass_of_silent_nodes_is_rather_our_network(void **state)
{
	struct node *n[10];
	char name[8];

	(void)state;
	for (uint8_t i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "n%d", i);
		n[i] = join_with_link(i, name);
	}
	for (int i = 0; i < 4; i++)
		registry_unlinked(f.registry, n[i], now(&f.io), false);
	f.told[0] = '\0';
	pass(59000);
	expect_told(
	    "n3:alive>suspect n2:alive>suspect n1:alive>suspect n0:alive>suspect ");
	registry_linked(f.registry, n[0], a_link);
	registry_heard(f.registry, n[0], 9000);
	f.told[0] = '\0';
	pass(3000);
	expect_told("n3:suspect>lost n2:suspect>lost n1:suspect>lost ");
}

static void
two_of_four_silent_nodes_are_no_mass(void **state)
{
	struct node *n[4];
	char name[8];

	(void)state;
	for (uint8_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "n%d", i);
		n[i] = join_with_link(i, name);
	}
	registry_unlinked(f.registry, n[0], now(&f.io), false);
	registry_unlinked(f.registry, n[1], now(&f.io), false);
	f.told[0] = '\0';
	pass(9000);
	expect_told("n1:alive>suspect n0:alive>suspect n1:suspect>lost n0:suspect>lost ");
}

/* --- clocks and beats ------------------------------------------------------------------------------------------- */
static void
the_smallest_clock_offset_is_believed_and_drift_is_followed(void **state)
{
	struct node *n = join(1, "robot"); /* said 5,000 */
	int64_t start = now(&f.io);

	(void)state;
	assert_int_equal(n->clock_offset_ms, start - 5000);
	pass(1000);
	registry_heard(f.registry, n, 5700); /* 300 ms on the way */
	assert_int_equal(n->clock_offset_ms, start - 5000);
	pass(1000);
	registry_heard(f.registry, n, 7040); /* faster than ever */
	assert_int_equal(n->clock_offset_ms, start - 5040);
	pass(1000000);
	registry_heard(f.registry, n, 1006540); /* its clock is 500 ms slower by now */
	assert_int_equal(n->clock_offset_ms, start - 4540);
}

static void
a_new_start_of_the_agent_has_a_new_clock(void **state)
{
	struct fog_registration r = make_registration(1, "robot");
	struct node *n = join(1, "robot");

	(void)state;
	r.boot[0] = 2;
	r.boot_ms = 100;
	assert_int_equal(admit(&r, &n), 1);
	assert_int_equal(n->clock_offset_ms, now(&f.io) - 100);
}

static void
heartbeats_get_rarer_with_the_number_of_nodes(void **state)
{
	char name[16];

	(void)state;
	assert_int_equal(registry_beat(f.registry), 2000);
	for (unsigned i = 0; i < 7500; i++) {
		struct fog_registration r;
		struct node *n;

		snprintf(name, sizeof name, "n%u", i);
		r = make_registration(1, name);
		memcpy(r.node.bytes + 12, &i, sizeof i);
		assert_int_equal(admit(&r, &n), 0);
	}
	assert_int_equal(registry_beat(f.registry), 3000);
	store_flush(f.store);
	assert_int_equal(f.done, 7500);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_registration_is_acknowledged_when_it_is_on_the_disk),
		CASE(a_renewal_without_news_writes_nothing),
		CASE(changed_capabilities_are_stored_and_told),
		CASE(an_unknown_node_that_renews_has_to_register_again),
		CASE(what_does_not_fit_is_refused_with_the_reason),
		CASE(a_node_without_a_name_is_called_by_its_id),
		CASE(r_03_each_allocation_of_a_registration_may_fail),
		CASE(a_full_registry_refuses_more_nodes),
		CASE(a_name_belongs_to_the_node_that_is_there),
		CASE(a_node_is_found_by_name_id_and_a_prefix_of_it),
		CASE(a_prefix_of_two_ids_names_none),
		CASE(a_closed_link_makes_suspect_in_1_s_and_lost_in_8),
		CASE(
		    a_silent_link_makes_suspect_at_once_and_lost_8_s_after_the_last_word),
		CASE(a_node_that_is_revoked_is_lost_at_once_S_19),
		CASE(a_node_that_comes_back_within_a_second_was_never_away),
		CASE(any_word_makes_alive_again),
		CASE(a_node_that_takes_no_lease_does_not_stay_alive),
		CASE(a_lost_node_is_gone_in_the_end_and_may_come_back_as_a_new_one),
		CASE(after_a_start_each_node_has_a_lease_of_time_to_come_back),
		CASE(a_node_that_was_lost_stays_so_over_a_start),
		CASE(r_09_a_hole_in_our_own_clock_gives_the_nodes_their_time_again),
		CASE(verdicts_wait_while_our_loop_is_late),
		CASE(r_27_a_mass_of_silent_nodes_is_rather_our_network),
		CASE(two_of_four_silent_nodes_are_no_mass),
		CASE(the_smallest_clock_offset_is_believed_and_drift_is_followed),
		CASE(a_new_start_of_the_agent_has_a_new_clock),
		CASE(heartbeats_get_rarer_with_the_number_of_nodes),
	};

	log_open("test_registry", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
