/* SPDX-License-Identifier: Apache-2.0
 *
 * The course of values in one line of text: ▁▂▃▄▅▆▇█, a blank where nothing is known. */
#pragma once
#include "base/buf.h"

struct spark_span {
	double min, max, sum, last; /* of what is known; last may be NaN */
	size_t known;		    /* 0: the others say nothing */
};
void spark_measure(const double *value, size_t len, struct spark_span *ret);
/* At most width characters; more values than that are put together by their mean. */
void spark_put(struct buf *out, const double *value, size_t len, size_t width,
    const struct spark_span *span);
