/* SPDX-License-Identifier: Apache-2.0
 *
 * A straight line through noisy points, for the trend predictor: robust against single bad ones,
 * honest about what it does not know, and as long in memory as the data allow. No state. */
#pragma once
#include <stdbool.h>

#define LINE_POINTS_MAX 128
#define LINE_POINTS_MIN 8

struct line_point {
	double t, v; /* seconds, ascending; value */
	unsigned n;  /* samples that it is the mean of */
};
struct line {
	double at;	     /* the time that level, variances and look-ahead refer to */
	double level, slope; /* slope: a second, the mean over the lead to come */
	double var_level, var_slope, covar;
	double noise;  /* sd of a point around the line */
	double wander; /* variance a second by which the level itself strays from it */
	double span;   /* seconds that the points cover */
};

/* The line at time `at` for forecasts `lead` seconds on. n points, at most LINE_POINTS_MAX. floor:
 * what the noise cannot be below, > 0. False: too few points or no line fits. */
bool line_fit(const struct line_point *p, unsigned n, double at, double lead,
    double floor, struct line *ret);
double line_value(const struct line *l, double ahead);
double line_variance(const struct line *l, double ahead);
