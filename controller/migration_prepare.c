/* SPDX-License-Identifier: Apache-2.0
 *
 * Preparing candidates while a failure is likely but not yet likely enough to move: images are fetched, a
 * standby is started, nobody notices. The event has the id that the move will have. When the move has
 * gone elsewhere, or nothing comes of it, what is left on candidates is undone, also after a restart.
 *
 *	preparing --done--> prepared --calm for a while, or moved--> undoing --done--> gone
 */
#include "base/crypto.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/hook_host.h"
#include "controller/migration_int.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PREPARED_MAX 2	   /* candidates */
#define SHARE	     0.5   /* of what raises the alarm */
#define BY_COST	     0.25  /* likelihood, where the predictor raises it by cost */
#define CALM_MS	     30000 /* below half of that, before it is undone */
#define PAUSE_MAX_S  64

enum preparation_step { PREPARING, PREPARED, UNDOING };

struct preparation {
	struct preparation *next;
	struct migrations *all;
	enum preparation_step step;
	struct migration of; /* for its event; never in the list of migrations */
	char service[FOG_NAME_MAX + 1], function[FOG_NAME_MAX + 1];
	struct placement *placement; /* NULL: gone */
	struct hook_call *call;
	bool resume;
	unsigned tries;
	int64_t calm_since_ms, next_ms, undo_since_ms;
};

static double
bound_of(const struct function *f)
{
	return f->raise > 0 ? f->raise * SHARE : BY_COST;
}

static struct hook_instance *
hook_of(const struct preparation *p)
{
	return hooks_find(p->all->env.hooks, p->of.hook);
}

bool
migrations_can_prepare(const struct migrations *ms, const struct placement *p)
{
	struct hook_instance *hook = p->service && p->service->hook
	    ? hooks_find(ms->env.hooks, p->service->hook)
	    : NULL;

	return hook && hook_instance_wants(hook, HOOK_MIGRATE) &&
	    (hook_instance_type(hook)->caps & HOOK_CAN_PREPARE);
}

static struct preparation *
find(const struct migrations *ms, const struct placement *p)
{
	struct preparation *r = ms->preparations;

	while (r && r->placement != p)
		r = r->next;
	return r;
}

/* --- store ---------------------------------------------------------------------------------------- */

static void
put(struct preparation *p)
{
	char names[PREPARED_MAX * (FOG_NAME_MAX + 2)] = "";
	struct outbox_row row = { .id = p->of.id,
		.hook = p->of.hook,
		.about = "",
		.kind = "prepare",
		.rev = p->of.rev,
		.service = p->service,
		.function = p->function,
		.source = p->of.source,
		.generation = p->of.generation,
		.candidates = names,
		.reason = p->of.situation.reason,
		.evidence = "",
		.probability = p->of.situation.probability,
		.state = p->step == UNDOING ? "undoing" : "told",
		.opened_ms = p->of.opened_ms };

	for (size_t i = 0; i < p->of.ranked_len; i++) {
		size_t len = strlen(names);

		snprintf(names + len, sizeof names - len, "%s%s", i ? " " : "",
		    p->of.ranked[i]);
	}
	if (store_outbox_put(p->all->env.store, &row, NULL, NULL) < 0)
		log_errorx("migration", "no memory to store what was prepared");
}

static void
free_preparation(struct preparation *p)
{
	struct preparation **at = &p->all->preparations;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	free(p);
}

static void
forget(struct preparation *p)
{
	(void)store_outbox_delete(p->all->env.store, p->of.id, p->of.hook);
	free_preparation(p);
}

/* --- calls ---------------------------------------------------------------------------------------- */

static void
ignore_progress(void *arg, enum hook_phase phase, const char *detail)
{
	(void)arg, (void)phase, (void)detail;
}

static void
emit(const struct preparation *p, const char *kind, const char *text)
{
	events_emit(
	    p->all->env.events, kind, p->of.source, p->service, p->function, "%s", text);
}

static void
begin_undo(struct preparation *p)
{
	p->step = UNDOING;
	p->of.rev++;
	p->tries = 0;
	p->resume = false;
	p->next_ms = p->undo_since_ms = migration_now(&p->of);
	put(p);
}

static void
try_undo_later(struct preparation *p, enum hook_verdict v, const char *why)
{
	int64_t now = migration_now(&p->of);
	char text[384];

	p->resume = v == HOOK_FAILED_UNKNOWN;
	p->next_ms = now + 1000 * (p->tries < 6 ? 1LL << p->tries : PAUSE_MAX_S);
	p->tries++;
	if (p->next_ms - p->undo_since_ms <= hook_instance_patience(hook_of(p)))
		return;
	snprintf(text, sizeof text,
	    "hook %s does not undo what was prepared for a move of %s: %s; look after it",
	    p->of.hook, p->function, why);
	emit(p, "hook.escalated", text);
	forget(p);
}

/* What was not prepared leaves nothing, as far as the hook knows; else it is undone all the same. */
static void
take_verdict(struct preparation *p, enum hook_verdict v, const char *detail)
{
	bool good = v == HOOK_DONE || v == HOOK_ALREADY;

	if (p->step == UNDOING) {
		if (good || v == HOOK_REFUSED || v == HOOK_FENCED)
			forget(p);
		else
			try_undo_later(p, v, detail);
		return;
	}
	if (good) {
		p->step = PREPARED;
		emit(p, "migration.prepared", detail);
		put(p);
	} else if (v == HOOK_FAILED_UNKNOWN) {
		begin_undo(p);
	} else {
		p->step = PREPARED; /* not again for the same situation */
		p->of.ranked_len = 0;
	}
}

static void
on_done(void *arg, enum hook_verdict v, const char *detail)
{
	struct preparation *p = arg;

	p->call = NULL;
	take_verdict(p, v, detail);
}

static void
start(struct preparation *p)
{
	static const struct hook_call_ops ops = { ignore_progress, on_done };
	struct hook_instance *hook = hook_of(p);
	struct migration_told told;
	char err[256] = "";
	int rc;

	if (!hook || !p->placement || !p->placement->function) {
		forget(p); /* nobody is left to ask */
		return;
	}
	migration_fill_event(&p->of, &told);
	told.ev.stage = HOOK_PREPARE;
	if (p->step == UNDOING)
		told.ev.kind = HOOK_PREDICTION_CLEARED;
	rc = hook_call_start(
	    hook, &told.ev, p->resume, 0, &ops, p, &p->call, err, sizeof err);
	if (rc == -EAGAIN)
		p->next_ms = migration_now(&p->of) + 1000;
	else if (rc < 0)
		take_verdict(p, HOOK_REFUSED, err);
}

/* --- when ------------------------------------------------------------------------------------------ */

static void
open_preparation(struct migrations *ms, struct placement *pl, double probability)
{
	uint8_t random[(MIGRATION_ID_SIZE - 1) / 2];
	struct preparation *p = calloc(1, sizeof *p);
	char why[256];

	if (!p)
		return;
	p->all = p->of.all = ms;
	p->placement = p->of.placement = pl;
	p->of.situation.kind = SITUATION_PREDICTED;
	p->of.situation.probability = probability;
	snprintf(p->of.situation.reason, sizeof p->of.situation.reason,
	    "%s may have to leave %s (%.0f %%)", pl->function_name, pl->node,
	    probability * 100);
	p->of.generation = pl->generation + 1;
	p->of.rev = 1;
	p->of.opened_ms = migration_wall(&p->of);
	snprintf(p->service, sizeof p->service, "%s", pl->service_name);
	snprintf(p->function, sizeof p->function, "%s", pl->function_name);
	snprintf(p->of.source, sizeof p->of.source, "%s", pl->node);
	snprintf(p->of.hook, sizeof p->of.hook, "%s", pl->service->hook);
	ms->env.io->ops->random(ms->env.io, random, sizeof random);
	hex_format(random, sizeof random, p->of.id);
	p->next = ms->preparations;
	ms->preparations = p;
	if (!migration_find_candidates(&p->of, why, sizeof why)) {
		free_preparation(p);
		return;
	}
	if (p->of.ranked_len > PREPARED_MAX)
		p->of.ranked_len = PREPARED_MAX;
	put(p);
	start(p);
}

/* Calm for a while: nothing comes of it. */
static void
watch_calm(struct preparation *p, double probability)
{
	int64_t now = migration_now(&p->of);

	if (probability >= bound_of(p->placement->function) / 2)
		p->calm_since_ms = 0;
	else if (!p->calm_since_ms)
		p->calm_since_ms = now;
	else if (now - p->calm_since_ms >= CALM_MS && p->of.ranked_len)
		begin_undo(p);
	else if (now - p->calm_since_ms >= CALM_MS)
		forget(p);
}

static void
follow(struct preparation *p, const struct situation *s)
{
	if (p->call)
		return;
	if (p->step == PREPARED && s->kind == SITUATION_NONE && !p->placement->migration)
		watch_calm(p, isnan(s->probability) ? 0 : s->probability);
	else if (p->step != PREPARED && migration_now(&p->of) >= p->next_ms)
		start(p);
}

static bool
may_prepare(const struct migrations *ms, const struct placement *p)
{
	return !p->migration && !p->function->pinned && p->state == PLACEMENT_ASSIGNED &&
	    *p->node && grasp_io_now(ms->env.io) >= p->cooldown_until_ms &&
	    migrations_can_prepare(ms, p);
}

void
migration_prepare(struct migrations *ms, struct placement *pl, const struct situation *s)
{
	struct preparation *p = find(ms, pl);

	if (!pl->function)
		return;
	if (p)
		follow(p, s);
	else if (s->kind == SITUATION_NONE && s->probability >= bound_of(pl->function) &&
	    may_prepare(ms, pl))
		open_preparation(ms, pl, s->probability);
}

/* --- what a move has of it -------------------------------------------------------------------- */

static bool
is_prepared(const struct preparation *p, const char *node)
{
	for (size_t i = 0; i < p->of.ranked_len; i++)
		if (!strcmp(p->of.ranked[i], node))
			return true;
	return false;
}

void
migration_use_prepared(struct migration *m)
{
	struct preparation *p = find(m->all, m->placement);
	char sorted[CANDIDATES_TOLD][FOG_NAME_MAX + 1];
	size_t n = 0;

	if (!p || p->step != PREPARED || *m->wish)
		return;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < m->ranked_len; i++)
			if (is_prepared(p, m->ranked[i]) == !pass)
				memcpy(sorted[n++], m->ranked[i], sizeof sorted[0]);
	memcpy(m->ranked, sorted, sizeof sorted);
}

const char *
migration_prepared_id(const struct migrations *ms, const struct placement *pl)
{
	struct preparation *p = find(ms, pl);

	return p && p->step != UNDOING ? p->of.id : NULL;
}

/* The others have it still. */
void
migration_used_prepared(struct migrations *ms, struct placement *pl, const char *target)
{
	struct preparation *p = find(ms, pl);
	size_t n = 0;

	if (!p || p->step == UNDOING)
		return;
	for (size_t i = 0; i < p->of.ranked_len; i++)
		if (strcmp(p->of.ranked[i], target))
			memmove(
			    p->of.ranked[n++], p->of.ranked[i], sizeof p->of.ranked[0]);
	p->of.ranked_len = n;
	if (p->call)
		return; /* it is cancelled, and ends as it ends */
	if (n)
		begin_undo(p);
	else
		forget(p);
}

/* The service is gone, and with it what could be told: the hook hears of it in the log alone. */
void
migration_abandon_prepared(struct migrations *ms, struct placement *pl)
{
	struct preparation *p = find(ms, pl);

	if (!p)
		return;
	if (p->call) {
		hook_call_drop(p->call);
		hook_call_cancel(p->call);
	}
	if (p->of.ranked_len)
		emit(p, "hook.escalated",
		    "the service was removed while candidates were prepared; look after "
		    "them");
	forget(p);
}

/* --- over a restart --------------------------------------------------------------------------------- */

/* It is undone: whether things are still so is found out anew. */
static void
restore(void *arg, const struct outbox_row *row)
{
	struct migrations *ms = arg;
	struct placement *pl =
	    placement_find(*ms->env.placements, row->service, row->function);
	struct preparation *p;
	const char *names = row->candidates;

	if (strcmp(row->kind, "prepare"))
		return;
	p = pl && pl->function ? calloc(1, sizeof *p) : NULL;
	if (!p) {
		(void)store_outbox_delete(ms->env.store, row->id, row->hook);
		return;
	}
	p->all = p->of.all = ms;
	p->placement = p->of.placement = pl;
	p->of.generation = row->generation;
	p->of.rev = row->rev;
	p->of.opened_ms = row->opened_ms;
	p->of.situation.probability = 0;
	snprintf(
	    p->of.situation.reason, sizeof p->of.situation.reason, "%s", row->reason);
	snprintf(p->service, sizeof p->service, "%s", row->service);
	snprintf(p->function, sizeof p->function, "%s", row->function);
	snprintf(p->of.id, sizeof p->of.id, "%s", row->id);
	snprintf(p->of.source, sizeof p->of.source, "%s", row->source);
	snprintf(p->of.hook, sizeof p->of.hook, "%s", row->hook);
	while (*names && p->of.ranked_len < PREPARED_MAX) {
		size_t len = strcspn(names, " ");

		snprintf(p->of.ranked[p->of.ranked_len++], sizeof p->of.ranked[0], "%.*s",
		    (int)len, names);
		names += len + strspn(names + len, " ");
	}
	p->next = ms->preparations;
	ms->preparations = p;
	begin_undo(p);
	p->resume = true;
}

int
migration_prepare_load(struct migrations *ms)
{
	return store_outbox(ms->env.store, restore, ms);
}

void
migration_prepare_free(struct migrations *ms)
{
	while (ms->preparations) {
		if (ms->preparations->call)
			hook_call_drop(ms->preparations->call);
		free_preparation(ms->preparations);
	}
}
