/* SPDX-License-Identifier: Apache-2.0
 *
 * The session with one controller: opened by the agent (REG-15), registered with FOGREG, held
 * with the heartbeat that the lease says, renewed at a quarter of the lease. A controller that
 * does not know us any more gets our registration again on the same link (REG-09).
 *
 * Made by the uplink for one attempt; it ends with one closed() call or by session_close(), and is
 * gone after either. */
#pragma once
#include "grasp/grasp.h"
#include "protocol/registration.h"

struct session;

struct session_env {
	const char *prefix; /* of objective names; NULL: none */
	bool proved;	    /* the other end has to have proved that it is a controller */
	/* Who we are, now; caps is set by the session itself. */
	void (*describe)(void *arg, struct fog_registration *ret);
	const struct caps *(*caps)(void *arg);
	/* A lease was given; first: of this registration, else a renewal. */
	void (*registered)(void *arg, const struct fog_lease *lease, bool first);
	/* Over, for a reason a person can read; held: it had been registered. The session may still be
	 * asked about itself, and is gone after the call. */
	void (*closed)(void *arg, bool held, const char *why);
	void *arg;
};

/* env is borrowed. -errno: it could not even be begun. */
int session_open(struct grasp_node *node, const struct addr *to,
    const struct session_env *env, struct session **ret) MUST_CHECK;
void session_close(struct session *s); /* NULL is fine; no closed() call */
DEFINE_FREEP(struct session, session_close)

/* Why a link to a controller ended, as a person reads it. err: of closed(); held: it was in use;
 * stranger: what to say of one whom the channel did not take for a controller. */
const char *session_reason(int err, bool held, const char *stranger);
bool session_is_registered(const struct session *s);
bool session_is_attempt(const struct session *s);	  /* has never been registered */
struct grasp_link *session_link(const struct session *s); /* NULL unless registered */
const struct addr *session_addr(const struct session *s);
const struct fog_lease *session_lease(const struct session *s);
int64_t session_since(const struct session *s); /* registered since, monotonic ms */
/* The controller has accepted something else of us, which holds the registration as well. */
void session_confirm(struct session *s);
void session_update(struct session *s);		/* capabilities changed: tell (REG-07) */
void session_abandon(struct session *s, const char *why); /* closed() follows at once */
void session_again(struct session *s); /* the controller forgot us: register again */
