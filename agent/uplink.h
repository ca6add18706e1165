/* SPDX-License-Identifier: Apache-2.0
 *
 * All that belongs to one controller at a time: the session, the plan it gave us, the results that
 * wait for it. The uplink picks candidates of the bootstrap until one registers us, and begins
 * anew when the session is lost. Plan and results outlive sessions: monitoring goes on. */
#pragma once
#include "agent/bootstrap.h"
#include "agent/config.h"
#include "agent/identity.h"
#include "agent/plan.h"
#include "agent/report.h"
#include "agent/session.h"
#include "trust/credential.h"

struct uplink;

struct uplink_env {
	struct grasp_node *node;
	struct sampler *sampler;
	struct rules *rules;
	const struct agent_config *cfg;
	const char *domain;		     /* "": any */
	const char *attributes;		     /* of this node in it, canonical */
	const struct conf_list *controllers; /* configured ones */
	const char *dir;		     /* where the plan is kept; NULL: nowhere */
	const struct identity *identity;
	struct credential *credential; /* NULL: nothing is proved, insecure.plain_grasp */
	const struct caps *caps;       /* current ones */
	void (*wake)(void *arg);       /* there is a new plan: call uplink_run() soon */
	/* The state for people and the service manager; why is NULL when registered. */
	void (*changed)(void *arg, bool registered, const char *why);
	/* The clock of the controller, which has proved to be one. */
	void (*time)(void *arg, int64_t controller_ms);
	void *arg;
};

enum uplink_state { UPLINK_SEARCHING, UPLINK_CONNECTING, UPLINK_REGISTERED };

/* env is borrowed. The plan of the last run begins at once; nothing is sent before uplink_start(). */
int uplink_new(const struct uplink_env *env, struct uplink **ret) MUST_CHECK;
void uplink_start(struct uplink *u);
void uplink_stop(struct uplink *u); /* no session any more; the plan goes on */
void uplink_hint(struct uplink *u, const struct addr *addr); /* a controller is there */
void uplink_free(struct uplink *u);
DEFINE_FREEP(struct uplink, uplink_free)

int64_t uplink_run(struct uplink *u, int64_t now_ms); /* plan_run() */
void uplink_caps_changed(struct uplink *u);

enum uplink_state uplink_state(const struct uplink *u);
const char *uplink_state_name(enum uplink_state s);
const struct session *uplink_session(const struct uplink *u); /* NULL: there is none */
const struct plan *uplink_plan(const struct uplink *u);
struct reporter *uplink_reporter(const struct uplink *u);
const struct bootstrap *uplink_bootstrap(const struct uplink *u);
uint64_t uplink_registrations(const struct uplink *u); /* since the start */
const char *
uplink_trouble(const struct uplink *u); /* why the last session or attempt ended */
