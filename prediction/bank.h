/* SPDX-License-Identifier: Apache-2.0
 *
 * Straight lines of five memories, fitted on the fly with a discount (Brown 1963; Morrison 1969), and
 * experts that are weighed by what their forecasts turned out to be worth at the lead that matters:
 * one step ahead, a quantised gauge makes "no change" look best. One forecast of each waits at a time. */
#pragma once
#include <stdint.h>

enum bank_expert {
	EXPERT_LAST, /* no change */
	EXPERT_MEAN, /* back to the long mean */
	EXPERT_LINE, /* the first of the lines, of memory 3, 10, 30, 100 and 300 steps */
	BANK_LINES = 5,
	EXPERT_KALMAN = EXPERT_LINE + BANK_LINES,
	BANK_EXPERTS
};
struct bank_line {
	float level, slope; /* slope: a step */
};
struct bank {
	struct bank_line line[BANK_LINES];
};
void bank_start(struct bank *b, float value);
/* steps: since the sample before, > 0. n: samples with this one, >= 2. */
void bank_update(struct bank *b, float value, float steps, uint32_t n);

struct experts {
	float forecast[BANK_EXPERTS];
	float miss[BANK_EXPERTS]; /* mean of what they missed by */
	int32_t left_ms;	  /* until the forecasts are due */
	uint32_t scores;
};
/* Forecasts now what is `lead_ms`, that is `steps`, ahead. */
void experts_ask(struct experts *x, const struct bank_line said[BANK_EXPERTS],
    int32_t lead_ms, float steps);
/* The forecasts are due: what came? */
void experts_score(struct experts *x, float value);
/* What they say together. small: a miss that is none, > 0. ret_miss: of them together, mean. */
struct bank_line experts_mix(const struct experts *x,
    const struct bank_line said[BANK_EXPERTS], float small, float *ret_miss);
