/* SPDX-License-Identifier: Apache-2.0
 *
 * The text that base/cbor_parse.c reads: a position, blanks and comments, the five kinds of
 * strings. The first failure sticks. */
#pragma once
#include "base/buf.h"

struct cbor_text {
	struct slice text;
	size_t at;
	bool failed;
	char *err; /* "column 7: …" */
	size_t err_size;
};

enum cbor_string {
	CBOR_STRING_NONE,
	CBOR_STRING_TEXT,  /* "…" */
	CBOR_STRING_PLAIN, /* '…' */
	CBOR_STRING_HEX,   /* h'…' */
	CBOR_STRING_B64,   /* b64'…' */
	CBOR_STRING_B32,   /* b32'…' */
	CBOR_STRING_H32,   /* h32'…' */
};

void cbor_text_fail(struct cbor_text *t, const char *fmt, ...) PRINTF(2, 3);
int cbor_text_peek(const struct cbor_text *t); /* -1: the end */
bool cbor_text_take(struct cbor_text *t, const char *token);
void cbor_text_blank(struct cbor_text *t); /* also comments: /…/ and # to the end of the line */
enum cbor_string cbor_text_string_begins(const struct cbor_text *t);
/* The content of the string that begins here. */
void cbor_text_string(struct cbor_text *t, enum cbor_string type, struct buf *out);
