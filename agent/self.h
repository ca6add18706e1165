/* SPDX-License-Identifier: Apache-2.0
 *
 * What the agent tells of itself as metrics (RPT-07): what went to which controller, what waits, and
 * whether the loop keeps up. Embedded in the agent. */
#pragma once
#include "metrics/self.h"
#include <stdint.h>

struct agent;

struct self {
	struct source_self source; /* for the sampler */
	const struct agent *agent;
	int64_t due_ms; /* of the work the loop has been asked for; INT64_MAX: none */
	int64_t lag_ms; /* the worst since it was told */
};

void self_init(struct self *s, const struct agent *a);
/* Around the work of the loop: it begins; it wants to go on then. */
void self_note_work(struct self *s, int64_t now_ms);
void self_note_due(struct self *s, int64_t due_ms);
