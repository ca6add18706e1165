/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that evaluations use one after the other, so that one which has been done before allocates
 * nothing. Whoever evaluates again and again owns one (the sampler does); it must outlive the results,
 * whose memory it takes back. */
#pragma once
#include "metrics/expr_vector.h"

#define EXPR_SPARE_MAX 8

struct expr_scratch {
	struct sample *sample; /* of all ranges, one behind the other */
	double *number;
	size_t samples_room, numbers_room;
	struct {
		struct expr_element *element;
		size_t room;
	} spare[EXPR_SPARE_MAX];  /* operands that are not in use */
	struct expr_value *value; /* of a result that is done */
	size_t values_room;
};

void expr_scratch_done(struct expr_scratch *scratch); /* zero it to begin */
int expr_scratch_samples(struct expr_scratch *scratch, size_t room) MUST_CHECK;
int expr_scratch_numbers(struct expr_scratch *scratch, size_t room) MUST_CHECK;
int expr_result_room(struct expr_result *r, struct expr_scratch *scratch, size_t len)
    MUST_CHECK;
/* Gives back what an unusually long window has taken. */
void expr_scratch_trim(struct expr_scratch *scratch);
