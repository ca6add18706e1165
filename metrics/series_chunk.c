/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series_chunk.h"

/* With what the heap adds: 80, 128, 256, 512. */
const uint16_t series_class_size[SERIES_CLASSES] = { 72, 120, 248, 504 };

/* --- writing --------------------------------------------------------------------------- */

static size_t
data_size(const struct series_chunk *c)
{
	return series_chunk_size(c) - offsetof(struct series_chunk, data);
}

/* What the coder knows where a chunk begins, from its head alone. */
static void
begin_state(
    const struct series_chunk *c, struct pack_values *values, struct pack_times *times)
{
	*values =
	    (struct pack_values){ .cost = { c->cost[0], c->cost[1] }, .scale = c->scale };
	pack_begin(values, c->first);
	*times = (struct pack_times){ .time = c->first_ms,
		.delta = c->delta_ms,
		.cost = c->time_cost,
		.begun = true };
}

void
series_chunk_begin(struct series_chunk *c, struct pack_values *values,
    struct pack_times *times, int64_t time_ms, double value)
{
	c->next = NULL;
	c->first_ms = time_ms;
	c->first = value;
	c->len = 1;
	c->delta_ms =
	    times->delta > 0 && times->delta <= UINT32_MAX ? (uint32_t)times->delta : 0;
	c->bits = 0;
	memcpy(c->cost, values->cost, sizeof c->cost);
	c->time_cost = times->cost;
	c->scale = values->scale;
	begin_state(c, values, times);
}

bool
series_chunk_append(struct series_chunk *c, struct pack_values *values,
    struct pack_times *times, uint32_t *run, int64_t time_ms, double value)
{
	struct bit_writer w = { c->data, data_size(c), c->bits };
	struct pack_values next_value = *values;
	struct pack_times next_time = *times;

	if (time_ms - times->time == times->delta && pack_expected(values, value)) {
		times->time = time_ms;
		c->len++;
		++*run;
		return true;
	}
	bits_put_number(&w, *run, 0);
	pack_time(&next_time, &w, time_ms);
	pack_value(&next_value, &w, value);
	if (w.bits > 8 * w.size)
		return false;
	c->bits = (uint16_t)w.bits;
	c->len++;
	*run = 0;
	*values = next_value;
	*times = next_time;
	return true;
}

/* --- reading --------------------------------------------------------------------------- */

/* Goes through one chunk. */
struct walk {
	struct bit_reader r;
	struct pack_values values;
	struct pack_times times;
	uint32_t left, run; /* samples not met yet; of these just as expected */
	size_t bits;
	bool coded; /* one that was not expected follows the run */
	struct sample sample;
};

static void
begin_run(struct walk *w)
{
	w->coded = w->r.bits < w->bits;
	w->run = w->coded ? (uint32_t)bits_get_number(&w->r, 0) : w->left;
}

static void
begin_walk(struct walk *w, const struct series_chunk *c)
{
	w->r = (struct bit_reader){ { c->data, data_size(c) }, 0, false };
	w->bits = c->bits;
	w->left = c->len - 1;
	w->sample = (struct sample){ c->first_ms, c->first };
	begin_state(c, &w->values, &w->times);
	begin_run(w);
}

/* Steps over count samples of the run at once. */
static void
skip_run(struct walk *w, uint32_t count)
{
	w->run -= count;
	w->left -= count;
	w->times.time += w->times.delta * count;
	w->sample = (struct sample){ w->times.time, unpack_expected(&w->values, count) };
}

static bool
next_sample(struct walk *w)
{
	if (w->left == 0)
		return false;
	if (w->run > 0) {
		skip_run(w, 1);
		return true;
	}
	w->left--;
	w->sample.time_ms = unpack_time(&w->times, &w->r);
	w->sample.value = unpack_value(&w->values, &w->r);
	begin_run(w);
	return true;
}

/* To the first sample not before time_ms. */
static bool
walk_to(struct walk *w, int64_t time_ms)
{
	while (w->sample.time_ms < time_ms) {
		int64_t steps = w->times.delta > 0
		    ? (time_ms - 1 - w->sample.time_ms) / w->times.delta
		    : 0;

		if (w->run > 1 && steps > 1)
			skip_run(w, steps < w->run ? (uint32_t)steps : w->run);
		else if (!next_sample(w))
			return false;
	}
	return true;
}

static const struct series_chunk *
find_chunk(const struct series *s, int64_t time_ms)
{
	const struct series_chunk *c = s->oldest;

	while (c && c->next && c->next->first_ms <= time_ms)
		c = c->next;
	return c;
}

bool
series_last(const struct series *s, struct sample *ret)
{
	*ret = (struct sample){ s->times.time, pack_newest(&s->values) };
	return s->times.begun;
}

bool
series_newest_at(const struct series *s, int64_t at_ms, struct sample *ret)
{
	const struct series_chunk *c = find_chunk(s, at_ms);
	struct walk w;

	if (series_last(s, ret) && ret->time_ms <= at_ms)
		return true;
	if (!c || c->first_ms > at_ms)
		return false;
	begin_walk(&w, c);
	do
		*ret = w.sample;
	while (next_sample(&w) && w.sample.time_ms <= at_ms);
	return true;
}

int64_t
series_oldest_ms(const struct series *s)
{
	if (s->oldest)
		return s->oldest->first_ms;
	return s->times.begun ? s->times.time : INT64_MAX;
}

/* Where samples go while they are read. */
struct taker {
	int64_t from_ms, to_ms, step_ms;
	struct sample *dst; /* NULL: they are only counted */
	uint32_t len, max;
	int64_t bucket; /* of the newest taken */
	bool last_left; /* out, because its bucket had one */
	struct sample last;
};

static void
take_sample(struct taker *t, const struct sample *s)
{
	int64_t bucket = t->step_ms > 1 ? (s->time_ms - t->from_ms) / t->step_ms : 0;

	t->last_left = t->step_ms > 1 && t->len > 0 && bucket == t->bucket;
	t->last = *s;
	if (t->last_left)
		return;
	if (t->dst && t->len < t->max)
		t->dst[t->len] = *s;
	t->bucket = bucket;
	t->len++;
}

static void
take_chunk(struct taker *t, const struct series_chunk *c)
{
	struct walk w;

	begin_walk(&w, c);
	if (!walk_to(&w, t->from_ms))
		return;
	do {
		if (w.sample.time_ms > t->to_ms || (t->dst && t->len >= t->max))
			return;
		take_sample(t, &w.sample);
	} while (next_sample(&w));
}

static uint32_t
take_all(struct taker *t, const struct series *s)
{
	struct sample last;

	if (!s->oldest) {
		if (series_last(s, &last) && last.time_ms >= t->from_ms &&
		    last.time_ms <= t->to_ms)
			take_sample(t, &last);
		return t->len;
	}
	for (const struct series_chunk *c = find_chunk(s, t->from_ms);
	     c && c->first_ms <= t->to_ms; c = c->next)
		take_chunk(t, c);
	if (t->last_left && t->len < t->max)
		t->dst[t->len++] = t->last;
	return t->len < t->max ? t->len : t->max;
}

uint32_t
series_count(const struct series *s, int64_t from_ms, int64_t to_ms)
{
	struct taker t = { .from_ms = from_ms, .to_ms = to_ms, .max = UINT32_MAX };

	return take_all(&t, s);
}

uint32_t
series_read(const struct series *s, int64_t from_ms, int64_t to_ms, struct sample *dst,
    uint32_t max)
{
	return series_read_every(s, from_ms, to_ms, 1, dst, max);
}

uint32_t
series_read_every(const struct series *s, int64_t from_ms, int64_t to_ms, int64_t step_ms,
    struct sample *dst, uint32_t max)
{
	struct taker t = { .from_ms = from_ms,
		.to_ms = to_ms,
		.step_ms = step_ms,
		.dst = dst,
		.max = max };

	return max > 0 ? take_all(&t, s) : 0;
}
