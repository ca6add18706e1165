/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/location.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EARTH_M 6371008.8 /* mean radius, as in geo.c */

/* --- areas -------------------------------------------------------------------------------------- */

struct flat { /* metres east and north of the point in question */
	double x, y;
};

/* Around p the earth is flat enough: an area is some kilometres wide. */
static struct flat
flatten(struct geo_point c, struct geo_point p)
{
	double rad = M_PI / 180;

	return (struct flat){ (c.lon - p.lon) * rad * cos(p.lat * rad) * EARTH_M,
		(c.lat - p.lat) * rad * EARTH_M };
}

/* From the origin to the segment. */
static double
distance_to(struct flat a, struct flat b)
{
	double dx = b.x - a.x, dy = b.y - a.y, len = dx * dx + dy * dy;
	double t = len > 0 ? -(a.x * dx + a.y * dy) / len : 0;

	t = fmax(0, fmin(1, t));
	return hypot(a.x + t * dx, a.y + t * dy);
}

/* Does a ray to the east cross it? */
static bool
crosses(struct flat a, struct flat b)
{
	return (a.y > 0) != (b.y > 0) && a.x - a.y * (b.x - a.x) / (b.y - a.y) > 0;
}

double
location_area_margin(const struct geo_point *corner, size_t corners, struct geo_point p)
{
	double least = INFINITY;
	bool inside = false;

	for (size_t i = 0; i < corners; i++) {
		struct flat a = flatten(corner[i], p);
		struct flat b = flatten(corner[(i + 1) % corners], p);

		least = fmin(least, distance_to(a, b));
		inside ^= crosses(a, b);
	}
	return inside ? least : -least;
}

/* --- locations ---------------------------------------------------------------------------------- */

static bool
has_near(const struct location *l)
{
	return l->near.node || l->near.function;
}

static double
margin_of_places(const struct location *l, struct geo_point p)
{
	double margin = INFINITY;

	if (l->corners)
		margin = location_area_margin(l->corner, l->corners, p);
	if (l->circle.radius_m > 0)
		margin =
		    fmin(margin, l->circle.radius_m - geo_distance(l->circle.centre, p));
	return margin;
}

double
location_margin(
    const struct location *l, struct geo_point p, const struct geo_point *near)
{
	double margin = margin_of_places(l, p);

	if (!has_near(l))
		return margin;
	return near ? fmin(margin, l->near.within_m - geo_distance(*near, p)) : NAN;
}

double
location_margin_fixed(const struct location *l, const struct caps *caps)
{
	if (!vitals_is_fixed(caps))
		return NAN;
	return margin_of_places(l, (struct geo_point){ caps->latitude, caps->longitude });
}

const char *
location_near(const struct placement *of, const struct placement *all)
{
	const struct location *l = of->function->location;

	if (!l || !l->near.function)
		return l ? l->near.node : NULL;
	for (const struct placement *p = all; p; p = p->next)
		if (!strcmp(p->service_name, of->service_name) &&
		    !strcmp(p->function_name, l->near.function))
			return *p->node ? p->node : NULL;
	return NULL;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Where one node is is not needed to be near to itself. */
static double
margin_beside(const struct location *l, bool known, struct geo_point p)
{
	double margin = l->near.within_m;

	if (!l->corners && !(l->circle.radius_m > 0))
		return margin;
	return known ? fmin(margin, margin_of_places(l, p)) : NAN;
}

double
location_margin_of(const struct location *l, const struct node *n,
    const struct node *near, const struct vitals *v, int64_t now_ms, int64_t *ret_time_ms)
{
	int64_t time_ms = INT64_MIN, near_ms = INT64_MIN;
	struct geo_point p = { 0 }, q;
	bool known = vitals_position(v, n, now_ms, &p, &time_ms);
	bool near_known =
	    near && near != n && vitals_position(v, near, now_ms, &q, &near_ms);

	if (ret_time_ms)
		*ret_time_ms = later(time_ms, near_ms);
	if (near == n && has_near(l))
		return margin_beside(l, known, p);
	return known ? location_margin(l, p, near_known ? &q : NULL) : NAN;
}

void
location_text(const struct location *l, char *dst, size_t size)
{
	char point[GEO_TEXT_MAX];
	struct buf b;

	buf_init_fixed(&b, dst, size - 1);
	if (l->corners)
		buf_printf(
		    &b, "in the area around %s", geo_format_point(l->corner[0], point));
	if (l->circle.radius_m > 0)
		buf_printf(&b, "%swithin %.0f m of %s", b.pos ? ", " : "",
		    l->circle.radius_m, geo_format_point(l->circle.centre, point));
	if (has_near(l))
		buf_printf(&b, "%swithin %.0f m of %s %s", b.pos ? ", " : "",
		    l->near.within_m, l->near.function ? "function" : "node",
		    l->near.function ? l->near.function : l->near.node);
	dst[b.pos] = '\0';
}
