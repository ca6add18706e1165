/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands between a membership's engine and its sockets: the credential, the channel that speaks
 * TLS with it, the guard of multicasts, and the table of what others may begin here. */
#pragma once
#include "agent/config.h"
#include "agent/identity.h"
#include "trust/channel.h"
#include "trust/guard.h"
#include "trust/permit.h"

struct protection { /* embedded; zeros: nothing is proved and everything is allowed */
	struct credential *credential;
	struct grasp_io *channel;
	struct guard *guard;
	struct permit_env permit;
	int64_t refused_ms; /* when it was last logged */
	uint64_t refused;   /* what may not be begun here, by whom it may not */
};
struct protection_env {
	struct grasp_io *io; /* inner one */
	const struct agent_config *cfg;
	const char *domain; /* "": any */
	const char *dir;    /* of the domain; "": nothing is kept */
	const struct identity *identity;
	const struct trust_time *time;
};

/* What env points to is borrowed, as is p by the engine. On failure why is a sentence for people. */
int protection_init(struct protection *p, const struct protection_env *env, char *why,
    size_t why_size) MUST_CHECK;
void protection_done(struct protection *p);
/* Into an engine's configuration; guard has to be there until grasp_node_new(). */
void protection_apply(
    struct protection *p, struct grasp_guard *guard, struct grasp_config *cfg);
