/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series_data.h"
#include <stdlib.h>

#define SIZE_START 24
#define SIZE_MAX_  (256u << 20) /* bits are counted in 32 bits */
#define MARK_BITS  4096		/* between two */
#define MARKS_MAX  UINT16_MAX

/* --- stepping -------------------------------------------------------------------------- */

static struct bit_reader
reader_at(const struct series *s, uint32_t bit)
{
	return (struct bit_reader){ { s->data, s->size }, bit, false };
}

/* Over count samples that were just as expected. */
static void
step_expected(struct series_cursor *c, uint32_t count)
{
	c->taken += count;
	c->times.time += c->times.delta * count;
	(void)unpack_expected(&c->values, count);
}

static void
step_coded(struct series_cursor *c, struct bit_reader *r)
{
	(void)unpack_time(&c->times, r);
	(void)unpack_value(&c->values, r);
	c->bit = (uint32_t)r->bits;
	c->taken = 0;
}

/* To the next sample, which there is. */
static void
step(const struct series *s, struct series_cursor *c)
{
	struct bit_reader r = reader_at(s, c->bit);

	if (c->bit == s->bits || c->taken < bits_get_number(&r, 0))
		step_expected(c, 1);
	else
		step_coded(c, &r);
}

/* --- room ------------------------------------------------------------------------------ */

static void
drop_marks_before(struct series *s, int64_t time_ms)
{
	uint16_t n = 0;

	while (n < s->marks && s->mark[n].times.time < time_ms)
		n++;
	s->marks = (uint16_t)(s->marks - n);
	if (n > 0)
		memmove(s->mark, s->mark + n, s->marks * sizeof *s->mark);
}

static void
drop_oldest(struct series *s)
{
	if (--s->len > 0)
		step(s, &s->oldest);
}

/* What lies exactly at the window's start stays: a window includes both its ends. */
static void
drop_before(struct series *s, int64_t time_ms)
{
	while (s->len > 0 && s->oldest.times.time < time_ms)
		drop_oldest(s);
}

static void
compact(struct series *s)
{
	uint32_t bytes = s->oldest.bit / 8;

	memmove(s->data, s->data + bytes, (s->bits + 7) / 8 - bytes);
	drop_marks_before(s, s->oldest.times.time);
	for (uint16_t i = 0; i < s->marks; i++)
		s->mark[i].bit -= 8 * bytes;
	s->oldest.bit -= 8 * bytes;
	s->bits -= 8 * bytes;
}

static bool
resize(struct series *s, struct series_room *room, uint32_t size)
{
	size_t more = size - s->size + (s->size ? 0 : HEAP_OVERHEAD);
	uint8_t *data;

	if (size > SIZE_MAX_ || room->bytes_max - room->bytes < more)
		return false;
	data = realloc(s->data, size);
	if (!data)
		return false;
	s->data = data;
	s->size = size;
	room->bytes += more;
	return true;
}

/* Room that is past is used again once it is a sixteenth, so that a series that has grown to its window
 * grows no more, and steady sampling allocates nothing. */
static bool
make_room(struct series *s, struct series_room *room)
{
	uint32_t least = s->size / 16 + 1;

	if (s->oldest.bit / 8 >= least) {
		compact(s);
		return true;
	}
	if (resize(s, room, s->size ? s->size + s->size / 8 + 8 : SIZE_START))
		return true;
	while (s->len > 0 && s->oldest.bit / 8 < least) {
		s->lost_ms = s->oldest.times.time;
		drop_oldest(s);
	}
	if (s->len == 0)
		return false;
	compact(s);
	return true;
}

static void
give_back(struct series *s, struct series_room *room)
{
	if (s->data)
		room->bytes -= s->size + HEAP_OVERHEAD;
	if (s->mark)
		room->bytes -= s->marks_room * sizeof *s->mark + HEAP_OVERHEAD;
	free(s->data);
	free(s->mark);
	s->data = NULL;
	s->mark = NULL;
	s->size = s->marks = s->marks_room = 0;
}

void
series_data_done(struct series *s, struct series_room *room)
{
	give_back(s, room);
	s->len = 0;
}

static void
shrink(struct series *s, struct series_room *room)
{
	uint32_t size;
	uint8_t *data;

	compact(s);
	size = (s->bits + 7) / 8 + SIZE_START;
	data = size < s->size ? realloc(s->data, size) : NULL;
	if (!data)
		return;
	room->bytes -= s->size - size;
	s->data = data;
	s->size = size;
}

void
series_data_trim(struct series *s, struct series_room *room, int64_t time_ms)
{
	drop_before(s, time_ms);
	if (s->len == 0)
		give_back(s, room);
	else if (s->data)
		shrink(s, room);
}

void
series_data_spare(struct series *s, struct series_room *room)
{
	if (s->data && (s->bits - s->oldest.bit) / 8 + SIZE_START < s->size / 2)
		shrink(s, room);
}

/* --- appending ------------------------------------------------------------------------- */

static bool
make_mark_room(struct series *s, struct series_room *set)
{
	unsigned room = s->marks_room ? 2u * s->marks_room : 2;
	size_t more = (room - s->marks_room) * sizeof *s->mark +
	    (s->marks_room ? 0 : HEAP_OVERHEAD);
	struct series_cursor *mark;

	if (room > MARKS_MAX || set->bytes_max - set->bytes < more)
		return false;
	mark = realloc(s->mark, room * sizeof *mark);
	if (!mark)
		return false;
	s->mark = mark;
	s->marks_room = (uint16_t)room;
	set->bytes += more;
	return true;
}

/* Reading works without marks, only longer: no memory is no error. */
static void
set_mark(struct series *s, struct series_room *room)
{
	uint32_t before = s->marks ? s->mark[s->marks - 1].bit : s->oldest.bit;

	if (s->bits - before < MARK_BITS)
		return;
	if (s->marks == s->marks_room)
		drop_marks_before(s, s->oldest.times.time);
	if (s->marks == s->marks_room && !make_mark_room(s, room))
		return;
	s->mark[s->marks++] = (struct series_cursor){ s->values, s->times, s->bits, 0 };
}

/* With one sample that needs no data: its value and what was learnt stand in the cursors. */
static void
begin_anew(struct series *s, int64_t time_ms, double value)
{
	pack_begin(&s->values, value);
	s->times.time = time_ms;
	s->times.begun = true;
	s->bits = s->run = s->marks = 0;
	s->oldest = (struct series_cursor){ s->values, s->times, 0, 0 };
	s->len = 1;
}

static bool
append_expected(struct series *s, int64_t time_ms, double value)
{
	if (time_ms - s->times.time != s->times.delta || s->run == UINT32_MAX ||
	    !pack_expected(&s->values, value))
		return false;
	s->times.time = time_ms;
	s->run++;
	return true;
}

static bool
append_coded(struct series *s, int64_t time_ms, double value)
{
	struct bit_writer w = { s->data, s->size, s->bits };
	struct pack_values values = s->values;
	struct pack_times times = s->times;

	bits_put_number(&w, s->run, 0);
	pack_time(&times, &w, time_ms);
	pack_value(&values, &w, value);
	if (w.bits > 8 * w.size)
		return false;
	s->values = values;
	s->times = times;
	s->bits = (uint32_t)w.bits;
	s->run = 0;
	return true;
}

void
series_data_append(
    struct series *s, struct series_room *room, int64_t time_ms, double value)
{
	int64_t kept_ms = room->keep_ms > s->window_ms ? room->keep_ms : s->window_ms;

	drop_before(s, time_ms - kept_ms);
	if (s->len == 0) {
		if (kept_ms == 0)
			give_back(s, room);
		begin_anew(s, time_ms, value);
		return;
	}
	if (append_expected(s, time_ms, value)) {
		s->len++;
		return;
	}
	while (!append_coded(s, time_ms, value))
		if (!make_room(s, room)) {
			begin_anew(s, time_ms, value);
			return;
		}
	s->len++;
	set_mark(s, room);
}

/* --- reading --------------------------------------------------------------------------- */

static struct sample
sample_at(const struct series_cursor *c)
{
	return (struct sample){ c->times.time, pack_newest(&c->values) };
}

/* Goes from a cursor on to the newest. */
struct walk {
	const struct series *series;
	struct series_cursor at;
	struct bit_reader r; /* behind the length of the run that it is in */
	uint32_t run;	     /* samples just as expected before the next coded one */
};

static void
begin_run(struct walk *w)
{
	w->r = reader_at(w->series, w->at.bit);
	w->run = w->at.bit == w->series->bits ? w->series->run
					      : (uint32_t)bits_get_number(&w->r, 0);
	w->run -= w->at.taken;
}

/* From the last mark that is not after time_ms. */
static struct walk
begin_walk(const struct series *s, int64_t time_ms)
{
	struct walk w = { .series = s, .at = s->oldest };

	for (uint16_t i = s->marks; i-- > 0;)
		if (s->mark[i].times.time <= time_ms) {
			if (s->mark[i].times.time > s->oldest.times.time)
				w.at = s->mark[i];
			break;
		}
	begin_run(&w);
	return w;
}

static bool
walk_on(struct walk *w)
{
	if (w->run > 0) {
		step_expected(&w->at, 1);
		w->run--;
		return true;
	}
	if (w->at.bit == w->series->bits)
		return false;
	step_coded(&w->at, &w->r);
	begin_run(w);
	return true;
}

/* To the first sample not before time_ms. */
static bool
walk_to(struct walk *w, int64_t time_ms)
{
	while (w->at.times.time < time_ms) {
		int64_t steps =
		    w->run > 1 ? (time_ms - 1 - w->at.times.time) / w->at.times.delta : 0;
		uint32_t count = steps < w->run ? (uint32_t)steps : w->run;

		if (count > 1) {
			step_expected(&w->at, count);
			w->run -= count;
		} else if (!walk_on(w)) {
			return false;
		}
	}
	return true;
}

bool
series_last(const struct series *s, struct sample *ret)
{
	*ret = (struct sample){ s->times.time, pack_newest(&s->values) };
	return s->len > 0;
}

int64_t
series_oldest_ms(const struct series *s)
{
	return s->len > 0 ? s->oldest.times.time : INT64_MAX;
}

bool
series_newest_at(const struct series *s, int64_t at_ms, struct sample *ret)
{
	struct walk w;

	if (series_last(s, ret) && ret->time_ms <= at_ms)
		return true;
	if (series_oldest_ms(s) > at_ms || s->len == 0)
		return false;
	w = begin_walk(s, at_ms);
	do
		*ret = sample_at(&w.at);
	while (walk_on(&w) && w.at.times.time <= at_ms);
	return true;
}

uint32_t
series_count(const struct series *s, int64_t from_ms, int64_t to_ms)
{
	uint32_t n = 0;
	struct walk w;

	if (s->len == 0)
		return 0;
	w = begin_walk(s, from_ms);
	if (walk_to(&w, from_ms) && w.at.times.time <= to_ms)
		do
			n++;
		while (walk_on(&w) && w.at.times.time <= to_ms);
	return n;
}

uint32_t
series_read(const struct series *s, int64_t from_ms, int64_t to_ms, struct sample *dst,
    uint32_t max)
{
	uint32_t n = 0;
	struct walk w;

	if (s->len == 0 || max == 0)
		return 0;
	w = begin_walk(s, from_ms);
	if (walk_to(&w, from_ms))
		while (n < max && w.at.times.time <= to_ms) {
			dst[n++] = sample_at(&w.at);
			if (!walk_on(&w))
				break;
		}
	return n;
}

uint32_t
series_read_every(const struct series *s, int64_t from_ms, int64_t to_ms, int64_t step_ms,
    struct sample *dst, uint32_t max)
{
	int64_t next_ms = from_ms;
	uint32_t n = 0;
	struct sample last = { .time_ms = INT64_MIN };
	struct walk w;

	if (s->len == 0 || max == 0)
		return 0;
	w = begin_walk(s, from_ms);
	if (!walk_to(&w, from_ms))
		return 0;
	while (n < max && w.at.times.time <= to_ms) {
		last = sample_at(&w.at);
		if (last.time_ms >= next_ms) {
			dst[n++] = last;
			next_ms =
			    from_ms + ((last.time_ms - from_ms) / step_ms + 1) * step_ms;
		}
		if (!walk_on(&w))
			break;
	}
	if (n > 0 && n < max && last.time_ms > dst[n - 1].time_ms)
		dst[n++] = last;
	return n;
}
