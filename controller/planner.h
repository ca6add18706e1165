/* SPDX-License-Identifier: Apache-2.0
 *
 * What each node has to measure, from services, placements and capabilities alone (PLN-02): the
 * host of a function the requirements at their period, candidates the same at a longer one,
 * everybody the default plan. The same program is one item, at the shortest period anybody
 * wants, with all the reasons (PLN-05). */
#pragma once
#include "controller/placement.h"
#include "controller/registry.h"
#include "protocol/plan.h"

struct planner;

struct
    plan_text { /* of an item, kept as long as the planner: late reports name it by id */
	uint32_t id; /* from the program: the same after a restart */
	char *text;
	struct slice program;
	struct plan_text *next;
};
struct plan_reason {
	struct placement *placement;
	const struct requirement *requirement; /* the function's own, or the planner's */
	bool host;	     /* else a candidate */
};
struct plan_entry {
	const struct plan_text *text;
	struct plan_item item; /* how it is reported; id and program are the text's */
	bool by_default;       /* in the default plan */
	struct plan_reason *reason;
	size_t reasons;
};
struct node_plan {
	uint64_t version;
	struct plan_entry entry[PLAN_ITEMS_MAX]; /* ascending by id */
	size_t entries;
};

/* Options of an item of default-plan; name NULL ends them. */
extern const struct conf_option planner_default_options[];

/* default_plan: list of {expr, period}; NULL: the built-in one. -EINVAL with complaints. */
int planner_new(const struct yaml_node *default_plan, struct complaints *c,
    struct planner **ret) MUST_CHECK;
void planner_free(struct planner *p);
DEFINE_FREEP(struct planner, planner_free)

/* Reckons the plan of a node anew. 1: it is another one (and its version has grown), 0: the same.
 * Reasons point into placements and are good until they change. */
int planner_update(struct planner *p, const struct node *n, struct placement *placements,
    int64_t wall_ms) MUST_CHECK;
void planner_forget(struct planner *p, const struct node *n);
const struct node_plan *
planner_get(const struct planner *p, const struct node *n);	/* NULL: none */
const char *planner_text(const struct planner *p, uint32_t id); /* NULL: unknown */
