/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/value.h"
#include <errno.h>
#include <math.h>

void
value_require(struct cbor_reader *r, uint64_t seen, uint64_t required)
{
	if ((seen & required) != required)
		rd_fail(r, -EBADMSG);
}

int
value_done(struct cbor_reader *r, uint64_t seen, uint64_t required)
{
	value_require(r, seen, required);
	return rd_done(r) ? -EBADMSG : 0;
}

static bool
is_borrowed(const struct cbor_reader *r, struct slice s)
{
	return !s.len ||
	    ((uintptr_t)s.data >= (uintptr_t)r->data &&
		(uintptr_t)s.data < (uintptr_t)r->data + r->size);
}

static struct slice
keep(struct cbor_reader *r, struct slice s, size_t max)
{
	if (s.len <= max && is_borrowed(r, s))
		return s;
	rd_fail(r, -EBADMSG);
	return (struct slice){ 0 };
}

struct slice
value_text(struct cbor_reader *r, size_t max)
{
	return keep(r, rd_text(r), max);
}

struct slice
value_bytes(struct cbor_reader *r, size_t max)
{
	return keep(r, rd_bytes(r), max);
}

void
value_text_copy(struct cbor_reader *r, char *dst, size_t size)
{
	rd_text_copy(r, dst, size);
	for (const char *c = dst; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			rd_fail(r, -EBADMSG);
}

struct slice
value_raw(struct cbor_reader *r, enum rd_type type, size_t max)
{
	enum rd_type found = rd_peek(r);
	struct slice s = rd_raw(r);

	if (found != type || s.len > max) {
		rd_fail(r, -EBADMSG);
		return (struct slice){ 0 };
	}
	return s;
}

int64_t
value_time(struct cbor_reader *r)
{
	return (int64_t)rd_uint_max(r, VALUE_TIME_MAX);
}

double
value_number(struct cbor_reader *r)
{
	if (rd_peek(r) != RD_NULL)
		return rd_number(r);
	rd_null(r);
	return NAN;
}

static unsigned
skip_labels(struct cbor_reader *r)
{
	unsigned pairs = 0;
	struct slice key;

	rd_enter_map(r);
	while (rd_next_text_key(r, &key)) {
		if (!key.len || ++pairs > VALUE_LABELS_MAX)
			rd_fail(r, -EBADMSG);
		rd_text(r);
	}
	rd_leave(r);
	return pairs;
}

struct slice
value_labels(struct cbor_reader *r)
{
	size_t start = r->pos;

	if (!skip_labels(r) || r->err)
		return (struct slice){ 0 };
	return (struct slice){ r->data + start, r->pos - start };
}

void
value_put_labels(struct buf *out, struct slice labels)
{
	if (labels.len)
		wr_raw(out, labels);
	else
		wr_map(out, 0);
}

void
value_put_number(struct buf *out, double v)
{
	if (isnan(v))
		wr_null(out);
	else
		wr_double(out, v);
}
