/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/rules_int.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct rules {
	struct sampler *sampler;
	struct rule_table table;
	struct rule *gone; /* that the sampler may still know */
	bool hidden;	   /* while the sampler is asked what there is otherwise */
	int64_t credit, credit_ms;
};

/* --- what the sampler asks ------------------------------------------------------------- */

static struct rule *
rule_of(const struct metric *m)
{
	return container_of(m, struct rule, metric);
}

static const struct metric *
find(void *arg, const char *name)
{
	struct rules *r = arg;
	size_t at;
	struct rule *rule = r->hidden ? NULL : rule_table_find(&r->table, name, &at);

	return rule ? &rule->metric : NULL;
}

/* The new want comes before the old one goes, so that what they share is not started anew. */
static void
want(void *arg, const struct metric *m, int64_t period_ms, int64_t window_ms)
{
	struct rules *r = arg;
	struct rule *rule = rule_of(m);
	struct want *old = TAKE(rule->want);

	(void)window_ms;
	rule->period_ms = period_ms;
	rule->unknown[0] = '\0';
	if (period_ms > 0 &&
	    sampler_want(r->sampler, rule->program, period_ms, INT64_MAX, rule->unknown,
		sizeof rule->unknown, &rule->want) < 0)
		rule->want = NULL;
	sampler_unwant(old);
}

/* S-22: whatever somebody has installed, rules take no more than their share of the processor. */
static bool
has_credit(struct rules *r, int64_t now_ms)
{
	int64_t passed_ms = now_ms - r->credit_ms;

	r->credit_ms = now_ms;
	if (passed_ms > RULES_BURST / RULES_COST_MS)
		passed_ms = RULES_BURST / RULES_COST_MS;
	if (passed_ms > 0)
		r->credit += passed_ms * RULES_COST_MS;
	if (r->credit > RULES_BURST)
		r->credit = RULES_BURST;
	return r->credit > 0;
}

static void
put_values(
    struct rules *r, struct rule *rule, const struct expr_result *result, int64_t now_ms)
{
	for (size_t i = 0; i < result->len; i++)
		sampler_put(r->sampler, &rule->metric, &result->value[i].labels, now_ms,
		    result->value[i].value);
	sampler_end(r->sampler, &rule->metric, now_ms);
}

static void
sample(void *arg, const struct metric *m, int64_t now_ms)
{
	struct rules *r = arg;
	struct rule *rule = rule_of(m);
	struct expr_result result;

	if (!rule->want)
		return;
	if (!has_credit(r, now_ms)) {
		rule->skipped++;
		snprintf(rule->unknown, sizeof rule->unknown,
		    "all rules together compute too much: some are left out");
		return;
	}
	if (sampler_eval(r->sampler, rule->program, now_ms, &result) < 0)
		return;
	r->credit -= (int64_t)result.cost;
	rule->evaluations++;
	snprintf(rule->unknown, sizeof rule->unknown, "%s", result.unknown);
	put_values(r, rule, &result, now_ms);
	expr_result_done(&result);
}

static unsigned
rank(void *arg, const struct metric *m)
{
	struct rules *r = arg;
	size_t at;

	return rule_table_find(&r->table, m->name, &at) ? r->table.depth[at] : 0;
}

static bool
tell_why(void *arg, const struct metric *m, char *dst, size_t size)
{
	const struct rule *rule = rule_of(m);

	(void)arg;
	if (!rule->unknown[0])
		return false;
	snprintf(dst, size, "%s: %s", rule->name, rule->unknown);
	utf8_trim(dst);
	return true;
}

static const struct provider provider = {
	.find = find, .want = want, .sample = sample, .rank = rank, .why = tell_why
};

/* --- one table for another ------------------------------------------------------------- */

static bool
is_known(const void *arg, const char *name)
{
	return sampler_knows(arg, name);
}

static int
check_table(struct rules *r, struct rule_table *t, char why[RULE_WHY_MAX])
{
	int err;

	r->hidden = true;
	err = rule_table_check(t, is_known, r->sampler, why);
	r->hidden = false;
	return err;
}

static void
sweep_gone(struct rules *r)
{
	struct rule **at = &r->gone;

	while (*at) {
		struct rule *rule = *at;

		if (sampler_uses(r->sampler, &rule->metric)) {
			at = &rule->next;
			continue;
		}
		*at = rule->next;
		rule_unref(rule);
	}
}

/* t becomes the table in force. */
static void
commit_table(struct rules *r, struct rule_table *t)
{
	struct rule_table old = r->table;

	r->table = *t;
	t->len = 0;
	sampler_provided(r->sampler);
	for (size_t i = 0; i < old.len; i++) {
		struct rule *rule = old.rule[i];

		if (rule->users > 1) { /* it is in the new one as well */
			rule_unref(rule);
			continue;
		}
		sampler_unwant(TAKE(rule->want));
		rule->period_ms = 0;
		rule->next = r->gone;
		r->gone = rule;
	}
	sweep_gone(r);
}

static bool
is_orphan(const struct rules *r, const struct rule_table *t, const struct rule *rule)
{
	size_t at;

	for (size_t i = 0; i < rule->needs; i++)
		if (!rule_table_find(t, rule->need[i], &at) &&
		    !sampler_knows(r->sampler, rule->need[i]))
			return true;
	return false;
}

/* Others' rules that are made of something that is there no more. At most four rounds: one a depth. */
static void
drop_orphans(struct rules *r, struct rule_table *t, const char *owner)
{
	bool dropped = true;

	r->hidden = true;
	while (dropped) {
		dropped = false;
		for (size_t i = t->len; i-- > 0;)
			if (strcmp(t->rule[i]->owner, owner) != 0 &&
			    is_orphan(r, t, t->rule[i])) {
				rule_table_remove(t, i);
				dropped = true;
			}
	}
	r->hidden = false;
}

/* --- install and remove ---------------------------------------------------------------- */

int
rules_new(struct sampler *s, struct rules **ret)
{
	CLEANUP(rules_free) struct rules *r = calloc(1, sizeof *r);
	int err;

	if (!r)
		return -ENOMEM;
	r->sampler = s;
	r->credit = RULES_BURST;
	r->credit_ms = INT64_MAX; /* until time begins */
	err = sampler_provide(s, &provider, r);
	if (err < 0)
		return err;
	*ret = TAKE(r);
	return 0;
}

void
rules_free(struct rules *r)
{
	if (!r)
		return;
	sampler_unprovide(r->sampler, &provider, r);
	for (size_t i = 0; i < r->table.len; i++)
		sampler_unwant(TAKE(r->table.rule[i]->want));
	rule_table_done(&r->table);
	while (r->gone) {
		struct rule *rule = r->gone;

		r->gone = rule->next;
		rule_unref(rule);
	}
	free(r);
}

/* The same one again, if nothing of it has changed: it then goes on undisturbed. */
static int
add_spec(const struct rules *r, struct rule_table *t, const char *owner,
    const struct rule_spec *spec, char why[RULE_WHY_MAX])
{
	size_t at;
	struct rule *same = rule_table_find(&r->table, spec->name, &at), *rule = NULL;
	int err = 0;

	if (same && rule_is(same, owner, spec)) {
		rule = same;
		rule->users++;
	} else {
		err = rule_new(owner, spec, &rule, why);
	}
	if (err == 0)
		err = rule_table_add(t, &rule, why);
	rule_unref(rule);
	return err;
}

static void
remove_owned(struct rule_table *t, const char *owner)
{
	for (size_t i = t->len; i-- > 0;)
		if (strcmp(t->rule[i]->owner, owner) == 0)
			rule_table_remove(t, i);
}

int
rules_install(struct rules *r, const char *owner, const struct rule_spec *spec,
    char why[RULE_WHY_MAX])
{
	struct rule_table t;
	struct rule *old;
	size_t at;
	int err;

	rule_table_copy(&r->table, &t);
	old = rule_table_find(&t, spec->name, &at);
	if (old && strcmp(old->owner, owner) == 0)
		rule_table_remove(&t, at);
	err = add_spec(r, &t, owner, spec, why);
	if (err == 0)
		err = check_table(r, &t, why);
	if (err == 0)
		commit_table(r, &t);
	rule_table_done(&t);
	return err;
}

int
rules_replace(struct rules *r, const char *owner, const struct rule_spec *spec,
    size_t len, bool dry, char why[RULE_WHY_MAX])
{
	struct rule_table t;
	int err = 0;

	rule_table_copy(&r->table, &t);
	remove_owned(&t, owner);
	for (size_t i = 0; err == 0 && i < len; i++)
		err = add_spec(r, &t, owner, &spec[i], why);
	if (err == 0)
		drop_orphans(r, &t, owner);
	if (err == 0)
		err = check_table(r, &t, why);
	if (err == 0 && !dry)
		commit_table(r, &t);
	rule_table_done(&t);
	return err;
}

int
rules_remove(struct rules *r, const char *owner, const char *name, char why[RULE_WHY_MAX])
{
	struct rule_table t;
	size_t at;
	struct rule *rule = rule_table_find(&r->table, name, &at);

	if (!rule || strcmp(rule->owner, owner) != 0) {
		snprintf(why, RULE_WHY_MAX, "there is no rule %.64s of %s", name,
		    owner[0] ? owner : "the configuration");
		return -ENOENT;
	}
	for (size_t i = 0; i < r->table.len; i++)
		if (rule_needs(r->table.rule[i], name)) {
			snprintf(why, RULE_WHY_MAX, "%s is made of %s",
			    r->table.rule[i]->name, name);
			return -EBUSY;
		}
	rule_table_copy(&r->table, &t);
	rule_table_remove(&t, at);
	int err = check_table(r, &t, why); /* their depths */
	if (err == 0)
		commit_table(r, &t);
	rule_table_done(&t);
	return err;
}

void
rules_remove_owner(struct rules *r, const char *owner)
{
	struct rule_table t;
	char why[RULE_WHY_MAX];

	rule_table_copy(&r->table, &t);
	remove_owned(&t, owner);
	drop_orphans(r, &t, owner);
	if (check_table(r, &t, why) == 0) /* less of what was right before */
		commit_table(r, &t);
	rule_table_done(&t);
}

bool
rules_at(const struct rules *r, size_t i, struct rule_state *ret)
{
	const struct rule *rule = i < r->table.len ? r->table.rule[i] : NULL;

	if (!rule)
		return false;
	*ret = (struct rule_state){ .name = rule->name,
		.owner = rule->owner,
		.unit = rule->unit,
		.program = rule->program,
		.period_ms = rule->period_ms,
		.evaluations = rule->evaluations,
		.skipped = rule->skipped,
		.unknown = rule->unknown };
	return true;
}
