/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/candidates_int.h"
#include "controller/migration.h"
#include <errno.h>
#include <string.h>

static size_t
hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h;
}

static struct load_entry *
find_entry(const struct loads *l, const char *node)
{
	size_t i = hash_name(node) & l->mask;

	while (l->entry[i].node && strcmp(l->entry[i].node, node))
		i = (i + 1) & l->mask;
	return &l->entry[i];
}

static void
add(struct loads *l, const char *node, const struct function *f, bool arriving)
{
	struct load_entry *e = find_entry(l, node);

	e->node = node;
	e->load.present += !arriving;
	e->load.arriving += arriving;
	e->load.cpus += f->cpus;
	e->load.memory_bytes += f->memory_bytes;
	e->load.storage_bytes += f->storage_bytes;
}

int
loads_init(struct loads *l, const struct placement *all, const struct placement *but)
{
	size_t size = 16;

	for (const struct placement *p = all; p; p = p->next)
		size += 4; /* host and target, at most half full */
	while (size & (size - 1))
		size += size & -size;
	l->mask = size - 1;
	l->entry = calloc(size, sizeof *l->entry);
	if (!l->entry)
		return -ENOMEM;
	for (const struct placement *p = all; p; p = p->next) {
		const char *target = p->migration ? migration_target(p->migration) : "";

		if (p == but || !p->function)
			continue;
		if (*p->node)
			add(l, p->node, p->function, false);
		if (*target && strcmp(target, p->node) != 0)
			add(l, target, p->function, true);
	}
	return 0;
}

void
loads_done(struct loads *l)
{
	free(l->entry);
}

struct load
loads_of(const struct loads *l, const char *node)
{
	return find_entry(l, node)->load;
}
