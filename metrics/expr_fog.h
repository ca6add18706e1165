/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions that PromQL lacks and fog nodes need: thresholds with two levels, durations,
 * availability, scores. For the table in expr_functions.c. */
#pragma once
#include "metrics/expr.h"
#include "metrics/expr_range.h"

typedef bool expr_over_f(const struct expr_range *r, const double *scalar, double *ret);

expr_over_f expr_ewma, expr_median, expr_time_to, expr_hysteresis, expr_for_duration,
    expr_time_above, expr_time_below, expr_availability;
bool expr_score(double value, const double *scalar, double *ret);
