/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/idmap.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define CHAINS 1024

struct entry {
	struct fog_id id;
	void *value;
	struct entry *next;
};
struct idmap {
	struct entry *chain[CHAINS];
};

int
idmap_new(struct idmap **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret ? 0 : -ENOMEM;
}

void
idmap_free(struct idmap *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < CHAINS; i++)
		for (struct entry *e = m->chain[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(m);
}

static struct entry **
find(const struct idmap *m, const struct fog_id *id)
{
	size_t hash = (id->bytes[0] | id->bytes[1] << 8) % CHAINS;
	struct entry **e = (struct entry **)&m->chain[hash];

	while (*e && memcmp((*e)->id.bytes, id->bytes, sizeof id->bytes))
		e = &(*e)->next;
	return e;
}

void *
idmap_get(const struct idmap *m, const struct fog_id *id)
{
	struct entry *e = *find(m, id);

	return e ? e->value : NULL;
}

int
idmap_put(struct idmap *m, const struct fog_id *id, void *value)
{
	struct entry **e = find(m, id);

	if (!*e) {
		*e = calloc(1, sizeof **e);
		if (!*e)
			return -ENOMEM;
		(*e)->id = *id;
	}
	(*e)->value = value;
	return 0;
}

void *
idmap_remove(struct idmap *m, const struct fog_id *id)
{
	struct entry **e = find(m, id), *gone = *e;
	void *value;

	if (!gone)
		return NULL;
	value = gone->value;
	*e = gone->next;
	free(gone);
	return value;
}

void
idmap_each(struct idmap *m, void (*f)(void *arg, void *value), void *arg)
{
	for (size_t i = 0; i < CHAINS; i++)
		for (struct entry *e = m->chain[i], *next; e; e = next) {
			next = e->next;
			f(arg, e->value);
		}
}
