/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of the control socket that read what is measured. arg is the struct agent. */
#pragma once
#include "base/ctl.h"

int control_query(void *arg, struct ctl_request *req, struct slice args);
int control_metrics(void *arg, struct ctl_request *req, struct slice args);
