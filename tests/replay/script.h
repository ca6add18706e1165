/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a scenario, word by word. A word ends at a blank outside of quotes and brackets, so
 * that a CBOR item in diagnostic notation is one word. What is wrong ends the test with the place
 * where it stands. Borrowed words live as long as the line. */
#pragma once
#include "base/buf.h"

#define WORDS_MAX 64

struct line {
	const char *path;
	unsigned number;
	char *text; /* cut into words */
	char *word[WORDS_MAX];
	unsigned words, at;
};

/* The next line that says something; false at the end. path and number are the caller's to set at
 * first, *text moves on. */
bool line_read(struct line *l, char **text);
const char *line_peek(const struct line *l);	  /* NULL: no more words */
const char *line_next(struct line *l);		  /* fails where a word is missing */
bool line_take(struct line *l, const char *word); /* if it is the next one */
uint64_t line_number(struct line *l);
bool line_peek_number(const struct line *l);
void line_quoted(struct line *l, char *dst, size_t size); /* "text", without quotes */
bool line_peek_quoted(const struct line *l);
/* One CBOR item, with the names of sessions ($1), addresses (ip'fe80::1') and the number of the turn
 * (%n) put in. */
void line_item(struct line *l, struct buf *out);
/* The next word with the number of the turn put in. */
const char *line_expanded(struct line *l, char *dst, size_t size);
void script_count(unsigned n); /* the turn */
void line_end(struct line *l); /* fails if something is left */

void script_name(const char *description); /* of the one test */
void line_fail(const struct line *l, const char *fmt, ...) PRINTF(2, 3)
    __attribute__((noreturn));

/* Session ids that a scenario has given a name to. */
bool session_name(const char *word, unsigned *ret);
uint32_t *session_named(unsigned name); /* NULL: not yet */
void session_set(unsigned name, uint32_t id);
