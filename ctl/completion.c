/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/completion.h"
#include "base/cbor.h"
#include "base/conf.h"
#include "metrics/expr.h"
#include "metrics/source.h"

#include <errno.h>
#include <string.h>

#define ITEMS_MAX 100000
#define WORDS_MAX 64

struct completion {
	const struct completion_source *source;
	FILE *to;
	const char *word,
	    *before; /* what is being typed, and what stands in front of it */
	const char *socket;
	char *typed[WORDS_MAX]; /* neither options nor their arguments */
	int len;
	const char *key,
	    *second; /* of the items that are asked for; second may be NULL */
};

/* --- offers ------------------------------------------------------------------------------------ */

static void
offer(const struct completion *c, const char *word, const char *help)
{
	if (strncmp(word, c->word, strlen(c->word)) == 0)
		fprintf(c->to, "%s\t%s\n", word, help);
}

static void
offer_options(const struct completion *c, const struct option_row *o, size_t max)
{
	for (size_t i = 0; i < max && o[i].name; i++)
		offer(c, o[i].name, o[i].help);
}

static bool
read_name(struct slice item, const char *key, char dst[65])
{
	struct cbor_reader r;
	struct slice name, value = { 0 };

	rd_init(&r, item, ITEMS_MAX);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &name)) {
		if (slice_is(name, key) && rd_peek(&r) == RD_TEXT)
			value = rd_text(&r);
		else
			rd_skip(&r);
	}
	rd_leave(&r);
	return rd_done(&r) == 0 && slice_copy(value, dst, 65) >= 0 && conf_is_name(dst);
}

static void
offer_item(void *arg, struct slice item)
{
	const struct completion *c = arg;
	char first[65], second[65] = "", both[131];

	if (!read_name(item, c->key, first) ||
	    (c->second && !read_name(item, c->second, second)))
		return;
	snprintf(both, sizeof both, "%s%s%s", first, c->second ? "/" : "", second);
	offer(c, both, "");
}

static void
offer_names(
    struct completion *c, const char *command, const char *key, const char *second)
{
	c->key = key;
	c->second = second;
	c->source->ask(c->source->arg, c->socket, command, offer_item, c);
}

/* --- what has been typed ------------------------------------------------------------------------- */

static const struct option_row *
find_option(const struct option_row *o, size_t max, const char *name)
{
	for (size_t i = 0; i < max && o[i].name; i++)
		if (option_is(&o[i], name))
			return &o[i];
	return NULL;
}

/* Which command an option belongs to does not matter here: none has two meanings. */
static const struct option_row *
find_any_option(const char *name)
{
	const struct option_row *found = find_option(global_options, SIZE_MAX, name);

	for (const struct command *c = commands; c->name && !found; c++)
		found = find_option(c->option, COMMAND_OPTIONS_MAX, name);
	return found;
}

static void
sort_words(struct completion *c, char *const *argv, int argc)
{
	for (int i = 0; i + 1 < argc; i++) {
		const struct option_row *o = find_any_option(argv[i]);

		if (o && o->title && i + 2 < argc) {
			if (o == global_options)
				c->socket = argv[i + 1];
			i++;
		} else if (argv[i][0] != '-' && c->len < WORDS_MAX) {
			c->typed[c->len++] = argv[i];
		}
	}
}

/* What follows `word` in a command's name, NULL if the name does not go on like that. */
static const char *
skip_word(const char *name, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(name, word, len) != 0 || (name[len] && name[len] != ' '))
		return NULL;
	return name + len + (name[len] == ' ');
}

/* What follows all that was typed in a command's name; NULL: it does not begin so, or is complete. */
static const char *
rest_of(const struct completion *c, const struct command *cmd)
{
	const char *rest = cmd->name;

	for (int i = 0; i < c->len && rest; i++)
		rest = skip_word(rest, c->typed[i]);
	return rest && *rest ? rest : NULL;
}

/* Commands of one group, such as "node show" and "node approve", offer its word once. */
static bool
is_offered(const struct completion *c, const struct command *cmd, const char *word)
{
	for (const struct command *before = commands; before < cmd; before++) {
		const char *rest = rest_of(c, before);

		if (rest && skip_word(rest, word))
			return true;
	}
	return false;
}

/* The next word of those commands that begin with all that was typed. */
static void
offer_commands(const struct completion *c)
{
	for (const struct command *cmd = commands; cmd->name; cmd++) {
		const char *rest = rest_of(c, cmd);
		char word[64];

		if (!rest)
			continue;
		snprintf(word, sizeof word, "%.*s", (int)strcspn(rest, " "), rest);
		if (!is_offered(c, cmd, word))
			offer(c, word, cmd->help);
	}
	if (c->len == 0) {
		offer(c, "completion", "a script for a shell");
		offer(c, "help", "help on fogctl or one of its commands");
	}
}

static void
offer_metrics(const struct completion *c)
{
	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < (*s)->metrics_len; i++)
			offer(c, (*s)->metrics[i].name, (*s)->metrics[i].help);
	for (const struct expr_function *f = expr_functions; f->name; f++) {
		char call[64];

		snprintf(call, sizeof call, "%s(", f->name);
		offer(c, call, f->help);
	}
}

static void
offer_argument(struct completion *c, const struct word *w)
{
	switch (w->kind) {
	case WORD_FILE:
		break; /* the shell knows files better */
	case WORD_FUNCTION:
		offer_names(c, "services", "service", "function");
		break;
	case WORD_TEXT:
	case WORD_OPTIONAL:
	case WORD_MANY:
		if (strcmp(w->title, "PENDING") == 0)
			offer_names(c, "node pending", "id", NULL);
		else if (strcmp(w->key, "token") == 0)
			offer_names(c, "token list", "id", NULL);
		else if (strcmp(w->key, "node") == 0)
			offer_names(c, "nodes", "name", NULL);
		else if (strcmp(w->key, "expression") == 0 ||
		    strcmp(w->key, "pattern") == 0)
			offer_metrics(c);
		else if (strcmp(w->key, "service") == 0)
			offer_names(c, "services", "service", NULL);
		break;
	}
}

static void
offer_option_argument(struct completion *c, const struct option_row *o)
{
	if (o->kind != OPTION_NODES)
		return;
	offer(c, "all", "each node that is alive");
	offer_names(c, "nodes", "name", NULL);
}

static void
offer_words(struct completion *c)
{
	const struct option_row *o = find_any_option(c->before);
	const struct command *command;
	int words = 0;

	if (o && o->title) {
		offer_option_argument(c, o);
		return;
	}
	command = command_find(c->typed, c->len, &words);
	if (c->word[0] == '-') {
		if (command)
			offer_options(c, command->option, COMMAND_OPTIONS_MAX);
		offer_options(c, global_options, SIZE_MAX);
	} else if (!command) {
		offer_commands(c);
	} else if (command->word[0].kind == WORD_MANY) {
		offer_argument(c, &command->word[0]);
	} else if (c->len - words < COMMAND_WORDS_MAX &&
	    command->word[c->len - words].title) {
		offer_argument(c, &command->word[c->len - words]);
	}
}

void
completion_print_words(
    char *const *argv, int argc, const struct completion_source *source, FILE *to)
{
	struct completion c = { .source = source,
		.to = to,
		.word = argc > 0 ? argv[argc - 1] : "",
		.before = argc > 1 ? argv[argc - 2] : "" };

	sort_words(&c, argv, argc);
	if (c.len && strcmp(c.typed[0], "help") == 0)
		memmove(c.typed, c.typed + 1, (size_t)--c.len * sizeof *c.typed);
	if (c.len && strcmp(c.typed[0], "completion") == 0) {
		offer(&c, "bash", "");
		offer(&c, "zsh", "");
	} else {
		offer_words(&c);
	}
}

/* --- the scripts ------------------------------------------------------------------------------------ */

/* What comes from fogctl is never expanded, only compared and inserted. */
static const char bash_script[] =
    "# Completion of fogctl for bash, made by \"fogctl completion bash\".\n"
    "_fogctl() {\n"
    "\tlocal line\n"
    "\tCOMPREPLY=()\n"
    "\twhile IFS= read -r line; do\n"
    "\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
    "\tdone < <(\"${COMP_WORDS[0]}\" completion words -- \\\n"
    "\t\t\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -o default -F _fogctl fogctl\n";

static const char zsh_script[] =
    "#compdef fogctl\n"
    "# Completion of fogctl for zsh, made by \"fogctl completion zsh\".\n"
    "_fogctl() {\n"
    "\tlocal line\n"
    "\tlocal -a found\n"
    "\twhile IFS= read -r line; do\n"
    "\t\tfound+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "\tdone < <(\"$words[1]\" completion words -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)\n"
    "\tif (( $#found )); then\n"
    "\t\t_describe fogctl found\n"
    "\telse\n"
    "\t\t_files\n"
    "\tfi\n"
    "}\n"
    "if [[ $funcstack[1] == _fogctl ]]; then\n"
    "\t_fogctl \"$@\"\n"
    "else\n"
    "\tcompdef _fogctl fogctl\n"
    "fi\n";

int
completion_print_script(const char *shell, FILE *to)
{
	if (strcmp(shell, "bash") == 0)
		fputs(bash_script, to);
	else if (strcmp(shell, "zsh") == 0)
		fputs(zsh_script, to);
	else
		return -EINVAL;
	return 0;
}
