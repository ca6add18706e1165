/* SPDX-License-Identifier: Apache-2.0
 *
 * The stage of a scenario: actors on links of a fake world, what they say and what happens to
 * them. An actor is a real engine with ASAs that play their parts, or a host outside of it that
 * speaks raw messages. One stage a program. */
#pragma once
#include "grasp/grasp.h"
#include "tests/replay/script.h"
#include "tests/support/io_fake.h"
#include <sys/queue.h>

#define PLACES_MAX    6
#define REACTIONS_MAX 16
#define FACT_LOCATORS 4
#define GROUPS_MAX    4

/* --- what an ASA does when it is its turn -------------------------------------------------- */
enum reaction_kind {
	R_SILENT,
	R_STEP,
	R_WAIT,	 /* sends M_WAIT and goes on */
	R_PAUSE, /* goes on later */
	R_ACCEPT,
	R_DECLINE,
	R_SYNCH,
	R_INVALID,
	R_CANCEL,
};
struct reaction {
	enum reaction_kind kind;
	uint32_t ms;
	char reason[64];
	struct buf value;
};
struct behaviour {
	struct reaction reaction[REACTIONS_MAX];
	unsigned reactions;
};
/* reaction then reaction then …; to the end of the line. */
void behaviour_read(struct line *l, struct behaviour *ret);
void reaction_read(struct line *l, struct reaction *ret);

struct offer {
	TAILQ_ENTRY(offer) entry;
	struct actor *actor;
	char name[GRASP_NAME_MAX + 1];
	unsigned flags;
	struct grasp_support support;
	bool refuses;
	struct buf value; /* of the answer to a discovery */
	struct behaviour behaviour;
	struct grasp_registration *registration;
};

/* An ASA in one session. */
struct part {
	TAILQ_ENTRY(part) entry;
	struct actor *actor;
	struct behaviour behaviour;
	bool owns; /* the values in it */
	unsigned next;
	struct grasp_session *session; /* NULL: over */
	struct grasp_timer *timer;
};
struct part *part_new(struct actor *a, const struct behaviour *b);
int part_react(struct part *p, const struct reaction *r);
extern const struct grasp_session_ops part_ops;

/* --- who is there ---------------------------------------------------------------------------- */
struct place {
	unsigned link;
	char addr[4][INET6_ADDRSTRLEN];
	unsigned addrs;
	uint32_t ifindex; /* 0: not attached */
};

struct actor {
	TAILQ_ENTRY(actor) entry;
	char name[16];
	bool outside;
	struct fake_host *host; /* NULL: it is off */
	struct grasp_node *node;
	struct grasp_config cfg;
	struct in6_addr group[GROUPS_MAX]; /* that it joins and sends to */
	struct place place[PLACES_MAX];
	unsigned places;
	TAILQ_HEAD(, offer) offers;
	TAILQ_HEAD(, part) parts;
	struct part *part;		   /* the latest one */
	struct grasp_discovery *discovery; /* the latest one */
	struct grasp_link *link;	   /* the latest one */
	struct grasp_stream *stream;	   /* of an outsider, the latest one */
};
TAILQ_HEAD(actors, actor);

struct actor *actor_find(const char *name);
struct actor *actor_with(const struct addr *a); /* NULL: nobody has it */
void actor_start(struct line *l, struct actor *a);
void actor_stop(struct actor *a); /* as when the power fails */
struct place *actor_place(struct actor *a, unsigned link);
void offer_register(struct line *l, struct offer *o);
void outsider_bind(struct actor *a);

/* --- what happens ---------------------------------------------------------------------------- */
enum happening {
	H_LOOKED_FOR, /* discovered() was asked */
	H_FOUND,
	H_SEARCHED,
	H_FLOODED,
	H_ASKED,
	H_NEGOTIATED,
	H_SYNCHED,
	H_WAITING,
	H_ENDED,
	H_OPENED,
	H_CLOSED,
	H_FAILED, /* a call of the ASA */
	HAPPENINGS,
};
extern const char *const happening_name[HAPPENINGS];

/* Either something that happened to an actor or a message that was sent. */
struct fact {
	STAILQ_ENTRY(fact) entry;
	int64_t at_ms;
	struct actor *who; /* NULL: a message */
	enum happening happening;
	enum grasp_type type;
	const struct actor *from, *to;
	int link; /* -1: none */
	struct in6_addr group;
	bool has_session, has_initiator, diverted;
	uint32_t session;
	struct grasp_initiator initiator;
	char name[GRASP_NAME_MAX + 1];
	int flags, loop; /* -1: none */
	bool has_value;
	struct slice value; /* on the heap, of a fact that happened */
	uint32_t ms;	    /* ttl, waiting time */
	unsigned count;	    /* responses of a search, items of a flood */
	struct grasp_locator locator[FACT_LOCATORS];
	unsigned locators;
	const char *outcome; /* NULL: none */
	char reason[80];
	int err;
	struct slice bytes;
};
STAILQ_HEAD(facts, fact);

struct stage {
	struct fake_net *net;
	int64_t start_ms;
	struct actors actors;
	struct facts facts;
};
extern struct stage stage;

void stage_init(void);
void stage_done(void);
void stage_dump(void); /* what was said and what happened, as TAP comments */
void stage_forget(void);
int64_t stage_now(void); /* since the beginning */
struct fact *stage_note(struct actor *who, enum happening what);
/* The message in a packet that was sent; false: there is none. */
bool stage_message(const struct fake_packet *p, struct grasp_msg *msg, struct fact *ret);

/* --- verbs and expectations -------------------------------------------------------------------- */
bool setting_act(struct line *l); /* false: the line is not about the world */
void actor_act(struct line *l, struct actor *a);
void expect(struct line *l);
struct addr line_address(struct line *l, uint32_t ifindex); /* text of an address */
