/* SPDX-License-Identifier: Apache-2.0
 *
 * `fogctl plugins`: the agent's plug-ins, and how they are. */
#pragma once
#include "base/ctl.h"

int show_plugins(void *arg, struct ctl_request *req, struct slice args); /* struct agent */
