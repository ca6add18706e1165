/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's sandbox: its databases and its credential, what it reads again on SIGHUP, and
 * nothing of the CA, whose key is the signer's alone (security.md §4). */
#pragma once
#include "base/sandbox.h"

struct controller_config;
struct store;

/* When sockets, databases and hooks are open. config: the file it was started with. */
void confine_controller(const struct controller_config *cfg, const char *config,
    struct store *store, struct sandbox_state *ret);
