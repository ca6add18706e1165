/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests and their arguments as bytes. */
#include "base/ctl_wire.h"

#include <errno.h>

#include "base/ctl.h"

static const uint8_t empty_map[] = { 0xa0 };

void
ctl_request_put(struct buf *out, const char *command, struct slice args)
{
	wr_map(out, 2);
	wr_key_text(out, "command", command);
	wr_text(out, "args");
	wr_raw(out, args.len ? args : (struct slice){ empty_map, sizeof empty_map });
}

int
ctl_request_parse(
    struct slice item, char *ret_command, size_t size, struct slice *ret_args)
{
	struct cbor_reader r;
	struct slice key;
	bool named = false, given = false;

	*ret_args = (struct slice){ empty_map, sizeof empty_map };
	rd_init(&r, item, CTL_ITEMS_MAX);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key)) {
		bool is_command = slice_is(key, "command"),
		     is_args = slice_is(key, "args");

		if ((is_command && named) || (is_args && given) ||
		    (is_args && rd_peek(&r) != RD_MAP)) {
			rd_fail(&r, -EBADMSG);
		} else if (is_command) {
			rd_text_copy(&r, ret_command, size);
			named = true;
		} else if (is_args) {
			*ret_args = rd_raw(&r);
			given = true;
		} else {
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	return rd_done(&r) < 0 || !named ? -EBADMSG : 0;
}

/* Stops before the value of that name. */
static bool
find_arg(struct cbor_reader *r, struct slice args, const char *name)
{
	struct slice key;

	rd_init(r, args, CTL_ITEMS_MAX);
	rd_enter_map(r);
	while (rd_next_text_key(r, &key)) {
		if (slice_is(key, name))
			return true;
		rd_skip(r);
	}
	return false;
}

bool
ctl_arg_text(struct slice args, const char *name, char *dst, size_t size)
{
	struct cbor_reader r;

	if (!find_arg(&r, args, name))
		return false;
	rd_text_copy(&r, dst, size);
	return !r.err;
}

bool
ctl_arg_int(struct slice args, const char *name, int64_t *ret)
{
	struct cbor_reader r;
	int64_t v;

	if (!find_arg(&r, args, name))
		return false;
	v = rd_int(&r);
	if (r.err)
		return false;
	*ret = v;
	return true;
}

bool
ctl_arg_bool(struct slice args, const char *name)
{
	struct cbor_reader r;

	return find_arg(&r, args, name) && rd_bool(&r) && !r.err;
}
