/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the API of RFC 8991: what the api_*.c files share.
 *
 * A callback of the ASA is always the last thing that a function does: it may free the session, the
 * API and the node. */
#pragma once
#include "base/buf.h"
#include "grasp/api.h"
#include <sys/queue.h>

#define API_PEERS_MAX	 8  /* tried one after the other */
#define API_LOCATORS_MAX 64 /* told by one discovery */
#define API_SEARCHES_MAX 2 /* the first one may only have filled a relay's cache (I-18) */

struct api_asa {
	TAILQ_ENTRY(api_asa) entry;
	uint32_t handle;
	char name[GRASP_NAME_MAX + 1];
};

/* An objective as one ASA has registered it. */
struct api_owner {
	TAILQ_ENTRY(api_owner) entry;
	struct api_asa *asa;
	struct grasp_api_registration options;
	bool dry;
	bool listening;
	struct grasp_api_negotiation ops; /* while listening, neg */
	void *arg;
	struct buf value; /* while listening, synch: as it goes out */
};

struct api_objective {
	TAILQ_ENTRY(api_objective) entry;
	struct grasp_api *api;
	struct grasp_registration *registration;
	TAILQ_HEAD(, api_owner)
	owners; /* those who listen first, the latest of them at the head */
	char name[GRASP_NAME_MAX + 1];
	bool neg, synch;
};

enum api_kind { API_DISCOVERY, API_NEGOTIATION, API_SYNCHRONIZATION };

/* Whatever an ASA waits for, and a negotiation in which it is our turn. */
struct api_session {
	TAILQ_ENTRY(api_session) entry;
	struct grasp_api *api;
	enum api_kind kind;
	uint32_t handle, asa;
	char name[GRASP_NAME_MAX + 1];
	unsigned flags;
	uint8_t loop_count;
	struct buf value; /* what goes out, or the flooded value that was found */
	uint32_t timeout_ms;
	bool flooded;		 /* the value is that */
	bool our_turn;		 /* of a negotiation */
	bool connected;		 /* the present peer has taken the connection */
	unsigned searches;	 /* how often everybody was asked */
	bool unusable;		 /* locators came that cannot be connected to */
	enum grasp_code failure; /* of the last peer; OK: none was tried */
	struct addr peer[API_PEERS_MAX];
	unsigned peers, next; /* next - 1 is the present one */
	struct grasp_timer *timer;
	struct grasp_discovery *search;
	struct grasp_session *session;
	struct grasp_api_negotiation ops;
	grasp_api_synchronized_f *synchronized;
	grasp_api_discovered_f *discovered;
	void *arg;
};

struct grasp_api {
	struct grasp_node *node;
	TAILQ_HEAD(, api_asa) asas;
	TAILQ_HEAD(, api_objective) objectives;
	TAILQ_HEAD(, api_session) sessions;
	unsigned asa_count, objective_count, session_count;
	bool *freed; /* set when the API is freed; NULL: nobody wants to know */
};

/* --- api.c ---------------------------------------------------------------------------------- */
struct api_asa *api_find_asa(struct grasp_api *api, uint32_t handle);
struct api_session *
api_find_session(struct grasp_api *api, uint32_t asa, uint32_t handle);
/* A random number other than 0 that is no handle yet. */
uint32_t api_new_handle(struct grasp_api *api);
/* fire: called from the loop when timer is set. -ENOMEM, -ENOSPC. */
int api_session_new(struct grasp_api *api, uint32_t asa, enum api_kind kind,
    const char *name, void (*fire)(void *arg), struct api_session **ret) MUST_CHECK;
void api_session_soon(struct api_session *s); /* fire */
/* Lets go of all; the peer of a negotiation gets a decline. No callback. */
void api_session_free(struct api_session *s);
void
api_session_silence(struct api_session *s); /* its engine session will not call back */
bool api_is_dull(const struct grasp_api *api);
bool api_name_is_valid(const char *name);
/* NOT_BOTH, NOT_DRY, UNSPEC. */
enum grasp_code api_check_objective(const struct grasp_api_objective *o);
unsigned api_flags(const struct grasp_api_objective *o); /* as they go out */
/* Into dst, with tag 24 around it if so asked. CBOR_FAIL, UNSPEC. */
enum grasp_code api_put_value(struct buf *dst, const struct grasp_api_objective *o);
/* name outlives ret. */
struct grasp_api_objective
api_objective_of(const struct grasp_objective *o, const char *name);

/* --- api_objective.c ------------------------------------------------------------------------ */
/* NO_ASA, NOT_OBJ, NOT_YOUR_OBJ. */
enum grasp_code api_find_owner(struct grasp_api *api, uint32_t asa, const char *name,
    struct api_objective **ret_objective, struct api_owner **ret);
void api_listen(struct api_objective *o, struct api_owner *owner);
void api_stop_listen(struct api_objective *o, struct api_owner *owner);
void api_objective_leave(struct grasp_api *api, const struct api_asa *asa);

/* --- api_peer.c ----------------------------------------------------------------------------- */
/* Finds peers and asks them, one after the other, until one is found that answers. */
void api_peer_search(struct api_session *s);
/* Asks this one and no other. INVALID_LOC, or what the kind says that it was not sent. */
enum grasp_code
api_peer_ask(struct api_session *s, const struct grasp_api_locator *peer) MUST_CHECK;
/* The present peer has failed: the next one, or the end. */
void api_peer_failed(struct api_session *s, enum grasp_code code, bool may_try_another);
void api_peer_answered(struct api_session *s); /* no other one is needed */
enum grasp_code api_not_sent(const struct api_session *s);

/* --- api_negotiate.c ------------------------------------------------------------------------ */
extern const struct grasp_session_ops api_negotiation_ops;
void
api_requested(void *arg, struct grasp_session *s, const struct grasp_objective *asked);
void
api_negotiation_end(struct api_session *s, enum grasp_code code, struct slice reason);

/* --- api_synchronize.c ---------------------------------------------------------------------- */
extern const struct grasp_session_ops api_synchronization_ops;
void api_asked(void *arg, struct grasp_session *s, const struct grasp_objective *asked);
void api_synchronization_end(
    struct api_session *s, enum grasp_code code, const struct grasp_objective *objective);
