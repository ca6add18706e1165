/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of a node beside its watches: how busy it is, from the default plan, and where it
 * is, from its GPS or from where it was put. Of each the newest alone; in memory, made by the judge. */
#pragma once
#include "controller/registry.h"
#include "grasp/geo.h"

#define VITALS_FRESH_MS 60000 /* older ones are not known */

struct vitals;

enum vital { VITAL_BUSY, VITAL_LATITUDE, VITAL_LONGITUDE, VITALS };
/* The expressions they are measured by, as in a plan. */
extern const char *const vital_exprs[VITALS];

int vitals_new(struct vitals **ret) MUST_CHECK;
void vitals_free(struct vitals *v);
DEFINE_FREEP(struct vitals, vitals_free)
void vitals_forget(struct vitals *v, const struct node *n);

/* NaN: the node does not know. Without memory it is dropped. */
void vitals_point(struct vitals *v, const struct node *n, enum vital what,
    int64_t time_ms, double value);
/* Share of its cores that is busy, smoothed over half a minute; NaN: not known. */
double vitals_busy(const struct vitals *v, const struct node *n, int64_t now_ms);
/* false: not known. ret_time_ms: of the measurement, INT64_MIN of a node that was put somewhere; may be
 * NULL. v NULL: only those. */
bool vitals_position(const struct vitals *v, const struct node *n, int64_t now_ms,
    struct geo_point *ret, int64_t *ret_time_ms);
/* Does it stay where it was put? Then nobody need ask its GPS. */
bool vitals_is_fixed(const struct caps *caps);
