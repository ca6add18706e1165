/* SPDX-License-Identifier: Apache-2.0
 *
 * Places on the ground: points, circles and geohash cells, for area scopes. Degrees of WGS 84 on
 * a sphere of the earth's mean radius, metres. */
#pragma once
#include "base/slice.h"

#define GEO_HASH_MAX   12 /* characters; a cell of 4 cm */
#define GEO_CELLS_MAX  16
#define GEO_TEXT_MAX   48
#define GEO_RADIUS_MAX 20015087.0 /* half around the earth */

struct geo_point {
	double lat, lon; /* -90..90, -180..180 */
};
struct geo_circle {
	struct geo_point centre;
	double radius_m; /* > 0 */
};
struct geo_hash {
	char text[GEO_HASH_MAX + 1];
};

/* "40.33,-3.77" and "40.33,-3.77,2km" (km, m; metres if neither). -EINVAL. */
int geo_parse_point(struct slice text, struct geo_point *ret) MUST_CHECK;
int geo_parse_circle(struct slice text, struct geo_circle *ret) MUST_CHECK;
/* One way to write each, to six decimals (11 cm) and whole metres. Return dst. */
char *geo_format_point(struct geo_point p, char dst[GEO_TEXT_MAX]);
char *geo_format_circle(const struct geo_circle *c, char dst[GEO_TEXT_MAX]);

double geo_distance(struct geo_point a, struct geo_point b); /* haversine */
bool geo_contains(const struct geo_circle *c, struct geo_point p);
bool geo_is_hash(struct slice text); /* 1 to 12 digits of geohash, lower case */
struct geo_hash geo_hash_of(struct geo_point p, unsigned len); /* len 1..12 */
/* May a point of the cell lie in the circle? It may in all the box around the circle. */
bool geo_touches(const struct geo_circle *c, struct slice hash);
/* The smallest cells of min_len..max_len characters (1..6) that cover the circle with at most 4
 * of them; of min_len ones, GEO_CELLS_MAX will do. Returns how many; -ERANGE: more. */
int geo_cover(const struct geo_circle *c, unsigned min_len, unsigned max_len,
    struct geo_hash ret[GEO_CELLS_MAX]) MUST_CHECK;
