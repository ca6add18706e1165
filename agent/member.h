/* SPDX-License-Identifier: Apache-2.0
 *
 * The node in one domain: an engine on sockets of its own, and what speaks through it to the
 * controllers of the domain. What happens in one domain is no matter in another (DOM-01). Sampler,
 * capabilities and identity are the node's and shared.
 *
 * Without a certificate that is good it is a pledge; with one it has an uplink and renews it in time.
 * Under insecure.plain_grasp nothing is proved, and there is the uplink alone. */
#pragma once
#include "agent/config.h"
#include "agent/identity.h"
#include "agent/pledge.h"
#include "agent/property.h"
#include "agent/query.h"
#include "agent/renewal.h"
#include "agent/uplink.h"
#include "trust/channel.h"
#include "trust/guard.h"
#include "trust/time.h"

struct member;

struct member_env {
	const struct agent_config *cfg;
	const struct identity *identity;
	const struct caps *caps; /* current ones */
	struct sampler *sampler;
	struct rules *rules;
	struct trust_time *time; /* NULL: nothing is proved */
	void (*wake)(
	    void *arg); /* the sampler has got new wants, or there is a new plan */
	void (*changed)(void *arg); /* a state, for people and the service manager */
	/* The clock of a controller that has proved to be one. */
	void (*learn_time)(void *arg, int64_t controller_ms);
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
void member_reconfigured(struct member *m); /* token or pin may be others now */

const char *member_domain(const struct member *m); /* "": not known yet */
const char *member_attributes(const struct member *m);
bool member_is_registered(const struct member *m);
const char *member_state(const struct member *m);   /* for people */
const char *member_trouble(const struct member *m); /* what is in the way; "": nothing */
struct grasp_node *member_node(const struct member *m);
struct uplink *member_uplink(const struct member *m);
struct querier *member_querier(const struct member *m);
/* The one that looks for controllers now: the uplink's or the pledge's. */
const struct bootstrap *member_bootstrap(const struct member *m);
/* These are NULL under insecure.plain_grasp. */
const struct credential *member_credential(const struct member *m);
const struct grasp_io *member_channel(const struct member *m);
const struct guard *member_guard(const struct member *m);
const struct renewal *member_renewal(const struct member *m);
