/* SPDX-License-Identifier: Apache-2.0
 *
 * The same law without an uncertain drift, for many watches a second: single precision, one
 * exponential a probability, and quantiles from a table, since in units of margin^2/sd^2 they are
 * functions of one number, a = drift * margin / sd^2. */
#include "prediction/passage.h"
#include "prediction/minmax.h"
#include <math.h>

#define TABLE_LOW \
	-8.0f /* logarithm of how far a is above what reaches the quantile at all */
#define TABLE_STEPS 4.0f /* to the unit */
#define TABLE_LEN   73

/* What a must exceed: without end, the threshold is met with probability exp(2a) when a < 0. */
static const float least[3] = { -1.1512925f, -0.34657359f, -0.052680258f };

/* Logarithms of the times; tests/unit/test_passage.c holds them against the law. */
static const float table[3][TABLE_LEN] = {
	{ 1.9605f, 1.9179f, 1.8738f, 1.8282f, 1.7808f, 1.7316f, 1.6806f, 1.6274f, 1.5721f,
	    1.5145f, 1.4543f, 1.3915f, 1.3259f, 1.2573f, 1.1854f, 1.1101f, 1.0312f,
	    0.9483f, 0.8614f, 0.7701f, 0.6743f, 0.5736f, 0.4680f, 0.3570f, 0.2406f,
	    0.1187f, -0.0091f, -0.1427f, -0.2823f, -0.4279f, -0.5795f, -0.7371f, -0.9006f,
	    -1.0699f, -1.2448f, -1.4253f, -1.6110f, -1.8018f, -1.9974f, -2.1976f,
	    -2.4021f, -2.6107f, -2.8231f, -3.0390f, -3.2581f, -3.4803f, -3.7053f,
	    -3.9328f, -4.1626f, -4.3945f, -4.6284f, -4.8639f, -5.1011f, -5.3396f,
	    -5.5794f, -5.8203f, -6.0622f, -6.3051f, -6.5487f, -6.7931f, -7.0381f,
	    -7.2837f, -7.5298f, -7.7763f, -8.0233f, -8.2705f, -8.5181f, -8.7660f,
	    -9.0142f, -9.2625f, -9.5110f, -9.7597f, -10.0086f },
	{ 3.9876f, 3.9310f, 3.8721f, 3.8105f, 3.7463f, 3.6790f, 3.6087f, 3.5349f, 3.4575f,
	    3.3762f, 3.2909f, 3.2010f, 3.1065f, 3.0070f, 2.9021f, 2.7916f, 2.6752f,
	    2.5526f, 2.4234f, 2.2874f, 2.1445f, 1.9943f, 1.8369f, 1.6720f, 1.4998f,
	    1.3201f, 1.1334f, 0.9396f, 0.7392f, 0.5325f, 0.3199f, 0.1019f, -0.1209f,
	    -0.3481f, -0.5792f, -0.8135f, -1.0507f, -1.2903f, -1.5320f, -1.7752f,
	    -2.0199f, -2.2656f, -2.5123f, -2.7596f, -3.0075f, -3.2559f, -3.5046f,
	    -3.7536f, -4.0028f, -4.2522f, -4.5017f, -4.7513f, -5.0010f, -5.2508f,
	    -5.5006f, -5.7505f, -6.0004f, -6.2503f, -6.5002f, -6.7502f, -7.0001f,
	    -7.2501f, -7.5001f, -7.7501f, -8.0001f, -8.2500f, -8.5000f, -8.7500f,
	    -9.0000f, -9.2500f, -9.5000f, -9.7500f, -10.0000f },
	{ 7.1685f, 7.0839f, 6.9949f, 6.9010f, 6.8020f, 6.6974f, 6.5870f, 6.4701f, 6.3466f,
	    6.2159f, 6.0776f, 5.9314f, 5.7768f, 5.6133f, 5.4408f, 5.2589f, 5.0673f,
	    4.8659f, 4.6545f, 4.4332f, 4.2019f, 3.9610f, 3.7106f, 3.4512f, 3.1834f,
	    2.9076f, 2.6246f, 2.3352f, 2.0404f, 1.7410f, 1.4380f, 1.1325f, 0.8254f,
	    0.5176f, 0.2101f, -0.0964f, -0.4013f, -0.7039f, -1.0039f, -1.3009f, -1.5947f,
	    -1.8853f, -2.1727f, -2.4569f, -2.7380f, -3.0162f, -3.2917f, -3.5646f,
	    -3.8352f, -4.1036f, -4.3701f, -4.6348f, -4.8979f, -5.1596f, -5.4200f,
	    -5.6792f, -5.9373f, -6.1946f, -6.4510f, -6.7067f, -6.9617f, -7.2162f,
	    -7.4701f, -7.7236f, -7.9767f, -8.2294f, -8.4818f, -8.7339f, -8.9858f,
	    -9.2375f, -9.4889f, -9.7402f, -9.9914f },
};

/* Mills' ratio, the upper tail of the normal law over its density, of x >= 0; to 2e-7. */
static float
mills_ratio(float x)
{
	static const float c[] = { 0.285714236f, 0.285715895f, 0.262453627f, 0.213991359f,
		0.167065866f, 0.0135110617f, 0.176853031f, -0.213111056f, 0.0611203315f };
	float t = 3.5f / (3.5f + x), sum = c[8];

	for (int i = 7; i >= 0; i--)
		sum = sum * t + c[i];
	return sum * t;
}

/* exp(2a) Phi(-x2) of the law is Mills' ratio of x2 times the density at x1: nothing overflows. */
float
passage_chance(float margin, float drift, float sd, float t)
{
	float root = sd * sqrtf(t), x1, x2, density, p;

	if (margin <= 0)
		return 1;
	if (!(root > 0))
		return t > 0 && drift * t >= margin ? 1 : 0;
	x1 = (drift * t - margin) / root;
	x2 = (drift * t + margin) / root;
	density = 0.39894228f * expf(-0.5f * x1 * x1);
	p = x1 < 0 ? density * mills_ratio(-x1) : 1 - density * mills_ratio(x1);
	if (x2 >= 0)
		p += density * mills_ratio(x2);
	else
		p += expf(2 * (drift / sd) * (margin / sd)) - density * mills_ratio(-x2);
	return smaller_of(larger_of(p, 0), 1);
}

static float
look_up(const float *row, float a, float above)
{
	float at = (logf(a - above) - TABLE_LOW) * TABLE_STEPS;
	int i;

	if (at >= TABLE_LEN - 1) /* as good as a ruler */
		return row[TABLE_LEN - 1] - (at - (TABLE_LEN - 1)) / TABLE_STEPS;
	if (!(at > 0))
		return row[0];
	i = (int)at;
	return row[i] + (at - (float)i) * (row[i + 1] - row[i]);
}

void
passage_times(float margin, float drift, float sd, float ret[3])
{
	float a, unit;

	for (int q = 0; q < 3; q++)
		ret[q] = margin <= 0 ? 0 : drift > 0 ? margin / drift : INFINITY;
	if (margin <= 0 || !(sd > 0))
		return;
	unit = margin / sd;
	a = drift * unit / sd;
	unit *= unit;
	if (!isfinite(a) || !isfinite(unit))
		return;
	for (int q = 0; q < 3; q++)
		ret[q] =
		    a > least[q] ? unit * expf(look_up(table[q], a, least[q])) : INFINITY;
}
