/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that have to be somewhere: what is planned, foreseen and done for that. */
#include "controller/judge_int.h"
#include "tests/support/test.h"
#include "tests/support/world.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LAT	 "node_gps_latitude_degrees"
#define LON	 "node_gps_longitude_degrees"
#define DEGREE_M 111195.0

static const char circle[] =
    "service: s\n"
    "hook: mover\n"
    "functions:\n"
    "  - name: f\n"
    "    host: A\n"
    "    location: {circle: \"40.33,-3.76,500m\", period: 1s, hold: 0s}\n"
    "    migration: {lead: 20s, cooldown: 20s}\n";
static const char near[] =
    "service: s\n"
    "hook: mover\n"
    "functions:\n"
    "  - name: f\n"
    "    host: A\n"
    "    avoid: [user]\n"
    "    location: {near: {node: user, within: 300m}, period: 1s, hold: 0s}\n"
    "    migration: {lead: 20s, cooldown: 20s}\n";

static int
open_world(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	world_open(&w);
	*state = &w;
	return 0;
}

static int
close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void
put_node(struct world *w, const char *name, double north_m)
{
	struct caps caps = { .energy = CAPS_MAINS,
		.battery = NAN,
		.cpus = 4,
		.memory_bytes = 1ULL << 30,
		.located = true,
		.latitude = 40.33 + north_m / DEGREE_M,
		.longitude = -3.76 };

	world_node(w, name, &caps);
}

/* From so many metres north of the centre, northwards. */
static void
drive(struct world *w, const char *name, double north_m, double m_per_s)
{
	world_signal(w, name, LAT, 40.33 + north_m / DEGREE_M, m_per_s / DEGREE_M, 2e-6);
	world_signal(w, name, LON, -3.76, 0, 2e-6);
}

static bool
has_item(struct world *w, const char *node, const char *expr, uint32_t period_ms)
{
	static struct fog_plan plan;

	judge_plan(w->judge, world_find(w, node), &plan);
	for (unsigned i = 0; i < plan.items; i++)
		if (!strcmp(judge_item_text(w->judge, plan.item[i].id), expr))
			return plan.item[i].period_ms == period_ms;
	return false;
}

static const struct watch *
watch_of(struct world *w, const char *node)
{
	const struct watch *watch =
	    watches_of(w->judge->watches, &world_find(w, node)->id);

	assert_non_null(watch);
	assert_int_equal(watch->requirement->origin, REQUIRE_LOCATION);
	assert_null(watch->next);
	return watch;
}

static void
who_may_move_tells_where_it_is_and_candidates_less_often_PLN_02(void **state)
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	put_node(w, "C", 100);
	put_node(w, "D", 2000);
	world_apply(w, circle);
	assert_true(has_item(w, "A", LAT, 1000) && has_item(w, "A", LON, 1000));
	assert_true(has_item(w, "B", LAT, 3000) && has_item(w, "B", LON, 3000));
	assert_false(has_item(w, "C", LAT, 3000) || has_item(w, "C", LON, 3000));
	assert_false(has_item(w, "D", LAT, 3000));
	assert_string_equal(
	    watch_of(w, "A")->requirement->text, "within 500 m of 40.33,-3.76");
	watch_of(w, "B");
}

static void
what_others_have_to_be_near_to_tells_as_well_PLN_02(void **state)
{
	struct world *w = *state;

	put_node(w, "A", 0);
	world_node(w, "user", NULL);
	world_apply(w, near);
	assert_true(has_item(w, "user", LAT, 1000) && has_item(w, "user", LON, 1000));
	assert_int_equal(judge_remove(w->judge, "s", NULL, NULL), 0);
	store_flush(w->store);
	assert_false(has_item(w, "user", LAT, 1000)); /* PLN-04 */
}

static bool
has_moved(struct world *w)
{
	return !strcmp(world_host(w, "s", "f"), "C");
}

static void
a_robot_that_will_leave_the_area_is_left_before_PRD_01(void **state)
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	put_node(w, "C", 100);
	world_apply(w, circle);
	drive(w, "A", 0, 0);
	world_run(w, 60000);
	assert_string_equal(world_host(w, "s", "f"), "A");
	drive(w, "A", 0, 5); /* out after 100 s */
	assert_true(world_run_until(w, has_moved, 99000));
	assert_int_equal(world_events(w, "service.degraded"), 0);
	assert_non_null(strstr(world_event(w, "prediction.raised"), "within 500 m of"));
}

static void
a_robot_that_stands_near_the_boundary_stays_PRD_04(void **state)
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	put_node(w, "C", 100);
	world_apply(w, circle);
	drive(w, "A", 440, 0);
	world_run(w, 180000);
	assert_string_equal(world_host(w, "s", "f"), "A");
	assert_int_equal(world_events(w, "prediction.raised"), 0);
	assert_true(fabs(watch_of(w, "A")->value - 60) < 5);
}

static void
the_user_drives_away_and_the_function_follows(void **state)
{
	struct world *w = *state;

	put_node(w, "A", 0);
	put_node(w, "C", 600);
	world_node(w, "user", NULL);
	world_apply(w, near);
	drive(w, "user", 0, 0);
	world_run(w, 30000);
	assert_true(fabs(watch_of(w, "A")->value - 300) < 5);
	assert_string_equal(world_host(w, "s", "f"), "A");
	drive(w, "user", 0, 3); /* 300 m after 100 s: both are near enough for a moment */
	assert_true(world_run_until(w, has_moved, 115000));
}

static void
silence_is_no_place_CND_04(void **state)
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_apply(w, circle);
	world_run(w, 5000);
	assert_int_equal(watch_of(w, "A")->state, WATCH_UNKNOWN);
	drive(w, "A", 0, 0);
	world_run(w, 5000);
	assert_int_equal(watch_of(w, "A")->state, WATCH_OK);
	world_signal(w, "A", LON, 0, 0, 0)->off = true; /* half a position is none */
	world_run(w, 90000);
	assert_int_equal(watch_of(w, "A")->state, WATCH_UNKNOWN);
}

static void
a_host_that_was_put_outside_is_left(void **state)
{
	struct world *w = *state;

	put_node(w, "A", 2000);
	put_node(w, "C", 100);
	world_apply(w, circle);
	assert_true(world_run_until(w, has_moved, 20000));
}

int
main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
	const struct CMUnitTest tests[] = {
		IN_WORLD(who_may_move_tells_where_it_is_and_candidates_less_often_PLN_02),
		IN_WORLD(what_others_have_to_be_near_to_tells_as_well_PLN_02),
		IN_WORLD(a_robot_that_will_leave_the_area_is_left_before_PRD_01),
		IN_WORLD(a_robot_that_stands_near_the_boundary_stays_PRD_04),
		IN_WORLD(the_user_drives_away_and_the_function_follows),
		IN_WORLD(silence_is_no_place_CND_04),
		IN_WORLD(a_host_that_was_put_outside_is_left),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
