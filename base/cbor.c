/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader. look → accept is one step: a head is decoded, then checked against what may
 * stand here and what the bytes can hold, and only then counted. Getters make single steps;
 * skipping and scanning walk them until the item is complete, without recursion. */
#include "base/cbor.h"
#include "base/cbor_head.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define ITEMS_DEFAULT 1024
#define BREAK	      0xff
#define TYPE(t)	      (1u << (t))

void
rd_init(struct cbor_reader *r, struct slice in, uint32_t items)
{
	r->data = in.data;
	r->size = r->limit = in.len;
	r->pos = 0;
	r->err = 0;
	r->items_left = items ? items : ITEMS_DEFAULT;
	r->maps = 0;
	r->chunks = RD_NONE;
	r->depth = r->tags = 0;
	r->left[0] = UINT64_MAX;
}

void
rd_fail(struct cbor_reader *r, int err)
{
	if (!r->err)
		r->err = err;
}

/* Counts that passed open_container() are no larger than the input. */
static bool
is_indefinite(const struct cbor_reader *r)
{
	return r->left[r->depth] > INT64_MAX;
}

static bool
is_map(const struct cbor_reader *r)
{
	return r->maps >> r->depth & 1;
}

/* A break ends a container of indefinite length: not after a tag, not between key and value
 * (left counts down from an odd number). */
static bool
may_break(const struct cbor_reader *r)
{
	return r->depth > 0 && is_indefinite(r) && r->tags == 0 &&
	    !(is_map(r) && r->left[r->depth] % 2 == 0);
}

static int
accept_break(struct cbor_reader *r)
{
	if (r->chunks != RD_NONE)
		r->chunks = RD_NONE;
	else if (may_break(r))
		r->depth--;
	else
		return -EBADMSG;
	r->pos++;
	return 1;
}

static int
accept_string(struct cbor_reader *r, const struct cbor_head *h)
{
	size_t at = r->pos + h->len;

	if (h->indefinite) {
		r->chunks = h->type;
		r->pos = at;
		return 1;
	}
	if (h->arg > r->limit - at)
		return -EMSGSIZE;
	if (h->arg > r->size - at)
		return 0;
	if (h->type == RD_TEXT && !slice_is_utf8((struct slice){ r->data + at, h->arg }))
		return -EBADMSG;
	r->pos = at + h->arg;
	return 1;
}

static int
open_container(struct cbor_reader *r, const struct cbor_head *h)
{
	size_t at = r->pos + h->len, least = h->type == RD_MAP ? 2 : 1;

	if (r->depth == CBOR_DEPTH_MAX)
		return -EBADMSG;
	if (!h->indefinite && h->arg > (r->limit - at) / least)
		return -EMSGSIZE;
	r->pos = at;
	r->depth++;
	r->left[r->depth] = h->indefinite ? UINT64_MAX : h->arg * least;
	r->maps &= ~(1u << r->depth);
	r->maps |= (uint32_t)(h->type == RD_MAP) << r->depth;
	return 1;
}

static int
consume(struct cbor_reader *r, const struct cbor_head *h)
{
	switch (h->type) {
	case RD_BYTES:
	case RD_TEXT:
		return accept_string(r, h);
	case RD_ARRAY:
	case RD_MAP:
		return open_container(r, h);
	case RD_TAG:
		if (r->depth + r->tags >= CBOR_DEPTH_MAX)
			return -EBADMSG;
		break;
	case RD_UINT:
	case RD_NEGINT:
	case RD_BOOL:
	case RD_NULL:
	case RD_UNDEFINED:
	case RD_FLOAT:
	case RD_SIMPLE:
	case RD_NONE:
		break;
	}
	r->pos += h->len;
	return 1;
}

static int
look(const struct cbor_reader *r, struct cbor_head *h)
{
	if (r->pos == r->size) /* where data may be NULL */
		return 0;
	return cbor_head_decode((struct slice){ r->data + r->pos, r->size - r->pos }, h);
}

/* 1: r stands behind the item, or inside if it is a container; 0: bytes are missing and
 * nothing has changed; else a negative errno. */
static int
accept(struct cbor_reader *r, const struct cbor_head *h)
{
	bool chunk = r->chunks != RD_NONE;
	uint8_t level = r->depth;

	if (h->type == RD_NONE)
		return accept_break(r);
	if (chunk && (h->type != r->chunks || h->indefinite))
		return -EBADMSG;
	if (r->items_left == 0)
		return -EBADMSG;
	int n = consume(r, h);
	if (n <= 0)
		return n;
	r->items_left--;
	if (chunk)
		return 1;
	if (h->type == RD_TAG) {
		r->tags++;
		return 1;
	}
	r->tags = 0;
	r->left[level]--;
	return 1;
}

/* Up to the end of one item that begins, or began in an earlier call, at level base. */
static int
walk(struct cbor_reader *r, uint8_t base)
{
	do {
		struct cbor_head h;
		int n = look(r, &h);
		if (n <= 0)
			return n;
		n = accept(r, &h);
		if (n <= 0)
			return n;
		while (r->depth > base && r->left[r->depth] == 0 && r->chunks == RD_NONE)
			r->depth--;
	} while (r->depth > base || r->tags > 0 || r->chunks != RD_NONE);
	return 1;
}

/* Does the present container, or the input, end here? A break out of place is an error. */
static bool
at_end(struct cbor_reader *r)
{
	if (!is_indefinite(r))
		return r->left[r->depth] == 0;
	if (r->pos == r->size) {
		if (r->depth > 0 || r->tags > 0)
			rd_fail(r, -EBADMSG);
		return true;
	}
	if (r->data[r->pos] != BREAK)
		return false;
	if (!may_break(r))
		rd_fail(r, -EBADMSG);
	return true;
}

/* The head of the item that must stand here; a break cannot. */
static bool
look_at_item(struct cbor_reader *r, struct cbor_head *h)
{
	if (look(r, h) > 0 && h->type != RD_NONE)
		return true;
	rd_fail(r, -EBADMSG);
	return false;
}

enum rd_type
rd_peek(struct cbor_reader *r)
{
	struct cbor_head h;

	if (r->err || at_end(r) || !look_at_item(r, &h))
		return RD_NONE;
	return h.type;
}

/* An item must follow. At the end of a container it is merely not what was expected; at the
 * end of the input it has been cut off. */
static bool
expect_any(struct cbor_reader *r)
{
	if (r->err)
		return false;
	if (at_end(r))
		rd_fail(r, r->depth > 0 ? -EINVAL : -EBADMSG);
	return r->err == 0;
}

static bool
expect(struct cbor_reader *r, unsigned types, struct cbor_head *h)
{
	if (!expect_any(r) || !look_at_item(r, h))
		return false;
	if (!(types & TYPE(h->type)))
		rd_fail(r, -EINVAL);
	else if (accept(r, h) <= 0)
		rd_fail(r, -EBADMSG);
	return r->err == 0;
}

uint64_t
rd_uint(struct cbor_reader *r)
{
	return rd_uint_max(r, UINT64_MAX);
}

uint64_t
rd_uint_max(struct cbor_reader *r, uint64_t max)
{
	struct cbor_head h;

	if (!expect(r, TYPE(RD_UINT), &h))
		return 0;
	if (h.arg > max) {
		rd_fail(r, -EINVAL);
		return 0;
	}
	return h.arg;
}

int64_t
rd_int(struct cbor_reader *r)
{
	struct cbor_head h;

	if (!expect(r, TYPE(RD_UINT) | TYPE(RD_NEGINT), &h))
		return 0;
	if (h.arg > INT64_MAX) {
		rd_fail(r, -EINVAL);
		return 0;
	}
	return h.type == RD_UINT ? (int64_t)h.arg : -1 - (int64_t)h.arg;
}

double
rd_number(struct cbor_reader *r)
{
	struct cbor_head h;

	if (!expect(r, TYPE(RD_UINT) | TYPE(RD_NEGINT) | TYPE(RD_FLOAT), &h))
		return 0;
	if (h.type == RD_FLOAT)
		return h.number;
	return h.type == RD_UINT ? (double)h.arg : -1 - (double)h.arg;
}

bool
rd_bool(struct cbor_reader *r)
{
	struct cbor_head h;

	return expect(r, TYPE(RD_BOOL), &h) && h.arg;
}

void
rd_null(struct cbor_reader *r)
{
	struct cbor_head h;

	expect(r, TYPE(RD_NULL), &h);
}

uint64_t
rd_tag(struct cbor_reader *r)
{
	struct cbor_head h;

	return expect(r, TYPE(RD_TAG), &h) ? h.arg : 0;
}

/* The chunks that follow, one after the other, in r->scratch. */
static struct slice
join_chunks(struct cbor_reader *r)
{
	struct cbor_head h;
	size_t len = 0;

	for (;;) {
		if (look(r, &h) <= 0 || accept(r, &h) <= 0) {
			rd_fail(r, -EBADMSG);
			break;
		}
		if (r->chunks == RD_NONE)
			return (struct slice){ r->scratch, len };
		if (h.arg > sizeof r->scratch - len) {
			rd_fail(r, -EINVAL);
			break;
		}
		memcpy(r->scratch + len, r->data + r->pos - h.arg, h.arg);
		len += h.arg;
	}
	r->chunks = RD_NONE;
	return (struct slice){ NULL, 0 };
}

static struct slice
read_string(struct cbor_reader *r, enum rd_type type)
{
	struct cbor_head h;

	if (!expect(r, TYPE(type), &h))
		return (struct slice){ NULL, 0 };
	if (h.indefinite)
		return join_chunks(r);
	return (struct slice){ r->data + r->pos - h.arg, h.arg };
}

struct slice
rd_bytes(struct cbor_reader *r)
{
	return read_string(r, RD_BYTES);
}

struct slice
rd_text(struct cbor_reader *r)
{
	return read_string(r, RD_TEXT);
}

void
rd_text_copy(struct cbor_reader *r, char *dst, size_t size)
{
	if (slice_copy(rd_text(r), dst, size) < 0)
		rd_fail(r, -EINVAL);
}

void
rd_bytes_copy(struct cbor_reader *r, void *dst, size_t len)
{
	struct slice s = rd_bytes(r);

	if (s.len != len)
		rd_fail(r, -EINVAL);
	if (len == 0)
		return;
	if (r->err)
		memset(dst, 0, len);
	else
		memcpy(dst, s.data, len);
}

struct slice
rd_raw(struct cbor_reader *r)
{
	size_t start = r->pos;

	if (!expect_any(r))
		return (struct slice){ NULL, 0 };
	if (walk(r, r->depth) <= 0) {
		rd_fail(r, -EBADMSG);
		return (struct slice){ NULL, 0 };
	}
	return (struct slice){ r->data + start, r->pos - start };
}

void
rd_skip(struct cbor_reader *r)
{
	rd_raw(r);
}

void
rd_enter_array(struct cbor_reader *r)
{
	struct cbor_head h;

	expect(r, TYPE(RD_ARRAY), &h);
}

void
rd_enter_map(struct cbor_reader *r)
{
	struct cbor_head h;

	expect(r, TYPE(RD_MAP), &h);
}

bool
rd_more(struct cbor_reader *r)
{
	return !r->err && !at_end(r);
}

void
rd_leave(struct cbor_reader *r)
{
	while (rd_more(r))
		rd_skip(r);
	if (r->err)
		return;
	assert(r->depth > 0);
	if (is_indefinite(r))
		r->pos++; /* the break, as rd_more() has seen */
	r->depth--;
}

bool
rd_next_key(struct cbor_reader *r, int64_t *key)
{
	if (!rd_more(r))
		return false;
	int64_t next = (int64_t)rd_uint_max(r, INT64_MAX);
	if (r->err)
		return false;
	if (next <= *key) {
		rd_fail(r, -EBADMSG);
		return false;
	}
	*key = next;
	return true;
}

bool
rd_next_text_key(struct cbor_reader *r, struct slice *key)
{
	if (!rd_more(r))
		return false;
	*key = rd_text(r);
	return r->err == 0;
}

int
rd_done(struct cbor_reader *r)
{
	if (r->err)
		return r->err;
	return r->pos == r->size && r->depth == 0 && r->tags == 0 ? 0 : -EBADMSG;
}

void
cbor_scan_init(struct cbor_scan *s, size_t max)
{
	rd_init(&s->at, (struct slice){ NULL, 0 }, UINT32_MAX);
	s->at.limit = max;
}

ssize_t
cbor_scan_item(struct cbor_scan *s, struct slice in)
{
	struct cbor_reader *r = &s->at;

	if (r->err)
		return r->err;
	r->data = in.data;
	r->size = in.len < r->limit ? in.len : r->limit;
	int n = walk(r, 0);
	if (n > 0)
		return (ssize_t)r->pos;
	if (n == 0 && in.len >= r->limit)
		n = -EMSGSIZE;
	r->err = n;
	return n;
}

ssize_t
cbor_item_length(struct slice in, size_t max)
{
	UNSET struct cbor_scan s;

	cbor_scan_init(&s, max);
	return cbor_scan_item(&s, in);
}

bool
cbor_well_formed(struct slice in)
{
	ssize_t n = cbor_item_length(in, in.len);

	return n > 0 && (size_t)n == in.len;
}
