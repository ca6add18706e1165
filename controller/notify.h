/* SPDX-License-Identifier: Apache-2.0
 *
 * Events for hooks other than migrations: each situation is one event per hook with an id that stays
 * (HOOK-04), offered until the hook has taken it, with growing pauses, and handed to the operator when
 * it is not taken within the patience of the hook (HOOK-03). What is open survives a restart.
 *
 *	waiting --stored--> calling --done, already, refused--> told --news--> waiting (rev + 1)
 *	   ^                   |                                  |
 *	   +---- 1, 2, 4 ... --+-- patience over: escalated       +-- ended: gone
 *
 * A function on a node that is lost, or that is degraded, stays open until that is over; what has simply
 * happened is gone when it is told. Beyond NOTIFY_WAITING_MAX of a hook the oldest of the least urgent
 * kind is dropped, which is an event for the operator. */
#pragma once
#include "controller/hook_host.h"
#include "protocol/names.h"

#define NOTIFY_WAITING_MAX    256
#define NOTIFY_CANDIDATES_MAX 16

struct ctl_request;
struct events;
struct notifier;

struct notifier_env {
	struct grasp_io *io;
	struct store *store;
	struct events *events;
	struct hooks *hooks;
	const char *(*address)(void *arg, const char *node); /* NULL: not known */
	void *arg;
};
int notifier_new(const struct notifier_env *env, struct notifier **ret) MUST_CHECK;
void notifier_free(struct notifier *n); /* what is open stays so in the store */
DEFINE_FREEP(struct notifier, notifier_free)
int notifier_load(struct notifier *n) MUST_CHECK;

struct news { /* borrowed; copied */
	enum hook_kind kind;
	const char *about; /* which situation, among those of the kind: "delivery/F1" */
	const char *id;	   /* of the event that it takes back; NULL: it gets one */
	uint32_t rev;	   /* of that; 0 without */
	const char *service, *function, *source; /* NULL: none */
	uint64_t generation;
	const char (*candidate)[FOG_NAME_MAX + 1]; /* ranked */
	size_t candidates;
	const char *reason;
	double probability; /* NaN: none */
	int64_t due_ms;
	const char *evidence; /* JSON object; NULL: none */
};
/* Does nothing if the hook does not want such events, or the situation is open and has not changed. */
void notify(struct notifier *n, struct hook_instance *hook, const struct news *news);
/* Would that do something? So that nothing is made up for nothing. */
bool notify_is_news(
    struct notifier *n, const struct hook_instance *hook, const struct news *news);
/* The situation is over; what was not told yet is told all the same, once. After a restart it takes a
 * minute to believe that it is over. */
void notify_end(struct notifier *n, enum hook_kind kind, const char *about);
/* The opposite is true now: what was not told is not told any more. */
void notify_forget(struct notifier *n, enum hook_kind kind, const char *about);
/* How many a hook has not taken yet. */
unsigned notify_waiting(const struct notifier *n, const struct hook_instance *hook);
unsigned notify_dropped(const struct notifier *n, const struct hook_instance *hook);

/* `fogctl hooks`, hook_show.c. Items: {hook, type, help, events, can, health, message, circuit, running,
 * waiting, dropped, last_event, last_verdict, last_detail, last_time}; hook null: a type that nobody
 * has configured, with help and can alone. */
void hooks_show(struct hooks *h, const struct notifier *n, struct ctl_request *req);
