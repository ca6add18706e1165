/* SPDX-License-Identifier: Apache-2.0
 *
 * An event as one line of JSON, for programs and logs. */
#pragma once
#include "base/buf.h"
#include "orchestrator-hooks/hook.h"

/* All fields of the event, `target` (candidates[0] or null) and `resume`: the last phase that is
 * known of when the work is taken up again, else null. Ends with a newline; sets out->err. */
void
hook_event_json(const struct hook_event *ev, enum hook_phase resume, struct buf *out);
