/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside migration*.c: one migration, and what the state machine (migration.c) and the journal
 * (migration_journal.c) have of each other. */
#pragma once
#include "controller/migration.h"
#include "orchestrator-hooks/hook.h"

#define MIGRATION_ID_SIZE     33
#define MIGRATION_DETAIL_SIZE 384
#define CANDIDATES_TOLD	      16    /* of the ranking, to the hook */
#define RESPITE_MS	      30000 /* after a migration that failed */

enum migration_step { WAITING, JOURNAL, RUNNING, PAUSE, ENDED };

struct migration {
	struct migration *next;
	struct migrations *all;
	struct placement *placement;
	enum migration_step step;
	unsigned pending; /* store callbacks that will come */
	struct hook_call *call;
	bool resume; /* the next start asks what has come of the one before */
	bool cancel_wanted, told_waiting;
	bool requested;		     /* by the operator: no situation takes it back */
	char wish[FOG_NAME_MAX + 1]; /* where to; "" to the best */
	struct migration_ask ask;    /* done NULL: nobody waits */
	unsigned retries, asked;
	int64_t next_ms; /* of WAITING and PAUSE, monotonic */
	uint32_t rev;
	int64_t updated_ms;
	struct situation situation, told; /* told: as the hook knows it */
	char id[MIGRATION_ID_SIZE];
	char source[FOG_NAME_MAX + 1], target[FOG_NAME_MAX + 1], hook[FOG_NAME_MAX + 1];
	char ranked[CANDIDATES_TOLD][FOG_NAME_MAX + 1];
	size_t ranked_len;
	const char *state; /* as in the store */
	enum hook_phase phase;
	char detail[MIGRATION_DETAIL_SIZE];
	uint64_t generation;
	uint32_t attempt;
	int64_t opened_ms, started_ms, ready_ms, switched_ms, ended_ms; /* wall */
};
struct migrations {
	struct migrations_env env;
	struct migration *first;
	struct dry_run *dry_runs;
	struct preparation *preparations;
	bool closing;
};

int64_t migration_now(const struct migration *m); /* monotonic */
int64_t migration_wall(const struct migration *m);
int migration_make(struct migrations *ms, struct placement *p, struct migration **ret)
    MUST_CHECK;
void migration_release(
    struct migration *m); /* frees it when it has ended and nothing is awaited */

struct migration_told { /* an event and what it points to */
	struct hook_event ev;
	const char *name[CANDIDATES_TOLD], *address[CANDIDATES_TOLD];
	char instance[2 * FOG_NAME_MAX + 2];
};
void migration_fill_event(const struct migration *m, struct migration_told *to);
/* True with m->ranked, or false with why. */
bool migration_find_candidates(struct migration *m, char *why, size_t size);
/* Opens one; NULL: no memory. Then it is to be tried. */
struct migration *
migration_open(struct migrations *ms, struct placement *p, const struct situation *s);
void migration_try_candidate(struct migration *m);
/* migration_prepare.c */
void
migration_prepare(struct migrations *ms, struct placement *p, const struct situation *s);
void migration_use_prepared(struct migration *m); /* those first that are prepared */
const char *migration_prepared_id(
    const struct migrations *ms, const struct placement *p); /* NULL: none */
void
migration_used_prepared(struct migrations *ms, struct placement *p, const char *target);
void migration_abandon_prepared(struct migrations *ms, struct placement *p);
int migration_prepare_load(struct migrations *ms);
void migration_prepare_free(struct migrations *ms);
void migrations_free_dry_runs(struct migrations *ms);

/* The row of the migration; done is called with it after the commit. */
void migration_put(struct migration *m, void (*done)(void *arg, int err));
void migration_put_placement(
    struct migrations *ms, struct placement *p, enum placement_state state);
void migration_note(struct migration *m, const char *detail);
void migration_emit(struct migration *m, const char *kind, const char *node,
    const char *fmt, ...) PRINTF(4, 5);

/* The ends; m is gone afterwards. */
void migration_end(struct migration *m, const char *state);
void migration_end_moved(struct migration *m);
void
migration_end_failed(struct migration *m, const char *why); /* the source serves on */
void migration_end_cancelled(struct migration *m, const char *why); /* likewise */
/* Unknown is a state: nobody guesses whether there is one copy, two or none. */
void migration_end_uncertain(struct migration *m, const char *state, const char *why);
