/* SPDX-License-Identifier: Apache-2.0
 *
 * Events: what happened, for operators and hooks. Stored first, then told to followers. */
#pragma once
#include "controller/store.h"

struct events;
struct ctl_request;

int events_new(struct store *store, int64_t (*wall)(void *arg), void *arg,
    struct events **ret) MUST_CHECK;
void events_free(struct events *e);
DEFINE_FREEP(struct events, events_free)

/* kind: "node.joining" (waits for approval), "node.admitted" (got its first certificate),
 * "node.joined", "node.suspect", "node.alive", "node.lost", "node.left", "service.applied",
 * "service.removed", "service.degraded", "plan.sent", "plan.declined", "prediction.raised",
 * "prediction.cleared", "migration.opened", "migration.prepared" (candidates, just in case), "migration.waiting" (for a candidate),
 * "migration.phase", "migration.refused" (by one), "migration.done", "migration.failed",
 * "migration.cancelled", "candidate.best" (another one would get a function), "candidate.none", "hook.refused" (to hear of an event), "hook.escalated" (it could not be told),
 * "hook.dropped" (it is slower than events come), "function.failed", "function.placed" (by the operator),
 * "identity.conflict" (two with one key), "identity.released", "node.revoked", "ca.reloaded",
 * "ca.retired", "certificate.ending" (the controller's own), "controller.started",
 * "controller.recovered", "mass.suspect"; and what nodes tell: "agent.…", "journal.failing",
 * "journal.recovered", "plugin.…", "report.gap" (what of a node will never come), "report.undated",
 * "rule.…". node, service, function may be NULL. */
void events_emit(struct events *e, const char *kind, const char *node,
    const char *service, const char *function, const char *fmt, ...) PRINTF(6, 7);
/* What a node tells of itself. */
struct event_told {
	int64_t time_ms; /* wall */
	const char *kind, *node, *text;
	/* Key and value of store_meta_get(), written in the same transaction. */
	const char *mark, *marked;
};
int events_take(struct events *e, const struct event_told *told, store_done_f *done,
    void *arg) MUST_CHECK;
/* `fogctl events`: the last `count`, then, with follow, each as it is stored, until the client
 * goes. Takes the request. Items: {seq, time, kind, node, service, function, text}. */
void events_show(struct events *e, struct ctl_request *req, int64_t count, bool follow);
