/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/location.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEGREE_M 111195.08 /* of latitude */

static const struct geo_point campus[] = { { 40.330, -3.770 }, { 40.330, -3.760 },
	{ 40.340, -3.760 }, { 40.340, -3.770 } };
/* An L: what is in its notch is outside. */
static const struct geo_point notched[] = { { 0, 0 }, { 0, 0.02 }, { 0.01, 0.02 },
	{ 0.01, 0.01 }, { 0.02, 0.01 }, { 0.02, 0 } };

static void
assert_metres(double got, double wanted)
{
	if (!(fabs(got - wanted) <= 1 + 0.002 * fabs(wanted)))
		fail_msg("%g m, not %g m", got, wanted);
}

static double
in_campus(double lat, double lon)
{
	return location_area_margin(
	    campus, ARRAY_LEN(campus), (struct geo_point){ lat, lon });
}

static void
metres_to_the_boundary_are_positive_inside_CND_02(void **state)
{
	(void)state;
	assert_metres(
	    in_campus(40.335, -3.7699), 0.0001 * DEGREE_M * cos(40.335 * M_PI / 180));
	assert_metres(in_campus(40.331, -3.765), 0.001 * DEGREE_M);
	assert_metres(in_campus(40.329, -3.765), -0.001 * DEGREE_M);
	assert_metres(in_campus(40.350, -3.765), -0.010 * DEGREE_M);
	assert_metres(
	    in_campus(40.339, -3.7599), -0.0001 * DEGREE_M * cos(40.339 * M_PI / 180));
}

static void
corners_may_go_either_way_round(void **state)
{
	struct geo_point back[ARRAY_LEN(campus)], p = { 40.333, -3.763 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(campus); i++)
		back[i] = campus[ARRAY_LEN(campus) - 1 - i];
	assert_metres(location_area_margin(back, ARRAY_LEN(back), p),
	    location_area_margin(campus, ARRAY_LEN(campus), p));
}

static void
an_area_may_have_a_notch(void **state)
{
	static const struct {
		struct geo_point p;
		double degrees;
	} table[] = { { { 0.005, 0.015 }, 0.005 }, { { 0.015, 0.005 }, 0.005 },
		{ { 0.015, 0.015 }, -0.005 }, { { 0.012, 0.012 }, -0.002 },
		{ { 0.005, 0.005 }, 0.005 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_metres(
		    location_area_margin(notched, ARRAY_LEN(notched), table[i].p),
		    table[i].degrees * DEGREE_M);
}

/* Whatever moves over a boundary has its sign changed there and nowhere else. */
static void
the_margin_is_continuous_over_a_boundary(void **state)
{
	double before = in_campus(40.325, -3.765);

	(void)state;
	for (double lat = 40.32505; lat < 40.345; lat += 0.00005) {
		double margin = in_campus(lat, -3.765);

		assert_true(fabs(margin - before) < 6);
		assert_true((margin >= 0) == (lat >= 40.330 && lat <= 40.340) ||
		    fabs(margin) < 6);
		before = margin;
	}
}

static void
all_that_is_asked_for_must_hold(void **state)
{
	char node[] = "user";
	struct location l = { .circle = { { 40.335, -3.765 }, 500 },
		.near = { .node = node, .within_m = 300 } };
	struct geo_point p = { 40.335, -3.765 }, near = { 40.337, -3.765 };

	(void)state;
	assert_metres(location_margin(&l, p, &near), 300 - 0.002 * DEGREE_M);
	assert_true(isnan(location_margin(&l, p, NULL)));
	l.near.node = NULL;
	assert_metres(location_margin(&l, p, NULL), 500);
	memcpy(l.corner, campus, sizeof campus);
	l.corners = ARRAY_LEN(campus);
	assert_metres(location_margin(&l, (struct geo_point){ 40.3395, -3.765 }, NULL),
	    500 - 0.0045 * DEGREE_M);
	assert_true(
	    location_margin(&(struct location){ 0 }, p, NULL) == (double)INFINITY);
}

static struct caps
put_at(double lat, double lon)
{
	return (struct caps){ .located = true, .latitude = lat, .longitude = lon };
}

static void
a_node_is_near_to_itself_wherever_that_is(void **state)
{
	char name[] = "user";
	struct location l = { .near = { .node = name, .within_m = 300 } };
	struct caps nowhere = { 0 }, there = put_at(40.335, -3.765);
	struct node user = { .caps = &nowhere }, other = { .caps = &there };
	int64_t time_ms;

	(void)state;
	assert_metres(location_margin_of(&l, &user, &user, NULL, 0, &time_ms), 300);
	assert_true(isnan(location_margin_of(&l, &other, &user, NULL, 0, NULL)));
	user.caps = &there;
	assert_metres(location_margin_of(&l, &other, &user, NULL, 0, &time_ms), 300);
	assert_true(time_ms == INT64_MIN);
	assert_true(isnan(location_margin_of(&l, &other, NULL, NULL, 0, NULL)));
}

static void
only_what_does_not_move_is_judged_by_where_it_was_put(void **state)
{
	struct location l = { .circle = { { 40.335, -3.765 }, 500 } };
	struct caps c = put_at(40.335, -3.765);

	(void)state;
	assert_metres(location_margin_fixed(&l, &c), 500);
	strcpy(c.device[c.devices++], "gps");
	assert_true(isnan(location_margin_fixed(&l, &c)));
	strcpy(c.device[0], "gnss0");
	assert_true(isnan(location_margin_fixed(&l, &c)));
	c = (struct caps){ 0 };
	assert_true(isnan(location_margin_fixed(&l, &c)));
}

static void
a_location_is_told_in_words(void **state)
{
	char node[] = "user", function[] = "camera", text[LOCATION_TEXT_MAX];
	struct location l = { .circle = { { 40.33, -3.76 }, 500 } };

	(void)state;
	location_text(&l, text, sizeof text);
	assert_string_equal(text, "within 500 m of 40.33,-3.76");
	l = (struct location){ .near = { .node = node, .within_m = 200 } };
	location_text(&l, text, sizeof text);
	assert_string_equal(text, "within 200 m of node user");
	l = (struct location){ .near = { .function = function, .within_m = 200 },
		.corners = 4 };
	memcpy(l.corner, campus, sizeof campus);
	location_text(&l, text, sizeof text);
	assert_string_equal(
	    text, "in the area around 40.33,-3.77, within 200 m of function camera");
}

/* --- vitals ------------------------------------------------------------------------------------- */

static struct caps moving;
static struct node robot = { .id = { "robot" }, .caps = &moving };

static void
a_position_needs_both_halves_of_one_sampling(void **state)
{
	CLEANUP(vitals_free) struct vitals *v = NULL;
	struct geo_point p;
	int64_t time_ms;

	(void)state;
	assert_int_equal(vitals_new(&v), 0);
	assert_false(vitals_position(v, &robot, 1000, &p, NULL));
	vitals_point(v, &robot, VITAL_LATITUDE, 1000, 40.33);
	assert_false(vitals_position(v, &robot, 1000, &p, NULL));
	vitals_point(v, &robot, VITAL_LONGITUDE, 1000, -3.76);
	assert_true(vitals_position(v, &robot, 1000, &p, &time_ms));
	assert_true(time_ms == 1000);
	vitals_point(v, &robot, VITAL_LONGITUDE, 2000, -3.80);
	assert_true(vitals_position(v, &robot, 2000, &p, NULL));
	assert_true(fabs(p.lat - 40.33) < 1e-9 && fabs(p.lon + 3.76) < 1e-9);
	vitals_point(v, &robot, VITAL_LATITUDE, 2000, 40.35);
	assert_true(vitals_position(v, &robot, 2000, &p, NULL));
	assert_true(fabs(p.lat - 40.35) < 1e-9 && fabs(p.lon + 3.80) < 1e-9);
	vitals_point(v, &robot, VITAL_LATITUDE, 3000, 95); /* garbage */
	vitals_point(v, &robot, VITAL_LONGITUDE, 3000, NAN);
	assert_true(vitals_position(v, &robot, 3000, &p, &time_ms));
	assert_true(time_ms == 2000);
}

static void
an_old_position_is_none_unless_it_was_put_there_CND_04(void **state)
{
	CLEANUP(vitals_free) struct vitals *v = NULL;
	struct geo_point p;

	(void)state;
	assert_int_equal(vitals_new(&v), 0);
	vitals_point(v, &robot, VITAL_LATITUDE, 1000, 40.33);
	vitals_point(v, &robot, VITAL_LONGITUDE, 1000, -3.76);
	assert_false(vitals_position(v, &robot, 1001 + VITALS_FRESH_MS, &p, NULL));
	moving = put_at(1, 2);
	assert_true(vitals_position(v, &robot, 1000, &p, NULL));
	assert_true(p.lat > 40);
	assert_true(vitals_position(v, &robot, 1001 + VITALS_FRESH_MS, &p, NULL));
	assert_true(p.lat < 2);
	vitals_forget(v, &robot);
	assert_true(vitals_position(v, &robot, 1000, &p, NULL));
	assert_true(p.lat < 2);
	moving = (struct caps){ 0 };
}

static void
how_busy_a_node_is_is_smoothed_and_grows_old(void **state)
{
	CLEANUP(vitals_free) struct vitals *v = NULL;

	(void)state;
	assert_int_equal(vitals_new(&v), 0);
	assert_true(isnan(vitals_busy(v, &robot, 0)));
	vitals_point(v, &robot, VITAL_BUSY, 10000, 0.2);
	assert_true(fabs(vitals_busy(v, &robot, 10000) - 0.2) < 1e-9);
	vitals_point(v, &robot, VITAL_BUSY, 20000, 1); /* a burst */
	assert_true(vitals_busy(v, &robot, 20000) < 0.5);
	for (int64_t t = 30000; t <= 150000; t += 10000)
		vitals_point(v, &robot, VITAL_BUSY, t, 1);
	assert_true(vitals_busy(v, &robot, 150000) > 0.95);
	vitals_point(v, &robot, VITAL_BUSY, 160000, NAN);
	assert_true(vitals_busy(v, &robot, 160000) > 0.95);
	assert_true(isnan(vitals_busy(v, &robot, 150001 + VITALS_FRESH_MS)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metres_to_the_boundary_are_positive_inside_CND_02),
		cmocka_unit_test(corners_may_go_either_way_round),
		cmocka_unit_test(an_area_may_have_a_notch),
		cmocka_unit_test(the_margin_is_continuous_over_a_boundary),
		cmocka_unit_test(all_that_is_asked_for_must_hold),
		cmocka_unit_test(a_node_is_near_to_itself_wherever_that_is),
		cmocka_unit_test(only_what_does_not_move_is_judged_by_where_it_was_put),
		cmocka_unit_test(a_location_is_told_in_words),
		cmocka_unit_test(a_position_needs_both_halves_of_one_sampling),
		cmocka_unit_test(an_old_position_is_none_unless_it_was_put_there_CND_04),
		cmocka_unit_test(how_busy_a_node_is_is_smoothed_and_grows_old),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
