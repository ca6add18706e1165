/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges as people and programs read them: a table with the course of each series, what the HTTP API of
 * Prometheus answers to query_range, comma-separated values. Embedded in who prints. */
#pragma once
#include "ctl/course.h"
#include "ctl/output.h"

struct range_printer {
	struct printer *printer;
	unsigned series;     /* so far */
	struct buf warnings; /* of JSON */
	const struct command *before;
};
void range_begin(struct range_printer *r, struct printer *p);
int range_item(struct range_printer *r, struct slice item) MUST_CHECK;
int range_end(struct range_printer *r) MUST_CHECK;
