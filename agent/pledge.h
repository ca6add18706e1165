/* SPDX-License-Identifier: Apache-2.0
 *
 * A node that is no member of its domain, or whose certificate has expired, and wants to become one
 * (security.md §5.4): finds controllers by the address in its token, by the configuration and by
 * floods of FOGJOIN, connects to one after the other, and asks for a certificate once TLS has shown
 * that it is the controller of the pinned CA; the token's secret is never sent before (S-16). */
#pragma once
#include "agent/admission.h"
#include "agent/bootstrap.h"
#include "agent/config.h"

struct pledge;

enum pledge_state {
	PLEDGE_RESTING, /* not wanted */
	PLEDGE_UNABLE,	/* there is no token, and no pin of the CA */
	PLEDGE_SEARCHING,
	PLEDGE_CONNECTING,
	PLEDGE_AWAITING, /* an operator's approval, connected or not */
};
struct pledge_env {
	struct grasp_node *node;
	const char *prefix; /* of objective names; NULL: none */
	const char *domain; /* "": any */
	const struct agent_domain *cfg;
	bool tofu; /* trust the CA that comes first */
	const struct identity *identity;
	struct credential *credential;
	void (*time)(void *arg, int64_t controller_ms); /* as admission_env's */
	/* We are a member: the controller at addr admitted us, and has told of others. */
	void (*joined)(void *arg, const struct addr *addr, const struct fog_grant *grant);
	void (*changed)(void *arg); /* the state, for people */
	void *arg;
};

/* env is borrowed. */
int pledge_new(const struct pledge_env *env, struct pledge **ret) MUST_CHECK;
void pledge_free(struct pledge *p);
DEFINE_FREEP(struct pledge, pledge_free)

void pledge_start(struct pledge *p); /* also: begin anew, the configuration has changed */
void pledge_stop(struct pledge *p);

enum pledge_state pledge_state(const struct pledge *p);
const char *pledge_state_name(enum pledge_state s);
/* What people should know or do, in a sentence; "": nothing. */
const char *pledge_trouble(const struct pledge *p);
const struct bootstrap *pledge_bootstrap(const struct pledge *p);
