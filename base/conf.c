/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/conf_text.h"
#include "base/nearest.h"

#define PATH_MAX_BYTES 512
#define DEPTH_MAX      17 /* of a YAML tree, and the root */

struct loading {
	const struct conf_option *table;
	size_t len;
	struct complaints *c;
	uint8_t *config;
};

static void *
member(const struct loading *l, const struct conf_option *o)
{
	return l->config + o->offset;
}

/* --- values --------------------------------------------------------------------------- */
static void
free_list(struct conf_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct conf_list){ 0 };
}

static void
free_map(struct conf_map *map)
{
	for (size_t i = 0; i < map->len; i++) {
		free(map->key[i]);
		free(map->value[i]);
	}
	free(map->key);
	free(map->value);
	*map = (struct conf_map){ 0 };
}

static void
clear_value(enum conf_type type, void *value)
{
	switch (type) {
	case CONF_BOOL:
		*(bool *)value = false;
		return;
	case CONF_INT:
	case CONF_DURATION:
	case CONF_SIZE:
		*(int64_t *)value = 0;
		return;
	case CONF_REAL:
		*(double *)value = 0;
		return;
	case CONF_CHOICE:
		*(int *)value = 0;
		return;
	case CONF_TEXT:
	case CONF_SECRET:
		*(char **)value = NULL;
		return;
	case CONF_LIST:
		*(struct conf_list *)value = (struct conf_list){ 0 };
		return;
	case CONF_MAP:
		*(struct conf_map *)value = (struct conf_map){ 0 };
		return;
	case CONF_TREE:
		*(const struct yaml_node **)value = NULL;
		return;
	}
}

static void
free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void
free_value(enum conf_type type, void *value)
{
	if (type == CONF_TEXT)
		free(*(char **)value);
	else if (type == CONF_SECRET)
		free_secret(*(char **)value);
	else if (type == CONF_LIST)
		free_list(value);
	else if (type == CONF_MAP)
		free_map(value);
	clear_value(type, value);
}

static bool
take_copy(const struct yaml_node *n, const char *text, struct complaints *c, char **ret)
{
	*ret = strdup(text);
	if (!*ret)
		yaml_complain(c, n, "no memory");
	return *ret != NULL;
}

static bool
take_text(const struct yaml_node *n, struct complaints *c, char **ret)
{
	if (n->kind != YAML_SCALAR) {
		yaml_complain(c, n, "must be a single text");
		return false;
	}
	return take_copy(n, n->text, c, ret);
}

static bool
take_choice(
    const struct yaml_node *n, struct complaints *c, const char *const *choices, int *ret)
{
	char known[256];
	struct buf b;

	if (n->kind == YAML_SCALAR)
		for (int i = 0; choices[i]; i++)
			if (!strcmp(n->text, choices[i])) {
				*ret = i;
				return true;
			}
	buf_init_fixed(&b, known, sizeof known - 1);
	for (int i = 0; choices[i]; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", choices[i]);
	known[b.pos] = '\0';
	yaml_complain(c, n, "must be one of: %s", known);
	return false;
}

static size_t
count_children(const struct yaml_node *n)
{
	size_t count = 0;

	YAML_EACH(child, n)
	count++;
	return count;
}

static bool
take_item(const struct yaml_node *n, struct complaints *c, char **ret)
{
	if (n->kind != YAML_SCALAR || yaml_is_null(n)) {
		yaml_complain(c, n, "must be a single value");
		return false;
	}
	return take_copy(n, n->text, c, ret);
}

static bool
take_list(const struct yaml_node *n, struct complaints *c, struct conf_list *ret)
{
	bool ok = true;

	if (n->kind != YAML_SEQUENCE) {
		yaml_complain(c, n, "must be a list");
		return false;
	}
	ret->item = calloc(count_children(n) + 1, sizeof *ret->item);
	if (!ret->item) {
		yaml_complain(c, n, "no memory");
		return false;
	}
	YAML_EACH(child, n)
	if (take_item(child, c, &ret->item[ret->len]))
		ret->len++;
	else
		ok = false;
	return ok;
}

static bool
take_pair(const struct yaml_node *n, struct complaints *c, struct conf_map *ret)
{
	if (!take_copy(n, n->key, c, &ret->key[ret->len]))
		return false;
	if (!take_item(n, c, &ret->value[ret->len])) {
		free(TAKE(ret->key[ret->len]));
		return false;
	}
	ret->len++;
	return true;
}

static bool
take_map(const struct yaml_node *n, struct complaints *c, struct conf_map *ret)
{
	size_t count = count_children(n);
	bool ok = true;

	if (n->kind != YAML_MAPPING) {
		yaml_complain(c, n, "must be a mapping of names to values");
		return false;
	}
	ret->key = calloc(count + 1, sizeof *ret->key);
	ret->value = calloc(count + 1, sizeof *ret->value);
	if (!ret->key || !ret->value) {
		yaml_complain(c, n, "no memory");
		return false;
	}
	YAML_EACH(child, n)
	if (!take_pair(child, c, ret))
		ok = false;
	return ok;
}

/* --- bounds --------------------------------------------------------------------------- */
static double
as_number(enum conf_type type, const void *value)
{
	return type == CONF_REAL ? *(const double *)value
				 : (double)*(const int64_t *)value;
}

static void
put_number(struct buf *out, enum conf_type type, double v)
{
	if (type == CONF_DURATION)
		conf_put_duration(out, (int64_t)v);
	else if (type == CONF_SIZE)
		conf_put_size(out, (int64_t)v);
	else
		conf_put_real(out, v);
}

static void
check_bounds(
    const struct loading *l, const struct conf_option *o, const struct yaml_node *n)
{
	double v = as_number(o->type, member(l, o));
	char bound[64] = "";
	struct buf b;

	if ((o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max))
		return;
	buf_init_fixed(&b, bound, sizeof bound - 1);
	put_number(&b, o->type, v < o->min ? o->min : o->max);
	yaml_complain(
	    l->c, n, "%s is %s %s", n->text, v < o->min ? "below" : "above", bound);
}

/* --- one option ----------------------------------------------------------------------- */
static bool
take_value(const struct conf_option *o, const struct yaml_node *n, struct complaints *c,
    void *ret)
{
	switch (o->type) {
	case CONF_BOOL:
		return conf_take_bool(n, c, ret);
	case CONF_INT:
		return conf_take_int(n, c, INT64_MIN, INT64_MAX, ret);
	case CONF_REAL:
		return conf_take_real(n, c, ret);
	case CONF_DURATION:
		return conf_take_duration(n, c, ret);
	case CONF_SIZE:
		return conf_take_size(n, c, ret);
	case CONF_TEXT:
	case CONF_SECRET:
		return take_text(n, c, ret);
	case CONF_CHOICE:
		return take_choice(n, c, o->choices, ret);
	case CONF_LIST:
		return take_list(n, c, ret);
	case CONF_MAP:
		return take_map(n, c, ret);
	case CONF_TREE:
		*(const struct yaml_node **)ret = n;
		return true;
	}
	return false;
}

static bool
is_number(enum conf_type type)
{
	return type == CONF_INT || type == CONF_REAL || type == CONF_DURATION ||
	    type == CONF_SIZE;
}

/* "key:" with nothing behind it empties what can be empty. */
static bool
may_be_null(const struct conf_option *o)
{
	return o->type == CONF_TEXT || o->type == CONF_SECRET || o->type == CONF_LIST ||
	    o->type == CONF_MAP || o->type == CONF_TREE ||
	    (is_number(o->type) && !o->preset);
}

static void
take_option(
    const struct loading *l, const struct conf_option *o, const struct yaml_node *n)
{
	free_value(o->type, member(l, o));
	if (yaml_is_null(n)) {
		if (!may_be_null(o))
			yaml_complain(l->c, n, "has no value; leave the line out for %s",
			    o->preset ? o->preset : "the default");
		return;
	}
	if (take_value(o, n, l->c, member(l, o)) && is_number(o->type))
		check_bounds(l, o, n);
}

/* A default that is no good is a mistake in our table, never the operator's. */
static void
take_preset(const struct loading *l, const struct conf_option *o)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	unsigned errors_before = l->c->errors;

	if (!o->preset)
		return;
	assert(o->type != CONF_TREE);
	if (yaml_parse(slice_text(o->preset), o->name, l->c, &doc) == -ENOMEM)
		complain(l->c, NULL, 0, 0, o->name, "no memory");
	else if (doc && yaml_root(doc))
		take_option(l, o, yaml_root(doc));
	assert(doc || l->c->errors > errors_before);
}

/* --- walking the file ----------------------------------------------------------------- */
struct walk {
	char path[PATH_MAX_BYTES];
	struct {
		const struct yaml_node *next;
		size_t path_len; /* of the mapping itself */
	} level[DEPTH_MAX];
	unsigned depth;
};

static const struct conf_option *
find_option(const struct loading *l, const char *path)
{
	for (size_t i = 0; i < l->len; i++)
		if (!strcmp(l->table[i].name, path))
			return &l->table[i];
	return NULL;
}

static bool
is_group(const struct loading *l, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < l->len; i++)
		if (!strncmp(l->table[i].name, path, len) && l->table[i].name[len] == '.')
			return true;
	return false;
}

static const char *
last_word(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* The right word in the wrong place counts as one slip. */
static unsigned
distance(const char *path, const char *candidate)
{
	unsigned d = nearest_distance(path, candidate);

	if (d > 1 && !strcmp(last_word(path), last_word(candidate)))
		return 1;
	return d;
}

/* Groups are candidates as well as options: "registraton:" may hold ten lines. */
static void
find_nearest(const struct loading *l, const char *path, char *ret, size_t size)
{
	unsigned best = UINT_MAX;

	*ret = '\0';
	for (size_t i = 0; i < l->len; i++) {
		const char *name = l->table[i].name;

		for (const char *end = name; end; end = *end ? end : NULL) {
			char candidate[PATH_MAX_BYTES];
			unsigned d;

			end = strchrnul(*end == '.' ? end + 1 : end, '.');
			snprintf(
			    candidate, sizeof candidate, "%.*s", (int)(end - name), name);
			d = distance(path, candidate);
			if (d < best) {
				best = d;
				snprintf(ret, size, "%s", candidate);
			}
		}
	}
}

static void
complain_unknown(const struct loading *l, const char *path, const struct yaml_node *n)
{
	char nearest[PATH_MAX_BYTES];

	if (strchr(n->key, '.')) {
		yaml_complain(
		    l->c, n, "unknown; names do not have dots, write nested mappings");
		return;
	}
	find_nearest(l, path, nearest, sizeof nearest);
	yaml_complain(l->c, n, "unknown; the nearest known name is %s", nearest);
}

static void
enter_mapping(const struct loading *l, struct walk *w, const struct yaml_node *n)
{
	if (yaml_is_null(n))
		return;
	if (n->kind != YAML_MAPPING) {
		yaml_complain(l->c, n, "must be a mapping");
		return;
	}
	assert(w->depth < DEPTH_MAX);
	w->level[w->depth].next = n->first;
	w->level[w->depth].path_len = strlen(w->path);
	w->depth++;
}

static void
visit(
    const struct loading *l, struct walk *w, const struct yaml_node *n, size_t prefix_len)
{
	const struct conf_option *o;

	snprintf(w->path + prefix_len, sizeof w->path - prefix_len, "%s%s",
	    prefix_len ? "." : "", n->key);
	o = strchr(n->key, '.') ? NULL : find_option(l, w->path);
	if (o)
		take_option(l, o, n);
	else if (!strchr(n->key, '.') && is_group(l, w->path))
		enter_mapping(l, w, n);
	else
		complain_unknown(l, w->path, n);
}

static void
walk_tree(const struct loading *l, const struct yaml_node *root)
{
	struct walk w = { .depth = 0 };

	if (root)
		enter_mapping(l, &w, root);
	while (w.depth) {
		const struct yaml_node *n = w.level[w.depth - 1].next;

		if (!n) {
			w.depth--;
			continue;
		}
		w.level[w.depth - 1].next = n->next;
		visit(l, &w, n, w.level[w.depth - 1].path_len);
	}
}

int
conf_load(const struct conf_option *table, size_t len, const struct yaml_node *root,
    struct complaints *c, void *ret)
{
	struct loading l = { .table = table, .len = len, .c = c, .config = ret };
	unsigned errors_before = c->errors;

	for (size_t i = 0; i < len; i++)
		clear_value(table[i].type, member(&l, &table[i]));
	for (size_t i = 0; i < len; i++)
		take_preset(&l, &table[i]);
	walk_tree(&l, root);
	return c->errors > errors_before ? -EINVAL : 0;
}

void
conf_free(const struct conf_option *table, size_t len, void *config)
{
	for (size_t i = 0; i < len; i++)
		free_value(table[i].type, (uint8_t *)config + table[i].offset);
}

const char *
conf_map_get(const struct conf_map *map, const char *key)
{
	for (size_t i = 0; i < map->len; i++)
		if (!strcmp(map->key[i], key))
			return map->value[i];
	return NULL;
}

bool
conf_list_has(const struct conf_list *list, const char *item)
{
	for (size_t i = 0; i < list->len; i++)
		if (!strcmp(list->item[i], item))
			return true;
	return false;
}
