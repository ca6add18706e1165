/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/migration_int.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "controller/candidates.h"
#include "controller/event.h"
#include "controller/hook_host.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MAX  3	   /* candidates tried before the operator is asked */
#define RETRIES_MAX   4	   /* of one candidate: 1, 2, 4, 8 s */
#define ASKED_MAX     3	   /* about an outcome that is not known */
#define LOOK_AGAIN_MS 2000 /* for candidates */
#define LIMITED_MS    1000 /* when the hook is at a limit */
#define UPDATE_MS     1000 /* news of a situation go to the hook at most so often */

const char *
migration_target(const struct migration *m)
{
	return m->target;
}

const char *
migration_id(const struct migration *m)
{
	return m->id;
}

uint32_t
migration_rev(const struct migration *m)
{
	return m->rev;
}

/* --- memory ------------------------------------------------------------------------------------- */

int
migrations_new(const struct migrations_env *env, struct migrations **ret)
{
	struct migrations *ms = calloc(1, sizeof *ms);

	if (!ms)
		return -ENOMEM;
	ms->env = *env;
	*ret = ms;
	return 0;
}

void
migrations_free(struct migrations *ms)
{
	if (!ms)
		return;
	ms->closing = true;
	migrations_free_dry_runs(ms);
	migration_prepare_free(ms);
	store_flush(ms->env.store); /* callbacks that are due come now, and do nothing */
	while (ms->first) {
		struct migration *m = ms->first;

		if (m->call)
			hook_call_drop(m->call);
		if (m->step != ENDED)
			m->placement->migration = NULL;
		m->step = ENDED;
		m->pending = 0;
		migration_release(m);
	}
	free(ms);
}

/* --- candidates ------------------------------------------------------------------------------- */

static void
take_ranking(struct migration *m, const struct candidate *c, size_t n)
{
	m->ranked_len = 0;
	for (size_t i = 0; i < n && c[i].accepted && m->ranked_len < CANDIDATES_TOLD; i++)
		snprintf(m->ranked[m->ranked_len++], sizeof m->ranked[0], "%s",
		    c[i].node->name);
}

/* Why nobody: the reasons of those that come to mind first. */
static void
explain_refusals(const struct candidate *c, size_t n, char *text, size_t size)
{
	struct buf b;

	buf_init_fixed(&b, text, size - 1);
	buf_puts(&b, "no node can take it over");
	for (size_t i = 0; i < n && i < 4 && !b.err; i++)
		if (c[i].reasons)
			buf_printf(&b, "%s%s: %s", i ? "; " : ": ", c[i].node->name,
			    c[i].reason[0]);
	text[b.pos] = '\0';
}

bool
migration_find_candidates(struct migration *m, char *why, size_t size)
{
	struct migrations *ms = m->all;
	struct candidates_query q = { .nodes = ms->env.nodes(ms->env.arg),
		.placements = *ms->env.placements,
		.of = m->placement,
		.watches = ms->env.watches,
		.vitals = ms->env.vitals,
		.uptimes = ms->env.uptimes,
		.now_ms = grasp_io_now(ms->env.io),
		.wall_ms = migration_wall(m),
		.explain = true };
	struct candidate *c;
	size_t n;

	m->target[0] = '\0'; /* its reservation must not stand in its own way */
	m->ranked_len = 0;
	if (*m->wish) {
		snprintf(m->ranked[m->ranked_len++], sizeof m->ranked[0], "%s", m->wish);
		return true;
	}
	if (candidates_rank(&q, &c, &n) < 0) {
		snprintf(why, size, "no memory");
		return false;
	}
	take_ranking(m, c, n);
	if (!m->ranked_len)
		explain_refusals(c, n, why, size);
	free(c);
	return m->ranked_len > 0;
}

static void on_journalled(void *arg, int err);

/* Journal first, then send. */
static void
journal_start(struct migration *m)
{
	m->step = JOURNAL;
	migration_put_placement(m->all, m->placement, PLACEMENT_PREPARING);
	migration_put(m, on_journalled);
}

static void
wait_for_candidate(struct migration *m, const char *why)
{
	m->step = WAITING;
	m->next_ms = migration_now(m) + LOOK_AGAIN_MS;
	migration_note(m, why);
	if (m->told_waiting)
		return;
	m->told_waiting = true;
	migration_put(m, NULL);
	migration_emit(m, "migration.waiting", m->source, "%s", why);
}

void
migration_try_candidate(struct migration *m)
{
	char why[MIGRATION_DETAIL_SIZE];

	if (!migration_find_candidates(m, why, sizeof why)) {
		if (m->attempt || m->requested)
			migration_end_failed(m, why);
		else
			wait_for_candidate(m, why);
		return;
	}
	migration_use_prepared(m);
	snprintf(m->target, sizeof m->target, "%s", m->ranked[0]);
	m->attempt++;
	m->retries = m->asked = 0;
	m->phase = 0;
	m->started_ms = m->ready_ms = m->switched_ms = 0;
	journal_start(m);
}

static void
try_next_candidate(struct migration *m, const char *why)
{
	struct migrations *ms = m->all;
	int64_t now = grasp_io_now(ms->env.io);
	int64_t spared = m->placement->function->cooldown_ms;

	migration_emit(m, "migration.refused", m->target, "%s could not take %s over: %s",
	    m->target, m->placement->function_name, *why ? why : "no reason was given");
	placement_add_failure(m->placement, m->target, now,
	    now + (spared > RESPITE_MS ? spared : RESPITE_MS));
	if (m->attempt >= ATTEMPTS_MAX || *m->wish) {
		char text[MIGRATION_DETAIL_SIZE];

		if (*m->wish)
			snprintf(
			    text, sizeof text, "%s did not take it: %s", m->wish, why);
		else
			snprintf(text, sizeof text,
			    "%u candidates in a row did not take it, the last: %s",
			    m->attempt, why);
		migration_emit(m, "hook.escalated", m->source, "%s", text);
		migration_end_failed(m, text);
		return;
	}
	migration_try_candidate(m);
}

/* --- the hook ------------------------------------------------------------------------------------- */

static void
pause_for(struct migration *m, int64_t ms)
{
	uint32_t random;

	m->all->env.io->ops->random(m->all->env.io, &random, sizeof random);
	m->step = PAUSE;
	m->next_ms = migration_now(m) + clock_jitter((uint32_t)ms, 10, random);
}

/* While there is time before the failure that was predicted. */
static void
retry(struct migration *m, const char *why)
{
	int64_t delay = 1000LL << m->retries;
	bool in_time = !m->situation.due_ms || m->situation.kind != SITUATION_PREDICTED ||
	    migration_wall(m) + delay < m->situation.due_ms;

	if (m->retries++ >= RETRIES_MAX || !in_time) {
		try_next_candidate(m, why);
		return;
	}
	migration_note(m, why);
	migration_put(m, NULL);
	pause_for(m, delay);
}

static void
ask_again(struct migration *m, const char *why)
{
	if (m->asked++ >= ASKED_MAX) {
		migration_end_uncertain(m, "unknown", why);
		return;
	}
	migration_note(m, why);
	migration_put(m, NULL);
	m->resume = true;
	pause_for(m, 1000LL << m->asked);
}

static void
take_verdict(struct migration *m, enum hook_verdict v, const char *detail)
{
	m->resume = false;
	switch (v) {
	case HOOK_DONE:
	case HOOK_ALREADY:
		migration_note(m, detail);
		migration_end_moved(m);
		return;
	case HOOK_REFUSED:
	case HOOK_FAILED_CLEAN:
		if (m->cancel_wanted)
			migration_end_cancelled(m, "the prediction was taken back");
		else
			try_next_candidate(m, detail);
		return;
	case HOOK_RETRY:
		if (m->cancel_wanted)
			migration_end_cancelled(m, "the prediction was taken back");
		else
			retry(m, detail);
		return;
	case HOOK_CANCELLED:
		if (m->cancel_wanted)
			migration_end_cancelled(m, "the prediction was taken back");
		else
			try_next_candidate(m, *detail ? detail : "it took too long");
		return;
	case HOOK_FAILED_UNKNOWN:
		ask_again(m, *detail ? detail : "the hook cannot say what happened");
		return;
	case HOOK_FENCED:
		migration_end_uncertain(
		    m, "failed", "the orchestrator has seen a higher generation");
		return;
	}
}

static void
on_done(void *arg, enum hook_verdict v, const char *detail)
{
	struct migration *m = arg;

	m->call = NULL;
	if (m->step == ENDED)
		migration_release(m);
	else
		take_verdict(m, v, detail);
}

static enum placement_state
state_after(enum hook_phase phase)
{
	if (phase >= HOOK_SWITCHED)
		return PLACEMENT_ASSIGNING;
	return phase == HOOK_TARGET_READY ? PLACEMENT_RELEASING : PLACEMENT_PREPARING;
}

static void
on_progress(void *arg, enum hook_phase phase, const char *detail)
{
	struct migration *m = arg;

	m->phase = phase;
	migration_note(m, detail);
	if (phase == HOOK_TARGET_READY)
		m->ready_ms = migration_wall(m);
	if (phase == HOOK_SWITCHED)
		m->switched_ms = migration_wall(m);
	migration_put_placement(m->all, m->placement, state_after(phase));
	migration_put(m, NULL);
	migration_emit(m, "migration.phase", m->target, "%s%s%s", hook_phase_name(phase),
	    *detail ? ": " : "", detail);
}

static const char *
address_of(const struct migration *m, const char *node)
{
	const struct migrations_env *env = &m->all->env;

	return env->address ? env->address(env->arg, node) : NULL;
}

void
migration_fill_event(const struct migration *m, struct migration_told *to)
{
	const struct function *f = m->placement->function;

	for (size_t i = 0; i < m->ranked_len; i++) {
		const char *address = address_of(m, m->ranked[i]);

		to->name[i] = m->ranked[i];
		to->address[i] = address ? address : "";
	}
	snprintf(to->instance, sizeof to->instance, "%s/%s", m->placement->service_name,
	    m->placement->function_name);
	to->ev = (struct hook_event){ .size = sizeof to->ev,
		.id = m->id,
		.rev = m->rev,
		.kind = HOOK_MIGRATE,
		.stage = HOOK_COMMIT,
		.stateful = f->stateful,
		.exclusive = f->class == FUNCTION_EXCLUSIVE,
		.break_ok = f->break_ok,
		.service = m->placement->service_name,
		.function = m->placement->function_name,
		.instance = to->instance,
		.generation = m->generation,
		.source = m->source,
		.source_address = address_of(m, m->source),
		.candidates = to->name,
		.addresses = to->address,
		.candidates_len = m->ranked_len,
		.reason = m->situation.reason,
		.probability = m->situation.probability,
		.due_ms = m->situation.due_ms,
		.deadline_ms = f->deadline_ms,
		.drain_ms = f->drain_ms,
		.evidence_json = m->situation.evidence };
}

static void
start_hook(struct migration *m)
{
	static const struct hook_call_ops ops = { on_progress, on_done };
	struct migrations *ms = m->all;
	struct hook_instance *hook = hooks_find(ms->env.hooks, m->hook);
	char err[MIGRATION_DETAIL_SIZE] = "";
	struct migration_told told;
	int rc;

	if (!hook) {
		snprintf(
		    err, sizeof err, "there is no hook %s in the configuration", m->hook);
		if (m->resume)
			migration_end_uncertain(m, "unknown", err);
		else
			migration_end_failed(m, err);
		return;
	}
	migration_fill_event(m, &told);
	m->told = m->situation;
	m->updated_ms = grasp_io_now(ms->env.io);
	rc = hook_call_start(
	    hook, &told.ev, m->resume, m->phase, &ops, m, &m->call, err, sizeof err);
	if (rc == -EAGAIN) {
		migration_note(m, err);
		m->step = PAUSE;
		m->next_ms = grasp_io_now(ms->env.io) + LIMITED_MS;
		return;
	}
	m->step = RUNNING;
	if (rc < 0)
		take_verdict(m, m->resume ? HOOK_FAILED_UNKNOWN : HOOK_REFUSED, err);
	else if (!m->started_ms)
		m->started_ms = migration_wall(m);
}

static void
on_journalled(void *arg, int err)
{
	struct migration *m = arg;

	m->pending--;
	if (m->step == ENDED) {
		migration_release(m);
		return;
	}
	if (m->all->closing || m->step != JOURNAL)
		return;
	if (err < 0)
		migration_end_failed(m, "the store does not take it");
	else
		start_hook(m);
}

/* --- situations ------------------------------------------------------------------------------- */

static bool
may_move(
    const struct migrations *ms, const struct placement *p, const struct situation *s)
{
	return p->function && !p->function->pinned && p->service->hook &&
	    p->state == PLACEMENT_ASSIGNED && *p->node &&
	    (s->kind == SITUATION_LOST ||
		grasp_io_now(ms->env.io) >= p->cooldown_until_ms);
}

struct migration *
migration_open(struct migrations *ms, struct placement *p, const struct situation *s)
{
	uint8_t random[(MIGRATION_ID_SIZE - 1) / 2];
	const char *prepared;
	struct migration *m;

	if (migration_make(ms, p, &m) < 0) {
		log_errorx("migration", "%s/%s: no memory to move it", p->service_name,
		    p->function_name);
		return NULL;
	}
	ms->env.io->ops->random(ms->env.io, random, sizeof random);
	hex_format(random, sizeof random, m->id);
	prepared = migration_prepared_id(ms, p);
	if (prepared) { /* one event per situation */
		snprintf(m->id, sizeof m->id, "%s", prepared);
		m->rev = 2;
	}
	m->situation = *s;
	m->generation = p->generation + 1;
	m->opened_ms = migration_wall(m);
	snprintf(m->source, sizeof m->source, "%s", p->node);
	snprintf(m->hook, sizeof m->hook, "%s", p->service->hook);
	migration_emit(m, "migration.opened", m->source, "%s has to leave %s: %s",
	    p->function_name, m->source, s->reason);
	return m;
}

static void
open_migration(struct migrations *ms, struct placement *p, const struct situation *s)
{
	struct migration *m = migration_open(ms, p, s);

	if (m)
		migration_try_candidate(m);
}

static bool
is_news(const struct situation *a, const struct situation *b)
{
	return a->kind != b->kind || fabs(a->probability - b->probability) > 0.1 ||
	    llabs(a->due_ms - b->due_ms) > 5000;
}

/* A new revision of the same event. */
static void
tell_update(struct migration *m)
{
	struct migration_told told;

	if (!m->call || !is_news(&m->situation, &m->told) ||
	    migration_now(m) - m->updated_ms < UPDATE_MS)
		return;
	m->rev++;
	m->told = m->situation;
	m->updated_ms = migration_now(m);
	migration_fill_event(m, &told);
	hook_call_update(m->call, &told.ev);
}

static bool
can_cancel(const struct migration *m)
{
	struct hook_instance *hook = hooks_find(m->all->env.hooks, m->hook);

	return m->call && hook && (hook_instance_type(hook)->caps & HOOK_CAN_CANCEL) &&
	    m->phase < HOOK_TARGET_READY;
}

static void
take_back(struct migration *m)
{
	if (m->step == WAITING || (m->step == PAUSE && !m->resume)) {
		migration_end_cancelled(m, "the prediction was taken back");
	} else if (m->step == RUNNING && !m->cancel_wanted && can_cancel(m)) {
		m->cancel_wanted = true;
		hook_call_cancel(m->call);
	}
}

static void
go_on(struct migration *m)
{
	bool due = migration_now(m) >= m->next_ms;

	if (m->step == WAITING && due)
		migration_try_candidate(m);
	else if (m->step == PAUSE && due)
		start_hook(m);
	else if (m->step == RUNNING)
		tell_update(m);
}

void
migrations_consider(struct migrations *ms, struct placement *p, const struct situation *s)
{
	struct migration *m = p->migration;

	migration_prepare(ms, p, s);
	if (!m) {
		if (s->kind != SITUATION_NONE && may_move(ms, p, s))
			open_migration(ms, p, s);
		return;
	}
	if (!p->function)
		return;
	if (m->requested) {
		/* what the operator wants does not depend on how things are */
	} else if (s->kind == SITUATION_NONE) {
		take_back(m);
		m = p->migration;
	} else {
		m->situation = *s;
	}
	if (m)
		go_on(m);
}

void
migrations_abandon(struct migrations *ms, struct placement *p)
{
	struct migration *m = p->migration;

	migration_abandon_prepared(ms, p);
	if (!m)
		return;
	if (m->call) {
		hook_call_drop(m->call);
		hook_call_cancel(m->call);
		m->call = NULL;
	}
	migration_note(m, "the service was removed");
	migration_end(m, "cancelled");
}

void
migrations_settle(struct migrations *ms, struct placement *p, const char *node)
{
	char from[FOG_NAME_MAX + 1];

	snprintf(from, sizeof from, "%s", p->node);
	if (p->migration)
		migrations_abandon(ms, p);
	snprintf(p->node, sizeof p->node, "%s", node);
	p->generation++;
	p->cooldown_until_ms = 0;
	migration_put_placement(ms, p, PLACEMENT_ASSIGNED);
	ms->env.moved(ms->env.arg, p, from);
}
