/* SPDX-License-Identifier: Apache-2.0
 *
 * A file or pipe that is read as it comes, by lines or by bytes, after a look at how it begins. It
 * lives in its owner; the descriptor stays the caller's. */
#pragma once
#include "base/buf.h"

struct input {
	int fd;
	size_t at, len;
	uint8_t data[65536];
};

void input_init(struct input *in, int fd);
/* The first n bytes that come next, fewer at the end. n <= 1024. -EIO and others of read(2). */
int input_peek(struct input *in, size_t n, struct slice *ret) MUST_CHECK;
/* All n bytes into dst (which is reset): 1; nothing was left: 0; -ENODATA: the end came inside. */
int input_read(struct input *in, size_t n, struct buf *dst) MUST_CHECK;
/* A line without its end: 1; nothing was left: 0; -ENOSPC: longer than dst takes, and passed over. */
int input_line(struct input *in, struct buf *dst) MUST_CHECK;
