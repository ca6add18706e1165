/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a node where a function may be, and how far from leaving? All distances are metres to the boundary,
 * positive inside, of all that a location asks for the least. */
#pragma once
#include "controller/placement.h"
#include "controller/vitals.h"

#define LOCATION_TEXT_MAX 160
#define LOCATION_RANGE_M  5000.0 /* what a predictor takes for plausible, both ways */

/* "within 500 m of 40.33,-3.76"; "in the area around 40.33,-3.76"; "within 200 m of node user" */
void location_text(const struct location *l, char *dst, size_t size);
/* A polygon of at least three corners, in order, either way round; not across a pole or the date line. */
double
location_area_margin(const struct geo_point *corner, size_t corners, struct geo_point p);
/* near: where that is, NULL: not known. INFINITY: nothing is asked for; NaN: not known. */
double location_margin(
    const struct location *l, struct geo_point p, const struct geo_point *near);

/* What `near` of a function is near to; NULL: nothing, or it is on no node. Borrows. */
const char *location_near(const struct placement *of, const struct placement *all);
/* Of a node; near: the node that location_near() names, NULL: not known. ret_time_ms: of the newer one
 * of the measurements it comes from, INT64_MIN if nothing moves; may be NULL. */
double location_margin_of(const struct location *l, const struct node *n,
    const struct node *near, const struct vitals *v, int64_t now_ms,
    int64_t *ret_time_ms);
/* By area and circle alone, of a node that does not move; else NaN. */
double location_margin_fixed(const struct location *l, const struct caps *caps);
