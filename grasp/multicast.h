/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's multicast side: interfaces and groups, what may come in, what goes out where. */
#pragma once
#include "grasp/node_int.h"

/* Reads the interfaces again and joins what is not joined yet. */
void multicast_interfaces(struct grasp_node *n);
void multicast_heard(struct grasp_node *n, const struct grasp_datagram *d);
/* Sends an M_DISCOVERY or M_FLOOD on one interface: to ff02::13 as it is, to the scope groups with
 * loop count 1 (SC-12). Returns how many datagrams left; -EMSGSIZE: more than a multicast may
 * hold (G-013). */
int multicast_send(struct grasp_node *n, const struct node_interface *i,
    struct grasp_msg *msg) MUST_CHECK;
int multicast_send_in(struct grasp_node *n, const struct node_interface *i,
    const struct grasp_reach *reach, struct grasp_msg *msg) MUST_CHECK;
/* What the guard says of it; asked once. Without a guard everything passes. */
enum grasp_verdict multicast_judge(struct grasp_node *n, struct heard *h);
/* Sends what is in n->out to the neighbours on all interfaces but one (0: on all); how many. own: in our
 * name, not with what stood behind it. */
int multicast_pass_on(struct grasp_node *n, uint32_t not_to, bool own);
uint8_t multicast_loop_count(const struct grasp_msg *msg); /* the first objective's */
/* Was it passed on before? Signatures leave the loop count out, so where messages are signed a copy that
 * may go further than the one that was passed on counts as another: else whoever lowers it and is
 * faster stops the message. */
bool multicast_was_passed_on(
    const struct grasp_node *n, const struct seen_entry *e, const struct grasp_msg *msg);
bool multicast_is_link_group(const struct in6_addr *group);
/* The first global or ULA address, else the first one, of an interface; NULL: it has none. */
const struct in6_addr *
multicast_address(const struct grasp_node *n, const struct node_interface *i);
/* The first link-local address, or the loopback's: the very one that groups of the link are sent to
 * from (grasp/io_ev.c), by which a receiver knows that it is ours (S-01). NULL: it has none. */
const struct in6_addr *multicast_near_address(const struct node_interface *i);
