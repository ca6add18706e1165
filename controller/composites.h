/* SPDX-License-Identifier: Apache-2.0
 *
 * Composites over nodes (CMP-09): expressions with a name, from controller.yaml, computed here at their
 * interval from what the memory of history has of all nodes. Their values go into the history, of no
 * node, so that queries and other composites use the name like a metric's. Without data there is none,
 * and the series ends.
 *
 * What all of them look at is bounded as the rules of a node are (S-22): above 2 million values and
 * samples a second on average, they are skipped until there is room again. */
#pragma once
#include "base/ctl.h"
#include "metrics/rule_config.h"

#define COMPOSITES_MAX	     64
#define COMPOSITE_SERIES_MAX 256 /* of one */

struct composites;
struct grasp_io;
struct history;

/* composites_config.c */
extern const struct conf_option composite_options[];
extern const size_t composite_options_len;
/* list: what stands under composites, rules: under rules, of which none may have the same name; NULL:
 * none. window_ms: that is in memory. *ret is to be freed with rule_config_free() in any case. */
void composites_load(const struct yaml_node *list, const struct yaml_node *rules,
    int64_t window_ms, struct complaints *c, struct rule_config **ret, size_t *ret_len);

/* Borrows all of it. */
int composites_new(struct grasp_io *io, struct history *h, const struct rule_config *cfg,
    size_t len, struct composites **ret) MUST_CHECK;
void composites_free(struct composites *c);
DEFINE_FREEP(struct composites, composites_free)

/* By number; NULL: there are no more. */
const char *composites_name(const struct composites *c, size_t i);
/* NULL: it is none of them. */
const char *composites_unit(const struct composites *c, const char *name);
/* {name, interval_s, unit, expression, series, value, age_s, evaluations, skipped, unknown} each; value: if
 * there is exactly one series. Takes the request. */
void composites_show(const struct composites *c, struct ctl_request *req);
