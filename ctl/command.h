/* SPDX-License-Identifier: Apache-2.0
 *
 * What fogctl can do: one row a command, from which come parsing, help, completion, the columns
 * of the table, and the test that the manual names the same. A row is asked of a daemon as
 * it stands, its name, and a map of arguments under the keys given here; or it is run here with
 * that map. */
#pragma once
#include "base/buf.h"

#define COMMAND_WORDS_MAX   4 /* positional arguments */
#define COMMAND_OPTIONS_MAX 8
#define COMMAND_COLUMNS_MAX 20
#define COMMAND_TABLES_MAX  3

enum column_kind {
	COLUMN_TEXT,	/* as it is; numbers as JSON would have them */
	COLUMN_NUMBER,	/* to six digits, right-aligned */
	COLUMN_BYTES,	/* "1.5 GiB" */
	COLUMN_RATIO,	/* "73 %" */
	COLUMN_SECONDS, /* "1 min 20 s" */
	COLUMN_TIME,	/* ISO 8601; the date is left out today */
	COLUMN_YES,	/* "yes" or "no" */
	COLUMN_LIST,	/* an array or map on one line */
	COLUMN_WHY,	/* "unknown: ", and why a value is not known */
	COLUMN_ALARM,	/* a text that should not be there: red on a terminal */
};
struct column {
	const char *key, *title;
	enum column_kind kind;
	unsigned
	    width; /* of a stream, whose rows are printed as they come; 0: not padded */
};
#define COLUMN_SPARSE 1 /* as width, in a table: left out when nothing stands in it */

enum word_kind {
	WORD_TEXT,
	WORD_OPTIONAL, /* may be left out */
	WORD_FILE, /* its content goes as "yaml", its name as "file"; "-" is standard input */
	WORD_FUNCTION, /* SERVICE/FUNCTION, or two words, as "service" and "function" */
	WORD_MANY, /* this one and all that follow, under the same key */
};
struct word {
	const char *key, *title;
	enum word_kind kind;
};

enum option_kind {
	OPTION_FLAG,
	OPTION_INT,
	OPTION_TEXT,
	/* --node or -n: one call for each; of what is run here, as "node". */
	OPTION_NODES
};
struct option_row {
	const char *name, *key, *title; /* "--last", "last", "N" */
	enum option_kind kind;
	const char *help;
};

struct command;
struct table_row { /* with that flag, the columns of another table */
	const char *key;
	const struct command *table;
};

enum shape {
	SHAPE_LIST,   /* JSON: an array; text: a table */
	SHAPE_ONE,    /* JSON: an object; text: a line per key */
	SHAPE_STREAM, /* JSON: a line per item; text: rows as they come */
	SHAPE_LINES,  /* each item is a text, printed as it is; JSON: an array of them */
};

enum asked { ASK_EITHER, ASK_CONTROLLER, ASK_AGENT }; /* which daemon knows the answer */

struct printer;

struct command {
	const char *name;
	/* Does it here, without a daemon, and returns the exit code; NULL: a daemon is asked. */
	int (*run)(struct slice args, struct printer *p);
	enum asked asked;
	enum shape shape;
	struct word word[COMMAND_WORDS_MAX];	       /* up to title NULL */
	struct option_row option[COMMAND_OPTIONS_MAX]; /* up to name NULL */
	struct column
	    column[COMMAND_COLUMNS_MAX]; /* up to key NULL; of SHAPE_ONE: may be empty */
	struct table_row table[COMMAND_TABLES_MAX]; /* up to key NULL */
	const char *expand; /* text: a row for each map in the array under this key */
	const char *empty;  /* what text output says when nothing came */
	const char *help;
};

/* How many columns a table of it has; 0: it is none. */
static inline unsigned
command_columns(const struct command *c)
{
	unsigned n = 0;

	while (n < COMMAND_COLUMNS_MAX && c->column[n].key)
		n++;
	return n;
}

extern const struct command commands[]; /* name NULL ends it */
extern const struct option_row global_options[];

/* Is the option typed like this? */
bool option_is(const struct option_row *o, const char *typed);

/* The command that the first words of argv name (longest match), or NULL. *ret_words: how many. */
const struct command *command_find(char *const *argv, int argc, int *ret_words);
/* Is it the first word of commands of several words, as "grasp" of "grasp decode"? */
bool command_is_group(const char *word);
/* The name nearest to what was typed; NULL when nothing is near. */
const char *command_nearest(const char *typed);

/* What was typed after the command's name. Its texts borrow from argv, but for the file. */
struct call {
	const struct command *command;
	struct buf args;   /* the CBOR map */
	const char **node; /* of OPTION_NODES */
	size_t nodes;
	bool follow;
	const struct command *table; /* whose columns are shown */
};
/* -EINVAL: wrong usage, err says what; other errors: the file cannot be read, err as well. */
int call_parse(const struct command *c, char *const *argv, int argc, struct call *ret,
    char *err, size_t err_size) MUST_CHECK;
void call_done(struct call *call);
/* The map for one node: args with "node" in it. */
void call_args_for(const struct call *call, const char *node, struct buf *out);

void help_print_all(void);
void help_print_group(const char *group); /* what its commands do */
void help_print(const struct command *c);
