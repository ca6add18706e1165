/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/kalman.h"

#define LEVEL_NOISE 0.05f   /* a step, over the observation's */
#define SLOPE_NOISE 0.0005f /* the same */
#define NOISE_RATE  0.03f
#define JUMP2	    16.0f /* squared: so many standard deviations off is a change point, */
#define JUMP_AFTER  10	  /* once it knows what is normal; then the filter opens by */
#define JUMP_LEVEL  4.0f
#define JUMP_SLOPE  0.02f

void
kalman_start(struct kalman *f, float value)
{
	*f = (struct kalman){ .level = value, .p00 = 1, .p11 = 0.01f };
}

void
kalman_update(struct kalman *f, float value, float steps, uint32_t n)
{
	float k = steps, k2 = k * k, level = f->level + k * f->slope;
	float p00 = f->p00 + 2 * k * f->p01 + k2 * f->p11 + LEVEL_NOISE * k +
	    SLOPE_NOISE / 3 * k2 * k;
	float p01 = f->p01 + k * f->p11 + SLOPE_NOISE / 2 * k2;
	float p11 = f->p11 + SLOPE_NOISE * k;
	float error = value - level, s = p00 + 1, inverse, g0, g1;
	float rate = n < 1 / NOISE_RATE ? 1.0f / (float)n : NOISE_RATE;

	if (n > JUMP_AFTER && error * error > JUMP2 * f->noise * s) {
		p00 += JUMP_LEVEL;
		p11 += JUMP_SLOPE;
		s = p00 + 1;
	}
	inverse = 1 / s;
	g0 = p00 * inverse;
	g1 = p01 * inverse;
	f->level = level + g0 * error;
	f->slope += g1 * error;
	f->p11 = p11 - g1 * p01;
	f->p00 = p00 * (1 - g0);
	f->p01 = p01 * (1 - g0);
	f->noise += rate * (error * error * inverse - f->noise);
}

float
kalman_variance(const struct kalman *f, float h)
{
	return f->noise *
	    (f->p00 + 2 * h * f->p01 + h * h * f->p11 + LEVEL_NOISE * h +
		SLOPE_NOISE / 3 * h * h * h);
}
