/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/rule_config.h"

#include <errno.h>
#include <string.h>

#include "metrics/expr_program.h"
#include "metrics/rules_int.h"
#include "metrics/source.h"

#define OPTION(member, name, help) \
	CONF(struct rule_config, member, name, TEXT, NULL, 0, 0, help)

const struct conf_option rule_options[] = {
	OPTION(name, "name", "Its name, which is then used like a metric's."),
	OPTION(expr, "expr", "The expression."),
	OPTION(unit, "unit", "The unit of its values."),
};
const size_t rule_options_len = ARRAY_LEN(rule_options);

/* --- checks ------------------------------------------------------------------------------- */
static void
check_name(const struct yaml_node *n, const struct rule_config *first,
    const struct rule_config *r, struct complaints *c)
{
	const struct yaml_node *at = yaml_get(n, "name");

	if (!r->name || !*r->name)
		yaml_complain(c, at ? at : n, "has no name");
	else if (strlen(r->name) > METRIC_NAME_MAX || !expr_name_ok(r->name, true))
		yaml_complain(c, at,
		    "\"%s\" is no name of a rule: letters, digits, _ and :, at most %d",
		    r->name, METRIC_NAME_MAX);
	for (const struct rule_config *other = first; r->name && other < r; other++)
		if (other->name && !strcmp(other->name, r->name))
			yaml_complain(c, at, "comes twice");
	if (r->unit && strlen(r->unit) >= RULE_UNIT_SIZE)
		yaml_complain(c, yaml_get(n, "unit"), "is longer than %d bytes",
		    RULE_UNIT_SIZE - 1);
}

static void
parse_expression(const struct yaml_node *n, struct rule_config *r, struct complaints *c)
{
	const struct yaml_node *at = yaml_get(n, "expr");
	struct buf program;
	char why[160];
	uint8_t *copy;

	if (!r->expr || !*r->expr) {
		yaml_complain(c, at ? at : n, "has no expr: say the expression");
		return;
	}
	buf_init(&program, EXPR_PROGRAM_MAX);
	if (expr_parse(r->expr, &program, why, sizeof why) < 0) {
		yaml_complain(c, at, "\"%s\": %s", r->expr, why);
	} else if (!(copy = malloc(program.pos))) {
		yaml_complain(c, at, "no memory");
	} else {
		memcpy(copy, program.data, program.pos);
		r->program = (struct slice){ copy, program.pos };
	}
	buf_done(&program);
}

/* --- loading ------------------------------------------------------------------------------ */
static size_t
count(const struct yaml_node *list)
{
	size_t n = 0;

	YAML_EACH(entry, list)
	n++;
	return n;
}

void
rule_config_load(const struct yaml_node *list, struct complaints *c,
    struct rule_config **ret, size_t *ret_len)
{
	const struct rule_config_kind kind = { "rules", RULES_MAX, rule_options,
		rule_options_len };

	rule_config_load_kind(list, &kind, c, ret, ret_len);
}

void
rule_config_load_kind(const struct yaml_node *list, const struct rule_config_kind *kind,
    struct complaints *c, struct rule_config **ret, size_t *ret_len)
{
	size_t len = count(list);
	struct rule_config *r;

	*ret = NULL;
	*ret_len = 0;
	if (!list || yaml_is_null(list))
		return;
	if (list->kind != YAML_SEQUENCE || len > kind->max) {
		yaml_complain(
		    c, list, "must be a list of up to %zu %s", kind->max, kind->what);
		return;
	}
	*ret = r = calloc(len ? len : 1, sizeof *r);
	if (!r) {
		yaml_complain(c, list, "no memory");
		return;
	}
	YAML_EACH(entry, list)
	{
		r = *ret + (*ret_len)++;
		if (entry->kind != YAML_MAPPING) {
			yaml_complain(c, entry, "must be a mapping with name and expr");
		} else if (conf_load(kind->option, kind->options, entry, c, r) >= 0) {
			check_name(entry, *ret, r, c);
			parse_expression(entry, r, c);
		}
	}
}

void
rule_config_free(struct rule_config *cfg, size_t len)
{
	for (size_t i = 0; cfg && i < len; i++) {
		conf_free(rule_options, rule_options_len, &cfg[i]);
		free((void *)cfg[i].program.data);
	}
	free(cfg);
}

/* What is no rule may be a metric of a plug-in, of which nothing is known here. */
static bool
may_be_known(const void *arg, const char *name)
{
	size_t at;

	return sources_metric(name, NULL) || !rule_table_find(arg, name, &at);
}

int
rule_config_check(const struct rule_config *cfg, size_t len, char why[RULE_WHY_MAX])
{
	struct rule_table t = { .len = 0 };
	int err = 0;

	for (size_t i = 0; i < len && err == 0; i++) {
		struct rule_spec spec = { cfg[i].name, cfg[i].unit, cfg[i].program };
		struct rule *rule = NULL;

		err = rule_new("", &spec, &rule, why);
		if (err == 0)
			err = rule_table_add(&t, &rule, why);
		rule_unref(rule);
	}
	if (err == 0)
		err = rule_table_check(&t, may_be_known, &t, why);
	rule_table_done(&t);
	return err;
}

int
rule_config_install(
    const struct rule_config *cfg, size_t len, struct rules *r, char why[RULE_WHY_MAX])
{
	struct rule_spec *spec = calloc(len ? len : 1, sizeof *spec);
	int err;

	if (!spec) {
		snprintf(why, RULE_WHY_MAX, "no memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < len; i++)
		spec[i] = (struct rule_spec){ cfg[i].name, cfg[i].unit, cfg[i].program };
	err = rules_replace(r, "", spec, len, false, why);
	free(spec);
	return err;
}
