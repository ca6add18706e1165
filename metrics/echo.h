/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP echo to IPv6 and IPv4 addresses: sends a request, takes answers with the time at which the
 * kernel received them, so that nobody has to wake up for one. Over datagram sockets (the group must be
 * in net.ipv4.ping_group_range), else raw ones (CAP_NET_RAW). Never blocks. */
#pragma once
#include "base/addr.h"
#include "base/mem.h"

#define ECHO_COOKIE 8 /* bytes of payload, by which an answer is known as ours */

struct echo {
	int fd[2]; /* IPv6, IPv4; -1: not possible here */
	bool raw[2];
	uint16_t id; /* of raw requests */
	uint8_t cookie[ECHO_COOKIE];
};
struct echo_answer {
	struct addr from;
	uint16_t seq;
	int64_t received_ns; /* wall clock */
};

/* -EACCES: neither kind of socket may be had. */
int echo_open(struct echo *e) MUST_CHECK;
void echo_close(struct echo *e);
/* Bytes of a request with its IP header; the answer has as many. */
unsigned echo_size(const struct addr *to);
/* -EAGAIN: not now; else why it cannot be reached. */
int echo_send(struct echo *e, const struct addr *to, uint16_t seq) MUST_CHECK;
/* The next answer that is there; false: none any more. */
bool echo_receive(struct echo *e, struct echo_answer *ret);
