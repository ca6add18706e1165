/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SIZE 64

static bool
has_nul(struct slice s)
{
	return s.len > 0 && memchr(s.data, 0, s.len);
}

char *
slice_dup(struct slice s)
{
	if (has_nul(s))
		return NULL;
	char *copy = malloc(s.len + 1);
	if (!copy)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return copy;
}

int
slice_copy(struct slice s, char *dst, size_t size)
{
	if (size == 0)
		return -ENOSPC;
	dst[0] = '\0';
	if (has_nul(s))
		return -EINVAL;
	if (s.len >= size)
		return -ENOSPC;
	if (s.len > 0)
		memcpy(dst, s.data, s.len);
	dst[s.len] = '\0';
	return 0;
}

/* RFC 3629 §4: the second byte's range depends on the first; the others are 80..BF. */
size_t
slice_utf8_char(struct slice s)
{
	if (s.len == 0)
		return 0;
	uint8_t first = s.data[0], low = 0x80, high = 0xbf;
	size_t len;

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		len = 2;
	else if (first >= 0xe0 && first <= 0xef)
		len = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		len = 4;
	else
		return 0;
	if (first == 0xe0)
		low = 0xa0; /* overlong below */
	else if (first == 0xed)
		high = 0x9f; /* surrogates above */
	else if (first == 0xf0)
		low = 0x90; /* overlong below */
	else if (first == 0xf4)
		high = 0x8f; /* beyond U+10FFFF above */
	if (s.len < len || s.data[1] < low || s.data[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s.data[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool
slice_is_utf8(struct slice s)
{
	for (size_t n; s.len > 0; s.data += n, s.len -= n)
		if ((n = slice_utf8_char(s)) == 0)
			return false;
	return true;
}

void
utf8_trim(char *text)
{
	struct slice rest = slice_text(text);
	size_t n;

	while ((n = slice_utf8_char(rest))) {
		rest.data += n;
		rest.len -= n;
		text += n;
	}
	*text = 0;
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max, .grows = true };
}

void
buf_done(struct buf *b)
{
	if (b->grows)
		free(b->data);
	*b = (struct buf){ 0 };
}

void
buf_reset(struct buf *b)
{
	b->pos = 0;
	b->err = 0;
}

static int
grow(struct buf *b, size_t need)
{
	size_t size = b->size ? b->size : FIRST_SIZE;

	while (size < need)
		size = size > b->max / 2 ? b->max : size * 2;
	if (size > b->max)
		size = b->max;
	/* One byte more than is ever counted, for the NUL of buf_text(). */
	uint8_t *data = size < SIZE_MAX ? realloc(b->data, size + 1) : NULL;
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->size = size;
	return 0;
}

/* Room for len more bytes? Otherwise the error sticks. */
static bool
reserve(struct buf *b, size_t len)
{
	if (b->err)
		return false;
	if (len > b->max - b->pos)
		b->err = -ENOSPC;
	else if (len > b->size - b->pos)
		b->err = grow(b, b->pos + len);
	return b->err == 0;
}

void
buf_put(struct buf *b, const void *data, size_t len)
{
	if (len == 0 || !reserve(b, len))
		return;
	memcpy(b->data + b->pos, data, len);
	b->pos += len;
}

void
buf_put_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.data, s.len);
}

void
buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void
buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char line[512], *text = line;

	va_start(ap, fmt);
	int len = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof line) {
		va_start(ap, fmt);
		len = vasprintf(&text, fmt, ap);
		va_end(ap);
	}
	if (len < 0) { /* what vasprintf leaves in text is undefined then */
		if (!b->err)
			b->err = -ENOMEM;
		return;
	}
	buf_put(b, text, (size_t)len);
	if (text != line)
		free(text);
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->pos);
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->pos - n);
	b->pos -= n;
}

const char *
buf_text(struct buf *b)
{
	if (b->err)
		return "";
	if (b->grows && !b->data)
		return "";
	if (!b->grows && b->pos == b->size) {
		b->err = -ENOSPC; /* no room for the NUL */
		return "";
	}
	b->data[b->pos] = '\0';
	return (const char *)b->data;
}
