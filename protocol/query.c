/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/query.h"
#include "protocol/value.h"
#include <errno.h>
#include <string.h>

enum query_key {
	KEY_PROGRAM = 1,
	KEY_START_AGE,
	KEY_END_AGE,
	KEY_STEP,
	KEY_PATTERN,
};
enum result_key {
	KEY_NOW = 1,
	KEY_WALL,
	KEY_UNIT,
	KEY_UNKNOWN,
	KEY_POINTS,
	KEY_START,
	KEY_RANGE_STEP,
	KEY_COLUMNS,
};
#define RANGE_KEYS	(KEY(KEY_START) | KEY(KEY_RANGE_STEP) | KEY(KEY_COLUMNS))
#define RESULT_REQUIRED (KEY(KEY_NOW) | KEY(KEY_POINTS))

/* --- ranges ------------------------------------------------------------------------------------ */
uint32_t
query_range_steps(const struct query_range *r, const char **ret_why)
{
	*ret_why = NULL;
	if (r->step_ms < 1 || r->step_ms > QUERY_AGE_MAX_MS)
		*ret_why = "the step of a range has 1 ms at least";
	else if (r->start_age_ms > QUERY_AGE_MAX_MS)
		*ret_why = "a range begins 400 days ago at the earliest";
	else if (r->end_age_ms < 0)
		*ret_why = "a range cannot end in the future";
	else if (r->start_age_ms < r->end_age_ms)
		*ret_why = "a range cannot end before it begins";
	else if ((r->start_age_ms - r->end_age_ms) / r->step_ms >= QUERY_STEPS_MAX)
		*ret_why = "a range has 11000 points at most: make it shorter, or its "
			   "step longer";
	if (*ret_why)
		return 0;
	return (uint32_t)((r->start_age_ms - r->end_age_ms) / r->step_ms) + 1;
}

/* --- query ------------------------------------------------------------------------------------- */
static void
put_range(struct buf *out, const struct query_range *r)
{
	if (!r->step_ms)
		return;
	wr_uint(out, KEY_START_AGE);
	wr_uint(out, (uint64_t)r->start_age_ms);
	if (r->end_age_ms) {
		wr_uint(out, KEY_END_AGE);
		wr_uint(out, (uint64_t)r->end_age_ms);
	}
	wr_uint(out, KEY_STEP);
	wr_uint(out, (uint64_t)r->step_ms);
}

void
fog_query_encode(const struct fog_query *q, struct buf *out)
{
	bool range = q->range.step_ms != 0, list = q->pattern[0] != '\0';

	wr_map(out, 1u + (range ? 2u + !!q->range.end_age_ms : 0) + list);
	wr_uint(out, KEY_PROGRAM);
	if (list)
		wr_array(out, 0);
	else
		wr_raw(out, q->program);
	put_range(out, &q->range);
	if (list) {
		wr_uint(out, KEY_PATTERN);
		wr_text(out, q->pattern);
	}
}

/* Start and step go together, and make a range that can be walked. */
static void
check_range(struct cbor_reader *r, uint64_t seen, const struct query_range *range)
{
	const uint64_t both = KEY(KEY_START_AGE) | KEY(KEY_STEP);
	const char *why;

	if (!(seen & (both | KEY(KEY_END_AGE))))
		return;
	if ((seen & both) != both || !query_range_steps(range, &why))
		rd_fail(r, -EBADMSG);
}

int
fog_query_decode(struct slice value, struct fog_query *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_PROGRAM:
			ret->program = value_raw(&r, RD_ARRAY, QUERY_PROGRAM_MAX);
			break;
		case KEY_START_AGE:
			ret->range.start_age_ms =
			    (int64_t)rd_uint_max(&r, QUERY_AGE_MAX_MS);
			break;
		case KEY_END_AGE:
			ret->range.end_age_ms =
			    (int64_t)rd_uint_max(&r, QUERY_AGE_MAX_MS);
			break;
		case KEY_STEP:
			ret->range.step_ms = (int64_t)rd_uint_max(&r, QUERY_AGE_MAX_MS);
			break;
		case KEY_PATTERN:
			value_text_copy(&r, ret->pattern, sizeof ret->pattern);
			break;
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	check_range(&r, seen, &ret->range);
	return value_done(&r, seen, KEY(KEY_PROGRAM));
}

/* --- result ------------------------------------------------------------------------------------ */
static void
put_point(struct buf *out, const struct query_point *p)
{
	wr_array(out, 5);
	value_put_labels(out, p->labels);
	value_put_number(out, p->value);
	wr_uint(out, p->samples);
	wr_uint(out, (uint64_t)p->oldest_ms);
	wr_uint(out, (uint64_t)p->newest_ms);
}

static void
put_columns(struct buf *out, const struct fog_result *r)
{
	wr_uint(out, KEY_START);
	wr_int(out, r->start_ms);
	wr_uint(out, KEY_RANGE_STEP);
	wr_uint(out, (uint64_t)r->step_ms);
	wr_uint(out, KEY_COLUMNS);
	wr_array(out, r->columns);
	for (unsigned i = 0; i < r->columns; i++) {
		const struct query_column *c = &r->column[i];

		wr_array(out, 4);
		value_put_labels(out, c->labels);
		wr_uint(out, c->first);
		wr_uint(out, c->len);
		wr_bytes(out, c->packed.data, c->packed.len);
	}
}

void
fog_result_encode(const struct fog_result *r, struct buf *out)
{
	wr_map(out,
	    2u + !!r->wall_ms + !!r->unit[0] + !!r->unknown[0] + (r->step_ms ? 3 : 0));
	wr_uint(out, KEY_NOW);
	wr_uint(out, (uint64_t)r->now_ms);
	if (r->wall_ms) {
		wr_uint(out, KEY_WALL);
		wr_uint(out, (uint64_t)r->wall_ms);
	}
	if (r->unit[0]) {
		wr_uint(out, KEY_UNIT);
		wr_text(out, r->unit);
	}
	if (r->unknown[0]) {
		wr_uint(out, KEY_UNKNOWN);
		wr_text(out, r->unknown);
	}
	wr_uint(out, KEY_POINTS);
	wr_array(out, r->points);
	for (unsigned i = 0; i < r->points; i++)
		put_point(out, &r->point[i]);
	if (r->step_ms)
		put_columns(out, r);
}

static void
read_point(struct cbor_reader *r, struct query_point *ret)
{
	rd_enter_array(r);
	ret->labels = value_labels(r);
	ret->value = value_number(r);
	ret->samples = (uint32_t)rd_uint_max(r, UINT32_MAX);
	ret->oldest_ms = value_time(r);
	ret->newest_ms = value_time(r);
	rd_leave(r);
}

static void
read_points(struct cbor_reader *r, struct fog_result *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->points == QUERY_POINTS_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		read_point(r, &ret->point[ret->points++]);
	}
	rd_leave(r);
}

static void
read_column(struct cbor_reader *r, struct query_column *ret)
{
	rd_enter_array(r);
	ret->labels = value_labels(r);
	ret->first = (uint32_t)rd_uint_max(r, QUERY_STEPS_MAX);
	ret->len = (uint32_t)rd_uint_max(r, QUERY_STEPS_MAX - ret->first);
	ret->packed = value_bytes(r, QUERY_COLUMNS_BYTES_MAX);
	rd_leave(r);
}

/* Points and columns share their place: a result has one kind of them. */
static void
read_columns(struct cbor_reader *r, struct fog_result *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->columns == QUERY_POINTS_MAX || ret->points) {
			rd_fail(r, -EBADMSG);
			break;
		}
		read_column(r, &ret->column[ret->columns++]);
	}
	rd_leave(r);
}

static void
check_columns(struct cbor_reader *r, uint64_t seen, const struct fog_result *ret)
{
	if ((seen & RANGE_KEYS) && ((seen & RANGE_KEYS) != RANGE_KEYS || !ret->step_ms))
		rd_fail(r, -EBADMSG);
}

int
fog_result_decode(struct slice value, struct fog_result *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_NOW:
			ret->now_ms = value_time(&r);
			break;
		case KEY_WALL:
			ret->wall_ms = value_time(&r);
			break;
		case KEY_UNIT:
			value_text_copy(&r, ret->unit, sizeof ret->unit);
			break;
		case KEY_UNKNOWN:
			value_text_copy(&r, ret->unknown, sizeof ret->unknown);
			break;
		case KEY_POINTS:
			read_points(&r, ret);
			break;
		case KEY_START:
			ret->start_ms = rd_int(&r);
			if (ret->start_ms > VALUE_TIME_MAX ||
			    ret->start_ms < -QUERY_AGE_MAX_MS)
				rd_fail(&r, -EBADMSG);
			break;
		case KEY_RANGE_STEP:
			ret->step_ms = (int64_t)rd_uint_max(&r, QUERY_AGE_MAX_MS);
			break;
		case KEY_COLUMNS:
			read_columns(&r, ret);
			break;
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	check_columns(&r, seen, ret);
	return value_done(&r, seen, RESULT_REQUIRED);
}
