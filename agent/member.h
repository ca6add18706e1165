/* SPDX-License-Identifier: Apache-2.0
 *
 * The node in one domain: an engine on sockets of its own, and what speaks through it to the
 * controllers of the domain. What happens in one domain is no matter in another (DOM-01). Sampler,
 * capabilities and identity are the node's and shared. */
#pragma once
#include "agent/config.h"
#include "agent/identity.h"
#include "agent/property.h"
#include "agent/query.h"
#include "agent/uplink.h"

struct member;

struct member_env {
	const struct agent_config *cfg;
	const struct identity *identity;
	const struct caps *caps; /* current ones */
	struct sampler *sampler;
	void (*wake)(
	    void *arg); /* the sampler has got new wants, or there is a new plan */
	/* The state for people and the service manager; why is NULL when registered. */
	void (*changed)(void *arg, struct member *m, bool registered, const char *why);
	void *arg;
};

/* io, env and domain are borrowed. The plan of the last run begins at once; nothing is sent before
 * member_start(). On failure why says in a sentence what did not work. */
int member_new(struct grasp_io *io, const struct member_env *env,
    const struct agent_domain *domain, char *why, size_t why_size, struct member **ret)
    MUST_CHECK;
void member_start(struct member *m);
void member_free(struct member *m);
DEFINE_FREEP(struct member, member_free)

int64_t member_run(struct member *m, int64_t now_ms); /* uplink_run() */
void member_caps_changed(struct member *m);

const char *member_domain(const struct member *m); /* "": not known yet */
const char *member_attributes(const struct member *m);
struct grasp_node *member_node(const struct member *m);
struct uplink *member_uplink(const struct member *m);
struct querier *member_querier(const struct member *m);
