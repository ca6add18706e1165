/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes as IPv6 multicast groups (rules SC-01 … SC-14 of the project's GRASP notes,
 * fogwatch-grasp(7)). An expression is an AND of key=value over admin, geo, mfr, type, user. */
#pragma once
#include "base/slice.h"
#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRASP_SCOPE_TEXT_MAX   512
#define GRASP_SCOPE_GROUPS_MAX 16

enum grasp_scope_range {
	GRASP_SCOPE_ADMIN = 4,
	GRASP_SCOPE_SITE = 5,
	GRASP_SCOPE_ORGANIZATION = 8,
	GRASP_SCOPE_GLOBAL = 14
};

/* "admin=Operator1; type=robot" → canonical text of SC-02. A byte may be written %XX already, so
 * canonical text stays as it is. -EINVAL: unknown or repeated key, empty value, no UTF-8, a geo
 * that is no geohash; -ENOSPC: too long. */
int
grasp_scope_canonical(const char *expression, char dst[GRASP_SCOPE_TEXT_MAX]) MUST_CHECK;
/* The group of a canonical expression; prefix_len 0: SC-05, else ≤ 64: SC-06. -EINVAL: empty or
 * not canonical, another range, a longer prefix. */
int grasp_scope_group(const char *canonical, enum grasp_scope_range range,
    const struct in6_addr *prefix, unsigned prefix_len, struct in6_addr *ret) MUST_CHECK;
/* Does a node with these canonical attributes ("admin=…;type=…", any number of keys, geo as its
 * full geohash) match the canonical expression (SC-10, SC-08)? An empty one matches, what is
 * no expression does not. */
bool grasp_scope_matches(const char *expression, const char *attributes);
/* What groups are made of when a node belongs to an administrative domain: its attributes, and
 * admin=domain unless they name an admin. -EINVAL: the domain cannot stand in an expression. */
int grasp_scope_add_domain(const char *attributes, const char *domain,
    char dst[GRASP_SCOPE_TEXT_MAX]) MUST_CHECK;
/* The groups a node joins for each of its attributes (SC-08, SC-09); configured combinations come
 * from grasp_scope_group(). Returns how many; -EINVAL as above. */
int grasp_scope_groups_of(const char *attributes, enum grasp_scope_range range,
    const struct in6_addr *prefix, unsigned prefix_len,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX]) MUST_CHECK;
#ifdef __cplusplus
}
#endif
