/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands of fogctl that look for what is wrong with an agent. arg: struct agent. */
#pragma once
#include "base/ctl.h"

int agent_diag(void *arg, struct ctl_request *req, struct slice args);
int agent_diag_sandbox(void *arg, struct ctl_request *req, struct slice args);
int agent_show_drops(void *arg, struct ctl_request *req, struct slice args);
int agent_show_limits(void *arg, struct ctl_request *req, struct slice args);
