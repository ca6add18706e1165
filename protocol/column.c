/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/query.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES_MAX 16 /* more than one value ever takes */
#define BYTES_AT_FIRST	32

void
column_open(const struct query_column *c, struct column_reader *ret)
{
	*ret = (struct column_reader){ .bits = { .data = c->packed }, .left = c->len };
}

/* What is not there is unknown, as what was not measured. */
bool
column_next(struct column_reader *r, double *ret)
{
	if (!r->left)
		return false;
	r->left--;
	*ret = unpack_value(&r->state, &r->bits);
	if (r->bits.failed)
		*ret = NAN;
	return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int
make_room(struct bit_writer *w)
{
	size_t used = (w->bits + 7) / 8;
	size_t size = w->size ? 2 * w->size : BYTES_AT_FIRST;
	uint8_t *data;

	if (w->size >= used + VALUE_BYTES_MAX)
		return 0;
	data = calloc(1, size);
	if (!data)
		return -ENOMEM;
	if (used)
		memcpy(data, w->data, used);
	free(w->data);
	w->data = data;
	w->size = size;
	return 0;
}

static int
append(struct column_writer *w, double value)
{
	int err = make_room(&w->bits);

	if (err)
		return err;
	pack_value(&w->state, &w->bits, value);
	w->len++;
	return 0;
}

int
column_put(struct column_writer *w, uint32_t step, double value)
{
	int err = 0;

	if (isnan(value))
		return 0;
	if (!w->len)
		w->first = step;
	while (!err && w->first + w->len < step)
		err = append(w, NAN);
	return err ? err : append(w, value);
}

struct query_column
column_view(const struct column_writer *w, struct slice labels)
{
	return (struct query_column){ .labels = labels,
		.first = w->first,
		.len = w->len,
		.packed = { w->bits.data, (w->bits.bits + 7) / 8 } };
}

void
column_writer_done(struct column_writer *w)
{
	free(w->bits.data);
	w->bits.data = NULL;
}
