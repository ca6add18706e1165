/* SPDX-License-Identifier: Apache-2.0
 *
 * Named expressions, Prometheus' recording rules: a program with a name that is then used like a raw
 * metric (CMP-04, CMP-05). Presets come from the configuration and stay; others are installed at run
 * time by somebody, have that owner, and go with it. A rule is evaluated only while somebody wants its
 * metric, at the shortest period wanted; its values become series of its name. Rules may be made of
 * other rules, without circles, four deep at most.
 *
 * What all rules together compute is bounded (S-22): each looks at so many values and samples; above
 * 2 million of them a second on average, rules are skipped until there is room again. */
#pragma once
#include "metrics/sampler.h"

#define RULES_MAX	128
#define RULES_OWNER_MAX 32 /* rules of one owner */
#define RULES_DEPTH_MAX 4
#define RULES_COST_MS	2000 /* values and samples a millisecond, on average */
#define RULES_BURST	(10000LL * RULES_COST_MS)
#define RULE_OWNER_SIZE 64
#define RULE_UNIT_SIZE	32
#define RULE_WHY_MAX	160

struct rules;

/* Makes the rules known to the sampler, which is borrowed and outlives them. */
int rules_new(struct sampler *s, struct rules **ret) MUST_CHECK;
void rules_free(struct rules *r);
DEFINE_FREEP(struct rules, rules_free)

/* unit NULL or "": none. */
struct rule_spec {
	const char *name, *unit;
	struct slice program;
};
/* owner: "" for presets, else whose it is ("domain <name>", "operator <who>"). The same name again
 * by the same owner replaces it. why: a sentence. -EEXIST: the name is a metric's or another owner's;
 * -EINVAL: no name or no program; -ELOOP; -E2BIG: a limit of S-22; -ENOENT: an unknown metric. */
int rules_install(struct rules *r, const char *owner, const struct rule_spec *spec,
    char why[RULE_WHY_MAX]) MUST_CHECK;
/* All rules of the owner are these from now on, in any order; or nothing changes, as with dry.
 * Rules of others that are made of what goes go as well. */
int rules_replace(struct rules *r, const char *owner, const struct rule_spec *spec,
    size_t len, bool dry, char why[RULE_WHY_MAX]) MUST_CHECK;
/* -ENOENT: there is none of this owner. -EBUSY: another rule is made of it. */
int rules_remove(struct rules *r, const char *owner, const char *name,
    char why[RULE_WHY_MAX]) MUST_CHECK;
void
rules_remove_owner(struct rules *r, const char *owner); /* and what is made of them */

struct rule_state {
	const char *name, *owner, *unit;
	struct slice program;
	int64_t period_ms; /* 0: nobody wants it */
	uint64_t evaluations, skipped;
	const char *unknown; /* why it had no value the last time; "": it had */
};
/* In order of names; false: there are no more. */
bool rules_at(const struct rules *r, size_t i, struct rule_state *ret);
