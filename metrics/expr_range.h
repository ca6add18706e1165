/* SPDX-License-Identifier: Apache-2.0
 *
 * One series within a window, as functions over ranges get it: without stale marks, oldest first,
 * never empty. Arithmetic follows Prometheus 2.42 (promql/functions.go) step by step, rounding
 * included, because CMP-07 compares to 1e-9. */
#pragma once
#include "metrics/series.h"

struct expr_range {
	const struct sample *sample;
	size_t len;
	int64_t start_ms, end_ms; /* both included */
	double *scratch;	  /* room for len numbers */
};

struct expr_line {
	double slope, intercept; /* per second; at the time asked for */
};
struct expr_line expr_fit_line(const struct expr_range *r, int64_t at_ms);
double expr_quantile(double q, double *values, size_t len); /* sorts values */
