/* SPDX-License-Identifier: Apache-2.0
 *
 * What agent.yaml and controller.yaml say of rules: one entry of `rules` each, a named expression
 * (CMP-05). */
#pragma once
#include "base/conf.h"
#include "metrics/rules.h"

struct rule_config {
	char *name, *expr, *unit;
	struct slice program; /* of expr; on the heap */
	int64_t interval_ms;  /* of a composite */
};

extern const struct conf_option rule_options[];
extern const size_t rule_options_len;

/* list: what stands under rules; NULL: none. *ret is to be freed in any case. */
void rule_config_load(const struct yaml_node *list, struct complaints *c,
    struct rule_config **ret, size_t *ret_len);
/* The same of other entries: what they are called, "rules", how many there may be, and what each may
 * say. */
struct rule_config_kind {
	const char *what;
	size_t max;
	const struct conf_option *option;
	size_t options;
};
void rule_config_load_kind(const struct yaml_node *list,
    const struct rule_config_kind *kind, struct complaints *c, struct rule_config **ret,
    size_t *ret_len);
void rule_config_free(struct rule_config *cfg, size_t len);
/* Can they be in force together, as far as can be known without a node: no circle, not too deep, no name
 * of a metric? why: a sentence. */
int rule_config_check(const struct rule_config *cfg, size_t len, char why[RULE_WHY_MAX])
    MUST_CHECK;
/* They become the presets of a node. */
int rule_config_install(const struct rule_config *cfg, size_t len, struct rules *r,
    char why[RULE_WHY_MAX]) MUST_CHECK;
