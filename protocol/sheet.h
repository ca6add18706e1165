/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns of a range while they grow: at each step, the value of each series. Embedded in whoever
 * computes the range; zeroed at the beginning. */
#pragma once
#include "protocol/query.h"

struct sheet_course {
	uint8_t *labels; /* encoded */
	size_t labels_len;
	struct column_writer column;
};
struct sheet {
	struct sheet_course *course[QUERY_POINTS_MAX];
	uint16_t courses;
};
/* Steps ascend. hint: which series of the step before it probably is. NaN is unknown, as what is left out.
 * -E2BIG: too many series; -ENOMEM. */
int sheet_put(struct sheet *s, struct slice labels, size_t hint, uint32_t step,
    double value) MUST_CHECK;
size_t sheet_bytes(const struct sheet *s); /* of a result, roughly */
/* The columns into ret, which then borrows from the sheet. */
void sheet_view(const struct sheet *s, struct fog_result *ret);
void sheet_done(struct sheet *s);
