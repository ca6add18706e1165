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
/* [text] */
void display_put_devices(struct buf *out, const struct caps *c);
/* "40.332,-3.765"; null: not known. */
void display_put_position(struct buf *out, const struct caps *c);
/* {node, expression, unit, time, value, samples, age_s, window_s, labels, unknown?, series:
 * [{labels, value, samples, time, age_s}]}. value: if there is exactly one series. time: of the
 * newest sample, by the clock of who shows it: wall_ms was when the node said r->now_ms. Samples
 * of several series are added up. unknown: only if there is no value, and then it says why. */
void display_put_result(struct buf *out, const char *node, const char *expression,
    const struct fog_result *r, int64_t wall_ms);

/* {node, expression, unit, labels, start_ms, step_ms, values: [number or null…], unknown?}: column i of a
 * range. start_ms: of the first value, by the clock of who shows it. With no column at all: what stands
 * in their place, and why. */
void display_put_column(struct buf *out, const char *node, const char *expression,
    const struct fog_result *r, unsigned i, int64_t wall_ms);

/* The range that the arguments of the command "query" ask for: range_ms (end_ms - start_ms), start_ms and
 * end_ms (wall), step_ms, all of them optional; step 0: none. -EINVAL: why says what to do. */
int display_read_range(struct slice args, int64_t wall_ms, struct query_range *ret,
    const char **ret_why) MUST_CHECK;
