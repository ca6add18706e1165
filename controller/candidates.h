/* SPDX-License-Identifier: Apache-2.0
 *
 * Who could take a function over (CND-01 ...): every node of the domain with a verdict, the accepted
 * ones first, best first, and for each a reason that a person can read. Filters reject, marks
 * weigh; both are descriptors in tables, by family: a new one is one function and one line. */
#pragma once
#include "controller/placement.h"
#include "controller/registry.h"

struct uptimes;
struct vitals;
struct watches;

#define CANDIDATE_REASONS_MAX 16
#define CANDIDATE_REASON_SIZE 112

struct candidate {
	struct node *node;
	bool accepted;
	double score; /* 0..1; of accepted ones */
	double
	    availability; /* that it stays and all requirements hold over the horizon; NaN:
				not known, or rejected */
	char (*reason)[CANDIDATE_REASON_SIZE]; /* with explain only */
	size_t reasons;
};
struct candidates_query {
	struct node *nodes;		    /* then ->next */
	const struct placement *placements; /* all */
	const struct placement *of;	    /* the function in question */
	struct watches *watches;
	const struct vitals *vitals; /* NULL: nothing is known of them */
	struct uptimes *uptimes;     /* likewise */
	int64_t now_ms, wall_ms;     /* monotonic; wall */
	bool explain;		     /* fill in reasons */
};
/* All nodes but those that are gone; the array is the caller's to free. */
int candidates_rank(
    const struct candidates_query *q, struct candidate **ret, size_t *ret_len) MUST_CHECK;
/* By lists and capabilities alone, for plans: may it ever be asked? */
bool candidates_suit(const struct placement *of, const struct node *n);

/* Names of the marks, which an objective of a service weighs; NULL at the end. */
const char *const *candidates_marks(void);
/* Over how long a candidate has to be good: what the function says, or an hour. */
int64_t candidates_horizon(const struct function *f);
