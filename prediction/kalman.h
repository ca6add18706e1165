/* SPDX-License-Identifier: Apache-2.0
 *
 * Level and slope of a series by a local linear trend Kalman filter, in units of the observation
 * variance, which it follows. Time is counted in steps of the nominal period; samples may be irregular.
 * Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989). */
#pragma once
#include <stdint.h>

struct kalman {
	float level, slope;  /* slope: a step */
	float p00, p01, p11; /* their covariance over the noise */
	float noise;	     /* variance of an observation, of the last 30 steps or so */
};
void kalman_start(struct kalman *f, float value);
/* steps: since the sample before, > 0. n: samples before this one, >= 1. */
void kalman_update(struct kalman *f, float value, float steps, uint32_t n);
/* Of the level, so many steps on. */
float kalman_variance(const struct kalman *f, float steps);
