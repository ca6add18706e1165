/* SPDX-License-Identifier: Apache-2.0
 *
 * Counter-offers: a node that cannot do its plan offers one that it can, with items left out or less often.
 * What is agreed stands in the entries of its plan, where watches take it from. */
#pragma once
#include "controller/planner.h"

enum plan_terms {
	TERMS_GOOD,    /* every requirement is still served */
	TERMS_POOR,    /* not all are */
	TERMS_FOREIGN, /* that is not our plan at all */
};
enum plan_terms plan_terms_judge(
    const struct node_plan *plan, const struct fog_plan *offer);
/* Is it measured as often as everybody needs who wants it? */
bool plan_entry_is_served(const struct plan_entry *e);
void plan_terms_take(struct node_plan *plan, const struct fog_plan *offer);
/* As if nothing had been agreed. Returns whether anything was. */
bool plan_terms_drop(struct node_plan *plan);
