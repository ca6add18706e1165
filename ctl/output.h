/* SPDX-License-Identifier: Apache-2.0
 *
 * How results are printed. An output is one way (text, JSON, CBOR); items come to it one by one, as
 * the daemon sends them. */
#pragma once
#include "ctl/command.h"
#include <stdio.h>

struct printer {
	const struct output *output;
	const struct command *command;
	enum shape
	    shape; /* of this call: --follow makes a stream, several nodes a list */
	bool header;
	FILE *to;
	unsigned items;
	struct buf pending; /* of the output: what is printed at the end */
};

struct output {
	const char *option; /* "--json"; NULL: the default */
	int (*begin)(struct printer *p);
	int (*item)(
	    struct printer *p, struct slice item); /* -EBADMSG: not what was expected */
	int (*end)(struct printer *p);
};
extern const struct output output_text, output_json, output_cbor, output_csv;

/* The value of a key in a map with text keys; empty: none. */
struct slice item_member(struct slice map, const char *key);
void csv_put_field(FILE *to, struct slice text, bool last);
/* One CBOR item for people, by the kind of its column; control characters and those that change
 * the direction of text come out as \xNN (S-31). */
void cell_put(struct buf *out, enum column_kind kind, struct slice item);
void cell_put_escaped(struct buf *out, struct slice text);
/* As programs read it: numbers in full, times as they are, lists as JSON; the same is escaped. */
void cell_put_raw(struct buf *out, struct slice item);
unsigned
cell_width(struct slice text); /* in columns of a terminal, roughly: code points */
