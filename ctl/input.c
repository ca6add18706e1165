/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
input_init(struct input *in, int fd)
{
	in->fd = fd;
	in->at = in->len = 0;
}

/* More bytes behind those that are there: how many, 0 at the end. */
static ssize_t
fill(struct input *in)
{
	ssize_t n;

	memmove(in->data, in->data + in->at, in->len - in->at);
	in->len -= in->at;
	in->at = 0;
	do
		n = read(in->fd, in->data + in->len, sizeof in->data - in->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	in->len += (size_t)n;
	return n;
}

int
input_peek(struct input *in, size_t n, struct slice *ret)
{
	while (in->len - in->at < n) {
		ssize_t got = fill(in);

		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
	}
	*ret = (struct slice){ in->data + in->at,
		in->len - in->at < n ? in->len - in->at : n };
	return 0;
}

/* What has been read, at least one byte unless the end has come. */
static int
some(struct input *in, struct slice *ret)
{
	ssize_t n = 0;

	if (in->at == in->len) {
		n = fill(in);
		if (n < 0)
			return (int)n;
	}
	*ret = (struct slice){ in->data + in->at, in->len - in->at };
	return 0;
}

int
input_read(struct input *in, size_t n, struct buf *dst)
{
	struct slice s;
	int err;

	buf_reset(dst);
	while (n > 0) {
		err = some(in, &s);
		if (err < 0)
			return err;
		if (s.len == 0)
			return dst->pos ? -ENODATA : 0;
		s.len = s.len < n ? s.len : n;
		buf_put_slice(dst, s);
		in->at += s.len;
		n -= s.len;
	}
	return dst->err ? dst->err : 1;
}

int
input_line(struct input *in, struct buf *dst)
{
	bool any = false, ends = false;
	struct slice s;
	int err;

	buf_reset(dst);
	while (!ends) {
		const uint8_t *end;

		err = some(in, &s);
		if (err < 0)
			return err;
		if (s.len == 0)
			break;
		any = true;
		end = memchr(s.data, '\n', s.len);
		ends = end != NULL;
		if (ends)
			s.len = (size_t)(end - s.data);
		if (!dst->err)
			buf_put_slice(dst, s);
		in->at += s.len + ends;
	}
	return dst->err ? dst->err : any;
}
