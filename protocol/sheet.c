/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/sheet.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_HEAD 16 /* bytes of a column besides labels and values */

static struct sheet_course *
add_course(struct sheet *s, struct slice labels)
{
	struct sheet_course *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->labels = malloc(labels.len ? labels.len : 1);
	if (!c->labels) {
		free(c);
		return NULL;
	}
	if (labels.len)
		memcpy(c->labels, labels.data, labels.len);
	c->labels_len = labels.len;
	s->course[s->courses++] = c;
	return c;
}

static struct slice
labels_of(const struct sheet_course *c)
{
	return (struct slice){ c->labels, c->labels_len };
}

static int
find_course(struct sheet *s, struct slice labels, size_t hint, struct sheet_course **ret)
{
	for (size_t i = 0; i < s->courses; i++) {
		*ret = s->course[(hint + i) % s->courses];
		if (slice_equal(labels_of(*ret), labels))
			return 0;
	}
	if (s->courses == QUERY_POINTS_MAX)
		return -E2BIG;
	*ret = add_course(s, labels);
	return *ret ? 0 : -ENOMEM;
}

int
sheet_put(struct sheet *s, struct slice labels, size_t hint, uint32_t step, double value)
{
	struct sheet_course *c;
	int err;

	if (isnan(value))
		return 0;
	err = find_course(s, labels, hint, &c);
	return err ? err : column_put(&c->column, step, value);
}

size_t
sheet_bytes(const struct sheet *s)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < s->courses; i++)
		bytes += COLUMN_HEAD + s->course[i]->labels_len +
		    (s->course[i]->column.bits.bits + 7) / 8;
	return bytes;
}

void
sheet_view(const struct sheet *s, struct fog_result *ret)
{
	for (ret->columns = 0; ret->columns < s->courses; ret->columns++) {
		const struct sheet_course *c = s->course[ret->columns];

		ret->column[ret->columns] = column_view(&c->column, labels_of(c));
	}
}

void
sheet_done(struct sheet *s)
{
	for (unsigned i = 0; i < s->courses; i++) {
		column_writer_done(&s->course[i]->column);
		free(s->course[i]->labels);
		free(s->course[i]);
	}
	s->courses = 0;
}
