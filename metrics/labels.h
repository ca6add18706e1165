/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "metrics/metric.h"

#define LABELS_ENCODED_MAX 512

/* Labels as the map of text to text that points carry, keys in deterministic order (RFC 8949
 * §4.2.1); nothing for none. */
void labels_encode(const struct metric_labels *l, struct buf *out);
/* The same with a metric's name as __name__, unless that is NULL. */
void labels_encode_named(
    const struct metric_labels *l, const char *name, struct buf *out);
