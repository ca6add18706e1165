/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes as IPv6 multicast groups (rules SC-01 … SC-14 of the project's GRASP notes,
 * fogwatch-grasp(7)).
 *
 * An expression says which nodes are meant: key=value over admin, geo, mfr, type and user, joined
 * by ";", all of which must match; several such are joined by "|", one of which must. A circle
 * ("circle=40.33,-3.77,2km") may stand in it too. It is never hashed: the message goes to the groups
 * of the geohash cells that cover it, and receivers check it. Attributes say what a node is: the same
 * keys without "|" and circle, and position=40.33,-3.76, which is not hashed either. */
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

/* How groups are made and which are in use: the same for all who are to meet. */
struct grasp_scope_rules {
	enum grasp_scope_range range;
	struct in6_addr prefix;
	unsigned prefix_len; /* 0: SC-05, else ≤ 64: SC-06 */
	const char *const
	    *combination; /* "admin+type": keys whose AND nodes join (SC-09) */
	size_t combinations;
};

/* "admin=Operator1; type=robot" → canonical text of SC-02. A byte may be written %XX already, so
 * canonical text stays as it is. -EINVAL: unknown or repeated key, empty value, no UTF-8, a geo
 * that is no geohash, a circle or position that is none; -ENOSPC: too long. */
int
grasp_scope_canonical(const char *expression, char dst[GRASP_SCOPE_TEXT_MAX]) MUST_CHECK;
/* The group of a canonical expression; prefix_len 0: SC-05, else ≤ 64: SC-06. -EINVAL: nothing to
 * hash, not canonical, several expressions, another range, a longer prefix. */
int grasp_scope_group(const char *canonical, enum grasp_scope_range range,
    const struct in6_addr *prefix, unsigned prefix_len, struct in6_addr *ret) MUST_CHECK;
/* Does a node with these attributes (any number of keys, geo as its full geohash) match the
 * expression (SC-10, SC-08)? An empty one matches, what is no expression does not. A node that knows
 * no position but its cell matches a circle that touches the cell. */
bool grasp_scope_matches(const char *expression, const char *attributes);
/* What groups are made of when a node belongs to an administrative domain: each expression, or the
 * attributes, and admin=domain unless they name an admin. -EINVAL: the domain cannot stand in an
 * expression. */
int grasp_scope_add_domain(const char *attributes, const char *domain,
    char dst[GRASP_SCOPE_TEXT_MAX]) MUST_CHECK;
/* What others may know of a node: no position, and a geohash of at most 6 characters. */
int
grasp_scope_disclose(const char *attributes, char dst[GRASP_SCOPE_TEXT_MAX]) MUST_CHECK;
/* "admin+type": two or more of admin, geo, mfr, type, user, each once. */
bool grasp_scope_is_combination(const char *text);

/* These return how many groups; -EINVAL as above, -ENOSPC: more than GRASP_SCOPE_GROUPS_MAX.
 *
 * The groups a node joins: for each attribute, of its geohash for each length of 3 to 6, and for
 * each combination of which it has all keys (SC-08, SC-09). */
int grasp_scope_joins(const char *attributes, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX]) MUST_CHECK;
/* The groups a message for an expression goes to: of each alternative, that of the combination if
 * it is one of rules, else of its most selective key: user, geo or circle, type, mfr, admin
 * (SC-09). -ERANGE: an area too large for groups and no other key. */
int grasp_scope_sends(const char *expression, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX]) MUST_CHECK;
/* The groups in which somebody who is there for the nodes of an expression hears them: they send to
 * all that they join. Errors as of sends. */
int grasp_scope_listens(const char *expression, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX]) MUST_CHECK;
#ifdef __cplusplus
}
#endif
