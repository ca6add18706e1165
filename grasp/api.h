/* SPDX-License-Identifier: Apache-2.0
 *
 * The API of RFC 8991 for Autonomic Service Agents (ASAs), on a node of grasp.h.
 *
 * grasp.h shows the protocol: links, messages in turns. This API shows what an ASA has to do with
 * it: register, discover, negotiate, synchronize, flood. It finds the peer, opens and closes the
 * connection, keeps the clocks, and checks that an ASA touches only what it has registered. Any
 * number of APIs, nodes and ASAs may live in one process; there is no global state.
 *
 * Event-driven (RFC 8991 §2.2): no call blocks. A call that has to wait for the network returns
 * GRASP_API_NO_REPLY, and then its callback tells the result, exactly once, from the event loop and
 * never from inside the call. Any other return code means that no callback follows.
 *
 * Memory: names, values, locators and reasons given to a call are copied or used up before it
 * returns; those given to a callback are valid during the callback. From inside any callback it
 * is fine to make any call of this API, also grasp_api_free() and grasp_node_free().
 *
 * Handles of ASAs and sessions are 32-bit numbers that nobody can guess and that are never 0
 * (RFC 8991 §2.3.2.7-8). One that is not, or no longer, valid is answered with a return code and
 * never harms. A session's handle is valid until the callback that tells its end, or the call that
 * ends it.
 *
 * Times are milliseconds, 0..4294967295. Everything happens on the thread of the node's grasp_io. */
#pragma once
#include "grasp/grasp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Return codes (RFC 8991 appendix A) with the numbers it has given them. */
enum grasp_code {
	GRASP_API_OK = 0,
	GRASP_API_DECLINED = 1,
	GRASP_API_NO_REPLY = 2, /* not yet: a callback will tell */
	GRASP_API_UNSPEC =
	    3, /* out of memory, or an argument that has no code of its own */
	GRASP_API_ASA_FULL = 4,
	GRASP_API_DUP_ASA = 5,
	GRASP_API_NO_ASA = 6,
	GRASP_API_NOT_YOUR_ASA = 7,
	GRASP_API_NOT_BOTH = 8,
	GRASP_API_NOT_DRY = 9,
	GRASP_API_NOT_OVERLAP = 10, /* never returned: overlap is supported */
	GRASP_API_OBJ_FULL = 11,
	GRASP_API_OBJ_REG = 12,
	GRASP_API_NOT_YOUR_OBJ = 13,
	GRASP_API_NOT_OBJ = 14,
	GRASP_API_NOT_NEG = 15,
	GRASP_API_NO_SECURITY =
	    16, /* the node is a DULL one: no sessions (RFC 8990 §2.5.2) */
	GRASP_API_NO_DISC_REPLY = 17,
	GRASP_API_SOCK_ERR_NEG_RQ = 18,
	GRASP_API_NO_SESSION = 19,
	GRASP_API_NO_SOCKET = 20,
	GRASP_API_LOOP_EXHAUSTED = 21,
	GRASP_API_SOCK_ERR_NEG_STEP = 22,
	GRASP_API_NO_PEER = 23,
	GRASP_API_CBOR_FAIL = 24,
	GRASP_API_INVALID_NEG = 25,
	GRASP_API_INVALID_END = 26,
	GRASP_API_NO_NEG_REPLY = 27,
	GRASP_API_NO_VALID_STEP = 28,
	GRASP_API_SOCK_ERR_WAIT = 29,
	GRASP_API_SOCK_ERR_END = 30,
	GRASP_API_ID_CLASH =
	    31, /* never returned: such a request is discarded unseen (G-040) */
	GRASP_API_NOT_SYNCH = 32,
	GRASP_API_NOT_FLOOD_DISC = 33,
	GRASP_API_SOCK_ERR_SYN_RQ = 34,
	GRASP_API_NO_LISTENER = 35,
	GRASP_API_NO_SYNCH_REPLY = 36,
	GRASP_API_NO_VALID_SYNCH = 37,
	GRASP_API_INVALID_LOC = 38,
};
const char *grasp_code_name(enum grasp_code code); /* as in the RFC: "noDiscReply"; "?" */
const char *grasp_code_strerror(enum grasp_code code); /* a sentence for people */

/* An objective (§2.3.2.4). To give one to a call, fill in what the call asks for. */
struct grasp_api_objective {
	const char *name; /* UTF-8, 1..GRASP_NAME_MAX bytes */
	bool neg;	  /* supports negotiation … */
	bool synch;	  /* … or synchronization and flooding; not both */
	bool dry; /* supports dry-run negotiation; of a session: it is one. Needs neg */
	/* Send the value as a CBOR byte string with tag 24 around it (an opaque item), not as it
	 * is. Values received are unwrapped, and false here, either way. */
	bool tag24;
	uint8_t loop_count; /* 1..255, 0: GRASP_DEF_LOOPCT; received: what is left */
	struct slice value; /* one encoded CBOR item, deterministic or not; empty: null */
};

/* Where an ASA is (§2.3.2.5). To give one to a call, fill in locator and, for a link-local address,
 * ifindex. */
struct grasp_api_locator {
	struct grasp_locator locator; /* address, FQDN or URI; protocol; port */
	uint32_t ifindex;	      /* of a link-local address; else 0 */
	uint32_t ttl_ms; /* how long it is still valid; 0 in a flood: for ever */
	bool diverted;	 /* somebody else told */
};

/* An objective with the place where it is (§2.3.2.6); locator.locator.kind 0: none. */
struct grasp_api_tagged {
	struct grasp_api_objective objective;
	struct grasp_api_locator locator;
};

struct grasp_api;

/* The node must outlive the API, save that a callback may free both, the API first. -ENOMEM. */
int grasp_api_new(struct grasp_node *node, struct grasp_api **ret) MUST_CHECK;
void grasp_api_free(
    struct grasp_api *api); /* NULL is fine. Ends everything, without callbacks */

/* --- registration (§2.3.3) ------------------------------------------------------------------ */
#define GRASP_API_ASAS_MAX	 64   /* of one API */
#define GRASP_API_OBJECTIVES_MAX 256  /* of one API */
#define GRASP_API_SESSIONS_MAX	 1024 /* of one API, discoveries among them */

/* name: any text of 1..GRASP_NAME_MAX bytes, unique in the API. DUP_ASA, ASA_FULL, UNSPEC. */
enum grasp_code grasp_api_register_asa(
    struct grasp_api *api, const char *name, uint32_t *ret_asa) MUST_CHECK;
/* Ends its sessions, without callbacks and with a decline where the peer waits for it, and
 * deregisters its objectives. name must be the ASA's own. NO_ASA, NOT_YOUR_ASA. */
enum grasp_code
grasp_api_deregister_asa(struct grasp_api *api, uint32_t asa, const char *name);

struct grasp_api_registration {
	/* Peers are told to keep what they have found as long as this; 0: GRASP_DEF_TIMEOUT_MS. */
	uint32_t ttl_ms;
	bool discoverable; /* at once; else while somebody listens for it */
	/* Other ASAs of this node may register it too, if all of them say so. Who began to listen
	 * last is asked; when it stops, the one before. For replacing a running ASA. */
	bool overlap;
	bool local; /* peers are told the link-local address alone */
};
/* To be asked for it, to ask for its negotiation, or to flood it. Not needed to discover, to
 * synchronize and to look at floods. options NULL: all zero. objective's value is not used. NOT_BOTH,
 * NOT_DRY (dry without neg), OBJ_REG (also by hand, with grasp_register()), OBJ_FULL, NO_ASA, UNSPEC
 * (bad name). */
enum grasp_code grasp_api_register_objective(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective,
    const struct grasp_api_registration *options) MUST_CHECK;
/* Stops listening too; sessions go on. Only the name counts. NO_ASA, NOT_OBJ, NOT_YOUR_OBJ. */
enum grasp_code grasp_api_deregister_objective(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective);

/* --- discovery (§2.3.4) --------------------------------------------------------------------- */
/* OK, also with count 0: nobody has answered; UNSPEC: no memory. The locators heard of last come
 * first. */
typedef void grasp_api_discovered_f(void *arg, enum grasp_code code,
    const struct grasp_api_locator *locator, size_t count);

/* Who supports the objective? Answers that earlier discoveries have left are given at once, those
 * with less than min_ttl_ms left are forgotten first; UINT32_MAX forgets them all. If there are
 * none, everybody is asked once, and what has come within timeout_ms is given. timeout_ms 0: what
 * is known already is all. Of the objective name, loop_count, and neg or synch count; it need
 * not be registered. NO_ASA, NOT_BOTH, UNSPEC. */
enum grasp_code grasp_api_discover(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, uint32_t timeout_ms, uint32_t min_ttl_ms,
    grasp_api_discovered_f *discovered, void *arg) MUST_CHECK;

/* --- negotiation (§2.3.5) ------------------------------------------------------------------- */
/* Both sides take turns, beginning with the listener; in its turn an ASA calls negotiate_step(),
 * any number of negotiate_wait(), or end_negotiate(). An ASA that does not within
 * GRASP_DEF_TIMEOUT_MS, or the time of its last negotiate_wait(), has lost the session (ended() with
 * NO_NEG_REPLY): the peer has given up by then. A callback that is NULL is left out; without
 * step_received() each step of the peer ends the session. */
struct grasp_api_negotiation {
	/* Of a listener: a peer asks; the turn is ours. objective->dry: only as a rehearsal. */
	void (*requested)(void *arg, uint32_t session,
	    const struct grasp_api_objective *objective, const struct addr *peer);
	/* The peer has answered with this; the turn is ours. */
	void (*negotiate_step_received)(
	    void *arg, uint32_t session, const struct grasp_api_objective *objective);
	/* The peer needs more time; nothing to do. */
	void (*negotiate_wait_received)(void *arg, uint32_t session, uint32_t ms);
	/* OK: the peer accepts what we have sent last. DECLINED: reason is UTF-8, may be empty.
	 * NO_DISC_REPLY: no peer found. NO_PEER: nobody listens there. SOCK_ERR_NEG_RQ: not
	 * reachable, or the request did not leave. NO_NEG_REPLY: silence, or the connection broke.
	 * INVALID_NEG, INVALID_END, NO_VALID_STEP, CBOR_FAIL: its step, its end, another message of
	 * it does not fit, or is no GRASP. INVALID_LOC: no locator found can be connected to. */
	void (*ended)(
	    void *arg, uint32_t session, enum grasp_code code, struct slice reason);
};

/* Asks one peer; peer NULL: whoever grasp_api_discover() finds, one after the other while nobody
 * listens or answers the connection; a cached one that fails is forgotten. If nobody is found,
 * everybody is asked once more, with twice the time. The ASA must have
 * registered the objective. dry makes it a rehearsal, if it was registered with dry. timeout_ms is
 * for each answer of the peer; 0: GRASP_DEF_TIMEOUT_MS. NO_REPLY, with the session's handle; NO_ASA,
 * NOT_NEG, NOT_DRY, NOT_OBJ, NOT_YOUR_OBJ, INVALID_LOC (peer is an FQDN, a URI or not TCP),
 * NO_SECURITY, CBOR_FAIL (value is no CBOR), SOCK_ERR_NEG_RQ (too long, or no socket), UNSPEC. */
enum grasp_code grasp_api_request_negotiate(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, const struct grasp_api_locator *peer,
    uint32_t timeout_ms, const struct grasp_api_negotiation *ops, void *arg,
    uint32_t *ret_session) MUST_CHECK;

/* From now on requests are taken, any number at once, and the objective is discoverable. Again:
 * changes ops and arg for later requests. A dry run is taken only if the objective was registered
 * with dry, else declined. OK, NO_ASA, NOT_OBJ, NOT_YOUR_OBJ, NOT_NEG, NO_SECURITY, UNSPEC
 * (requested is NULL). */
enum grasp_code grasp_api_listen_negotiate(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, const struct grasp_api_negotiation *ops,
    void *arg) MUST_CHECK;
/* Sessions go on. Not listening is OK. NO_ASA, NOT_OBJ, NOT_YOUR_OBJ. */
enum grasp_code grasp_api_stop_listen_negotiate(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective);
/* Another arg for the callbacks of this session from now on. NO_SESSION. */
enum grasp_code grasp_api_session_set_arg(
    struct grasp_api *api, uint32_t asa, uint32_t session, void *arg);

/* Sends the value; the loop count is ours to count down. NO_REPLY; NO_ASA; NO_SESSION; NOT_OBJ
 * (not the session's objective), NOT_DRY (dry is not as the session began, G-100),
 * LOOP_EXHAUSTED, NO_VALID_STEP (not our turn), CBOR_FAIL, SOCK_ERR_NEG_STEP: nothing was sent and the
 * session is as it was, to be ended by the ASA; NO_SOCKET: the connection has just broken. */
enum grasp_code
grasp_api_negotiate_step(struct grasp_api *api, uint32_t asa, uint32_t session,
    const struct grasp_api_objective *objective, uint32_t timeout_ms) MUST_CHECK;
/* Asks the peer to wait ms longer for our answer, counted from now. OK; NO_ASA, NO_SESSION,
 * NO_VALID_STEP (not our turn), NO_SOCKET, SOCK_ERR_WAIT. */
enum grasp_code grasp_api_negotiate_wait(
    struct grasp_api *api, uint32_t asa, uint32_t session, uint32_t ms) MUST_CHECK;
/* Ends the session: accept what the peer has sent last (in our turn), or decline with a reason
 * (UTF-8, may be NULL; at any time, also while a peer is looked for). The handle is void
 * afterwards, no callback follows. OK; NO_ASA, NO_SESSION; INVALID_END: accepting out of turn, the
 * session goes on; SOCK_ERR_END: the peer could not be told, the session is over nevertheless. */
enum grasp_code grasp_api_end_negotiate(struct grasp_api *api, uint32_t asa,
    uint32_t session, bool accept, const char *reason);

/* --- synchronization and flooding (§2.3.6) -------------------------------------------------- */
/* OK: the value. Else objective is NULL: NOT_FLOOD_DISC: neither flooded nor anybody found.
 * NO_LISTENER: nobody listens there. SOCK_ERR_SYN_RQ: not reachable, or the request did not leave.
 * NO_SYNCH_REPLY: silence, or the connection broke. NO_VALID_SYNCH, CBOR_FAIL: it broke the rules.
 * INVALID_LOC: as above. */
typedef void grasp_api_synchronized_f(void *arg, uint32_t session, enum grasp_code code,
    const struct grasp_api_objective *objective);

/* The current value. peer NULL: a flooded one if there is one, else that of whoever
 * grasp_api_discover() finds. The objective need not be registered, except on a DULL node: it
 * keeps floods of registered objectives alone (G-140). NO_REPLY; NO_ASA,
 * NOT_SYNCH, NOT_BOTH, INVALID_LOC, NO_SECURITY (and no value was flooded), SOCK_ERR_SYN_RQ,
 * UNSPEC. */
enum grasp_code grasp_api_synchronize(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, const struct grasp_api_locator *peer,
    uint32_t timeout_ms, grasp_api_synchronized_f *synchronized, void *arg,
    uint32_t *ret_session) MUST_CHECK;
/* The request is dropped, no callback follows. NO_ASA, NO_SESSION. */
enum grasp_code grasp_api_cancel(struct grasp_api *api, uint32_t asa, uint32_t session);

/* From now on requests are answered with objective->value, and the objective is discoverable. Again,
 * whenever the value changes. OK, NO_ASA, NOT_OBJ, NOT_YOUR_OBJ, NOT_SYNCH, CBOR_FAIL, NO_SECURITY,
 * UNSPEC. */
enum grasp_code grasp_api_listen_synchronize(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective) MUST_CHECK;
/* Not listening is OK. NO_ASA, NOT_OBJ, NOT_YOUR_OBJ. */
enum grasp_code grasp_api_stop_listen_synchronize(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective);

/* Sends the values to everybody, to be kept for ttl_ms (0: for ever), in one message: 1 to
 * GRASP_FLOOD_ITEMS_MAX objectives of this ASA. An address :: in a locator becomes that of the sender
 * port 0 the node's. OK, also when no network is up; NO_ASA, NOT_YOUR_OBJ, NOT_SYNCH,
 * INVALID_LOC, CBOR_FAIL, UNSPEC (too long for a multicast, count out of range). */
enum grasp_code grasp_api_flood(struct grasp_api *api, uint32_t asa, uint32_t ttl_ms,
    const struct grasp_api_tagged *tagged, size_t count) MUST_CHECK;
/* Calls each() before it returns, for every value of the objective that was flooded here and is
 * valid; returns how many in ret_count (NULL is fine). OK, also for 0; NO_ASA, NOT_SYNCH. */
typedef void grasp_api_flooded_f(void *arg, const struct grasp_api_tagged *tagged);
enum grasp_code grasp_api_get_flood(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, grasp_api_flooded_f *each, void *arg,
    size_t *ret_count);
/* Forgets what was flooded here with this name and locator (kind 0: without one), as when its
 * sender has failed. OK, NO_ASA, NOT_SYNCH, NOT_OBJ (there is none). */
enum grasp_code grasp_api_expire_flood(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_tagged *tagged);

/* --- invalid messages (§2.3.7) -------------------------------------------------------------- */
/* Answers the peer's last message with M_INVALID and ends the session; info says why, as zero or more
 * CBOR items. The handle is void afterwards. OK, NO_ASA, NO_SESSION; CBOR_FAIL: info is no CBOR, and
 * NO_SOCKET: the peer has not said anything yet: the session goes on. SOCK_ERR_END: it is over, but
 * the peer could not be told. */
enum grasp_code grasp_api_send_invalid(
    struct grasp_api *api, uint32_t asa, uint32_t session, struct slice info);
#ifdef __cplusplus
}
#endif
