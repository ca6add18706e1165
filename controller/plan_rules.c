/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_rules.h"
#include "metrics/expr_program.h"
#include "metrics/rule_config.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct plan_rules {
	struct rule_config *rule;
	size_t len;
	bool everywhere[PLAN_RULES_MAX]; /* made of what each agent has */
};

static size_t
find_rule(const struct plan_rules *r, const char *name)
{
	size_t i = 0;

	while (i < r->len && strcmp(r->rule[i].name, name) != 0)
		i++;
	return i;
}

/* --- what is made of what --------------------------------------------------------------- */

struct look {
	const struct plan_rules *rules;
	const bool *known;
	bool all; /* is made of sources' metrics and known rules alone */
};

static void
look_at(void *arg, const struct expr_step *select)
{
	struct look *l = arg;
	size_t i = find_rule(l->rules, select->metric);

	if (i < l->rules->len)
		l->all = l->all && l->known[i];
	else
		l->all = l->all && sources_metric(select->metric, NULL);
}

/* Rounds, because rules may stand in any order; there are no circles. */
static void
find_everywhere(struct plan_rules *r)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < r->len; i++) {
			struct look l = { r, r->everywhere, true };

			if (r->everywhere[i])
				continue;
			(void)expr_needs(r->rule[i].program, look_at, &l);
			r->everywhere[i] = l.all;
			more = more || l.all;
		}
	}
}

struct mark {
	const struct plan_rules *rules;
	bool *wanted, more;
};

static void
mark_wanted(void *arg, const struct expr_step *select)
{
	struct mark *m = arg;
	size_t i = find_rule(m->rules, select->metric);

	if (i < m->rules->len && !m->wanted[i])
		m->wanted[i] = m->more = true;
}

void
plan_rules_fill(const struct plan_rules *r, struct fog_plan *plan)
{
	bool wanted[PLAN_RULES_MAX];
	struct mark m = { r, wanted, true };

	memcpy(wanted, r->everywhere, sizeof wanted);
	for (unsigned i = 0; i < plan->items; i++)
		(void)expr_needs(plan->item[i].program, mark_wanted, &m);
	while (m.more) {
		m.more = false;
		for (size_t i = 0; i < r->len; i++)
			if (wanted[i])
				(void)expr_needs(r->rule[i].program, mark_wanted, &m);
	}
	for (size_t i = 0; i < r->len; i++) {
		struct plan_rule *to = &plan->rule[plan->rules];

		if (!wanted[i])
			continue;
		snprintf(to->name, sizeof to->name, "%s", r->rule[i].name);
		snprintf(to->unit, sizeof to->unit, "%s",
		    r->rule[i].unit ? r->rule[i].unit : "");
		to->program = r->rule[i].program;
		plan->rules++;
	}
}

/* --- life ------------------------------------------------------------------------------- */

int
plan_rules_new(
    const struct yaml_node *list, struct complaints *c, struct plan_rules **ret)
{
	CLEANUP(plan_rules_free) struct plan_rules *r = calloc(1, sizeof *r);
	unsigned errors = c->errors;
	char why[RULE_WHY_MAX];

	if (!r)
		return -ENOMEM;
	rule_config_load(list, c, &r->rule, &r->len);
	if (c->errors > errors)
		return -EINVAL;
	if (r->len > PLAN_RULES_MAX)
		yaml_complain(c, list, "more than %d rules", PLAN_RULES_MAX);
	else if (rule_config_check(r->rule, r->len, why) < 0)
		yaml_complain(c, list, "%s", why);
	if (c->errors > errors)
		return -EINVAL;
	find_everywhere(r);
	*ret = TAKE(r);
	return 0;
}

void
plan_rules_free(struct plan_rules *r)
{
	if (!r)
		return;
	rule_config_free(r->rule, r->len);
	free(r);
}
