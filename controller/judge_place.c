/* SPDX-License-Identifier: Apache-2.0
 *
 * Watches of locations: nodes tell where they are, and what matters is how far they are from leaving, which
 * may be because something else moves. */
#include "controller/judge_int.h"
#include "controller/location.h"
#include <math.h>

#define PLACES_MAX 1024 /* functions with a location */

struct place {
	const struct placement *of;
	const struct node *near; /* NULL: nothing, or not known */
};
struct places {
	struct judge *judge;
	struct place place[PLACES_MAX];
	size_t len;
};

static const struct node *
find_near(struct judge *j, const struct placement *p)
{
	const struct plan_view view = judge_view(j);
	const char *name = location_near(p, j->placements);

	return name ? view.node(view.arg, name) : NULL;
}

static const struct place *
find_place(const struct places *s, const struct placement *of)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->place[i].of == of)
			return &s->place[i];
	return NULL;
}

/* What does not move is told again each period, as if it had been measured. */
static void
tell(void *arg, struct watch *w)
{
	struct places *s = arg;
	const struct place *place;
	int64_t now_ms = judge_now(s->judge), time_ms;
	double margin;

	if (w->requirement->origin != REQUIRE_LOCATION || w->node->state != NODE_ALIVE)
		return;
	place = find_place(s, w->placement);
	if (!place)
		return;
	margin = location_margin_of(w->placement->function->location, w->node,
	    place->near, s->judge->vitals, now_ms, &time_ms);
	if (time_ms == INT64_MIN)
		time_ms = now_ms - now_ms % w->period_ms;
	if (!isnan(margin))
		watches_tell(s->judge->watches, w, time_ms, margin);
}

void
judge_tell_places(struct judge *j)
{
	struct places s;

	s.judge = j;
	s.len = 0;
	for (const struct placement *p = j->placements; p && s.len < PLACES_MAX;
	     p = p->next)
		if (p->function && p->function->location)
			s.place[s.len++] = (struct place){ p, find_near(j, p) };
	if (s.len)
		watches_each(j->watches, tell, &s);
}
