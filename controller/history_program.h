/* SPDX-License-Identifier: Apache-2.0
 *
 * What an expression asks of history: which metrics and how far back; and the same expression over
 * roll-ups. Of these a metric becomes five: what min, max, sum and count of its spans are, and their
 * means. avg_over_time(x[1h]) is then sum_over_time(0:sum[1h]) / sum_over_time(0:count[1h]), which is
 * exact when windows and instants lie on the borders of spans; anything else is computed from means. */
#pragma once
#include "metrics/expr_program.h"

#define PROGRAM_METRICS_MAX 32
#define PROGRAM_LABELS_MAX  8

enum program_rollup {
	PROGRAM_MIN,
	PROGRAM_MAX,
	PROGRAM_SUM,
	PROGRAM_COUNT,
	PROGRAM_MEAN
};

struct program_needs {
	char metric[PROGRAM_METRICS_MAX][METRIC_NAME_MAX + 1];
	unsigned metrics;
	char label[PROGRAM_LABELS_MAX][METRIC_LABEL_NAME_MAX]; /* it selects or groups by */
	unsigned labels;
	int64_t window_ms;  /* the longest, an instant's look back included */
	int64_t borders_ms; /* that all windows are multiples of; 0: there is none */
	bool sums;	    /* only what roll-ups give exactly is asked of windows */
};
/* -EINVAL: not a program; -E2BIG: too many metrics. */
int program_needs(struct slice program, struct program_needs *ret) MUST_CHECK;
/* The name under which a roll-up of the metric is read. */
void program_rollup_name(
    unsigned metric, enum program_rollup kind, char dst[METRIC_NAME_MAX + 1]);
/* Over roll-ups of so long spans. -EINVAL, -ENOSPC: it gets too long. */
int program_over_rollups(struct slice program, const struct program_needs *needs,
    int64_t span_ms, struct buf *out) MUST_CHECK;
