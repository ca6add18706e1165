/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside candidates*.c: ranking (candidates.c), who may at all (candidates_filters.c), who may by what is
 * measured and where it is (candidates_measured.c), who is better (candidates_marks.c), and what is
 * taken already (candidates_load.c). */
#pragma once
#include "controller/candidates.h"
#include "controller/watch.h"

#define CANDIDATE_WATCHES_MAX 64

/* What other functions take of a node: those that are there, and those on their way, whose
 * room is reserved while they move (CND-05). */
struct load {
	unsigned present, arriving;
	int64_t cpus, memory_bytes, storage_bytes;
};
struct load_entry {
	const char *node; /* borrowed; NULL: free */
	struct load load;
};
struct loads {
	struct load_entry *entry;
	size_t mask;
};
int loads_init(struct loads *l, const struct placement *all, const struct placement *but)
    MUST_CHECK;
void loads_done(struct loads *l);
struct load loads_of(const struct loads *l, const char *node);

struct reason {
	char text[CANDIDATE_REASON_SIZE];
};
void say(struct reason *why, const char *fmt, ...) PRINTF(2, 3); /* why NULL: nothing */

/* Where the neighbours in the chain are; a name for each link whose other end is on a node. */
struct neighbours {
	const char *node[SERVICE_LINKS_MAX];
	unsigned len;
};

/* One node before the judge. */
struct view {
	const struct candidates_query *q; /* NULL in lasting filters */
	const struct placement *of;
	const struct function *f;
	const struct node *node;
	const struct neighbours *near;	  /* likewise */
	const struct node *host; /* that has the function now; NULL: none, or not known */
	struct load load;
	struct watch *watch[CANDIDATE_WATCHES_MAX]; /* of the function on the node */
	unsigned watches;
	double margin;	   /* metres, location.h; NaN: not known */
	double stay, hold; /* probabilities over the horizon; NaN: not known */
};

enum filter_when {
	FILTER_NOW,	/* by its state and what is free */
	FILTER_LASTING, /* by what it is: these decide who gets a plan as well */
	FILTER_MEASURED, /* nobody measures for what it will never have: after the others */
};
struct candidate_filter {
	const char *name, *help;
	enum filter_when when;
	bool (*passes)(const struct view *v, struct reason *why); /* false says why not */
};
struct candidate_mark {
	const char *name, *help;
	double weight; /* unless the service has an objective */
	/* 0..1; NaN: does not matter for this function. detail: what it comes from, may stay "". */
	double (*mark)(const struct view *v, struct reason *detail);
};
/* Each ends with a name of NULL. */
extern const struct candidate_filter candidate_filters[], candidate_filters_measured[];
extern const struct candidate_mark candidate_marks[];
