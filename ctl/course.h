/* SPDX-License-Identifier: Apache-2.0
 *
 * A series over a range, as the daemon shows it (protocol/display.h), with its values as numbers. */
#pragma once
#include "base/buf.h"

struct course {
	struct slice labels;	 /* a map; borrowed from the item */
	char node[64], unit[40]; /* "": none */
	char expression[1100], unknown[200];
	int64_t start_ms, step_ms; /* wall, of the first value */
	double *value;		   /* heap; NaN: unknown */
	size_t len;
};
/* -EBADMSG: this is none; -ENOMEM. */
int course_read(struct slice item, struct course *ret) MUST_CHECK;
void course_done(struct course *c);
