/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule, and the tables of them: the one in force, and one that is being tried. */
#pragma once
#include "metrics/rules.h"

struct rule {
	unsigned users; /* tables that it is in */
	char name[METRIC_NAME_MAX + 1], owner[RULE_OWNER_SIZE], unit[RULE_UNIT_SIZE];
	char help[160];
	struct metric metric;
	struct slice program; /* on the heap */
	char (*need)[METRIC_NAME_MAX + 1];
	size_t needs;
	struct want *want;
	int64_t period_ms;
	uint64_t evaluations, skipped;
	char unknown[128];
	struct rule *next; /* of those that are gone */
};
struct rule_table {
	struct rule *rule[RULES_MAX]; /* by name */
	unsigned depth[RULES_MAX];
	size_t len;
};

/* err: -EINVAL, -ENOMEM. */
int rule_new(const char *owner, const struct rule_spec *spec, struct rule **ret,
    char why[RULE_WHY_MAX]) MUST_CHECK;
bool rule_is(const struct rule *rule, const char *owner, const struct rule_spec *spec);
void rule_unref(struct rule *rule); /* NULL is fine */
bool rule_needs(const struct rule *rule, const char *name);

struct rule *
rule_table_find(const struct rule_table *t, const char *name, size_t *ret_at);
/* In its place; the reference is given away. -EEXIST, -E2BIG. */
int rule_table_add(struct rule_table *t, struct rule **rule, char why[RULE_WHY_MAX])
    MUST_CHECK;
void rule_table_remove(struct rule_table *t, size_t at);
void rule_table_copy(const struct rule_table *from, struct rule_table *to);
void rule_table_done(struct rule_table *t);
/* Do they have all that they are made of, and no circle? `known`: is there such a metric otherwise?
 * -EEXIST, -ENOENT, -ELOOP, -E2BIG. */
int
rule_table_check(struct rule_table *t, bool (*known)(const void *arg, const char *name),
    const void *arg, char why[RULE_WHY_MAX]) MUST_CHECK;
