/* SPDX-License-Identifier: Apache-2.0
 *
 * Named expressions of controller.yaml that go to the agents with their plans (CMP-04): to each node
 * those that its items are made of, and those that every node can compute, so that queries can name
 * them. */
#pragma once
#include "base/conf.h"
#include "protocol/plan.h"

struct plan_rules;

/* list: what stands under rules; NULL: none. -EINVAL with complaints. */
int plan_rules_new(const struct yaml_node *list, struct complaints *c,
    struct plan_rules **ret) MUST_CHECK;
void plan_rules_free(struct plan_rules *r);
DEFINE_FREEP(struct plan_rules, plan_rules_free)

/* Adds to a plan that has its items; programs borrow from r. */
void plan_rules_fill(const struct plan_rules *r, struct fog_plan *plan);
