/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series.h"
#include "metrics/intern.h"
#include "metrics/series_chunk.h"
#include <errno.h>

#define BUCKETS_START  16
#define BUCKET_LEN_MAX 4
#define HEAP_OVERHEAD  8 /* of an allocation */
#define CHUNKS_MIN     5 /* so many in a window: the next may be larger */
#define PAST_MAX       2 /* that wait to be used again */

struct series_set {
	struct series **bucket; /* by metric name; oldest first in each */
	uint32_t buckets, len;
	size_t bytes, bytes_max;
};

/* --- the set --------------------------------------------------------------------------- */

static uint32_t
hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u; /* FNV-1a */
	return h;
}

static struct series **
find_bucket(struct series_set *set, const char *metric)
{
	return &set->bucket[hash_name(metric) % set->buckets];
}

static bool
make_buckets(struct series_set *set, uint32_t buckets)
{
	size_t bytes = buckets * sizeof(struct series *) + HEAP_OVERHEAD;

	if (set->bytes_max - set->bytes < bytes)
		return false;
	set->bucket = calloc(buckets, sizeof(struct series *));
	if (!set->bucket)
		return false;
	set->buckets = buckets;
	set->bytes += bytes;
	return true;
}

int
series_set_new(size_t bytes_max, struct series_set **ret)
{
	CLEANUP(series_set_free) struct series_set *set = calloc(1, sizeof *set);

	if (!set)
		return -ENOMEM;
	set->bytes_max = bytes_max;
	if (!make_buckets(set, BUCKETS_START))
		return -ENOMEM;
	*ret = TAKE(set);
	return 0;
}

static void
free_chunk(struct series_set *set, struct series_chunk *c)
{
	set->bytes -= series_chunk_size(c) + HEAP_OVERHEAD;
	free(c);
}

static void
drop_chunks(struct series_set *set, struct series *s)
{
	struct series_chunk *c;

	while ((c = s->oldest)) {
		s->oldest = c->next;
		free_chunk(set, c);
	}
	s->newest = NULL;
	s->run = 0;
}

static void
remove_series(struct series_set *set, struct series **at)
{
	struct series *s = *at;

	*at = s->next;
	drop_chunks(set, s);
	set->len--;
	set->bytes -= sizeof *s + HEAP_OVERHEAD;
	intern_metric_done(s->metric);
	intern_labels_done(s->labels);
	free(s);
}

void
series_set_free(struct series_set *set)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < set->buckets; i++)
		while (set->bucket[i])
			remove_series(set, &set->bucket[i]);
	free(set->bucket);
	free(set);
}

/* Long chains cost time, but no room for a longer table is no reason to fail. */
static void
grow_buckets(struct series_set *set)
{
	struct series **old = set->bucket, *s;
	uint32_t len = set->buckets;

	if (set->len < BUCKET_LEN_MAX * len || !make_buckets(set, 2 * len)) {
		set->bucket = old;
		return;
	}
	set->bytes -= len * sizeof(struct series *) + HEAP_OVERHEAD;
	for (uint32_t i = 0; i < len; i++)
		while ((s = old[i])) {
			struct series **at = find_bucket(set, s->metric->name);

			while (*at)
				at = &(*at)->next;
			old[i] = s->next;
			s->next = NULL;
			*at = s;
		}
	free(old);
}

static struct series *
make_series(
    struct series_set *set, const struct metric *m, const struct metric_labels *labels)
{
	struct series *s;

	if (set->bytes_max - set->bytes < sizeof *s + HEAP_OVERHEAD)
		return NULL;
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->metric = intern_metric(m);
	s->labels = intern_labels(labels);
	if (!s->metric || !s->labels) {
		intern_metric_done(s->metric);
		intern_labels_done(s->labels);
		free(s);
		return NULL;
	}
	s->lost_ms = INT64_MIN;
	set->bytes += sizeof *s + HEAP_OVERHEAD;
	set->len++;
	return s;
}

static struct series *
find_series(
    struct series_set *set, const struct metric *m, const struct metric_labels *labels)
{
	struct series *s = *find_bucket(set, m->name);

	labels = intern_labels_find(labels);
	if (!labels)
		return NULL;
	while (s && (s->labels != labels || strcmp(s->metric->name, m->name) != 0))
		s = s->next;
	return s;
}

struct series *
series_ensure(
    struct series_set *set, const struct metric *m, const struct metric_labels *labels)
{
	static const struct metric_labels none;
	struct series **at, *s = find_series(set, m, labels ? labels : &none);

	if (s)
		return s;
	grow_buckets(set);
	for (at = find_bucket(set, m->name); *at; at = &(*at)->next)
		;
	*at = make_series(set, m, labels ? labels : &none);
	return *at;
}

static struct series *
find_metric(struct series *s, const char *metric)
{
	while (s && strcmp(s->metric->name, metric) != 0)
		s = s->next;
	return s;
}

struct series *
series_first(struct series_set *set, const char *metric)
{
	return find_metric(*find_bucket(set, metric), metric);
}

struct series *
series_next(struct series_set *set, struct series *s)
{
	(void)set;

	return find_metric(s->next, s->metric->name);
}

struct series *
series_walk(struct series_set *set, const struct series *s)
{
	uint32_t i = s ? hash_name(s->metric->name) % set->buckets + 1 : 0;

	if (s && s->next)
		return s->next;
	while (i < set->buckets && !set->bucket[i])
		i++;
	return i < set->buckets ? set->bucket[i] : NULL;
}

size_t
series_set_len(const struct series_set *set)
{
	return set->len;
}

size_t
series_set_bytes(const struct series_set *set)
{
	return set->bytes;
}

void
series_set_sweep(struct series_set *set, int64_t before_ms)
{
	for (uint32_t i = 0; i < set->buckets; i++) {
		struct series **at = &set->bucket[i];

		while (*at) {
			struct sample last;

			if (!series_last(*at, &last) || last.time_ms < before_ms)
				remove_series(set, at);
			else
				at = &(*at)->next;
		}
	}
}

/* --- appending ------------------------------------------------------------------------- */

void
series_set_window(struct series *s, int64_t window_ms)
{
	s->window_ms = window_ms < UINT32_MAX ? (uint32_t)window_ms : UINT32_MAX;
}

void
series_keep(struct series *s, int64_t window_ms)
{
	if (window_ms > s->window_ms)
		series_set_window(s, window_ms);
}

/* What lies exactly at the window's start stays: a window includes both its ends. */
static bool
is_past(const struct series *s, const struct series_chunk *c, int64_t now_ms)
{
	return c && c->next && c->next->first_ms <= now_ms - (int64_t)s->window_ms;
}

static struct series_chunk *
unlink_oldest(struct series *s)
{
	struct series_chunk *c = s->oldest;

	s->oldest = c->next;
	if (!s->oldest)
		s->newest = NULL;
	return c;
}

static unsigned
count_past(const struct series *s, int64_t now_ms)
{
	unsigned n = 0;

	for (const struct series_chunk *c = s->oldest; is_past(s, c, now_ms); c = c->next)
		n++;
	return n;
}

/* Some to a window, so that freeing whole ones keeps little that is past. */
static unsigned
choose_class(const struct series *s, unsigned past)
{
	unsigned chunks = 0;

	if (!s->newest)
		return 0;
	for (const struct series_chunk *c = s->oldest; c; c = c->next)
		chunks++;
	return s->newest->class +
	    (chunks - past >= CHUNKS_MIN && s->newest->class < SERIES_CLASSES - 1);
}

static struct series_chunk *
make_chunk(struct series_set *set, unsigned class)
{
	size_t bytes = series_class_size[class] + HEAP_OVERHEAD;
	struct series_chunk *c;

	if (set->bytes_max - set->bytes < bytes)
		return NULL;
	c = malloc(series_class_size[class]);
	if (!c)
		return NULL;
	c->class = (uint8_t) class;
	set->bytes += bytes;
	return c;
}

/* A chunk that is past is used again, so that steady sampling allocates nothing; when the pace has
 * slackened and there are several, one is given back. Where there is no memory the oldest history makes
 * room for the newest. */
static struct series_chunk *
obtain_chunk(struct series_set *set, struct series *s, int64_t now_ms)
{
	unsigned past = count_past(s, now_ms), class = choose_class(s, past);
	struct series_chunk *c = past > 0 ? unlink_oldest(s) : NULL;

	if (past > PAST_MAX)
		free_chunk(set, unlink_oldest(s));
	if (c && c->class >= class)
		return c;
	if (c)
		free_chunk(set, c);
	c = make_chunk(set, class);
	if (c || !s->oldest)
		return c;
	s->lost_ms = s->oldest->next ? s->oldest->next->first_ms - 1 : s->times.time;
	return unlink_oldest(s);
}

static int
begin_chunk(struct series_set *set, struct series *s, int64_t time_ms, double value)
{
	struct series_chunk *c = obtain_chunk(set, s, time_ms);

	if (!c)
		return -ENOMEM;
	series_chunk_begin(c, &s->values, &s->times, time_ms, value);
	if (s->newest)
		s->newest->next = c;
	else
		s->oldest = c;
	s->newest = c;
	s->run = 0;
	return 0;
}

/* Only the newest is wanted: it needs no chunk. */
static int
keep_newest(struct series_set *set, struct series *s, int64_t time_ms, double value)
{
	drop_chunks(set, s);
	pack_begin(&s->values, value);
	s->times = (struct pack_times){ .time = time_ms, .begun = true };
	return 0;
}

int
series_append(struct series_set *set, struct series *s, int64_t time_ms, double value)
{
	struct sample before;

	if (s->times.begun && time_ms <= s->times.time)
		return -EINVAL;
	if (s->window_ms == 0)
		return keep_newest(set, s, time_ms, value);
	if (!s->newest && series_last(s, &before) &&
	    begin_chunk(set, s, before.time_ms, before.value) < 0)
		return -ENOMEM;
	if (s->newest &&
	    series_chunk_append(
		s->newest, &s->values, &s->times, &s->run, time_ms, value))
		return 0;
	return begin_chunk(set, s, time_ms, value);
}

void
series_end(struct series_set *set, struct series *s, int64_t time_ms)
{
	static const uint64_t stale = SERIES_STALE_BITS;
	struct sample last;
	double value;

	memcpy(&value, &stale, sizeof value);
	if (series_last(s, &last) && !series_is_stale(last.value))
		(void)series_append(set, s, time_ms, value);
}
