/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the loop count of a multicast stands: the one part of it that changes on its way. */
#pragma once
#include "base/slice.h"

struct loop_count {
	size_t at, end; /* of its bytes in the message */
	uint8_t count;
};
/* That of the first objective. -EBADMSG: no M_DISCOVERY and no M_FLOOD. */
int loop_count_find(struct slice message, struct loop_count *ret) MUST_CHECK;
