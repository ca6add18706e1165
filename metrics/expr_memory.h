/* SPDX-License-Identifier: Apache-2.0
 *
 * What an evaluation needs while it runs: taken piece by piece, given back all at once, and kept for
 * the next one, so that evaluations that come again and again allocate nothing. */
#pragma once
#include <stddef.h>

struct expr_block;
struct expr_memory {
	struct expr_block *block; /* the newest */
	size_t taken, room;	  /* bytes of all blocks */
};
/* count × size bytes of zeros until the reset; NULL: none. */
void *expr_memory_take(struct expr_memory *m, size_t count, size_t size);
/* Gives all back, and keeps one block for as much again, if that is not above keep_bytes. */
void expr_memory_reset(struct expr_memory *m, size_t keep_bytes);
