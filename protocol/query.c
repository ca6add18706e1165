/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/query.h"
#include "protocol/value.h"
#include <errno.h>
#include <string.h>

enum query_key {
	KEY_PROGRAM = 1,
};
enum result_key {
	KEY_NOW = 1,
	KEY_WALL,
	KEY_UNIT,
	KEY_UNKNOWN,
	KEY_POINTS,
};
#define RESULT_REQUIRED (KEY(KEY_NOW) | KEY(KEY_POINTS))

void
fog_query_encode(const struct fog_query *q, struct buf *out)
{
	wr_map(out, 1);
	wr_uint(out, KEY_PROGRAM);
	wr_raw(out, q->program);
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
		if (key == KEY_PROGRAM)
			ret->program = value_raw(&r, RD_ARRAY, QUERY_PROGRAM_MAX);
		else
			rd_skip(&r);
	}
	rd_leave(&r);
	return value_done(&r, seen, KEY(KEY_PROGRAM));
}

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

void
fog_result_encode(const struct fog_result *r, struct buf *out)
{
	wr_map(out, 2u + !!r->wall_ms + !!r->unit[0] + !!r->unknown[0]);
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
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	return value_done(&r, seen, RESULT_REQUIRED);
}
