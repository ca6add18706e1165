/* SPDX-License-Identifier: Apache-2.0
 *
 * First passage: when does a level that drifts and wanders (Brownian) first meet a threshold?
 * Cox & Miller, Stochastic Processes (1965): the inverse Gaussian law. */
#pragma once

struct passage {
	double margin;	 /* to the threshold; <= 0: reached */
	double drift;	 /* towards it, a second */
	double drift_sd; /* how well that is known */
	double sd;	 /* of the wandering in one second */
	double chance;	 /* that it happens at all where the law says so, 0..1 */
};
/* Probability that it happens within t seconds. */
double passage_by(const struct passage *p, double t);
/* The time by which it has happened with probability q; INFINITY beyond `limit`. scale: of the
 * times of interest. */
double passage_quantile(const struct passage *p, double q, double scale, double limit);

/* The same with a drift that is known, in single precision and many times as fast. */
float passage_chance(float margin, float drift, float sd, float t);
/* Its 10 %, 50 % and 90 % quantiles, to 0.2 %; ascending; INFINITY: the drift is never made up for. */
void passage_times(float margin, float drift, float sd, float ret[3]);
