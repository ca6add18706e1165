/* SPDX-License-Identifier: Apache-2.0
 *
 * What a metric is: a name by Prometheus' rules (base units, _total for counters), a unit, a
 * type, a help line; and the labels that tell the parts of a node apart (device="e0"). */
#pragma once
#include "base/buf.h"

#define METRIC_NAME_MAX	       64
#define METRIC_LABELS_MAX      4 /* of what is measured */
#define METRIC_LABELS_ROOM     6 /* of what is computed */
#define METRIC_LABEL_NAME_MAX  24
#define METRIC_LABEL_VALUE_MAX 64

enum metric_type { METRIC_GAUGE, METRIC_COUNTER };

struct metric {
	const char *name; /* "node_network_receive_bytes_total" */
	const char *unit; /* "bytes", "ratio", "volts", "" for a count */
	enum metric_type type;
	const char *help; /* one sentence without full stop */
};

struct metric_labels {
	uint8_t len; /* pairs in ascending order of name */
	struct {
		char name[METRIC_LABEL_NAME_MAX];
		char value[METRIC_LABEL_VALUE_MAX];
	} pair[METRIC_LABELS_ROOM];
};

/* Adds a pair in its place; a value that is too long is cut, bytes that are no UTF-8 become U+FFFD.
 * -ENOSPC: no room. */
int metric_labels_add(struct metric_labels *l, const char *name, const char *value);
/* The same for what is computed, which may have METRIC_LABELS_ROOM; another value of the same name is
 * replaced. */
int metric_labels_set(struct metric_labels *l, const char *name, const char *value);
const char *
metric_labels_get(const struct metric_labels *l, const char *name); /* "" if absent */
bool metric_labels_equal(const struct metric_labels *a, const struct metric_labels *b);
void metric_labels_print(
    const struct metric_labels *l, struct buf *out); /* {a="b",c="d"} or nothing */
