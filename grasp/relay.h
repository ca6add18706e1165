/* SPDX-License-Identifier: Apache-2.0
 *
 * Passing on (RFC 8990 §2.5.4.4, §2.5.6.2): a discovery that nobody here can settle and a flood go
 * to all other interfaces, byte for byte as they came but for the loop count (I-25), and not a
 * second time (G-085, G-120). What a relayed discovery finds goes back at once as O_DIVERT to
 * whoever asked (G-087, I-18). Scope groups are no links: nothing is passed on from or to them
 * (F-08). All of it is limited in number, rate and time. */
#pragma once
#include "grasp/divert.h"

/* What nobody here has settled. */
void relay_discovery(struct grasp_node *n, struct question *q);
/* Whose question does this M_RESPONSE answer? NULL: nobody had us ask it. */
struct grasp_relay *relay_find(struct grasp_node *n, const struct grasp_msg *msg);
struct slice relay_name(const struct grasp_relay *r);
/* To all who asked. */
void
relay_tell(struct grasp_node *n, struct grasp_relay *r, const struct grasp_found *found);
bool relay_wants_flood(const struct grasp_node *n, const struct heard *h);
void relay_flood(struct grasp_node *n, const struct heard *h);
/* The link will not carry an answer any more. */
void relay_link_gone(struct grasp_node *n, const struct grasp_link *l);
void relay_done(struct grasp_node *n);

/* message with the loop count of its first objective one lower, all else as it is, what follows the
 * message too (I-15). -ELOOP: it would be 0; -EBADMSG: no M_DISCOVERY and no M_FLOOD. */
int relay_decrement(struct slice message, struct buf *out) MUST_CHECK;
