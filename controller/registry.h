/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of the domain: who they are, what they can do, whether they are there. In memory
 * for speed, in the store for good: a registration is acknowledged when it is on the disk.
 *
 *	ALIVE --silence or closed link--> SUSPECT --more silence--> LOST --24 h--> GONE
 *	  ^------------- any authenticated byte ---------------'
 */
#pragma once
#include "protocol/registration.h"

struct grasp_io;
struct grasp_link;
struct registry;
struct store;
struct events;

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
	int64_t heard_ms, joined_ms; /* wall */
	int64_t clock_offset_ms;   /* monotonic here minus monotonic there, newest estimate */
	uint64_t plan_version;	   /* what it says it runs */
	struct caps *caps;	   /* decoded; never NULL */
	struct slice caps_raw;	   /* owned by the registry */
	char address[80];
	uint64_t bytes_received, points_received;
	struct node *next;
	void *user;		   /* of the session layer */
};

struct registry_ops {
	void (*changed)(void *arg, struct node *n, enum node_state before); /* state or capabilities */
};
int registry_new(struct grasp_io *io, struct store *store, struct events *events,
    const struct registry_ops *ops, void *arg, struct registry **ret) MUST_CHECK; /* loads the store */
void registry_free(struct registry *r);
DEFINE_FREEP(struct registry, registry_free)

struct node *registry_first(struct registry *r); /* then ->next */
struct node *registry_by_id(struct registry *r, const struct fog_id *id);
struct node *registry_by_name(struct registry *r, const char *name); /* or by id text or prefix ≥ 8 */
