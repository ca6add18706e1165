/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of somebody else, and a place to put bytes. Only types and what is inline: this header is
 * installed with libgrasp; the functions of a buf are in base/buf.h. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

struct slice {
	const uint8_t *data; /* borrowed; may be NULL when len is 0 */
	size_t len;
};

struct buf {
	uint8_t *data;
	size_t pos;  /* bytes put */
	size_t size; /* bytes of room at data */
	size_t max;  /* a growing buf never gets larger; equal to size for a fixed one */
	int err;     /* 0, -ENOSPC (bound reached) or -ENOMEM; the first one sticks */
	bool grows;
};

/* Without the NUL; NULL gives an empty slice. */
static inline struct slice
slice_text(const char *text)
{
	struct slice s = { (const uint8_t *)text, text ? strlen(text) : 0 };

	return s;
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool
slice_is(struct slice s, const char *text)
{
	return slice_equal(s, slice_text(text));
}

/* memory stays the caller's. */
static inline void
buf_init_fixed(struct buf *b, void *memory, size_t size)
{
	struct buf fixed = { (uint8_t *)memory, 0, size, size, 0, false };

	*b = fixed;
}

static inline struct slice
buf_slice(const struct buf *b)
{
	struct slice s = { b->data, b->pos };

	return s;
}
