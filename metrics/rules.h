/* SPDX-License-Identifier: Apache-2.0
 *
 * Named expressions, Prometheus' recording rules: a program with a name that is then used like a raw
 * metric (CMP-04, CMP-05). Presets come from the configuration and stay; others are installed at run
 * time by somebody, have that owner, and go with it. A rule is evaluated only while somebody wants its
 * metric, at the shortest period wanted; its values become series of its name. Rules may be made of
 * other rules, without circles, four deep at most. */
#pragma once
#include "metrics/sampler.h"

#define RULES_MAX	128
#define RULES_OWNER_MAX 32 /* rules of one owner */
#define RULE_WHY_MAX	160

struct rules;

/* Makes the rules known to the sampler, which is borrowed. */
int rules_new(struct sampler *s, struct rules **ret) MUST_CHECK;
void rules_free(struct rules *r);
DEFINE_FREEP(struct rules, rules_free)

/* owner: "" for presets, else whose it is ("controller <id>", "operator <name>"). The same name again
 * by the same owner replaces it. why: a sentence. -EEXIST: the name is a metric's or another owner's;
 * -EINVAL: no name or no program; -ELOOP; -E2BIG: a limit of S-22; -ENOENT: an unknown metric. */
int rules_install(struct rules *r, const char *owner, const char *name, const char *unit,
    struct slice program, char why[RULE_WHY_MAX]) MUST_CHECK;
/* -ENOENT: there is none of this owner. -EBUSY: another rule is made of it. */
int rules_remove(struct rules *r, const char *owner, const char *name,
    char why[RULE_WHY_MAX]) MUST_CHECK;
void
rules_remove_owner(struct rules *r, const char *owner); /* and what is made of them */

struct rule_state {
	const char *name, *owner, *unit;
	struct slice program;
	int64_t period_ms; /* 0: nobody wants it */
	uint64_t evaluations;
};
/* In order of names; false: there are no more. */
bool rules_at(const struct rules *r, size_t i, struct rule_state *ret);
