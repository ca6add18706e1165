/* SPDX-License-Identifier: Apache-2.0
 *
 * Points on their way from the plan into a report: copies of them, with the labels and reasons that they
 * borrow. Emptied and filled again without allocation. Embedded: batch_done() ends it. */
#pragma once
#include "protocol/report.h"

#define BATCH_MAX 2048 /* points */

struct batch {
	struct report_point *point;
	size_t len, size;
	uint8_t *text; /* of labels and reasons */
	size_t text_len, text_size;
};

int
batch_add(struct batch *b, const struct report_point *p) MUST_CHECK; /* -ENOBUFS: full */
void batch_clear(struct batch *b); /* keeps its memory */
void
batch_drop(struct batch *b, size_t n); /* the first ones; texts stay until it is empty */
void batch_done(struct batch *b);
