/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical form of a configuration. Options of one group stand together even when the
 * table has others between them, because YAML does not let a key come twice. */
#include "base/conf.h"

#include <inttypes.h>
#include <string.h>

#include "base/conf_text.h"

struct printing {
	const struct conf_option *table;
	size_t len;
	const uint8_t *config;
	FILE *to;
};

static void
print_indent(FILE *to, unsigned depth)
{
	fprintf(to, "%*s", (int)depth * 2, "");
}

static void
print_buf(FILE *to, struct buf *b)
{
	fputs(buf_text(b), to);
	buf_reset(b);
}

static void
print_text(FILE *to, struct buf *b, const char *text)
{
	yaml_put_text(b, text);
	print_buf(to, b);
}

static void
print_list(FILE *to, struct buf *b, unsigned depth, const struct conf_list *list)
{
	if (!list->len)
		fputs(" []", to);
	for (size_t i = 0; i < list->len; i++) {
		fputc('\n', to);
		print_indent(to, depth + 1);
		fputs("- ", to);
		print_text(to, b, list->item[i]);
	}
}

static void
print_map(FILE *to, struct buf *b, unsigned depth, const struct conf_map *map)
{
	if (!map->len)
		fputs(" {}", to);
	for (size_t i = 0; i < map->len; i++) {
		fputc('\n', to);
		print_indent(to, depth + 1);
		print_text(to, b, map->key[i]);
		fputs(": ", to);
		print_text(to, b, map->value[i]);
	}
}

static void
put_number(struct buf *b, const struct conf_option *o, const void *value)
{
	double v = o->type == CONF_REAL ? *(const double *)value
					: (double)*(const int64_t *)value;

	buf_put_u8(b, ' ');
	if (!o->preset && v == 0)
		buf_puts(b, "null"); /* 0 may be out of bounds, and nobody set it */
	else if (o->type == CONF_REAL)
		conf_put_real(b, v);
	else if (o->type == CONF_DURATION)
		conf_put_duration(b, *(const int64_t *)value);
	else if (o->type == CONF_SIZE)
		conf_put_size(b, *(const int64_t *)value);
	else
		buf_printf(b, "%" PRId64, *(const int64_t *)value);
}

static void
put_text(struct buf *b, const char *text)
{
	buf_put_u8(b, ' ');
	if (text)
		yaml_put_text(b, text);
	else
		buf_puts(b, "null");
}

static void
print_value(FILE *to, struct buf *b, unsigned depth, const struct conf_option *o,
    const void *value)
{
	switch (o->type) {
	case CONF_BOOL:
		fputs(*(const bool *)value ? " true" : " false", to);
		break;
	case CONF_INT:
	case CONF_REAL:
	case CONF_DURATION:
	case CONF_SIZE:
		put_number(b, o, value);
		break;
	case CONF_TEXT:
		put_text(b, *(char *const *)value);
		break;
	case CONF_SECRET: /* S-29 */
		buf_puts(b, *(char *const *)value ? " # a secret, not shown" : " null");
		break;
	case CONF_CHOICE:
		put_text(b, o->choices[*(const int *)value]);
		break;
	case CONF_LIST:
		print_list(to, b, depth, value);
		break;
	case CONF_MAP:
		print_map(to, b, depth, value);
		break;
	case CONF_TREE:
		break;
	}
	print_buf(to, b);
}

static void
print_option(const struct printing *p, const struct conf_option *o, unsigned depth,
    const char *word)
{
	const void *value = p->config + o->offset;
	struct buf b;

	print_indent(p->to, depth);
	if (o->type == CONF_TREE) {
		fprintf(p->to, "# %s: %s\n", word,
		    *(const struct yaml_node *const *)value ? "as in the file" : "none");
		return;
	}
	buf_init(&b, 4 * 1024 * 1024); /* an escape is four bytes, a file 1 MiB */
	fprintf(p->to, "%s:", word);
	print_value(p->to, &b, depth, o, value);
	fputc('\n', p->to);
	buf_done(&b);
}

/* Does an option above row i stand in the same group below the prefix? */
static bool
was_printed(const struct printing *p, size_t i, size_t name_len)
{
	const char *name = p->table[i].name;

	for (size_t j = 0; j < i; j++)
		if (!strncmp(p->table[j].name, name, name_len) &&
		    p->table[j].name[name_len] == '.')
			return true;
	return false;
}

/* Recursion follows our own table, never what an operator wrote. */
static void
print_group(
    const struct printing *p, const char *prefix, size_t prefix_len, unsigned depth)
{
	for (size_t i = 0; i < p->len; i++) {
		const char *name = p->table[i].name, *word = name + prefix_len;
		size_t word_len;

		if (strncmp(name, prefix, prefix_len) != 0)
			continue;
		word_len = strcspn(word, ".");
		if (!word[word_len]) {
			print_option(p, &p->table[i], depth, word);
			continue;
		}
		if (was_printed(p, i, prefix_len + word_len))
			continue;
		print_indent(p->to, depth);
		fprintf(p->to, "%.*s:\n", (int)word_len, word);
		print_group(p, name, prefix_len + word_len + 1, depth + 1);
	}
}

void
conf_print(const struct conf_option *table, size_t len, const void *config, FILE *to)
{
	struct printing p = { .table = table, .len = len, .config = config, .to = to };

	print_group(&p, "", 0, 0);
}
