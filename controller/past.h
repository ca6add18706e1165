/* SPDX-License-Identifier: Apache-2.0
 *
 * `fogctl query --from history`: an expression over what the nodes have reported, without asking them. */
#pragma once
#include "base/ctl.h"
#include "protocol/query.h"

struct commands;

/* What the memory of history has series of, the expressions of plans and composites included: those whose
 * name fits, "": all. Takes the request. Items as those of the agent's, source "node", "plan" or
 * "composite". */
void past_metrics(struct commands *c, struct ctl_request *req, const char *text);

/* Takes the request. node "" or "all": all, whose series carry the label node (CMP-09). Range of step 0:
 * now. Items as those of sessions_query(); of a list of metrics one for each. */
void past_query(struct commands *c, struct ctl_request *req, const char *node,
    const char *expression, const struct query_range *range);
