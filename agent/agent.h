/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent on one grasp_io: its parts wired together. main() gives it life on libev, tests give
 * it a fake io. What is borrowed outlives it. */
#pragma once
#include "agent/config.h"
#include "agent/identity.h"
#include "agent/property.h"
#include "agent/query.h"
#include "agent/uplink.h"

#define AGENT_UPLINKS 1 /* controllers at a time */

struct agent {
	struct grasp_io *io;
	struct agent_config *cfg;
	struct identity *identity;
	struct caps caps;
	int64_t started_ms;

	struct sampler *sampler;
	struct grasp_node *node;
	struct querier *querier;
	struct properties *properties;
	struct uplink_env uplink_env;
	struct uplink *uplink[AGENT_UPLINKS];
	struct grasp_timer *work, *look; /* sampling and evaluation; capabilities */
	unsigned looks;			 /* at the capabilities so far */
	void (*status)(
	    void *arg, const char *text); /* told to the service manager; may be NULL */
	void *arg;
};

/* On failure why says in a sentence what did not work. */
int agent_new(struct grasp_io *io, struct agent_config *cfg, struct identity *identity,
    char *why, size_t why_size, struct agent **ret) MUST_CHECK;
void agent_start(struct agent *a);
void agent_free(struct agent *a);
DEFINE_FREEP(struct agent, agent_free)

void agent_wake(struct agent *a);	  /* somebody wants something of the sampler */
void agent_reconfigured(struct agent *a); /* cfg has changed in what can change */
