/* SPDX-License-Identifier: Apache-2.0
 *
 * What every node measures, whatever runs on it: `default-plan:` of controller.yaml, or what is
 * built in. */
#pragma once
#include "base/conf.h"
#include "controller/plan_text.h"
#include "protocol/plan.h"

#define PLAN_DEFAULT_MAX 64

struct plan_default {
	struct {
		const struct plan_text *text;
		struct plan_item item;
	} entry[PLAN_DEFAULT_MAX];
	size_t len;
};

/* list: of {expr, period, ...}; NULL: the built-in one; null: none. -EINVAL with complaints. */
int plan_default_load(struct plan_default *d, struct plan_texts *texts,
    const struct yaml_node *list, struct complaints *c) MUST_CHECK;
