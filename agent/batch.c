/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/batch.h"

#include <errno.h>

#define TEXT_MAX (256 << 10)

/* The texts have moved. */
static void
follow(struct batch *b, const uint8_t *before)
{
	for (size_t i = 0; i < b->len; i++) {
		struct report_point *p = &b->point[i];

		if (p->labels.len)
			p->labels.data = b->text + (p->labels.data - before);
		if (p->reason.len)
			p->reason.data = b->text + (p->reason.data - before);
	}
}

static int
grow_text(struct batch *b, size_t len)
{
	size_t size = b->text_size ? b->text_size : 1024;
	uint8_t *more;

	if (b->text_len + len <= b->text_size)
		return 0;
	while (size < b->text_len + len)
		size *= 2;
	if (size > TEXT_MAX)
		return -ENOBUFS;
	more = malloc(size);
	if (!more)
		return -ENOMEM;
	if (b->text_len)
		memcpy(more, b->text, b->text_len);
	uint8_t *before = b->text;
	b->text = more;
	b->text_size = size;
	follow(b, before);
	free(before);
	return 0;
}

static int
grow_points(struct batch *b)
{
	size_t size = b->size ? 2 * b->size : 64;
	struct report_point *more;

	if (b->len < b->size)
		return 0;
	if (b->len == BATCH_MAX)
		return -ENOBUFS;
	more = realloc(b->point, size * sizeof *more);
	if (!more)
		return -ENOMEM;
	b->point = more;
	b->size = size;
	return 0;
}

static struct slice
copy_text(struct batch *b, struct slice text)
{
	struct slice copy = { 0 };

	if (!text.len)
		return copy;
	copy = (struct slice){ b->text + b->text_len, text.len };
	memcpy(b->text + b->text_len, text.data, text.len);
	b->text_len += text.len;
	return copy;
}

int
batch_add(struct batch *b, const struct report_point *p)
{
	int err = grow_points(b);

	if (!err)
		err = grow_text(b, p->labels.len + p->reason.len);
	if (err < 0)
		return err;
	struct report_point *own = &b->point[b->len++];
	*own = *p;
	own->labels = copy_text(b, p->labels);
	own->reason = copy_text(b, p->reason);
	return 0;
}

void
batch_clear(struct batch *b)
{
	b->len = b->text_len = 0;
}

void
batch_drop(struct batch *b, size_t n)
{
	if (n >= b->len) {
		batch_clear(b);
		return;
	}
	memmove(b->point, b->point + n, (b->len - n) * sizeof *b->point);
	b->len -= n;
}

void
batch_done(struct batch *b)
{
	free(b->point);
	free(b->text);
	*b = (struct batch){ 0 };
}
