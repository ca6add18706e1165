/* SPDX-License-Identifier: Apache-2.0
 *
 * Records lie one after the other in a ring of bytes and never wrap: where the rest up to the end
 * is too short, a record of length 0 (or less room than a head) sends the reader to the start. */
#include "agent/spool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct head {
	uint32_t len; /* of the record; 0: go on at the start */
	uint32_t item, samples;
	uint16_t labels, reason; /* bytes that follow */
	int64_t time_ms;
	double value;
};

struct spool {
	uint8_t *ring;
	size_t size;
	size_t begin, end; /* of what is kept; equal and len 0: empty */
	uint64_t first, len, dropped;
};

int
spool_new(size_t bytes, struct spool **ret)
{
	CLEANUP(spool_free) struct spool *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->size = bytes;
	s->ring = malloc(bytes);
	if (!s->ring)
		return -ENOMEM;
	s->first = 1;
	*ret = TAKE(s);
	return 0;
}

void
spool_free(struct spool *s)
{
	if (!s)
		return;
	free(s->ring);
	free(s);
}

uint64_t
spool_first(const struct spool *s)
{
	return s->first;
}

uint64_t
spool_len(const struct spool *s)
{
	return s->len;
}

uint64_t
spool_dropped(const struct spool *s)
{
	return s->dropped;
}

/* Where the record really is that is said to be at `at`, and its head. */
static size_t
seek(const struct spool *s, size_t at, struct head *ret)
{
	if (s->size - at >= sizeof *ret) {
		memcpy(ret, s->ring + at, sizeof *ret);
		if (ret->len)
			return at;
	}
	memcpy(ret, s->ring, sizeof *ret);
	return 0;
}

static void
drop_oldest(struct spool *s)
{
	struct head h;
	size_t at = seek(s, s->begin, &h);

	s->begin = at + h.len;
	s->first++;
	if (--s->len == 0)
		s->begin = s->end = 0;
}

void
spool_drop(struct spool *s, uint64_t below)
{
	while (s->len && s->first < below)
		drop_oldest(s);
}

static bool
fits(const struct spool *s, size_t len)
{
	if (!s->len || s->end > s->begin)
		return s->size - s->end >= len;
	return s->begin - s->end >= len;
}

/* Ends the run at the end of the ring, so that the next record stands at the start. */
static void
wrap(struct spool *s)
{
	static const struct head mark;

	if (s->size - s->end >= sizeof mark)
		memcpy(s->ring + s->end, &mark, sizeof mark);
	s->end = 0;
}

static void
make_room(struct spool *s, size_t len)
{
	while (!fits(s, len)) {
		if (s->end > s->begin && s->begin > 0) {
			wrap(s);
			continue;
		}
		drop_oldest(s);
		s->dropped++;
	}
}

static void
write_record(struct spool *s, const struct report_point *p, size_t len)
{
	struct head h = { .len = (uint32_t)len,
		.item = p->item,
		.samples = p->samples,
		.labels = (uint16_t)p->labels.len,
		.reason = (uint16_t)p->reason.len,
		.time_ms = p->time_ms,
		.value = p->value };
	uint8_t *to = s->ring + s->end;

	memcpy(to, &h, sizeof h);
	if (h.labels)
		memcpy(to + sizeof h, p->labels.data, h.labels);
	if (h.reason)
		memcpy(to + sizeof h + h.labels, p->reason.data, h.reason);
	s->end += len;
	s->len++;
}

int
spool_push(struct spool *s, const struct report_point *p)
{
	size_t len = sizeof(struct head) + p->labels.len + p->reason.len;

	if (len > s->size || p->labels.len > UINT16_MAX || p->reason.len > UINT16_MAX)
		return -EMSGSIZE;
	make_room(s, len);
	write_record(s, p, len);
	return 0;
}

struct spool_cursor
spool_begin(const struct spool *s)
{
	return (struct spool_cursor){ s->begin, s->len };
}

bool
spool_next(const struct spool *s, struct spool_cursor *c, struct report_point *ret)
{
	struct head h;

	if (!c->left)
		return false;
	size_t at = seek(s, c->at, &h);
	const uint8_t *behind = s->ring + at + sizeof h;
	*ret = (struct report_point){ .item = h.item,
		.samples = h.samples,
		.time_ms = h.time_ms,
		.value = h.value,
		.labels = { behind, h.labels },
		.reason = { behind + h.labels, h.reason } };
	c->at = at + h.len;
	c->left--;
	return true;
}
