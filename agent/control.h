/* SPDX-License-Identifier: Apache-2.0
 *
 * What fogctl can ask an agent: the commands of its control socket. arg is the struct agent. */
#pragma once
#include "agent/agent.h"
#include "base/ctl.h"

extern const struct ctl_command control_commands[];
extern const size_t control_commands_len;
