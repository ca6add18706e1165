/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_program.h"
#include "metrics/rules_int.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PRINT_MAX 16384

static int PRINTF(3, 4) refuse(char why[RULE_WHY_MAX], int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, RULE_WHY_MAX, fmt, args);
	va_end(args);
	return err;
}

/* --- one rule -------------------------------------------------------------------------- */

void
rule_unref(struct rule *rule)
{
	if (!rule || --rule->users > 0)
		return;
	free((void *)rule->program.data);
	free(rule->need);
	free(rule);
}
DEFINE_FREEP(struct rule, rule_unref)

bool
rule_needs(const struct rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->needs; i++)
		if (strcmp(rule->need[i], name) == 0)
			return true;
	return false;
}

static void
count_need(void *arg, const struct expr_step *select)
{
	size_t *n = arg;

	(void)select;
	++*n;
}

static void
keep_need(void *arg, const struct expr_step *select)
{
	struct rule *rule = arg;

	if (!rule_needs(rule, select->metric))
		strcpy(rule->need[rule->needs++], select->metric);
}

static int
collect_needs(struct rule *rule)
{
	size_t n = 0;
	int err = expr_needs(rule->program, count_need, &n);

	rule->need = calloc(n ? n : 1, sizeof *rule->need);
	if (err < 0 || !rule->need)
		return err < 0 ? err : -ENOMEM;
	return expr_needs(rule->program, keep_need, rule);
}

static int
copy_program(struct rule *rule, struct slice program)
{
	uint8_t *copy = malloc(program.len ? program.len : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, program.data, program.len);
	rule->program = (struct slice){ copy, program.len };
	return 0;
}

static void
describe(struct rule *rule)
{
	struct buf text;

	buf_init(&text, PRINT_MAX);
	expr_print(rule->program, &text);
	snprintf(rule->help, sizeof rule->help, "Rule: %s",
	    text.err ? "a long expression" : buf_text(&text));
	utf8_trim(rule->help);
	buf_done(&text);
}

static int
check_spec(const char *owner, const struct rule_spec *spec, char why[RULE_WHY_MAX])
{
	char err[RULE_WHY_MAX - METRIC_NAME_MAX - 8];

	if (strlen(spec->name) > METRIC_NAME_MAX || !expr_name_ok(spec->name, true))
		return refuse(why, -EINVAL,
		    "%.80s is no name of a rule: letters, digits, _ and :, at most %d",
		    spec->name, METRIC_NAME_MAX);
	if (spec->unit && strlen(spec->unit) >= RULE_UNIT_SIZE)
		return refuse(why, -EINVAL, "%s: the unit is longer than %d bytes",
		    spec->name, RULE_UNIT_SIZE - 1);
	if (strlen(owner) >= RULE_OWNER_SIZE)
		return refuse(
		    why, -EINVAL, "%s: the owner's name is too long", spec->name);
	if (expr_check(spec->program, NULL, NULL, err, sizeof err) < 0)
		return refuse(why, -EINVAL, "%s: %s", spec->name, err);
	return 0;
}

int
rule_new(const char *owner, const struct rule_spec *spec, struct rule **ret,
    char why[RULE_WHY_MAX])
{
	CLEANUP(rule_unref) struct rule *rule = calloc(1, sizeof *rule);
	int err = check_spec(owner, spec, why);

	if (!rule)
		return refuse(why, -ENOMEM, "no memory");
	rule->users = 1;
	if (err == 0)
		err = copy_program(rule, spec->program);
	if (err == 0)
		err = collect_needs(rule);
	if (err < 0)
		return err == -ENOMEM ? refuse(why, err, "no memory") : err;
	snprintf(rule->name, sizeof rule->name, "%s", spec->name);
	snprintf(rule->owner, sizeof rule->owner, "%s", owner);
	snprintf(rule->unit, sizeof rule->unit, "%s", spec->unit ? spec->unit : "");
	describe(rule);
	rule->metric =
	    (struct metric){ rule->name, rule->unit, METRIC_GAUGE, rule->help };
	*ret = TAKE(rule);
	return 0;
}

bool
rule_is(const struct rule *rule, const char *owner, const struct rule_spec *spec)
{
	return strcmp(rule->owner, owner) == 0 && strcmp(rule->name, spec->name) == 0 &&
	    strcmp(rule->unit, spec->unit ? spec->unit : "") == 0 &&
	    slice_equal(rule->program, spec->program);
}

/* --- a table of them ------------------------------------------------------------------- */

struct rule *
rule_table_find(const struct rule_table *t, const char *name, size_t *ret_at)
{
	size_t low = 0, high = t->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(t->rule[middle]->name, name);

		if (order == 0) {
			*ret_at = middle;
			return t->rule[middle];
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_at = low;
	return NULL;
}

static size_t
count_owned(const struct rule_table *t, const char *owner)
{
	size_t n = 0;

	for (size_t i = 0; i < t->len; i++)
		n += strcmp(t->rule[i]->owner, owner) == 0;
	return n;
}

int
rule_table_add(struct rule_table *t, struct rule **rule, char why[RULE_WHY_MAX])
{
	const char *name = (*rule)->name, *owner = (*rule)->owner;
	size_t at;
	struct rule *other = rule_table_find(t, name, &at);

	if (other && strcmp(other->owner, owner) == 0)
		return refuse(why, -EEXIST, "%s comes twice", name);
	if (other)
		return refuse(why, -EEXIST, "%s is a rule of %s", name,
		    other->owner[0] ? other->owner : "the configuration");
	if (t->len == RULES_MAX)
		return refuse(
		    why, -E2BIG, "%s: there are %d rules already", name, RULES_MAX);
	if (owner[0] && count_owned(t, owner) == RULES_OWNER_MAX)
		return refuse(why, -E2BIG, "%s: %s has %d rules already", name, owner,
		    RULES_OWNER_MAX);
	memmove(&t->rule[at + 1], &t->rule[at], (t->len++ - at) * sizeof *t->rule);
	t->rule[at] = TAKE(*rule);
	return 0;
}

void
rule_table_remove(struct rule_table *t, size_t at)
{
	rule_unref(t->rule[at]);
	memmove(&t->rule[at], &t->rule[at + 1], (--t->len - at) * sizeof *t->rule);
}

void
rule_table_copy(const struct rule_table *from, struct rule_table *to)
{
	*to = *from;
	for (size_t i = 0; i < to->len; i++)
		to->rule[i]->users++;
}

void
rule_table_done(struct rule_table *t)
{
	while (t->len > 0)
		rule_unref(t->rule[--t->len]);
}

/* --- what they are made of ------------------------------------------------------------- */

/* One more than the deepest rule it is made of, as far as is known by now. */
static unsigned
find_depth(const struct rule_table *t, const struct rule *rule)
{
	unsigned depth = 1;
	size_t at;

	for (size_t i = 0; i < rule->needs; i++)
		if (rule_table_find(t, rule->need[i], &at) && t->depth[at] >= depth)
			depth = t->depth[at] + 1;
	return depth;
}

/* Rounds, until nothing gets deeper: a circle never ends, and is found when it is deeper than there
 * are rules. */
static int
check_depths(struct rule_table *t, char why[RULE_WHY_MAX])
{
	size_t deepest = 0;
	bool deeper = true;

	memset(t->depth, 0, sizeof t->depth);
	for (size_t round = 0; deeper && round <= t->len; round++) {
		deeper = false;
		for (size_t i = 0; i < t->len; i++) {
			unsigned depth = find_depth(t, t->rule[i]);

			deeper = deeper || depth != t->depth[i];
			t->depth[i] = depth;
			deepest = depth > t->depth[deepest] ? i : deepest;
		}
	}
	if (deeper)
		return refuse(
		    why, -ELOOP, "%s would be made of itself", t->rule[deepest]->name);
	if (t->len > 0 && t->depth[deepest] > RULES_DEPTH_MAX)
		return refuse(why, -E2BIG,
		    "%s would be made of rules of rules, deeper than %d",
		    t->rule[deepest]->name, RULES_DEPTH_MAX);
	return 0;
}

static int
refuse_metric(char why[RULE_WHY_MAX], const struct rule *rule, const char *metric)
{
	const char *nearest = sources_nearest(metric);

	return refuse(why, -ENOENT, "%s: unknown metric %s%s%s%s", rule->name, metric,
	    nearest ? " (did you mean " : "", nearest ? nearest : "",
	    nearest ? "?)" : "");
}

int
rule_table_check(struct rule_table *t, bool (*known)(const void *arg, const char *name),
    const void *arg, char why[RULE_WHY_MAX])
{
	size_t at;

	for (size_t i = 0; i < t->len; i++) {
		const struct rule *rule = t->rule[i];

		if (known(arg, rule->name))
			return refuse(why, -EEXIST, "%s is a metric already", rule->name);
		for (size_t n = 0; n < rule->needs; n++)
			if (!rule_table_find(t, rule->need[n], &at) &&
			    !known(arg, rule->need[n]))
				return refuse_metric(why, rule, rule->need[n]);
	}
	return check_depths(t, why);
}
