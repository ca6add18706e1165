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
#define GRACE_MS      5000 /* after cancel until SIGKILL, and after that until we give up */
#define CIRCUIT_AFTER 5	   /* failures in a row */
#define CIRCUIT_MS    30000
#define SLOW_MS	      50 /* nothing in the loop may take longer (HOOK-05) */
#define DETAIL_SIZE   256
#define ID_SIZE	      80
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
	struct hook_call_ops ops;
	void *arg;
	bool dropped;  /* nobody waits for it */
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

void
hook_calls_free(struct hooks *h)
{
	for (struct hook_call *c = h->calls, *next; c; c = next) {
		next = c->next;
		hook_child_forget(c);
		hook_transfer_forget(c);
		hook_saved_forget(c);
		free_call(c);
	}
	h->calls = NULL;
}

/* --- limits of an instance -------------------------------------------------------------------- */

static int
check_limits(const struct hook_instance *i, int64_t now_ms, char *err, size_t err_len)
{
	int64_t oldest = i->started_ms[i->starts % HOOK_STARTS_MAX];

	if (i->running >= HOOK_RUNNING_MAX)
		snprintf(
		    err, err_len, "hook %s has %u calls running", i->name, i->running);
	else if (i->starts >= HOOK_STARTS_MAX && now_ms - oldest < MINUTE_MS)
		snprintf(err, err_len, "hook %s was started %d times in a minute",
		    i->name, HOOK_STARTS_MAX);
	else if (i->open_until_ms >= 0 && now_ms < i->open_until_ms)
		snprintf(err, err_len, "hook %s has failed %u times in a row", i->name,
		    i->failures);
	else if (i->open_until_ms >= 0 && i->running)
		snprintf(err, err_len, "hook %s is on trial after failures", i->name);
	else
		return 0;
	return -EAGAIN;
}

static void
count_start(struct hook_instance *i, int64_t now_ms)
{
	i->started_ms[i->starts++ % HOOK_STARTS_MAX] = now_ms;
	i->running++;
}

/* An orchestrator that says no is in good health; one that cannot say is not. */
static void
count_end(struct hook_instance *i, enum hook_verdict v, int64_t now_ms)
{
	i->running--;
	if (v != HOOK_RETRY && v != HOOK_FAILED_UNKNOWN) {
		i->failures = 0;
		i->open_until_ms = -1;
	} else if (++i->failures >= CIRCUIT_AFTER) {
		i->open_until_ms = now_ms + CIRCUIT_MS;
		log_warnx("hook", "%s: %u failures in a row, it is left alone for %d s",
		    i->name, i->failures, CIRCUIT_MS / 1000);
	}
}

/* --- the end -------------------------------------------------------------------------------------- */

static void
tell_end(struct hook_call *call)
{
	struct hook_call_ops ops = call->ops;

	count_end(call->instance, call->verdict, hooks_now(call->instance->hooks));
	if (!call->dropped)
		ops.done(call->arg, call->verdict, call->detail);
}

/* Orphaned calls were told about already, and wait only for the plug-in to let go of them. */
static void
finish(struct hook_call *call)
{
	unlink_call(call);
	hook_child_forget(call);
	hook_transfer_forget(call);
	hook_saved_forget(call);
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
	snprintf(call->id, sizeof call->id, "%s", ev->id);
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

int
hook_call_start(struct hook_instance *i, const struct hook_event *ev, bool resume,
    enum hook_phase last, const struct hook_call_ops *ops, void *arg,
    struct hook_call **ret, char *err, size_t err_len)
{
	int64_t now = hooks_now(i->hooks);
	struct hook_call *call;
	int rc = check_limits(i, now, err, err_len);

	if (rc < 0)
		return rc;
	*err = '\0';
	rc = i->type.check(i->inst, ev, err, err_len);
	if (!rc)
		rc = make_call(i, ev, ops, arg, &call);
	if (rc < 0) {
		if (!*err)
			snprintf(err, err_len, "%s", strerror(-rc));
		return rc == -EAGAIN ? -EINVAL : rc;
	}
	call->phase = last;
	if (resume)
		(void)store_notes(i->hooks->env.store, call->id, restore_note, call);
	call->next = i->hooks->calls;
	i->hooks->calls = call;
	count_start(i, now);
	rc = enter_plugin(call, ev, resume, last);
	if (rc < 0) {
		snprintf(err, err_len, "hook %s: %s", i->name, strerror(-rc));
		count_end(i, HOOK_RETRY, now);
		unlink_call(call);
		hook_child_forget(call);
		hook_transfer_forget(call);
		hook_saved_forget(call);
		free_call(call);
		return rc == -EAGAIN ? -EINVAL : rc;
	}
	if (!call->finished)
		io_of(call)->timer_set(call->timer, ev->deadline_ms);
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
