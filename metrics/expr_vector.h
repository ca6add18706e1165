/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies on the evaluator's stack, and what two of them or the groups of one give. All labels
 * of a result are some of those of a series, so an element points at them and masks the rest. */
#pragma once
#include "metrics/expr_memory.h"
#include "metrics/expr_program.h"
#include "metrics/series.h"

#define EXPR_REASON_MAX 128
#define EXPR_UNIT_MAX	32

struct expr_element {
	const struct metric_labels *labels;
	uint8_t mask; /* bit i: pair i of labels counts */
	double value;
	uint32_t samples;
	int64_t newest_ms, oldest_ms;
	uint32_t first, len; /* of a range: where its samples are */
};
struct expr_operand {
	char type;    /* 's' (one element), 'v' or 'r' */
	bool literal; /* a number without a unit of its own */
	char unit[EXPR_UNIT_MAX];
	char reason[EXPR_REASON_MAX];	  /* why it is empty, or not a number */
	char metric[METRIC_NAME_MAX + 1]; /* of a selection */
	int64_t window_ms;
	size_t len;
	struct expr_element *element;
};
/* What one evaluation may use of time and space (S-22), and where it takes it from. */
struct expr_bounds {
	size_t series, work, samples;
};
struct expr_space {
	struct expr_memory *memory;
	const struct expr_bounds *bounds;
};
int expr_operand_room(const struct expr_space *space, struct expr_operand *o, size_t len)
    MUST_CHECK; /* -E2BIG, -ENOMEM */

/* left becomes the result. -ECANCELED: no result whatever surrounds it, for left->reason. */
int expr_vector_binary(const struct expr_space *space, const struct expr_step *s,
    struct expr_operand *left, struct expr_operand *right) MUST_CHECK;
int expr_vector_aggregate(const struct expr_space *space, const struct expr_step *s,
    double parameter, struct expr_operand *o) MUST_CHECK;
void expr_unit_binary(uint8_t op, const struct expr_operand *left,
    const struct expr_operand *right, char unit[EXPR_UNIT_MAX]);
