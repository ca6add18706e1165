/* SPDX-License-Identifier: Apache-2.0
 *
 * The "grasp:" section of a configuration, which agent and controller have in common, and the
 * scope groups that follow from it. Embedded in their configs, read with their option tables;
 * grasp_conf_check() then says what the table cannot. Not part of libgrasp. */
#pragma once
#include "base/conf.h"
#include "grasp/grasp.h"
#include "grasp/scope.h"

#define GRASP_CONF_GROUPS_MAX 8
#define GRASP_CONF_SCOPE_MAX  256 /* bytes of an expression or of attributes on the wire */

struct grasp_conf {
	int64_t port, hops;
	struct conf_list interfaces, exclude, combinations, groups;
	bool link_local, scoped, loopback, relay, plain_names;
	int neighbour_assist; /* index; see grasp_conf_assist() */
	char *objective_prefix, *scope_prefix;
	int scope_range; /* index; rules has the value */
	/* Made by grasp_conf_check(); borrows from the above. */
	struct grasp_scope_rules rules;
	struct in6_addr group[GRASP_CONF_GROUPS_MAX];
};

extern const char *const grasp_conf_ranges[], *const grasp_conf_assists[];

/* Rows of the option table of a config that has a struct grasp_conf called grasp. */
#define GRASP_CONF_ROW(config, member, name, kind, preset, min, max, help) \
	CONF(config, grasp.member, "grasp." name, kind, preset, min, max, help)
#define GRASP_CONF_OPTIONS(config)                                                       \
	GRASP_CONF_ROW(                                                                  \
	    config, port, "port", INT, "7017", 1, 65535, "UDP and TCP port of GRASP."),  \
	    GRASP_CONF_ROW(config, interfaces, "interfaces", LIST, NULL, 0, 0,           \
		"Interfaces to use; empty: all that can multicast."),                    \
	    GRASP_CONF_ROW(                                                              \
		config, exclude, "exclude", LIST, NULL, 0, 0, "Interfaces not to use."), \
	    GRASP_CONF_ROW(config, link_local, "link-local", BOOL, "true", 0, 0,         \
		"Speak to all GRASP neighbours on the link (ff02::13)."),                \
	    GRASP_CONF_ROW(config, scoped, "scoped", BOOL, "true", 0, 0,                 \
		"Speak to the multicast groups of scopes."),                             \
	    GRASP_CONF_ROW(config, hops, "hops", INT, "6", 1, 255,                       \
		"How far multicasts go: loop count and hop limit."),                     \
	    GRASP_CONF_ROW(config, relay, "relay", BOOL, "true", 0, 0,                   \
		"Pass discoveries and floods on to the other interfaces."),              \
	    { .name = "grasp.neighbour-assist",                                          \
		    .type = CONF_CHOICE,                                                 \
		    .offset = offsetof(config, grasp.neighbour_assist),                  \
		    .preset = "always",                                                  \
		    .choices = grasp_conf_assists,                                       \
		    .help = "Tell neighbours of controllers that we know." },            \
	    GRASP_CONF_ROW(config, loopback, "loopback", BOOL, "false", 0, 0,            \
		"Use the loopback interface too, to try things on one machine."),        \
	    GRASP_CONF_ROW(config, objective_prefix, "objective-prefix", TEXT, NULL, 0,  \
		0, "In front of all objective names, such as \"example.org:\"."),        \
	    GRASP_CONF_ROW(config, plain_names, "plain-names", BOOL, "false", 0, 0,      \
		"Answer to objective names without the prefix, too."),                   \
	    { .name = "grasp.scope-range",                                               \
		    .type = CONF_CHOICE,                                                 \
		    .offset = offsetof(config, grasp.scope_range),                       \
		    .preset = "admin",                                                   \
		    .choices = grasp_conf_ranges,                                        \
		    .help = "How far scoped multicasts reach." },                        \
	    GRASP_CONF_ROW(config, scope_prefix, "scope-prefix", TEXT, NULL, 0, 0,       \
		"Unicast prefix that scope groups are made of: fd9e:1:2::/48."),         \
	    GRASP_CONF_ROW(config, combinations, "combinations", LIST, NULL, 0, 0,       \
		"Keys of scopes that nodes join together, such as admin+type."),         \
	    GRASP_CONF_ROW(config, groups, "groups", LIST, NULL, 0, 0,                   \
		"More multicast groups to listen on and send to, such as ff04::114.")

/* Complains, and fills in what follows from the options. prefix_max: bytes of objective-prefix. */
void grasp_conf_check(const struct yaml_node *root, size_t prefix_max,
    struct grasp_conf *g, struct complaints *c);
/* A mapping of scope keys to values → canonical text; "" after a complaint. of_node: attributes, else
 * an expression. */
void grasp_conf_scope(const struct yaml_node *mapping, bool of_node, struct complaints *c,
    char dst[GRASP_SCOPE_TEXT_MAX]);
/* The node that an option with dots in its name has in the file; NULL: not given. */
const struct yaml_node *grasp_conf_at(const struct yaml_node *root, const char *option);

/* Of controllers; and of whatever else there is, where RFC 8990's rule is enough (F-10). */
enum grasp_assist grasp_conf_assist(const struct grasp_conf *g);
enum grasp_assist grasp_conf_assist_other(const struct grasp_conf *g);

struct grasp_groups {
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX + GRASP_CONF_GROUPS_MAX];
	size_t len;
};
typedef int grasp_groups_f(const char *text, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX]);
/* The groups that list (grasp_scope_joins() and its kin) makes of an expression or of attributes, and
 * the configured ones; none if scoped is off. Errors of list; -EINVAL. */
int grasp_conf_groups(const struct grasp_conf *g, const char *domain, const char *text,
    grasp_groups_f *list, struct grasp_groups *ret) MUST_CHECK;
/* The prefix that others may leave out of names (F-06), or NULL. */
const char *grasp_conf_alias(const struct grasp_conf *g);
/* Why not, for people. */
const char *grasp_conf_why(int err);
