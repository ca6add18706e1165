// SPDX-License-Identifier: Apache-2.0
#include "grasp/geo.h"
#include "base/mem.h"
#include "tests/support/test.h"
#include <errno.h>
#include <string.h>

static struct geo_circle
circle(const char *text)
{
	struct geo_circle c;

	assert_int_equal(0, geo_parse_circle(slice_text(text), &c));
	return c;
}

/* From the published description of geohash, and from geohash.org. */
static void
points_have_their_published_geohash_SC_08(void **state)
{
	static const struct {
		struct geo_point at;
		unsigned len;
		const char *hash;
	} cases[] = {
		{ { 57.64911, 10.40744 }, 11, "u4pruydqqvj" },
		{ { 42.605, -5.603 }, 5, "ezs42" },
		{ { 40.33, -3.77 }, 4, "ezjm" },
		{ { 0, 0 }, 6, "s00000" },
		{ { 90, 180 }, 3, "zzz" },
		{ { -90, -180 }, 3, "000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(
		    geo_hash_of(cases[i].at, cases[i].len).text, cases[i].hash);
}

/* Great circles with known lengths, to half a percent: the earth is no sphere. */
static void
distances_are_those_of_the_globe_SCP_07(void **state)
{
	static const struct {
		struct geo_point a, b;
		double m;
	} cases[] = {
		{ { 36.12, -86.67 }, { 33.94, -118.40 }, 2886448 },
		{ { 0, 0 }, { 0, 180 }, 20015115 },
		{ { 0, 179.5 }, { 0, -179.5 }, 111195 },
		{ { 40.33, -3.77 }, { 40.33, -3.77 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double d = geo_distance(cases[i].a, cases[i].b);

		assert_true(d >= cases[i].m * 0.995 && d <= cases[i].m * 1.005);
	}
}

static void
places_are_written_in_one_way(void **state)
{
	char text[GEO_TEXT_MAX];
	struct geo_circle c = circle("-40.330000, +3.7700000,2.5 km");

	(void)state;
	assert_string_equal(geo_format_circle(&c, text), "-40.33,3.77,2500");
	c = circle("-0.0000001,180,100m");
	assert_string_equal(geo_format_circle(&c, text), "0,180,100");
}

static void
what_is_no_place_is_refused(void **state)
{
	static const char *const wrong[] = { "", "1", "1,2", "1,2,", "91,0,1", "0,181,1",
		"1,2,3,4", "1,2,-5", "1,2,0.5", "1,2,30000km", "x,2,3", "1,2,3 miles",
		"1..2,3,4", "0x1,2,3", "1e3,2,3" };
	struct geo_circle c;
	struct geo_point p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (geo_parse_circle(slice_text(wrong[i]), &c) != -EINVAL)
			fail_msg("\"%s\"", wrong[i]);
	assert_int_equal(-EINVAL, geo_parse_point(slice_text("1,2,3"), &p));
	assert_int_equal(-EINVAL, geo_parse_point(slice_text("1;2"), &p));
}

/* Every point of the circle lies in one of the cells that were picked. */
static void
cells_cover_all_of_a_circle_SC_08_SCP_07(void **state)
{
	static const char *const cases[] = { "40.33,-3.77,2km", "40.33,-3.77,2m",
		"0,0,50km", "10,179.999,3km", "-33.9,18.4,120km", "69.6,18.9,30km",
		"52.5,13.4,300m", "40,-180,20km" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct geo_circle c = circle(cases[i]);
		struct geo_hash cell[GEO_CELLS_MAX];
		int n = geo_cover(&c, 3, 6, cell);
		unsigned inside = 0;

		assert_in_range(n, 1, GEO_CELLS_MAX);
		for (int lat = -40; lat <= 40; lat++)
			for (int lon = -180; lon < 180; lon++) {
				double reach = c.radius_m / 111000;
				struct geo_point p = { c.centre.lat + lat * reach / 40,
					c.centre.lon +
					    (lat % 2 ? lon : lon * reach / 60) };
				bool covered = false;

				if (p.lat > 90 || p.lat < -90)
					continue;
				p.lon += p.lon > 180 ? -360 : p.lon < -180 ? 360 : 0;
				if (!geo_contains(&c, p))
					continue;
				inside++;
				for (int k = 0; k < n; k++)
					covered |= !strncmp(cell[k].text,
					    geo_hash_of(p, 6).text, strlen(cell[k].text));
				if (!covered)
					fail_msg("%s: %f,%f", cases[i], p.lat, p.lon);
				assert_true(
				    geo_touches(&c, slice_text(geo_hash_of(p, 9).text)));
			}
		assert_true(inside > 10);
	}
}

static void
a_small_circle_needs_at_most_four_cells_and_a_huge_one_is_refused_SC_08(void **state)
{
	struct geo_hash cell[GEO_CELLS_MAX];
	struct geo_circle c = circle("40.33,-3.77,300m");

	(void)state;
	assert_in_range(geo_cover(&c, 3, 6, cell), 1, 4);
	assert_int_equal(strlen(cell[0].text), 6);
	c = circle("0,0,2000km");
	assert_int_equal(-ERANGE, geo_cover(&c, 3, 6, cell));
	c = circle("-89.9999,77,1km"); /* it meets all meridians */
	assert_int_equal(-ERANGE, geo_cover(&c, 3, 6, cell));
}

static void
cells_far_from_a_circle_do_not_touch_it(void **state)
{
	struct geo_circle c = circle("10,179.9,20km");

	(void)state;
	assert_true(geo_touches(
	    &c, slice_text(geo_hash_of((struct geo_point){ 10, -179.99 }, 8).text)));
	assert_false(geo_touches(
	    &c, slice_text(geo_hash_of((struct geo_point){ 10, -179.5 }, 8).text)));
	assert_false(geo_touches(
	    &c, slice_text(geo_hash_of((struct geo_point){ 10.5, 179.9 }, 8).text)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(points_have_their_published_geohash_SC_08),
		TEST(distances_are_those_of_the_globe_SCP_07),
		TEST(places_are_written_in_one_way),
		TEST(what_is_no_place_is_refused),
		TEST(cells_cover_all_of_a_circle_SC_08_SCP_07),
		TEST(
		    a_small_circle_needs_at_most_four_cells_and_a_huge_one_is_refused_SC_08),
		TEST(cells_far_from_a_circle_do_not_touch_it),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
