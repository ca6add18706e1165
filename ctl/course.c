/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/course.h"
#include "base/cbor.h"
#include "ctl/output.h"

#include <errno.h>
#include <math.h>

#define ITEMS_MAX 100000

static void
read_text(struct cbor_reader *r, char *dst, size_t size)
{
	dst[0] = '\0';
	if (rd_peek(r) == RD_TEXT)
		(void)!slice_copy(rd_text(r), dst, size);
	else
		rd_skip(r);
}

static size_t
count_values(struct slice values)
{
	struct cbor_reader r;
	size_t n = 0;

	rd_init(&r, values, ITEMS_MAX);
	rd_enter_array(&r);
	for (; rd_more(&r); n++)
		rd_skip(&r);
	return n;
}

static int
read_values(struct slice values, struct course *ret)
{
	size_t n = count_values(values);
	struct cbor_reader r;

	ret->value = malloc((n ? n : 1) * sizeof *ret->value);
	if (!ret->value)
		return -ENOMEM;
	rd_init(&r, values, ITEMS_MAX);
	rd_enter_array(&r);
	while (rd_more(&r) && ret->len < n) {
		bool known = rd_peek(&r) != RD_NULL;

		ret->value[ret->len++] = known ? rd_number(&r) : NAN;
		if (!known)
			rd_null(&r);
	}
	rd_leave(&r);
	return rd_done(&r) ? -EBADMSG : 0;
}

static void
read_member(
    struct cbor_reader *r, struct slice key, struct course *ret, struct slice *ret_values)
{
	if (slice_is(key, "node"))
		read_text(r, ret->node, sizeof ret->node);
	else if (slice_is(key, "expression"))
		read_text(r, ret->expression, sizeof ret->expression);
	else if (slice_is(key, "unit"))
		read_text(r, ret->unit, sizeof ret->unit);
	else if (slice_is(key, "unknown"))
		read_text(r, ret->unknown, sizeof ret->unknown);
	else if (slice_is(key, "start_ms"))
		ret->start_ms = rd_int(r);
	else if (slice_is(key, "step_ms"))
		ret->step_ms = rd_int(r);
	else if (slice_is(key, "labels"))
		ret->labels = rd_raw(r);
	else if (slice_is(key, "values"))
		*ret_values = rd_raw(r);
	else
		rd_skip(r);
}

/* Of all nodes at once each series says itself whose it is. */
static void
take_node(struct course *ret)
{
	struct slice node = item_member(ret->labels, "node");
	struct cbor_reader r;

	rd_init(&r, node, 2);
	if (node.len && rd_peek(&r) == RD_TEXT)
		read_text(&r, ret->node, sizeof ret->node);
}

int
course_read(struct slice item, struct course *ret)
{
	struct slice values = { 0 }, key;
	struct cbor_reader r;
	int err;

	*ret = (struct course){ .step_ms = 0 };
	rd_init(&r, item, ITEMS_MAX);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key))
		read_member(&r, key, ret, &values);
	rd_leave(&r);
	if (rd_done(&r) || !values.len)
		return -EBADMSG;
	take_node(ret);
	err = read_values(values, ret);
	if (err)
		course_done(ret);
	return err;
}

void
course_done(struct course *c)
{
	free(c->value);
	c->value = NULL;
}
