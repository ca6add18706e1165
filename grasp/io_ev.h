/* SPDX-License-Identifier: Apache-2.0
 *
 * The seam bound to libev and Linux sockets. */
#pragma once
#include "grasp/io.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop;

struct grasp_io_ev_config {
	/* Interface names to use or not to use, NULL-terminated; NULL: all that are up, can
	 * multicast and are not loopback. */
	const char *const *allow, *const *deny;
	bool loopback; /* also lo, for tests without namespaces */
};

int grasp_io_ev_new(struct ev_loop *loop, const struct grasp_io_ev_config *cfg,
    struct grasp_io **ret) MUST_CHECK;
void grasp_io_ev_free(struct grasp_io *io);
static inline void
grasp_io_ev_freep(struct grasp_io **io) /* for __attribute__((cleanup)) */
{
	grasp_io_ev_free(*io);
}
#ifdef __cplusplus
}
#endif
