/* SPDX-License-Identifier: Apache-2.0
 *
 * What each node has to measure, from services, placements and capabilities alone (PLN-02): the
 * host of a function the requirements at their period, candidates the same at a longer one,
 * everybody the default plan. The same program is one item, at the shortest period anybody
 * wants, with all the reasons (PLN-05). */
#pragma once
#include "controller/plan_resolve.h"
#include "controller/plan_text.h"
#include "protocol/plan.h"

struct planner;

/* requirement: the function's own, or one that the planner made (plan_resolve.h). Watches point to it:
 * they follow the new plan (watches_sync) before planner_sweep() frees what is named no more; those of a
 * service go (watches_drop) before it does. */
struct plan_reason {
	struct placement *placement;
	const struct requirement *requirement;
	bool host; /* else a candidate */
	bool made; /* the requirement is the planner's */
};
struct plan_entry {
	const struct plan_text *text;
	struct plan_item item; /* how it is reported; id and program are the text's */
	struct plan_item wanted; /* the same, unless the node has bargained */
	bool unserved;	       /* the node cannot: it is not told of it */
	bool by_default;       /* in the default plan */
	bool near;	       /* functions have to be near to the node */
	struct plan_reason *reason;
	size_t reasons;
};
struct node_plan {
	uint64_t version;
	struct plan_entry *entry; /* ascending by id, at most PLAN_ITEMS_MAX */
	size_t entries;
	bool cut; /* not everything fits */
};

/* Options of an item of default-plan; name NULL ends them. */
extern const struct conf_option planner_default_options[];

/* default_plan: list of {expr, period}; NULL: the built-in one. -EINVAL with complaints. */
int planner_new(const struct yaml_node *default_plan, struct complaints *c,
    struct planner **ret) MUST_CHECK;
/* An empty one with the same default plan, to see what would be. */
int planner_new_like(const struct planner *p, struct planner **ret) MUST_CHECK;
void planner_free(struct planner *p);
DEFINE_FREEP(struct planner, planner_free)

enum plan_change {
	PLAN_SAME,
	PLAN_REASONS, /* the same items for others: watches have to follow */
	PLAN_OTHER,   /* the version has grown */
};
/* Reckons the plan of a node anew: enum plan_change. Reasons point into placements and are good until
 * they change. */
int planner_update(struct planner *p, const struct node *n, const struct plan_view *view,
    int64_t wall_ms) MUST_CHECK;
/* Frees requirements that no plan names any more. */
void planner_sweep(struct planner *p);
void planner_forget(struct planner *p, const struct node *n);
const struct node_plan *
planner_get(const struct planner *p, const struct node *n); /* NULL: none */
/* The plan as it goes to the node, without rules. Programs borrow. */
void planner_fill(const struct node_plan *plan, struct fog_plan *ret);
/* Is anything of this service in it? */
bool plan_concerns(const struct node_plan *plan, const char *service);
const char *planner_text(const struct planner *p, uint32_t id); /* NULL: unknown */

/* Of plan_terms.h: what the node has offered is its plan from now on. */
void planner_agree(struct planner *p, const struct node *n, const struct fog_plan *offer);
/* It is asked for everything again, as another version; false: there was nothing agreed. */
bool planner_forget_terms(struct planner *p, const struct node *n, int64_t wall_ms);
/* The node runs this plan already, by another number: that of before our restart, say. */
void planner_adopt(struct planner *p, const struct node *n, uint64_t version);
