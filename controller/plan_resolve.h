/* SPDX-License-Identifier: Apache-2.0
 *
 * Requirements that no one has written: a service says where neighbours of the chain have to be near, and
 * what a node has to measure for that follows from where they are now. A resolver makes them, one
 * function on one node at a time: a new kind is one file and one line in plan_resolve.c.
 *
 * They belong to the planner. One that means the same is the same object, as long as a plan names it;
 * planner_sweep() frees those that none names any more, when watches have let go of them. */
#pragma once
#include "controller/placement.h"
#include "controller/registry.h"

#define RESOLVED_MAX 256 /* of a function on a node */

struct resolved_set;

/* What plans follow from beside the nodes themselves. All of it is borrowed. */
struct plan_view {
	struct placement *placements;
	const struct node *(*node)(void *arg, const char *name); /* NULL: not known */
	void *arg;
};

struct resolution {
	const struct plan_view *view;
	struct placement *of;
	const struct node *node; /* that would measure */
	bool host;		 /* else a candidate */
	struct resolved_set *set;
	const struct requirement *requirement[RESOLVED_MAX];
	size_t len;
};
typedef int resolver_f(struct resolution *r) MUST_CHECK; /* -ENOMEM */

/* One more: everything but the program is as in like, whose texts are copied; text NULL: is made. */
int resolution_require(struct resolution *r, const struct requirement *like) MUST_CHECK;
int resolution_run(struct resolution *r) MUST_CHECK; /* all resolvers */

int resolved_set_new(struct resolved_set **ret) MUST_CHECK;
void resolved_set_free(struct resolved_set *s);
DEFINE_FREEP(struct resolved_set, resolved_set_free)
/* By plans that name it; r is one of these, not of a service itself. */
void resolved_ref(const struct requirement *r);
void resolved_unref(const struct requirement *r);
void resolved_sweep(struct resolved_set *s);

/* plan_links.c: round trip, loss and free bandwidth to the neighbours in the chain. */
int resolve_links(struct resolution *r) MUST_CHECK;
/* plan_location.c: where the function has to be. The item of the requirement is the latitude; the planner adds
 * the longitude for the same reason. */
int resolve_location(struct resolution *r) MUST_CHECK;
/* How often a node has to tell where it is, because something has to be near it; 0: it need not. */
int64_t plan_location_near(const struct plan_view *view, const struct node *n);
/* The address under which `from` reaches `to`, for the label peer; false: none is known. */
bool plan_peer(
    const struct node *from, const struct node *to, char *dst, size_t size);
