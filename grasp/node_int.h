/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the engine: what node, discovery, response, relay, flood, link and session share.
 *
 * Life of the objects. Whatever may be freed from inside its own callback is marked dead and
 * discarded; it stays in its list, so that walks go on, until the outermost event is over
 * (node_leave) or, when no event is running, until the node's sweeper timer fires. */
#pragma once
#include "base/buf.h"
#include "base/mem.h"
#include "grasp/discovery_cache.h"
#include "grasp/flood_cache.h"
#include "grasp/grasp.h"
#include "grasp/limit.h"
#include "grasp/seen.h"
#include <sys/queue.h>

#define SCOPED_HOPS	   8
#define RESPONSE_TTL_MS	   60000 /* */
#define RESPONSE_VALUE_MAX 1536	 /* with 8 locators the response stays below 2048 bytes */
#define RESPONSE_OPEN_MS   2000	 /* S-09 */
#define RESPONSES_MAX	   64
#define ANSWER_ONCE_MS	   1000 /* I-16 */
#define LINKS_MAX	   512
#define GUESTS_PER_ADDRESS 32
#define LINK_OPEN_MS	   10000
#define LINK_IDLE_MS	   5000	 /* accepted, without a session (I-26) */
#define LINK_FRAME_MS	   10000 /* from the first to the last byte of a message (S-14) */
#define LINK_SESSIONS_MAX  64	 /* started by the peer, on a held link */
#define GUEST_SESSIONS_MAX 8	 /* on another one */
#define LINK_MESSAGES_S	   100	 /* of one peer, and at once (security.md §8) */
#define LINK_MESSAGES	   500
#define LINK_BYTES_S	   (256 << 10)
#define LINK_BYTES	   (256 << 10)
#define WAIT_MAX_MS	   3600000 /* an M_WAIT, the peer's or ours, is cut to this */
#define OFFENCE_MAX	   64	   /* bytes of an invalid message that go back (G-134) */
#define RECENT_IDS	   256
#define SESSION_BUCKETS	   256

struct rapid;
struct rapid_offer;

struct garbage {
	STAILQ_ENTRY(garbage) entry;
	void (*destroy)(struct garbage *g);
};

struct node_interface {
	struct grasp_interface is;
	bool joined; /* all groups */
	struct limit limit;
	struct peers peers;
};

/* A multicast that came. Who says it is found out late, since that may cost a lot. */
struct heard {
	struct grasp_peer from;
	const struct grasp_datagram *datagram;
	const struct grasp_msg *msg;
	struct slice bytes; /* the message and what stands behind it */
	size_t len;	    /* of the message */
	bool judged;
	enum grasp_verdict verdict;
	struct grasp_who who;
};

/* An M_DISCOVERY that came. */
struct question {
	const struct grasp_peer *from;
	struct grasp_link *link; /* NULL: by multicast */
	uint32_t ifindex;	 /* 0: not known */
	const struct grasp_msg *msg;
	struct heard *heard;	  /* NULL: by a stream */
	struct seen_entry *noted; /* once it is acted upon */
};

/* Of one kind of message, all together and from one source (G-083, G-121). */
struct relay_limit {
	struct limit all;
	struct limit_sources *by_source; /* made with the first one */
};

TAILQ_HEAD(grasp_registrations, grasp_registration);
TAILQ_HEAD(grasp_discoveries, grasp_discovery);
TAILQ_HEAD(grasp_links, grasp_link);
TAILQ_HEAD(grasp_sessions, grasp_session);
TAILQ_HEAD(grasp_responses, grasp_response);
TAILQ_HEAD(grasp_relays, grasp_relay);
TAILQ_HEAD(grasp_assists, assist);
LIST_HEAD(grasp_session_bucket, grasp_session);
LIST_HEAD(rapid_offers, rapid_offer);

struct grasp_node {
	struct grasp_io *io;
	bool bound, dead;
	struct grasp_config cfg;  /* its arrays are ours, its zeros filled in */
	struct grasp_guard guard; /* where cfg.guard points to */
	struct node_interface interface[GRASP_INTERFACES_MAX];
	int interfaces;

	struct grasp_registrations registrations;
	struct grasp_discoveries discoveries;
	struct grasp_responses responses;
	unsigned responses_open;
	struct grasp_links links, links_due;
	struct grasp_links guests; /* accepted and not held, oldest first */
	unsigned links_accepted;
	struct grasp_session_bucket sessions[SESSION_BUCKETS];
	struct rapid_offers
	    offers;	      /* in rapid mode: answers whose link is being opened */
	unsigned offers_open; /* these, and those whose session goes on */

	struct seen seen; /* multicasts heard */
	struct seen sent; /* ours, and those of others that we have passed on */
	struct flood_cache floods;
	struct discovery_cache found;
	struct grasp_relays relays; /* discoveries passed on and not timed out yet */
	unsigned relays_open;
	struct relay_limit relayed_discoveries, relayed_floods, relayed_answers;
	struct grasp_assists assists; /* diverts that wait for their time */
	struct limit assist;
	unsigned newcomers;   /* registrations that floods were not told to yet */
	struct limit answers; /* all of them together */
	struct limit_sources *answers_by_source; /* made with the first answer */
	struct limit_sources *answers_by_signer;
	struct limit_sources *intake_by_source; /* only if there is a guard */
	uint32_t recent[RECENT_IDS];		/* session ids used last (G-038) */
	unsigned recents;
	struct buf out;	 /* the message being sent */
	struct buf wire; /* as the guard has made it a datagram */

	struct grasp_timer *sweeper;
	STAILQ_HEAD(, garbage) garbage; /* in order: sessions before their link */
	unsigned depth;			/* of events being handled */
	struct grasp_counters counters;
};

struct grasp_registration {
	TAILQ_ENTRY(grasp_registration) entry;
	struct garbage garbage;
	struct grasp_node *node;
	char name[GRASP_NAME_MAX + 1];
	unsigned flags;
	struct grasp_support support;
	uint32_t ttl_ms; /* of our M_RESPONSE; 0: RESPONSE_TTL_MS */
	bool local;	 /* which tells a link-local address alone */
	void *arg;
	bool newcomer, dead;
};

enum link_state {
	LINK_OPENING,
	LINK_OPEN,
	LINK_GONE, /* the stream is closed, callbacks are due */
	LINK_DEAD,
};

struct grasp_link {
	TAILQ_ENTRY(grasp_link) entry, due_entry, guest_entry;
	struct garbage garbage;
	struct grasp_node *node;
	struct grasp_stream *stream; /* NULL when gone */
	enum link_state state;
	int err;       /* why it is gone */
	bool accepted; /* opened by the peer */
	bool guest;    /* in the list of those */
	bool held, due;
	bool served; /* has had a session */
	struct grasp_sessions sessions;
	unsigned live, live_of_peer;
	struct grasp_link_ops ops;
	void *arg;
	uint32_t max, beat_ms, silence_ms;
	int64_t idle_since_ms;	  /* accepted and without a session */
	int64_t partial_since_ms; /* of pending */
	size_t pending;		  /* bytes of an incomplete message */
	/* The peer's share of our time. */
	struct limit messages, bytes;
	bool paused; /* it has used it up */
	int64_t paused_until_ms;
	int64_t last_sent_ms;
	int64_t quiet_until_ms;
	struct buf late; /* messages that wait for that */
	bool gathers;
	bool beaten; /* an M_NOOP is among what is being read */
	struct buf gathered; /* messages that leave together */
	struct grasp_timer *timer;
	struct addr peer, local;
	struct grasp_link_stats stats;
};

enum session_state {
	SESSION_QUEUED, /* our request waits for the link to open */
	SESSION_PEER,	/* it is the peer's turn */
	SESSION_OURS,
	SESSION_DEAD,
};

struct grasp_session {
	TAILQ_ENTRY(grasp_session) entry; /* of the link */
	LIST_ENTRY(grasp_session) bucket; /* of the node, by session id */
	struct garbage garbage;
	struct grasp_link *link;
	enum session_state state;
	bool negotiation; /* else synchronization */
	bool initiator;
	bool answered;		   /* the peer has said something in this session */
	struct rapid_offer *offer; /* of a responder in rapid mode; else NULL */
	int offence;		   /* type of the message that did not fit, or -errno */
	uint32_t id;
	char name[GRASP_NAME_MAX + 1];
	uint32_t flags;
	uint8_t loop_count; /* of the last request or step, either side's */
	uint32_t timeout_ms;
	struct grasp_timer *timer;
	struct grasp_session_ops ops;
	void *arg;
	struct buf request; /* until the link is open */
};

/* --- node.c: life --------------------------------------------------------------------------- */
void node_enter(struct grasp_node *n);
void
node_leave(struct grasp_node *n); /* the outermost one sweeps; n may be gone afterwards */
void
node_return(struct grasp_node *n); /* from an API call that called back: sweeps later */
void
node_discard(struct grasp_node *n, struct garbage *g, void (*destroy)(struct garbage *g));
void node_sweep_soon(struct grasp_node *n);
int64_t node_now(struct grasp_node *n);
/* To the log of whoever made the node, if it has one. */
void
node_log(const struct grasp_node *n, const char *area, const char *fmt, ...) PRINTF(3, 4);
int node_timer_new(struct grasp_node *n, void (*fire)(void *arg), void *arg,
    struct grasp_timer **ret) MUST_CHECK;
void node_timer_set(struct grasp_node *n, struct grasp_timer *t, int64_t delay_ms);
void node_timer_stop(struct grasp_node *n, struct grasp_timer *t);
void node_timer_free(struct grasp_node *n, struct grasp_timer **t);
/* --- node.c: what the parts ask of each other ------------------------------------------------ */
struct grasp_registration *node_registration(struct grasp_node *n, struct slice name);
/* What it offers from now on. */
void node_registration_set(struct grasp_registration *r, unsigned flags,
    const struct grasp_support *support, uint32_t ttl_ms, bool local);
uint32_t node_new_session_id(struct grasp_node *n);
struct node_interface *node_interface(struct grasp_node *n, uint32_t ifindex);
/* A global or ULA address of ours if there is one, else a link-local one (G-041); false: none. */
bool node_initiator(struct grasp_node *n, struct grasp_initiator *ret);
bool initiator_is_link_local(const struct grasp_initiator *i);
/* The source's bucket; the table is made with the first one. NULL: no memory. */
struct limit *node_limit_of(
    struct grasp_node *n, struct limit_sources **table, const struct addr *source);
/* Encoded into n->out; -EMSGSIZE above max bytes. */
int node_encode(struct grasp_node *n, const struct grasp_msg *msg, size_t max) MUST_CHECK;
/* What an ASA gets: the value without tag 24 around it (I-20). */
struct grasp_objective objective_for_asa(const struct grasp_objective *o);
/* A copy whose slices point to memory of objective_size() bytes. */
size_t objective_size(const struct grasp_objective *o);
struct grasp_objective objective_copy(const struct grasp_objective *o, uint8_t *memory);
/* Checks name and value that came through the API; -EINVAL. */
int objective_check(const struct grasp_objective *o) MUST_CHECK;

/* --- discovery.c ---------------------------------------------------------------------------- */
/* M_RESPONSE on a link: does anybody here wait for it? */
bool discovery_response(struct grasp_link *l, const struct grasp_msg *msg);
bool discovery_uses_id(const struct grasp_node *n, uint32_t session_id);
void discovery_drop_all(struct grasp_node *n);
/* What an answer to our M_DISCOVERY may begin; NULL: nothing. */
struct rapid *discovery_rapid(struct grasp_node *n, uint32_t session_id);

/* --- response.c ----------------------------------------------------------------------------- */
/* M_DISCOVERY; l NULL: by multicast, the answer goes over a stream of its own (G-050). */
void response_consider(struct grasp_node *n, const struct grasp_peer *from,
    struct grasp_link *l, const struct grasp_msg *msg);
void response_heard(struct grasp_node *n, struct heard *h); /* the same by multicast */
/* It is going to be acted upon, here or, if pass is set, for others: is it from somebody that may, and is
 * this the first time? Noted then, so that a copy is known for what it is. */
bool response_admit(struct grasp_node *n, struct question *q, bool pass);
/* Our own M_RESPONSE, without a value. */
void response_answer(
    struct grasp_node *n, const struct grasp_registration *reg, const struct question *q);
/* Does whoever asks get an answer now, so that nobody is flooded with them (S-09)? */
bool response_within_limits(struct grasp_node *n, const struct grasp_peer *to);
/* M_RESPONSE to whoever asked; without the objective's copy if it does not fit with it. */
int response_send(struct grasp_node *n, const struct grasp_peer *to, struct grasp_link *l,
    struct grasp_msg *msg) MUST_CHECK;
void response_drop_all(struct grasp_node *n);

/* --- flood.c -------------------------------------------------------------------------------- */
void flood_heard(struct grasp_node *n, struct heard *h);
/* What was flooded before somebody listened, to those who do now. */
void flood_tell_newcomers(struct grasp_node *n);

/* --- link.c --------------------------------------------------------------------------------- */
void link_accept(struct grasp_node *n, struct grasp_stream *s);
int link_open(struct grasp_node *n, const struct addr *to, int64_t timeout_ms,
    const struct grasp_link_ops *ops, void *arg, struct grasp_link **ret) MUST_CHECK;
/* Closes the stream now; ended() and closed() follow at the end of the event. */
void link_doom(struct grasp_link *l, int err);
/* Its sessions or its holding changed: look at it at the end of the event. */
void link_look(struct grasp_link *l);
void link_attend(struct grasp_link *l);		   /* that look */
void link_drop(struct grasp_link *l);		   /* without callbacks */
void link_schedule(struct grasp_link *l);	   /* its next deadline */
bool link_is_idle(const struct grasp_link *l);	   /* a guest without a session */
uint32_t link_ifindex(const struct grasp_link *l); /* where it comes in; 0: not known */

/* --- link_io.c ------------------------------------------------------------------------------- */
/* May the peer begin with this? False: the link goes. */
bool link_permits(struct grasp_link *l, const struct grasp_msg *msg);
/* Returns how many bytes were complete messages; all of them when the link has gone. */
size_t link_take(struct grasp_link *l, struct slice data);
/* -EMSGSIZE, -EINVAL, -ENOTCONN; -ENOBUFS: the peer does not read, the link goes. */
int link_send(struct grasp_link *l, const struct grasp_msg *msg) MUST_CHECK;
int link_send_bytes(struct grasp_link *l, struct slice bytes) MUST_CHECK;
void link_resume(struct grasp_link *l); /* if it is paused and the time has come */
void link_invalid(struct grasp_link *l, uint32_t session_id,
    struct slice what); /* M_INVALID with a text, or with bytes that are none */
void link_pause(struct grasp_link *l); /* after M_WAIT: what comes next waits (I-03) */
void
link_send_late(struct grasp_link *l);  /* the first message that waits, if it may go */
void link_flush(struct grasp_link *l); /* all that waits, before closing */

/* --- session.c ------------------------------------------------------------------------------ */
void session_request(
    struct grasp_link *l, const struct grasp_msg *msg); /* M_REQ_NEG, M_REQ_SYN */
void
session_message(struct grasp_link *l, const struct grasp_msg *msg); /* what comes later */
void session_link_opened(struct grasp_session *s);
void session_link_gone(struct grasp_session *s, int err);
void session_drop(struct grasp_session *s); /* without callbacks */
int session_new(struct grasp_link *l, uint32_t id, const struct grasp_objective *o,
    bool initiator, struct grasp_session **ret) MUST_CHECK;
void session_await_peer(struct grasp_session *s); /* its turn, and the timer runs */
/* Our turn: the ASA of the registration is asked. */
void session_serve(struct grasp_session *s, const struct grasp_registration *r,
    bool negotiation, const struct grasp_objective *asked);
bool session_uses_id(const struct grasp_node *n, uint32_t session_id);
