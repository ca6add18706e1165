/* SPDX-License-Identifier: Apache-2.0
 *
 * Who could take a function over (CND-01 ...): every node of the domain with a verdict, the accepted
 * ones first, best first, and for each a reason that a person can read. Filters and marks are
 * tables; a new one is a line. */
#pragma once
#include "controller/placement.h"
#include "controller/registry.h"

struct watches;

#define CANDIDATE_REASONS_MAX 6
#define CANDIDATE_REASON_SIZE 112

struct candidate {
	struct node *node;
	bool accepted;
	double score; /* 0..1; of accepted ones */
	char reason[CANDIDATE_REASONS_MAX][CANDIDATE_REASON_SIZE];
	size_t reasons;
};
struct candidates_query {
	struct node *nodes;		    /* then ->next */
	const struct placement *placements; /* all */
	const struct placement *of;	    /* the function in question */
	struct watches *watches;
	int64_t now_ms;
};
/* All nodes but those that are gone; the array is the caller's to free. */
int candidates_rank(
    const struct candidates_query *q, struct candidate **ret, size_t *ret_len) MUST_CHECK;
/* By lists and capabilities alone, for plans: may it ever be asked? */
bool candidates_suit(const struct placement *of, const struct node *n);
