/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of the domain: who they are, what they can do, whether they are there. In memory
 * for speed, in the store for good: a registration is acknowledged when it is on the disk.
 *
 *	ALIVE --silence or closed link--> SUSPECT --more silence--> LOST --24 h--> GONE
 *	  ^------------- any authenticated byte ---------------'
 *
 * Who is revoked is LOST at once.
 */
#pragma once
#include "controller/store.h"
#include "protocol/registration.h"

struct grasp_io;
struct grasp_link;
struct registry;
struct events;

#define REGISTRY_NODES_MAX 20000

enum node_state { NODE_ALIVE = 1, NODE_SUSPECT, NODE_LOST, NODE_GONE };
const char *node_state_name(enum node_state s);

struct node {
	struct fog_id id;
	char name[FOG_NAME_MAX + 1]; /* unique among the nodes that are not GONE */
	char domain[FOG_NAME_MAX + 1];
	enum node_state state;
	uint8_t boot[8];
	struct grasp_link *link;   /* NULL: not connected */
	int64_t lease_until_ms;	   /* monotonic here */
	int64_t silent_since_ms;   /* monotonic here: when it was last heard, or counts as such */
	int64_t heard_ms, joined_ms; /* wall */
	int64_t clock_offset_ms;   /* monotonic here minus monotonic there, newest estimate */
	int64_t clock_set_ms;	   /* when that was made, monotonic here; 0: never */
	uint64_t plan_version;	   /* what it says it runs */
	uint8_t plan_digest[PLAN_DIGEST_LEN]; /* likewise; all zeros: it does not say */
	bool quarantined; /* somebody else has its key (S-18): no function is placed there */
	struct caps *caps;	   /* decoded; never NULL */
	struct slice caps_raw;	   /* owned by the registry */
	char address[80];
	uint64_t bytes_received, points_received;
	struct node *next;
	void *user;		   /* of the session layer */
};

struct registry_ops {
	/* State or capabilities. Of a new node `before` is NODE_GONE. After being told NODE_GONE keep
	 * no pointer: the node is freed by a later turn of the timer, unless it comes back. */
	void (*changed)(void *arg, struct node *n, enum node_state before);
};
struct registry_config {
	const char *domain; /* ours; a node of another one is refused; NULL: any */
	int64_t beat_ms;  /* of the links; grows with the number of nodes: registry_beat() */
	int64_t lease_ms; /* also how long the nodes of the store have to come back after a start */
	int64_t lost_ms;  /* LOST so long: GONE; 0: 24 h */
	uint32_t nodes_max; /* 0: REGISTRY_NODES_MAX */
};
/* Loads the store; ops may be called from the next turn of the timer on. */
int registry_new(struct grasp_io *io, struct store *store, struct events *events,
    const struct registry_config *cfg, const struct registry_ops *ops, void *arg,
    struct registry **ret) MUST_CHECK;
void registry_free(struct registry *r);
DEFINE_FREEP(struct registry, registry_free)

struct node *registry_first(struct registry *r); /* then ->next */
struct node *registry_by_id(struct registry *r, const struct fog_id *id);
struct node *registry_by_name(struct registry *r, const char *name); /* or by id text or prefix ≥ 8 */
size_t registry_count(const struct registry *r, enum node_state s);
uint32_t registry_beat(const struct registry *r); /* ms: at most 2,500 heartbeats/s arrive here */

/* For the session layer. */
struct refusal {
	char text[160]; /* "conflict: …", "unknown: register again", for M_END decline */
};
/* Takes in a registration or renewal that came from `address`; *ret is then ALIVE. 0: done() follows
 * when it is on the disk; 1: nothing to write, done() is not called. -EACCES with *why: refused;
 * -ENOMEM. */
int registry_admit(struct registry *r, const struct fog_registration *reg, const char *address,
    store_done_f *done, void *arg, struct node **ret, struct refusal *why) MUST_CHECK;
void registry_linked(struct registry *r, struct node *n, struct grasp_link *link);
/* Two say to be this node, until an operator has looked (false), or it is lost. */
void registry_quarantine(struct registry *r, struct node *n, bool on);
/* The link is gone. heard_ms: when it last brought something, monotonic here. silent: that is why. */
void registry_unlinked(struct registry *r, struct node *n, int64_t heard_ms, bool silent);
/* It will not come back, and nothing is waited for: LOST at once. why: of the event. */
void registry_lose(struct registry *r, struct node *n, const char *why);
/* Something authenticated came from the node, which said that its monotonic clock was there_ms. */
void registry_heard(struct registry *r, struct node *n, int64_t there_ms);
