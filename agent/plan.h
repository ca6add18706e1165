/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitoring plan of one controller: which programs are evaluated at which period, and which
 * results are worth a report. It replaces the one before as a whole or not at all; items that stay
 * the same go on undisturbed. The last plan is kept in the state directory and runs again at the
 * next start, before any controller is reached (PLN-07). */
#pragma once
#include "metrics/rules.h"
#include "protocol/plan.h"
#include "protocol/report.h"

struct plan;

struct plan_env {
	struct sampler *sampler;
	struct rules *rules;	 /* NULL: plans with rules are refused */
	const char *rules_owner; /* whose the rules of plans are: "domain <name>" */
	const char *path; /* of the file that keeps it; NULL: not kept */
	void (*result)(void *arg, const struct report_point *p);
	void *arg;
};
struct plan_source { /* who a plan is from */
	struct fog_id controller;
	uint64_t epoch;
};
struct plan_item_state {
	const struct plan_item *item;
	int64_t due_ms;
	uint64_t evaluations, results;
	double value; /* newest; NaN: unknown */
};

/* env is borrowed. */
int plan_new(const struct plan_env *env, struct plan **ret) MUST_CHECK;
void plan_free(struct plan *p);
DEFINE_FREEP(struct plan, plan_free)

/* Takes an encoded plan over, or says why not: "version: …", "policy: item 3: …", "malformed". dry: only
 * says whether it would. A plan must be newer than the one of the same controller's epoch. */
int plan_offer(struct plan *p, struct slice value, const struct plan_source *from,
    int64_t now_ms, bool dry, char why[PLAN_WHY_MAX]) MUST_CHECK;
/* Can it be done as it is? 1: no, but what is in ret, encoded, can; 0: yes, or it is not for plan_offer()
 * anyway. budget: bytes a second of reports; 0: no bound. */
int plan_bargain(struct plan *p, struct slice value, const struct plan_source *from,
    int64_t budget, struct buf *ret) MUST_CHECK;
/* Runs the plan kept in the file, if there is one. */
int plan_replay(struct plan *p, int64_t now_ms, char why[PLAN_WHY_MAX]) MUST_CHECK;
/* Evaluates what is due; returns when it wants to be called next (INT64_MAX: never). */
int64_t plan_run(struct plan *p, int64_t now_ms);

/* During result(): the item whose it is. */
const struct plan_item *plan_running(const struct plan *p);
uint64_t plan_version(const struct plan *p); /* 0: there is none */
/* The same if this controller made it, else 0: its numbers mean something else there. */
uint64_t plan_version_of(const struct plan *p, const struct fog_id *controller);
/* Of the plan of that version, as it came; all zeros: there is none. */
void plan_digest(const struct plan *p, uint8_t ret[PLAN_DIGEST_LEN]);
uint32_t plan_period(const struct plan *p); /* shortest; 0: nothing to do */
size_t plan_len(const struct plan *p);
void plan_item(const struct plan *p, size_t i, struct plan_item_state *ret);
