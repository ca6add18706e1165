/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/spark.h"

#include <math.h>

#define LEVELS 8

void
spark_measure(const double *value, size_t len, struct spark_span *ret)
{
	*ret = (struct spark_span){
		.min = INFINITY, .max = -INFINITY, .last = len ? value[len - 1] : NAN
	};
	for (size_t i = 0; i < len; i++) {
		if (isnan(value[i]))
			continue;
		ret->min = fmin(ret->min, value[i]);
		ret->max = fmax(ret->max, value[i]);
		ret->sum += value[i];
		ret->known++;
	}
}

static double
mean(const double *value, size_t len)
{
	struct spark_span s;

	spark_measure(value, len, &s);
	return s.known ? s.sum / (double)s.known : NAN;
}

/* A course that does not move lies in the middle. */
static unsigned
level_of(double v, const struct spark_span *span)
{
	double share = (v - span->min) / (span->max - span->min);

	if (!(span->max > span->min))
		return LEVELS / 2 - 1;
	if (!(share > 0)) /* infinite ends too */
		return 0;
	return share < 1 ? (unsigned)(share * LEVELS) : LEVELS - 1;
}

void
spark_put(struct buf *out, const double *value, size_t len, size_t width,
    const struct spark_span *span)
{
	size_t cells = len < width ? len : width;

	for (size_t i = 0; i < cells; i++) {
		size_t begin = i * len / cells, end = (i + 1) * len / cells;
		double v = mean(value + begin, end - begin);

		if (isnan(v))
			buf_puts(out, " ");
		else /* U+2581 and those behind it */
			buf_printf(out, "\xe2\x96%c", 0x81 + (int)level_of(v, span));
	}
}
