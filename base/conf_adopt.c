/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

static char *
print_one(const struct conf_option *o, const void *config)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	conf_print(o, 1, config, f);
	fclose(f);
	return text;
}

static bool
secrets_differ(const struct conf_option *o, const void *a, const void *b)
{
	const char *one = *(char *const *)((const uint8_t *)a + o->offset);
	const char *other = *(char *const *)((const uint8_t *)b + o->offset);

	return one && other ? strcmp(one, other) != 0 : one != other;
}

static bool
differs(const struct conf_option *o, const void *a, const void *b)
{
	if (o->type == CONF_SECRET) /* all of them look the same */
		return secrets_differ(o, a, b);
	CLEANUP(free_text) char *one = print_one(o, a), *other = print_one(o, b);

	return one && other && strcmp(one, other) != 0;
}

static size_t
size_of(enum conf_type type)
{
	switch (type) {
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_INT:
	case CONF_DURATION:
	case CONF_SIZE:
		return sizeof(int64_t);
	case CONF_REAL:
		return sizeof(double);
	case CONF_TEXT:
	case CONF_SECRET:
		return sizeof(char *);
	case CONF_CHOICE:
		return sizeof(int);
	case CONF_LIST:
		return sizeof(struct conf_list);
	case CONF_MAP:
		return sizeof(struct conf_map);
	case CONF_TREE:
		return sizeof(const struct yaml_node *);
	}
	return 0;
}

static void
swap(void *a, void *b, size_t len)
{
	uint8_t kept[sizeof(struct conf_map)];

	memcpy(kept, a, len);
	memcpy(a, b, len);
	memcpy(b, kept, len);
}

static bool
is_listed(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void
conf_adopt(const struct conf_option *table, size_t len, const char *const *adoptable,
    void *running, void *fresh, void (*needs_restart)(const char *option))
{
	for (const struct conf_option *o = table; o < table + len; o++) {
		if (!differs(o, running, fresh))
			continue;
		if (is_listed(adoptable, o->name))
			swap((uint8_t *)running + o->offset, (uint8_t *)fresh + o->offset,
			    size_of(o->type));
		else
			needs_restart(o->name);
	}
}
