/* SPDX-License-Identifier: Apache-2.0
 *
 * From what was typed behind a command to the map of arguments that the daemon gets. */
#include "base/cbor.h"
#include "ctl/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ARGS_MAX (2u << 20)
#define FILE_MAX (1u << 20)

struct parse {
	const struct command *command;
	struct call *call;
	size_t words; /* positional ones met */
	char *err;
	size_t err_size;
};

static const struct option_row *
find_option(const struct command *c, const char *name)
{
	for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->option[i].name; i++)
		if (option_is(&c->option[i], name))
			return &c->option[i];
	return NULL;
}

static int
read_stream(FILE *f, struct buf *out)
{
	char chunk[4096];
	size_t n;

	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_put(out, chunk, n);
	return ferror(f) ? -EIO : out->err == -ENOSPC ? -EFBIG : out->err;
}

/* The daemon may stand in another directory and have other rights: it gets the text. */
static int
take_file(struct parse *p, const char *name)
{
	bool standard = strcmp(name, "-") == 0;
	struct buf text;
	FILE *f = standard ? stdin : fopen(name, "re");
	int err = f ? 0 : -errno;

	buf_init(&text, FILE_MAX);
	if (f)
		err = read_stream(f, &text);
	if (f && !standard)
		fclose(f);
	if (err)
		snprintf(p->err, p->err_size, "%s: %s", name, strerror(-err));
	wr_text(&p->call->args, "file");
	wr_text(&p->call->args, standard ? "standard input" : name);
	wr_text(&p->call->args, "yaml");
	wr_text_slice(&p->call->args, buf_slice(&text));
	buf_done(&text);
	return err;
}

static int
take_function(struct parse *p, const char *text)
{
	const char *slash = strchr(text, '/');
	struct buf *args = &p->call->args;

	if (slash) {
		wr_text(args, "service");
		wr_text_slice(args,
		    (struct slice){ (const uint8_t *)text, (size_t)(slash - text) });
		wr_key_text(args, "function", slash + 1);
		p->words++;
	} else {
		wr_key_text(args, p->words == 0 ? "service" : "function", text);
	}
	p->words++;
	return 0;
}

/* The word whose turn it is; a function is two. NULL: there is none. */
static const struct word *
next_word(const struct parse *p)
{
	const struct word *w = p->command->word;
	size_t i = p->words;

	if (w->kind == WORD_FUNCTION)
		i = i < 2 ? 0 : i - 1;
	for (size_t n = 0; n < COMMAND_WORDS_MAX && w[n].title && n < i; n++)
		if (w[n].kind == WORD_MANY)
			return &w[n];
	return i < COMMAND_WORDS_MAX && w[i].title ? &w[i] : NULL;
}

static int
take_word(struct parse *p, const char *text)
{
	const struct word *w = next_word(p);

	if (w && w->kind == WORD_FUNCTION)
		return take_function(p, text);
	if (!w) {
		snprintf(p->err, p->err_size, "%s takes no argument \"%s\"",
		    p->command->name, text);
		return -EINVAL;
	}
	p->words++;
	if (w->kind == WORD_FILE)
		return take_file(p, text);
	wr_key_text(&p->call->args, w->key, text);
	return 0;
}

static int
take_int(struct parse *p, const struct option_row *o, const char *text)
{
	char *end;
	long long v = strtoll(text, &end, 10);

	if (end == text || *end || v < 0 || v > 1000000) {
		snprintf(p->err, p->err_size,
		    "%s takes a number from 0 to 1000000, not \"%s\"", o->name, text);
		return -EINVAL;
	}
	wr_key_int(&p->call->args, o->key, v);
	return 0;
}

static void
take_flag(struct parse *p, const struct option_row *o)
{
	wr_key_bool(&p->call->args, o->key, true);
	p->call->follow |= strcmp(o->key, "follow") == 0;
	for (const struct table_row *t = p->command->table; t->key; t++)
		if (!strcmp(t->key, o->key))
			p->call->table = t->table;
}

/* Returns how many words of argv were taken, or a negative errno. */
static int
take_option(struct parse *p, char *const *argv, int argc)
{
	const struct option_row *o = find_option(p->command, argv[0]);
	int err = 0;

	if (!o) {
		snprintf(p->err, p->err_size, "%s has no option %s", p->command->name,
		    argv[0]);
		return -EINVAL;
	}
	if (o->kind == OPTION_FLAG) {
		take_flag(p, o);
		return 1;
	}
	if (argc < 2) {
		snprintf(p->err, p->err_size, "%s needs %s", o->name, o->title);
		return -EINVAL;
	}
	if (o->kind == OPTION_INT)
		err = take_int(p, o, argv[1]);
	else if (o->kind == OPTION_NODES && !p->command->run)
		p->call->node[p->call->nodes++] = argv[1];
	else
		wr_key_text(&p->call->args, o->key, argv[1]);
	return err ? err : 2;
}

static int
check_complete(struct parse *p)
{
	const struct word *w = next_word(p);

	if (!w || w->kind == WORD_OPTIONAL || (w->kind == WORD_MANY && p->words))
		return 0;
	snprintf(p->err, p->err_size, "%s needs %s", p->command->name, w->title);
	return -EINVAL;
}

/* "-" is standard input, "-5" is a number. */
static bool
is_option(const char *word)
{
	return word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

static int
parse_words(struct parse *p, char *const *argv, int argc)
{
	bool literal = false;

	for (int i = 0; i < argc;) {
		int n = 1;

		if (!literal && strcmp(argv[i], "--") == 0)
			literal = true;
		else if (!literal && is_option(argv[i]))
			n = take_option(p, argv + i, argc - i);
		else
			n = take_word(p, argv[i]) ?: 1;
		if (n < 0)
			return n;
		i += n;
	}
	return check_complete(p);
}

int
call_parse(const struct command *c, char *const *argv, int argc, struct call *ret,
    char *err, size_t err_size)
{
	struct parse p = { .command = c, .call = ret, .err = err, .err_size = err_size };
	int rc;

	*ret = (struct call){ .command = c, .table = c };
	ret->node = calloc((size_t)argc + 1, sizeof *ret->node);
	if (!ret->node)
		return -ENOMEM;
	buf_init(&ret->args, ARGS_MAX);
	wr_open_map(&ret->args);
	rc = parse_words(&p, argv, argc);
	return rc ? rc : ret->args.err;
}

void
call_done(struct call *call)
{
	buf_done(&call->args);
	free(call->node);
}

void
call_args_for(const struct call *call, const char *node, struct buf *out)
{
	buf_put_slice(out, buf_slice(&call->args));
	if (node)
		wr_key_text(out, "node", node);
	wr_close(out);
}
