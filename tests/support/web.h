/* SPDX-License-Identifier: Apache-2.0
 *
 * Links joined by nodes, for tests of what passes from one to the next: real engines with several
 * interfaces in a fake world. Node i (from 0) has fe80::1+i and 2001:db8:LINK::1+i on each of its
 * links; the first interface of a node that is injected into is that of its first link. */
#pragma once
#include "tests/support/lab.h"

#define WEB_NODES 120

struct web_node {
	struct fake_host *host; /* NULL: none with this number */
	struct grasp_node *node;
	uint32_t ifindex[8];
	unsigned link[8], links;
	struct diary diary;
	struct grasp_registration *reg;
	struct grasp_discovery *d;
};
struct web {
	struct fake_net *net;
	struct web_node n[WEB_NODES];
	unsigned nodes;
};

void web_init(struct web *w);
void web_done(struct web *w);
/* On these links (numbers from 1, 0 at the end); cfg NULL: a relay. Returns its number. */
unsigned web_add(struct web *w, const struct grasp_config *cfg, ...);
struct in6_addr web_ip(const struct web *w, unsigned node, unsigned link);
const struct grasp_counters *web_counters(const struct web *w, unsigned node);
void web_run(struct web *w, int64_t ms);
/* The node supports the objective; support NULL: diary_support. */
void web_support(
    struct web *w, unsigned node, const char *name, const struct grasp_support *support);
void web_discover(struct web *w, unsigned node, const char *name, uint8_t loop_count,
    uint32_t timeout_ms);
/* Datagrams of this type that were sent on the link; 0: on all. */
unsigned web_count(const struct web *w, enum grasp_type type, unsigned link);
/* The nth (from 0) of them. */
const struct fake_packet *web_message(const struct web *w, enum grasp_type type,
    unsigned link, unsigned nth, struct grasp_msg *ret);
/* Bytes by multicast to a node, on its interface number at, from fe80::99 or whom from says. */
void
web_cast(struct web *w, unsigned node, unsigned at, struct slice bytes, const char *from);
void web_cast_msg(struct web *w, unsigned node, unsigned at, const struct grasp_msg *msg,
    const char *from);
