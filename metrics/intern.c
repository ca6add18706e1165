/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/intern.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS_START 32

struct entry {
	struct entry *next;
	uint32_t hash, users;
};
struct metric_entry {
	struct entry entry;
	struct metric metric;
	char text[]; /* name, unit, help */
};
struct labels_entry {
	struct entry entry;
	struct metric_labels labels;
};
/* Gone when the last entry is. */
struct table {
	struct entry **bucket;
	uint32_t buckets, len;
};

static struct table metrics, labels;

static uint32_t
hash_text(uint32_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u; /* FNV-1a */
	return (h ^ 0xff) * 16777619u;
}

static bool
grow_table(struct table *t)
{
	uint32_t buckets = t->buckets ? 2 * t->buckets : BUCKETS_START;
	struct entry **bucket, *e;

	if (t->len < 2 * t->buckets)
		return true;
	bucket = calloc(buckets, sizeof(struct entry *));
	if (!bucket)
		return t->buckets > 0;
	for (uint32_t i = 0; i < t->buckets; i++)
		while ((e = t->bucket[i])) {
			t->bucket[i] = e->next;
			e->next = bucket[e->hash % buckets];
			bucket[e->hash % buckets] = e;
		}
	free(t->bucket);
	t->bucket = bucket;
	t->buckets = buckets;
	return true;
}

static struct entry *
first_entry(const struct table *t, uint32_t hash)
{
	return t->buckets ? t->bucket[hash % t->buckets] : NULL;
}

static void
insert_entry(struct table *t, struct entry *e, uint32_t hash)
{
	e->hash = hash;
	e->users = 1;
	e->next = t->bucket[hash % t->buckets];
	t->bucket[hash % t->buckets] = e;
	t->len++;
}

static void
release_entry(struct table *t, struct entry *e)
{
	struct entry **at = &t->bucket[e->hash % t->buckets];

	if (--e->users > 0)
		return;
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	free(e);
	if (--t->len > 0)
		return;
	free(t->bucket);
	*t = (struct table){ 0 };
}

/* --- metrics --------------------------------------------------------------------------- */

static bool
same_metric(const struct metric *a, const struct metric *b)
{
	return a->type == b->type && strcmp(a->name, b->name) == 0 &&
	    strcmp(a->unit, b->unit) == 0 && strcmp(a->help, b->help) == 0;
}

static const char *
copy_part(char **at, const char *text)
{
	char *copy = *at;

	*at = stpcpy(copy, text) + 1;
	return copy;
}

static struct metric_entry *
make_metric(const struct metric *m)
{
	struct metric_entry *e =
	    malloc(sizeof *e + strlen(m->name) + strlen(m->unit) + strlen(m->help) + 3);
	char *at;

	if (!e)
		return NULL;
	at = e->text;
	e->metric.name = copy_part(&at, m->name);
	e->metric.unit = copy_part(&at, m->unit);
	e->metric.help = copy_part(&at, m->help);
	e->metric.type = m->type;
	return e;
}

const struct metric *
intern_metric(const struct metric *m)
{
	uint32_t hash = hash_text(2166136261u, m->name);
	struct metric_entry *made;

	for (struct entry *e = first_entry(&metrics, hash); e; e = e->next) {
		struct metric_entry *known = container_of(e, struct metric_entry, entry);

		if (e->hash == hash && same_metric(&known->metric, m)) {
			e->users++;
			return &known->metric;
		}
	}
	made = make_metric(m);
	if (!made || !grow_table(&metrics)) {
		free(made);
		return NULL;
	}
	insert_entry(&metrics, &made->entry, hash);
	return &made->metric;
}

void
intern_metric_done(const struct metric *m)
{
	if (m)
		release_entry(
		    &metrics, &container_of(m, struct metric_entry, metric)->entry);
}

/* --- labels ---------------------------------------------------------------------------- */

static uint32_t
hash_labels(const struct metric_labels *l)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < l->len; i++)
		h = hash_text(hash_text(h, l->pair[i].name), l->pair[i].value);
	return h;
}

static struct labels_entry *
find_labels(const struct metric_labels *l, uint32_t hash)
{
	for (struct entry *e = first_entry(&labels, hash); e; e = e->next) {
		struct labels_entry *known = container_of(e, struct labels_entry, entry);

		if (e->hash == hash && metric_labels_equal(&known->labels, l))
			return known;
	}
	return NULL;
}

const struct metric_labels *
intern_labels_find(const struct metric_labels *l)
{
	struct labels_entry *known = find_labels(l, hash_labels(l));

	return known ? &known->labels : NULL;
}

const struct metric_labels *
intern_labels(const struct metric_labels *l)
{
	uint32_t hash = hash_labels(l);
	struct labels_entry *e = find_labels(l, hash);

	if (e) {
		e->entry.users++;
		return &e->labels;
	}
	e = malloc(sizeof *e);
	if (!e || !grow_table(&labels)) {
		free(e);
		return NULL;
	}
	e->labels = *l;
	insert_entry(&labels, &e->entry, hash);
	return &e->labels;
}

void
intern_labels_done(const struct metric_labels *l)
{
	if (l)
		release_entry(
		    &labels, &container_of(l, struct labels_entry, labels)->entry);
}
