/* SPDX-License-Identifier: Apache-2.0
 *
 * Names kept once: metrics and label sets that are equal are one object, counted, shared by all
 * series of the process. A thousand nodes have the same few dozen. For the thread of the loop alone. */
#pragma once
#include "metrics/metric.h"

/* An equal one that lives until given back; NULL: no memory. */
const struct metric *intern_metric(const struct metric *m);
void intern_metric_done(const struct metric *m); /* NULL is fine */
const struct metric_labels *intern_labels(const struct metric_labels *l);
void intern_labels_done(const struct metric_labels *l);
/* The one that is kept, if any; not counted. */
const struct metric_labels *intern_labels_find(const struct metric_labels *l);
