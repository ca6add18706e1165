/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside judge_show*.c: items of an answer on the control socket. */
#pragma once
#include "base/cbor.h"
#include "base/clock.h"
#include "base/ctl.h"
#include <math.h>

#define ITEM_MAX 65536

static inline void
begin_item(struct buf *b, unsigned pairs)
{
	buf_init(b, ITEM_MAX);
	wr_map(b, pairs);
}

static inline void
send_item(struct ctl_request *req, struct buf *b)
{
	if (!b->err)
		ctl_send(req, buf_slice(b));
	buf_done(b);
}

static inline void
put_time(struct buf *b, const char *key, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	wr_key_text(b, key, wall_ms ? clock_format(wall_ms, text) : NULL);
}

/* No number of JSON is infinite: what is not in sight is null, like what is not known. */
static inline void
put_finite(struct buf *b, const char *key, double v)
{
	wr_key_double(b, key, isfinite(v) ? v : NAN);
}

static inline void
put_seconds(struct buf *b, const char *key, int64_t ms)
{
	wr_key_double(b, key, (double)ms / 1e3);
}

static inline const char *
or_null(const char *text)
{
	return text && *text ? text : NULL;
}
