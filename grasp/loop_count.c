/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/loop_count.h"

#include <errno.h>

#include "base/cbor.h"
#include "grasp/const.h"

int
loop_count_find(struct slice message, struct loop_count *ret)
{
	UNSET struct cbor_reader r;
	uint64_t type;

	rd_init(&r, message, 0);
	rd_enter_array(&r);
	type = rd_uint(&r);
	rd_uint(&r);
	rd_bytes(&r);
	if (type == M_FLOOD) {
		rd_uint(&r); /* ttl */
		while (rd_more(&r) && rd_peek(&r) != RD_ARRAY)
			rd_skip(&r);
		rd_enter_array(&r);
	} else if (type != M_DISCOVERY) {
		rd_fail(&r, -EBADMSG);
	}
	rd_enter_array(&r);
	rd_text(&r);
	rd_uint(&r);
	ret->at = r.pos;
	ret->count = (uint8_t)rd_uint_max(&r, UINT8_MAX);
	ret->end = r.pos;
	return r.err < 0 ? -EBADMSG : 0;
}
