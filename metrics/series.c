/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series.h"
#include <errno.h>
#include <string.h>

#define BUCKETS	   128
#define RING_START 4
#define RING_MAX   (1U << 17) /* above what an expression may read (S-22) */

struct series_set {
	struct series *bucket[BUCKETS]; /* by metric name; oldest first in each */
	size_t bytes, bytes_max, len;
};

static uint32_t
hash_text(uint32_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u; /* FNV-1a */
	return (h ^ 0xff) * 16777619u;
}

static uint32_t
hash_labels(const struct metric_labels *l)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < l->len; i++)
		h = hash_text(hash_text(h, l->pair[i].name), l->pair[i].value);
	return h;
}

static struct series **
find_bucket(struct series_set *set, const char *metric)
{
	return &set->bucket[hash_text(2166136261u, metric) % BUCKETS];
}

int
series_set_new(size_t bytes_max, struct series_set **ret)
{
	CLEANUP(series_set_free) struct series_set *set = calloc(1, sizeof *set);

	if (!set)
		return -ENOMEM;
	set->bytes_max = bytes_max;
	*ret = TAKE(set);
	return 0;
}

static void
remove_series(struct series_set *set, struct series **at)
{
	struct series *s = *at;

	*at = s->next;
	set->len--;
	set->bytes -= sizeof *s + s->size * sizeof *s->ring;
	free(s->ring);
	free(s);
}

void
series_set_free(struct series_set *set)
{
	if (!set)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (set->bucket[i])
			remove_series(set, &set->bucket[i]);
	free(set);
}

static struct series *
make_series(struct series_set *set, const struct metric *m,
    const struct metric_labels *labels, uint32_t hash)
{
	struct series *s;

	if (set->bytes_max - set->bytes < sizeof *s + RING_START * sizeof *s->ring)
		return NULL;
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->metric = m;
	s->labels = *labels;
	s->labels_hash = hash;
	s->lost_ms = INT64_MIN;
	set->bytes += sizeof *s;
	set->len++;
	return s;
}

struct series *
series_ensure(
    struct series_set *set, const struct metric *m, const struct metric_labels *labels)
{
	static const struct metric_labels none;
	struct series **at = find_bucket(set, m->name);
	uint32_t hash = hash_labels(labels ? labels : &none);

	for (; *at; at = &(*at)->next)
		if ((*at)->labels_hash == hash &&
		    metric_labels_equal(&(*at)->labels, labels ? labels : &none) &&
		    strcmp((*at)->metric->name, m->name) == 0)
			return *at;
	*at = make_series(set, m, labels ? labels : &none, hash);
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

void
series_keep(struct series *s, int64_t window_ms)
{
	if (window_ms > s->window_ms)
		s->window_ms = window_ms;
}

const struct sample *
series_at(const struct series *s, uint32_t i)
{
	return &s->ring[(s->first + i) % s->size];
}

const struct sample *
series_last(const struct series *s)
{
	return s->len > 0 ? series_at(s, s->len - 1) : NULL;
}

/* As many as the window will hold at the present pace, but at most twice what there is: a
 * ring that has grown to its window grows no more, and steady sampling allocates nothing. */
static uint32_t
wanted_size(const struct series *s)
{
	int64_t span, need;

	if (s->len < 2)
		return RING_START;
	span = series_last(s)->time_ms - series_at(s, 0)->time_ms;
	need = s->window_ms / (span / (s->len - 1) + 1) + 4;
	need += need / 16;
	if (need < s->size + s->size / 4 + 1)
		need = s->size + s->size / 4 + 1;
	return (uint32_t)(need < 2 * (int64_t)s->size ? need : 2 * (int64_t)s->size);
}

static bool
grow_ring(struct series_set *set, struct series *s)
{
	uint32_t size = wanted_size(s);
	size_t more = (size - s->size) * sizeof *s->ring;
	struct sample *ring;

	if (size > RING_MAX || set->bytes_max - set->bytes < more)
		return false;
	ring = malloc(size * sizeof *ring);
	if (!ring)
		return false;
	for (uint32_t i = 0; i < s->len; i++)
		ring[i] = *series_at(s, i);
	free(s->ring);
	s->ring = ring;
	s->size = size;
	s->first = 0;
	set->bytes += more;
	return true;
}

static void
drop_first(struct series *s)
{
	s->first = (s->first + 1) % s->size;
	s->len--;
}

/* What lies exactly at the window's start stays: a window includes both its ends. */
static void
drop_old(struct series *s, int64_t now_ms)
{
	while (s->len > 0 && series_at(s, 0)->time_ms < now_ms - s->window_ms)
		drop_first(s);
}

int
series_append(struct series_set *set, struct series *s, int64_t time_ms, double value)
{
	if (s->len > 0 && time_ms <= series_last(s)->time_ms)
		return -EINVAL;
	if (s->size > 0)
		drop_old(s, time_ms);
	if (s->len == s->size && !grow_ring(set, s)) {
		if (s->size == 0)
			return -ENOMEM;
		s->lost_ms = series_at(s, 0)->time_ms;
		drop_first(s);
	}
	s->ring[(s->first + s->len) % s->size] = (struct sample){ time_ms, value };
	s->len++;
	return 0;
}

void
series_end(struct series_set *set, struct series *s, int64_t time_ms)
{
	static const uint64_t stale = 0x7ff0000000000002;
	const struct sample *last = series_last(s);
	double value;

	memcpy(&value, &stale, sizeof value);
	if (last && !series_is_stale(last->value))
		(void)series_append(set, s, time_ms, value);
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
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct series **at = &set->bucket[i];

		while (*at) {
			const struct sample *last = series_last(*at);

			if (!last || last->time_ms < before_ms)
				remove_series(set, at);
			else
				at = &(*at)->next;
		}
	}
}
