/* SPDX-License-Identifier: Apache-2.0
 *
 * `fogctl rule`: named expressions that an operator installs, removes and looks at (CMP-04). arg is
 * the struct agent. */
#pragma once
#include "base/ctl.h"

int rule_list(void *arg, struct ctl_request *req, struct slice args);
int rule_add(void *arg, struct ctl_request *req, struct slice args);
int rule_remove(void *arg, struct ctl_request *req, struct slice args);
