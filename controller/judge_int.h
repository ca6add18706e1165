/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside judge*.c: the judge itself (judge.c: life, services, plans, points), what it makes of its
 * watches (judge_situation.c) and what it shows (judge_show.c). */
#pragma once
#include "controller/calibration.h"
#include "controller/hook_host.h"
#include "controller/judge.h"
#include "controller/migration.h"
#include "controller/outlook.h"
#include "controller/plan_rules.h"
#include "controller/planner.h"
#include "controller/uptime.h"
#include "controller/vitals.h"
#include "controller/watch.h"

struct candidates_query;
struct grasp_timer;

struct judge {
	struct grasp_io *io;
	struct store *store;
	struct events *events;
	struct registry *registry;
	struct judge_ops ops;
	void *arg;
	struct service *services;
	struct placement *placements;
	struct planner *planner;
	struct plan_rules *rules;
	struct watches *watches;
	struct calibration *calibration;
	struct vitals *vitals;
	struct uptimes *uptimes;
	struct hooks *hooks;
	struct migrations *migrations;
	struct notifier *notifier;
	struct grasp_timer *tick, *soon;
	bool soon_is_set;
	unsigned standing; /* which function is looked at next */
	bool news; /* a watch of a host has changed: not only at the next tick */
	uint32_t version; /* of plans and watches */
	bool loading, closing;
	const struct placement *moved; /* while its watches are dropped */
};

int64_t judge_now(const struct judge *j);
int64_t judge_wall(const struct judge *j);
/* The host of a placement; NULL: none, or not known to the registry. */
struct node *judge_host(const struct judge *j, const struct placement *p);

/* What plans follow from. */
struct plan_view judge_view(struct judge *j);
/* A service that could be applied. -EINVAL with complaints. */
int judge_parse(struct judge *j, struct slice yaml, const char *file,
    struct complaints *c, struct service **ret) MUST_CHECK;
/* judge_show.c: "reasons": why an item is in a plan. */
void judge_put_reasons(struct buf *b, const struct plan_entry *e);
/* What is known of the host of a placement, as one situation. */
void judge_situation(struct judge *j, const struct placement *p, struct situation *ret);
/* Are several requirements of its host likely to fail together? With hysteresis, as one of them. */
void judge_follow_together(struct judge *j, struct placement *p);
void judge_end_together(struct judge *j, struct placement *p, const char *outcome);
/* "node_x > 3: 3.2, likely to fail in 14 s (...)", "node_x > 3 is violated: 2.9" */
void judge_describe_watch(
    const struct judge *j, struct watch *w, char *dst, size_t size);
/* Who could take the function over, without reasons. */
struct candidates_query judge_candidates_query(struct judge *j, const struct placement *p);
/* Tells when another node is the best candidate of a function: of one at each call. */
void judge_look_at_standing(struct judge *j);
/* Lets watches of locations know where nodes are. */
void judge_tell_places(struct judge *j);
/* judge_notify.c: what hooks are told beside migrations. */
void
judge_notify_situation(struct judge *j, struct placement *p, const struct situation *s);
void judge_notify_moved(struct judge *j, struct placement *p, const char *from);
/* It is watched no more. */
void judge_notify_gone(struct judge *j, struct placement *p);
void judge_notify_node(struct judge *j, const struct node *n, enum node_state before);
const char *judge_address(void *arg, const char *node); /* arg: the judge; NULL: not known */
/* Rows of predictions, open until their outcome is known. */
void judge_prediction_open(struct judge *j, struct watch *w);
void judge_prediction_open_together(struct judge *j, struct placement *p, const char *node,
    const char *what, const struct outlook *o);
void judge_prediction_end(
    struct judge *j, struct judge_prediction **o, const char *outcome);
/* What was foreseen has come, ago_ms ago. */
void judge_prediction_failed(
    struct judge *j, struct judge_prediction **o, int64_t ago_ms);
void judge_prediction_missed(struct judge *j, struct watch *w);
void judge_prediction_forget(struct judge *j); /* those that are open stay so in the store */
/* The node is lost: foreseen or not. */
void judge_prediction_lost(struct judge *j, const struct node *host);
/* Callbacks of the watches: events and rows of predictions. */
void judge_watch_changed(void *arg, struct watch *w, enum watch_state before);
void judge_watch_dropped(void *arg, struct watch *w);
void judge_watch_sampled(void *arg, const struct watch *w, double said, bool came);
