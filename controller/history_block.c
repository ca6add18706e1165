/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/history_block.h"
#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"

#define VERSION	    1
#define COLUMNS_MAX (1u << 20)
#define SAMPLES_MAX (1u << 20) /* of a column */
#define SLACK	    64	       /* bytes for what is no sample */

/* How numbers that are usually small are written: bits_put_number(). */
#define K_KEY	 3
#define K_LEN	 4
#define K_BITS	 6
#define K_SAMPLE 6

/* --- writing -------------------------------------------------------------------------------- */

void
block_init(struct block_writer *w)
{
	*w = (struct block_writer){ 0 };
}

void
block_done(struct block_writer *w)
{
	for (uint32_t i = 0; i < w->times_room; i++)
		free(w->times[i].time);
	free(w->times);
	free(w->head.data);
	free(w->body.data);
	block_init(w);
}

static int
make_room(struct bit_writer *w, size_t bytes)
{
	size_t wanted = w->bits / 8 + bytes + SLACK;
	uint8_t *data;

	if (wanted <= w->size)
		return 0;
	wanted += wanted / 2;
	data = realloc(w->data, wanted);
	if (!data)
		return -ENOMEM;
	w->data = data;
	w->size = wanted;
	return 0;
}

static int
grow_times(struct block_times *t, uint32_t len)
{
	int64_t *time;

	if (len <= t->room)
		return 0;
	time = realloc(t->time, len * sizeof *time);
	if (!time)
		return -ENOMEM;
	t->time = time;
	t->room = len;
	return 0;
}

static int
grow_table(struct block_times **table, uint32_t *room, uint32_t len)
{
	uint32_t wanted = len + len / 2 + 4;
	struct block_times *t;

	if (len < *room)
		return 0;
	t = realloc(*table, wanted * sizeof *t);
	if (!t)
		return -ENOMEM;
	memset(&t[*room], 0, (wanted - *room) * sizeof *t);
	*table = t;
	*room = wanted;
	return 0;
}

void
block_begin(struct block_writer *w, int64_t base_ms)
{
	w->base_ms = base_ms;
	w->key = 0;
	w->columns = w->times_len = 0;
	w->head.bits = w->body.bits = 0;
	w->err = 0;
}

static bool
are_times(const struct block_times *t, const struct sample *sample, uint32_t n)
{
	if (t->len != n || t->time[0] != sample[0].time_ms ||
	    t->time[n - 1] != sample[n - 1].time_ms)
		return false;
	for (uint32_t i = 1; i + 1 < n; i++)
		if (t->time[i] != sample[i].time_ms)
			return false;
	return true;
}

static int
put_times(struct block_writer *w, const struct sample *sample, uint32_t n)
{
	struct pack_times state = { 0 };
	struct block_times *t;
	int err = grow_table(&w->times, &w->times_room, w->times_len);

	t = &w->times[w->times_len];
	if (!err)
		err = grow_times(t, n);
	if (!err)
		err = make_room(&w->head, (size_t)n * PACK_BITS_MAX / 8);
	if (err)
		return err;
	bits_put_number(&w->head, n - 1, K_SAMPLE);
	for (uint32_t i = 0; i < n; i++) {
		t->time[i] = sample[i].time_ms;
		pack_time(&state, &w->head, sample[i].time_ms - w->base_ms);
	}
	t->len = n;
	w->times_len++;
	return 0;
}

/* How many back, 1 is the newest and the likeliest; 0: these are new. */
static uint32_t
find_times(const struct block_writer *w, const struct sample *sample, uint32_t n)
{
	for (uint32_t i = w->times_len; i > 0; i--)
		if (are_times(&w->times[i - 1], sample, n))
			return w->times_len - i + 1;
	return 0;
}

/* 1, 0, 2, 3 and so on become 0, 1, 2, 3, and back. */
static uint32_t
swap_first(uint32_t back)
{
	return back < 2 ? 1 - back : back;
}

/* The length comes before the values, which are written behind it and moved to it. */
static int
put_values(struct block_writer *w, const struct sample *sample, uint32_t n)
{
	size_t most = (size_t)n * PACK_BITS_MAX / 8 + SLACK;
	struct pack_values state = { 0 };
	struct bit_writer values;
	struct bit_reader again;
	int err = make_room(&w->body, 2 * most);

	if (err)
		return err;
	values = (struct bit_writer){ .data = w->body.data + w->body.bits / 8 + SLACK,
		.size = most };
	for (uint32_t i = 0; i < n; i++)
		pack_value(&state, &values, sample[i].value);
	bits_put_number(&w->body, values.bits, K_BITS);
	again = (struct bit_reader){ .data = { values.data, values.size } };
	for (size_t left = values.bits; left;) {
		unsigned take = left < 56 ? (unsigned)left : 56;

		bits_put(&w->body, bits_get(&again, take), take);
		left -= take;
	}
	return 0;
}

void
block_put(struct block_writer *w, uint64_t key, const struct sample *sample, uint32_t n)
{
	uint32_t back = find_times(w, sample, n);

	if (w->err)
		return;
	w->err = make_room(&w->body, SLACK);
	if (!w->err && !back)
		w->err = put_times(w, sample, n);
	if (w->err)
		return;
	bits_put_number(&w->body, key - w->key, K_KEY);
	bits_put_number(&w->body, swap_first(back), 0);
	w->key = key;
	w->columns++;
	w->err = put_values(w, sample, n);
}

/* What reads it needs the numbers of both before the first. */
struct slice
block_end(struct block_writer *w)
{
	uint8_t memory[32];
	struct bit_writer first = { .data = memory, .size = sizeof memory };
	size_t head = (w->head.bits + 7) / 8, body = (w->body.bits + 7) / 8, n;

	bits_put(&first, VERSION, 8);
	bits_put_number(&first, w->columns, K_LEN);
	bits_put_number(&first, w->times_len, K_LEN);
	bits_put_number(&first, head, K_BITS);
	n = (first.bits + 7) / 8;
	if (!w->err)
		w->err = make_room(&w->head, n + body);
	if (w->err)
		return (struct slice){ 0 };
	memmove(w->head.data + n, w->head.data, head);
	memcpy(w->head.data, memory, n);
	if (body)
		memcpy(w->head.data + n + head, w->body.data, body);
	return (struct slice){ w->head.data, n + head + body };
}

/* --- reading -------------------------------------------------------------------------------- */

void
block_reader_init(struct block_reader *r)
{
	*r = (struct block_reader){ 0 };
}

void
block_reader_done(struct block_reader *r)
{
	for (uint32_t i = 0; i < r->times_room; i++)
		free(r->times[i].time);
	free(r->times);
	free(r->sample);
	block_reader_init(r);
}

static int
get_times(struct block_reader *r, struct bit_reader *in)
{
	struct pack_times state = { 0 };
	struct block_times *t;
	uint64_t n = bits_get_number(in, K_SAMPLE) + 1;
	int err = 0;

	if (in->failed || n > SAMPLES_MAX || n > 8 * in->data.len)
		return -EBADMSG;
	err = grow_table(&r->times, &r->times_room, r->times_len);
	if (err)
		return err;
	t = &r->times[r->times_len++];
	err = grow_times(t, (uint32_t)n);
	if (err)
		return err;
	for (uint32_t i = 0; i < n; i++)
		t->time[i] = r->base_ms + unpack_time(&state, in);
	t->len = (uint32_t)n;
	return in->failed ? -EBADMSG : 0;
}

int
block_open(struct block_reader *r, int64_t base_ms, struct slice data)
{
	struct bit_reader in = { .data = data };
	uint64_t version = bits_get(&in, 8), columns = bits_get_number(&in, K_LEN);
	uint64_t times = bits_get_number(&in, K_LEN), head = bits_get_number(&in, K_BITS);
	size_t at = (in.bits + 7) / 8;

	r->columns = r->times_len = 0;
	r->key = 0;
	r->err = 0;
	r->base_ms = base_ms;
	if (in.failed || version != VERSION || columns > COLUMNS_MAX || times > columns ||
	    head > data.len - at)
		return r->err = -EBADMSG;
	in = (struct bit_reader){ .data = { data.data + at, head } };
	for (uint64_t i = 0; i < times && !r->err; i++)
		r->err = get_times(r, &in);
	r->columns = r->err ? 0 : (uint32_t)columns;
	r->bits = (struct bit_reader){ .data = { data.data + at + head,
					   data.len - at - head } };
	r->end = 0;
	r->which = r->begun = 0;
	return r->err;
}

bool
block_next(struct block_reader *r)
{
	uint64_t back, bits;

	if (r->err || !r->columns)
		return false;
	r->bits.bits = r->end;
	r->key += bits_get_number(&r->bits, K_KEY);
	back = bits_get_number(&r->bits, 0);
	back = back < 2 ? 1 - back : back;
	bits = bits_get_number(&r->bits, K_BITS);
	r->begun += !back;
	if (r->bits.failed || r->begun > r->times_len || back > r->begun ||
	    bits > 8 * r->bits.data.len - r->bits.bits) {
		r->err = -EBADMSG;
		return false;
	}
	r->columns--;
	r->end = r->bits.bits + bits;
	r->which = r->begun - (back ? (uint32_t)back : 1);
	r->len = r->times[r->which].len;
	return true;
}

const int64_t *
block_times(const struct block_reader *r)
{
	return r->times[r->which].time;
}

const struct sample *
block_read(struct block_reader *r)
{
	struct pack_values state = { 0 };
	const int64_t *time = block_times(r);

	if (r->len > r->room) {
		struct sample *more = realloc(r->sample, r->len * sizeof *more);

		if (!more) {
			r->err = -ENOMEM;
			return NULL;
		}
		r->sample = more;
		r->room = r->len;
	}
	for (uint32_t i = 0; i < r->len; i++)
		r->sample[i] = (struct sample){ time[i], unpack_value(&state, &r->bits) };
	if (r->bits.failed || r->bits.bits > r->end) {
		r->err = -EBADMSG;
		return NULL;
	}
	return r->sample;
}
