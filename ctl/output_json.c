/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "ctl/output.h"

#include <errno.h>

#define ITEM_MAX (4u << 20)
#define INDENT	 2

static bool
in_array(const struct printer *p)
{
	return p->shape == SHAPE_LIST || p->shape == SHAPE_LINES;
}

/* A refused request leaves nothing on standard output: the array begins with its first item. */
static int
begin(struct printer *p)
{
	(void)p;
	return 0;
}

static int
item(struct printer *p, struct slice in)
{
	struct buf text;
	int err;

	buf_init(&text, ITEM_MAX);
	err = json_put_cbor(&text, in, p->shape == SHAPE_STREAM ? 0 : INDENT);
	if (!err) {
		if (in_array(p))
			fputs(p->items ? ",\n" : "[\n", p->to);
		fwrite(text.data, 1, text.pos, p->to);
		if (!in_array(p))
			fputc('\n', p->to);
	}
	buf_done(&text);
	if (p->shape == SHAPE_STREAM)
		fflush(p->to);
	return err;
}

static int
end(struct printer *p)
{
	if (in_array(p))
		fputs(p->items ? "\n]\n" : "[]\n", p->to);
	return ferror(p->to) ? -EIO : 0;
}

const struct output output_json = { "--json", begin, item, end };
