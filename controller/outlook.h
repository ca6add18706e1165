/* SPDX-License-Identifier: Apache-2.0
 *
 * What is to be expected of a node as the host of a function: all its requirements together, and that
 * the node itself goes (PRD-01). Requirements of one class (two averages of the same load, say) mostly
 * fail together, so the likeliest stands for all of them; classes, and the node, are reckoned as independent.
 * That is right if they are; if they go together, as what strains a node does, it says a little more
 * than there is (Šidák's inequality), which is the cautious side: an unprepared break costs more than
 * a move. A requirement of which nothing is known counts as nothing; `unknown` says how many. */
#pragma once
#include "controller/watch.h"

struct uptimes;

struct outlook_query {
	struct watches *watches;
	const struct node *node;
	const struct placement *placement;
	struct uptimes *uptimes; /* how sure it is that the node stays; NULL: not asked */
	int64_t now_ms, wall_ms; /* wall: with uptimes */
};
struct outlook {
	double within; /* of a failure, within the needed lead; NaN: nothing is known */
	double median_s, low_s, high_s; /* INFINITY: not in sight; NaN: not known */
	const struct watch *first;	/* likely to be it; NULL: the node itself */
	unsigned known, unknown;	/* requirements */
};

/* Probability of a failure within any time; NaN: nothing is known. ret_unknown: requirements of which
 * nothing is known though that matters; may be NULL. */
double
outlook_by(const struct outlook_query *q, int64_t within_ms, unsigned *ret_unknown);
/* The same from what these watches found when they were last looked at: cheap. */
double outlook_by_then(const struct outlook_query *q, struct watch *const *watch, size_t watches,
    int64_t within_ms, unsigned *ret_unknown);
void outlook_reckon(const struct outlook_query *q, struct outlook *ret);
/* Within the needed lead, from what the watches found when they were last looked at: cheap. ret_close: how many
 * are not negligible; may be NULL. */
double outlook_now(const struct outlook_query *q, unsigned *ret_close);
