/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a node there? What the links tell and how long they tell nothing, judged on one timer. We doubt
 * ourselves first: when our own clock shows a hole or we are late, the nodes get more time
 * (reliability 3, R-09), and when many fall silent at once, it is rather our network. */
#include "base/log.h"
#include "controller/event.h"
#include "controller/registry_int.h"

#include <stdarg.h>
#include <stdio.h>

#define TICK_MS		250
#define HOLE_MS		1000 /* beyond the tick */
#define LATE_MS		200
#define PATIENCE_MAX	8
#define CLOSED_GRACE_MS 1000
#define LOST_BEATS	4
#define MASS_WINDOW_MS	10000
#define MASS_LEAST	3
#define MASS_PERCENT	30
#define MASS_FREEZE_MS	60000

static const char *const event_kinds[] = {
	[NODE_ALIVE] = "node.alive",
	[NODE_SUSPECT] = "node.suspect",
	[NODE_LOST] = "node.lost",
	[NODE_GONE] = "node.left",
};

void
registry_change(
    struct registry *r, struct node *n, enum node_state to, const char *fmt, ...)
{
	enum node_state before = n->state;
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	r->count[before]--;
	r->count[to]++;
	n->state = to;
	entry_of(n)->state_ms = grasp_io_now(r->io);
	entry_of(n)->suspect_due = false;
	entry_of(n)->told_gone = to == NODE_GONE;
	if (to == NODE_LOST || to == NODE_GONE)
		n->quarantined = false; /* neither of the two is there any more */
	(void)registry_put(r, n, NULL, NULL);
	events_emit(r->events, event_kinds[to], n->name, NULL, NULL, "%s", why);
	r->ops->changed(r->arg, n, before);
}

/* --- our own clock ---------------------------------------------------------------------------------- */
static void
start_timers_again(struct registry *r, int64_t now)
{
	for (struct node *n = r->first; n; n = n->next) {
		n->silent_since_ms = now;
		if (entry_of(n)->suspect_due)
			entry_of(n)->suspect_ms = now + CLOSED_GRACE_MS;
	}
}

static void
look_at_own_clock(struct registry *r, int64_t now)
{
	int64_t late = now - r->ticked_ms - TICK_MS;

	if (late > HOLE_MS) {
		log_warnx("registry",
		    "this process stood still for %lld ms: the nodes get their"
		    " time again",
		    (long long)late);
		r->hole_ms = now;
		start_timers_again(r, now);
	}
	r->patience = r->patience > 2 ? r->patience - 1 : 1;
	if (late > LATE_MS && 1 + (double)late / LATE_MS > r->patience)
		r->patience = 1 + (double)late / LATE_MS;
	if (r->patience > PATIENCE_MAX)
		r->patience = PATIENCE_MAX;
	r->ticked_ms = now;
}

/* --- verdicts ---------------------------------------------------------------------------------------- */
static int64_t
limit_of(const struct registry *r, const struct entry *e)
{
	int64_t limit = LOST_BEATS * (int64_t)registry_beat(r);

	if (e->grace_ms > limit)
		limit = e->grace_ms;
	return (int64_t)((double)limit * r->patience);
}

static void
consider(struct registry *r, struct entry *e, int64_t now)
{
	struct node *n = &e->node;

	switch (n->state) {
	case NODE_ALIVE:
		if (!n->link && e->suspect_due && now >= e->suspect_ms)
			registry_change(
			    r, n, NODE_SUSPECT, "%s: its link is closed", n->name);
		return;
	case NODE_SUSPECT:
		if (!n->link && now >= r->frozen_until_ms &&
		    now - n->silent_since_ms >= limit_of(r, e))
			registry_change(r, n, NODE_LOST, "%s was not heard for %.1f s",
			    n->name, (double)(now - n->silent_since_ms) / 1000);
		return;
	case NODE_LOST:
		if (now - e->state_ms >= r->cfg.lost_ms)
			registry_change(r, n, NODE_GONE,
			    "%s did not come back for %lld h", n->name,
			    (long long)(r->cfg.lost_ms / 3600000));
		return;
	case NODE_GONE:
		if (e->told_gone)
			registry_drop(r, e);
		return;
	}
}

static size_t
count_fresh_suspects(const struct registry *r, int64_t now)
{
	size_t fresh = 0;

	for (struct node *n = r->first; n; n = n->next)
		fresh += n->state == NODE_SUSPECT && !entry_of(n)->grace_ms &&
		    now - entry_of(n)->state_ms < MASS_WINDOW_MS;
	return fresh;
}

static void
look_for_mass(struct registry *r, int64_t now)
{
	size_t all = r->count[NODE_ALIVE] + r->count[NODE_SUSPECT], fresh;

	if (r->count[NODE_SUSPECT] < MASS_LEAST || now < r->frozen_until_ms)
		return;
	fresh = count_fresh_suspects(r, now);
	if (fresh < MASS_LEAST || fresh * 100 <= all * MASS_PERCENT)
		return;
	r->frozen_until_ms = now + MASS_FREEZE_MS;
	events_emit(r->events, "mass.suspect", NULL, NULL, NULL,
	    "%zu of %zu nodes fell silent within %d s: is it our network? No node is "
	    "called lost"
	    " for %d s",
	    fresh, all, MASS_WINDOW_MS / 1000, MASS_FREEZE_MS / 1000);
}

static void
on_tick(void *arg)
{
	struct registry *r = arg;
	int64_t now = grasp_io_now(r->io);

	look_at_own_clock(r, now);
	look_for_mass(r, now);
	for (struct node *n = r->first, *next; n; n = next) {
		next = n->next;
		consider(r, entry_of(n), now);
	}
	r->io->ops->timer_set(r->tick, TICK_MS);
}

void
registry_unlinked(struct registry *r, struct node *n, int64_t heard_ms, bool silent)
{
	struct entry *e = entry_of(n);
	int64_t now = grasp_io_now(r->io);

	look_at_own_clock(r, now);
	n->link = NULL;
	n->silent_since_ms = heard_ms > r->hole_ms ? heard_ms : r->hole_ms;
	if (n->state != NODE_ALIVE)
		return;
	if (silent && now - n->silent_since_ms > CLOSED_GRACE_MS) {
		registry_change(r, n, NODE_SUSPECT, "%s was not heard for %.1f s",
		    n->name, (double)(now - n->silent_since_ms) / 1000);
		return;
	}
	e->suspect_due = true;
	e->suspect_ms = now + CLOSED_GRACE_MS;
}

void
registry_lose(struct registry *r, struct node *n, const char *why)
{
	if (n->state == NODE_ALIVE || n->state == NODE_SUSPECT)
		registry_change(r, n, NODE_LOST, "%s: %s", n->name, why);
}

int
registry_watch_start(struct registry *r)
{
	int err = r->io->ops->timer_new(r->io, on_tick, r, &r->tick);

	if (err)
		return err;
	r->patience = 1;
	r->ticked_ms = grasp_io_now(r->io);
	r->hole_ms = r->ticked_ms;
	r->io->ops->timer_set(r->tick, TICK_MS);
	return 0;
}

void
registry_watch_stop(struct registry *r)
{
	if (r->tick)
		r->io->ops->timer_free(r->tick);
}
