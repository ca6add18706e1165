/* SPDX-License-Identifier: Apache-2.0
 *
 * What this node is and has, found out from the system; the configuration wins where it says
 * something (REG-02 … REG-04). */
#pragma once
#include "agent/config.h"

void capabilities_collect(const struct agent_config *cfg, struct caps *ret);
/* Only what changes while a system runs: energy, interfaces and devices. */
void capabilities_refresh(const struct agent_config *cfg, struct caps *caps);
/* The ratio of the batteries moves all the time and is a metric: a change of it alone is none. */
bool capabilities_differ(const struct caps *a, const struct caps *b);
