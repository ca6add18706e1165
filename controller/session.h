/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes on between the controller and its nodes, on the links that they open: registration
 * (FOGREG), plans (FOGPLAN), reports (FOGREPORT) and queries (FOGMETRIC). Journal first, then
 * answer: a registration and a report are accepted when they are on the disk. */
#pragma once
#include "controller/registry.h"

struct audit;
struct ctl_request;
struct events;
struct grasp_node;
struct history;
struct judge;
struct sessions;

struct sessions_config {
	struct fog_id id;   /* of this controller */
	const char *prefix; /* of objective names; NULL: none */
	int64_t lease_ms;
	int64_t flush_ms;   /* reports are accepted together so long after the first; 0: each at once */
	bool proven;	     /* who is there has to have proved it (S-03); false: insecure.plain_grasp */
	struct audit *audit; /* borrowed; NULL: none */
	struct history *history; /* borrowed */
	/* It has registered or renewed, and knows this much of the domain. May be NULL. */
	void (*registered)(
	    void *arg, struct node *n, uint64_t trust_version, uint64_t denials);
	void *arg;
};
struct sessions_counters {
	uint64_t registrations, renewals, refused, conflicts, reports, points, duplicate_points,
	    unknown_points, late_points, plans, plans_declined, queries;
};

/* Offers the objectives; borrows everything. cfg is copied but for the prefix. */
int sessions_new(struct grasp_node *grasp, struct registry *registry, struct judge *judge,
    struct store *store, struct events *events, const struct sessions_config *cfg,
    struct sessions **ret) MUST_CHECK;
void sessions_free(struct sessions *s); /* before the grasp node and the registry */
DEFINE_FREEP(struct sessions, sessions_free)
const struct sessions_counters *sessions_counters(const struct sessions *s);

/* Of judge_ops: another plan is to be sent to the node. */
void sessions_plan_changed(struct sessions *s, struct node *n);
/* Of registry_ops. */
void sessions_node_changed(struct sessions *s, struct node *n);
/* It is trusted no more: its link is closed (S-19). */
void sessions_deny(struct sessions *s, const struct fog_id *id);
/* The name of an objective as this registered node says it, with the prefix or without. */
const char *session_objective(const struct node *n, const char *prefix, const char *name,
    char dst[FOG_NAME_MAX + 1]);
/* What came from this node, its open link included. */
uint64_t sessions_bytes_received(const struct sessions *s, const struct node *n);

/* `fogctl query`: evaluates on one node, or with name "" or "all" on each that is there, now or (step
 * not 0) at each step of a range. Takes the request. An item a node, or a series of a node, see
 * protocol/display.h. */
struct query_range;
void sessions_query(struct sessions *s, struct ctl_request *req, const char *node,
    const char *expression, const struct query_range *range);
