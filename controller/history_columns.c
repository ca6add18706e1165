/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/history_columns.h"
#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"

void
columns_done(struct columns *c)
{
	free(c->column);
	free(c->sample);
	*c = (struct columns){ 0 };
}

void
columns_clear(struct columns *c)
{
	c->len = 0;
	c->samples = 0;
	c->err = 0;
}

struct sample *
columns_room(struct columns *c, uint32_t n)
{
	size_t wanted = c->samples + n;
	struct sample *more;

	if (c->err)
		return NULL;
	if (wanted <= c->samples_room && c->sample)
		return &c->sample[c->samples];
	wanted += wanted / 2 + 64;
	more = realloc(c->sample, wanted * sizeof *more);
	if (!more) {
		c->err = -ENOMEM;
		return NULL;
	}
	c->sample = more;
	c->samples_room = wanted;
	return &c->sample[c->samples];
}

static bool
grow_columns(struct columns *c)
{
	uint32_t room = c->room + c->room / 2 + 64;
	struct column *more;

	if (c->len < c->room)
		return true;
	more = realloc(c->column, room * sizeof *more);
	if (!more) {
		c->err = -ENOMEM;
		return false;
	}
	c->column = more;
	c->room = room;
	return true;
}

void
columns_add(struct columns *c, uint64_t key, uint32_t n)
{
	if (c->err || !n || !grow_columns(c))
		return;
	c->column[c->len] =
	    (struct column){ .key = key, .order = c->len, .len = n, .at = c->samples };
	c->len++;
	c->samples += n;
}

void
columns_copy(struct columns *c, uint64_t key, const struct sample *s, uint32_t n)
{
	struct sample *to = columns_room(c, n);

	if (to && n)
		memcpy(to, s, n * sizeof *s);
	columns_add(c, key, n);
}

int
columns_load(struct columns *c, struct block_reader *r, int64_t base_ms,
    struct slice data, columns_wanted_f *wanted, void *arg)
{
	int err = block_open(r, base_ms, data);

	if (err)
		return err;
	while (block_next(r)) {
		const struct sample *s =
		    wanted && !wanted(arg, r->key) ? NULL : block_read(r);

		if (s)
			columns_copy(c, r->key, s, r->len);
	}
	return r->err ? r->err : c->err;
}

/* --- order ---------------------------------------------------------------------------------- */

static int
compare_columns(const void *a, const void *b)
{
	const struct column *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static bool
ascends(const struct sample *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (s[i - 1].time_ms >= s[i].time_ms)
			return false;
	return true;
}

static bool
is_sorted(const struct columns *c)
{
	for (uint32_t i = 0; i < c->len; i++)
		if ((i && c->column[i - 1].key >= c->column[i].key) ||
		    !ascends(&c->sample[c->column[i].at], c->column[i].len))
			return false;
	return true;
}

struct placed {
	struct sample sample;
	size_t order;
};

static int
compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->sample.time_ms != y->sample.time_ms)
		return x->sample.time_ms < y->sample.time_ms ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Of equal times the last one stays. Returns how many are left. */
static int
sort_samples(struct sample *s, size_t n, uint32_t *ret)
{
	struct placed *placed = malloc(n * sizeof *placed);
	uint32_t kept = 0;

	if (!placed)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		placed[i] = (struct placed){ s[i], i };
	qsort(placed, n, sizeof *placed, compare_placed);
	for (size_t i = 0; i < n; i++) {
		if (kept && s[kept - 1].time_ms == placed[i].sample.time_ms)
			kept--;
		s[kept++] = placed[i].sample;
	}
	free(placed);
	*ret = kept;
	return 0;
}

/* n pieces of one key become one column behind all samples. */
static int
join_pieces(struct columns *c, struct column *piece, uint32_t n, struct column *ret)
{
	struct column joined = { .key = piece[0].key, .at = c->samples };
	struct sample *to;
	uint32_t len = 0;

	for (uint32_t i = 0; i < n; i++)
		len += piece[i].len;
	to = columns_room(c, len);
	if (!to)
		return c->err;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(
		    &to[joined.len], &c->sample[piece[i].at], piece[i].len * sizeof *to);
		joined.len += piece[i].len;
	}
	if (!ascends(to, joined.len) && sort_samples(to, joined.len, &joined.len))
		return c->err = -ENOMEM;
	c->samples += joined.len;
	*ret = joined;
	return 0;
}

int
columns_sort(struct columns *c)
{
	uint32_t len = 0, n;

	if (c->err || is_sorted(c))
		return c->err;
	qsort(c->column, c->len, sizeof *c->column, compare_columns);
	for (uint32_t i = 0; i < c->len && !c->err; i += n, len++) {
		n = 1;
		while (i + n < c->len && c->column[i + n].key == c->column[i].key)
			n++;
		if (n == 1 && ascends(&c->sample[c->column[i].at], c->column[i].len))
			c->column[len] = c->column[i];
		else if (join_pieces(c, &c->column[i], n, &c->column[len]))
			break;
		c->column[len].order = len;
	}
	c->len = len;
	return c->err;
}

static uint32_t
count_before(const struct sample *s, uint32_t n, int64_t time_ms)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t middle = low + (n - low) / 2;

		if (s[middle].time_ms < time_ms)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

uint32_t
columns_within(const struct columns *c, const struct column *of, int64_t from_ms,
    int64_t to_ms, const struct sample **ret)
{
	const struct sample *s = &c->sample[of->at];
	uint32_t first = count_before(s, of->len, from_ms);

	*ret = s + first;
	return count_before(s, of->len, to_ms) - first;
}

int64_t
columns_next(const struct columns *c, int64_t from_ms)
{
	int64_t next = INT64_MAX;

	for (uint32_t i = 0; i < c->len; i++) {
		const struct sample *s;

		if (columns_within(c, &c->column[i], from_ms, INT64_MAX, &s) &&
		    s->time_ms < next)
			next = s->time_ms;
	}
	return next;
}

/* --- blocks --------------------------------------------------------------------------------- */

/* How many samples it has; *ret_last_ms is the newest of their times. */
static size_t
write_block(const struct columns *c, struct block_writer *w, int64_t from_ms,
    int64_t to_ms, int64_t *ret_last_ms)
{
	size_t samples = 0;

	*ret_last_ms = INT64_MIN;
	block_begin(w, from_ms);
	for (uint32_t i = 0; i < c->len; i++) {
		const struct sample *s;
		uint32_t n = columns_within(c, &c->column[i], from_ms, to_ms, &s);

		if (!n)
			continue;
		block_put(w, c->column[i].key, s, n);
		samples += n;
		if (s[n - 1].time_ms > *ret_last_ms)
			*ret_last_ms = s[n - 1].time_ms;
	}
	return samples;
}

int
columns_write(const struct columns *c, struct block_writer *w, int64_t from_ms,
    int64_t to_ms, int64_t min_ms, columns_put_f *put, void *arg)
{
	int64_t last_ms, middle = from_ms + (to_ms - from_ms) / 2;
	struct slice data;
	int err;

	if (!write_block(c, w, from_ms, to_ms, &last_ms))
		return 0;
	data = block_end(w);
	if (!data.data)
		return w->err;
	middle = span_start(middle, min_ms);
	if (data.len <= BLOCK_BYTES_MAX || middle <= from_ms)
		return put(arg, from_ms, last_ms, data);
	err = columns_write(c, w, from_ms, middle, min_ms, put, arg);
	return err ? err : columns_write(c, w, middle, to_ms, min_ms, put, arg);
}
