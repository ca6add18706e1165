/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_scratch.h"
#include <errno.h>
#include <stdlib.h>

#define SAMPLES_KEPT 8192 /* two hours of seconds */
#define BYTES_KEPT   (128 << 10)

void
expr_scratch_done(struct expr_scratch *scratch)
{
	expr_memory_reset(&scratch->memory, 0);
	free(scratch->sample);
	free(scratch->value);
	*scratch = (struct expr_scratch){ 0 };
}

int
expr_scratch_samples(struct expr_scratch *scratch, size_t room)
{
	struct sample *sample;

	if (room <= scratch->samples_room)
		return 0;
	sample = realloc(scratch->sample, room * sizeof *sample);
	if (!sample)
		return -ENOMEM;
	scratch->sample = sample;
	scratch->samples_room = room;
	return 0;
}

void
expr_scratch_trim(struct expr_scratch *scratch)
{
	expr_memory_reset(&scratch->memory, BYTES_KEPT);
	if (scratch->samples_room > SAMPLES_KEPT) {
		free(scratch->sample);
		scratch->sample = NULL;
		scratch->samples_room = 0;
	}
}

/* --- results --------------------------------------------------------------------------- */

int
expr_result_room(struct expr_result *r, struct expr_scratch *scratch, size_t len)
{
	if (scratch->value && scratch->values_room >= len) {
		r->value = scratch->value;
		r->room = scratch->values_room;
		scratch->value = NULL;
		return 0;
	}
	r->room = len ? len : 1;
	r->value = malloc(r->room * sizeof *r->value);
	return r->value ? 0 : -ENOMEM;
}

void
expr_result_done(struct expr_result *r)
{
	struct expr_scratch *scratch = r->scratch;

	if (r->value && scratch && (!scratch->value || scratch->values_room < r->room) &&
	    r->room * sizeof *r->value <= BYTES_KEPT) {
		free(scratch->value);
		scratch->value = r->value;
		scratch->values_room = r->room;
	} else {
		free(r->value);
	}
	r->value = NULL;
	r->len = 0;
}
