/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/quads_lab.h"

#include <stdio.h>
#include <stdlib.h>

#include "trust/guard.h"
#include "trust/quads_io.h"

static struct grasp_io *streams;
static struct guard *guard;
static struct grasp_guard hook;

struct grasp_io *
quads_lab_open(struct grasp_io *io, struct grasp_config *cfg)
{
	const char *password = getenv("QUADS_PASSWORD");
	const struct guard_config guard_cfg = {
		.io = io, .mode = GUARD_QUADS, .quads_password = password
	};

	if (!password)
		return io;
	if (quads_io_new(io, password, &streams) < 0 ||
	    guard_new(&guard_cfg, &guard) < 0) {
		fputs("QUADS_PASSWORD cannot be used\n", stderr);
		exit(2);
	}
	hook = guard_hook(guard);
	cfg->guard = &hook;
	return streams;
}

void
quads_lab_close(void)
{
	guard_free(guard);
	quads_io_free(streams);
}
