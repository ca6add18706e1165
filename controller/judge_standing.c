/* SPDX-License-Identifier: Apache-2.0
 *
 * Who would take each function over, kept current (CND-01): whoever asks gets a ranking of that moment; here one
 * function after the other is looked at, so that it becomes an event when another node is the best one.
 * One at a time, since the ranking of a large domain takes milliseconds. */
#include "controller/candidates.h"
#include "controller/event.h"
#include "controller/judge_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BETTER 0.05 /* nodes that are nearly the same do not take turns */

/* The one before, unless another is clearly better; NULL: nobody. */
static const struct candidate *
find_best(const struct candidate *c, size_t n, const char *before)
{
	if (!n || !c[0].accepted)
		return NULL;
	for (size_t i = 1; i < n && c[i].accepted && c[i].score > c[0].score - BETTER;
	     i++)
		if (!strcmp(c[i].node->name, before))
			return &c[i];
	return &c[0];
}

static void
note_best(struct judge *j, struct placement *p, const struct candidate *best)
{
	const char *name = best ? best->node->name : "";
	char before[FOG_NAME_MAX + 1];

	if (!strcmp(name, p->candidate))
		return;
	snprintf(before, sizeof before, "%s", p->candidate);
	snprintf(p->candidate, sizeof p->candidate, "%s", name);
	if (!best)
		events_emit(j->events, "candidate.none", NULL, p->service_name,
		    p->function_name,
		    "no node could take %s over any more, %s neither; fogctl candidates "
		    "%s/%s "
		    "--explain says why",
		    p->function_name, before, p->service_name, p->function_name);
	else
		events_emit(j->events, "candidate.best", name, p->service_name,
		    p->function_name, "%s would go to %s (score %.2f)%s%s",
		    p->function_name, name, best->score, *before ? ", no longer to " : "",
		    before);
}

static void
look_at(struct judge *j, struct placement *p)
{
	struct candidates_query q = judge_candidates_query(j, p);
	struct candidate *c;
	size_t n;

	if (candidates_rank(&q, &c, &n) < 0)
		return;
	note_best(j, p, find_best(c, n, p->candidate));
	free(c);
}

/* While it moves, its best candidate is where it goes. */
void
judge_look_at_standing(struct judge *j)
{
	unsigned count = 0, at;

	for (const struct placement *p = j->placements; p; p = p->next)
		count++;
	if (!count)
		return;
	at = j->standing++ % count;
	for (struct placement *p = j->placements; p; p = p->next)
		if (!at--) {
			if (p->function && !p->migration)
				look_at(j, p);
			return;
		}
}
