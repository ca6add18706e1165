/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes. A slice is a borrowed view; a buf is a bounded writer whose first failure sticks,
 * so that a caller puts many things and looks at buf.err once. A buf lives in its owner;
 * buf_done() frees what a growing one has allocated. */
#pragma once
#include "base/mem.h"
#include "base/slice.h"

/* A NUL-terminated copy on the heap; NULL if there is no memory or a NUL inside. */
char *slice_dup(struct slice s) MUST_CHECK;
/* Into dst with NUL. -ENOSPC: does not fit; -EINVAL: a NUL inside. dst is "" on failure. */
int slice_copy(struct slice s, char *dst, size_t size) MUST_CHECK;
/* Bytes of the UTF-8 character that s begins with; 0: none (empty, overlong, surrogate, cut). */
size_t slice_utf8_char(struct slice s);
bool slice_is_utf8(struct slice s);
/* Ends text before the first byte that is no UTF-8, such as a character that was cut. */
void utf8_trim(char *text);

void buf_init(struct buf *b, size_t max); /* heap, grows up to max bytes */
void buf_done(struct buf *b);
void buf_reset(struct buf *b); /* empty and without error; keeps its memory */

void buf_put(struct buf *b, const void *data, size_t len);
void buf_put_slice(struct buf *b, struct slice s);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_drop(struct buf *b, size_t n); /* removes the first n bytes (n <= pos) */

/* NUL-terminated view of what was put, valid until the next put; "" after an error. */
const char *buf_text(struct buf *b);
