/* SPDX-License-Identifier: Apache-2.0
 *
 * What the plan of a node costs on the wire. How often an item has something to say is taken from what the
 * controller has of it: the reports of that very item, else its rule replayed over what the node has
 * reported of the same metrics, else of other nodes, else what is usual for such a thing. */
#pragma once
#include "controller/planner.h"
#include "controller/traffic.h"

struct history;
struct plan_costs;

struct plan_costs_env {
	struct history *history; /* NULL: nothing is known of any */
	int64_t wall_ms;
	struct traffic_terms terms;
};
struct plan_cost {
	struct traffic traffic;
	double probe_bytes_s; /* of paths to neighbours, node to node */
};
int plan_costs_new(const struct plan_costs_env *env, struct plan_costs **ret) MUST_CHECK;
void plan_costs_free(struct plan_costs *c);
DEFINE_FREEP(struct plan_costs, plan_costs_free)

/* running: what the node does now; NULL: nothing. bytes: of each entry, its share of the reports; NULL: not
 * asked for. */
int plan_cost(struct plan_costs *c, const struct node *n, const struct node_plan *plan,
    const struct node_plan *running, struct plan_cost *ret, double *bytes) MUST_CHECK;
/* Every metric that any Linux node has, one series of each, every second: what a plan is compared with. */
size_t plan_cost_raw_metrics(void);
