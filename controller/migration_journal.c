/* SPDX-License-Identifier: Apache-2.0
 *
 * What a migration leaves behind: rows, events, its end; and how it is taken up again from them. */
#include "controller/migration_int.h"
#include "base/clock.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HISTORY_MAX 1000

int64_t
migration_now(const struct migration *m)
{
	return grasp_io_now(m->all->env.io);
}

int64_t
migration_wall(const struct migration *m)
{
	return m->all->env.io->ops->wall(m->all->env.io);
}

static void
unlink_migration(struct migration *m)
{
	struct migration **at = &m->all->first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
}

void
migration_release(struct migration *m)
{
	if (m->step != ENDED || m->pending)
		return;
	unlink_migration(m);
	free(m);
}

int
migration_make(struct migrations *ms, struct placement *p, struct migration **ret)
{
	struct migration *m = calloc(1, sizeof *m);

	if (!m)
		return -ENOMEM;
	m->all = ms;
	m->placement = p;
	m->state = "open";
	m->rev = 1;
	m->situation.probability = NAN;
	m->next = ms->first;
	ms->first = m;
	p->migration = m;
	*ret = m;
	return 0;
}

/* --- journal ------------------------------------------------------------------------------------ */

void
migration_put(struct migration *m, store_done_f *done)
{
	const struct migration_row row = { .id = m->id,
		.service = m->placement->service_name,
		.function = m->placement->function_name,
		.source = m->source,
		.target = m->target,
		.hook = m->hook,
		.reason = m->situation.reason,
		.state = m->state,
		.phase = hook_phase_name(m->phase),
		.detail = m->detail,
		.generation = m->generation,
		.attempt = m->attempt,
		.opened_ms = m->opened_ms,
		.due_ms = m->situation.due_ms,
		.started_ms = m->started_ms,
		.ready_ms = m->ready_ms,
		.switched_ms = m->switched_ms,
		.ended_ms = m->ended_ms };

	if (store_migration_put(m->all->env.store, &row, done, m) == 0)
		m->pending += done != NULL;
	else
		log_errorx("migration", "%s/%s: no memory to journal it",
		    m->placement->service_name, m->placement->function_name);
}

void
migration_put_placement(
    struct migrations *ms, struct placement *p, enum placement_state state)
{
	struct placement_row row;

	p->state = state;
	placement_to_row(p, &row);
	if (store_placement_put(ms->env.store, &row, NULL, NULL) < 0)
		log_errorx("migration", "%s/%s: no memory to store where it is",
		    p->service_name, p->function_name);
}

void
migration_emit(
    struct migration *m, const char *kind, const char *node, const char *fmt, ...)
{
	char text[MIGRATION_DETAIL_SIZE + 256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	events_emit(m->all->env.events, kind, node, m->placement->service_name,
	    m->placement->function_name, "%s", text);
}

void
migration_note(struct migration *m, const char *detail)
{
	snprintf(m->detail, sizeof m->detail, "%s", detail);
}

/* --- the end -------------------------------------------------------------------------------------- */

void
migration_end(struct migration *m, const char *state)
{
	struct placement *p = m->placement;

	struct migration_ask ask = m->ask;

	m->step = ENDED;
	m->state = state;
	m->ended_ms = migration_wall(m);
	migration_put(m, NULL);
	p->migration = NULL;
	if (ask.done)
		ask.done(ask.arg, state, m->target, m->detail);
	migration_release(m);
}

void
migration_end_moved(struct migration *m)
{
	struct migrations *ms = m->all;
	struct placement *p = m->placement;
	int64_t ended = migration_wall(m),
		took = (m->switched_ms ? m->switched_ms : ended) - m->opened_ms;
	char from[FOG_NAME_MAX + 1], span[CLOCK_TEXT_MAX];

	snprintf(from, sizeof from, "%s", m->source);
	snprintf(p->node, sizeof p->node, "%s", m->target);
	p->generation = m->generation;
	p->cooldown_until_ms =
	    grasp_io_now(ms->env.io) + (p->function ? p->function->cooldown_ms : 0);
	if (took >= 0)
		placement_add_duration(p, took);
	migration_put_placement(ms, p, PLACEMENT_ASSIGNED);
	migration_emit(m, "migration.done", p->node,
	    "moved from %s to %s in %s, generation %" PRIu64, from, p->node,
	    clock_format_span(took, span), p->generation);
	migration_used_prepared(ms, p, p->node);
	migration_end(m, "done");
	ms->env.moved(ms->env.arg, p, from);
}

void
migration_end_failed(struct migration *m, const char *why)
{
	struct migrations *ms = m->all;
	struct placement *p = m->placement;

	migration_note(m, why);
	migration_put_placement(ms, p, PLACEMENT_ASSIGNED);
	p->cooldown_until_ms = grasp_io_now(ms->env.io) + RESPITE_MS;
	migration_emit(m, "migration.failed", m->source, "%s stays on %s: %s",
	    p->function_name, m->source, why);
	migration_end(m, "failed");
}

void
migration_end_cancelled(struct migration *m, const char *why)
{
	migration_note(m, why);
	migration_put_placement(m->all, m->placement, PLACEMENT_ASSIGNED);
	migration_emit(m, "migration.cancelled", m->source, "%s stays on %s: %s",
	    m->placement->function_name, m->source, why);
	migration_end(m, "cancelled");
}

void
migration_end_uncertain(struct migration *m, const char *state, const char *why)
{
	migration_note(m, why);
	migration_put_placement(m->all, m->placement, PLACEMENT_UNCERTAIN);
	migration_emit(m, "migration.failed", m->source,
	    "it is not known whether %s runs on %s or on %s: %s; look, and say where it "
	    "is",
	    m->placement->function_name, m->source, m->target, why);
	migration_end(m, state);
}

/* --- after a restart ------------------------------------------------------------------------- */

static void
copy_row(struct migration *m, const struct migration_row *row)
{
	snprintf(m->id, sizeof m->id, "%s", row->id);
	snprintf(m->source, sizeof m->source, "%s", row->source);
	snprintf(m->target, sizeof m->target, "%s", row->target);
	snprintf(m->hook, sizeof m->hook, "%s", row->hook);
	snprintf(m->ranked[0], sizeof m->ranked[0], "%s", row->target);
	m->ranked_len = 1;
	snprintf(m->situation.reason, sizeof m->situation.reason, "%s", row->reason);
	m->situation.kind = SITUATION_PREDICTED;
	m->situation.due_ms = row->due_ms;
	migration_note(m, row->detail);
	m->phase = hook_phase_find(row->phase);
	m->generation = row->generation;
	m->attempt = row->attempt;
	m->opened_ms = row->opened_ms;
	m->started_ms = row->started_ms;
	m->ready_ms = row->ready_ms;
	m->switched_ms = row->switched_ms;
}

/* It may have been started and may have come further than the journal knows: the hook is asked. */
static void
restore(void *arg, const struct migration_row *row)
{
	struct migrations *ms = arg;
	struct placement *p =
	    placement_find(*ms->env.placements, row->service, row->function);
	struct placement alone = { .state = PLACEMENT_ASSIGNED };
	struct migration *m;

	if (!p || !p->function) {
		snprintf(
		    alone.service_name, sizeof alone.service_name, "%s", row->service);
		snprintf(
		    alone.function_name, sizeof alone.function_name, "%s", row->function);
	}
	if (migration_make(ms, p && p->function ? p : &alone, &m) < 0)
		return;
	copy_row(m, row);
	if (m->placement == &alone || !*row->target) {
		migration_note(m,
		    *row->target ? "the service was removed"
				 : "the controller was restarted before it began");
		if (m->placement != &alone)
			migration_put_placement(ms, p, PLACEMENT_ASSIGNED);
		migration_end(m, "cancelled");
		return;
	}
	m->resume = true;
	m->step = PAUSE;
	m->next_ms = grasp_io_now(ms->env.io);
	log_info("migration", "%s/%s: taking up its move from %s to %s again",
	    row->service, row->function, row->source, row->target);
}

static void
recall_duration(void *arg, const struct migration_row *row)
{
	struct migrations *ms = arg;
	struct placement *p =
	    placement_find(*ms->env.placements, row->service, row->function);
	int64_t ended = row->switched_ms ? row->switched_ms : row->ended_ms;

	if (p && !strcmp(row->state, "done") && ended >= row->opened_ms)
		placement_add_duration(p, ended - row->opened_ms);
}

int
migrations_load(struct migrations *ms)
{
	int err =
	    store_migrations(ms->env.store, false, HISTORY_MAX, recall_duration, ms);

	if (!err)
		err = store_migrations(ms->env.store, true, HISTORY_MAX, restore, ms);
	return err ? err : migration_prepare_load(ms);
}
