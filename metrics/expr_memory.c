/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_memory.h"
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN 4096

struct expr_block {
	struct expr_block *before;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

static struct expr_block *
add_block(struct expr_memory *m, size_t size)
{
	struct expr_block *b = malloc(sizeof *b + size);

	if (!b)
		return NULL;
	*b = (struct expr_block){ .before = m->block, .size = size };
	m->block = b;
	m->room += size;
	return b;
}

void *
expr_memory_take(struct expr_memory *m, size_t count, size_t size)
{
	struct expr_block *b = m->block;
	size_t bytes;
	void *at;

	if (__builtin_mul_overflow(count ? count : 1, size, &bytes) ||
	    bytes > SIZE_MAX / 4)
		return NULL;
	bytes = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!b || b->size - b->used < bytes) {
		size_t more = m->room > BLOCK_MIN ? m->room : BLOCK_MIN;

		b = add_block(m, bytes > more ? bytes : more);
	}
	if (!b)
		return NULL;
	at = b->data + b->used;
	b->used += bytes;
	m->taken += bytes;
	return memset(at, 0, bytes);
}

static void
drop_blocks(struct expr_memory *m)
{
	while (m->block) {
		struct expr_block *b = m->block;

		m->block = b->before;
		free(b);
	}
	m->room = 0;
}

void
expr_memory_reset(struct expr_memory *m, size_t keep_bytes)
{
	size_t again = m->room;

	m->taken = 0;
	if (m->block && !m->block->before && m->room <= keep_bytes) {
		m->block->used = 0;
		return;
	}
	drop_blocks(m);
	if (again > 0 && again <= keep_bytes)
		(void)add_block(m, again);
}
