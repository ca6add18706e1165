/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/passage.h"
#include <math.h>

static double
normal_cdf(double z)
{
	return 0.5 * erfc(-z / M_SQRT2);
}

static double
first_passage(double d, double b, double s, double t)
{
	double root = s * sqrt(t), e, p;

	if (d <= 0)
		return 1;
	if (t <= 0)
		return 0;
	if (!(root > 0))
		return b * t >= d ? 1 : 0;
	p = normal_cdf((b * t - d) / root);
	e = 2 * b * d / (s * s);
	if (e < 40)
		p += exp(e) * normal_cdf((-b * t - d) / root);
	return p < 1 ? p : 1;
}

/* Gauss-Hermite: five drifts stand for the normal law of what the drift may be. */
static const double node[] = { -2.8569700138728056, -1.3556261799742659, 0,
	1.3556261799742659, 2.8569700138728056 };
static const double weight[] = { 0.011257411327720689, 0.22207592200561266,
	0.53333333333333333, 0.22207592200561266, 0.011257411327720689 };

double
passage_by(const struct passage *p, double t)
{
	double sum = 0;

	for (int i = 0; i < 5; i++)
		sum += weight[i] *
		    first_passage(p->margin, p->drift + node[i] * p->drift_sd, p->sd, t);
	return p->chance * sum;
}

double
passage_quantile(const struct passage *p, double q, double scale, double limit)
{
	double lo = 0, hi = scale / 64;

	if (passage_by(p, 0) >= q)
		return 0;
	while (passage_by(p, hi) < q) {
		if (hi > limit)
			return INFINITY;
		lo = hi;
		hi *= 1.5;
	}
	for (int i = 0; i < 14; i++) {
		double mid = (lo + hi) / 2;

		if (passage_by(p, mid) < q)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}
