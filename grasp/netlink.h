/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Linux kernel says about interfaces and their IPv6 addresses. */
#pragma once
#include "grasp/io.h"

struct netlink_filter {
	const char *const *allow,
	    *const *deny; /* names, NULL-terminated; NULL: any, none */
	bool loopback;	  /* also lo */
};

/* Interfaces that are up, can multicast and have an address that is neither tentative nor
 * deprecated, in the order of their index. Returns how many, or a negative errno. */
int netlink_interfaces(const struct netlink_filter *f,
    struct grasp_interface dst[GRASP_INTERFACES_MAX]) MUST_CHECK;

/* A descriptor that becomes readable when interfaces or addresses change. */
int netlink_watch_open(void) MUST_CHECK;
void netlink_watch_drain(int fd);
