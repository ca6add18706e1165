/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the session layer: session.c has the links and FOGREG, twin.c those who say to be the
 * same, delivery.c FOGPLAN, intake.c FOGREPORT, query.c FOGMETRIC. */
#pragma once
#include <sys/queue.h>

#include "base/addr_text.h"
#include "controller/session.h"
#include "grasp/grasp.h"
#include "protocol/report.h"

#define MESSAGE_MAX 65536 /* of a unicast message on the link of a registered node */
#define VALUE_MAX   61440

/* How far one kind of reports was taken in: all before it, of this journal. */
struct member_stream {
	uint8_t boot[8];
	uint64_t sequence;
};
#define MEMBER_STREAMS (REPORT_EVENTS + 1) /* those that come again until they are accepted */

/* What the session layer keeps of a node, from its first registration until it is GONE: the plan
 * on its way, and how far its reports were taken in. */
struct member {
	LIST_ENTRY(member) entry;
	struct sessions *sessions;
	struct node *node;
	bool plain; /* it leaves the prefix out of names (F-06) */

	struct grasp_session *delivery; /* a plan is on its way; NULL: none */
	struct grasp_timer *retry;
	uint64_t offered,
	    refused; /* versions: the last one sent; declined, not to be sent again */
	uint16_t offered_items;
	uint32_t attempts;
	bool outdated; /* the plan changed while one is on its way */
	bool insisted; /* on the one on its way, against a counter-offer */
	bool agreed;   /* on one of its own, ... */
	uint8_t agreed_boot[8]; /* ... with this start of its agent */

	struct member_stream taken[MEMBER_STREAMS];
	struct report_stream *stream[REPORT_KINDS]; /* of its link; NULL: not used */
	struct intake *waiting, *waiting_end; /* reports to be written down together */
	unsigned waitings;
	struct grasp_timer *flush;
	int64_t judged_ms; /* time of the newest point that was judged */
};

/* One end of a link that a node opened. */
struct peer {
	LIST_ENTRY(peer) entry;
	struct sessions *sessions;
	struct grasp_link *link;
	struct node *node; /* NULL: another link took its place */
	uint64_t counted;  /* bytes already added to the node */
};

/* A registration that is answered when it is on the disk. */
struct joining {
	LIST_ENTRY(joining) entry;
	struct sessions *sessions;
	struct grasp_session *session; /* NULL: it ended before */
	struct fog_id id;
	bool stored, plain;
	uint64_t trust_version, denials; /* that it knows */
	/* While the one who is there already is asked, see twin.c. */
	struct grasp_session *asked;
	uint8_t *kept; /* the registration, encoded */
	size_t kept_len;
};

struct sessions {
	struct grasp_node *grasp;
	struct grasp_io *io;
	struct registry *registry;
	struct judge *judge;
	struct store *store;
	struct events *events;
	struct sessions_config cfg;
	struct sessions_counters counters;
	struct grasp_registration *registration, *report;
	LIST_HEAD(, member) members;
	LIST_HEAD(, peer) peers;
	LIST_HEAD(, joining) joinings;
	LIST_HEAD(, intake) intakes;
	LIST_HEAD(, query) queries;
};

/* An objective of ours with its name made up. */
struct spoken {
	char name[FOG_NAME_MAX + 1];
	struct grasp_objective objective;
};
/* Its objective with the name that this node uses; borrows sp. */
struct grasp_objective
spoken_to(const struct spoken *sp, const struct sessions *s, const struct node *n);
void spoken_init(struct spoken *sp, const struct sessions *s, const char *name,
    unsigned flags, struct slice value);

struct member *
member_of(struct sessions *s, struct node *n); /* made if needed; NULL: no memory */
void member_drop(struct member *m);
void peer_count_bytes(struct peer *p);
const char *peer_describe(
    struct grasp_link *link, char dst[ADDR_TEXT_MAX]); /* its address, without port */

/* session.c */
void joining_admit(struct joining *j, const struct fog_registration *reg);
void joining_end(struct joining *j, const char *reason); /* NULL: accepted; j is gone */
void joining_free(struct joining *j);
/* It has broken a rule: into the audit, declined with the reason, and the link is closed. */
void joining_expel(struct joining *j, const char *reason);

/* twin.c: S-18 */
/* Has the node another live session, of another start of its agent? */
bool twin_is_there(const struct sessions *s, struct grasp_link *link,
    const struct fog_registration *reg);
/* Asks that one, and settles the registration then. */
void twin_ask(struct joining *j, const struct fog_registration *reg, struct slice value);

/* delivery.c */
void delivery_consider(struct member *m); /* sends the plan if the node has another one */
void delivery_restart(
    struct member *m); /* it registered: what it refused may be welcome now */
void delivery_stop(struct member *m);

/* intake.c */
int intake_start(struct sessions *s) MUST_CHECK; /* offers FOGREPORT */
void intake_stop(struct sessions *s);
void intake_load(struct member *m);  /* what is known of it on the disk */
void intake_leave(struct member *m); /* before the member goes */

/* query.c */
void queries_stop(struct sessions *s);
