/* SPDX-License-Identifier: Apache-2.0 */
#include "prediction/bank.h"
#include "prediction/minmax.h"
#include <math.h>
#include <string.h>

#define LONGEST	   300.0f /* memory of the last line, in steps */
#define STEPS_MIN  0.05f  /* two samples almost at once make no slope */
#define GROWN	   1000u  /* samples: the lines are as long as they get */
#define MISS_RATE  0.1f
#define SCORES_MIN 2 /* before that, the weights are these: */
static const float first_weight[BANK_EXPERTS] = { 0.2f, 0, 0.05f, 0.15f, 0.2f, 0.15f,
	0.05f, 0.2f };

void
bank_start(struct bank *b, float value)
{
	for (int i = 0; i < BANK_LINES; i++)
		b->line[i] = (struct bank_line){ .level = value };
}

/* What is left of a weight after so many steps, for memories 3, 10, 30, 100, 300: powers of the last. */
static void
find_discounts(float steps, float ret[BANK_LINES])
{
	static const float one_step[] = { 0.71653131f, 0.90483742f, 0.96721610f,
		0.99004983f, 0.99667222f };

	if (steps == 1) {
		memcpy(ret, one_step, sizeof one_step);
		return;
	}
	float d300 = expf(-steps / LONGEST), d150 = d300 * d300;
	float d60 = d150 * d150 * d300, d30 = d60 * d60, d10 = d30 * d30 * d30;

	ret[0] = d10 * d10 * d10 * d30; /* 3/10 + 1/30 = 1/3 */
	ret[1] = d10;
	ret[2] = d30;
	ret[3] = d150 * d300;
	ret[4] = d300;
}

/* Exact from the second sample on: as long as a line is young, it is the plain least squares one. */
void
bank_update(struct bank *b, float value, float steps, uint32_t n)
{
	float rho[BANK_LINES], m = (float)n;
	float young = n < GROWN ? 1 / (m * (m + 1)) : 0;
	float young_level = smaller_of(2 * (2 * m - 1) * young, 1),
	      young_slope = 6 * young;
	float a_step = 1 / larger_of(steps, STEPS_MIN);

	find_discounts(steps, rho);
	for (int i = 0; i < BANK_LINES; i++) {
		struct bank_line *l = &b->line[i];
		float f = l->level + steps * l->slope, e = value - f, gone = 1 - rho[i];

		l->level = f + larger_of(1 - rho[i] * rho[i], young_level) * e;
		l->slope += larger_of(gone * gone, young_slope) * e * a_step;
	}
}

void
experts_ask(struct experts *x, const struct bank_line said[BANK_EXPERTS], int32_t lead_ms,
    float steps)
{
	for (int i = 0; i < BANK_EXPERTS; i++)
		x->forecast[i] = said[i].level + steps * said[i].slope;
	x->left_ms = lead_ms;
}

void
experts_score(struct experts *x, float value)
{
	float rate = larger_of(MISS_RATE, 1.0f / (float)(x->scores + 1));

	for (int i = 0; i < BANK_EXPERTS; i++)
		x->miss[i] += rate * (fabsf(value - x->forecast[i]) - x->miss[i]);
	x->scores++;
}

/* The sixth power: the best one speaks nearly alone when it is clearly better. */
static void
weigh(const struct experts *x, float small, float ret[BANK_EXPERTS])
{
	float best = INFINITY, sum = 0;

	for (int i = 0; i < BANK_EXPERTS; i++)
		best = smaller_of(best, x->miss[i]);
	for (int i = 0; i < BANK_EXPERTS; i++) {
		float r = (best + small) / (x->miss[i] + small), r2 = r * r;

		ret[i] = r2 * r2 * r2;
		sum += ret[i];
	}
	for (int i = 0; i < BANK_EXPERTS; i++)
		ret[i] /= sum;
}

struct bank_line
experts_mix(const struct experts *x, const struct bank_line said[BANK_EXPERTS],
    float small, float *ret_miss)
{
	struct bank_line mix = { 0 };
	float w[BANK_EXPERTS], miss = 0;

	if (x->scores < SCORES_MIN)
		memcpy(w, first_weight, sizeof w);
	else
		weigh(x, small, w);
	for (int i = 0; i < BANK_EXPERTS; i++) {
		mix.level += w[i] * said[i].level;
		mix.slope += w[i] * said[i].slope;
		miss += w[i] * x->miss[i];
	}
	*ret_miss = miss;
	return mix;
}
