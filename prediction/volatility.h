/* SPDX-License-Identifier: Apache-2.0
 *
 * How much a series varies: around a smoothed level, and as the typical change over any number of
 * steps. The latter is kept for 1, 2, 4 ... 256 steps; how it grows between them tells noise from
 * wandering and from a steady ramp without a model. */
#pragma once
#include <stdint.h>

#define VOLATILITY_SCALES 9

struct ewma {
	float mean, var;
};
/* rate: of a sample once the start, a running mean, is over. n: samples before this one. */
void ewma_update(struct ewma *e, float value, float rate, uint32_t n);

/* Which way steps are the larger: mean squares of those up and down. */
struct lean {
	float up2, down2;
};
/* n: samples before this one, >= 1. */
void lean_update(struct lean *l, float step, uint32_t n);
/* Logarithm of how much larger those up are, -2..2. small: a step that is none. */
float lean_up(const struct lean *l, float small);

struct volatility {
	struct {
		float last, change2;
	} scale[VOLATILITY_SCALES];
	float quantum; /* smallest step seen; 0: none */
};
/* n: samples with this one. */
void volatility_update(struct volatility *v, float value, uint32_t n);
/* What comes next is no change over so many steps: there was a gap. */
void volatility_bridge(struct volatility *v, float value);
/* Standard deviation of a change over 2^doublings steps. floor: what rounding alone can make, > 0. */
float
volatility_over(const struct volatility *v, float doublings, uint32_t n, float floor);
/* How much of a variance one step makes, in powers of two, -12..2. */
float volatility_roughness(const struct volatility *v, float variance, float floor);
