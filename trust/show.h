/* SPDX-License-Identifier: Apache-2.0
 *
 * What both daemons tell fogctl of their protection: what was dropped and why, the limits as they are
 * compiled in (security.md §8), and who may begin what. */
#pragma once
#include "base/ctl.h"

struct grasp_io;
struct grasp_node;
struct guard;

/* Items {layer, reason, count}; channel and guard NULL: there is none. */
void show_drops_of(struct ctl_request *req, const struct grasp_node *node,
    const struct grasp_io *channel, const struct guard *guard);
/* Items {limit, value, unit}. More may follow. */
void show_limit(struct ctl_request *req, const char *limit, int64_t value, const char *unit);
void show_limits_common(struct ctl_request *req);
/* A command for every table: items {objective, messages, roles}. */
int show_permits(void *arg, struct ctl_request *req, struct slice args);
