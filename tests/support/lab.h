/* SPDX-License-Identifier: Apache-2.0
 *
 * A small lab for tests of the engine: up to three real nodes and one host without an engine,
 * all on link 1 of a fake world. Node i (from 0) has fe80::1+i and 2001:db8::1+i; the
 * stranger has fe80::99 and 2001:db8::99 and speaks raw bytes. */
#pragma once
#include "grasp/grasp.h"
#include "tests/support/io_fake.h"

#define LAB_NODES 3
#define LAB_SCOPE "ff14::abcd" /* a scope group all nodes join and send to, if asked */

struct lab {
	struct fake_net *net;
	struct fake_host *host[LAB_NODES], *outside;
	struct grasp_node *node[LAB_NODES];
	uint32_t ifindex[LAB_NODES], outside_ifindex;
	unsigned nodes;
};

enum lab_wiring { LAB_LINK, LAB_SCOPED /* ff02::13 and the scope group */ };
void lab_init(struct lab *lab, unsigned nodes, enum lab_wiring wiring);
void lab_done(struct lab *lab);
struct addr lab_address(unsigned node); /* where its engine listens */
struct in6_addr lab_ip(const char *text);
struct grasp_initiator lab_initiator(const char *ip);

/* All that callbacks told, in numbers and last words. Passed as their arg. */
struct diary {
	unsigned asked, negotiated, synched, waited, ended, opened, closed, found,
	    searched, flooded;
	enum grasp_outcome outcome;
	int err;
	unsigned responses;
	uint32_t wait_ms, ttl_ms;
	char reason[64], name[GRASP_NAME_MAX + 1];
	uint8_t value[256];
	size_t value_len;
	uint8_t loop_count;
	bool has_objective, diverted;
	struct grasp_locator locator[GRASP_LOCATORS_MAX];
	size_t locators;
	struct addr from;
	struct grasp_session *session; /* the last one that asked or stepped */
	struct grasp_link *link;
	bool refuse;		       /* what discovered() says is no */
	struct slice answer;	       /* what discovered() puts */
	void (*then)(struct diary *d); /* what the callback does after noting */
};
extern const struct grasp_support diary_support;  /* everything */
extern const struct grasp_support diary_listener; /* floods only */
extern const struct grasp_session_ops diary_session;
extern const struct grasp_link_ops diary_link;
void diary_found(void *arg, const struct grasp_found *found);
void diary_searched(void *arg, unsigned responses);

/* Another world's stream, by hand. */
struct stranger {
	struct lab *lab;
	struct grasp_stream *stream; /* NULL: closed */
	bool opened, closed;
	int err;
	uint8_t in[70000];
	size_t len;
};
void stranger_connect(struct stranger *s, struct lab *lab, unsigned node);
/* Accepts connections to the outside host's port 7017 and query port from now on. */
void stranger_listen(struct stranger *s, struct lab *lab);
void stranger_send(struct stranger *s, struct slice bytes);
void stranger_say(struct stranger *s, const struct grasp_msg *msg);
/* The nth (from 0) complete message that came. */
bool stranger_heard(
    const struct stranger *s, enum grasp_type type, unsigned nth, struct grasp_msg *ret);
/* A multicast from the stranger, or from whom from says, to the group. */
void stranger_cast(struct lab *lab, unsigned node, const struct grasp_msg *msg,
    const char *from, const char *group);

#define BYTES(...)                                         \
	((struct slice){ (const uint8_t[]){ __VA_ARGS__ }, \
	    sizeof((const uint8_t[]){ __VA_ARGS__ }) })
struct grasp_objective
lab_objective(const char *name, unsigned flags, struct slice value);
