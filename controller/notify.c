/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/notify.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CALL_MS	    15000 /* deadline of one call */
#define PUMP_MS	    250
#define LIMITED_MS  500	 /* when the hook is at a limit, or busy with the same function */
#define UPDATE_MS   5000 /* news of what was told are told at most so often */
#define PAUSE_MAX_S 64
#define CONFIRM_MS  60000 /* after a restart */
#define ID_SIZE	    33
#define ABOUT_SIZE  (3 * FOG_NAME_MAX + 4)

enum state { WAITING, CALLING, TOLD };

struct notification {
	struct notification *next;
	struct notifier *all;
	struct hook_instance *hook;
	enum hook_kind kind;
	enum state state;
	char id[ID_SIZE], about[ABOUT_SIZE];
	uint32_t rev, told_rev;
	char service[FOG_NAME_MAX + 1], function[FOG_NAME_MAX + 1],
	    source[FOG_NAME_MAX + 1];
	uint64_t generation;
	char candidate[NOTIFY_CANDIDATES_MAX][FOG_NAME_MAX + 1];
	size_t candidates;
	char reason[256];
	double probability;
	int64_t due_ms;
	char *evidence;
	int64_t opened_ms; /* wall */

	struct hook_call *call;
	bool passed;	  /* the situation is over, and it is told all the same */
	bool over;	  /* gone when nothing is awaited */
	bool unconfirmed; /* it was so before the restart */
	bool resume;	  /* nobody knows what came of the last call */
	unsigned pending; /* store callbacks that will come */
	unsigned tries;
	int64_t next_ms, offered_ms, told_ms; /* monotonic */
};
struct tally { /* per hook */
	struct tally *next;
	const struct hook_instance *hook;
	unsigned dropped;
	bool told;
};
struct notifier {
	struct notifier_env env;
	struct notification *first;
	struct tally *tallies;
	struct grasp_timer *pump;
	bool pumping, closing;
	int64_t started_ms;
};

static int64_t
now_of(const struct notifier *n)
{
	return grasp_io_now(n->env.io);
}

/* Stays open until it is over; others have simply happened. */
static bool
is_standing(const struct notification *t)
{
	return *t->function && !t->passed &&
	    (t->kind == HOOK_NODE_LOST || t->kind == HOOK_SERVICE_DEGRADED);
}

/* The last to be dropped has the highest. */
static unsigned
urgency(enum hook_kind k)
{
	switch (k) {
	case HOOK_MIGRATE:
	case HOOK_NODE_LOST:
		return 4;
	case HOOK_SERVICE_DEGRADED:
		return 3;
	case HOOK_PREDICTION_CLEARED:
		return 2;
	case HOOK_CONNECTIVITY_UPDATE:
		return 1;
	case HOOK_NODE_JOINED:
		return 0;
	}
	return 0;
}

static void
wake(struct notifier *n)
{
	if (n->pumping || n->closing)
		return;
	n->pumping = true;
	n->env.io->ops->timer_set(n->pump, PUMP_MS);
}

/* --- memory --------------------------------------------------------------------------------------- */

static void
free_notification(struct notification *t)
{
	struct notification **at = &t->all->first;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t->evidence);
	free(t);
}

static void
release(struct notification *t)
{
	if (t->over && !t->call && !t->pending)
		free_notification(t);
}

static void
end(struct notification *t)
{
	if (!t->over &&
	    store_outbox_delete(t->all->env.store, t->id, hook_instance_name(t->hook)) <
		0)
		log_errorx("hook", "no memory to forget an event");
	t->over = true;
	release(t);
}

static struct tally *
tally_of(struct notifier *n, const struct hook_instance *hook)
{
	struct tally *t = n->tallies;

	while (t && t->hook != hook)
		t = t->next;
	if (t)
		return t;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	*t = (struct tally){ n->tallies, hook, 0, false };
	n->tallies = t;
	return t;
}

/* --- store ---------------------------------------------------------------------------------------- */

static void
on_stored(void *arg, int err)
{
	struct notification *t = arg;

	(void)err;
	t->pending--;
	if (t->all->closing)
		return;
	wake(t->all);
	release(t);
}

static void
join_names(const struct notification *t, struct buf *out)
{
	for (size_t i = 0; i < t->candidates; i++)
		buf_printf(out, "%s%s", i ? " " : "", t->candidate[i]);
}

static void
put(struct notification *t)
{
	char names[NOTIFY_CANDIDATES_MAX * (FOG_NAME_MAX + 1) + 1];
	struct outbox_row row = { .id = t->id,
		.hook = hook_instance_name(t->hook),
		.about = t->about,
		.kind = hook_kind_name(t->kind),
		.rev = t->rev,
		.service = t->service,
		.function = t->function,
		.source = t->source,
		.generation = t->generation,
		.candidates = names,
		.reason = t->reason,
		.evidence = t->evidence,
		.probability = t->probability,
		.due_ms = t->due_ms,
		.state = t->state == TOLD ? "told" : "waiting",
		.opened_ms = t->opened_ms };
	struct buf b;

	buf_init_fixed(&b, names, sizeof names - 1);
	join_names(t, &b);
	names[b.pos] = '\0';
	if (store_outbox_put(t->all->env.store, &row, on_stored, t) == 0)
		t->pending++;
	else
		log_errorx("hook", "no memory to store an event");
}

/* --- what is told ------------------------------------------------------------------------------ */

static void
set_text(char *dst, size_t size, const char *text)
{
	snprintf(dst, size, "%s", text ? text : "");
}

static void
take_news(struct notification *t, const struct news *news)
{
	char *evidence = news->evidence ? strdup(news->evidence) : NULL;

	set_text(t->service, sizeof t->service, news->service);
	set_text(t->function, sizeof t->function, news->function);
	set_text(t->source, sizeof t->source, news->source);
	set_text(t->reason, sizeof t->reason, news->reason);
	t->generation = news->generation;
	t->probability = news->probability;
	t->due_ms = news->due_ms;
	t->candidates = news->candidates < NOTIFY_CANDIDATES_MAX ? news->candidates
								 : NOTIFY_CANDIDATES_MAX;
	for (size_t i = 0; i < t->candidates; i++)
		set_text(t->candidate[i], sizeof t->candidate[i], news->candidate[i]);
	free(t->evidence);
	t->evidence = evidence;
}

static bool
has_changed(const struct notification *t, const struct news *news)
{
	return strcmp(t->source, news->source ? news->source : "") ||
	    t->generation != news->generation ||
	    fabs(t->probability - news->probability) > 0.1 ||
	    llabs(t->due_ms - news->due_ms) > 5000;
}

struct told { /* an event and what it points to */
	struct hook_event ev;
	const char *name[NOTIFY_CANDIDATES_MAX], *address[NOTIFY_CANDIDATES_MAX];
	char instance[2 * FOG_NAME_MAX + 2];
};

static const char *
address_of(const struct notifier *n, const char *node)
{
	return *node ? n->env.address(n->env.arg, node) : NULL;
}

static void
fill_event(const struct notification *t, struct told *to)
{
	const struct notifier *n = t->all;

	for (size_t i = 0; i < t->candidates; i++) {
		const char *address = address_of(n, t->candidate[i]);

		to->name[i] = t->candidate[i];
		to->address[i] = address ? address : "";
	}
	snprintf(to->instance, sizeof to->instance, "%s%s%s", t->service,
	    *t->function ? "/" : "", t->function);
	to->ev = (struct hook_event){ .size = sizeof to->ev,
		.id = t->id,
		.rev = t->rev,
		.kind = t->kind,
		.stage = HOOK_COMMIT,
		.service = t->service,
		.function = *t->function ? t->function : NULL,
		.instance = to->instance,
		.generation = t->generation,
		.source = *t->source ? t->source : NULL,
		.source_address = address_of(n, t->source),
		.candidates = to->name,
		.addresses = to->address,
		.candidates_len = t->candidates,
		.reason = t->reason,
		.probability = t->probability,
		.due_ms = t->due_ms,
		.deadline_ms = CALL_MS,
		.evidence_json = t->evidence };
}

/* --- telling -------------------------------------------------------------------------------------- */

static void
emit(const struct notification *t, const char *kind, const char *what, const char *why)
{
	events_emit(t->all->env.events, kind, *t->source ? t->source : NULL, t->service,
	    *t->function ? t->function : NULL, "hook %s %s %s%s%s: %s",
	    hook_instance_name(t->hook), what, hook_kind_name(t->kind),
	    *t->source ? " of " : "", t->source, *why ? why : "it gave no reason");
}

static void
settle(struct notification *t)
{
	t->state = TOLD;
	t->told_ms = now_of(t->all);
	t->tries = 0;
	t->resume = false;
	if (t->over || !is_standing(t))
		end(t);
	else
		put(t);
}

/* What changed while it was told is told next. */
static void
go_on(struct notification *t)
{
	if (t->over || t->rev == t->told_rev)
		return;
	t->state = WAITING;
	t->next_ms = t->told_ms + UPDATE_MS;
	t->offered_ms = t->next_ms;
	wake(t->all);
}

static void
escalate(struct notification *t, const char *why)
{
	emit(t, "hook.escalated", "could not be told of", why);
	t->told_rev = t->rev;
	settle(t);
}

static void
try_later(struct notification *t, enum hook_verdict v, const char *why)
{
	struct notifier *n = t->all;
	int64_t pause = 1000 * (t->tries < 6 ? 1LL << t->tries : PAUSE_MAX_S),
		now = now_of(n);
	uint32_t random;

	t->tries++;
	t->state = WAITING;
	t->resume = v == HOOK_FAILED_UNKNOWN;
	if (now + pause - t->offered_ms > hook_instance_patience(t->hook)) {
		escalate(t, why);
		return;
	}
	n->env.io->ops->random(n->env.io, &random, sizeof random);
	t->next_ms = now + clock_jitter((uint32_t)pause, 10, random);
	wake(n);
}

static void
take_verdict(struct notification *t, enum hook_verdict v, const char *why)
{
	switch (v) {
	case HOOK_REFUSED:
	case HOOK_FENCED:
		emit(t, "hook.refused", "does not want to hear of", why);
		settle(t);
		return;
	case HOOK_DONE:
	case HOOK_ALREADY:
		settle(t);
		return;
	case HOOK_RETRY:
	case HOOK_FAILED_CLEAN:
	case HOOK_FAILED_UNKNOWN:
	case HOOK_CANCELLED:
		try_later(t, v, why);
		return;
	}
}

static void
on_progress(void *arg, enum hook_phase phase, const char *detail)
{
	(void)arg, (void)phase, (void)detail;
}

static void
on_done(void *arg, enum hook_verdict v, const char *detail)
{
	struct notification *t = arg;

	t->call = NULL;
	if (t->over) {
		release(t);
		return;
	}
	take_verdict(t, v, detail);
	/* t may be gone: only those that stand can go on */
}

static void
start(struct notification *t)
{
	static const struct hook_call_ops ops = { on_progress, on_done };
	struct notifier *n = t->all;
	char err[256] = "";
	struct told told;
	int rc;

	fill_event(t, &told);
	rc = hook_call_start(
	    t->hook, &told.ev, t->resume, 0, &ops, t, &t->call, err, sizeof err);
	if (rc == -EAGAIN) {
		t->next_ms = now_of(n) + LIMITED_MS;
		if (now_of(n) - t->offered_ms > hook_instance_patience(t->hook))
			escalate(t, err);
		return;
	}
	t->told_rev = t->rev;
	if (rc < 0) {
		take_verdict(t, HOOK_REFUSED, err);
		return;
	}
	t->state = CALLING;
}

/* Events of one node stay in order. */
static bool
is_held_back(const struct notification *t)
{
	for (const struct notification *o = t->all->first; o; o = o->next)
		if (o != t && o->state == CALLING && !o->over && o->hook == t->hook &&
		    *o->source && !strcmp(o->source, t->source))
			return true;
	return false;
}

static bool
believe_end(const struct notification *t)
{
	return t->unconfirmed && now_of(t->all) - t->all->started_ms > CONFIRM_MS;
}

static bool
step(struct notification *t)
{
	if (t->over)
		return false;
	if (believe_end(t) && t->state == TOLD) {
		end(t);
		return false;
	}
	if (t->state == TOLD)
		go_on(t);
	if (t->state == WAITING && !t->pending && now_of(t->all) >= t->next_ms &&
	    !is_held_back(t))
		start(t);
	else if (t->state == TOLD)
		return t->unconfirmed;
	return true;
}

static void
on_pump(void *arg)
{
	struct notifier *n = arg;
	bool open = false;

	n->pumping = false;
	for (struct notification *t = n->first, *next; t; t = next) {
		next = t->next;
		open |= step(t);
	}
	if (open)
		wake(n);
}

/* --- news ------------------------------------------------------------------------------------------ */

static struct notification *
find(struct notifier *n, const struct hook_instance *hook, enum hook_kind kind,
    const char *about)
{
	struct notification *t = n->first;

	while (t &&
	    (t->over || t->passed || t->hook != hook || t->kind != kind ||
		strcmp(t->about, about)))
		t = t->next;
	return t;
}

unsigned
notify_waiting(const struct notifier *n, const struct hook_instance *hook)
{
	unsigned count = 0;

	for (const struct notification *t = n->first; t; t = t->next)
		count += !t->over && t->hook == hook && t->state == WAITING;
	return count;
}

unsigned
notify_dropped(const struct notifier *n, const struct hook_instance *hook)
{
	for (const struct tally *t = n->tallies; t; t = t->next)
		if (t->hook == hook)
			return t->dropped;
	return 0;
}

/* Told once, until the queue has been empty. */
static void
drop(struct notification *t)
{
	struct tally *tally = tally_of(t->all, t->hook);

	if (tally && !tally->told)
		emit(t, "hook.dropped", "is slower than events come; dropped first was",
		    "the oldest of the least urgent kind goes when 256 are waiting");
	if (tally) {
		tally->told = true;
		tally->dropped++;
	}
	end(t);
}

static void
make_room(struct notifier *n, const struct hook_instance *hook)
{
	struct notification *least = NULL;
	unsigned waiting = notify_waiting(n, hook);
	struct tally *tally = tally_of(n, hook);

	if (tally && !waiting)
		tally->told = false;
	if (waiting < NOTIFY_WAITING_MAX)
		return;
	for (struct notification *t = n->first; t; t = t->next) /* oldest first */
		if (!t->over && t->hook == hook && t->state == WAITING &&
		    (!least || urgency(t->kind) < urgency(least->kind)))
			least = t;
	drop(least);
}

static struct notification *
make(struct notifier *n, struct hook_instance *hook, enum hook_kind kind,
    const char *about)
{
	struct notification *t = calloc(1, sizeof *t), **at = &n->first;

	if (!t)
		return NULL;
	t->all = n;
	t->hook = hook;
	t->kind = kind;
	t->probability = NAN;
	snprintf(t->about, sizeof t->about, "%s", about);
	while (*at)
		at = &(*at)->next;
	*at = t;
	return t;
}

static void
open_notification(struct notifier *n, struct hook_instance *hook, const struct news *news)
{
	uint8_t random[(ID_SIZE - 1) / 2];
	struct notification *t;

	make_room(n, hook);
	t = make(n, hook, news->kind, news->about);
	if (!t) {
		log_errorx("hook", "no memory for an event");
		return;
	}
	n->env.io->ops->random(n->env.io, random, sizeof random);
	if (news->id)
		snprintf(t->id, sizeof t->id, "%s", news->id);
	else
		hex_format(random, sizeof random, t->id);
	t->rev = news->rev + 1;
	t->opened_ms = n->env.io->ops->wall(n->env.io);
	t->next_ms = t->offered_ms = now_of(n);
	take_news(t, news);
	put(t);
	wake(n);
}

static void
update(struct notification *t, const struct news *news)
{
	struct told told;

	t->unconfirmed = false;
	if (!has_changed(t, news))
		return;
	take_news(t, news);
	t->rev++;
	put(t);
	if (t->state == CALLING && hook_instance_type(t->hook)->update) {
		fill_event(t, &told);
		hook_call_update(t->call, &told.ev);
		t->told_rev = t->rev;
	}
	wake(t->all);
}

bool
notify_is_news(
    struct notifier *n, const struct hook_instance *hook, const struct news *news)
{
	struct notification *t = find(n, hook, news->kind, news->about);

	if (t)
		t->unconfirmed = false;
	return !t || has_changed(t, news);
}

void
notify(struct notifier *n, struct hook_instance *hook, const struct news *news)
{
	struct notification *t;

	if (!hook || !hook_instance_wants(hook, news->kind))
		return;
	t = find(n, hook, news->kind, news->about);
	if (t)
		update(t, news);
	else
		open_notification(n, hook, news);
}

/* It is not found any more: the same again is another situation. */
static void
pass(struct notification *t)
{
	size_t len = strlen(t->reason);

	t->passed = true;
	snprintf(t->reason + len, sizeof t->reason - len, " (over meanwhile)");
	put(t);
}

void
notify_end(struct notifier *n, enum hook_kind kind, const char *about)
{
	for (struct notification *t = n->first, *next; t; t = next) {
		next = t->next;
		if (t->over || t->passed || t->unconfirmed || t->kind != kind ||
		    strcmp(t->about, about))
			continue;
		if (t->state == TOLD)
			end(t);
		else
			pass(t);
	}
}

void
notify_forget(struct notifier *n, enum hook_kind kind, const char *about)
{
	for (struct notification *t = n->first, *next; t; t = next) {
		next = t->next;
		if (!t->over && t->kind == kind && !strcmp(t->about, about))
			end(t);
	}
}

/* --- life ------------------------------------------------------------------------------------------- */

static void
split_names(struct notification *t, const char *names)
{
	while (*names && t->candidates < NOTIFY_CANDIDATES_MAX) {
		size_t len = strcspn(names, " ");

		snprintf(t->candidate[t->candidates++], sizeof t->candidate[0], "%.*s",
		    (int)(len <= FOG_NAME_MAX ? len : FOG_NAME_MAX), names);
		names += len + strspn(names + len, " ");
	}
}

static void
restore(void *arg, const struct outbox_row *row)
{
	struct notifier *n = arg;
	struct hook_instance *hook = hooks_find(n->env.hooks, row->hook);
	enum hook_kind kind = hook_kind_find(row->kind);
	struct notification *t;

	if (!strcmp(row->kind, "prepare"))
		return; /* of migration_prepare.c */
	if (!hook || !kind || !hook_instance_wants(hook, kind)) {
		(void)store_outbox_delete(n->env.store, row->id, row->hook);
		return;
	}
	t = make(n, hook, kind, row->about);
	if (!t)
		return;
	snprintf(t->id, sizeof t->id, "%s", row->id);
	set_text(t->service, sizeof t->service, row->service);
	set_text(t->function, sizeof t->function, row->function);
	set_text(t->source, sizeof t->source, row->source);
	set_text(t->reason, sizeof t->reason, row->reason);
	t->rev = row->rev;
	t->generation = row->generation;
	t->probability = row->probability;
	t->due_ms = row->due_ms;
	t->opened_ms = row->opened_ms;
	t->evidence = *row->evidence ? strdup(row->evidence) : NULL;
	split_names(t, row->candidates);
	t->state = strcmp(row->state, "told") ? WAITING : TOLD;
	t->told_rev = t->state == TOLD ? t->rev : 0;
	t->resume =
	    t->state == WAITING; /* it may have been told, and we not the end of it */
	t->unconfirmed = is_standing(t);
	t->next_ms = t->offered_ms = t->told_ms = n->started_ms;
}

int
notifier_load(struct notifier *n)
{
	int err = store_outbox(n->env.store, restore, n);

	if (n->first)
		wake(n);
	return err;
}

int
notifier_new(const struct notifier_env *env, struct notifier **ret)
{
	CLEANUP(notifier_free) struct notifier *n = calloc(1, sizeof *n);
	int rc;

	if (!n)
		return -ENOMEM;
	n->env = *env;
	n->started_ms = now_of(n);
	rc = env->io->ops->timer_new(env->io, on_pump, n, &n->pump);
	if (rc < 0)
		return rc;
	*ret = TAKE(n);
	return 0;
}

void
notifier_free(struct notifier *n)
{
	if (!n)
		return;
	n->closing = true;
	if (n->first)
		store_flush(n->env.store); /* callbacks that are due come now */
	while (n->first) {
		if (n->first->call)
			hook_call_drop(n->first->call);
		free_notification(n->first);
	}
	for (struct tally *t = n->tallies, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	if (n->pump)
		n->env.io->ops->timer_free(n->pump);
	free(n);
}
