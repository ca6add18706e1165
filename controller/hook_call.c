/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/hook_call.h"
#include "base/log.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_MS     60000
#define KEEP_MS	      (7 * 24 * 3600 * 1000LL) /* what came of a call */
#define PRUNE_MS      (3600 * 1000LL)
#define GRACE_MS      5000 /* after cancel until SIGKILL, and after that until we give up */
#define CIRCUIT_AFTER 5	   /* failures in a row */
#define CIRCUIT_MS    30000
#define SLOW_MS	      50 /* nothing in the loop may take longer (HOOK-05) */
#define DETAIL_SIZE   256
#define ID_SIZE	      80
#define KEY_SIZE      320
#define NOTES_MAX     32
#define NOTE_SIZE_MAX 4096

enum call_state { RUNNING, CANCELLING, KILLED, ORPHANED };

struct note {
	struct note *next;
	char *key, *value;
};
struct hook_call {
	struct hook_call *next;
	struct hook_instance *instance;
	char id[ID_SIZE];
	char function[2 * FOG_NAME_MAX + 2]; /* or service: one call at a time for each */
	char name[KEY_SIZE];		     /* of what is asked for, in the store */
	enum hook_kind kind;
	enum hook_stage stage;
	bool dry_run;
	struct hook_call_ops ops;
	void *arg;
	bool dropped;  /* nobody waits for it */
	bool recalled; /* the verdict is from the store, the plug-in was not called */
	bool finished; /* the plug-in has called done() */
	enum call_state state;
	enum hook_phase phase;
	enum hook_verdict verdict;
	char detail[DETAIL_SIZE];
	struct grasp_timer
	    *timer; /* deadline, then the grace times, then telling the end */
	struct note *notes;
};

static const struct grasp_io_ops *
io_of(const struct hook_call *call)
{
	return call->instance->hooks->env.io->ops;
}

struct hooks *
hook_call_hooks(struct hook_call *call)
{
	return call->instance->hooks;
}

struct hook_instance *
hook_call_instance(struct hook_call *call)
{
	return call->instance;
}

const char *
hook_call_name(struct hook_call *call)
{
	return call->instance->name;
}

/* --- who is there --------------------------------------------------------------------------------- */

static struct hooks *everybody;

void
hook_calls_enrol(struct hooks *h)
{
	h->next = everybody;
	everybody = h;
}

bool
hook_call_is_live(const struct hook_call *call)
{
	for (const struct hooks *h = everybody; h; h = h->next)
		for (const struct hook_call *c = h->calls; c; c = c->next)
			if (c == call)
				return true;
	return false;
}

static void
strike_off(struct hooks *h)
{
	struct hooks **at = &everybody;

	while (*at && *at != h)
		at = &(*at)->next;
	if (*at)
		*at = h->next;
}

/* --- notes -------------------------------------------------------------------------------------- */

static struct note *
find_note(struct hook_call *call, const char *key)
{
	struct note *n = call->notes;

	while (n && strcmp(n->key, key))
		n = n->next;
	return n;
}

static int
keep_note(struct hook_call *call, const char *key, const char *value)
{
	struct note *n = find_note(call, key);
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	if (!n) {
		n = calloc(1, sizeof *n);
		if (!n || !(n->key = strdup(key))) {
			free(n);
			free(copy);
			return -ENOMEM;
		}
		n->next = call->notes;
		call->notes = n;
	}
	free(n->value);
	n->value = copy;
	return 0;
}

int
hook_call_save(struct hook_call *call, const char *key, const char *value)
{
	unsigned count = 0;
	int rc;

	for (const struct note *n = call->notes; n; n = n->next)
		count++;
	if (strlen(key) > NOTE_SIZE_MAX || strlen(value) > NOTE_SIZE_MAX)
		return -EMSGSIZE;
	if (count >= NOTES_MAX && !find_note(call, key))
		return -ENOSPC;
	rc = store_note_put(
	    call->instance->hooks->env.store, call->id, key, value, NULL, NULL);
	return rc < 0 ? rc : keep_note(call, key, value);
}

const char *
hook_call_load(struct hook_call *call, const char *key)
{
	struct note *n = find_note(call, key);

	return n ? n->value : NULL;
}

static void
restore_note(void *arg, const char *key, const char *value)
{
	if (keep_note(arg, key, value) < 0)
		log_errorx("hook", "no memory for what a hook had noted");
}

/* --- life --------------------------------------------------------------------------------------- */

static void
free_call(struct hook_call *call)
{
	if (call->timer)
		io_of(call)->timer_free(call->timer);
	for (struct note *n = call->notes, *next; n; n = next) {
		next = n->next;
		free(n->key);
		free(n->value);
		free(n);
	}
	free(call);
}

static void
unlink_call(struct hook_call *call)
{
	struct hook_call **at = &call->instance->hooks->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
}

/* What it has started in the host. */
static void
forget_work(struct hook_call *call)
{
	hook_child_forget(call);
	hook_transfer_forget(call);
	hook_saved_forget(call);
}

void
hook_calls_free(struct hooks *h)
{
	for (struct hook_call *c = h->calls, *next; c; c = next) {
		next = c->next;
		forget_work(c);
		free_call(c);
	}
	h->calls = NULL;
	strike_off(h);
}

/* --- limits of an instance -------------------------------------------------------------------- */

static struct hook_budget *
budget_of(struct hook_instance *i, enum hook_kind kind)
{
	return kind == HOOK_MIGRATE ? &i->moves : &i->news;
}

static int
check_limits(const struct hook_instance *i, const struct hook_budget *b, int64_t now_ms,
    char *err, size_t err_len)
{
	int64_t oldest = b->started_ms[b->starts % b->starts_max];

	if (b->running >= HOOK_RUNNING_MAX)
		snprintf(
		    err, err_len, "hook %s has %u calls running", i->name, b->running);
	else if (b->starts >= b->starts_max && now_ms - oldest < MINUTE_MS)
		snprintf(err, err_len, "hook %s was started %u times in a minute",
		    i->name, b->starts_max);
	else if (b->open_until_ms >= 0 && now_ms < b->open_until_ms)
		snprintf(err, err_len, "hook %s has failed %u times in a row", i->name,
		    b->failures);
	else if (b->open_until_ms >= 0 && b->running)
		snprintf(err, err_len, "hook %s is on trial after failures", i->name);
	else
		return 0;
	return -EAGAIN;
}

static void
count_start(struct hook_budget *b, int64_t now_ms)
{
	b->started_ms[b->starts++ % b->starts_max] = now_ms;
	b->running++;
}

/* An orchestrator that says no is in good health; one that cannot say is not. */
static void
count_end(
    struct hook_instance *i, struct hook_budget *b, enum hook_verdict v, int64_t now_ms)
{
	b->running--;
	if (v != HOOK_RETRY && v != HOOK_FAILED_UNKNOWN) {
		b->failures = 0;
		b->open_until_ms = -1;
	} else if (++b->failures >= CIRCUIT_AFTER) {
		b->open_until_ms = now_ms + CIRCUIT_MS;
		log_warnx("hook", "%s: %u failures in a row, it is left alone for %d s",
		    i->name, b->failures, CIRCUIT_MS / 1000);
	}
}

/* --- one call at a time for a function ---------------------------------------------------- */

static void cancel(struct hook_call *call);

/* News and preparations give way to a move. Calls that were orphaned are the plug-in's alone. */
static int
check_function(
    struct hook_instance *i, const struct hook_event *ev, char *err, size_t err_len)
{
	const char *function = ev->instance ? ev->instance : "";

	for (struct hook_call *c = i->hooks->calls; c; c = c->next) {
		if (c->state == ORPHANED || c->instance != i ||
		    strcmp(c->function, function))
			continue;
		if (ev->kind == HOOK_MIGRATE && ev->stage == HOOK_COMMIT &&
		    (c->kind != HOOK_MIGRATE || c->stage == HOOK_PREPARE) &&
		    c->state == RUNNING && !c->finished)
			cancel(c);
		snprintf(err, err_len, "hook %s is still busy with %s of %s", i->name,
		    hook_kind_name(c->kind), function);
		return -EAGAIN;
	}
	return 0;
}

/* --- what came of it, for those who ask again ------------------------------------------------- */

/* Revisions of a migration are news of one and the same call; those of others are told one by one. */
static void
name_call(struct hook_call *call, const struct hook_event *ev)
{
	snprintf(call->name, sizeof call->name, "%s/%s/%d/%" PRIu64 "/%s/%s", ev->id,
	    hook_kind_name(ev->kind), (int)ev->stage,
	    ev->kind == HOOK_MIGRATE ? ev->generation : ev->rev,
	    ev->candidates_len ? ev->candidates[0] : "", call->instance->name);
}

static void
prune_verdicts(struct hooks *h, int64_t wall)
{
	if (h->pruned_ms && wall - h->pruned_ms < PRUNE_MS && wall >= h->pruned_ms)
		return;
	h->pruned_ms = wall;
	if (store_verdicts_prune(h->env.store, wall - KEEP_MS) < 0)
		log_errorx("hook", "no memory to forget old verdicts");
}

/* Not what says that nothing was done, or that nobody knows. */
static void
keep_verdict(struct hook_call *call, int64_t wall)
{
	struct hooks *h = call->instance->hooks;

	if (call->dry_run || call->verdict == HOOK_RETRY ||
	    call->verdict == HOOK_FAILED_UNKNOWN)
		return;
	if (store_verdict_put(h->env.store, call->name, hook_verdict_name(call->verdict),
		call->detail, wall) < 0)
		log_errorx("hook", "no memory to store what came of a call");
	prune_verdicts(h, wall);
}

static bool
recall_verdict(struct hook_call *call)
{
	struct verdict_row row;

	if (store_verdict_get(call->instance->hooks->env.store, call->name, &row) < 0)
		return false;
	call->verdict = hook_verdict_find(row.verdict);
	snprintf(call->detail, sizeof call->detail, "%s", row.detail);
	return call->verdict != 0;
}

/* --- the end -------------------------------------------------------------------------------------- */

static void
tell_end(struct hook_call *call)
{
	struct hook_call_ops ops = call->ops;
	struct hook_instance *i = call->instance;
	int64_t wall = io_of(call)->wall(i->hooks->env.io);

	if (!call->recalled) {
		count_end(
		    i, budget_of(i, call->kind), call->verdict, hooks_now(i->hooks));
		keep_verdict(call, wall);
	}
	i->last.verdict = call->verdict;
	i->last.kind = call->kind;
	i->last.at_ms = wall;
	snprintf(i->last.detail, sizeof i->last.detail, "%s", call->detail);
	if (!call->dropped)
		ops.done(call->arg, call->verdict, call->detail);
}

/* Orphaned calls were told about already, and wait only for the plug-in to let go of them. */
static void
finish(struct hook_call *call)
{
	unlink_call(call);
	forget_work(call);
	if (call->state != ORPHANED)
		tell_end(call);
	free_call(call);
}

static bool
is_verdict(enum hook_verdict v)
{
	return *hook_verdict_name(v) != '\0';
}

void
hook_call_done(struct hook_call *call, enum hook_verdict verdict, const char *detail)
{
	if (call->finished) {
		log_warnx("hook", "%s: a second verdict on %s is ignored",
		    call->instance->name, call->id);
		return;
	}
	if (call->state == ORPHANED)
		log_warnx("hook", "%s: %s on %s comes too late and is ignored",
		    call->instance->name, hook_verdict_name(verdict), call->id);
	call->finished = true;
	call->verdict = is_verdict(verdict) ? verdict : HOOK_FAILED_UNKNOWN;
	if (verdict == HOOK_CANCELLED && call->phase >= HOOK_SWITCHED)
		call->verdict = HOOK_FAILED_UNKNOWN; /* there is no way back from there */
	snprintf(call->detail, sizeof call->detail, "%s", detail ? detail : "");
	io_of(call)->timer_set(call->timer, 0);
}

void
hook_call_progress(struct hook_call *call, enum hook_phase phase, const char *detail)
{
	if (call->finished || call->state == ORPHANED || !*hook_phase_name(phase) ||
	    phase <= call->phase)
		return;
	call->phase = phase;
	if (!call->dropped)
		call->ops.progress(call->arg, phase, detail ? detail : "");
}

/* --- time ----------------------------------------------------------------------------------------- */

/* The plug-in works in our loop: who is slow is named. */
static void
note_time(const struct hook_instance *i, const char *what, int64_t began_ms)
{
	int64_t took = hooks_now(i->hooks) - began_ms;

	if (took > SLOW_MS)
		log_warnx("hook", "%s: %s held up the controller for %" PRId64 " ms",
		    i->name, what, took);
}

static void
cancel(struct hook_call *call)
{
	int64_t began = hooks_now(call->instance->hooks);

	call->state = CANCELLING;
	io_of(call)->timer_set(call->timer, GRACE_MS);
	call->instance->type.cancel(call->instance->inst, call);
	note_time(call->instance, "cancel", began);
}

static void
orphan(struct hook_call *call)
{
	call->verdict = HOOK_FAILED_UNKNOWN;
	snprintf(call->detail, sizeof call->detail, "it gave no answer");
	tell_end(call);
	call->state = ORPHANED;
}

static void
on_timer(void *arg)
{
	struct hook_call *call = arg;

	if (call->finished) {
		finish(call);
		return;
	}
	switch (call->state) {
	case RUNNING:
		log_warnx("hook", "%s: %s passed its deadline and is cancelled",
		    call->instance->name, call->id);
		cancel(call);
		return;
	case CANCELLING:
		call->state = KILLED;
		io_of(call)->timer_set(call->timer, GRACE_MS);
		(void)hook_child_kill(call, SIGKILL);
		return;
	case KILLED:
		orphan(call);
		return;
	case ORPHANED:
		return;
	}
}

/* --- for whoever decides -------------------------------------------------------------------------- */

static int
make_call(struct hook_instance *i, const struct hook_event *ev,
    const struct hook_call_ops *ops, void *arg, struct hook_call **ret)
{
	struct hook_call *call = calloc(1, sizeof *call);
	int rc;

	if (!call)
		return -ENOMEM;
	call->instance = i;
	call->ops = *ops;
	call->arg = arg;
	call->kind = ev->kind;
	call->stage = ev->stage;
	call->dry_run = ev->dry_run;
	snprintf(call->id, sizeof call->id, "%s", ev->id);
	snprintf(call->function, sizeof call->function, "%s",
	    ev->instance ? ev->instance : "");
	name_call(call, ev);
	rc = io_of(call)->timer_new(i->hooks->env.io, on_timer, call, &call->timer);
	if (rc < 0) {
		free_call(call);
		return rc;
	}
	*ret = call;
	return 0;
}

/* Contract rule 3 lets a type without resume() be started again with the same id. */
static int
enter_plugin(struct hook_call *call, const struct hook_event *ev, bool resume,
    enum hook_phase last)
{
	const struct hook_type *t = &call->instance->type;
	int64_t began = hooks_now(call->instance->hooks);
	int rc;

	if (resume && t->resume)
		rc = t->resume(call->instance->inst, ev, last, call);
	else
		rc = t->start(call->instance->inst, ev, call);
	note_time(call->instance, resume ? "resume" : "start", began);
	return rc;
}

/* The plug-in is called, or has been. */
static int
run_call(struct hook_call *call, const struct hook_event *ev, bool resume,
    enum hook_phase last)
{
	struct hook_instance *i = call->instance;
	struct hook_budget *b = budget_of(i, ev->kind);
	int64_t now = hooks_now(i->hooks);
	int rc;

	call->next = i->hooks->calls;
	i->hooks->calls = call;
	if (resume && recall_verdict(call)) {
		call->recalled = call->finished = true;
		io_of(call)->timer_set(call->timer, 0);
		return 0;
	}
	count_start(b, now);
	rc = enter_plugin(call, ev, resume, last);
	if (rc < 0) {
		count_end(i, b, HOOK_RETRY, now);
		unlink_call(call);
		forget_work(call);
	} else if (!call->finished) {
		io_of(call)->timer_set(call->timer, ev->deadline_ms);
	}
	return rc;
}

static int
check_call(
    struct hook_instance *i, const struct hook_event *ev, char *err, size_t err_len)
{
	int rc = check_function(i, ev, err, err_len);

	if (!rc)
		rc = check_limits(
		    i, budget_of(i, ev->kind), hooks_now(i->hooks), err, err_len);
	if (rc < 0)
		return rc;
	*err = '\0';
	rc = i->type.check(i->inst, ev, err, err_len);
	if (!rc && ev->dry_run && !(i->type.caps & HOOK_CAN_DRY_RUN)) {
		snprintf(err, err_len, "hook %s knows no dry run", i->name);
		rc = -ENOTSUP;
	}
	return rc == -EAGAIN ? -EINVAL : rc;
}

int
hook_call_start(struct hook_instance *i, const struct hook_event *ev, bool resume,
    enum hook_phase last, const struct hook_call_ops *ops, void *arg,
    struct hook_call **ret, char *err, size_t err_len)
{
	struct hook_call *call;
	int rc = check_call(i, ev, err, err_len);

	if (!rc)
		rc = make_call(i, ev, ops, arg, &call);
	if (rc < 0) {
		if (!*err)
			snprintf(err, err_len, "%s", strerror(-rc));
		return rc;
	}
	call->phase = last;
	if (resume)
		(void)store_notes(i->hooks->env.store, call->id, restore_note, call);
	rc = run_call(call, ev, resume, last);
	if (rc < 0) {
		snprintf(err, err_len, "hook %s: %s", i->name, strerror(-rc));
		free_call(call);
		return rc == -EAGAIN ? -EINVAL : rc;
	}
	*ret = call;
	return 0;
}

void
hook_call_update(struct hook_call *call, const struct hook_event *ev)
{
	const struct hook_type *t = &call->instance->type;
	int64_t began = hooks_now(call->instance->hooks);

	if (!t->update || call->finished || call->state != RUNNING)
		return;
	(void)t->update(call->instance->inst, ev, call);
	note_time(call->instance, "update", began);
}

void
hook_call_cancel(struct hook_call *call)
{
	if (!call->finished && call->state == RUNNING)
		cancel(call);
}

void
hook_call_drop(struct hook_call *call)
{
	call->dropped = true;
}
