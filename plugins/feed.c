/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/feed.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 10000

/* --- map files ---------------------------------------------------------------------------- */
int
feed_load(const char *path, const struct conf_option *table, size_t len, void *ret,
    void (*check)(const struct yaml_node *root, struct complaints *c, void *ret),
    struct yaml_doc **ret_doc)
{
	struct complaints c;
	int err;

	complaints_init(&c);
	err = yaml_load(path, &c, ret_doc);
	if (err < 0 && err != -EBADMSG)
		complain(&c, path, 0, 0, NULL, "%s", strerror(-err));
	if (!err)
		err = conf_load(table, len, yaml_root(*ret_doc), &c, ret);
	if (!err && check)
		check(yaml_root(*ret_doc), &c, ret);
	complaints_print(&c, stderr);
	err = err ? err : c.errors ? -EINVAL : 0;
	complaints_done(&c);
	return err;
}

bool
feed_check_name(const struct yaml_node *n, const char *name, struct complaints *c)
{
	static const char chars[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	if (name && *name && !name[strspn(name, chars)] &&
	    !(*name >= '0' && *name <= '9'))
		return true;
	yaml_complain(c, n, "needs a name of letters, digits and _");
	return false;
}

static void
check_labels(
    const struct yaml_node *n, const struct conf_map *labels, struct complaints *c)
{
	for (size_t i = 0; i < labels->len; i++)
		if (!*labels->value[i] || strchr(labels->value[i], '\n'))
			yaml_complain(
			    c, n, "label %s needs a value on one line", labels->key[i]);
		else
			feed_check_name(n, labels->key[i], c);
}

void *
feed_load_values(const struct yaml_node *list, const struct conf_option *table,
    size_t len, size_t size, struct complaints *c, size_t *ret_len)
{
	size_t n = 0;
	char *values;

	*ret_len = 0;
	YAML_EACH(entry, list)
	n++;
	if (!n || list->kind != YAML_SEQUENCE || n > VALUES_MAX) {
		yaml_complain(
		    c, list, "values must be a list of 1 to %d entries", VALUES_MAX);
		return NULL;
	}
	values = calloc(n, size);
	if (!values) {
		yaml_complain(c, list, "no memory");
		return NULL;
	}
	YAML_EACH(entry, list)
	{
		void *at = values + (*ret_len)++ * size;
		const struct feed_value *v = at;

		if (entry->kind != YAML_MAPPING) {
			yaml_complain(c, entry, "must be a mapping");
		} else if (conf_load(table, len, entry, c, at) == 0) {
			feed_check_name(entry, v->name, c);
			check_labels(entry, &v->labels, c);
		}
	}
	return values;
}

void
feed_free_values(
    void *values, size_t count, size_t size, const struct conf_option *table, size_t len)
{
	for (size_t i = 0; values && i < count; i++)
		conf_free(table, len, (char *)values + i * size);
	free(values);
}

/* --- lines -------------------------------------------------------------------------------- */
static void
print_tag(const char *name, const char *value)
{
	printf(",%s=", name);
	for (; *value; value++) {
		if (*value == ',' || *value == '=' || *value == ' ')
			putchar('\\');
		putchar(*value);
	}
}

static void
print_tags(const struct conf_map *labels)
{
	for (size_t i = 0; labels && i < labels->len; i++)
		print_tag(labels->key[i], labels->value[i]);
}

void
feed_print(const char *measurement, const struct conf_map *common,
    const struct feed_value *v, double raw)
{
	double value = raw * v->scale + v->offset;

	if (!isfinite(value))
		return;
	printf("%s", measurement);
	print_tags(common);
	print_tags(&v->labels);
	printf(" %s=%.17g\n", v->name, value);
}

void
feed_print_up(const char *measurement, const struct conf_map *common, bool up)
{
	printf("%s", measurement);
	print_tags(common);
	printf(" up=%di\n", up);
}

int
feed_serve(void (*answer)(void *arg), void *arg)
{
	char line[256];

	while (fgets(line, sizeof line, stdin)) {
		if (!strchr(line, '\n'))
			continue; /* the rest of a long one */
		answer(arg);
		if (fflush(stdout) == EOF)
			return 1;
	}
	return 0;
}
