/* SPDX-License-Identifier: Apache-2.0
 *
 * What the decoders of this folder have in common. A value is a map with unsigned keys in
 * ascending order; unknown keys are skipped; a required key that is missing, a value out of its
 * bounds and everything malformed are one answer: -EBADMSG. Not for use from outside. */
#pragma once
#include "base/cbor.h"

#define VALUE_ITEMS_MAX	 8192	     /* security.md §8: after registration */
#define VALUE_TIME_MAX	 (1LL << 62) /* ms; leaves room to add and subtract */
#define VALUE_LABELS_MAX 8

#define KEY(k)		 (1ULL << (k)) /* of a mask of keys */

/* Notes that a key was met; keys above 63 are nobody's yet. */
static inline void
value_met(uint64_t *seen, int64_t key)
{
	if (key < 64)
		*seen |= KEY(key);
}
/* The end of every decoder: are the required keys there, was everything well? */
int value_done(struct cbor_reader *r, uint64_t seen, uint64_t required) MUST_CHECK;
void value_require(struct cbor_reader *r, uint64_t seen, uint64_t required);

/* Text that may be kept as long as the value: a string in chunks, which the reader would put
 * together in its own memory, is refused. */
struct slice value_text(struct cbor_reader *r, size_t max);
struct slice value_bytes(struct cbor_reader *r, size_t max); /* likewise */
/* Text into dst; a control character inside is refused. */
void value_text_copy(struct cbor_reader *r, char *dst, size_t size);
/* One item of this type, raw. */
struct slice value_raw(struct cbor_reader *r, enum rd_type type, size_t max);
int64_t value_time(struct cbor_reader *r);
double value_number(struct cbor_reader *r); /* null: NaN */

/* A map of text to text with few pairs, raw; an empty one is an empty slice, and back. */
struct slice value_labels(struct cbor_reader *r);
void value_put_labels(struct buf *out, struct slice labels);
void value_put_number(struct buf *out, double v); /* NaN: null */
