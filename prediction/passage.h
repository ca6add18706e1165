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
