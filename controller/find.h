/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking for nodes by what they are and have, registered or not: one M_DISCOVERY for each property
 * that is asked for, and the nodes that answered all of them (DISC-06, F-12). `fogctl find`. */
#pragma once
#include "grasp/conf.h"
#include "protocol/property.h"

#define FIND_PROPERTIES_MAX 4
#define FIND_TEXT_MAX	    256

struct ctl_request;
struct finder;
struct registry;

struct find_asked {
	char property[FIND_PROPERTIES_MAX]
		     [FIND_TEXT_MAX];	  /* "radio=wifi6,wifi5", "tag"; "" at the end */
	char scope[GRASP_SCOPE_TEXT_MAX]; /* ""; as that of the controller */
	int64_t hops;			  /* 0: as configured */
	int64_t wait_ms; /* for answers; 0: 100 ms a hop, and a second more */
};

/* domain: of the controller, "" for any. All is borrowed. */
int finder_new(struct grasp_node *grasp, struct registry *registry,
    const struct grasp_conf *conf, const char *domain, const char *scope,
    struct finder **ret) MUST_CHECK;
void finder_free(struct finder *f); /* what is under way is refused */
DEFINE_FREEP(struct finder, finder_free)
/* Answers the request, later: an item for each node that has all properties. */
void
finder_find(struct finder *f, struct ctl_request *req, const struct find_asked *asked);
