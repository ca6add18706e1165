/* SPDX-License-Identifier: Apache-2.0
 *
 * A CBOR sequence (RFC 8742) of the items, as the daemon sent them. */
#include "ctl/output.h"

#include <errno.h>

static int
begin(struct printer *p)
{
	(void)p;
	return 0;
}

static int
item(struct printer *p, struct slice in)
{
	fwrite(in.data, 1, in.len, p->to);
	if (p->shape == SHAPE_STREAM)
		fflush(p->to);
	return 0;
}

static int
end(struct printer *p)
{
	return ferror(p->to) ? -EIO : 0;
}

const struct output output_cbor = { "--cbor", begin, item, end };
