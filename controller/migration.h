/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving functions. A situation (a host is about to fail, fails, or is lost) opens one migration per
 * function, and whatever is learned of it later goes to the same one (HOOK-04). Each step is in
 * the journal before the hook hears of it; after a restart open ones are taken up where they were.
 *
 *	waiting --candidate--> journal --committed--> running --done--> moved
 *	   ^                      ^                     |
 *	   |       next candidate |   again, or ask     | refused, failed: next candidate
 *	   +--------- none -------+------- pause -------+ retry, unknown: pause
 */
#pragma once
#include "controller/placement.h"
#include "controller/registry.h"

struct ctl_request;
struct events;
struct grasp_io;
struct hooks;
struct migration;
struct migrations;
struct store;
struct uptimes;
struct vitals;
struct watches;

enum situation_kind {
	SITUATION_NONE,
	SITUATION_PREDICTED,
	SITUATION_VIOLATED,
	SITUATION_LOST
};
struct situation {
	enum situation_kind kind;
	char reason[256]; /* "avg_over_time(…) > 3.2: 3.24 now, likely to fail in 14 s" */
	double probability;  /* also of none: how likely it is, NaN: not told */
	int64_t due_ms;	     /* when it is expected to fail, wall; 0: not known */
	char evidence[2048]; /* JSON object; "" none */
};

struct migrations_env {
	struct grasp_io *io;
	struct store *store;
	struct events *events;
	struct hooks *hooks;
	struct watches *watches;
	struct vitals *vitals; /* both may be NULL */
	struct uptimes *uptimes;
	struct placement **placements;
	struct node *(*nodes)(void *arg); /* first of the registry's */
	/* The placement has another node: plans and watches follow. */
	void (*moved)(void *arg, struct placement *p, const char *from);
	const char *(*address)(void *arg, const char *node); /* NULL: not known */
	void *arg;
};
int migrations_new(const struct migrations_env *env, struct migrations **ret) MUST_CHECK;
void migrations_free(struct migrations *ms); /* open ones stay open in the store */
DEFINE_FREEP(struct migrations, migrations_free)
/* Open ones and past durations, once the placements are loaded. */
int migrations_load(struct migrations *ms) MUST_CHECK;

/* Called for every function again and again; opens, updates, goes on, cancels. */
void migrations_consider(
    struct migrations *ms, struct placement *p, const struct situation *s);
/* The service is gone: what runs is cancelled, the placement is let go of. */
void migrations_abandon(struct migrations *ms, struct placement *p);
/* Is it worth while to tell how likely a failure is before that is a situation? */
bool migrations_can_prepare(const struct migrations *ms, const struct placement *p);
/* The operator wants it moved: to a node, or with "" to the best. done() once, when that is over: state
 * as in the store, or the verdict of a dry run, in which nothing is changed. -EBUSY, -EINVAL, -ENOTSUP,
 * ...: not now, err says why. */
struct migration_ask {
	void (*done)(
	    void *arg, const char *state, const char *target, const char *detail);
	void *arg;
};
int migrations_request(struct migrations *ms, struct placement *p, const char *to,
    bool dry_run, const struct migration_ask *ask, char *err, size_t err_len) MUST_CHECK;
/* Whoever asked does not listen any more. */
void migrations_unask(struct migrations *ms, const void *arg);
/* The operator has said where it is. */
void migrations_settle(struct migrations *ms, struct placement *p, const char *node);

/* Of the event that the hook is told; rev grows with each update. */
const char *migration_id(const struct migration *m);
uint32_t migration_rev(const struct migration *m);
const char *migration_target(const struct migration *m); /* "" while none was found */
