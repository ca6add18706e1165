/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series.h"
#include "metrics/intern.h"
#include "metrics/series_data.h"
#include <errno.h>

#define BUCKETS_START  16
#define BUCKET_LEN_MAX 4
#define RESERVE_PARTS \
	16 /* of the bytes: one part stays free while history can be given up */
#define KEEP_PARTS    8 /* of the history kept: one part is given up at a time */
#define KEEP_LEAST_MS 60000

struct series_set {
	struct series **bucket; /* by metric name; oldest first in each */
	uint32_t buckets, len;
	struct series_room room;
	int64_t keep_ms; /* asked for; room.keep_ms: what the memory has allowed so far */
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

	if (set->room.bytes_max - set->room.bytes < bytes)
		return false;
	set->bucket = calloc(buckets, sizeof(struct series *));
	if (!set->bucket)
		return false;
	set->buckets = buckets;
	set->room.bytes += bytes;
	return true;
}

int
series_set_new(size_t bytes_max, struct series_set **ret)
{
	CLEANUP(series_set_free) struct series_set *set = calloc(1, sizeof *set);

	if (!set)
		return -ENOMEM;
	set->room.bytes_max = bytes_max;
	if (!make_buckets(set, BUCKETS_START))
		return -ENOMEM;
	*ret = TAKE(set);
	return 0;
}

static void
remove_series(struct series_set *set, struct series **at)
{
	struct series *s = *at;

	*at = s->next;
	set->len--;
	set->room.bytes -= sizeof *s + HEAP_OVERHEAD;
	series_data_done(s, &set->room);
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
	set->room.bytes -= len * sizeof(struct series *) + HEAP_OVERHEAD;
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

	if (set->room.bytes_max - set->room.bytes < sizeof *s + HEAP_OVERHEAD)
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
	set->room.bytes += sizeof *s + HEAP_OVERHEAD;
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
	return set->room.bytes;
}

static void
sweep_bucket(struct series_set *set, struct series **at, int64_t before_ms)
{
	while (*at) {
		struct sample last;

		if (!series_last(*at, &last) || last.time_ms < before_ms) {
			remove_series(set, at);
			continue;
		}
		series_data_spare(*at, &set->room);
		at = &(*at)->next;
	}
}

void
series_set_sweep(struct series_set *set, int64_t before_ms)
{
	struct series_room *room = &set->room;

	for (uint32_t i = 0; i < set->buckets; i++)
		sweep_bucket(set, &set->bucket[i], before_ms);
	if (room->keep_ms < set->keep_ms && room->bytes < room->bytes_max / 4 * 3)
		room->keep_ms = room->keep_ms + KEEP_LEAST_MS < set->keep_ms
		    ? room->keep_ms + KEEP_LEAST_MS
		    : set->keep_ms; /* there is room again */
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

/* A window that somebody needs is not touched; what is kept beyond is given up bit by bit, and of
 * all series alike. Done early, so that there is room for new series. */
static void
reclaim(struct series_set *set, int64_t now_ms)
{
	struct series_room *room = &set->room;

	room->keep_ms -= room->keep_ms / KEEP_PARTS;
	if (room->keep_ms < KEEP_LEAST_MS)
		room->keep_ms = 0;
	for (struct series *s = series_walk(set, NULL); s; s = series_walk(set, s))
		series_data_trim(s, room,
		    now_ms -
			(room->keep_ms > s->window_ms ? room->keep_ms : s->window_ms));
}

static bool
is_nearly_full(const struct series_set *set)
{
	return set->room.bytes_max - set->room.bytes <
	    set->room.bytes_max / RESERVE_PARTS;
}

void
series_set_keep(struct series_set *set, int64_t keep_ms)
{
	set->keep_ms = set->room.keep_ms = keep_ms;
}

int64_t
series_set_kept(const struct series_set *set)
{
	return set->room.keep_ms;
}

int
series_append(struct series_set *set, struct series *s, int64_t time_ms, double value)
{
	if (s->len > 0 && time_ms <= s->times.time)
		return -EINVAL;
	series_data_append(s, &set->room, time_ms, value);
	if (set->room.keep_ms > 0 && is_nearly_full(set))
		reclaim(set, time_ms);
	return 0;
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
