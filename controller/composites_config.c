/* SPDX-License-Identifier: Apache-2.0
 *
 * What controller.yaml says of composites: all that can be known to be wrong is told with its line. */
#include "controller/composites.h"

#include "base/clock.h"
#include "metrics/expr_program.h"

#include <string.h>

#define OPTION(member, name, kind, preset, min, max, help) \
	CONF(struct rule_config, member, name, kind, preset, min, max, help)

/* Longer intervals than an instant looks back would be gaps. */
const struct conf_option composite_options[] = {
	OPTION(name, "name", TEXT, NULL, 0, 0,
	    "Its name, which is then used like a metric's."),
	OPTION(expr, "expr", TEXT, NULL, 0, 0,
	    "The expression over all nodes; series have the label node."),
	OPTION(unit, "unit", TEXT, NULL, 0, 0,
	    "The unit of its values; that of the expression if not given."),
	OPTION(interval_ms, "interval", DURATION, "10s", 1000, EXPR_LOOKBACK_MS,
	    "How often it is computed."),
};
const size_t composite_options_len = ARRAY_LEN(composite_options);

static bool
is_rule(const struct yaml_node *rules, const char *name)
{
	YAML_EACH(rule, rules)
	{
		const struct yaml_node *at =
		    rule->kind == YAML_MAPPING ? yaml_get(rule, "name") : NULL;

		if (at && at->text && strcmp(at->text, name) == 0)
			return true;
	}
	return false;
}

static void
find_window(void *arg, const struct expr_step *select)
{
	int64_t *window_ms = arg;

	if (select->window_ms > *window_ms)
		*window_ms = select->window_ms;
}

static void
check_entry(const struct yaml_node *n, const struct rule_config *r,
    const struct yaml_node *rules, int64_t window_ms, struct complaints *c)
{
	char longest[CLOCK_TEXT_MAX], kept[CLOCK_TEXT_MAX];
	int64_t needs_ms = 0;

	if (is_rule(rules, r->name))
		yaml_complain(
		    c, yaml_get(n, "name"), "%s is the name of a rule already", r->name);
	(void)expr_needs(r->program, find_window, &needs_ms);
	if (needs_ms <= window_ms)
		return;
	clock_format_span(needs_ms, longest);
	clock_format_span(window_ms, kept);
	yaml_complain(c, yaml_get(n, "expr"),
	    "looks back %s, but history.window keeps %s in memory: raise that, or let "
	    "the "
	    "nodes compute it by a rule",
	    longest, kept);
}

void
composites_load(const struct yaml_node *list, const struct yaml_node *rules,
    int64_t window_ms, struct complaints *c, struct rule_config **ret, size_t *ret_len)
{
	const struct rule_config_kind kind = { "composites", COMPOSITES_MAX,
		composite_options, composite_options_len };
	unsigned errors = c->errors;
	char why[RULE_WHY_MAX];
	size_t i = 0;

	rule_config_load_kind(list, &kind, c, ret, ret_len);
	if (c->errors > errors)
		return;
	YAML_EACH(entry, *ret_len ? list : NULL)
	check_entry(entry, &(*ret)[i++], rules, window_ms, c);
	if (c->errors == errors && rule_config_check(*ret, *ret_len, why) < 0)
		yaml_complain(c, list, "%s", why);
}
