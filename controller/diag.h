/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands of fogctl that look for what is wrong with a controller. arg: struct commands. */
#pragma once
#include "base/ctl.h"

int controller_diag(void *arg, struct ctl_request *req, struct slice args);
int controller_diag_sandbox(void *arg, struct ctl_request *req, struct slice args);
int controller_show_drops(void *arg, struct ctl_request *req, struct slice args);
int controller_show_limits(void *arg, struct ctl_request *req, struct slice args);
