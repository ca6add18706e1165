/* SPDX-License-Identifier: Apache-2.0
 *
 * Do two messages mean the same? For the codec's tests and its fuzzer. */
#pragma once
#include "grasp/msg.h"
#include <string.h>

static inline bool
objective_equal(const struct grasp_objective *a, const struct grasp_objective *b)
{
	return slice_equal(a->name, b->name) && a->flags == b->flags &&
	    a->loop_count == b->loop_count && slice_equal(a->value, b->value);
}

static inline bool
locator_equal(const struct grasp_locator *a, const struct grasp_locator *b)
{
	return a->kind == b->kind && memcmp(&a->ip, &b->ip, sizeof a->ip) == 0 &&
	    slice_equal(a->text, b->text) && a->proto == b->proto && a->port == b->port;
}

static inline bool
msg_equal(const struct grasp_msg *a, const struct grasp_msg *b)
{
	if (a->type != b->type || a->session_id != b->session_id ||
	    a->time_ms != b->time_ms || a->has_objective != b->has_objective ||
	    a->locators != b->locators || a->items != b->items ||
	    a->diverted != b->diverted || a->accepted != b->accepted)
		return false;
	if (memcmp(&a->initiator, &b->initiator, sizeof a->initiator) != 0 ||
	    !objective_equal(&a->objective, &b->objective) ||
	    !slice_equal(a->reason, b->reason) || !slice_equal(a->content, b->content))
		return false;
	for (unsigned i = 0; i < a->locators || i < a->items; i++)
		if (!locator_equal(&a->locator[i], &b->locator[i]))
			return false;
	for (unsigned i = 0; i < a->items; i++)
		if (!objective_equal(&a->flooded[i], &b->flooded[i]))
			return false;
	return true;
}
