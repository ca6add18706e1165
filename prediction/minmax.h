/* SPDX-License-Identifier: Apache-2.0
 *
 * fminf and fmaxf without a call; of a NaN and a number, the second operand. For what an update does
 * many times. */
#pragma once

static inline float
smaller_of(float a, float b)
{
	return a < b ? a : b;
}

static inline float
larger_of(float a, float b)
{
	return a > b ? a : b;
}
