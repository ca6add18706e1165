/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that evaluations use one after the other, so that one which has been done before allocates
 * nothing. Whoever evaluates again and again owns one (the sampler does); it must outlive the results,
 * whose memory it takes back. */
#pragma once
#include "metrics/expr_memory.h"
#include "metrics/expr_vector.h"

struct expr_scratch {
	struct sample *sample; /* of all ranges, one behind the other */
	size_t samples_room;
	struct expr_memory memory; /* of all else while an evaluation runs */
	struct expr_value *value;  /* of a result that is done */
	size_t values_room;
};

void expr_scratch_done(struct expr_scratch *scratch); /* zero it to begin */
int expr_scratch_samples(struct expr_scratch *scratch, size_t room) MUST_CHECK;
int expr_result_room(struct expr_result *r, struct expr_scratch *scratch, size_t len)
    MUST_CHECK;
/* After an evaluation: ready for the next, without what an unusually long one has taken. */
void expr_scratch_trim(struct expr_scratch *scratch);
