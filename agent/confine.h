/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's sandbox: it writes to its state directory, and reads the kernel's files and its
 * configuration (security.md §4). */
#pragma once
#include "base/sandbox.h"

struct agent_config;

/* When its sockets are open. config: the file it was started with. */
void confine_agent(
    const struct agent_config *cfg, const char *config, struct sandbox_state *ret);
