/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_scratch.h"
#include <errno.h>
#include <stdlib.h>

#define SAMPLES_KEPT 8192 /* two hours of seconds */
#define BLOCK	     8	  /* elements of an operand come in multiples */

void
expr_scratch_done(struct expr_scratch *scratch)
{
	for (size_t i = 0; i < EXPR_SPARE_MAX; i++)
		free(scratch->spare[i].element);
	free(scratch->sample);
	free(scratch->number);
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

int
expr_scratch_numbers(struct expr_scratch *scratch, size_t room)
{
	double *number;

	if (room <= scratch->numbers_room)
		return 0;
	number = realloc(scratch->number, room * sizeof *number);
	if (!number)
		return -ENOMEM;
	scratch->number = number;
	scratch->numbers_room = room;
	return 0;
}

void
expr_scratch_trim(struct expr_scratch *scratch)
{
	if (scratch->samples_room > SAMPLES_KEPT) {
		free(scratch->sample);
		scratch->sample = NULL;
		scratch->samples_room = 0;
	}
	if (scratch->numbers_room > SAMPLES_KEPT) {
		free(scratch->number);
		scratch->number = NULL;
		scratch->numbers_room = 0;
	}
}

/* --- operands -------------------------------------------------------------------------- */

void
expr_operand_done(struct expr_operand *o)
{
	struct expr_scratch *scratch = o->scratch;

	for (size_t i = 0; o->element && i < EXPR_SPARE_MAX; i++)
		if (!scratch->spare[i].element) {
			scratch->spare[i].element = o->element;
			scratch->spare[i].room = o->room;
			o->element = NULL;
		}
	free(o->element);
	o->element = NULL;
	o->len = 0;
}

static bool
take_spare(struct expr_operand *o, size_t len)
{
	struct expr_scratch *scratch = o->scratch;

	for (size_t i = 0; i < EXPR_SPARE_MAX; i++)
		if (scratch->spare[i].element && scratch->spare[i].room >= len) {
			o->element = scratch->spare[i].element;
			o->room = scratch->spare[i].room;
			scratch->spare[i].element = NULL;
			return true;
		}
	return false;
}

int
expr_operand_room(struct expr_operand *o, size_t len)
{
	if (len > EXPR_VECTOR_MAX)
		return -E2BIG;
	if (take_spare(o, len))
		return 0;
	o->room = (len / BLOCK + 1) * BLOCK;
	o->element = calloc(o->room, sizeof *o->element);
	return o->element ? 0 : -ENOMEM;
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
	r->value = calloc(r->room, sizeof *r->value);
	return r->value ? 0 : -ENOMEM;
}

void
expr_result_done(struct expr_result *r)
{
	struct expr_scratch *scratch = r->scratch;

	if (r->value && scratch && (!scratch->value || scratch->values_room < r->room)) {
		free(scratch->value);
		scratch->value = r->value;
		scratch->values_room = r->room;
	} else {
		free(r->value);
	}
	r->value = NULL;
	r->len = 0;
}
