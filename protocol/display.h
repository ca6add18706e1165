/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the read model (DESIGN.md §5) that agent and controller both show on their control
 * sockets: one form, whoever is asked. */
#pragma once
#include "protocol/caps.h"
#include "protocol/query.h"

/* [{name, kind, radio, up, l2, addresses: ["fd00::1/64"]}] */
void display_put_interfaces(struct buf *out, const struct caps *c);
/* {key: value} */
void display_put_tags(struct buf *out, const struct caps *c);
/* {node, expression, unit, time, value, samples, age_s, window_s, labels, unknown?, series:
 * [{labels, value, samples, time, age_s}]}. value: if there is exactly one series. time: of the
 * newest sample, by the clock of who shows it: wall_ms was when the node said r->now_ms. Samples
 * of several series are added up. unknown: only if there is no value, and then it says why. */
void display_put_result(struct buf *out, const char *node, const char *expression,
    const struct fog_result *r, int64_t wall_ms);
