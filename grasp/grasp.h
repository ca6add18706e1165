/* SPDX-License-Identifier: Apache-2.0
 *
 * GRASP (RFC 8990) for programs: a node, objectives, discovery, floods, links and sessions.
 *
 * A node is one GRASP instance on one grasp_io. What it offers are registered objectives; what
 * it wants are discoveries and requests. Unicast sessions run on a link, one stream to one peer:
 * a link may carry one session and be closed after it, as RFC 8990 has it, or be held open for
 * many sessions started by either side, told apart by session id (DESIGN.md §4).
 *
 * Event-driven, one thread, no global state. Callbacks get borrowed data, valid during the call;
 * a value wrapped in tag 24 arrives unwrapped. Structs of callbacks are copied. No callback
 * comes from inside the call that caused it, save grasp_link_close(), which ends its sessions.
 * A session ends with exactly one ended() call, a link with exactly one closed() call; the object
 * is gone after it. From inside any callback it is fine to start, end, close, deregister or free
 * anything, the node too. */
#pragma once
#include "grasp/io.h"
#include "grasp/msg.h"
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct grasp_node;
struct grasp_link;
struct grasp_session;
struct grasp_registration;
struct grasp_discovery;
struct grasp_session_ops;

/* Whether to answer O_DIVERT for an objective that somebody else supports (F-10, G-069, G-070). */
enum grasp_assist {
	GRASP_ASSIST_DEFAULT, /* of an objective: as the node has it; of a node: other link */
	GRASP_ASSIST_OFF,
	GRASP_ASSIST_OTHER_LINK, /* what was learnt on another interface than the question's */
	GRASP_ASSIST_ALWAYS, /* also on the same one, after 50-200 ms and with half its life left */
};

/* One line for whoever looks for a fault, without a newline; area is "discovery", "flood", "link",
 * "multicast" or "session". The text may hold bytes of a peer: print it with care. */
typedef void grasp_log_f(void *arg, const char *area, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* What becomes of a message that came by multicast. */
enum grasp_verdict {
	GRASP_DROP, /* nobody that may says so */
	GRASP_HERE, /* it counts here, but is neither passed on nor told to others */
	GRASP_PASS,
};

/* Protection of multicasts. Called with what came or leaves; calls nothing of the library. */
struct grasp_guard {
	/* The bytes of a message, and what may stand behind it, of a datagram that passed the cheap
	 * checks. Borrowed until the next open(). False: drop it. */
	bool (*open)(void *arg, const struct grasp_datagram *d, struct slice *ret);
	/* Once for each message that is going to be acted upon: who says so? len: where it ends in
	 * bytes, which are those of open(). ret has role 0 before. */
	enum grasp_verdict (*verify)(void *arg, const struct grasp_datagram *d,
	    const struct grasp_msg *msg, struct slice bytes, size_t len,
	    struct grasp_who *ret);
	/* A message that leaves to a group: our own, or somebody else's with what stood behind it when
	 * it came. Puts the datagram. Negative: it is not sent. */
	int (*protect)(void *arg, const struct in6_addr *group, struct slice bytes,
	    bool own, struct buf *out);
	unsigned
	    overhead; /* bytes that a message of our own has to leave free for protect() */
	void *arg;
};

/* May the peer of a link begin with this: M_DISCOVERY, M_RESPONSE, M_REQ_NEG, M_REQ_SYN, or in rapid
 * mode with what answers an M_DISCOVERY instead? who NULL: nothing is proved. False: it is not acted
 * upon, and the link is closed. Calls nothing of the library. */
typedef bool
grasp_permit_f(void *arg, const struct grasp_who *who, const struct grasp_msg *msg);

struct grasp_config {
	uint16_t port;	    /* 0: GRASP_LISTEN_PORT */
	bool no_listener;   /* no port of its own: asks, and is asked by multicast only */
	uint32_t interface; /* use this one alone; 0: all that the io knows */
	bool link_local;    /* use ff02::13 */
	bool relay;	    /* discoveries and floods go on to the other interfaces */
	bool rapid; /* rapid mode, answering (G-127); asking: grasp_discover_rapid() */
	/* Discovery Unsolicited Link-Local (RFC 8990 §2.5.2): only link-local addresses and loop
	 * count 1 in and out, no relay, no O_DIVERT, no session opened by us. Needs interface and
	 * link_local, excludes relay and scope groups; else -EINVAL. */
	bool dull;
	bool nat; /* IPv4 is translated in the domain: none in O_DIVERT (G-028) */
	enum grasp_assist assist;
	const char *
	    prefix; /* what is registered as prefix + name is found as name, too; NULL: not */
	const struct in6_addr *join; /* scope groups to listen on */
	size_t joins;
	const struct in6_addr *send; /* scope groups that multicasts go to as well */
	size_t sends;
	unsigned hops;	      /* of scoped multicasts; 0: 8 */
	uint32_t unicast_max; /* bytes of a unicast message; 0: GRASP_DEF_MAX_SIZE */
	unsigned links_max;   /* accepted links at once; 0: 512 */
	const struct grasp_guard *guard; /* of multicasts; copied. NULL: none */
	grasp_permit_f *permit;		 /* of links; NULL: everything */
	void *permit_arg;
	grasp_log_f *log; /* NULL: none; it calls nothing of the library */
	void *log_arg;
};

int grasp_node_new(struct grasp_io *io, const struct grasp_config *cfg,
    struct grasp_node **ret) MUST_CHECK;
void
grasp_node_free(struct grasp_node *n); /* closes everything, callbacks are not called */
static inline void
grasp_node_freep(struct grasp_node **n) /* for __attribute__((cleanup)) */
{
	grasp_node_free(*n);
}
struct grasp_io *grasp_node_io(struct grasp_node *n);

/* --- objectives that this node supports ----------------------------------------------------- */
struct grasp_peer {
	struct addr addr;      /* transport source */
	bool multicast;	       /* heard by multicast: a hint, not a fact */
	struct in6_addr group; /* then: which group */
	const struct grasp_who
	    *who; /* proved to be; NULL: not proved. Valid during the call */
};

struct grasp_support {
	/* Somebody looks for the objective. True: answer M_RESPONSE with our locators; what is put
	 * into ret_value (one CBOR item) goes with it as the value of the objective's copy. NULL: true
	 * if F_DISC is among the flags. */
	bool (*discovered)(void *arg, const struct grasp_peer *from,
	    const struct grasp_objective *asked, struct buf *ret_value);
	/* First message of a session; its turn is ours. Call grasp_session_set() and then step,
	 * wait or end, now or later. NULL: not offered, the request is refused (G-055). */
	void (*negotiate)(
	    void *arg, struct grasp_session *s, const struct grasp_objective *asked);
	/* Answer with grasp_session_synch(), now or later. */
	void (*synchronize)(
	    void *arg, struct grasp_session *s, const struct grasp_objective *asked);
	/* A flood of this objective was heard, soon after registering also those heard before
	 * (G-113). ttl_ms 0: no expiry. locator->kind 0: none. */
	void (*flooded)(void *arg, const struct grasp_peer *from,
	    const struct grasp_objective *obj, const struct grasp_locator *locator,
	    uint32_t ttl_ms);
	enum grasp_assist assist; /* when discovered() says no */
	/* Would a responder that is known do for who asks? Only such ones are told in O_DIVERT. known
	 * is its copy of the objective, NULL if it gave none. fits NULL: nobody can say, so a
	 * question that has a value is passed on as well. Calls nothing of the library. */
	bool (*fits)(void *arg, const struct grasp_objective *asked,
	    const struct grasp_objective *known);
	bool
	    shared; /* many nodes may answer: a relay passes the question on even if it answers */
};

/* Puts bytes, such as an encoded CBOR item, into what a callback was given. -ENOSPC, -ENOMEM. */
int grasp_put(struct buf *out, struct slice bytes);

/* name is copied. flags: what the objective is for (F_DISC …). To hear floods alone, register with
 * flags 0 and discovered NULL: such an entry never answers a discovery. -EEXIST: registered;
 * -EINVAL: not 1..GRASP_NAME_MAX bytes of UTF-8. */
int grasp_register(struct grasp_node *n, const char *name, unsigned flags,
    const struct grasp_support *support, void *arg, struct grasp_registration **ret)
    MUST_CHECK;
void grasp_deregister(struct grasp_registration *r);

/* --- multicast ------------------------------------------------------------------------------ */
struct grasp_found {
	struct addr from; /* who sent the response */
	const struct grasp_locator *locator;
	size_t locators;
	bool diverted;
	uint32_t ttl_ms;
	const struct grasp_objective
	    *objective; /* the copy in the response; NULL: none */
};
typedef void grasp_found_f(void *arg, const struct grasp_found *found); /* per response */
typedef void
grasp_searched_f(void *arg, unsigned responses); /* at the end; discovery is gone */

/* One M_DISCOVERY with a new session id on every interface and scope group. timeout_ms 0: 100 ms
 * times the loop count (0: GRASP_DEF_LOOPCT). objective->value may be empty. Without a network it
 * ends like one that nobody answers. -EMSGSIZE: does not fit a multicast; -EINVAL: bad name or
 * value. */
int grasp_discover(struct grasp_node *n, const struct grasp_objective *objective,
    uint32_t timeout_ms, grasp_found_f *found, grasp_searched_f *searched, void *arg,
    struct grasp_discovery **ret) MUST_CHECK;
void grasp_discovery_cancel(struct grasp_discovery *d); /* no more callbacks */
/* How many datagrams left; 0: no interface has a usable address (yet). */
unsigned grasp_discovery_sent(const struct grasp_discovery *d);

/* The same in rapid mode (RFC 8990 §2.5.5.1, §2.5.6.3): the objective carries its value, and a
 * responder may begin the negotiation, or give the value, instead of sending a locator. rapid gets
 * what follows as if grasp_negotiate() or grasp_synchronize() had been called; the discovery goes
 * on beside it, for timeout_ms, 0: GRASP_DEF_TIMEOUT_MS (G-131). Several responders: the first one is
 * taken; after an ordinary response none is (G-130). Where a relay is between, only an ordinary one
 * comes, and for a value none. In DULL: -EPERM. */
int grasp_discover_rapid(struct grasp_node *n, const struct grasp_objective *objective,
    uint32_t timeout_ms, grasp_found_f *found, grasp_searched_f *searched,
    const struct grasp_session_ops *rapid, void *arg, struct grasp_discovery **ret)
    MUST_CHECK;
/* To other groups than all multicasts of the node go to: one message, one session (SC-12). */
struct grasp_reach {
	bool link_local; /* ff02::13 */
	const struct in6_addr *group;
	size_t groups;
	unsigned hops; /* of scoped multicasts; 0: as the node has it */
};
int grasp_discover_in(struct grasp_node *n, const struct grasp_objective *objective,
    const struct grasp_reach *reach, uint32_t timeout_ms, grasp_found_f *found,
    grasp_searched_f *searched, void *arg, struct grasp_discovery **ret) MUST_CHECK;
/* A unicast M_DISCOVERY on a link that is open (G-073). */
int grasp_discover_at(struct grasp_link *l, const struct grasp_objective *objective,
    uint32_t timeout_ms, grasp_found_f *found, grasp_searched_f *searched, void *arg,
    struct grasp_discovery **ret) MUST_CHECK;

/* What earlier discoveries, relayed ones too, have found and is still valid (G-074..G-076): found()
 * is called for each responder before the call returns, the one heard last first. Entries with
 * less than min_ttl_ms left are forgotten. Returns how many. */
unsigned grasp_cached(struct grasp_node *n, struct slice name, uint32_t min_ttl_ms,
    grasp_found_f *found, void *arg);
/* Something else than multicast told who supports an objective: from now on it is known as if an answer
 * had told it, and given away where that is wanted also on the asker's link (GRASP_ASSIST_ALWAYS).
 * -EINVAL: not a locator with an address; -ENOMEM. */
int grasp_cache_put(struct grasp_node *n, struct slice name,
    const struct grasp_locator *locator, uint32_t ttl_ms);
/* A cached peer did not answer: forget its locators. */
void grasp_cache_forget(struct grasp_node *n, struct slice name, const struct addr *at);

/* One M_FLOOD of one objective. locator NULL: none. An address of :: becomes, per interface, the
 * sender's own: global or ULA if there is one, else link-local with loop count 1; of what stays on
 * the link, loop count 1, the link-local one first. port 0 becomes the node's. Returns on how many interfaces it was sent; errors as above. */
int grasp_flood(struct grasp_node *n, const struct grasp_objective *objective,
    const struct grasp_locator *locator, uint32_t ttl_ms);
/* Several objectives, each with its locator (kind 0: none), in one message: up to
 * GRASP_FLOOD_ITEMS_MAX. */
int grasp_flood_all(struct grasp_node *n, const struct grasp_objective *objective,
    const struct grasp_locator *locator, size_t count, uint32_t ttl_ms);
/* What was flooded and is still valid: called for each before the call returns. Returns how many. */
typedef void grasp_flooded_f(void *arg, const struct grasp_peer *from,
    const struct grasp_objective *obj, const struct grasp_locator *locator,
    uint32_t ttl_ms);
unsigned grasp_flooded(
    struct grasp_node *n, struct slice name, grasp_flooded_f *flooded, void *arg);
/* Forgets what was flooded with this locator, or all of the name (NULL). Returns how many. */
unsigned grasp_flood_expire(
    struct grasp_node *n, struct slice name, const struct grasp_locator *locator);

/* --- links ---------------------------------------------------------------------------------- */
struct grasp_link_ops {
	void (*opened)(void *arg, struct grasp_link *l);
	void (*closed)(void *arg, struct grasp_link *l,
	    int err); /* 0: orderly; -ETIMEDOUT: silent */
};
int grasp_link_open(struct grasp_node *n, const struct addr *to,
    const struct grasp_link_ops *ops, void *arg, struct grasp_link **ret) MUST_CHECK;
/* For a link that the peer opened; found by grasp_session_link(). */
void grasp_link_set(struct grasp_link *l, const struct grasp_link_ops *ops, void *arg);
void *grasp_link_arg(const struct grasp_link *l); /* as given; NULL before */
/* Keep the link open without sessions. M_NOOP is sent when nothing else was for beat_ms; the link is
 * closed with -ETIMEDOUT when nothing was heard for silence_ms. max: unicast size from now on, 0
 * leaves it. A link that is not held closes when its last session ends. */
void grasp_link_hold(
    struct grasp_link *l, uint32_t beat_ms, uint32_t silence_ms, uint32_t max);
/* Sessions end with GRASP_CLOSED before it returns; no closed() call. What was sent still goes. */
void grasp_link_close(struct grasp_link *l);
/* What is sent from now on leaves in one piece, when it is off again, within the same turn of the loop.
 * For a link that is held: a peer that takes one receipt for one message would miss some (I-01). */
void grasp_link_gather(struct grasp_link *l, bool on);
void grasp_link_peer(const struct grasp_link *l, struct addr *ret);
void grasp_link_local(const struct grasp_link *l, struct addr *ret);
const struct grasp_who *
grasp_link_who(const struct grasp_link *l); /* NULL: nothing is proved */
struct grasp_node *grasp_link_node(struct grasp_link *l);
struct grasp_link_stats {
	uint64_t bytes_sent, bytes_received, messages_sent, messages_received;
	int64_t last_heard_ms; /* grasp_io_now() */
};
void grasp_link_stats(const struct grasp_link *l, struct grasp_link_stats *ret);

/* --- sessions ------------------------------------------------------------------------------- */
enum grasp_outcome {
	GRASP_ACCEPTED, /* negotiation: O_ACCEPT sent or received; synchronization: value came */
	GRASP_DECLINED, /* O_DECLINE, with reason */
	GRASP_TIMEOUT,	/* no answer in time: the peer's, or in our turn the ASA's */
	GRASP_CLOSED,	/* the link went */
	GRASP_REFUSED, /* nobody listens there: M_INVALID, or closed without a word (I-12) */
	GRASP_VIOLATION, /* the peer sent something that does not fit */
};
const char *grasp_outcome_name(enum grasp_outcome o);

struct grasp_session_ops {
	void (*negotiated)(
	    void *arg, struct grasp_session *s, const struct grasp_objective *obj);
	void (*synched)(
	    void *arg, struct grasp_session *s, const struct grasp_objective *obj);
	void (*waiting)(
	    void *arg, struct grasp_session *s, uint32_t ms); /* peer sent M_WAIT */
	void (*ended)(void *arg, struct grasp_session *s, enum grasp_outcome outcome,
	    struct slice reason);
};

/* The initiator's side: sends M_REQ_NEG or M_REQ_SYN on the link (at once, or when it opens).
 * timeout_ms 0: GRASP_DEF_TIMEOUT_MS. objective->loop_count 0: GRASP_DEF_LOOPCT. -EMSGSIZE,
 * -EINVAL as above; -ENOTCONN: the link is gone; -ENOBUFS: the peer does not read, it goes. */
int grasp_negotiate(struct grasp_link *l, const struct grasp_objective *objective,
    uint32_t timeout_ms, const struct grasp_session_ops *ops, void *arg,
    struct grasp_session **ret) MUST_CHECK;
int grasp_synchronize(struct grasp_link *l, const struct grasp_objective *objective,
    uint32_t timeout_ms, const struct grasp_session_ops *ops, void *arg,
    struct grasp_session **ret) MUST_CHECK;

/* The responder's side sets its callbacks; both sides then take turns. Our turn is over
 * GRASP_DEF_TIMEOUT_MS after the peer's message, or when the time of our last M_WAIT is: the session
 * ends with GRASP_TIMEOUT, as it does on the peer's side (G-098, G-099). */
void grasp_session_set(
    struct grasp_session *s, const struct grasp_session_ops *ops, void *arg);
struct grasp_link *grasp_session_link(struct grasp_session *s);
uint32_t grasp_session_id(const struct grasp_session *s);
bool grasp_session_dry_run(const struct grasp_session *s);
/* -EPROTO: not our turn or not that kind of session; -EMSGSIZE, -EINVAL, -ENOTCONN; -ELOOP: loop
 * count exhausted. After an error it is still our turn. */
int grasp_session_step(struct grasp_session *s, struct slice value)
    MUST_CHECK;								 /* M_NEGOTIATE */
int grasp_session_wait(struct grasp_session *s, uint32_t ms) MUST_CHECK; /* M_WAIT */
/* M_END, in our turn, or to decline at any time; a synchronization is refused with it. ended() is
 * not called for the side that ends. The session is gone afterwards, also when M_END could not be
 * sent (negative). */
int grasp_session_end(struct grasp_session *s, bool accept, const char *reason);
/* M_SYNCH. Errors as of a step; on success the session is gone. */
int grasp_session_synch(struct grasp_session *s, struct slice value) MUST_CHECK;
/* M_INVALID with what was wrong (zero or more CBOR items, left out if too long), instead of an
 * answer (RFC 8990 §2.8.12). The session is gone afterwards, without ended(), but for -EPROTO: the
 * peer has not said anything yet, and -EINVAL: content is no CBOR. */
int grasp_session_invalid(struct grasp_session *s, struct slice content);
/* For the peer's answers to what we send from now on; 0: GRASP_DEF_TIMEOUT_MS. */
void grasp_session_set_timeout(struct grasp_session *s, uint32_t ms);
/* Inside ended() with GRASP_VIOLATION: the enum grasp_type of the message that did not fit, or
 * -EBADMSG: what came is not GRASP, -EMSGSIZE: too long. */
int grasp_session_offence(const struct grasp_session *s);
void grasp_session_cancel(struct grasp_session *s); /* silently; gone, no ended() */

/* --- counters ------------------------------------------------------------------------------- */
struct grasp_counters {
	uint64_t datagrams, malformed, duplicate, own, unknown_type, unwanted,
	    no_listener, bad_source, rate_limited, too_long, discoveries, responses,
	    floods, links, links_refused, links_paused, relayed_discoveries, relayed_floods,
	    relayed_responses, relay_limited, diverts, loop_exhausted, untrusted,
	    not_permitted;
};
const struct grasp_counters *grasp_node_counters(const struct grasp_node *n);
#ifdef __cplusplus
}
#endif
