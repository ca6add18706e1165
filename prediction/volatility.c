/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/volatility.h"
#include "prediction/minmax.h"
#include <math.h>

#define FINE_RATE   0.05f /* of the first four scales, which see many changes */
#define COARSE_RATE 0.1f
#define COUNT_MIN   3	   /* changes before a scale is believed */
#define REACH	    3.0f   /* doublings that are extrapolated at most */
#define GAUGE_SHARE 0.3f   /* of its quantum that a gauge's rounding makes */
#define GAUGE_MAX   100.0f /* times the floor, in squares */
#define TINY	    1e-16f
#define LEAN_RATE   0.02f
#define LEAN_SMALL  0.1f /* of a small step's square, so that two quiet sides are even */

void
ewma_update(struct ewma *e, float value, float rate, uint32_t n)
{
	float m = (float)n + 1, a = rate * m > 1 ? rate : 1 / m;
	float d = value - e->mean;

	e->mean += a * d;
	e->var = (1 - a) * (e->var + a * d * d);
}

void
lean_update(struct lean *l, float step, uint32_t n)
{
	float start = 1.0f / (float)n, a = LEAN_RATE > start ? LEAN_RATE : start;
	float square = step * step;

	l->up2 += a * ((step > 0 ? square : 0) - l->up2);
	l->down2 += a * ((step < 0 ? square : 0) - l->down2);
}

float
lean_up(const struct lean *l, float small)
{
	float even = LEAN_SMALL * small * small + TINY;

	return fminf(fmaxf(0.5f * logf((l->up2 + even) / (l->down2 + even)), -2), 2);
}

/* Changes that scale i has seen after n samples. */
static uint32_t
count_changes(uint32_t n, int i)
{
	uint32_t marks = n >> i;

	return marks ? marks - 1 : 0;
}

static void
note_quantum(struct volatility *v, float value, uint32_t n)
{
	float step = fabsf(value - v->scale[0].last);

	if (n > 1 && step > 0 && (!(v->quantum > 0) || step < v->quantum))
		v->quantum = step;
}

void
volatility_update(struct volatility *v, float value, uint32_t n)
{
	note_quantum(v, value, n);
	for (int i = 0; i < VOLATILITY_SCALES && n % (1u << i) == 0; i++) {
		float d = value - v->scale[i].last;
		float start = n >> i > 1 ? 1.0f / (float)((n >> i) - 1) : 0;
		float rate = i < 4 ? FINE_RATE : COARSE_RATE;

		if (start > 0)
			v->scale[i].change2 +=
			    (start > rate ? start : rate) * (d * d - v->scale[i].change2);
		v->scale[i].last = value;
	}
}

void
volatility_bridge(struct volatility *v, float value)
{
	for (int i = 0; i < VOLATILITY_SCALES; i++)
		v->scale[i].last = value;
}

/* By how many powers of two the squared change grows when the steps double: 0 noise, 1 a random
 * walk, 2 a ramp. */
static float
find_growth(const struct volatility *v, int i, uint32_t n)
{
	float h;

	if (i + 1 < VOLATILITY_SCALES && count_changes(n, i + 1) >= COUNT_MIN)
		i++;
	if (!i)
		return 1;
	h = log2f((v->scale[i].change2 + TINY) / (v->scale[i - 1].change2 + TINY));
	return smaller_of(larger_of(h, 0), 2);
}

/* Square of what rounding alone can make. */
static float
find_floor2(const struct volatility *v, float floor)
{
	float gauge = GAUGE_SHARE * v->quantum, floor2 = floor * floor;

	return fmaxf(floor2, fminf(gauge * gauge, GAUGE_MAX * floor2));
}

float
volatility_roughness(const struct volatility *v, float variance, float floor)
{
	float floor2 = find_floor2(v, floor);
	float share = fmaxf(v->scale[0].change2, floor2) / (variance + floor2);

	return fminf(fmaxf(log2f(share), -12), 2);
}

float
volatility_over(const struct volatility *v, float doublings, uint32_t n, float floor)
{
	float floor2 = find_floor2(v, floor), f;
	int i = doublings > 0 ? (int)doublings : 0;

	if (i >= VOLATILITY_SCALES)
		i = VOLATILITY_SCALES - 1;
	while (i > 0 && count_changes(n, i) < COUNT_MIN)
		i--;
	f = smaller_of(doublings - (float)i, REACH);
	return sqrtf(v->scale[i].change2 * exp2f(find_growth(v, i, n) * f) + floor2 / 4);
}
