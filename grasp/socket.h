/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets of GRASP on Linux: what they are opened with, and one datagram in or out with its
 * interface, hop limit and source address. All are IPv6, non-blocking and closed on exec. Functions
 * return a descriptor or 0, else a negative errno. */
#pragma once
#include "grasp/io.h"

/* Receives multicasts of the groups joined, and only those (I-21); shared with other instances. */
int socket_udp_listen(uint16_t port) MUST_CHECK;
int socket_tcp_listen(uint16_t port) MUST_CHECK; /* 0: any; IPv4 peers too */
/* UDP for sending and TCP for answers on one free port number (G-049). */
int socket_query_open(int *ret_udp, int *ret_tcp) MUST_CHECK;

int socket_group_join(int fd, uint32_t ifindex, const struct in6_addr *group) MUST_CHECK;
struct socket_route {
	uint32_t ifindex;
	struct in6_addr source;
	unsigned hops; /* 0: the kernel's */
};
int socket_group_send(int fd, const struct socket_route *via,
    const struct in6_addr *group, uint16_t port, struct slice data) MUST_CHECK;
/* Into memory, to which ret->data then points. -EAGAIN: nothing there; -EMSGSIZE: a datagram
 * larger than that was thrown away. */
int
socket_receive(int fd, void *memory, size_t size, struct grasp_datagram *ret) MUST_CHECK;

int socket_accept(int fd) MUST_CHECK;
/* Is under way when it returns. SYNs are not sent for longer than within_ms, so that who is named by
 * a forged question gets no more than one or two of them (S-09). */
int socket_connect(const struct addr *to, int64_t within_ms) MUST_CHECK;
int socket_error(int fd); /* what became of it: 0 or a positive errno */
struct addr socket_peer(int fd);
struct addr socket_local(int fd);
