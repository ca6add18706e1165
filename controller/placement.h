/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a function is: the token (function, generation) of reliability.md §4. One per function of
 * each service; made when the service is applied, gone when it is removed and nothing moves any
 * more. An outcome that nobody knows is UNCERTAIN, never a guess. */
#pragma once
#include "controller/service.h"

struct judge_prediction;
struct migration;
struct placement_row;

#define PLACEMENT_DURATIONS 20
#define PLACEMENT_FAILURES  8

enum placement_state {
	PLACEMENT_ASSIGNED = 1,
	PLACEMENT_PREPARING, /* the hook is at work, the source serves */
	PLACEMENT_RELEASING, /* target ready, traffic is about to switch */
	PLACEMENT_ASSIGNING, /* switched; rolls forward only */
	PLACEMENT_UNCERTAIN,
};
const char *placement_state_name(enum placement_state s);

struct placement {
	char service_name[FOG_NAME_MAX + 1], function_name[FOG_NAME_MAX + 1];
	const struct service *service; /* NULL: removed meanwhile */
	const struct function *function;
	char node[FOG_NAME_MAX + 1]; /* name; "" none */
	enum placement_state state;
	uint64_t generation;
	struct migration *migration;		  /* the open one */
	char candidate[FOG_NAME_MAX + 1];	  /* the best one when last looked; "" none */
	int64_t cooldown_until_ms;		  /* monotonic */
	int64_t duration_ms[PLACEMENT_DURATIONS]; /* of past migrations, a ring */
	unsigned durations; /* ever; the newest is at (durations - 1) % 20 */
	struct {
		char node[FOG_NAME_MAX + 1];
		int64_t at_ms, until_ms; /* monotonic */
	} failure[PLACEMENT_FAILURES];	 /* nodes that a migration did not succeed on */
	unsigned failures;
	/* Several requirements of the host that are likely to fail together, none of them by itself. The
	 * judge's. */
	struct placement_together {
		bool raised;
		int64_t since_ms; /* of what would change that; 0: nothing */
		struct judge_prediction *prediction; /* NULL: none */
	} together;
	/* What was the matter with its node when it was last looked at, for judge_notify.c. */
	struct placement_situation {
		int kind;	/* enum situation_kind */
		char event[33]; /* id of the migration; "" none was opened */
		uint32_t rev;
	} situation;
	struct placement *next;
};

/* A list of them, owned by whoever holds its head. */
struct placement *
placement_find(struct placement *first, const char *service, const char *function);
int placement_add(struct placement **first, const char *service, const char *function,
    struct placement **ret) MUST_CHECK;
void placement_remove(struct placement **first, struct placement *p);
void placement_free_all(struct placement **first);

void placement_to_row(const struct placement *p, struct placement_row *ret); /* borrows */
void placement_from_row(struct placement *p, const struct placement_row *row);

void placement_add_duration(struct placement *p, int64_t ms);
/* 0: none was measured yet. */
int64_t placement_usual_duration(const struct placement *p); /* 95 % were not longer */
/* The lead that a move needs: what is configured or, if that is longer, what moves took, and the margin
 * (PRD-02, PRD-07). */
int64_t placement_lead(const struct placement *p);

void placement_add_failure(
    struct placement *p, const char *node, int64_t now_ms, int64_t until_ms);
/* ms since node failed for this function, if that still counts; -1: it does not. */
int64_t placement_failed_ago(const struct placement *p, const char *node, int64_t now_ms);
