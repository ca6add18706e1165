/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of scopes: scope.c has the texts, scope_group.c the groups. */
#pragma once
#include "grasp/geo.h"
#include "grasp/scope.h"

#define SCOPE_GEO_MIN 3 /* SC-08: lengths of geohash that are groups */
#define SCOPE_GEO_MAX 6

enum scope_key { /* in the order of SC-02 */
	SCOPE_ADMIN,
	SCOPE_CIRCLE,
	SCOPE_GEO,
	SCOPE_MFR,
	SCOPE_POSITION,
	SCOPE_TYPE,
	SCOPE_USER,
	SCOPE_KEYS
};

/* An expression without "|" taken apart; values point into its text. */
struct scope_terms {
	struct slice value[SCOPE_KEYS];
};

extern const char *const scope_key_names[SCOPE_KEYS];
int scope_find_key(struct slice name); /* -EINVAL */
struct slice scope_cut(struct slice s, char separator, struct slice *rest);
int scope_parse(struct slice text, struct scope_terms *ret) MUST_CHECK;
