/* SPDX-License-Identifier: Apache-2.0
 *
 * Which numbers of somebody's growing sequence were met: the last ones one by one, what is older counts
 * as met (after RFC 6479). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define WINDOW_BITS 128

struct window {
	uint64_t top;			/* the highest met; 0: none yet */
	uint64_t met[WINDOW_BITS / 64]; /* bit n: top - n */
};

/* bits: how many of the last ones count, up to WINDOW_BITS. */
static inline bool
window_is_new(const struct window *w, uint64_t number, unsigned bits)
{
	uint64_t back;

	if (number == 0)
		return false;
	if (number > w->top)
		return true;
	back = w->top - number;
	return back < bits && !(w->met[back / 64] >> back % 64 & 1);
}

static inline void
window_shift(struct window *w, uint64_t by)
{
	if (by >= WINDOW_BITS) {
		w->met[0] = w->met[1] = 0;
	} else if (by >= 64) {
		w->met[1] = w->met[0] << (by - 64);
		w->met[0] = 0;
	} else if (by > 0) {
		w->met[1] = w->met[1] << by | w->met[0] >> (64 - by);
		w->met[0] <<= by;
	}
}

/* number is new. */
static inline void
window_take(struct window *w, uint64_t number)
{
	uint64_t back;

	if (number > w->top) {
		window_shift(w, number - w->top);
		w->top = number;
	}
	back = w->top - number;
	w->met[back / 64] |= UINT64_C(1) << back % 64;
}
