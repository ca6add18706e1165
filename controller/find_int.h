/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of finding: find.c asks, find_show.c says who has answered. */
#pragma once
#include "base/ctl.h"
#include "controller/find.h"
#include "controller/registry.h"
#include "grasp/grasp.h"
#include <sys/queue.h>

#define HITS_MAX      2000
#define CONFIRMS_MAX  64
#define HIT_VALUE_MAX 200

/* One property of those that a node has to have. */
struct wanted {
	struct find *find;
	enum fog_property kind;
	char text[FIND_TEXT_MAX];
	struct fog_words words; /* into text */
	struct grasp_discovery *discovery;
};

/* One node, or one address of a node, that has some of them. */
struct hit {
	STAILQ_ENTRY(hit) entry;
	struct addr at;					/* of its GRASP listener */
	char value[FIND_PROPERTIES_MAX][HIT_VALUE_MAX]; /* "": not known to have it */
};

struct find {
	LIST_ENTRY(find) entry;
	struct finder *finder;
	struct ctl_request *req;
	struct wanted wanted[FIND_PROPERTIES_MAX];
	unsigned wanteds, running; /* discoveries and confirmations under way */
	STAILQ_HEAD(, hit) hits;
	unsigned hits_len, confirms_len;
	LIST_HEAD(, confirm) confirms;
};

struct finder {
	struct grasp_node *grasp;
	struct registry *registry;
	const struct grasp_conf *conf;
	const char *domain, *scope;
	LIST_HEAD(, find) finds;
	struct grasp_registration *passed_on[FOG_PROPERTIES];
};

void find_show(struct find *f); /* all that has every property, to the request */
