/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent: what the node measures, and its memberships in domains, wired together. main() gives it
 * life on libev, tests give it fake ios. What is borrowed outlives it. */
#pragma once
#include "agent/member.h"
#include "agent/self.h"
#include "base/sandbox.h"

/* Where each membership gets the grasp_io of its own from. */
struct agent_ios {
	int (*open)(void *arg, const struct agent_domain *domain, struct grasp_io **ret);
	void (*close)(void *arg, struct grasp_io *io); /* NULL: the callee keeps them */
	void *arg;
	struct spawner *spawner; /* of the plug-ins; NULL: there is none */
};

struct agent {
	struct agent_ios ios;
	struct grasp_io
	    *io[AGENT_DOMAINS_MAX]; /* the first one is the agent's clock, too */
	struct agent_config *cfg;
	struct identity *identity;
	struct caps caps;
	int64_t started_ms;

	struct sampler *sampler;
	struct self self;
	struct rules *rules;
	struct plugins *plugins; /* NULL: none is configured */
	struct sandbox_state sandbox; /* of the process */
	struct trust_time *time; /* NULL under insecure.plain_grasp */
	struct member_env member_env;
	struct member *member[AGENT_DOMAINS_MAX];
	size_t members;
	struct grasp_timer *work, *look; /* sampling and evaluation; capabilities */
	struct grasp_timer *keep;	 /* time, to the disk */
	unsigned looks;			 /* at the capabilities so far */
	void (*status)(
	    void *arg, const char *text); /* told to the service manager; may be NULL */
	void *arg;
};

/* On failure why says in a sentence what did not work. */
int agent_new(const struct agent_ios *ios, struct agent_config *cfg,
    struct identity *identity, char *why, size_t why_size, struct agent **ret) MUST_CHECK;
void agent_start(struct agent *a);
void agent_free(struct agent *a);
DEFINE_FREEP(struct agent, agent_free)

int64_t agent_now(const struct agent *a); /* monotonic ms */
void agent_wake(struct agent *a);	  /* somebody wants something of the sampler */
void agent_reconfigured(struct agent *a); /* cfg has changed in what can change */
